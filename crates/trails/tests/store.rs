//! The store against plain maps as the oracle, and against damage.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // Helpers of tests are tests.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::net::IpAddr;
use std::rc::Rc;

use proptest::prelude::*;
use trails::builder::Place;
use trails::{Builder, Hashed, Hit, Indicator, Kind, LabelId, Stamp, Store, Vetoes};

fn build<'a>(rows: impl IntoIterator<Item = (&'a str, &'a str)>) -> Vec<u8> {
    let mut builder = Builder::new(Vetoes::default());
    let file: Rc<str> = "test".into();
    for (line, (trail, info)) in (1..).zip(rows) {
        let source = builder.source(info, "(static)", false);
        builder.add(trail, source, Place { file: &file, line });
    }
    builder.finish(Cursor::new(Vec::new()), Stamp::default()).unwrap().0.into_inner()
}

fn store<'a>(rows: impl IntoIterator<Item = (&'a str, &'a str)>) -> Store<Vec<u8>> {
    let store = Store::from_bytes(build(rows)).unwrap();
    store.verify().unwrap();
    store
}

const NO_HIT: Hit = Hit { start: 0, label: LabelId(0) };

fn names(store: &Store<Vec<u8>>, name: &str) -> Vec<(usize, String)> {
    let mut hits = [NO_HIT; 8];
    let count = store.name(name.as_bytes(), &mut hits);
    hits[..count].iter().map(|hit| (hit.start, store.label(hit.label).info.to_owned())).collect()
}

/// The label's info of an indicator, by the lookup of its kind.
fn exact(store: &Store<Vec<u8>>, indicator: &Indicator<'_>) -> Option<String> {
    let label = match indicator {
        Indicator::Name(name) => {
            return names(store, name).into_iter().find(|(start, _)| *start == 0).map(|(_, info)| info);
        }
        Indicator::Url(text) | Indicator::Path(text) => store.url(&[text.as_bytes()]),
        Indicator::Address(address) => store.address(*address),
        Indicator::Endpoint(address, port) => store.endpoint(*address, *port),
        Indicator::Network(network) => {
            store.network(network.address).filter(|(length, _)| *length == network.length).map(|(_, label)| label)
        }
        Indicator::CertificateSha1(sha1) => store.certificate(sha1),
        Indicator::Ja3(md5) => store.ja3(md5),
        Indicator::Ja4(text) => store.ja4(text),
        Indicator::Pattern(_) => None,
    };
    label.map(|label| store.label(label).info.to_owned())
}

#[test]
fn names_and_parents() {
    let store = store([
        ("evil.example", "a (malware)"),
        ("deep.down.evil.example", "b (malware)"),
        ("onion", "onion (suspicious)"),
    ]);
    let all = vec![(2, "b (malware)".to_owned()), (12, "a (malware)".to_owned())];
    assert_eq!(names(&store, "x.deep.down.evil.example"), all);
    assert_eq!(names(&store, "down.evil.example"), [(5, "a (malware)".to_owned())]);
    assert_eq!(names(&store, "notevil.example"), []);
    assert_eq!(names(&store, "x.onion"), [(2, "onion (suspicious)".to_owned())]);
    assert_eq!(names(&store, "onion"), [(0, "onion (suspicious)".to_owned())]);
    for odd in ["", ".", "..", ".evil.example", "evil.example."] {
        names(&store, odd);
    }
    for (name, listed) in [("x.onion", true), ("a.evil.example", true), ("a.good.example", false), ("", false)] {
        assert_eq!(store.may_hold_name(name.as_bytes()), listed, "{name}");
    }
    let mut hits = [NO_HIT; 8];
    assert_eq!(store.name(b"x.onion", &mut hits), 1);
    assert_eq!(store.label(hits[0].label).confidence, trails::class::WHOLE_TLD_CONFIDENCE);
}

#[test]
fn more_parents_than_hits_keep_the_longest() {
    let listed: Vec<String> = (1..=10).map(|n| vec!["a"; n].join(".")).collect();
    let store = store(listed.iter().map(|name| (name.as_str(), "x")));
    let starts: Vec<usize> = names(&store, listed.last().unwrap()).iter().map(|(start, _)| *start).collect();
    assert_eq!(starts, [0, 2, 4, 6, 8, 10, 12, 14]);
}

