//! Days that have events, with counts.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::archive::{Archive, Snapshot};
use super::cache::Cache;
use super::seal::is_over;
use super::segment::{Meta, SLOT_SECONDS, Segment, Tally};
use super::{DayCount, StoreError, Stored};
use crate::Scope;

/// Bytes that counts of a segment take, about, beside the days.
const COUNTED_BYTES: usize = 256;
/// Bytes of counts of scoped readers that are kept.
pub(super) const MAX_COUNTED_BYTES: usize = 4 << 20;

/// Counts by segment and scope.
pub(super) type Counted = Cache<(u64, Scope), BTreeMap<Date, Tally>>;

impl Archive {
    /// Days of the zone that is shown that have events the reader may see, oldest first, counted exactly. `now`
    /// decides which are sealed.
    ///
    /// # Errors
    /// A segment could not be read.
    pub fn days_at(&self, scope: &Scope, now: Timestamp) -> Result<Vec<DayCount>, StoreError> {
        let Snapshot { segments, memory, .. } = self.snapshot();
        let mut days: BTreeMap<Date, Tally> = BTreeMap::new();
        for segment in &segments {
            let counted = if scope.limits_addresses() { None } else { by_slots(&segment.meta, self.zone()) };
            let counted = match counted {
                Some(counted) => counted,
                None => self.counted(segment, scope)?,
            };
            for (day, tally) in counted {
                days.entry(day).or_default().add(tally);
            }
        }
        let mut seen = Counter { zone: self.zone(), scope, days };
        memory.iter().for_each(|stored| seen.add(stored));
        let days = seen.days.into_iter();
        Ok(days
            .map(|(day, tally)| {
                let end = self.zone_day(day).map(|(_, end)| utc_before(end));
                let sealed = end.is_some_and(|last| is_over(last, now));
                DayCount { day, events: tally.events, lines: tally.lines, sealed }
            })
            .collect())
    }

    /// First instant of a day of the zone that is shown, and first after it.
    pub(super) fn zone_day(&self, day: Date) -> Option<(Timestamp, Timestamp)> {
        let start = day.to_zoned(self.zone().clone()).ok()?.timestamp();
        let end = day.tomorrow().ok()?.to_zoned(self.zone().clone()).ok()?.timestamp();
        Some((start, end))
    }

    /// Counts a segment's events one by one, once for each scope.
    fn counted(&self, segment: &Segment, scope: &Scope) -> Result<BTreeMap<Date, Tally>, StoreError> {
        let key = (segment.meta.id, scope.clone());
        if let Some(known) = self.counted.get(&key) {
            return Ok(known);
        }
        let mut counter = Counter { zone: self.zone(), scope, days: BTreeMap::new() };
        segment.each(|stored| counter.add(&stored)).map_err(|error| self.unreadable(segment, error))?;
        let bytes = COUNTED_BYTES + counter.days.len() * 64;
        self.counted.insert(key, counter.days.clone(), bytes);
        Ok(counter.days)
    }
}

struct Counter<'c> {
    zone: &'c TimeZone,
    scope: &'c Scope,
    days: BTreeMap<Date, Tally>,
}

impl Counter<'_> {
    fn add(&mut self, stored: &Stored) {
        if self.scope.view(&stored.event).is_some() {
            let day = stored.event.day(self.zone);
            self.days.entry(day).or_default().add(Tally { lines: 1, events: stored.event.count });
        }
    }
}

/// The UTC day of the last instant before.
fn utc_before(end: Timestamp) -> Date {
    super::table::utc_day(end.checked_sub(SignedDuration::from_nanos(1)).unwrap_or(end))
}

/// Counts by the slots of a segment; none where a day of the zone begins within a slot.
fn by_slots(meta: &Meta, zone: &TimeZone) -> Option<BTreeMap<Date, Tally>> {
    let midnight = meta.day.to_zoned(TimeZone::UTC).ok()?.timestamp();
    let mut days: BTreeMap<Date, Tally> = BTreeMap::new();
    for (slot, tally) in &meta.counts.slots {
        let start = midnight.checked_add(SignedDuration::from_secs(i64::from(*slot) * SLOT_SECONDS)).ok()?;
        let last = start.checked_add(SignedDuration::new(SLOT_SECONDS - 1, 999_999_999)).ok()?;
        let day = start.to_zoned(zone.clone()).date();
        if last.to_zoned(zone.clone()).date() != day {
            return None;
        }
        days.entry(day).or_default().add(*tally);
    }
    Some(days)
}
