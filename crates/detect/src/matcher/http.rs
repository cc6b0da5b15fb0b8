//! HTTP requests: URLs in all their forms, hosts, and the agent.

use std::net::IpAddr;
use std::ops::Range;

use event::{Context, Kind};
use packet::Flow;
use packet::dissect::http::{HttpRequest, HttpResponse};
use trails::{Class, Hashed, Label, LabelId, Severity};

use super::url::{Path, Reach};
use super::{Found, Match, Matcher, name, url};
use crate::detectors::Asked;
use crate::finding::{Occasion, observe};
use crate::host::Host;
use crate::lookup::Lookup;

/// Bytes of a host's name that are looked at.
const HOST: usize = 255;
/// Bytes of a request target or body that are looked at: as many as a head may have.
const TEXT: usize = 16 << 10;
/// Client addresses taken from one request's headers.
const FORWARDED: usize = 8;
/// Bytes of a User-Agent that an event keeps.
const AGENT: usize = 1024;

/// What is said of a listed agent.
const AGENT_LABEL: Label<'static> = Label {
    info: "user agent (suspicious)",
    reference: "(heuristic)",
    class: Class::Suspicious,
    severity: Severity::Medium,
    confidence: 60,
    custom: false,
};

/// Room for texts that are not used as they were sent, kept from request to request.
#[derive(Default)]
pub(super) struct Buffers {
    host: Vec<u8>,
    agent: Vec<u8>,
    form: Vec<u8>,
    path: PathBuffers,
}

/// Of these the path's.
#[derive(Default)]
struct PathBuffers {
    lower: Vec<u8>,
    decoded: Vec<u8>,
    other: Vec<u8>,
}

/// A request target taken apart (RFC 9112 section 3.2).
struct Target<'a> {
    /// Of the absolute and authority forms.
    authority: Option<&'a [u8]>,
    /// Path and query.
    path: &'a [u8],
}

impl<'a> Target<'a> {
    fn read(request: &HttpRequest<'a>) -> Target<'a> {
        let target = request.target;
        if request.method.eq_ignore_ascii_case(b"CONNECT") {
            return Target { authority: Some(target), path: b"" };
        }
        if target.first() == Some(&b'/') {
            return Target { authority: None, path: target };
        }
        let scheme = target.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'+').count();
        match target.get(scheme..).and_then(|rest| rest.strip_prefix(b"://")) {
            Some(rest) if scheme > 0 => {
                let end = rest.iter().position(|byte| matches!(byte, b'/' | b'?' | b'#')).unwrap_or(rest.len());
                let (authority, path) = rest.split_at_checked(end).unwrap_or((rest, &[]));
                Target { authority: Some(authority), path: if path.is_empty() { b"/" } else { path } }
            }
            _ => Target { authority: None, path: target },
        }
    }
}

impl<L: Lookup> Matcher<L> {
    /// Its events have the client as their source.
    pub(super) fn http_response(&mut self, flow: &Flow, response: &HttpResponse<'_>) {
        let found = &mut self.found;
        self.witness.response(flow, response, |alarm| found.raise(flow.reversed(), alarm));
    }

    pub(super) fn request(&mut self, flow: &Flow, request: &HttpRequest<'_>) {
        let start = self.found.findings.len();
        let target = Target::read(request);
        let named = Host::read(request.host);
        // A request to a proxy names its server whole: the port it was sent to is the proxy's.
        let asked = target.authority.map(Host::read).filter(|host| !host.name.is_empty());
        let asked = asked.map(|host| Host { port: host.port.or(Some(80)), ..host });
        let first = asked.unwrap_or(named);
        self.host(flow, &first, target.path, request.body);
        if let Some(asked) = asked
            && !named.name.is_empty()
            && !named.name.eq_ignore_ascii_case(asked.name)
        {
            self.host(flow, &named, target.path, request.body);
        }
        self.agent(flow, request.user_agent);
        let (when, found) = (self.found.when(), &mut self.found);
        let listed = found.findings.len() > start;
        let (host, absolute) = (first.name, target.authority.is_some());
        let asked = Asked { flow, request, host, absolute, listed, path: target.path };
        self.witness.request(when, &asked, |alarm| found.raise(*flow, alarm));
        if self.found.findings.len() > start {
            let context = context(request, &first);
            for finding in self.found.findings.get_mut(start..).unwrap_or_default() {
                finding.context = context.clone();
            }
        }
    }

