//! Tunnels in IP and in UDP: which packet they carry.
//!
//! A UDP port only suggests a tunnel: where the bytes after it do not fit, it is no tunnel and nothing is
//! wrong. Headers that cannot be mistaken are recognised on any port.

use super::ethernet::{FIRST_ETHER_TYPE, ether_type};
use super::{Layer, ethernet, link, ppp, sflow, wireless};
use crate::bytes::{be16, be32, byte, trimmed};
use crate::flow::protocol;
use crate::{Anomaly, LinkType};

/// Whether `bytes` begin with a believable IP header.
pub(super) fn is_ip(bytes: &[u8]) -> bool {
    match bytes.first() {
        Some(first) if first >> 4 == 4 => {
            let header = u16::from(first & 0x0f) * 4;
            header >= 20 && bytes.len() >= 20 && be16(bytes, 2).is_some_and(|total| total == 0 || total >= header)
        }
        Some(first) if first >> 4 == 6 => bytes.len() >= 40,
        _ => false,
    }
}

/// Whether `bytes` are an IP packet to the last byte.
fn is_exactly_ip(bytes: &[u8]) -> bool {
    let length = match bytes.first().map(|first| first >> 4) {
        Some(4) => be16(bytes, 2).map(usize::from),
        Some(6) => be16(bytes, 4).map(|payload| usize::from(payload) + 40),
        _ => None,
    };
    is_ip(bytes) && length == Some(bytes.len())
}

/// Whether `bytes` begin with a believable Ethernet header: a known EtherType with what belongs after it.
pub(super) fn is_ethernet(bytes: &[u8]) -> bool {
    use ether_type as t;
    let (Some(kind), Some(rest)) = (be16(bytes, 12), bytes.get(14..)) else { return false };
    match kind {
        t::IPV4 => rest.first().is_some_and(|first| first >> 4 == 4) && is_ip(rest),
        t::IPV6 => rest.first().is_some_and(|first| first >> 4 == 6) && is_ip(rest),
        t::ARP => rest.starts_with(&[0x00, 0x01, 0x08, 0x00]),
        t::VLAN | t::PROVIDER_VLAN => rest.len() >= 4,
        t::MPLS | t::LLDP | t::PPPOE_DISCOVERY | t::PPPOE_SESSION | t::NSH => rest.len() >= 4,
        length if usize::from(length) <= rest.len() && length >= 3 => {
            matches!(rest, [0xaa, 0xaa, 0x03, ..] | [0x42, 0x42, 0x03, ..] | [0xfe, 0xfe, 0x03, ..])
        }
        _ => false,
    }
}

/// Whether `bytes` are an IP packet beyond doubt: to the last byte, or with a right header checksum (one that was
/// captured short).
fn is_surely_ip(bytes: &[u8]) -> bool {
    is_exactly_ip(bytes) || (bytes.first().is_some_and(|first| first >> 4 == 4) && is_ip(bytes) && checksum_fits(bytes))
}

/// The header checksum of RFC 791 section 3.1: the sum of the header's words, itself included, is all ones.
fn checksum_fits(bytes: &[u8]) -> bool {
    let length = bytes.first().map_or(0, |first| usize::from(first & 0x0f) * 4);
    let words = bytes.get(..length).unwrap_or_default().chunks_exact(2);
    let sum: u32 = words.map(|word| u32::from(be16(word, 0).unwrap_or(0))).sum();
    (sum & 0xffff) + (sum >> 16) == 0xffff
}

/// IP after a header that random bytes often look like.
fn surely_ip(bytes: &[u8]) -> Option<Layer<'_>> {
    is_surely_ip(bytes).then_some(Layer::Ip(bytes))
}

fn ip(bytes: &[u8]) -> Option<Layer<'_>> {
    is_ip(bytes).then_some(Layer::Ip(bytes))
}

fn an_ethernet(bytes: &[u8]) -> Option<Layer<'_>> {
    is_ethernet(bytes).then_some(Layer::Ethernet(bytes))
}

fn either(bytes: &[u8]) -> Option<Layer<'_>> {
    ip(bytes).or_else(|| an_ethernet(bytes))
}

/// What an EtherType field of a tunnel header announces, if it is there.
fn announced(kind: u16, bytes: &[u8]) -> Option<Layer<'_>> {
    match kind {
        ether_type::IPV4 | ether_type::IPV6 => ip(bytes),
        ether_type::BRIDGED => an_ethernet(bytes),
        _ => Some(Layer::EtherType(kind, bytes)),
    }
}

