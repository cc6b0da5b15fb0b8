//! Findings of all workers by time, into the pipeline.

use ::packet::{Micros, TableLimit, TableUsage};
use crossbeam_channel::Receiver;
use detect::Finding;

use super::Board;
use super::worker::Found;
use crate::sink::{Finished, Sink};

/// Findings that wait for slower workers at most; beyond it they go on as they are.
const MAX_WAITING: usize = 1 << 16;

/// Runs until all workers are gone.
pub(super) fn run(mut sink: Sink, found: &Receiver<Found>, workers: usize, board: &Board) -> Finished {
    let mut order = Order::new(workers);
    let mut ticked = Micros(i64::MIN);
    for batch in found {
        order.add(batch);
        let low = order.low();
        order.release(low, |finding| sink.finding(finding));
        if low.since(ticked) >= Micros::SECOND {
            sink.advance(low);
            ticked = low;
        }
        sink.report(board, Some(order.table()));
    }
    order.release(Micros(i64::MAX), |finding| sink.finding(finding));
    let mut finished = sink.finish();
    finished.tables.push(order.table());
    finished
}

/// Findings that wait until all workers have come as far.
pub(crate) struct Order {
    marks: Vec<Micros>,
    waiting: Vec<Finding>,
    low: Micros,
    /// Findings that could not wait for slower workers.
    early: u64,
}

impl Order {
    pub(crate) fn new(workers: usize) -> Self {
        let never = Micros(i64::MIN);
        Order { marks: vec![never; workers], waiting: Vec::new(), low: never, early: 0 }
    }

    fn add(&mut self, found: Found) {
        if let Some(mark) = self.marks.get_mut(found.worker) {
            *mark = found.mark.max(*mark);
        }
        self.waiting.extend(found.findings);
    }

    /// The time up to which all workers are done. A step back of the clock does not move it back.
    fn low(&mut self) -> Micros {
        self.low = self.low.max(self.marks.iter().min().copied().unwrap_or(self.low));
        self.low
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
    pub(crate) fn table(&self) -> TableUsage {
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
