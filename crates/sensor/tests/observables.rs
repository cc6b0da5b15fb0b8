//! What is seen at all, listed or not: the lines that a replay writes of it.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use common::{Ran, run, settings, write};
use detect::sightings::KEYS;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use packet::Micros;
use sensor::{Level, Source};
use testkit::Stack;
use testkit::capture::{self, Recorded};
use testkit::payload::dns::{Message, Record};
use testkit::payload::http;
use testkit::tls;

const TRAILS: &str = "evil.org,x (malware),(static)\n";
/// 2023-11-14 22:10:00: the beginning of five minutes.
const START: i64 = 1_699_999_800_000_000;
const SYN: u8 = 2;
const PUSH_ACK: u8 = 0x18;

/// Frames with their microseconds after the start.
type Timed = Vec<(i64, Stack)>;

fn from(client: &str, server: &str) -> Stack {
    Stack::ethernet().ip(client, server)
}

/// Replays frames with logs; every file of observables is read and checked for who may read it.
fn replay(frames: &Timed, workers: usize) -> (Vec<String>, Ran) {
    let directory = tempfile::tempdir().unwrap();
    let log = directory.path().join("log");
    let ran = replay_into(directory.path(), &log, frames, workers);
    (lines(&log), ran)
}

fn replay_into(directory: &Path, log: &Path, frames: &Timed, workers: usize) -> Ran {
    let frames: Vec<Recorded> =
        frames.iter().map(|(time, stack)| Recorded::new(Micros(START + time), stack.frame())).collect();
    let file = write(directory, "a.pcap", &capture::file(&frames));
    let mut settings = settings(directory, Source::Files(vec![file]), TRAILS);
    settings.workers = workers;
    settings.log_dir = Some(log.to_owned());
    settings.pipeline.sensor = "s1".into();
    settings.pipeline.site = "hq".into();
    run(settings)
}

fn files(log: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(log).unwrap().flatten().map(|entry| entry.path());
    let mut files: Vec<_> =
        files.filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("observables-")).collect();
    files.sort();
    files
}

fn lines(log: &Path) -> Vec<String> {
    let read = |path: &PathBuf| {
        assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o640);
        fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect::<Vec<_>>()
    };
    files(log).iter().flat_map(read).collect()
}

/// `kind what host count first last`, times in seconds after the start.
fn short(line: &str) -> String {
    let observable = event::observable::parse(line).unwrap();
    assert_eq!((observable.sensor.as_str(), observable.site.as_str()), ("s1", "hq"));
    let what = match &observable.what {
        event::observable::What::Name(name) => name.clone(),
        event::observable::What::Address(address) => address.to_string(),
        event::observable::What::Pair { name, address } => format!("{name} {address}"),
    };
    let [first, last] = [observable.first, observable.last].map(|time| (time.as_microsecond() - START) / 1_000_000);
    let (host, count) = (observable.host.unwrap(), observable.count);
    format!("{} {what} {host} {count} {first}-{last}", observable.what.kind())
}

