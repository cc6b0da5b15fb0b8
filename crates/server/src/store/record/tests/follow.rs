//! Files of every kind into a store: each event once.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use event::import::Refusal;
use jiff::SignedDuration;
use jiff::tz::TimeZone;

use super::super::{FileState, Record, RecordSettings, entry, follow, gaps, sample};
use super::append::{batch, settings};
use super::sink::{Kept, Memory};
use crate::store::{Gap, Missing, Range, SourceId, Stored};

const PATIENCE: Duration = Duration::from_secs(60);
const DAY: &str = "2026-11-20";

pub(super) fn open(directory: &Path, sink: &Arc<Memory>) -> Record {
    let append = settings(directory);
    let settings = RecordSettings {
        log_dir: append.log_dir,
        state_dir: append.state_dir,
        zone: append.zone,
        window: append.window,
        clock: append.clock,
    };
    Record::open(settings, Arc::clone(sink) as Arc<dyn super::super::Sink>).unwrap()
}

/// Reads all that is there.
fn read(directory: &Path, sink: &Arc<Memory>) -> Record {
    let record = open(directory, sink);
    assert!(record.settled(PATIENCE) && record.caught_up());
    record
}

fn zone() -> TimeZone {
    TimeZone::get("Europe/Vienna").unwrap()
}

fn line(stored: &Stored) -> String {
    format!("{}\n", stored.event.line(&zone()))
}

/// The event of a foreign sensor.
fn foreign(n: u64) -> Stored {
    let mut stored = sample::stored(n);
    stored.event.sensor = "other".into();
    stored
}

fn journal(events: &[Stored]) -> Vec<u8> {
    let mut bytes = Vec::new();
    events.iter().for_each(|stored| entry::write(stored, None, &mut bytes).unwrap());
    bytes
}

fn texts(events: impl IntoIterator<Item = u64>) -> Vec<String> {
    let mut texts: Vec<_> = events.into_iter().map(|n| sample::stored(n).event.observed.text).collect();
    texts.sort();
    texts
}

fn append(path: &Path, bytes: &[u8]) {
    File::options().create(true).append(true).open(path).unwrap().write_all(bytes).unwrap();
}

#[test]
fn a_foreign_log_is_imported_and_followed() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(format!("{DAY}.log"));
    let sink = Arc::new(Memory::default());
    std::fs::write(&path, (0..1000).map(|n| line(&foreign(n))).collect::<String>()).unwrap();
    let record = read(directory.path(), &sink);
    assert_eq!(sink.texts(), texts(0..1000));
    {
        let kept = sink.kept();
        let first = &kept.events[0];
        assert_eq!((first.line.as_ref(), first.event.class.as_str()), (None, "malware"));
        assert_eq!(first.event.time, sample::stored(0).event.time);
    }
    append(&path, b"garbage\n");
    append(&path, line(&foreign(1000)).trim_end().as_bytes());
    let start = Instant::now();
    append(&path, format!("\n{}", line(&foreign(1001))).as_bytes());
    while sink.kept().events.len() < 1002 {
        assert!(start.elapsed() < PATIENCE);
        std::thread::yield_now();
    }
    assert!(start.elapsed() < Duration::from_millis(200), "{:?}", start.elapsed());
    let refused: u64 = record.counters().refused().map(|(_, n)| n).sum();
    assert_eq!((refused, record.counters().refused().next()), (1, Some((Refusal::Columns, 1))));
}

#[test]
fn awkward_bytes_are_kept() {
    let directory = tempfile::tempdir().unwrap();
    let raw =
        b"\"2026-11-20 13:00:00\" other 10.0.0.5 1,2 8.8.8.8 53 UDP DNS (\xffwww).evil.example \"a \"\"b\"\"\" r\r";
    std::fs::write(directory.path().join(format!("{DAY}.log")), [&raw[..], b"\n", raw, b"\n"].concat()).unwrap();
    let sink = Arc::new(Memory::default());
    let record = read(directory.path(), &sink);
    let kept = sink.kept();
    assert_eq!(kept.events.len(), 2, "the same line twice is two events");
    assert_eq!(kept.events[0].event.id, kept.events[1].event.id);
    let line = kept.events[0].line.as_deref().unwrap();
    assert_eq!(event::import::give_back(line).as_ref(), raw);
    assert_eq!(record.counters().invalid_utf8.load(Relaxed), 2);
}

