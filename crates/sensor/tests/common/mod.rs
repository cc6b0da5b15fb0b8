//! What the tests of whole runs share.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use detect::{MatchSettings, PipelineSettings, ThrottleMode};
use jiff::tz::TimeZone;
use sensor::{Control, Hooks, Level, Settings, Source, Summary};

/// Settings without logs, signals or privileges to drop; trails lie in `directory`.
pub(crate) fn settings(directory: &Path, source: Source, trails: &str) -> Settings {
    let trails_file = directory.join("trails.csv");
    std::fs::write(&trails_file, trails).unwrap();
    Settings {
        source,
        workers: 1,
        filter: None,
        ring_bytes: 4 << 20,
        snap_length: 65_535,
        poll_milliseconds: 100,
        fanout_group: 0,
        trails_file,
        cache_dir: directory.to_owned(),
        allow_empty_trails: false,
        reload_min_ratio: 0.5,
        user_agents_file: None,
        log_dir: None,
        text_log: true,
        journal: true,
        observables: true,
        destinations: Vec::new(),
        push: None,
        remote_severity: None,
        canary_period: Some(1),
        stats_address: None,
        build_command: None,
        handle_signals: false,
        drop_privileges: false,
        matching: MatchSettings::default(),
        pipeline: PipelineSettings { throttle: ThrottleMode::Off, ..PipelineSettings::default() },
    }
}

/// What a run said and gave.
pub(crate) struct Ran {
    pub(crate) summary: Summary,
    pub(crate) lines: Vec<String>,
    pub(crate) messages: Vec<(Level, String)>,
}

/// Collects lines and messages of a run.
#[derive(Clone, Default)]
pub(crate) struct Collected {
    pub(crate) lines: Arc<Mutex<Vec<String>>>,
    pub(crate) messages: Arc<Mutex<Vec<(Level, String)>>>,
}

impl Collected {
    pub(crate) fn hooks(&self, control: Control) -> Hooks {
        let (lines, messages) = (self.lines.clone(), self.messages.clone());
        Hooks {
            event: Some(Box::new(move |event| lines.lock().unwrap().push(event.line(&TimeZone::UTC)))),
            message: Some(Arc::new(move |level, text| messages.lock().unwrap().push((level, text.to_owned())))),
            control,
            ..Hooks::default()
        }
    }

    pub(crate) fn ran(&self, summary: Summary) -> Ran {
        assert_eq!(summary.violations, Vec::<String>::new());
        let (lines, messages) = (self.lines.lock().unwrap().clone(), self.messages.lock().unwrap().clone());
        Ran { summary, lines, messages }
    }
}

/// Runs to the end.
pub(crate) fn run(settings: Settings) -> Ran {
    let collected = Collected::default();
    let summary = sensor::run(settings, collected.hooks(Control::default())).unwrap();
    collected.ran(summary)
}

pub(crate) fn write(directory: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = directory.join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}
