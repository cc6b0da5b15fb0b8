//! The server's own journal: what arrives is on disk before anybody is told so.
//!
//! ```text
//! callers: check, draw lines -> queue -> one thread: write all that waits, one sync for all, then
//!          tell the reader of files, add text lines, answer the callers
//! ```
//!
//! A batch is recognised by its id when it comes again. What a crash left of one stays, and is completed when its
//! sender, who was not answered, sends it again.

use std::collections::{BTreeMap, HashSet};
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use event::draw::{LocalClock, draw};
use event::import::give_back;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::batches::{BatchKey, Batches, Known};
use super::counters::{Counters, add};
use super::entry::{self, Part};
use super::file::{OpenFiles, Torn, explain};
use super::fit::{Window, fit};
use super::index;
use crate::store::{Appended, Batch, StoreError, Stored};

/// Bytes of lines that wait for the disk. Callers wait when there are more.
const MAX_QUEUED: usize = 64 * 1024 * 1024;
/// Bytes after which the index of batches is written again.
const INDEX_EVERY: u64 = 64 * 1024 * 1024;

/// A clock.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Lines that were written to a journal, for whoever reads it.
#[derive(Debug)]
pub(super) struct Handoff {
    /// Name of the file.
    pub(super) name: String,
    /// Where the lines begin.
    pub(super) from: u64,
    /// Where they end.
    pub(super) upto: u64,
    /// Their events.
    pub(super) events: Vec<Stored>,
}

/// How far the files of the server's own journal are on disk: nobody reads further.
#[derive(Debug, Default)]
pub(super) struct Committed(Mutex<BTreeMap<String, u64>>);

impl Committed {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Up to where a file may be read whose length was seen before.
    pub(super) fn limit(&self, name: &str, length: u64) -> u64 {
        self.lock().get(name).map_or(length, |committed| length.min(*committed))
    }

    fn set(&self, name: &str, length: u64) {
        self.lock().insert(name.to_owned(), length);
    }
}

/// What appending is told.
#[derive(Clone)]
pub(super) struct AppendSettings {
    pub(super) log_dir: PathBuf,
    pub(super) state_dir: PathBuf,
    pub(super) zone: TimeZone,
    pub(super) window: Window,
    pub(super) clock: Clock,
}

/// One event, ready to be written.
struct Prepared {
    stored: Stored,
    place: u32,
    /// Its UTC day and its local day.
    days: (Date, Date),
    /// Its text line, with its end.
    text: Range<usize>,
}

struct Pending {
    key: Option<BatchKey>,
    events: Vec<Prepared>,
    texts: Vec<u8>,
    bytes: usize,
    answer: SyncSender<Result<Appended, StoreError>>,
    refused: u64,
}

#[derive(Default)]
struct Queue {
    waiting: Vec<Pending>,
    bytes: usize,
    ended: bool,
}

