//! Text lines back to events: nothing lost, nothing invented, and the quick drawing is the plain one.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::single_range_in_vec_init)] // Helpers of tests.

use std::net::IpAddr;

use event::draw::{LocalClock, draw};
use event::import::{Importer, Label, MAX_LINE, Refusal, give_back, keep, unmark};
use event::{Context, Event, Kind, Observed, Severity, line};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use proptest::prelude::*;

fn label(_: &str, reference: &str) -> Label {
    let severity = if reference == "(custom)" { Severity::High } else { Severity::Low };
    Label { class: "other", severity, confidence: 40 }
}

fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap()
}

fn read_in(zone: &TimeZone, line: &[u8]) -> Result<(Event, bool), Refusal> {
    let mut importer = Importer::new(LocalClock::new(zone.clone()));
    importer.read(line, label).map(|imported| (imported.event, imported.exact))
}

fn read(line: &str) -> Result<(Event, bool), Refusal> {
    read_in(&TimeZone::UTC, line.as_bytes())
}

const LINE: &str = "\"2026-01-02 03:04:05.000006\" sensor 10.0.0.5 40000 8.8.8.8 53 UDP DNS (www).evil.example \
                    \"asyncrat (malware)\" (static)";

#[test]
fn a_line_becomes_an_event() {
    let (event, exact) = read(LINE).unwrap();
    assert!(exact);
    assert_eq!(event.time.to_string(), "2026-01-02T03:04:05.000006Z");
    assert_eq!((event.sensor.as_str(), event.src[0].to_string().as_str()), ("sensor", "10.0.0.5"));
    assert_eq!((event.src_ports[0], event.dst_ports[0], event.protocol), (40_000, 53, 17));
    assert_eq!(event.observed, Observed { text: "www.evil.example".into(), matched: vec![4..16] });
    assert_eq!((event.kind, event.indicator.as_str()), (Kind::Dns, "evil.example"));
    assert_eq!((event.info.as_str(), event.reference.as_str()), ("asyncrat (malware)", "(static)"));
    assert_eq!((event.class.as_str(), event.severity, event.confidence), ("other", Severity::Low, 40));
}

/// Columns that are not what one sensor writes for one packet: (column, its value, still drawn alike).
#[test]
fn awkward_columns() {
    let cases: [(usize, &str, bool); 23] = [
        (2, "2001:db8::1", true),
        (2, "2001:DB8:0::1", false),
        (2, "10.0.0.5,203.0.113.7,198.51.100.1", true),
        (2, "10.0.0.5,unknown", true),
        (3, "-", true),
        (3, "22,80,443", true),
        (3, "443,22", false),
        (3, "22,22", false),
        (3, "0", false),
        (3, "http", false),
        (4, "-", true),
        (4, "10.0.0.9,10.0.0.10,2001:db8::1", true),
        (4, "10.0.0.10,10.0.0.9", false),
        (4, "example.org", false),
        (6, "253", true),
        (6, "GRE", true),
        (6, "TCP,UDP", false),
        (6, "-", false),
        (8, "10.0.0.9 (host.example)", true),
        (8, "evil.example(/x/)load.exe", true),
        (8, "a(b", false),
        (9, "a \"quoted\" (info)", true),
        (1, "caf\u{e9}", true),
    ];
    for (column, value, exact) in cases {
        let quoted =
            if value.contains([' ', '"']) { format!("\"{}\"", value.replace('"', "\"\"")) } else { value.into() };
        let mut columns = [
            "\"2026-01-02 03:04:05.000006\"",
            "s",
            "10.0.0.5",
            "1",
            "8.8.8.8",
            "53",
            "UDP",
            "DNS",
            "evil.example",
            "i",
            "r",
        ];
        columns[column] = &quoted;
        let line = columns.join(" ");
        let (event, drawn) = read(&line).unwrap_or_else(|refusal| panic!("{value}: {refusal}"));
        assert_eq!(drawn, exact, "{value}: {}", event.line(&TimeZone::UTC));
        assert_eq!(drawn, event.line(&TimeZone::UTC) == line, "{value}");
    }
    let (event, _) = read(&LINE.replace("10.0.0.5", "10.0.0.5,203.0.113.7")).unwrap();
    assert_eq!((event.src.len(), event.context.forwarded_for), (1, vec!["203.0.113.7".to_owned()]));
    let (event, _) =
        read(&LINE.replace("10.0.0.5", "fe80::1").replace("8.8.8.8", "fe80::2").replace("UDP", "ICMP")).unwrap();
    assert_eq!(event.protocol, 58);
}

