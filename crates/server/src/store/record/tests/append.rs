//! Batches: once each, whatever happens.

use std::path::Path;
use std::sync::{Arc, Mutex};

use jiff::SignedDuration;
use jiff::tz::TimeZone;

use super::super::append::{AppendSettings, Appender, Committed, Handoff};
use super::super::counters::Counters;
use super::super::fit::Window;
use super::super::{entry, sample};
use crate::store::{Appended, Batch, StoreError, Stored};

pub(super) struct Open {
    pub(super) appender: Appender,
    pub(super) counters: Arc<Counters>,
    pub(super) handoffs: Arc<Mutex<Vec<Handoff>>>,
}

pub(super) fn settings(directory: &Path) -> AppendSettings {
    AppendSettings {
        log_dir: directory.to_path_buf(),
        state_dir: directory.to_path_buf(),
        zone: TimeZone::get("Europe/Vienna").unwrap(),
        window: Window { back: SignedDuration::from_hours(7 * 24), ahead: SignedDuration::from_hours(1) },
        clock: Arc::new(sample::noon),
    }
}

pub(super) fn open(directory: &Path) -> Open {
    let counters = Arc::new(Counters::default());
    let handoffs = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&handoffs);
    let handoff = move |handoff| told.lock().unwrap().push(handoff);
    let appender = Appender::start(settings(directory), Arc::clone(&counters), Arc::default(), handoff).unwrap();
    Open { appender, counters, handoffs }
}

pub(super) fn batch(id: &str, events: impl IntoIterator<Item = Stored>) -> Batch {
    Batch { id: id.into(), events: events.into_iter().collect() }
}

/// All events of the journals of a directory, and its text lines.
pub(super) fn written(directory: &Path) -> (Vec<Stored>, Vec<String>) {
    let mut names: Vec<_> = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.sort();
    let (mut events, mut lines) = (Vec::new(), Vec::new());
    for path in names {
        let text = std::fs::read_to_string(&path).unwrap();
        match path.extension().and_then(|e| e.to_str()) {
            Some("jsonl") => events.extend(text.lines().map(|line| entry::read(line).unwrap())),
            Some("log") => lines.extend(text.lines().map(str::to_owned)),
            _ => {}
        }
    }
    (events, lines)
}

fn done(written: u64, refused: u64) -> Appended {
    Appended { written, refused, repeated: false }
}

#[test]
fn a_batch_is_written_once() {
    let directory = tempfile::tempdir().unwrap();
    let day = SignedDuration::from_hours(24);
    let mut events: Vec<_> = (0..10).map(sample::stored).collect();
    events.extend((10..20).map(|n| sample::at(sample::noon() - day, n)));
    events.push(sample::at(sample::noon() - day * 8, 20));
    events.push(sample::at(sample::noon() + day, 21));
    {
        let open = open(directory.path());
        assert_eq!(open.appender.append(&batch("gw/1", events.clone())).unwrap(), done(20, 2));
        let again = Appended { written: 0, refused: 2, repeated: true };
        assert_eq!(open.appender.append(&batch("gw/1", events.clone())).unwrap(), again);
        assert_eq!(open.appender.append(&batch("", [sample::stored(30)])).unwrap(), done(1, 0));
        assert_eq!(open.appender.append(&batch("", [sample::stored(30)])).unwrap(), done(1, 0));
        let handoffs = open.handoffs.lock().unwrap();
        let told: Vec<_> = handoffs.iter().map(|h| (h.name.as_str(), h.from, h.events.len())).collect();
        assert_eq!(told[..2], [("received-2026-11-19.jsonl", 0, 10), ("received-2026-11-20.jsonl", 0, 10)]);
        assert_eq!((handoffs[2].from, handoffs[3].from), (handoffs[1].upto, handoffs[2].upto));
        let unfit: Vec<u64> = open.counters.unfits().map(|(_, n)| n).collect();
        assert_eq!(unfit, [2, 2, 0, 0]);
    }
    let open = open(directory.path());
    assert!(open.appender.append(&batch("gw/1", events)).unwrap().repeated);
    let (events, lines) = written(directory.path());
    assert_eq!((events.len(), lines.len()), (22, 22));
    assert!(events.iter().take(20).all(|stored| stored.event.batch == "gw/1"));
    assert!(lines[0].starts_with("\"2026-11-19 13:00:00.000000\" gw "), "{}", lines[0]);
}

#[test]
fn what_a_crash_left_of_a_batch_is_completed() {
    let whole = tempfile::tempdir().unwrap();
    let day = SignedDuration::from_hours(24);
    let mut events: Vec<_> = (0..3).map(sample::stored).collect();
    events.extend((3..6).map(|n| sample::at(sample::noon() - day, n)));
    let events = batch("gw/1", events);
    open(whole.path()).appender.append(&events).unwrap();
    let names = ["received-2026-11-19.jsonl", "received-2026-11-20.jsonl"];
    let files = names.map(|name| std::fs::read(whole.path().join(name)).unwrap());
    let expected = written(whole.path()).0;
    // Every state in which the files can be after a kill: written in order, the last one up to any byte.
    let cuts = (0..=files[0].len()).map(|cut| (cut, 0)).chain((0..=files[1].len()).map(|cut| (files[0].len(), cut)));
    for (first, second) in cuts.step_by(97).chain([(files[0].len(), files[1].len() - 1)]) {
        let torn = tempfile::tempdir().unwrap();
        std::fs::write(torn.path().join(names[0]), &files[0][..first]).unwrap();
        std::fs::write(torn.path().join(names[1]), &files[1][..second]).unwrap();
        let open = open(torn.path());
        let missing = open.appender.append(&events).unwrap();
        assert!(!missing.repeated && missing.written >= 1, "{missing:?}");
        assert!(open.appender.append(&events).unwrap().repeated);
        drop(open);
        let mut found = written(torn.path()).0;
        found.sort_by(|a, b| a.event.time.cmp(&b.event.time).then_with(|| a.event.id.cmp(&b.event.id)));
        assert_eq!(found, expected, "cut at {first} and {second}");
    }
}

