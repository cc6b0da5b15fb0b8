//! Answers of sinkholes.

use event::{Kind, Severity};
use memchr::memmem;
use packet::dissect::http::HttpResponse;
use trails::Class;

use super::shown;
use crate::detectors::about::{About, Detector};
use crate::detectors::alarm::Alarm;
use crate::detectors::net::is_whole;

pub(in crate::detectors) const ABOUT: About = About {
    detector: Detector::SinkholeResponse,
    name: "sinkhole_response",
    aliases: &["sinkhole_responses"],
    on: true,
    events: "HTTP, `sinkhole response (malware)`; the trail is the line of the head that says so",
    finds: "An answer whose head says that it comes of a sinkhole (X-Sinkhole, or a Server that says so).",
    why: "Names that lead to sinkholes are those of malware: whoever asks them is infected.",
    example: "`X-Sinkhole: Malware sinkhole`",
    false_alarms: "Security people who look at sinkholes.",
    evaded: "Not at all: the sinkhole is run by the other side.",
    threshold: None,
};

#[inline]
pub(in crate::detectors) fn see(response: &HttpResponse<'_>) -> Option<Alarm> {
    // However it is written, all but its first letter is mostly small.
    let at = memmem::find(response.head, b"inkhol")?;
    raise(response.head, at)
}

#[cold]
fn raise(head: &[u8], at: usize) -> Option<Alarm> {
    if !is_whole(head) {
        return None;
    }
    let start = head.get(..at)?.iter().rposition(|byte| *byte == b'\n')? + 1;
    let line = head.get(start..)?.split(|byte| *byte == b'\n').next()?.trim_ascii();
    let lower = line.to_ascii_lowercase();
    if !(lower.starts_with(b"x-sinkhol") || lower.starts_with(b"server:") || lower.starts_with(b"sinkhol")) {
        return None;
    }
    let alarm = Alarm::of(Kind::Http, &shown(line), "sinkhole response (malware)");
    let alarm = Alarm { class: Class::Sinkhole, severity: Severity::High, ..alarm };
    Some(alarm.because(90, "the head of the answer says so".to_owned()))
}
