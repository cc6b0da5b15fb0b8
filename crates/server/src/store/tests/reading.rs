//! What readers get is what a look at every event would give them.

use jiff::SignedDuration;
use jiff::tz::Offset;
use proptest::prelude::*;

use super::*;
use crate::addresses::Local;
use crate::store::sample::hostile;

/// What happens between portions of events.
#[derive(Clone, Copy, Debug)]
enum Then {
    Nothing,
    Flush,
    Seal,
    Restart,
}

fn then() -> impl Strategy<Value = Then> {
    prop_oneof![Just(Then::Nothing), Just(Then::Flush), Just(Then::Seal), Just(Then::Restart)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn a_scan_is_a_look_at_every_event(
        portions in prop::collection::vec((prop::collection::vec(hostile::stored(), 1..20), then()), 1..6),
        filters in prop::collection::vec(hostile::filter(), 1..6),
        scope in hostile::scope(),
        bounds in (0..86_400i64, 0..86_400i64, any::<bool>()),
    ) {
        let directory = tempfile::tempdir().unwrap();
        let mut archive = open(directory.path()).unwrap();
        let source = Source::new("a", portions.iter().flat_map(|(events, _)| events.clone()));
        for (events, then) in &portions {
            source.feed(&archive, events.len() as u64).unwrap();
            match then {
                Then::Nothing => {}
                Then::Flush => archive.flush().unwrap(),
                Then::Seal => {
                    archive.flush().unwrap();
                    archive.seal("2030-01-01T00:00:00Z".parse().unwrap()).unwrap();
                }
                Then::Restart => {
                    drop(archive);
                    archive = open(directory.path()).unwrap();
                }
            }
        }
        while source.feed(&archive, 1_000).unwrap() {}
        let start: Timestamp = sample::DAY.parse().unwrap();
        let at = |seconds: i64| start + SignedDuration::from_secs(seconds);
        let (from, to) = if bounds.2 { (Timestamp::MIN, Timestamp::MAX) } else { (at(bounds.0), at(bounds.1)) };
        let mut events = source.events.clone();
        events.sort_by_key(|stored| stored.event.time);
        for filter in filters {
            for newest_first in [false, true] {
                let query = Query { from, to, scope: scope.clone(), filter: filter.clone(), newest_first };
                let within = events.iter().filter(|stored| (from..to).contains(&stored.event.time));
                let views = within.filter_map(|stored| stored.view(&scope)).map(|view| view.into_owned());
                let expected: Vec<Stored> = views.filter(|view| filter.matches(view, &TimeZone::UTC)).collect();
                let mut found = scan(&archive, &query).unwrap();
                let ordered = if newest_first {
                    found.is_sorted_by(|a, b| a.event.time >= b.event.time)
                } else {
                    found.is_sorted_by_key(|stored| stored.event.time)
                };
                prop_assert!(ordered);
                prop_assert_eq!(sorted_fully(std::mem::take(&mut found)), sorted_fully(expected), "{:?}", query);
            }
        }
    }
}

/// Whatever their order: by everything they have.
fn sorted_fully(mut events: Vec<Stored>) -> Vec<Stored> {
    events.sort_by_cached_key(|stored| format!("{stored:?}"));
    events
}

#[test]
fn a_scan_ends_where_its_visitor_ends_it() {
    let directory = tempfile::tempdir().unwrap();
    let archive = open(directory.path()).unwrap();
    let source = Source::new("a", (0..10_000).map(sample::stored));
    source.feed(&archive, 6_000).unwrap();
    archive.flush().unwrap();
    source.feed(&archive, 6_000).unwrap();
    for limit in [1, 100, 8_000] {
        let mut seen = 0;
        let scanned = archive
            .scan(&query(Filter::All), &mut |what| {
                seen += usize::from(matches!(what, Seen::Event(_)));
                if seen == limit { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            })
            .unwrap();
        assert!(scanned.stopped);
        assert_eq!(seen, limit);
    }
    let stopped = archive.scan(&query(Filter::Indicator("none.example".into())), &mut |_| ControlFlow::Break(()));
    assert!(stopped.unwrap().stopped);
}

#[test]
fn days_are_counted_exactly_in_every_zone_and_scope() {
    let start: Timestamp = "2026-11-18T00:00:00Z".parse().unwrap();
    let events: Vec<Stored> =
        (0..2_000).map(|n| sample::at(n, start + SignedDuration::from_secs(i64::try_from(n * 181).unwrap()))).collect();
    let zones = [0, 20_700, -34_200, 4_020].map(|seconds| TimeZone::fixed(Offset::from_seconds(seconds).unwrap()));
    let scopes = ["", "10.0.0.0/25", "10.0.3.0/24,10.0.5.7", "172.16.0.0/12"];
    for zone in zones {
        let directory = tempfile::tempdir().unwrap();
        let settings =
            ArchiveSettings { state_dir: directory.path().to_owned(), zone: zone.clone(), local: Local::default() };
        let archive = Archive::open(settings, now()).unwrap();
        let source = Source::new("a", events.clone());
        source.feed(&archive, 900).unwrap();
        archive.flush().unwrap();
        source.feed(&archive, 2_000).unwrap();
        for scope in scopes {
            let scope = Scope::parse(scope).unwrap();
            let mut expected = std::collections::BTreeMap::<jiff::civil::Date, (u64, u64)>::new();
            for view in events.iter().filter_map(|stored| stored.view(&scope)) {
                let count = expected.entry(view.event.day(&zone)).or_default();
                *count = (count.0 + view.event.count, count.1 + 1);
            }
            for _ in 0..2 {
                let days = archive.days_at(&scope, now()).unwrap();
                let found: Vec<_> = days.iter().map(|day| (day.day, (day.events, day.lines))).collect();
                assert_eq!(found, expected.clone().into_iter().collect::<Vec<_>>(), "{zone:?} {scope:?}");
            }
        }
    }
}

#[test]
fn sealed_days_are_told() {
    let directory = tempfile::tempdir().unwrap();
    let archive = open(directory.path()).unwrap();
    Source::new("a", (0..3).map(|n| sample::stored(n * 86_400))).feed(&archive, 10).unwrap();
    let sealed = |now: &str| -> Vec<bool> {
        let days = archive.days_at(&Scope::everything(), now.parse().unwrap()).unwrap();
        days.iter().map(|day| day.sealed).collect()
    };
    assert_eq!(sealed("2026-11-21T23:59:59Z"), [false, false, false]);
    assert_eq!(sealed("2026-11-22T00:00:00Z"), [true, false, false]);
    assert_eq!(sealed("2026-11-23T00:00:00Z"), [true, true, false]);
}

#[test]
fn old_days_are_removed_and_told() {
    let directory = tempfile::tempdir().unwrap();
    let archive = open(directory.path()).unwrap();
    let source = Source::new("a", (0..5).map(|n| sample::stored(n * 86_400)));
    source.feed(&archive, 10).unwrap();
    archive.flush().unwrap();
    let sizes = archive.bytes_by_day();
    assert_eq!(sizes.len(), 5);
    let removed = archive.remove_before("2026-11-22".parse().unwrap()).unwrap();
    assert_eq!((removed.days.len(), removed.lines, removed.bytes), (2, 2, sizes[0].1 + sizes[1].1));
    assert_eq!(all(&archive), source.events[2..]);
    let files = std::fs::read_dir(directory.path().join("segments")).unwrap().count();
    assert_eq!(files, 3 * 2 + 2, "segments with their sums, the catalog and the directory of damaged ones");
    drop(archive);
    let archive = open(directory.path()).unwrap();
    assert_eq!(all(&archive), source.events[2..]);
    assert!(!source.feed(&archive, 10).unwrap());
    assert_eq!(all(&archive).len(), 3);
}

#[test]
fn hours_are_written_when_they_are_over() {
    let directory = tempfile::tempdir().unwrap();
    let archive = open(directory.path()).unwrap();
    let source = Source::new("a", (0..3).map(|n| sample::stored(n * 1_000)));
    source.feed(&archive, 10).unwrap();
    for (now, segments) in [("2026-11-20T01:01:59Z", 0), ("2026-11-20T01:02:00Z", 1)] {
        archive.flush_finished_hours(now.parse().unwrap()).unwrap();
        assert_eq!(archive.bytes_by_day().len(), segments, "{now}");
    }
}
