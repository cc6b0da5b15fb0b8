//! Frames built in code, and what decoding shows of them.

use packet::decode::{self, Fragments, decode};
use packet::{Anomalies, Flow, Frame, Limits, LinkType, Micros, Outcome, Packet, TcpFlags, Transport};

/// Bytes one after another.
pub(crate) fn cat(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

pub(crate) fn be16(number: usize) -> [u8; 2] {
    u16::try_from(number).unwrap().to_be_bytes()
}

/// An IPv4 packet from 10.1.1.1 to 10.2.2.2.
pub(crate) fn ipv4(protocol: u8, payload: &[u8]) -> Vec<u8> {
    ipv4_with(protocol, 0, &[], payload)
}

/// The same with identification 7, `fragmentation` (flags and offset) and options.
pub(crate) fn ipv4_with(protocol: u8, fragmentation: u16, options: &[u8], payload: &[u8]) -> Vec<u8> {
    let header = 20 + options.len();
    cat(&[
        &[0x40 | u8::try_from(header / 4).unwrap(), 0],
        &be16(header + payload.len()),
        &[0, 7],
        &fragmentation.to_be_bytes(),
        &[64, protocol, 0, 0, 10, 1, 1, 1, 10, 2, 2, 2],
        options,
        payload,
    ])
}

/// An IPv6 packet from 2001:db8::1 to 2001:db8::2.
pub(crate) fn ipv6(next: u8, payload: &[u8]) -> Vec<u8> {
    let mut addresses = [0_u8; 32];
    addresses[..4].copy_from_slice(&[0x20, 0x01, 0x0d, 0xb8]);
    addresses[15] = 1;
    addresses[16..20].copy_from_slice(&[0x20, 0x01, 0x0d, 0xb8]);
    addresses[31] = 2;
    cat(&[&[0x60, 0, 0, 0], &be16(payload.len()), &[next, 64], &addresses, payload])
}

pub(crate) fn udp(src: u16, dst: u16, payload: &[u8]) -> Vec<u8> {
    cat(&[&src.to_be_bytes(), &dst.to_be_bytes(), &be16(8 + payload.len()), &[0, 0], payload])
}

pub(crate) fn tcp(src: u16, dst: u16, flags: u8, payload: &[u8]) -> Vec<u8> {
    cat(&[&src.to_be_bytes(), &dst.to_be_bytes(), &[0, 0, 0, 9, 0, 0, 0, 0, 0x50, flags, 1, 0, 0, 0, 0, 0], payload])
}

pub(crate) fn ethernet(kind: u16, payload: &[u8]) -> Vec<u8> {
    cat(&[&[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2], &kind.to_be_bytes(), payload])
}

/// The packet that wrappers carry: UDP 1111 to 2222, "hello".
pub(crate) fn inner() -> Vec<u8> {
    ipv4(17, &udp(1111, 2222, b"hello"))
}

/// The same over IPv6.
pub(crate) fn inner6() -> Vec<u8> {
    ipv6(17, &udp(1111, 2222, b"hello"))
}

/// What was seen of a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) flow: Flow,
    pub(crate) kind: Kind,
    pub(crate) payload: Vec<u8>,
    pub(crate) depth: u8,
    pub(crate) fragment: bool,
    pub(crate) missing: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Tcp(TcpFlags, u32),
    Udp,
    Icmp(u8, u8),
    Other,
}

impl Seen {
    fn of(packet: &Packet<'_>) -> Seen {
        let (kind, payload) = match packet.transport {
            Transport::Tcp { flags, sequence, payload, .. } => (Kind::Tcp(flags, sequence), payload),
            Transport::Udp { payload } => (Kind::Udp, payload),
            Transport::Icmp { kind, code, payload } => (Kind::Icmp(kind, code), payload),
            Transport::Other { payload } => (Kind::Other, payload),
        };
        Seen {
            flow: packet.flow,
            kind,
            payload: payload.to_vec(),
            depth: packet.depth,
            fragment: packet.fragment,
            missing: packet.missing,
        }
    }

    pub(crate) fn ports(&self) -> (u16, u16) {
        (self.flow.src_port, self.flow.dst_port)
    }
}

/// A decoder with its tables.
pub(crate) struct Bench {
    pub(crate) fragments: Fragments,
    pub(crate) anomalies: Anomalies,
}

impl Bench {
    pub(crate) fn new() -> Bench {
        Bench::with(&Limits::default())
    }

    pub(crate) fn with(limits: &Limits) -> Bench {
        Bench { fragments: Fragments::new(limits, 1), anomalies: Anomalies::default() }
    }

    pub(crate) fn look(&mut self, seconds: i64, link: u16, bytes: &[u8]) -> (Outcome, Vec<Seen>) {
        let mut seen = Vec::new();
        let frame = Frame { time: Micros(seconds * Micros::SECOND), link: LinkType(link), bytes };
        let outcome =
            decode(&frame, &mut self.fragments, &mut self.anomalies, &mut |packet: &Packet<'_>, _: &mut _| {
                seen.push(Seen::of(packet));
            });
        (outcome, seen)
    }

    /// What is shown of datagrams that waited too long.
    pub(crate) fn expire(&mut self, seconds: i64) -> Vec<Seen> {
        let now = Micros(seconds * Micros::SECOND);
        let mut seen = Vec::new();
        decode::expire(now, &mut self.fragments, &mut self.anomalies, &mut |_, packet, _| {
            seen.push(Seen::of(packet));
        });
        seen
    }
}

/// One frame with fresh tables.
pub(crate) fn look(link: u16, bytes: &[u8]) -> (Outcome, Vec<Seen>) {
    Bench::new().look(0, link, bytes)
}

/// An Ethernet frame of an IPv4 or IPv6 packet.
pub(crate) fn framed(ip: &[u8]) -> Vec<u8> {
    ethernet(if ip[0] >> 4 == 6 { 0x86dd } else { 0x0800 }, ip)
}
