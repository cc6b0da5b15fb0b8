//! Link types of capture files (<https://www.tcpdump.org/linktypes.html>).

use super::ethernet::ether_type;
use super::{Layer, ethernet, ppp, tunnel, wireless};
use crate::bytes::{be16, be32, byte, le16, le32};
use crate::{Anomaly, Frame, LinkType};

/// EtherTypes that [`network`] looks at: that of the frame and those of tags.
const MAX_ETHER_TYPES: usize = 8;

/// The bytes from the IP header on, where nothing but Ethernet, VLAN tags or Linux cooked stand before them;
/// `None` for anything else.
#[inline(always)]
pub(super) fn network<'a>(frame: &Frame<'a>) -> Option<&'a [u8]> {
    match frame.bytes.split_first_chunk::<14>() {
        Some(([.., 0x08, 0x00], rest)) if frame.link == LinkType(1) => Some(rest),
        _ => tagged_network(frame),
    }
}

#[inline(never)]
fn tagged_network<'a>(frame: &Frame<'a>) -> Option<&'a [u8]> {
    let bytes = frame.bytes;
    let (mut kind, mut at) = match frame.link.0 {
        1 => (be16(bytes, 12)?, 14),
        113 => (be16(bytes, 14)?, 16),
        276 => (be16(bytes, 0)?, 20),
        12 | 14 | 101 | 228 | 229 => return Some(bytes),
        _ => return None,
    };
    for _ in 0..MAX_ETHER_TYPES {
        match kind {
            ether_type::IPV4 | ether_type::IPV6 => return bytes.get(at..),
            ether_type::VLAN | ether_type::PROVIDER_VLAN => {}
            _ if ether_type::OLD_VLAN.contains(&kind) => {}
            _ => return None,
        }
        kind = be16(bytes, at + 2)?;
        at += 4;
    }
    None
}

/// One step down.
#[inline(never)]
pub(super) fn next(layer: Layer<'_>) -> Layer<'_> {
    let below = match layer {
        Layer::Link(LinkType(1), bytes) | Layer::Ethernet(bytes) => ethernet::frame(bytes),
        Layer::EtherType(kind, bytes) => ethernet::typed(kind, bytes),
        Layer::Llc(bytes) => ethernet::llc(bytes),
        Layer::Ppp(bytes) => ppp::frame(bytes),
        Layer::Mpls(bytes) => ethernet::mpls(bytes),
        Layer::Link(link, bytes) => of_type(link, bytes),
        ended => Some(ended),
    };
    below.unwrap_or(Layer::Malformed(Anomaly::LinkTruncated))
}

fn of_type(link: LinkType, bytes: &[u8]) -> Option<Layer<'_>> {
    Some(match link.0 {
        0 | 108 => null(bytes)?,
        // Raw IP under its number and under those that some systems wrote; IPv4; IPv6.
        12 | 14 | 101 | 228 | 229 => Layer::Ip(bytes),
        6 => wireless::token_ring(bytes)?,
        7 => arcnet(bytes, 0)?,
        129 => arcnet(bytes, 2)?,
        8 => Layer::Ip(bytes.get(16..)?), // SLIP: direction and compressed header first
        9 => ppp::serial(bytes)?,
        50 => ppp::serial(bytes)?,
        51 => ethernet::pppoe(bytes)?,
        166 => Layer::Ppp(bytes.get(2..)?), // direction in place of the address, then control
        204 => Layer::Ppp(bytes.get(1..)?),
        10 => wireless::fddi(bytes)?,
        11 | 100 | 106 => guessed(bytes),
        122 => Layer::Llc(bytes.get(16..)?), // RFC 2625: two network addresses
        123 => sun_atm(bytes)?,
        104 => ppp::cisco_hdlc(bytes)?,
        205 => ppp::cisco_hdlc(bytes.get(1..)?)?,
        107 => ppp::frame_relay(bytes)?,
        206 => ppp::frame_relay(bytes.get(1..)?)?,
        182 => multilink_frame_relay(bytes)?,
        105 => wireless::frame(bytes)?,
        119 | 163 => wireless::prism(bytes)?,
        127 => wireless::radiotap(bytes)?,
        192 => wireless::ppi(bytes)?,
        109 => Layer::Ip(bytes.get(12..)?), // OpenBSD enc: family, SPI, flags
        113 => cooked(be16(bytes, 2)?, be16(bytes, 14)?, bytes.get(16..)?)?,
        276 => cooked(be16(bytes, 8)?, be16(bytes, 0)?, bytes.get(20..)?)?,
        117 => packet_filter_log(bytes)?,
        239 => netfilter_log(bytes)?,
        143 => docsis(bytes)?,
        197 => endace(bytes)?,
        219 => Layer::Mpls(bytes),
        226 => Layer::Ip(bytes.get(24..)?),                          // Solaris ipnet
        240 => Layer::Ethernet(bytes.get(4..)?),                     // netANALYZER
        241 => Layer::Ethernet(bytes.get(12..)?),                    // netANALYZER with preamble
        242 => Layer::EtherType(be16(bytes, 40)?, bytes.get(44..)?), // IP over InfiniBand
        258 => packet_tap(bytes)?,
        274 => mpacket(bytes)?,
        // Switch tags: Broadcom's after the addresses or before the frame, Marvell's without and with EtherType.
        282 | 284 => Layer::EtherType(be16(bytes, 16)?, bytes.get(18..)?),
        283 => Layer::Ethernet(bytes.get(4..)?),
        285 => Layer::Ethernet(bytes),
        130..=137 | 164 | 167 | 168 | 178..=181 => juniper(link.0, bytes)?,
        138 => Layer::EtherType(be16(bytes, 16)?, bytes.get(18..)?), // IP over IEEE 1394
        _ if carries_no_ip(link.0) => Layer::Ignored,
        _ => Layer::Malformed(Anomaly::LinkUnknown),
    })
}

