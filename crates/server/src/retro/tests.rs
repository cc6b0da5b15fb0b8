#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::io::Write as _;
use std::ops::ControlFlow;
use std::path::Path;
use std::rc::Rc;
use std::sync::atomic::AtomicU64;

use ::event::Kind;
use ::event::observable::{Observable, What};
use trails::builder::Place;
use trails::{Builder, Stamp as Built, Vetoes};

use super::*;
use crate::Scope;
use crate::addresses::Local;
use crate::observables::{ObservablesSettings, Origin};
use crate::store::record::Window;
use crate::store::{
    Appended, DayCount, Filter, Followed, LocalSettings, LocalStore, Manifest, Query, Scanned, Seen, SourceId, Stored,
};

/// When sets are made; seconds are counted from here.
const START: i64 = 1_795_000_000;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(START + seconds).unwrap()
}

fn clock() -> Clock {
    Arc::new(|| at(1000))
}

/// A server's parts in a directory.
struct Here {
    directory: tempfile::TempDir,
    store: Arc<LocalStore>,
    worker: Worker,
    built: AtomicU64,
}

fn open(directory: tempfile::TempDir, limits: Limits) -> Here {
    let path = directory.path();
    let hours = jiff::SignedDuration::from_hours;
    let settings = LocalSettings {
        log_dir: path.join("log"),
        state_dir: path.join("state"),
        zone: TimeZone::UTC,
        local: Local::default(),
        window: Window { back: hours(24), ahead: hours(1) },
        retention_days: None,
        retention_bytes: None,
        clock: clock(),
    };
    let store = Arc::new(LocalStore::open(settings).unwrap());
    let worker = worker(path, store.clone(), limits);
    Here { directory, store, worker, built: AtomicU64::new(0) }
}

fn worker(path: &Path, events: Arc<dyn EventStore>, limits: Limits) -> Worker {
    let observables = Observables::open(&path.join("state"), ObservablesSettings::default()).unwrap();
    let (observables, report) = (Arc::new(observables), Arc::default());
    Worker {
        settings: RetroSettings(Arc::new(|| Ok(Box::new(|event| event.observed.text.ends_with("unwanted.com"))))),
        zone: TimeZone::UTC,
        trails: vec![path.join("trails.bin")],
        sets: Sets::of(&path.join("state")),
        parts: Parts { events, observables, following: None, report, clock: clock(), limits },
        shared: Arc::default(),
        seen: None,
    }
}

fn place() -> Here {
    open(tempfile::tempdir().unwrap(), Limits::default())
}

impl Here {
    /// What hosts touched, from one second to another, so often.
    fn touched(&self, what: &[(&str, &str)], (first, last, count): (i64, i64, u64)) {
        let observable = |(text, host): &(&str, &str)| {
            let what = match (text.split_once(' '), text.parse()) {
                (Some((name, address)), _) => What::Pair { name: name.into(), address: address.parse().unwrap() },
                (None, Ok(address)) => What::Address(address),
                (None, Err(_)) => What::Name((*text).to_owned()),
            };
            let (host, sensor, site) = (host.parse().ok(), String::from("gw"), String::new());
            Observable { what, host, sensor, site, first: at(first), last: at(last), count }
        };
        let lines: Vec<Observable> = what.iter().map(observable).collect();
        let source = SourceId("s".into());
        let observables = &self.worker.parts.observables;
        let upto = observables.position(&source).unwrap().unwrap_or(0) + 1;
        observables.take(Origin::File { source: &source, upto }, &lines, at(1000)).unwrap();
    }

    /// A set of trails, and what its being noticed comes to.
    fn set(&mut self, trails: &[&str]) -> Look {
        self.publish(trails);
        self.worker.turn().unwrap();
        self.worker.parts.report.last().0.unwrap()
    }

