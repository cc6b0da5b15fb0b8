//! One capture worker: frames in, findings out, everything that belongs to it rebuilt if it panics.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex};

use detect::detectors::Batch;
use detect::sightings::Collected;
use detect::{Finding, MatchSettings, Matcher};
use packet::{Anomalies, Dissector, Frame, Limits, Micros, Outcome, TableUsage};
use trails::store::{Mapped, Store};

use crate::board::lock;
use crate::clock::Tick;
use crate::observables::Exchange;
use crate::summary::Packets;

/// Panics of all workers together after which the program gives up.
pub(crate) const MAX_PANICS: u64 = 16;

/// What a worker is made of, kept so that it can be made again.
#[derive(Clone)]
pub(crate) struct Parts {
    pub(crate) limits: Limits,
    pub(crate) matching: Arc<MatchSettings>,
    pub(crate) store: Arc<Store<Mapped>>,
    /// One for each worker, where observables are collected.
    pub(crate) exchanges: Arc<Mutex<Vec<Exchange>>>,
    /// Packets at which a test wants a panic.
    #[cfg(test)]
    pub(crate) panic_at: Vec<u64>,
}

/// A worker's state. Frames between two hosts all go to the same one.
pub(crate) struct Worker {
    parts: Parts,
    dissector: Dissector,
    matcher: Matcher,
    exchange: Option<Exchange>,
    counts: Packets,
    /// Of dissectors that are gone.
    past: Anomalies,
    /// Their tables and those of matchers that are gone: empty, but for what they refused.
    past_tables: Vec<TableUsage>,
    /// Findings of matchers that are gone, and what they told detectors.
    rescued: Vec<Finding>,
    rescued_evidence: Batch,
    panics: u64,
}

/// Runs what hands frames to a worker, which `worker` finds in `state`. `None`: one of them made it panic. That frame is
/// lost and counted and the worker's state rebuilt; what hands over frames is to go on with the next.
pub(crate) fn attempt<S, R>(
    state: &mut S,
    worker: impl FnOnce(&mut S) -> &mut Worker,
    part: impl FnOnce(&mut S) -> R,
) -> Option<R> {
    match catch_unwind(AssertUnwindSafe(|| part(state))) {
        Ok(result) => Some(result),
        Err(_) if worker(state).lose() => None,
        Err(panic) => resume_unwind(panic),
    }
}

/// A seed that an attacker does not know.
fn seed() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(0u8)
}

impl Worker {
    pub(crate) fn new(parts: Parts) -> Self {
        let dissector = Dissector::new(&parts.limits, seed());
        let mut matcher = Matcher::new(parts.matching.clone(), parts.store.clone());
        let exchange = lock(&parts.exchanges).pop();
        matcher.collect(exchange.as_ref().map(Exchange::collector));
        Worker {
            parts,
            dissector,
            matcher,
            exchange,
            counts: Packets::default(),
            past: Anomalies::default(),
            past_tables: Vec::new(),
            rescued: Vec::new(),
            rescued_evidence: Batch::default(),
            panics: 0,
        }
    }

    /// Works through one frame. A panic unwinds: call it within [`attempt`].
    #[inline(always)]
    pub(crate) fn frame(&mut self, frame: &Frame<'_>, sequence: u64) {
        self.counts.received += 1;
        self.counts.bytes += frame.bytes.len() as u64;
        #[cfg(test)]
        assert!(!self.parts.panic_at.contains(&sequence), "a panic that a test asked for");
        self.matcher.begin(frame.time, sequence);
        match self.dissector.frame(frame, &mut self.matcher) {
            Outcome::Decoded => self.counts.decoded += 1,
            Outcome::Ignored => self.counts.ignored += 1,
            Outcome::Anomaly(_) => self.counts.malformed += 1,
        }
    }

    /// After a panic: the frame that was being worked through is counted as lost, and the state is made anew. False:
    /// there was none, so that the panic is not this worker's.
    #[cold]
    fn lose(&mut self) -> bool {
        let lost = self.counts.received == self.counts.accounted() + 1;
        if lost {
            self.counts.lost += 1;
            self.rebuild();
        }
        lost
    }

    /// A frame that another interface has shown before.
    pub(crate) fn duplicate(&mut self, frame: &Frame<'_>) {
        self.counts.received += 1;
        self.counts.bytes += frame.bytes.len() as u64;
        self.counts.duplicates += 1;
    }

    /// A frame that the filter leaves out.
    pub(crate) fn filtered(&mut self, length: usize) {
        self.counts.received += 1;
        self.counts.bytes += length as u64;
        self.counts.filtered += 1;
    }