    /// The User-Agent, whatever else of the request is listed.
    fn agent(&mut self, flow: &Flow, agent: &[u8]) {
        if self.settings.agents.is_some() && !agent.is_empty() && !self.unlisted.has(agent) {
            self.new_agent(flow, agent);
        }
    }

    #[cold]
    fn new_agent(&mut self, flow: &Flow, sent: &[u8]) {
        let Some(agents) = &self.settings.agents else { return };
        let agent = if sent.contains(&b'%') {
            percent_decode(sent, &mut self.request.agent);
            self.request.agent.as_slice()
        } else {
            sent
        };
        let agent = agent.trim_ascii();
        let Some(Range { start, end }) = (agents.0)(agent) else {
            self.unlisted.note(sent);
            return;
        };
        let (Some(before), Some(matched), Some(after)) = (agent.get(..start), agent.get(start..end), agent.get(end..))
        else {
            return;
        };
        let observed = observe(&[(before, false), (matched, true), (after, false)]);
        let indicator = String::from_utf8_lossy(matched).into_owned();
        let context = Context::default();
        self.found.push(
            *flow,
            Match { kind: Kind::Ua, observed, indicator, label: AGENT_LABEL, occasion: Occasion::Other, context },
        );
    }

    /// One host of a request: the URL behind it, else its name or address.
    fn host(&mut self, flow: &Flow, host: &Host<'_>, path: &[u8], body: &[u8]) {
        let store = &*self.store;
        let Buffers { host: room, form, path: rooms, .. } = &mut self.request;
        let text = lower_case(host, flow.dst, room);
        let address = host.address();
        // A longer one is no name (RFC 1035 section 2.3.4).
        let name = (address.is_none() && (1..=HOST).contains(&host.name.len())).then(|| {
            let inner = text.strip_prefix(b"[").and_then(|text| text.strip_suffix(b"]"));
            let name = inner.filter(|_| host.bracketed).unwrap_or(text);
            (name, self.names.place(name))
        });
        if let Some(sightings) = &mut self.sightings {
            match (address, name) {
                // The server itself was seen when the connection was opened.
                (Some(address), _) if address != flow.dst => sightings.contact(address, flow.src, self.found.time),
                (None, Some((name, place))) => sightings.name(name, place.hash(), flow.src, self.found.time),
                _ => {}
            }
        }
        let hosts = Hosts::new(store, text, host.port, flow.dst_port);
        let found = &mut self.found;
        if (Request { store, found, flow, hosts, form, reach: Reach::Itself }).url(path, body, rooms) {
            return;
        }
        if !self.settings.host_domains {
            return;
        }
        match (address, name) {
            (Some(address), _) => self.requested(flow, address, host.port.unwrap_or(flow.dst_port)),
            // Most requests go to hosts that were just asked for, by DNS or by another request.
            (None, Some((name, place))) => {
                let found = &mut self.found;
                let look_up = || name::look_up(store, found, flow, name, Occasion::Other, Context::default);
                self.names.ask(place, name, look_up);
            }
            (None, None) => {}
        }
    }
}

/// In which spellings a host may be listed with URLs.
struct Hosts<'a> {
    /// As in the request, lower case, without port.
    name: Hashed<'a>,
    /// Without `www.`, where it begins so.
    bare: Option<Hashed<'a>>,
    /// The port that the request names.
    explicit: Option<u16>,
    /// The port it was sent to.
    receiver: u16,
    any: bool,
}

