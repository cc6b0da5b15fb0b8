//! Every setting of `maltrail.conf`, declared once. The parser, the reference, the shipped example,
//! `--dump-config` and the suggestions for misspelt keys are all made of this table.

use std::net::SocketAddr;
use std::path::PathBuf;

use detect::ThrottleMode;
use ipnet::IpNet;

use super::value::{
    Alias, Block, Blocks, Decimal, LogServer, Number, Pattern, Place, Proxy, Remote, Setting, Size, User, WebUrl,
    Workers, Zone,
};
use super::{Problem, Weight};

/// Where a setting stands in the shipped example. Headings have no meaning of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Section {
    Server,
    Sensor,
    All,
}

impl Section {
    /// In the order of the documents.
    pub(crate) const ORDER: [Section; 3] = [Section::Sensor, Section::Server, Section::All];

    /// As the heading has it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Section::Server => "Server",
            Section::Sensor => "Sensor",
            Section::All => "All",
        }
    }
}

/// What this version does with a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is used.
    Used,
    /// It is read and checked; what it is for does not exist in this version.
    Later,
    /// It is accepted so that existing files are, and has no effect for the reason given.
    NoEffect(&'static str),
}

/// One declared setting.
pub(crate) struct Key {
    /// Upper case.
    pub(crate) name: &'static str,
    /// What it is for, in lines.
    pub(crate) help: &'static [&'static str],
    /// The default as one would write it; empty if there is none.
    pub(crate) default: &'static str,
    /// Where it stands.
    pub(crate) section: Section,
    /// What becomes of it.
    pub(crate) fate: Fate,
    /// First version that knows it.
    pub(crate) since: &'static str,
    /// Values that were shipped as a default by the files in use, and count as unset.
    pub(crate) shipped: &'static [&'static str],
    /// Whether it is written as a block.
    pub(crate) block: bool,
    /// What it accepts.
    pub(crate) accepts: fn() -> String,
    /// Reads a value into its field.
    pub(crate) set: fn(&mut Values, &str, &Place<'_>) -> Result<(), String>,
    /// Writes the field's value.
    pub(crate) show: fn(&Values) -> String,
}