/// Link types known to carry no IP that could be read: field buses, USB, Bluetooth, sensor networks,
/// signalling, netlink, logs.
fn carries_no_ip(link: u16) -> bool {
    matches!(link,
        114 | 139..=142 | 144 | 165 | 169..=172 | 177 | 186..=191 | 195 | 199 | 201..=203 | 209..=218 | 220..=225
        | 227 | 230..=232 | 235..=238 | 243..=257 | 259..=273 | 275 | 277..=281 | 286..=302)
}

/// BSD loopback: an address family in the capturing host's byte order (0) or in network order (108).
fn null(bytes: &[u8]) -> Option<Layer<'_>> {
    let rest = bytes.get(4..)?;
    if bytes.starts_with(&[0xff, 0x03]) {
        return Some(Layer::Ppp(bytes));
    }
    Some(match le32(bytes, 0)?.min(be32(bytes, 0)?) {
        // AF_INET; AF_INET6 of Linux, Windows, NetBSD and OpenBSD, FreeBSD, macOS.
        2 | 10 | 23 | 24 | 28 | 30 => Layer::Ip(rest),
        kind @ 0x0600..=0xffff => Layer::EtherType(kind as u16, rest),
        _ => Layer::Ignored,
    })
}

/// Linux cooked: `device` is an ARPHRD_ type, `protocol` an EtherType or one of Linux's own.
fn cooked(device: u16, protocol: u16, rest: &[u8]) -> Option<Layer<'_>> {
    const NETLINK: u16 = 824;
    const RADIOTAP: u16 = 803;
    const IEEE80211: u16 = 801;
    const FRAME_RELAY: u16 = 770;
    Some(match (device, protocol) {
        (NETLINK, _) => Layer::Ignored,
        (RADIOTAP, _) => wireless::radiotap(rest)?,
        (IEEE80211, _) => wireless::frame(rest)?,
        (FRAME_RELAY, _) => ppp::frame_relay(rest)?,
        (_, 0x0004) => Layer::Llc(rest),
        (_, 0x0600..) => Layer::EtherType(protocol, rest),
        _ => Layer::Ignored,
    })
}

