//! Segments give back what they were given, and the rows that a filter means.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::encode::nanoseconds;
use super::*;
use crate::Scope;
use crate::condense::{Fold, Ranked, Window, chunk};
use crate::store::sample::{self, hostile};
use crate::store::{Field, Filter, Stored};

fn meta(id: u64) -> Meta {
    Meta {
        format: FORMAT,
        id,
        day: "2026-11-20".parse().unwrap(),
        sealed: false,
        counts: Counts::new(),
        ranges: Vec::new(),
        replaces: Vec::new(),
        together: (id, 1),
        digest: 0,
        bytes: 0,
        checksum: 0,
    }
}

fn segment(directory: &std::path::Path, id: u64, mut events: Vec<Stored>) -> Arc<Segment> {
    events.sort_by_key(|stored| stored.event.time);
    let events: Vec<_> = events.into_iter().map(Arc::new).collect();
    let meta = meta(id);
    let meta = write(&directory.join(meta.file()), &events, meta).unwrap();
    Arc::new(Segment::new(directory, meta))
}

fn all(segment: &Segment) -> Vec<Stored> {
    let mut all = Vec::new();
    segment.each(|stored| all.push(stored)).unwrap();
    all
}

fn found(segment: &Segment, filter: &Filter, scope: &Scope, newest_first: bool) -> Vec<Stored> {
    let zone = TimeZone::UTC;
    let test = Test::new(filter, scope, &zone);
    let wanted = Wanted { test: &test, from: Timestamp::MIN, to: Timestamp::MAX, newest_first };
    let mut rows = Rows::open(segment, wanted).unwrap();
    let (mut found, mut passed) = (Vec::new(), 0);
    while rows.step().unwrap() {
        passed += rows.take_passed();
        while let Some(stored) = rows.ready() {
            let Some(view) = stored.view(scope) else { continue };
            if filter.matches(&view, &zone) {
                found.push(view.into_owned());
            }
        }
    }
    assert_eq!(passed, segment.meta.counts.all.lines);
    found
}

