//! Folding gives the same whatever the order and the portions.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::single_range_in_vec_init)] // Helpers of tests.

mod chunks;
mod fold;
mod limits;

use std::net::IpAddr;

use event::{Context, Event, Kind, Observed, Severity};
use jiff::Timestamp;
use proptest::prelude::*;
use server::condense::{Fold, Window};

/// Friday 20 November 2026, 00:00 UTC.
pub(crate) const START: i64 = 1_795_132_800;

pub(crate) fn window() -> Window {
    Window::new(Timestamp::from_second(START).unwrap(), 24)
}

pub(crate) fn event() -> Event {
    let time = Timestamp::from_second(START + 3_700).unwrap();
    Event {
        id: "1".into(),
        time,
        last: time,
        site: "hq".into(),
        sensor: "gw-1".into(),
        src: vec!["10.0.0.5".parse().unwrap()],
        src_ports: vec![40_000],
        dst: vec!["8.8.8.8".parse().unwrap()],
        dst_ports: vec![53],
        protocol: 17,
        kind: Kind::Dns,
        observed: Observed { text: "www.evil.example".into(), matched: vec![4..16] },
        indicator: "evil.example".into(),
        info: "quietfox (malware)".into(),
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

pub(crate) fn at(seconds: i64) -> Event {
    let time = Timestamp::from_second(START + seconds).unwrap();
    Event { time, last: time, ..event() }
}

fn addresses() -> impl Strategy<Value = IpAddr> {
    prop_oneof![
        (0u8..3).prop_map(|n| IpAddr::from([10, 0, 0, n])),
        (0u16..300).prop_map(|n| IpAddr::from([203, 0, (n >> 8) as u8, n as u8])),
        (0u16..3).prop_map(|n| IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, n])),
    ]
}

/// Events that fall into few threats and differ in everything else.
pub(crate) fn events() -> impl Strategy<Value = Event> {
    let key = (
        prop::sample::select(vec!["", "hq"]),
        prop::collection::vec(addresses(), 0..3),
        prop::sample::select(vec![Kind::Dns, Kind::Ip, Kind::Port]),
        prop::sample::select(vec!["", "a.example", "b.example", "203.0.0.7"]),
    );
    let label = (
        prop::sample::select(vec![Severity::Low, Severity::Medium, Severity::High]),
        prop::sample::select(vec![0u8, 50, 90]),
        prop::sample::select(vec!["", "malware", "scanner"]),
        prop::sample::select(vec!["", "x (malware)", "y"]),
        prop::sample::select(vec!["", "(static)", "(custom)", "a, b"]),
    );
    let traffic = (
        prop::collection::vec(addresses(), 0..4),
        prop::collection::vec(any::<u16>(), 0..6),
        prop::sample::select(vec![6u8, 17]),
        prop::sample::select(vec!["", "gw-1", "gw-2"]),
        prop::sample::select(vec!["", "a.example", "www.a.example", "x(y)"]),
    );
    let time = (-4_000i64..93_000, 0i64..9_000, prop_oneof![3 => Just(1u64), 1 => 0u64..50, 1 => any::<u64>()]);
    (key, label, traffic, time).prop_map(|(key, label, traffic, (seconds, lasts, count))| {
        let text: String = traffic.4.into();
        let matched = if text.starts_with("www.") { vec![4..text.len() as u32] } else { Vec::new() };
        let time = at(seconds).time;
        Event {
            time,
            last: Timestamp::from_second(time.as_second() + lasts).unwrap(),
            site: key.0.into(),
            src: key.1,
            kind: key.2,
            indicator: key.3.into(),
            severity: label.0,
            confidence: label.1,
            class: label.2.into(),
            info: label.3.into(),
            reference: label.4.into(),
            dst: traffic.0,
            dst_ports: traffic.1,
            protocol: traffic.2,
            sensor: traffic.3.into(),
            observed: Observed { text, matched },
            count,
            ..event()
        }
    })
}

pub(crate) fn folded<'e>(events: impl IntoIterator<Item = &'e Event>) -> Fold {
    let mut fold = Fold::new(window());
    for event in events {
        fold.add(event);
    }
    fold
}

/// All that a fold shows.
pub(crate) fn picture(fold: &Fold) -> Vec<String> {
    let mut rows: Vec<String> = fold
        .threats()
        .map(|t| {
            format!(
                "{} {:?} {} {:?} {} {:?} {:?} {} {:?} {} {} {} {} {:?} {:?} {:?} {:?} {:?}",
                t.id(),
                t.site(),
                t.source(),
                t.kind(),
                t.indicator(),
                t.label(),
                t.shown(),
                t.protocol(),
                t.directions(),
                t.count(),
                t.lines(),
                t.first(),
                t.last(),
                t.activity(),
                t.destinations(),
                t.ports(),
                t.sensors(),
                t.evidence(),
            )
        })
        .collect();
    rows.sort();
    rows.push(format!("{:?} {} {}", fold.totals(), fold.len(), fold.is_cut()));
    rows
}
