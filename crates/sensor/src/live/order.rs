//! Findings of all workers by time, into the pipeline.

use ::packet::{Micros, TableLimit, TableUsage};
use crossbeam_channel::Receiver;
use std::collections::VecDeque;

use detect::Finding;
use detect::detectors::Batch;

use super::Board;
use super::worker::Found;
use crate::sink::{Finished, Sink};

/// Findings that wait for slower workers at most; beyond it they go on as they are.
const MAX_WAITING: usize = 1 << 16;

/// Records for detectors that wait so; beyond it, the oldest go on as they are.
const MAX_WAITING_EVIDENCE: usize = 1 << 18;

/// Runs until all workers are gone.
pub(super) fn run(mut sink: Sink, found: &Receiver<Found>, workers: usize, board: &Board) -> Finished {
    let mut order = Order::new(workers);
    let mut ticked = Micros(i64::MIN);
    for batch in found {
        order.add(batch);
        let low = order.low();
        order.pass_on(low, &mut sink);
        if low.since(ticked) >= Micros::SECOND {
            sink.advance(low);
            ticked = low;
        }
        sink.report(board, order.tables());
    }
    order.pass_on(Micros(i64::MAX), &mut sink);
    let mut finished = sink.finish();
    finished.tables.extend(order.tables());
    finished
}

/// Findings that wait until all workers have come as far.
pub(crate) struct Order {
    marks: Vec<Micros>,
    waiting: Vec<Finding>,
    /// Batches with the time of their latest record.
    evidence: VecDeque<(Micros, Batch)>,
    low: Micros,
    /// Findings that could not wait for slower workers.
    early: u64,
    /// Records that could not.
    early_evidence: u64,
}

impl Order {
    pub(crate) fn new(workers: usize) -> Self {
        let never = Micros(i64::MIN);
        Order {
            marks: vec![never; workers],
            waiting: Vec::new(),
            evidence: VecDeque::new(),
            low: never,
            early: 0,
            early_evidence: 0,
        }
    }

    fn add(&mut self, found: Found) {
        if let Some(mark) = self.marks.get_mut(found.worker) {
            *mark = found.mark.max(*mark);
        }
        self.waiting.extend(found.findings);
        self.evidence.extend(found.evidence.latest().map(|latest| (latest, found.evidence)));
    }

    /// The time up to which all workers are done. A step back of the clock does not move it back.
    fn low(&mut self) -> Micros {
        self.low = self.low.max(self.marks.iter().min().copied().unwrap_or(self.low));
        self.low
    }

    /// What is due goes into the sink, by way of the detectors.
    fn pass_on(&mut self, low: Micros, sink: &mut Sink) {
        let mut due = self.due(low);
        if !due.is_empty() {
            due.sort_by_time();
            sink.weigh(&due, &mut self.waiting);
        }
        self.release(low, |finding| sink.finding(finding));
    }

    /// The records of all batches that are over by `low`, and of those for which there is no room.
    fn due(&mut self, low: Micros) -> Batch {
        let (mut due, mut waiting) = (Batch::default(), 0);
        for (latest, mut batch) in std::mem::take(&mut self.evidence).into_iter().rev() {
            waiting += batch.len();
            let full = waiting > MAX_WAITING_EVIDENCE;
            if latest > low && full {
                self.early_evidence += batch.len() as u64;
            }
            if latest <= low || full {
                waiting -= batch.len();
                batch.give(&mut due);
            } else {
                self.evidence.push_front((latest, batch));
            }
        }
        due
    }

    fn release(&mut self, low: Micros, mut take: impl FnMut(Finding)) {
        let full = self.waiting.len() > MAX_WAITING;
        if full {
            self.early += self.waiting.iter().filter(|f| f.time > low).count() as u64;
        }
        let low = if full { Micros(i64::MAX) } else { low };
        self.waiting.sort_by_key(|f| (f.time, f.sequence));
        let ready = self.waiting.partition_point(|f| f.time <= low);
        self.waiting.drain(..ready).for_each(&mut take);
    }

    /// What waits, and what could not.
    pub(crate) fn tables(&self) -> [TableUsage; 2] {
        let batches = self.evidence.iter().map(|(_, batch)| batch);
        let evidence = TableUsage {
            name: "unordered_evidence",
            entries: batches.clone().map(|batch| batch.len() as u64).sum(),
            bytes: batches.map(|batch| batch.memory() as u64).sum(),
            limit: TableLimit::Entries(MAX_WAITING_EVIDENCE as u64),
            refused: self.early_evidence,
        };
        [self.findings(), evidence]
    }

    fn findings(&self) -> TableUsage {
        let heap: usize = self.waiting.iter().map(Finding::memory).sum();
        TableUsage {
            name: "unordered_findings",
            entries: self.waiting.len() as u64,
            bytes: (self.waiting.capacity() * size_of::<Finding>() + heap) as u64,
            limit: TableLimit::Entries(MAX_WAITING as u64),
            refused: self.early,
        }
    }
}