/// A client that asks, is answered, connects and requests; others that do the same.
fn visits() -> Timed {
    const SECOND: i64 = 1_000_000;
    let answer = Message::response(
        "www.shop.com",
        1,
        vec![
            Record::target("www.shop.com", 5, "edge.cdn.net"),
            Record::address("edge.cdn.net", "192.0.2.80".parse().unwrap()),
        ],
    );
    let query = Message::query("WWW.shop.com", 1).encode();
    let request = http::request("GET", "/", "HTTP/1.1", &["Host: Www.Shop.com:8080"], "");
    let proxied = http::request("CONNECT", "198.51.100.7:443", "HTTP/1.1", &["Host: 198.51.100.7:443"], "");
    let hello = tls::records(22, &tls::ClientHello::new("mail.shop.com").message(), 1 << 14);
    let seven = || from("10.0.0.7", "10.0.0.1");
    vec![
        (0, seven().udp(40_000, 53).payload(&query)),
        (SECOND, from("10.0.0.1", "10.0.0.7").udp(53, 40_000).payload(answer.encode())),
        (2 * SECOND, from("10.0.0.7", "192.0.2.80").tcp(40_001, 8080, SYN)),
        (2 * SECOND, from("192.0.2.80", "10.0.0.7").tcp(8080, 40_001, SYN | 0x10)),
        (3 * SECOND, from("10.0.0.7", "192.0.2.80").tcp(40_001, 8080, PUSH_ACK).payload(&request)),
        (4 * SECOND, seven().udp(40_002, 53).payload(&query)),
        (5 * SECOND, from("10.0.0.8", "192.0.2.81").tcp(40_003, 443, SYN)),
        (5 * SECOND, from("10.0.0.8", "192.0.2.81").tcp(40_003, 443, PUSH_ACK).payload(&hello)),
        (6 * SECOND, from("10.0.0.8", "10.0.0.3").tcp(40_004, 3128, PUSH_ACK).payload(&proxied)),
        (7 * SECOND, from("10.0.0.9", "192.0.2.82").echo_request()),
        (8 * SECOND, from("10.0.0.9", "192.0.2.82").echo_request()),
        // The next five minutes.
        (301 * SECOND, from("10.0.0.8", "192.0.2.81").tcp(40_005, 443, SYN)),
        (
            302 * SECOND,
            from("2001:db8::8", "2001:db8::1").udp(40_006, 53).payload(Message::query("b.org", 28).encode()),
        ),
        (303 * SECOND, from("10.0.0.7", "192.0.2.80").tcp(40_007, 8080, SYN)),
    ]
}

#[test]
fn what_was_touched_by_whom_since_when_and_how_often() {
    let (lines, ran) = replay(&visits(), 1);
    assert_eq!(
        lines[0],
        r#"{"observable":"address","address":"10.0.0.1","host":"10.0.0.7","sensor":"s1","site":"hq","first":"2023-11-14T22:10:00.000000Z","last":"2023-11-14T22:10:04.000000Z","count":1}"#
    );
    let told: Vec<String> = lines.iter().map(|line| short(line)).collect();
    assert_eq!(
        told,
        [
            "address 10.0.0.1 10.0.0.7 1 0-4",
            "name www.shop.com 10.0.0.7 3 0-4",
            "pair edge.cdn.net 192.0.2.80 10.0.0.7 1 1-1",
            "pair www.shop.com 192.0.2.80 10.0.0.7 1 1-1",
            "address 192.0.2.80 10.0.0.7 1 2-2",
            "address 192.0.2.81 10.0.0.8 1 5-5",
            "name mail.shop.com 10.0.0.8 1 5-5",
            "address 198.51.100.7 10.0.0.8 1 6-6",
            "address 192.0.2.82 10.0.0.9 1 7-8",
            "address 192.0.2.81 10.0.0.8 1 301-301",
            "address 2001:db8::1 2001:db8::8 1 302-302",
            "name b.org 2001:db8::8 1 302-302",
            "address 192.0.2.80 10.0.0.7 1 303-303",
        ]
    );
    let counts = ran.summary.observables.unwrap();
    assert_eq!((counts.seen, counts.written, counts.lines, counts.held), (15, 15, 13, 0));
}

#[test]
fn the_same_lines_for_any_number_of_workers() {
    let (expected, _) = replay(&visits(), 1);
    for workers in [2, 3, 4, 8] {
        assert_eq!(replay(&visits(), workers).0, expected, "{workers} workers");
    }
}

