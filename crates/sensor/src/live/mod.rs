//! Live capture: workers on their rings, findings put in order, interfaces watched.
//!
//! main thread: interfaces that go and come, requests to stop and to reload.
//! worker threads: read, decode, match; they wait for nobody but the order thread's bounded channel.
//! order thread: findings of all workers by time, the pipeline, the outputs.

pub(crate) mod order;
mod watch;
mod worker;

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::{Sender, bounded, unbounded};

use crate::SensorError;
use crate::board::{Board, InterfacePage, lock};
use crate::canary::{self, Canary};
use crate::capture::live::{self, Handle, Opening};
use crate::hooks::{Control, Level, MessageHook};
use crate::privileges;
use crate::reload::Reloader;
use crate::settings::Settings;
use crate::sink::{Finished, Sink};
use crate::worker::{MAX_PANICS, Parts};
use watch::Watch;
use worker::Capturing;

/// Batches of findings that wait for the order thread at most.
const FINDING_BATCHES: usize = 1024;
/// Time between looks at interfaces and the trails file.
const WATCH: Duration = Duration::from_millis(500);

/// Everything live capture needs.
pub(crate) struct Live<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) names: &'a [String],
    pub(crate) parts: Parts,
    pub(crate) board: Arc<Board>,
    pub(crate) control: Control,
    pub(crate) message: MessageHook,
    pub(crate) reloader: Reloader,
}

/// Captures until told to stop; then what the rings hold is worked through.
///
/// # Errors
/// An interface cannot be opened, or workers failed too often.
pub(crate) fn run(live: Live<'_>, sink: Sink) -> Result<Finished, SensorError> {
    let Live { settings, names, parts, board, control, message, mut reloader } = live;
    let opening = opening(settings);
    let mut watch = Watch::open(names, &opening, &board, &message)?;
    if settings.drop_privileges {
        privileges::drop_needless(settings, &message);
    }
    let count = opening.workers;
    let (findings, found) = bounded(FINDING_BATCHES);
    let order_board = board.clone();
    let order = std::thread::Builder::new()
        .name("order".into())
        .spawn(move || order::run(sink, &found, count, &order_board))?;
    let (senders, incoming): (Vec<Sender<Handle>>, Vec<_>) = (0..count).map(|_| unbounded()).unzip();
    // Before the workers start: they wait for packets of the handles they have.
    watch.hand_out(&senders);
    let mut workers: Vec<JoinHandle<()>> = Vec::new();
    for (number, incoming) in incoming.into_iter().enumerate() {
        let capturing = Capturing {
            number,
            incoming,
            findings: findings.clone(),
            board: board.clone(),
            control: control.clone(),
            message: message.clone(),
        };
        let parts = parts.clone();
        let thread = std::thread::Builder::new().name(format!("worker-{number}"));
        workers.push(thread.spawn(move || capturing.run(parts))?);
    }
    drop(findings);
    message(Level::Info, &format!("capturing on {} with {count} workers", watch.names()));
    let mut failed = None;
    let mut canary = Canary::new(settings.canary_period.map(Duration::from_secs));
    while !control.wait(WATCH) {
        watch.look(&opening, &board, &message);
        watch.hand_out(&senders);
        reloader.look();
        prove(&mut canary, &parts, &board, &message);
        let panics = board.report().panics;
        if panics > MAX_PANICS || workers.iter().any(JoinHandle::is_finished) {
            failed = Some(SensorError::WorkersFailed(panics));
            control.stop();
        }
    }
    for thread in workers {
        if thread.join().is_err() {
            failed.get_or_insert(SensorError::WorkersFailed(board.report().panics + 1));
        }
    }
    let finished = order.join().map_err(|_| SensorError::WorkersFailed(board.report().panics + 1))?;
    failed.map_or(Ok(finished), Err)
}

/// Proves that detection works, if that is due.
fn prove(canary: &mut Canary, parts: &Parts, board: &Board, message: &MessageHook) {
    if !canary.due(board.trails.generation(), Instant::now()) {
        return;
    }
    let proof = canary::prove(parts, board.trails.store());
    let missed = proof.missed.join(", ");
    if lock(&board.proofs).note(proof, Instant::now()) {
        let text = format!(
            "NOTHING IS DETECTED of these kinds of trails: {missed}. Packets made of trails in use were not found: look at \
             the trails file with `maltrail trails verify`, and start the sensor again"
        );
        message(Level::Error, &text);
    }
}

fn opening(settings: &Settings) -> Opening {
    // Two sensors on one machine must not share a group: a number of the process stands in for 0.
    let group = if settings.fanout_group == 0 { std::process::id() as u16 } else { settings.fanout_group };
    Opening {
        workers: settings.workers.max(1),
        ring_bytes: settings.ring_bytes,
        snap_length: settings.snap_length,
        poll_milliseconds: settings.poll_milliseconds,
        filter: settings.filter.clone(),
        group,
    }
}
