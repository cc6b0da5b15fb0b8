//! Indicators and the store they are looked up in.
//!
//! text files, CSV -> [`builder`] (grammar, labels, merging) -> one file -> [`Store`] (mapped) -> lookups.
//! An *indicator* is a name, URL, address, ... ; a *trail* is an indicator with its [`Label`].

pub mod class;
pub mod store;

pub use class::{Class, Severity};
pub use store::{Hit, Label, LabelId, Store};
