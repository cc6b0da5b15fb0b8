//! Events, filters and scopes of every kind, drawn from few values so that they meet.

#![allow(clippy::single_range_in_vec_init, reason = "helpers of tests")]

use std::net::IpAddr;

use event::{Context, Event, Kind, Observed, Severity};
use jiff::Timestamp;
use proptest::prelude::*;

use crate::Scope;
use crate::condense::{ThreatId, ThreatKey};
use crate::store::{Field, Filter, Stored};

const TEXTS: &[&str] = &[
    "",
    "-",
    "evil.example",
    "www.evil.example",
    "EVIL.Example",
    "evil.example/x/load.exe",
    "10.0.0.5",
    "10.0.0.5:443",
    "[2001:db8::7]:443",
    "10.0.0.9 (host.example)",
    "::FFFF:10.0.0.5",
    "a \"quoted\" (thing)\\",
    "two\r\nlines\0\u{202e}",
    "constructor",
    "\u{212a}elvin \u{130}stanbul \u{3a3}\u{3a3}",
    "<script>alert(1)</script>",
    "known attacker",
    "..",
];
const ADDRESSES: &[&str] = &["10.0.0.5", "10.0.1.6", "192.0.2.7", "::ffff:10.0.0.5", "2001:db8::7", "0.0.0.0"];
const REFERENCES: &[&str] = &["(static)", "(custom)", "(custom) (+x)", "(remote custom)", "", "blocklist.example"];

fn text() -> impl Strategy<Value = String> {
    prop_oneof![6 => prop::sample::select(TEXTS).prop_map(str::to_owned), 1 => any::<String>(), 1 => "[a-c.]{0,6}"]
}

fn addresses() -> impl Strategy<Value = Vec<IpAddr>> {
    let one = prop_oneof![4 => prop::sample::select(ADDRESSES).prop_map(|a| a.parse().unwrap()), 1 => any::<IpAddr>()];
    prop::collection::vec(one, 0..4)
}

fn ports() -> impl Strategy<Value = Vec<u16>> {
    prop::collection::vec(prop_oneof![Just(0), Just(443), any::<u16>()], 0..3)
}

/// Mostly of one day; some of other centuries.
fn time() -> impl Strategy<Value = Timestamp> {
    let start: Timestamp = super::DAY.parse().unwrap();
    prop_oneof![
        12 => (0..86_400_000i64).prop_map(move |ms| start + jiff::SignedDuration::from_millis(ms)),
        4 => (0..5i64).prop_map(move |s| start + jiff::SignedDuration::from_secs(s)),
        1 => Just(Timestamp::MIN),
        1 => Just(Timestamp::MAX - jiff::SignedDuration::from_secs(1)),
        1 => Just(Timestamp::from_nanosecond(i128::from(i64::MIN)).unwrap()),
    ]
}

fn context() -> impl Strategy<Value = Context> {
    let forwarded_for = prop::collection::vec(text(), 0..3);
    let some = (text(), text(), text(), forwarded_for).prop_map(|(host, sni, query, forwarded_for)| Context {
        host,
        sni,
        query,
        forwarded_for,
        ..Context::default()
    });
    prop_oneof![Just(Context::default()), some]
}

prop_compose! {
    fn head()(
        id in any::<String>(), time in time(), last in time(), site in text(), sensor in text(), src in addresses(),
        src_ports in ports(), dst in addresses(), dst_ports in ports(), protocol in any::<u8>(),
    ) -> Event {
        Event {
            id, time, last, site, sensor, src, src_ports, dst, dst_ports, protocol,
            kind: Kind::Dns, observed: Observed::default(), indicator: String::new(), info: String::new(),
            reference: String::new(), class: String::new(), severity: Severity::Low, confidence: 0,
            reasons: Vec::new(), count: 1, context: Context::default(), batch: String::new(),
        }
    }
}

prop_compose! {
    fn event()(
        head in head(), kind in prop::sample::select(&Kind::ALL[..]), observed in text(),
        matched in prop_oneof![3 => Just(vec![0..4]), 1 => Just(vec![]), 1 => Just(vec![1..2, 3..9])],
        indicator in text(), info in text(), reference in prop::sample::select(REFERENCES),
        severity in prop::sample::select(&Severity::ALL[..]), confidence in any::<u8>(),
        reasons in prop::collection::vec(text(), 0..2), count in any::<u64>(), context in context(), batch in text(),
    ) -> Event {
        Event {
            kind, observed: Observed { text: observed, matched }, indicator, info, reference: reference.to_owned(),
            class: head.site.clone(), severity, confidence, reasons, count, context, batch, ..head
        }
    }
}

/// Any event, with a line of another program or without.
pub(crate) fn stored() -> impl Strategy<Value = Stored> {
    (event(), prop::option::of(text())).prop_map(|(event, line)| Stored { event, line: line.map(Into::into) })
}

/// Any filter, for values that events have.
pub(crate) fn filter() -> impl Strategy<Value = Filter> {
    let parts = prop_oneof![
        4 => text(),
        2 => (text(), 0..9usize, 1..9usize).prop_map(|(t, from, n)| t.chars().skip(from).take(n).collect()),
        1 => Just("DNS".to_owned()), 1 => Just("UDP".to_owned()), 1 => Just("44".to_owned()), 1 => Just("6-11-2".to_owned()),
        1 => Just(":00:0".to_owned()), 1 => Just(" - ".to_owned()), 1 => Just("5,10.0".to_owned()),
    ]
    .boxed();
    let net = (prop::sample::select(ADDRESSES), 0..=128u8)
        .prop_map(|(address, length)| {
            let address: IpAddr = address.parse::<IpAddr>().unwrap().to_canonical();
            let most = if address.is_ipv4() { 32 } else { 128 };
            ipnet::IpNet::new(address, length.min(most)).unwrap().trunc()
        })
        .boxed();
    let field = prop::sample::select(vec![Field::Indicator, Field::Info, Field::Sensor, Field::Reason, Field::Seen]);
    let leaf = prop_oneof![
        1 => Just(Filter::All),
        4 => parts.clone().prop_map(Filter::Text),
        3 => (field, parts).prop_map(|(field, text)| Filter::Has(field, text)),
        3 => text().prop_map(Filter::Indicator),
        3 => net.clone().prop_map(Filter::Net),
        1 => net.clone().prop_map(Filter::Source),
        1 => net.prop_map(Filter::Destination),
        1 => prop::sample::select(&event::Kind::ALL[..]).prop_map(Filter::Kind),
        1 => prop::sample::select(&Severity::ALL[..]).prop_map(Filter::Severity),
        1 => event().prop_map(|event| Filter::Threat(ThreatKey::of(&event).id())),
        1 => any::<u64>().prop_map(|id| Filter::Threat(ThreatId(id))),
        1 => prop::collection::vec(event(), 0..4)
            .prop_map(|events| Filter::threats(events.iter().map(|event| ThreatKey::of(event).id()))),
    ];
    leaf.prop_recursive(2, 6, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Filter::And),
            prop::collection::vec(inner.clone(), 0..3).prop_map(Filter::Or),
            inner.prop_map(|filter| Filter::Not(Box::new(filter))),
        ]
    })
}

/// Everything, a network, custom trails hidden, or both.
pub(crate) fn scope() -> impl Strategy<Value = Scope> {
    let limits = prop_oneof![Just(""), Just("10.0.0.0/24"), Just("192.0.2.0/24,2001:db8::/32")];
    (limits, any::<bool>()).prop_map(|(limit, masked)| Scope::parse(limit).unwrap().masking(masked))
}
