//! What the packet path says of frames, as text: for comparing with other decoders.

use packet::{Dissector, Fact, Flow, Limits, Micros, Outcome, Sink};

use crate::Recorded;

/// What was said, and what became of each frame.
#[derive(Debug, Default)]
pub struct Said {
    /// Facts above the transports, in order, with the flow they were seen in.
    pub facts: Vec<(Flow, Text)>,
    /// Flows of all IP packets, one for each.
    pub flows: Vec<Flow>,
    /// What became of each frame.
    pub outcomes: Vec<Outcome>,
}

/// A fact in words.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the names are those of the facts")]
pub enum Text {
    Query(String),
    Response(String),
    Host(String),
    Target(String),
    Status(u16),
    Sni(String),
    Certificate(String),
    Name(String),
}

impl Sink for Said {
    fn fact(&mut self, flow: &Flow, fact: Fact<'_>) {
        let mut say = |text| self.facts.push((*flow, text));
        match fact {
            Fact::TcpSegment { .. } | Fact::Datagram { .. } | Fact::Icmp { .. } | Fact::OtherProtocol => {
                self.flows.push(*flow);
            }
            Fact::DnsQuery(message) => message.questions().for_each(|q| say(Text::Query(format!("{:?}", q.name)))),
            Fact::DnsResponse(message) => {
                message.questions().for_each(|q| say(Text::Response(format!("{:?}", q.name))))
            }
            Fact::HttpRequest(request) => {
                say(Text::Host(text(request.host)));
                say(Text::Target(text(request.target)));
            }
            Fact::HttpResponse(response) => say(Text::Status(response.status)),
            Fact::ClientHello(hello) => say(Text::Sni(text(hello.sni.unwrap_or_default()))),
            Fact::Certificate(certificate) => {
                say(Text::Certificate(certificate.sha1().iter().map(|b| format!("{b:02x}")).collect()));
            }
            Fact::Named { name, .. } => say(Text::Name(format!("{name:?}"))),
        }
    }
}

fn text(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string()
}

/// Sends frames through a dissector of their own.
#[must_use]
pub fn of(frames: &[Recorded]) -> Said {
    let mut dissector = Dissector::new(&Limits::default(), 1);
    let mut said = Said::default();
    let mut second = Micros::default();
    for frame in frames {
        if frame.time.since(second) >= Micros::SECOND {
            second = frame.time;
            dissector.advance(second, &mut said);
        }
        let outcome = dissector.frame(&frame.as_frame(), &mut said);
        said.outcomes.push(outcome);
    }
    dissector.finish(&mut said);
    said
}
