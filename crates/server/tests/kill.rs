//! `kill -9` at any moment: everything that was read is there once, and only once.
//!
//! Starts itself as the process that is killed, so it has a main of its own.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::panic, reason = "a test")]

use std::io::{BufRead, BufReader, Write};
use std::ops::ControlFlow;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;

use event::observable::{self, Observable, What};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use server::Scope;
use server::addresses::Local;
use server::observables::{Ask, Observables, ObservablesSettings, Origin, Turn, View};
use server::store::record::{Following, take_once};
use server::store::{Archive, ArchiveSettings, Filter, Query, Seen, SourceId, Stored};

/// Events of the source; each stands for so many bytes.
const EVENTS: u64 = 6_000;
const BYTES: u64 = 100;
/// Events that are read at a time.
const PORTION: u64 = 75;
const KILLS: usize = 24;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["feed", directory] => feed(Path::new(directory)),
        ["observe", directory] => observe(Path::new(directory)),
        // What test runners ask before they run.
        list if list.contains(&"--list") => println!("kill: test"),
        _ => {
            orchestrate();
            orchestrate_observables();
        }
    }
    ExitCode::SUCCESS
}

fn start() -> Timestamp {
    "2026-11-18T00:00:00Z".parse().unwrap()
}

/// Spread over three days, not in order.
fn event(n: u64) -> Stored {
    let time = start() + SignedDuration::from_secs(i64::try_from(n * 7_919 % 259_200).unwrap());
    let line = format!(
        r#"{{"v":1,"id":"{n:08}","time":"{time}","last":"{time}","src":["10.0.{}.{}"],"dst":["192.0.2.7"],"protocol":17,
        "kind":"DNS","observed":{{"text":"a{n}.evil.example"}},"indicator":"a{n}.evil.example","severity":"high"}}"#,
        n % 7,
        n % 250
    );
    Stored { event: event::journal::parse(&line.replace('\n', " ")).unwrap(), line: None }
}

fn open(directory: &Path) -> Archive {
    let settings = ArchiveSettings { state_dir: directory.to_owned(), zone: TimeZone::UTC, local: Local::default() };
    Archive::open(settings, start()).unwrap()
}

fn source() -> SourceId {
    SourceId("source".into())
}

/// Reads on where the archive is, writes, compacts and condenses, and says so all the time.
fn feed(directory: &Path) {
    let archive = open(directory);
    let say = |what: &str| {
        println!("{what}");
        std::io::stdout().flush().unwrap();
    };
    let mut from = archive.position(&source()).unwrap_or(0) / BYTES;
    say("open");
    while from < EVENTS {
        let upto = EVENTS.min(from + PORTION);
        archive.absorb(&source(), upto * BYTES, (from..upto).map(event).collect()).unwrap();
        from = upto;
        say("absorbed");
        if from.is_multiple_of(2 * PORTION) {
            archive.flush().unwrap();
            say("flushed");
        }
        if from.is_multiple_of(6 * PORTION) {
            archive.seal(start() + SignedDuration::from_hours(200)).unwrap();
            say("sealed");
            archive.condense().unwrap();
            say("condensed");
        }
    }
    archive.flush().unwrap();
}

/// What is there is exactly what was read.
fn check(directory: &Path, round: usize) -> u64 {
    let archive = open(directory);
    let read = archive.position(&source()).unwrap_or(0) / BYTES;
    let filter = Filter::All;
    let query =
        Query { from: Timestamp::MIN, to: Timestamp::MAX, scope: Scope::everything(), filter, newest_first: false };
    let mut ids: Vec<u64> = Vec::new();
    let scanned = archive.scan(&query, &mut |seen| {
        if let Seen::Event(stored) = seen {
            ids.push(stored.event.id.parse().unwrap());
        }
        ControlFlow::Continue(())
    });
    scanned.unwrap();
    ids.sort_unstable();
    assert!(ids == (0..read).collect::<Vec<_>>(), "round {round}: {} events after {read} were read", ids.len());
    assert!(archive.gaps().is_empty() && archive.lost().is_empty());
    let days = archive.days_at(&Scope::everything(), start()).unwrap();
    assert_eq!(days.iter().map(|day| day.lines).sum::<u64>(), read);
    for day in days {
        assert_eq!(archive.manifest(day.day, &Scope::everything()).unwrap().lines, day.lines);
    }
    read
}