struct Shared {
    queue: Mutex<Queue>,
    arrived: Condvar,
    room: Condvar,
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes batches.
pub(super) struct Appender {
    settings: AppendSettings,
    counters: Arc<Counters>,
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Appender {
    /// Reads which batches are known and starts the thread that writes.
    pub(super) fn start(
        settings: AppendSettings,
        counters: Arc<Counters>,
        committed: Arc<Committed>,
        handoff: impl Fn(Handoff) + Send + 'static,
    ) -> Result<Appender, StoreError> {
        let since = day_number((settings.clock)().to_zoned(TimeZone::UTC).date()) - window_days(settings.window);
        let index = index::load(&settings.log_dir, &settings.state_dir, since)?;
        let shared = Arc::new(Shared { queue: Mutex::default(), arrived: Condvar::new(), room: Condvar::new() });
        let writer = Writer {
            settings: settings.clone(),
            counters: Arc::clone(&counters),
            committed,
            journals: OpenFiles::new(Torn::Drop),
            texts: OpenFiles::new(Torn::End),
            batches: index.batches,
            indexed: index.upto,
            since_index: 0,
            cut_back: BTreeMap::new(),
            handoff: Box::new(handoff),
        };
        let thread = std::thread::Builder::new().name("record-append".into()).spawn({
            let shared = Arc::clone(&shared);
            move || writer.run(&shared)
        });
        let thread = thread.map_err(|source| StoreError::Io { what: "cannot start a thread".into(), source })?;
        Ok(Appender { settings, counters, shared, thread: Mutex::new(Some(thread)) })
    }

    /// Writes a batch; it is on disk when this returns.
    pub(super) fn append(&self, batch: &Batch) -> Result<Appended, StoreError> {
        let (answer, answered) = sync_channel(1);
        let pending = self.prepare(batch, answer);
        let mut queue = self.shared.queue();
        while queue.bytes >= MAX_QUEUED && !queue.ended {
            queue = self.shared.room.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
        if queue.ended {
            return Err(stopped());
        }
        queue.bytes += pending.bytes;
        queue.waiting.push(pending);
        drop(queue);
        self.shared.arrived.notify_one();
        answered.recv().unwrap_or_else(|_| Err(stopped()))
    }

    /// Checks the events and draws their text lines, in the caller's thread.
    fn prepare(&self, batch: &Batch, answer: SyncSender<Result<Appended, StoreError>>) -> Pending {
        let now = (self.settings.clock)();
        let mut clock = LocalClock::new(self.settings.zone.clone());
        let mut texts = Vec::new();
        let mut events = Vec::with_capacity(batch.events.len());
        let mut bytes = 0;
        let mut refused = 0;
        for (place, stored) in (0u32..).zip(&batch.events) {
            if let Err(unfit) = fit(stored, self.settings.window, now) {
                self.counters.unfit(unfit);
                refused += 1;
                continue;
            }
            let mut stored = stored.clone();
            stored.event.batch.clone_from(&batch.id);
            let start = texts.len();
            match &stored.line {
                Some(line) => texts.extend_from_slice(&give_back(line)),
                None => draw(&stored.event, &mut clock, &mut texts),
            }
            texts.push(b'\n');
            let days = (stored.event.day(&TimeZone::UTC), stored.event.day(&self.settings.zone));
            bytes += stored.event.memory();
            events.push(Prepared { stored, place, days, text: start..texts.len() });
        }
        let key = (!batch.id.is_empty()).then(|| BatchKey::of(&batch.id));
        Pending { key, events, bytes: bytes + texts.len(), texts, answer, refused }
    }

    /// Writes what waits, and ends.
    pub(super) fn stop(&self) {
        self.shared.queue().ended = true;
        self.shared.arrived.notify_all();
        self.shared.room.notify_all();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread
            && thread.join().is_err()
        {
            tracing::error!("the thread that writes the journal ended by a fault");
        }
    }
}

impl Drop for Appender {
    fn drop(&mut self) {
        self.stop();
    }
}

fn stopped() -> StoreError {
    StoreError::Io { what: "the journal is closed: the server stops".into(), source: io::ErrorKind::BrokenPipe.into() }
}

/// Days since the epoch.
pub(super) fn day_number(date: Date) -> i32 {
    let epoch = Date::constant(1970, 1, 1);
    (date - epoch).get_days()
}

/// Days of files in which a batch of the window can stand, and that it is remembered.
fn window_days(window: Window) -> i32 {
    i32::try_from(window.back.as_hours() / 24).unwrap_or(i32::MAX / 2).saturating_add(1)
}

/// Name of the journal of a day (UTC).
pub(super) fn journal_name(day: Date) -> String {
    format!("received-{day}.jsonl")
}

/// What goes into one file.
#[derive(Default)]
struct DayLines {
    bytes: Vec<u8>,
    events: Vec<Stored>,
}

/// What a batch of a group came to.
enum Outcome {
    Written(u64),
    Repeated,
}

/// The thread that writes.
struct Writer {
    settings: AppendSettings,
    counters: Arc<Counters>,
    committed: Arc<Committed>,
    journals: OpenFiles,
    texts: OpenFiles,
    batches: Batches,
    /// Up to which byte of each journal the batches are known.
    indexed: BTreeMap<String, u64>,
    /// Bytes since the index was written.
    since_index: u64,
    /// Files that could not be cut back after a failure, and to which length they must be first.
    cut_back: BTreeMap<PathBuf, u64>,
    handoff: Box<dyn Fn(Handoff) + Send>,
}

impl Writer {
    fn run(mut self, shared: &Shared) {
        loop {
            let mut queue = shared.queue();
            while queue.waiting.is_empty() && !queue.ended {
                queue = shared.arrived.wait(queue).unwrap_or_else(PoisonError::into_inner);
            }
            if queue.waiting.is_empty() {
                break;
            }
            let group = std::mem::take(&mut queue.waiting);
            queue.bytes = 0;
            drop(queue);
            shared.room.notify_all();
            self.commit(group);
        }
        self.write_index();
    }

    /// Writes a group of batches with one sync, and answers them.
    fn commit(&mut self, mut group: Vec<Pending>) {
        let today = day_number((self.settings.clock)().to_zoned(TimeZone::UTC).date());
        self.batches.expire(today - window_days(self.settings.window));
        let mut days = BTreeMap::new();
        let mut texts = BTreeMap::new();
        let mut seen = HashSet::new();
        let mut outcomes = Vec::with_capacity(group.len());
        for pending in &mut group {
            outcomes.push(self.collect(pending, &mut seen, &mut days, &mut texts));
        }
        match self.write_journals(&mut days) {
            Ok(handoffs) => {
                for pending in &group {
                    if let Some(key) = pending.key {
                        self.batches.whole(key, today);
                    }
                }
                self.counters.known_batches.store(self.batches.len() as u64, Relaxed);
                self.counters.forgotten_batches.store(self.batches.forgotten(), Relaxed);
                handoffs.into_iter().for_each(&self.handoff);
                self.write_texts(&texts);
                self.answer(group, outcomes);
            }
            Err(error) => {
                tracing::error!("{}", chain(&error));
                add(&self.counters.failed_batches, group.len());
                for pending in group {
                    let _ = pending.answer.send(Err(again(&error)));
                }
            }
        }
        if self.since_index >= INDEX_EVERY {
            self.write_index();
        }
    }

    fn answer(&self, group: Vec<Pending>, outcomes: Vec<Outcome>) {
        for (pending, outcome) in group.into_iter().zip(outcomes) {
            let (written, repeated) = match outcome {
                Outcome::Written(written) => (written, false),
                Outcome::Repeated => (0, true),
            };
            add(if repeated { &self.counters.repeated_batches } else { &self.counters.batches }, 1);
            self.counters.appended.fetch_add(written, Relaxed);
            // A caller that is gone has nothing to hear.
            let _ = pending.answer.send(Ok(Appended { written, repeated, refused: pending.refused }));
        }
    }

    /// Adds the lines of a batch that are not written yet.
    fn collect(
        &self,
        pending: &mut Pending,
        seen: &mut HashSet<BatchKey>,
        days: &mut BTreeMap<Date, DayLines>,
        texts: &mut BTreeMap<Date, Vec<u8>>,
    ) -> Outcome {
        let mut events = std::mem::take(&mut pending.events);
        let mut of = events.len();
        if let Some(key) = pending.key {
            if !seen.insert(key) {
                return Outcome::Repeated;
            }
            match self.batches.known(key) {
                Known::New => {}
                Known::Whole => return Outcome::Repeated,
                Known::Torn(have) => {
                    events.retain(|event| !have.contains(&event.place));
                    of = have.len() + events.len();
                    add(&self.counters.completed_batches, 1);
                }
            }
        }
        let written = events.len() as u64;
        let of = u32::try_from(of).unwrap_or(u32::MAX);
        for event in events {
            let (day, local) = event.days;
            let lines = days.entry(day).or_default();
            let part = pending.key.map(|_| Part { place: event.place, of });
            if let Err(error) = entry::write(&event.stored, part, &mut lines.bytes) {
                // An event has no part that JSON cannot hold.
                tracing::error!("an event cannot be written: {error}");
                continue;
            }
            let text = pending.texts.get(event.text).unwrap_or_default();
            texts.entry(local).or_default().extend_from_slice(text);
            lines.events.push(event.stored);
        }
        Outcome::Written(written)
    }

    /// Appends to the journals and syncs. After a failure they are as they were.
    fn write_journals(&mut self, days: &mut BTreeMap<Date, DayLines>) -> Result<Vec<Handoff>, StoreError> {
        self.cut_again()?;
        let mut before: Vec<(PathBuf, u64)> = Vec::new();
        let result = self.write_and_sync(days, &mut before);
        if let Err(error) = result {
            for (path, length) in before {
                let cut = self.journals.get(&path).and_then(|file| file.cut(length).map_err(|e| explain(&path, e)));
                if let Err(error) = cut {
                    tracing::error!("{}", chain(&error));
                    self.journals.close(&path);
                    self.cut_back.insert(path, length);
                }
            }
            return Err(error);
        }
        let mut handoffs = Vec::new();
        for ((path, from), (day, lines)) in before.into_iter().zip(std::mem::take(days)) {
            let name = journal_name(day);
            let upto = from + lines.bytes.len() as u64;
            self.since_index += upto - from;
            self.committed.set(&name, upto);
            self.indexed.insert(name.clone(), upto);
            debug_assert!(path.ends_with(&name));
            handoffs.push(Handoff { name, from, upto, events: lines.events });
        }
        Ok(handoffs)
    }

    fn write_and_sync(
        &mut self,
        days: &BTreeMap<Date, DayLines>,
        before: &mut Vec<(PathBuf, u64)>,
    ) -> Result<(), StoreError> {
        for (day, lines) in days {
            let name = journal_name(*day);
            let path = self.settings.log_dir.join(&name);
            let file = self.journals.get(&path)?;
            self.committed.set(&name, file.length());
            before.push((path.clone(), file.length()));
            file.append(&lines.bytes).map_err(|error| explain(&path, error))?;
        }
        for (path, _) in before.iter() {
            self.journals.get(path)?.sync().map_err(|error| explain(path, error))?;
            add(&self.counters.syncs, 1);
        }
        Ok(())
    }

    /// Cuts files that could not be cut when it was needed.
    fn cut_again(&mut self) -> Result<(), StoreError> {
        while let Some((path, length)) = self.cut_back.first_key_value().map(|(p, l)| (p.clone(), *l)) {
            let file = self.journals.get(&path)?;
            if file.length() > length {
                file.cut(length).map_err(|error| explain(&path, error))?;
            }
            self.cut_back.remove(&path);
        }
        Ok(())
    }

    /// Adds lines to the text logs. They are for people; the journal is the record.
    fn write_texts(&mut self, texts: &BTreeMap<Date, Vec<u8>>) {
        for (day, lines) in texts {
            let path = self.settings.log_dir.join(format!("{day}.log"));
            let written = self.texts.get(&path).and_then(|file| file.append(lines).map_err(|e| explain(&path, e)));
            if let Err(error) = written {
                tracing::error!("{}", chain(&error));
                self.texts.close(&path);
                add(&self.counters.text_failed, memchr::memchr_iter(b'\n', lines).count());
            }
        }
    }

    fn write_index(&mut self) {
        self.since_index = 0;
        let AppendSettings { log_dir, state_dir, .. } = &self.settings;
        if let Err(error) = index::store(log_dir, state_dir, &self.batches, &self.indexed) {
            // Without it a start reads more.
            tracing::warn!("{}", chain(&error));
        }
    }
}

/// An error with its cause.
fn chain(error: &StoreError) -> String {
    match error {
        StoreError::Io { what, source } => format!("{what}: {source}"),
        other => other.to_string(),
    }
}

/// The same error for another caller.
fn again(error: &StoreError) -> StoreError {
    match error {
        StoreError::Io { what, source } => {
            StoreError::Io { what: what.clone(), source: io::Error::new(source.kind(), source.to_string()) }
        }
        other => StoreError::Io { what: other.to_string(), source: io::ErrorKind::Other.into() },
    }
}

/// Whether a path is one of the server's own journals, and of which day.
pub(super) fn journal_day(path: &Path) -> Option<Date> {
    let name = path.file_name()?.to_str()?;
    name.strip_prefix("received-")?.strip_suffix(".jsonl")?.parse().ok()
}
