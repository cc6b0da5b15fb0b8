//! Hosts that ask for what does not exist, again and again.

use std::net::IpAddr;

use event::Severity;

use super::about::{About, Detector, Threshold};
use super::alarm::Alarm;
use super::distinct::{Distinct, Limits};
use super::names::Parts;
use super::net::Keys;
use super::settings::Settings;

pub(super) const ABOUT: About = About {
    detector: Detector::ExcessiveNxdomain,
    name: "excessive_nxdomain",
    aliases: &["no_such_domain", "excessive_no_such_domain"],
    on: true,
    events: "DNS, `excessive no such domain (suspicious)`; what stands before the domain is in parentheses",
    finds: "A host that is told very often within an hour that names of one domain do not exist. The same name within one \
            second counts once. Told once for a host, domain and hour.",
    why: "Malware whose domain was taken down goes on asking for it; generated names below a domain do not exist either.",
    example: "`10.0.0.5` asks 21 times within an hour for names of `example.com`, which do not exist",
    false_alarms: "A program that is configured for a server that is gone. Black lists that are asked by DNS, names of the own \
                   network and single labels do not count.",
    evaded: "By asking seldom, or for names of ever other domains (see dga).",
    threshold: Some(Threshold { default: 20, least: 1, greatest: 60_000, of: "answers of a domain within an hour" }),
};

/// Seconds.
const WINDOW: u32 = 3600;

pub(super) struct ExcessiveNxdomain {
    pub(super) counter: Distinct,
}

impl ExcessiveNxdomain {
    pub(super) fn new(settings: &Settings) -> ExcessiveNxdomain {
        let threshold = settings.threshold(Detector::ExcessiveNxdomain);
        ExcessiveNxdomain { counter: Distinct::new(ABOUT.name, WINDOW, threshold, Limits::USUAL) }
    }

    /// A client is told that a name does not exist.
    pub(super) fn missing(&mut self, keys: &Keys, client: IpAddr, name: &[u8], second: i64) -> Option<Alarm> {
        let parts = Parts::of(name).filter(|parts| !parts.is_of_machines())?;
        let subject = keys.with(keys.address(client), keys.text(parts.domain));
        let count = self.counter.see(subject, keys.with(keys.text(name), second as u64), second)?;
        let (end, window) =
            (parts.sub.len().max(usize::from(parts.sub.is_empty()) * first_label(name)), self.counter.window());
        let reason = format!("{count} answers within {window} s that names of it do not exist");
        let alarm = Alarm::of_name(name, end, "excessive no such domain (suspicious)").because(40, reason);
        Some(Alarm { severity: Severity::Low, ..alarm })
    }
}

fn first_label(name: &[u8]) -> usize {
    name.iter().position(|byte| *byte == b'.').unwrap_or(0)
}
