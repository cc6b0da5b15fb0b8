//! Events fold into threats. Pure: no I/O, no clock.
//!
//! A threat is (site, source, kind, indicator): see [`ThreatKey`]. Folding is commutative and associative: the same
//! events give the same threats, ids and counts in whatever order and portions they come.

mod threat;

pub use threat::{ThreatId, ThreatKey};
