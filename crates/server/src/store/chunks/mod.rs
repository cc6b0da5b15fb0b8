//! Threats of a day as chunks: what a page fetches.
//!
//! A day has up to three parts, each folded by itself, each event in one of them:
//!
//! * *settled*: segments whose fold lies on disk ([`settled`]), taken up as segments come, for readers who see everything;
//! * *recent*: segments that are not in it yet;
//! * *memory*: what is in no segment.
//!
//! For other readers the segments are one part, folded through their scope. Parts are known by what they are made of,
//! so a chunk never changes under its name; those that are not on disk lie in a bounded cache.

mod part;
mod settled;

use std::sync::{Arc, MutexGuard, PoisonError};

use bytes::Bytes;
use jiff::Timestamp;
use jiff::civil::Date;

use self::part::{Part, Piece, fold_memory, fold_segments};
use super::archive::{Archive, Snapshot};
use super::segment::Segment;
use super::{ChunkEntry, Manifest, StoreError, Stored};
use crate::Scope;
use crate::condense::{Fold, Window};

pub(super) use part::{MAX_PART_BYTES, Parts};

/// Lines of recent segments above which they are taken into the settled part when a manifest is asked for.
const SETTLED_WHEN_ASKED: u64 = 100_000;

/// A day as it is at a moment.
struct Moment {
    day: Date,
    window: Window,
    bounds: (Timestamp, Timestamp),
    segments: Vec<Arc<Segment>>,
    memory: Vec<Arc<Stored>>,
    cursor: u64,
}

impl Archive {
    /// What there is of a day.
    ///
    /// # Errors
    /// There is no event on that day that the reader may see, or a segment could not be read.
    pub fn manifest(&self, day: Date, scope: &Scope) -> Result<Manifest, StoreError> {
        let moment = self.moment(day)?;
        let parts = self.parts(&moment, scope)?;
        let (mut events, mut lines) = (0u64, 0);
        for part in &parts {
            events = events.saturating_add(part.tally.events);
            lines += part.tally.lines;
        }
        if lines == 0 {
            return Err(StoreError::Unknown(format!("event on {day}")));
        }
        let chunks: Vec<ChunkEntry> = parts.iter().flat_map(|part| part.entries()).collect();
        Ok(Manifest {
            day,
            start: moment.bounds.0,
            end: moment.bounds.1,
            generation: part::generation(&parts),
            events,
            lines,
            rows: chunks.iter().map(|chunk| chunk.rows).sum(),
            chunks,
            cursor: moment.cursor,
        })
    }

    /// A chunk of a manifest, zstd-compressed.
    ///
    /// # Errors
    /// It does not exist any more, or could not be read.
    pub fn chunk(&self, day: Date, name: &str, scope: &Scope) -> Result<Bytes, StoreError> {
        let unknown = || StoreError::Unknown(format!("chunk {name} of {day}"));
        let (part, place) = name.rsplit_once('-').ok_or_else(unknown)?;
        let place: usize = place.parse().map_err(|_| unknown())?;
        if scope.is_everything()
            && let Some(bytes) = self.settled_chunk(day, part, place)?
        {
            return Ok(bytes);
        }
        let known = self.parts.get(&(scope.clone(), day, part.to_owned()));
        if let Some(Piece::Memory(bytes)) = known.as_ref().and_then(|part| part.pieces.get(place)).map(|p| &p.1) {
            return Ok(bytes.clone());
        }
        // It went from the cache: made again, if it is still of today's making.
        let moment = self.moment(day)?;
        let parts = self.parts(&moment, scope)?;
        let again = parts.iter().find(|known| known.name == part).and_then(|part| part.pieces.get(place));
        match again.map(|piece| &piece.1) {
            Some(Piece::Memory(bytes)) => Ok(bytes.clone()),
            _ => Err(unknown()),
        }
    }

    /// Takes segments into the settled parts of their days, so that opening a day is quick. For the background.
    ///
    /// # Errors
    /// A segment could not be read, or the parts not written.
    pub fn condense(&self) -> Result<(), StoreError> {
        for day in self.zone_days() {
            let moment = self.moment(day)?;
            self.settle(&moment)?;
        }
        self.remove_old_chunks()
    }

    /// Days of the zone of all segments.
    fn zone_days(&self) -> Vec<Date> {
        let state = self.state();
        let times = state.segments.values().map(|segment| (segment.meta.counts.first, segment.meta.counts.last));
        let mut days: Vec<Date> = times
            .flat_map(|(first, last)| {
                let day = |time: Timestamp| time.to_zoned(self.zone().clone()).date();
                let (first, last) = (day(first), day(last));
                first.series(jiff::Span::new().days(1)).take_while(move |day| *day <= last)
            })
            .collect();
        days.sort_unstable();
        days.dedup();
        days
    }

    /// Only one day is folded at a time: that bounds memory.
    fn folding(&self) -> MutexGuard<'_, ()> {
        self.folding.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn new_fold(&self, window: Window) -> Fold {
        Fold::new(window).with_local(self.settings.local.clone())
    }

    fn moment(&self, day: Date) -> Result<Moment, StoreError> {
        let bounds = self.zone_day(day).ok_or_else(|| StoreError::Unknown(format!("day {day}")))?;
        let Snapshot { mut segments, mut memory, cursor } = self.snapshot();
        segments.retain(|segment| segment.meta.counts.first < bounds.1 && segment.meta.counts.last >= bounds.0);
        memory.retain(|stored| (bounds.0..bounds.1).contains(&stored.event.time));
        Ok(Moment { day, window: Window::between(bounds.0, bounds.1), bounds, segments, memory, cursor })
    }

    fn parts(&self, moment: &Moment, scope: &Scope) -> Result<Vec<Arc<Part>>, StoreError> {
        let mut parts = Vec::new();
        let mut recent: Vec<Arc<Segment>> = moment.segments.clone();
        if scope.is_everything() {
            let mut settled = self.settled(moment);
            recent = settled::not_in(settled.as_deref(), &moment.segments);
            let lines: u64 = recent.iter().map(|segment| segment.meta.counts.all.lines).sum();
            if lines > SETTLED_WHEN_ASKED {
                settled = self.settle(moment)?;
                recent = settled::not_in(settled.as_deref(), &moment.segments);
            }
            parts.extend(settled.map(|settled| Arc::clone(&settled.part)));
        }
        if !recent.is_empty() {
            let name = part::name_of_segments(&recent, &self.settings.local);
            parts.push(self.made(moment, scope, name, || {
                let mut fold = self.new_fold(moment.window);
                fold_segments(self, &mut fold, &recent, moment.bounds, scope)?;
                Ok(fold)
            })?);
        }
        if !moment.memory.is_empty() {
            let name = format!("m{:x}", moment.cursor);
            parts.push(
                self.made(moment, scope, name, || {
                    Ok(fold_memory(self.new_fold(moment.window), &moment.memory, scope))
                })?,
            );
        }
        Ok(parts)
    }

    /// A part in memory: known, or made now.
    fn made(
        &self,
        moment: &Moment,
        scope: &Scope,
        name: String,
        fold: impl FnOnce() -> Result<Fold, StoreError>,
    ) -> Result<Arc<Part>, StoreError> {
        let key = (scope.clone(), moment.day, name.clone());
        if let Some(part) = self.parts.get(&key) {
            return Ok(part);
        }
        let _folding = self.folding();
        if let Some(part) = self.parts.get(&key) {
            return Ok(part);
        }
        let part = Arc::new(Part::of(name, &fold()?)?);
        self.parts.insert(key, Arc::clone(&part), part.bytes());
        Ok(part)
    }
}
