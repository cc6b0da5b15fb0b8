//! Events that were read and are in no segment yet.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::Stored;
use super::source::{Gap, Range, extend};

/// Events in memory; one more and they are written to a segment.
pub const MAX_TABLE_EVENTS: usize = 65_536;
/// Bytes of them, about.
pub const MAX_TABLE_BYTES: usize = 64 << 20;

/// The events, and which bytes of which sources they come from.
#[derive(Clone, Debug, Default)]
pub(super) struct Table {
    pub(super) events: Vec<Arc<Stored>>,
    bytes: usize,
    /// Read for the first time: events of every day.
    ranges: Vec<Range>,
    /// Read again: events of one day.
    pub(super) gaps: Vec<Gap>,
}

impl Table {
    pub(super) fn is_empty(&self) -> bool {
        self.events.is_empty() && self.ranges.is_empty() && self.gaps.is_empty()
    }

    pub(super) fn is_full(&self) -> bool {
        self.events.len() >= MAX_TABLE_EVENTS || self.bytes >= MAX_TABLE_BYTES
    }

    pub(super) fn push(&mut self, event: Arc<Stored>) {
        self.bytes += size(&event);
        self.events.push(event);
    }

    pub(super) fn cover(&mut self, range: Range) {
        extend(&mut self.ranges, range);
    }

    pub(super) fn fill(&mut self, gap: Gap) {
        let same = self
            .gaps
            .iter_mut()
            .find(|g| g.missing == gap.missing && g.range.source == gap.range.source && g.range.upto == gap.range.from);
        match same {
            Some(before) => before.range.upto = gap.range.upto,
            None => self.gaps.push(gap),
        }
    }

    /// Bytes that were read for the first time.
    pub(super) fn ranges(&self) -> &[Range] {
        &self.ranges
    }

    /// Which bytes a segment of this day stands for.
    pub(super) fn ranges_of(&self, day: Date) -> Vec<Range> {
        let mut ranges = self.ranges.clone();
        for gap in self.gaps.iter().filter(|gap| gap.missing.has(day)) {
            extend(&mut ranges, gap.range.clone());
        }
        ranges
    }

    /// The events by UTC day, each day's by time; such of one time as they came.
    pub(super) fn by_day(&self) -> BTreeMap<Date, Vec<Arc<Stored>>> {
        let mut days: BTreeMap<Date, Vec<Arc<Stored>>> = BTreeMap::new();
        // Most are of the same day as the one before.
        for near in self.events.chunk_by(|one, next| is_near(one.event.time, next.event.time)) {
            let day = near.first().map(|stored| utc_day(stored.event.time));
            days.entry(day.unwrap_or_default()).or_default().extend(near.iter().cloned());
        }
        for events in days.values_mut() {
            events.sort_by_key(|stored| stored.event.time);
        }
        days
    }

    /// Time of the oldest event.
    pub(super) fn oldest(&self) -> Option<Timestamp> {
        self.events.iter().map(|stored| stored.event.time).min()
    }
}

/// Whether two times are surely of one UTC day.
fn is_near(one: Timestamp, other: Timestamp) -> bool {
    const DAY: i64 = 86_400;
    let (one, other) = (one.as_second(), other.as_second());
    // A part of a second before 1970 counts towards the second above it.
    one > 0 && other > 0 && one / DAY == other / DAY
}

/// The UTC day of a time.
pub(super) fn utc_day(time: Timestamp) -> Date {
    time.to_zoned(TimeZone::UTC).date()
}

/// Bytes an event takes in memory, about: for a limit, not for accounts.
fn size(stored: &Stored) -> usize {
    let event = &stored.event;
    let texts = event.id.len()
        + event.site.len()
        + event.sensor.len()
        + event.observed.text.len()
        + event.indicator.len()
        + event.info.len()
        + event.reference.len()
        + event.class.len()
        + event.batch.len()
        + event.reasons.iter().map(|reason| reason.len() + 24).sum::<usize>();
    let context = &event.context;
    let context = context.host.len()
        + context.sni.len()
        + context.user_agent.len()
        + context.ja3.len()
        + context.ja4.len()
        + context.community_id.len()
        + context.query.len()
        + context.forwarded_for.iter().map(|text| text.len() + 24).sum::<usize>();
    let lists = 17 * (event.src.len() + event.dst.len())
        + 2 * (event.src_ports.len() + event.dst_ports.len())
        + 8 * event.observed.matched.len();
    // Each allocation of its own costs about 16 bytes beside its content; an event has about twelve.
    size_of::<Stored>() + 192 + texts + context + lists + stored.line.as_ref().map_or(0, |line| line.len())
}
