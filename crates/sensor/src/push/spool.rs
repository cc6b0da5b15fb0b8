//! What waits for a server: a directory of files, each of them one batch.
//!
//! Lines are appended to the newest file. From the moment at which it is handed out to be sent it never changes, and it is
//! removed when it is acknowledged; its name is that of the batch and is given once. So whatever ends when, a batch that is
//! sent again is the one that was sent before, and nothing has to be remembered but the files. Outputs wait here for
//! nothing but the disk.

use std::collections::VecDeque;
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::Reason;
use crate::board::lock;
use crate::output::directory::{self, FILE_MODE};
use crate::output::{Care, Lines, Torn};
use crate::summary::PushCounts;

/// Bytes of a batch at most, but where a single line is longer.
pub(super) const BATCH_BYTES: usize = 1 << 20;
/// Lines of a batch at most.
pub(super) const BATCH_LINES: u64 = 2_000;
/// What a file counts at least against the limit, bytes: it has a block of the disk and an entry in memory.
const BLOCK: u64 = 4_096;
/// Ending of files that wait.
const WAITS: &str = "jsonl";
/// Ending of files that the server refused as a whole: kept for the operator.
const REFUSED: &str = "refused";
/// Whoever holds the lock on this file owns the directory.
const LOCK: &str = "lock";
const CARE: Care = Care { torn: Torn::Drop, lock: false, setting: "SPOOL_DIR" };

/// Name of a batch: when it was begun, so that names stand in the order of lines, and what no other process has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Name {
    /// Microseconds since the epoch, and later than those of the batch before.
    begun: u64,
    process: u64,
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}-{:016x}", self.begun, self.process)
    }
}

impl Name {
    /// Of a file that this program made, with the file's ending.
    fn of(path: &Path) -> Option<(Name, &str)> {
        let (stem, ending) = path.file_name()?.to_str()?.split_once('.')?;
        let (begun, process) = stem.split_once('-')?;
        let name =
            Name { begun: u64::from_str_radix(begun, 16).ok()?, process: u64::from_str_radix(process, 16).ok()? };
        (name.to_string() == stem).then_some((name, ending))
    }
}

/// One file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Batch {
    pub(super) name: Name,
    pub(super) bytes: u64,
}

/// The file that grows.
struct Open {
    batch: Batch,
    lines: u64,
    out: Lines,
}

struct State {
    open: Option<Open>,
    /// Oldest first.
    waiting: VecDeque<Batch>,
    /// Whether the first of them is on its way.
    sending: bool,
    /// Oldest first.
    refused: VecDeque<Batch>,
    /// Of all three, as they count against the limit.
    held: u64,
    /// When the newest file was begun.
    newest: u64,
    /// Until when is sent; none: nothing has ended.
    closing: Option<Instant>,
    counts: PushCounts,
}

/// What is told about a spool.
pub(crate) struct SpoolSettings<'a> {
    /// Whom it is for.
    pub(crate) server: &'a str,
    pub(crate) directory: &'a Path,
    /// Bytes of files; then the oldest go.
    pub(crate) limit_bytes: u64,
    /// Random, and in all names of batches that are begun here.
    pub(crate) process: u64,
}

/// The directory, for those who fill it and the one who empties it.
pub(crate) struct Spool {
    directory: PathBuf,
    limit: u64,
    process: u64,
    /// Locked as long as this lives.
    _lock: File,
    state: Mutex<State>,
    /// Something waits, or it is closing.
    news: Condvar,
}

