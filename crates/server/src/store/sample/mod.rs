//! Events for tests.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::single_range_in_vec_init, reason = "helpers of tests")]

pub(crate) mod hostile;

use event::{Context, Event, Kind, Observed, Severity};
use jiff::Timestamp;

use super::Stored;

/// 2026-11-20, 00:00 UTC.
pub(crate) const DAY: &str = "2026-11-20T00:00:00Z";

/// An event of its own, `n` seconds after the beginning of [`DAY`].
pub(crate) fn stored(n: u64) -> Stored {
    at(n, DAY.parse::<Timestamp>().unwrap() + jiff::SignedDuration::from_secs(i64::try_from(n).unwrap()))
}

/// The same at a given time.
pub(crate) fn at(n: u64, time: Timestamp) -> Stored {
    let name = format!("host{}.evil{}.example", n % 7, n % 97);
    let [.., high, low] = n.to_be_bytes();
    let event = Event {
        id: format!("{n:016x}"),
        time,
        last: time,
        site: String::new(),
        sensor: ["gw-hq", "gw-dc"][(n % 2) as usize].to_owned(),
        src: vec![std::net::IpAddr::from([10, 0, high % 8, low])],
        src_ports: vec![40_000 + (n % 1000) as u16],
        dst: vec!["8.8.8.8".parse().unwrap()],
        dst_ports: vec![53],
        protocol: 17,
        kind: Kind::Dns,
        observed: Observed { matched: vec![0..u32::try_from(name.len()).unwrap()], text: name.clone() },
        indicator: name,
        info: "asyncrat (malware)".into(),
        reference: "(static)".into(),
        class: "malware".into(),
        severity: Severity::High,
        confidence: 90,
        reasons: Vec::new(),
        count: 1 + n % 3,
        context: Context::default(),
        batch: String::new(),
    };
    Stored { event, line: None }
}
