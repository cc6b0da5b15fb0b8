use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use proptest::prelude::*;

use super::spool::{BATCH_BYTES, BATCH_LINES, Batch, Spool, SpoolSettings};
use super::{Reason, authorities, token};
use crate::summary::PushCounts;

const MIB: u64 = 1 << 20;

fn spool(directory: &Path, limit_bytes: u64) -> Spool {
    Spool::open(&SpoolSettings { server: "https://logs.example", directory, limit_bytes, process: 7 }).unwrap()
}

fn now() -> Timestamp {
    Timestamp::from_second(1_700_000_000).unwrap()
}

/// Lines of a length, ends included, that begin with their number.
fn lines(numbers: std::ops::Range<usize>, length: usize) -> Vec<u8> {
    let line = |n: usize| {
        let mut line = n.to_string().into_bytes();
        line.resize(length - 1, b' ');
        line.push(b'\n');
        line
    };
    numbers.flat_map(line).collect()
}

fn put(spool: &Spool, lines: &[u8]) {
    let (bytes, result) = spool.append(lines, now());
    result.unwrap();
    assert_eq!(bytes, lines.len());
}

fn next(spool: &Spool) -> Option<Batch> {
    spool.close(Duration::from_secs(600));
    spool.next(Instant::now())
}

/// Sends everything; what arrives.
fn drain(spool: &Spool) -> Vec<u8> {
    let mut all = Vec::new();
    while let Some(batch) = next(spool) {
        all.extend(spool.read(batch).unwrap());
        acknowledge(spool);
    }
    all
}

fn acknowledge(spool: &Spool) {
    spool.done(|counts, bytes| counts.acknowledged_bytes += bytes);
}

/// What must always add up.
fn counts(spool: &Spool) -> PushCounts {
    let counts = spool.counts(now());
    let fates = counts.acknowledged_bytes + counts.dropped_bytes + counts.kept_bytes + counts.waiting_bytes;
    assert_eq!(counts.found_bytes + counts.spooled_bytes, fates, "{counts:?}");
    counts
}

fn names(directory: &Path) -> BTreeSet<String> {
    let names = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name != "lock").collect()
}

#[test]
fn lines_come_out_in_order_and_files_go() {
    let directory = tempfile::tempdir().unwrap();
    let spool = spool(directory.path(), 64 * MIB);
    let all = lines(0..5_000, 300);
    for part in all.chunks(300 * 70) {
        put(&spool, part);
    }
    assert_eq!(counts(&spool).spooled_lines, 5_000);
    assert!(drain(&spool) == all);
    assert_eq!(names(directory.path()), BTreeSet::new());
    assert_eq!((counts(&spool).waiting_bytes, counts(&spool).oldest), (0, None));
}

#[test]
fn a_batch_has_limits_of_lines_and_of_bytes() {
    let most = usize::try_from(BATCH_LINES).unwrap();
    for (count, batches) in [(most - 1, 1), (most, 1), (most + 1, 2)] {
        let directory = tempfile::tempdir().unwrap();
        let spool = spool(directory.path(), 64 * MIB);
        put(&spool, &lines(0..count, 10));
        assert_eq!(counts(&spool).waiting_batches, batches, "{count}");
    }
    let length = BATCH_BYTES / 2;
    for (more, batches) in [(length - 1, 1), (length, 1), (length + 1, 2)] {
        let directory = tempfile::tempdir().unwrap();
        let spool = spool(directory.path(), 64 * MIB);
        put(&spool, &lines(0..1, length));
        put(&spool, &lines(1..2, more));
        assert_eq!(counts(&spool).waiting_batches, batches, "{more}");
    }
    // A line that is longer than a batch stands alone.
    let directory = tempfile::tempdir().unwrap();
    let spool = spool(directory.path(), 64 * MIB);
    let all = [lines(0..1, 10), lines(1..2, 2 * BATCH_BYTES), lines(2..3, 10)].concat();
    put(&spool, &all);
    assert_eq!(counts(&spool).waiting_batches, 3);
    assert!(drain(&spool) == all);
}

