//! Whether a store finds what it lists: every indicator is looked up as traffic would be, by its own kind.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use regex_syntax::hir::{Class, Hir, HirKind};

use crate::excuse::{excuse, is_local};
use crate::indicator::{Indicator, Network};
use crate::store::{Hit, LabelId, Store};

/// Longest text that is made of a pattern, bytes; no name is longer.
const MAX_SAMPLE: usize = 253;
/// Texts that are made of a pattern: one with each alternative of its widest choice.
const MAX_SAMPLES: usize = 64;

/// Trails that are named in the place of one.
pub const MOST_INSTEAD: usize = 4;

/// Why an indicator is never found, or never as itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Inert {
    /// It is not found at all.
    Missing,
    /// What is found in its place has another label.
    Other,
    /// More of its parents are listed than are told of a name.
    Parents,
    /// A pattern that was tried before it matches whatever it does.
    Pattern,
    /// A pattern of names below one that is listed.
    Parent,
    /// A name of local networks: such names count on the user's own lists only.
    Local,
}

impl Inert {
    /// All of them.
    pub const ALL: [Inert; 6] =
        [Inert::Missing, Inert::Other, Inert::Parents, Inert::Pattern, Inert::Parent, Inert::Local];

    /// The cause in a word, for programs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Inert::Missing => "missing",
            Inert::Other => "covered",
            Inert::Parents => "parents",
            Inert::Pattern => "pattern",
            Inert::Parent => "parent",
            Inert::Local => "local",
        }
    }
}

impl std::fmt::Display for Inert {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            Inert::Missing => "it is not found",
            Inert::Other => "others are found in its place",
            Inert::Parents => "too many of its parents are listed",
            Inert::Pattern => "a pattern before it matches the same",
            Inert::Parent => "a listed name covers all that it matches",
            Inert::Local => "its last label is one of local networks, of which only your own lists are believed",
        })
    }
}

/// Looks up an indicator of a store; none: it is found, with its own label.
#[must_use]
pub fn probe<D: AsRef<[u8]>>(store: &Store<D>, indicator: &Indicator<'_>, label: LabelId) -> Option<Inert> {
    let found = match indicator {
        Indicator::Name(name) => return by_name(store, name, label),
        Indicator::Pattern(source) => return by_pattern(store, source, label),
        Indicator::Url(url) => url_of(store, url),
        Indicator::Path(path) => store.may_hold_path(path.as_bytes(), 0).then(|| url_of(store, path)).flatten(),
        Indicator::Address(address) => reachable(store, *address).then(|| store.address(*address)).flatten(),
        Indicator::Endpoint(address, port) => {
            reachable(store, *address).then(|| store.endpoint(*address, *port)).flatten()
        }
        Indicator::Network(network) => return by_network(store, network, label),
        Indicator::CertificateSha1(sha1) => store.certificate(sha1),
        Indicator::Ja3(md5) => store.ja3(md5),
        Indicator::Ja4(text) => store.ja4(text),
    };
    verdict(found, label)
}

fn verdict(found: Option<LabelId>, label: LabelId) -> Option<Inert> {
    match found {
        Some(found) if found == label => None,
        Some(_) => Some(Inert::Other),
        None => Some(Inert::Missing),
    }
}

/// Whether the filter that comes before every look-up of an address lets it through.
fn reachable<D: AsRef<[u8]>>(store: &Store<D>, address: IpAddr) -> bool {
    store.may_hold_address(address)
}

fn url_of<D: AsRef<[u8]>>(store: &Store<D>, url: &str) -> Option<LabelId> {
    let host = url.find('/').map_or(url, |slash| url.get(..slash).unwrap_or_default());
    let possible = host.is_empty() || store.may_hold_urls_of(crate::Hashed::new(host.as_bytes()));
    possible.then(|| store.url(&[url.as_bytes()])).flatten()
}

fn by_name<D: AsRef<[u8]>>(store: &Store<D>, name: &str, label: LabelId) -> Option<Inert> {
    if is_local(name.as_bytes()) && !store.label(label).custom {
        return Some(Inert::Local);
    }
    let mut hits = [Hit { start: 0, label: LabelId(0) }; 8];
    let count = store.name(name.as_bytes(), &mut hits);
    match hits.get(..count).unwrap_or_default().iter().find(|hit| hit.start == 0) {
        Some(hit) => verdict(Some(hit.label), label),
        None if count == hits.len() => Some(Inert::Parents),
        None => Some(Inert::Missing),
    }
}

