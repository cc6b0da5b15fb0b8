//! Events for tests.

use event::{Context, Event, Kind, Observed, Severity};
use jiff::{SignedDuration, Timestamp};

use crate::store::Stored;

/// Noon of a day.
pub(crate) fn noon() -> Timestamp {
    "2026-11-20T12:00:00Z".parse().unwrap()
}

/// The nth event: a millisecond apart.
pub(crate) fn stored(n: u64) -> Stored {
    at(noon() + SignedDuration::from_millis(i64::try_from(n).unwrap()), n)
}

/// An event of a time.
pub(crate) fn at(time: Timestamp, n: u64) -> Stored {
    let text = format!("www.evil-{n}.example");
    let end = u32::try_from(text.len()).unwrap();
    let event = Event {
        id: format!("{n:08x}"),
        time,
        last: time,
        site: String::new(),
        sensor: "gw".into(),
        src: vec!["10.0.0.5".parse().unwrap()],
        src_ports: vec![40_000],
        dst: vec!["8.8.8.8".parse().unwrap()],
        dst_ports: vec![53],
        protocol: 17,
        kind: Kind::Dns,
        indicator: text.strip_prefix("www.").unwrap().into(),
        observed: Observed { text, matched: std::iter::once(4..end).collect() },
        info: "asyncrat (malware)".into(),
        reference: "(static)".into(),
        class: "malware".into(),
        severity: Severity::High,
        confidence: 90,
        reasons: Vec::new(),
        count: 1,
        context: Context::default(),
        batch: String::new(),
    };
    Stored { event, line: None }
}