impl Spool {
    /// Takes over a directory with what waits in it.
    ///
    /// # Errors
    /// It cannot be written, or another process has it.
    pub(crate) fn open(settings: &SpoolSettings<'_>) -> io::Result<Spool> {
        let SpoolSettings { server, directory, limit_bytes, process } = *settings;
        directory::prepare(directory)?;
        let lock_file = directory.join(LOCK);
        let lock_file = OpenOptions::new().create(true).append(true).mode(FILE_MODE).open(lock_file)?;
        lock_file.try_lock().map_err(|error| match error {
            fs::TryLockError::WouldBlock => io::Error::other("another process uses it"),
            fs::TryLockError::Error(error) => error,
        })?;
        let mut state = State::of(directory)?;
        state.counts.server = server.to_owned();
        state.counts.found_bytes = state.bytes();
        let spool = Spool {
            directory: directory.to_path_buf(),
            limit: limit_bytes,
            process,
            _lock: lock_file,
            state: Mutex::new(state),
            news: Condvar::new(),
        };
        spool.make_room(&mut lock(&spool.state), 0);
        Ok(spool)
    }

    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Appends whole lines; says how many bytes of them stand there for good, and why not all. At the limit the oldest
    /// files go.
    pub(crate) fn append(&self, lines: &[u8], now: Timestamp) -> (usize, io::Result<()>) {
        let mut state = lock(&self.state);
        let (mut done, mut result) = (0, Ok(()));
        while result.is_ok()
            && let Some(rest) = lines.get(done..)
            && !rest.is_empty()
        {
            let written;
            (written, result) = self.append_some(&mut state, rest, now);
            done += written;
        }
        drop(state);
        self.news.notify_all();
        (done, result)
    }

    /// As many of the lines as one file takes.
    fn append_some(&self, state: &mut State, lines: &[u8], now: Timestamp) -> (usize, io::Result<()>) {
        // A file that somebody removed is no more to be filled.
        let whole = state.open.as_ref().map(|open| if open.out.current() { open.room(lines) } else { &[] });
        if whole.is_some_and(<[u8]>::is_empty) {
            self.close_file(state);
        }
        let lines = match whole {
            Some(lines) if !lines.is_empty() => lines,
            _ => portion(lines, BATCH_LINES, BATCH_BYTES),
        };
        self.make_room(state, lines.len() as u64);
        if state.open.is_none() {
            match self.begin(state, now) {
                Ok(open) => state.open = Some(open),
                Err(error) => return (0, Err(error)),
            }
        }
        let Some(open) = &mut state.open else { return (0, Ok(())) };
        let (bytes, result) = open.out.append(lines);
        let count = lines.get(..bytes).map_or(0, count);
        state.held -= open.batch.charge();
        open.batch.bytes += bytes as u64;
        open.lines += count;
        state.held += open.batch.charge();
        state.counts.spooled_bytes += bytes as u64;
        state.counts.spooled_lines += count;
        if result.is_err() {
            // It is not certain how it ends; what comes next stands in another.
            self.close_file(state);
        }
        (bytes, result)
    }

    fn begin(&self, state: &mut State, now: Timestamp) -> io::Result<Open> {
        let now = u64::try_from(now.as_microsecond()).unwrap_or(0);
        state.newest = now.max(state.newest.saturating_add(1));
        let batch = Batch { name: Name { begun: state.newest, process: self.process }, bytes: 0 };
        let out = Lines::open(&self.path(batch, WAITS), CARE)?;
        state.held += batch.charge();
        Ok(Open { batch, lines: 0, out })
    }

    /// Nothing more is appended to the newest file.
    fn close_file(&self, state: &mut State) {
        let Some(Open { batch, .. }) = state.open.take() else { return };
        if batch.bytes > 0 {
            state.waiting.push_back(batch);
        } else {
            state.held -= batch.charge();
            let _ = fs::remove_file(self.path(batch, WAITS));
        }
    }

    /// Drops the oldest until there is room. The batch on its way and the file that grows stay: SPOOL_SIZE is larger than
    /// both.
    fn make_room(&self, state: &mut State, more: u64) {
        let mut dropped = (0, 0);
        while state.with(more) > self.limit {
            let (batch, ending) = match state.refused.pop_front() {
                Some(batch) => (batch, REFUSED),
                None => match state.waiting.remove(usize::from(state.sending)) {
                    Some(batch) => (batch, WAITS),
                    None => break,
                },
            };
            let path = self.path(batch, ending);
            dropped = (dropped.0 + 1, dropped.1 + fs::read(&path).map_or(0, |bytes| count(&bytes)));
            let _ = fs::remove_file(&path);
            state.held -= batch.charge();
            state.counts.dropped_bytes += batch.bytes;
        }
        state.counts.dropped_batches += dropped.0;
        state.counts.dropped_lines += dropped.1;
    }

