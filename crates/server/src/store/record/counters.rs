//! What the record counts, for metrics.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use event::import::Refusal;

use super::fit::Unfit;
use crate::store::Figure;

/// All but `known_batches` only go up.
#[derive(Debug, Default)]
pub struct Counters {
    /// Lines of text logs that were read.
    pub text_lines: AtomicU64,
    /// Of these, such as a journal's event draws too.
    pub own_lines: AtomicU64,
    /// Of these, such as became events.
    pub imported_lines: AtomicU64,
    /// Of these, events whose line is kept because they draw another.
    pub kept_lines: AtomicU64,
    /// Lines of text logs that are not UTF-8.
    pub invalid_utf8: AtomicU64,
    /// Lines of journals that were read.
    pub journal_lines: AtomicU64,
    /// Lines of journals that are no events.
    pub journal_refused: AtomicU64,
    /// Bytes that were read from files.
    pub read_bytes: AtomicU64,
    /// Files that were shorter than what was read of them.
    pub truncated_files: AtomicU64,
    /// Files whose bytes before the place where reading went on had changed.
    pub edited_files: AtomicU64,
    /// Files that could not be read.
    pub unreadable_files: AtomicU64,
    /// Batches that were written.
    pub batches: AtomicU64,
    /// Batches that came again and were not written again.
    pub repeated_batches: AtomicU64,
    /// Batches of which a crash had left a part, and the rest was written.
    pub completed_batches: AtomicU64,
    /// Batches that could not be written.
    pub failed_batches: AtomicU64,
    /// Batches that are remembered now.
    pub known_batches: AtomicU64,
    /// Batches that were forgotten before their time because there were too many.
    pub forgotten_batches: AtomicU64,
    /// Events that were written.
    pub appended: AtomicU64,
    /// Syncs to disk, each for all batches that waited.
    pub syncs: AtomicU64,
    /// Events whose line could not be added to the text log; they are in the journal.
    pub text_failed: AtomicU64,
    refused: [AtomicU64; Refusal::ALL.len()],
    unfit: [AtomicU64; Unfit::ALL.len()],
}

pub(super) fn add(counter: &AtomicU64, more: usize) {
    counter.fetch_add(more as u64, Relaxed);
}

impl Counters {
    pub(super) fn refuse(&self, refusal: Refusal) {
        let place = Refusal::ALL.iter().position(|known| *known == refusal);
        if let Some(counter) = place.and_then(|place| self.refused.get(place)) {
            add(counter, 1);
        }
    }

    pub(super) fn unfit(&self, unfit: Unfit) {
        let place = Unfit::ALL.iter().position(|known| *known == unfit);
        if let Some(counter) = place.and_then(|place| self.unfit.get(place)) {
            add(counter, 1);
        }
    }

    /// Lines of text logs that are no events, by reason.
    pub fn refused(&self) -> impl Iterator<Item = (Refusal, u64)> + '_ {
        Refusal::ALL.into_iter().zip(self.refused.iter().map(|counter| counter.load(Relaxed)))
    }

    /// Events that were offered and not taken, by reason.
    pub fn unfits(&self) -> impl Iterator<Item = (Unfit, u64)> + '_ {
        Unfit::ALL.into_iter().zip(self.unfit.iter().map(|counter| counter.load(Relaxed)))
    }

    /// All of them, for metrics.
    #[must_use]
    pub fn figures(&self) -> Vec<Figure> {
        let plain = [
            ("record_text_lines_total", "Lines of text logs that were read", &self.text_lines),
            ("record_own_lines_total", "Lines of text logs that a journal has too", &self.own_lines),
            ("record_imported_lines_total", "Lines of text logs that became events", &self.imported_lines),
            ("record_kept_lines_total", "Imported lines that are kept as they were", &self.kept_lines),
            ("record_invalid_utf8_total", "Lines of text logs that are not UTF-8", &self.invalid_utf8),
            ("record_journal_lines_total", "Lines of journals that were read", &self.journal_lines),
            ("record_journal_refused_total", "Lines of journals that are no events", &self.journal_refused),
            ("record_read_bytes_total", "Bytes read from files", &self.read_bytes),
            ("record_truncated_files_total", "Files found shorter than what was read", &self.truncated_files),
            ("record_edited_files_total", "Files changed before the place of reading", &self.edited_files),
            ("record_unreadable_files_total", "Files that could not be read", &self.unreadable_files),
            ("record_batches_total", "Batches that were written", &self.batches),
            ("record_repeated_batches_total", "Batches that came again", &self.repeated_batches),
            ("record_completed_batches_total", "Batches of which a crash had left a part", &self.completed_batches),
            ("record_failed_batches_total", "Batches that could not be written", &self.failed_batches),
            ("record_known_batches", "Batches that are remembered", &self.known_batches),
            ("record_forgotten_batches_total", "Batches forgotten before their time", &self.forgotten_batches),
            ("record_appended_events_total", "Events that were written", &self.appended),
            ("record_syncs_total", "Syncs to disk", &self.syncs),
            ("record_text_failed_total", "Events missing in the text log", &self.text_failed),
        ];
        let plain = plain.map(|(name, help, counter)| Figure { name, help, reason: "", value: counter.load(Relaxed) });
        let refused = self.refused().map(|(why, value)| {
            let (name, help) = ("record_refused_lines_total", "Lines of text logs that are no events");
            Figure { name, help, reason: why.name(), value }
        });
        let unfit = self.unfits().map(|(why, value)| {
            let (name, help) = ("record_refused_events_total", "Events that were offered and not taken");
            Figure { name, help, reason: why.name(), value }
        });
        plain.into_iter().chain(refused).chain(unfit).collect()
    }
}