#[test]
fn at_the_limit_the_oldest_go() {
    let piece = BATCH_BYTES as u64;
    for (last, dropped) in [(BATCH_BYTES - 1, 0), (BATCH_BYTES, 0), (BATCH_BYTES + 1, 1)] {
        let directory = tempfile::tempdir().unwrap();
        let spool = spool(directory.path(), 4 * piece);
        for n in 0..3 {
            put(&spool, &lines(n..n + 1, BATCH_BYTES));
        }
        put(&spool, &lines(3..4, last));
        let counts = counts(&spool);
        assert_eq!((counts.dropped_batches, counts.dropped_lines), (dropped, dropped), "{last}");
        assert_eq!(counts.waiting_batches, 4 - dropped, "{last}");
        let first = spool.read(next(&spool).unwrap()).unwrap();
        assert_eq!(first.first(), Some(if dropped == 0 { &b'0' } else { &b'1' }));
    }
}

#[test]
fn small_files_count_as_blocks() {
    for (count, dropped) in [(3, 0), (4, 0), (5, 1)] {
        let directory = tempfile::tempdir().unwrap();
        let limit = 4 * 4_096;
        for n in 0..count {
            // Each process leaves a file of one line.
            put(&spool(directory.path(), limit), &lines(n..n + 1, 20));
        }
        let kept = count - dropped;
        assert_eq!(names(directory.path()).len(), kept, "{count}");
        let spool = spool(directory.path(), limit);
        assert!(drain(&spool) == lines(dropped..count, 20));
    }
}

#[test]
fn a_smaller_limit_applies_to_what_is_there() {
    let directory = tempfile::tempdir().unwrap();
    put(&spool(directory.path(), 64 * MIB), &lines(0..4, BATCH_BYTES));
    let spool = spool(directory.path(), 2 * MIB);
    assert_eq!((counts(&spool).dropped_lines, counts(&spool).waiting_batches), (2, 2));
    assert!(drain(&spool) == lines(2..4, BATCH_BYTES));
}

#[test]
fn what_is_on_its_way_stays_and_what_was_refused_goes_first() {
    let directory = tempfile::tempdir().unwrap();
    let spool = spool(directory.path(), 4 * MIB);
    put(&spool, &lines(0..4, BATCH_BYTES));
    next(&spool).unwrap();
    spool.refuse();
    let kept = names(directory.path());
    assert_eq!(kept.iter().filter(|name| name.ends_with(".refused")).count(), 1, "{kept:?}");
    assert_eq!((counts(&spool).kept_bytes, counts(&spool).refused_batches), (MIB, 1));
    let sent = next(&spool).unwrap();
    put(&spool, &lines(4..5, BATCH_BYTES));
    assert_eq!(counts(&spool).kept_bytes, 0);
    put(&spool, &lines(5..7, BATCH_BYTES));
    // The second is on its way: the third and the fourth went.
    assert!(spool.read(sent).unwrap() == lines(1..2, BATCH_BYTES));
    spool.postpone(Reason::Busy);
    assert_eq!(counts(&spool).retries, [("busy", 1)].into());
    assert!(drain(&spool) == [lines(1..2, BATCH_BYTES), lines(4..7, BATCH_BYTES)].concat());
    assert_eq!(counts(&spool).dropped_lines, 3);
}

#[test]
fn a_batch_that_was_handed_out_does_not_change() {
    let directory = tempfile::tempdir().unwrap();
    let first = {
        let spool = spool(directory.path(), 64 * MIB);
        put(&spool, &lines(0..3, 20));
        let batch = next(&spool).unwrap();
        put(&spool, &lines(3..5, 20));
        spool.postpone(Reason::Unreachable);
        assert_eq!(next(&spool), Some(batch));
        assert!(spool.read(batch).unwrap() == lines(0..3, 20));
        batch
    };
    // Nor does it for the process that comes after one that was killed, and whose clock is behind.
    let spool = spool(directory.path(), 64 * MIB);
    let (bytes, result) = spool.append(&lines(5..6, 20), Timestamp::from_second(5).unwrap());
    assert!(bytes == 20 && result.is_ok());
    assert_eq!(next(&spool), Some(first));
    assert!(drain(&spool) == lines(0..6, 20));
}

#[test]
fn what_a_killed_process_wrote_in_part_is_cut_off() {
    let directory = tempfile::tempdir().unwrap();
    put(&spool(directory.path(), 64 * MIB), &lines(0..3, 20));
    let name = names(directory.path()).into_iter().next().unwrap();
    let path = directory.path().join(&name);
    let torn = [fs::read(&path).unwrap(), b"{\"v\":1,\"id".to_vec()].concat();
    fs::write(&path, torn).unwrap();
    // One that was begun, and nothing written to it; and files that are none of ours.
    fs::write(directory.path().join("0000000000000001-0000000000000007.jsonl"), "").unwrap();
    for foreign in ["notes.txt", "1-2.jsonl", "+000000000000001-0000000000000007.jsonl"] {
        fs::write(directory.path().join(foreign), "x\n").unwrap();
    }
    let spool = spool(directory.path(), 64 * MIB);
    assert_eq!(counts(&spool).found_bytes, 60);
    assert!(drain(&spool) == lines(0..3, 20));
    assert_eq!(names(directory.path()).len(), 3);
}

