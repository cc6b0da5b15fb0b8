//! A bounded queue with a thread behind it that writes, retries, and accounts.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TrySendError, bounded};
use event::Event;

use super::QUEUE_EVENTS;
use crate::hooks::{Level, MessageHook};
use crate::summary::OutputCounts;

/// Events handed to a writer at once.
const BATCH: usize = 256;
/// Time between attempts after a failure.
const RETRY: Duration = Duration::from_secs(1);

/// Takes events for good.
pub(crate) trait Writer: Send + 'static {
    /// Writes events in order; says how many of them are written for good, and why not all.
    fn write(&mut self, events: &[Arc<Event>]) -> (usize, io::Result<()>);
}

/// What to do with an event when the queue is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Full {
    /// Wait while the writer gets on; count it as dropped while the writer fails (replay).
    Wait,
    /// Count it as dropped: packets must not wait (live).
    Drop,
}

/// Counters of one output.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) offered: AtomicU64,
    pub(crate) delivered: AtomicU64,
    pub(crate) dropped: AtomicU64,
    pub(crate) errors: AtomicU64,
    /// Memory of the events that wait. One that waits for two outputs counts for each.
    queued_bytes: AtomicU64,
    failing: AtomicBool,
}

impl Counters {
    /// Memory of the events that wait, bytes.
    pub(crate) fn queued_bytes(&self) -> u64 {
        self.queued_bytes.load(Ordering::Acquire)
    }

    fn enters(&self, event: &Event) {
        self.queued_bytes.fetch_add(event.memory() as u64, Ordering::AcqRel);
    }

    fn leaves(&self, event: &Event) {
        self.queued_bytes.fetch_sub(event.memory() as u64, Ordering::AcqRel);
    }

    pub(crate) fn counts(&self, name: Arc<str>) -> OutputCounts {
        // Fates first: an event offered in between counts as queued, never as two.
        let delivered = self.delivered.load(Ordering::Acquire);
        let dropped = self.dropped.load(Ordering::Acquire);
        let offered = self.offered.load(Ordering::Acquire);
        let queued = offered.saturating_sub(delivered + dropped);
        OutputCounts { name, offered, delivered, queued, dropped, errors: self.errors.load(Ordering::Relaxed) }
    }
}

/// The near end of an output.
pub(crate) struct Queue {
    name: Arc<str>,
    sender: Sender<Arc<Event>>,
    /// Dropped to say that nothing more comes.
    open: Sender<()>,
    counters: Arc<Counters>,
    thread: JoinHandle<()>,
    full: Full,
}

impl Queue {
    pub(crate) fn start(name: &str, writer: impl Writer, full: Full, message: MessageHook) -> io::Result<Self> {
        let (sender, receiver) = bounded(QUEUE_EVENTS);
        let (open, finish) = bounded(0);
        let counters = Arc::new(Counters::default());
        let name: Arc<str> = name.into();
        let behind =
            Behind { name: name.clone(), receiver, finish, counters: counters.clone(), message, waiting: Vec::new() };
        let thread = std::thread::Builder::new().name(format!("output-{name}")).spawn(move || behind.run(writer))?;
        Ok(Queue { name, sender, open, counters, thread, full })
    }

    pub(crate) fn offer(&mut self, event: &Arc<Event>) {
        self.counters.offered.fetch_add(1, Ordering::AcqRel);
        self.counters.enters(event);
        let Err(refused) = self.sender.try_send(event.clone()) else { return };
        let (TrySendError::Full(mut event) | TrySendError::Disconnected(mut event)) = refused;
        while self.full == Full::Wait && !self.counters.failing.load(Ordering::Acquire) {
            match self.sender.send_timeout(event, RETRY) {
                Ok(()) => return,
                Err(e) => {
                    let gone = !e.is_timeout();
                    event = e.into_inner();
                    if gone {
                        break;
                    }
                }
            }
        }
        self.counters.leaves(&event);
        self.counters.dropped.fetch_add(1, Ordering::AcqRel);
    }

    pub(crate) fn counters(&self) -> (Arc<str>, Arc<Counters>) {
        (self.name.clone(), self.counters.clone())
    }

    /// Has everything written that waits; what cannot be written now is dropped and counted.
    pub(crate) fn finish(self) -> OutputCounts {
        drop(self.sender);
        drop(self.open);
        if self.thread.join().is_err() {
            let lost = self.counters.counts(self.name.clone()).queued;
            self.counters.dropped.fetch_add(lost, Ordering::AcqRel);
            self.counters.queued_bytes.store(0, Ordering::Release);
        }
        self.counters.counts(self.name.clone())
    }
}

/// The far end.
struct Behind {
    name: Arc<str>,
    receiver: Receiver<Arc<Event>>,
    finish: Receiver<()>,
    counters: Arc<Counters>,
    message: MessageHook,
    waiting: Vec<Arc<Event>>,
}

impl Behind {
    fn run(mut self, mut writer: impl Writer) {
        loop {
            if self.waiting.is_empty() {
                match self.receiver.recv() {
                    Ok(event) => self.waiting.push(event),
                    Err(_) => return,
                }
            }
            let room = BATCH.saturating_sub(self.waiting.len());
            self.waiting.extend(self.receiver.try_iter().take(room));
            // After a failure the next attempt comes in a while, or at once and for the last time at the end.
            if !self.attempt(&mut writer)
                && self.finish.recv_timeout(RETRY) == Err(RecvTimeoutError::Disconnected)
                && !self.attempt(&mut writer)
            {
                return self.give_up();
            }
        }
    }

    fn attempt(&mut self, writer: &mut impl Writer) -> bool {
        let (written, result) = writer.write(&self.waiting);
        let written = written.min(self.waiting.len());
        for event in self.waiting.drain(..written) {
            self.counters.leaves(&event);
        }
        self.counters.delivered.fetch_add(written as u64, Ordering::AcqRel);
        let was_failing = self.counters.failing.swap(result.is_err(), Ordering::AcqRel);
        match result {
            Ok(()) if was_failing => {
                (self.message)(Level::Info, &format!("{}: writing again", self.name));
                true
            }
            Ok(()) => true,
            Err(e) => {
                self.counters.errors.fetch_add(1, Ordering::Relaxed);
                if !was_failing {
                    let text = format!("{}: {e}; events wait and are written once it works again", self.name);
                    (self.message)(Level::Error, &text);
                }
                false
            }
        }
    }

    fn give_up(&mut self) {
        let mut lost = 0;
        for event in self.waiting.drain(..).chain(self.receiver.try_iter()) {
            self.counters.leaves(&event);
            lost += 1;
        }
        self.counters.dropped.fetch_add(lost, Ordering::AcqRel);
        (self.message)(Level::Error, &format!("{}: {lost} events could not be written", self.name));
    }
}
