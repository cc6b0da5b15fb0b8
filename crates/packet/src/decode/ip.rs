//! IPv4 (RFC 791) and IPv6 (RFC 8200) headers with all extension headers.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::Anomaly;
use crate::bytes::{be16, be32, byte};
use crate::flow::protocol;

/// Extension headers of one IPv6 packet that are followed; RFC 8200 section 4.1 knows seven.
const MAX_EXTENSIONS: usize = 16;

/// One IP packet, up to what its last header carries.
#[derive(Clone, Copy, Debug)]
pub(super) struct Datagram<'a> {
    pub(super) src: IpAddr,
    pub(super) dst: IpAddr,
    /// Protocol of `payload`.
    pub(super) protocol: u8,
    /// What is captured after the last IP header.
    pub(super) payload: &'a [u8],
    /// Bytes of the payload that were sent but not captured.
    pub(super) missing: usize,
    /// Which part of a datagram it is, if it is a fragment.
    pub(super) piece: Option<Piece>,
    /// `payload` is not the beginning of what the protocol carries: a later fragment, or behind a broken header.
    pub(super) opaque: bool,
    /// What is wrong although the addresses are known.
    pub(super) anomaly: Option<Anomaly>,
}

/// Where a fragment belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    /// Identification; 16 bits for IPv4.
    pub(super) id: u32,
    /// Bytes of the datagram's payload before this fragment; below 64 KiB.
    pub(super) offset: usize,
    /// More fragments follow.
    pub(super) more: bool,
}

/// An IPv4 packet without options, in one piece, captured whole; `None` for anything else.
#[inline(always)]
pub(super) fn plain_v4(bytes: &[u8]) -> Option<Datagram<'_>> {
    let &[0x45, _, t0, t1, _, _, f0, f1, _, protocol, _, _, s0, s1, s2, s3, d0, d1, d2, d3] =
        bytes.first_chunk::<20>()?
    else {
        return None;
    };
    let in_pieces = u16::from_be_bytes([f0, f1]) & 0x3fff != 0;
    if in_pieces || protocol == protocol::AH {
        return None;
    }
    Some(Datagram {
        src: IpAddr::V4(Ipv4Addr::new(s0, s1, s2, s3)),
        dst: IpAddr::V4(Ipv4Addr::new(d0, d1, d2, d3)),
        protocol,
        payload: bytes.get(20..usize::from(u16::from_be_bytes([t0, t1])))?,
        missing: 0,
        piece: None,
        opaque: false,
        anomaly: None,
    })
}

/// An IPv6 packet of TCP, UDP or ICMP without extension headers, captured whole; `None` for anything else.
#[inline(always)]
pub(super) fn plain_v6(bytes: &[u8]) -> Option<Datagram<'_>> {
    let &[first, _, _, _, l0, l1, next, _, ref addresses @ ..] = bytes.first_chunk::<40>()?;
    if first >> 4 != 6 || !matches!(next, protocol::TCP | protocol::UDP | protocol::ICMPV6) {
        return None;
    }
    let length = usize::from(u16::from_be_bytes([l0, l1]));
    Some(Datagram {
        src: IpAddr::V6(Ipv6Addr::from(*addresses.first_chunk::<16>()?)),
        dst: IpAddr::V6(Ipv6Addr::from(*addresses.last_chunk::<16>()?)),
        protocol: next,
        payload: if length == 0 { None } else { bytes.get(40..40 + length) }?,
        missing: 0,
        piece: None,
        opaque: false,
        anomaly: None,
    })
}

/// Reads the headers at the beginning of `bytes`.
pub(super) fn read(bytes: &[u8]) -> Result<Datagram<'_>, Anomaly> {
    match bytes.first() {
        Some(first) if first >> 4 == 4 => v4(bytes),
        Some(first) if first >> 4 == 6 => v6(bytes),
        Some(_) => Err(Anomaly::IpHeader),
        None => Err(Anomaly::IpTruncated),
    }
}

fn v4(bytes: &[u8]) -> Result<Datagram<'_>, Anomaly> {
    let Some(&[first, _, t0, t1, i0, i1, f0, f1, _, protocol, _, _, ref addresses @ ..]) = bytes.first_chunk::<20>()
    else {
        return Err(Anomaly::IpTruncated);
    };
    let [s0, s1, s2, s3, d0, d1, d2, d3] = *addresses;
    let header = usize::from(first & 0x0f) * 4;
    // A total length of 0 is what a sending host's capture shows before segmentation offload fills it in.
    let total = match usize::from(u16::from_be_bytes([t0, t1])) {
        0 => bytes.len(),
        total => total,
    };
    if header < 20 || total < header {
        return Err(Anomaly::IpHeader);
    }
    let end = total.min(bytes.len());
    let payload = bytes.get(header..end);
    let fragmentation = u16::from_be_bytes([f0, f1]);
    let mut datagram = Datagram {
        src: IpAddr::V4(Ipv4Addr::new(s0, s1, s2, s3)),
        dst: IpAddr::V4(Ipv4Addr::new(d0, d1, d2, d3)),
        protocol,
        payload: payload.unwrap_or_default(),
        missing: total - end,
        piece: None,
        opaque: false,
        anomaly: if payload.is_none() { Some(Anomaly::IpTruncated) } else { None },
    };
    if header > 20 {
        datagram.dst = final_destination(bytes.get(20..header).unwrap_or_default()).unwrap_or(datagram.dst);
    }
    if fragmentation & 0x3fff != 0 {
        datagram.piece = Some(Piece {
            id: u32::from(u16::from_be_bytes([i0, i1])),
            offset: usize::from(fragmentation & 0x1fff) * 8,
            more: fragmentation & 0x2000 != 0,
        });
    } else if protocol == protocol::AH {
        extensions(&mut datagram);
    }
    Ok(datagram)
}

