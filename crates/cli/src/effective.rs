//! Settings as they are configured into settings as the sensor takes them.

use std::hash::BuildHasher;
use std::path::PathBuf;

use detect::{MatchSettings, PipelineSettings};
use sensor::settings::{Destination, Wire};
use sensor::{Settings, Source};

use crate::arguments::SensorArguments;
use crate::commands::build;
use crate::config::{Config, Environment, LogServer, Origin, Remote, Values, Workers};
use crate::lists::Lists;
use crate::pushing;

/// A worker's ring is never smaller, bytes.
const LEAST_RING_BYTES: u64 = 1 << 20;

/// Configuration and arguments together: arguments win.
pub(crate) fn configuration(arguments: &SensorArguments, environment: &Environment) -> Config {
    let mut config = Config::load(arguments.config.as_deref(), environment);
    let mut take = |key, value: String, argument| config.take_argument(key, &value, argument, environment);
    let text = |path: &PathBuf| path.to_string_lossy().into_owned();
    if !arguments.interfaces.is_empty() {
        take("MONITOR_INTERFACE", arguments.interfaces.join(","), "-i");
    }
    if let Some(workers) = &arguments.workers {
        take("CAPTURE_WORKERS", workers.clone(), "--workers");
    }
    if let Some(directory) = &arguments.log_dir {
        take("LOG_DIR", text(directory), "--log-dir");
    }
    if let Some(filter) = arguments.filter.as_ref().filter(|filter| !filter.is_empty()) {
        take("CAPTURE_FILTER", filter.clone(), "--filter");
    }
    if let Some(trails) = &arguments.trails {
        take("TRAILS_FILE", text(trails), "--trails");
    }
    config.problems.extend(pushing::settings(&config, arguments).err());
    config
}

/// What the sensor is told.
pub(crate) fn settings(
    config: &Config,
    lists: Lists,
    arguments: &SensorArguments,
    environment: &Environment,
) -> Settings {
    let values = &config.values;
    let workers = workers(config, environment.cores);
    let replay = !arguments.read.is_empty();
    let logs = writes_logs(config, arguments);
    let seed = std::hash::RandomState::new().hash_one(0u8);
    let number = |value: u64| usize::try_from(value).unwrap_or(usize::MAX);
    let ring = values.capture_buffer_size.map_or(values.capture_buffer.0 / workers.max(1), |size| size.0);
    let cache_dir = environment.cache_dir();
    let build_command = build::command(&values.trails_file, &cache_dir);
    Settings {
        source: if replay {
            Source::Files(arguments.read.clone())
        } else {
            Source::Live(values.monitor_interface.clone())
        },
        workers: number(workers),
        filter: values.capture_filter.clone().filter(|_| !replay || arguments.filter.is_some()),
        ring_bytes: number(ring.max(LEAST_RING_BYTES)),
        snap_length: u32::try_from(values.capture_snaplen.0).unwrap_or(u32::MAX),
        poll_milliseconds: u32::try_from(values.capture_timeout.0).unwrap_or(u32::MAX),
        fanout_group: u16::try_from(values.capture_fanout_group.0).unwrap_or(0),
        trails_file: values.trails_file.clone(),
        cache_dir,
        allow_empty_trails: values.allow_empty_trails,
        reload_min_ratio: values.trail_reload_min_ratio.0,
        user_agents_file: values.user_agents_file.clone(),
        log_dir: logs.then(|| values.log_dir.clone()),
        text_log: logs,
        journal: logs,
        observables: values.use_condensed_storage,
        destinations: destinations(values),
        push: pushing::settings(config, arguments).ok().flatten(),
        remote_severity: lists.severity,
        canary_period: Some(values.canary_period.0).filter(|seconds| *seconds > 0),
        stats_address: values.stats_address,
        build_command,
        handle_signals: true,
        drop_privileges: !replay,
        matching: MatchSettings {
            host_domains: values.check_host_domains,
            certificates: values.check_tls_certificates,
            detectors: lists.detectors,
            agents: lists.agents,
            seed,
        },
        pipeline: PipelineSettings {
            sensor: values.sensor_name.clone(),
            site: values.site.clone().unwrap_or_default(),
            throttle: values.event_throttle_mode,
            throttle_window: i64::try_from(values.event_throttle_window.0).unwrap_or(i64::MAX),
            throttle_burst: values.event_throttle_burst.0,
            throttle_keys: number(values.event_throttle_max_keys.0),
            whitelist: lists.whitelist,
            ignore: lists.ignore,
            seed,
        },
    }
}

/// Who gets the events too, over UDP.
fn destinations(values: &Values) -> Vec<Destination> {
    let to = |wire: Wire| move |remote: &Remote| Destination { wire, host: remote.host.clone(), port: remote.port };
    let datagrams = |server: &LogServer| match server {
        LogServer::Datagrams(remote) => Some(to(Wire::Line)(remote)),
        LogServer::Https(_) => None,
    };
    let lines = values.log_server.iter().filter_map(datagrams);
    let messages = values.syslog_server.iter().map(to(Wire::Cef));
    lines.chain(messages).chain(values.logstash_server.iter().map(to(Wire::Json))).collect()
}