#[test]
fn what_a_journal_has_too_is_counted_once() {
    // A few thousand events: half of the sensor here, in journal and text; half of another, in the text only.
    let directory = tempfile::tempdir().unwrap();
    let own: Vec<_> = (0..6000).filter(|n| n % 2 == 0).map(sample::stored).collect();
    let text: String = (0..6000).map(|n| line(&if n % 2 == 0 { sample::stored(n) } else { foreign(n) })).collect();
    std::fs::write(directory.path().join(format!("{DAY}.log")), &text).unwrap();
    std::fs::write(directory.path().join(format!("events-{DAY}.jsonl")), journal(&own)).unwrap();
    let sink = Arc::new(Memory::default());
    let record = read(directory.path(), &sink);
    assert_eq!(sink.texts(), texts(0..6000));
    assert_eq!(record.counters().own_lines.load(Relaxed), 3000);
    drop(record);

    // The text comes later, and packed; a copy of it later still.
    let later = tempfile::tempdir().unwrap();
    std::fs::write(later.path().join(format!("events-{DAY}.jsonl")), journal(&own)).unwrap();
    let sink = Arc::new(Memory::default());
    let record = read(later.path(), &sink);
    assert_eq!(sink.kept().events.len(), 3000);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(text.as_bytes()).unwrap();
    std::fs::write(later.path().join(format!("{DAY}.log.1.gz")), gzip.finish().unwrap()).unwrap();
    assert!(record.settled(PATIENCE));
    assert_eq!(sink.texts(), texts(0..6000));
    std::fs::write(later.path().join(format!("{DAY}.log")), &text).unwrap();
    assert!(record.settled(PATIENCE));
    assert_eq!(sink.texts(), texts(0..6000));
}

#[test]
fn a_text_line_waits_for_its_journal() {
    let directory = tempfile::tempdir().unwrap();
    let (text, events) =
        (directory.path().join(format!("{DAY}.log")), directory.path().join(format!("events-{DAY}.jsonl")));
    std::fs::write(&events, journal(&[sample::stored(0)])).unwrap();
    std::fs::write(&text, line(&sample::stored(0))).unwrap();
    let sink = Arc::new(Memory::default());
    let record = read(directory.path(), &sink);
    for n in 1..20 {
        append(&text, line(&sample::stored(n)).as_bytes());
        append(&events, &journal(&[sample::stored(n)]));
        append(&text, line(&foreign(100 + n)).as_bytes());
    }
    assert!(record.settled(PATIENCE));
    assert_eq!(sink.texts(), texts((0..20).chain(101..120)));
}

/// The first events of a sensor: its text log is there a moment before its journal.
#[test]
fn the_first_lines_wait_for_a_journal_that_is_made_later() {
    let directory = tempfile::tempdir().unwrap();
    let sink = Arc::new(Memory::default());
    let record = read(directory.path(), &sink);
    let stored: Vec<_> = (0..10).map(sample::stored).collect();
    let text: String = stored.iter().map(line).collect();
    std::fs::write(directory.path().join(format!("{DAY}.log")), text).unwrap();
    assert!(!record.settled(Duration::from_millis(300)), "they wait");
    std::fs::write(directory.path().join(format!("events-{DAY}.jsonl")), journal(&stored)).unwrap();
    assert!(record.settled(PATIENCE));
    assert_eq!(sink.texts(), texts(0..10));
    assert_eq!(record.counters().own_lines.load(Relaxed), 10);
}

/// What is received is in the journal and in the text log, and counted once; so is what others write between.
#[test]
fn what_is_received_is_counted_once() {
    let directory = tempfile::tempdir().unwrap();
    let text = directory.path().join(format!("{DAY}.log"));
    let sink = Arc::new(Memory::default());
    let record = open(directory.path(), &sink);
    for n in 0..50 {
        record.append(&batch(&format!("gw/{n}"), (n * 20..n * 20 + 19).map(sample::stored))).unwrap();
        append(&text, line(&foreign(n * 20 + 19)).as_bytes());
    }
    assert!(record.settled(PATIENCE));
    assert_eq!(sink.texts(), texts(0..1000));
    drop(record);
    let rebuilt = Arc::new(Memory::default());
    let record = read(directory.path(), &rebuilt);
    assert_eq!(rebuilt.texts(), texts(0..1000));
    assert_eq!(record.counters().own_lines.load(Relaxed), 950);
}

