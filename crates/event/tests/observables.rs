//! Observables: one line each, the same when read again.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // Helpers of tests.

use std::net::IpAddr;

use event::observable::{
    Drawer, MAX_LABEL, MAX_LINE, MAX_NAME, NameError, Observable, ObservableError, Seen, Span, What, line, name, parse,
};
use jiff::Timestamp;
use proptest::prelude::*;

const PAIR: &str = r#"{"observable":"pair","name":"a.example","address":"192.0.2.1","host":"10.0.0.7","sensor":"s1","site":"","first":"2026-11-21T10:00:00.123456Z","last":"2026-11-21T10:00:07Z","count":3}"#;

fn pair() -> Observable {
    Observable {
        what: What::Pair { name: "a.example".into(), address: "192.0.2.1".parse().unwrap() },
        host: Some("10.0.0.7".parse().unwrap()),
        sensor: "s1".into(),
        site: String::new(),
        first: "2026-11-21T10:00:00.123456Z".parse().unwrap(),
        last: "2026-11-21T10:00:07Z".parse().unwrap(),
        count: 3,
    }
}

#[test]
fn the_line_byte_for_byte() {
    assert_eq!(line(&pair()).unwrap(), PAIR);
    assert_eq!(parse(PAIR).unwrap(), pair());
    let name = Observable { what: What::Name("a.example".into()), host: None, site: "hq".into(), ..pair() };
    let text = r#"{"observable":"name","name":"a.example","sensor":"s1","site":"hq","first":"2026-11-21T10:00:00.123456Z","last":"2026-11-21T10:00:07Z","count":3}"#;
    assert_eq!(line(&name).unwrap(), text);
    assert_eq!(parse(&format!("{text}\r\n")).unwrap(), name);
}

#[test]
fn there_is_one_form_of_a_name_and_of_an_address() {
    let other = PAIR.replace("a.example", "A.Example..").replace("192.0.2.1", "::ffff:192.0.2.1");
    assert_eq!(parse(&other.replace("10.0.0.7", "::ffff:10.0.0.7")).unwrap(), pair());
    let what = What::Pair { name: "A.EXAMPLE.".into(), address: "::ffff:192.0.2.1".parse().unwrap() };
    let host = Some("::ffff:10.0.0.7".parse().unwrap());
    assert_eq!(line(&Observable { what, host, ..pair() }).unwrap(), PAIR);
}

#[test]
fn names_have_a_length_and_labels() {
    for (bytes, fits) in [(MAX_NAME - 1, true), (MAX_NAME, true), (MAX_NAME + 1, false)] {
        let text = "x".repeat(bytes);
        assert_eq!(name(&text).is_ok(), fits);
        assert_eq!(parse(&PAIR.replace("a.example", &text)).is_ok(), fits);
    }
    assert_eq!(name("x".repeat(MAX_NAME + 1).as_str()), Err(NameError::Long { bytes: MAX_NAME + 1 }));
    let refused = [
        ("", NameError::Empty),
        (".", NameError::Empty),
        (".a", NameError::EmptyLabel),
        ("a..b", NameError::EmptyLabel),
        ("a\nb", NameError::Control),
        ("a\u{9b}b", NameError::Control),
    ];
    for (text, error) in refused {
        assert_eq!(name(text), Err(error), "{text:?}");
    }
    for kept in ["_dns-sd._udp.local", "my printer._ipp._tcp.local", "b\u{f6}se.example", "\"\\<b>", "192.0.2.1"] {
        assert_eq!(name(kept).unwrap(), kept);
    }
}

#[test]
fn what_is_wrong_is_said() {
    let reason = |text: &str| parse(text).unwrap_err().reason();
    let cases = [
        ("", "malformed"),
        ("[]", "malformed"),
        ("{}", "malformed"),
        (&PAIR.replace("\"count\":3", "\"count\":-3"), "malformed"),
        (&PAIR.replace("10.0.0.7", "10.0.0.777"), "malformed"),
        (&PAIR.replace("2026-11-21T10:00:07Z", "yesterday"), "malformed"),
        (&PAIR.replace("\"pair\"", "\"couple\""), "kind"),
        (&PAIR.replace("\"name\":\"a.example\",", ""), "missing"),
        (&PAIR.replace("\"address\":\"192.0.2.1\",", ""), "missing"),
        (&PAIR.replace("a.example", "a..example"), "name"),
        (&PAIR.replace("10:00:07", "09:00:07"), "order"),
        (&PAIR.replace("\"count\":3", "\"count\":0"), "count"),
    ];
    for (text, expected) in cases {
        assert_eq!(reason(text), expected, "{text}");
        assert!(ObservableError::REASONS.contains(&expected));
    }
    for end in 0..PAIR.len() {
        assert_eq!(reason(&PAIR[..end]), "malformed", "torn at {end}");
    }
}

#[test]
fn labels_and_lines_have_a_length() {
    for (bytes, fits) in [(MAX_LABEL - 1, true), (MAX_LABEL, true), (MAX_LABEL + 1, false)] {
        for observable in
            [Observable { sensor: "x".repeat(bytes), ..pair() }, Observable { site: "x".repeat(bytes), ..pair() }]
        {
            assert_eq!(line(&observable).is_ok(), fits, "{bytes}");
        }
        assert_eq!(parse(&PAIR.replace("s1", &"x".repeat(bytes))).is_ok(), fits, "{bytes}");
    }
    let filled = |bytes: usize| PAIR.replacen('{', &format!("{{\"more\":\"{}\",", "x".repeat(bytes)), 1);
    let empty = filled(0).len();
    assert_eq!(parse(&filled(MAX_LINE - empty)).unwrap(), pair());
    assert_eq!(parse(&filled(MAX_LINE - empty + 1)).unwrap_err().reason(), "long");
}

