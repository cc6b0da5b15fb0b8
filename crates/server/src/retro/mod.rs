//! Looking back: what became a trail is looked up in what was seen before it was one, and who touched it is told by an
//! event of now that says when.
//!
//! ```text
//! a new set of trails; the one that was looked up last, kept in the state directory
//!   v  look: indicators that came, in observables, within limits
//! found: kept in SQLite together with which set was looked up
//!   v  batches, by their names, into the record, as those that are received
//! ```
//!
//! After a crash at any moment each is told once. What could be told by who saw it is not told here: where an indicator
//! was listed before, or other trails cover it. Nothing here is asked by requests, and nothing waits for it.

mod event;
mod look;
mod report;
mod sets;
#[cfg(test)]
mod tests;

use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use ::event::Event;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::Settings;
use crate::observables::{LookedBack, Observables, ObservablesError, View};
use crate::stamp::Stamp;
use crate::store::record::{Clock, Following};
use crate::store::{Batch, EventStore, StoreError};

pub use look::Limits;
pub use report::{Look, Report};

use look::{Looked, Looking};
use sets::{Set, Sets};

/// How often it is looked whether there is another set of trails.
const EVERY: Duration = Duration::from_secs(5);
/// How long after a failure it is tried again.
const AGAIN: Duration = Duration::from_secs(60);
/// How long it is waited for what sensors here have written by then.
const PATIENCE: Duration = Duration::from_secs(1);
/// Events of a batch.
const BATCH: usize = 1000;

/// Reads what the user never wants to hear of, anew for each look, or says why it cannot.
pub type ReadUnwanted = dyn Fn() -> Result<Box<Unwanted>, String> + Send + Sync;
/// Whether the user does not want to hear of an event.
pub type Unwanted = dyn Fn(&Event) -> bool;

/// That it is looked back, and what is not told.
#[derive(Clone)]
pub struct RetroSettings(pub Arc<ReadUnwanted>);

impl fmt::Debug for RetroSettings {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("RetroSettings")
    }
}