/// A live sensor writes logs unless told not to; a replay only where somebody named a directory for it.
pub(crate) fn writes_logs(config: &Config, arguments: &SensorArguments) -> bool {
    match config.origin("LOG_DIR") {
        Origin::Argument => true,
        _ if config.values.disable_local_log_storage => false,
        Origin::Environment => true,
        Origin::File(_) => arguments.read.is_empty() || arguments.config.is_some(),
        Origin::Default | Origin::Shipped(_) => arguments.read.is_empty(),
    }
}

/// How many capture workers: the first setting that says something.
fn workers(config: &Config, cores: u64) -> u64 {
    let values = &config.values;
    let cores = cores.max(1);
    let said = |setting: Option<Workers>, least: u64| match setting {
        Some(Workers::All) => Some(cores),
        Some(Workers::Count(count)) if count >= least => Some(count),
        _ => None,
    };
    // CAPTURE_FANOUT 1 means "no fanout": nothing is said about workers.
    said(values.capture_workers, 1)
        .or_else(|| said(values.capture_fanout, 2))
        .or_else(|| said(values.process_count, 1).map(|count| count.min(cores)))
        .or_else(|| values.use_multiprocessing.then_some(cores))
        .unwrap_or((cores / 2).max(1))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::arguments::{Arguments, Command};

    fn sensor(line: &str) -> SensorArguments {
        match Arguments::try_parse_from(format!("maltrail sensor {line}").split_whitespace()).unwrap().command {
            Command::Sensor(arguments) => *arguments,
            other => panic!("{other:?}"),
        }
    }

    fn told(text: &str, line: &str) -> Settings {
        let environment =
            Environment { cores: 8, current_dir: "/srv".into(), hostname: "gw".into(), ..Environment::default() };
        let arguments = sensor(line);
        let mut config = Config::from_text(text, Some("/etc/maltrail.conf".into()), &environment);
        if let Some(directory) = &arguments.log_dir {
            config.take_argument("LOG_DIR", directory.to_str().unwrap(), "--log-dir", &environment);
        }
        settings(&config, Lists::default(), &arguments, &environment)
    }

    #[test]
    fn number_of_workers() {
        for (text, want) in [
            ("", 4),
            ("CAPTURE_WORKERS 3", 3),
            ("CAPTURE_WORKERS auto", 8),
            ("CAPTURE_WORKERS 3\nCAPTURE_FANOUT 5", 3),
            ("CAPTURE_FANOUT 5", 5),
            ("CAPTURE_FANOUT true", 8),
            ("CAPTURE_FANOUT 1", 4),
            ("CAPTURE_FANOUT 0\nPROCESS_COUNT 2", 2),
            ("PROCESS_COUNT 16", 8),
            ("PROCESS_COUNT $CPU_CORES", 4),
            ("PROCESS_COUNT $CPU_CORES\nUSE_MULTIPROCESSING true", 8),
        ] {
            assert_eq!(told(text, "").workers, want, "{text}");
        }
    }

    #[test]
    fn defaults_are_those_of_the_parts() {
        let told = told("", "");
        let (pipeline, parts) = (told.pipeline, PipelineSettings::default());
        assert_eq!(pipeline.throttle, parts.throttle);
        assert_eq!(
            (pipeline.throttle_window, pipeline.throttle_burst, pipeline.throttle_keys),
            (parts.throttle_window, parts.throttle_burst, parts.throttle_keys)
        );
        let (matching, parts) = (told.matching, MatchSettings::default());
        assert_eq!((matching.host_domains, matching.certificates), (parts.host_domains, parts.certificates));
    }

    #[test]
    fn rings() {
        assert_eq!(told("CAPTURE_BUFFER 64MB\nCAPTURE_WORKERS 4", "").ring_bytes, 16 << 20);
        assert_eq!(told("CAPTURE_BUFFER_SIZE 32MB\nCAPTURE_WORKERS 4", "").ring_bytes, 32 << 20);
        assert_eq!(told("CAPTURE_BUFFER 1kB", "").ring_bytes, 1 << 20);
    }

    #[test]
    fn a_filter_touches_a_replay_only_when_asked() {
        let udp = Some("udp".to_string());
        assert_eq!(told("CAPTURE_FILTER udp", "").filter, udp);
        assert_eq!(told("CAPTURE_FILTER udp", "-r x").filter, None);
        assert_eq!(told("CAPTURE_FILTER udp", "-r x --filter").filter, udp);
    }

    #[test]
    fn logs() {
        let directory = |text, line| told(text, line).log_dir.map(|path| path.to_string_lossy().into_owned());
        let x = Some("/x".to_string());
        assert_eq!(directory("LOG_DIR /x", ""), x);
        assert_eq!(directory("LOG_DIR /x", "-c f -r p"), x);
        assert_eq!(directory("LOG_DIR /x", "-r p"), None, "a file found by itself does not speak of replays");
        assert_eq!(directory("", "-c f -r p"), None);
        assert_eq!(directory("LOG_DIR /x\nDISABLE_LOCAL_LOG_STORAGE true", ""), None);
        assert_eq!(directory("DISABLE_LOCAL_LOG_STORAGE true", "-r p --log-dir /y"), Some("/y".to_string()));
    }
}