#[test]
fn a_host_that_two_workers_saw_has_one_line() {
    // Frames go to workers by both hosts: eight resolvers are not all of one worker.
    let query = Message::query("www.shop.com", 1).encode();
    let ask = |n: i64| (n, from("10.0.0.7", &format!("10.0.1.{n}")).udp(40_000, 53).payload(&query));
    let frames: Timed = (1..=8).map(ask).collect();
    let (lines, _) = replay(&frames, 4);
    let names: Vec<String> = lines.iter().map(|line| short(line)).filter(|line| line.starts_with("name")).collect();
    assert_eq!(names, ["name www.shop.com 10.0.0.7 8 0-0"]);
}

#[test]
fn a_flood_fills_the_table_and_what_was_there_counts_on() {
    for (more, refused) in [(0, 0), (1, 0), (2, 1)] {
        let contacts = KEYS - 1 + more;
        let address = |n: usize| format!("198.{}.{}.{}", 18 + (n >> 16), (n >> 8) & 255, n & 255);
        let mut frames: Timed =
            (0..contacts).map(|n| (n as i64, from("10.0.0.7", &address(n)).tcp(40_000, 443, SYN))).collect();
        frames.push((KEYS as i64 + 2, from("10.0.0.7", &address(0)).tcp(40_001, 443, SYN)));
        let (lines, ran) = replay(&frames, 1);
        let counts = ran.summary.observables.unwrap();
        assert_eq!((counts.seen, counts.refused), (contacts as u64 + 1, refused));
        assert_eq!((counts.written, counts.lines as usize), (counts.seen - refused, lines.len()));
        assert_eq!(lines.len(), contacts.min(KEYS));
        assert_eq!(short(&lines[0]), "address 198.18.0.0 10.0.0.7 2 0-0");
        let table = ran.summary.tables.iter().find(|table| table.name == "sightings").unwrap();
        assert_eq!(table.refused, refused);
    }
}

#[test]
fn names_that_are_no_text_are_counted() {
    // A label of one byte that no text begins with.
    let mut query = Message::query("x.shop.com", 1).encode();
    query[13] = 0xff;
    let (lines, ran) = replay(&vec![(0, from("10.0.0.7", "10.0.0.1").udp(40_000, 53).payload(&query))], 1);
    assert_eq!(lines.iter().map(|line| short(line)).collect::<Vec<_>>(), ["address 10.0.0.1 10.0.0.7 1 0-0"]);
    let counts = ran.summary.observables.unwrap();
    assert_eq!((counts.seen, counts.written, counts.unfit), (2, 1, 1));
}

#[test]
fn a_full_disk_is_told_and_counted_and_ends_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let log = directory.path().join("log");
    fs::create_dir(&log).unwrap();
    // The device that is always full stands for a full disk; midnight may come.
    for hours in [0, 1] {
        let day = (Timestamp::now() + jiff::Span::new().hours(hours)).to_zoned(TimeZone::UTC).date();
        let _ = std::os::unix::fs::symlink("/dev/full", log.join(format!("observables-{day}.jsonl")));
    }
    let ran = replay_into(directory.path(), &log, &visits(), 2);
    let counts = ran.summary.observables.unwrap();
    assert_eq!((counts.seen, counts.dropped, counts.written, counts.lines), (15, 15, 0, 0));
    assert!(counts.errors > 0);
    let told: Vec<_> = ran.messages.iter().filter(|(_, text)| text.starts_with("observables: ")).collect();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].0 == Level::Error && told[0].1.contains("make room"), "{told:?}");
}

#[test]
fn nothing_is_written_where_it_is_off_or_there_is_no_directory() {
    let directory = tempfile::tempdir().unwrap();
    let log = directory.path().join("log");
    let file = write(directory.path(), "a.pcap", &capture::file(&[]));
    let mut settings = settings(directory.path(), Source::Files(vec![file]), TRAILS);
    settings.log_dir = Some(log.clone());
    settings.observables = false;
    assert!(run(settings.clone()).summary.observables.is_none());
    assert_eq!(files(&log), Vec::<PathBuf>::new());
    settings.observables = true;
    settings.log_dir = None;
    assert!(run(settings).summary.observables.is_none());
}