impl<'a> Hosts<'a> {
    fn new<L: Lookup>(store: &L, name: &'a [u8], explicit: Option<u16>, receiver: u16) -> Hosts<'a> {
        let bare = name.strip_prefix(b"www.").map(Hashed::new);
        let name = Hashed::new(name);
        let any = !name.text().is_empty()
            && (store.may_hold_urls_of(name) || bare.is_some_and(|bare| store.may_hold_urls_of(bare)));
        Hosts { name, bare, explicit, receiver, any }
    }

    /// The port as trails have it.
    fn port(&self) -> Port {
        Port::new(self.explicit.unwrap_or(self.receiver))
    }

    /// The port as an event shows it: where the request has one that is not the default.
    fn shown_port(&self) -> Option<Port> {
        self.explicit.filter(|port| *port != 80).map(Port::new)
    }
}

/// `:8080`, without allocation.
struct Port {
    text: [u8; 6],
    length: usize,
}

impl Port {
    fn new(port: u16) -> Port {
        let mut text = [b':'; 6];
        let digits = port.checked_ilog10().unwrap_or(0) as usize + 1;
        let mut rest = port;
        for place in text.iter_mut().take(digits + 1).skip(1).rev() {
            *place = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        Port { text, length: digits + 1 }
    }

    fn text(&self) -> &[u8] {
        self.text.get(..self.length).unwrap_or_default()
    }
}

struct Request<'m, 'a, L: Lookup> {
    store: &'m L,
    found: &'m mut Found,
    flow: &'m Flow,
    hosts: Hosts<'a>,
    form: &'m mut Vec<u8>,
    reach: Reach,
}

impl<L: Lookup> Request<'_, '_, L> {
    /// Whether the URL is listed, in any spelling of the path.
    #[inline]
    fn url(&mut self, path: &[u8], body: &[u8], rooms: &mut PathBuffers) -> bool {
        let PathBuffers { lower, decoded, other } = rooms;
        let mut path = Path::read(path.get(..TEXT).unwrap_or(path));
        path.lower(lower);
        // With a body as its query it begins alike.
        let possible = self.hosts.any || self.may_be_bare(&path);
        if possible {
            self.try_all(&path, body, decoded, other)
        } else {
            path.is_odd() && self.try_spellings(path.text(), decoded, other)
        }
    }

    /// Whether the path, its last element or its directory may be listed without a host, with whatever query.
    #[inline]
    fn may_be_bare(&self, path: &Path<'_>) -> bool {
        let may_begin = |start| self.store.may_hold_path(path.text(), start);
        may_begin(0) || path.slash() > 0 && may_begin(path.slash())
    }

    /// Tries all spellings of the path, then what it lies in.
    #[inline(never)]
    fn try_all(&mut self, path: &Path<'_>, body: &[u8], decoded: &mut Vec<u8>, other: &mut Vec<u8>) -> bool {
        if self.try_path(path) {
            return true;
        }
        if !body.is_empty() && !path.has_query() && self.try_with_body(path.text(), body, other) {
            return true;
        }
        if path.is_odd() {
            return self.try_spellings(path.text(), decoded, other);
        }
        self.reach = Reach::Around;
        self.try_path(path)
    }

    /// Tries the path with the body as its query.
    #[cold]
    fn try_with_body(&mut self, path: &[u8], body: &[u8], room: &mut Vec<u8>) -> bool {
        room.clear();
        room.extend_from_slice(path);
        room.push(b'?');
        room.extend(body.trim_ascii().iter().take(TEXT).map(u8::to_ascii_lowercase));
        self.try_text(room)
    }

    /// Tries the other spellings of an odd path, then what it lies in.
    #[cold]
    fn try_spellings(&mut self, path: &[u8], decoded: &mut Vec<u8>, other: &mut Vec<u8>) -> bool {
        // A target with spaces: some servers take what stands before the first.
        if let Some(before) = path.iter().position(|byte| *byte == b' ').and_then(|space| path.get(..space))
            && self.try_text(before)
        {
            return true;
        }
        // The same as servers may read it: repeated slashes are one, escapes are what they stand for.
        if normalise(path, other) && self.try_text(other) {
            return true;
        }
        let mut path = path;
        if decode(path, decoded) {
            path = decoded;
            if self.try_text(path) || (normalise(path, other) && self.try_text(other)) {
                return true;
            }
        }
        self.reach = Reach::Around;
        self.try_text(path)
    }

