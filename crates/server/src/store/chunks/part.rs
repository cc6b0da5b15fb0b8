//! A part of a day: a fold in slices.

use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use jiff::civil::Date;
use rapidhash::v3::{RapidSecrets, rapidhash_v3_seeded};
use serde::{Deserialize, Serialize};

use crate::Scope;
use crate::addresses::Local;
use crate::condense::chunk::{self, ChunkError};
use crate::condense::{Fold, Ranked};
use crate::store::archive::Archive;
use crate::store::cache::Cache;
use crate::store::segment::{Segment, Tally};
use crate::store::{ChunkEntry, StoreError, Stored};

/// Bytes of parts in memory.
pub(in crate::store) const MAX_PART_BYTES: usize = 64 << 20;

/// Parts in memory, by reader's scope, day and name.
pub(in crate::store) type Parts = Cache<(Scope, Date, String), Arc<Part>>;

static SECRETS: RapidSecrets = RapidSecrets::seed(0x0063_6875_6e6b_7331);

/// Numbers that every JSON reader holds exactly.
const EXACT: u64 = (1 << 53) - 1;

/// Where the bytes of a slice are.
#[derive(Clone, Debug)]
pub(super) enum Piece {
    Memory(Bytes),
    Disk,
}

/// Rows and bytes of a slice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Size {
    pub(super) rows: u64,
    pub(super) bytes: u64,
}

/// See the module.
#[derive(Clone, Debug)]
pub(in crate::store) struct Part {
    pub(super) name: String,
    pub(super) tally: Tally,
    pub(super) pieces: Vec<(Size, Piece)>,
}

impl Part {
    /// Of a fold, in memory.
    pub(super) fn of(name: String, fold: &Fold) -> Result<Part, StoreError> {
        let mut pieces = Vec::new();
        slices(&Ranked::new(fold), |size, bytes| {
            pieces.push((size, Piece::Memory(bytes.into())));
            Ok(())
        })?;
        Ok(Part { name, tally: tally(fold), pieces })
    }

    pub(super) fn bytes(&self) -> usize {
        let held = self.pieces.iter().map(|(size, _)| usize::try_from(size.bytes).unwrap_or(usize::MAX));
        held.fold(256, usize::saturating_add)
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = ChunkEntry> {
        let named = |(place, (size, _)): (usize, &(Size, Piece))| ChunkEntry {
            name: format!("{}-{place}", self.name),
            rows: size.rows,
            bytes: size.bytes,
        };
        self.pieces.iter().enumerate().map(named)
    }
}

/// Lines and events of a fold.
pub(super) fn tally(fold: &Fold) -> Tally {
    Tally { lines: fold.totals().lines, events: fold.totals().events() }
}

/// Makes the slices of a fold, one at a time.
pub(super) fn slices(
    ranked: &Ranked<'_>,
    mut each: impl FnMut(Size, Vec<u8>) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    for ranks in chunk::slices(ranked.len()) {
        let rows = ranks.len() as u64;
        let bytes = chunk::compress(&chunk::encode_slice(ranked, ranks)).map_err(broken)?;
        each(Size { rows, bytes: bytes.len() as u64 }, bytes)?;
    }
    Ok(())
}

pub(super) fn broken(error: ChunkError) -> StoreError {
    StoreError::Io { what: "a chunk".to_owned(), source: std::io::Error::other(error) }
}

pub(super) fn hash(bytes: &[u8]) -> u64 {
    rapidhash_v3_seeded(bytes, &SECRETS)
}

/// Name of what is folded of these segments, where these addresses are local.
pub(super) fn name_of_segments(segments: &[Arc<Segment>], local: &Local) -> String {
    let ids = segments.iter().flat_map(|segment| segment.meta.id.to_le_bytes());
    let ids: Vec<u8> = local.own().bytes().into_iter().chain(ids).collect();
    format!("r{:016x}", hash(&ids))
}

/// A number for all parts.
pub(super) fn generation(parts: &[Arc<Part>]) -> u64 {
    let names: Vec<&str> = parts.iter().map(|part| part.name.as_str()).collect();
    hash(names.join(",").as_bytes()) & EXACT
}

/// Adds what a reader may see of segments.
pub(super) fn fold_segments(
    archive: &Archive,
    fold: &mut Fold,
    segments: &[Arc<Segment>],
    bounds: (Timestamp, Timestamp),
    scope: &Scope,
) -> Result<(), StoreError> {
    for segment in segments {
        let read = if scope.is_everything() {
            segment.fold(bounds, fold)
        } else {
            segment.each_to_fold(bounds, |stored| {
                if let Some(event) = scope.view(&stored.event) {
                    fold.add(&event);
                }
            })
        };
        read.map_err(|error| archive.unreadable(segment, error))?;
    }
    Ok(())
}

/// What a reader may see of events in memory.
pub(super) fn fold_memory(mut fold: Fold, memory: &[Arc<Stored>], scope: &Scope) -> Fold {
    for event in memory.iter().filter_map(|stored| scope.view(&stored.event)) {
        fold.add(&event);
    }
    fold
}
