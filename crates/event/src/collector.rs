//! Events as other collectors take them: CEF for syslog, flat JSON for log pipelines, the datagram for a central
//! server. One line each, without a line end.
//!
//! ```text
//! <129>Jan  2 03:04:05 gw-hq CEF:0|Maltrail|sensor|0.1.0|DNS|asyncrat (malware)|9|src=10.0.0.5 spt=40000 ...
//! ```

use std::fmt::Write;

use jiff::tz::TimeZone;
use serde::Serialize;

use crate::line::{TextLine, clean};
use crate::{Event, Severity};

/// Facility of syslog messages: local use 0 (RFC 3164, section 4.1.1).
const FACILITY: u8 = 16;

/// An event of the Common Event Format, version 0, behind the header of syslog (RFC 3164).
///
/// `severity` is 9, 6 or 3 in CEF, and alert, warning or notice in syslog. `version`: that of this program.
#[must_use]
pub fn cef(event: &Event, severity: Severity, zone: &TimeZone, version: &str) -> String {
    let (priority, number) = match severity {
        Severity::High => (1, 9),
        Severity::Medium => (4, 6),
        Severity::Low => (5, 3),
    };
    let text = TextLine::of(event, zone);
    let host: String = event.sensor.chars().map(|c| if c.is_ascii_graphic() { c } else { '_' }).take(255).collect();
    let mut out = String::with_capacity(512);
    // Writing to a String does not fail.
    let _ = write!(
        out,
        "<{}>{} {} CEF:0|Maltrail|sensor|{version}|{}|{}|{number}|",
        FACILITY * 8 + priority,
        event.local(zone).strftime("%b %e %H:%M:%S"),
        if host.is_empty() { "-" } else { &host },
        event.kind.name(),
        header(&event.info),
    );
    let first = |list: &str| list.split(',').next().unwrap_or_default().to_owned();
    let millisecond = event.time.as_millisecond().to_string();
    let count = event.count.to_string();
    let several = |list: &str| if list.contains(',') { list.to_owned() } else { String::new() };
    let fields = [
        ("rt", millisecond),
        ("src", first(&text.src_ip)),
        ("spt", first(&text.src_port)),
        ("dst", first(&text.dst_ip)),
        ("dpt", first(&text.dst_port)),
        ("proto", text.proto.clone()),
        ("cnt", count),
        ("trail", text.trail.clone()),
        ("ref", text.reference.clone()),
        ("srcs", several(&text.src_ip)),
        ("spts", several(&text.src_port)),
        ("dsts", several(&text.dst_ip)),
        ("dpts", several(&text.dst_port)),
        ("externalId", event.id.clone()),
    ];
    let mut space = "";
    for (name, value) in fields.iter().filter(|(_, value)| !value.is_empty()) {
        let _ = write!(out, "{space}{name}={}", extension(value));
        space = " ";
    }
    out
}

/// In the header `|` and `\` are escaped.
fn header(text: &str) -> String {
    clean(text).replace('\\', "\\\\").replace('|', "\\|")
}

/// In the extension `=` and `\` are escaped; lines cannot end in it.
fn extension(text: &str) -> String {
    clean(text).replace('\\', "\\\\").replace('=', "\\=")
}

#[derive(Serialize)]
struct Flat<'a> {
    timestamp: String,
    sensor: &'a str,
    severity: &'static str,
    src_ip: &'a str,
    src_port: &'a str,
    dst_ip: &'a str,
    dst_port: &'a str,
    proto: &'a str,
    r#type: &'a str,
    trail: &'a str,
    info: &'a str,
    reference: &'a str,
    count: u64,
    #[serde(skip_serializing_if = "str::is_empty")]
    site: &'a str,
    id: &'a str,
}

/// One JSON object with the columns of the text line under their names, time in UTC (RFC 3339).
///
/// # Errors
/// None in practice: texts and numbers only.
pub fn flat_json(event: &Event, severity: Severity) -> Result<String, serde_json::Error> {
    let text = TextLine::of(event, &TimeZone::UTC);
    serde_json::to_string(&Flat {
        timestamp: format!("{:.6}", event.time),
        sensor: &text.sensor,
        severity: severity.name(),
        src_ip: &text.src_ip,
        src_port: &text.src_port,
        dst_ip: &text.dst_ip,
        dst_port: &text.dst_port,
        proto: &text.proto,
        r#type: &text.kind,
        trail: &text.trail,
        info: &text.info,
        reference: &text.reference,
        count: event.count,
        site: &event.site,
        id: &event.id,
    })
}