    #[cold]
    fn try_text(&mut self, path: &[u8]) -> bool {
        self.try_path(&Path::read(path))
    }

    /// Tries one spelling of the path behind every spelling of the host, then alone.
    fn try_path(&mut self, path: &Path<'_>) -> bool {
        if self.hosts.any && self.try_hosts(path) {
            return true;
        }
        if path.text().is_empty() || !self.may_be_bare(path) {
            return false;
        }
        let Some((form, label)) = self.search(Hashed::new(b""), path) else { return false };
        self.push_path(&form, label);
        true
    }

    #[cold]
    fn push_path(&mut self, form: &[(&[u8], bool)], label: LabelId) {
        let port = self.hosts.shown_port();
        let port = port.as_ref().map(Port::text).unwrap_or_default();
        let shown = [(self.hosts.name.text(), false), (port, false)];
        push(self.found, self.flow, self.store, Kind::Path, &shown, form, label);
    }

    #[cold]
    fn try_hosts(&mut self, path: &Path<'_>) -> bool {
        for name in [Some(self.hosts.name), self.hosts.bare].into_iter().flatten() {
            if self.try_with_port(name.text(), path) || self.try_host(name, name.text().len(), path) {
                return true;
            }
        }
        false
    }

    fn search<'p>(&mut self, host: Hashed<'_>, path: &Path<'p>) -> Option<(url::Form<'p>, LabelId)> {
        let store = self.store;
        url::Search { host, room: self.form, url: |host: Hashed<'_>, path: Hashed<'_>| store.url_at(host, path) }
            .first(path, self.reach)
    }

    /// `name`, which is the end of the host's name, with the port.
    fn try_with_port(&mut self, name: &[u8], path: &Path<'_>) -> bool {
        let port = self.hosts.port();
        let mut text = [0u8; HOST + 8];
        let length = name.len() + port.text().len();
        let Some(room) = text.get_mut(..length) else { return false };
        for (to, from) in room.iter_mut().zip(name.iter().chain(port.text())) {
            *to = *from;
        }
        self.try_host(Hashed::new(room), name.len(), path)
    }