#[test]
fn the_longest_line_that_is_written_can_be_read() {
    let what = What::Pair { name: "\"".repeat(MAX_NAME), address: IpAddr::from([0xff; 16]) };
    let label = "\u{1}".repeat(MAX_LABEL);
    let (first, last) = (Timestamp::MIN, Timestamp::MAX);
    let host = Some(IpAddr::from([0xee; 16]));
    let longest = Observable { what, host, sensor: label.clone(), site: label, first, last, count: u64::MAX };
    let text = line(&longest).unwrap();
    assert!(text.len() <= MAX_LINE, "{}", text.len());
    assert_eq!(parse(&text).unwrap(), longest);
}

/// Drawn as a sensor does it.
fn drawn(observable: &Observable) -> Result<String, NameError> {
    let seen = match &observable.what {
        What::Name(name) => Seen::Name(name.as_bytes()),
        What::Address(address) => Seen::Address(*address),
        What::Pair { name, address } => Seen::Pair(name.as_bytes(), *address),
    };
    let [first, last] = [observable.first, observable.last].map(Timestamp::as_microsecond);
    let mut out = Vec::new();
    let mut drawer = Drawer::new(&observable.sensor, &observable.site).unwrap();
    let result = drawer.draw(seen, observable.host.unwrap(), Span { first, last, count: observable.count }, &mut out);
    let text = String::from_utf8(out).unwrap();
    assert_eq!(result.is_err(), text.is_empty());
    result.map(|()| text)
}

#[test]
fn drawn_quickly_byte_for_byte() {
    assert_eq!(drawn(&pair()).unwrap(), format!("{PAIR}\n").replace("10:00:07Z", "10:00:07.000000Z"));
    let refused = [("\n", NameError::Control), ("a..b", NameError::EmptyLabel), ("..", NameError::Empty)];
    for (text, error) in refused {
        assert_eq!(drawn(&Observable { what: What::Name(text.into()), ..pair() }), Err(error));
    }
    let mut out = b"x".to_vec();
    let mut drawer = Drawer::new("", "").unwrap();
    let span = Span { first: i64::MIN, last: i64::MAX, count: 0 };
    let host = IpAddr::from([10, 0, 0, 7]);
    assert_eq!(drawer.draw(Seen::Name(b"\xff"), host, span, &mut out), Err(NameError::Text));
    assert_eq!(out, b"x");
    drawer.draw(Seen::Name(b"A\"b."), host, span, &mut out).unwrap();
    let observable = parse(std::str::from_utf8(&out[1..]).unwrap()).unwrap();
    assert_eq!(observable.what, What::Name("a\"b".into()));
    let times = [observable.first, observable.last].map(|time| time.to_string());
    assert_eq!(times, ["1970-01-01T00:00:00Z", "9999-12-30T21:59:59.999999Z"]);
    let long = "\u{f6}".repeat(MAX_LABEL);
    let cut = parse(&drawn(&Observable { sensor: long, ..pair() }).unwrap()).unwrap().sensor;
    assert_eq!(cut.len(), MAX_LABEL - 1);
}

#[test]
fn fields_of_later_versions_are_passed_over() {
    assert_eq!(parse(&PAIR.replacen('{', "{\"ttl\":[300],", 1)).unwrap(), pair());
}

prop_compose! {
    fn observables()(
        text in "[a-z0-9_ \"\\\\\u{f6}?-]{1,20}(\\.[a-z0-9]{1,10}){0,4}",
        address in any::<IpAddr>().prop_map(|address| address.to_canonical()),
        host in proptest::option::of(any::<IpAddr>().prop_map(|address| address.to_canonical())),
        kind in 0..3u8,
        (sensor, site) in (any::<String>(), any::<String>()),
        times in [-377_705_000_000_000_000i64..253_402_200_000_000_000, -377_705_000_000_000_000..253_402_200_000_000_000],
        count in 1..=u64::MAX,
    ) -> Observable {
        let what = match kind {
            0 => What::Name(text),
            1 => What::Address(address),
            _ => What::Pair { name: text, address },
        };
        let [first, last] = [times[0].min(times[1]), times[0].max(times[1])].map(|t| Timestamp::from_microsecond(t).unwrap());
        let short = |text: String| text.chars().take(60).collect();
        Observable { what, host, sensor: short(sensor), site: short(site), first, last, count }
    }
}

proptest! {
    #[test]
    fn nothing_is_lost(observable in observables()) {
        let text = line(&observable).unwrap();
        prop_assert!(!text.contains(['\n', '\r']));
        prop_assert_eq!(parse(&text).unwrap(), observable);
    }

    #[test]
    fn drawn_quickly_is_the_same(observable in observables(), host in any::<IpAddr>(), times in [0..253_402_207_200_000_000i64, 0..253_402_207_200_000_000]) {
        let [first, last] = [times[0].min(times[1]), times[0].max(times[1])].map(|t| Timestamp::from_microsecond(t).unwrap());
        let observable = Observable { host: Some(host.to_canonical()), first, last, ..observable };
        prop_assert_eq!(parse(&drawn(&observable).unwrap()).unwrap(), observable);
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in any::<String>(), at in 0..PAIR.len(), with in any::<char>()) {
        let _ = parse(&text);
        let _ = name(&text);
        let mut changed = PAIR.to_owned();
        changed.replace_range(at..=at, with.encode_utf8(&mut [0; 4]));
        if let Ok(observable) = parse(&changed) {
            prop_assert_eq!(parse(&line(&observable).unwrap()).unwrap(), observable);
        }
    }
}