/// An IP packet of the version that the outer one announces.
fn of_version(version: u8, payload: &[u8]) -> Layer<'_> {
    match payload.first() {
        Some(first) if first >> 4 != version => Layer::Malformed(Anomaly::IpHeader),
        _ => Layer::Ip(payload),
    }
}

/// The packet in an IP packet of another protocol than TCP, UDP and ICMP.
pub(super) fn in_ip(number: u8, payload: &[u8]) -> Option<Layer<'_>> {
    const L2TP: u8 = 115;
    const ETHERIP: u8 = 97;
    const PIM: u8 = 103;
    const MPLS: u8 = 137;
    const ETHERNET: u8 = 143;
    match number {
        protocol::IPIP => Some(of_version(4, payload)),
        protocol::IPV6 => Some(of_version(6, payload)),
        protocol::GRE => gre(payload),
        ETHERIP => Some(Layer::Ethernet(payload.get(2..)?)), // RFC 3378
        ETHERNET => Some(Layer::Ethernet(payload)),          // RFC 8986 section 4.9
        MPLS => Some(Layer::Mpls(payload)),                  // RFC 4023
        PIM if payload.starts_with(&[0x21]) => ip(payload.get(8..)?), // Register, RFC 7761 section 4.9.3
        L2TP if be32(payload, 0)? != 0 => pseudowire(payload.get(4..)?), // RFC 3931 section 4.1.1
        _ => None,
    }
}

/// The packet in a UDP datagram.
#[inline(always)]
pub(super) fn in_udp(src_port: u16, dst_port: u16, payload: &[u8]) -> Option<Layer<'_>> {
    let to = by_port(dst_port);
    let from = by_port(src_port);
    if to.is_none() && from.is_none() {
        return by_header(payload);
    }
    let read = |tunnel: Reader| tunnel(payload);
    to.and_then(read).or_else(|| from.and_then(read)).or_else(|| by_header(payload))
}

type Reader = for<'a> fn(&'a [u8]) -> Option<Layer<'a>>;

#[inline(always)]
fn by_port(port: u16) -> Option<Reader> {
    Some(match port {
        1701 => l2tp,
        2152 => gtp,
        3386 => gtp_v0,
        3544 => teredo,
        4341 => lisp,
        4754 => gre, // RFC 8086
        4789 | 4790 | 8472 => vxlan,
        5072 => ayiya,
        5247 => capwap,
        6080 => gue,
        6081 => geneve,
        6343 => sflow::samples,
        6635 => mpls,
        12222 => lwapp,
        37008 => tzsp,
        _ => return None,
    })
}

/// Tunnels on other ports, where the header cannot be mistaken.
#[inline(always)]
fn by_header(payload: &[u8]) -> Option<Layer<'_>> {
    match payload {
        // VXLAN without extensions around Ethernet.
        [0x08, 0, 0, 0, _, _, _, 0, ..] => vxlan(payload),
        // GTP-U version 1, G-PDU, length to the last byte.
        [0x30..=0x37, 0xff, l0, l1, ..] if usize::from(u16::from_be_bytes([*l0, *l1])) + 8 == payload.len() => {
            gtp(payload)
        }
        // Teredo between two clients: an IPv6 packet of its prefix to the last byte.
        [0x60, _, ..] if is_exactly_ip(payload) && is_teredo(payload) => Some(Layer::Ip(payload)),
        _ => None,
    }
}

/// GRE (RFC 2784, RFC 2890, routing of RFC 1701) and PPTP's (RFC 2637 section 4.1).
fn gre(bytes: &[u8]) -> Option<Layer<'_>> {
    const CHECKSUM: u16 = 0x8000;
    const ROUTING: u16 = 0x4000;
    const KEY: u16 = 0x2000;
    const SEQUENCE: u16 = 0x1000;
    const ACKNOWLEDGMENT: u16 = 0x0080;
    let flags = be16(bytes, 0)?;
    let kind = be16(bytes, 2)?;
    let field = |flag, length| if flags & flag != 0 { length } else { 0 };
    if flags & 0x0007 == 1 {
        let header = 8 + field(SEQUENCE, 4) + field(ACKNOWLEDGMENT, 4);
        let length = usize::from(be16(bytes, 4)?);
        let payload = trimmed(bytes.get(header..)?, length);
        return if kind == ether_type::PPP && !payload.is_empty() { Some(Layer::Ppp(payload)) } else { None };
    }
    let mut header = 4 + field(CHECKSUM | ROUTING, 4) + field(KEY, 4) + field(SEQUENCE, 4);
    if flags & ROUTING != 0 {
        header = source_routes(bytes, header)?;
    }
    gre_payload(kind, flags & SEQUENCE != 0, bytes.get(header..)?)
}

