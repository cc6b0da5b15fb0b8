//! Looks at a log directory, alone and beside a server.

use std::io::Write as _;

use jiff::SignedDuration;

use super::*;
use crate::store::record::{Asked, read_once};
use crate::store::{Look, Once};

struct Place {
    logs: tempfile::TempDir,
    state: tempfile::TempDir,
}

impl Place {
    fn new() -> Place {
        Place { logs: tempfile::tempdir().unwrap(), state: tempfile::tempdir().unwrap() }
    }

    /// Adds events to the journal of the day that it is named after.
    fn write(&self, name: &str, events: &[Stored]) {
        let lines: String = events
            .iter()
            .map(|stored| event::journal::to_line(&stored.event).unwrap().trim_end().to_owned() + "\n")
            .collect();
        let path = self.logs.path().join(name);
        let mut file = std::fs::OpenOptions::new().create(true).append(true).open(path).unwrap();
        file.write_all(lines.as_bytes()).unwrap();
    }

    fn all_times(&self) -> Look {
        Look {
            log_dir: self.logs.path().to_owned(),
            state_dir: Some(self.state.path().to_owned()),
            zone: TimeZone::UTC,
            from: Timestamp::MIN,
            to: Timestamp::MAX,
        }
    }

    fn look(&self) -> Vec<Stored> {
        found(&self.all_times())
    }

    /// Reads all logs into an archive, as a server does.
    fn feed(&self, archive: &Arc<Archive>) {
        let asked = Asked { first: Date::MIN, last: Date::MAX };
        read_once(self.logs.path(), &TimeZone::UTC, asked, Arc::clone(archive) as Arc<dyn record::Sink>).unwrap();
    }
}

fn found(look: &Look) -> Vec<Stored> {
    let once = Once::open(look, now()).unwrap();
    assert_eq!(once.unreadable(), [""; 0]);
    all(once.archive())
}

fn events(numbers: std::ops::Range<u64>) -> Vec<Stored> {
    numbers.map(sample::stored).collect()
}

/// The same events on another day.
fn moved(events: &[Stored], days: i64) -> Vec<Stored> {
    let mut moved = events.to_vec();
    for (n, stored) in moved.iter_mut().enumerate() {
        let by = SignedDuration::from_hours(24 * days);
        stored.event.id = format!("{days}.{n}");
        stored.event.time = stored.event.time.checked_add(by).unwrap();
        stored.event.last = stored.event.last.checked_add(by).unwrap();
    }
    moved
}

const DAY: &str = "events-2026-11-20.jsonl";

#[test]
fn logs_are_found_alone_and_beside_a_server() {
    let place = Place::new();
    let events = events(0..50);
    place.write(DAY, &events[..20]);
    let journal = std::fs::read(place.logs.path().join(DAY)).unwrap();
    assert_eq!(place.look(), events[..20]);
    assert_eq!(place.look(), events[..20], "from what was kept");
    assert_eq!(std::fs::read(place.logs.path().join(DAY)).unwrap(), journal, "the logs are as they were");
    assert_eq!(std::fs::read_dir(place.logs.path()).unwrap().count(), 1);
    // A server that has some of it in segments, some in memory, and some was not seen by it yet.
    let owner = Arc::new(open(place.state.path()).unwrap());
    place.write(DAY, &events[20..30]);
    place.feed(&owner);
    owner.flush().unwrap();
    place.write(DAY, &events[30..40]);
    place.feed(&owner);
    place.write(DAY, &events[40..]);
    let before: Vec<_> =
        std::fs::read_dir(place.state.path().join("segments")).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(place.look(), events);
    let after: Vec<_> =
        std::fs::read_dir(place.state.path().join("segments")).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(before, after, "what is the server's is left as it was");
    assert_eq!(all(&owner), events[..40], "the server goes on");
    let none = Look { log_dir: place.logs.path().join("none"), ..place.all_times() };
    assert!(Once::open(&none, now()).is_err());
}

#[test]
fn what_the_owner_removes_stays_readable() {
    let place = Place::new();
    let events = events(0..200);
    let owner = Arc::new(open(place.state.path()).unwrap());
    for part in events.chunks(50) {
        place.write(DAY, part);
        place.feed(&owner);
        owner.flush().unwrap();
    }
    let once = Once::open(&place.all_times(), now()).unwrap();
    let later = now().checked_add(SignedDuration::from_hours(100)).unwrap();
    assert_eq!(owner.seal(later).unwrap().len(), 1, "many became one");
    let sealed = Once::open(&place.all_times(), now()).unwrap();
    owner.remove_before(Date::MAX).unwrap();
    assert_eq!(std::fs::read_dir(place.state.path().join("segments")).unwrap().count(), 2, "catalog and `damaged`");
    for look in [&once, &sealed] {
        assert_eq!(all(look.archive()), events);
    }
}

