//! The record: files in the log directory, which are what an event is kept in. The store beside is made of them.
//!
//! ```text
//! events-YYYY-MM-DD.jsonl     journals of a sensor on this machine          read, followed
//! received-YYYY-MM-DD.jsonl   the server's own journal                      written (Record::append), read
//! YYYY-MM-DD.log              text logs: lines that a journal's event draws too are passed over, others imported
//! observables-YYYY-MM-DD.jsonl   what a sensor on this machine saw at all   read, followed ([`Following`])
//! ```
//!
//! Files may be rotated, compressed (.gz, .zst), truncated, replaced or damaged at any time.

mod append;
mod batches;
mod counters;
mod drawn;
mod entry;
mod file;
mod fit;
mod follow;
mod gaps;
mod index;
mod journals;
mod label;
mod names;
pub(super) mod observed;
mod reader;
mod report;
#[cfg(test)]
pub(crate) mod sample;
#[cfg(test)]
mod tests;
mod text;
mod watch;

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use jiff::civil::Date;
use jiff::tz::TimeZone;

use append::{AppendSettings, Appender, Committed};
use follow::{FollowSettings, Follower};
pub(crate) use text::line_id;
use watch::{Inbox, Watch};

pub use append::Clock;
pub use batches::MAX_BATCHES;
pub use counters::Counters;
pub use drawn::MAX_AHEAD;
pub use fit::{MAX_LIST, MAX_VALUE, Unfit, Window, fit};
pub use follow::MAX_FILES;
pub(crate) use label::Labels;
pub use names::Form;
pub use observed::{Following, take_once};
pub use report::{FileReport, FileState, Reports};

use super::files::make_directory;
use super::{Appended, Archive, Batch, Gap, Missing, SourceId, StoreError, Stored};

/// What takes the events of the files in, and keeps how far each was read together with them.
///
/// Sources with `|` in their id have no events: their position is where the journals beside a text log stand.
pub trait Sink: Send + Sync + 'static {
    /// Up to which byte a source was taken; none where it is new.
    fn position(&self, source: &SourceId) -> Option<u64>;

    /// Takes the events between a source's position and `upto`.
    ///
    /// # Errors
    /// Nothing was taken; it is tried again.
    fn absorb(&self, source: &SourceId, upto: u64, events: Vec<Stored>) -> Result<(), StoreError>;

    /// All sources with their positions.
    fn sources(&self) -> Vec<(SourceId, u64)>;

    /// What is to be read again.
    fn gaps(&self) -> Vec<Gap>;

    /// Takes what was read of a gap, up to a byte.
    ///
    /// # Errors
    /// Nothing was taken.
    fn fill(&self, gap: &Gap, upto: u64, events: Vec<Stored>) -> Result<(), StoreError>;

    /// Gives a gap up: its file is gone.
    ///
    /// # Errors
    /// The gap stays.
    fn abandon(&self, gap: &Gap) -> Result<(), StoreError>;
}

impl Sink for Archive {
    fn position(&self, source: &SourceId) -> Option<u64> {
        Archive::position(self, source)
    }

    fn absorb(&self, source: &SourceId, upto: u64, events: Vec<Stored>) -> Result<(), StoreError> {
        Archive::absorb(self, source, upto, events)
    }

    fn sources(&self) -> Vec<(SourceId, u64)> {
        Archive::sources(self)
    }

    fn gaps(&self) -> Vec<Gap> {
        Archive::gaps(self)
    }

    fn fill(&self, gap: &Gap, upto: u64, events: Vec<Stored>) -> Result<(), StoreError> {
        Archive::fill(self, gap, upto, events)
    }

    fn abandon(&self, gap: &Gap) -> Result<(), StoreError> {
        Archive::abandon(self, gap)
    }
}

/// Longest time that reading a log directory once may take.
const MAX_READING: Duration = Duration::from_secs(24 * 3600);

/// What a record is told.
#[derive(Clone)]
pub struct RecordSettings {
    /// `LOG_DIR`.
    pub log_dir: PathBuf,
    /// Where the index of batches is kept.
    pub state_dir: PathBuf,
    /// Zone of the text logs.
    pub zone: TimeZone,
    /// How far from now an event that arrives may be.
    pub window: Window,
    /// The time.
    pub clock: Clock,
}

/// The files of a log directory: written by [`Record::append`], read and followed by a thread.
pub struct Record {
    appender: Appender,
    counters: Arc<Counters>,
    reports: Arc<Mutex<Reports>>,
    inbox: Arc<Inbox>,
    threads: Mutex<Option<(Watch, JoinHandle<()>)>>,
}

