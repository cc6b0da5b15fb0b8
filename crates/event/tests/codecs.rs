//! The two codecs: the journal loses nothing, the text line is what people and tools expect.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::single_range_in_vec_init)] // Helpers of tests.

use std::net::IpAddr;

use event::{Before, Context, Event, Kind, Observed, Severity, TextLine, journal, line};
use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};
use proptest::prelude::*;

fn event() -> Event {
    let time = Timestamp::from_microsecond(1_767_323_045_000_006).unwrap();
    Event {
        id: "0006".into(),
        time,
        last: time,
        site: String::new(),
        sensor: "sensor".into(),
        src: vec!["10.0.0.5".parse().unwrap()],
        src_ports: vec![40_000],
        dst: vec!["8.8.8.8".parse().unwrap()],
        dst_ports: vec![53],
        protocol: 17,
        kind: Kind::Dns,
        observed: Observed { text: "www.evil.example".into(), matched: vec![4..16] },
        indicator: "evil.example".into(),
        info: "asyncrat (malware)".into(),
        reference: "(static)".into(),
        class: "malware".into(),
        severity: Severity::High,
        confidence: 90,
        reasons: Vec::new(),
        count: 1,
        context: Context::default(),
        batch: String::new(),
    }
}

#[test]
fn the_text_line_byte_for_byte() {
    assert_eq!(
        event().line(&TimeZone::UTC),
        "\"2026-01-02 03:04:05.000006\" sensor 10.0.0.5 40000 8.8.8.8 53 UDP DNS (www).evil.example \
         \"asyncrat (malware)\" (static)"
    );
}

#[test]
fn time_and_day_are_local() {
    let zone = TimeZone::fixed(Offset::constant(-5));
    assert!(event().line(&zone).starts_with("\"2026-01-01 22:04:05.000006\" "));
    assert_eq!(event().day(&zone).to_string(), "2026-01-01");
    assert_eq!(event().day(&TimeZone::UTC).to_string(), "2026-01-02");
}

#[test]
fn bundles_are_sorted_and_joined_by_commas() {
    let mut event = event();
    event.src_ports = vec![];
    event.dst = ["10.0.0.10", "10.0.0.9", "2001:db8::1", "10.0.0.9"].map(|a| a.parse().unwrap()).to_vec();
    event.dst_ports = vec![443, 22, 0, 80, 22];
    event.context.forwarded_for = vec!["203.0.113.7".into(), "198.51.100.1".into()];
    event.protocol = 58;
    let line = TextLine::of(&event, &TimeZone::UTC);
    assert_eq!(line.src_ip, "10.0.0.5,203.0.113.7,198.51.100.1");
    assert_eq!((line.src_port.as_str(), line.dst_port.as_str()), ("", "22,80,443"));
    assert_eq!(line.dst_ip, "10.0.0.9,10.0.0.10,2001:db8::1");
    assert!(line.to_string().contains(" - 10.0.0.9,10.0.0.10,2001:db8::1 22,80,443 ICMP "));
}

#[test]
fn protocols_by_name() {
    let names =
        [(1, "ICMP"), (6, "TCP"), (17, "UDP"), (47, "GRE"), (50, "ESP"), (58, "ICMP"), (132, "SCTP"), (253, "253")];
    for (number, name) in names {
        assert_eq!(line::protocol_name(number), name);
    }
}

#[test]
fn what_surrounds_a_match_stands_in_parentheses() {
    let cases: [(&str, &[std::ops::Range<u32>], &str); 12] = [
        ("evil.example", &[0..12], "evil.example"),
        ("www.evil.example", &[4..16], "(www).evil.example"),
        ("a.b.evil.example", &[4..16], "(a.b).evil.example"),
        ("x.onion.ws", &[0..7], "x.onion(.ws)"),
        ("evil.example/x/load.exe", &[0..12, 15..23], "evil.example(/x/)load.exe"),
        ("10.0.0.9 host.example", &[0..8], "10.0.0.9 (host.example)"),
        ("any.example/gate?id=47", &[11..20], "(any.example)/gate?id=(47)"),
        ("sqlmap/1 (x)", &[0..6], "sqlmap(/1 \\(x\\))"),
        ("f(x)", &[0..4], "f\\(x\\)"),
        ("nothing", &[], "nothing"),
        ("", &[], ""),
        ("short", &[3..99], "short"),
    ];
    for (text, matched, expected) in cases {
        let observed = Observed { text: text.into(), matched: matched.to_vec() };
        assert_eq!(line::markup(&observed), expected, "{text}");
    }
}

