//! Whole files: what is read, what is said about it, and what is written of it.

use proptest::prelude::*;

use super::*;

fn machine() -> Environment {
    let mut environment = Environment {
        hostname: "gw1".into(),
        cores: 4,
        memory_bytes: 8 << 30,
        current_dir: PathBuf::from("/srv"),
        ..Environment::default()
    };
    environment.variables.insert("HOME".into(), "/home/ada".into());
    environment
}

fn read(text: &str) -> Config {
    Config::from_text(text, Some(PathBuf::from("/etc/maltrail/maltrail.conf")), &machine())
}

fn said(config: &Config, weight: Weight) -> Vec<String> {
    config.problems.iter().filter(|problem| problem.weight == weight).map(ToString::to_string).collect()
}

#[test]
fn defaults_are_of_their_types() {
    let config = read("");
    assert_eq!(config.problems, []);
    assert_eq!(config.values.sensor_name, "gw1");
    assert_eq!(config.values.trails_file, Path::new("/home/ada/.local/share/maltrail/trails.bin"));
    assert!(config.values.check_host_domains);
    assert_eq!(config.values.capture_buffer.0, 64 << 20);
}

/// A file as it grows over years: all kinds of lines, keys of all ages.
const IN_USE: &str = r#"# [Server]
HTTP_ADDRESS 0.0.0.0
HTTP_PORT 8338
USE_SSL false
#SSL_PEM misc/server.pem
USERS
    admin:1111111111111111111111111111111111111111111111111111111111111111:0:                  # changed
    watch:$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA:1000:192.168.0.0/16
ENABLE_MASK_CUSTOM true
UDP_ADDRESS ::1
UDP_PORT 8337
UDP_ALLOWLIST 10.0.0.0/8, 192.0.2.7
USE_SERVER_UPDATE_TRAILS false
MAX_REQUEST_THREADS 64
MAX_LIVE_STREAMS 32
HUNT_TIME_BUDGET 10
IP_ALIASES
    8.8.8.8:resolver
    192.168.1.0/24:office
HEADER_LOGO Our network
HOME_LAT 45.8
HOME_LON -15.98
DISABLE_RIPE_LOOKUPS true
FAIL2BAN_REGEX attacker|reputation|mass scanner
FAIL2BAN_ALLOWLIST 127.0.0.1
BLACKLIST_ALLOWLIST 127.0.0.1,::1
BLACKLIST
    src_ip !~ ^192\.168\. and dst_port ~ ^22$
BLACKLIST_DNS
    type ~ DNS

# [Sensor]
PROCESS_COUNT $CPU_CORES
USE_MULTIPROCESSING true
DISABLE_CPU_AFFINITY false
USE_FEED_UPDATES true
DISABLED_FEEDS turris, policeman, myip
ENABLED_FEEDS
IP_MINIMUM_FEEDS 3
#DISABLED_TRAILS_INFO_REGEX known attacker|tor exit node
UPDATE_PERIOD 86400
CUSTOM_TRAILS_URL http://trails.example/custom.txt
CUSTOM_TRAILS_DIR ./trails/custom
DISABLE_TRAIL_UPDATES true
CAPTURE_BUFFER 10%
MONITOR_INTERFACE eth0, eth1
CAPTURE_FILTER udp or icmp or (tcp and (tcp[tcpflags] == tcp-syn or port 80 or port 1080 or port 3128 or port 8000 or port 8080 or port 8118))
CAPTURE_FANOUT auto
CAPTURE_WORKERS 2
CAPTURE_SNAPLEN 1600
CAPTURE_FANOUT_MODE hash
CAPTURE_FANOUT_DEFRAG 1
CAPTURE_FANOUT_GROUP 7
CAPTURE_TIMEOUT 10
CAPTURE_IMMEDIATE yes
SENSOR_NAME $HOSTNAME-dmz
SITE headquarters
LOG_SERVER [fe80::12c3:7bff:fe6d:cf9b%eno1]:8337
SYSLOG_SERVER 192.168.2.107:514,192.168.2.108:514
LOGSTASH_SERVER 192.168.2.107:5000
REMOTE_SEVERITY_REGEX (?P<high>malware(?! (distribution|site)))|(?P<low>mass scanner)
UPDATE_SERVER http://192.168.2.107:8338/trails
USE_HEURISTICS true
DISABLED_HEURISTICS port_scan,long_domain
SCAN_WINDOW 60
CHECK_MISSING_HOST false
CHECK_HOST_DOMAINS false
CHECK_TLS_CERTIFICATES true
USE_FAST_PREFILTER true
FAST_FLOW_CUTOFF 4
FAST_ADMIT_LEVEL 2
USER_WHITELIST whitelist.txt
IGNORE_EVENTS_REGEX "sinkhole #1|parking"
EVENT_THROTTLE_MODE Off
EVENT_THROTTLE_WINDOW 30
EVENT_THROTTLE_BURST 5
EVENT_THROTTLE_MAX_KEYS 1000
USE_CONDENSED_STORAGE false
ALERT_WEBHOOK_URL https://hooks.example/x
STATS_ADDRESS :9100
TRAIL_RELOAD_MIN_RATIO 0.8
ALLOW_EMPTY_TRAILS on
REPAIR_TRUNCATED_TRAILS true
METRICS_INTERVAL 3600
OFFLINE_TIMESTAMPS pcap