/// Where the list of source routes that begins at `at` ends: entries of family, offset, length; all zero is the last.
fn source_routes(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        let (family, length) = (be16(bytes, at)?, byte(bytes, at + 3)?);
        at += 4 + usize::from(length);
        if family == 0 && length == 0 {
            return Some(at);
        }
    }
}

fn gre_payload(kind: u16, sequenced: bool, rest: &[u8]) -> Option<Layer<'_>> {
    const WCCP: u16 = 0x883e;
    const ERSPAN: u16 = 0x88be;
    const ERSPAN_3: u16 = 0x22eb;
    const CISCO_DISCOVERY: u16 = 0x2000;
    match kind {
        ether_type::BRIDGED => Some(Layer::Ethernet(rest)),
        // Without a sequence number it is type I, which has no header.
        ERSPAN if sequenced => Some(Layer::Ethernet(rest.get(8..)?)),
        ERSPAN => Some(Layer::Ethernet(rest)),
        ERSPAN_3 => erspan_3(rest),
        // Version 2 puts four bytes before the packet.
        WCCP if is_ip(rest) => Some(Layer::Ip(rest)),
        WCCP => ip(rest.get(4..)?),
        // Controllers of Aruba send 802.11 frames, Ethernet frames or packets by tunnel number.
        0x8200..=0x82ff => match rest {
            [0x08 | 0x88, ..] => wireless::frame(rest),
            _ => either(rest),
        },
        // Here the packet's own EtherType comes first.
        ether_type::CISCO_METADATA => {
            let options = usize::from(byte(rest, 3)?.max(1)) * 4;
            Some(Layer::EtherType(be16(rest, 0)?, rest.get(4 + options..)?))
        }
        ..FIRST_ETHER_TYPE | CISCO_DISCOVERY => None,
        kind => Some(Layer::EtherType(kind, rest)),
    }
}

/// ERSPAN type III: 12 bytes, 8 more if the last bit says so.
fn erspan_3(rest: &[u8]) -> Option<Layer<'_>> {
    let header = if byte(rest, 11)? & 1 != 0 { 20 } else { 12 };
    Some(Layer::Ethernet(rest.get(header..)?))
}

/// VXLAN (RFC 7348) and VXLAN-GPE, which has a protocol number where VXLAN has zero.
fn vxlan(bytes: &[u8]) -> Option<Layer<'_>> {
    const VALID_NETWORK: u8 = 0x08;
    const GROUP_POLICY: u8 = 0x80;
    let &[flags, _, _, next, _, _, _, reserved] = bytes.first_chunk::<8>()?;
    if flags & VALID_NETWORK == 0 || reserved != 0 {
        return None;
    }
    let rest = bytes.get(8..)?;
    // Not all who send a protocol number set the bit for it; a group policy stands in the same place.
    if next != 0 && flags & GROUP_POLICY == 0 { next_protocol(next, rest) } else { an_ethernet(rest) }
}

/// The protocol numbers that VXLAN-GPE and NSH (RFC 8300 section 2.2) share, but for 4.
fn next_protocol(number: u8, rest: &[u8]) -> Option<Layer<'_>> {
    match number {
        1 | 2 => ip(rest),
        3 => an_ethernet(rest),
        4 => Some(Layer::EtherType(ether_type::NSH, rest)),
        5 => mpls(rest),
        _ => None,
    }
}

/// NSH (RFC 8300 section 2.2): its length is in 32-bit words.
pub(super) fn nsh(bytes: &[u8]) -> Option<Layer<'_>> {
    let length = usize::from(byte(bytes, 1)? & 0x3f) * 4;
    if length < 8 {
        return Some(Layer::Ignored);
    }
    let rest = bytes.get(length..)?;
    Some(next_protocol(byte(bytes, 3)?, rest).unwrap_or(Layer::Ignored))
}

/// GENEVE (RFC 8926 section 3.4).
fn geneve(bytes: &[u8]) -> Option<Layer<'_>> {
    let first = byte(bytes, 0)?;
    if first >> 6 != 0 {
        return None;
    }
    announced(be16(bytes, 2)?, bytes.get(8 + usize::from(first & 0x3f) * 4..)?)
}

