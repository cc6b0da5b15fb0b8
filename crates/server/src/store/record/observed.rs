//! One thread reads the files of observables that sensors on this machine write, and goes on as they grow.
//!
//! They are no record of events: what they hold is added up in [`Observables`], which keeps with the sums up to where
//! each file was read. Nothing here decides what is kept.

use std::collections::{BTreeMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use event::observable;
use jiff::civil::Date;

use super::append::Clock;
use super::file::identity;
use super::follow::MAX_FILES;
use super::names::{self, FileName, Form, Packing};
use super::reader::{self, Reader};
use super::watch::{Inbox, Wait, Watch};
use crate::observables::{Observables, ObservablesError, Origin, add};
use crate::store::{SourceId, StoreError};

/// Lines that are taken in one transaction, about: the more, the less often a page of the database is written.
const PORTION: usize = 200_000;
/// How long after a failure it is tried again.
const AGAIN: Duration = Duration::from_secs(5);
/// How often old observables are looked for.
const UPKEEP: Duration = Duration::from_secs(3600);

/// The thread that follows them.
pub struct Following {
    inbox: Arc<Inbox>,
    threads: Mutex<Option<(Watch, JoinHandle<()>)>>,
}

impl Following {
    /// Begins to read what is in a log directory, and to remove what is too old.
    ///
    /// # Errors
    /// There is no thread for it.
    pub fn start(log_dir: &Path, observables: Arc<Observables>, clock: Clock) -> Result<Following, StoreError> {
        let inbox = Arc::new(Inbox::default());
        let watch = Watch::start(log_dir, &inbox);
        let follower = Follower::new(log_dir, observables, clock);
        let thread = std::thread::Builder::new().name("observables".into()).spawn({
            let inbox = Arc::clone(&inbox);
            move || follower.run(&inbox)
        });
        let thread = thread.map_err(|source| StoreError::Io { what: "cannot start a thread".into(), source })?;
        Ok(Following { inbox, threads: Mutex::new(Some((watch, thread))) })
    }

    /// Waits until all that was there when this was called is taken. False: it was not within `patience`.
    #[must_use]
    pub fn settled(&self, patience: Duration) -> bool {
        self.inbox.rescan();
        self.inbox.settled(patience)
    }

    /// Ends the thread; what was not taken is at the next start.
    pub fn stop(&self) {
        self.inbox.end();
        let threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some((watch, thread)) = threads {
            drop(watch);
            if thread.join().is_err() {
                tracing::error!("the thread that reads observables ended by a fault");
            }
        }
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Takes what the files of a log directory hold, once. Says which could not be read, and why.
#[must_use]
pub fn take_once(log_dir: &Path, observables: Arc<Observables>, clock: Clock) -> Vec<String> {
    let mut follower = Follower::new(log_dir, observables, clock);
    let mut unreadable = follower.rescan();
    while let Some(name) = follower.next(Instant::now()) {
        if let Err(trouble) = follower.step(&name) {
            unreadable.push(format!("{name}: {trouble}"));
            follower.files.remove(&name);
        }
    }
    unreadable
}

/// Files of observables in a log directory, with their days.
pub(in crate::store) fn files(log_dir: &Path) -> Vec<(PathBuf, Date)> {
    let Ok(entries) = std::fs::read_dir(log_dir) else { return Vec::new() };
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let day = |path: &Path| Some(observables_file(path.file_name()?.to_str()?)?.day);
    paths.filter_map(|path| day(&path).map(|day| (path, day))).collect()
}

fn observables_file(name: &str) -> Option<FileName> {
    names::parse(name).filter(|file| file.form == Form::Observables)
}

/// Why a file is not read on now.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("cannot be read: {0}")]
    File(#[from] io::Error),
    #[error("{0}")]
    Observables(#[from] ObservablesError),
}

/// One file.
struct Tracked {
    file: FileName,
    id: SourceId,
    identity: (u64, u64),
    length: u64,
    reader: Option<Reader>,
    dirty: bool,
    /// When it is tried again.
    again: Option<Instant>,
}

struct Follower {
    log_dir: PathBuf,
    observables: Arc<Observables>,
    clock: Clock,
    files: BTreeMap<String, Tracked>,
}

impl Follower {
    fn new(log_dir: &Path, observables: Arc<Observables>, clock: Clock) -> Follower {
        Follower { log_dir: log_dir.to_owned(), observables, clock, files: BTreeMap::new() }
    }

    fn run(mut self, inbox: &Inbox) {
        self.rescan();
        let (mut wait, mut upkeep) = (Wait::No, Instant::now());
        loop {
            let news = inbox.take(wait);
            if news.ended {
                return;
            }
            if news.rescan {
                self.rescan();
            }
            for name in news.changed {
                self.look(&name);
            }
            let now = Instant::now();
            if now >= upkeep {
                self.keep_up();
                upkeep = now + UPKEEP;
            }
            wait = match self.next(now) {
                Some(name) => {
                    if let Err(trouble) = self.step(&name) {
                        tracing::error!("{}: {trouble}", self.log_dir.join(name).display());
                    }
                    Wait::No
                }
                None => {
                    let again = self.files.values().filter_map(|tracked| tracked.again).min();
                    again.map_or(Wait::Rest(upkeep), |again| Wait::Until(again.min(upkeep)))
                }
            };
        }
    }

    /// The file to read next: the newest day, there the part that was begun first.
    fn next(&self, now: Instant) -> Option<String> {
        let due = |tracked: &Tracked| tracked.dirty && tracked.again.is_none_or(|again| again <= now);
        let waiting = self.files.iter().filter(|(_, tracked)| due(tracked));
        let newest = waiting.max_by_key(|(_, tracked)| (tracked.file.day, tracked.file.rotation));
        newest.map(|(name, _)| name.clone())
    }

    fn keep_up(&self) {
        let there: HashSet<SourceId> = self.files.values().map(|tracked| tracked.id.clone()).collect();
        if let Err(error) = self.observables.keep_up(&there, (self.clock)()) {
            add(&self.observables.counters().failures, 1);
            tracing::error!("old observables cannot be removed: {error}");
        }
    }

    /// Looks at all files; says which cannot be read.
    fn rescan(&mut self) -> Vec<String> {
        let entries = match std::fs::read_dir(&self.log_dir) {
            Ok(entries) => entries,
            Err(error) => {
                tracing::error!("cannot read {}: {error}", self.log_dir.display());
                return vec![format!("{}: {error}", self.log_dir.display())];
            }
        };
        let there: HashSet<String> = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
        self.files.retain(|name, _| there.contains(name));
        there.iter().filter_map(|name| Some(format!("{name}: {}", self.look(name)?))).collect()
    }

    /// Looks at a file that may be new, longer, another, or gone. Says why it cannot be read.
    fn look(&mut self, name: &str) -> Option<io::Error> {
        let file = observables_file(name)?;
        let path = self.log_dir.join(name);
        let known = self.files.remove(name);
        let metadata = std::fs::metadata(&path).ok().filter(std::fs::Metadata::is_file)?;
        let counters = self.observables.counters();
        if known.is_none() && self.files.len() >= MAX_FILES {
            add(&counters.ignored_files, 1);
            return Some(io::Error::other("too many files in this directory; move old ones elsewhere"));
        }
        let id = match reader::identify(&path, file) {
            Ok(id) => id?,
            Err(error) => {
                add(&counters.unreadable_files, 1);
                tracing::error!("{} cannot be read: {error}", path.display());
                return Some(error);
            }
        };
        let (identity, length) = (identity(&metadata), metadata.len());
        let same = known.filter(|t| t.identity == identity && t.length <= length && t.id == id);
        let (reader, again) = same.map_or((None, None), |tracked| (tracked.reader, tracked.again));
        let tracked = Tracked { file, id, identity, length, reader, dirty: true, again };
        self.files.insert(name.to_owned(), tracked);
        None
    }

    /// Takes a portion of a file.
    fn step(&mut self, name: &str) -> Result<(), Trouble> {
        let Some(mut tracked) = self.files.remove(name) else { return Ok(()) };
        let path = self.log_dir.join(name);
        let taken = self.portion(&path, &mut tracked);
        (tracked.dirty, tracked.again) = match &taken {
            Ok(more) => (*more, None),
            Err(trouble) => {
                let counters = self.observables.counters();
                add(&counters.unreadable_files, u64::from(matches!(trouble, Trouble::File(_))));
                tracked.reader = None;
                (true, Some(Instant::now() + AGAIN))
            }
        };
        self.files.insert(name.to_owned(), tracked);
        taken.map(drop)
    }

    /// Whether there may be more.
    fn portion(&self, path: &Path, tracked: &mut Tracked) -> Result<bool, Trouble> {
        let position = self.position(path, tracked)?;
        let mut reader = match tracked.reader.take().filter(|reader| reader.offset() == position) {
            Some(reader) => reader,
            None => self.open(path, tracked.file, position)?,
        };
        let (mut observables, mut lines, mut malformed) = (Vec::new(), 0, 0);
        loop {
            reader.fill(None)?;
            if reader.lines().is_empty() || lines >= PORTION {
                break;
            }
            for line in reader.lines().split_inclusive(|byte| *byte == b'\n') {
                lines += 1;
                match std::str::from_utf8(line).ok().and_then(|line| observable::parse(line).ok()) {
                    Some(observable) => observables.push(observable),
                    None => malformed += 1,
                }
            }
            reader.consume(reader.lines().len());
        }
        malformed += reader.take_long() as u64;
        let upto = reader.offset();
        if upto > position {
            self.observables.take(Origin::File { source: &tracked.id, upto }, &observables, (self.clock)())?;
            add(&self.observables.counters().malformed, malformed);
        }
        tracked.reader = Some(reader);
        Ok(upto > position)
    }

    /// Up to which byte a file was taken. What is left of one that became shorter was; what is added was not.
    fn position(&self, path: &Path, tracked: &Tracked) -> Result<u64, Trouble> {
        let position = self.observables.position(&tracked.id)?.unwrap_or(0);
        let length = std::fs::metadata(path)?.len();
        if tracked.file.packing != Packing::Plain || position <= length {
            return Ok(position);
        }
        add(&self.observables.counters().truncated_files, 1);
        tracing::warn!("{} is shorter than what was read of it; what is added is read", path.display());
        self.observables.set_position(&tracked.id, length, (self.clock)())?;
        Ok(length)
    }

    fn open(&self, path: &Path, file: FileName, mut at: u64) -> io::Result<Reader> {
        if file.packing == Packing::Plain && !reader::begins_line(path, at)? {
            add(&self.observables.counters().edited_files, 1);
            tracing::warn!("{} was changed where reading goes on; its next whole line is next", path.display());
            at = reader::next_line(path, at)?;
        }
        Reader::open(path, file, at)
    }
}