# [All]
SHOW_DEBUG false
LOG_DIR $SYSTEM_LOG_DIR/maltrail
#PROXY_ADDRESS http://192.168.5.101:8118
DISABLE_CHECK_SUDO true
TRAILS_FILE ~/.maltrail/trails.csv
"#;

#[test]
fn a_file_in_use_is_read_whole() {
    let config = read(IN_USE);
    assert_eq!(said(&config, Weight::Error), [] as [&str; 0]);
    assert_eq!(said(&config, Weight::Warning), [] as [&str; 0]);
    let values = &config.values;
    assert_eq!(values.monitor_interface, ["eth0", "eth1"]);
    assert_eq!(values.capture_filter, None, "the filter that was shipped counts as unset");
    assert_eq!(values.capture_buffer.0, 64 << 20);
    assert_eq!(values.process_count, None);
    assert!(values.check_host_domains);
    assert_eq!(*config.origin("CAPTURE_FILTER"), Origin::Shipped(47));
    assert_eq!(values.capture_workers, Some(Workers::Count(2)));
    assert_eq!(values.sensor_name, "gw1-dmz");
    assert_eq!(values.log_dir, Path::new("/var/log/maltrail"));
    assert_eq!(values.trails_file, Path::new("/home/ada/.maltrail/trails.csv"));
    assert_eq!(values.user_whitelist.as_deref(), Some(Path::new("/etc/maltrail/whitelist.txt")));
    assert_eq!(values.custom_trails_dir.as_deref(), Some(Path::new("/etc/maltrail/trails/custom")));
    assert_eq!(values.users.0.len(), 2);
    assert!(values.users.0[1].contains("$argon2id$v=19"), "nothing expands in blocks");
    assert_eq!(values.blacklists.0.len(), 2);
    assert_eq!(values.ignore_events_regex.as_ref().unwrap().0, "sinkhole #1|parking");
    assert_eq!(values.event_throttle_mode, detect::ThrottleMode::Off);
    assert!(values.allow_empty_trails);
    assert_eq!(values.trail_reload_min_ratio.0, 0.8);
    let notes = said(&config, Weight::Note);
    assert_eq!(values.disabled_heuristics, ["port_scan", "long_domain"]);
    assert!(notes.iter().any(|note| note.contains("USE_FAST_PREFILTER has no effect: names in TLS")), "{notes:?}");
}

#[test]
fn other_values_than_the_shipped_ones_are_the_users_will() {
    let config =
        read("CHECK_HOST_DOMAINS no\nCAPTURE_FILTER udp\nCAPTURE_BUFFER 20%\nPROCESS_COUNT 3\nUPDATE_PERIOD 3600\n");
    assert!(!config.values.check_host_domains);
    assert_eq!(config.values.capture_filter.as_deref(), Some("udp"));
    assert_eq!(config.values.capture_buffer.0, (8 << 30) / 100 * 20);
    assert_eq!(config.values.process_count, Some(Workers::Count(3)));
    assert_eq!(config.values.update_period.0, 3600);
}

#[test]
fn what_is_said_has_file_line_and_advice() {
    let at = "/etc/maltrail/maltrail.conf";
    for (text, weight, want) in [
        ("CAPTURE_FILTR udp", Weight::Warning, "1: there is no setting CAPTURE_FILTR; did you mean CAPTURE_FILTER?"),
        ("\nPLUGINS x", Weight::Warning, "2: there is no setting PLUGINS; `maltrail generate"),
        ("HTTP_PORT 0", Weight::Error, "1: HTTP_PORT: '0' is not a number from 1 to 65535"),
        ("USE_SSL maybe", Weight::Error, "1: USE_SSL: 'maybe' is not true or false"),
        ("CAPTURE_BUFFER lots", Weight::Error, "1: CAPTURE_BUFFER: 'lots' is not a size"),
        ("LOG_SERVER here", Weight::Error, "1: LOG_SERVER: 'here' is not host:port"),
        ("FAST_FLOW_CUTOFF x", Weight::Warning, "1: FAST_FLOW_CUTOFF: 'x' is not a number, 0 or more"),
        ("SITE a\nSITE b", Weight::Warning, "2: SITE was set in line 1 already; this line wins"),
        ("USERS admin:x:0:", Weight::Error, "1: USERS takes its entries in the lines below it"),
        ("USERS\n  admin", Weight::Error, "1: USERS: 'admin' is not indented lines of the form name:hash:uid:networks"),
        ("SITE\n  hq", Weight::Error, "1: SITE takes a value on its own line"),
        (
            "BLACKLIST_X\n  type = DNS",
            Weight::Error,
            "1: BLACKLIST_X: 'type = DNS' is not indented lines of the form column",
        ),
        ("BLACKLIST x", Weight::Error, "1: BLACKLIST takes its rules in the lines below"),
        (
            "HTTP_PORT=1",
            Weight::Error,
            "1: 'HTTP_PORT=1' is no setting: write the key, a space and the value, without '='",
        ),
        ("SITE $NOWHERE", Weight::Warning, "1: SITE: $NOWHERE is not set and stays as it is"),
        ("IGNORE_EVENTS_REGEX a(", Weight::Error, "1: IGNORE_EVENTS_REGEX: 'a(' is no regular expression: "),
        (
            "TRAIL_RELOAD_MIN_RATIO 1.5",
            Weight::Error,
            "1: TRAIL_RELOAD_MIN_RATIO: '1.5' is not a decimal number from 0 to 1",
        ),
        ("EVENT_THROTTLE_MODE never", Weight::Error, "1: EVENT_THROTTLE_MODE: 'never' is not summarize or off"),
    ] {
        let said = said(&read(text), weight);
        assert_eq!(said.len(), 1, "{text}: {said:?}");
        assert!(said[0].starts_with(&format!("{at}:{want}")), "{text}: {}", said[0]);
    }
}