fn by_network<D: AsRef<[u8]>>(store: &Store<D>, network: &Network, label: LabelId) -> Option<Inert> {
    // Smaller networks may lie in it: its own label is found wherever they do not cover it.
    let mut parts = Parts::of(network);
    let mut covered = false;
    while let Some(address) = parts.next() {
        match reachable(store, address).then(|| store.network(address)).flatten() {
            Some(found) if found == (network.length, label) => return None,
            Some((length, _)) if length > network.length => parts.pass_over(length),
            Some(_) => return Some(Inert::Other),
            None => return Some(Inert::Missing),
        }
        covered = true;
    }
    Some(if covered { Inert::Other } else { Inert::Missing })
}

/// Addresses of a network, from its first on, where those of smaller networks in it are passed over.
struct Parts {
    v4: bool,
    next: Option<u128>,
    last: u128,
}

impl Parts {
    fn of(network: &Network) -> Parts {
        let (first, bits) = match network.address {
            IpAddr::V4(first) => (u128::from(first.to_bits()), 32),
            IpAddr::V6(first) => (first.to_bits(), 128),
        };
        Parts { v4: bits == 32, next: Some(first), last: last_of(first, bits, network.length) }
    }

    fn next(&self) -> Option<IpAddr> {
        let next = self.next.filter(|next| *next <= self.last)?;
        Some(if self.v4 { Ipv4Addr::from(u32::try_from(next).ok()?).into() } else { Ipv6Addr::from(next).into() })
    }

    /// Goes on behind the network of such a length that has the address.
    fn pass_over(&mut self, length: u8) {
        let bits = if self.v4 { 32 } else { 128 };
        self.next = self.next.and_then(|next| last_of(next, bits, length).checked_add(1));
    }
}

/// The last address of the network of such a length that has an address of so many bits.
fn last_of(address: u128, bits: u32, length: u8) -> u128 {
    let host = bits.saturating_sub(u32::from(length));
    address | 1u128.checked_shl(host).map_or(u128::MAX, |end| end - 1)
}

/// What is found in the place of an indicator that [`probe`] told as inert: the first
/// [`MOST_INSTEAD`] trails of it, none where there is none.
#[must_use]
pub fn instead<D: AsRef<[u8]>>(store: &Store<D>, indicator: &Indicator<'_>) -> Vec<String> {
    match indicator {
        Indicator::Network(network) => {
            let (mut parts, mut trails) = (Parts::of(network), Vec::new());
            while let (Some(address), true) = (parts.next(), trails.len() < MOST_INSTEAD) {
                let Some((length, _)) = store.network(address) else { break };
                trails.extend(IpNet::new(address, length).map(|net| net.trunc().to_string()));
                parts.pass_over(length);
            }
            trails
        }
        Indicator::Pattern(source) => {
            let Some(sample) = sample(source) else { return Vec::new() };
            if let Some(hit) = parent(store, &sample) {
                return vec![sample.get(hit.start..).unwrap_or_default().to_owned()];
            }
            store.pattern_match(sample.as_bytes()).map(|(_, source)| source.to_owned()).into_iter().collect()
        }
        _ => Vec::new(),
    }
}

/// A short name that a pattern matches; none where there is none within the length of a name.
#[must_use]
pub fn sample(pattern: &str) -> Option<String> {
    nth_sample(&regex_syntax::parse(pattern).ok()?, 0)
}

/// The same with that alternative of each choice, beginning anew behind the last.
fn nth_sample(hir: &Hir, nth: usize) -> Option<String> {
    let mut sample = String::new();
    put(hir, nth, &mut sample).then_some(sample)
}

/// Most alternatives that a choice of an expression has, within [`MAX_SAMPLES`].
fn alternatives(hir: &Hir) -> usize {
    let of = |parts: &[Hir]| parts.iter().map(alternatives).max().unwrap_or(1);
    let most = match hir.kind() {
        HirKind::Capture(capture) => alternatives(&capture.sub),
        HirKind::Repetition(repetition) => alternatives(&repetition.sub),
        HirKind::Concat(parts) => of(parts),
        HirKind::Alternation(parts) => of(parts).max(parts.len()),
        _ => 1,
    };
    most.min(MAX_SAMPLES)
}

