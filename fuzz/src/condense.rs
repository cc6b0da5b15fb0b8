//! What queries know of threats: their ids.

#[allow(dead_code)]
#[path = "../../crates/server/src/condense/threat.rs"]
mod threat;

pub use threat::ThreatId;