    fn publish(&self, trails: &[&str]) {
        let mut builder = Builder::new(Vetoes::default());
        let file: Rc<str> = "test".into();
        for (line, trail) in (1..).zip(trails) {
            let (trail, info) = trail.split_once(' ').unwrap_or((trail, "asyncrat (malware)"));
            let source = builder.source(info, "(static)", false);
            builder.add(trail, source, Place { file: &file, line });
        }
        assert!(builder.report().refused.is_empty());
        let generation = START.unsigned_abs() + self.built.fetch_add(1, Relaxed);
        let stamp = Built { generation, built_at: generation, ..Built::default() };
        trails::load::publish(builder, &self.directory.path().join("trails.bin"), stamp).unwrap();
    }

    fn events(&self) -> Vec<Stored> {
        self.events_of(Scope::everything())
    }

    fn events_of(&self, scope: Scope) -> Vec<Stored> {
        assert!(self.store.record().settled(Duration::from_secs(30)));
        let (from, to, filter) = (Timestamp::MIN, Timestamp::MAX, Filter::All);
        let query = Query { from, to, scope, filter, newest_first: false };
        let mut events = Vec::new();
        let mut visit = |seen: Seen<'_>| {
            if let Seen::Event(stored) = seen {
                events.push(stored.clone());
            }
            ControlFlow::Continue(())
        };
        self.store.scan(&query, &mut visit).unwrap();
        events.sort_by_key(|stored| (stored.event.src.clone(), stored.event.indicator.clone()));
        events
    }

    /// Who touched what: `host observed indicator`.
    fn told(&self) -> Vec<String> {
        let host = |event: &Event| event.src.first().map_or("-".to_owned(), ToString::to_string);
        let one = |event: &Event| format!("{} {} {}", host(event), event.observed.text, event.indicator);
        self.events().iter().map(|stored| one(&stored.event)).collect()
    }
}

#[test]
fn who_touched_what_becomes_a_trail_is_told_once_with_when_it_was() {
    let mut place = place();
    place.touched(&[("www.evil.com", "10.0.0.7"), ("fine.com", "10.0.0.7")], (-500, -400, 3));
    place.touched(&[("evil.com", "10.0.0.7")], (-300, -300, 1));
    let first = place.set(&["old.com", "evil.org"]);
    assert_eq!((first.wholly_new, first.found, place.told().len()), (true, 0, 0), "of the first all is new");
    let second = place.set(&["old.com", "evil.com"]);
    assert_eq!((second.came, second.looked_up, second.found, second.wholly_new), (1, 1, 1, false));
    let events = place.events();
    let Stored { event, line } = &events[0];
    assert_eq!((event.time, event.kind, event.count), (at(1000), Kind::Dns, 1));
    assert_eq!((event.observed.text.as_str(), event.info.as_str()), ("evil.com", "asyncrat (malware)"));
    let before = event.context.before.unwrap();
    assert_eq!((before.first, before.last, before.count), (at(-500), at(-300), 4));
    assert_eq!(
        line.as_deref().unwrap(),
        "\"2026-11-18 11:23:20.000000\" (retro) 10.0.0.7 - - - - DNS evil.com \"asyncrat, seen before it was listed: \
         2026-11-18 10:58:20 UTC to 2026-11-18 11:01:40 UTC, 4 times (malware)\" (static)"
    );
    let text = std::fs::read_to_string(place.directory.path().join("log/2026-11-18.log")).unwrap();
    assert_eq!(text.trim_end(), line.as_deref().unwrap());
    place.worker.seen = None;
    place.worker.turn().unwrap();
    place.set(&["old.com", "evil.com", "another.com"]);
    assert_eq!(place.told().len(), 1, "once");
}

#[test]
fn what_others_told_or_tell_is_not_told() {
    let mut place = place();
    let names = ["a.parent.com", "deep.a.new.com", "x.shady.com", "ns1.weak.com", "printer.lan", "is.late.com"];
    place.touched(&names.map(|name| (name, "10.0.0.7")), (-500, -400, 1));
    place.touched(&[("late.com", "10.0.0.7")], (500, 600, 1));
    place.touched(&[("z.unwanted.com", "10.0.0.7")], (-500, -400, 1));
    place.set(&["old.com", "parent.com", r"^x\.sh[a-z]+\.com$"]);
    let look = place.set(&[
        "old.com",
        "parent.com",
        r"^x\.sh[a-z]+\.com$",
        "a.parent.com",
        "new.com",
        "a.new.com",
        "shady.com",
        "weak.com dubious (suspicious)",
        "printer.lan",
        "late.com",
        "unwanted.com",
    ]);
    assert_eq!(place.told(), ["10.0.0.7 deep.a.new.com a.new.com", "10.0.0.7 is.late.com late.com"]);
    assert_eq!((look.found, look.unwanted), (3, 1));
}

