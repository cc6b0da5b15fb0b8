//! What became of observables, for `/metrics`.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::key::Table;
use crate::store::Figure;

/// All of them only go up.
#[derive(Debug, Default)]
pub struct Counters {
    /// Lines of files that were taken.
    pub from_files: AtomicU64,
    /// Lines of batches that were taken.
    pub from_batches: AtomicU64,
    /// Lines of batches that came again.
    pub repeated: AtomicU64,
    /// Lines of files that are no observables.
    pub malformed: AtomicU64,
    /// Lines of batches that began too long ago.
    pub early: AtomicU64,
    /// Lines that end in the future.
    pub late: AtomicU64,
    /// Rows that went because there were too many, by table.
    pub(super) crowded: [AtomicU64; Table::ALL.len()],
    /// Rows that went because of their age.
    pub(super) aged: [AtomicU64; Table::ALL.len()],
    /// Times that something could not be written.
    pub failures: AtomicU64,
    /// Files that were shorter than what was read of them.
    pub truncated_files: AtomicU64,
    /// Files whose bytes before the place where reading went on had changed.
    pub edited_files: AtomicU64,
    /// Files that could not be read.
    pub unreadable_files: AtomicU64,
    /// Files that were not followed because there were too many.
    pub ignored_files: AtomicU64,
}

pub(crate) fn add(counter: &AtomicU64, more: u64) {
    counter.fetch_add(more, Relaxed);
}

impl Counters {
    /// Rows that went to make room, of all tables.
    #[cfg(test)]
    pub(super) fn crowded(&self) -> u64 {
        self.crowded.iter().map(|counter| counter.load(Relaxed)).sum()
    }

    /// Rows that went because of their age, of all tables.
    #[cfg(test)]
    pub(super) fn aged(&self) -> u64 {
        self.aged.iter().map(|counter| counter.load(Relaxed)).sum()
    }

    /// All of them, with the rows there are and the bytes they take.
    pub(super) fn figures(&self, rows: [u64; Table::ALL.len()], bytes: u64) -> Vec<Figure> {
        let taken = ("observables_taken_total", "Lines of observables that were taken, by where they came from");
        let refused = ("observables_refused_total", "Lines of observables that were not taken, by reason");
        let dropped = ("observables_dropped_total", "Rows of observables that went, by reason");
        let files = ("observables_files_total", "Files of observables that were found otherwise than they should be");
        let figure =
            |(name, help), reason, counter: &AtomicU64| Figure { name, help, reason, value: counter.load(Relaxed) };
        let [names, addresses, pairs] = &self.crowded;
        let [old_names, old_addresses, old_pairs] = &self.aged;
        let mut figures = vec![
            figure(taken, "file", &self.from_files),
            figure(taken, "batch", &self.from_batches),
            figure(refused, "malformed", &self.malformed),
            figure(refused, "too-old", &self.early),
            figure(refused, "in-the-future", &self.late),
            figure(refused, "repeated", &self.repeated),
            figure(dropped, "names-full", names),
            figure(dropped, "addresses-full", addresses),
            figure(dropped, "pairs-full", pairs),
            figure(dropped, "names-old", old_names),
            figure(dropped, "addresses-old", old_addresses),
            figure(dropped, "pairs-old", old_pairs),
            figure(files, "truncated", &self.truncated_files),
            figure(files, "edited", &self.edited_files),
            figure(files, "unreadable", &self.unreadable_files),
            figure(files, "too-many", &self.ignored_files),
            figure(("observables_failures_total", "Times that observables could not be written"), "", &self.failures),
        ];
        let rows = Table::ALL.into_iter().zip(rows).map(|(table, value)| {
            let (name, help) = ("observables_rows", "Rows of observables, each for a host");
            Figure { name, help, reason: table.name(), value }
        });
        figures.extend(rows);
        let (name, help) = ("observables_bytes", "Bytes of the file of observables and of its log");
        figures.push(Figure { name, help, reason: "", value: bytes });
        figures
    }
}