#[test]
fn lines_of_others_stand_as_they_came() {
    let directory = tempfile::tempdir().unwrap();
    let mut stored = sample::stored(1);
    let raw = b"\"2026-11-20 13:00:00\" gw 10.0.0.5 \xff 8.8.8.8 53 UDP DNS x i r";
    stored.line = Some(event::import::keep(raw).into());
    open(directory.path()).appender.append(&batch("", [stored.clone()])).unwrap();
    let text = std::fs::read(directory.path().join("2026-11-20.log")).unwrap();
    assert_eq!(text, [&raw[..], b"\n"].concat());
    let journal = std::fs::read_to_string(directory.path().join("received-2026-11-20.jsonl")).unwrap();
    assert_eq!(entry::read(journal.trim_end()).unwrap(), stored);
}

#[test]
fn many_callers_share_a_sync() {
    let directory = tempfile::tempdir().unwrap();
    let open = open(directory.path());
    std::thread::scope(|scope| {
        for caller in 0..8 {
            let appender = &open.appender;
            scope.spawn(move || {
                for n in 0..50u64 {
                    let id = format!("{caller}/{}", n / 2);
                    let appended = appender.append(&batch(&id, [sample::stored(n / 2)])).unwrap();
                    assert_eq!(appended.repeated, n % 2 == 1);
                }
            });
        }
    });
    assert_eq!(written(directory.path()).0.len(), 8 * 25);
    drop(open);
}

#[test]
fn a_disk_that_refuses_loses_nothing_that_was_answered() {
    let directory = tempfile::tempdir().unwrap();
    let open = open(directory.path());
    let first = batch("a", [sample::stored(1)]);
    open.appender.append(&first).unwrap();
    // A directory in the place of a file cannot be written, whoever one is.
    let day = SignedDuration::from_hours(24);
    let blocked = directory.path().join("received-2026-11-20.jsonl");
    let kept = directory.path().join("kept");
    std::fs::rename(&blocked, &kept).unwrap();
    std::fs::create_dir(&blocked).unwrap();
    let events = [sample::at(sample::noon() - day, 2), sample::stored(3)];
    let second = batch("b", events);
    let error = open.appender.append(&second).unwrap_err();
    assert!(matches!(error, StoreError::Io { .. }), "{error}");
    let other = std::fs::read(directory.path().join("received-2026-11-19.jsonl")).unwrap();
    assert!(other.is_empty(), "the part that was written is taken back");
    assert!(open.appender.append(&second).is_err());
    std::fs::remove_dir(&blocked).unwrap();
    std::fs::rename(&kept, &blocked).unwrap();
    assert_eq!(open.appender.append(&second).unwrap(), done(2, 0));
    assert!(open.appender.append(&first).unwrap().repeated);
    assert!(open.appender.append(&second).unwrap().repeated);
    drop(open);
    assert_eq!(written(directory.path()).0.len(), 3);
}

/// A full disk, in a file that cannot even be cut back: an error, nothing answered, and it goes on when there is room.
#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_is_told_and_borne() {
    let directory = tempfile::tempdir().unwrap();
    let journal = directory.path().join("received-2026-11-20.jsonl");
    std::os::unix::fs::symlink("/dev/full", &journal).unwrap();
    let open = open(directory.path());
    let first = batch("a", [sample::stored(1)]);
    for _ in 0..2 {
        let error = open.appender.append(&first).unwrap_err();
        assert!(error.to_string().contains("make room on that disk"), "{error}");
    }
    assert!(open.handoffs.lock().unwrap().is_empty());
    assert!(!directory.path().join("2026-11-20.log").exists());
    std::fs::remove_file(&journal).unwrap();
    assert_eq!(open.appender.append(&first).unwrap(), done(1, 0));
    assert!(open.appender.append(&first).unwrap().repeated);
    drop(open);
    assert_eq!(written(directory.path()).0.len(), 1);
}

#[test]
fn nothing_is_read_that_is_not_on_disk() {
    let committed = Committed::default();
    assert_eq!(committed.limit("a", 7), 7);
    let directory = tempfile::tempdir().unwrap();
    let committed = Arc::new(committed);
    let counters = Arc::new(Counters::default());
    let appender = Appender::start(settings(directory.path()), counters, Arc::clone(&committed), |_| ()).unwrap();
    appender.append(&batch("", [sample::stored(1)])).unwrap();
    let length = std::fs::metadata(directory.path().join("received-2026-11-20.jsonl")).unwrap().len();
    assert_eq!(committed.limit("received-2026-11-20.jsonl", length + 5), length);
    assert_eq!(committed.limit("received-2026-11-20.jsonl", length - 5), length - 5);
}

#[test]
fn after_the_end_nothing_is_taken() {
    let directory = tempfile::tempdir().unwrap();
    let open = open(directory.path());
    open.appender.stop();
    assert!(open.appender.append(&batch("", [sample::stored(1)])).is_err());
}
