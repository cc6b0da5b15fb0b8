//! Several workers: rounds of frames dealt by address pair, and their findings put in order again.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;

use ::packet::decode::pair_hash;
use ::packet::{Frame, LinkType, Micros};
use crossbeam_channel::{Receiver, Sender, bounded};
use detect::Finding;
use detect::detectors::Batch as Evidence;

use super::{Taker, in_order, weigh};
use crate::SensorError;
use crate::board::{Board, WorkerPage};
use crate::clock::Tick;
use crate::sink::{Finished, Sink};
use crate::worker::{MAX_PANICS, Parts, Worker, attempt};
use trails::store::{Mapped, Store};

/// Rounds that a worker may be behind the reader.
const DEPTH: usize = 4;
/// Bytes of frames after which a round is sent before it is full.
const ROUND_BYTES: usize = 4 << 20;

/// A frame in a batch's arena, or a tick.
enum Entry {
    Frame {
        time: Micros,
        link: LinkType,
        start: usize,
        length: usize,
        sequence: u64,
    },
    Filtered {
        length: usize,
    },
    Tick(Tick, u64),
    /// The end of all frames.
    End {
        time: Micros,
        sequence: u64,
    },
}

impl Entry {
    #[inline(always)]
    fn run(&self, arena: &[u8], worker: &mut Worker) {
        match *self {
            Entry::Frame { time, link, start, length, sequence } => {
                let bytes = arena.get(start..start + length).unwrap_or_default();
                worker.frame(&Frame { time, link, bytes }, sequence);
            }
            Entry::Filtered { length } => worker.filtered(length),
            Entry::Tick(tick, sequence) => worker.tick(tick, sequence),
            Entry::End { time, sequence } => worker.finish(time, sequence),
        }
    }
}

/// The share of one worker in a round.
#[derive(Default)]
struct Batch {
    entries: Vec<Entry>,
    arena: Vec<u8>,
    /// Trails to go on with, from this batch on: for all workers from the same round.
    store: Option<Arc<Store<Mapped>>>,
}

/// What a worker found in its share of a round.
#[derive(Default)]
struct Found {
    findings: Vec<Finding>,
    evidence: Evidence,
}

/// What the round is put in order with: the ticks and the sequence of the packet after each.
type Ticks = Vec<(u64, Tick)>;

/// The reader's side.
pub(super) struct Dealer {
    batches: Vec<Batch>,
    ticks: Ticks,
    bytes: usize,
    workers: Vec<(Sender<Batch>, JoinHandle<()>)>,
    rounds: Sender<Ticks>,
    order: JoinHandle<Finished>,
    board: Arc<Board>,
    generation: u64,
    panics: Arc<AtomicU64>,
}

impl Dealer {
    pub(super) fn start(count: usize, parts: &Parts, board: &Arc<Board>, sink: Sink) -> Result<Self, SensorError> {
        let panics = Arc::new(AtomicU64::new(0));
        let mut workers = Vec::new();
        let mut results = Vec::new();
        for number in 0..count {
            let (sender, batches) = bounded(DEPTH);
            let (found, result) = bounded(DEPTH);
            let (parts, panics, board) = (parts.clone(), panics.clone(), board.clone());
            let work = move || work(number, Worker::new(parts), &batches, &found, &panics, &board);
            workers.push((sender, std::thread::Builder::new().name(format!("worker-{number}")).spawn(work)?));
            results.push(result);
        }
        let (rounds, ticks) = bounded(DEPTH);
        let order_board = board.clone();
        let order = std::thread::Builder::new()
            .name("order".into())
            .spawn(move || order(sink, &ticks, &results, &order_board))?;
        let batches = std::iter::repeat_with(Batch::default).take(count).collect();
        let (board, generation) = (board.clone(), board.trails.generation());
        Ok(Dealer { batches, ticks: Vec::new(), bytes: 0, workers, rounds, order, board, generation, panics })
    }

    fn send(&mut self) -> Result<(), SensorError> {
        let store = self.board.trails.newer(&mut self.generation);
        self.bytes = 0;
        let mut sent = self.rounds.send(std::mem::take(&mut self.ticks)).is_ok();
        for (batch, (worker, _)) in self.batches.iter_mut().zip(&self.workers) {
            let capacity = batch.arena.capacity();
            let mut full = std::mem::take(batch);
            batch.arena.reserve(capacity);
            full.store.clone_from(&store);
            sent &= worker.send(full).is_ok();
        }
        let panics = self.panics.load(Ordering::Relaxed);
        if panics > MAX_PANICS || !sent { Err(SensorError::WorkersFailed(panics)) } else { Ok(()) }
    }

