use std::io::{Read, Write};
use std::net::TcpStream;

use jiff::SignedDuration;

use super::*;
use crate::capture::duplicates::Duplicates;
use crate::live::order::Order;
use crate::output::{Full, OutputSettings, Outputs};
use crate::push::{Reason, Spool, SpoolSettings};
use crate::reload::Trails;
use crate::sink::Sink;
use crate::worker::{Parts, Report, Worker};

fn board() -> (tempfile::TempDir, Arc<Board>) {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("trails.csv");
    std::fs::write(&file, "evil.org,x (malware),(static)\n").unwrap();
    let store = trails::load::load(&file, directory.path()).unwrap();
    (directory, Arc::new(Board::new(2, Arc::new(Trails::new(Arc::new(store))))))
}

fn ask(server: &Server, request: &[u8]) -> String {
    let mut connection = TcpStream::connect(server.address()).unwrap();
    connection.write_all(request).unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    answer
}

const MANIFEST: &str = r#"{"generation": 1, "built": "2026-01-01T00:00:00Z", "trails": 1, "kinds": {}, "sources": [],
    "refused": {}, "left_out": {}, "change": null, "feeds": [{"name": "list", "outcome": "failed", "error": "x", "rows": 70,
    "bytes": 900, "asked": null, "changed": null, "stale": false}]}"#;

