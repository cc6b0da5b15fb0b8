//! The brain: facts in, findings and events out. Pure: time comes in as an argument.
//!
//! [`Matcher`] (stateless but for caches, one to a capture worker) takes facts and makes [`Finding`]s.
//! [`Pipeline`] (one for all workers, in order of capture) takes findings and makes events: whitelist and
//! ignore rules, once per flow and second, bundling, throttling.

pub mod matcher;
pub mod pipeline;

pub use matcher::{MatchSettings, Matcher};
pub use pipeline::{Accounts, Pipeline, PipelineSettings, ThrottleMode};

use event::{Context, Kind, Observed, Severity};
use packet::{Flow, Micros};

/// What the matcher found in one packet. Owned: the first allocation of a packet's way.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// Packet time.
    pub time: Micros,
    /// Capture sequence of the packet: findings are put in this order.
    pub sequence: u64,
    /// Source is the side that asked (who is to be looked at).
    pub flow: Flow,
    /// Kind.
    pub kind: Kind,
    /// What was seen and what of it matched.
    pub observed: Observed,
    /// The indicator as listed.
    pub indicator: String,
    /// Of the trail's label.
    pub info: String,
    /// Of the trail's label.
    pub reference: String,
    /// Of the trail's label.
    pub class: trails::Class,
    /// Of the trail's label, or lower by rule.
    pub severity: Severity,
    /// Of the trail's label.
    pub confidence: u8,
    /// From the user's own lists.
    pub custom: bool,
    /// What else is known.
    pub context: Context,
}