fn by_pattern<D: AsRef<[u8]>>(store: &Store<D>, source: &str, label: LabelId) -> Option<Inert> {
    let Ok(hir) = regex_syntax::parse(source) else { return Some(Inert::Missing) };
    // It is found where one of its alternatives is.
    let mut causes = (0..alternatives(&hir)).map(|nth| by_sample(store, source, label, nth_sample(&hir, nth)));
    let first = causes.next()?;
    if causes.any(|cause| cause.is_none()) { None } else { first }
}

fn by_sample<D: AsRef<[u8]>>(store: &Store<D>, source: &str, label: LabelId, sample: Option<String>) -> Option<Inert> {
    let Some(sample) = sample else { return Some(Inert::Missing) };
    if is_local(sample.as_bytes()) && !store.label(label).custom {
        return Some(Inert::Local);
    }
    if parent(store, &sample).is_some() {
        return Some(Inert::Parent);
    }
    match store.pattern_match(sample.as_bytes()) {
        Some((_, found)) if found == source => None,
        Some(_) => Some(Inert::Pattern),
        None => Some(Inert::Missing),
    }
}

/// A listed name above a sample of a pattern, which is told before patterns are asked. Itself may be listed by chance.
fn parent<D: AsRef<[u8]>>(store: &Store<D>, sample: &str) -> Option<Hit> {
    let mut hits = [Hit { start: 0, label: LabelId(0) }; 8];
    let count = store.name(sample.as_bytes(), &mut hits);
    let counts = |hit: &&Hit| hit.start > 0 && excuse(&store.label(hit.label), sample.as_bytes(), hit.start).is_none();
    hits.iter().take(count).find(counts).copied()
}

/// Adds a short text that an expression matches; whether there is one within [`MAX_SAMPLE`].
fn put(hir: &Hir, nth: usize, out: &mut String) -> bool {
    let done = match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => true,
        HirKind::Literal(literal) => std::str::from_utf8(&literal.0).map(|text| out.push_str(text)).is_ok(),
        HirKind::Class(class) => any_of(class).map(|character| out.push(character)).is_some(),
        HirKind::Capture(capture) => put(&capture.sub, nth, out),
        HirKind::Concat(parts) => parts.iter().all(|part| out.len() <= MAX_SAMPLE && put(part, nth, out)),
        HirKind::Alternation(parts) => {
            let chosen = nth.checked_rem(parts.len()).and_then(|nth| parts.get(nth));
            chosen.is_some_and(|part| put(part, nth, out))
        }
        HirKind::Repetition(repetition) => {
            (0..repetition.min).all(|_| out.len() <= MAX_SAMPLE && put(&repetition.sub, nth, out))
        }
    };
    done && out.len() <= MAX_SAMPLE
}

