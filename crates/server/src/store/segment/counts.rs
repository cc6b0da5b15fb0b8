//! What a segment holds, in numbers.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::store::Stored;

/// Seconds of a slot. Every zone in use today is a multiple of it away from UTC.
pub(in crate::store) const SLOT_SECONDS: i64 = 900;

/// Lines, and the events (sum of their counts) they stand for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::store) struct Tally {
    pub(in crate::store) lines: u64,
    pub(in crate::store) events: u64,
}

impl Tally {
    pub(in crate::store) fn add(&mut self, more: Tally) {
        self.lines += more.lines;
        self.events = self.events.saturating_add(more.events);
    }
}

/// Counts of a segment's events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::store) struct Counts {
    pub(in crate::store) all: Tally,
    /// Time of the first event.
    pub(in crate::store) first: Timestamp,
    /// Time of the last.
    pub(in crate::store) last: Timestamp,
    /// By slot of the UTC day, from 0.
    pub(in crate::store) slots: BTreeMap<u8, Tally>,
}

impl Counts {
    pub(in crate::store) fn new() -> Counts {
        Counts { all: Tally::default(), first: Timestamp::MAX, last: Timestamp::MIN, slots: BTreeMap::new() }
    }

    pub(in crate::store) fn push(&mut self, stored: &Stored) {
        let time = stored.event.time;
        let one = Tally { lines: 1, events: stored.event.count };
        self.all.add(one);
        self.first = self.first.min(time);
        self.last = self.last.max(time);
        self.slots.entry(slot(time)).or_default().add(one);
    }

    pub(in crate::store) fn merge(&mut self, other: &Counts) {
        self.all.add(other.all);
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
        for (slot, tally) in &other.slots {
            self.slots.entry(*slot).or_default().add(*tally);
        }
    }
}

/// Slot of the UTC day.
fn slot(time: Timestamp) -> u8 {
    // Before 1970 a second begins below its number.
    let second = time.as_second() - i64::from(time.subsec_nanosecond() < 0);
    u8::try_from(second.rem_euclid(86_400) / SLOT_SECONDS).unwrap_or(0)
}