#[test]
fn the_environment_wins() {
    let mut environment = machine();
    for (name, value) in [
        ("MALTRAIL_SITE", "lab"),
        ("MALTRAIL_ROOT", "/somewhere"),
        ("MALTRAIL_HTTP_PORT", "x"),
        ("MALTRAIL_SENSOR_NAM", "y"),
        ("MALTRAIL_USERS", "z"),
        ("MALTRAIL_LOG_DIR", ""),
    ] {
        environment.variables.insert(name.into(), value.into());
    }
    let config = Config::from_text("SITE hq\nLOG_DIR /x\n", None, &environment);
    assert_eq!(config.values.site.as_deref(), Some("lab"));
    assert_eq!(*config.origin("SITE"), Origin::Environment);
    assert_eq!(config.values.log_dir, Path::new("/x"));
    let problems: Vec<_> = config.problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        problems,
        [
            "MALTRAIL_HTTP_PORT: HTTP_PORT: 'x' is not a number from 1 to 65535",
            "MALTRAIL_SENSOR_NAM: there is no setting SENSOR_NAM; did you mean SENSOR_NAME?",
            "MALTRAIL_USERS: USERS is a block, which only a file can hold",
        ]
    );
}

#[test]
fn arguments_win_and_start_at_the_current_directory() {
    let mut config = read("LOG_DIR /x\n");
    config.take_argument("LOG_DIR", "logs", "--log-dir", &machine());
    assert_eq!(config.values.log_dir, Path::new("/srv/logs"));
    config.take_argument("CAPTURE_WORKERS", "0x", "--workers", &machine());
    assert!(config.has_errors());
}

#[test]
fn a_dump_reads_back_to_the_same_values() {
    for text in ["", IN_USE, "USER_WHITELIST 'a # b'\nSITE \"it's\"\n"] {
        let config = read(text);
        let again = Config::from_text(&dump(&config, &machine()), Some("/other/maltrail.conf".into()), &machine());
        assert_eq!(said(&again, Weight::Error), [] as [&str; 0]);
        assert_eq!(said(&again, Weight::Warning), [] as [&str; 0]);
        assert_eq!(again.values, config.values, "{}", dump(&config, &machine()));
    }
}

#[test]
fn the_example_changes_nothing_and_names_what_is_used() {
    let text = example();
    let config = read(&text);
    assert_eq!(config.problems, []);
    assert_eq!(config.values, read("").values);
    // With its # removed, every line says what holds anyway.
    let said: String = text
        .lines()
        .map(|line| format!("{}\n", line.strip_prefix('#').filter(|rest| !rest.starts_with(' ')).unwrap_or(line)))
        .collect();
    let config = read(&said);
    assert_eq!(config.problems, []);
    assert_eq!(config.values, read("").values);
    assert!(KEYS.iter().filter(|key| key.fate == Fate::Used).all(|key| text.contains(&format!("\n#{}", key.name))));
}

fn committed(path: &str, made: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == made, "{} is not current: write it with `maltrail generate`", path.display());
}

#[test]
fn the_committed_reference_is_current() {
    committed("docs/configuration.md", &reference());
}

#[test]
fn the_committed_example_is_current() {
    committed("packaging/maltrail.conf", &example());
}

proptest! {
    #[test]
    fn any_bytes_are_read(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = read(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn any_value_of_any_key_is_read(index in 0..KEYS.len(), value in "[ -~]{0,40}") {
        let text = format!("{} {value}\n", KEYS[index].name);
        let config = read(&text);
        if !config.has_errors() {
            let again = Config::from_text(&dump(&config, &machine()), None, &machine());
            prop_assert!(!again.has_errors(), "{:?}", again.problems);
        }
    }
}
