//! What a server is told: `maltrail.conf` after it was read and checked. No parsing here.

use std::net::SocketAddr;
use std::path::PathBuf;

use ipnet::IpNet;
use jiff::tz::TimeZone;

use crate::retro::RetroSettings;

/// Settings of a server. Built by the `maltrail` binary, and by tests.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `LOG_DIR`: journals and text logs.
    pub log_dir: PathBuf,
    /// What the server derives and keeps: segments, SQLite, certificate. One server owns it.
    pub state_dir: PathBuf,
    /// Zone of the days that are shown and of the text log.
    pub zone: TimeZone,
    /// `HTTP_ADDRESS`, `HTTP_PORT`.
    pub http: SocketAddr,
    /// Whether TLS is spoken, and with what.
    pub tls: Tls,
    /// Proxies in front, whose forwarded-for header is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// `USERS`: lines `name:hash:uid:netfilter`, a read-only seed of accounts.
    pub users: Vec<String>,
    /// `ENABLE_MASK_CUSTOM`: hide trail and info of custom trails from users who are no administrators.
    pub mask_custom: bool,
    /// `UDP_ADDRESS`, `UDP_PORT`; none: no intake over UDP.
    pub udp: Option<SocketAddr>,
    /// `UDP_ALLOWLIST`.
    pub udp_allowlist: Vec<IpNet>,
    /// `TRAILS_FILE`, a store (.bin) or a CSV of which a sensor builds one.
    pub trails_file: PathBuf,
    /// Where the store of a CSV lies if it cannot lie beside it.
    pub cache_dir: PathBuf,
    /// `FAIL2BAN_REGEX`.
    pub fail2ban_regex: Option<String>,
    /// `FAIL2BAN_ALLOWLIST`.
    pub fail2ban_allowlist: Vec<IpNet>,
    /// `BLACKLIST_ALLOWLIST`.
    pub blacklist_allowlist: Vec<IpNet>,
    /// `BLACKLIST*` blocks: name (empty for `BLACKLIST`) and rules.
    pub blacklists: Vec<(String, Vec<String>)>,
    /// `IP_ALIASES`: address or network, and name.
    pub aliases: Vec<(IpNet, String)>,
    /// `GEO_FILES`: country and network of an address, files of MaxMind's format that the user gives.
    pub geo_files: Vec<PathBuf>,
    /// `HOME_NETWORKS`: networks of one's own with public addresses; they count as local.
    pub home_networks: Vec<IpNet>,
    /// `HOME_LAT`, `HOME_LON`: where the own network is, degrees.
    pub home: Option<(f64, f64)>,
    /// Days after which events are removed; none: never.
    pub retention_days: Option<u32>,
    /// Bytes of LOG_DIR and segments above which the oldest days are removed; none: never.
    pub retention_bytes: Option<u64>,
    /// How long before now an event that is received may be, in seconds.
    pub window_back_seconds: u64,
    /// How long after now, in seconds.
    pub window_ahead_seconds: u64,
    /// `RETRO_MATCH`: what becomes a trail is looked up in what was seen before.
    pub retro: Option<RetroSettings>,
    /// `MAX_REQUEST_THREADS`: requests that work at the same time.
    pub max_requests: usize,
    /// `MAX_LIVE_STREAMS`: clients of live streams.
    pub max_streams: usize,
}

/// How the server is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tls {
    /// Plain HTTP: loopback, or behind a trusted proxy.
    Off,
    /// With the key and certificate of this file (PEM).
    Pem(PathBuf),
    /// With a certificate of its own, made at the first start and kept in the state directory.
    SelfSigned,
}
