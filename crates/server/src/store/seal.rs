//! Segments of a day that has ended become one, compared with what they came from before these go.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::archive::Archive;
use super::files::{failed, step, sync_directory};
use super::flush::unwritten;
use super::segment::{Counts, FORMAT, Meta, Segment, merge};
use super::source::extend;
use super::{StoreError, table::utc_day};

/// How long after the end of a UTC day it is sealed.
pub const SEALED_AFTER: SignedDuration = SignedDuration::from_hours(24);
/// Late segments of a sealed day that are left beside it.
const MAX_SUPPLEMENTS: usize = 8;
/// Late events are left beside a sealed day until they are one of so many of its events: it is not written again
/// for a few.
const WORTH_IT: u64 = 8;
/// Segments of a day that has not ended, above which they become one.
const MAX_PARTS: usize = 24;

impl Archive {
    /// Compacts days that ended long enough ago, and days of very many segments. Returns the days it changed.
    ///
    /// # Errors
    /// A segment could not be read, or the new one not written; the old ones stay.
    pub fn seal(&self, now: Timestamp) -> Result<Vec<Date>, StoreError> {
        let mut changed = Vec::new();
        for (day, parts) in self.by_day() {
            let ended = is_over(day, now);
            if is_due(&parts, ended) {
                self.compact(day, &parts, ended)?;
                changed.push(day);
            }
        }
        Ok(changed)
    }

    fn by_day(&self) -> BTreeMap<Date, Vec<Arc<Segment>>> {
        let mut days: BTreeMap<Date, Vec<Arc<Segment>>> = BTreeMap::new();
        for segment in self.state().segments.values() {
            days.entry(segment.meta.day).or_default().push(Arc::clone(segment));
        }
        days
    }

    fn compact(&self, day: Date, parts: &[Arc<Segment>], sealed: bool) -> Result<(), StoreError> {
        let changing = self.change();
        if !self.are_current(parts) {
            return Ok(());
        }
        let id = self.reserve(1);
        let mut ranges = Vec::new();
        parts.iter().flat_map(|part| part.meta.ranges.clone()).for_each(|range| extend(&mut ranges, range));
        let meta = Meta {
            format: FORMAT,
            id,
            day,
            sealed,
            counts: Counts::new(),
            ranges,
            replaces: parts.iter().flat_map(|part| part.meta.replaces.iter().copied().chain([part.meta.id])).collect(),
            together: (id, 1),
            digest: 0,
            bytes: 0,
            checksum: 0,
        };
        let directory = self.directory();
        let path = directory.join(meta.file());
        step().map_err(failed("written", &path))?;
        let meta = match merge(&path, parts, meta) {
            Ok(meta) => meta,
            Err(error) => {
                let _ = std::fs::remove_file(&path);
                drop(changing);
                return Err(self.blame(parts).unwrap_or_else(|| unwritten(&path, error)));
            }
        };
        step().map_err(failed("written", &path))?;
        sync_directory(&directory).map_err(failed("written", &directory))?;
        let one = Segment::new(&directory, meta);
        self.commit(|catalog| {
            catalog.segments.retain(|known| !parts.iter().any(|part| part.meta.id == known.id));
            catalog.segments.push(one.meta.clone());
        })?;
        let mut state = self.state();
        for part in parts {
            state.segments.remove(&part.meta.id);
            part.dismiss();
        }
        state.segments.insert(one.meta.id, Arc::new(one));
        Ok(())
    }

    fn are_current(&self, parts: &[Arc<Segment>]) -> bool {
        let state = self.state();
        parts.iter().all(|part| state.segments.contains_key(&part.meta.id))
    }

    /// The part that cannot be read, set aside.
    fn blame(&self, parts: &[Arc<Segment>]) -> Option<StoreError> {
        parts.iter().find_map(|part| part.each(|_| {}).err().map(|error| self.unreadable(part, error)))
    }
}

/// Whether nothing more is expected for a UTC day.
pub(super) fn is_over(day: Date, now: Timestamp) -> bool {
    let end = day.tomorrow().and_then(|next| next.to_zoned(TimeZone::UTC)).map(|midnight| midnight.timestamp());
    match end {
        Ok(end) => end.checked_add(SEALED_AFTER).is_ok_and(|due| due <= now),
        Err(_) => utc_day(now) > day,
    }
}

fn is_due(parts: &[Arc<Segment>], ended: bool) -> bool {
    let (sealed, late): (Vec<_>, Vec<_>) = parts.iter().partition(|part| part.meta.sealed);
    if !ended {
        return late.len() > MAX_PARTS;
    }
    let lines = |parts: &[&Arc<Segment>]| parts.iter().map(|part| part.meta.counts.all.lines).sum::<u64>();
    let (kept, more) = (lines(&sealed), lines(&late));
    !late.is_empty() && (sealed.is_empty() || late.len() > MAX_SUPPLEMENTS || more.saturating_mul(WORTH_IT) > kept)
}
