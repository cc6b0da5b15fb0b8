//! What was seen at all, listed or not: from the tables that workers fill into lines of files.
//!
//! A worker changes its table for an empty one every five minutes of packet time and at its end; it never waits for one
//! on a live link, but goes on filling what it has. One thread takes a table of every worker, adds them up and writes
//! them, so that a replay writes the same lines for any number of workers. Nothing of this is on a packet's path.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;

use ::packet::Micros;
use crossbeam_channel::{Receiver, Sender, bounded};
use detect::sightings::{Collector, Sighting, Sightings};
use event::observable::{Drawer, Seen, Span};

use crate::SensorError;
use crate::hooks::{Level, MessageHook};
use crate::output::{Full, LineLog};
use crate::summary::ObservableCounts;

/// Packet time after which a table is handed on, on the full five minutes.
const PERIOD: i64 = 300 * Micros::SECOND;
/// Tables of a worker: one that it fills, one that is written.
const TABLES: usize = 2;
/// Lines written at once.
const BATCH: usize = 256;

/// What is told once.
pub(crate) struct ObservableSettings<'a> {
    /// Each of them gets all lines.
    pub(crate) logs: Vec<Box<dyn LineLog>>,
    pub(crate) sensor: &'a str,
    pub(crate) site: &'a str,
    pub(crate) workers: usize,
    /// Seeds the hashes of what traffic chooses.
    pub(crate) seed: u64,
    /// What a worker does that has no empty table to go on with.
    pub(crate) full: Full,
}

/// What became of sightings, counted in sightings.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    written: AtomicU64,
    unfit: AtomicU64,
    dropped: AtomicU64,
    lines: AtomicU64,
    errors: AtomicU64,
}

impl Counters {
    /// With `seen` and `refused` as the workers counted them.
    pub(crate) fn counts(&self, collected: detect::sightings::Collected) -> ObservableCounts {
        let get = |counter: &AtomicU64| counter.load(Ordering::Acquire);
        let (written, unfit, dropped) = (get(&self.written), get(&self.unfit), get(&self.dropped));
        let detect::sightings::Collected { seen, refused } = collected;
        let held = seen.saturating_sub(refused + written + unfit + dropped);
        let (lines, errors) = (get(&self.lines), get(&self.errors));
        ObservableCounts { seen, refused, held, written, unfit, dropped, lines, errors }
    }
}

/// The thread that writes.
pub(crate) struct Observables {
    thread: JoinHandle<()>,
    counters: Arc<Counters>,
}

impl Observables {
    /// Starts it; each worker is to take one of the exchanges.
    ///
    /// # Errors
    /// No thread can be started.
    pub(crate) fn start(
        settings: ObservableSettings<'_>,
        message: MessageHook,
    ) -> Result<(Self, Vec<Exchange>), SensorError> {
        let counters = Arc::new(Counters::default());
        let mut exchanges = Vec::new();
        let mut workers = Vec::new();
        for _ in 0..settings.workers {
            let (send_full, full) = bounded(TABLES);
            let (empty, take_empty) = bounded(TABLES);
            for _ in 1..TABLES {
                // There is room for all of them.
                let _ = empty.try_send(Sightings::default());
            }
            let (seed, wait) = (settings.seed, settings.full == Full::Wait);
            exchanges.push(Exchange { full: send_full, empty: take_empty, seed, wait, period: None });
            workers.push((full, empty));
        }
        let drawer = Drawer::new(settings.sensor, settings.site).map_err(std::io::Error::other)?;
        let writer = Writer { drawer, logs: settings.logs, counters: counters.clone(), message, failing: false };
        let thread = std::thread::Builder::new().name("observables".into()).spawn(move || run(writer, &workers))?;
        Ok((Observables { thread, counters }, exchanges))
    }

    pub(crate) fn counters(&self) -> Arc<Counters> {
        self.counters.clone()
    }

