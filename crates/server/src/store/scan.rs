//! Events that match, in order of time, from all segments and from memory.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::ops::ControlFlow;
use std::sync::Arc;

use jiff::Timestamp;

use super::archive::Archive;
use super::segment::{Rows, Segment, Test, Wanted};
use super::{Query, Scanned, Seen, StoreError, Stored};

/// Looks at memory between which progress is told.
const MEMORY_STEP: usize = 4_096;

impl Archive {
    /// Shows matching events in order of time, with progress between them.
    ///
    /// # Errors
    /// A segment could not be read; what was shown until then is not all.
    pub fn scan(
        &self,
        query: &Query,
        visit: &mut dyn FnMut(Seen<'_>) -> ControlFlow<()>,
    ) -> Result<Scanned, StoreError> {
        let test = Test::new(&query.filter, &query.scope, self.zone());
        let snapshot = self.snapshot();
        let within = |segment: &Arc<Segment>| {
            let counts = &segment.meta.counts;
            counts.last >= query.from && counts.first < query.to
        };
        let mut memory = snapshot.memory;
        memory.retain(|stored| (query.from..query.to).contains(&stored.event.time));
        memory.sort_by_key(|stored| stored.event.time);
        if query.newest_first {
            memory.reverse();
        }
        let wanted = Wanted { test: &test, from: query.from, to: query.to, newest_first: query.newest_first };
        let segments: Vec<_> = snapshot.segments.into_iter().filter(within).collect();
        let total = segments.iter().map(|s| s.meta.counts.all.lines).sum::<u64>() + memory.len() as u64;
        let mut streams: Vec<Stream<'_>> = segments.into_iter().map(|segment| Stream::new(segment, &wanted)).collect();
        streams.push(Stream { head: None, from: From::Memory(memory.into_iter()) });
        let mut run = Run { archive: self, query, visit, done: 0, told: 0, total };
        let ended = run.merge(streams)?;
        Ok(Scanned { lines: run.done, stopped: ended.is_break() })
    }
}

/// One source of rows in order.
struct Stream<'q> {
    head: Option<Arc<Stored>>,
    from: From<'q>,
}

enum From<'q> {
    Memory(std::vec::IntoIter<Arc<Stored>>),
    /// Not opened before its first row may be the next.
    Closed(Arc<Segment>, Wanted<'q>),
    Open(Arc<Segment>, Box<Rows<'q>>),
}

impl<'q> Stream<'q> {
    fn new(segment: Arc<Segment>, wanted: &Wanted<'q>) -> Stream<'q> {
        Stream { head: None, from: From::Closed(segment, wanted.clone()) }
    }

    /// Time of its next row, or a bound of it.
    fn time(&self) -> Option<Timestamp> {
        match (&self.head, &self.from) {
            (Some(stored), _) => Some(stored.event.time),
            (None, From::Closed(segment, wanted)) if wanted.newest_first => Some(segment.meta.counts.last),
            (None, From::Closed(segment, _)) => Some(segment.meta.counts.first),
            (None, _) => None,
        }
    }
}

/// Place in the order: time, then the order of the streams, which is that of arrival.
#[derive(PartialEq, Eq)]
struct Place {
    time: Timestamp,
    stream: usize,
    newest_first: bool,
}

impl Ord for Place {
    fn cmp(&self, other: &Self) -> Ordering {
        let order = (self.time, self.stream).cmp(&(other.time, other.stream));
        // The heap gives the greatest first.
        if self.newest_first { order } else { order.reverse() }
    }
}

impl PartialOrd for Place {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

struct Run<'r> {
    archive: &'r Archive,
    query: &'r Query,
    visit: &'r mut dyn FnMut(Seen<'_>) -> ControlFlow<()>,
    done: u64,
    told: u64,
    total: u64,
}

impl Run<'_> {
    fn merge(&mut self, mut streams: Vec<Stream<'_>>) -> Result<ControlFlow<()>, StoreError> {
        let newest_first = self.query.newest_first;
        let mut heap = BinaryHeap::new();
        for (stream, rows) in streams.iter_mut().enumerate() {
            if matches!(rows.from, From::Memory(_)) && self.advance(rows)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
            heap.extend(rows.time().map(|time| Place { time, stream, newest_first }));
        }
        while let Some(Place { stream, .. }) = heap.pop() {
            let Some(rows) = streams.get_mut(stream) else { continue };
            if let Some(stored) = rows.head.take()
                && (self.visit)(Seen::Event(&stored)).is_break()
            {
                return Ok(ControlFlow::Break(()));
            }
            if self.advance(rows)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
            heap.extend(rows.time().map(|time| Place { time, stream, newest_first }));
        }
        self.tell()
    }

    /// Goes on to the next row that matches, or to the end.
    fn advance(&mut self, stream: &mut Stream<'_>) -> Result<ControlFlow<()>, StoreError> {
        loop {
            match &mut stream.from {
                From::Memory(events) => {
                    let Some(stored) = events.next() else { return self.tell() };
                    self.done += 1;
                    stream.head = self.shown(&stored).map(|view| view.map_or(stored, Arc::new));
                    if self.done.is_multiple_of(MEMORY_STEP as u64) && self.tell()?.is_break() {
                        return Ok(ControlFlow::Break(()));
                    }
                }
                From::Closed(segment, wanted) => {
                    let rows = Rows::open(segment, wanted.clone());
                    let rows = rows.map_err(|error| self.archive.unreadable(segment, error))?;
                    stream.from = From::Open(Arc::clone(segment), Box::new(rows));
                    continue;
                }
                From::Open(segment, rows) => match rows.ready() {
                    Some(stored) => {
                        stream.head = self.shown(&stored).map(|view| Arc::new(view.unwrap_or(stored)));
                    }
                    None => {
                        let more = rows.step().map_err(|error| self.archive.unreadable(segment, error))?;
                        self.done += rows.take_passed();
                        if self.tell()?.is_break() {
                            return Ok(ControlFlow::Break(()));
                        }
                        if !more {
                            return Ok(ControlFlow::Continue(()));
                        }
                    }
                },
            }
            if stream.head.is_some() {
                return Ok(ControlFlow::Continue(()));
            }
        }
    }

    /// What the reader sees of an event if it matches: a changed view, or (`None` inside) the event as it is.
    fn shown(&self, stored: &Stored) -> Option<Option<Stored>> {
        let view = stored.view(&self.query.scope)?;
        if !self.query.filter.matches(&view, self.archive.zone()) {
            return None;
        }
        Some(match view {
            std::borrow::Cow::Borrowed(_) => None,
            std::borrow::Cow::Owned(view) => Some(view),
        })
    }

    fn tell(&mut self) -> Result<ControlFlow<()>, StoreError> {
        if self.done == self.told {
            return Ok(ControlFlow::Continue(()));
        }
        self.told = self.done;
        Ok((self.visit)(Seen::Progress { done: self.done.min(self.total), total: self.total }))
    }
}
