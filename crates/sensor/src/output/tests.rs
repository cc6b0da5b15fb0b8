use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crossbeam_channel::{Receiver, Sender, bounded};
use jiff::Timestamp;

use super::queue::Writer;
use super::*;
use crate::hooks::Level;

fn event(seconds: i64, name: &str) -> Event {
    let time = Timestamp::from_second(seconds).unwrap();
    let text = format!(
        r#"{{"v":1,"id":"{seconds}-{name}","time":"{time}","last":"{time}","sensor":"s","src":["10.0.0.1"],"src_ports":[1],"dst":["10.0.0.2"],
        "dst_ports":[53],"protocol":17,"kind":"DNS","observed":{{"text":"{name}","matched":[]}},"indicator":"{name}",
        "info":"x (malware)","reference":"(static)","class":"malware","severity":"high","confidence":90,"count":1}}"#
    );
    event::journal::parse(&text.replace('\n', "")).unwrap()
}

fn silent() -> MessageHook {
    Arc::new(|_, _| {})
}

fn open(directory: &Path) -> Outputs {
    Outputs::open(
        &OutputSettings {
            directory: Some(directory),
            text: true,
            journal: true,
            destinations: &[],
            severity: None,
            spool: None,
            full: Full::Wait,
        },
        &silent(),
    )
    .unwrap()
}

fn read(path: &Path) -> Vec<String> {
    fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect()
}

fn sums(counts: &OutputCounts) -> (u64, u64, u64, u64) {
    assert_eq!(counts.offered, counts.delivered + counts.queued + counts.dropped, "{counts:?}");
    (counts.offered, counts.delivered, counts.queued, counts.dropped)
}

const NOON: i64 = 1_700_049_600;
const DAY: i64 = 86_400;

#[test]
fn files_by_day_with_their_modes() {
    let parent = tempfile::tempdir().unwrap();
    let directory = parent.path().join("a/b");
    let mut outputs = open(&directory);
    for day in 0..3 {
        outputs.offer(event(NOON + day * DAY, "evil.example"));
    }
    outputs.offer(event(NOON, "late.example"));
    for counts in outputs.finish(None) {
        assert_eq!(sums(&counts), (4, 4, 0, 0));
    }
    for (day, lines) in [("2023-11-15", 2), ("2023-11-16", 1), ("2023-11-17", 1)] {
        let journal = directory.join(format!("events-{day}.jsonl"));
        assert_eq!(read(&journal).len(), lines, "{day}");
        let mode = fs::metadata(&journal).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode & !0o640, 0, "{mode:o}");
        for line in read(&journal) {
            event::journal::parse(&line).unwrap();
        }
    }
    let mode = fs::metadata(&directory).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode & !0o750, 0, "{mode:o}");
    let logs: usize = fs::read_dir(&directory)
        .unwrap()
        .flatten()
        .filter(|e| e.path().extension().is_some_and(|e| e == "log"))
        .map(|e| read(&e.path()).len())
        .sum();
    assert_eq!(logs, 4);
}

#[test]
fn midnight_is_that_of_the_zone() {
    let directory = tempfile::tempdir().unwrap();
    let zone = jiff::tz::TimeZone::fixed(jiff::tz::offset(2));
    let mut log = text::TextLog::in_zone(directory.path(), zone);
    let midnight_utc = NOON + DAY / 2;
    let events: Vec<_> = [-7201, -7200, 0].iter().map(|s| Arc::new(event(midnight_utc + s, "evil.example"))).collect();
    assert!(matches!(log.write(&events), (3, Ok(()))));
    assert_eq!(read(&directory.path().join("2023-11-15.log")).len(), 1);
    let next = read(&directory.path().join("2023-11-16.log"));
    assert_eq!(next.len(), 2);
    assert!(next[0].starts_with("\"2023-11-16 00:00:00.000000\""), "{}", next[0]);
}