/// ARCNET: `offset` more bytes stand before the type in what Linux captures.
fn arcnet(bytes: &[u8], offset: usize) -> Option<Layer<'_>> {
    const EXCEPTION: u8 = 0xff;
    let at = 2 + offset;
    let kind = byte(bytes, at)?;
    if kind == 240 {
        return Some(Layer::Ip(bytes.get(at + 1..)?)); // RFC 1051
    }
    // RFC 1201: split flag and sequence number; only packets in one piece are read.
    let (flag, header) = match byte(bytes, at + 1)? {
        EXCEPTION => (byte(bytes, at + 5)?, at + 8),
        flag => (flag, at + 4),
    };
    Some(match kind {
        212 | 196 if flag == 0 => Layer::Ip(bytes.get(header..)?),
        _ => Layer::Ignored,
    })
}

/// SunATM: flags, VPI, VCI.
fn sun_atm(bytes: &[u8]) -> Option<Layer<'_>> {
    const LANE: u8 = 1;
    const LLC: u8 = 2;
    let rest = bytes.get(4..)?;
    Some(match byte(bytes, 0)? & 0x0f {
        LLC => Layer::Llc(rest),
        LANE => Layer::Ethernet(rest.get(2..)?),
        _ => Layer::Ignored,
    })
}

/// Multilink frame relay (FRF.16): only frames in one piece.
fn multilink_frame_relay(bytes: &[u8]) -> Option<Layer<'_>> {
    const BEGIN_END_CONTROL: u8 = 0xe0;
    if byte(bytes, 0)? & BEGIN_END_CONTROL == 0xc0 { ppp::frame_relay(bytes.get(2..)?) } else { Some(Layer::Ignored) }
}

/// OpenBSD pflog: header length, address family; the header is padded to four bytes.
fn packet_filter_log(bytes: &[u8]) -> Option<Layer<'_>> {
    let length = (usize::from(byte(bytes, 0)?) + 3) & !3;
    Some(match byte(bytes, 1)? {
        2 | 10 | 24 | 28 | 30 => Layer::Ip(bytes.get(length..)?),
        _ => Layer::Ignored,
    })
}

/// Linux netfilter log: family, version, resource, then attributes in the capturing host's byte order.
fn netfilter_log(bytes: &[u8]) -> Option<Layer<'_>> {
    const PAYLOAD: u16 = 9;
    const HEADER: usize = 4;
    let mut rest = bytes.get(HEADER..)?;
    let little = usize::from(le16(rest, 0)?) <= rest.len();
    loop {
        let (length, kind) = match (rest.first_chunk::<4>(), little) {
            (Some(&[a, b, c, d]), true) => (u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d])),
            (Some(&[a, b, c, d]), false) => (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])),
            (None, _) => return if rest.is_empty() { Some(Layer::Ignored) } else { None },
        };
        let length = usize::from(length);
        if length < HEADER {
            return None;
        }
        if kind & 0x7fff == PAYLOAD {
            let payload = rest.get(HEADER..)?;
            let payload = payload.get(..length - HEADER).unwrap_or(payload);
            return Some(if matches!(byte(bytes, 0)?, 2 | 10) { Layer::Ip(payload) } else { Layer::Ignored });
        }
        rest = rest.get((length + 3) & !3..)?;
    }
}

/// DOCSIS MAC frames: only packet data, which are Ethernet.
fn docsis(bytes: &[u8]) -> Option<Layer<'_>> {
    const KIND: u8 = 0xc0;
    const EXTENDED: u8 = 0x01;
    let control = byte(bytes, 0)?;
    if control & KIND != 0 {
        return Some(Layer::Ignored);
    }
    let extended = if control & EXTENDED != 0 { usize::from(byte(bytes, 1)?) } else { 0 };
    Some(Layer::Ethernet(bytes.get(6 + extended..)?))
}

