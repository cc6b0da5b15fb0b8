//! What the record's files hold, in a form in which it is found: segments on disk, and in memory what came last.
//!
//! ```text
//! record: position(source) .. absorb(source, upto, events)   read on, tell how far
//!         gaps() .. fill(gap, upto, events)                  read again what a damaged segment held
//!   v  table (memory, bounded) -> flush -> segments + catalog, one commit
//! readers: scan, days, manifest, chunk, after
//! ```
//!
//! Everything here is derived: whoever removes the state directory loses nothing that the sources still hold.

use std::collections::BTreeMap;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio::sync::watch;

use super::catalog::Catalog;
use super::chunks::{MAX_PART_BYTES, Parts};
use super::days::{Counted, MAX_COUNTED_BYTES};
use super::files::{Lock, failed, make_directory};
use super::live::Live;
use super::open::Opened;
use super::segment::Segment;
use super::source::{Gap, Range, SourceId};
use super::table::{Table, utc_day};
use super::{Followed, StoreError, Stored};
use crate::addresses::Local;

/// What an archive is told.
#[derive(Clone, Debug)]
pub struct ArchiveSettings {
    /// The state directory; segments and chunks lie in directories of their own in it.
    pub state_dir: PathBuf,
    /// Zone of the days that are shown, and of text lines.
    pub zone: TimeZone,
    /// Which addresses are on this side of the Internet.
    pub local: Local,
}

/// See the module.
#[derive(Debug)]
pub struct Archive {
    pub(super) settings: ArchiveSettings,
    /// Held while files change; before `state` where both are.
    pub(super) changing: Mutex<()>,
    pub(super) state: Mutex<State>,
    pub(super) counted: Counted,
    pub(super) parts: Parts,
    /// Held while a day is folded.
    pub(super) folding: Mutex<()>,
    home: Home,
}

/// Whose the directory of an archive is.
#[derive(Debug)]
enum Home {
    /// Its own, as long as it lives.
    Own { _lock: Lock },
    /// A temporary one, for what does not fit into memory. What it began with is another's.
    Temporary(OnceLock<Temporary>),
}

/// A directory that is removed in the end.
#[derive(Debug)]
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            tracing::warn!("{} cannot be removed: {error}", self.0.display());
        }
    }
}

/// What changes. Held for moments only, never while a file is read or written.
#[derive(Debug)]
pub(super) struct State {
    pub(super) live: Live,
    pub(super) table: Table,
    /// What is being written to segments, or could not be and is tried again.
    pub(super) flushing: Option<Arc<Table>>,
    /// As it is on disk.
    pub(super) catalog: Catalog,
    /// Id of the next segment: one that a failed attempt used is not used again.
    pub(super) next: u64,
    pub(super) segments: BTreeMap<u64, Arc<Segment>>,
    /// How far each source was read, memory included.
    pub(super) positions: BTreeMap<SourceId, u64>,
    /// What is still to be read again, without what is in memory by now.
    pub(super) gaps: Vec<Gap>,
}

/// What readers look at: one moment's segments, and events in memory.
pub(super) struct Snapshot {
    pub(super) segments: Vec<Arc<Segment>>,
    pub(super) memory: Vec<Arc<Stored>>,
    pub(super) cursor: u64,
}

impl Archive {
    /// Owns a state directory and opens what is in it, or begins anew. What is damaged is set aside and becomes a gap.
    ///
    /// # Errors
    /// Another server owns the directory, or it cannot be read or written.
    pub fn open(settings: ArchiveSettings, now: Timestamp) -> Result<Archive, StoreError> {
        let (lock, opened) = super::open::open(&settings.state_dir)?;
        Ok(Archive::of(settings, opened, Home::Own { _lock: lock }, now))
    }

    /// Begins with what another's state directory holds at this moment of the time from `from` to `to`, without owning
    /// it: nothing is written there, and what its owner replaces or removes stays readable here. What is absorbed is
    /// kept in memory, and in a temporary directory where that is full. None: begins with nothing.
    ///
    /// # Errors
    /// What is there cannot be read.
    pub fn beside(
        state_dir: Option<&Path>,
        zone: TimeZone,
        (from, to): (Timestamp, Timestamp),
        now: Timestamp,
    ) -> Result<Archive, StoreError> {
        let opened = match state_dir {
            Some(state_dir) => super::open::beside(state_dir, from, to)?,
            None => Opened::default(),
        };
        let name = format!("maltrail-{}-{}", std::process::id(), now.as_nanosecond());
        let settings = ArchiveSettings { state_dir: std::env::temp_dir().join(name), zone, local: Local::default() };
        Ok(Archive::of(settings, opened, Home::Temporary(OnceLock::new()), now))
    }

