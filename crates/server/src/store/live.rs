//! The newest events, in order of arrival, for those who follow.

use std::collections::VecDeque;
use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::watch;

use super::{Followed, Stored};

/// Events that are kept for readers that follow; one who is further behind begins anew.
pub const MAX_FOLLOWED: usize = 16_384;

/// Cursors for each millisecond between two starts: whatever arrived, a later start begins above it. Together with
/// milliseconds of this century they stay below 2^53, exact in every JSON reader.
const CURSORS_A_MILLISECOND: u64 = 1_000;

/// The newest events.
#[derive(Debug)]
pub(super) struct Live {
    ring: VecDeque<Arc<Stored>>,
    /// Cursor of the first event in the ring.
    first: u64,
    told: watch::Sender<u64>,
}

impl Live {
    pub(super) fn new(start: Timestamp) -> Live {
        let first = u64::try_from(start.as_millisecond()).unwrap_or(0).saturating_mul(CURSORS_A_MILLISECOND);
        Live { ring: VecDeque::new(), first, told: watch::Sender::new(first) }
    }

    /// Behind the newest event.
    pub(super) fn cursor(&self) -> u64 {
        self.first + self.ring.len() as u64
    }

    pub(super) fn push(&mut self, event: Arc<Stored>) {
        if self.ring.len() >= MAX_FOLLOWED {
            self.ring.pop_front();
            self.first += 1;
        }
        self.ring.push_back(event);
    }

    /// Tells those who wait that there is more.
    pub(super) fn tell(&self) {
        self.told.send_replace(self.cursor());
    }

    pub(super) fn watch(&self) -> watch::Receiver<u64> {
        self.told.subscribe()
    }

    pub(super) fn after(&self, cursor: u64, limit: usize) -> Followed {
        let behind = cursor.checked_sub(self.first).filter(|_| cursor <= self.cursor());
        let Some(skip) = behind.and_then(|n| usize::try_from(n).ok()) else {
            return Followed { events: Vec::new(), cursor: self.cursor(), lost: true };
        };
        let events: Vec<_> = self.ring.iter().skip(skip).take(limit).cloned().collect();
        let cursor = cursor + events.len() as u64;
        Followed { events, cursor, lost: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sample;

    fn live(events: usize) -> (Live, u64) {
        let mut live = Live::new("2026-11-20T10:00:00Z".parse().unwrap());
        let start = live.cursor();
        for n in 0..events {
            live.push(Arc::new(sample::stored(n as u64)));
        }
        (live, start)
    }

    #[test]
    fn a_reader_gets_each_event_once() {
        let (live, start) = live(10);
        let first = live.after(start, 4);
        assert_eq!((first.events.len(), first.cursor, first.lost), (4, start + 4, false));
        let rest = live.after(first.cursor, 100);
        assert_eq!((rest.events.len(), rest.cursor), (6, start + 10));
        assert_eq!(*rest.events[0], sample::stored(4));
        assert!(live.after(rest.cursor, 100).events.is_empty());
    }

    #[test]
    fn cursors_of_another_start_are_lost() {
        let (live, start) = live(3);
        for cursor in [0, start - 1, start + 4, u64::MAX] {
            let followed = live.after(cursor, 10);
            assert!(followed.lost && followed.events.is_empty(), "{cursor}");
            assert_eq!(followed.cursor, start + 3);
        }
        assert!(start + 1_000_000 < 1 << 53);
    }

    #[test]
    fn who_is_too_far_behind_begins_anew() {
        for (events, lost) in [(MAX_FOLLOWED - 1, false), (MAX_FOLLOWED, false), (MAX_FOLLOWED + 1, true)] {
            let (live, start) = live(events);
            assert_eq!(live.after(start, 1).lost, lost, "{events}");
        }
    }

    #[test]
    fn the_cursor_is_told() {
        let (mut live, start) = live(1);
        let mut watch = live.watch();
        live.push(Arc::new(sample::stored(1)));
        live.tell();
        assert!(watch.has_changed().unwrap());
        assert_eq!(*watch.borrow_and_update(), start + 2);
    }
}