/// A store that stops after any number of steps, and goes on from what it has: every event once.
#[test]
fn a_start_goes_on_where_the_last_one_ended() {
    let directory = tempfile::tempdir().unwrap();
    // More than a portion of each file.
    let count = 16_000;
    let own: Vec<_> = (0..count).filter(|n| n % 3 != 0).map(sample::stored).collect();
    let text: String = (0..count).map(|n| line(&if n % 3 != 0 { sample::stored(n) } else { foreign(n) })).collect();
    std::fs::write(directory.path().join(format!("{DAY}.log")), &text).unwrap();
    let (events, received) = own.split_at(own.len() / 2);
    std::fs::write(directory.path().join(format!("events-{DAY}.jsonl")), journal(events)).unwrap();
    std::fs::write(directory.path().join(format!("received-{DAY}.jsonl")), journal(received)).unwrap();
    let mut kept = Kept::default();
    for calls in 1.. {
        let sink = Memory::of(Kept { calls: Some(calls), ..kept.clone() });
        let record = open(directory.path(), &sink);
        let start = Instant::now();
        let ended = loop {
            if sink.kept().calls == Some(0) || record.inbox.settled(Duration::from_millis(1)) {
                break sink.kept().calls != Some(0);
            }
            assert!(start.elapsed() < PATIENCE);
        };
        record.stop();
        kept = sink.kept().clone();
        if ended {
            break;
        }
    }
    kept.calls = None;
    let sink = Memory::of(kept);
    drop(read(directory.path(), &sink));
    assert_eq!(sink.texts(), texts(0..count));
}

#[test]
fn rotated_truncated_and_edited_files() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(format!("{DAY}.log"));
    let lines = |range: std::ops::Range<u64>| range.map(|n| line(&foreign(n))).collect::<String>();
    let sink = Arc::new(Memory::default());
    std::fs::write(&path, lines(0..10)).unwrap();
    let record = read(directory.path(), &sink);
    // Renamed, and another begun.
    append(&path, lines(10..20).as_bytes());
    std::fs::rename(&path, directory.path().join(format!("{DAY}.log.1"))).unwrap();
    std::fs::write(&path, lines(20..30)).unwrap();
    assert!(record.settled(PATIENCE));
    assert_eq!(sink.texts(), texts(0..30));
    // Copied, and truncated in place.
    std::fs::copy(&path, directory.path().join(format!("{DAY}.log.2"))).unwrap();
    File::options().write(true).open(&path).unwrap().set_len(0).unwrap();
    append(&path, lines(30..40).as_bytes());
    assert!(record.settled(PATIENCE));
    assert_eq!(sink.texts(), texts(0..40));
    // Cut to its half: what is added is read, also after another start.
    let half = lines(30..35).len() as u64;
    File::options().write(true).open(&path).unwrap().set_len(half).unwrap();
    assert!(record.settled(PATIENCE));
    append(&path, lines(40..44).as_bytes());
    assert!(record.settled(PATIENCE));
    assert_eq!(sink.texts(), texts(0..44));
    assert_eq!(record.counters().truncated_files.load(Relaxed), 1);
    drop(record);
    append(&path, lines(44..50).as_bytes());
    let record = read(directory.path(), &sink);
    assert_eq!(sink.texts(), texts(0..50));
    drop(record);
    // Bytes before the place where reading goes on changed: the line there is passed over.
    let mut text = std::fs::read_to_string(&path).unwrap();
    let at = text.match_indices('\n').nth(2).unwrap().0;
    text.insert_str(at, " # a remark");
    text.push_str(&lines(50..52));
    std::fs::write(&path, text).unwrap();
    let record = read(directory.path(), &sink);
    assert_eq!(sink.texts(), texts((0..50).chain(50..52)));
    assert!(record.counters().edited_files.load(Relaxed) > 0);
}

#[test]
fn what_is_no_log_is_reported() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join(format!("{DAY}.log")), b"\x7fELF\0\x01\n\xff\xfe\n\0\0\0\n").unwrap();
    std::fs::write(directory.path().join(format!("{DAY}.log.1.gz")), b"this is no gzip\n").unwrap();
    std::fs::write(directory.path().join("error.log"), b"something else\n").unwrap();
    std::fs::write(directory.path().join(format!("events-{DAY}.jsonl")), b"{\"v\":99}\nnot json\n").unwrap();
    let sink = Arc::new(Memory::default());
    let record = read(directory.path(), &sink);
    let files = record.files();
    assert_eq!(files.len(), 3, "{files:?}");
    assert_eq!(files[&format!("{DAY}.log")].state, FileState::NoEvents);
    assert_eq!(files[&format!("events-{DAY}.jsonl")].refused, 2);
    assert!(matches!(files[&format!("{DAY}.log.1.gz")].state, FileState::Unreadable(_)));
    std::fs::remove_file(directory.path().join(format!("{DAY}.log"))).unwrap();
    assert!(record.settled(PATIENCE));
    assert_eq!(record.files().len(), 2);
}