#[test]
fn what_is_no_event_is_refused_by_reason() {
    let long = format!("{LINE}{}", " ".repeat(MAX_LINE));
    let cases = [
        ("", Refusal::Columns),
        ("garbage", Refusal::Columns),
        ("{\"v\":1}", Refusal::Columns),
        ("a b c d e f g DNS", Refusal::Columns),
        ("a b c d e f g DNS i j k l", Refusal::Columns),
        ("\"2026-01-02 03:04:05", Refusal::Quote),
        ("\"a\"\"", Refusal::Quote),
        ("yesterday s 10.0.0.5 1 8.8.8.8 53 UDP DNS x i r", Refusal::Time),
        ("\"2026-02-30 03:04:05.000006\" s 10.0.0.5 1 8.8.8.8 53 UDP DNS x i r", Refusal::Time),
        ("\"2026-01-02 24:04:05.000006\" s 10.0.0.5 1 8.8.8.8 53 UDP DNS x i r", Refusal::Time),
        ("\"2026-01-02 03:04:05.\" s 10.0.0.5 1 8.8.8.8 53 UDP DNS x i r", Refusal::Time),
        ("\"+026-01-02 03:04:05\" s 10.0.0.5 1 8.8.8.8 53 UDP DNS x i r", Refusal::Time),
        ("\"2026-01-02 03:04:05\" s host 1 8.8.8.8 53 UDP DNS x i r", Refusal::Source),
        ("\"2026-01-02 03:04:05\" s 10.0.0.5 1 8.8.8.8 53 UDP dns x i r", Refusal::Kind),
        ("\"2026-01-02 03:04:05\" s 10.0.0.5 1 8.8.8.8 53 UDP constructor x i r", Refusal::Kind),
        (long.as_str(), Refusal::Long),
    ];
    for (line, refusal) in cases {
        assert_eq!(read(line).unwrap_err(), refusal, "{line}");
    }
    for (line, seconds) in [
        ("\"2026-01-02 03:04:05\" - 10.0.0.5 1 8.8.8.8 53 UDP DNS evil.example", 1_767_323_045),
        ("2026-01-02T03:04:05.5 - 10.0.0.5 1 8.8.8.8 53 UDP DNS evil.example \"\" \"\"", 1_767_323_045),
    ] {
        let (event, exact) = read(line).unwrap();
        assert!(!exact && event.info.is_empty() && event.time.as_second() == seconds);
    }
    let fits = format!("{LINE}{}", " ".repeat(MAX_LINE - LINE.len()));
    assert!(!read(&fits).unwrap().1);
}

#[test]
fn the_trail_as_listed_is_what_stands_outside() {
    let cases = [
        ("DNS", "evil.example", "(static)", "evil.example"),
        ("DNS", "(a.b).evil.example", "(static)", "evil.example"),
        ("DNS", "(qxzvkw).com", "(heuristic)", "qxzvkw.com"),
        ("IP", "\"10.0.0.9 (host.example)\"", "feed", "10.0.0.9"),
        ("URL", "evil.example(/a?b=)", "(static)", "evil.example"),
        ("DNS", "x.onion(.ws)", "(static)", "x.onion"),
        ("UA", "\"sqlmap(/1 \\(x\\))\"", "(static)", "sqlmap"),
        ("URL", "(all)", "(static)", "all"),
    ];
    for (kind, trail, reference, indicator) in cases {
        let line = format!("\"2026-01-02 03:04:05.000006\" s 10.0.0.5 1 8.8.8.8 53 UDP {kind} {trail} i {reference}");
        let (event, exact) = read(&line).unwrap();
        assert_eq!((event.indicator.as_str(), exact), (indicator, trail != "(all)"), "{trail}");
    }
}

#[test]
fn local_times_that_no_clock_shows_or_shows_twice() {
    let vienna = zone("Europe/Vienna");
    let line = |time: &str| LINE.replace("2026-01-02 03:04:05.000006", time);
    for (local, utc, exact) in [
        ("2026-03-29 01:59:59.000006", "2026-03-29T00:59:59.000006Z", true),
        ("2026-03-29 02:30:00.000006", "2026-03-29T01:30:00.000006Z", false),
        ("2026-03-29 03:00:00.000006", "2026-03-29T01:00:00.000006Z", true),
        ("2026-10-25 01:59:59.000006", "2026-10-24T23:59:59.000006Z", true),
        ("2026-10-25 02:30:00.000006", "2026-10-25T00:30:00.000006Z", true),
        ("2026-10-25 03:00:00.000006", "2026-10-25T02:00:00.000006Z", true),
        ("2026-07-01 12:00:00.000006", "2026-07-01T10:00:00.000006Z", true),
    ] {
        let (event, drawn) = read_in(&vienna, line(local).as_bytes()).unwrap();
        assert_eq!((event.time.to_string().as_str(), drawn), (utc, exact), "{local}");
    }
}

#[test]
fn bytes_that_are_no_text_are_kept() {
    let mut line = LINE.as_bytes().to_vec();
    let at = line.windows(3).position(|w| w == b"www").unwrap();
    line[at] = 0xff;
    let mut importer = Importer::new(LocalClock::new(TimeZone::UTC));
    let imported = importer.read(&line, label).unwrap();
    assert!(!imported.exact && !imported.utf8);
    assert_eq!(imported.event.observed.text, "\u{fffd}ww.evil.example");
    assert_eq!(keep(&line).chars().filter(|c| *c == '\u{10ffff}').count(), 1);
    assert_eq!(give_back(&keep(&line)).as_ref(), line);
    assert_eq!(keep(LINE.as_bytes()), LINE);
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[ -~]{0,40}",
        proptest::sample::select(vec![
            "", " ", "\"", "-", "\"\"", "\r\n", "\0", "(", ")", "\\(", ",", "\u{202e}", "a b"
        ])
        .prop_map(str::to_owned),
    ]
}

