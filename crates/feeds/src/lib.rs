//! Where trails come from.
//!
//! ```text
//! Spec (a TOML file, see [`spec`]) -> fetch: conditional, bounded, last good copy
//!   v  bytes
//! reader (one file for each format): rows of text and, where the feed has one, info
//!   v  rows: changes of the text, the info as it is shown
//!   v  kinds and guards of the spec
//! gather: all feeds, static trees and custom lists into one trails::Builder; addresses that only attackers' lists name
//!   v  are counted first
//! publish: store, CSV, manifest and difference of a generation
//! ```
//!
//! Nothing here looks at traffic, and nothing but `fetch` speaks to a network. What comes from there is data of strangers:
//! readers work within limits, and a feed that is not what it used to be is refused as a whole, its last good copy used.

mod builtin;
pub mod copies;
pub mod difference;
pub mod explain;
pub mod fetch;
pub mod gather;
pub mod inert;
pub mod judge;
pub mod manifest;
pub mod metrics;
pub mod page;
pub mod publish;
pub mod reader;
pub mod round;
mod rows;
pub mod setback;
pub mod spec;
pub mod update;

pub use reader::{Passed, Row, read};
pub use rows::{Change, MAX_INFO};
pub use spec::{Catalogue, Spec, SpecError};