#[test]
fn a_damaged_segment_is_told_and_left_to_its_owner() {
    let place = Place::new();
    place.write(DAY, &events(0..50));
    let owner = Arc::new(open(place.state.path()).unwrap());
    place.feed(&owner);
    owner.flush().unwrap();
    let segments = place.state.path().join("segments");
    let parquet = |entry: std::io::Result<std::fs::DirEntry>| {
        Some(entry.unwrap().path()).filter(|path| path.extension().is_some_and(|e| e == "parquet"))
    };
    let segment = std::fs::read_dir(&segments).unwrap().find_map(parquet).unwrap();
    let whole = std::fs::read(&segment).unwrap();
    let mut bytes = whole.clone();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&segment, &bytes).unwrap();
    let once = Once::open(&place.all_times(), now()).unwrap();
    let error = scan(once.archive(), &query(Filter::All)).unwrap_err();
    assert!(matches!(error, StoreError::Damaged(_)), "{error}");
    assert_eq!(std::fs::read(&segment).unwrap(), bytes, "it is where it was");
    std::fs::write(&segment, &whole[..middle]).unwrap();
    assert!(Once::open(&place.all_times(), now()).err().unwrap().to_string().contains("another size"));
    std::fs::remove_file(&segment).unwrap();
    assert!(Once::open(&place.all_times(), now()).err().unwrap().to_string().contains("missing"));
}

#[test]
fn what_does_not_fit_into_memory_goes_into_a_directory_that_is_removed() {
    let place = Place::new();
    let some = events(0..100);
    let mut journal = Vec::new();
    (0..).map(|_| &some).take(MAX_TABLE_EVENTS / some.len() + 100).for_each(|some| journal.extend_from_slice(some));
    place.write(DAY, &journal);
    let look = Look { state_dir: None, ..place.all_times() };
    let once = Once::open(&look, now()).unwrap();
    let directory = once.archive().settings.state_dir.clone();
    assert!(directory.is_dir());
    assert_eq!(all(once.archive()).len(), journal.len());
    drop(once);
    assert!(!directory.exists());
    assert_eq!(std::fs::read_dir(place.state.path()).unwrap().count(), 0, "nothing is kept where nothing is to be");
}

#[test]
fn only_logs_that_can_hold_the_days_are_read() {
    let place = Place::new();
    let events = events(0..20);
    place.write(DAY, &events);
    place.write("events-2026-11-23.jsonl", &moved(&events, 3));
    // Nothing can be read of these: they are told where they could hold what is asked for.
    for day in ["2026-11-16", "2026-11-24"] {
        std::fs::write(place.logs.path().join(format!("events-{day}.jsonl.gz")), "no gzip").unwrap();
    }
    let day = |text: &str| format!("{text}T00:00:00Z").parse::<Timestamp>().unwrap();
    let of = |from: &str, to: &str| Look { from: day(from), to: day(to), ..place.all_times() };
    let asked = of("2026-11-20", "2026-11-20");
    let once = Once::open(&Look { to: day("2026-11-21"), ..asked.clone() }, now()).unwrap();
    assert_eq!(
        (once.unreadable().len(), all(once.archive()).len()),
        (1, 20),
        "2026-11-24 is three days from the 21st: {:?}",
        once.unreadable()
    );
    let once = Once::open(&asked, now()).unwrap();
    assert_eq!(once.unreadable(), [""; 0]);
    let once = Once::open(&of("2026-11-19", "2026-11-20"), now()).unwrap();
    assert!(once.unreadable()[0].starts_with("events-2026-11-16.jsonl.gz: "), "{:?}", once.unreadable());
    drop(once);
    // Beside a server too, and what was passed over before is found when it is asked for.
    let _owner = open(place.state.path()).unwrap();
    let scanned =
        scan(Once::open(&of("2026-11-23", "2026-11-24"), now()).unwrap().archive(), &query(Filter::All)).unwrap();
    assert_eq!(sorted(scanned), sorted(moved(&events, 3)));
}

#[test]
fn a_log_that_breaks_off_is_told_at_once() {
    let place = Place::new();
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let line = "\"2026-11-20 10:00:00.000000\" gw 10.0.0.5 40000 8.8.8.8 53 UDP DNS (www).evil.example \"x (malware)\" (static)\n";
    packed.write_all(line.repeat(5_000).as_bytes()).unwrap();
    let bytes = packed.finish().unwrap();
    std::fs::write(place.logs.path().join("2026-11-20.log.gz"), &bytes[..bytes.len() - 200]).unwrap();
    let once = Once::open(&place.all_times(), now()).unwrap();
    assert!(once.unreadable()[0].starts_with("2026-11-20.log.gz: "), "{:?}", once.unreadable());
}
