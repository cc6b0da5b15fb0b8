//! The frames that bulk traffic is made of, read in one go: a TCP segment, UDP datagram or ICMP message in an IPv4 packet without
//! options, in one piece and captured whole, right behind an Ethernet header.
//!
//! This is [`decode`](super::decode) for the most frequent of its inputs, and agrees with it on each of them.

use std::net::Ipv4Addr;

use crate::flow::protocol;
use crate::{Flow, Frame, LinkType, Packet, TcpFlags, Transport};

/// Ethernet, IPv4 without options.
const HEADERS: usize = 34;

/// A TCP segment with its addresses, still as they stand in the headers: most need no more than a glance.
#[derive(Clone, Copy)]
pub(crate) struct Segment<'a> {
    headers: &'a [u8; HEADERS + 20],
    pub(crate) payload: &'a [u8],
}

/// Bytes at a fixed place, which are always there: one load.
#[inline(always)]
fn at<const AT: usize, const N: usize>(headers: &[u8]) -> [u8; N] {
    headers.get(AT..).and_then(|rest| rest.first_chunk()).copied().unwrap_or([0; N])
}

impl<'a> Segment<'a> {
    pub(crate) fn packet(&self) -> Packet<'a> {
        let number = |bytes| u32::from_be_bytes(bytes);
        let transport = Transport::Tcp {
            flags: self.flags(),
            sequence: number(at::<38, 4>(self.headers)),
            acknowledgment: number(at::<42, 4>(self.headers)),
            payload: self.payload,
        };
        let ([src, dst], [src_port, dst_port]) = (self.hosts(), self.ports());
        let flow = Flow { src: src.into(), dst: dst.into(), src_port, dst_port, protocol: protocol::TCP };
        Packet { flow, transport, depth: 0, fragment: false, known: false, missing: 0 }
    }

    /// Sender and receiver.
    #[inline(always)]
    pub(crate) fn hosts(&self) -> [Ipv4Addr; 2] {
        [Ipv4Addr::from(at::<26, 4>(self.headers)), Ipv4Addr::from(at::<30, 4>(self.headers))]
    }

    /// The sender's and the receiver's port.
    #[inline(always)]
    pub(crate) fn ports(&self) -> [u16; 2] {
        [u16::from_be_bytes(at::<34, 2>(self.headers)), u16::from_be_bytes(at::<36, 2>(self.headers))]
    }

    #[inline(always)]
    pub(crate) fn flags(&self) -> TcpFlags {
        let [flags] = at::<47, 1>(self.headers);
        TcpFlags(flags)
    }
}

/// The segment that the frame holds; `None` where the frame has to be decoded step by step.
#[inline(always)]
pub(crate) fn tcp<'a>(frame: &Frame<'a>) -> Option<Segment<'a>> {
    let headers = frame.bytes.first_chunk::<{ HEADERS + 20 }>()?;
    let end = ipv4(frame, headers.first_chunk()?, protocol::TCP)?;
    let [offset] = at::<46, 1>(headers);
    let header = usize::from(offset >> 4) * 4;
    if header < 20 {
        return None;
    }
    Some(Segment { headers, payload: frame.bytes.get(HEADERS + header..end)? })
}

/// The UDP datagram that the frame holds; `None` where the frame has to be decoded step by step.
#[inline(always)]
pub(crate) fn udp<'a>(frame: &Frame<'a>) -> Option<Packet<'a>> {
    let headers = frame.bytes.first_chunk::<{ HEADERS + 8 }>()?;
    let end = ipv4(frame, headers.first_chunk()?, protocol::UDP)?;
    let length = usize::from(u16::from_be_bytes(at::<38, 2>(headers)));
    if end > frame.bytes.len() || HEADERS + length > end {
        return None;
    }
    let transport = Transport::Udp { payload: frame.bytes.get(HEADERS + 8..HEADERS + length)? };
    let (src, dst) = (Ipv4Addr::from(at::<26, 4>(headers)), Ipv4Addr::from(at::<30, 4>(headers)));
    let [src_port, dst_port] = [at::<34, 2>(headers), at::<36, 2>(headers)].map(u16::from_be_bytes);
    let flow = Flow { src: src.into(), dst: dst.into(), src_port, dst_port, protocol: protocol::UDP };
    Some(Packet { flow, transport, depth: 0, fragment: false, known: false, missing: 0 })
}

/// The ICMP message that the frame holds; `None` where the frame has to be decoded step by step.
#[inline(always)]
pub(crate) fn icmp<'a>(frame: &Frame<'a>) -> Option<Packet<'a>> {
    let headers = frame.bytes.first_chunk::<{ HEADERS + 4 }>()?;
    let end = ipv4(frame, headers.first_chunk()?, protocol::ICMP)?;
    let [kind, code] = at::<34, 2>(headers);
    let transport = Transport::Icmp { kind, code, payload: frame.bytes.get(HEADERS + 4..end)? };
    let (src, dst) = (Ipv4Addr::from(at::<26, 4>(headers)), Ipv4Addr::from(at::<30, 4>(headers)));
    let flow = Flow { src: src.into(), dst: dst.into(), src_port: 0, dst_port: 0, protocol: protocol::ICMP };
    Some(Packet { flow, transport, depth: 0, fragment: false, known: false, missing: 0 })
}

