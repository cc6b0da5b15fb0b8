//! kill -9 at any point: every batch that was answered is there once, and only once.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use super::super::sample;
use super::append::{batch, open, written};
use super::follow;
use super::sink::Memory;

const DIRECTORY: &str = "MALTRAIL_TEST_KILLED";
const EVENTS: u64 = 40;
const KILLS: u64 = 20;

/// The events of a batch: over two days.
fn events(number: u64) -> impl Iterator<Item = crate::store::Stored> {
    let day = jiff::SignedDuration::from_hours(24);
    (0..EVENTS).map(move |n| {
        let time = sample::noon() - if n % 2 == 0 { day } else { jiff::SignedDuration::ZERO };
        sample::at(time, number * EVENTS + n)
    })
}

/// The process that is killed: appends batch after batch and says which are answered. Does nothing in a normal run.
#[test]
fn killed() {
    let Ok(directory) = std::env::var(DIRECTORY) else { return };
    let open = open(Path::new(&directory));
    let mut first = String::new();
    std::io::stdin().read_line(&mut first).unwrap();
    for number in first.trim().parse::<u64>().unwrap().. {
        open.appender.append(&batch(&format!("gw/{number}"), events(number))).unwrap();
        let mut out = std::io::stdout().lock();
        writeln!(out, "\nanswered {number}").unwrap();
        out.flush().unwrap();
    }
}

#[test]
fn every_answered_batch_is_there_once() {
    let directory = tempfile::tempdir().unwrap();
    let mut next = 0;
    for kill in 0..KILLS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "--nocapture", "store::record::tests::kill::killed"])
            .env(DIRECTORY, directory.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        // It begins with the batch whose answer was not heard.
        writeln!(child.stdin.take().unwrap(), "{next}").unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut answered = || {
            lines.by_ref().map_while(Result::ok).find_map(|line| line.strip_prefix("answered ")?.parse::<u64>().ok())
        };
        for _ in 0..=kill % 4 {
            next = answered().unwrap() + 1;
        }
        // Not in step with its writing: some microseconds into the next batch.
        let mut spin = 0u64;
        while spin < kill * 20_000 {
            spin = std::hint::black_box(spin + 1);
        }
        child.kill().unwrap();
        child.wait().unwrap();
        while let Some(number) = answered() {
            next = number + 1;
        }
    }
    let last = open(directory.path());
    last.appender.append(&batch(&format!("gw/{next}"), events(next))).unwrap();
    drop(last);
    let ids = |events: &mut dyn Iterator<Item = String>| {
        let mut ids: Vec<_> = events.collect();
        ids.sort();
        ids
    };
    let expected = ids(&mut (0..=next).flat_map(events).map(|stored| stored.event.id));
    let (found, _) = written(directory.path());
    assert_eq!(ids(&mut found.into_iter().map(|stored| stored.event.id)), expected);

    // And so the store has it, whatever stands in the text log beside.
    let sink = Arc::new(Memory::default());
    let record = follow::open(directory.path(), &sink);
    assert!(record.settled(std::time::Duration::from_secs(60)));
    let stored = ids(&mut sink.kept().events.iter().map(|stored| stored.event.id.clone()));
    assert_eq!(stored, expected);
}
