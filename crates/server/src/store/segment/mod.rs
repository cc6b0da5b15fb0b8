//! A segment: events of one UTC day as a Parquet file, sorted by time, immutable.
//!
//! Row groups of at most [`ROW_GROUP`] rows, zstd, bloom filters on what hunts look for. Every block that is read is
//! held against its checksum first, so that a damaged file is told and never served.

mod blocks;
mod columns;
mod counts;
mod decode;
mod digest;
mod encode;
mod fold;
mod group;
mod mask;
mod merge;
mod prune;
mod read;
#[cfg(test)]
mod tests;
mod write;

pub(super) use columns::FORMAT;
pub(super) use counts::{Counts, SLOT_SECONDS, Tally};
pub(super) use mask::Test;
pub(super) use merge::merge;
pub(super) use read::{Meta, Rows, Segment, Wanted, meta_of};
pub(super) use write::write;

/// Rows of a row group.
pub(super) const ROW_GROUP: usize = 131_072;