#[test]
fn a_directory_has_one_owner() {
    let directory = tempfile::tempdir().unwrap();
    let first = spool(directory.path(), 64 * MIB);
    let settings = SpoolSettings { server: "", directory: directory.path(), limit_bytes: 64 * MIB, process: 8 };
    assert!(Spool::open(&settings).err().unwrap().to_string().contains("another process"));
    drop(first);
    assert!(Spool::open(&settings).is_ok());
}

#[test]
fn files_that_somebody_removes_hold_nothing_up() {
    let directory = tempfile::tempdir().unwrap();
    let spool = spool(directory.path(), 64 * MIB);
    put(&spool, &lines(0..2, 20));
    for name in names(directory.path()) {
        fs::remove_file(directory.path().join(name)).unwrap();
    }
    put(&spool, &lines(2..4, 20));
    let gone = next(&spool).unwrap();
    assert_eq!(spool.read(gone).unwrap_err().kind(), std::io::ErrorKind::NotFound);
    spool.done(|counts, bytes| counts.dropped_bytes += bytes);
    assert!(drain(&spool) == lines(2..4, 20));
    counts(&spool);
}

#[test]
fn who_waits_hears_of_lines_and_of_the_end() {
    let directory = tempfile::tempdir().unwrap();
    let spool = spool(directory.path(), 64 * MIB);
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| spool.next(Instant::now()));
        put(&spool, &lines(0..1, 20));
        assert!(waiting.join().unwrap().is_some());
        acknowledge(&spool);
        let waiting = scope.spawn(|| (spool.next(Instant::now()), spool.pause(Duration::from_secs(600))));
        spool.close(Duration::from_secs(600));
        assert_eq!(waiting.join().unwrap(), (None, true));
    });
    // When time is over nothing more is handed out.
    put(&spool, &lines(1..2, 20));
    spool.close(Duration::ZERO);
    assert_eq!(spool.next(Instant::now()), None);
    assert_eq!(counts(&spool).waiting_batches, 1);
}

#[test]
fn tokens_and_certificates_are_read_and_never_told() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("token");
    assert!(token(&path).unwrap_err().contains("SENSOR_TOKEN_FILE"));
    for (text, good) in [(" abc-123\n", true), ("", false), ("\n", false), ("two words", false), ("é", false)] {
        fs::write(&path, text).unwrap();
        match token(&path) {
            Ok(token) => assert!(good && token == "abc-123"),
            Err(error) => assert!(!good && !error.contains("words"), "{error}"),
        }
    }
    for (length, good) in [(4_095, true), (4_096, true), (4_097, false)] {
        fs::write(&path, "x".repeat(length)).unwrap();
        assert_eq!(token(&path).is_ok(), good, "{length}");
    }
    fs::write(&path, "no certificate").unwrap();
    assert!(authorities(&path).unwrap_err().contains("LOG_SERVER_CA"));
}

proptest! {
    /// Whatever is appended between attempts and ends of the process comes out once and in order.
    #[test]
    fn nothing_is_lost_or_doubled(steps in proptest::collection::vec((0_usize..4, 1_usize..3_000), 1..30)) {
        let directory = tempfile::tempdir().unwrap();
        let mut open = spool(directory.path(), 1 << 40);
        let (mut written, mut arrived) = (0, Vec::new());
        let sent = |spool: &Spool, arrived: &mut Vec<u8>| {
            let Some(batch) = next(spool) else { return };
            arrived.extend(spool.read(batch).unwrap());
            acknowledge(spool);
        };
        for (step, count) in steps {
            match step {
                0 | 1 => {
                    put(&open, &lines(written..written + count, 60));
                    written += count;
                }
                2 => sent(&open, &mut arrived),
                _ => {
                    drop(open);
                    open = spool(directory.path(), 1 << 40);
                }
            }
            counts(&open);
        }
        arrived.extend(drain(&open));
        prop_assert!(arrived == lines(0..written, 60));
    }
}
