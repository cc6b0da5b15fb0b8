//! The record: files in the log directory, which are what an event is kept in. The store beside is made of them.
//!
//! ```text
//! events-YYYY-MM-DD.jsonl     journals of a sensor on this machine          read, followed
//! received-YYYY-MM-DD.jsonl   the server's own journal                      written (Record::append), read
//! YYYY-MM-DD.log              text logs: lines that a journal's event draws too are passed over, others imported
//! ```
//!
//! Files may be rotated, compressed (.gz, .zst), truncated, replaced or damaged at any time.

mod append;
mod batches;
mod counters;
mod entry;
mod file;
mod fit;
mod index;
mod label;
#[cfg(test)]
pub(crate) mod sample;
#[cfg(test)]
mod tests;

pub use append::Clock;
pub use batches::MAX_BATCHES;
pub use counters::Counters;
pub use fit::{MAX_LIST, MAX_VALUE, Unfit, Window, fit};
