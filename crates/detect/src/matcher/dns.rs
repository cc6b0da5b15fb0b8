//! DNS: names asked for, and what the answers say.

use std::net::IpAddr;

use event::{Context, Kind};
use packet::Flow;
use packet::dissect::dns::{DnsMessage, RecordData};
use trails::{Class, Label};

use super::names::Place;
use super::{Match, Matcher, address, name};
use crate::finding::{Finding, Occasion, observe};
use crate::lookup::Lookup;

/// RCODE of an answer that the name does not exist (RFC 1035 section 4.1.1).
const NO_SUCH_NAME: u8 = 3;

impl<L: Lookup> Matcher<L> {
    pub(super) fn query(&mut self, flow: &Flow, message: &DnsMessage<'_>) {
        // Of a room that is kept: making one means to fill it.
        let mut room = self.question.take().unwrap_or_else(|| Box::new(packet::Name::EMPTY));
        let mut questions = message.each_question();
        let mut first = true;
        while let Some((kind, _)) = questions.read_into(&mut room) {
            let name = room.as_bytes();
            if std::mem::take(&mut first) {
                self.name_beside_resolver(name);
            }
            let place = self.name(flow, name, Occasion::Query, Context::default);
            self.sight_name(flow, name, place);
            self.witness.query(self.found.when(), flow, name, kind, place.hash());
        }
        self.question = Some(room);
    }

    #[inline]
    fn name(&mut self, flow: &Flow, name: &[u8], occasion: Occasion, context: impl FnOnce() -> Context) -> Place {
        let place = self.names.place(name);
        let look_up = || name::look_up(&*self.store, &mut self.found, flow, name, occasion, context);
        self.names.ask(place, name, look_up);
        place
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
        let mut questions = message.each_question();
        questions.read_into(&mut asked);
        let asked = asked.as_bytes();
        let place = self.name(&client, asked, Occasion::Response, Context::default);
        for question in questions {
            self.name(&client, question.name.as_bytes(), Occasion::Response, Context::default);
        }
        if message.rcode() == NO_SUCH_NAME
            && let Some(alarm) = self.witness.no_such_name(self.found.when(), &client, asked)
        {
            self.found.raise(client, alarm);
        }
        let answers = message.answer_count();
        for (number, record) in message.records().enumerate() {
            match record.data {
                RecordData::Address(address) => {
                    if number < answers {
                        self.sight_pairs(&client, (asked, place), record.name.as_bytes(), address);
                    }
                    self.answered(&client, asked, address);
                }
                RecordData::Alias(target) => {
                    let context = || Context { query: text(asked), ..Context::default() };
                    self.name(&client, target.as_bytes(), Occasion::Other, context);
                }
                RecordData::Other(_) => {}
            }
        }
    }

    /// Takes note of an answer: what was asked for led to the address, and so did the owner of the record where aliases
    /// lie between them.
    fn sight_pairs(&mut self, client: &Flow, asked: (&[u8], Place), owner: &[u8], address: IpAddr) {
        let Some(sightings) = &mut self.sightings else { return };
        let (asked, place) = asked;
        sightings.pair(asked, place.hash(), address, client.src, self.found.time);
        if owner != asked {
            sightings.pair(owner, self.names.place(owner).hash(), address, client.src, self.found.time);
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
