//! Ranges in JSON: `[[4,16],[20,22]]`.

use std::ops::Range;

use serde::{Deserialize, Deserializer, Serializer};

pub(crate) fn serialize<S: Serializer>(ranges: &[Range<u32>], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(ranges.iter().map(|range| (range.start, range.end)))
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Range<u32>>, D::Error> {
    let pairs = Vec::<(u32, u32)>::deserialize(deserializer)?;
    Ok(pairs.into_iter().map(|(start, end)| start..end).collect())
}
