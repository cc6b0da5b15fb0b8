//! What the heads of HTTP requests and responses show by themselves: one look each, no state.

pub(super) mod direct_download;
pub(super) mod iot_download;
pub(super) mod missing_host;
pub(super) mod proxy_probe;
pub(super) mod seized_domain;
pub(super) mod sinkhole_response;
pub(super) mod suspicious_content_type;

use event::{Context, Kind};
use packet::Flow;
use packet::dissect::http::HttpRequest;

use super::alarm::Alarm;
use super::net::is_whole;
use crate::finding::observe;

/// A request as detectors look at it.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    /// Direction of the request.
    pub(crate) flow: &'a Flow,
    /// Its head.
    pub(crate) request: &'a HttpRequest<'a>,
    /// The host that it names, without port; empty where there is none.
    pub(crate) host: &'a [u8],
    /// Whether the host stands in the target: a request to a proxy.
    pub(crate) absolute: bool,
    /// Whether a trail names it already.
    pub(crate) listed: bool,
    /// Path and query of its target.
    pub(crate) path: &'a [u8],
}

impl Asked<'_> {
    /// The last element of the path, without query.
    pub(super) fn file(&self) -> &[u8] {
        let end = self.path.iter().position(|byte| matches!(byte, b'?' | b'#')).unwrap_or(self.path.len());
        let path = self.path.get(..end).unwrap_or_default();
        path.rsplit(|byte| *byte == b'/').next().unwrap_or_default()
    }

    /// An alarm whose text is the host with the path, of which the host matters. `None` where the head was captured short:
    /// of such a one nobody knows the host. Whoever names none asks the server itself.
    pub(super) fn alarm(&self, kind: Kind, info: &str) -> Option<Alarm> {
        if !is_whole(self.request.head) {
            return None;
        }
        let server = self.flow.dst.to_string();
        let host = if self.host.is_empty() { server.as_bytes() } else { self.host };
        let alarm = Alarm::of(kind, &String::from_utf8_lossy(host), info);
        Some(Alarm { observed: observe(&[(host, true), (self.path, false)]), ..alarm })
    }
}

/// A title or a line of a head, as an event shows it.
pub(super) fn shown(text: &[u8]) -> String {
    String::from_utf8_lossy(text.get(..200).unwrap_or(text).trim_ascii()).into_owned()
}

/// What an event tells of a request around it.
pub(super) fn context(asked: &Asked<'_>) -> Context {
    Context {
        host: String::from_utf8_lossy(asked.host).to_ascii_lowercase(),
        user_agent: shown(asked.request.user_agent),
        ..Context::default()
    }
}