/// GTP-U version 1 (3GPP TS 29.281 section 5.1), with extension headers.
fn gtp(bytes: &[u8]) -> Option<Layer<'_>> {
    const USER_DATA: u8 = 255;
    const VERSION_1: u8 = 0x30;
    const OPTIONAL: u8 = 0x07;
    const EXTENSION: u8 = 0x04;
    let flags = byte(bytes, 0)?;
    if flags & 0xf0 != VERSION_1 || byte(bytes, 1)? != USER_DATA {
        return None;
    }
    let mut header = 8;
    if flags & OPTIONAL != 0 {
        header = 12;
        let mut next = if flags & EXTENSION != 0 { byte(bytes, 11)? } else { 0 };
        while next != 0 {
            let length = usize::from(byte(bytes, header)?) * 4;
            if length == 0 {
                return None;
            }
            header += length;
            next = byte(bytes, header - 1)?;
        }
    }
    either(bytes.get(header..)?)
}

/// GTP version 0 (3GPP TS 09.60): a header of 20 bytes.
fn gtp_v0(bytes: &[u8]) -> Option<Layer<'_>> {
    if byte(bytes, 0)? & 0xf0 != 0x10 || byte(bytes, 1)? != 255 {
        return None;
    }
    ip(bytes.get(20..)?)
}

/// Teredo (RFC 4380 section 5.1.1): authentication and origin may come first.
fn teredo(bytes: &[u8]) -> Option<Layer<'_>> {
    let mut rest = bytes;
    if rest.starts_with(&[0, 1]) {
        let (id, value) = (usize::from(byte(rest, 2)?), usize::from(byte(rest, 3)?));
        rest = rest.get(4 + id + value + 9..)?;
    }
    if rest.starts_with(&[0, 0]) {
        rest = rest.get(8..)?;
    }
    if byte(rest, 0)? >> 4 == 6 && (is_teredo(rest) || is_exactly_ip(rest)) { ip(rest) } else { None }
}

/// Whether an IPv6 packet is from or to Teredo's prefix, 2001::/32 (RFC 4380 section 2.6).
fn is_teredo(packet: &[u8]) -> bool {
    const PREFIX: Option<u32> = Some(0x2001_0000);
    be32(packet, 8) == PREFIX || be32(packet, 24) == PREFIX
}

/// L2TP version 2 (RFC 2661 section 3.1) and version 3 over UDP (RFC 3931 section 4.1.2.1): data messages.
fn l2tp(bytes: &[u8]) -> Option<Layer<'_>> {
    const CONTROL: u16 = 0x8000;
    const LENGTH: u16 = 0x4000;
    const RESERVED: u16 = 0x34f0;
    const SEQUENCE: u16 = 0x0800;
    const OFFSET: u16 = 0x0200;
    let flags = be16(bytes, 0)?;
    if flags & (CONTROL | RESERVED) != 0 {
        return None;
    }
    match flags & 0x000f {
        2 => {
            let whole = if flags & LENGTH != 0 { trimmed(bytes, usize::from(be16(bytes, 2)?)) } else { bytes };
            let mut header = if flags & LENGTH != 0 { 8 } else { 6 };
            if flags & SEQUENCE != 0 {
                header += 4;
            }
            if flags & OFFSET != 0 {
                header += 2 + usize::from(be16(whole, header)?);
            }
            ppp_like(whole.get(header..)?)
        }
        3 => pseudowire(bytes.get(8..)?),
        _ => None,
    }
}

/// A PPP frame, told by its address or by a protocol that carries packets or controls the link.
fn ppp_like(bytes: &[u8]) -> Option<Layer<'_>> {
    match bytes {
        [0xff, 0x03, ..] | [0x21 | 0x57, ..] | [0x00, 0x21 | 0x57 | 0x31 | 0x3d | 0xfd, ..] => Some(Layer::Ppp(bytes)),
        [0x80 | 0xc0 | 0xc2, second, ..] if second & 1 == 1 => Some(Layer::Ppp(bytes)),
        _ => None,
    }
}

/// What follows an L2TPv3 session number. Cookie (0, 4 or 8 bytes), sublayer (0 or 4) and the kind of frame were
/// agreed on elsewhere, so the first offset that shows a frame is taken.
fn pseudowire(bytes: &[u8]) -> Option<Layer<'_>> {
    [0, 4, 8, 12].into_iter().filter_map(|skip| bytes.get(skip..)).find_map(|rest| match rest {
        [0xff, 0x03, 0x00, 0x21 | 0x57, ..] => Some(Layer::Ppp(rest)),
        [0x0f | 0x8f, 0x00, 0x08, 0x00, ..] => ppp::cisco_hdlc(rest),
        _ if is_exactly_ip(rest) => Some(Layer::Ip(rest)),
        _ => an_ethernet(rest),
    })
}

