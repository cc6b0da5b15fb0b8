//! What the matcher found, and how its text is put together.

use std::net::IpAddr;

use event::{Context, Kind, Observed, Severity};
use packet::{Flow, Micros};

/// What the matcher found in one packet. Owned: the first allocation of a packet's way.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// Packet time.
    pub time: Micros,
    /// Capture sequence of the packet: findings are put in this order.
    pub sequence: u64,
    /// Found in what waited in vain for its rest until just before that packet.
    pub late: bool,
    /// Source is the side that asked (who is to be looked at).
    pub flow: Flow,
    /// Kind.
    pub kind: Kind,
    /// What was seen and what of it matched.
    pub observed: Observed,
    /// The indicator as listed.
    pub indicator: String,
    /// Of the trail's label.
    pub info: String,
    /// Of the trail's label.
    pub reference: String,
    /// Of the trail's label.
    pub class: trails::Class,
    /// Of the trail's label, or lower by rule.
    pub severity: Severity,
    /// Of the trail's label.
    pub confidence: u8,
    /// Why, for findings of detectors.
    pub reasons: Vec<String>,
    /// From the user's own lists.
    pub custom: bool,
    /// Which packet showed it.
    pub occasion: Occasion,
    /// What else is known.
    pub context: Context,
}

impl Finding {
    /// Its heap memory, bytes.
    #[must_use]
    pub fn memory(&self) -> usize {
        let reasons = event::texts_memory(&self.reasons);
        let texts = self.indicator.capacity() + self.info.capacity() + self.reference.capacity();
        texts + reasons + self.observed.memory() + self.context.memory()
    }
}

/// Which packet showed a finding: decides what it repeats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Occasion {
    /// A connection attempt.
    Opening,
    /// A packet of a TCP flow whose SYN was not seen: one finding for a flow.
    Running,
    /// A DNS query.
    Query,
    /// The name of a DNS response, which repeats that of its query.
    Response,
    /// Any other packet.
    Other,
}

/// A label's severity as events have it.
#[must_use]
pub fn severity(severity: trails::Severity) -> Severity {
    match severity {
        trails::Severity::Low => Severity::Low,
        trails::Severity::Medium => Severity::Medium,
        trails::Severity::High => Severity::High,
    }
}

/// A class in words, as events have it.
#[must_use]
pub fn class_name(class: trails::Class) -> &'static str {
    use trails::Class;
    match class {
        Class::Malware => "malware",
        Class::Malicious => "malicious",
        Class::Phishing => "phishing",
        Class::Suspicious => "suspicious",
        Class::DynamicDns => "dynamic dns",
        Class::FreeWeb => "free web",
        Class::Sinkhole => "sinkhole",
        Class::Parking => "parking",
        Class::Scanner => "scanner",
        Class::Attacker => "attacker",
        Class::IpInfo => "ip info",
        Class::Anonymizer => "anonymizer",
        Class::Other => "other",
    }
}

/// What was seen, from its parts in order; those marked `true` matched. Bytes that are no UTF-8 become U+FFFD.
pub(crate) fn observe(parts: &[(&[u8], bool)]) -> Observed {
    let mut observed = Observed::default();
    for (part, matched) in parts.iter().filter(|(part, _)| !part.is_empty()) {
        let start = length(&observed.text);
        observed.text.push_str(&String::from_utf8_lossy(part));
        let end = length(&observed.text);
        if *matched {
            match observed.matched.last_mut() {
                Some(last) if last.end == start => last.end = end,
                _ => observed.matched.push(start..end),
            }
        }
    }
    observed
}

/// The text of what was seen is bounded by the longest head, far below 4 GiB.
fn length(text: &str) -> u32 {
    u32::try_from(text.len()).unwrap_or(u32::MAX)
}

/// An address with its port as trails have it: `192.0.2.7:80`, `[2001:db8::7]:80`.
pub(crate) fn endpoint_text(address: IpAddr, port: u16) -> String {
    match address {
        IpAddr::V4(address) => format!("{address}:{port}"),
        IpAddr::V6(address) => format!("[{address}]:{port}"),
    }
}