    /// The next batch, which is on its way then. Waits for one; a file that still grows is taken at `full_only_until` at
    /// the earliest. None: all was sent, or time is over.
    pub(crate) fn next(&self, full_only_until: Instant) -> Option<Batch> {
        let mut state = lock(&self.state);
        loop {
            let now = Instant::now();
            let closing = state.closing;
            if closing.is_some_and(|end| now >= end) {
                return None;
            }
            if state.waiting.is_empty() && (now >= full_only_until || closing.is_some()) {
                self.close_file(&mut state);
            }
            if let Some(batch) = state.waiting.front().copied() {
                state.sending = true;
                return Some(batch);
            }
            if closing.is_some() {
                return None;
            }
            state = match state.open {
                Some(_) => wait(&self.news, state, full_only_until.saturating_duration_since(now)),
                None => self.news.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    /// What a batch holds: whole lines.
    pub(super) fn read(&self, batch: Batch) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        File::open(self.path(batch, WAITS))?.take(batch.bytes).read_to_end(&mut bytes)?;
        bytes.truncate(bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1));
        Ok(bytes)
    }

    /// The server has the batch on its way, or it is gone: its file goes.
    pub(super) fn done(&self, count: impl FnOnce(&mut PushCounts, u64)) {
        let mut state = lock(&self.state);
        if let Some(batch) = state.leaves() {
            count(&mut state.counts, batch.bytes);
            state.held -= batch.charge();
            // A file that stays is sent again after the next start, and recognised.
            let _ = fs::remove_file(self.path(batch, WAITS));
        }
    }

    /// The server will never take the batch on its way: it is kept aside.
    pub(super) fn refuse(&self) {
        let mut state = lock(&self.state);
        if let Some(batch) = state.leaves() {
            let _ = fs::rename(self.path(batch, WAITS), self.path(batch, REFUSED));
            state.refused.push_back(batch);
            state.counts.refused_batches += 1;
        }
    }

    /// The batch on its way did not arrive, or it is not known whether it did: it waits again.
    pub(crate) fn postpone(&self, reason: Reason) {
        let mut state = lock(&self.state);
        state.sending = false;
        *state.counts.retries.entry(reason.name()).or_default() += 1;
    }

    /// Waits that long, or until it is closing; whether it is.
    pub(super) fn pause(&self, time: Duration) -> bool {
        let end = Instant::now() + time;
        let mut state = lock(&self.state);
        while state.closing.is_none() {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            state = wait(&self.news, state, left);
        }
        true
    }

    /// Nothing more comes; what waits may be sent for that long.
    pub(super) fn close(&self, time: Duration) {
        lock(&self.state).closing = Some(Instant::now() + time);
        self.news.notify_all();
    }

    /// Lines that were dropped at the limit so far.
    pub(super) fn dropped_lines(&self) -> u64 {
        lock(&self.state).counts.dropped_lines
    }

    /// How it is.
    pub(crate) fn counts(&self, now: Timestamp) -> PushCounts {
        let state = lock(&self.state);
        let mut counts = state.counts.clone();
        let open = state.open.as_ref().map(|open| open.batch);
        let waiting = || state.waiting.iter().copied().chain(open);
        counts.waiting_batches = waiting().count() as u64;
        counts.waiting_bytes = waiting().map(|batch| batch.bytes).sum();
        counts.kept_bytes = state.refused.iter().map(|batch| batch.bytes).sum();
        counts.limit_bytes = self.limit;
        let now = u64::try_from(now.as_microsecond()).unwrap_or(0);
        counts.oldest = waiting().next().map(|batch| Duration::from_micros(now.saturating_sub(batch.name.begun)));
        counts
    }

    fn path(&self, batch: Batch, ending: &str) -> PathBuf {
        self.directory.join(format!("{}.{ending}", batch.name))
    }
}

impl Batch {
    fn charge(self) -> u64 {
        self.bytes.max(BLOCK)
    }
}

impl Open {
    /// Those of the lines for which there is room.
    fn room<'l>(&self, lines: &'l [u8]) -> &'l [u8] {
        let room = BATCH_BYTES.saturating_sub(usize::try_from(self.batch.bytes).unwrap_or(usize::MAX));
        let some = portion(lines, BATCH_LINES.saturating_sub(self.lines), room);
        // A single line may be longer than a batch, but then stands alone.
        if some.len() > room { &[] } else { some }
    }
}

