//! The store of one machine: the record's files, the archive that is made of them, and their upkeep.

use std::fs;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use tokio::sync::watch;

use super::files::step;
use super::record::{Clock, Form, Record, RecordSettings, Window, observed};
use super::retention::{Removed, first_kept};
use super::table::utc_day;
use super::{
    Appended, Archive, ArchiveSettings, Batch, DayCount, EventStore, Figure, Followed, Manifest, Query, Scanned, Seen,
    StoreError,
};
use crate::addresses::{AddressSet, Local};
use crate::{Scope, Settings};

/// How often upkeep looks whether there is something to do.
const UPKEEP_EVERY: Duration = Duration::from_secs(60);

/// What a store is told.
#[derive(Clone)]
pub struct LocalSettings {
    /// `LOG_DIR`.
    pub log_dir: PathBuf,
    /// What is derived lies here; one server owns it.
    pub state_dir: PathBuf,
    /// Zone of the days that are shown, and of text lines.
    pub zone: TimeZone,
    /// Which addresses are on this side of the Internet.
    pub local: Local,
    /// How far from now an event that arrives may be.
    pub window: Window,
    /// Days after which events are removed; none: never.
    pub retention_days: Option<u32>,
    /// Bytes above which the oldest days are removed; none: never.
    pub retention_bytes: Option<u64>,
    /// The time.
    pub clock: Clock,
}

impl LocalSettings {
    /// Of a server's.
    #[must_use]
    pub fn of(settings: &Settings, clock: Clock) -> LocalSettings {
        LocalSettings {
            log_dir: settings.log_dir.clone(),
            state_dir: settings.state_dir.clone(),
            zone: settings.zone.clone(),
            local: Local::new(AddressSet::of(&settings.home_networks)),
            window: Window::of(settings),
            retention_days: settings.retention_days,
            retention_bytes: settings.retention_bytes,
            clock,
        }
    }
}

/// See the module.
pub struct LocalStore {
    kept: Arc<Kept>,
    upkeep: Mutex<Option<JoinHandle<()>>>,
}

struct Kept {
    archive: Arc<Archive>,
    record: Record,
    log_dir: PathBuf,
    clock: Clock,
    retention_days: Option<u32>,
    retention_bytes: Option<u64>,
    ended: Mutex<bool>,
    wake: Condvar,
}

impl LocalStore {
    /// Opens the state directory and the log directory, and begins to read and to keep up.
    ///
    /// # Errors
    /// Another server owns the state directory, or a directory cannot be read or written.
    pub fn open(settings: LocalSettings) -> Result<LocalStore, StoreError> {
        let LocalSettings { log_dir, state_dir, zone, local, window, retention_days, retention_bytes, clock } =
            settings;
        let archive = ArchiveSettings { state_dir: state_dir.clone(), zone: zone.clone(), local };
        let archive = Arc::new(Archive::open(archive, clock())?);
        let record = RecordSettings { log_dir: log_dir.clone(), state_dir, zone, window, clock: Arc::clone(&clock) };
        let sink: Arc<Archive> = Arc::clone(&archive);
        let kept = Arc::new(Kept {
            record: Record::open(record, sink)?,
            archive,
            log_dir,
            clock,
            retention_days,
            retention_bytes,
            ended: Mutex::new(false),
            wake: Condvar::new(),
        });
        let keeping = Arc::clone(&kept);
        let thread = std::thread::Builder::new().name("store-upkeep".into()).spawn(move || keeping.run());
        let thread = thread.map_err(|source| StoreError::Io { what: "cannot start a thread".into(), source })?;
        Ok(LocalStore { kept, upkeep: Mutex::new(Some(thread)) })
    }

    /// The archive.
    #[must_use]
    pub fn archive(&self) -> &Archive {
        &self.kept.archive
    }

    /// The record.
    #[must_use]
    pub fn record(&self) -> &Record {
        &self.kept.record
    }

    /// Does what is due: hours that are over are written, days that are over sealed, days condensed, old days removed.
    ///
    /// # Errors
    /// A part of it failed; it is tried again the next time.
    pub fn keep_up(&self) -> Result<Removed, StoreError> {
        self.kept.keep_up()
    }

    /// Ends reading and upkeep, and writes what is in memory.
    ///
    /// # Errors
    /// It cannot be written: it is read again from the record at the next start.
    pub fn stop(&self) -> Result<(), StoreError> {
        self.kept.record.stop();
        *self.kept.ended.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.kept.wake.notify_all();
        let thread = self.upkeep.lock().unwrap_or_else(PoisonError::into_inner).take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread that keeps the store ended by a fault");
        }
        self.kept.archive.flush()
    }
}

