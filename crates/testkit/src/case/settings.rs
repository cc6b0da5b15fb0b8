//! The settings of a case: those keys of maltrail.conf that decide on events.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use detect::{IgnoreRules, MatchSettings, PipelineSettings, ThrottleMode, UserWhitelist};
use sensor::{Settings, Source};

use super::Case;
use crate::capture;

/// Writes the files of a case into `directory`; the settings to run it with one worker.
pub(super) fn prepare(case: &Case, directory: &Path) -> Result<Settings, String> {
    let write = |name: &str, bytes: &[u8]| {
        let path = directory.join(name);
        fs::write(&path, bytes).map(|()| path).map_err(|e| format!("cannot write {name}: {e}"))
    };
    let capture = write("case.pcap", &capture::file(&case.frames))?;
    let trails_file = write("trails.csv", case.trails.as_bytes())?;
    let user_agents_file = case.user_agents.as_ref().map(|text| write("agents.txt", text.as_bytes())).transpose()?;
    let agents = sensor::agents::load(user_agents_file.as_deref(), &|_, _| {}).map_err(|error| error.to_string())?;
    let mut settings = Settings {
        source: Source::Files(vec![capture]),
        workers: 1,
        filter: None,
        ring_bytes: 1 << 20,
        snap_length: 65_535,
        poll_milliseconds: 100,
        fanout_group: 0,
        trails_file,
        cache_dir: directory.to_owned(),
        allow_empty_trails: false,
        reload_min_ratio: 0.5,
        user_agents_file,
        log_dir: None,
        text_log: false,
        journal: false,
        observables: false,
        destinations: Vec::new(),
        push: None,
        remote_severity: None,
        canary_period: None,
        stats_address: None,
        build_command: None,
        handle_signals: false,
        drop_privileges: false,
        matching: MatchSettings { agents: Some(agents), ..MatchSettings::default() },
        pipeline: PipelineSettings { sensor: "case".to_owned(), ..PipelineSettings::default() },
    };
    let mut ignore_list = String::new();
    let mut ignore_expression = String::new();
    for (line, key, value) in &case.settings {
        let applied = match key.as_str() {
            "USER_IGNORELIST" => {
                ignore_list.push_str(value);
                ignore_list.push('\n');
                Ok(())
            }
            "IGNORE_EVENTS_REGEX" => {
                ignore_expression.clone_from(value);
                Ok(())
            }
            _ => apply(&mut settings, key, value),
        };
        applied.map_err(|what| format!("line {line}: {what}"))?;
    }
    let (rules, errors) = IgnoreRules::parse(&ignore_list);
    if let Some(error) = errors.first() {
        return Err(format!("USER_IGNORELIST: {error}"));
    }
    settings.pipeline.ignore = Arc::new(rules.with_expression(&ignore_expression).map_err(|e| e.to_string())?);
    Ok(settings)
}

fn apply(settings: &mut Settings, key: &str, value: &str) -> Result<(), String> {
    let pipeline = &mut settings.pipeline;
    match key {
        "CHECK_HOST_DOMAINS" => settings.matching.host_domains = boolean(value)?,
        "CHECK_TLS_CERTIFICATES" => settings.matching.certificates = boolean(value)?,
        "USE_HEURISTICS" if !boolean(value)? => settings.matching.detectors = detect::detectors::Settings::none(),
        "USE_HEURISTICS" => {}
        "DISABLED_HEURISTICS" => settings.matching.detectors.disable(value).map_err(|e| e.to_string())?,
        "DETECTOR_THRESHOLDS" => settings.matching.detectors.set_threshold(value).map_err(|e| e.to_string())?,
        "CHECK_MISSING_HOST" => {
            settings.matching.detectors.switch(detect::detectors::Detector::MissingHost, boolean(value)?);
        }
        "SCAN_WINDOW" => settings.matching.detectors.scan_window = number(value)?,
        "SENSOR_NAME" => value.clone_into(&mut pipeline.sensor),
        "EVENT_THROTTLE_WINDOW" => pipeline.throttle_window = number(value)?,
        "EVENT_THROTTLE_BURST" => pipeline.throttle_burst = number(value)?,
        "EVENT_THROTTLE_MAX_KEYS" => pipeline.throttle_keys = number(value)?,
        "EVENT_THROTTLE_MODE" => {
            pipeline.throttle = match value {
                "off" => ThrottleMode::Off,
                "summarize" => ThrottleMode::Summarize,
                other => return Err(format!("{other:?} is neither off nor summarize")),
            };
        }
        "USER_WHITELIST" => {
            let (list, errors) = UserWhitelist::parse(value);
            if let Some(error) = errors.first() {
                return Err(error.to_string());
            }
            pipeline.whitelist = Arc::new(list);
        }
        other => return Err(format!("{other} does not decide on events, or cases do not know it")),
    }
    Ok(())
}

fn boolean(value: &str) -> Result<bool, String> {
    match value {
        "yes" | "true" | "1" | "on" => Ok(true),
        "no" | "false" | "0" | "off" => Ok(false),
        other => Err(format!("{other:?} is neither yes nor no")),
    }
}

fn number<T: std::str::FromStr>(value: &str) -> Result<T, String> {
    value.parse().map_err(|_| format!("{value:?} is no number"))
}
