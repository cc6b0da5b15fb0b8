//! From findings, in order, to the outputs: one pipeline for all workers, and before it the detectors that count.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use detect::detectors::{Batch, Stage};
use detect::{Accounts, Finding, MatchSettings, Pipeline, PipelineSettings};
use event::Event;
use packet::{Micros, TableUsage};

use crate::board::{Board, lock};
use crate::clock::Tick;
use crate::hooks::EventHook;
use crate::output::Outputs;

/// The pipeline and what comes after it. Lives on one thread.
pub(crate) struct Sink {
    stage: Stage,
    pipeline: Pipeline,
    hook: Option<EventHook>,
    outputs: Outputs,
    due: Vec<Event>,
    shown: u64,
    events: Arc<AtomicU64>,
}

impl Sink {
    /// `matching` is what the workers are told.
    pub(crate) fn new(
        matching: &MatchSettings,
        settings: PipelineSettings,
        hook: Option<EventHook>,
        outputs: Outputs,
    ) -> Self {
        let events = Arc::default();
        let stage = Stage::new(&matching.detectors, matching.seed);
        Sink { stage, pipeline: Pipeline::new(settings), hook, outputs, due: Vec::new(), shown: 0, events }
    }

    /// Number of events so far, for whoever watches.
    pub(crate) fn events(&self) -> Arc<AtomicU64> {
        self.events.clone()
    }

    /// What detectors find in what workers told, which is in order.
    pub(crate) fn weigh(&mut self, evidence: &Batch, found: &mut Vec<Finding>) {
        self.stage.weigh(evidence, found);
    }

    pub(crate) fn finding(&mut self, finding: Finding) {
        self.pipeline.take(finding, &mut self.due);
        self.hand_on();
    }

    pub(crate) fn tick(&mut self, tick: Tick) {
        match tick {
            Tick::Second(now) => self.advance(now),
            Tick::Back { over, now } => {
                self.advance(over);
                self.advance(now);
            }
        }
    }

    pub(crate) fn advance(&mut self, now: Micros) {
        self.pipeline.advance(now, &mut self.due);
        self.hand_on();
    }

    fn hand_on(&mut self) {
        if self.due.is_empty() {
            return;
        }
        self.events.fetch_add(self.due.len() as u64, Ordering::Relaxed);
        for event in self.due.drain(..) {
            if let Some(hook) = &mut self.hook {
                hook(&event);
                self.shown += 1;
            }
            self.outputs.offer(event);
        }
    }

    /// Says on the board how it stands; `more`: tables in front of the pipeline.
    pub(crate) fn report(&self, board: &Board, more: impl IntoIterator<Item = TableUsage>) {
        let mut page = lock(&board.pipeline);
        page.accounts = self.pipeline.accounts();
        page.tables.clear();
        page.tables.extend(self.tables().chain(more));
    }

    fn tables(&self) -> impl Iterator<Item = TableUsage> {
        self.pipeline.tables().into_iter().chain(self.stage.tables())
    }

    /// The end of the packets: everything held goes out and is written.
    pub(crate) fn finish(mut self) -> Finished {
        self.pipeline.finish(&mut self.due);
        self.hand_on();
        let (accounts, tables) = (self.pipeline.accounts(), self.tables().collect());
        let console = self.hook.is_some().then_some(self.shown);
        Finished { accounts, tables, outputs: self.outputs.finish(console) }
    }
}

/// What a sink counted.
pub(crate) struct Finished {
    pub(crate) accounts: Accounts,
    pub(crate) tables: Vec<TableUsage>,
    pub(crate) outputs: Vec<crate::summary::OutputCounts>,
}