    /// `host` is the end of the host's name in `length` bytes, then the port where the trail is to have one.
    fn try_host(&mut self, host: Hashed<'_>, length: usize, path: &Path<'_>) -> bool {
        let Some((form, label)) = self.search(host, path) else { return false };
        let whole = self.hosts.name.text();
        let before = whole.get(..whole.len() - length).unwrap_or_default();
        let shown_port = if host.text().len() == length { self.hosts.shown_port() } else { None };
        let shown_port = shown_port.as_ref().map(Port::text).unwrap_or_default();
        let shown = [(before, false), (host.text(), true), (shown_port, false)];
        push(self.found, self.flow, self.store, Kind::Url, &shown, &form, label);
        true
    }
}

fn push<L: Lookup>(
    found: &mut Found,
    flow: &Flow,
    store: &L,
    kind: Kind,
    host: &[(&[u8], bool)],
    form: &[(&[u8], bool)],
    label: LabelId,
) {
    let mut parts: Vec<(&[u8], bool)> = host.to_vec();
    parts.extend_from_slice(form);
    let indicator: Vec<u8> =
        parts.iter().filter(|(_, matched)| *matched).flat_map(|(part, _)| part.iter().copied()).collect();
    let indicator = String::from_utf8_lossy(&indicator).into_owned();
    let (label, occasion) = (store.label(label), Occasion::Other);
    let observed = observe(&parts);
    found.push(*flow, Match { kind, observed, indicator, label, occasion, context: Context::default() });
}

/// The host in lower case, addresses of IPv6 in brackets; without any, the address the request was sent to.
#[inline]
fn lower_case<'a>(host: &Host<'a>, receiver: IpAddr, room: &'a mut Vec<u8>) -> &'a [u8] {
    if host.plain && !host.bracketed && !host.name.is_empty() {
        return host.name.get(..HOST).unwrap_or(host.name);
    }
    write_host(host, receiver, room);
    room
}

#[cold]
fn write_host(host: &Host<'_>, receiver: IpAddr, text: &mut Vec<u8>) {
    use std::io::Write;
    text.clear();
    if host.name.is_empty() {
        // Writing to a Vec does not fail.
        let _ = match receiver {
            IpAddr::V4(address) => write!(text, "{address}"),
            IpAddr::V6(address) => write!(text, "[{address}]"),
        };
        return;
    }
    if host.bracketed {
        text.push(b'[');
    }
    text.extend_from_slice(host.name.get(..HOST).unwrap_or(host.name));
    text.make_ascii_lowercase();
    if host.bracketed {
        text.push(b']');
    }
}

/// Writes the path with repeated slashes as one; false where there are none. The query stays as it is.
fn normalise(path: &[u8], to: &mut Vec<u8>) -> bool {
    let end = path.iter().position(|byte| *byte == b'?').unwrap_or(path.len());
    let (plain, query) = path.split_at_checked(end).unwrap_or((path, &[]));
    if !plain.windows(2).any(|pair| pair == b"//") {
        return false;
    }
    to.clear();
    for byte in plain {
        if !(*byte == b'/' && to.last() == Some(&b'/')) {
            to.push(*byte);
        }
    }
    to.extend_from_slice(query);
    true
}

/// Writes the text with its escapes (RFC 3986 section 2.1) resolved, lower case; false where there are none.
fn decode(text: &[u8], to: &mut Vec<u8>) -> bool {
    if !text.contains(&b'%') {
        return false;
    }
    percent_decode(text, to);
    to.make_ascii_lowercase();
    to.as_slice() != text
}

fn percent_decode(text: &[u8], to: &mut Vec<u8>) {
    to.clear();
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        match (first, after) {
            (b'%', [high, low, tail @ ..]) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                to.push(digit(*high) << 4 | digit(*low));
                rest = tail;
            }
            _ => {
                to.push(*first);
                rest = after;
            }
        }
    }
}

fn digit(hex: u8) -> u8 {
    match hex {
        b'0'..=b'9' => hex - b'0',
        _ => (hex | 0x20).wrapping_sub(b'a').wrapping_add(10) & 0x0f,
    }
}

/// What an event tells of the request around it.
fn context(request: &HttpRequest<'_>, host: &Host<'_>) -> Context {
    let agent = request.user_agent.get(..request.user_agent.len().min(AGENT)).unwrap_or_default();
    Context {
        host: String::from_utf8_lossy(host.name).to_ascii_lowercase(),
        user_agent: String::from_utf8_lossy(agent).into_owned(),
        forwarded_for: forwarded(request),
        ..Context::default()
    }
}

/// Addresses in the headers of proxies, each once. Anything else there is left out: a client can write what it
/// likes.
fn forwarded(request: &HttpRequest<'_>) -> Vec<String> {
    let mut addresses: Vec<String> = Vec::new();
    let entries = request.forwarded_for.iter().flat_map(|value| value.split(|byte| *byte == b','));
    for entry in entries {
        let Some(address) = Host::read(entry).address().map(|address| address.to_string()) else { continue };
        if addresses.len() >= FORWARDED {
            break;
        }
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    addresses
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_as_text() {
        for (port, text) in [(0, ":0"), (7, ":7"), (80, ":80"), (8080, ":8080"), (65535, ":65535")] {
            assert_eq!(Port::new(port).text(), text.as_bytes());
        }
    }

    #[test]
    fn repeated_slashes_and_escapes() {
        let mut to = Vec::new();
        assert!(normalise(b"//a///b?x=//", &mut to));
        assert_eq!(to, b"/a/b?x=//");
        assert!(!normalise(b"/a/b?x=//", &mut to));
        assert!(decode(b"/%41%2f%zz%4", &mut to));
        assert_eq!(to, b"/a/%zz%4");
        assert!(!decode(b"/a", &mut to) && !decode(b"/%zz", &mut to));
    }
}
