//! The store of a log directory, and what it removes of it.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use jiff::civil::Date;

use super::*;
use crate::store::files::fault;

const DAYS: [&str; 4] = ["2026-11-17", "2026-11-18", "2026-11-19", "2026-11-20"];

fn day(place: usize) -> Date {
    DAYS[place].parse().unwrap()
}

/// A journal and a text log for each day, with the same three events.
fn logs(directory: &Path) {
    for (place, day) in DAYS.iter().enumerate() {
        let noon: Timestamp = format!("{day}T12:00:00Z").parse().unwrap();
        let events = (0..3).map(|n| sample::at(place as u64 * 10 + n, noon).event);
        let (mut journal, mut text) = (String::new(), String::new());
        for event in events {
            journal += &format!("{}\n", event::journal::to_line(&event).unwrap());
            text += &format!("{}\n", event.line(&TimeZone::UTC));
        }
        fs::write(directory.join(format!("events-{day}.jsonl")), journal).unwrap();
        fs::write(directory.join(format!("{day}.log")), text).unwrap();
    }
}

/// Opens a store on the last of the days, with all files read and everything made of them.
fn opened(directory: &Path, days: Option<u32>, bytes: Option<u64>) -> LocalStore {
    let now: Timestamp = "2026-11-20T18:00:00Z".parse().unwrap();
    let settings = LocalSettings {
        log_dir: directory.join("log"),
        state_dir: directory.join("state"),
        zone: TimeZone::UTC,
        local: Local::default(),
        window: record::Window { back: SignedDuration::from_hours(240), ahead: SignedDuration::from_hours(1) },
        retention_days: days,
        retention_bytes: bytes,
        clock: Arc::new(move || now),
    };
    let store = LocalStore::open(settings).unwrap();
    assert!(store.record().settled(Duration::from_secs(60)));
    store.archive().flush().unwrap();
    store.archive().seal(now).unwrap();
    store.archive().condense().unwrap();
    store
}

fn directory() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir(directory.path().join("log")).unwrap();
    logs(&directory.path().join("log"));
    directory
}

/// Bytes of each day: its segments and its files.
fn sizes(directory: &Path, store: &LocalStore) -> BTreeMap<Date, u64> {
    let mut sizes: BTreeMap<Date, u64> = store.archive().bytes_by_day().into_iter().collect();
    for name in names(directory) {
        let day = DAYS.iter().find(|day| name.contains(*day)).unwrap();
        *sizes.get_mut(&day.parse().unwrap()).unwrap() +=
            fs::metadata(directory.join("log").join(&name)).unwrap().len();
    }
    sizes
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory.join("log")).unwrap();
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Days that the store has.
fn days(store: &LocalStore) -> Vec<Date> {
    store.days(&Scope::everything()).unwrap().into_iter().map(|count| count.day).collect()
}

#[test]
fn days_that_are_too_old_go() {
    for (limit, gone) in [(2, 1), (3, 0), (4, 0)] {
        let directory = directory();
        let store = opened(directory.path(), Some(limit), None);
        let sizes = sizes(directory.path(), &store);
        assert_eq!(days(&store).len(), 4);
        let removed = store.keep_up().unwrap();
        assert_eq!(removed.days, (0..gone).map(day).collect::<Vec<_>>(), "{limit}");
        assert_eq!((removed.lines, removed.files, removed.failed), (3 * gone as u64, gone as u64, 0), "{limit}");
        assert_eq!(days(&store), (gone..4).map(day).collect::<Vec<_>>());
        // The text log of the day may reach into the next (UTC) and goes with it; the journal goes.
        let there = names(directory.path());
        assert_eq!(there.contains(&"events-2026-11-17.jsonl".to_owned()), gone == 0);
        assert!(there.contains(&"2026-11-17.log".to_owned()));
        let text = fs::metadata(directory.path().join("log").join("2026-11-17.log")).unwrap().len();
        assert_eq!(removed.bytes, if gone == 0 { 0 } else { sizes[&day(0)] - text });
        assert_eq!(store.keep_up().unwrap(), Removed::default(), "nothing more");
    }
}

#[test]
fn days_that_are_too_many_for_their_bytes_go() {
    for (more, gone) in [(1, 0), (0, 0), (-1, 1)] {
        let directory = directory();
        let store = opened(directory.path(), None, None);
        let total: u64 = sizes(directory.path(), &store).values().sum();
        drop(store);
        let store = opened(directory.path(), None, Some(total.checked_add_signed(more).unwrap()));
        let removed = store.keep_up().unwrap();
        assert_eq!((removed.days.len(), removed.files), (gone, gone as u64), "{more}");
        assert_eq!(days(&store), (gone..4).map(day).collect::<Vec<_>>());
    }
}

/// What could not be removed is told, is in no answer any more, and goes the next time.
#[test]
fn a_file_that_cannot_be_removed_is_told_and_tried_again() {
    let mut stayed = 0;
    for steps in 1..20 {
        let directory = directory();
        let store = opened(directory.path(), Some(1), None);
        fault::crash_after(Some(steps));
        let first = store.keep_up();
        fault::crash_after(None);
        let Ok(first) = first else { continue };
        stayed += u64::from(first.failed > 0);
        let then = store.keep_up().unwrap();
        assert_eq!((first.files + then.files, then.failed), (3, 0), "{steps}");
        assert_eq!(days(&store), [day(2), day(3)]);
        assert_eq!(names(directory.path()).len(), 5);
    }
    assert!(stayed > 0);
}
