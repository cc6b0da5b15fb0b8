//! Where events are kept and found again.
//!
//! [`EventStore`] is what the rest of the server knows of it.

mod archive;
mod cache;
mod catalog;
mod chunks;
mod days;
mod files;
mod filter;
mod flush;
mod live;
mod local;
mod once;
mod once_observed;
mod open;
pub mod record;
mod retention;
#[cfg(test)]
pub(crate) mod sample;
mod scan;
mod seal;
mod segment;
mod source;
mod table;
mod terms;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::ops::ControlFlow;
use std::sync::Arc;

use bytes::Bytes;
use event::Event;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Serialize;
use utoipa::ToSchema;

use crate::Scope;

pub use archive::{Archive, ArchiveSettings};
pub(crate) use filter::address_in;
pub use flush::HOUR_GRACE;
pub use live::MAX_FOLLOWED;
pub use local::{LocalSettings, LocalStore};
pub use once::{Look, Once};
pub use once_observed::OnceObserved;
pub use retention::{Removed, first_kept};
pub use seal::SEALED_AFTER;
pub use source::{Gap, Missing, Range, SourceId};
pub use table::{MAX_TABLE_BYTES, MAX_TABLE_EVENTS};
pub use terms::{Field, Filter};

/// An event with what its origin wrote, where that is not what [`Event::line`] draws.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored {
    /// The event.
    pub event: Event,
    /// The line of another program's log, without a line end; none where the event's own line is the same.
    pub line: Option<Box<str>>,
}

impl Stored {
    /// Its line as text, without a line end. `zone` is the one an event's own line is drawn in.
    #[must_use]
    pub fn text(&self, zone: &TimeZone) -> Cow<'_, str> {
        self.line.as_deref().map_or_else(|| Cow::Owned(self.event.line(zone)), Cow::Borrowed)
    }

    /// What a reader may see of it. A line is left out where the event is shown changed: it would tell what was hidden.
    #[must_use]
    pub fn view(&self, scope: &Scope) -> Option<Cow<'_, Stored>> {
        Some(match scope.view(&self.event)? {
            Cow::Borrowed(_) => Cow::Borrowed(self),
            Cow::Owned(event) => Cow::Owned(Stored { event, line: None }),
        })
    }
}

/// Events that came together.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// The sender's name for it, unique for each sender; empty for what is never repeated (UDP).
    pub id: String,
    /// The events, in order.
    pub events: Vec<Stored>,
}

/// What became of a batch. Returned after everything that was new is on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Appended {
    /// Events that were written.
    pub written: u64,
    /// Events that were not taken: outside of the window, or with values that are too long.
    pub refused: u64,
    /// Whether the batch was known from before and nothing was written.
    pub repeated: bool,
}

/// One day of the zone that is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct DayCount {
    /// The day.
    #[schema(value_type = String, format = Date)]
    pub day: Date,
    /// Events (sum of their counts) of the reader's scope, exact.
    pub events: u64,
    /// Lines they were written in.
    pub lines: u64,
    /// Whether nothing more is expected for it.
    pub sealed: bool,
}

/// What there is to fetch of one day, in the order in which it is useful.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Manifest {
    /// The day.
    #[schema(value_type = String, format = Date)]
    pub day: Date,
    /// First instant of it.
    #[schema(value_type = String, format = DateTime)]
    pub start: Timestamp,
    /// First instant after it.
    #[schema(value_type = String, format = DateTime)]
    pub end: Timestamp,
    /// Changes whenever a chunk of the day does.
    pub generation: u64,
    /// Events (sum of counts) in the chunks.
    pub events: u64,
    /// Lines they were written in.
    pub lines: u64,
    /// Rows in all chunks.
    pub rows: u64,
    /// Chunks by rank: most severe and best evidenced first.
    pub chunks: Vec<ChunkEntry>,
    /// Where a live stream goes on after these chunks.
    pub cursor: u64,
}

/// One chunk of a manifest. Immutable under its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ChunkEntry {
    /// Name in its URL: letters, digits and `-`.
    pub name: String,
    /// Rows.
    pub rows: u64,
    /// Bytes as they are stored (zstd).
    pub bytes: u64,
}

