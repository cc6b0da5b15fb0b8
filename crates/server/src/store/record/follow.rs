//! One thread reads the files of the log directory into the store, and goes on as they grow.
//!
//! Newest days first, a portion of a file at a time, so that what happens now is never behind what was long ago.
//! Where a source was read up to is kept by the store together with what it holds ([`Sink`]).

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use event::draw::LocalClock;
use event::import::Refusal;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::append::{Committed, Handoff};
use super::counters::{Counters, add};
use super::drawn::Drawn;
use super::file::identity;
use super::names::{self, FileName, Form, Packing};
use super::reader::{self, Reader};
use super::report::{FileReport, FileState, Reports};
use super::text::{self, Converter};
use super::watch::{Inbox, Wait};
use super::{Asked, Sink, gaps, journals};
use crate::store::{Gap, SourceId, StoreError};

/// Files that are followed. More are reported and not read.
pub const MAX_FILES: usize = 16_384;
/// How long after a failure it is tried again.
const AGAIN: Duration = Duration::from_secs(1);
/// Times at which a file was seen to grow.
const MAX_SEEN: usize = 512;
/// Growth within it counts as one.
const SEEN_STEP: Duration = Duration::from_millis(20);

/// What following is told.
#[derive(Clone)]
pub(super) struct FollowSettings {
    pub(super) log_dir: PathBuf,
    pub(super) zone: TimeZone,
    /// Only files that may hold these days, and what cannot be read is not tried again; none: all there is, for ever.
    pub(super) once: Option<Asked>,
}

/// One file.
pub(super) struct Tracked {
    pub(super) file: FileName,
    /// None as long as its first line is not whole.
    pub(super) id: Option<SourceId>,
    /// What its first line says.
    head: Option<SourceId>,
    /// Place of the source's first byte in the file.
    pub(super) base: u64,
    identity: (u64, u64),
    length: u64,
    pub(super) reader: Option<Reader>,
    pub(super) drawn: Option<Drawn>,
    dirty: bool,
    /// A text line waits until then for its journal.
    blocked: Option<Instant>,
    /// At which length it was seen when, ascending.
    seen: VecDeque<(u64, Instant)>,
    pub(super) report: FileReport,
}

impl Tracked {
    /// Since when a byte is known to stand in the file.
    pub(super) fn since(&self, offset: u64) -> Option<Instant> {
        let after = self.seen.partition_point(|(length, _)| *length <= offset);
        self.seen.get(after).map(|(_, since)| *since)
    }

    /// Bytes of the file when it was last looked at.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    fn see(&mut self, length: u64, now: Instant) {
        if let Some((last, since)) = self.seen.back_mut()
            && now.saturating_duration_since(*since) < SEEN_STEP
        {
            *last = length.max(*last);
            return;
        }
        if self.seen.len() >= MAX_SEEN {
            self.seen.pop_front();
        }
        self.seen.push_back((length, now));
    }
}

/// What a portion of a file came to.
pub(super) enum Outcome {
    /// There may be more.
    More,
    /// All that is there is read.
    Done,
    /// A line waits.
    Until(Instant),
}

