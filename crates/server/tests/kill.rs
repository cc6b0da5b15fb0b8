//! `kill -9` at any moment: everything that was read is there once, and only once.
//!
//! Starts itself as the process that is killed, so it has a main of its own.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::panic, reason = "a test")]

use std::io::{BufRead, BufReader, Write};
use std::ops::ControlFlow;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use server::Scope;
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
        // What test runners ask before they run.
        list if list.contains(&"--list") => println!("kill: test"),
        _ => orchestrate(),
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
    let settings = ArchiveSettings { state_dir: directory.to_owned(), zone: TimeZone::UTC };
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
