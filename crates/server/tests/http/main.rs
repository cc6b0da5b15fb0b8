//! The HTTP interface from outside: a server on a port of its own, and clients that behave and misbehave.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    unreachable_pub,
    reason = "tests"
)]

mod api;
mod enrich;
mod hostile;
mod hunt;
mod idle;
mod intake;
mod kept;
mod listener;
mod lists;
mod live;
mod observables;
mod page;
mod people;
mod slow;
mod support;
mod table;
mod udp;
