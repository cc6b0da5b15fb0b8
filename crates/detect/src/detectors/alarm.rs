//! What a detector raises, and how it becomes a finding.

use event::{Context, Kind, Observed, Severity};
use packet::{Flow, Micros};
use trails::Class;

use crate::finding::{Finding, Occasion, observe};

/// What is said to be the source of what detectors find.
const REFERENCE: &str = "(heuristic)";

/// Raised by a detector.
pub(crate) struct Alarm {
    pub(crate) kind: Kind,
    pub(crate) observed: Observed,
    pub(crate) indicator: String,
    pub(crate) info: String,
    pub(crate) class: Class,
    pub(crate) severity: Severity,
    pub(crate) confidence: u8,
    pub(crate) reasons: Vec<String>,
    pub(crate) context: Context,
}

/// When a packet was seen.
#[derive(Clone, Copy, Debug)]
pub(crate) struct When {
    pub(crate) time: Micros,
    pub(crate) sequence: u64,
    pub(crate) late: bool,
}

impl Alarm {
    /// Of a text that is itself what matters.
    pub(super) fn of(kind: Kind, text: &str, info: &str) -> Alarm {
        let all = 0..u32::try_from(text.len()).unwrap_or(u32::MAX);
        Alarm {
            kind,
            observed: Observed { text: text.to_owned(), matched: vec![all] },
            indicator: text.to_owned(),
            info: info.to_owned(),
            class: Class::Suspicious,
            severity: Severity::Medium,
            confidence: 50,
            reasons: Vec::new(),
            context: Context::default(),
        }
    }

    /// Of a name of which the first `odd` bytes are what is odd about it; its subject is the whole name.
    pub(super) fn of_name(name: &[u8], odd: usize, info: &str) -> Alarm {
        let (first, rest) = name.split_at_checked(odd).unwrap_or((name, &[]));
        let (dot, domain) = rest.split_at_checked(1).unwrap_or((rest, &[]));
        let observed = observe(&[(first, false), (dot, false), (domain, true)]);
        Alarm { observed, ..Alarm::of(Kind::Dns, &String::from_utf8_lossy(name), info) }
    }

    /// Of scans: they come in numbers and say little one by one.
    pub(super) fn of_scanner(self) -> Alarm {
        Alarm { class: Class::Scanner, severity: Severity::Low, ..self }
    }

    pub(super) fn because(mut self, confidence: u8, reason: String) -> Alarm {
        self.confidence = confidence;
        self.reasons.push(reason);
        self
    }

    pub(crate) fn finding(self, when: When, flow: Flow) -> Finding {
        Finding {
            time: when.time,
            sequence: when.sequence,
            late: when.late,
            flow,
            kind: self.kind,
            observed: self.observed,
            indicator: self.indicator,
            info: self.info,
            reference: REFERENCE.to_owned(),
            class: self.class,
            severity: self.severity,
            confidence: self.confidence,
            reasons: self.reasons,
            custom: false,
            occasion: Occasion::Other,
            context: self.context,
        }
    }
}
