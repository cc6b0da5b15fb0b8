//! Events in memory become segments: files first, then one commit of the catalog.

use std::sync::{Arc, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use parquet::errors::ParquetError;

use super::archive::Archive;
use super::catalog::{Catalog, NAME};
use super::files::{advice, failed, step, sync_directory};
use super::segment::{Counts, FORMAT, Meta, Segment, write};
use super::source::{Gap, Missing, Range};
use super::table::Table;
use super::{StoreError, open};

/// How long after an hour its events are waited for before they are written.
pub const HOUR_GRACE: SignedDuration = SignedDuration::from_mins(2);

impl Archive {
    /// Whoever holds it may change files.
    pub(super) fn change(&self) -> MutexGuard<'_, ()> {
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes what is in memory to segments.
    ///
    /// # Errors
    /// It cannot be written. Nothing is lost: it stays in memory, and is tried again at the next flush.
    pub fn flush(&self) -> Result<(), StoreError> {
        let _changing = self.change();
        // What failed before, then what came since.
        while let Some(table) = self.begin_flush() {
            self.write_table(&table)?;
        }
        Ok(())
    }

    /// Writes what is in memory of hours that are over.
    ///
    /// # Errors
    /// As [`Archive::flush`].
    pub fn flush_finished_hours(&self, now: Timestamp) -> Result<(), StoreError> {
        const HOUR: i64 = 3_600;
        let reached = now.checked_sub(HOUR_GRACE).unwrap_or(Timestamp::MIN).as_second();
        let this_hour = reached - reached.rem_euclid(HOUR);
        let finished = |table: &Table| table.oldest().is_some_and(|oldest| oldest.as_second() < this_hour);
        let due = {
            let state = self.state();
            state.flushing.is_some() || finished(&state.table)
        };
        if due { self.flush() } else { Ok(()) }
    }

    fn begin_flush(&self) -> Option<Arc<Table>> {
        let mut state = self.state();
        if state.flushing.is_none() && !state.table.is_empty() {
            state.flushing = Some(Arc::new(std::mem::take(&mut state.table)));
        }
        state.flushing.clone()
    }

    fn write_table(&self, table: &Table) -> Result<(), StoreError> {
        self.prepare()?;
        let directory = self.directory();
        let days = table.by_day();
        let first = self.reserve(days.len() as u64);
        let mut segments = Vec::new();
        for (id, (day, events)) in (first..).zip(&days) {
            let meta = Meta {
                format: FORMAT,
                id,
                day: *day,
                sealed: false,
                counts: Counts::new(),
                ranges: table.ranges_of(*day),
                replaces: Vec::new(),
                together: (first, days.len() as u64),
                digest: 0,
                bytes: 0,
                checksum: 0,
            };
            let path = directory.join(meta.file());
            step().map_err(failed("written", &path))?;
            let meta = write(&path, events, meta).map_err(|error| unwritten(&path, error))?;
            step().map_err(failed("written", &path))?;
            segments.push(Segment::new(&directory, meta));
        }
        sync_directory(&directory).map_err(failed("written", &directory))?;
        self.commit(|catalog| {
            for range in table.ranges() {
                let position = catalog.positions.entry(range.source.clone()).or_default();
                *position = range.upto.max(*position);
            }
            table.gaps.iter().for_each(|gap| close(&mut catalog.gaps, gap));
            catalog.segments.extend(segments.iter().map(|segment| segment.meta.clone()));
        })?;
        let mut state = self.state();
        state.segments.extend(segments.into_iter().map(|segment| (segment.meta.id, Arc::new(segment))));
        state.flushing = None;
        Ok(())
    }

    /// Takes ids.
    pub(super) fn reserve(&self, number: u64) -> u64 {
        let mut state = self.state();
        let first = state.next;
        state.next += number;
        first
    }

    /// Changes the catalog, on disk first. Only while `changing` is held.
    pub(super) fn commit(&self, change: impl FnOnce(&mut Catalog)) -> Result<(), StoreError> {
        let mut catalog = {
            let state = self.state();
            Catalog { next: state.next, ..state.catalog.clone() }
        };
        change(&mut catalog);
        let directory = self.directory();
        catalog.write(&directory).map_err(failed("written", &directory.join(NAME)))?;
        self.state().catalog = catalog;
        Ok(())
    }

    /// A segment that could not be read: where it is damaged it is set aside, and what it held becomes gaps.
    pub(super) fn unreadable(&self, segment: &Segment, error: ParquetError) -> StoreError {
        let path = segment.path();
        if let Some(error) = other_trouble(&error) {
            return failed("read", path)(error);
        }
        // It is for its owner to see to.
        if segment.is_held() {
            return StoreError::Damaged(format!("{}: {error}; it", path.display()));
        }
        let _changing = self.change();
        let name = path.display().to_string();
        if !self.state().segments.contains_key(&segment.meta.id) {
            return StoreError::Damaged(name);
        }
        tracing::error!("{name}: {error}");
        let committed = self.commit(|catalog| open::set_aside(catalog, segment));
        let mut state = self.state();
        state.segments.remove(&segment.meta.id);
        let gaps = segment
            .meta
            .ranges
            .iter()
            .map(|range| Gap { missing: Missing::Of(segment.meta.day), range: range.clone() });
        state.gaps.extend(gaps);
        drop(state);
        committed.err().unwrap_or(StoreError::Damaged(name))
    }

    /// What is damaged and cannot be read again is told as lost, and waited for no longer.
    ///
    /// # Errors
    /// The catalog cannot be written.
    pub fn abandon(&self, gap: &Gap) -> Result<(), StoreError> {
        let _changing = self.change();
        tracing::error!("{gap} is lost: the source is gone too");
        self.commit(|catalog| {
            close(&mut catalog.gaps, gap);
            catalog.lost.push(gap.clone());
        })?;
        self.state().gaps.retain(|known| known != gap);
        Ok(())
    }

    /// What was damaged and could not be read again.
    #[must_use]
    pub fn lost(&self) -> Vec<Gap> {
        self.state().catalog.lost.clone()
    }
}

/// Takes bytes that were read again out of what is to be read again.
fn close(gaps: &mut Vec<Gap>, done: &Gap) {
    let mut left = Vec::new();
    for gap in gaps.drain(..) {
        let (range, covered) = (&gap.range, &done.range);
        let apart = covered.upto <= range.from || range.upto <= covered.from;
        if gap.missing != done.missing || range.source != covered.source || apart {
            left.push(gap);
            continue;
        }
        for (from, upto) in [(range.from, covered.from), (covered.upto, range.upto)] {
            if from < upto {
                let range = Range { source: range.source.clone(), from, upto };
                left.push(Gap { missing: gap.missing.clone(), range });
            }
        }
    }
    *gaps = left;
}

/// Trouble that is not the file's: too many open files, no permission.
fn other_trouble(error: &ParquetError) -> Option<std::io::Error> {
    use std::io::ErrorKind::{InvalidData, NotFound, UnexpectedEof};
    let ParquetError::External(source) = error else { return None };
    let source = source.downcast_ref::<std::io::Error>()?;
    let damaged = matches!(source.kind(), InvalidData | NotFound | UnexpectedEof);
    (!damaged).then(|| source.raw_os_error().map_or_else(|| source.kind().into(), std::io::Error::from_raw_os_error))
}

/// A segment that could not be written.
pub(super) fn unwritten(path: &std::path::Path, error: ParquetError) -> StoreError {
    let source = match error {
        ParquetError::External(source) => match source.downcast::<std::io::Error>() {
            Ok(io) => *io,
            Err(other) => std::io::Error::other(other),
        },
        other => std::io::Error::other(other),
    };
    StoreError::Io { what: format!("{} cannot be written{}", path.display(), advice(&source)), source }
}
