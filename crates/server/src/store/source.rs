//! Where events were read from, and how far.

use std::fmt;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// A file of the record, by what it is rather than by what it is called today: whoever reads files makes it of
/// identity and first bytes, so that a rotated or rewritten file is another source. Opaque to the store.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SourceId(pub String);

impl fmt::Display for SourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Bytes of a source whose events of one day a segment holds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Range {
    /// The file.
    pub source: SourceId,
    /// First byte.
    pub from: u64,
    /// First byte after.
    pub upto: u64,
}

/// Bytes of a source whose events of one UTC day were lost with a damaged segment and are to be read again.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Gap {
    /// The day (UTC) of the events that are missing; others of these bytes are kept elsewhere.
    pub day: Date,
    /// The bytes.
    pub range: Range,
}

/// Adds a range; one that goes on where another of its source ends makes that one longer.
pub(super) fn extend(ranges: &mut Vec<Range>, more: Range) {
    if more.from == more.upto {
        return;
    }
    match ranges.iter_mut().find(|r| r.source == more.source && r.upto == more.from) {
        Some(before) => before.upto = more.upto,
        None => ranges.push(more),
    }
}