#[test]
fn urls_in_parts() {
    let store = store([
        ("http://evil.example/A?id=", "a"),
        ("/gate.php", "b"),
        ("evil.example:8080", "c"),
        ("192.0.2.1:8443/node.js", "d"),
    ]);
    let url = |parts: &[&str]| {
        let parts: Vec<&[u8]> = parts.iter().map(|part| part.as_bytes()).collect();
        store.url(&parts).map(|label| store.label(label).info)
    };
    assert_eq!(url(&["evil.example", "/a?id="]), Some("a"));
    assert_eq!(url(&["evil.example", "/a", "?id="]), Some("a"));
    assert_eq!(url(&["", "/gate.php"]), Some("b"));
    assert_eq!(url(&["evil.example", ":", "8080"]), Some("c"));
    assert_eq!(url(&["192.0.2.1", ":8443", "/node.js"]), Some("d"));
    assert_eq!(url(&["evil.example", "/a"]), None);
    assert!(store.may_hold_urls_of(Hashed::new(b"evil.example")) && store.may_hold_urls_of(Hashed::new(b"192.0.2.1")));
    assert!(store.may_hold_urls_of(Hashed::new(b"192.0.2.1:8443")));
    assert!(store.may_hold_path(b"/gate.php?x=1", 0) && store.may_hold_path(b"/a/gate.php", 2));
    assert!(!store.may_hold_path(b"/a/gate.php", 0) && !store.may_hold_path(b"/gate.ph", 0));
    assert!(!store.may_hold_urls_of(Hashed::new(b"good.example")));
    assert_eq!(names(&store, "evil.example"), [], "a URL does not list its host");
}

#[test]
fn addresses_and_networks() {
    let store = store([
        ("::ffff:192.0.2.1", "a"),
        ("192.0.2.1:80", "b"),
        ("[2001:db8::1]:443", "c"),
        ("198.51.0.0/16", "wide"),
        ("198.51.100.0/24", "narrow"),
        ("255.255.255.0/24", "last"),
        ("2001:db8:5::/48", "six"),
    ]);
    let ip = |text: &str| text.parse::<IpAddr>().unwrap();
    let info = |label: Option<LabelId>| label.map(|label| store.label(label).info);
    assert_eq!(info(store.address(ip("192.0.2.1"))), Some("a"));
    assert_eq!(info(store.endpoint(ip("::ffff:192.0.2.1"), 80)), Some("b"));
    assert_eq!(info(store.endpoint(ip("192.0.2.1"), 81)), None);
    assert_eq!(info(store.endpoint(ip("2001:db8::1"), 443)), Some("c"));
    assert_eq!(info(store.address(ip("2001:db8::1"))), None);
    let network = |text: &str| store.network(ip(text)).map(|(length, label)| (length, store.label(label).info));
    assert_eq!(network("198.51.99.255"), Some((16, "wide")));
    assert_eq!(network("198.51.100.0"), Some((24, "narrow")));
    assert_eq!(network("198.51.101.0"), Some((16, "wide")));
    assert_eq!(network("198.52.0.0"), None);
    assert_eq!(network("198.50.255.255"), None);
    assert_eq!(network("255.255.255.255"), Some((24, "last")));
    assert_eq!(network("2001:db8:5:ffff::1"), Some((48, "six")));
    assert_eq!(network("2001:db8:6::"), None);
    for listed in ["192.0.2.1", "2001:db8::1", "198.51.7.7", "2001:db8:5::9"] {
        assert!(store.may_hold_address(ip(listed)), "{listed}");
    }
    assert!(!store.may_hold_address(ip("203.0.113.9")) && !store.may_hold_address(ip("fe80::1")));
}

#[test]
fn patterns() {
    let store = store([(r"q(l|r)[0-9]{5,6}\.example", "a"), ("(", "broken")]);
    assert_eq!(store.count(Kind::Pattern), 1);
    let (label, source) = store.pattern_match(b"ql123456.example").unwrap();
    assert_eq!((store.label(label).info, source), ("a", r"q(l|r)[0-9]{5,6}\.example"));
    assert_eq!(store.pattern(b"ql1.example"), None);
}

#[test]
fn nothing_in_an_empty_store() {
    let store = store([]);
    assert!(store.is_empty() && !store.may_hold_path(b"/x", 0) && !store.has_ja4());
    assert_eq!(names(&store, "evil.example"), []);
    assert_eq!(store.url(&[b"x/"]), None);
}

#[test]
fn refusals_are_counted_and_listed() {
    let mut builder = Builder::new(Vetoes::default());
    let file: Rc<str> = "f.txt".into();
    let source = builder.source("x", "(static)", false);
    for line in 1..=trails::builder::MAX_LISTED_REFUSALS as u64 + 1 {
        builder.add("192.0.2.1:53:53", source, Place { file: &file, line });
        let listed = builder.report().refusals.len() as u64;
        assert_eq!(listed, line.min(trails::builder::MAX_LISTED_REFUSALS as u64));
        assert_eq!(builder.report().refused[&trails::Why::TwoPorts], line);
    }
    assert_eq!(builder.report().refusals[2].line, 3);
}

