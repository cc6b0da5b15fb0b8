//! What the thread that follows files is told: which files changed, what was just written, that it is to end.

use std::collections::{BTreeSet, VecDeque};
use std::io::{self, PipeWriter};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::append::Handoff;

/// Names of changed files that wait; when there are more the whole directory is looked at.
const MAX_CHANGED: usize = 1024;
/// Events in handoffs that wait; more are read from their file.
const MAX_HANDED: usize = 1 << 17;
/// Without a signal of changes the directory is looked at so often.
const FALLBACK: Duration = Duration::from_secs(1);

/// What there is to do.
#[derive(Default)]
pub(super) struct News {
    pub(super) changed: BTreeSet<String>,
    /// Look at the whole directory.
    pub(super) rescan: bool,
    pub(super) handoffs: VecDeque<Handoff>,
    pub(super) ended: bool,
}

#[derive(Default)]
struct State {
    news: News,
    handed: usize,
    /// The follower waits and has nothing left to do.
    idle: bool,
    /// It had, once.
    caught_up: bool,
    /// The system tells of changes.
    watched: bool,
}

/// Where news arrive.
#[derive(Default)]
pub(super) struct Inbox {
    state: Mutex<State>,
    arrived: Condvar,
    idle: Condvar,
}

impl Inbox {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn changed(&self, name: String) {
        let mut state = self.lock();
        if state.news.changed.len() < MAX_CHANGED {
            state.news.changed.insert(name);
        } else {
            state.news.rescan = true;
        }
        state.idle = false;
        drop(state);
        self.arrived.notify_one();
    }

    pub(super) fn rescan(&self) {
        let mut state = self.lock();
        state.news.rescan = true;
        state.idle = false;
        drop(state);
        self.arrived.notify_one();
    }

    pub(super) fn handoff(&self, handoff: Handoff) {
        let mut state = self.lock();
        state.idle = false;
        if state.handed + handoff.events.len() <= MAX_HANDED {
            state.handed += handoff.events.len();
            state.news.handoffs.push_back(handoff);
            drop(state);
            self.arrived.notify_one();
        } else {
            drop(state);
            self.changed(handoff.name);
        }
    }

    pub(super) fn end(&self) {
        self.lock().news.ended = true;
        self.arrived.notify_all();
        self.idle.notify_all();
    }

