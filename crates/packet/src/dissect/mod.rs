//! Packets to facts: which protocol the payload speaks, and what it says.
//!
//! Protocols are told by their bytes, not by ports. A stream parser looks at the bytes of one
//! direction from where a message can begin and answers with [`Progress`]; what is incomplete waits
//! in the bounded table of heads and is tried again, longer, when the next segment comes.

mod assembly;
mod context;
pub mod dns;
pub mod dtls;
mod gquic;
mod heads;
mod hpack;
pub mod http;
mod http2;
mod proxy_protocol;
pub mod quic;
mod rdp_udp;
mod smtp;
mod socks;
mod stream;
#[cfg(test)]
mod tests;
pub mod tls;

pub use context::Progress;

use context::Context;
use heads::{Heads, Segment, flows};

use crate::decode::plain;
use crate::flow::protocol;
use crate::{Anomalies, Fact, Flow, Limits, Micros, Packet, Sink, TableUsage, TcpFlags, Transport};

/// ICMP type of an echo request (RFC 792).
const ECHO_REQUEST: u8 = 8;
/// ICMPv6 type of an echo request (RFC 4443 section 4.1).
const ECHO_REQUEST_V6: u8 = 128;

/// What a datagram's first bytes leave possible; of bulk traffic nothing.
struct Speaks {
    dns: bool,
    quic: bool,
    dtls: bool,
    rdp: bool,
}

impl Speaks {
    #[inline]
    fn of(flow: &Flow, payload: &[u8]) -> Self {
        let Some(&[first, second, _, _, questions_high, questions_low]) = payload.first_chunk::<6>() else {
            return Speaks { dns: dns::on_dns_port(flow) && !payload.is_empty(), quic: false, dtls: false, rdp: false };
        };
        Speaks {
            dns: dns::on_dns_port(flow) || questions_high == 0 && (1..=dns::QUESTIONS as u8).contains(&questions_low),
            // A long header (RFC 9000 section 17.2), or Google's public header with version and connection ID.
            quic: first & 0x80 != 0 || first & 0x09 == 0x09,
            // The major version is 254 (RFC 9147 section 4).
            dtls: second == 0xfe,
            rdp: rdp_udp::on_port(flow),
        }
    }
}

/// Everything that spans packets above IP.
pub struct Dissection {
    heads: Heads,
    quic: quic::Tracker,
}

impl Dissection {
    pub(crate) fn new(limits: &Limits, seed: u64) -> Self {
        Dissection { heads: Heads::new(limits, seed), quic: quic::Tracker::new(limits, seed) }
    }

    /// Whether a segment may show more than that it is there; of bulk traffic hardly one does.
    #[inline(always)]
    pub(crate) fn concern(&self, segment: &plain::Segment<'_>) -> bool {
        let hash = |hasher: &_| flows::hash_v4(hasher, segment.hosts(), segment.ports());
        self.heads.concern(hash, segment.flags(), segment.payload)
    }

    /// Hands over what the packet shows: first that it is there, then what its payload says.
    #[inline(always)]
    pub(crate) fn packet<S: Sink>(
        &mut self,
        time: Micros,
        packet: &Packet<'_>,
        anomalies: &mut Anomalies,
        sink: &mut S,
    ) {
        let flow = &packet.flow;
        match packet.transport {
            Transport::Tcp { flags, payload, .. } => {
                let concern = self.heads.concern(|hasher| flows::hash(hasher, flow), flags, payload);
                self.tcp(time, packet, concern, anomalies, sink);
            }
            Transport::Udp { payload } => {
                if !packet.known {
                    sink.fact(flow, Fact::Datagram { payload: payload.len() });
                }
                let speaks = Speaks::of(flow, payload);
                if (speaks.dns || speaks.quic || speaks.dtls || speaks.rdp) && !packet.fragment {
                    self.datagram(time, flow, payload, &speaks, anomalies, sink);
                }
            }
            Transport::Icmp { .. } | Transport::Other { .. } if packet.known => {}
            Transport::Icmp { kind, .. } => {
                let request = if flow.protocol == protocol::ICMPV6 { ECHO_REQUEST_V6 } else { ECHO_REQUEST };
                sink.fact(flow, Fact::Icmp { echo_request: kind == request });
            }
            Transport::Other { .. } => sink.fact(flow, Fact::OtherProtocol),
        }
    }

    /// A TCP segment. `concern`: it may show more than that it is there.
    #[inline(always)]
    pub(crate) fn tcp<S: Sink>(
        &mut self,
        time: Micros,
        packet: &Packet<'_>,
        concern: bool,
        anomalies: &mut Anomalies,
        sink: &mut S,
    ) {
        let Transport::Tcp { flags, sequence, acknowledgment, payload } = packet.transport else { return };
        let flow = &packet.flow;
        if !packet.known {
            sink.fact(flow, Fact::TcpSegment { flags, acknowledgment, payload: payload.len() });
        }
        if concern && !packet.fragment {
            let segment = Segment { flow, flags, sequence, payload, missing: packet.missing, time };
            self.segment(segment, anomalies, sink);
        }
    }

    #[inline(never)]
    fn segment<S: Sink>(&mut self, mut segment: Segment<'_>, anomalies: &mut Anomalies, sink: &mut S) {
        if segment.flags.has(TcpFlags::SYN) {
            // SYN takes a sequence number of its own (RFC 9293 section 3.4).
            segment.sequence = segment.sequence.wrapping_add(1);
            self.heads.opens(segment.flow, segment.sequence, anomalies, sink);
        }
        if !segment.payload.is_empty() {
            self.heads.segment(&segment, anomalies, sink);
        } else if !segment.flags.has(TcpFlags::SYN) {
            self.heads.ends(segment.flow, anomalies, sink);
        }
    }

    #[inline(never)]
    fn datagram<S: Sink>(
        &mut self,
        time: Micros,
        flow: &Flow,
        payload: &[u8],
        speaks: &Speaks,
        anomalies: &mut Anomalies,
        sink: &mut S,
    ) {
        let at_home = dns::on_dns_port(flow);
        if at_home && dns::datagram(payload, &mut Context { flow, last: true, seen: 0, anomalies, sink })
            || speaks.quic && self.quic.datagram(time, flow, payload, anomalies, sink)
            || speaks.dtls && dtls::datagram(flow, payload, anomalies, sink)
            || speaks.rdp && rdp_udp::datagram(payload, &mut Context { flow, last: true, seen: 0, anomalies, sink })
        {
            return;
        }
        if speaks.dns && !at_home {
            dns::datagram(payload, &mut Context { flow, last: true, seen: 0, anomalies, sink });
        }
    }

    /// Lets what waited too long go, and hands over what there is of it.
    pub(crate) fn expire<S: Sink>(&mut self, now: Micros, anomalies: &mut Anomalies, sink: &mut S) {
        self.heads.expire(now, anomalies, sink);
        self.quic.expire(now, anomalies, sink);
    }

    /// What flow heads and QUIC connections take.
    pub(crate) fn tables(&self) -> [TableUsage; 2] {
        [self.heads.table(), self.quic.table()]
    }

    /// Bytes and heads held.
    #[cfg(test)]
    pub(crate) fn usage(&self) -> (usize, usize) {
        let (head_bytes, heads) = self.heads.usage();
        let (quic_bytes, connections) = self.quic.usage();
        (head_bytes + quic_bytes, heads + connections)
    }
}
