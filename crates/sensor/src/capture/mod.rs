//! Where frames come from: capture files and live interfaces.

pub(crate) mod duplicates;
pub(crate) mod fanout;
pub mod file;
pub(crate) mod filter;
pub(crate) mod live;
pub(crate) mod sys;
