//! Store -> CSV -> store.

#![allow(clippy::unwrap_used)] // Helpers of tests are tests.

use std::fs;
use std::io::Cursor;
use std::rc::Rc;

use proptest::prelude::*;
use trails::builder::Place;
use trails::read;
use trails::{Builder, Stamp, Store, Vetoes, export};

/// Trail, info, reference.
type Row<'a> = (&'a str, &'a str, &'a str);

fn finish(builder: Builder) -> Store<Vec<u8>> {
    let (out, report) = builder.finish(Cursor::new(Vec::new()), Stamp::default()).unwrap();
    assert!(report.refused.is_empty(), "{:?}", report.refusals);
    Store::from_bytes(out.into_inner()).unwrap()
}

fn store(rows: &[Row<'_>]) -> Store<Vec<u8>> {
    let mut builder = Builder::new(Vetoes::default());
    let file: Rc<str> = "test".into();
    for (trail, info, reference) in rows {
        let source = builder.source(info, reference, *reference == "(custom)");
        builder.add(trail, source, Place { file: &file, line: 1 });
    }
    finish(builder)
}

fn csv(store: &Store<Vec<u8>>) -> String {
    let mut out = Vec::new();
    assert_eq!(export::csv(store, &mut out).unwrap(), store.len() as u64);
    String::from_utf8(out).unwrap()
}

fn read_back(csv: &str) -> Store<Vec<u8>> {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), csv).unwrap();
    let mut builder = Builder::new(Vetoes::default());
    read::add_csv(&mut builder, file.path(), &mut |_| {}).unwrap();
    finish(builder)
}

/// Every trail with its whole label.
fn labelled(store: &Store<Vec<u8>>) -> Vec<String> {
    store.trails().map(|(indicator, label)| format!("{indicator:?} {:?}", store.label(label))).collect()
}

#[test]
fn every_kind() {
    let sha1 = "0123456789abcdef0123456789abcdef01234567";
    let (ja3, ja4) = ("0123456789abcdef0123456789abcdef", "t13d1516h2_8daaf6152771_b186095e22b6");
    let rows = [
        ("evil.example", "some rat (malware)", "(static)"),
        ("onion", "onion (suspicious)", "(static)"),
        ("evil.example/gate.php?id=", "some, \"rat\"", "feed.example"),
        ("/gate.php", "x (malware)", "(static)"),
        ("evil.example:8080", "x (malware)", "(static)"),
        ("192.0.2.1", "known attacker", "feed.example"),
        ("192.0.2.1:65535", "ours", "(custom)"),
        ("192.0.2.2:80/", "x (malware)", "(static)"),
        ("2001:db8::1", "x (malware)", "(static)"),
        ("[2001:db8::1]:443", "y (malware)", "(static)"),
        ("198.51.100.0/24", "covered by its halves", "(static)"),
        ("198.51.100.0/25", "x (malware)", "(static)"),
        ("198.51.100.128/25", "x (malware)", "(static)"),
        ("2001:db8:5::/48", "x (malware)", "(static)"),
        (sha1, "z c2 certificate", "feed.example"),
        (ja3, "x (malware)", "(static)"),
        (ja4, "x (malware)", "(static)"),
        (r"v[i,y]x[0-9]\.example", "x (malware)", "(static)"),
    ];
    let first = store(&rows);
    let text = csv(&first);
    assert_eq!(text.lines().count(), rows.len() + 1, "a service with a slash is two trails: {text}");
    for expected in [
        "evil.example,some rat (malware),(static)",
        "evil.example/gate.php?id=,\"some, \"\"rat\"\"\",feed.example",
        "[2001:db8::1]:443,y (malware),(static)",
        "192.0.2.2:80/,x (malware),(static)",
        "198.51.100.0/24,covered by its halves,(static)",
        "\"v[i,y]x[0-9]\\.example\",x (malware),(static)",
        "192.0.2.1:65535,ours,(custom)",
    ] {
        assert!(text.lines().any(|line| line == expected), "{expected} in {text}");
    }
    let second = read_back(&text);
    assert_eq!(labelled(&second), labelled(&first));
    assert_eq!(csv(&second), text);
}

fn trail() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "a.example",
        "b.a.example",
        "b.example/x",
        "/x",
        "org",
        "192.0.2.7",
        "192.0.2.7:7",
        "203.0.113.0/24",
        "203.0.112.0/23",
        "2001:db8::7",
        "[2001:db8::7]:7",
        "q[0-9]x",
    ])
}

fn info() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["some rat (malware)", "mass scanner", "known attacker", "teapot", "ipinfo (suspicious)"])
}

fn reference() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["(static)", "(custom)", "feed.example"])
}

proptest! {
    #[test]
    fn what_several_sources_list_stays_what_it_is(rows in prop::collection::vec((trail(), info(), reference()), 0..40)) {
        let first = store(&rows);
        let text = csv(&first);
        let second = read_back(&text);
        prop_assert_eq!(labelled(&second), labelled(&first));
        prop_assert_eq!(csv(&second), text);
    }

    #[test]
    fn damage_leaves_out(flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..40)) {
        let rows = [("a.example", "x", "(static)"), ("/x", "x", "(static)"), ("192.0.2.7", "x", "(static)"), ("9.0.0.0/8", "y", "f"), ("q[0-9]x", "z", "f")];
        let mut builder = Builder::new(Vetoes::default());
        let file: Rc<str> = "test".into();
        for (trail, info, reference) in rows {
            let source = builder.source(info, reference, false);
            builder.add(trail, source, Place { file: &file, line: 1 });
        }
        let mut bytes = builder.finish(Cursor::new(Vec::new()), Stamp::default()).unwrap().0.into_inner();
        // Behind the header, which has a checksum of its own.
        let sections = 1024..bytes.len();
        for (at, value) in flips {
            let at = sections.start + at.index(sections.len());
            if let Some(byte) = bytes.get_mut(at) {
                *byte = value;
            }
        }
        if let Ok(store) = Store::from_bytes(bytes) {
            let mut out = Vec::new();
            prop_assert_eq!(export::csv(&store, &mut out).unwrap(), store.trails().count() as u64);
        }
    }
}