#[test]
fn what_a_damaged_segment_held_is_read_again() {
    let directory = tempfile::tempdir().unwrap();
    let own: Vec<_> = (0..100).filter(|n| n % 2 == 0).map(sample::stored).collect();
    let text: String = (0..100).map(|n| line(&if n % 2 == 0 { sample::stored(n) } else { foreign(n) })).collect();
    std::fs::write(directory.path().join(format!("{DAY}.log")), &text).unwrap();
    std::fs::write(directory.path().join(format!("events-{DAY}.jsonl")), journal(&own)).unwrap();
    let sink = Arc::new(Memory::default());
    drop(read(directory.path(), &sink));
    let positions = sink.kept().positions.clone();
    let range = |source: &SourceId, from, upto| Range { source: source.clone(), from, upto };
    let gaps = positions.iter().filter(|(_, upto)| **upto > 0).map(|(source, upto)| {
        // Half of the text, all of the others.
        let from = if source.0.starts_with("text") && !source.0.contains('|') {
            text.match_indices('\n').nth(49).unwrap().0 as u64 + 1
        } else {
            0
        };
        Gap { missing: Missing::Of(DAY.parse().unwrap()), range: range(source, from, *upto) }
    });
    let sink = Memory::of(Kept { gaps: gaps.collect(), positions: positions.clone(), ..Kept::default() });
    drop(read(directory.path(), &sink));
    assert!(sink.kept().gaps.is_empty());
    assert_eq!(sink.texts(), texts((0..100).filter(|n| n % 2 == 0 || *n >= 50)));
}

/// What is gone is given up when it has been gone for a while, and not while the directory is empty.
#[test]
fn a_gap_whose_file_is_gone_is_given_up() {
    let directory = tempfile::tempdir().unwrap();
    let range = |from, upto| Range { source: SourceId("events-2026-11-19-x".into()), from, upto };
    let gap = Gap { missing: Missing::Of(DAY.parse().unwrap()), range: range(0, 100) };
    let sink = Memory::of(Kept { gaps: vec![gap.clone()], ..Kept::default() });
    let look = |follower: &mut follow::Follower, second: u64, given_up: bool| {
        follower.rescan();
        gaps::fill(follower, Instant::now() + Duration::from_secs(second));
        let kept = sink.kept();
        assert_eq!((kept.gaps.is_empty(), kept.lost == [gap.clone()]), (given_up, given_up), "{second}");
    };
    let shared = follow::Shared {
        sink: Arc::clone(&sink) as Arc<dyn super::super::Sink>,
        counters: Arc::default(),
        committed: Arc::default(),
        inbox: Arc::default(),
        reports: Arc::default(),
    };
    let settings = follow::FollowSettings { log_dir: directory.path().to_owned(), zone: zone(), once: None };
    let mut follower = follow::Follower::new(settings, shared);
    look(&mut follower, 10_000, false);
    std::fs::write(directory.path().join(format!("{DAY}.log")), line(&foreign(1))).unwrap();
    let long = gaps::GONE_AFTER.as_secs();
    look(&mut follower, long - 10, false);
    look(&mut follower, long + 10, true);
}

#[test]
fn events_of_two_days_in_one_text_log() {
    // The local day begins an hour before the UTC day: its text log has lines of two journals.
    let directory = tempfile::tempdir().unwrap();
    let start = sample::noon() - SignedDuration::from_hours(13);
    let events: Vec<_> =
        (0..200).map(|n| sample::at(start + SignedDuration::from_mins(i64::try_from(n).unwrap()), n)).collect();
    let sink = Arc::new(Memory::default());
    let record = open(directory.path(), &sink);
    record.append(&batch("a", events)).unwrap();
    assert!(record.settled(PATIENCE));
    drop(record);
    let rebuilt = Arc::new(Memory::default());
    drop(read(directory.path(), &rebuilt));
    assert_eq!((sink.texts(), rebuilt.texts()), (texts(0..200), texts(0..200)));
    let mut names: Vec<_> =
        std::fs::read_dir(directory.path()).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names, ["2026-11-20.log", "received-2026-11-19.jsonl", "received-2026-11-20.jsonl", "received.index"]);
}
