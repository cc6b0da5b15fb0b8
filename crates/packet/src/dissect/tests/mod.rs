//! Tests of the parsers and of the heads together, over segments and datagrams built here.

mod dns;
mod heads;
mod http;
mod http2;
mod names;

use std::net::{IpAddr, Ipv4Addr};

use super::Dissection;
use crate::flow::protocol;
use crate::{Anomalies, Fact, Flow, Limits, Micros, Packet, Sink, TcpFlags, Transport};

/// Facts as lines of text, without the address-level ones.
#[derive(Default)]
pub(super) struct Recorder(pub(super) Vec<String>);

fn text(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string()
}

impl Sink for Recorder {
    fn fact(&mut self, _flow: &Flow, fact: Fact<'_>) {
        match fact {
            Fact::DnsQuery(message) | Fact::DnsResponse(message) => {
                let kind = if message.is_response() { "response" } else { "query" };
                let mut line = format!("dns {kind}");
                for question in message.questions() {
                    line += &format!(" {:?}/{}", question.name, question.kind);
                }
                for record in message.records() {
                    line += &format!(" {:?}={:?}", record.name, record.data);
                }
                self.0.push(line);
            }
            Fact::HttpRequest(request) => self.0.push(format!(
                "request {} {} host={} agent={}",
                text(request.method),
                text(request.target),
                text(request.host),
                text(request.user_agent)
            )),
            Fact::HttpResponse(response) => {
                self.0.push(format!("response {} {}", response.status, text(response.content_type)));
            }
            Fact::Named { source, name } => self.0.push(format!("named {source:?} {name:?}")),
            Fact::ClientHello(hello) => self.0.push(format!("hello {}", text(hello.sni.unwrap_or_default()))),
            Fact::Certificate(certificate) => self.0.push(format!("certificate {}", certificate.der.len())),
            Fact::TcpSegment { .. } | Fact::Datagram { .. } | Fact::Icmp { .. } | Fact::OtherProtocol => {}
        }
    }
}

pub(super) fn flow(protocol: u8, port: u16) -> Flow {
    let address = |last| IpAddr::V4(Ipv4Addr::new(192, 0, 2, last));
    Flow { src: address(1), dst: address(2), src_port: 40_000, dst_port: port, protocol }
}

/// A dissection with what came out of it.
pub(super) struct Bench {
    pub(super) dissection: Dissection,
    pub(super) anomalies: Anomalies,
    pub(super) recorder: Recorder,
    pub(super) time: Micros,
}

impl Bench {
    pub(super) fn new() -> Self {
        Self::with(&Limits::default())
    }

    pub(super) fn with(limits: &Limits) -> Self {
        Bench {
            dissection: Dissection::new(limits, 7),
            anomalies: Anomalies::default(),
            recorder: Recorder::default(),
            time: Micros(0),
        }
    }

    pub(super) fn packet(&mut self, flow: Flow, transport: Transport<'_>, missing: usize) {
        let packet = Packet { flow, transport, depth: 0, fragment: false, known: false, missing };
        self.dissection.packet(self.time, &packet, &mut self.anomalies, &mut self.recorder);
    }

    pub(super) fn segment(&mut self, flow: Flow, sequence: u32, flags: u8, payload: &[u8]) {
        self.packet(flow, Transport::Tcp { flags: TcpFlags(flags), sequence, acknowledgment: 0, payload }, 0);
    }

    pub(super) fn expire(&mut self, seconds: i64) {
        let now = Micros(seconds * Micros::SECOND);
        self.dissection.expire(now, &mut self.anomalies, &mut self.recorder);
    }

    pub(super) fn take(&mut self) -> Vec<String> {
        std::mem::take(&mut self.recorder.0)
    }
}

/// What one TCP direction to `port` shows when it comes in one segment.
pub(super) fn whole(port: u16, stream: &[u8]) -> Vec<String> {
    pieces(port, &[stream])
}

/// The same, in segments one after the other.
pub(super) fn pieces(port: u16, segments: &[&[u8]]) -> Vec<String> {
    let mut bench = Bench::new();
    let mut sequence = 1000;
    for segment in segments {
        bench.segment(flow(protocol::TCP, port), sequence, TcpFlags::ACK, segment);
        sequence += segment.len() as u32;
    }
    bench.take()
}

pub(super) fn datagram(port: u16, payload: &[u8]) -> Vec<String> {
    let mut bench = Bench::new();
    bench.packet(flow(protocol::UDP, port), Transport::Udp { payload }, 0);
    bench.take()
}
