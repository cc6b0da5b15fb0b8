//! Why a sensor cannot start or go on.

use std::path::PathBuf;

/// What keeps a sensor from running. Each says what the operator can do.
#[derive(Debug, thiserror::Error)]
pub enum SensorError {
    /// The trails could not be loaded.
    #[error(transparent)]
    Trails(#[from] trails::load::LoadError),
    /// There are none.
    #[error(
        "{path} holds no trails: nothing would be found; get them with `maltrail update` or set ALLOW_EMPTY_TRAILS"
    )]
    NoTrails {
        /// The file.
        path: PathBuf,
    },
    /// No capture file was found.
    #[error("no capture file in {paths}: give -r a file, a directory with captures, or - for standard input")]
    NoCaptures {
        /// What was searched.
        paths: String,
    },
    /// An interface does not exist, or cannot be captured from.
    #[error("cannot capture on {name}: {what}")]
    Interface {
        /// Its name.
        name: String,
        /// Why, and what to do.
        what: String,
    },
    /// The filter does not compile.
    #[error("CAPTURE_FILTER `{filter}` is not a valid filter: {what}; see pcap-filter(7)")]
    Filter {
        /// The expression.
        filter: String,
        /// What libpcap says.
        what: String,
    },
    /// The list of User-Agents could not be read.
    #[error("cannot read USER_AGENTS_FILE {path}: {source}; give a readable file or leave the key out")]
    UserAgents {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The log directory cannot be used.
    #[error("cannot write to log directory {path}: {source}; set LOG_DIR to a directory that this user may write to")]
    LogDirectory {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The spool cannot be used.
    #[error(
        "cannot use spool directory {path}: {source}; set SPOOL_DIR to a directory of this sensor alone that this user \
         may write to"
    )]
    Spool {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Nothing can be sent to the server as it is configured.
    #[error("cannot send to {server} (LOG_SERVER): {what}")]
    Push {
        /// The server.
        server: String,
        /// Why, and what to do.
        what: String,
    },
    /// The metrics address is taken or not ours.
    #[error("cannot listen on STATS_ADDRESS {address}: {source}")]
    Metrics {
        /// The address.
        address: std::net::SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// A thread or a signal handler could not be made.
    #[error("cannot start: {0}")]
    System(#[from] std::io::Error),
    /// Workers panicked too often.
    #[error("capture workers failed {0} times; this is an error in the program, please report the messages above")]
    WorkersFailed(u64),
}