fn expected(events: &[Stored], filter: &Filter, scope: &Scope) -> Vec<Stored> {
    let views = events.iter().filter_map(|stored| stored.view(scope));
    views.filter(|view| filter.matches(view, &TimeZone::UTC)).map(|view| view.into_owned()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn nothing_is_lost(events in prop::collection::vec(hostile::stored(), 1..40)) {
        let directory = tempfile::tempdir().unwrap();
        let segment = segment(directory.path(), 1, events.clone());
        let mut sorted = events;
        sorted.sort_by_key(|stored| stored.event.time);
        prop_assert_eq!(all(&segment), sorted);
        let told = meta_of(segment.path()).unwrap();
        prop_assert_eq!(told, segment.meta.clone());
    }

    #[test]
    fn rows_that_match_are_found(
        events in prop::collection::vec(hostile::stored(), 1..60),
        filters in prop::collection::vec(hostile::filter(), 1..12),
        scope in hostile::scope(),
    ) {
        let directory = tempfile::tempdir().unwrap();
        let segment = segment(directory.path(), 1, events);
        let events = all(&segment);
        for filter in filters {
            let expected = expected(&events, &filter, &scope);
            prop_assert_eq!(&found(&segment, &filter, &scope, false), &expected, "{:?}", filter);
            let mut backwards = found(&segment, &filter, &scope, true);
            backwards.reverse();
            prop_assert_eq!(backwards, expected);
        }
    }

    #[test]
    fn columns_fold_as_events_do(
        events in prop::collection::vec(hostile::stored(), 1..80),
        bounds in prop_oneof![Just((0, 86_400)), (0..43_200i64, 43_200..86_400i64)],
        threats in prop_oneof![Just(1_000), 1..20usize],
    ) {
        let directory = tempfile::tempdir().unwrap();
        let segment = segment(directory.path(), 1, events);
        let start: Timestamp = sample::DAY.parse().unwrap();
        let at = |seconds: i64| start + jiff::SignedDuration::from_secs(seconds);
        let (from, to) = (at(bounds.0), at(bounds.1));
        let fold = || Fold::with_capacity(Window::between(start, at(86_400)), threats);
        let (mut by_events, mut by_columns) = (fold(), fold());
        segment.each_to_fold((from, to), |stored| { by_events.add(&stored.event); }).unwrap();
        segment.fold((from, to), &mut by_columns).unwrap();
        prop_assert_eq!(by_events.totals(), by_columns.totals());
        prop_assert_eq!(chunk::encode_whole(&Ranked::new(&by_events)), chunk::encode_whole(&Ranked::new(&by_columns)));
    }

    #[test]
    fn parts_become_one(parts in prop::collection::vec(prop::collection::vec(hostile::stored(), 1..30), 1..6)) {
        let directory = tempfile::tempdir().unwrap();
        let mut parts = parts;
        parts.iter_mut().for_each(|part| part.sort_by_key(|stored| stored.event.time));
        let mut expected: Vec<Stored> = parts.concat();
        let parts: Vec<_> = (1..).zip(parts).map(|(id, events)| segment(directory.path(), id, events)).collect();
        let meta = meta(99);
        let meta = merge(&directory.path().join(meta.file()), &parts, meta).unwrap();
        let one = Segment::new(directory.path(), meta);
        prop_assert_eq!(one.meta.counts.all.lines, expected.len() as u64);
        expected.sort_by_key(|stored| nanoseconds(stored.event.time));
        prop_assert_eq!(all(&one), expected);
    }
}

#[test]
fn row_groups_of_a_large_segment_in_both_directions() {
    let directory = tempfile::tempdir().unwrap();
    let start: Timestamp = sample::DAY.parse().unwrap();
    let count = ROW_GROUP as u64 + 20_000;
    let at = |n: u64| start + jiff::SignedDuration::from_micros(i64::try_from(n / 3 * 500).unwrap());
    let segment = segment(directory.path(), 1, (0..count).map(|n| sample::at(n, at(n))).collect());
    let everything = Scope::everything();
    for filter in [Filter::All, Filter::Indicator("evil5.example".into()), Filter::Text("evil7.EXAMPLE \"a".into())] {
        let forward = found(&segment, &filter, &everything, false);
        assert!(
            forward.len() > 1_000 && forward.is_sorted_by_key(|stored| (stored.event.time, stored.event.id.clone()))
        );
        let mut backward = found(&segment, &filter, &everything, true);
        backward.reverse();
        assert!(forward == backward, "{filter:?}");
    }
    assert_eq!(found(&segment, &Filter::All, &everything, false).len() as u64, count);
    assert_eq!(found(&segment, &Filter::Indicator("none.example".into()), &everything, false), []);
}

#[test]
fn a_changed_byte_is_never_served() {
    let directory = tempfile::tempdir().unwrap();
    let segment = segment(directory.path(), 1, (0..3_000).map(sample::stored).collect());
    let good = std::fs::read(segment.path()).unwrap();
    let events = all(&segment);
    for place in (0..good.len()).step_by(good.len() / 40 + 1).chain([good.len() - 1]) {
        let mut bad = good.clone();
        bad[place] ^= 0x10;
        std::fs::write(segment.path(), bad).unwrap();
        let fresh = Segment::new(directory.path(), segment.meta.clone());
        let mut seen = Vec::new();
        assert!(fresh.each(|stored| seen.push(stored)).is_err(), "{place}");
        assert!(events.starts_with(&seen));
    }
    std::fs::write(segment.path(), &good).unwrap();
    std::fs::write(segment.path().with_extension("sums"), b"nonsense").unwrap();
    assert_eq!(all(&Segment::new(directory.path(), segment.meta.clone())), events);
}

/// Texts that are too many bytes for a dictionary stand in the rows, and are found there.
#[test]
fn texts_without_a_dictionary_are_found() {
    let directory = tempfile::tempdir().unwrap();
    let long = |n: u64| {
        let mut stored = sample::stored(n);
        stored.event.observed.text = format!("{n}{}", "x".repeat(60_000));
        stored
    };
    let segment = segment(directory.path(), 1, (0..200).map(long).collect());
    for (filter, expected) in [("0x", 20), ("199XX", 1), ("200x", 0), ("y", 0)] {
        let filter = Filter::Has(Field::Seen, filter.to_owned());
        assert_eq!(found(&segment, &filter, &Scope::everything(), false).len(), expected, "{filter:?}");
    }
}

/// What no value of a column is like is known without a look at its rows.
#[test]
fn a_row_group_is_passed_over_by_its_dictionaries() {
    let directory = tempfile::tempdir().unwrap();
    let segment = segment(directory.path(), 1, (0..3_000).map(sample::stored).collect());
    let all = Scope::everything();
    let absent = crate::hunt::parse("absent.example").unwrap();
    for (filter, passed) in [(&absent, true), (&Filter::Text("evil5.example".into()), false)] {
        let test = Test::new(filter, &all, &TimeZone::UTC);
        assert_eq!(segment.columns_read(&test).unwrap().is_empty(), passed, "{filter:?}");
    }
}

/// More rows than a portion, and texts enough for a fold to number them anew on the way.
#[test]
fn many_rows_fold_as_events_do() {
    let directory = tempfile::tempdir().unwrap();
    let stored = |n: u64| {
        let mut stored = sample::stored(n);
        stored.event.indicator = format!("{:0>200}.example", n % 4_000);
        stored.event.info = format!("{:0>250}", n / 3);
        stored
    };
    let segment = segment(directory.path(), 1, (0..30_000).map(stored).collect());
    let bounds = (Timestamp::MIN, Timestamp::MAX);
    for threats in [100, 5_000] {
        let window = Window::new(sample::DAY.parse().unwrap(), 24);
        let fold = || Fold::with_capacity(window, threats);
        let (mut by_events, mut by_columns) = (fold(), fold());
        segment
            .each_to_fold(bounds, |stored| {
                by_events.add(&stored.event);
            })
            .unwrap();
        segment.fold(bounds, &mut by_columns).unwrap();
        assert!(
            chunk::encode_whole(&Ranked::new(&by_events)) == chunk::encode_whole(&Ranked::new(&by_columns)),
            "{threats}"
        );
    }
}
