//! A sensor from start to end.

use std::sync::Arc;
use std::time::Instant;

use packet::Limits;

use crate::SensorError;
use crate::hooks::{Hooks, MessageHook};
use crate::output::{Full, OutputSettings, Outputs};
use crate::reload::{self, Trails};
use crate::replay::{self, Replay, Replayed};
use crate::settings::{Settings, Source};
use crate::sink::Sink;
use crate::summary::{Summary, TrailCounts};
use crate::worker::Parts;

/// Runs a sensor until its files end, or until it is told to stop.
///
/// # Errors
/// It cannot start, or workers failed too often. What is wrong with single capture files is in the summary.
pub fn run(settings: Settings, hooks: Hooks) -> Result<Summary, SensorError> {
    let started = Instant::now();
    let message: MessageHook = hooks.message.unwrap_or_else(|| Arc::new(|_, _| {}));
    let store = Arc::new(reload::load(&settings)?);
    if store.is_empty() && !settings.allow_empty_trails {
        return Err(SensorError::NoTrails { path: settings.trails_file.clone() });
    }
    let matching = Arc::new(settings.matching.clone());
    let parts = Parts { limits: Limits::default(), matching, store: store.clone() };
    let trails = Arc::new(Trails::new(store));
    let outputs = match &settings.log_dir {
        Some(directory) => {
            let full = if matches!(settings.source, Source::Files(_)) { Full::Wait } else { Full::Drop };
            let (text, journal) = (settings.text_log, settings.journal);
            Outputs::open(&OutputSettings { directory, text, journal, full }, &message)?
        }
        None => Outputs::default(),
    };
    let sink = Sink::new(settings.pipeline.clone(), hooks.event, outputs);
    let mut summary = match &settings.source {
        Source::Files(paths) => {
            let replay = Replay {
                paths,
                workers: settings.workers,
                filter: settings.filter.as_deref(),
                parts,
                trails: trails.clone(),
                control: hooks.control,
                progress: hooks.progress,
                message,
            };
            of_replay(replay::run(replay, sink)?)
        }
        Source::Live(_) => Summary::default(),
    };
    summary.trails =
        TrailCounts { count: trails.store().len() as u64, generation: trails.generation(), refused: trails.refused() };
    summary.elapsed = started.elapsed();
    summary.check();
    Ok(summary)
}

fn of_replay(replayed: Replayed) -> Summary {
    let Replayed { report, finished, problems, files, clock } = replayed;
    Summary {
        packets: report.packets,
        anomalies: report.anomalies,
        usage: report.usage,
        worker_panics: report.panics,
        accounts: finished.accounts,
        outputs: finished.outputs,
        problems,
        files,
        clock_steps: clock.steps(),
        first: clock.first(),
        last: clock.greatest(),
        ..Summary::default()
    }
}
