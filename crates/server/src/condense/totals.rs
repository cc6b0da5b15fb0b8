//! The stretch of time a fold is of, and what is counted over all of it.

use event::{Kind, Severity};
use jiff::Timestamp;

/// Hour slots a window can have: 25 where clocks go back by an hour, more where a zone is moved.
pub const MAX_SLOTS: u8 = 31;

/// A day of the zone that is shown, in slots of an hour from its first instant. Folds of its hours have the same window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Window {
    start_seconds: i64,
    slots: u8,
}

impl Window {
    /// From the first instant, whole seconds, and a number of hours, at most [`MAX_SLOTS`], at least one.
    #[must_use]
    pub fn new(start: Timestamp, slots: u8) -> Window {
        Window { start_seconds: start.as_second(), slots: slots.clamp(1, MAX_SLOTS) }
    }

    /// Between two instants; a last hour that is not full counts.
    #[must_use]
    pub fn between(start: Timestamp, end: Timestamp) -> Window {
        let hours = (end.as_second() - start.as_second()).max(0).div_euclid(3600);
        let full = start.as_second() + hours * 3600 == end.as_second();
        Window::new(start, u8::try_from(hours + i64::from(!full)).unwrap_or(MAX_SLOTS))
    }

    /// Seconds of the epoch of its first instant.
    #[must_use]
    pub fn start_seconds(&self) -> i64 {
        self.start_seconds
    }

    /// Hours.
    #[must_use]
    pub fn slots(&self) -> u8 {
        self.slots
    }

    /// Seconds since its beginning, if it lies within.
    pub(super) fn offset(&self, time: Timestamp) -> Option<u32> {
        self.offset_of(time.as_second())
    }

    /// The same of seconds of the epoch.
    pub(super) fn offset_of(&self, second: i64) -> Option<u32> {
        let offset = u32::try_from(second.checked_sub(self.start_seconds)?).ok()?;
        (offset < u32::from(self.slots) * 3600).then_some(offset)
    }

    /// Seconds since its beginning, within what a `u32` holds.
    pub(super) fn clamped(&self, time: Timestamp) -> u32 {
        self.clamped_of(time.as_second())
    }

    /// The same of seconds of the epoch.
    pub(super) fn clamped_of(&self, second: i64) -> u32 {
        let offset = second.saturating_sub(self.start_seconds);
        u32::try_from(offset.max(0)).unwrap_or(u32::MAX)
    }

    /// The slot of an offset within.
    pub(super) fn slot(offset: u32) -> u8 {
        (offset / 3600) as u8
    }
}

/// Exact counts over everything that was folded, also of threats that a fold has no room for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Totals {
    /// Events (sum of counts) by slot and by the event's own severity: low, medium, high.
    pub by_slot: Vec<[u64; 3]>,
    /// Events by kind, in the order of [`Kind::ALL`].
    pub by_kind: [u64; Kind::ALL.len()],
    /// Lines.
    pub lines: u64,
    /// Events whose time lies outside of the window; they are in nothing else.
    pub outside: u64,
}

impl Totals {
    pub(super) fn new(window: Window) -> Totals {
        Totals { by_slot: vec![[0; 3]; usize::from(window.slots)], by_kind: [0; Kind::ALL.len()], lines: 0, outside: 0 }
    }

    /// Events.
    #[must_use]
    pub fn events(&self) -> u64 {
        self.by_kind.iter().fold(0, |sum, count| sum.saturating_add(*count))
    }

    pub(super) fn add(&mut self, slot: u8, severity: Severity, kind: Kind, count: u64) {
        if let Some(cell) = self.by_slot.get_mut(usize::from(slot)).and_then(|row| row.get_mut(severity as usize)) {
            *cell = cell.saturating_add(count);
        }
        if let Some(cell) = self.by_kind.get_mut(kind as usize) {
            *cell = cell.saturating_add(count);
        }
        self.lines += 1;
    }

    pub(super) fn merge(&mut self, other: &Totals) {
        let cells = self.by_slot.iter_mut().flatten().zip(other.by_slot.iter().flatten());
        for (cell, more) in cells.chain(self.by_kind.iter_mut().zip(&other.by_kind)) {
            *cell = cell.saturating_add(*more);
        }
        self.lines = self.lines.saturating_add(other.lines);
        self.outside = self.outside.saturating_add(other.outside);
    }

    /// How many numbers [`Totals::numbers`] gives.
    pub(super) fn length(window: Window) -> usize {
        3 * usize::from(window.slots) + Kind::ALL.len() + 2
    }

    /// As they stand in chunks.
    pub(super) fn numbers(&self) -> Vec<u64> {
        self.by_slot.iter().flatten().chain(&self.by_kind).chain([&self.lines, &self.outside]).copied().collect()
    }

    /// Of [`Totals::numbers`].
    pub(super) fn from_numbers(window: Window, numbers: &[u64]) -> Option<Totals> {
        let (slots, rest) = numbers.split_at_checked(3 * usize::from(window.slots))?;
        let (by_slot, _) = slots.as_chunks::<3>();
        let (by_kind, rest) = rest.split_first_chunk()?;
        match rest {
            [lines, outside] => {
                Some(Totals { by_slot: by_slot.to_vec(), by_kind: *by_kind, lines: *lines, outside: *outside })
            }
            _ => None,
        }
    }
}
