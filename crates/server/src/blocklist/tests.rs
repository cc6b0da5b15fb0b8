//! What is listed, and how it is written.

use std::net::IpAddr;

use event::{Kind, Severity};
use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::*;
use crate::store::sample;

const ATTACKER: &str = "185.220.101.7";

/// An inbound event.
fn inbound() -> event::Event {
    let mut event = sample::stored(1).event;
    event.src = vec![ATTACKER.parse().unwrap()];
    event.dst = vec!["10.0.0.1".parse().unwrap()];
    event.kind = Kind::Ip;
    event.indicator = ATTACKER.into();
    event.observed = event::Observed { text: ATTACKER.into(), matched: Vec::new() };
    event.info = "known attacker".into();
    event
}

fn listed(selection: &Selection, event: &event::Event) -> Vec<String> {
    let mut found = Vec::new();
    selection.entries(event, &TimeZone::UTC, |entry| found.push(entry.to_string()));
    found
}

#[test]
fn only_addresses_of_the_internet() {
    for (address, expected) in [
        (ATTACKER, true),
        ("::ffff:185.220.101.7", true),
        ("2a00:1450::1", true),
        ("10.0.0.1", false),
        ("::ffff:10.0.0.1", false),
        ("172.16.0.1", false),
        ("192.168.1.1", false),
        ("100.64.0.1", false),
        ("127.0.0.1", false),
        ("169.254.1.1", false),
        ("0.0.0.0", false),
        ("0.1.2.3", false),
        ("192.0.2.1", false),
        ("198.18.0.1", false),
        ("198.51.100.1", false),
        ("203.0.113.1", false),
        ("224.0.0.1", false),
        ("240.0.0.1", false),
        ("255.255.255.255", false),
        ("::", false),
        ("::1", false),
        ("fe80::1", false),
        ("fd00::1", false),
        ("ff02::1", false),
        ("2001:db8::1", false),
        ("64:ff9b::1", false),
    ] {
        assert_eq!(Entry::address(address.parse().unwrap()).is_some(), expected, "{address}");
    }
}

#[test]
fn only_names_that_are_names() {
    let label = "a".repeat(63);
    let longest = format!("{label}.{label}.{label}.{}", "a".repeat(MAX_NAME - 3 * 64));
    for (name, expected) in [
        ("evil.example", Some("evil.example")),
        ("Evil.Example.", Some("evil.example")),
        ("_x.xn--e1afmkfd.example", Some("_x.xn--e1afmkfd.example")),
        (longest.as_str(), Some(longest.as_str())),
        (&format!("{longest}a"), None),
        (&format!("a{label}.example"), None),
        ("example", None),
        ("", None),
        (".", None),
        ("a..example", None),
        ("-a.example", None),
        ("a-.example", None),
        ("*.example", None),
        ("192.0.2.7", None),
        ("a b.example", None),
        ("a.example\nb CNAME .", None),
        ("évil.example", None),
        ("evil.example/path", None),
    ] {
        assert_eq!(Entry::name(name).as_ref().and_then(Entry::as_name), expected, "{name}");
    }
}

#[test]
fn sources_that_rules_match() {
    for (rule, expected) in [
        ("info ~ ATTACKER", true),
        ("info ~ ^attacker", false),
        ("info ~ attacker and type !~ ^(DNS|URL)$", true),
        ("info ~ attacker and type ~ ^DNS$", false),
        ("src_ip ~ ^185\\.", true),
        ("dst_ip ~ ^10\\.0 and reference ~ static", true),
        ("trail !~ 185", false),
        ("sensor ~ gw and proto ~ udp and time ~ 2026-11-20", true),
    ] {
        let rules = Rules::parse([rule]).unwrap();
        assert_eq!(rules.matches(&inbound(), &TimeZone::UTC), expected, "{rule}");
        let selection = Selection::Matching(rules.into());
        assert_eq!(!listed(&selection, &inbound()).is_empty(), expected, "{rule}");
    }
    let either = Rules::parse(["info ~ never", "", "info ~ attacker"]).unwrap();
    assert!(either.matches(&inbound(), &TimeZone::UTC));
    assert!(!Rules::parse([]).unwrap().matches(&inbound(), &TimeZone::UTC));
    // A local host that looks like an attacker is not listed.
    let mut local = inbound();
    local.src = vec!["10.0.0.9".parse().unwrap()];
    assert!(listed(&Selection::Matching(Rules::info("attacker").unwrap().into()), &local).is_empty());
}

#[test]
fn rules_that_are_none() {
    assert!(matches!(Rules::parse(["info = x"]), Err(RuleError::Form(_))));
    assert!(matches!(Rules::parse(["info ~"]), Err(RuleError::Form(_))));
    assert!(matches!(Rules::parse(["colour ~ x"]), Err(RuleError::Column(_))));
    assert!(matches!(Rules::parse(["info ~ ("]), Err(RuleError::Expression(..))));
    assert!(matches!(Rules::info("(?!x)"), Err(RuleError::Expression(..))));
    assert!(matches!(Rules::info("(\\w{1000}){1000}"), Err(RuleError::Expression(..))), "too large");
}

