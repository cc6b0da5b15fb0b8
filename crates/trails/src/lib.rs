//! Indicators and the store they are looked up in.
//!
//! text files, CSV -> [`builder`] (grammar, labels, merging) -> one file -> [`Store`] (mapped) -> lookups.
//! An *indicator* is a name, URL, address, ... ; a *trail* is an indicator with its [`Label`].

mod automaton;
pub mod builder;
pub mod check;
pub mod class;
mod ends;
pub mod excuse;
pub mod export;
mod format;
mod hash;
pub mod indicator;
mod label;
pub mod lint;
pub mod load;
mod map;
pub mod mend;
mod pattern;
pub mod probe;
pub mod read;
pub mod store;
mod table;
pub mod user_agents;
pub mod veto;
mod writer;

pub use builder::{Builder, Report, Stamp};
pub use class::{Class, Severity};
pub use hash::Hashed;
pub use indicator::{Indicator, Kind, Why};
pub use label::{CUSTOM, Source, is_custom, lists, source};
pub use store::{Hit, Label, LabelId, Mapped, Store, StoreError};
pub use user_agents::UserAgents;
pub use veto::{Veto, Vetoes, Whitelist};
