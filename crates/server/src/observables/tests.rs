#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::net::IpAddr;

use event::observable::{Observable, What};
use jiff::Timestamp;
use proptest::prelude::*;
use rusqlite::Connection;

use super::*;
use crate::Scope;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + seconds).unwrap()
}

fn name(name: &str) -> What {
    What::Name(name.to_owned())
}

fn address(address: &str) -> What {
    What::Address(address.parse().unwrap())
}

fn pair(name: &str, address: &str) -> What {
    What::Pair { name: name.to_owned(), address: address.parse().unwrap() }
}

/// Seen from one second to another, so many times.
fn seen(what: What, host: &str, (first, last, count): (i64, i64, u64)) -> Observable {
    let host = if host.is_empty() { None } else { Some(host.parse().unwrap()) };
    let (sensor, site) = ("gw".to_owned(), String::new());
    Observable { what, host, sensor, site, first: at(first), last: at(last), count }
}

struct Place {
    _directory: tempfile::TempDir,
    observables: Observables,
}

impl std::ops::Deref for Place {
    type Target = Observables;

    fn deref(&self) -> &Observables {
        &self.observables
    }
}

fn with(settings: ObservablesSettings) -> Place {
    let directory = tempfile::tempdir().unwrap();
    let observables = Observables::open(directory.path(), settings).unwrap();
    Place { _directory: directory, observables }
}

fn open() -> Place {
    with(ObservablesSettings::default())
}

impl Place {
    fn put(&self, observables: &[Observable]) -> Taken {
        let source = SourceId("s".into());
        let upto = self.position(&source).unwrap().unwrap_or(0) + 1;
        self.take(Origin::File { source: &source, upto }, observables, at(0)).unwrap()
    }
}

