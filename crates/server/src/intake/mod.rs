//! Events and observables that others send: datagrams, and batches over HTTPS.
//!
//! ```text
//! UDP: socket -> one thread: allowlist, chunks -> queue (bounded) -> one thread: lines to events
//! HTTPS: who sends -> body within limits -> JSON lines to events and observables
//!   v  EventStore::append, Observables::take: on disk before anybody is answered
//! ```
//!
//! What is received is data of strangers: it is read by [`datagram`] and [`batch`], which do no I/O, and counted by
//! what became of it ([`Counters`]). UDP tells nothing back, so that nothing about it is certain; a batch is answered
//! when it is on disk, and one that comes again is recognised.

pub mod batch;
mod counters;
pub mod datagram;
mod post;
mod queue;
mod socket;
mod tally;
mod udp;
mod writer;

pub use counters::{Counters, Way};
pub(crate) use post::document;
pub use post::routes;
pub use tally::{Reason, Tally};
pub use udp::{Udp, UdpError};
