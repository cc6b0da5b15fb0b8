//! Data sent in names: DNS as a tunnel.

use std::net::IpAddr;

use event::Kind;

use super::about::{About, Detector, Threshold};
use super::alarm::Alarm;
use super::distinct::{Distinct, Limits};
use super::names::{Parts, is_encoded};
use super::net::Keys;
use super::settings::Settings;
use super::stage::Name;

pub(super) const ABOUT: About = About {
    detector: Detector::DnsTunnel,
    name: "dns_tunnel",
    aliases: &["dns_tunnelling", "dns_tunneling"],
    on: true,
    events: "TUNNEL, `dns tunnel (suspicious)`; the trail is the domain",
    finds: "A host that asks for many different names of one domain, within ten minutes, that look like data: long and in \
            hexadecimal, base32 or base64, or of types that carry data (TXT, NULL, private ones). Told once for a host, \
            domain and ten minutes.",
    why: "Where nothing else leaves a network, DNS does: iodine, dnscat2, DNS beacons of attack frameworks, exfiltration.",
    example: "`0a3c01ff42be...example.com` TXT, another name every ten seconds",
    false_alarms: "Security software, mail filters and content networks send hashes in names: the known ones are left out. \
                   What a resolver asks for all its clients together counts as its own.",
    evaded: "By few queries, many domains, or names made of words.",
    threshold: Some(Threshold {
        default: 30,
        least: 5,
        greatest: 60_000,
        of: "such names of a domain within ten minutes",
    }),
};

/// Seconds.
const WINDOW: u32 = 600;
/// Shortest part of a name that counts by its looks, and by its type.
const LONG: usize = 16;
const SHORT: usize = 6;

/// Types of queries whose answers are data: NULL, TXT, PRIVATE (65399, as used by iodine), and KEY.
fn carries_data(kind: u16) -> bool {
    matches!(kind, 10 | 16 | 25 | 65_280..=65_534)
}

/// Whether a query may be part of a tunnel; of ordinary names nearly none.
#[inline]
pub(super) fn counts(parts: &Parts<'_>, kind: u16) -> bool {
    let length = parts.sub.len();
    length >= LONG && is_encoded(parts.sub)
        || carries_data(kind) && length >= SHORT && !parts.sub.starts_with(b"_") && !by_rule(parts.sub)
}

/// Names whose texts are asked for by rule: keys and policies of mail.
fn by_rule(sub: &[u8]) -> bool {
    [&b"_domainkey"[..], b"_dmarc", b"_spf", b"_acme-challenge", b"_dns-sd", b"_tcp", b"_udp"]
        .into_iter()
        .any(|label| memchr::memmem::find(sub, label).is_some())
}

pub(super) struct DnsTunnel {
    pub(super) counter: Distinct,
}

impl DnsTunnel {
    pub(super) fn new(settings: &Settings) -> DnsTunnel {
        let threshold = settings.threshold(Detector::DnsTunnel);
        DnsTunnel { counter: Distinct::new(ABOUT.name, WINDOW, threshold, Limits::USUAL) }
    }

    /// A client asks for a name that counts.
    pub(super) fn query(
        &mut self,
        keys: &Keys,
        client: IpAddr,
        query: (&Parts<'_>, &Name<'_>),
        second: i64,
    ) -> Option<Alarm> {
        let (parts, Name { hash, kind, .. }) = query;
        if parts.is_of_machines() {
            return None;
        }
        let subject = keys.with(keys.address(client), keys.text(parts.domain));
        let count = self.counter.see(subject, *hash, second)?;
        let window = self.counter.window();
        let confidence = if carries_data(*kind) { 80 } else { 60 };
        let domain = String::from_utf8_lossy(parts.domain);
        let reason = format!("{count} different names of {domain} within {window} s that look like data");
        let last = format!("the last one has {} characters before the domain, type {kind}", parts.sub.len());
        Some(
            Alarm::of(Kind::Tunnel, &domain, "dns tunnel (suspicious)")
                .because(confidence, reason)
                .because(confidence, last),
        )
    }
}
