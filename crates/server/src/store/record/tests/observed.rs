//! Files of observables that are followed.

use std::fs::{OpenOptions, rename};
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use super::super::observed::{Following, take_once};
use super::super::sample::noon;
use crate::observables::{Ask, Observables, ObservablesSettings, View};

const NAME: &str = "observables-2026-11-20.jsonl";
const PATIENCE: Duration = Duration::from_secs(30);

fn line(n: usize) -> String {
    format!(
        r#"{{"observable":"name","name":"a{n}.example","host":"10.0.0.7","sensor":"s","site":"","first":"2026-11-20T10:00:{:02}Z","last":"2026-11-20T11:00:00Z","count":1}}"#,
        n % 60
    ) + "\n"
}

fn lines(numbers: std::ops::Range<usize>) -> String {
    numbers.map(line).collect()
}

fn append(path: &Path, text: &str) {
    OpenOptions::new().create(true).append(true).open(path).unwrap().write_all(text.as_bytes()).unwrap();
}

struct Desk {
    directory: tempfile::TempDir,
    observables: Arc<Observables>,
    following: Option<Following>,
}

impl Desk {
    fn new() -> Desk {
        let directory = tempfile::tempdir().unwrap();
        let mut desk = Desk { observables: open(&directory), directory, following: None };
        desk.start();
        desk
    }

    fn start(&mut self) {
        let clock = Arc::new(noon);
        self.following = Some(Following::start(self.directory.path(), self.observables.clone(), clock).unwrap());
    }

    /// Another process.
    fn restart(&mut self) {
        self.following = None;
        self.observables = open(&self.directory);
        self.start();
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.directory.path().join(name)
    }

    /// Each of so many lines was taken so many times.
    #[track_caller]
    fn check(&self, names: u64, each: u64) {
        assert!(self.following.as_ref().unwrap().settled(PATIENCE));
        let reading = self.observables.reading();
        let all = reading.sighting(&Ask::Below("example".into()), View::ALL).unwrap().map_or(0, |all| all.seen.count);
        assert_eq!(all, names * each);
        let last = Ask::Name(format!("a{}.example", names - 1));
        assert_eq!(reading.sighting(&last, View::ALL).unwrap().map(|last| last.seen.count), Some(each));
    }
}

fn open(directory: &tempfile::TempDir) -> Arc<Observables> {
    Arc::new(Observables::open(directory.path(), ObservablesSettings::default()).unwrap())
}

#[test]
fn what_is_there_and_what_is_added_is_taken_once() {
    let mut desk = Desk::new();
    append(&desk.path(NAME), &lines(0..10));
    desk.check(10, 1);
    append(&desk.path(NAME), &lines(10..20));
    append(&desk.path("observables-2026-11-19.jsonl"), &lines(20..30));
    desk.check(30, 1);
    desk.restart();
    desk.check(30, 1);
    desk.following = None;
    append(&desk.path(NAME), &lines(30..40));
    desk.restart();
    desk.check(40, 1);
}

#[test]
fn a_torn_line_waits_for_its_end_and_lines_that_are_none_are_counted() {
    let mut desk = Desk::new();
    let text = lines(0..2);
    let (begun, rest) = text.split_at(text.len() - 9);
    append(&desk.path(NAME), begun);
    desk.check(1, 1);
    desk.restart();
    desk.check(1, 1);
    append(&desk.path(NAME), rest);
    desk.check(2, 1);
    append(&desk.path(NAME), "{\"observable\":\"name\"}\n\n");
    append(&desk.path(NAME), &format!("{}\n", "x".repeat(3 << 20)));
    std::fs::write(desk.path("observables-2026-11-18.jsonl"), b"\xff\xfe\n").unwrap();
    append(&desk.path(NAME), &lines(2..3));
    desk.check(3, 1);
    assert_eq!(desk.observables.counters().malformed.load(Relaxed), 4);
    assert_eq!(desk.observables.counters().from_files.load(Relaxed), 2);
}

#[test]
fn rotated_and_packed_files_are_known_again() {
    let mut desk = Desk::new();
    let old = desk.path(&format!("{NAME}.1"));
    append(&desk.path(NAME), &lines(0..10));
    desk.check(10, 1);
    rename(desk.path(NAME), &old).unwrap();
    append(&desk.path(NAME), &lines(10..20));
    desk.check(20, 1);
    let packed = zstd::encode_all(std::fs::read(&old).unwrap().as_slice(), 1).unwrap();
    std::fs::write(desk.path(&format!("{NAME}.1.zst")), packed).unwrap();
    desk.check(20, 1);
    std::fs::remove_file(old).unwrap();
    desk.restart();
    desk.check(20, 1);
}

#[test]
fn files_that_are_truncated_or_replaced_lose_and_double_nothing() {
    let mut desk = Desk::new();
    append(&desk.path(NAME), &lines(0..10));
    desk.check(10, 1);
    // Its end is cut off: that was taken. What is added was not.
    let file = OpenOptions::new().write(true).open(desk.path(NAME)).unwrap();
    file.set_len(lines(0..5).len() as u64).unwrap();
    desk.check(10, 1);
    append(&desk.path(NAME), &lines(10..12));
    desk.check(12, 1);
    assert_eq!(desk.observables.counters().truncated_files.load(Relaxed), 1);
    // The same while nobody looks.
    desk.following = None;
    file.set_len(lines(0..3).len() as u64).unwrap();
    desk.restart();
    desk.check(12, 1);
    append(&desk.path(NAME), &lines(12..14));
    desk.check(14, 1);
    // Emptied and written anew, as programs do that copy before they truncate: another first line, another file.
    std::fs::write(desk.path(NAME), lines(14..20)).unwrap();
    desk.check(20, 1);
    desk.restart();
    desk.check(20, 1);
}

#[test]
fn many_lines_are_taken_in_portions() {
    let desk = Desk::new();
    append(&desk.path(NAME), &lines(0..500).repeat(500));
    desk.check(500, 500);
}

#[test]
fn a_log_directory_is_read_once_without_a_server() {
    let directory = tempfile::tempdir().unwrap();
    append(&directory.path().join(NAME), &lines(0..10));
    std::fs::write(directory.path().join("observables-2026-11-19.jsonl.gz"), "no gzip").unwrap();
    let observables = open(&directory);
    for _ in 0..2 {
        let unreadable = take_once(directory.path(), observables.clone(), Arc::new(noon));
        assert!(unreadable.len() == 1 && unreadable[0].contains("2026-11-19"), "{unreadable:?}");
        let all = observables.reading().sighting(&Ask::Below("example".into()), View::ALL).unwrap();
        assert_eq!(all.map(|all| all.seen.count), Some(10));
    }
    let missing = take_once(&directory.path().join("missing"), observables, Arc::new(noon));
    assert_eq!(missing.len(), 1);
}
