//! What a sensor is told: validated values, no text to parse.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;

use detect::{MatchSettings, PipelineSettings};

/// Where packets come from.
#[derive(Clone, Debug)]
pub enum Source {
    /// Interface names; `any` means every interface that is up, loopback left out.
    Live(Vec<String>),
    /// Capture files in the order given, as one stream; `-` is standard input. Directories are expanded.
    Files(Vec<PathBuf>),
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
