//! Queries and what they find.

use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::*;
use crate::store::{Stored, sample};

/// A DNS event of 10.0.0.1 (gw-dc) to 8.8.8.8 about host1.evil1.example, info `asyncrat (malware)`, severity high.
fn event() -> Stored {
    let mut stored = sample::stored(1);
    stored.event.indicator = "evil1.example".into();
    stored.event.observed.matched = std::iter::once(6..19).collect();
    stored.event.reasons = vec!["asked for 40 names a minute".into()];
    stored.event.context.ja3 = "51c64c77e60f3980eea90869b68c58a8".into();
    stored
}

fn finds(query: &str) -> bool {
    parse(query).unwrap_or_else(|e| panic!("{query}: {e}")).matches(&event(), &TimeZone::UTC)
}

#[test]
fn terms() {
    for (query, expected) in [
        ("host1.evil1.example", true),
        ("HOST1.evil1.example", true),
        ("evil1.example", true),
        ("other.example", false),
        ("hxxps://evil1[.]example", true),
        ("10.0.0.1", true),
        ("10.0.0.2", false),
        ("10[.]0[.]0[.]1", true),
        ("10.0.0.0/24", true),
        ("10.0.0.77/24", true),
        ("8.8.8.0-8.8.8.8", true),
        ("8.8.8.0-8.8.8.7", false),
        ("::ffff:10.0.0.1", true),
        ("::ffff:10.0.0.0/120", true),
        ("::ffff:11.0.0.0/120", false),
        ("51C64C77E60F3980EEA90869B68C58A8", true),
        ("\"asyncrat (malware)\"", true),
        ("\"asyncrat  malware\"", false),
        ("asyncrat (malware)", true),
        ("src:10.0.0.0/8", true),
        ("dst:10.0.0.0/8", false),
        ("DST:8.8.8.8", true),
        ("trail:example", true),
        ("trail:evil1.example.", true),
        ("trail:vil1.example", false),
        ("trail:\"vil1.example\"", true),
        ("info:asyncrat", true),
        ("info:\"asyncrat (\"", true),
        ("info:evil", false),
        ("sensor:gw-dc", true),
        ("sensor:gw-hq", false),
        ("reason:\"40 names\"", true),
        ("reason:asyncrat", false),
        ("\"ASKED for\"", true),
        ("type:dns", true),
        ("type:URL", false),
        ("sev:high", true),
        ("sev:medium", false),
        ("sev:medium+", true),
        ("nosuch:field", false),
    ] {
        assert_eq!(finds(query), expected, "{query}");
    }
}

#[test]
fn operators() {
    for (query, expected) in [
        ("evil1 asyncrat", true),
        ("evil1 AND nothing", false),
        ("nothing OR evil1", true),
        ("NOT nothing", true),
        ("NOT evil1", false),
        ("NOT NOT evil1", true),
        ("evil1 OR nothing AND never", true),
        ("(evil1 OR nothing) AND never", false),
        ("NOT nothing evil1", true),
        ("NOT (nothing evil1)", true),
        ("evil1(asyncrat)", true),
        ("evil1 and", false),
        ("\"AND\"", false),
        ("evil1\"asyncrat\"", true),
    ] {
        assert_eq!(finds(query), expected, "{query}");
    }
    // What has backslashes and quotes in it.
    let Filter::Or(any) = parse(r#""a\"b\\c\d""#).unwrap() else { panic!("text") };
    assert!(any.contains(&Filter::Text(r#"a"b\c\d"#.into())), "{any:?}");
}

#[test]
fn errors_say_where() {
    for (query, position, words) in [
        ("", 1, "nothing to look for"),
        ("   ", 1, "nothing to look for"),
        ("é (a", 3, "no `)`"),
        ("a )", 3, "no `(`"),
        ("()", 2, "missing before"),
        ("a AND", 6, "missing at the end"),
        ("a OR OR b", 6, "missing before"),
        ("é \"b", 3, "not closed"),
        ("a src:host", 3, "no address"),
        ("src:10.0.0.9-10.0.0.1", 1, "no address"),
        ("src:10.0.0.1-::1", 1, "no address"),
        ("type:x", 1, "DNS, IP"),
        ("sev:worst", 1, "low, medium"),
        ("threat:1", 1, "16 hexadecimal"),
        ("info:", 1, "empty"),
        ("a \"\"", 3, "empty"),
    ] {
        let error = parse(query).unwrap_err();
        assert_eq!(error.position, position, "{query}: {error}");
        assert!(error.what.contains(words), "{query}: {error}");
    }
}

#[test]
fn limits() {
    let words = |n: usize| vec!["a"; n].join(" ");
    assert!(parse(&words(MAX_TERMS - 1)).is_ok());
    assert!(parse(&words(MAX_TERMS)).is_ok());
    assert!(parse(&words(MAX_TERMS + 1)).unwrap_err().what.contains("64 terms"));
    let nested = |n: usize| format!("{}a{}", "(".repeat(n), ")".repeat(n));
    assert!(parse(&nested(MAX_DEPTH - 1)).is_ok());
    assert!(parse(&nested(MAX_DEPTH)).is_ok());
    assert!(parse(&nested(MAX_DEPTH + 1)).unwrap_err().what.contains("deeper"));
    assert!(parse(&format!("{}a", "NOT ".repeat(MAX_DEPTH + 1))).is_err());
    assert!(parse(&"a".repeat(MAX_BYTES)).is_ok());
    assert!(parse(&"a".repeat(MAX_BYTES + 1)).unwrap_err().what.contains("4096 bytes"));
}

proptest! {
    #[test]
    fn any_text_is_a_query_or_an_error(
        text in prop_oneof![
            "\\PC{0,40}",
            "((src|dst|trail|info|sensor|type|sev|threat|x):|AND|OR|NOT|[()\" \\\\]|10\\.0\\.0\\.[0-9]|/[0-9]{1,3}|-|::|é){0,24}",
        ],
    ) {
        match parse(&text) {
            Ok(filter) => drop(filter.matches(&event(), &TimeZone::UTC)),
            Err(error) => prop_assert!((1..=text.chars().count() + 1).contains(&error.position)),
        }
    }

    #[test]
    fn text_in_quotes_is_found(text in "[a-zA-Z0-9 .:/\"\\\\()-]{1,20}") {
        let mut stored = event();
        stored.line = Some(format!("x {text} y").into());
        let query = format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
        prop_assert!(parse(&query).unwrap().matches(&stored, &TimeZone::UTC), "{query}");
    }

    #[test]
    fn a_range_has_its_addresses_and_no_others(first: u32, size in 0u32..5000, other: u32) {
        let last = first.saturating_add(size);
        let (from, to) = (std::net::Ipv4Addr::from(first), std::net::Ipv4Addr::from(last));
        let filter = parse(&format!("src:{from}-{to}")).unwrap();
        for address in [first, last, first.wrapping_sub(1), last.wrapping_add(1), first + size / 2 % (last - first + 1), other] {
            let mut stored = event();
            stored.event.src = vec![std::net::Ipv4Addr::from(address).into()];
            prop_assert_eq!(filter.matches(&stored, &TimeZone::UTC), (first..=last).contains(&address));
        }
    }
}