macro_rules! settings {
    ($( $(#[doc = $help:literal])+ $section:ident $name:literal $field:ident: $type:ty = $default:literal, $fate:expr
        $(, shipped $shipped:expr)?; )+) => {
        /// The value of every setting.
        #[derive(Clone, Debug, PartialEq)]
        pub(crate) struct Values {
            $( $(#[doc = $help])+ pub(crate) $field: $type, )+
            /// `BLACKLIST`, `BLACKLIST_NAME`: lists of rules for what the server calls blacklisted.
            pub(crate) blacklists: Blocks,
        }

        /// All settings but the blocks `BLACKLIST*`, whose names are free.
        pub(crate) static KEYS: &[Key] = &[ $( Key {
            name: $name,
            help: &[$($help),+],
            default: $default,
            section: Section::$section,
            fate: $fate,
            since: "0.1",
            shipped: settings!(@shipped $($shipped)?),
            block: <$type as Setting>::BLOCK,
            accepts: <$type as Setting>::accepts,
            set: |values, text, place| {
                values.$field = <$type as Setting>::parse(text, place)?;
                Ok(())
            },
            show: |values| values.$field.show(),
        } ),+ ];

        impl Default for Values {
            /// Empty values, before the defaults are read.
            fn default() -> Self {
                Values { $( $field: <$type as Setting>::empty(), )+ blacklists: Blocks::default() }
            }
        }

        impl Values {
            /// The defaults; `expand` replaces `$NAME` in them. A default that is not of its setting's type is an
            /// error of this table (a test reads them all).
            pub(crate) fn defaults(place: &Place<'_>, expand: impl Fn(&str) -> String) -> (Self, Vec<Problem>) {
                let mut problems = Vec::new();
                let mut values = Values::default();
                for key in KEYS {
                    if let Err(what) = (key.set)(&mut values, &expand(key.default), place) {
                        problems.push(Problem { weight: Weight::Error, place: key.name.to_string(), what });
                    }
                }
                (values, problems)
            }
        }
    };
    (@shipped $shipped:expr) => { $shipped };
    (@shipped) => { &[] };
}

use Fate::{Later, NoEffect, Used};

/// Name that begins the keys of rule blocks.
pub(crate) const BLACKLIST: &str = "BLACKLIST";

const FILTER_SHIPPED: &[&str] = &[
    "udp or icmp or (tcp and (tcp[tcpflags] == tcp-syn or port 80 or port 1080 or port 3128 or port 8000 or port 8080 or port 8118))",
];
const OWN_MEMORY: &str = "tables are sized by their own limits";
const NAMES_ALWAYS: &str = "names in TLS and QUIC handshakes are always read";
const SCHEDULER: &str = "the scheduler of the system places the workers";

settings! {
    /// Interfaces to watch, separated by commas. `any`: every interface that is up, loopback left out;
    /// packets seen twice over a bridge or a veth pair count once.
    Sensor "MONITOR_INTERFACE" monitor_interface: Vec<String> = "any", Used;
    /// BPF expression for live capture. Replays (-r) use it only with --filter. What it hides is not seen.
    Sensor "CAPTURE_FILTER" capture_filter: Option<String> = "", Used, shipped FILTER_SHIPPED;
    /// Number of capture workers. Without this, CAPTURE_FANOUT, PROCESS_COUNT and USE_MULTIPROCESSING are asked in
    /// that order; if none says anything there is one for every two cores.
    Sensor "CAPTURE_WORKERS" capture_workers: Option<Workers> = "", Used;
    /// Number of capture workers, if CAPTURE_WORKERS says nothing. 0 and 1 say nothing.
    Sensor "CAPTURE_FANOUT" capture_fanout: Option<Workers> = "", Used;
    /// Number of capture workers, if neither CAPTURE_WORKERS nor CAPTURE_FANOUT says anything; never more than
    /// there are cores.
    Sensor "PROCESS_COUNT" process_count: Option<Workers> = "", Used, shipped &["$CPU_CORES"];
    /// One capture worker for every core, if nothing else gives a number.
    Sensor "USE_MULTIPROCESSING" use_multiprocessing: bool = "false", Used;
    /// Memory for captured packets, shared by all workers.
    Sensor "CAPTURE_BUFFER" capture_buffer: Size = "64MB", Used, shipped &["10%"];
    /// Memory for captured packets of each worker; wins over CAPTURE_BUFFER.
    Sensor "CAPTURE_BUFFER_SIZE" capture_buffer_size: Option<Size> = "", Used;
    /// Bytes of each packet that are captured.
    Sensor "CAPTURE_SNAPLEN" capture_snaplen: Number<64, 262144> = "65535", Used;
    /// Milliseconds to wait for packets before looking at other things.
    Sensor "CAPTURE_TIMEOUT" capture_timeout: Number<1, 60000> = "100", Used;
    /// Packets are handed over in blocks or within CAPTURE_TIMEOUT.
    Sensor "CAPTURE_IMMEDIATE" capture_immediate: bool = "false", NoEffect("packets are handed over within CAPTURE_TIMEOUT");
    /// Group number of the capture sockets; 0 chooses one of its own.
    Sensor "CAPTURE_FANOUT_GROUP" capture_fanout_group: Number<0, 65535> = "0", Used;
    /// How packets were spread over capture sockets.
    Sensor "CAPTURE_FANOUT_MODE" capture_fanout_mode: Option<String> = "", NoEffect("packets are always spread by address pair");
    /// Whether fragments were joined before they were spread.
    Sensor "CAPTURE_FANOUT_DEFRAG" capture_fanout_defrag: bool = "false", NoEffect("fragments of two hosts reach the same worker and are joined there");
    /// Name of the sensor in its events.
    Sensor "SENSOR_NAME" sensor_name: String = "$HOSTNAME", Used;
    /// Name of the network the sensor stands in, for its events.
    Sensor "SITE" site: Option<String> = "", Used;
    /// Trails: a trails.bin, or a trails.csv (trail,info,reference) of which the binary store is built beside it
    /// (or in the cache directory) whenever the CSV is newer.
    Sensor "TRAILS_FILE" trails_file: PathBuf = "$DATA_HOME/trails.bin", Used;
    /// Run with no trails at all.
    Sensor "ALLOW_EMPTY_TRAILS" allow_empty_trails: bool = "false", Used;
    /// A new set of trails smaller than this share of the one in use is refused.
    Sensor "TRAIL_RELOAD_MIN_RATIO" trail_reload_min_ratio: Decimal<0, 1> = "0.5", Used;
    /// Use the whole lines of a trails.csv whose end is missing.
    Sensor "REPAIR_TRUNCATED_TRAILS" repair_truncated_trails: bool = "true", NoEffect("whole lines of a CSV are always used, and a broken last one counted");
    /// Directory tree of trail files on this machine; what is listed there has the reference (static).
    Sensor "STATIC_TRAILS_DIR" static_trails_dir: Option<PathBuf> = "", Used;
    /// Directory of your own trail files (*.txt).
    Sensor "CUSTOM_TRAILS_DIR" custom_trails_dir: Option<PathBuf> = "", Used;
    /// Your own trails from the web.
    Sensor "CUSTOM_TRAILS_URL" custom_trails_url: Option<WebUrl> = "", Used;
    /// Another server's /trails that all trails are taken from.
    Sensor "UPDATE_SERVER" update_server: Option<WebUrl> = "", Used;
    /// Use feeds in updates of the trails.
    Sensor "USE_FEED_UPDATES" use_feed_updates: bool = "true", Used;
    /// Feeds to leave out.
    Sensor "DISABLED_FEEDS" disabled_feeds: Vec<String> = "", Used;
    /// Only these feeds; with + before a name: that one besides those that are used anyway.
    Sensor "ENABLED_FEEDS" enabled_feeds: Vec<String> = "", Used;
    /// Directory of further feed descriptions (NAME.toml; docs/feeds.md says what stands in them).
    Sensor "FEEDS_DIR" feeds_dir: Option<PathBuf> = "", Used;
    /// How many feeds must agree on an address that only lists of attackers name.
    Sensor "IP_MINIMUM_FEEDS" ip_minimum_feeds: Number<1, 100> = "3", Used;
    /// Trails whose info matches this are left out.
    Sensor "DISABLED_TRAILS_INFO_REGEX" disabled_trails_info_regex: Option<Pattern> = "", Used;
    /// Seconds between updates of the trails that come by themselves; each writes TRAILS_FILE anew.
    Sensor "UPDATE_PERIOD" update_period: Number<1, 31536000> = "86400", Used, shipped &["86400"];
    /// Sooner, but not before so many seconds, feeds are asked that may be asked more often; TRAILS_FILE is written anew
    /// only where one of them changed.
    Sensor "UPDATE_MIN_PERIOD" update_min_period: Number<1, 31536000> = "3600", Used;
    /// No updates of the trails by themselves; `maltrail update` works.
    Sensor "DISABLE_TRAIL_UPDATES" disable_trail_updates: bool = "false", Used;
    /// Detect what no trail lists (scans, odd names, ...): docs/detectors.md.
    Sensor "USE_HEURISTICS" use_heuristics: bool = "true", Used;
    /// Names of detectors that are off.
    Sensor "DISABLED_HEURISTICS" disabled_heuristics: Vec<String> = "", Used;
    /// What detectors compare with, where it is to be another number: `port_scanning=20,infection=64`.
    Sensor "DETECTOR_THRESHOLDS" detector_thresholds: Vec<String> = "", Used;
    /// Seconds over which scans are counted.
    Sensor "SCAN_WINDOW" scan_window: Number<1, 3600> = "30", Used;
    /// Report HTTP requests without a Host header.
    Sensor "CHECK_MISSING_HOST" check_missing_host: bool = "false", Used;
    /// Look the host names of HTTP requests up among the names.
    Sensor "CHECK_HOST_DOMAINS" check_host_domains: bool = "true", Used, shipped &["false"];
    /// Look certificates of TLS servers up by their SHA-1.
    Sensor "CHECK_TLS_CERTIFICATES" check_tls_certificates: bool = "true", Used;
    /// File of addresses, networks and domains (with their subdomains) that raise no event, and that `maltrail update`
    /// leaves out.
    Sensor "USER_WHITELIST" user_whitelist: Option<PathBuf> = "", Used;
    /// File of rules `src;src_port;dst;dst_port` (with *) for events that are not reported.
    Sensor "USER_IGNORELIST" user_ignorelist: Option<PathBuf> = "", Used;
    /// Events whose line matches this expression are not reported.
    Sensor "IGNORE_EVENTS_REGEX" ignore_events_regex: Option<Pattern> = "", Used;
    /// File of User-Agent parts that are reported, instead of the built-in list.
    Sensor "USER_AGENTS_FILE" user_agents_file: Option<PathBuf> = "", Used;
    /// File of your own detection rules.
    Sensor "RULES_FILE" rules_file: Option<PathBuf> = "", Later;
    /// What is done with an event that repeats: summarize counts repeats in one line, off writes every one.
    Sensor "EVENT_THROTTLE_MODE" event_throttle_mode: ThrottleMode = "summarize", Used;
    /// Seconds over which repeats are summarized.
    Sensor "EVENT_THROTTLE_WINDOW" event_throttle_window: Number<1, 86400> = "60", Used;
    /// Events of one source and trail that are written at once in a window.
    Sensor "EVENT_THROTTLE_BURST" event_throttle_burst: Number<1, 1000000> = "3", Used;
    /// Pairs of source and trail whose repeats are tracked.
    Sensor "EVENT_THROTTLE_MAX_KEYS" event_throttle_max_keys: Number<1, 10000000> = "50000", Used;
    /// Servers that get the events. host:port: over UDP, without proof who sent them or whether they arrive. One
    /// https://host:port (HTTP_PORT of the server, with TLS): events and observables, each once, also after the server
    /// was away; it takes SENSOR_TOKEN_FILE. A replay sends to the latter only, and only with --send.
    Sensor "LOG_SERVER" log_server: Vec<LogServer> = "", Used;
    /// File with the token of this sensor, made on the server that LOG_SERVER names with https://. Only this user should
    /// be able to read it. A new token is used from the next batch on.
    Sensor "SENSOR_TOKEN_FILE" sensor_token_file: Option<PathBuf> = "", Used;
    /// File with the certificate (PEM) of the server that LOG_SERVER names with https://, or of who signed it: it alone is
    /// trusted then. Without it, the authorities that this system trusts are.
    Sensor "LOG_SERVER_CA" log_server_ca: Option<PathBuf> = "", Used;
    /// Directory of what an https:// server in LOG_SERVER has not acknowledged yet, of this sensor alone.
    Sensor "SPOOL_DIR" spool_dir: PathBuf = "$DATA_HOME/spool", Used;
    /// Bytes of files in SPOOL_DIR, 16MB at least. At the limit the oldest go, which is told and counted.
    Sensor "SPOOL_SIZE" spool_size: Size = "1GB", Used;
    /// Servers that events are sent to as syslog (CEF).
    Sensor "SYSLOG_SERVER" syslog_server: Vec<Remote> = "", Used;
    /// Servers that events are sent to as JSON.
    Sensor "LOGSTASH_SERVER" logstash_server: Vec<Remote> = "", Used;
    /// Write no log files.
    Sensor "DISABLE_LOCAL_LOG_STORAGE" disable_local_log_storage: bool = "false", Used;
    /// Severity of what is sent as syslog and JSON, by the info of the trail: an expression with groups named high,
    /// medium or low. Where none matches an event's own severity is sent.
    Sensor "REMOTE_SEVERITY_REGEX" remote_severity_regex: Option<Pattern> = "", Used;
    /// Record which names and addresses each host asked for or contacted, listed or not: when first and last, how often
    /// (observables-*.jsonl in LOG_DIR). It tells who asked what: switch it off where that must not be kept.
    Sensor "USE_CONDENSED_STORAGE" use_condensed_storage: bool = "true", Used;
    /// Seconds between two proofs that a live sensor detects: packets made of trails in use must be found. 0: none.
    Sensor "CANARY_PERIOD" canary_period: Number<0, 86400> = "300", Used;
    /// Address and port of metrics for Prometheus; off without a value.
    Sensor "STATS_ADDRESS" stats_address: Option<SocketAddr> = "", Used;
    /// Where alerts are posted.
    Sensor "ALERT_WEBHOOK_URL" alert_webhook_url: Option<WebUrl> = "", Later;
    /// Least severity of alerts.
    Sensor "ALERT_SEVERITY" alert_severity: Option<String> = "", Later;
    /// Form of alerts.
    Sensor "ALERT_FORMAT" alert_format: Option<String> = "", Later;
    /// Seconds between alerts of the same kind.
    Sensor "ALERT_THROTTLE" alert_throttle: Number<0, 31536000> = "3600", Later;
    /// A first look at packets that skipped most of them.
    Sensor "USE_FAST_PREFILTER" use_fast_prefilter: bool = "false", NoEffect(NAMES_ALWAYS), shipped &["false"];
    /// Packets of a flow that were looked at.
    Sensor "FAST_FLOW_CUTOFF" fast_flow_cutoff: Option<Number<0, { u64::MAX }>> = "", NoEffect(NAMES_ALWAYS);
    /// How eagerly flows were admitted.
    Sensor "FAST_ADMIT_LEVEL" fast_admit_level: Option<String> = "", NoEffect(NAMES_ALWAYS);
    /// Whether that followed the load.
    Sensor "FAST_ADMIT_ADAPTIVE" fast_admit_adaptive: bool = "false", NoEffect(NAMES_ALWAYS);
    /// Workers bound to cores.
    Sensor "USE_CAPTURE_AFFINITY" use_capture_affinity: bool = "false", NoEffect(SCHEDULER);
    /// Workers not bound to cores.
    Sensor "DISABLE_CPU_AFFINITY" disable_cpu_affinity: bool = "false", NoEffect(SCHEDULER);
    /// Names remembered with their verdict.
    Sensor "DOMAIN_CACHE_ENTRIES" domain_cache_entries: Option<Number<0, { u64::MAX }>> = "", NoEffect(OWN_MEMORY);
    /// Not to ask for root.
    Sensor "DISABLE_CHECK_SUDO" disable_check_sudo: bool = "false", NoEffect("capturing needs CAP_NET_RAW, not root");
    /// Time of events of a replay.
    Sensor "OFFLINE_TIMESTAMPS" offline_timestamps: Option<String> = "", NoEffect("events of a replay have the time of their packets");
    /// Seconds between lines of figures in the log.
    Sensor "METRICS_INTERVAL" metrics_interval: Option<Number<0, { u64::MAX }>> = "", NoEffect("figures are served on STATS_ADDRESS");

    /// Address of the reporting page.
    Server "HTTP_ADDRESS" http_address: String = "127.0.0.1", Used;
    /// Port of the reporting page.
    Server "HTTP_PORT" http_port: Number<1, 65535> = "8338", Used;
    /// Serve the page over TLS.
    Server "USE_SSL" use_ssl: bool = "false", Used;
    /// File with the private key and the certificate (PEM). Read again when it changes.
    Server "SSL_PEM" ssl_pem: Option<PathBuf> = "", Used;
    /// Users of the page. uid >= 1000 may look only; networks limit what is shown.
    Server "USERS" users: Block<User> = "", Used;
    /// Hide trail and info of custom trails from users with uid >= 1000.
    Server "ENABLE_MASK_CUSTOM" enable_mask_custom: bool = "false", Used;
    /// Address on which events are received over UDP; off without a value.
    Server "UDP_ADDRESS" udp_address: Option<String> = "", Used;
    /// Port on which events are received over UDP.
    Server "UDP_PORT" udp_port: Number<1, 65535> = "8337", Used;
    /// Addresses and networks that may send events over UDP; required unless UDP_ADDRESS is loopback.
    Server "UDP_ALLOWLIST" udp_allowlist: Vec<IpNet> = "", Used;
    /// The server updates trails too, for the UPDATE_SERVER of others.
    Server "USE_SERVER_UPDATE_TRAILS" use_server_update_trails: bool = "false", Used;
    /// Most connections at a time.
    Server "MAX_REQUEST_THREADS" max_request_threads: Option<Number<1, 1000000>> = "", Used;
    /// Most live streams at a time.
    Server "MAX_LIVE_STREAMS" max_live_streams: Option<Number<1, 1000000>> = "", Used;
    /// Seconds a search through old events could take.
    Server "HUNT_TIME_BUDGET" hunt_time_budget: Option<Number<0, 86400>> = "", NoEffect("a search ends when it is done or cancelled");
    /// Names of addresses, shown beside them.
    Server "IP_ALIASES" ip_aliases: Block<Alias> = "", Used;
    /// Text, or a data: image, at the top of the page.
    Server "HEADER_LOGO" header_logo: Option<String> = "", Later;
    /// Latitude of the map's home.
    Server "HOME_LAT" home_lat: Option<Decimal<-90, 90>> = "", Used;
    /// Longitude of the map's home.
    Server "HOME_LON" home_lon: Option<Decimal<-180, 180>> = "", Used;
    /// Ask RIPE who owns an address.
    Server "ENABLE_RIPE_LOOKUPS" enable_ripe_lookups: bool = "false", Later;
    /// Do not ask RIPE; wins over ENABLE_RIPE_LOOKUPS.
    Server "DISABLE_RIPE_LOOKUPS" disable_ripe_lookups: bool = "false", Later;
    /// Public sources of today's events whose info matches this are listed at /fail2ban.
    Server "FAIL2BAN_REGEX" fail2ban_regex: Option<Pattern> = "", Used;
    /// Who may read /fail2ban besides this machine.
    Server "FAIL2BAN_ALLOWLIST" fail2ban_allowlist: Vec<IpNet> = "", Used;
    /// Who may read /blacklist besides this machine.
    Server "BLACKLIST_ALLOWLIST" blacklist_allowlist: Vec<IpNet> = "", Used;

    /// Proxies in front of the server: addresses and networks whose X-Forwarded-For and X-Forwarded-Proto headers are
    /// believed. With one, the server speaks plain HTTP also on an address that others reach.
    Server "TRUSTED_PROXIES" trusted_proxies: Vec<IpNet> = "", Used;
    /// Directory of what the server makes of the logs and of what people write into it (accounts, notes ...).
    Server "STATE_DIR" state_dir: PathBuf = "$DATA_HOME/server", Used;
    /// Zone of the days that are shown, as in the IANA Time Zone Database (Europe/Zagreb); without one that of the system.
    Server "TIME_ZONE" time_zone: Option<Zone> = "", Used;
    /// Look up what becomes a trail in what was seen before (observables), and make events of it that say when it was.
    Server "RETRO_MATCH" retro_match: bool = "true", Used;
    /// Days after which events are removed.
    Server "RETENTION_DAYS" retention_days: Option<Number<1, 36500>> = "", Used;
    /// Bytes of logs and what is made of them above which the oldest days are removed.
    Server "RETENTION_SIZE" retention_size: Option<Size> = "", Used;
    /// Seconds that the time of a received event may lie back.
    Server "EVENT_WINDOW_BACK" event_window_back: Number<60, 31536000> = "604800", Used;
    /// Seconds that the time of a received event may lie ahead.
    Server "EVENT_WINDOW_AHEAD" event_window_ahead: Number<0, 86400> = "3600", Used;
    /// Networks of your own that have public addresses. They count as local, and are never listed for blocking.
    Server "HOME_NETWORKS" home_networks: Vec<IpNet> = "", Used;
    /// Files (.mmdb, of MaxMind's form: GeoLite2, DB-IP, ip-location-db) that tell country, place and network (ASN) of an
    /// address. A file that is replaced is read anew.
    Server "GEO_FILES" geo_files: Vec<PathBuf> = "", Used;

    /// Directory of logs and journals.
    All "LOG_DIR" log_dir: PathBuf = "$LOG_HOME", Used;
    /// Proxy for what is fetched from the web (http://, https:// or socks5://, host and port).
    All "PROXY_ADDRESS" proxy_address: Option<Proxy> = "", Used;
    /// Messages for finding faults.
    All "SHOW_DEBUG" show_debug: bool = "false", Used;
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_are_unique_upper_case_and_explained() {
        let mut seen = HashSet::new();
        for key in KEYS {
            assert!(seen.insert(key.name), "{} twice", key.name);
            assert!(
                key.name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_'),
                "{}",
                key.name
            );
            assert!(key.help.iter().all(|line| line.starts_with(' ')), "{}", key.name);
        }
    }

    #[test]
    fn prefixes_of_switches_are_switches() {
        for key in KEYS {
            let prefixed = ["USE_", "SET_", "CHECK_", "ENABLE_", "SHOW_", "DISABLE_"].iter();
            if prefixed.into_iter().any(|prefix| key.name.starts_with(prefix)) {
                assert!((key.accepts)().starts_with("true or false"), "{}", key.name);
            }
        }
    }
}