/// LISP data (RFC 9300 section 5.1).
fn lisp(bytes: &[u8]) -> Option<Layer<'_>> {
    surely_ip(bytes.get(8..)?)
}

/// AYIYA: identity and signature lengths in the first two bytes; only packets to be forwarded.
fn ayiya(bytes: &[u8]) -> Option<Layer<'_>> {
    const FORWARD: u8 = 1;
    let &[identity, signature, operation, next] = bytes.first_chunk::<4>()?;
    if operation & 0x0f != FORWARD || !matches!(next, protocol::IPIP | protocol::IPV6) {
        return None;
    }
    ip(bytes.get(8 + (1_usize << (identity >> 4)) + usize::from(signature >> 4) * 4..)?)
}

/// Generic UDP encapsulation: version 1 is IP itself, version 0 has a header with a protocol number.
fn gue(bytes: &[u8]) -> Option<Layer<'_>> {
    const CONTROL: u8 = 0x20;
    let first = byte(bytes, 0)?;
    match first >> 6 {
        0 if first & CONTROL == 0 => match byte(bytes, 1)? {
            protocol::IPIP | protocol::IPV6 => ip(bytes.get(4 + usize::from(first & 0x1f) * 4..)?),
            _ => None,
        },
        1 => surely_ip(bytes),
        _ => None,
    }
}

/// An MPLS label stack (RFC 7510) of labels that are not reserved, with a packet at its bottom.
fn mpls(bytes: &[u8]) -> Option<Layer<'_>> {
    match ethernet::mpls(bytes)? {
        Layer::Ip(packet) => surely_ip(packet),
        Layer::Ethernet(frame) => Some(Layer::Ethernet(frame)),
        _ => None,
    }
}

/// An IEEE 802.11 data frame with a SNAP header.
fn data_frame(layer: Layer<'_>) -> Option<Layer<'_>> {
    match layer {
        Layer::Llc([0xaa, 0xaa, 0x03, _, _, _, _, _, ..]) | Layer::Amsdu(_) => Some(layer),
        _ => None,
    }
}

/// CAPWAP data (RFC 5415 section 4.3): Ethernet or IEEE 802.11, in one piece and without DTLS.
fn capwap(bytes: &[u8]) -> Option<Layer<'_>> {
    const NATIVE: u8 = 0x01;
    const FRAGMENT_OR_KEEP_ALIVE: u8 = 0x88;
    let &[preamble, length, binding, flags] = bytes.first_chunk::<4>()?;
    if preamble != 0 || flags & FRAGMENT_OR_KEEP_ALIVE != 0 {
        return None;
    }
    let rest = bytes.get(usize::from(length >> 3) * 4..)?;
    if binding & NATIVE != 0 { data_frame(wireless::maybe_swapped(rest)?) } else { an_ethernet(rest) }
}

/// LWAPP data (RFC 5412 section 3.3): IEEE 802.11 in one piece.
fn lwapp(bytes: &[u8]) -> Option<Layer<'_>> {
    const VERSION_CONTROL_FRAGMENT: u8 = 0xc6;
    if byte(bytes, 0)? & VERSION_CONTROL_FRAGMENT != 0 {
        return None;
    }
    data_frame(wireless::maybe_swapped(bytes.get(6..)?)?)
}

/// TZSP: tagged fields, then a frame of the encapsulation that the header names.
fn tzsp(bytes: &[u8]) -> Option<Layer<'_>> {
    const PADDING: u8 = 0;
    const END: u8 = 1;
    let &[version, kind, e0, e1] = bytes.first_chunk::<4>()?;
    if version != 1 || kind > 1 {
        return None;
    }
    let mut at = 4;
    loop {
        match byte(bytes, at)? {
            PADDING => at += 1,
            END => break,
            _ => at += 2 + usize::from(byte(bytes, at + 1)?),
        }
    }
    let rest = bytes.get(at + 1..)?;
    match u16::from_be_bytes([e0, e1]) {
        1 => an_ethernet(rest),
        18 => data_frame(wireless::frame(rest)?),
        119 => Some(link::next(Layer::Link(LinkType(119), rest))),
        127 => Some(link::next(Layer::Link(LinkType(163), rest))),
        _ => None,
    }
}