#[test]
fn counters_of_all_workers_are_served() {
    let (directory, board) = board();
    std::fs::write(directory.path().join("trails.manifest.json"), MANIFEST).unwrap();
    for (number, decoded) in [(0, 5), (1, 7)] {
        let mut report = Report::default();
        report.packets.received = decoded + 1;
        report.packets.decoded = decoded;
        report.anomalies.count(Anomaly::DnsName);
        board.worker(number, crate::board::WorkerPage { report, ..Default::default() });
    }
    lock(&board.interfaces).push(crate::board::InterfacePage { name: "a\"b".into(), up: true, reopened: 3 });
    let server = Server::start("127.0.0.1:0".parse().unwrap(), directory.path().join("trails.csv"), board).unwrap();
    let answer = ask(&server, b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 OK"));
    assert!(head.contains(&format!("Content-Length: {}", body.len())));
    for line in [
        "maltrail_packets_received_total 14",
        "maltrail_packets_total{fate=\"decoded\"} 12",
        "maltrail_anomalies_total{name=\"dns_name\"} 2",
        "maltrail_anomalies_total{name=\"tcp_header\"} 0",
        "maltrail_interface_returns_total{interface=\"a\\\"b\"} 3",
        "maltrail_trails_count 1",
        "maltrail_trails_generation 1",
        "maltrail_feed_rows{feed=\"list\"} 70",
        "maltrail_feed_outcome{feed=\"list\",outcome=\"failed\"} 1",
    ] {
        assert!(body.lines().any(|l| l == line), "{line} in\n{body}");
    }
    let mut families = std::collections::HashSet::new();
    for line in body.lines() {
        if let Some(family) = line.strip_prefix("# TYPE ") {
            let (name, kind) = family.split_once(' ').unwrap();
            assert!(families.insert(name.to_owned()), "{name} twice");
            assert_eq!(kind == "counter", name.ends_with("_total"), "{name}");
        } else if !line.starts_with('#') {
            let name = line.split(['{', ' ']).next().unwrap();
            assert!(families.contains(name), "{line}");
            assert!(line.rsplit(' ').next().unwrap().parse::<u64>().is_ok(), "{line}");
        }
    }
}

#[test]
fn other_requests_get_an_answer_or_an_end() {
    let (_directory, board) = board();
    let server = Server::start("127.0.0.1:0".parse().unwrap(), PathBuf::new(), board).unwrap();
    assert!(ask(&server, b"GET /x HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 404"));
    assert!(ask(&server, b"POST / HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 405"));
    let mut connection = TcpStream::connect(server.address()).unwrap();
    let sent = connection.write_all(&[b'a'; MAX_REQUEST * 4]);
    let mut answer = Vec::new();
    let ended = connection.read_to_end(&mut answer);
    assert!(answer.is_empty(), "too long: no answer ({sent:?}, {ended:?})");
    assert!(ask(&server, b"GET / HTTP/1.0\r\n\r\n").contains("maltrail_findings_total 0"), "and it goes on");
}

#[test]
fn a_taken_address_is_said() {
    let (_directory, board) = board();
    let server = Server::start("127.0.0.1:0".parse().unwrap(), PathBuf::new(), board.clone()).unwrap();
    let error = Server::start(server.address(), PathBuf::new(), board).err().unwrap().to_string();
    assert!(error.contains("STATS_ADDRESS"), "{error}");
}

/// Each collection that packets can make grow, and the table in metrics that stands for it.
const COLLECTIONS: &[(&str, &str, &str)] = &[
    ("packet/src/decode/fragments.rs", "waiting", "fragments"),
    ("packet/src/dissect/heads/mod.rs", "table", "heads"),
    // A part of a head.
    ("packet/src/dissect/hpack.rs", "table", "heads"),
    ("packet/src/dissect/quic/mod.rs", "table", "quic"),
    // What the fields of its type below are made of.
    ("detect/src/table.rs", "entries", "running_flows"),
    ("detect/src/flows.rs", "told", "running_flows"),
    ("detect/src/flows.rs", "acknowledged", "acknowledged"),
    ("detect/src/pipeline/mod.rs", "bundles", "bundles"),
    ("detect/src/pipeline/mod.rs", "summaries", "throttle_windows"),
    ("detect/src/pipeline/window.rs", "slots", "bundles"),
    ("detect/src/pipeline/window.rs", "ends", "bundles"),
    ("detect/src/pipeline/repetition.rs", "said", "repetitions"),
    ("detect/src/pipeline/repetition.rs", "running", "told_flows"),
    ("detect/src/pipeline/repetition.rs", "queries", "told_queries"),
    // One of each detector that counts.
    ("detect/src/detectors/distinct.rs", "subjects", "port_scanning"),
    ("detect/src/detectors/distinct.rs", "values", "port_scanning"),
    ("detect/src/detectors/beaconing.rs", "pairs", "beaconing"),
    ("detect/src/detectors/stage.rs", "long_names", "long_domain"),
    ("sensor/src/live/order.rs", "waiting", "unordered_findings"),
    ("sensor/src/live/order.rs", "evidence", "unordered_evidence"),
    ("sensor/src/capture/duplicates.rs", "sets", "duplicates"),
];

/// Collections that are no tables: what the user's lists fill; the files of the spool, whose limit and size have metrics of
/// their own; a part of a server's answer, whose length is limited.
const NO_TABLES: &[(&str, &str)] = &[
    ("detect/src/whitelist.rs", "names"),
    ("detect/src/whitelist.rs", "addresses"),
    ("sensor/src/push/spool.rs", "waiting"),
    ("sensor/src/push/spool.rs", "refused"),
    ("sensor/src/push/sender.rs", "refused"),
];

/// Fields of these types, in the sources of the crates on the packets' way: file and name.
fn collections() -> Vec<(String, String)> {
    const TYPES: [&str; 8] =
        ["HashMap<", "HashSet<", "HashTable<", "VecDeque<", "BTreeMap<", "BTreeSet<", ": Table<", ": Windows,"];
    let crates = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut directories: Vec<_> = ["packet/src", "detect/src", "sensor/src"].map(|name| crates.join(name)).into();
    let mut found = Vec::new();
    while let Some(directory) = directories.pop() {
        for path in std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                directories.push(path);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            let file = path.strip_prefix(crates).unwrap().display().to_string();
            for line in text.lines().take_while(|line| !line.starts_with("#[cfg(test)]")) {
                let field = line.trim().trim_start_matches("pub(super) ").trim_start_matches("pub(crate) ");
                let named = field
                    .split_once(": ")
                    .filter(|(name, _)| name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'));
                if let Some((name, _)) =
                    named.filter(|_| field.ends_with(',') && TYPES.iter().any(|t| field.contains(t)))
                {
                    found.push((file.clone(), name.to_owned()));
                }
            }
        }
    }
    found
}

#[test]
fn every_collection_that_packets_fill_is_a_table_of_the_metrics() {
    let (_directory, board) = board();
    let parts = Parts {
        exchanges: Arc::default(),
        limits: packet::Limits::default(),
        matching: Arc::default(),
        store: board.trails.store(),
        panic_at: Vec::new(),
    };
    let mut report = Worker::new(parts).report();
    report.tables.push(Duplicates::new().table());
    board.worker(0, crate::board::WorkerPage { report, ..Default::default() });
    Sink::new(&detect::MatchSettings::default(), detect::PipelineSettings::default(), None, Outputs::default())
        .report(&board, Order::new(1).tables());
    let page = render(&board);
    for (file, name) in collections() {
        let known = COLLECTIONS.iter().any(|(f, n, _)| (*f, *n) == (file.as_str(), name.as_str()));
        assert!(
            known || NO_TABLES.contains(&(file.as_str(), name.as_str())),
            "{file}: {name} grows: give it a limit and a table in metrics, and name it here"
        );
    }
    for (file, name, table) in COLLECTIONS {
        let shown = |metric: &str| {
            page.lines().any(|line| line.starts_with(&format!("maltrail_{metric}{{table=\"{table}\"}}")))
        };
        assert!(shown("table_entries") && shown("table_bytes") && shown("table_refused_total"), "{table} in\n{page}");
        assert!(shown("table_limit_entries") != shown("table_limit_bytes"), "{table} in\n{page}");
        let source = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join(file);
        assert!(std::fs::read_to_string(source).unwrap().contains(&format!("{name}: ")), "{file}: {name} is gone");
    }
}

#[test]
fn tables_of_all_workers_are_shown_together() {
    let (_directory, board) = board();
    let table = |entries, refused| {
        let limit = ::packet::TableLimit::Bytes(100);
        vec![::packet::TableUsage { name: "heads", entries, bytes: entries * 10, limit, refused }]
    };
    for (number, entries) in [(0, 3), (1, 4)] {
        let report = Report { tables: table(entries, 2), ..Report::default() };
        board.worker(number, crate::board::WorkerPage { report, ..Default::default() });
    }
    let page = render(&board);
    for line in [
        "maltrail_table_entries{table=\"heads\"} 7",
        "maltrail_table_bytes{table=\"heads\"} 70",
        "maltrail_table_limit_bytes{table=\"heads\"} 200",
        "maltrail_table_refused_total{table=\"heads\"} 4",
    ] {
        assert!(page.lines().any(|l| l == line), "{line} in\n{page}");
    }
}

#[test]
fn what_the_tables_of_a_lost_worker_refused_stays_counted() {
    let (_directory, board) = board();
    let parts = Parts {
        exchanges: Arc::default(),
        limits: packet::Limits { head_bytes: 0, ..packet::Limits::default() },
        matching: Arc::default(),
        store: board.trails.store(),
        panic_at: vec![1],
    };
    let begun =
        testkit::Stack::ethernet().ip("10.0.0.5", "192.0.2.1").tcp(40_000, 80, 0x18).payload(b"GET / HTTP/1.1\r\nHo");
    let bytes = begun.frame().bytes;
    let mut worker = Worker::new(parts);
    for (sequence, refused) in [(0, 1), (1, 1), (2, 2)] {
        let frame = packet::Frame { time: packet::Micros(0), link: packet::LinkType(1), bytes: &bytes };
        crate::worker::attempt(&mut worker, |worker| worker, |worker| worker.frame(&frame, sequence));
        let report = worker.report();
        let heads = report.tables.iter().find(|table| table.name == "heads").unwrap();
        assert_eq!((heads.refused, report.panics), (refused, u64::from(sequence > 0)));
    }
}

#[test]
fn queues_of_outputs_are_shown_with_their_memory() {
    let (directory, board) = board();
    let log = directory.path().join("log");
    let settings = OutputSettings {
        directory: Some(&log),
        text: true,
        journal: true,
        destinations: &[],
        severity: None,
        spool: None,
        full: Full::Wait,
    };
    let outputs = Outputs::open(&settings, &(Arc::new(|_, _: &str| {}) as crate::hooks::MessageHook)).unwrap();
    *lock(&board.outputs) = outputs.counters();
    let page = render(&board);
    for output in ["log", "journal"] {
        for (metric, value) in [("queued_events", 0), ("queued_bytes", 0), ("queue_limit_events", QUEUE_EVENTS)] {
            let line = format!("maltrail_output_{metric}{{output=\"{output}\"}} {value}");
            assert!(page.lines().any(|l| l == line), "{line} in\n{page}");
        }
    }
    outputs.finish(None);
}

#[test]
fn what_is_for_a_server_is_shown() {
    let (directory, board) = board();
    assert!(!render(&board).contains("maltrail_push"));
    let directory = directory.path().join("spool");
    let settings =
        SpoolSettings { server: "https://logs.example", directory: &directory, limit_bytes: 1 << 24, process: 7 };
    let spool = Spool::open(&settings).unwrap();
    let (_, result) = spool.append(b"one\ntwo\n", Timestamp::now() - SignedDuration::from_secs(90));
    result.unwrap();
    assert!(spool.next(Instant::now()).is_some());
    spool.postpone(Reason::Busy);
    *lock(&board.spool) = Some(Arc::new(spool));
    let page = render(&board);
    for line in [
        "push_spooled_lines_total 2",
        "push_lines_total{fate=\"acknowledged\"} 0",
        "push_retries_total{reason=\"busy\"} 1",
        "push_waiting_batches 1",
        "push_waiting_bytes 8",
        "push_oldest_seconds 90",
        "push_limit_bytes 16777216",
    ] {
        assert!(page.lines().any(|l| l == format!("maltrail_{line}")), "{line} in\n{page}");
    }
}
