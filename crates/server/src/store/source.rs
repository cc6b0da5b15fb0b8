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

/// Which events of some bytes are missing, by their UTC day; the others are kept elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Missing {
    /// Those of a day.
    Of(Date),
    /// Those of all days but these.
    AllBut(Vec<Date>),
}

impl Missing {
    /// Whether an event of a day is.
    pub(super) fn has(&self, day: Date) -> bool {
        match self {
            Missing::Of(missing) => *missing == day,
            Missing::AllBut(kept) => !kept.contains(&day),
        }
    }
}

/// Bytes of a source of which events were lost with a segment and are to be read again.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Gap {
    /// The events.
    pub missing: Missing,
    /// The bytes.
    pub range: Range,
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Range { source, from, upto } = &self.range;
        f.write_str("what a lost segment held")?;
        if let Missing::Of(day) = &self.missing {
            write!(f, " of {day}")?;
        }
        write!(f, " and stood in bytes {from} to {upto} of {source}")
    }
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