    /// Waits until all that workers handed on is written; call when they are gone.
    pub(crate) fn finish(self, collected: detect::sightings::Collected) -> ObservableCounts {
        let gone = self.thread.join().is_err();
        let mut counts = self.counters.counts(collected);
        if gone {
            counts.dropped += std::mem::take(&mut counts.held);
        }
        counts
    }
}

/// A worker's end: full tables for empty ones.
pub(crate) struct Exchange {
    full: Sender<Sightings>,
    empty: Receiver<Sightings>,
    seed: u64,
    wait: bool,
    /// Number of the five minutes whose sightings are in the table.
    period: Option<i64>,
}

impl Exchange {
    /// A collector with a first table.
    pub(crate) fn collector(&self) -> Collector {
        Collector::new(Sightings::default(), self.seed)
    }

    /// It is `now`: what was collected before goes on if its five minutes are over and there is an empty table.
    pub(crate) fn tick(&mut self, now: Micros, collector: &mut Collector) {
        let period = now.0.div_euclid(PERIOD);
        match self.period {
            Some(before) if before != period => {
                let empty = if self.wait { self.empty.recv().ok() } else { self.empty.try_recv().ok() };
                let Some(empty) = empty else { return };
                self.hand_on(collector.swap(empty));
            }
            _ => {}
        }
        self.period = Some(period);
    }

    /// Nothing more comes.
    pub(crate) fn finish(&mut self, collector: &mut Collector) {
        self.hand_on(collector.swap(Sightings::new(0, 0)));
    }

    fn hand_on(&self, full: Sightings) {
        // There is room for all tables of a worker; if the thread is gone its end tells of it.
        let _ = self.full.try_send(full);
    }
}

/// The thread: a table of each worker at a time, until all are gone.
fn run(mut writer: Writer, workers: &[(Receiver<Sightings>, Sender<Sightings>)]) {
    loop {
        let tables: Vec<_> = workers.iter().map(|(full, _)| full.recv().ok()).collect();
        if tables.iter().all(Option::is_none) {
            return;
        }
        writer.write(&sum(tables.iter().flatten()));
        for (table, (_, empty)) in tables.into_iter().zip(workers) {
            if let Some(mut table) = table {
                table.clear();
                // A worker that is gone needs none.
                let _ = empty.try_send(table);
            }
        }
    }
}

fn key<'a>(sighting: &Sighting<'a>) -> (Seen<'a>, IpAddr) {
    (sighting.seen, sighting.host)
}

/// The sightings of several tables, each key once, by time.
fn sum<'a>(tables: impl Iterator<Item = &'a Sightings>) -> Vec<Sighting<'a>> {
    let mut several = 0;
    let mut all: Vec<Sighting<'_>> = Vec::new();
    for table in tables.filter(|table| !table.is_empty()) {
        several += 1;
        all.extend(table.iter());
    }
    if several > 1 {
        all.sort_unstable_by(|a, b| a.hash.cmp(&b.hash).then_with(|| key(a).cmp(&key(b))));
        all.dedup_by(|again, kept| {
            let same = again.hash == kept.hash && key(again) == key(kept);
            if same {
                kept.first = kept.first.min(again.first);
                kept.last = kept.last.max(again.last);
                kept.count += again.count;
            }
            same
        });
    }
    // A table holds what came in the order in which it came: most often nothing but what came at once is out of order.
    if !all.is_sorted_by_key(|sighting| sighting.first) {
        all.sort_by_key(|sighting| sighting.first);
    }
    for at_once in all.chunk_by_mut(|a, b| a.first == b.first).filter(|at_once| at_once.len() > 1) {
        at_once.sort_unstable_by_key(key);
    }
    all
}

/// Draws and writes lines, and accounts for them.
struct Writer {
    drawer: Drawer,
    logs: Vec<Box<dyn LineLog>>,
    counters: Arc<Counters>,
    message: MessageHook,
    failing: bool,
}

