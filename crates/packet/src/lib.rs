//! From the bytes of a frame to borrowed, typed [`Fact`]s.
//!
//! `Frame` -> [`decode`] (link layers, tunnels, IP, fragments) -> [`Packet`]s, the outermost first
//! -> [`dissect`] (protocols by what the bytes say, not by the port; flow heads for what spans
//! packets) -> [`Fact`]s, handed to a [`Sink`].
//!
//! This crate does no I/O, reads no clock (packet time is an argument), has no unsafe code and knows
//! nothing of trails. Bytes from the wire are never trusted: what does not parse is a named,
//! counted [`Anomaly`], and every table that traffic can grow has a limit.

pub mod anomaly;
mod bytes;
mod community_id;
pub mod decode;
pub mod dissect;
mod dissector;
pub mod fact;
pub mod flow;
pub mod frame;
pub mod name;
mod table;

pub use anomaly::{Anomalies, Anomaly};
pub use dissector::{Dissector, Limits, Outcome};
pub use fact::{Fact, Sink};
pub use flow::{Flow, Packet, TcpFlags, Transport};
pub use frame::{Frame, LinkType, Micros};
pub use name::Name;
pub use table::{TableLimit, TableUsage};