impl Record {
    /// Opens the log directory, and begins to read into `sink`.
    ///
    /// # Errors
    /// The directory cannot be made or read.
    pub fn open(settings: RecordSettings, sink: Arc<dyn Sink>) -> Result<Record, StoreError> {
        crate::make_directory(&settings.log_dir).map_err(|error| file::explain(&settings.log_dir, error))?;
        make_directory(&settings.state_dir)?;
        let RecordSettings { log_dir, state_dir, zone, window, clock } = settings;
        let (counters, committed) = (Arc::new(Counters::default()), Arc::new(Committed::default()));
        let (inbox, reports) = (Arc::new(Inbox::default()), Arc::new(Mutex::default()));
        let append = AppendSettings { log_dir: log_dir.clone(), state_dir, zone: zone.clone(), window, clock };
        let told = Arc::clone(&inbox);
        let appender = Appender::start(append, Arc::clone(&counters), Arc::clone(&committed), move |handoff| {
            told.handoff(handoff);
        })?;
        let watch = Watch::start(&log_dir, &inbox);
        let shared = follow::Shared {
            sink,
            counters: Arc::clone(&counters),
            committed,
            inbox: Arc::clone(&inbox),
            reports: Arc::clone(&reports),
        };
        let follower = Follower::new(FollowSettings { log_dir, zone, once: None }, shared);
        let thread = std::thread::Builder::new().name("record-follow".into()).spawn(move || follower.run());
        let thread = thread.map_err(|source| StoreError::Io { what: "cannot start a thread".into(), source })?;
        Ok(Record { appender, counters, reports, inbox, threads: Mutex::new(Some((watch, thread))) })
    }

    /// Writes a batch. When it returns, what it says is on disk; readers of the store see it soon after.
    ///
    /// # Errors
    /// The record cannot be written; nothing of the batch counts as written then.
    pub fn append(&self, batch: &Batch) -> Result<Appended, StoreError> {
        self.appender.append(batch)
    }

    /// What was counted.
    #[must_use]
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// The files as they stand.
    #[must_use]
    pub fn files(&self) -> Reports {
        self.reports.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Looks at the whole directory, and for the files of gaps.
    pub fn look_again(&self) {
        self.inbox.rescan();
    }

    /// Waits until all that was there when this was called is in the store. False: it was not within `patience`.
    #[must_use]
    pub fn settled(&self, patience: Duration) -> bool {
        self.look_again();
        self.inbox.settled(patience)
    }

    /// Whether all that was there at the start is in the store.
    #[must_use]
    pub fn caught_up(&self) -> bool {
        self.inbox.caught_up()
    }

    /// Writes what waits, ends the threads.
    pub fn stop(&self) {
        self.appender.stop();
        self.inbox.end();
        let threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some((watch, thread)) = threads {
            drop(watch);
            if thread.join().is_err() {
                tracing::error!("{}", io::Error::other("the thread that reads the log directory ended by a fault"));
            }
        }
    }
}

/// Days after and before that of a text log of which it may have events: its day is a local one, of whatever zone, and
/// an event that stands for several is written when the last of them came.
const TEXT_DAYS: i64 = 2;
/// The same of a journal that is read: that of every text log that is read is among them.
const JOURNAL_DAYS: i64 = TEXT_DAYS + 1;

/// UTC days of the events that are asked for, first and last included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The first.
    pub first: Date,
    /// The last.
    pub last: Date,
}

impl Asked {
    /// Whether a file may hold such events.
    fn may_hold(self, form: Form, day: Date) -> bool {
        let days = if form == Form::Text { TEXT_DAYS } else { JOURNAL_DAYS };
        let apart = |from: Date, to: Date| i64::from((to - from).get_days());
        apart(day, self.first) <= days && apart(self.last, day) <= days
    }

    /// Whether such events may be missing.
    #[must_use]
    pub fn may_concern(self, gap: &Gap) -> bool {
        match &gap.missing {
            Missing::Of(day) => (self.first..=self.last).contains(day),
            Missing::AllBut(_) => {
                names::of_source(&gap.range.source).is_none_or(|(form, day)| self.may_hold(form, day))
            }
        }
    }
}

/// Reads the files of a log directory that may hold what is asked for into `sink`, once, and tells how they stand.
/// Nothing is written there.
///
/// # Errors
/// There is no thread for it, or it ended early.
pub fn read_once(
    log_dir: &std::path::Path,
    zone: &TimeZone,
    asked: Asked,
    sink: Arc<dyn Sink>,
) -> Result<Reports, StoreError> {
    let (inbox, reports) = (Arc::new(Inbox::default()), Arc::new(Mutex::default()));
    let shared = follow::Shared {
        sink,
        counters: Arc::default(),
        committed: Arc::default(),
        inbox: Arc::clone(&inbox),
        reports: Arc::clone(&reports),
    };
    let settings = FollowSettings { log_dir: log_dir.to_owned(), zone: zone.clone(), once: Some(asked) };
    let follower = Follower::new(settings, shared);
    let failed = |source| StoreError::Io { what: format!("cannot read {}", log_dir.display()), source };
    let thread = std::thread::Builder::new().name("record-read".into()).spawn(move || follower.run());
    let thread = thread.map_err(failed)?;
    inbox.rescan();
    let settled = inbox.settled(MAX_READING);
    inbox.end();
    if thread.join().is_err() || !settled {
        return Err(failed(io::Error::other("reading ended before its end")));
    }
    Ok(reports.lock().unwrap_or_else(PoisonError::into_inner).clone())
}

impl Drop for Record {
    fn drop(&mut self) {
        self.stop();
    }
}
