//! What a sensor calls back: events as they are made, progress, messages; and how it is told to stop.

use std::io::{self, Write};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use event::Event;

use crate::summary::OutputCounts;

/// How far a replay is. Handed over a few times a second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Bytes read of all files, as they lie on disk (compressed where they are).
    pub bytes: u64,
    /// Bytes of all files; `None` where a size is not known (standard input).
    pub total: Option<u64>,
    /// Packets so far.
    pub packets: u64,
    /// Events so far.
    pub events: u64,
}

/// How much a message matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Something that went as it should.
    Info,
    /// Something that an operator should look at.
    Warning,
    /// Something is not done that should be.
    Error,
}

/// Takes messages from any thread.
pub type MessageHook = Arc<dyn Fn(Level, &str) + Send + Sync>;

/// Takes events, in order.
pub type EventHook = Box<dyn FnMut(&Event) + Send>;

/// Takes the progress of a replay.
pub type ProgressHook = Box<dyn FnMut(Progress) + Send>;

/// A signal that ends the sensor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The first: what was captured is worked through and written before the end.
    Asked,
    /// SIGINT while that is under way: the process is to end at once.
    Forced {
        /// Outputs with what they were offered and have not written.
        outputs: Vec<OutputCounts>,
        /// Findings that wait for the end of a bundle or window, and are no events yet.
        held: u64,
    },
}

/// Takes signals that end the sensor, from a thread that waits for nobody.
pub type EndingHook = Box<dyn Fn(Ending) + Send>;

/// What the composition is called back with. Every hook may be absent.
#[derive(Default)]
pub struct Hooks {
    /// Every event, in order, before the next is made (the console). Must be quick.
    pub event: Option<EventHook>,
    /// How far a replay is, a few times a second and once at its end.
    pub progress: Option<ProgressHook>,
    /// What an operator should know, said as it happens, from any thread.
    pub message: Option<MessageHook>,
    /// Signals that end the sensor; whether a process ends by force is decided here. Must wait for nothing.
    pub ending: Option<EndingHook>,
    /// Stops and reloads the sensor from outside; keep a clone.
    pub control: Control,
}

/// Stops a running sensor, or has it reload its trails, from any thread.
#[derive(Clone, Debug, Default)]
pub struct Control(Arc<Requests>);

#[derive(Debug, Default)]
struct Requests {
    stop: AtomicBool,
    reloads: AtomicU64,
    /// Of either kind.
    requests: AtomicU64,
    /// Where a reader that waits for bytes hears of requests.
    waker: Mutex<Option<UnixStream>>,
    lock: Mutex<()>,
    news: Condvar,
}

impl Control {
    /// Asks the sensor to stop: what was captured is worked through and written first.
    pub fn stop(&self) {
        self.0.stop.store(true, Ordering::Release);
        self.wake();
    }

    /// Whether it was asked to stop.
    #[must_use]
    pub fn stopping(&self) -> bool {
        self.0.stop.load(Ordering::Acquire)
    }

    /// Asks the sensor to load its trails again.
    pub fn reload(&self) {
        self.0.reloads.fetch_add(1, Ordering::AcqRel);
        self.wake();
    }

    /// How often it was asked to reload.
    pub(crate) fn reloads(&self) -> u64 {
        self.0.reloads.load(Ordering::Acquire)
    }

    /// Changes with every request of either kind.
    #[inline]
    pub(crate) fn news(&self) -> u64 {
        self.0.requests.load(Ordering::Acquire)
    }

    /// Becomes readable at every request from now on. The last one that was asked for, as there is one reader.
    pub(crate) fn waker(&self) -> io::Result<UnixStream> {
        let (near, far) = UnixStream::pair()?;
        near.set_nonblocking(true)?;
        far.set_nonblocking(true)?;
        *self.0.waker.lock().unwrap_or_else(PoisonError::into_inner) = Some(far);
        Ok(near)
    }

    fn wake(&self) {
        self.0.requests.fetch_add(1, Ordering::AcqRel);
        if let Some(waker) = &*self.0.waker.lock().unwrap_or_else(PoisonError::into_inner) {
            // Where it is full, whoever reads it is woken already.
            let _ = (&*waker).write(&[0]);
        }
        let _held = self.0.lock.lock().unwrap_or_else(PoisonError::into_inner);
        self.0.news.notify_all();
    }

    /// Waits for a request, at most so long; says whether it is to stop.
    pub(crate) fn wait(&self, time: Duration) -> bool {
        let held = self.0.lock.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.stopping() {
            drop(self.0.news.wait_timeout(held, time));
        }
        self.stopping()
    }
}