/// Where in the frame a packet ends that is plain and carries that protocol.
#[inline(always)]
fn ipv4(frame: &Frame<'_>, headers: &[u8; HEADERS], carried: u8) -> Option<usize> {
    // EtherType, version and header length; whether more fragments follow, or others came before; protocol.
    let [e0, e1, version] = at::<12, 3>(headers);
    let in_pieces = u16::from_be_bytes(at::<20, 2>(headers)) & 0x3fff != 0;
    let [protocol] = at::<23, 1>(headers);
    if frame.link != LinkType(1) || [e0, e1, version] != [0x08, 0x00, 0x45] || in_pieces || protocol != carried {
        return None;
    }
    Some(14 + usize::from(u16::from_be_bytes(at::<16, 2>(headers))))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{icmp, tcp, udp};
    use crate::decode::{Fragments, decode};
    use crate::{Anomalies, Frame, Limits, LinkType, Micros, Outcome};

    /// A frame with `after` behind its IPv4 header.
    fn frame(protocol: u8, after: &[u8]) -> Vec<u8> {
        let length = (20 + after.len()) as u16;
        let mut bytes = vec![0u8; 14];
        bytes[12] = 8;
        bytes.extend([0x45, 0]);
        bytes.extend(length.to_be_bytes());
        bytes.extend([1, 2, 0x40, 0, 64, protocol, 0, 0, 10, 0, 0, 5, 192, 0, 2, 1]);
        bytes.extend(after);
        bytes
    }

    /// What decoding step by step makes of it, and what this module does.
    fn both(link: u16, bytes: &[u8]) -> (Outcome, Vec<String>, Option<String>) {
        let frame = Frame { time: Micros(0), link: LinkType(link), bytes };
        let (mut fragments, mut anomalies) = (Fragments::new(&Limits::default(), 0), Anomalies::default());
        let mut packets = Vec::new();
        let outcome = decode(&frame, &mut fragments, &mut anomalies, &mut |packet, _| {
            packets.push(format!("{packet:?}"));
        });
        (
            outcome,
            packets,
            tcp(&frame)
                .map(|segment| segment.packet())
                .or_else(|| udp(&frame))
                .or_else(|| icmp(&frame))
                .map(|packet| format!("{packet:?}")),
        )
    }

    const TCP: &[u8] = &[1, 2, 3, 4, 0, 0, 0, 9, 0, 0, 0, 0, 0x50, 0x18, 1, 0, 0, 0, 0, 0];

    #[test]
    fn what_is_plain() {
        for (name, bytes) in [
            ("tcp", frame(6, &[TCP, b"abc"].concat())),
            ("tcp without payload", frame(6, TCP)),
            ("udp", frame(17, &[1, 2, 3, 4, 0, 11, 0, 0, 1, 2, 3])),
            ("udp with a trailer", frame(17, &[1, 2, 3, 4, 0, 10, 0, 0, 1, 2, 3])),
            ("udp without payload", frame(17, &[1, 2, 3, 4, 0, 8, 0, 0])),
            ("echo", frame(1, &[8, 0, 0, 0, 1, 1])),
            ("padded", [frame(6, TCP), vec![0; 6]].concat()),
        ] {
            let (outcome, packets, plain) = both(1, &bytes);
            assert_eq!(outcome, Outcome::Decoded, "{name}");
            assert_eq!(packets, [plain.expect(name)], "{name}");
            assert_eq!(both(101, &bytes).2, None, "{name}");
        }
    }

    proptest! {
        #[test]
        fn agrees_with_decoding_step_by_step(
            protocol in prop::sample::select(vec![1u8, 6, 17]),
            payload in prop::collection::vec(any::<u8>(), 0..40),
            changes in prop::collection::vec((12usize..60, any::<u8>()), 0..3),
            cut in 0usize..100,
        ) {
            let length = (8 + payload.len()) as u8;
            let mut bytes = match protocol {
                6 => frame(6, &[TCP, &payload].concat()),
                17 => frame(17, &[&[0, 7, 0, 8, 0, length, 0, 0], payload.as_slice()].concat()),
                _ => frame(1, &payload),
            };
            for (at, value) in changes {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = value;
                }
            }
            bytes.truncate(cut);
            let (outcome, packets, plain) = both(1, &bytes);
            if let Some(plain) = plain {
                prop_assert_eq!(outcome, Outcome::Decoded);
                prop_assert_eq!(packets, [plain]);
            }
        }
    }
}