/// Endace ERF: a 16-byte record header, extension headers of eight bytes.
fn endace(bytes: &[u8]) -> Option<Layer<'_>> {
    const MORE: u8 = 0x80;
    let kind = byte(bytes, 8)?;
    let mut rest = bytes.get(16..)?;
    let mut more = kind & MORE != 0;
    while more {
        more = byte(rest, 0)? & MORE != 0;
        rest = rest.get(8..)?;
    }
    Some(match kind & !MORE {
        1 => ppp::serial(rest)?,
        2 | 11 | 16 | 20 => Layer::Ethernet(rest.get(2..)?),
        22 | 23 => Layer::Ip(rest),
        _ => Layer::Ignored,
    })
}

/// Apple's pktap: header length, record type, link type of what follows.
fn packet_tap(bytes: &[u8]) -> Option<Layer<'_>> {
    let rest = bytes.get(usize::try_from(le32(bytes, 0)?).ok()?..)?;
    Some(Layer::Link(LinkType(u16::try_from(le32(bytes, 8)?).ok()?), rest))
}

/// IEEE 802.3br: preamble and start delimiter before the frame; continued frames are not read.
fn mpacket(bytes: &[u8]) -> Option<Layer<'_>> {
    Some(match byte(bytes, 7)? {
        0xd5 | 0xe6 | 0x4c | 0x7f | 0xb3 => Layer::Ethernet(bytes.get(8..)?),
        _ => Layer::Ignored,
    })
}

/// Juniper: magic number, flags, extensions, then what the interface card sends.
fn juniper(link: u16, bytes: &[u8]) -> Option<Layer<'_>> {
    const NO_LINK_HEADER: u8 = 0x02;
    const EXTENSIONS: u8 = 0x80;
    let Some(rest) = bytes.strip_prefix(b"MGC") else {
        return if bytes.len() < 3 { None } else { Some(Layer::Ignored) };
    };
    let flags = byte(rest, 0)?;
    let mut rest = rest.get(1..)?;
    if flags & EXTENSIONS != 0 {
        rest = rest.get(2 + usize::from(be16(rest, 0)?)..)?;
    }
    if flags & NO_LINK_HEADER != 0 {
        return Some(guessed(rest.get(4..)?));
    }
    juniper_card(link, rest)
}

/// Cards that put a cookie before the packet; its length is the card's, or that of the service that wrote it.
fn juniper_card(link: u16, rest: &[u8]) -> Option<Layer<'_>> {
    const LINK_SERVICE: u8 = 0x54;
    const ADAPTIVE_SERVICE: u8 = 0x47;
    let cookie = match link {
        167 | 178 => return Some(Layer::Ethernet(rest)), // PPPoE, Ethernet
        168 => return Some(Layer::EtherType(be16(rest, 0)?, rest.get(2..)?)), // PPPoE over ATM
        179 => return Some(Layer::Ppp(rest)),
        180 => return ppp::frame_relay(rest),
        181 => return ppp::cisco_hdlc(rest),
        137 | 134 => 4,
        135 | 133 | 164 | 136 => 8,
        130 | 131 => 2,
        _ => 0,
    };
    let cookie = match byte(rest, 0)? {
        ADAPTIVE_SERVICE => 8,
        LINK_SERVICE => cookie + 2,
        _ => cookie,
    };
    Some(guessed(rest.get(cookie..)?))
}

/// A packet whose kind no field says: LLC, a network layer identifier, PPP or IP.
fn guessed(bytes: &[u8]) -> Layer<'_> {
    match bytes {
        [0xaa, 0xaa, 0x03, ..] | [0xfe, 0xfe, 0x03, ..] => Layer::Llc(bytes),
        [0x03, rest @ ..] => ppp::network_layer_id(rest).unwrap_or(Layer::Malformed(Anomaly::LinkTruncated)),
        [0xff, 0x03, ..] | [0x00, 0x21 | 0x57, ..] => Layer::Ppp(bytes),
        _ if tunnel::is_ip(bytes) => Layer::Ip(bytes),
        _ => Layer::Ignored,
    }
}
