//! Answers that are scripts to be run.

use event::Kind;
use packet::Flow;
use packet::dissect::http::HttpResponse;

use super::shown;
use crate::detectors::about::{About, Detector};
use crate::detectors::alarm::Alarm;
use crate::detectors::net::{is_local, is_whole};

pub(in crate::detectors) const ABOUT: About = About {
    detector: Detector::SuspiciousContentType,
    name: "suspicious_content_type",
    aliases: &["content_type"],
    on: true,
    events: "HTTP, `content type (suspicious)`; the trail is the type",
    finds: "An answer from outside whose Content-Type is that of HTA, VBScript or a shell script.",
    why: "Nobody shows such things in a browser; loaders fetch them.",
    example: "`Content-Type: application/hta`",
    false_alarms: "Installers of software that are fetched as shell scripts over HTTP.",
    evaded: "By another type.",
    threshold: None,
};

const TYPES: [&[u8]; 7] = [
    b"application/hta",
    b"application/x-sh",
    b"application/x-shellscript",
    b"text/x-sh",
    b"text/x-shellscript",
    b"text/vbscript",
    b"application/x-vbscript",
];

#[inline]
pub(in crate::detectors) fn see(flow: &Flow, response: &HttpResponse<'_>) -> Option<Alarm> {
    let kind = response.content_type.split(|byte| *byte == b';').next()?.trim_ascii();
    if is_local(flow.src) || !is_whole(response.head) || !TYPES.iter().any(|listed| listed.eq_ignore_ascii_case(kind)) {
        return None;
    }
    let kind = shown(kind).to_ascii_lowercase();
    Some(Alarm::of(Kind::Http, &kind, "content type (suspicious)").because(50, format!("an answer of type {kind}")))
}
