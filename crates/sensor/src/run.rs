//! A sensor from start to end.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use detect::MatchSettings;
use packet::{Limits, TableUsage};

use crate::SensorError;
use crate::agents;
use crate::board::{Board, lock};
use crate::hooks::{Hooks, MessageHook};
use crate::live::{self, Live};
use crate::metrics;
use crate::observables::{Exchange, ObservableSettings, Observables};
use crate::output::{Full, LineLog, ObservableLog, OutputSettings, Outputs};
use crate::push::Push;
use crate::reload::{self, Reloader, Trails};
use crate::replay::{self, Replay};
use crate::settings::{Settings, Source};
use crate::signals;
use crate::sink::{Finished, Sink};
use crate::summary::{Summary, TrailCounts};
use crate::worker::Parts;

/// How long the end of a live sensor may take because of a server.
const PUSH_LIVE: Duration = Duration::from_secs(5);
/// How long the end of a replay may: nobody waits for its packets.
const PUSH_REPLAY: Duration = Duration::from_secs(600);

/// Runs a sensor until its files end, or until it is told to stop.
///
/// # Errors
/// It cannot start, or workers failed too often. What is wrong with single capture files is in the summary.
pub fn run(settings: Settings, hooks: Hooks) -> Result<Summary, SensorError> {
    let started = Instant::now();
    let Hooks { event, progress, message, ending, control } = hooks;
    let message: MessageHook = message.unwrap_or_else(|| Arc::new(|_, _| {}));
    let store = Arc::new(reload::first(&settings)?);
    let trails = Arc::new(Trails::new(store.clone()));
    let board = Arc::new(Board::new(settings.workers.max(1), trails.clone()));
    let push = settings.push.as_ref().map(|push| Push::start(push, message.clone())).transpose()?;
    *lock(&board.spool) = push.as_ref().map(Push::spool);
    let outputs = outputs(&settings, push.as_ref(), &message)?;
    *lock(&board.outputs) = outputs.counters();
    if settings.handle_signals {
        signals::handle(control.clone(), board.clone(), ending)?;
    }
    let agents = match &settings.matching.agents {
        Some(agents) => agents.clone(),
        None => agents::load(settings.user_agents_file.as_deref(), &*message)?,
    };
    let matching = Arc::new(MatchSettings { agents: Some(agents), ..settings.matching.clone() });
    let (observables, exchanges) = observables(&settings, push.as_ref(), &message)?.unzip();
    let exchanges = exchanges.unwrap_or_default();
    *lock(&board.observables) = observables.as_ref().map(Observables::counters);
    let parts = Parts {
        limits: Limits::default(),
        matching,
        store,
        exchanges: Arc::new(Mutex::new(exchanges)),
        #[cfg(test)]
        panic_at: Vec::new(),
    };
    let sink = Sink::new(&parts.matching, settings.pipeline.clone(), event, outputs);
    let reloader = Reloader::new((&settings).into(), trails.clone(), control.clone(), message.clone());
    let serve = |address| metrics::Server::start(address, settings.trails_file.clone(), board.clone());
    let metrics = settings.stats_address.map(serve).transpose()?;
    let mut summary = match &settings.source {
        Source::Files(paths) => {
            let (workers, filter) = (settings.workers, settings.filter.as_deref());
            let board = board.clone();
            replay::run(Replay { paths, workers, filter, parts, board, control, progress, message, reloader }, sink)?
        }
        Source::Live(names) => {
            let (settings, board) = (&settings, board.clone());
            let finished = live::run(Live { settings, names, parts, board, control, message, reloader }, sink)?;
            summary_of(finished, Summary::default())
        }
    };
    drop(metrics);
    let report = board.report();
    summary.packets = report.packets;
    summary.anomalies = report.anomalies;
    TableUsage::add_all(&mut summary.tables, report.tables);
    summary.observables = observables.map(|observables| observables.finish(report.sightings));
    // Last: outputs and observables have written all they had.
    let patience = if matches!(settings.source, Source::Files(_)) { PUSH_REPLAY } else { PUSH_LIVE };
    summary.push = push.map(|push| push.finish(patience));
    summary.worker_panics = report.panics;
    summary.clock_steps = summary.clock_steps.max(board.clock_steps());
    summary.interfaces = board.interface_counts();
    summary.trails =
        TrailCounts { count: trails.store().len() as u64, generation: trails.generation(), refused: trails.refused() };
    summary.elapsed = started.elapsed();
    summary.check();
    Ok(summary)
}

fn outputs(settings: &Settings, push: Option<&Push>, message: &MessageHook) -> Result<Outputs, SensorError> {
    let replay = matches!(settings.source, Source::Files(_));
    let wanted = OutputSettings {
        directory: settings.log_dir.as_deref(),
        text: settings.text_log,
        journal: settings.journal,
        destinations: if replay { &[] } else { &settings.destinations },
        severity: settings.remote_severity.as_ref(),
        spool: push.map(Push::near_end),
        full: if replay { Full::Wait } else { Full::Drop },
    };
    Outputs::open(&wanted, message)
}

/// The thread that writes what is seen at all, and what its workers need; nothing where it is not wanted or there is no
/// place to write to.
fn observables(
    settings: &Settings,
    push: Option<&Push>,
    message: &MessageHook,
) -> Result<Option<(Observables, Vec<Exchange>)>, SensorError> {
    let file = settings.log_dir.as_deref().map(|directory| Box::new(ObservableLog::new(directory)) as Box<dyn LineLog>);
    let spool = push.map(|push| Box::new(push.near_end()) as Box<dyn LineLog>);
    let logs: Vec<_> = file.into_iter().chain(spool).collect();
    if logs.is_empty() || !settings.observables {
        return Ok(None);
    }
    let replay = matches!(settings.source, Source::Files(_));
    let wanted = ObservableSettings {
        logs,
        sensor: &settings.pipeline.sensor,
        site: &settings.pipeline.site,
        workers: settings.workers.max(1),
        seed: settings.matching.seed,
        full: if replay { Full::Wait } else { Full::Drop },
    };
    Observables::start(wanted, message.clone()).map(Some)
}

/// A summary with what the sink counted.
pub(crate) fn summary_of(finished: Finished, summary: Summary) -> Summary {
    Summary { accounts: finished.accounts, tables: finished.tables, outputs: finished.outputs, ..summary }
}
