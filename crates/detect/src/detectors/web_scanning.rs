//! Web scans: one host that asks another for very many different things.

use event::Kind;
use packet::Flow;
use packet::dissect::http::HttpRequest;

use super::about::{About, Detector, Threshold};
use super::alarm::Alarm;
use super::distinct::{Distinct, Limits};
use super::net::{Keys, is_local, is_whole};
use super::settings::Settings;

pub(super) const ABOUT: About = About {
    detector: Detector::WebScanning,
    name: "web_scanning",
    aliases: &["web_scan"],
    on: true,
    events: "PATH, `potential web scanning`; the trail is `*`",
    finds: "One host that asks another, over HTTP, for paths with many different first elements within SCAN_WINDOW, without \
            having been led there by a page (a Referer). Not between two local hosts. Told once for a pair of hosts and \
            window.",
    why: "Scanners try lists of paths of software that can be attacked.",
    example: "`203.0.113.9` asks for `/phpmyadmin/`, `/wp-login.php`, `/.env`, `/manager/html` ... of `192.0.2.10`.",
    false_alarms: "Crawlers and mirrors. What browsers load for a page bears its address as Referer and does not count.",
    evaded: "By scanning slower, from many addresses, with a Referer, or over TLS.",
    threshold: Some(Threshold {
        default: 10,
        least: 1,
        greatest: 60_000,
        of: "first path elements within SCAN_WINDOW",
    }),
};

/// The first element of the path of a request that counts.
pub(super) fn element<'a>(flow: &Flow, request: &HttpRequest<'a>, path: &'a [u8]) -> Option<&'a [u8]> {
    // Of a head that was captured short nobody knows whether it had one.
    if !is_whole(request.head) || !request.referer.is_empty() || is_local(flow.src) && is_local(flow.dst) {
        return None;
    }
    let rest = path.strip_prefix(b"/")?;
    let end = rest.iter().position(|byte| matches!(byte, b'/' | b'?' | b'#'));
    rest.get(..end.unwrap_or(rest.len())).filter(|element| !element.is_empty())
}

pub(super) struct WebScanning {
    pub(super) counter: Distinct,
}

impl WebScanning {
    pub(super) fn new(settings: &Settings) -> WebScanning {
        let threshold = settings.threshold(Detector::WebScanning);
        WebScanning { counter: Distinct::new(ABOUT.name, settings.scan_window, threshold, Limits::USUAL) }
    }

    /// A request whose path begins with the element of that hash.
    pub(super) fn path(&mut self, keys: &Keys, flow: &Flow, element: u64, second: i64) -> Option<Alarm> {
        let count = self.counter.see(keys.pair(flow.src, flow.dst), element, second)?;
        let window = self.counter.window();
        let reason = format!("{count} different first path elements asked of {} within {window} s", flow.dst);
        Some(Alarm::of(Kind::Path, "*", "potential web scanning").of_scanner().because(60, reason))
    }
}
