//! What a trail's info means, for lines of others: decided as for a trail, remembered for the next line.

use event::Severity;
use event::import::Label;
use hashbrown::HashMap;
use trails::CUSTOM;
use trails::class::{self, meaning};

/// Infos that are remembered. A set of real trails has a few thousand; when it is full it begins anew.
const REMEMBERED: usize = 16_384;

/// Labels by info.
#[derive(Default)]
pub(crate) struct Labels {
    known: HashMap<String, Label, foldhash::fast::RandomState>,
}

impl Labels {
    /// The label of an info.
    pub(crate) fn of(&mut self, info: &str, reference: &str) -> Label {
        if CUSTOM.contains(&reference) {
            return label(info, true);
        }
        if let Some(label) = self.known.get(info) {
            return *label;
        }
        if self.known.len() >= REMEMBERED {
            self.known.clear();
        }
        let label = label(info, false);
        self.known.insert(info.to_owned(), label);
        label
    }
}

fn label(info: &str, custom: bool) -> Label {
    let meaning = meaning(info, custom);
    let severity = match meaning.severity {
        class::Severity::Low => Severity::Low,
        class::Severity::Medium => Severity::Medium,
        class::Severity::High => Severity::High,
    };
    Label { class: meaning.class.as_str(), severity, confidence: meaning.confidence }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn infos_are_remembered_up_to_a_limit() {
        let mut labels = Labels::default();
        for (count, kept) in [(REMEMBERED - 1, REMEMBERED - 1), (1, REMEMBERED), (1, 1)] {
            for n in 0..count {
                labels.of(&format!("info {} {n}", labels.known.len()), "(static)");
            }
            assert_eq!(labels.known.len(), kept);
        }
        assert_eq!(labels.of("asyncrat (malware)", "(static)"), label("asyncrat (malware)", false));
        assert_eq!(labels.of("asyncrat (malware)", "(static)").class, "malware");
        assert_eq!(labels.of("known attacker", "(custom)").severity, Severity::High);
        assert_eq!(labels.of("known attacker", "blocklist.de").severity, Severity::Low);
    }
}