#[test]
fn addresses_networks_and_answers() {
    let mut place = place();
    let contacts = ["1.2.3.4", "1.2.3.5", "1.2.4.7", "1.2.4.8", "1.2.5.1", "2a01::1", "1.2.6.1", "1.2.7.7"];
    place.touched(&contacts.map(|address| (address, "10.0.0.7")), (-500, -400, 1));
    place.touched(&[("www.c2.com 1.2.3.4", "10.0.0.8"), ("c2.com 1.2.3.4", "10.0.0.7")], (-500, -400, 1));
    place.set(&["old.com", "1.2.7.0/24"]);
    let look = place.set(&[
        "old.com",
        "1.2.7.0/24",
        "1.2.3.4",
        "1.2.3.5:443",
        "1.2.3.5:8080",
        "1.2.4.0/24",
        "1.2.4.8",
        "1.2.5.1 known attacker",
        "2a01::/16",
        "1.2.6.1:80",
        "1.2.6.1",
        "1.2.7.7",
    ]);
    assert_eq!(
        place.told(),
        [
            "10.0.0.7 1.2.3.4 c2.com 1.2.3.4",
            "10.0.0.7 1.2.3.5 1.2.3.5:443",
            "10.0.0.7 1.2.4.7 1.2.4.0/24",
            "10.0.0.7 1.2.4.8 1.2.4.8",
            "10.0.0.7 1.2.6.1 1.2.6.1",
            "10.0.0.7 2a01::1 2a01::/16",
            "10.0.0.8 1.2.3.4 www.c2.com 1.2.3.4",
        ]
    );
    assert_eq!(look.unfit, 1, "attackers are told of where they come from");
    let events = place.events();
    let endpoint = events.iter().find(|stored| stored.event.indicator == "1.2.3.5:443").unwrap();
    assert_eq!(endpoint.event.severity, ::event::Severity::Medium, "its port is not known");
    assert!(events.iter().all(|stored| stored.event.kind == Kind::Ip && stored.event.dst.len() == 1));
}

#[test]
fn readers_see_what_their_own_hosts_touched() {
    let mut place = place();
    place.touched(&[("evil.com", "10.0.0.7"), ("evil.com", "10.0.1.8")], (-500, -400, 1));
    place.set(&["old.com"]);
    place.set(&["old.com", "evil.com"]);
    let events = place.events_of(Scope::parse("10.0.1.0/24").unwrap());
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].event.src, ["10.0.1.8".parse::<std::net::IpAddr>().unwrap()]);
}

#[test]
fn a_set_that_has_nothing_of_the_one_before_is_not_looked_up() {
    let mut place = place();
    place.touched(&[("evil.com", "10.0.0.7")], (-500, -400, 1));
    place.set(&["old.com"]);
    assert!(place.set(&["evil.com"]).wholly_new);
    assert!(!place.set(&["evil.com", "new.com"]).wholly_new, "the next is held against it");
    assert!(place.told().is_empty());
}

#[test]
fn what_went_and_came_back_is_told_of_the_time_between_alone() {
    let mut place = place();
    let all = ["old.com", "evil.com", "1.2.3.4"];
    place.set(&all);
    // Then a sensor told.
    place.touched(&[("evil.com", "10.0.0.7"), ("1.2.3.4", "10.0.0.7")], (-500, -400, 1));
    place.set(&["old.com"]);
    let look = place.set(&all);
    assert_eq!((look.came, place.told().len()), (2, 0));
    // It went at second 1000.
    place.set(&["old.com"]);
    place.worker.parts.clock = Arc::new(|| at(3000));
    place.built.store(2500, Relaxed);
    place.touched(&[("evil.com", "10.0.0.8")], (2000, 2100, 1));
    place.set(&all);
    assert_eq!(place.told(), ["10.0.0.8 evil.com evil.com"]);
    assert!(place.worker.parts.observables.gone().unwrap().is_empty(), "what is listed did not go");
}

