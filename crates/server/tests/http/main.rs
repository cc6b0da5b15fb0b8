//! The HTTP interface from outside: a server on a port of its own, and clients that behave and misbehave.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, unreachable_pub, reason = "tests")]

mod idle;
mod listener;
mod people;
mod support;
