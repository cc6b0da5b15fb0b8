//! Floods of queries for made-up names of one domain.

use super::about::{About, Detector, Threshold};
use super::alarm::Alarm;
use super::distinct::{Distinct, Limits};
use super::names::Parts;
use super::net::Keys;
use super::settings::Settings;
use super::stage::Name;

pub(super) const ABOUT: About = About {
    detector: Detector::DnsExhaustion,
    name: "dns_exhaustion",
    aliases: &["dns_flood", "water_torture"],
    on: true,
    events: "DNS, `potential dns exhaustion (suspicious)`; what stands before the domain is in parentheses",
    finds: "Queries for very many different names below one domain within a minute, whoever asks. Told once for a domain and \
            minute.",
    why: "So bots exhaust the name servers of a domain and the resolvers between (water torture, random subdomains).",
    example: "1,001 names such as `(q8x2k1).example.com` within a minute",
    false_alarms: "Black lists and look-ups that are asked by DNS, content networks and hosting of others' sites, names of the \
                   own network: the known ones are left out.",
    evaded: "By flooding slower.",
    threshold: Some(Threshold {
        default: 1000,
        least: 10,
        greatest: 60_000,
        of: "names below one domain within a minute",
    }),
};

/// Seconds.
const WINDOW: u32 = 60;
/// Of a name each, a value.
const LIMITS: Limits = Limits { subjects: 1 << 15, values: 1 << 18 };

pub(super) struct DnsExhaustion {
    pub(super) counter: Distinct,
}

impl DnsExhaustion {
    pub(super) fn new(settings: &Settings) -> DnsExhaustion {
        DnsExhaustion {
            counter: Distinct::new(ABOUT.name, WINDOW, settings.threshold(Detector::DnsExhaustion), LIMITS),
        }
    }

    /// A name is asked for.
    #[inline]
    pub(super) fn query(&mut self, keys: &Keys, name: &Name<'_>, parts: &Parts<'_>, second: i64) -> Option<Alarm> {
        if parts.sub.is_empty() {
            return None;
        }
        let count = self.counter.see(keys.text(parts.domain), name.hash, second)?;
        if parts.is_of_machines() {
            return None;
        }
        let window = self.counter.window();
        let reason = format!("{count} different names within {window} s");
        Some(Alarm::of_name(name.text, parts.sub.len(), "potential dns exhaustion (suspicious)").because(60, reason))
    }
}