/// Which events.
#[derive(Clone, Debug)]
pub struct Query {
    /// First instant.
    pub from: Timestamp,
    /// First instant after.
    pub to: Timestamp,
    /// For whom.
    pub scope: Scope,
    /// Which of them.
    pub filter: Filter,
    /// Newest first instead of oldest first.
    pub newest_first: bool,
}

/// How a scan ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Scanned {
    /// Lines that were looked at, or passed over because an index says that they do not match.
    pub lines: u64,
    /// Whether the visitor ended it before all was seen.
    pub stopped: bool,
}

/// What a visitor of a scan is shown.
pub enum Seen<'s> {
    /// An event that matches, held to the reader's scope.
    Event(&'s Stored),
    /// So many of all lines of the query's days are done: for progress and for cancelling.
    Progress {
        /// Lines done.
        done: u64,
        /// Lines in all.
        total: u64,
    },
}

/// Why a store could not do it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A file could not be read or written.
    #[error("{what}: {source}")]
    Io {
        /// What was tried, on which file, and what to do.
        what: String,
        /// Why it failed.
        source: std::io::Error,
    },
    /// Another process owns the directory.
    #[error("{0} is in use by another server; stop it, or give this one a state directory of its own")]
    InUse(String),
    /// A file is damaged; it was set aside and is rebuilt where its origin is still there.
    #[error("{0} is damaged")]
    Damaged(String),
    /// There is no such day or chunk.
    #[error("there is no {0}")]
    Unknown(String),
}

/// Where events are kept. Blocking; callers in async code use a blocking thread.
pub trait EventStore: Send + Sync + 'static {
    /// Writes a batch to the record. When it returns, what it says is on disk.
    ///
    /// # Errors
    /// The record cannot be written; nothing of the batch counts as written then.
    fn append(&self, batch: &Batch) -> Result<Appended, StoreError>;

    /// Days that have events the reader may see, oldest first.
    ///
    /// # Errors
    /// Reading failed.
    fn days(&self, scope: &Scope) -> Result<Vec<DayCount>, StoreError>;

    /// What there is of a day.
    ///
    /// # Errors
    /// There is no event on that day, or reading failed.
    fn manifest(&self, day: Date, scope: &Scope) -> Result<Manifest, StoreError>;

    /// A chunk of a manifest, zstd-compressed.
    ///
    /// # Errors
    /// It does not exist (any more), or reading failed.
    fn chunk(&self, day: Date, name: &str, scope: &Scope) -> Result<Bytes, StoreError>;

    /// Shows matching events in order of time, with progress between them. Complete, or `stopped` by the visitor.
    ///
    /// # Errors
    /// Reading failed; what was shown until then is not all.
    fn scan(&self, query: &Query, visit: &mut dyn FnMut(Seen<'_>) -> ControlFlow<()>) -> Result<Scanned, StoreError>;

    /// Whether all that was there at the start has been read: until then it shows less than there is.
    fn caught_up(&self) -> bool {
        true
    }

    /// Events after a cursor, at most `limit` lines, and the cursor behind them. A cursor from before the last start
    /// or too far back gives none and says so.
    fn after(&self, cursor: u64, limit: usize) -> Followed;

    /// Told whenever a cursor moves.
    fn watch(&self) -> tokio::sync::watch::Receiver<u64>;

    /// What it counts, for metrics.
    fn figures(&self) -> Vec<Figure> {
        Vec::new()
    }
}

/// A number for metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Figure {
    /// In the form of Prometheus, without a prefix; `_total` at the end where it only grows.
    pub name: &'static str,
    /// What it is.
    pub help: &'static str,
    /// Which of several of that name; empty where there is one.
    pub reason: &'static str,
    /// How many.
    pub value: u64,
}

/// What came after a cursor.
#[derive(Clone, Debug, Default)]
pub struct Followed {
    /// In order of arrival.
    pub events: Vec<Arc<Stored>>,
    /// Behind them.
    pub cursor: u64,
    /// The cursor was not known: the reader begins anew with a manifest.
    pub lost: bool,
}
