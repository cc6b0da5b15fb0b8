//! One worker on the reader's thread: frames are never copied.

use std::sync::Arc;

use ::packet::{Frame, Micros};
use detect::Finding;
use detect::detectors::Batch;

use super::{Taker, in_order, weigh};
use crate::SensorError;
use crate::board::{Board, WorkerPage};
use crate::clock::Tick;
use crate::sink::{Finished, Sink};
use crate::worker::{MAX_PANICS, Parts, Worker, attempt};

pub(super) struct Inline {
    worker: Worker,
    sink: Sink,
    board: Arc<Board>,
    generation: u64,
    found: Vec<Finding>,
    evidence: Batch,
}

impl Inline {
    pub(super) fn new(parts: Parts, board: Arc<Board>, sink: Sink) -> Self {
        let generation = board.trails.generation();
        Inline { worker: Worker::new(parts), sink, board, generation, found: Vec::new(), evidence: Batch::default() }
    }

    fn hand_on(&mut self) {
        self.worker.take(&mut self.found, &mut self.evidence);
        weigh(&mut self.sink, &mut self.evidence, &mut self.found);
        in_order(&mut self.found);
        for finding in self.found.drain(..) {
            self.sink.finding(finding);
        }
    }

    fn report(&self) {
        self.board.worker(0, WorkerPage { report: self.worker.report(), ..WorkerPage::default() });
        self.sink.report(&self.board, []);
    }

    pub(super) fn finish(mut self) -> Finished {
        self.hand_on();
        self.report();
        self.sink.finish()
    }
}

impl Taker for Inline {
    #[inline(always)]
    fn frame(&mut self, frame: &Frame<'_>, sequence: u64, tick: Option<Tick>) {
        if let Some(tick) = tick {
            self.hand_on();
            self.worker.tick(tick, sequence);
            self.sink.tick(tick);
        }
        self.worker.frame(frame, sequence);
    }

    fn attempt<R>(&mut self, part: impl FnOnce(&mut Self) -> R) -> Option<R> {
        attempt(self, |inline| &mut inline.worker, part)
    }

    fn filtered(&mut self, frame: &Frame<'_>) {
        self.worker.filtered(frame.bytes.len());
    }

    fn end(&mut self, time: Micros, sequence: u64) {
        self.worker.finish(time, sequence);
    }

    fn round(&mut self) -> Result<(), SensorError> {
        self.hand_on();
        if let Some(store) = self.board.trails.newer(&mut self.generation) {
            self.worker.swap(store);
        }
        self.report();
        let panics = self.worker.panics();
        if panics > MAX_PANICS { Err(SensorError::WorkersFailed(panics)) } else { Ok(()) }
    }
}
