//! What a sensor is told: validated values, no text to parse.

use std::ffi::OsString;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use detect::{MatchSettings, PipelineSettings};
use event::{Event, Severity};
use regex_automata::meta::Regex;

/// Where packets come from.
#[derive(Clone, Debug)]
pub enum Source {
    /// Interface names; `any` means every interface that is up, loopback left out.
    Live(Vec<String>),
    /// Capture files in the order given, as one stream; `-` is standard input. Directories are expanded.
    Files(Vec<PathBuf>),
}

/// How events are written for others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wire {
    /// Seconds and the text line: LOG_SERVER.
    Line,
    /// CEF behind a header of syslog: SYSLOG_SERVER.
    Cef,
    /// One flat JSON object: LOGSTASH_SERVER.
    Json,
}

/// A machine that events are sent to over UDP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    /// In which form.
    pub wire: Wire,
    /// Name or address.
    pub host: String,
    /// Port.
    pub port: u16,
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

impl Destination {
    /// The setting it comes from, in lower case: the name of its output.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self.wire {
            Wire::Line => "log_server",
            Wire::Cef => "syslog_server",
            Wire::Json => "logstash_server",
        }
    }
}

/// REMOTE_SEVERITY_REGEX: groups named `high`, `medium` and `low` that are looked for in an event's info.
#[derive(Debug)]
pub struct SeverityPattern {
    pattern: Regex,
    groups: Vec<(usize, Severity)>,
}

impl SeverityPattern {
    /// Compiles it.
    ///
    /// # Errors
    /// It is no expression, or none of its groups has one of the names; says what is wrong.
    pub fn new(pattern: &str) -> Result<Self, String> {
        let pattern = Regex::new(pattern).map_err(|e| e.to_string())?;
        let info = pattern.group_info();
        let group = |severity: Severity| {
            let index = info.to_index(regex_automata::PatternID::ZERO, severity.name())?;
            Some((index, severity))
        };
        let groups: Vec<_> = [Severity::High, Severity::Medium, Severity::Low].into_iter().filter_map(group).collect();
        if groups.is_empty() {
            return Err("none of its groups is named high, medium or low".to_owned());
        }
        Ok(SeverityPattern { pattern, groups })
    }

    /// The severity that it tells of an event, if it matches.
    #[must_use]
    pub fn of(&self, event: &Event) -> Option<Severity> {
        let mut captures = self.pattern.create_captures();
        self.pattern.captures(event.info.as_str(), &mut captures);
        self.groups.iter().find(|(index, _)| captures.get_group(*index).is_some()).map(|(_, severity)| *severity)
    }
}

/// A server that gets events and observables over HTTPS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushSettings {
    /// LOG_SERVER: `https://host:port`, without a slash at its end.
    pub server: String,
    /// SENSOR_TOKEN_FILE. It is read again for each batch.
    pub token_file: PathBuf,
    /// LOG_SERVER_CA: certificates (PEM) that alone are trusted; none: the system's authorities.
    pub authorities: Option<PathBuf>,
    /// SPOOL_DIR: what was not acknowledged yet.
    pub directory: PathBuf,
    /// SPOOL_SIZE: bytes of files in it; then the oldest go.
    pub limit_bytes: u64,
    /// Random: in names of batches, and for times between attempts.
    pub seed: u64,
}

/// Everything a sensor runs with.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Packets.
    pub source: Source,
    /// Number of capture workers, at least 1.
    pub workers: usize,
    /// BPF expression; for files only with `--filter`.
    pub filter: Option<String>,
    /// Ring of one worker, bytes (CAPTURE_BUFFER divided by workers).
    pub ring_bytes: usize,
    /// CAPTURE_SNAPLEN.
    pub snap_length: u32,
    /// CAPTURE_TIMEOUT, milliseconds; more than 100 counts as 100, so that stopping is quick.
    pub poll_milliseconds: u32,
    /// CAPTURE_FANOUT_GROUP.
    pub fanout_group: u16,
    /// TRAILS_FILE, .csv or .bin.
    pub trails_file: PathBuf,
    /// Where a .bin is built if not beside the CSV.
    pub cache_dir: PathBuf,
    /// ALLOW_EMPTY_TRAILS.
    pub allow_empty_trails: bool,
    /// TRAIL_RELOAD_MIN_RATIO: a new set smaller than this share of the old one is refused.
    pub reload_min_ratio: f64,
    /// USER_AGENTS_FILE.
    pub user_agents_file: Option<PathBuf>,
    /// Directory of text logs and journals; none: nothing is written.
    pub log_dir: Option<PathBuf>,
    /// Whether the text log is written into `log_dir`.
    pub text_log: bool,
    /// Whether the journal is written into `log_dir`.
    pub journal: bool,
    /// USE_CONDENSED_STORAGE: whether what is seen at all, listed or not, is written into `log_dir`.
    pub observables: bool,
    /// LOG_SERVER, SYSLOG_SERVER, LOGSTASH_SERVER: who gets the events too. Live sensors only.
    pub destinations: Vec<Destination>,
    /// Who gets events and observables over HTTPS; of a replay, too.
    pub push: Option<PushSettings>,
    /// REMOTE_SEVERITY_REGEX; none: an event's own severity is sent.
    pub remote_severity: Option<Arc<SeverityPattern>>,
    /// CANARY_PERIOD, seconds: how often a live sensor proves that it detects; none: never.
    pub canary_period: Option<u64>,
    /// STATS_ADDRESS.
    pub stats_address: Option<SocketAddr>,
    /// A program and its arguments that bring the store of a changed CSV up to date while this process goes on
    /// with the old one; none: it is built in this process.
    pub build_command: Option<Vec<OsString>>,
    /// Whether SIGTERM and SIGINT stop the sensor and SIGHUP reloads its trails.
    pub handle_signals: bool,
    /// Whether capabilities that are not needed after opening are given up (live only).
    pub drop_privileges: bool,
    /// For the matcher.
    pub matching: MatchSettings,
    /// For the pipeline.
    pub pipeline: PipelineSettings,
}