/// All pages of a question, each of at most so many rows.
fn all<T>(limit: usize, mut question: impl FnMut(Turn<'_>) -> Result<Page<T>, ObservablesError>) -> Vec<T> {
    let (mut rows, mut after) = (Vec::new(), None::<String>);
    loop {
        let page = question(Turn { after: after.as_deref(), limit }).unwrap();
        assert!(page.rows.len() <= limit && (page.more.is_none() || page.rows.len() == limit), "a page is full");
        rows.extend(page.rows);
        after = page.more;
        if after.is_none() {
            return rows;
        }
    }
}

fn values(reading: &Reading, question: &str, scope: &Scope) -> Vec<String> {
    let (ask, view) = (Ask::parse(question).unwrap(), View { scope, ..View::ALL });
    let line = |value: Value| {
        let Seen { first, last, count } = value.seen;
        let (first, last) = (first.duration_since(at(0)).as_secs(), last.duration_since(at(0)).as_secs());
        format!("{} {first}-{last} {count} by {}", value.value, value.hosts)
    };
    all(2, |turn| reading.values(&ask, turn, view)).into_iter().map(line).collect()
}

#[test]
fn increments_add_up() {
    let place = open();
    for (from, to, count) in [(-50, -40, 3), (-90, -80, 1), (-45, -20, 7)] {
        place.put(&[
            seen(name("www.evil.example"), "10.0.0.7", (from, to, count)),
            seen(address("192.0.2.1"), "10.0.0.7", (from, to, count)),
            seen(pair("www.evil.example", "192.0.2.1"), "10.0.0.7", (from, to, count)),
        ]);
    }
    let again = seen(name("www.evil.example"), "10.0.0.8", (-5, -5, 1));
    place.put(&[again.clone(), again]);
    let reading = place.reading();
    assert_eq!(values(reading, "www.evil.example", Scope::ALL), ["www.evil.example -90--5 13 by 2"]);
    assert_eq!(values(reading, "192.0.2.1", Scope::ALL), ["192.0.2.1 -90--20 11 by 1"]);
    let pairs = reading.pairs(&Ask::parse("192.0.2.1").unwrap(), Turn { after: None, limit: 9 }, View::ALL).unwrap();
    assert_eq!((pairs.rows.len(), pairs.rows[0].seen.count, pairs.rows[0].hosts), (1, 11, 1));
    assert_eq!(place.counters().from_files.load(std::sync::atomic::Ordering::Relaxed), 11);
    assert_eq!(place.writer().rows, [2, 1, 1]);
}

/// Of three names the middle one was asked for by three hosts: five rows, and three of pairs.
#[test]
fn an_answer_that_would_take_too_many_rows_says_so() {
    let place = open();
    for (text, host) in [("a.x", 1), ("b.x", 1), ("b.x", 2), ("b.x", 3), ("c.x", 1)] {
        place.put(&[seen(name(text), &format!("10.0.0.{host}"), (0, 0, 1))]);
    }
    for to in ["192.0.2.1", "192.0.2.2", "192.0.2.3"] {
        place.put(&[seen(pair("a.x", to), "10.0.0.1", (0, 0, 1))]);
    }
    let (reading, ask) = (place.reading(), Ask::Below("x".into()));
    fn turn(after: Option<&str>) -> Turn<'_> {
        Turn { after, limit: 9 }
    }
    for (rows, shown, more, partial) in [
        (5, &["a.x 1", "b.x 3", "c.x 1"][..], None, false),
        (6, &["a.x 1", "b.x 3", "c.x 1"], None, false),
        // `b.x` may go on, so it begins the next part.
        (4, &["a.x 1"], Some("a.x"), true),
        // All there is: what is known of it is shown, or nobody would ever come past it.
        (1, &["a.x 1"], Some("a.x"), true),
    ] {
        let view = View { rows, ..View::ALL };
        let page = reading.values(&ask, turn(None), view).unwrap();
        let values: Vec<String> = page.rows.iter().map(|value| format!("{} {}", value.value, value.hosts)).collect();
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        assert_eq!((values.as_slice(), page.more.as_deref(), page.partial), (shown, more, partial));
        let hosts = reading.hosts(&ask, turn(None), view).unwrap();
        assert_eq!((hosts.rows.len(), hosts.partial), (if rows == 1 { 1 } else { 3 }, partial));
        let sighting = reading.sighting(&ask, view).unwrap().unwrap();
        assert_eq!((sighting.seen.count, sighting.partial), (rows.min(5), partial));
    }
    for (rows, shown, partial) in [(3, 3, false), (4, 3, false), (2, 1, true)] {
        let page = reading.pairs(&ask, turn(None), View { rows, ..View::ALL }).unwrap();
        assert_eq!((page.rows.len(), page.more.is_some(), page.partial), (shown, partial, partial));
    }
    // Whoever goes on comes to the end.
    let (mut after, mut found) = (None::<String>, Vec::new());
    for _ in 0..5 {
        let page = reading.values(&ask, turn(after.as_deref()), View { rows: 3, ..View::ALL }).unwrap();
        found.extend(page.rows.into_iter().map(|value| value.value));
        after = page.more;
        if after.is_none() {
            break;
        }
    }
    assert_eq!((found, after), (["a.x", "b.x", "c.x"].map(String::from).to_vec(), None));
    // Nothing that may be seen was met: nothing of it is told, but that there may be more.
    let scope = Scope::parse("10.9.0.0/16").unwrap();
    let page = reading.values(&ask, turn(None), View { scope: &scope, rows: 2, ..View::ALL }).unwrap();
    assert_eq!((page.rows.len(), page.more, page.partial), (0, None, true));
}

#[test]
fn counts_stay_at_their_largest() {
    let place = open();
    for count in [u64::MAX, 5] {
        place.put(&[seen(name("a.example"), "10.0.0.7", (0, 0, count))]);
    }
    place.put(&[seen(name("a.example"), "10.0.0.8", (0, 0, u64::MAX))]);
    let page = place.reading().values(&Ask::Name("a.example".into()), Turn { after: None, limit: 9 }, View::ALL);
    assert_eq!(page.unwrap().rows[0].seen.count, 2 * u64::try_from(i64::MAX).unwrap());
}