/// Values that attackers, tools and accidents make, and how they stand in a line.
#[test]
fn awkward_values() {
    let long = "x".repeat(100_000);
    let cases = [
        ("", "-"),
        ("plain", "plain"),
        ("with space", "\"with space\""),
        ("a\"b", "\"a\"\"b\""),
        ("\"", "\"\"\"\""),
        ("two\r\nlines", "\"two  lines\""),
        ("nul\0", "nul\\x00"),
        ("\u{1b}[2J", "\\x1b[2J"),
        ("tab\there", "tab\\x09here"),
        ("\u{9b}31m", "\\x9b31m"),
        ("\u{202e}gpj.exe", "\\u{202e}gpj.exe"),
        ("a,b", "a,b"),
        ("#x", "#x"),
        ("(x)", "(x)"),
        ("b\u{f6}se", "b\u{f6}se"),
        ("\u{fffd}", "\u{fffd}"),
        ("back\\slash", "back\\slash"),
        (long.as_str(), long.as_str()),
    ];
    for (value, expected) in cases {
        let line = TextLine { time: "t".into(), trail: value.into(), ..TextLine::default() };
        assert_eq!(line.to_string(), format!("t - - - - - - - {expected} - -"));
        let back = TextLine::parse(&line.to_string()).unwrap();
        assert_eq!(back.trail, line::clean(value));
    }
}

#[test]
fn lines_of_others_are_read() {
    let line = "\"2024-05-06 07:08:09.123456\" box 1.2.3.4 - 5.6.7.8 - ICMP IP 5.6.7.8  \"a \"\"b\"\"\" ref\r\n";
    let line = TextLine::parse(line).unwrap();
    assert_eq!((line.src_port.as_str(), line.info.as_str(), line.reference.as_str()), ("", "a \"b\"", "ref"));
    assert_eq!(TextLine::parse("a b").unwrap_err(), line::LineError::Columns { found: 2 });
    assert_eq!(TextLine::parse("a b c d e f g h i j k l").unwrap_err(), line::LineError::Columns { found: 12 });
    assert_eq!(TextLine::parse("\"a b").unwrap_err(), line::LineError::Quote);
    assert!(TextLine::parse("").is_err());
}

#[test]
fn the_journal_is_one_object_with_fields_in_order() {
    let mut event = event();
    event.context.sni = "x.example".into();
    let json = journal::to_line(&event).unwrap();
    assert_eq!(
        json,
        "{\"v\":1,\"id\":\"0006\",\"time\":\"2026-01-02T03:04:05.000006Z\",\"last\":\"2026-01-02T03:04:05.000006Z\",\
         \"sensor\":\"sensor\",\"src\":[\"10.0.0.5\"],\"src_ports\":[40000],\"dst\":[\"8.8.8.8\"],\"dst_ports\":[53],\
         \"protocol\":17,\"kind\":\"DNS\",\"observed\":{\"text\":\"www.evil.example\",\"matched\":[[4,16]]},\
         \"indicator\":\"evil.example\",\"info\":\"asyncrat (malware)\",\"reference\":\"(static)\",\
         \"class\":\"malware\",\"severity\":\"high\",\"confidence\":90,\"count\":1,\"context\":{\"sni\":\"x.example\"}}"
    );
    assert_eq!(journal::parse(&json).unwrap(), event);
}

#[test]
fn what_is_no_event_is_refused_and_unknown_fields_are_not() {
    let json = journal::to_line(&event()).unwrap();
    assert_eq!(journal::parse(&json.replacen("\"v\":1", "\"v\":1,\"new\":{\"a\":[1]}", 1)).unwrap(), event());
    let newer = json.replacen("\"v\":1", "\"v\":2", 1);
    assert!(matches!(journal::parse(&newer), Err(journal::JournalError::Version { found: 2 })));
    for end in 0..json.len() {
        assert!(journal::parse(&json[..end]).is_err(), "torn at {end}");
    }
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[ -~]{0,40}",
        proptest::sample::select(vec!["", " ", "\"", "-", "\"\"", "\r\n", "\0", "(", ")", "#", ",", "\u{202e}", "a b"])
            .prop_map(str::to_owned),
    ]
}

