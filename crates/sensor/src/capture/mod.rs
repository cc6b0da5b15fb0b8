//! Where frames come from: capture files and live interfaces.

pub mod file;
pub(crate) mod filter;
