//! Pages that say that a domain was seized.

use event::Kind;
use memchr::memmem;
use packet::dissect::http::HttpResponse;

use super::shown;
use crate::detectors::about::{About, Detector};
use crate::detectors::alarm::Alarm;

pub(in crate::detectors) const ABOUT: About = About {
    detector: Detector::SeizedDomain,
    name: "seized_domain",
    aliases: &["seized_domains"],
    on: true,
    events: "HTTP, `seized domain (suspicious)`; the trail is what the page says",
    finds: "A page that says that this domain or site was seized by an authority.",
    why: "Whoever asks for it may be a bot, or a customer of what was seized.",
    example: "`This domain name has been seized by ...`",
    false_alarms: "Whoever visits such a page out of curiosity.",
    evaded: "Not at all: the authority writes the page.",
    threshold: None,
};

/// Bytes of a page that are looked at, and before what is looked for.
const PAGE: usize = 4096;
const BEFORE: usize = 40;
/// Length of what is looked for.
const SEIZED: usize = b"been seized".len();

#[inline]
pub(in crate::detectors) fn see(response: &HttpResponse<'_>) -> Option<Alarm> {
    let page = response.body.get(..PAGE).unwrap_or(response.body);
    if page.is_empty() || !page.trim_ascii_start().starts_with(b"<") {
        return None;
    }
    [&b"been seized"[..], b"BEEN SEIZED", b"Been Seized"]
        .into_iter()
        .find_map(|words| raise(page, memmem::find(page, words)?))
}

#[cold]
fn raise(page: &[u8], at: usize) -> Option<Alarm> {
    let before = page.get(at.saturating_sub(BEFORE)..at)?.to_ascii_lowercase();
    let this = memmem::find(&before, b"this ").filter(|this| {
        let rest = before.get(*this..).unwrap_or_default();
        [&b"domain"[..], b"site", b"service"].into_iter().any(|word| memmem::find(rest, word).is_some())
    })?;
    let start = at.saturating_sub(BEFORE).min(at) + this;
    let said = shown(page.get(start..at + SEIZED)?);
    Some(Alarm::of(Kind::Http, &said, "seized domain (suspicious)").because(80, "the page says so".to_owned()))
}
