//! A capture worker's thread.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use ::packet::{Frame, Micros};
use crossbeam_channel::{Receiver, Sender};
use detect::Finding;
use detect::detectors::Batch;

use super::{Board, Control, Handle, Level, MessageHook, Parts};
use crate::board::WorkerPage;
use crate::capture::duplicates::Duplicates;
use crate::capture::live::{KernelCounts, MAX_POLL, drain};
use crate::capture::sys;
use crate::clock::Clock;
use crate::worker::{Worker, attempt};

/// Longest wait for packets: so late a request to stop is seen.
const WAIT: Duration = Duration::from_millis(50);
/// How long after its time stamp a packet may be handed over, microseconds: a block's time and some more.
const LATE: i64 = (MAX_POLL as i64 + 50) * 1000;
/// Time between reports.
const REPORT: Duration = Duration::from_millis(500);
/// Where a worker's number stands in the sequence of its packets.
const NUMBER_SHIFT: u32 = 48;

/// Findings of one worker, and the time up to which there will be no more.
pub(super) struct Found {
    pub(super) worker: usize,
    pub(super) findings: Vec<Finding>,
    /// For detectors that count.
    pub(super) evidence: Batch,
    pub(super) mark: Micros,
}

/// What a worker's thread is given.
pub(super) struct Capturing {
    pub(super) number: usize,
    pub(super) incoming: Receiver<Handle>,
    pub(super) findings: Sender<Found>,
    pub(super) board: std::sync::Arc<Board>,
    pub(super) control: Control,
    pub(super) message: MessageHook,
}

/// Time on the wall.
pub(super) fn now() -> Micros {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

/// State of the packet path of one worker.
struct Path {
    worker: Worker,
    clock: Clock,
    duplicates: Option<Duplicates>,
    sequence: u64,
    last: Micros,
}

impl Path {
    #[inline]
    fn frame(&mut self, frame: &Frame<'_>, interface: usize) {
        if let Some(duplicates) = &mut self.duplicates
            && duplicates.seen(frame, interface)
        {
            self.worker.duplicate(frame);
            return;
        }
        if let Some(tick) = self.clock.packet(frame.time) {
            self.worker.tick(tick, self.sequence + 1);
        }
        self.sequence += 1;
        self.last = frame.time;
        let sequence = self.sequence;
        // A frame each: what libpcap calls back is not to be unwound through, and costs far more.
        attempt(&mut self.worker, |worker| worker, |worker| worker.frame(frame, sequence));
    }
}

impl Capturing {
    pub(super) fn run(self, parts: Parts) {
        let mut generation = self.board.trails.generation();
        let mut path = Path {
            worker: Worker::new(parts),
            clock: Clock::default(),
            duplicates: None,
            sequence: (self.number as u64) << NUMBER_SHIFT,
            last: Micros(i64::MIN),
        };
        let mut handles: Vec<Handle> = Vec::new();
        let mut gone: Vec<KernelCounts> = Vec::new();
        let mut reported = Instant::now();
        while !self.control.stopping() {
            handles.extend(self.incoming.try_iter());
            if path.duplicates.is_none()
                && handles.iter().any(|h| Some(h.interface) != handles.first().map(|f| f.interface))
            {
                path.duplicates = Some(Duplicates::new());
            }
            if let Some(store) = self.board.trails.newer(&mut generation) {
                path.worker.swap(store);
            }
            let (read, more) = self.read(&mut handles, &mut path, &mut gone);
            if read == 0 {
                // A socket whose interface went is always ready: it is asked again after a moment.
                let sockets: Vec<_> = handles.iter().filter(|h| !h.is_gone()).map(Handle::socket).collect();
                sys::wait(&sockets, WAIT);
            }
            let due = reported.elapsed() >= REPORT;
            self.hand_on(&mut path, more, due);
            if due {
                path.worker.idle_since(now(), path.last, path.sequence);
                self.report(&path, &mut handles, &gone);
                reported = Instant::now();
            }
        }
        // Also of interfaces that came up a moment ago.
        handles.extend(self.incoming.try_iter());
        for handle in &handles {
            handle.shut();
        }
        drain(&mut handles, |frame, interface| path.frame(frame, interface));
        path.worker.finish(path.last, path.sequence);
        self.hand_on(&mut path, false, true);
        self.report(&path, &mut handles, &gone);
    }

    /// Reads a batch of every handle: how many packets, and whether more wait.
    fn read(&self, handles: &mut Vec<Handle>, path: &mut Path, gone: &mut Vec<KernelCounts>) -> (usize, bool) {
        let (mut read, mut more) = (0, false);
        handles.retain_mut(|handle| {
            let interface = handle.interface;
            match handle.read(|frame| path.frame(frame, interface)) {
                Ok(n) => {
                    read += n;
                    more |= Handle::more(n);
                    true
                }
                Err(e) => {
                    add(gone, interface, handle.last_counts());
                    if self.number == 0 {
                        (self.message)(Level::Warning, &format!("capture ended on an interface: {e}"));
                    }
                    false
                }
            }
        });
        (read, more)
    }

    /// Sends findings; a mark at least as often as reports are due.
    fn hand_on(&self, path: &mut Path, more: bool, due: bool) {
        let (mut findings, mut evidence) = (Vec::new(), Batch::default());
        path.worker.take(&mut findings, &mut evidence);
        if findings.is_empty() && evidence.is_empty() && !due {
            return;
        }
        // Where more waits, nothing is known of later packets than the last; else a packet is at most so late.
        let mark = if more { path.last.plus(-LATE) } else { now().plus(-LATE) };
        let _ = self.findings.send(Found { worker: self.number, findings, evidence, mark });
    }

    fn report(&self, path: &Path, handles: &mut [Handle], gone: &[KernelCounts]) {
        let mut kernel = gone.to_vec();
        for handle in handles {
            let counts = if self.control.stopping() { handle.last_counts() } else { handle.counts() };
            add(&mut kernel, handle.interface, counts);
        }
        let mut report = path.worker.report();
        report.tables.extend(path.duplicates.as_ref().map(Duplicates::table));
        let page = WorkerPage { report, kernel, clock_steps: path.clock.steps() };
        self.board.worker(self.number, page);
    }
}

fn add(all: &mut Vec<KernelCounts>, interface: usize, counts: KernelCounts) {
    if all.len() <= interface {
        all.resize(interface + 1, KernelCounts::default());
    }
    if let Some(sum) = all.get_mut(interface) {
        sum.received += counts.received;
        sum.dropped += counts.dropped;
        sum.dropped_by_interface += counts.dropped_by_interface;
    }
}