/// Why a look back failed. It is tried again.
#[derive(Debug, thiserror::Error)]
enum RetroError {
    #[error("what was found before: {0}")]
    Observables(#[from] ObservablesError),
    #[error("the record: {0}")]
    Record(#[from] StoreError),
    #[error("cannot keep the trails that were looked up: {0}; see to the space and the permissions of STATE_DIR")]
    Sets(#[from] std::io::Error),
    #[error("{0}")]
    Unwanted(String),
    #[error("what sensors here wrote is still being read")]
    Unsettled,
}

/// What it works with.
pub(crate) struct Parts {
    pub(crate) events: Arc<dyn EventStore>,
    pub(crate) observables: Arc<Observables>,
    /// None: nothing is waited for.
    pub(crate) following: Option<Arc<Following>>,
    pub(crate) report: Arc<Report>,
    pub(crate) clock: Clock,
    pub(crate) limits: Limits,
}

/// The thread that looks back. It ends when this is dropped.
pub(crate) struct Retro {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    ended: Mutex<bool>,
    wake: Condvar,
    cancelled: AtomicBool,
}

impl Retro {
    /// Begins, where it is wanted.
    ///
    /// # Errors
    /// There is no thread for it.
    pub(crate) fn start(settings: &Settings, parts: Parts) -> Result<Option<Retro>, StoreError> {
        let Some(retro) = settings.retro.clone() else { return Ok(None) };
        let shared = Arc::new(Shared::default());
        let mut worker = Worker {
            settings: retro,
            zone: settings.zone.clone(),
            trails: trails::load::places(&settings.trails_file, &settings.cache_dir),
            sets: Sets::of(&settings.state_dir),
            parts,
            shared: Arc::clone(&shared),
            seen: None,
        };
        let thread = std::thread::Builder::new().name("retro".into()).spawn(move || worker.run());
        let thread = thread.map_err(|source| StoreError::Io { what: "cannot start a thread".into(), source })?;
        Ok(Some(Retro { shared, thread: Some(thread) }))
    }
}

impl Drop for Retro {
    /// Ends a look that runs; the next start begins it again.
    fn drop(&mut self) {
        self.shared.cancelled.store(true, Relaxed);
        *self.shared.ended.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.shared.wake.notify_all();
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread that looks back ended by a fault");
        }
    }
}

/// What the thread has.
struct Worker {
    settings: RetroSettings,
    zone: TimeZone,
    trails: Vec<PathBuf>,
    sets: Sets,
    parts: Parts,
    shared: Arc<Shared>,
    /// The files of the set that was looked up last.
    seen: Option<Vec<Option<Stamp>>>,
}

impl Worker {
    fn run(&mut self) {
        let mut wait = Duration::ZERO;
        loop {
            let ended = self.shared.ended.lock().unwrap_or_else(PoisonError::into_inner);
            let waited = self.shared.wake.wait_timeout_while(ended, wait, |ended| !*ended);
            if *waited.unwrap_or_else(PoisonError::into_inner).0 {
                return;
            }
            wait = match self.turn() {
                Ok(()) => {
                    self.parts.report.works();
                    EVERY
                }
                Err(RetroError::Observables(ObservablesError::Cancelled)) => return,
                Err(RetroError::Unsettled) => EVERY,
                Err(error) => {
                    self.parts.report.failed(&error.to_string());
                    tracing::error!("new trails are not looked up in what was seen before: {error}");
                    AGAIN
                }
            };
        }
    }

    /// Writes what waits, then looks back where there is another set.
    fn turn(&mut self) -> Result<(), RetroError> {
        self.write()?;
        // Before it is read: what is changed meanwhile is looked at again.
        let stamps: Vec<Option<Stamp>> = self.trails.iter().map(|path| Stamp::of(path)).collect();
        if self.seen.as_ref() == Some(&stamps) {
            return Ok(());
        }
        if let Some(set) = self.sets.newest(&self.trails)? {
            self.look_back(&set)?;
            self.sets.keep_only(&set.name);
            self.write()?;
        }
        self.seen = Some(stamps);
        Ok(())
    }

    fn look_back(&self, set: &Set) -> Result<(), RetroError> {
        let known = self.parts.observables.looked_up()?;
        if known.as_ref() == Some(&set.name) {
            return Ok(());
        }
        let generation = set.store.generation_info().generation;
        let now = (self.parts.clock)();
        let mut looked = LookedBack { trails: set.name.clone(), ..LookedBack::default() };
        let Some(before) = known.and_then(|name| self.sets.open(&name)) else {
            tracing::info!("the first set of trails is not looked up in what was seen before: all of it is new");
            self.parts.observables.keep_looked_back(&looked, now)?;
            self.parts.report.looked(Look { at: now, generation, wholly_new: true, ..Look::default() });
            return Ok(());
        };
        if self.parts.following.as_ref().is_some_and(|following| !following.settled(PATIENCE)) {
            return Err(RetroError::Unsettled);
        }
        let unwanted = (self.settings.0)().map_err(RetroError::Unwanted)?;
        let until = Instant::now().checked_add(self.parts.limits.time);
        let ended = || self.shared.cancelled.load(Relaxed);
        let looking = Looking {
            before: &before.store,
            now: &set.store,
            reading: self.parts.observables.reading(),
            gone: self.parts.observables.gone()?,
            limits: self.parts.limits,
            view: View { cancelled: &ended, ..View::ALL },
            late: &|| until.is_some_and(|until| Instant::now() >= until),
        };
        let Looked { found, gone, came, look } = looking.look()?;
        let events: Vec<Event> = found.iter().map(event::of).filter(|event| !unwanted(event)).collect();
        let look = Look { at: now, generation, unwanted: (found.len() - events.len()) as u64, ..look };
        looked.found = batches(&events, now);
        (looked.gone, looked.came) = (gone, came);
        self.parts.observables.keep_looked_back(&looked, now)?;
        tracing::info!("{look}");
        self.parts.report.looked(look);
        Ok(())
    }

    /// Writes what was found and is not in the record yet.
    fn write(&self) -> Result<(), RetroError> {
        while let Some((batch, events)) = self.parts.observables.next_found()? {
            if self.shared.cancelled.load(Relaxed) {
                return Ok(());
            }
            let now = (self.parts.clock)();
            let events = events.iter().filter_map(|event| event::stored(event, now, &self.zone)).collect();
            let appended = self.parts.events.append(&Batch { id: batch.clone(), events })?;
            self.parts.report.written(appended.written);
            self.parts.observables.found_written(&batch)?;
        }
        Ok(())
    }
}

/// Events in batches whose names are in use nowhere else.
fn batches(events: &[Event], now: Timestamp) -> Vec<(String, Vec<String>)> {
    let json = |event: &Event| serde_json::to_string(event).unwrap_or_default();
    let batches = events.chunks(BATCH).enumerate();
    batches
        .map(|(number, events)| {
            (format!("retro-{}-{number:06}", now.as_microsecond()), events.iter().map(json).collect())
        })
        .collect()
}