impl Writer {
    fn write(&mut self, sightings: &[Sighting<'_>]) {
        let mut lines = Vec::new();
        // Where each line ends, and how many sightings it tells.
        let mut ends: Vec<(usize, u64)> = Vec::new();
        for batch in sightings.chunks(BATCH) {
            lines.clear();
            ends.clear();
            for sighting in batch {
                let Sighting { seen, host, first, last, count, .. } = *sighting;
                match self.drawer.draw(seen, host, Span { first: first.0, last: last.0, count }, &mut lines) {
                    Ok(()) => ends.push((lines.len(), count)),
                    Err(_) => add(&self.counters.unfit, count),
                }
            }
            self.append(&lines, &ends);
        }
    }

    fn append(&mut self, lines: &[u8], ends: &[(usize, u64)]) {
        if lines.is_empty() {
            return;
        }
        let (mut bytes, mut result) = (lines.len(), Ok(()));
        for log in &mut self.logs {
            let (written, outcome) = log.append(lines);
            bytes = bytes.min(written);
            result = result.and(outcome);
        }
        let written = ends.iter().take_while(|(end, _)| *end <= bytes).count();
        let (done, lost) = ends.split_at_checked(written).unwrap_or((ends, &[]));
        let count = |lines: &[(usize, u64)]| lines.iter().map(|(_, count)| count).sum();
        add(&self.counters.written, count(done));
        add(&self.counters.dropped, count(lost));
        add(&self.counters.lines, written as u64);
        match &result {
            Ok(()) if self.failing => (self.message)(Level::Info, "observables: writing again"),
            Ok(()) => {}
            Err(error) => {
                add(&self.counters.errors, 1);
                if !self.failing {
                    let text = format!("observables: {error}; what was seen meanwhile is counted as dropped");
                    (self.message)(Level::Error, &text);
                }
            }
        }
        self.failing = result.is_err();
    }
}

fn add(counter: &AtomicU64, count: u64) {
    counter.fetch_add(count, Ordering::AcqRel);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exchange(full: Full) -> (Exchange, Receiver<Sightings>, Sender<Sightings>) {
        let (send_full, get_full) = bounded(TABLES);
        let (send_empty, get_empty) = bounded(TABLES);
        let exchange = Exchange { full: send_full, empty: get_empty, seed: 7, wait: full == Full::Wait, period: None };
        (exchange, get_full, send_empty)
    }

    #[test]
    fn a_table_goes_on_when_its_five_minutes_are_over() {
        let (mut exchange, full, empty) = exchange(Full::Drop);
        let mut collector = exchange.collector();
        empty.send(Sightings::new(4, 4)).unwrap();
        for time in [0, 1, PERIOD - 1] {
            exchange.tick(Micros(time), &mut collector);
        }
        assert!(full.is_empty());
        exchange.tick(Micros(PERIOD), &mut collector);
        assert_eq!(full.len(), 1);
        // There is no empty one: the worker goes on with what it has, and asks again.
        exchange.tick(Micros(2 * PERIOD), &mut collector);
        assert_eq!(full.len(), 1);
        empty.send(Sightings::new(4, 4)).unwrap();
        exchange.tick(Micros(2 * PERIOD + 1), &mut collector);
        assert_eq!(full.len(), 2);
        full.try_iter().for_each(drop);
        empty.send(Sightings::new(4, 4)).unwrap();
        exchange.tick(Micros(5), &mut collector);
        assert_eq!(full.len(), 1, "a step back ends it too");
        exchange.finish(&mut collector);
        assert_eq!(full.len(), 2);
    }

    #[test]
    fn a_replay_waits_for_an_empty_table() {
        let (mut exchange, full, empty) = exchange(Full::Wait);
        let mut collector = exchange.collector();
        exchange.tick(Micros(0), &mut collector);
        let thread = std::thread::spawn(move || {
            exchange.tick(Micros(PERIOD), &mut collector);
        });
        empty.send(Sightings::new(4, 4)).unwrap();
        thread.join().unwrap();
        assert_eq!(full.len(), 1);
    }
}