fn orchestrate() {
    let directory = tempfile::tempdir().unwrap();
    let mut kills = 0;
    for round in 0..KILLS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["feed".as_ref(), directory.path().as_os_str()])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        // At another word in every round, and while it goes on working.
        let words = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let last = words.take(2 + round * 5 % 13).last();
        child.kill().unwrap();
        let ended = child.wait().unwrap();
        kills += usize::from(!ended.success());
        let read = check(directory.path(), round);
        println!("round {round}: killed after {}, {read} events", last.unwrap_or_default());
    }
    assert!(kills > KILLS / 2, "only {kills} were killed in time");
    feed(directory.path());
    assert_eq!(check(directory.path(), KILLS), EVENTS);
}

/// Batches of observables; each has so many lines, of as many hosts.
const BATCHES: usize = 1000;
const BATCH: usize = 40;
/// Lines that are added to the file for each word of the process that follows it.
const ADDED: usize = 25;

fn observable(name: String, host: usize) -> Observable {
    let host = format!("10.0.{}.{}", host / 250, host % 250).parse().ok();
    let (sensor, site) = ("gw".to_owned(), String::new());
    Observable { what: What::Name(name), host, sensor, site, first: start(), last: start(), count: 1 }
}

fn open_observables(directory: &Path) -> Arc<Observables> {
    Arc::new(Observables::open(&directory.join("state"), ObservablesSettings::default()).unwrap())
}

/// Follows the file, and takes all batches, again and again those of before, saying which it has.
fn observe(directory: &Path) {
    let observables = open_observables(directory);
    let _following = Following::start(&directory.join("log"), Arc::clone(&observables), Arc::new(start)).unwrap();
    for batch in 0..BATCHES {
        let lines: Vec<Observable> = (0..BATCH).map(|host| observable(format!("b{batch}.batch"), host)).collect();
        let taken = observables.take(Origin::Batch(&format!("gw/{batch}")), &lines, start()).unwrap();
        if !taken.repeated {
            println!("{batch}");
            std::io::stdout().flush().unwrap();
        }
    }
}

/// Each batch is there as a whole or not at all, those that were acknowledged are; each line of the file is there once.
fn check_observables(directory: &Path, acknowledged: usize, lines: usize) -> usize {
    let observables = open_observables(directory);
    let unreadable = take_once(&directory.join("log"), Arc::clone(&observables), Arc::new(start));
    assert!(unreadable.is_empty(), "{unreadable:?}");
    let turn = Turn { after: None, limit: BATCHES };
    let reading = observables.reading();
    let batches = reading.values(&Ask::Below("batch".into()), turn, View::ALL).unwrap().rows;
    let whole = |value: &server::observables::Value| (value.seen.count, value.hosts) == (BATCH as u64, BATCH as u64);
    assert!(batches.iter().all(whole), "{batches:?}");
    assert!(batches.len() >= acknowledged, "{} of {acknowledged} batches", batches.len());
    let of_file = reading.sighting(&Ask::Below("file".into()), View::ALL).unwrap();
    assert_eq!(of_file.map_or(0, |all| all.seen.count), lines as u64);
    batches.len()
}

fn orchestrate_observables() {
    let directory = tempfile::tempdir().unwrap();
    for part in ["state", "log"] {
        std::fs::create_dir(directory.path().join(part)).unwrap();
    }
    let path = directory.path().join("log/observables-2026-11-18.jsonl");
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(path).unwrap();
    let (mut lines, mut acknowledged, mut kills) = (0, 0, 0);
    for round in 0..KILLS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["observe".as_ref(), directory.path().as_os_str()])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let words = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        for _ in words.take(1 + round * 5 % 7) {
            acknowledged += 1;
            let more = (lines..lines + ADDED).map(|n| observable(format!("f{}.file", n % 90), n));
            let more: String = more.map(|line| observable::line(&line).unwrap() + "\n").collect();
            file.write_all(more.as_bytes()).unwrap();
            lines += ADDED;
        }
        child.kill().unwrap();
        kills += usize::from(!child.wait().unwrap().success());
        let batches = check_observables(directory.path(), acknowledged, lines);
        println!("round {round}: {batches} batches, {acknowledged} of them acknowledged, {lines} lines");
    }
    assert!(kills > KILLS / 2, "only {kills} were killed in time");
    observe(directory.path());
    assert_eq!(check_observables(directory.path(), BATCHES, lines), BATCHES);
}
