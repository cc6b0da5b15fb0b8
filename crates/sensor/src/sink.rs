//! From findings, in order, to the outputs: one pipeline for all workers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use detect::{Accounts, Finding, Pipeline, PipelineSettings};
use event::Event;
use packet::{Micros, TableUsage};

use crate::board::{Board, lock};
use crate::clock::Tick;
use crate::hooks::EventHook;
use crate::output::Outputs;

/// The pipeline and what comes after it. Lives on one thread.
pub(crate) struct Sink {
    pipeline: Pipeline,
    hook: Option<EventHook>,
    outputs: Outputs,
    due: Vec<Event>,
    shown: u64,
    events: Arc<AtomicU64>,
}

impl Sink {
    pub(crate) fn new(settings: PipelineSettings, hook: Option<EventHook>, outputs: Outputs) -> Self {
        let events = Arc::default();
        Sink { pipeline: Pipeline::new(settings), hook, outputs, due: Vec::new(), shown: 0, events }
    }

    /// Number of events so far, for whoever watches.
    pub(crate) fn events(&self) -> Arc<AtomicU64> {
        self.events.clone()
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

    /// Says on the board how it stands; `more`: a table in front of the pipeline.
    pub(crate) fn report(&self, board: &Board, more: Option<TableUsage>) {
        let mut page = lock(&board.pipeline);
        page.accounts = self.pipeline.accounts();
        page.tables.clear();
        page.tables.extend(self.pipeline.tables().into_iter().chain(more));
    }

    /// The end of the packets: everything held goes out and is written.
    pub(crate) fn finish(mut self) -> Finished {
        self.pipeline.finish(&mut self.due);
        self.hand_on();
        let (accounts, tables) = (self.pipeline.accounts(), self.pipeline.tables().to_vec());
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