impl Drop for LocalStore {
    fn drop(&mut self) {
        if let Err(error) = self.stop() {
            tracing::warn!("{error}");
        }
    }
}

impl Kept {
    fn run(&self) {
        loop {
            let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
            let waited = self.wake.wait_timeout_while(ended, UPKEEP_EVERY, |ended| !*ended);
            let (ended, _) = waited.unwrap_or_else(PoisonError::into_inner);
            if *ended {
                return;
            }
            drop(ended);
            if let Err(error) = self.keep_up() {
                tracing::error!("{error}");
            }
        }
    }

    fn keep_up(&self) -> Result<Removed, StoreError> {
        let now = (self.clock)();
        self.archive.flush_finished_hours(now)?;
        if !self.archive.gaps().is_empty() {
            self.record.look_again();
        }
        let removed = self.remove_old(utc_day(now))?;
        self.archive.seal(now)?;
        self.archive.condense()?;
        Ok(removed)
    }

    /// Removes days that are too old, or too many for their bytes: segments, and files of the log directory. Nothing
    /// else removes files: as long as they are there, everything can be made of them again.
    fn remove_old(&self, today: Date) -> Result<Removed, StoreError> {
        let files = self.files();
        let mut sizes: std::collections::BTreeMap<Date, u64> = self.archive.bytes_by_day().into_iter().collect();
        for file in &files {
            *sizes.entry(file.day).or_default() += file.bytes;
        }
        let sizes: Vec<(Date, u64)> = sizes.into_iter().collect();
        let Some(first) = first_kept(&sizes, today, self.retention_days, self.retention_bytes) else {
            return Ok(Removed::default());
        };
        let mut removed = self.archive.remove_before(first)?;
        for file in files.into_iter().filter(|file| file.last_day < first) {
            match step().and_then(|()| fs::remove_file(&file.path)) {
                Ok(()) => {
                    tracing::info!("{} removed: older than what is kept", file.path.display());
                    removed.bytes += file.bytes;
                    removed.files += 1;
                }
                Err(error) => {
                    tracing::warn!("{} cannot be removed: {error}", file.path.display());
                    removed.failed += 1;
                }
            }
        }
        Ok(removed)
    }

    fn files(&self) -> Vec<DayFile> {
        let reports = self.record.files();
        let file = |(name, report): (&String, &super::record::FileReport)| {
            let day = name.as_bytes().windows(10).find_map(|w| std::str::from_utf8(w).ok()?.parse::<Date>().ok())?;
            let path = self.log_dir.join(name);
            let bytes = fs::metadata(&path).ok()?.len();
            // A local day reaches into the UTC day after.
            let last_day = if report.form == Some(Form::Text) { day.tomorrow().ok()? } else { day };
            Some(DayFile { path, day, last_day, bytes })
        };
        let observed = observed::files(&self.log_dir).into_iter().filter_map(|(path, day)| {
            let bytes = fs::metadata(&path).ok()?.len();
            Some(DayFile { path, day, last_day: day, bytes })
        });
        reports.iter().filter_map(file).chain(observed).collect()
    }
}

/// A file of the log directory.
struct DayFile {
    path: PathBuf,
    day: Date,
    last_day: Date,
    bytes: u64,
}

impl EventStore for LocalStore {
    fn append(&self, batch: &Batch) -> Result<Appended, StoreError> {
        self.kept.record.append(batch)
    }

    fn days(&self, scope: &Scope) -> Result<Vec<DayCount>, StoreError> {
        self.kept.archive.days_at(scope, (self.kept.clock)())
    }

    fn manifest(&self, day: Date, scope: &Scope) -> Result<Manifest, StoreError> {
        self.kept.archive.manifest(day, scope)
    }

    fn chunk(&self, day: Date, name: &str, scope: &Scope) -> Result<Bytes, StoreError> {
        self.kept.archive.chunk(day, name, scope)
    }

    fn caught_up(&self) -> bool {
        self.kept.record.caught_up()
    }

    fn scan(&self, query: &Query, visit: &mut dyn FnMut(Seen<'_>) -> ControlFlow<()>) -> Result<Scanned, StoreError> {
        self.kept.archive.scan(query, visit)
    }

    fn after(&self, cursor: u64, limit: usize) -> Followed {
        self.kept.archive.after(cursor, limit)
    }

    fn watch(&self) -> watch::Receiver<u64> {
        self.kept.archive.watch()
    }

    fn figures(&self) -> Vec<Figure> {
        self.kept.record.counters().figures()
    }
}
