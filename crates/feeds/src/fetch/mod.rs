//! From a place on the web to a file: conditional, within limits of time and size, certificates always verified.

mod client;
mod retry;

pub use client::{Client, ClientSettings, FetchError, Fetched, Limits, Validators};
pub use retry::{Patience, Stop};