#[test]
fn a_look_has_limits() {
    let hosts: Vec<String> = (1..=4).map(|host| format!("10.0.0.{host}")).collect();
    let names = ["a.com", "b.com", "c.com", "d.com"];
    let limits = Limits::default();
    for limit in [3, 4, 5] {
        for (limits, told, skipped, left_out) in [
            (Limits { trails: limit, ..limits }, 4 * limit.min(4), 4 - limit.min(4), 0),
            (Limits { hosts: limit, ..limits }, 4 * limit.min(4), 0, 4 * (4 - limit.min(4))),
            // Of the fourth name so many are told.
            (Limits { events: 12 + limit, ..limits }, 12 + limit.min(4), 0, 4 - limit.min(4)),
        ] {
            let mut place = open(tempfile::tempdir().unwrap(), limits);
            let touched = names.iter().flat_map(|name| hosts.iter().map(move |host| (*name, host.as_str())));
            place.touched(&touched.collect::<Vec<_>>(), (-500, -400, 1));
            place.set(&["old.com"]);
            let look = place.set(&["old.com", "a.com", "b.com", "c.com", "d.com"]);
            let counts = (look.found as usize, look.skipped as usize, look.left_out as usize);
            assert_eq!(counts, (told, skipped, left_out), "{limits:?}");
            assert_eq!(place.told().len(), told);
        }
    }
    for (rows, looked_up) in [(1, 1), (2, 2), (3, 3), (4, 4)] {
        let mut place = open(tempfile::tempdir().unwrap(), Limits { rows, ..limits });
        place.touched(&names.map(|name| (name, "10.0.0.1")), (-500, -400, 1));
        place.set(&["old.com"]);
        let look = place.set(&["old.com", "a.com", "b.com", "c.com", "d.com"]);
        assert_eq!((look.looked_up, look.found, look.skipped), (looked_up, looked_up, 4 - looked_up), "{look:?}");
    }
    let mut place = open(tempfile::tempdir().unwrap(), Limits { time: Duration::ZERO, ..limits });
    place.touched(&[("a.com", "10.0.0.1")], (-500, -400, 1));
    place.set(&["old.com"]);
    let look = place.set(&["old.com", "a.com"]);
    assert_eq!((look.looked_up, look.skipped, look.found), (0, 1, 0));
}

/// A store that cannot be written, or that dies when it has.
struct Dying {
    store: Arc<LocalStore>,
    writes: bool,
}

impl EventStore for Dying {
    fn append(&self, batch: &Batch) -> Result<Appended, StoreError> {
        if self.writes {
            self.store.append(batch)?;
        }
        Err(StoreError::Damaged("the disk".into()))
    }

    fn days(&self, scope: &Scope) -> Result<Vec<DayCount>, StoreError> {
        self.store.days(scope)
    }

    fn manifest(&self, day: jiff::civil::Date, scope: &Scope) -> Result<Manifest, StoreError> {
        self.store.manifest(day, scope)
    }

    fn chunk(&self, day: jiff::civil::Date, name: &str, scope: &Scope) -> Result<bytes::Bytes, StoreError> {
        self.store.chunk(day, name, scope)
    }

