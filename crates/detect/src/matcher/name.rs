//! Listed names: a name and its parents, the most specific first, and what excuses a hit.

use event::{Context, Kind};
use packet::Flow;
use trails::{Class, Hit, Label, LabelId};

use super::{Found, Match};
use crate::finding::{Occasion, observe};
use crate::lookup::Lookup;

/// Last labels of names that only mean something on the own network (RFC 6761, RFC 6762 appendix G, RFC 8375, RFC
/// 9476, and what routers and offices use). Delegated top-level domains must not be among them.
const LOCAL: [&[u8]; 20] = [
    b"arpa",
    b"local",
    b"lan",
    b"home",
    b"corp",
    b"internal",
    b"intranet",
    b"intra",
    b"private",
    b"localdomain",
    b"localhost",
    b"localnet",
    b"workgroup",
    b"domain",
    b"guest",
    b"test",
    b"example",
    b"invalid",
    b"alt",
    b"belkin",
];

/// First labels that any provider's infrastructure has, before digits: `ns1`, `mx`, `nic`.
const INFRASTRUCTURE: [&[u8]; 6] = [b"ns", b"dns", b"rns", b"nf", b"mx", b"nic"];

/// A listed part of a name.
struct Part<'s> {
    start: usize,
    end: usize,
    label: Label<'s>,
}

/// Looks up `name` (lower case, no trailing dot) and adds a finding if it, a parent of it, or a pattern that covers
/// it is listed. Returns whether.
pub(super) fn look_up<L: Lookup>(
    store: &L,
    found: &mut Found,
    flow: &Flow,
    name: &[u8],
    occasion: Occasion,
    context: impl FnOnce() -> Context,
) -> bool {
    if name.is_empty() {
        return false;
    }
    let Some(part) = listed(store, name) else { return false };
    let (before, rest) = name.split_at_checked(part.start).unwrap_or((name, &[]));
    let (matched, after) = rest.split_at_checked(part.end - part.start).unwrap_or((rest, &[]));
    let observed = observe(&[(before, false), (matched, true), (after, false)]);
    let indicator = String::from_utf8_lossy(matched).into_owned();
    found.push(*flow, Match { kind: Kind::Dns, observed, indicator, label: part.label, occasion, context: context() });
    true
}

fn listed<'s, L: Lookup>(store: &'s L, name: &[u8]) -> Option<Part<'s>> {
    if let Some(part) = walk(store, name) {
        return Some(part);
    }
    // A gateway into Tor: `x.onion.gateway` asks for `x.onion`.
    if let Some(dot) = gateway(name)
        && let Some(hidden) = name.get(..dot + 6)
        && let Some(part) = walk(store, hidden)
    {
        return Some(part);
    }
    let label = store.label(store.pattern(name)?);
    admits(&label, name, 0).then_some(Part { start: 0, end: name.len(), label })
}

/// Where `.onion.` stands in a name, with something behind it.
#[inline]
fn gateway(name: &[u8]) -> Option<usize> {
    const ONION: u64 = u64::from_le_bytes(*b".onion.\0");
    // Seven of eight bytes as one number: every name passes here.
    name.array_windows::<8>().position(|window| u64::from_le_bytes(*window) << 8 == ONION << 8)
}

#[inline]
fn walk<'s, L: Lookup>(store: &'s L, name: &[u8]) -> Option<Part<'s>> {
    if store.may_hold_name(name) { probable(store, name) } else { None }
}

/// The same where it may be listed. Nearly all names end before.
#[cold]
fn probable<'s, L: Lookup>(store: &'s L, name: &[u8]) -> Option<Part<'s>> {
    let mut hits = [Hit { start: 0, label: LabelId(0) }; 8];
    let count = store.name(name, &mut hits);
    hits.iter().take(count).find_map(|hit| {
        let label = store.label(hit.label);
        admits(&label, name, hit.start).then_some(Part { start: hit.start, end: name.len(), label })
    })
}

