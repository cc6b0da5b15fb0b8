//! What every part last said of itself, for metrics and the summary.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use detect::Accounts;
use packet::TableUsage;

use crate::canary::Proofs;
use crate::capture::live::KernelCounts;
use crate::observables;
use crate::output::Counters;
use crate::push::Spool;
use crate::reload::Trails;
use crate::summary::InterfaceCounts;
use crate::worker::Report;

/// What a worker last said.
#[derive(Clone, Debug, Default)]
pub(crate) struct WorkerPage {
    pub(crate) report: Report,
    /// By number of the interface.
    pub(crate) kernel: Vec<KernelCounts>,
    pub(crate) clock_steps: u64,
}

/// What is known of an interface beside the kernel's counters.
#[derive(Clone, Debug, Default)]
pub(crate) struct InterfacePage {
    pub(crate) name: String,
    pub(crate) up: bool,
    pub(crate) reopened: u64,
}

/// What the pipeline last said.
#[derive(Clone, Debug, Default)]
pub(crate) struct PipelinePage {
    pub(crate) accounts: Accounts,
    pub(crate) tables: Vec<TableUsage>,
}

/// Counters of one output by name.
pub(crate) type OutputPage = (Arc<str>, Arc<Counters>);

/// Written now and then by each part, never in the way of a packet.
pub(crate) struct Board {
    pub(crate) workers: Vec<Mutex<WorkerPage>>,
    pub(crate) interfaces: Mutex<Vec<InterfacePage>>,
    pub(crate) pipeline: Mutex<PipelinePage>,
    pub(crate) outputs: Mutex<Vec<OutputPage>>,
    pub(crate) observables: Mutex<Option<Arc<observables::Counters>>>,
    pub(crate) spool: Mutex<Option<Arc<Spool>>>,
    pub(crate) trails: Arc<Trails>,
    pub(crate) proofs: Mutex<Proofs>,
}

/// A lock whose last holder may have panicked: what lies behind it is plain counters.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Board {
    pub(crate) fn new(workers: usize, trails: Arc<Trails>) -> Self {
        Board {
            workers: std::iter::repeat_with(Mutex::default).take(workers).collect(),
            interfaces: Mutex::default(),
            pipeline: Mutex::default(),
            outputs: Mutex::default(),
            observables: Mutex::default(),
            spool: Mutex::default(),
            trails,
            proofs: Mutex::default(),
        }
    }

    /// Replaces what a worker said.
    pub(crate) fn worker(&self, number: usize, page: WorkerPage) {
        if let Some(slot) = self.workers.get(number) {
            *lock(slot) = page;
        }
    }

    /// All workers together.
    pub(crate) fn report(&self) -> Report {
        let mut all = Report::default();
        for worker in &self.workers {
            all.add(&lock(worker).report);
        }
        all
    }

    /// Every bounded table, those of all workers together.
    pub(crate) fn tables(&self) -> Vec<TableUsage> {
        let mut tables = self.report().tables;
        TableUsage::add_all(&mut tables, lock(&self.pipeline).tables.iter().copied());
        tables
    }

    /// Steps of the clock that a worker saw at most: all see the same clock.
    pub(crate) fn clock_steps(&self) -> u64 {
        self.workers.iter().map(|w| lock(w).clock_steps).max().unwrap_or(0)
    }

    /// Each interface, with the counters of all its handles.
    pub(crate) fn interface_counts(&self) -> Vec<InterfaceCounts> {
        let pages = lock(&self.interfaces).clone();
        let counts = |(number, page): (usize, InterfacePage)| {
            let InterfacePage { name, up, reopened } = page;
            let mut all = InterfaceCounts { name, up, reopened, ..InterfaceCounts::default() };
            for worker in &self.workers {
                let kernel = lock(worker).kernel.get(number).copied().unwrap_or_default();
                all.received += kernel.received;
                all.dropped_by_kernel += kernel.dropped;
                all.dropped_by_interface = all.dropped_by_interface.max(kernel.dropped_by_interface);
            }
            all
        };
        pages.into_iter().enumerate().map(counts).collect()
    }
}