fn indicator() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-c]{1,2}(\\.[a-c]{1,2}){0,4}",
        2 => "([ab]{1,2}\\.){0,3}[ab]{7}[ab]{0,3}",
        2 => "[a-c]{1,2}\\.[a-c]{1,2}/[a-c?=]{0,3}",
        1 => "/[a-c]{1,3}",
        1 => "/[a-c?=&/]{0,11}[a-c=]",
        2 => "9\\.9\\.[0-3]\\.[1-9][0-9]?(:[1-3])?",
        1 => "9\\.[0-9]\\.0\\.0/(8|12|16|20|31)",
        1 => "2a00::[0-9]{1,2}",
        1 => "\\[2a00::[0-9]\\]:[1-3]",
        1 => "2a0[0-9]::/(16|17|32|127)",
        1 => "[0-9]{40}",
        1 => "[0-9]{32}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn finds_what_a_map_finds(listed in prop::collection::vec(indicator(), 0..120), asked in prop::collection::vec(indicator(), 0..60)) {
        let store = store(listed.iter().map(|trail| (trail.as_str(), trail.as_str())));
        let mut oracle = BTreeMap::new();
        let mut networks = Vec::new();
        for trail in &listed {
            let mut scratch = String::new();
            let indicator = Indicator::parse(trail, &mut scratch).unwrap();
            if let Indicator::Network(network) = indicator {
                networks.push(ipnet::IpNet::new(network.address, network.length).unwrap());
            }
            oracle.insert((indicator.kind(), indicator.to_string()), trail.clone());
        }
        prop_assert_eq!(store.len(), oracle.len());
        for text in listed.iter().chain(&asked) {
            let mut scratch = String::new();
            let indicator = Indicator::parse(text, &mut scratch).unwrap();
            let key = (indicator.kind(), indicator.to_string());
            let found = exact(&store, &indicator);
            match indicator {
                // A longer prefix may cover the first address of the network.
                Indicator::Network(network) => {
                    let longest = networks.iter().filter(|n| n.contains(&network.address)).map(|n| n.prefix_len()).max();
                    prop_assert_eq!(store.network(network.address).map(|(length, _)| length), longest);
                }
                _ => prop_assert_eq!(found.as_ref(), oracle.get(&key), "{}", text),
            }
            if let Indicator::Address(address) | Indicator::Endpoint(address, _) = indicator
                && (oracle.contains_key(&key) || networks.iter().any(|n| n.contains(&address))) {
                prop_assert!(store.may_hold_address(address));
            }
            if let Indicator::Path(path) = indicator && oracle.contains_key(&key) {
                for behind in ["", "/", "/d", "?q=1", "=1&x=2"] {
                    let text = format!("/a/b{path}{behind}");
                    prop_assert!(store.may_hold_path(text.as_bytes(), 4), "{}", text);
                }
            }
            if let Indicator::Name(name) = indicator {
                let parents: Vec<usize> = (0..name.len())
                    .filter(|&at| at == 0 || name.as_bytes()[at - 1] == b'.')
                    .filter(|&at| oracle.contains_key(&(Kind::Name, name[at..].to_owned())))
                    .collect();
                let starts: Vec<usize> = names(&store, name).iter().map(|(start, _)| *start).collect();
                prop_assert!(store.may_hold_name(name.as_bytes()) || parents.is_empty());
                prop_assert_eq!(starts, parents);
            }
        }
    }

    #[test]
    fn damage_is_an_error_or_a_miss(flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6), cut in any::<prop::sample::Index>(), repair in any::<bool>()) {
        let good = build([("evil.example", "a"), ("evil.example/x", "b"), ("9.9.9.9:1", "c"), ("9.9.0.0/17", "d"), ("q[0-9]x", "e"), ("2a00::1", "f")]);
        let mut bytes = good.clone();
        // Flips behind the header get past its checksum, to the lookups.
        let from = if repair { 1024.min(good.len()) } else { 0 };
        for (at, value) in &flips {
            let at = from + at.index(good.len() - from);
            bytes[at] = *value;
        }
        if let Ok(store) = Store::from_bytes(bytes.clone()) {
            if bytes != good { let _ = store.verify(); } else { prop_assert!(store.verify().is_ok()); }
            names(&store, "a.evil.example");
            let _ = store.url(&[b"evil.example", b"/x"]);
            for ip in ["9.9.9.9", "2a00::1"] {
                let ip: IpAddr = ip.parse().unwrap();
                let _ = (store.may_hold_address(ip), store.endpoint(ip, 1), store.network(ip));
            }
            let _ = store.pattern_match(b"q1x");
            (0..9).for_each(|id| drop(store.label(LabelId(id)).info.to_owned()));
        }
        bytes.truncate(cut.index(bytes.len()));
        prop_assert!(Store::from_bytes(bytes).is_err());
    }
}

#[test]
fn an_endpoint_with_a_slash_is_a_service_and_a_page() {
    let store = store([("192.0.2.1:8080/", "x"), ("192.0.2.2:8080", "y")]);
    let endpoint = |address: &str| store.endpoint(address.parse().unwrap(), 8080).is_some();
    assert!(endpoint("192.0.2.1") && endpoint("192.0.2.2"));
    assert!(store.url(&[b"192.0.2.1", b":8080", b"/"]).is_some());
    assert!(store.url(&[b"192.0.2.2", b":8080", b"/"]).is_none());
}