prop_compose! {
    fn observed()(text in text(), cuts in proptest::collection::vec(0u32..50, 0..6)) -> Observed {
        let mut cuts = cuts;
        cuts.sort_unstable();
        cuts.dedup();
        Observed { text, matched: cuts.chunks_exact(2).map(|pair| pair[0]..pair[1]).collect() }
    }
}

prop_compose! {
    fn context()(
        (host, sni, user_agent, ja3) in (text(), text(), text(), text()),
        (ja4, community_id, query) in (text(), text(), text()),
        forwarded_for in proptest::collection::vec(text(), 0..3),
        before in proptest::option::of((0i64..253_402_207_200, 0i64..253_402_207_200, any::<u64>())),
    ) -> Context {
        let time = |second| jiff::Timestamp::from_second(second).unwrap();
        let before = before.map(|(first, last, count)| Before { first: time(first), last: time(last), count });
        Context { host, sni, user_agent, ja3, ja4, community_id, forwarded_for, query, before }
    }
}

prop_compose! {
    fn events()(
        (id, site, sensor, batch) in (text(), text(), text(), text()),
        (indicator, info, reference, class) in (text(), text(), text(), text()),
        (time, last) in (-377_705_000_000_000_000i64..253_402_200_000_000_000, 0i64..4_000_000_000_000_000),
        (src, dst) in (proptest::collection::vec(any::<IpAddr>(), 0..4), proptest::collection::vec(any::<IpAddr>(), 0..4)),
        (src_ports, dst_ports) in (proptest::collection::vec(any::<u16>(), 0..4), proptest::collection::vec(any::<u16>(), 0..4)),
        (protocol, kind, severity) in (any::<u8>(), proptest::sample::select(Kind::ALL.to_vec()),
            proptest::sample::select(vec![Severity::Low, Severity::Medium, Severity::High])),
        (confidence, count) in (any::<u8>(), any::<u64>()),
        reasons in proptest::collection::vec(text(), 0..3),
        observed in observed(),
        context in context(),
    ) -> Event {
        let time = Timestamp::from_microsecond(time).unwrap();
        let last = Timestamp::from_microsecond(last).unwrap();
        Event {
            id, time, last, site, sensor, src, src_ports, dst, dst_ports, protocol, kind, observed, indicator, info,
            reference, class, severity, confidence, reasons, count, context, batch,
        }
    }
}

proptest! {
    #[test]
    fn the_journal_loses_nothing(event in events()) {
        let json = journal::to_line(&event).unwrap();
        prop_assert!(!json.contains(['\n', '\r']));
        prop_assert_eq!(journal::parse(&json).unwrap(), event);
    }

    #[test]
    fn a_text_line_is_one_line_and_reads_back(event in events()) {
        let line = TextLine::of(&event, &TimeZone::UTC);
        let text = line.to_string();
        prop_assert!(!text.chars().any(char::is_control));
        let back = TextLine::parse(&text).unwrap();
        prop_assert_eq!(back.to_string(), text);
        let clean = |value: &str| match line::clean(value) { value if value == "-" => String::new(), value => value };
        prop_assert_eq!(back.trail, clean(&line.trail));
        prop_assert_eq!(back.info, clean(&line.info));
        prop_assert_eq!(back.sensor, clean(&line.sensor));
    }

    #[test]
    fn markup_escapes_every_parenthesis_that_was_seen(observed in observed()) {
        let seen = observed.text.matches(['(', ')']).count();
        let drawn = line::markup(&observed);
        prop_assert!(drawn.matches("\\(").count() + drawn.matches("\\)").count() >= seen);
        let plain: String = drawn.replace(['(', ')', '\\'], "");
        prop_assert_eq!(plain, observed.text.replace(['(', ')', '\\'], ""));
    }

    #[test]
    fn no_text_makes_the_readers_panic(text in any::<String>()) {
        let _ = TextLine::parse(&text);
        let _ = journal::parse(&text);
    }
}
