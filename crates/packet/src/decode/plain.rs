//! The frames that bulk traffic is made of, read in one go: a TCP segment or ICMP message in an IPv4 packet without
//! options, in one piece and captured whole, right behind an Ethernet header.
//!
//! This is [`decode`](super::decode) for the most frequent of its inputs, and agrees with it on each of them.

use std::net::{IpAddr, Ipv4Addr};

use crate::flow::protocol;
use crate::{Flow, Frame, LinkType, Packet, TcpFlags, Transport};

/// Ethernet, IPv4 without options.
const HEADERS: usize = 34;

/// The segment that the frame holds; `None` where the frame has to be decoded step by step.
#[inline(always)]
pub(crate) fn tcp<'a>(frame: &Frame<'a>) -> Option<Packet<'a>> {
    let [ref headers @ .., s0, s1, d0, d1, q0, q1, q2, q3, _, _, _, _, offset, flags, _, _, _, _, _, _] =
        *frame.bytes.first_chunk::<{ HEADERS + 20 }>()?;
    let (src, dst, end) = ipv4(frame, headers, protocol::TCP)?;
    let header = usize::from(offset >> 4) * 4;
    if header < 20 {
        return None;
    }
    let transport = Transport::Tcp {
        flags: TcpFlags(flags),
        sequence: u32::from_be_bytes([q0, q1, q2, q3]),
        payload: frame.bytes.get(HEADERS + header..end)?,
    };
    let (src_port, dst_port) = (u16::from_be_bytes([s0, s1]), u16::from_be_bytes([d0, d1]));
    let flow = Flow { src, dst, src_port, dst_port, protocol: protocol::TCP };
    Some(Packet { flow, transport, depth: 0, fragment: false, known: false, missing: 0 })
}

/// The ICMP message that the frame holds; `None` where the frame has to be decoded step by step.
#[inline(always)]
pub(crate) fn icmp<'a>(frame: &Frame<'a>) -> Option<Packet<'a>> {
    let [ref headers @ .., kind, code, _, _] = *frame.bytes.first_chunk::<{ HEADERS + 4 }>()?;
    let (src, dst, end) = ipv4(frame, headers, protocol::ICMP)?;
    let transport = Transport::Icmp { kind, code, payload: frame.bytes.get(HEADERS + 4..end)? };
    let flow = Flow { src, dst, src_port: 0, dst_port: 0, protocol: protocol::ICMP };
    Some(Packet { flow, transport, depth: 0, fragment: false, known: false, missing: 0 })
}

/// Addresses, and where in the frame the packet ends.
#[inline(always)]
fn ipv4(frame: &Frame<'_>, headers: &[u8; HEADERS], carried: u8) -> Option<(IpAddr, IpAddr, usize)> {
    let [.., e0, e1, 0x45, _, t0, t1, _, _, f0, f1, _, protocol, _, _, s0, s1, s2, s3, d0, d1, d2, d3] = *headers
    else {
        return None;
    };
    // More fragments follow, or others came before.
    let in_pieces = u16::from_be_bytes([f0, f1]) & 0x3fff != 0;
    if frame.link != LinkType(1) || [e0, e1] != [0x08, 0x00] || in_pieces || protocol != carried {
        return None;
    }
    let (src, dst) = (Ipv4Addr::new(s0, s1, s2, s3), Ipv4Addr::new(d0, d1, d2, d3));
    Some((IpAddr::V4(src), IpAddr::V4(dst), 14 + usize::from(u16::from_be_bytes([t0, t1]))))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{icmp, tcp};
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
        (outcome, packets, tcp(&frame).or_else(|| icmp(&frame)).map(|packet| format!("{packet:?}")))
    }

    const TCP: &[u8] = &[1, 2, 3, 4, 0, 0, 0, 9, 0, 0, 0, 0, 0x50, 0x18, 1, 0, 0, 0, 0, 0];

    #[test]
    fn what_is_plain() {
        for (name, bytes) in [
            ("tcp", frame(6, &[TCP, b"abc"].concat())),
            ("tcp without payload", frame(6, TCP)),
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
            icmp: bool,
            payload in prop::collection::vec(any::<u8>(), 0..40),
            changes in prop::collection::vec((12usize..60, any::<u8>()), 0..3),
            cut in 0usize..100,
        ) {
            let mut bytes =
                if icmp { frame(1, &payload) } else { frame(6, &[TCP, &payload].concat()) };
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