/// A character of a class: one that names have, where there is one.
fn any_of(class: &Class) -> Option<char> {
    let usual = ('a'..='z').chain('0'..='9').chain(['-', '.', '_']);
    let holds = |character: char| match class {
        Class::Unicode(class) => class.iter().any(|range| (range.start()..=range.end()).contains(&character)),
        Class::Bytes(class) => u8::try_from(character)
            .is_ok_and(|byte| class.iter().any(|range| (range.start()..=range.end()).contains(&byte))),
    };
    usual.into_iter().find(|&character| holds(character))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;
    use std::rc::Rc;

    use super::*;
    use crate::builder::{Builder, Place};
    use crate::{Stamp, Vetoes};

    fn store(trails: &[&str], custom: bool) -> Store<Vec<u8>> {
        let mut builder = Builder::new(Vetoes::default());
        let file: Rc<str> = "test".into();
        for (line, trail) in (1..).zip(trails) {
            let source = builder.source(trail, "(static)", custom);
            builder.add(trail, source, Place { file: &file, line });
        }
        assert_eq!(builder.report().refused.len(), 0);
        Store::from_bytes(builder.finish(Cursor::new(Vec::new()), Stamp::default()).unwrap().0.into_inner()).unwrap()
    }

    fn inert(trails: &[&str]) -> Vec<(String, Inert)> {
        let store = store(trails, false);
        let probed = store.trails().map(|(indicator, label)| (indicator.to_string(), probe(&store, &indicator, label)));
        probed.filter_map(|(text, inert)| Some((text, inert?))).collect()
    }

    #[test]
    fn all_kinds_are_found() {
        let trails = [
            "evil.test.com",
            "a.evil.test.com",
            "zip",
            "evil.example/x",
            "evil.example:8080/x?id=",
            "/gate.php",
            "/x?id=",
            "192.0.2.7",
            "192.0.2.7:80",
            "[2001:db8::1]:443",
            "2001:db8::2",
            "198.51.100.0/24",
            "2001:db8:1::/48",
            "198.51.100.0/28",
            r"^evil[0-9]{3}\.(com|net)$",
            r"\.x[a-z]+\.top",
            "0123456789abcdef0123456789abcdef01234567",
            "0123456789abcdef0123456789abcdef",
            "t13d1516h2_8daaf6152771_e5627efa2ab1",
        ];
        assert_eq!(inert(&trails), []);
    }

    #[test]
    fn what_is_never_found() {
        let mut trails: Vec<String> = vec!["a.b.c.d.e.f.g.h.i".into()];
        while let Some((_, parent)) = trails.last().and_then(|name| name.split_once('.')) {
            let parent = parent.to_owned();
            trails.push(parent);
        }
        let names: Vec<&str> = trails.iter().map(String::as_str).collect();
        assert_eq!(inert(&names), [], "the longest eight are told, its own among them");
        assert_eq!(inert(&["evil", r"ev[i-k]l\.x", r"ev[i]l\.x"].map(|t| t)).len(), 1);
        let halves = ["192.0.2.0/24", "192.0.2.0/25", "192.0.2.128/25"];
        assert_eq!(inert(&halves), [("192.0.2.0/24".to_owned(), Inert::Other)]);
        let ends = ["192.0.2.0/24", "192.0.2.0/26", "192.0.2.192/26"];
        assert_eq!(inert(&ends), [], "its middle is its own");
        let v6 = ["2001:db8::/32", "2001:db8::/33", "2001:db8:8000::/33", "2001:db8::/34"];
        assert_eq!(inert(&v6), [("2001:db8::/32".to_owned(), Inert::Other)]);
        let top = ["255.255.255.0/24", "255.255.255.0/25", "255.255.255.128/25", "ffff::/16", "ffff::/17"];
        assert_eq!(inert(&top), [("255.255.255.0/24".to_owned(), Inert::Other)]);
        let store = store(&halves, false);
        let indicator = Indicator::parse("192.0.2.0/24", &mut String::new()).map(|network| instead(&store, &network));
        assert_eq!(indicator.unwrap(), ["192.0.2.0/25", "192.0.2.128/25"]);
    }

    #[test]
    fn names_of_local_networks_count_on_own_lists_only() {
        let trails = ["printer.lan", r"x[0-9]+\.local", "5.0.0.10.in-addr.arpa", "lan.com"];
        let found = inert(&trails);
        assert!(found.iter().all(|(text, inert)| *inert == Inert::Local && text != "lan.com"), "{found:?}");
        assert_eq!(found.len(), 3);
        let own = store(&trails, true);
        assert!(own.trails().all(|(indicator, label)| probe(&own, &indicator, label).is_none()));
    }

    #[test]
    fn a_pattern_below_a_listed_name_is_never_asked() {
        let trails = [r"evil[0-9]+\.shady\.com$", "shady.com"];
        assert_eq!(inert(&trails), [(trails[0].to_owned(), Inert::Parent)]);
        let store = store(&trails, false);
        assert_eq!(instead(&store, &Indicator::Pattern(trails[0])), ["shady.com"]);
        assert_eq!(inert(&[r"evil[0-9]+\.shady\.com$", "evil0.shady.com"]), [], "by chance the sample is listed");
        let several = r"evil[0-9]+\.(shady|dim)\.(com|net|org)$";
        assert_eq!(inert(&[several, "com", "net"]), [], "it is found below another");
        assert_eq!(inert(&[several, "com", "net", "org"]), [(several.to_owned(), Inert::Parent)]);
    }
}