#[test]
fn rotated_and_deleted_files_are_made_again() {
    let directory = tempfile::tempdir().unwrap();
    let mut journal = journal::Journal::new(directory.path());
    let path = directory.path().join("events-2023-11-15.jsonl");
    let one = || [Arc::new(event(NOON, "evil.example"))];
    assert_eq!(journal.write(&one()).0, 1);
    fs::rename(&path, directory.path().join("rotated")).unwrap();
    assert_eq!(journal.write(&one()).0, 1);
    assert_eq!((read(&path).len(), read(&directory.path().join("rotated")).len()), (1, 1));
    fs::remove_file(&path).unwrap();
    assert_eq!(journal.write(&one()).0, 1);
    assert_eq!(read(&path).len(), 1);
    fs::remove_dir_all(directory.path()).unwrap();
    assert_eq!(journal.write(&one()).0, 1, "also the directory");
}

#[test]
fn torn_last_lines() {
    for torn in [&b"{\"half"[..], &[b'x'; 10_000][..]] {
        let directory = tempfile::tempdir().unwrap();
        let whole = b"{\"whole\":1}\n";
        let path = directory.path().join("events-2023-11-15.jsonl");
        fs::write(&path, [&whole[..], torn].concat()).unwrap();
        let mut journal = journal::Journal::new(directory.path());
        assert_eq!(journal.write(&[Arc::new(event(NOON, "evil.example"))]).0, 1);
        let lines = read(&path);
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[0], "{\"whole\":1}");
        event::journal::parse(&lines[1]).unwrap();

        let zone = jiff::tz::TimeZone::UTC;
        let path = directory.path().join("2023-11-15.log");
        fs::write(&path, torn).unwrap();
        let mut log = text::TextLog::in_zone(directory.path(), zone);
        assert_eq!(log.write(&[Arc::new(event(NOON, "evil.example"))]).0, 1);
        let lines = read(&path);
        assert_eq!(lines.len(), 2, "in the text log it stays, but ends");
        assert_eq!(lines[0].as_bytes(), torn);
    }
}

#[test]
fn a_journal_has_one_writer() {
    let directory = tempfile::tempdir().unwrap();
    let mut first = journal::Journal::new(directory.path());
    let mut second = journal::Journal::new(directory.path());
    let one = [Arc::new(event(NOON, "evil.example"))];
    assert!(matches!(first.write(&one), (1, Ok(()))));
    let (written, result) = second.write(&one);
    assert_eq!(written, 0);
    assert!(result.unwrap_err().to_string().contains("another process writes it"));
    drop(first);
    assert_eq!(second.write(&one).0, 1);
}

/// Does what it is told, event by event.
struct Told {
    answers: Receiver<usize>,
    written: Arc<Mutex<Vec<String>>>,
}

impl Writer for Told {
    fn write(&mut self, events: &[Arc<Event>]) -> (usize, io::Result<()>) {
        let may = self.answers.recv().unwrap_or(usize::MAX).min(events.len());
        self.written.lock().unwrap().extend(events.iter().take(may).map(|e| e.indicator.clone()));
        let full = || io::Error::from(io::ErrorKind::StorageFull);
        (may, if may == events.len() { Ok(()) } else { Err(full()) })
    }
}

struct Bench {
    queue: Queue,
    answers: Sender<usize>,
    written: Arc<Mutex<Vec<String>>>,
    errors: Arc<AtomicUsize>,
}

fn bench(full: Full) -> Bench {
    let (answers, told) = bounded(1 << 20);
    let written = Arc::new(Mutex::new(Vec::new()));
    let errors = Arc::new(AtomicUsize::new(0));
    let counted = errors.clone();
    let message: MessageHook = Arc::new(move |level, _| {
        if level == Level::Error {
            counted.fetch_add(1, Ordering::Relaxed);
        }
    });
    let writer = Told { answers: told, written: written.clone() };
    Bench { queue: Queue::start("told", writer, full, message).unwrap(), answers, written, errors }
}

#[test]
fn what_fails_is_repeated_in_order_and_without_doubles() {
    let mut bench = bench(Full::Drop);
    for n in 0..10 {
        bench.queue.offer(&Arc::new(event(NOON, &format!("{n}.example"))));
    }
    bench.answers.send(0).unwrap();
    drop(bench.answers);
    let counts = bench.queue.finish();
    assert_eq!(sums(&counts), (10, 10, 0, 0));
    assert_eq!(counts.errors, 1);
    assert_eq!(bench.errors.load(Ordering::Relaxed), 1);
    let expected: Vec<String> = (0..10).map(|n| format!("{n}.example")).collect();
    assert_eq!(*bench.written.lock().unwrap(), expected);
}

