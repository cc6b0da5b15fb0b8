//! TCP (RFC 9293), UDP (RFC 768), UDP-Lite (RFC 3828) and ICMP (RFC 792, RFC 4443) headers.

use super::ip::Datagram;
use crate::bytes::{be16, be32, byte, trimmed};
use crate::flow::protocol;
use crate::{Anomaly, TcpFlags, Transport};

/// What an IP packet carries, with ports where the protocol has them.
pub(super) struct Segment<'a> {
    pub(super) src_port: u16,
    pub(super) dst_port: u16,
    pub(super) transport: Transport<'a>,
    /// Bytes of the payload that were sent but not captured.
    pub(super) missing: usize,
    pub(super) anomaly: Option<Anomaly>,
}

/// Reads the transport header, or what stands where one should be.
#[inline(always)]
pub(super) fn read<'a>(datagram: &Datagram<'a>) -> Segment<'a> {
    let payload = datagram.payload;
    if datagram.opaque {
        return other(datagram, (0, 0), None);
    }
    match datagram.protocol {
        protocol::TCP => tcp(datagram),
        protocol::UDP | protocol::UDPLITE => udp(datagram),
        protocol::ICMP | protocol::ICMPV6 if !payload.is_empty() => icmp(datagram),
        protocol::SCTP | DCCP => other(datagram, ports(payload), None),
        _ => other(datagram, (0, 0), None),
    }
}

#[inline(always)]
fn icmp<'a>(datagram: &Datagram<'a>) -> Segment<'a> {
    let bytes = datagram.payload;
    Segment {
        src_port: 0,
        dst_port: 0,
        transport: Transport::Icmp {
            kind: byte(bytes, 0).unwrap_or(0),
            code: byte(bytes, 1).unwrap_or(0),
            payload: bytes.get(4..).unwrap_or_default(),
        },
        missing: datagram.missing,
        anomaly: None,
    }
}

const DCCP: u8 = 33;

fn ports(bytes: &[u8]) -> (u16, u16) {
    match (be16(bytes, 0), be16(bytes, 2)) {
        (Some(src), Some(dst)) => (src, dst),
        _ => (0, 0),
    }
}

#[cold]
fn other<'a>(datagram: &Datagram<'a>, ports: (u16, u16), anomaly: Option<Anomaly>) -> Segment<'a> {
    Segment {
        src_port: ports.0,
        dst_port: ports.1,
        transport: Transport::Other { payload: datagram.payload },
        missing: datagram.missing,
        anomaly,
    }
}

/// A TCP segment, its header as far as it is there.
#[inline(always)]
pub(super) fn tcp<'a>(datagram: &Datagram<'a>) -> Segment<'a> {
    let bytes = datagram.payload;
    let Some(&[s0, s1, d0, d1, q0, q1, q2, q3, a0, a1, a2, a3, offset, flags, ..]) = bytes.first_chunk::<20>() else {
        return cut_tcp(datagram);
    };
    let header = usize::from(offset >> 4) * 4;
    let payload = if header < 20 { None } else { bytes.get(header..) };
    Segment {
        src_port: u16::from_be_bytes([s0, s1]),
        dst_port: u16::from_be_bytes([d0, d1]),
        transport: Transport::Tcp {
            flags: TcpFlags(flags),
            sequence: u32::from_be_bytes([q0, q1, q2, q3]),
            acknowledgment: u32::from_be_bytes([a0, a1, a2, a3]),
            payload: payload.unwrap_or_default(),
        },
        missing: datagram.missing,
        anomaly: if payload.is_none() { Some(Anomaly::TcpHeader) } else { None },
    }
}

/// A header that ends too early: ports and flags as far as they are there.
#[cold]
fn cut_tcp<'a>(datagram: &Datagram<'a>) -> Segment<'a> {
    let bytes = datagram.payload;
    let ports = ports(bytes);
    let (Some(sequence), Some(acknowledgment), Some(flags)) = (be32(bytes, 4), be32(bytes, 8), byte(bytes, 13)) else {
        return other(datagram, ports, Some(Anomaly::TcpHeader));
    };
    Segment {
        src_port: ports.0,
        dst_port: ports.1,
        transport: Transport::Tcp { flags: TcpFlags(flags), sequence, acknowledgment, payload: &[] },
        missing: datagram.missing,
        anomaly: Some(Anomaly::TcpHeader),
    }
}

#[inline(always)]
fn udp<'a>(datagram: &Datagram<'a>) -> Segment<'a> {
    let bytes = datagram.payload;
    let Some((&[s0, s1, d0, d1, l0, l1, _, _], rest)) = bytes.split_first_chunk::<8>() else {
        return other(datagram, ports(bytes), Some(Anomaly::UdpHeader));
    };
    let sent = bytes.len() + datagram.missing;
    // UDP-Lite has its checksum's coverage there; 0 is a jumbogram (RFC 2675 section 4).
    let length = match usize::from(u16::from_be_bytes([l0, l1])) {
        0 => sent,
        _ if datagram.protocol == protocol::UDPLITE => sent,
        length => length,
    };
    let payload = trimmed(rest, length.saturating_sub(8));
    Segment {
        src_port: u16::from_be_bytes([s0, s1]),
        dst_port: u16::from_be_bytes([d0, d1]),
        transport: Transport::Udp { payload },
        missing: length.saturating_sub(8 + payload.len()),
        anomaly: if length < 8 || length > sent { Some(Anomaly::UdpHeader) } else { None },
    }
}