impl State {
    /// What an earlier process left in a directory.
    fn of(directory: &Path) -> io::Result<State> {
        let (mut waiting, mut refused) = (Vec::new(), Vec::new());
        for entry in fs::read_dir(directory)? {
            let path = entry?.path();
            match Name::of(&path) {
                Some((name, WAITS)) => waiting.push((name, path)),
                Some((name, REFUSED)) => refused.push((name, path)),
                _ => {}
            }
        }
        waiting.sort();
        refused.sort();
        let newest = waiting.iter().chain(&refused).map(|(name, _)| name.begun).max().unwrap_or(0);
        if let Some((_, path)) = waiting.last() {
            // The one file that was being written when its process ended.
            Lines::open(path, CARE)?;
        }
        let batches = |files: Vec<(Name, PathBuf)>| -> io::Result<VecDeque<Batch>> {
            let mut batches = VecDeque::new();
            for (name, path) in files {
                match fs::metadata(&path)?.len() {
                    0 => fs::remove_file(&path)?,
                    bytes => batches.push_back(Batch { name, bytes }),
                }
            }
            Ok(batches)
        };
        let (waiting, refused) = (batches(waiting)?, batches(refused)?);
        let held = waiting.iter().chain(&refused).map(|batch| batch.charge()).sum();
        let counts = PushCounts::default();
        Ok(State { open: None, waiting, sending: false, refused, held, newest, closing: None, counts })
    }

    /// What would be held with more bytes in the file that grows.
    fn with(&self, more: u64) -> u64 {
        let open = self.open.as_ref().map(|open| open.batch);
        match open {
            Some(batch) => self.held - batch.charge() + Batch { bytes: batch.bytes + more, ..batch }.charge(),
            None if more > 0 => self.held + more.max(BLOCK),
            None => self.held,
        }
    }

    fn bytes(&self) -> u64 {
        self.waiting.iter().chain(&self.refused).map(|batch| batch.bytes).sum()
    }

    /// Takes out the batch on its way.
    fn leaves(&mut self) -> Option<Batch> {
        std::mem::take(&mut self.sending).then(|| self.waiting.pop_front()).flatten()
    }
}

fn wait<'a>(news: &Condvar, state: MutexGuard<'a, State>, time: Duration) -> MutexGuard<'a, State> {
    news.wait_timeout(state, time).unwrap_or_else(PoisonError::into_inner).0
}

/// How many lines.
pub(super) fn count(lines: &[u8]) -> u64 {
    lines.iter().filter(|byte| **byte == b'\n').count() as u64
}

/// The first of the lines, up to so many and so many bytes; one at least.
fn portion(lines: &[u8], most: u64, bytes: usize) -> &[u8] {
    let (mut end, mut taken) = (0, 0);
    for line in lines.split_inclusive(|byte| *byte == b'\n') {
        if taken >= most || (taken > 0 && end + line.len() > bytes) {
            break;
        }
        end += line.len();
        taken += 1;
    }
    lines.get(..end).unwrap_or_default()
}