    fn of(settings: ArchiveSettings, opened: Opened, home: Home, now: Timestamp) -> Archive {
        let catalog = opened.catalog;
        let state = State {
            live: Live::new(now),
            table: Table::default(),
            flushing: None,
            next: catalog.next,
            positions: catalog.positions.clone(),
            gaps: catalog.gaps.clone(),
            segments: opened.segments.into_iter().map(|segment| (segment.meta.id, Arc::new(segment))).collect(),
            catalog,
        };
        Archive {
            settings,
            changing: Mutex::new(()),
            state: Mutex::new(state),
            counted: Counted::new(MAX_COUNTED_BYTES),
            parts: Parts::new(MAX_PART_BYTES),
            folding: Mutex::new(()),
            home,
        }
    }

    /// Sees that there is a directory to write to.
    pub(super) fn prepare(&self) -> Result<(), StoreError> {
        let Home::Temporary(made) = &self.home else { return Ok(()) };
        if made.get().is_none() {
            let path = &self.settings.state_dir;
            // Not where somebody else made it before.
            std::fs::DirBuilder::new().mode(0o700).create(path).map_err(failed("made", path))?;
            // Only whoever holds `changing` comes here.
            let _ = made.set(Temporary(path.clone()));
            make_directory(&self.directory())?;
        }
        Ok(())
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        // State changes only in steps that do not panic halfway.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn directory(&self) -> PathBuf {
        segments_of(&self.settings.state_dir)
    }

    /// Zone of the days that are shown.
    #[must_use]
    pub fn zone(&self) -> &TimeZone {
        &self.settings.zone
    }

    /// Up to which byte a source was read; none where it is new. After a start: up to which it is in segments.
    #[must_use]
    pub fn position(&self, source: &SourceId) -> Option<u64> {
        self.state().positions.get(source).copied()
    }

    /// All sources that were ever read, with their positions.
    #[must_use]
    pub fn sources(&self) -> Vec<(SourceId, u64)> {
        self.state().positions.iter().map(|(source, upto)| (source.clone(), *upto)).collect()
    }

    /// Takes the events of a source's bytes between its position and `upto`. They are seen by readers when it
    /// returns, and read from the source again after a crash until they are in a segment.
    ///
    /// # Errors
    /// Memory is full and a segment could not be written: nothing was taken, the same call may be tried again.
    pub fn absorb(&self, source: &SourceId, upto: u64, events: Vec<Stored>) -> Result<(), StoreError> {
        self.make_room()?;
        let mut state = self.state();
        let from = state.positions.get(source).copied().unwrap_or(0);
        let range = Range { source: source.clone(), from, upto: upto.max(from) };
        state.positions.insert(source.clone(), range.upto);
        state.table.cover(range);
        for stored in events {
            let stored = Arc::new(stored);
            state.live.push(Arc::clone(&stored));
            state.table.push(stored);
        }
        state.live.tell();
        Ok(())
    }

    fn make_room(&self) -> Result<(), StoreError> {
        if self.state().table.is_full() { self.flush() } else { Ok(()) }
    }

    /// What is to be read again, because the segment that held it was damaged.
    #[must_use]
    pub fn gaps(&self) -> Vec<Gap> {
        self.state().gaps.clone()
    }

    /// Takes the events of a gap's bytes up to `upto`; those of other days are passed over, so the caller may give
    /// all that the bytes hold. The gap is shorter then, and gone when `upto` reaches its end.
    ///
    /// # Errors
    /// As [`Archive::absorb`].
    pub fn fill(&self, gap: &Gap, upto: u64, events: Vec<Stored>) -> Result<(), StoreError> {
        self.make_room()?;
        let mut state = self.state();
        let Some(place) = state.gaps.iter().position(|known| known == gap) else { return Ok(()) };
        let upto = upto.clamp(gap.range.from, gap.range.upto);
        if upto == gap.range.upto {
            state.gaps.remove(place);
        } else if let Some(known) = state.gaps.get_mut(place) {
            known.range.from = upto;
        }
        let done = Range { upto, ..gap.range.clone() };
        state.table.fill(Gap { missing: gap.missing.clone(), range: done });
        for stored in events.into_iter().filter(|stored| gap.missing.has(utc_day(stored.event.time))) {
            state.table.push(Arc::new(stored));
        }
        Ok(())
    }

    /// Events after a cursor.
    #[must_use]
    pub fn after(&self, cursor: u64, limit: usize) -> Followed {
        self.state().live.after(cursor, limit)
    }

    /// Told whenever a cursor moves.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.state().live.watch()
    }

    /// What there is at this moment.
    pub(super) fn snapshot(&self) -> Snapshot {
        let state = self.state();
        let flushing = state.flushing.iter().flat_map(|table| &table.events);
        Snapshot {
            segments: state.segments.values().cloned().collect(),
            memory: flushing.chain(&state.table.events).cloned().collect(),
            cursor: state.live.cursor(),
        }
    }
}

/// Where segments lie.
pub(super) fn segments_of(state_dir: &Path) -> PathBuf {
    state_dir.join("segments")
}
