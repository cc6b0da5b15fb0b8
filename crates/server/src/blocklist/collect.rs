//! The entries of the last days, kept up with what arrives.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use event::{Event, Severity};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

use super::entry::Entry;
use super::select::Selection;
use crate::Scope;
use crate::store::{EventStore, Filter, Query, Seen, StoreError};

/// Most entries of a list. More are refused and counted: what is in a list stays in it.
pub const MAX_ENTRIES: usize = 200_000;

/// Events that are asked for at once.
const STEP: usize = 4_096;

/// Which events.
#[derive(Clone, Debug)]
pub struct Span {
    /// Days of the zone, the present one with them.
    pub days: u16,
    /// The zone.
    pub zone: TimeZone,
    /// For whom. Addresses within a scope that is limited are the reader's own and never listed.
    pub scope: Scope,
}

/// See the module.
#[derive(Debug)]
pub struct Collected {
    span: Span,
    selection: Selection,
    limit: usize,
    /// The present day when it was begun, and up to where it was followed; none: to be begun.
    followed: Option<(Date, u64)>,
    entries: BTreeSet<Entry>,
    refused: u64,
    changed: Timestamp,
}

impl Collected {
    /// Of nothing yet. At most `limit` entries ([`MAX_ENTRIES`]).
    #[must_use]
    pub fn new(selection: Selection, span: Span, limit: usize) -> Collected {
        Collected {
            span,
            selection,
            limit,
            followed: None,
            entries: BTreeSet::new(),
            refused: 0,
            changed: Timestamp::UNIX_EPOCH,
        }
    }

    /// What is listed, in order.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter()
    }

    /// When an entry came last, or the list was begun.
    #[must_use]
    pub fn changed(&self) -> Timestamp {
        self.changed
    }

    /// How often an entry was refused because the list is full.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refused
    }

    /// Looks at what is new. Once a day, and where it cannot be told what is new, at everything.
    ///
    /// # Errors
    /// Events cannot be read, or `cancelled` said so; the list is begun anew when asked again.
    pub fn follow(
        &mut self,
        store: &dyn EventStore,
        now: Timestamp,
        cancelled: &dyn Fn() -> bool,
    ) -> Result<(), StoreError> {
        let today = now.to_zoned(self.span.zone.clone()).date();
        let Some((_, mut cursor)) = self.followed.filter(|(day, _)| *day == today) else {
            return self.begin(store, now, today, cancelled);
        };
        let (scope, (from, to)) = (self.span.scope.clone(), self.bounds(today));
        while *store.watch().borrow() != cursor {
            let followed = store.after(cursor, STEP);
            if followed.lost {
                return self.begin(store, now, today, cancelled);
            }
            if followed.events.is_empty() {
                break;
            }
            for stored in followed.events.iter().filter(|stored| (from..to).contains(&stored.event.time)) {
                if let Some(view) = scope.view(&stored.event) {
                    self.take(&view, now);
                }
            }
            cursor = followed.cursor;
            self.followed = Some((today, cursor));
        }
        Ok(())
    }

    fn begin(
        &mut self,
        store: &dyn EventStore,
        now: Timestamp,
        today: Date,
        cancelled: &dyn Fn() -> bool,
    ) -> Result<(), StoreError> {
        self.followed = None;
        self.entries.clear();
        self.refused = 0;
        self.changed = now;
        // What arrives while it is read is seen twice rather than never.
        let cursor = *store.watch().borrow();
        let (from, to) = self.bounds(today);
        let filter = match &self.selection {
            Selection::Matching(_) => Filter::All,
            Selection::AtLeast(least, _) => {
                Filter::Or(Severity::ALL.into_iter().filter(|s| s >= least).map(Filter::Severity).collect())
            }
        };
        let query = Query { from, to, scope: self.span.scope.clone(), filter, newest_first: false };
        let scanned = store.scan(&query, &mut |seen| {
            if cancelled() {
                return ControlFlow::Break(());
            }
            if let Seen::Event(stored) = seen {
                self.take(&stored.event, now);
            }
            ControlFlow::Continue(())
        })?;
        if scanned.stopped {
            return Err(StoreError::Unknown("list, because the client went away".into()));
        }
        self.followed = Some((today, cursor));
        Ok(())
    }

    fn bounds(&self, today: Date) -> (Timestamp, Timestamp) {
        let start = |day: Date, open| day.to_zoned(self.span.zone.clone()).map_or(open, |zoned| zoned.timestamp());
        let before = i64::from(self.span.days.max(1)) - 1;
        let first = today.checked_sub(before.days()).unwrap_or(Date::MIN);
        let next = today.tomorrow().unwrap_or(Date::MAX);
        (start(first, Timestamp::MIN), start(next, Timestamp::MAX))
    }

    fn take(&mut self, event: &Event, now: Timestamp) {
        let Collected { span, selection, limit, entries, refused, changed, .. } = self;
        selection.entries(event, &span.zone, |entry| {
            let own = |address| span.scope.limits_addresses() && span.scope.contains(address);
            if entry.as_address().is_some_and(own) || entries.contains(&entry) {
                return;
            }
            if entries.len() >= *limit {
                *refused += 1;
                return;
            }
            entries.insert(entry);
            *changed = now;
        });
    }
}
