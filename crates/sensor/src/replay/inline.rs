//! One worker on the reader's thread: frames are never copied.

use std::sync::Arc;

use ::packet::Frame;
use detect::Finding;

use super::Taker;
use crate::SensorError;
use crate::clock::Tick;
use crate::reload::Trails;
use crate::sink::{Finished, Sink};
use crate::worker::{MAX_PANICS, Parts, Report, Worker};

pub(super) struct Inline {
    worker: Worker,
    sink: Sink,
    trails: Arc<Trails>,
    generation: u64,
    found: Vec<Finding>,
}

impl Inline {
    pub(super) fn new(parts: Parts, trails: Arc<Trails>, sink: Sink) -> Self {
        let generation = trails.generation();
        Inline { worker: Worker::new(parts), sink, trails, generation, found: Vec::new() }
    }

    fn hand_on(&mut self) {
        self.worker.take(&mut self.found);
        for finding in self.found.drain(..) {
            self.sink.finding(finding);
        }
    }

    pub(super) fn finish(mut self) -> (Report, Finished) {
        self.hand_on();
        (self.worker.report(), self.sink.finish())
    }
}

impl Taker for Inline {
    #[inline]
    fn frame(&mut self, frame: &Frame<'_>, sequence: u64, tick: Option<Tick>) {
        if let Some(tick) = tick {
            self.hand_on();
            self.worker.tick(tick);
            self.sink.tick(tick);
        }
        self.worker.frame(frame, sequence);
    }

    fn filtered(&mut self, frame: &Frame<'_>) {
        self.worker.filtered(frame.bytes.len());
    }

    fn round(&mut self) -> Result<(), SensorError> {
        self.hand_on();
        if let Some(store) = self.trails.newer(&mut self.generation) {
            self.worker.swap(store);
        }
        let panics = self.worker.panics();
        if panics > MAX_PANICS { Err(SensorError::WorkersFailed(panics)) } else { Ok(()) }
    }
}
