//! What excuses a hit: rules of a label's class on what may be said of it. Pure; nothing excuses what the user lists.

use crate::{Class, Label};

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

/// Whether a label speaks against whoever contacts an address: of attackers it only speaks against what comes from
/// there.
#[must_use]
pub fn counts_as_destination(label: &Label<'_>) -> bool {
    label.custom || label.class != Class::Attacker
}

/// Whether a name only means something on the own network.
#[must_use]
pub fn is_local(name: &[u8]) -> bool {
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
    use crate::Severity;

    fn admits(label: &Label<'_>, name: &[u8], start: usize) -> bool {
        excuse(label, name, start).is_none()
    }

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

    #[test]
    fn attackers_are_told_of_where_they_come_from() {
        assert!(!counts_as_destination(&label(Class::Attacker, false)));
        assert!(counts_as_destination(&label(Class::Attacker, true)));
        assert!(counts_as_destination(&label(Class::Malware, false)));
    }
}
