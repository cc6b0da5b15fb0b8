//! DNS: names asked for, and what the answers say.

use std::net::IpAddr;

use event::{Context, Kind};
use packet::Flow;
use packet::dissect::dns::{DnsMessage, RecordData};
use trails::{Class, Label};

use super::{Match, Matcher, address, name};
use crate::finding::{Finding, Occasion, observe};
use crate::lookup::Lookup;

impl<L: Lookup> Matcher<L> {
    pub(super) fn query(&mut self, flow: &Flow, message: &DnsMessage<'_>) {
        for (place, question) in message.questions().enumerate() {
            let name = question.name.as_bytes();
            if place == 0 {
                self.name_beside_resolver(name);
            }
            self.name(flow, name, Occasion::Query, Context::default);
        }
    }

    #[inline]
    fn name(&mut self, flow: &Flow, name: &[u8], occasion: Occasion, context: impl FnOnce() -> Context) {
        let place = self.names.place(name);
        if !self.names.has(place, name) && !name::look_up(&*self.store, &mut self.found, flow, name, occasion, context)
        {
            self.names.note(place, name);
        }
    }

    /// A listed resolver was asked: the finding says what for, `192.0.2.53 (www.example)`.
    fn name_beside_resolver(&mut self, name: &[u8]) {
        let place = self.found.resolver.take();
        let finding = place.and_then(|place| self.found.findings.get_mut(place));
        if let (Some(finding), false) = (finding, name.is_empty()) {
            beside(finding, name);
        }
    }

    pub(super) fn response(&mut self, flow: &Flow, message: &DnsMessage<'_>) {
        let client = flow.reversed();
        let mut asked = packet::Name::EMPTY;
        for (place, question) in message.questions().enumerate() {
            if place == 0 {
                asked = question.name;
            }
            let name = question.name.as_bytes();
            self.name(&client, name, Occasion::Response, Context::default);
        }
        let asked = asked.as_bytes();
        for record in message.records() {
            match record.data {
                RecordData::Address(address) => self.answered(&client, asked, address),
                RecordData::Alias(target) => {
                    let context = || Context { query: text(asked), ..Context::default() };
                    self.name(&client, target.as_bytes(), Occasion::Other, context);
                }
                RecordData::Other(_) => {}
            }
        }
    }

    /// An address in any section: name servers and what they are called by are part of the answer.
    fn answered(&mut self, client: &Flow, asked: &[u8], address: IpAddr) {
        let Some((kind, listed, indicator, label)) = address::answer(&*self.store, address) else { return };
        let class = label.class;
        let info = match class {
            Class::Sinkhole => sinkholed(&label),
            Class::Parking => "parked site (suspicious)".to_owned(),
            _ => label.info.to_owned(),
        };
        // Of these the address says nothing; the name that leads there does.
        let (kind, observed) = match class {
            Class::Sinkhole | Class::Parking if !asked.is_empty() => (Kind::Dns, observe(&[(asked, true)])),
            _ if asked.is_empty() => (kind, observe(&[(listed.as_bytes(), true)])),
            _ => (kind, observe(&[(listed.as_bytes(), true), (b" ", false), (asked, false)])),
        };
        let label = Label { info: &info, ..label };
        let context = Context { query: text(asked), ..Context::default() };
        let indicator = indicator.unwrap_or(listed);
        self.found.push(*client, Match { kind, observed, indicator, label, occasion: Occasion::Other, context });
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Appends ` name` to what was seen.
fn beside(finding: &mut Finding, name: &[u8]) {
    finding.observed.text.push(' ');
    finding.observed.text.push_str(&text(name));
    finding.context.query = text(name);
}

/// `sinkhole researchers (malware)` tells whose sinkhole it is: `sinkholed by researchers (malware)`.
fn sinkholed(label: &Label<'_>) -> String {
    let info = label.info;
    let (words, class) = match info.strip_suffix(')').and_then(|_| info.rfind(" (")) {
        Some(at) => info.split_at(at),
        None => (info, " (malware)"),
    };
    let words = words.strip_prefix("sinkhole").or_else(|| words.strip_suffix("sinkhole")).unwrap_or(words).trim();
    let by = if words.is_empty() { "unknown" } else { words };
    format!("sinkholed by {by}{class}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whose_sinkhole_it_is() {
        let cases = [
            ("sinkhole researchers (malware)", "sinkholed by researchers (malware)"),
            ("sinkhole some agency (malware)", "sinkholed by some agency (malware)"),
            ("agency sinkhole (malware)", "sinkholed by agency (malware)"),
            ("sinkhole", "sinkholed by unknown (malware)"),
        ];
        for (info, expected) in cases {
            let label = Label {
                info,
                reference: "",
                class: Class::Sinkhole,
                severity: trails::Severity::High,
                confidence: 1,
                custom: false,
            };
            assert_eq!(sinkholed(&label), expected);
        }
    }
}