#[test]
fn what_cannot_be_written_at_the_end_is_counted() {
    let mut bench = bench(Full::Drop);
    for n in 0..3 {
        bench.queue.offer(&Arc::new(event(NOON, &format!("{n}.example"))));
    }
    for _ in 0..8 {
        bench.answers.send(0).unwrap();
    }
    let counts = bench.queue.finish();
    assert_eq!(sums(&counts), (3, 0, 0, 3));
}

#[test]
fn memory_of_what_waits_is_known() {
    let mut bench = bench(Full::Drop);
    let (_, counters) = bench.queue.counters();
    let events: Vec<_> = ["a.example", "a-longer-name.example"].map(|name| Arc::new(event(NOON, name))).into();
    let mut memory = 0;
    for event in &events {
        bench.queue.offer(event);
        memory += event.memory() as u64;
        assert_eq!(counters.queued_bytes(), memory);
    }
    assert!(events[0].memory() > size_of::<Event>() && events[1].memory() > events[0].memory());
    let one = Arc::new(event(NOON, "evil.example"));
    for _ in 0..QUEUE_EVENTS + 1000 {
        bench.queue.offer(&one);
    }
    let kept = counters.counts("told".into()).queued;
    assert_eq!(counters.queued_bytes(), memory + (kept - 2) * one.memory() as u64, "what was refused takes none");
    for answer in [1, 0, 0] {
        bench.answers.send(answer).unwrap();
    }
    for _ in 0..1000 {
        bench.answers.send(0).unwrap();
    }
    let counts = bench.queue.finish();
    assert!(counts.delivered >= 1 && counts.dropped > 0, "{counts:?}");
    assert_eq!(counters.queued_bytes(), 0, "also of what was given up");
}

#[test]
fn a_full_queue_drops_and_counts() {
    let mut bench = bench(Full::Drop);
    let one = Arc::new(event(NOON, "evil.example"));
    // The writer holds at most a batch while it waits for its answer; the queue is full after that.
    let offered = QUEUE_EVENTS + 1000;
    for _ in 0..offered {
        bench.queue.offer(&one);
    }
    drop(bench.answers);
    let (offered_too, delivered, queued, dropped) = sums(&bench.queue.finish());
    assert_eq!((offered_too, queued), (offered as u64, 0));
    let held = 1 + 256;
    assert!(dropped >= 1000 - held && dropped <= 1000, "{dropped}");
    assert_eq!(delivered + dropped, offered as u64);
}

#[test]
fn a_replay_waits_for_its_writer() {
    let mut bench = bench(Full::Wait);
    drop(bench.answers);
    let one = Arc::new(event(NOON, "evil.example"));
    for _ in 0..QUEUE_EVENTS * 2 {
        bench.queue.offer(&one);
    }
    let all = QUEUE_EVENTS as u64 * 2;
    assert_eq!(sums(&bench.queue.finish()), (all, all, 0, 0));
}

#[test]
fn a_directory_that_is_none_is_said_at_the_start() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    fs::write(&file, "").unwrap();
    let settings = OutputSettings {
        directory: Some(&file),
        text: true,
        journal: true,
        destinations: &[],
        severity: None,
        spool: None,
        full: Full::Wait,
    };
    let error = Outputs::open(&settings, &silent()).err().unwrap().to_string();
    assert!(error.contains("set LOG_DIR"), "{error}");
}

/// The device that is always full stands for a full disk.
#[test]
fn a_full_disk_is_explained() {
    let mut lines =
        lines::Lines::open(Path::new("/dev/full"), Care { torn: lines::Torn::End, lock: false, setting: LOG_DIR })
            .unwrap();
    let (written, result) = lines.append(b"a line\n");
    assert_eq!(written, 0);
    assert!(result.unwrap_err().to_string().contains("make room"));
}
