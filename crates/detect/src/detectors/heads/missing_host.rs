//! Requests that name no host.

use event::Kind;

use super::Asked;
use crate::detectors::about::{About, Detector};
use crate::detectors::alarm::Alarm;

pub(in crate::detectors) const ABOUT: About = About {
    detector: Detector::MissingHost,
    name: "missing_host",
    aliases: &["missing_host_header"],
    on: false,
    events: "HTTP, `missing host header (suspicious)`; the trail is the server with the path",
    finds: "HTTP/1.1 requests without a Host header, which the protocol demands. Off unless CHECK_MISSING_HOST is set.",
    why: "Hand-made clients of malware and scanners forget it.",
    example: "`GET /gate.php HTTP/1.1` without Host",
    false_alarms: "Devices and monitoring with hand-made clients of their own.",
    evaded: "By sending a Host header.",
    threshold: None,
};

#[cold]
pub(in crate::detectors) fn see(asked: &Asked<'_>) -> Option<Alarm> {
    let line = asked.request.head.split(|byte| *byte == b'\n').find(|line| !line.trim_ascii().is_empty())?;
    let versioned = line.trim_ascii().ends_with(b" HTTP/1.1");
    let alarm = asked.alarm(Kind::Http, "missing host header (suspicious)").filter(|_| versioned)?;
    Some(alarm.because(40, "an HTTP/1.1 request without a Host header".to_owned()))
}