prop_compose! {
    fn events()(
        (sensor, info, reference, seen) in (text(), text(), text(), text()),
        cuts in proptest::collection::btree_set(0u32..50, 0..6),
        time in prop_oneof![-377_705_000_000_000_000i64..253_402_200_000_000_000, 1_700_000_000_000_000i64..1_800_000_000_000_000],
        (src, dst) in (proptest::collection::vec(any::<IpAddr>(), 0..4), proptest::collection::vec(any::<IpAddr>(), 0..4)),
        (src_ports, dst_ports) in (proptest::collection::vec(any::<u16>(), 0..4), proptest::collection::vec(any::<u16>(), 0..4)),
        (protocol, kind) in (any::<u8>(), proptest::sample::select(Kind::ALL.to_vec())),
        forwarded_for in proptest::collection::vec(text(), 0..3),
    ) -> Event {
        let time = Timestamp::from_microsecond(time).unwrap();
        let cuts: Vec<u32> = cuts.into_iter().collect();
        Event {
            id: String::new(), time, last: time, site: String::new(), sensor, src, src_ports, dst, dst_ports, protocol, kind,
            observed: Observed { text: seen, matched: cuts.chunks_exact(2).map(|pair| pair[0]..pair[1]).collect() },
            indicator: String::new(), info, reference, class: String::new(), severity: Severity::Low, confidence: 0,
            reasons: Vec::new(), count: 1, context: Context { forwarded_for, ..Context::default() }, batch: String::new(),
        }
    }
}

fn zones() -> impl Strategy<Value = TimeZone> {
    proptest::sample::select(vec!["UTC", "Europe/Vienna", "America/St_Johns", "Pacific/Apia", "Australia/Lord_Howe"])
        .prop_map(zone)
}

#[test]
fn parentheses_that_are_never_closed_belong_to_the_text() {
    for (drawn, text) in
        [("(www.evil.example", "(www.evil.example"), ("a (b).c (d", "a (b).c (d"), ("\\(a (b", "(a (b")]
    {
        let seen = unmark(drawn);
        assert_eq!(seen.text, text);
        assert_eq!(seen.matched, std::iter::once(0..text.len() as u32).collect::<Vec<_>>());
    }
}

proptest! {
    /// The oracle of the quick drawing is the plain one; a clock that is used again and again stays right.
    #[test]
    fn drawn_quickly_is_drawn_plainly(zone in zones(), events in proptest::collection::vec(events(), 1..6)) {
        let mut clock = LocalClock::new(zone.clone());
        for event in events {
            let mut drawn = Vec::new();
            draw(&event, &mut clock, &mut drawn);
            prop_assert_eq!(String::from_utf8(drawn).unwrap(), event.line(&zone));
        }
    }

    /// A line of ours gives an event that draws the same line, or says that it does not; times are exact except
    /// where a clock shows them twice.
    #[test]
    fn a_drawn_line_comes_back(zone in zones(), events in proptest::collection::vec(events(), 1..6)) {
        let mut importer = Importer::new(LocalClock::new(zone.clone()));
        for event in events {
            let line = event.line(&zone);
            let Ok(imported) = importer.read(line.as_bytes(), label) else { continue };
            prop_assert_eq!(imported.exact, imported.event.line(&zone) == line);
            let local = event.time.to_zoned(zone.clone()).datetime();
            if zone.to_ambiguous_timestamp(local).is_ambiguous() {
                prop_assert!(event.time.duration_since(imported.event.time).as_secs().abs() <= 86_400);
            } else {
                prop_assert_eq!(imported.event.time, event.time);
            }
            prop_assert_eq!(imported.event.kind, event.kind);
        }
    }

    #[test]
    fn marks_are_undone(seen in "[a-c. ()/]{0,12}", cuts in proptest::collection::btree_set(0u32..12, 2..5)) {
        let cuts: Vec<u32> = cuts.into_iter().collect();
        let observed = Observed { text: seen, matched: cuts.chunks_exact(2).map(|pair| pair[0]..pair[1]).collect() };
        prop_assert_eq!(unmark(&line::markup(&observed)).text, observed.text);
    }

    #[test]
    fn any_bytes_are_kept_and_given_back(bytes in any::<Vec<u8>>(), text in any::<String>()) {
        prop_assert_eq!(give_back(&keep(&bytes)).into_owned(), bytes);
        prop_assert_eq!(give_back(&keep(text.as_bytes())).into_owned(), text.into_bytes());
    }

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in any::<Vec<u8>>(), place in 0..LINE.len(), byte in any::<u8>()) {
        let _ = read_in(&zone("Europe/Vienna"), &bytes);
        let mut line = LINE.as_bytes().to_vec();
        line[place] = byte;
        if let Ok((event, exact)) = read_in(&TimeZone::UTC, &line) {
            prop_assert_eq!(exact, event.line(&TimeZone::UTC).into_bytes() == line);
        }
    }
}
