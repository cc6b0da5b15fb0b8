//! Which segments there are, and how far each source was read into them. One file, written whole at every change.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use jiff::civil::Date;
use rapidhash::v3::{RapidSecrets, rapidhash_v3_seeded};
use serde::{Deserialize, Serialize};

use super::files::write_whole;
use super::segment::{FORMAT, Meta};
use super::source::{Gap, Missing, Range, SourceId};

/// Its name in the directory of the segments.
pub(super) const NAME: &str = "catalog.json";

static SECRETS: RapidSecrets = RapidSecrets::seed(0x0063_6174_616c_6f67);

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Catalog {
    pub(super) format: u32,
    /// Id of the next segment.
    pub(super) next: u64,
    /// Up to which byte each source was read into segments.
    #[serde(with = "positions")]
    pub(super) positions: BTreeMap<SourceId, u64>,
    pub(super) segments: Vec<Meta>,
    /// What is to be read again.
    pub(super) gaps: Vec<Gap>,
    /// What was damaged and cannot be read again.
    pub(super) lost: Vec<Gap>,
}

/// What a catalog's file is.
#[derive(Debug)]
pub(super) enum Found {
    Catalog(Catalog),
    None,
    /// Not what was written, or written by a program that is older or newer than the format.
    Unusable,
}

impl Catalog {
    /// Reads the one of a directory.
    pub(super) fn read(directory: &Path) -> io::Result<Found> {
        let bytes = match std::fs::read(directory.join(NAME)) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::None),
            Err(error) => return Err(error),
        };
        let Some((sum, json)) = bytes.split_first_chunk::<16>() else { return Ok(Found::Unusable) };
        if sum != format!("{:016x}", rapidhash_v3_seeded(json, &SECRETS)).as_bytes() {
            return Ok(Found::Unusable);
        }
        Ok(match serde_json::from_slice::<Catalog>(json) {
            Ok(catalog) if catalog.format == FORMAT => Found::Catalog(catalog),
            _ => Found::Unusable,
        })
    }

    /// Puts it in the place of the one before, on disk.
    pub(super) fn write(&self, directory: &Path) -> io::Result<()> {
        let json = serde_json::to_vec(self)?;
        let mut bytes = format!("{:016x}", rapidhash_v3_seeded(&json, &SECRETS)).into_bytes();
        bytes.extend_from_slice(&json);
        write_whole(&directory.join(NAME), &bytes)
    }
}

/// Pairs, because a source is no name of a JSON object to every reader.
mod positions {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Deserializer, Serializer};

    use crate::store::source::SourceId;

    pub(super) fn serialize<S: Serializer>(map: &BTreeMap<SourceId, u64>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(map)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeMap<SourceId, u64>, D::Error> {
        Ok(Vec::<(SourceId, u64)>::deserialize(from)?.into_iter().collect())
    }
}

/// Ids of segments that are neither there nor replaced: removed with old days, or missing.
pub(super) fn missing(segments: &[Meta]) -> Vec<u64> {
    let next = segments.iter().map(|meta| meta.id + 1).max().unwrap_or(1);
    let first = segments.iter().flat_map(|meta| meta.replaces.iter().chain([&meta.id])).min().copied().unwrap_or(next);
    let there = |id: &u64| segments.iter().any(|meta| meta.id == *id || meta.replaces.contains(id));
    (first..next).filter(|id| !there(id)).collect()
}

/// A catalog of segments that tell what they are, where the real one is lost: without those that others replace, and
/// without those that were written with one that is missing. What it leaves out is read from the sources again.
pub(super) fn recover(mut segments: Vec<Meta>) -> Catalog {
    let next = segments.iter().map(|meta| meta.id + 1).max().unwrap_or(1);
    let replaced: Vec<u64> = segments.iter().flat_map(|meta| meta.replaces.clone()).collect();
    let known = |id: u64, segments: &[Meta]| replaced.contains(&id) || segments.iter().any(|meta| meta.id == id);
    let whole = |meta: &Meta, segments: &[Meta]| {
        let (first, number) = meta.together;
        (first..first.saturating_add(number)).all(|id| known(id, segments))
    };
    segments.retain(|meta| !replaced.contains(&meta.id));
    let mut positions: BTreeMap<SourceId, u64> = BTreeMap::new();
    for range in segments.iter().flat_map(|meta| &meta.ranges) {
        let position = positions.entry(range.source.clone()).or_default();
        *position = range.upto.max(*position);
    }
    loop {
        let lacking: Vec<Meta> = segments.iter().filter(|meta| !whole(meta, &segments)).cloned().collect();
        for range in lacking.iter().flat_map(|meta| &meta.ranges) {
            positions.entry(range.source.clone()).and_modify(|position| *position = range.from.min(*position));
        }
        let beyond = |meta: &Meta| {
            meta.ranges.iter().any(|range| positions.get(&range.source).is_some_and(|upto| range.upto > *upto))
        };
        let before = segments.len();
        segments.retain(|meta| !lacking.contains(meta) && !beyond(meta));
        // One that went takes with it what it held of other sources.
        if segments.len() == before {
            break;
        }
        for (source, position) in &mut positions {
            let reach = segments.iter().flat_map(|meta| &meta.ranges).filter(|range| range.source == *source);
            *position = reach.map(|range| range.upto).max().unwrap_or(0).min(*position);
        }
    }
    let gaps = gaps(&segments);
    Catalog { format: FORMAT, next, positions, segments, gaps, lost: Vec::new() }
}

/// What segments that are missing may have held, of bytes before those that are read next: all events of bytes that no
/// segment tells of; where segments are missing, events of days that have none, too.
fn gaps(segments: &[Meta]) -> Vec<Gap> {
    let mut kept: Vec<Date> = segments.iter().map(|meta| meta.day).collect();
    kept.sort_unstable();
    kept.dedup();
    let lacking = !missing(segments).is_empty();
    let mut ranges: Vec<&Range> = segments.iter().flat_map(|meta| &meta.ranges).collect();
    ranges.sort_unstable();
    let mut gaps = Vec::new();
    for of_one in ranges.chunk_by(|one, other| one.source == other.source) {
        let mut reached = 0;
        for Range { source, from, upto } in of_one {
            let mut gap = |missing: Missing, from: u64, upto: u64| {
                if from < upto {
                    gaps.push(Gap { missing, range: Range { source: source.clone(), from, upto } });
                }
            };
            gap(Missing::AllBut(Vec::new()), reached, *from);
            if lacking {
                gap(Missing::AllBut(kept.clone()), reached.max(*from), *upto);
            }
            reached = reached.max(*upto);
        }
    }
    gaps
}
