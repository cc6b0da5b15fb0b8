use std::collections::BTreeMap;

use event::{Kind, Severity};
use proptest::prelude::*;
use server::addresses::{AddressSet, Local};
use server::condense::{Added, Direction, Directions, Fold, Label, OtherWindow, Reasons, ThreatKey, Window};

use super::*;

#[test]
fn one_event_is_one_threat() {
    let event = at(3_700);
    let mut fold = Fold::new(window());
    let id = ThreatKey::of(&event).id();
    assert_eq!(fold.add(&event), Added::Folded(id));
    let threat = fold.get(id).unwrap();
    assert_eq!((threat.site(), threat.source().to_string().as_str()), ("hq", "10.0.0.5"));
    assert_eq!((threat.kind(), threat.indicator(), threat.shown()), (Kind::Dns, "evil.example", "(www).evil.example"));
    let label = Label {
        severity: Severity::High,
        confidence: 90,
        class: "malware",
        info: "quietfox (malware)",
        reference: "(static)",
    };
    assert_eq!(threat.label(), label);
    assert_eq!((threat.count(), threat.lines(), threat.activity()), (1, 1, vec![(1, 1)]));
    assert_eq!((threat.first(), threat.last()), (event.time, event.time));
    assert_eq!(
        (threat.destinations().total, threat.ports().values, threat.sensors().values),
        (1, vec![53], vec!["gw-1"])
    );
    assert!(threat.directions().contains(Direction::Outbound));
    let evidence = threat.evidence();
    assert_eq!(evidence.score, 75);
    assert_eq!(evidence.reasons, Reasons(Reasons::OUTBOUND.0 | Reasons::MALWARE.0));
}

#[test]
fn lists_that_name_a_threat_are_evidence() {
    let reasons = |reference: &str| {
        let event = Event { reference: reference.to_owned(), ..at(0) };
        let reasons = folded(&[event]).threats().next().unwrap().evidence().reasons;
        (reasons.contains(Reasons::CUSTOM), reasons.contains(Reasons::SEVERAL_LISTS))
    };
    assert_eq!(reasons("(static)"), (false, false));
    assert_eq!(reasons("(custom)"), (true, false));
    assert_eq!(reasons("(remote custom)"), (true, false));
    assert_eq!(reasons("(static) (+feed.example)"), (false, true));
    assert_eq!(reasons("(static) (+custom)"), (true, true));
    assert_eq!(reasons("feed.example, which is one"), (false, false));
}

#[test]
fn hours_add_up() {
    let mut events = vec![at(0), at(3_599), at(3_600), at(86_399)];
    events[2].count = 5;
    let fold = folded(&events);
    let threat = fold.threats().next().unwrap();
    assert_eq!((fold.len(), threat.count(), threat.lines()), (1, 8, 4));
    assert_eq!(threat.activity(), [(0, 2), (1, 5), (23, 1)]);
    assert_eq!((fold.totals().by_slot[0], fold.totals().by_slot[1]), ([0, 0, 2], [0, 0, 5]));
}

#[test]
fn what_lies_outside_of_the_window_is_counted_alone() {
    let fold = folded(&[at(-1), at(0), at(86_399), at(86_400)]);
    assert_eq!((fold.totals().outside, fold.totals().events(), fold.totals().lines), (2, 2, 2));
    let hours = |slots: i64| Window::between(at(0).time, at(slots * 3600).time).slots();
    assert_eq!([hours(23), hours(24), hours(25)], [23, 24, 25]);
}

#[test]
fn another_window_is_refused() {
    let other = Fold::new(Window::new(at(3_600).time, 24));
    assert_eq!(folded(&[at(0)]).merge(&other), Err(OtherWindow));
}

#[test]
fn labels_prevail_whole() {
    let mut events = [at(0), at(1), at(2)];
    events[0].severity = Severity::Medium;
    events[0].confidence = 100;
    events[1].info = String::new();
    events[2].info = "b".into();
    let fold = folded(&events);
    let label = fold.threats().next().unwrap().label();
    assert_eq!((label.severity, label.confidence, label.info), (Severity::High, 90, "b"));
}

#[test]
fn directions_by_private_ranges() {
    let cases = [
        ("10.0.0.1", "203.0.113.1", Kind::Ip, Direction::Outbound),
        ("10.0.0.1", "10.0.0.53", Kind::Dns, Direction::Outbound),
        ("10.0.0.1", "192.168.0.1", Kind::Ip, Direction::Lateral),
        ("203.0.113.1", "172.16.0.1", Kind::Ip, Direction::Inbound),
        ("203.0.113.1", "198.51.100.1", Kind::Ip, Direction::Transit),
        ("fd00::1", "2001:db8::1", Kind::Ip, Direction::Outbound),
        ("::ffff:100.64.0.1", "fe80::1", Kind::Ip, Direction::Lateral),
    ];
    for (from, to, kind, direction) in cases {
        let event = Event { src: vec![from.parse().unwrap()], dst: vec![to.parse().unwrap()], kind, ..event() };
        assert_eq!(Direction::of(&event, &Local::default()), direction, "{from} {to}");
    }
}

