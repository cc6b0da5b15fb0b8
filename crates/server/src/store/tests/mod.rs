//! The archive as its two sides see it: whoever feeds it, and whoever reads.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod chunks;
mod crash;
mod local;
mod once;
mod reading;
mod retention;

use std::ops::ControlFlow;
use std::path::Path;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::*;
use crate::addresses::Local;

fn now() -> Timestamp {
    "2026-11-21T12:00:00Z".parse().unwrap()
}

fn open(directory: &Path) -> Result<Archive, StoreError> {
    let settings = ArchiveSettings { state_dir: directory.to_owned(), zone: TimeZone::UTC, local: Local::default() };
    Archive::open(settings, now())
}

fn query(filter: Filter) -> Query {
    Query { from: Timestamp::MIN, to: Timestamp::MAX, scope: Scope::everything(), filter, newest_first: false }
}

fn scan(archive: &Archive, query: &Query) -> Result<Vec<Stored>, StoreError> {
    let (mut found, mut progress, mut sum) = (Vec::new(), 0, 0);
    let scanned = archive.scan(query, &mut |seen| {
        match seen {
            Seen::Event(stored) => found.push(stored.clone()),
            Seen::Progress { done, total } => {
                assert!(done >= progress && done <= total, "{done} of {total} after {progress}");
                (progress, sum) = (done, total);
            }
        }
        ControlFlow::Continue(())
    })?;
    assert!(!scanned.stopped);
    assert_eq!((scanned.lines, progress), (sum, sum));
    Ok(found)
}

fn all(archive: &Archive) -> Vec<Stored> {
    scan(archive, &query(Filter::All)).unwrap()
}

/// A file of the record as a test has it: an event at every hundred bytes.
#[derive(Clone)]
struct Source {
    id: SourceId,
    events: Vec<Stored>,
}

const EVENT_BYTES: u64 = 100;

impl Source {
    fn new(name: &str, events: impl IntoIterator<Item = Stored>) -> Source {
        Source { id: SourceId(name.to_owned()), events: events.into_iter().collect() }
    }

    fn between(&self, from: u64, upto: u64) -> Vec<Stored> {
        let place = |byte: u64| usize::try_from(byte / EVENT_BYTES).unwrap().min(self.events.len());
        self.events[place(from)..place(upto)].to_vec()
    }

    /// Feeds at most so many events from where the archive is; returns whether there are more.
    fn feed(&self, archive: &Archive, events: u64) -> Result<bool, StoreError> {
        let end = self.events.len() as u64 * EVENT_BYTES;
        let from = archive.position(&self.id).unwrap_or(0);
        let upto = end.min(from + events * EVENT_BYTES);
        archive.absorb(&self.id, upto, self.between(from, upto))?;
        Ok(upto < end)
    }

    fn refill(&self, archive: &Archive) -> Result<(), StoreError> {
        for gap in archive.gaps() {
            let Gap { range: Range { source, from, upto }, .. } = &gap;
            if *source == self.id {
                let half = from + (upto - from) / 2 / EVENT_BYTES * EVENT_BYTES;
                archive.fill(&gap, half, self.between(*from, half))?;
                let rest = Gap { range: Range { from: half, ..gap.range.clone() }, ..gap.clone() };
                archive.fill(&rest, *upto, self.between(half, *upto))?;
            }
        }
        Ok(())
    }
}

/// Sorted in a way of their own, to compare what is there whatever its order.
fn sorted(mut events: Vec<Stored>) -> Vec<Stored> {
    events.sort_by(|a, b| (a.event.time, &a.event.id).cmp(&(b.event.time, &b.event.id)));
    events
}