/// The last address of a source route that is not used up (RFC 791 section 3.1): where the packet goes,
/// while the header names its next hop.
#[cold]
fn final_destination(options: &[u8]) -> Option<IpAddr> {
    const END: u8 = 0;
    const NO_OPERATION: u8 = 1;
    const LOOSE_ROUTE: u8 = 131;
    const STRICT_ROUTE: u8 = 137;
    let mut rest = options;
    loop {
        let length = match byte(rest, 0)? {
            END => return None,
            NO_OPERATION => 1,
            kind => {
                let length = usize::from(byte(rest, 1)?);
                if matches!(kind, LOOSE_ROUTE | STRICT_ROUTE) {
                    let used_up = usize::from(byte(rest, 2)?) > length;
                    let route = rest.get(3..length)?;
                    return if used_up { None } else { route.last_chunk::<4>().map(|last| IpAddr::from(*last)) };
                }
                length.max(2)
            }
        };
        rest = rest.get(length..)?;
    }
}

fn v6(bytes: &[u8]) -> Result<Datagram<'_>, Anomaly> {
    let Some((header, rest)) = bytes.split_first_chunk::<40>() else { return Err(Anomaly::IpTruncated) };
    let &[_, _, _, _, l0, l1, next, _, ref addresses @ ..] = header;
    let (Some(src), Some(dst)) = (addresses.first_chunk::<16>(), addresses.last_chunk::<16>()) else {
        return Err(Anomaly::IpTruncated);
    };
    // 0 stands for a jumbogram (RFC 2675) or for what segmentation offload fills in later; either is
    // taken as far as it was captured.
    let length = match usize::from(u16::from_be_bytes([l0, l1])) {
        0 => rest.len(),
        length => length,
    };
    let mut datagram = Datagram {
        src: IpAddr::V6(Ipv6Addr::from(*src)),
        dst: IpAddr::V6(Ipv6Addr::from(*dst)),
        protocol: next,
        payload: rest.get(..length).unwrap_or(rest),
        missing: length.saturating_sub(rest.len()),
        piece: None,
        opaque: false,
        anomaly: None,
    };
    if next != protocol::TCP && next != protocol::UDP {
        extensions(&mut datagram);
    }
    Ok(datagram)
}

/// Steps over extension headers, up to the transport or to a fragment header of a datagram in pieces.
fn extensions(datagram: &mut Datagram<'_>) {
    for _ in 0..MAX_EXTENSIONS {
        match extension(datagram) {
            Some(true) => {}
            Some(false) => return,
            None => break,
        }
    }
    datagram.anomaly = Some(Anomaly::IpExtension);
    datagram.opaque = true;
}

/// Steps over one extension header: whether there was one, `None` where it is cut.
fn extension(datagram: &mut Datagram<'_>) -> Option<bool> {
    const HOP_BY_HOP: u8 = 0;
    const ROUTING: u8 = 43;
    const FRAGMENT: u8 = 44;
    const NONE: u8 = 59;
    const DESTINATION: u8 = 60;
    const MOBILITY: u8 = 135;
    const HIP: u8 = 139;
    const SHIM6: u8 = 140;

    let bytes = datagram.payload;
    let v6 = datagram.src.is_ipv6();
    let length = match datagram.protocol {
        HOP_BY_HOP | ROUTING | DESTINATION | MOBILITY | HIP | SHIM6 if v6 => {
            let next = byte(bytes, 0);
            if next == Some(NONE) && matches!(datagram.protocol, MOBILITY | HIP | SHIM6) {
                return Some(false); // the message is this header itself
            }
            (usize::from(byte(bytes, 1)?) + 1) * 8
        }
        // RFC 4302 section 2.2: in 32-bit words, minus 2.
        protocol::AH => (usize::from(byte(bytes, 1)?) + 2) * 4,
        FRAGMENT if v6 => {
            let word = be16(bytes, 2)?;
            if word & 0xfff9 != 0 {
                datagram.piece =
                    Some(Piece { id: be32(bytes, 4)?, offset: usize::from(word & 0xfff8), more: word & 1 != 0 });
            }
            8
        }
        _ => return Some(false),
    };
    let next = byte(bytes, 0)?;
    datagram.payload = bytes.get(length..)?;
    datagram.protocol = next;
    Some(datagram.piece.is_none())
}

/// A datagram that came in fragments: `protocol` and `payload` are those of its fragmentable part. A fragment header in it once more is refused.
pub(super) fn reassembled(src: IpAddr, dst: IpAddr, protocol: u8, payload: &[u8]) -> Datagram<'_> {
    let mut whole = Datagram { src, dst, protocol, payload, missing: 0, piece: None, opaque: false, anomaly: None };
    extensions(&mut whole);
    if whole.piece.is_some() {
        whole.anomaly = Some(Anomaly::IpExtension);
        whole.opaque = true;
    }
    whole
}
