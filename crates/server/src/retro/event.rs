//! What was found as an event: of now, with when it was in its text.

use std::net::IpAddr;

use event::import::UNKNOWN_PROTOCOL;
use event::{Before, Context, Event, Kind, Observed, RETRO_SENSOR, Severity, TextLine};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use trails::Indicator;

use super::look::Found;
use crate::store::Stored;
use crate::store::record::line_id;

/// The event, but for its time and id.
pub(super) fn of(found: &Found<'_>) -> Event {
    let Found { indicator, label, host, touched } = found;
    let text = match touched.query.as_str() {
        "" => touched.text.clone(),
        name => format!("{} {name}", touched.text),
    };
    let (kind, dst) = match indicator {
        Indicator::Name(_) => (Kind::Dns, None),
        _ => (Kind::Ip, touched.text.parse::<IpAddr>().ok()),
    };
    let indicator_text = indicator.to_string();
    let start = if kind == Kind::Dns { text.len().saturating_sub(indicator_text.len()) } else { 0 };
    let end = if kind == Kind::Dns { text.len() } else { touched.text.len() };
    let place = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    let severity = match label.severity {
        trails::Severity::Low => Severity::Low,
        trails::Severity::Medium => Severity::Medium,
        trails::Severity::High => Severity::High,
    };
    // Which port was contacted is not known.
    let sure = !matches!(indicator, Indicator::Endpoint(..));
    let seen = touched.seen;
    Event {
        id: String::new(),
        time: Timestamp::UNIX_EPOCH,
        last: Timestamp::UNIX_EPOCH,
        site: String::new(),
        sensor: RETRO_SENSOR.to_owned(),
        src: host.iter().copied().collect(),
        src_ports: Vec::new(),
        dst: dst.into_iter().collect(),
        dst_ports: Vec::new(),
        protocol: UNKNOWN_PROTOCOL,
        kind,
        observed: Observed { text, matched: std::iter::once(place(start)..place(end)).collect() },
        indicator: indicator_text,
        info: label.info.to_owned(),
        reference: label.reference.to_owned(),
        class: label.class.as_str().to_owned(),
        severity: if sure { severity } else { severity.min(Severity::Medium) },
        confidence: if sure { label.confidence } else { label.confidence / 2 },
        reasons: Vec::new(),
        count: 1,
        context: Context {
            query: touched.query.clone(),
            before: Some(Before { first: seen.first, last: seen.last, count: seen.count }),
            ..Context::default()
        },
        batch: String::new(),
    }
}

/// What goes into the record: an event of now, and its line, which says when it was.
pub(super) fn stored(json: &str, now: Timestamp, zone: &TimeZone) -> Option<Stored> {
    let mut event: Event = serde_json::from_str(json).ok()?;
    (event.time, event.last) = (now, now);
    let mut line = TextLine::of(&event, zone);
    line.proto = String::new();
    if let Some(before) = event.context.before {
        line.info = told(&event.info, before);
    }
    let line = line.to_string();
    event.id = line_id(line.as_bytes());
    Some(Stored { event, line: Some(line.into()) })
}

/// `asyncrat, seen before it was listed: 2026-01-02 03:04:05 UTC to 2026-01-03 04:05:06 UTC, 12 times (malware)`: what
/// stands in parentheses at the end of an info is its class, and stays there.
fn told(info: &str, before: Before) -> String {
    let (name, class) = match info.strip_suffix(')').and_then(|_| info.rfind(" (")) {
        Some(at) => info.split_at(at),
        None => (info, ""),
    };
    let time = |time: Timestamp| time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string();
    let Before { first, last, count } = before;
    let when = if first == last { time(first) } else { format!("{} to {}", time(first), time(last)) };
    let times = if count == 1 { "once".to_owned() } else { format!("{count} times") };
    format!("{name}, seen before it was listed: {when}, {times}{class}")
}
