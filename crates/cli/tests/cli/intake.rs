//! Batches of sensors into a running server, from outside: what was acknowledged is there once and only once, whatever
//! happens to the process and to its disk.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::mpsc;

use event::journal;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::serving::{FIRST, READY, Server, command, free_port, until};

/// Events of a batch.
const BATCH: usize = 40;

/// An event as a sensor sends it.
fn sent(id: &str, time: Timestamp, change: impl FnOnce(&mut Value)) -> String {
    let mut event = json!({
        "v": 1, "id": id, "time": time, "last": time, "sensor": "gw", "src": ["10.0.0.5"], "src_ports": [50000],
        "dst": ["192.0.2.7"], "dst_ports": [53], "protocol": 17, "kind": "DNS",
        "observed": {"text": "evil.example", "matched": []}, "indicator": "evil.example", "info": "x (malware)",
        "reference": "(static)", "severity": "high",
    });
    change(&mut event);
    format!("{event}\n")
}

fn batch(name: usize, time: Timestamp) -> String {
    (0..BATCH).map(|n| sent(&format!("{name}.{n}"), time, |_| {})).collect()
}

/// How often each event is found by `maltrail events`, by its id.
fn found(directory: &Path) -> BTreeMap<String, usize> {
    let mut command = crate::maltrail(directory);
    let output = command.args(["events", "--json", "-c", "server.conf"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(matches!(output.status.code(), Some(0 | 6)), "{said}");
    let mut found = BTreeMap::new();
    for line in output.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let event: Value = serde_json::from_slice(line).unwrap();
        *found.entry(event["id"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    found
}

/// Sends batches one after another until the server is gone; tells the number of each that is acknowledged.
fn feed(server: &Server, token: &str, first: usize, told: &mpsc::Sender<usize>) {
    let now = Timestamp::now();
    let Ok(mut connection) = server.connect() else { return };
    for name in first.. {
        let fields = format!("{token}maltrail-batch: b{name}\r\n");
        match connection.ask("POST", "/api/v1/intake", &fields, batch(name, now).as_bytes()) {
            Ok(answer) => assert_eq!(answer.status, 200, "{}", answer.text()),
            Err(_) => return,
        }
        if told.send(name).is_err() {
            return;
        }
    }
}

#[test]
fn what_is_acknowledged_over_https_survives_kill_9_twenty_times() {
    const KILLS: usize = 20;
    let directory = tempfile::tempdir().unwrap();
    let mut server = Server::start(directory.path(), "USE_SSL true", FIRST);
    let token = server.sensor("gw");
    let mut acknowledged = 0;
    for round in 0..KILLS {
        let (told, news) = mpsc::channel();
        std::thread::scope(|scope| {
            let pid = rustix::process::Pid::from_child(&server.child);
            let (server, token) = (&server, &token);
            let feeding = scope.spawn(move || feed(server, token, acknowledged, &told));
            // After another number of batches in every round, and while it goes on sending.
            for name in news.iter().take(1 + round * 5 % 7) {
                assert_eq!(name, acknowledged, "in order");
                acknowledged += 1;
            }
            rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
            feeding.join().unwrap();
            acknowledged += news.try_iter().count();
        });
        drop(server);
        // What came last is sent again: it may be there already.
        server = Server::start(directory.path(), "USE_SSL true", READY);
        let fields = format!("{token}maltrail-batch: b{acknowledged}\r\n");
        let again = server.ask("POST", "/api/v1/intake", &fields, &batch(acknowledged, Timestamp::now()));
        assert_eq!(again.status, 200, "{}", again.text());
        acknowledged += 1;
    }
    assert!(acknowledged >= 2 * KILLS, "{acknowledged}");
    let wanted: BTreeMap<String, usize> =
        (0..acknowledged).flat_map(|name| (0..BATCH).map(move |n| (format!("{name}.{n}"), 1))).collect();
    let beside = found(directory.path());
    assert!(beside == wanted, "beside the server: {} events of {}", beside.len(), wanted.len());
    let today = Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date();
    let target = format!("/counts?from={}&to={today}", today.yesterday().unwrap());
    let cookie = server.log_in();
    until(|| {
        let counts: BTreeMap<String, u64> =
            serde_json::from_slice(&server.ask("GET", &target, &cookie, "").body).unwrap();
        let sum: u64 = counts.values().sum();
        if sum == wanted.len() as u64 { Ok(()) } else { Err(format!("{sum} events of {}", wanted.len())) }
    });
    assert_eq!(server.end(), 0);
    let after = found(directory.path());
    assert!(after == wanted, "without it: {} events of {}", after.len(), wanted.len());
}

#[test]
fn hostile_values_come_back_as_they_were() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path(), "", FIRST);
    let token = server.sensor("gw");
    let now = Timestamp::now();
    let longest = "a".repeat(64 * 1024);
    let texts = [
        "quo\"te 'single' \\back",
        "nul\0in it",
        "two\r\nlines",
        "<script>alert(1)</script>",
        "constructor",
        "__proto__",
        "\u{1b}[2J\u{202e}moc.live",
        "(www).evil.example",
        &longest,
    ];
    let put = |text: &str| {
        let text = text.to_owned();
        move |event: &mut Value| {
            for field in ["info", "reference", "indicator"] {
                event[field] = json!(text);
            }
            event["observed"]["text"] = json!(text);
            event["context"] = json!({"host": text, "user_agent": text});
        }
    };
    let good: Vec<String> = texts.iter().enumerate().map(|(n, text)| sent(&format!("g{n}"), now, put(text))).collect();
    let longer = sent("long", now, put(&"a".repeat(64 * 1024 + 1)));
    let century = |years: i64| sent("time", now + SignedDuration::from_hours(years * 366 * 24), |_| {});
    let body = [good.concat(), longer, century(-100), century(100), "{\"v\":1}\n".into()].concat();
    let fields = format!("{token}maltrail-batch: hostile\r\n");
    let taken = server.ask("POST", "/api/v1/intake", &fields, &body);
    let taken: Value = serde_json::from_slice(&taken.body).unwrap();
    let refused: u64 = taken["refused"].as_object().unwrap().values().map(|count| count.as_u64().unwrap()).sum();
    assert_eq!((&taken["written"], refused), (&json!(good.len()), 4), "{taken}");
    let mut command = crate::maltrail(directory.path());
    let output = command.args(["events", "--json", "-c", "server.conf"]).output().unwrap();
    let back: BTreeSet<String> = String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect();
    let as_sent = |line: &String| journal::to_line(&journal::parse(line.trim_end()).unwrap()).unwrap();
    let same = |line: &str| {
        let mut event = journal::parse(line).unwrap();
        event.batch.clear();
        journal::to_line(&event).unwrap()
    };
    assert_eq!(back.iter().map(|line| same(line)).collect::<BTreeSet<_>>(), good.iter().map(as_sent).collect());
    let (cookie, today) = (server.log_in(), now.to_zoned(jiff::tz::TimeZone::UTC).date());
    let lines = until(|| {
        let lines = server.ask("GET", &format!("/events?date={today}"), &cookie, "").text();
        if lines.lines().count() == good.len() { Ok(lines) } else { Err(lines) }
    });
    assert!(!lines.contains(['\0', '\r', '\u{1b}']), "an event is one line");
    assert_eq!(server.end(), 0);
}

/// The program with a disk of its own in `directory/disk`; needs root. None: there can be none here.
fn on_a_disk(directory: &Path, prepare: &str, settings: &str, port: u16) -> Option<std::process::Command> {
    let script = format!("mount -t tmpfs -o size=4m tmpfs disk && {prepare} && exec \"$@\"");
    let may = std::process::Command::new("unshare").args(["-m", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]).output();
    if !may.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: no disk can be made here without root");
        return None;
    }
    std::fs::create_dir(directory.join("disk")).unwrap();
    let server = command(directory, settings, port);
    let mut command = std::process::Command::new("unshare");
    command.args(["-m", "sh", "-c", &script, "sh"]).arg(server.get_program()).args(server.get_args());
    command.current_dir(directory).env("HOME", directory).env("TZ", "UTC").env("NO_COLOR", "1");
    Some(command)
}

#[test]
fn a_full_disk_refuses_what_it_cannot_keep_and_goes_on_when_there_is_room() {
    let directory = tempfile::tempdir().unwrap();
    let port = free_port();
    let places = "LOG_DIR disk/log\nSTATE_DIR disk/state\n";
    let Some(command) = on_a_disk(directory.path(), "true", places, port) else { return };
    let server = Server::run(command, port, None, FIRST);
    let token = server.sensor("gw");
    // The disk as the server sees it.
    let disk = format!("/proc/{}/root{}/disk", server.child.id(), directory.path().display());
    let mut ballast = std::fs::File::create(format!("{disk}/ballast")).unwrap();
    let full = std::io::copy(&mut std::io::repeat(0), &mut ballast).unwrap_err();
    assert_eq!(full.kind(), std::io::ErrorKind::StorageFull);
    let now = Timestamp::now();
    let send = |name: usize| {
        let fields = format!("{token}maltrail-batch: b{name}\r\n");
        server.ask("POST", "/api/v1/intake", &fields, &batch(name, now)).status
    };
    let statuses: Vec<u16> = (0..8).map(send).collect();
    assert!(statuses.contains(&503) && statuses.iter().all(|status| [200, 503].contains(status)), "{statuses:?}");
    assert_eq!(server.ask("GET", "/ping", "", "").text(), "pong");
    drop(ballast);
    std::fs::remove_file(format!("{disk}/ballast")).unwrap();
    let again: Vec<u16> = (0..8).map(send).collect();
    assert_eq!(again, [200; 8], "{}", server.said());
    let (cookie, today) = (server.log_in(), now.to_zoned(jiff::tz::TimeZone::UTC).date());
    until(|| {
        let lines = server.ask("GET", &format!("/events?date={today}"), &cookie, "").text().lines().count();
        if lines == 8 * BATCH { Ok(()) } else { Err(format!("{lines} lines of {}: {}", 8 * BATCH, server.said())) }
    });
    assert_eq!(server.end(), 0);
}

#[test]
fn a_disk_that_is_read_only_is_told() {
    let directory = tempfile::tempdir().unwrap();
    for (places, said) in
        [("LOG_DIR disk/log\nSTATE_DIR state\n", "disk/log"), ("LOG_DIR log\nSTATE_DIR disk/state\n", "disk/state")]
    {
        let Some(mut command) = on_a_disk(directory.path(), "mount -o remount,ro disk", places, free_port()) else {
            return;
        };
        let output = command.output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{error}");
        assert!(error.contains(said) && error.to_lowercase().contains("read-only"), "{error}");
        std::fs::remove_dir(directory.path().join("disk")).unwrap();
    }
}