    fn scan(&self, query: &Query, visit: &mut dyn FnMut(Seen<'_>) -> ControlFlow<()>) -> Result<Scanned, StoreError> {
        self.store.scan(query, visit)
    }

    fn after(&self, cursor: u64, limit: usize) -> Followed {
        self.store.after(cursor, limit)
    }

    fn watch(&self) -> tokio::sync::watch::Receiver<u64> {
        self.store.watch()
    }
}

#[test]
fn what_was_found_is_written_once_whenever_it_ends() {
    for writes in [false, true] {
        let mut place = place();
        let names: Vec<String> = (0..BATCH + 1).map(|n| format!("h{n}.evil.com")).collect();
        let hosts: Vec<String> = (0..BATCH + 1).map(|n| format!("10.1.{}.{}", n / 250, n % 250)).collect();
        let touched: Vec<(&str, &str)> =
            names.iter().zip(&hosts).map(|(name, host)| (name.as_str(), host.as_str())).collect();
        place.touched(&touched, (-500, -400, 1));
        place.worker.parts.limits.hosts = 2 * BATCH;
        place.set(&["old.com"]);
        place.publish(&["old.com", "evil.com"]);
        let store = Arc::clone(&place.store);
        place.worker.parts.events = Arc::new(Dying { store, writes });
        assert!(matches!(place.worker.turn(), Err(RetroError::Record(_))));
        // As at the next start.
        let Here { directory, store, worker: ended, .. } = place;
        drop(ended);
        store.stop().unwrap();
        drop(store);
        let mut place = open(directory, Limits::default());
        place.worker.turn().unwrap();
        assert_eq!(place.told().len(), BATCH + 1, "{writes}");
        place.worker.seen = None;
        place.worker.turn().unwrap();
        assert_eq!(place.told().len(), BATCH + 1);
        assert!(place.worker.parts.observables.next_found().unwrap().is_none());
    }
}

#[test]
fn what_ends_before_it_was_kept_is_begun_again() {
    let mut place = place();
    place.touched(&[("evil.com", "10.0.0.7")], (-500, -400, 1));
    place.set(&["old.com"]);
    place.publish(&["old.com", "evil.com"]);
    // Its set was kept, and a part of another file is there, as after the end of a process.
    let state = place.directory.path().join("state");
    place.worker.sets.newest(&place.worker.trails).unwrap().unwrap();
    std::fs::File::create(state.join("looked-up.tmp")).unwrap().write_all(b"part").unwrap();
    place.worker.turn().unwrap();
    assert_eq!(place.told(), ["10.0.0.7 evil.com evil.com"]);
    let kept = std::fs::read_dir(&state)
        .unwrap()
        .filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().starts_with("looked-up"));
    assert_eq!(kept.count(), 1, "one set is kept");
    // Without it, all would be new.
    for entry in std::fs::read_dir(&state).unwrap().map(Result::unwrap) {
        if entry.file_name().to_string_lossy().starts_with("looked-up") {
            std::fs::remove_file(entry.path()).unwrap();
        }
    }
    assert!(place.set(&["old.com", "evil.com", "more.com"]).wholly_new);
}

#[test]
fn what_cannot_be_held_against_the_users_lists_waits() {
    let mut place = place();
    place.touched(&[("evil.com", "10.0.0.7")], (-500, -400, 1));
    place.set(&["old.com"]);
    place.publish(&["old.com", "evil.com"]);
    place.worker.settings = RetroSettings(Arc::new(|| Err("cannot read it".into())));
    assert!(matches!(place.worker.turn(), Err(RetroError::Unwanted(_))));
    place.worker.settings = RetroSettings(Arc::new(|| Ok(Box::new(|_| false))));
    place.worker.turn().unwrap();
    assert_eq!(place.told().len(), 1);
}

#[test]
fn what_went_is_remembered_up_to_a_limit() {
    use crate::observables::MAX_GONE;
    let place = place();
    let observables = &place.worker.parts.observables;
    let gone = |range: std::ops::Range<u64>| LookedBack {
        gone: range.map(|n| format!("n{n}.com")).collect(),
        ..LookedBack::default()
    };
    observables.keep_looked_back(&gone(0..MAX_GONE - 1), at(0)).unwrap();
    for (range, second, kept) in
        [(MAX_GONE - 1..MAX_GONE, 1, MAX_GONE), (MAX_GONE..MAX_GONE + 1, 2, MAX_GONE), (0..0, 3, MAX_GONE)]
    {
        observables.keep_looked_back(&gone(range), at(second)).unwrap();
        let known = observables.gone().unwrap();
        assert_eq!(known.len() as u64, kept);
        assert!(known.contains_key(&format!("n{}.com", MAX_GONE - 1)), "the newest stay");
    }
}