/// Why a listed part of a name does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Excuse {
    /// The name only means something on the own network.
    #[error("its last label is one of local networks")]
    Local,
    /// A name server, mail server ... of a domain with a weak label.
    #[error("it is a server that any provider has (ns1, mx, nic ...), and the trail is not malware")]
    Infrastructure,
    /// The site of a provider whose customers are what the trail is about.
    #[error("it is the provider's own site; names of its customers count")]
    OwnSite,
}

/// What excuses the part of `name` that begins at `start` and is listed with `label`. Nothing excuses what the user
/// lists.
#[must_use]
pub fn excuse(label: &Label<'_>, name: &[u8], start: usize) -> Option<Excuse> {
    if label.custom {
        return None;
    }
    if is_local(name) {
        return Some(Excuse::Local);
    }
    let customers = matches!(label.class, Class::DynamicDns | Class::FreeWeb);
    let weak = customers || matches!(label.class, Class::Suspicious | Class::Sinkhole);
    if customers && (start == 0 || name.get(..start) == Some(b"www.")) {
        return Some(Excuse::OwnSite);
    }
    (weak && start > 0 && is_infrastructure(name)).then_some(Excuse::Infrastructure)
}

fn admits(label: &Label<'_>, name: &[u8], start: usize) -> bool {
    excuse(label, name, start).is_none()
}

fn is_local(name: &[u8]) -> bool {
    let last = name.rsplit(|byte| *byte == b'.').next().unwrap_or_default();
    LOCAL.contains(&last)
}

fn is_infrastructure(name: &[u8]) -> bool {
    let first = name.split(|byte| *byte == b'.').next().unwrap_or_default();
    let digits = first.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    first.get(..first.len() - digits).is_some_and(|word| INFRASTRUCTURE.contains(&word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use trails::Severity;

    fn label(class: Class, custom: bool) -> Label<'static> {
        Label { info: "x", reference: "y", class, severity: Severity::Low, confidence: 50, custom }
    }

    #[test]
    fn local_names_are_nobodys_but_the_users() {
        for name in ["printer.lan", "host.example", "5.0.0.10.in-addr.arpa", "pc.corp", "a.test"] {
            assert!(!admits(&label(Class::Malware, false), name.as_bytes(), 0), "{name}");
            assert!(admits(&label(Class::Malware, true), name.as_bytes(), 0), "{name}");
        }
        for name in ["loader.dev", "update.zip", "a.mov", "example.com", "lan.com", "x.foo"] {
            assert!(admits(&label(Class::Malware, false), name.as_bytes(), 0), "{name}");
        }
    }

    #[test]
    fn infrastructure_names_are_excused_of_weak_labels() {
        for name in ["ns1.shady.com", "mx.shady.com", "nic.shady.com", "dns02.shady.com"] {
            assert!(!admits(&label(Class::Suspicious, false), name.as_bytes(), name.len() - 9), "{name}");
            assert!(!admits(&label(Class::Sinkhole, false), name.as_bytes(), name.len() - 9), "{name}");
            assert!(admits(&label(Class::Malware, false), name.as_bytes(), name.len() - 9), "{name}");
            assert!(admits(&label(Class::Suspicious, false), name.as_bytes(), 0), "listed itself: {name}");
        }
        assert!(admits(&label(Class::Suspicious, false), b"nsa.shady.com", 4));
        assert!(admits(&label(Class::Suspicious, false), b"www.shady.com", 4));
    }

    #[test]
    fn a_providers_own_site_is_excused() {
        for class in [Class::DynamicDns, Class::FreeWeb] {
            assert!(!admits(&label(class, false), b"dyn.net", 0));
            assert!(!admits(&label(class, false), b"www.dyn.net", 4));
            assert!(admits(&label(class, false), b"home7.dyn.net", 6));
            assert!(admits(&label(class, false), b"a.www.dyn.net", 6));
            assert!(admits(&label(class, true), b"dyn.net", 0));
        }
    }
}
