//! Requests from outside to servers that are to act as proxies.

use event::Kind;

use super::Asked;
use crate::detectors::about::{About, Detector};
use crate::detectors::alarm::Alarm;
use crate::detectors::net::is_local;

pub(in crate::detectors) const ABOUT: About = About {
    detector: Detector::ProxyProbe,
    name: "proxy_probe",
    aliases: &["potential_proxy_probe"],
    on: true,
    events: "HTTP, `potential proxy probe (suspicious)`; the trail is the host that was to be asked, with the path",
    finds: "A request from outside to a server that names another server with its address or name (absolute URL, CONNECT).",
    why: "Open proxies are looked for to hide behind.",
    example: "`203.0.113.9` asks `192.0.2.10` for `GET http://www.example.com/ HTTP/1.1`",
    false_alarms: "A proxy for clients outside of private networks.",
    evaded: "By SOCKS, or TLS to the proxy.",
    threshold: None,
};

#[inline]
pub(in crate::detectors) fn see(asked: &Asked<'_>) -> Option<Alarm> {
    if !asked.absolute || is_local(asked.flow.src) { None } else { raise(asked) }
}

#[cold]
fn raise(asked: &Asked<'_>) -> Option<Alarm> {
    // The server may be asked for itself by its address.
    let itself = std::str::from_utf8(asked.host).ok().and_then(|host| host.parse().ok()) == Some(asked.flow.dst);
    let alarm = asked.alarm(Kind::Http, "potential proxy probe (suspicious)").filter(|_| !itself)?;
    Some(alarm.because(50, format!("{} is to ask another server", asked.flow.dst)))
}