    /// What there is to do now; waits for it until `until`, or where there is nothing else for ever.
    pub(super) fn take(&self, wait: Wait) -> News {
        let mut state = self.lock();
        let fallback = (!state.watched).then(|| Instant::now() + FALLBACK);
        let until = match wait {
            Wait::No => Some(Instant::now()),
            Wait::Until(until) | Wait::Rest(until) => Some(fallback.map_or(until, |fallback| fallback.min(until))),
            Wait::Idle => fallback,
        };
        loop {
            let News { changed, rescan, handoffs, ended } = &state.news;
            if !changed.is_empty() || *rescan || !handoffs.is_empty() || *ended {
                state.handed = 0;
                return std::mem::take(&mut state.news);
            }
            if matches!(wait, Wait::Idle | Wait::Rest(_)) && !state.idle {
                (state.idle, state.caught_up) = (true, true);
                self.idle.notify_all();
            }
            state = match until {
                None => self.arrived.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(until) => {
                    let left = until.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        let rescan = fallback.is_some_and(|fallback| until == fallback);
                        return News { rescan, ..News::default() };
                    }
                    self.arrived.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }

    /// Waits until the follower has nothing left to do.
    pub(super) fn settled(&self, patience: Duration) -> bool {
        let until = Instant::now() + patience;
        let mut state = self.lock();
        while !(state.idle && state.news.changed.is_empty() && state.news.handoffs.is_empty()) {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() || state.news.ended {
                return false;
            }
            state = self.idle.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// Whether the follower had nothing left to do once.
    pub(super) fn caught_up(&self) -> bool {
        self.lock().caught_up
    }

    fn set_watched(&self, watched: bool) {
        self.lock().watched = watched;
    }
}

/// How long the follower waits for news.
#[derive(Clone, Copy)]
pub(super) enum Wait {
    /// It has work.
    No,
    /// It has work then.
    Until(Instant),
    /// It has none, and looks whether there is some then.
    Rest(Instant),
    /// It has none.
    Idle,
}

/// Tells an inbox which files of a directory change. Ends when it is dropped.
pub(super) struct Watch {
    /// Closing it wakes the thread.
    wake: Option<PipeWriter>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    /// Begins to watch, if the system can. Otherwise the inbox falls back to looking now and then.
    pub(super) fn start(directory: &Path, inbox: &Arc<Inbox>) -> Watch {
        match begin(directory, inbox) {
            Ok((wake, thread)) => Watch { wake: Some(wake), thread: Some(thread) },
            Err(error) => {
                tracing::warn!(
                    "changes in {} are looked for every second, the system does not tell them: {error}",
                    directory.display()
                );
                Watch { wake: None, thread: None }
            }
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        drop(self.wake.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that watches the log directory ended by a fault");
        }
    }
}

#[cfg(target_os = "linux")]
fn begin(directory: &Path, inbox: &Arc<Inbox>) -> io::Result<(PipeWriter, JoinHandle<()>)> {
    use rustix::fs::inotify::{CreateFlags, WatchFlags, add_watch, init};

    let inotify = init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
    let flags = WatchFlags::CREATE
        | WatchFlags::MODIFY
        | WatchFlags::MOVED_TO
        | WatchFlags::MOVED_FROM
        | WatchFlags::DELETE
        | WatchFlags::DELETE_SELF
        | WatchFlags::MOVE_SELF
        | WatchFlags::ONLYDIR;
    add_watch(&inotify, directory, flags)?;
    let (woken, wake) = io::pipe()?;
    inbox.set_watched(true);
    let inbox = Arc::clone(inbox);
    let thread = std::thread::Builder::new().name("record-watch".into()).spawn(move || {
        if let Err(error) = linux::watch(&inotify, &woken, &inbox) {
            tracing::warn!("changes in the log directory are looked for every second now: {error}");
        }
        inbox.set_watched(false);
        inbox.rescan();
    })?;
    Ok((wake, thread))
}

#[cfg(not(target_os = "linux"))]
fn begin(_: &Path, _: &Arc<Inbox>) -> io::Result<(PipeWriter, JoinHandle<()>)> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(target_os = "linux")]
mod linux {
    use std::io::{self, PipeReader};
    use std::mem::MaybeUninit;
    use std::os::fd::OwnedFd;

    use rustix::event::{PollFd, PollFlags, poll};
    use rustix::fs::inotify::{ReadFlags, Reader};
    use rustix::io::Errno;

    use super::Inbox;

    /// Passes on what the system tells, until the other end of `woken` is closed.
    pub(super) fn watch(inotify: &OwnedFd, woken: &PipeReader, inbox: &Inbox) -> io::Result<()> {
        let mut bytes = [MaybeUninit::uninit(); 16 * 1024];
        loop {
            let mut ready = [PollFd::new(inotify, PollFlags::IN), PollFd::new(woken, PollFlags::IN)];
            match poll(&mut ready, None) {
                Err(Errno::INTR) => continue,
                result => result?,
            };
            if ready.get(1).is_some_and(|pipe| !pipe.revents().is_empty()) {
                return Ok(());
            }
            let mut reader = Reader::new(inotify, &mut bytes);
            loop {
                let event = match reader.next() {
                    Err(Errno::AGAIN) => break,
                    Err(Errno::INTR) => continue,
                    event => event?,
                };
                if event.events().intersects(ReadFlags::DELETE_SELF | ReadFlags::MOVE_SELF | ReadFlags::IGNORED) {
                    return Err(io::ErrorKind::NotFound.into());
                }
                if event.events().contains(ReadFlags::QUEUE_OVERFLOW) {
                    inbox.rescan();
                } else if let Some(name) = event.file_name() {
                    inbox.changed(name.to_string_lossy().into_owned());
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    fn handoff(events: usize) -> Handoff {
        let events = vec![sample::stored(1); events];
        Handoff { name: "received-2026-11-20.jsonl".into(), from: 0, upto: 1, events }
    }

    #[test]
    fn too_many_names_become_a_look_at_all() {
        for (names, rescan) in [(MAX_CHANGED - 1, false), (MAX_CHANGED, false), (MAX_CHANGED + 1, true)] {
            let inbox = Inbox::default();
            (0..names).for_each(|n| inbox.changed(n.to_string()));
            let news = inbox.take(Wait::No);
            assert_eq!((news.changed.len(), news.rescan), (names.min(MAX_CHANGED), rescan));
        }
    }

    #[test]
    fn what_is_not_handed_over_is_read_from_its_file() {
        for (events, handed) in [(MAX_HANDED - 2, 2), (MAX_HANDED - 1, 2), (MAX_HANDED, 1)] {
            let inbox = Inbox::default();
            inbox.handoff(handoff(1));
            inbox.handoff(handoff(events));
            let news = inbox.take(Wait::No);
            assert_eq!((news.handoffs.len(), news.changed.len()), (handed, 2 - handed));
        }
    }

    #[test]
    fn changes_are_told_at_once() {
        let directory = tempfile::tempdir().unwrap();
        let inbox = Arc::new(Inbox::default());
        let watch = Watch::start(directory.path(), &inbox);
        std::fs::write(directory.path().join("2026-11-20.log"), "x").unwrap();
        let start = Instant::now();
        while !inbox.take(Wait::Until(start + Duration::from_secs(60))).changed.contains("2026-11-20.log") {
            assert!(start.elapsed() < Duration::from_secs(60));
        }
        drop(watch);
        assert!(inbox.take(Wait::No).rescan, "it says when it ends");
    }
}
