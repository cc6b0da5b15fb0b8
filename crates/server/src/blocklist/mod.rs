//! Lists of what other programs are to block: addresses and names of recent events.
//!
//! ```text
//! events  ->  select: which entries an event gives (public addresses, names that are names)
//!         ->  collect: the set of them, kept up with what arrives
//!         ->  cleared: without what the analyst cleared   ->  write: as plain lines, nftables, pf or RPZ
//! ```
//!
//! Whoever makes an event can choose its texts; so an entry is an address or a checked name, never other text. What
//! is local, private or reserved is never listed.

mod cleared;
mod collect;
mod entry;
mod select;
mod write;

pub use cleared::{Cleared, MAX_CLEARED_BYTES};
pub use collect::{Collected, MAX_ENTRIES, Span};
pub use entry::{Entry, MAX_NAME};
pub use select::{Of, RuleError, Rules, Selection};
pub use write::{Format, Written, write};

#[cfg(test)]
mod tests;
