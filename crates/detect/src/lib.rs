//! The brain: facts in, findings and events out. Pure: time comes in as an argument.
//!
//! [`Matcher`] (one to a capture worker) takes facts and makes [`Finding`]s. [`Pipeline`] (one for all workers, in
//! order of capture) takes findings and makes events: whitelist and ignore rules, once per flow and second,
//! bundling, throttling. [`detectors`] find what no trail lists.
//!
//! Decisions are made on enums ([`trails::Class`], [`Occasion`]), never on the text of a label.

pub mod detectors;
mod finding;
mod flows;
mod host;
pub mod ignore;
mod lookup;
pub mod matcher;
pub mod pipeline;
pub mod sightings;
mod survey;
mod table;
pub mod whitelist;

pub use finding::{Finding, Occasion, class_name, severity};
pub use ignore::{IgnoreError, IgnoreRules};
pub use lookup::Lookup;
pub use matcher::{Agents, FindAgent, MatchSettings, Matcher};
pub use pipeline::{Accounts, Pipeline, PipelineSettings, ThrottleMode};
pub use sightings::{Collector, Sightings};
pub use whitelist::{UserWhitelist, WhitelistError};