#[test]
fn directions_by_networks_of_ones_own() {
    let own = AddressSet::of(&["203.0.113.0/24".parse().unwrap(), "2001:db8::/32".parse().unwrap()]);
    let local = Local::new(own);
    for (from, to, direction) in [
        ("203.0.113.1", "198.51.100.1", Direction::Outbound),
        ("198.51.100.1", "203.0.113.1", Direction::Inbound),
        ("10.0.0.1", "203.0.113.1", Direction::Lateral),
        ("fd00::1", "2001:db8::1", Direction::Lateral),
        ("198.51.100.1", "198.51.100.2", Direction::Transit),
    ] {
        let event = Event { src: vec![from.parse().unwrap()], dst: vec![to.parse().unwrap()], ..event() };
        let event = Event { kind: Kind::Ip, ..event };
        assert_eq!(Direction::of(&event, &local), direction, "{from} {to}");
        let mut fold = Fold::new(window()).with_local(local.clone());
        fold.add(&event);
        assert_eq!(fold.threats().next().unwrap().directions(), Directions(direction as u8));
    }
}

#[test]
fn threats_of_networks_of_ones_own_stay_where_there_are_too_many() {
    let local = Local::new(AddressSet::of(&["203.0.113.0/24".parse().unwrap()]));
    let of = |local: &Local| {
        let mut fold = Fold::with_capacity(window(), 4).with_local(local.clone());
        for n in 0..200u8 {
            for source in [[203, 0, 113, n % 4], [198, 51, 100, n]] {
                fold.add(&Event { src: vec![IpAddr::from(source)], ..event() });
            }
        }
        let mut sources: Vec<String> = fold.threats().map(|threat| threat.source().to_string()).collect();
        sources.sort();
        sources
    };
    assert_eq!(of(&local), ["203.0.113.0", "203.0.113.1", "203.0.113.2", "203.0.113.3"]);
    assert_ne!(of(&Local::default()), of(&local));
}

#[test]
fn samples_are_exact_up_to_their_cap_and_about_right_beyond() {
    for distinct in [1usize, 30, 31, 32, 100, 500, 1000, 2000, 5000, 20_000] {
        let mut fold = Fold::new(window());
        for n in 0..distinct {
            let dst = vec![IpAddr::from([203, 1, (n >> 8) as u8, n as u8])];
            fold.add(&Event { dst, dst_ports: vec![n as u16 + 1], ..event() });
        }
        let threat = fold.threats().next().unwrap();
        for (values, total) in [
            (threat.destinations().values.len(), threat.destinations().total),
            (threat.ports().values.len(), threat.ports().total),
        ] {
            assert_eq!(values, distinct.min(31));
            if distinct <= 31 {
                assert_eq!(total, distinct as u64);
            } else {
                // Three standard errors of 1/sqrt(29).
                let ratio = total as f64 / distinct as f64;
                assert!((0.45..1.6).contains(&ratio), "{distinct}: {total}");
            }
        }
    }
}

/// What a fold must count, by the plainest code.
fn oracle(events: &[Event]) -> BTreeMap<u64, (u64, u32, [u64; 24])> {
    let mut threats = BTreeMap::new();
    for event in events {
        let offset = event.time.as_second() - START;
        if !(0..86_400).contains(&offset) {
            continue;
        }
        let count = event.count.clamp(1, u64::from(u32::MAX));
        let threat: &mut (u64, u32, [u64; 24]) = threats.entry(ThreatKey::of(event).id().0).or_default();
        threat.0 += count;
        threat.1 += 1;
        threat.2[(offset / 3600) as usize] += count;
    }
    threats
}

proptest! {
    #[test]
    fn any_order_and_portions_give_the_same(
        events in prop::collection::vec(events(), 0..200),
        order in any::<prop::sample::Index>(),
        parts in 1usize..9,
        backwards in any::<bool>(),
    ) {
        let whole = folded(&events);
        let mut turned = events.clone();
        turned.rotate_left(order.index(events.len().max(1)));
        if backwards {
            turned.reverse();
        }
        prop_assert_eq!(picture(&whole), picture(&folded(&turned)));
        let mut folds: Vec<Fold> = (0..parts).map(|part| folded(turned.iter().skip(part).step_by(parts))).collect();
        if backwards {
            folds.reverse();
        }
        let mut merged = Fold::new(window());
        for fold in &folds {
            merged.merge(fold).unwrap();
        }
        prop_assert_eq!(picture(&whole), picture(&merged));
    }

    #[test]
    fn counts_are_those_of_plain_counting(events in prop::collection::vec(events(), 0..200)) {
        let fold = folded(&events);
        let expected = oracle(&events);
        prop_assert_eq!(fold.len(), expected.len());
        for threat in fold.threats() {
            let (count, lines, slots) = expected[&threat.id().0];
            prop_assert_eq!((threat.count(), threat.lines()), (count, lines));
            let active: Vec<_> = (0u8..).zip(slots).filter(|(_, count)| *count > 0).collect();
            prop_assert_eq!(threat.activity(), active);
        }
        let outside = events.len() as u64 - fold.totals().lines;
        prop_assert_eq!(fold.totals().outside, outside);
        let by_slot: u64 = fold.totals().by_slot.iter().flatten().sum();
        prop_assert_eq!(by_slot, expected.values().map(|threat| threat.0).sum::<u64>());
    }
}