    /// Before the packet of that sequence: lets what waited too long go, after a last look at it.
    pub(crate) fn tick(&mut self, tick: Tick, sequence: u64) {
        match tick {
            Tick::Second(now) => self.late(now, sequence, |dissector, matcher| dissector.advance(now, matcher)),
            Tick::Back { over, now } => self.late(now, sequence, |dissector, matcher| {
                dissector.advance(over, matcher);
                dissector.advance(now, matcher);
            }),
        }
        let (Tick::Second(now) | Tick::Back { now, .. }) = tick;
        if let (Some(exchange), Some(collector)) = (&mut self.exchange, self.matcher.collector_mut()) {
            exchange.tick(now, collector);
        }
    }

    /// After the last packet: a last look at all that waits.
    pub(crate) fn finish(&mut self, time: Micros, sequence: u64) {
        self.late(time, sequence, Dissector::finish);
        if let (Some(exchange), Some(collector)) = (&mut self.exchange, self.matcher.collector_mut()) {
            exchange.finish(collector);
        }
    }

    fn late(&mut self, time: Micros, sequence: u64, last_look: impl FnOnce(&mut Dissector, &mut Matcher)) {
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            self.matcher.begin_late(time, sequence);
            last_look(&mut self.dissector, &mut self.matcher);
        }));
        if outcome.is_err() {
            self.rebuild();
        }
    }

    /// Lets what waited too long go on a link that has been idle since `last`.
    pub(crate) fn idle_since(&mut self, now: Micros, last: Micros, sequence: u64) {
        if now.since(last) > Micros::SECOND {
            self.tick(Tick::Second(now), sequence);
        }
    }

    /// What was found since the last call, and what detectors are to count, in order.
    pub(crate) fn take(&mut self, into: &mut Vec<Finding>, evidence: &mut Batch) {
        into.append(&mut self.rescued);
        self.matcher.take(into);
        self.rescued_evidence.give(evidence);
        self.matcher.take_evidence(evidence);
    }

    /// From the next frame on, another generation of trails.
    pub(crate) fn swap(&mut self, store: Arc<Store<Mapped>>) {
        self.parts.store = store.clone();
        self.matcher.swap(store);
    }

    /// After a panic: what was found before is kept, the state is made anew.
    #[cold]
    fn rebuild(&mut self) {
        self.panics += 1;
        let Worker { matcher, rescued, rescued_evidence, .. } = self;
        let _ = catch_unwind(AssertUnwindSafe(|| {
            matcher.take(rescued);
            matcher.take_evidence(rescued_evidence);
        }));
        self.past.add(self.dissector.anomalies());
        let gone = self.tables().map(|table| TableUsage { entries: 0, bytes: 0, limit: table.limit.none(), ..table });
        TableUsage::add_all(&mut self.past_tables, gone);
        self.dissector = Dissector::new(&self.parts.limits, seed());
        let collector = self.matcher.take_collector();
        self.matcher = Matcher::new(self.parts.matching.clone(), self.parts.store.clone());
        self.matcher.collect(collector);
    }

    fn tables(&self) -> [TableUsage; 6] {
        let [fragments, heads, quic] = self.dissector.tables();
        let [running, acknowledged, evidence] = self.matcher.tables();
        [fragments, heads, quic, running, acknowledged, evidence]
    }

    /// Times it panicked and was rebuilt.
    pub(crate) fn panics(&self) -> u64 {
        self.panics
    }

    /// Everything it counted so far.
    pub(crate) fn report(&self) -> Report {
        let mut anomalies = self.past.clone();
        anomalies.add(self.dissector.anomalies());
        let mut tables = self.past_tables.clone();
        TableUsage::add_all(&mut tables, self.tables());
        let collector = self.matcher.collector();
        TableUsage::add_all(&mut tables, collector.map(|collector| collector.usage()));
        let sightings = collector.map(|collector| collector.collected()).unwrap_or_default();
        Report { packets: self.counts, anomalies, tables, sightings, panics: self.panics }
    }
}

/// What one or all workers counted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Report {
    pub(crate) packets: Packets,
    pub(crate) anomalies: Anomalies,
    /// Bounded tables, each name once.
    pub(crate) tables: Vec<TableUsage>,
    pub(crate) sightings: Collected,
    pub(crate) panics: u64,
}

impl Report {
    pub(crate) fn add(&mut self, other: &Report) {
        self.packets.add(&other.packets);
        self.anomalies.add(&other.anomalies);
        TableUsage::add_all(&mut self.tables, other.tables.iter().copied());
        self.sightings.seen += other.sightings.seen;
        self.sightings.refused += other.sightings.refused;
        self.panics += other.panics;
    }
}