/// Why a file cannot be read on now.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    #[error("cannot be read: {0}")]
    File(#[from] std::io::Error),
    #[error("the store takes nothing: {0}")]
    Store(#[from] StoreError),
}

/// The thread's state.
pub(super) struct Follower {
    pub(super) settings: FollowSettings,
    pub(super) sink: Arc<dyn Sink>,
    pub(super) counters: Arc<Counters>,
    pub(super) committed: Arc<Committed>,
    inbox: Arc<Inbox>,
    reports: Arc<Mutex<Reports>>,
    pub(super) files: BTreeMap<String, Tracked>,
    pub(super) converters: [Converter; 2],
    /// Gaps that could not be filled, and since when.
    pub(super) waiting_gaps: Vec<(Gap, Instant)>,
    /// Sensors whose text lines waited for a journal in vain.
    pub(super) strangers: HashSet<Box<str>>,
    /// The line that waits, by day and offset of its file.
    pub(super) waited: Option<(Date, u64)>,
}

/// What a follower shares with others.
pub(super) struct Shared {
    pub(super) sink: Arc<dyn Sink>,
    pub(super) counters: Arc<Counters>,
    pub(super) committed: Arc<Committed>,
    pub(super) inbox: Arc<Inbox>,
    pub(super) reports: Arc<Mutex<Reports>>,
}

impl Follower {
    pub(super) fn new(settings: FollowSettings, shared: Shared) -> Follower {
        let Shared { sink, counters, committed, inbox, reports } = shared;
        let converter = || Converter::new(LocalClock::new(settings.zone.clone()));
        let (files, converters, waiting_gaps) = (BTreeMap::new(), [converter(), converter()], Vec::new());
        let (strangers, waited) = (HashSet::new(), None);
        Follower {
            settings,
            sink,
            counters,
            committed,
            inbox,
            reports,
            files,
            converters,
            waiting_gaps,
            strangers,
            waited,
        }
    }

    /// Reads and follows until the inbox ends it.
    pub(super) fn run(mut self) {
        self.rescan();
        let mut wait = Wait::No;
        loop {
            let news = self.inbox.take(wait);
            if news.ended {
                return;
            }
            for handoff in news.handoffs {
                self.handed(handoff);
            }
            if news.rescan {
                self.rescan();
            }
            for name in news.changed {
                self.refresh(&name);
            }
            self.unblock();
            wait = match self.next() {
                Some(name) => {
                    self.step(&name);
                    Wait::No
                }
                None => self.files.values().filter_map(|t| t.blocked).min().map_or(Wait::Idle, Wait::Until),
            };
        }
    }

    /// The file to read next: the newest day; there text logs, which read journals beside them; there the oldest part.
    fn next(&self) -> Option<String> {
        let dirty = self.files.iter().filter(|(_, tracked)| tracked.dirty);
        let rank = |tracked: &Tracked| {
            let file = tracked.file;
            (std::cmp::Reverse(file.day), file.form, std::cmp::Reverse(file.rotation))
        };
        dirty.min_by_key(|(_, tracked)| rank(tracked)).map(|(name, _)| name.clone())
    }

    /// Lines whose time to wait is over, or whose journal may have come, are looked at again.
    fn unblock(&mut self) {
        let now = Instant::now();
        let grown: Vec<_> =
            self.files.values().filter(|t| t.dirty && t.file.form != Form::Text).map(|t| t.file.day).collect();
        for tracked in self.files.values_mut() {
            let near = |day: &jiff::civil::Date| (*day - tracked.file.day).get_days().abs() <= 1;
            if tracked.blocked.is_some_and(|until| until <= now || grown.iter().any(near)) {
                tracked.blocked = None;
                tracked.dirty = true;
            }
        }
    }

    pub(super) fn rescan(&mut self) {
        let entries = match std::fs::read_dir(&self.settings.log_dir) {
            Ok(entries) => entries,
            Err(error) => {
                tracing::error!("cannot read {}: {error}", self.settings.log_dir.display());
                return;
            }
        };
        let mut there: Vec<String> = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
        there.sort();
        let gone: Vec<String> = self.files.keys().filter(|name| there.binary_search(name).is_err()).cloned().collect();
        for name in there.iter().chain(&gone) {
            self.refresh(name);
        }
        gaps::fill(self, Instant::now());
    }

    /// Looks at a file that may be new, longer, another, or gone.
    fn refresh(&mut self, name: &str) {
        let Some(file) = names::parse(name).filter(|file| file.form != Form::Observables) else { return };
        if self.settings.once.is_some_and(|asked| !asked.may_hold(file.form, file.day)) {
            return;
        }
        let path = self.settings.log_dir.join(name);
        let metadata = match std::fs::metadata(&path) {
            Ok(metadata) if metadata.is_file() => metadata,
            _ => {
                self.files.remove(name);
                self.reports().remove(name);
                return;
            }
        };
        let identity = identity(&metadata);
        let mut length = metadata.len();
        if file.form == Form::Received {
            length = self.committed.limit(name, length);
        }
        let known = self.files.remove(name);
        // A file that was truncated may be as long again: its first line tells.
        let same = known.filter(|t| {
            let grown = t.identity == identity && t.length <= length && t.id.is_some();
            grown && (file.packing != Packing::Plain || reader::identify(&path, file).is_ok_and(|head| head == t.head))
        });
        let (tracked, age) = match same {
            Some(tracked) => (Ok(tracked), Duration::ZERO),
            None => {
                let age = metadata.modified().ok().and_then(|m| SystemTime::now().duration_since(m).ok());
                (self.track(name, file, length), age.unwrap_or_default())
            }
        };
        match tracked {
            Ok(mut tracked) => {
                (tracked.identity, tracked.length, tracked.dirty) = (identity, length, true);
                let now = Instant::now();
                tracked.see(length, now.checked_sub(age).unwrap_or(now));
                self.files.insert(name.to_owned(), tracked);
            }
            Err(error) => self.unreadable(name, &error),
        }
    }

    fn unreadable(&mut self, name: &str, trouble: &Trouble) {
        add(&self.counters.unreadable_files, 1);
        tracing::error!("{}: {trouble}", self.settings.log_dir.join(name).display());
        let state = FileState::Unreadable(trouble.to_string());
        self.reports().insert(name.to_owned(), FileReport { state, ..FileReport::default() });
    }

    /// Finds out which source a file is.
    fn track(&mut self, name: &str, file: FileName, length: u64) -> Result<Tracked, Trouble> {
        if self.files.len() >= MAX_FILES {
            return Err(std::io::Error::other("too many files in this directory; move old ones elsewhere").into());
        }
        let path = self.settings.log_dir.join(name);
        let head = reader::identify(&path, file)?;
        let (id, base) = match head.clone() {
            Some(id) if file.packing == Packing::Plain => self.shortened(id, length, &path),
            id => (id, 0),
        };
        Ok(Tracked {
            file,
            id,
            head,
            base,
            identity: (0, 0),
            length: 0,
            reader: None,
            drawn: None,
            dirty: false,
            blocked: None,
            seen: VecDeque::new(),
            report: FileReport::default(),
        })
    }

    /// The source of a plain file, and where it begins in it. A file that lost its end goes on as another source: what
    /// is left of it was read, what is added was not.
    fn shortened(&self, id: SourceId, length: u64, path: &Path) -> (Option<SourceId>, u64) {
        // A copy that is being made is not whole yet; it may have grown since it was looked at.
        if self.files.values().any(|other| other.id.as_ref() == Some(&id)) {
            return (Some(id), 0);
        }
        let length = std::fs::metadata(path).map_or(length, |metadata| metadata.len().max(length));
        let prefix = format!("{id}~");
        let bases = self.sink.sources().into_iter().filter_map(|(known, position)| {
            let base: u64 = known.0.strip_prefix(&prefix)?.parse().ok()?;
            (base.saturating_add(position) <= length).then_some(base)
        });
        let base = match bases.max() {
            Some(base) => base,
            None if self.sink.position(&id).is_some_and(|position| position > length) => {
                add(&self.counters.truncated_files, 1);
                tracing::warn!("{} is shorter than what was read of it; what is added is read", path.display());
                length
            }
            None => return (Some(id), 0),
        };
        (Some(SourceId(format!("{prefix}{base}"))), base)
    }

    /// Up to which byte of the file its source was read.
    pub(super) fn position(&self, tracked: &Tracked) -> u64 {
        let position = tracked.id.as_ref().and_then(|id| self.sink.position(id)).unwrap_or(0);
        tracked.base.saturating_add(position)
    }

    /// A reader of a file at the place up to which it was read.
    pub(super) fn reader<'t>(&self, name: &str, tracked: &'t mut Tracked) -> Result<&'t mut Reader, Trouble> {
        let position = self.position(tracked);
        let path = self.settings.log_dir.join(name);
        let reader = match tracked.reader.take() {
            Some(reader) if reader.offset() == position => reader,
            _ => {
                let mut at = position;
                if tracked.file.packing == Packing::Plain && !reader::begins_line(&path, at)? {
                    add(&self.counters.edited_files, 1);
                    tracing::warn!("{} was changed where reading goes on; its next whole line is next", path.display());
                    at = reader::next_line(&path, at)?;
                }
                Reader::open(&path, tracked.file, at)?
            }
        };
        Ok(tracked.reader.insert(reader))
    }

    /// Reads a portion of a file.
    fn step(&mut self, name: &str) {
        let Some(mut tracked) = self.files.remove(name) else { return };
        let outcome = match (&tracked.id, tracked.file.form) {
            (None, _) => Ok(Outcome::Done),
            (Some(_), Form::Text) => text::step(self, name, &mut tracked),
            (Some(_), _) => journals::step(self, name, &mut tracked),
        };
        (tracked.dirty, tracked.blocked) = match &outcome {
            Ok(Outcome::More) => (true, None),
            Ok(Outcome::Done) => (false, None),
            Ok(Outcome::Until(until)) => (false, Some(*until)),
            Err(trouble) => {
                tracing::error!("{}: {trouble}", self.settings.log_dir.join(name).display());
                add(&self.counters.unreadable_files, usize::from(matches!(trouble, Trouble::File(_))));
                (tracked.reader, tracked.drawn) = (None, None);
                (false, self.settings.once.is_none().then(|| Instant::now() + AGAIN))
            }
        };
        tracked.report.state = match outcome {
            Ok(Outcome::More) => FileState::Reading,
            Ok(Outcome::Until(_)) => FileState::Waiting,
            Ok(Outcome::Done) if tracked.report.lines > 0 && tracked.report.lines == tracked.report.refused => {
                FileState::NoEvents
            }
            Ok(Outcome::Done) => FileState::Current,
            Err(trouble) => FileState::Unreadable(trouble.to_string()),
        };
        tracked.report.form = Some(tracked.file.form);
        tracked.report.upto = self.position(&tracked);
        self.reports().insert(name.to_owned(), tracked.report.clone());
        self.files.insert(name.to_owned(), tracked);
    }

    fn reports(&self) -> std::sync::MutexGuard<'_, Reports> {
        self.reports.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes what was just written to the server's journal, without reading it from the file.
    fn handed(&mut self, handoff: Handoff) {
        if self.files.get(&handoff.name).is_none_or(|tracked| tracked.id.is_none()) {
            self.refresh(&handoff.name);
        }
        let Some(tracked) = self.files.get_mut(&handoff.name) else { return };
        tracked.dirty = true;
        let (Some(id), 0) = (tracked.id.clone(), tracked.base) else { return };
        if self.sink.position(&id).unwrap_or(0) != handoff.from {
            return;
        }
        for text in self.files.values_mut() {
            if let Some(drawn) = &mut text.drawn
                && let Err(error) = drawn.feed(&id, &handoff)
            {
                tracing::error!("{}: {error}", handoff.name);
                text.drawn = None;
            }
        }
        add(&self.counters.journal_lines, handoff.events.len());
        if let Err(error) = self.sink.absorb(&id, handoff.upto, handoff.events) {
            // It is read from the file.
            tracing::error!("{}: the store takes nothing: {error}", handoff.name);
        }
    }

    pub(super) fn refuse(&self, tracked: &mut Tracked, refusal: Refusal) {
        self.counters.refuse(refusal);
        tracked.report.refused += 1;
    }
}