#[test]
fn names_what_is_below_them_and_networks() {
    let place = open();
    for text in ["evil.example", "www.evil.example", "a.b.evil.example", "notevil.example", "evil.example.com"] {
        place.put(&[seen(name(text), "10.0.0.7", (0, 0, 1))]);
    }
    for text in ["192.0.2.0", "192.0.2.255", "192.0.3.0", "2001:db8::1", "2001:db9::"] {
        place.put(&[seen(address(text), "10.0.0.7", (0, 0, 1))]);
    }
    let found = |question: &str| {
        let values = values(place.reading(), question, Scope::ALL).into_iter();
        values.map(|value| value.split(' ').next().unwrap().to_owned()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(found("evil.example"), "evil.example");
    assert_eq!(found("*.evil.example"), "a.b.evil.example www.evil.example");
    assert_eq!(found("*.example"), "evil.example a.b.evil.example www.evil.example notevil.example");
    assert_eq!(found("nowhere.example"), "");
    assert_eq!(found("192.0.2.0/24"), "192.0.2.0 192.0.2.255");
    assert_eq!(found("0.0.0.0/0"), "192.0.2.0 192.0.2.255 192.0.3.0");
    assert_eq!(found("2001:db8::/32"), "2001:db8::1");
    assert_eq!(found("192.0.2.7"), "");
}

#[test]
fn a_list_of_indicators_is_looked_up() {
    let place = open();
    place.put(&[
        seen(name("evil.example"), "10.0.0.7", (-9, -8, 1)),
        seen(name("www.evil.example"), "10.0.0.8", (-7, -6, 2)),
        seen(name("notevil.example"), "10.0.0.9", (-5, -5, 9)),
        seen(address("192.0.2.1"), "", (-4, -4, 3)),
    ]);
    let names = ["evil.example".to_owned(), "absent.example".to_owned(), "www.evil.example".to_owned()];
    let addresses = ["192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap()];
    let found = place.reading().look_up(&names, &addresses, View::ALL).unwrap();
    let line = |sighting: &Sighting| (sighting.indicator.clone(), sighting.seen.count, sighting.hosts.len());
    let lines: Vec<_> = found.iter().map(line).collect();
    let expected = [("evil.example", 3, 2), ("www.evil.example", 2, 1), ("192.0.2.1", 3, 0)];
    assert_eq!(lines, expected.map(|(indicator, count, hosts)| (indicator.to_owned(), count, hosts)));
    assert_eq!((found[0].seen.first, found[0].seen.last), (at(-9), at(-6)));
    let scope = Scope::parse("10.0.0.8").unwrap();
    let found = place.reading().look_up(&names, &addresses, View { scope: &scope, ..View::ALL }).unwrap();
    assert_eq!(found.iter().map(line).map(|(_, count, _)| count).collect::<Vec<_>>(), [2, 2]);
    let cancelled = View { cancelled: &|| true, ..View::ALL };
    assert!(matches!(place.reading().look_up(&names, &addresses, cancelled), Err(ObservablesError::Cancelled)));
}

#[test]
fn so_many_hosts_are_named() {
    let place = open();
    for (n, more) in (0..).zip([vec![false; HOSTS], vec![true]].concat()) {
        place.put(&[seen(name("a.example"), &format!("10.0.{}.{}", n / 256, n % 256), (0, 0, 1))]);
        let sighting = place.reading().sighting(&Ask::Name("a.example".into()), View::ALL).unwrap().unwrap();
        assert_eq!((sighting.hosts.len(), sighting.more_hosts), ((n + 1).min(HOSTS), more));
    }
}

#[test]
fn what_is_told_of_the_future_or_by_a_batch_of_long_ago_is_refused() {
    let place = open();
    let lines = [(-7 * 86_400 - 1, 0, 1), (-7 * 86_400, 0, 1), (0, 3_600, 1), (0, 3_601, 1)];
    let lines = lines.map(|times| seen(name("a.example"), "10.0.0.7", times));
    let batch = place.take(Origin::Batch("gw/1"), &lines, at(0)).unwrap();
    assert_eq!(batch, Taken { taken: 2, early: 1, late: 1, repeated: false });
    assert_eq!(place.put(&lines), Taken { taken: 3, early: 0, late: 1, repeated: false });
}

#[test]
fn a_batch_that_comes_again_is_recognised() {
    let directory = tempfile::tempdir().unwrap();
    let line = [seen(name("a.example"), "10.0.0.7", (0, 0, 1))];
    for (n, repeated) in [(0, false), (1, true), (2, true)] {
        let observables = Observables::open(directory.path(), ObservablesSettings::default()).unwrap();
        let taken = observables.take(Origin::Batch("gw/1"), &line, at(0)).unwrap();
        assert_eq!((taken.repeated, taken.taken), (repeated, u64::from(!repeated)));
        assert_eq!(values(observables.reading(), "a.example", Scope::ALL), [format!("a.example 0-0 {} by 1", n + 1)]);
        assert!(!observables.take(Origin::Batch(&format!("gw/1{n}")), &line, at(0)).unwrap().repeated, "another");
    }
}

/// The database fails at any of the changes: nothing of it is there, and the next try does all of it.
#[test]
fn what_fails_midway_leaves_nothing() {
    let source = SourceId("s".into());
    let file = Origin::File { source: &source, upto: 77 };
    let origins = [(file, ("sources", "UPDATE")), (Origin::Batch("gw/1"), ("batches", "INSERT"))];
    let lines = [
        seen(name("old.example"), "10.0.0.7", (-1, 0, 4)),
        seen(name("new.example"), "10.0.0.7", (-1, 0, 1)),
        seen(address("192.0.2.1"), "10.0.0.7", (-1, 0, 1)),
        seen(pair("new.example", "192.0.2.1"), "10.0.0.7", (-1, 0, 1)),
    ];
    for (origin, kept) in origins {
        let place = open();
        place.put(&[seen(name("old.example"), "10.0.0.7", (-5, -5, 1))]);
        let before = dump(&place);
        for (table, change) in [
            kept,
            ("names", "UPDATE"),
            ("names", "INSERT"),
            ("addresses", "INSERT"),
            ("pairs", "INSERT"),
            ("totals", "UPDATE"),
        ] {
            let sql = format!(
                "CREATE TEMP TRIGGER fails AFTER {change} ON main.{table} BEGIN SELECT raise(ABORT, 'no'); END"
            );
            place.writer().connection.execute_batch(&sql).unwrap();
            let taken = place.take(origin, &lines, at(0));
            place.writer().connection.execute_batch("DROP TRIGGER fails").unwrap();
            assert!(taken.is_err(), "{table} {change}");
            assert_eq!(dump(&place), before, "{table} {change}");
            assert_eq!(place.writer().rows, [1, 0, 0]);
        }
        assert_eq!(place.take(origin, &lines, at(0)).unwrap().taken, 4);
        assert_eq!(
            values(place.reading(), "*.example", Scope::ALL),
            ["new.example -1-0 1 by 1", "old.example -5-0 5 by 1"]
        );
        assert_eq!(place.writer().rows, [2, 1, 1]);
    }
}

/// Everything in the file.
fn dump(place: &Observables) -> Vec<String> {
    let writer = place.writer();
    let tables = ["names", "addresses", "pairs", "sources", "batches", "totals"];
    let rows = |table: &&str| {
        let mut statement = writer.connection.prepare(&format!("SELECT * FROM {table}")).unwrap();
        let columns = statement.column_count();
        let row = |row: &rusqlite::Row<'_>| {
            Ok((0..columns).map(|at| format!("{:?}", row.get_ref(at).unwrap())).collect::<Vec<_>>().join(" "))
        };
        statement.query_map([], row).unwrap().map(|row| format!("{table} {}", row.unwrap())).collect::<Vec<_>>()
    };
    tables.iter().flat_map(rows).collect()
}

#[test]
fn no_more_rows_than_the_limit_and_the_oldest_go() {
    let limits = Limits { names: 40, addresses: 20, pairs: 20 };
    let place = with(ObservablesSettings { limits, ..ObservablesSettings::default() });
    let host = |n: i64| format!("10.0.0.{n}");
    // The later its number, the longer ago.
    for (n, rows) in (1..=41).zip((1..=40).chain([38])) {
        place.put(&[seen(name("a.example"), &host(n), (-n, -n, 1))]);
        assert_eq!(place.writer().rows, [rows, 0, 0], "{n}");
    }
    assert_eq!((place.counters().crowded(), place.counters().aged()), (3, 0));
    let hosts = all(7, |turn| place.reading().hosts(&Ask::Name("a.example".into()), turn, View::ALL));
    let hosts: Vec<IpAddr> = hosts.into_iter().map(|host| host.host.unwrap()).collect();
    assert_eq!(hosts, (1..=38).map(|n| host(n).parse().unwrap()).collect::<Vec<IpAddr>>());
    for (n, (addresses, pairs)) in (1..=21).zip((1..=20).map(|n| (n, n)).chain([(19, 19)])) {
        let other = format!("192.0.2.{n}");
        place.put(&[
            seen(address(&other), "10.0.0.1", (-n, -n, 1)),
            seen(pair("a.example", &other), "10.0.0.1", (-n, -n, 1)),
        ]);
        assert_eq!(place.writer().rows, [38, addresses, pairs], "{n}");
    }
    assert_eq!(values(place.reading(), "192.0.2.0/24", Scope::ALL).len(), 19);
    let counted: Vec<i64> = ["names", "addresses", "pairs"].map(|table| rows_of(&place, table)).to_vec();
    assert_eq!(counted, [38, 19, 19]);
}

fn rows_of(place: &Observables, table: &str) -> i64 {
    let sql = format!("SELECT count(*) FROM {table}");
    place.writer().connection.query_row(&sql, [], |row| row.get(0)).unwrap()
}

#[test]
fn what_was_not_seen_for_long_goes() {
    let place = with(ObservablesSettings { retention_days: Some(2), ..ObservablesSettings::default() });
    let day = 86_400;
    for last in [-2 * day - 1, -2 * day, -day] {
        let times = (-9 * day, last, 1);
        place.put(&[
            seen(name(&format!("a{last}.example")), "10.0.0.7", times),
            seen(pair("a.example", &format!("192.0.2.{}", last / -day)), &format!("10.0.0.{}", last.abs() % 7), times),
        ]);
    }
    place.keep_up(&HashSet::new(), at(0)).unwrap();
    assert_eq!((place.writer().rows, place.counters().aged()), ([2, 0, 2], 2));
    assert_eq!(rows_of(&place, "names"), 2);
    // With another file: the place in one that is there is kept for ever, of one that is gone for a while.
    let sources = ["there", "gone"].map(|id| SourceId(id.into()));
    for source in &sources {
        place.set_position(source, 5, at(-31 * day)).unwrap();
    }
    place.keep_up(&HashSet::from([sources[0].clone()]), at(0)).unwrap();
    assert_eq!(sources.map(|source| place.position(&source).unwrap()), [Some(5), None]);
    assert!(place.position(&SourceId("s".into())).unwrap().is_some());
}

#[test]
fn batches_are_forgotten_when_there_are_too_many() {
    let place = open();
    let first = place.take(Origin::Batch("first"), &[], at(0)).unwrap();
    assert!(!first.repeated);
    place.writer().connection.execute("UPDATE batches SET number = 1", []).unwrap();
    let fill = "INSERT INTO batches (number, id) VALUES (?1, 'last')";
    for (number, repeated) in [(take::MAX_BATCHES - 1, true), (take::MAX_BATCHES, false)] {
        place.writer().connection.execute("DELETE FROM batches WHERE number > 1", []).unwrap();
        place.writer().connection.execute(fill, [number]).unwrap();
        place.take(Origin::Batch("another"), &[], at(0)).unwrap();
        assert_eq!(place.take(Origin::Batch("first"), &[], at(0)).unwrap().repeated, repeated, "{number}");
    }
}

#[test]
fn a_damaged_file_is_set_aside_and_a_newer_one_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(FILE);
    let settings = ObservablesSettings::default();
    std::fs::write(&path, b"this is no database, whatever its name says ....").unwrap();
    let observables = Observables::open(directory.path(), settings).unwrap();
    assert!(values(observables.reading(), "*.example", Scope::ALL).is_empty());
    assert!(std::fs::read(directory.path().join("observables.sqlite.damaged")).unwrap().starts_with(b"this is no"));
    drop(observables);
    let connection = Connection::open(&path).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    let newer = |error: ObservablesError| matches!(error, ObservablesError::Database(DatabaseError::Newer { .. }));
    assert!(Observables::open(directory.path(), settings).is_err_and(newer));
    assert!(Reading::open(directory.path()).is_err_and(newer));
    assert!(Reading::open(&directory.path().join("missing")).is_err());
}

/// No question looks at more than it has to.
#[test]
fn questions_use_indexes() {
    let place = open();
    let connection = Connection::open(place.reading().path()).unwrap();
    for sql in reading::STATEMENTS {
        let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let bound = (statement.parameter_count() > 0).then(Vec::<u8>::new);
        let bounds = vec![bound; statement.parameter_count()];
        let plan = statement.query_map(rusqlite::params_from_iter(bounds), |row| row.get::<_, String>(3)).unwrap();
        let plan: Vec<String> = plan.map(Result::unwrap).collect();
        assert!(plan.len() == 1 && plan[0].starts_with("SEARCH"), "{sql}: {plan:?}");
    }
}

const NAMES: [&str; 6] = ["a.x", "b.a.x", "c.b.a.x", "aa.x", "x", "y"];
const ADDRESSES: [&str; 4] = ["192.0.2.1", "192.0.2.9", "198.51.100.1", "2001:db8::1"];
const HOST: [&str; 5] = ["", "10.1.0.1", "10.1.0.2", "10.2.0.1", "fd00::1"];

fn any_observable() -> impl Strategy<Value = Observable> {
    (0..3usize, 0..NAMES.len(), 0..ADDRESSES.len(), 0..HOST.len(), (-99..0i64, 0..9i64, 1..9u64)).prop_map(
        |(kind, n, a, host, (first, length, count))| {
            let what = match kind {
                0 => name(NAMES[n]),
                1 => address(ADDRESSES[a]),
                _ => pair(NAMES[n], ADDRESSES[a]),
            };
            seen(what, HOST[host], (first, first + length, count))
        },
    )
}

fn matches(ask: &Ask, text: &str, address: Option<IpAddr>) -> bool {
    match ask {
        Ask::Name(name) => text == name,
        Ask::Below(name) => text.ends_with(&format!(".{name}")),
        Ask::Within(name) => text == name || text.ends_with(&format!(".{name}")),
        Ask::Net(net) => address.is_some_and(|address| net.contains(&address)),
    }
}

/// The plainest way: what of all that was taken matches, and was touched by a host that may be seen.
struct Oracle {
    seen: Option<Seen>,
    hosts: BTreeSet<Option<IpAddr>>,
}

fn oracle<K: Ord>(
    lines: &[Observable],
    scope: &Scope,
    mut key: impl FnMut(&Observable) -> Option<K>,
) -> BTreeMap<K, Oracle> {
    let mut found: BTreeMap<K, Oracle> = BTreeMap::new();
    let visible = |line: &&Observable| scope.is_everything() || line.host.is_some_and(|host| scope.contains(host));
    for line in lines.iter().filter(visible) {
        let Some(key) = key(line) else { continue };
        let more = Seen { first: line.first, last: line.last, count: line.count };
        let entry = found.entry(key).or_insert(Oracle { seen: None, hosts: BTreeSet::new() });
        entry.hosts.insert(line.host);
        entry.seen = Some(entry.seen.map_or(more, |mut seen| {
            seen.add(more);
            seen
        }));
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// What a reader is shown comes from hosts of their scope alone, whatever is asked and in whatever pages.
    #[test]
    fn answers_are_those_of_the_plainest_way(
        lines in prop::collection::vec(any_observable(), 0..40),
        split in 0..40usize,
        limit in 1..4usize,
    ) {
        let place = open();
        let (one, other) = lines.split_at(split.min(lines.len()));
        place.put(one);
        place.put(other);
        let asks = ["a.x", "*.a.x", "*.x", "none.x", "192.0.2.1", "192.0.2.0/24", "0.0.0.0/0", "::/0"];
        let asks = asks.map(|text| Ask::parse(text).unwrap()).into_iter().chain([Ask::Within("a.x".into())]);
        let asks: Vec<Ask> = asks.collect();
        for networks in ["", "10.1.0.0/16", "10.2.0.1", "fd00::/8,10.1.0.2", "172.16.0.0/12"] {
            let scope = Scope::parse(networks).unwrap();
            let view = View { scope: &scope, ..View::ALL };
            for ask in &asks {
                let (reading, what) = (place.reading(), format!("{ask:?} within {networks:?}"));
                let touched = |line: &Observable| match &line.what {
                    What::Name(text) => matches(ask, text, None).then(|| text.clone()),
                    What::Address(address) => matches(ask, "", Some(*address)).then(|| address.to_string()),
                    What::Pair { .. } => None,
                };
                let found = all(limit, |turn| reading.values(ask, turn, view));
                let found: BTreeMap<_, _> = found.into_iter().map(|v| (v.value, (Some(v.seen), v.hosts))).collect();
                let expected = oracle(&lines, &scope, touched);
                let expected: BTreeMap<_, _> =
                    expected.into_iter().map(|(key, o)| (key, (o.seen, o.hosts.len() as u64))).collect();
                prop_assert_eq!(found, expected, "values of {}", &what);

                let found = all(limit, |turn| reading.hosts(ask, turn, view));
                let found: BTreeMap<_, _> = found.into_iter().map(|host| (host.host, Some(host.seen))).collect();
                let expected = oracle(&lines, &scope, |line| touched(line).map(|_| line.host));
                let expected: BTreeMap<_, _> = expected.into_iter().map(|(key, o)| (key, o.seen)).collect();
                prop_assert_eq!(found, expected, "hosts of {}", &what);

                let found = all(limit, |turn| reading.pairs(ask, turn, view));
                let found: BTreeMap<_, _> =
                    found.into_iter().map(|p| ((p.name, p.address), (Some(p.seen), p.hosts))).collect();
                let expected = oracle(&lines, &scope, |line| match &line.what {
                    What::Pair { name, address } if matches(ask, name, Some(*address)) => Some((name.clone(), *address)),
                    _ => None,
                });
                let expected: BTreeMap<_, _> =
                    expected.into_iter().map(|(key, o)| (key, (o.seen, o.hosts.len() as u64))).collect();
                prop_assert_eq!(found, expected, "pairs of {}", &what);

                let found = reading.sighting(ask, view).unwrap().map(|sighting| sighting.seen);
                let expected = oracle(&lines, &scope, |line| touched(line).map(drop)).remove(&()).and_then(|o| o.seen);
                prop_assert_eq!(found, expected, "all of {}", &what);
            }
        }
    }

    #[test]
    fn any_cursor_is_a_place(after in "\\PC{0,20}") {
        let place = open();
        place.put(&[seen(name("a.x"), "10.0.0.7", (0, 0, 1)), seen(pair("a.x", "192.0.2.1"), "10.0.0.7", (0, 0, 1))]);
        let turn = Turn { after: Some(&after), limit: 1 };
        for ask in [Ask::Below("x".into()), Ask::parse("192.0.2.1").unwrap()] {
            place.reading().values(&ask, turn, View::ALL).unwrap();
            place.reading().hosts(&ask, turn, View::ALL).unwrap();
            place.reading().pairs(&ask, turn, View::ALL).unwrap();
        }
    }
}