    pub(super) fn finish(self) -> Result<Finished, SensorError> {
        let Dealer { workers, rounds, order, panics, .. } = self;
        let failed = || SensorError::WorkersFailed(panics.load(Ordering::Relaxed) + 1);
        drop(rounds);
        for (sender, thread) in workers {
            drop(sender);
            thread.join().map_err(|_| failed())?;
        }
        let finished = order.join().map_err(|_| failed())?;
        match panics.load(Ordering::Relaxed) {
            many if many > MAX_PANICS => Err(SensorError::WorkersFailed(many)),
            _ => Ok(finished),
        }
    }
}

impl Taker for Dealer {
    #[inline]
    fn frame(&mut self, frame: &Frame<'_>, sequence: u64, tick: Option<Tick>) {
        if let Some(tick) = tick {
            self.ticks.push((sequence, tick));
            for batch in &mut self.batches {
                batch.entries.push(Entry::Tick(tick, sequence));
            }
        }
        let number = pair_hash(frame) as usize % self.workers.len().max(1);
        let Some(batch) = self.batches.get_mut(number) else { return };
        let (start, length) = (batch.arena.len(), frame.bytes.len());
        batch.arena.extend_from_slice(frame.bytes);
        batch.entries.push(Entry::Frame { time: frame.time, link: frame.link, start, length, sequence });
        self.bytes += length;
        if self.bytes >= ROUND_BYTES {
            // A failure shows at the next call of `round`.
            let _ = self.send();
        }
    }

    /// The workers are elsewhere.
    fn attempt<R>(&mut self, part: impl FnOnce(&mut Self) -> R) -> Option<R> {
        Some(part(self))
    }

    fn filtered(&mut self, frame: &Frame<'_>) {
        if let Some(batch) = self.batches.first_mut() {
            batch.entries.push(Entry::Filtered { length: frame.bytes.len() });
        }
    }

    fn end(&mut self, time: Micros, sequence: u64) {
        for batch in &mut self.batches {
            batch.entries.push(Entry::End { time, sequence });
        }
    }

    fn round(&mut self) -> Result<(), SensorError> {
        self.send()
    }
}

/// A worker's thread.
fn work(
    number: usize,
    mut worker: Worker,
    batches: &Receiver<Batch>,
    found: &Sender<Found>,
    panics: &AtomicU64,
    board: &Board,
) {
    for batch in batches {
        if let Some(store) = batch.store {
            worker.swap(store);
        }
        let before = worker.panics();
        let mut entries = batch.entries.iter();
        let mut share = |worker: &mut Worker| entries.by_ref().for_each(|entry| entry.run(&batch.arena, worker));
        while attempt(&mut worker, |worker| worker, &mut share).is_none() {}
        panics.fetch_add(worker.panics() - before, Ordering::Relaxed);
        let mut of_round = Found::default();
        worker.take(&mut of_round.findings, &mut of_round.evidence);
        if found.send(of_round).is_err() {
            break;
        }
        board.worker(number, WorkerPage { report: worker.report(), ..WorkerPage::default() });
    }
}

/// The thread that puts rounds in order.
fn order(mut sink: Sink, rounds: &Receiver<Ticks>, results: &[Receiver<Found>], board: &Board) -> Finished {
    let (mut findings, mut evidence) = (Vec::new(), Evidence::default());
    'rounds: for ticks in rounds {
        for result in results {
            match result.recv() {
                Ok(mut of_worker) => {
                    findings.append(&mut of_worker.findings);
                    of_worker.evidence.give(&mut evidence);
                }
                Err(_) => break 'rounds,
            }
        }
        weigh(&mut sink, &mut evidence, &mut findings);
        in_order(&mut findings);
        let mut ticks = ticks.into_iter().peekable();
        for finding in findings.drain(..) {
            while let Some((_, tick)) = ticks.next_if(|(before, _)| *before <= finding.sequence) {
                sink.tick(tick);
            }
            sink.finding(finding);
        }
        for (_, tick) in ticks {
            sink.tick(tick);
        }
        sink.report(board, []);
    }
    sink.finish()
}