#[test]
fn what_is_listed_of_an_event() {
    let at_least = |of| Selection::AtLeast(Severity::High, of);
    assert_eq!(listed(&at_least(Of::Sources), &inbound()), [ATTACKER]);
    let mut milder = inbound();
    milder.severity = Severity::Medium;
    assert!(listed(&at_least(Of::Sources), &milder).is_empty());
    assert_eq!(listed(&Selection::AtLeast(Severity::Low, Of::Sources), &milder), [ATTACKER]);
    // A resolver that was asked for a listed name is not what is listed.
    let asked = sample::stored(1).event;
    assert!(listed(&at_least(Of::Destinations), &asked).is_empty());
    assert_eq!(listed(&at_least(Of::Names), &asked), ["host1.evil1.example"]);
    let mut contacted = inbound();
    std::mem::swap(&mut contacted.src, &mut contacted.dst);
    contacted.indicator = format!("{ATTACKER}:443");
    assert_eq!(listed(&at_least(Of::Destinations), &contacted), [ATTACKER]);
    contacted.indicator = "185.220.101.8".into();
    assert!(listed(&at_least(Of::Destinations), &contacted).is_empty());
}

#[test]
fn what_is_cleared() {
    let cleared =
        Cleared::parse("# ours\n185.220.101.0/28 # range\n8.8.8.8, 1.1.1.1-1.1.1.3\n*.good.example\nFine.example.\n");
    for (entry, expected) in [
        (Entry::address(ATTACKER.parse().unwrap()), true),
        (Entry::address("185.220.101.16".parse().unwrap()), false),
        (Entry::address("8.8.8.8".parse().unwrap()), true),
        (Entry::address("1.1.1.3".parse().unwrap()), true),
        (Entry::address("1.1.1.4".parse().unwrap()), false),
        (Entry::name("www.good.example"), true),
        (Entry::name("good.example"), true),
        (Entry::name("fine.example"), true),
        (Entry::name("notfine.example"), false),
    ] {
        let entry = entry.unwrap();
        assert_eq!(cleared.contains(&entry), expected, "{entry}");
    }
    assert!(!Cleared::parse("").contains(&Entry::address(ATTACKER.parse().unwrap()).unwrap()));
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("cleared.txt");
    assert_eq!(Cleared::read(&path).unwrap(), Cleared::default());
    let limit = usize::try_from(MAX_CLEARED_BYTES).unwrap();
    for (length, read) in [(limit - 1, true), (limit, true), (limit + 1, false)] {
        std::fs::write(&path, " ".repeat(length)).unwrap();
        assert_eq!(Cleared::read(&path).is_ok(), read, "{length}");
    }
}

fn entries() -> impl Strategy<Value = Vec<Entry>> {
    let one = prop_oneof![
        any::<u32>().prop_map(|a| Entry::address(std::net::Ipv4Addr::from(a).into())),
        any::<u128>().prop_map(|a| Entry::address(std::net::Ipv6Addr::from(a >> 3 | 1 << 125).into())),
        "[a-zA-Z0-9._ ;{}\n\"-]{0,24}".prop_map(|text| Entry::name(&text)),
        "[a-z]{1,8}\\.[a-z]{2,4}".prop_map(|text| Entry::name(&text)),
    ];
    prop::collection::vec(one, 0..24).prop_map(|found| found.into_iter().flatten().collect())
}

fn written(format: Format, entries: &[Entry]) -> String {
    write(Written { format, ttl: 600, serial: 7 }, entries.iter())
}

proptest! {
    #[test]
    fn plain_and_pf_are_entries_and_nothing_else(entries in entries()) {
        let plain = written(Format::Plain, &entries);
        let back: Vec<Entry> = plain
            .lines()
            .map(|line| line.parse().ok().and_then(Entry::address).or_else(|| Entry::name(line)).unwrap())
            .collect();
        prop_assert_eq!(&back, &entries);
        let addresses: Vec<IpAddr> = written(Format::Pf, &entries).lines().map(|line| line.parse().unwrap()).collect();
        prop_assert_eq!(addresses, entries.iter().filter_map(Entry::as_address).collect::<Vec<_>>());
    }

    #[test]
    fn nftables_has_addresses_in_their_set(entries in entries()) {
        let text = written(Format::Nftables, &entries);
        let mut found = Vec::new();
        for line in text.lines() {
            let Some((set, elements)) = line.split_once(" { ").filter(|_| line.starts_with("add element")) else {
                prop_assert!(line.starts_with("add table") || line.starts_with("add set") || line.starts_with("flush set"));
                continue;
            };
            for element in elements.strip_suffix(" }").unwrap().split(", ") {
                let address: IpAddr = element.strip_suffix(" timeout 600s").unwrap().parse().unwrap();
                prop_assert_eq!(set.ends_with("blocked4"), address.is_ipv4());
                found.push(address);
            }
        }
        found.sort_unstable();
        let mut expected: Vec<IpAddr> = entries.iter().filter_map(Entry::as_address).collect();
        expected.sort_unstable();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn a_zone_has_two_records_for_each_name(entries in entries()) {
        let text = written(Format::Rpz, &entries);
        let names: Vec<&str> = entries.iter().filter_map(Entry::as_name).collect();
        let expected: Vec<String> =
            names.iter().flat_map(|name| [format!("{name} CNAME ."), format!("*.{name} CNAME .")]).collect();
        prop_assert_eq!(text.lines().skip(3).map(str::to_owned).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn any_rule_and_any_cleared_text_is_read_or_refused(text in "\\PC{0,40}|(info|type| ~ | !~ | and |[a(*.)]){0,12}") {
        if let Ok(rules) = Rules::parse(text.lines()) {
            let _ = rules.matches(&inbound(), &TimeZone::UTC);
        }
        let _ = Cleared::parse(&text).contains(&Entry::address(ATTACKER.parse().unwrap()).unwrap());
    }
}
