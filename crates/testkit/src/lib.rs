//! For tests: packets from words, traffic of a day, the case runner, fault injection.
//!
//! Nothing here is shipped. A wrong case or a builder asked for the impossible fails loudly, with the
//! place in the file where there is one.
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a tool for tests: it builds its own bytes, and a wrong one must stop the test"
)]

pub mod capture;
pub mod case;
pub mod facts;
pub mod fault;
pub mod measure;
pub mod packet;
pub mod payload;
pub mod quic;
pub mod random;
pub mod seeds;
pub mod tls;
pub mod traffic;
pub mod web;
pub mod words;

pub use capture::Recorded;
pub use packet::Stack;