/// What a central server takes over UDP: seconds since the epoch, a space, the text line.
#[must_use]
pub fn datagram(event: &Event, zone: &TimeZone) -> String {
    format!("{} {}", event.time.as_second(), event.line(zone))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn event(info: &str, observed: &str) -> Event {
        let [info, observed] = [info, observed].map(|text| serde_json::to_string(text).unwrap());
        let text = format!(
            r#"{{"v":1,"id":"e1","time":"2026-01-02T03:04:05.6Z","last":"2026-01-02T03:04:05.6Z","sensor":"gw hq","src":["10.0.0.5"],"src_ports":[40000],"dst":["192.0.2.1","192.0.2.2"],"dst_ports":[53],"protocol":17,"kind":"DNS","observed":{{"text":{observed},"matched":[]}},"indicator":"evil.example","info":{info},"reference":"(static)","severity":"high"}}"#
        );
        crate::journal::parse(&text).unwrap()
    }

    #[test]
    fn an_event_in_each_form() {
        let event = event("asyncrat (malware)", "evil.example");
        assert_eq!(
            cef(&event, event.severity, &TimeZone::UTC, "0.1.0"),
            "<129>Jan  2 03:04:05 gw_hq CEF:0|Maltrail|sensor|0.1.0|DNS|asyncrat (malware)|9|rt=1767323045600 src=10.0.0.5 \
             spt=40000 dst=192.0.2.1 dpt=53 proto=UDP cnt=1 trail=evil.example ref=(static) dsts=192.0.2.1,192.0.2.2 \
             externalId=e1"
        );
        assert_eq!(
            flat_json(&event, Severity::Low).unwrap(),
            r#"{"timestamp":"2026-01-02T03:04:05.600000Z","sensor":"gw hq","severity":"low","src_ip":"10.0.0.5","src_port":"40000","dst_ip":"192.0.2.1,192.0.2.2","dst_port":"53","proto":"UDP","type":"DNS","trail":"evil.example","info":"asyncrat (malware)","reference":"(static)","count":1,"id":"e1"}"#
        );
        let sent = datagram(&event, &TimeZone::UTC);
        let (seconds, line) = sent.split_once(' ').unwrap();
        assert_eq!((seconds, line), ("1767323045", event.line(&TimeZone::UTC).as_str()));
    }

    #[test]
    fn what_was_sent_by_attackers_forges_no_fields() {
        let event = event("a|9|src=1", "x src=6.6.6.6\n<0>forged\\");
        let line = cef(&event, Severity::Low, &TimeZone::UTC, "0.1.0");
        assert!(line.contains("|a\\|9\\|src=1|3|"), "{line}");
        assert!(line.contains("trail=x src\\=6.6.6.6 <0>forged\\\\ ref="), "{line}");
    }

    /// The seven columns of a CEF header, unescaped, and the rest.
    fn columns(line: &str) -> Vec<String> {
        let mut columns = vec![String::new()];
        let mut characters = line.chars();
        while let Some(c) = characters.next() {
            match c {
                '\\' if columns.len() < 8 => columns.last_mut().unwrap().extend(characters.next()),
                '|' if columns.len() < 8 => columns.push(String::new()),
                c => columns.last_mut().unwrap().push(c),
            }
        }
        columns
    }

    proptest! {
        #[test]
        fn one_line_each(info: String, observed: String) {
            let event = event(&info, &observed);
            let zone = TimeZone::UTC;
            let lines = [cef(&event, event.severity, &zone, "0.1.0"), flat_json(&event, event.severity).unwrap(), datagram(&event, &zone)];
            for line in &lines {
                prop_assert!(!line.contains(['\n', '\r', '\0']), "{line:?}");
            }
            let json: serde_json::Value = serde_json::from_str(&lines[1]).unwrap();
            prop_assert_eq!(json["info"].as_str().unwrap(), info.as_str());
            prop_assert_eq!(&columns(&lines[0])[5], &clean(&info));
        }
    }
}
