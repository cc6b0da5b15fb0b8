//! Indicators and the store they are looked up in.
//!
//! text files, CSV -> [`builder`] (grammar, labels, merging) -> one file -> [`Store`] (mapped) -> lookups.
//! An *indicator* is a name, URL, address, ... ; a *trail* is an indicator with its [`Label`].

pub mod builder;
pub mod class;
mod format;
pub mod indicator;
mod keys;
pub mod load;
mod map;
mod patterns;
pub mod store;
mod table;

pub use class::{Class, Severity};
pub use map::Mapped;
pub use store::{Hit, Label, LabelId, Store, StoreError};
