//! Ethernet, IEEE 802.2, EtherTypes and what stands between an EtherType and IP: VLAN tags, MPLS, PPPoE,
//! and the wrappers of switches and meshes.

use super::tunnel;
use super::{Layer, ppp};
use crate::Anomaly;
use crate::bytes::{be16, be32, byte, trimmed};

/// EtherTypes that the code names (IEEE registration authority; vendors' where said).
pub(super) mod ether_type {
    pub(crate) const IPV4: u16 = 0x0800;
    pub(crate) const ARP: u16 = 0x0806;
    pub(crate) const TRILL: u16 = 0x22f3;
    pub(crate) const BATMAN: u16 = 0x4305;
    pub(crate) const BRIDGED: u16 = 0x6558;
    pub(crate) const FRAME_RELAY: u16 = 0x6559;
    pub(crate) const VLAN: u16 = 0x8100;
    pub(crate) const IPV6: u16 = 0x86dd;
    pub(crate) const PPP: u16 = 0x880b;
    pub(crate) const MPLS: u16 = 0x8847;
    pub(crate) const MPLS_UPSTREAM: u16 = 0x8848;
    pub(crate) const PPPOE_DISCOVERY: u16 = 0x8863;
    pub(crate) const PPPOE_SESSION: u16 = 0x8864;
    pub(crate) const JUMBO_LLC: u16 = 0x8870;
    pub(crate) const PROVIDER_VLAN: u16 = 0x88a8;
    pub(crate) const LLDP: u16 = 0x88cc;
    pub(crate) const MACSEC: u16 = 0x88e5;
    pub(crate) const BACKBONE: u16 = 0x88e7;
    pub(crate) const FABRIC_PATH: u16 = 0x8903;
    pub(crate) const CISCO_METADATA: u16 = 0x8909;
    pub(crate) const VNTAG: u16 = 0x8926;
    pub(crate) const HSR: u16 = 0x892f;
    pub(crate) const ETAG: u16 = 0x893f;
    pub(crate) const NSH: u16 = 0x894f;
    /// QinQ before it was standardised.
    pub(crate) const OLD_VLAN: [u16; 3] = [0x9100, 0x9200, 0x9300];
    /// Arista's time stamp.
    pub(crate) const TIME_STAMP: u16 = 0xd28b;
    /// Marvell switches' tag with an EtherType of its own.
    pub(crate) const EDSA: u16 = 0xdada;
}

/// Below this the field is an IEEE 802.3 length.
pub(super) const FIRST_ETHER_TYPE: u16 = 0x0600;

/// An Ethernet frame, from its destination address on.
#[inline]
pub(super) fn frame(bytes: &[u8]) -> Option<Layer<'_>> {
    let &[.., t0, t1] = bytes.first_chunk::<14>()?;
    let rest = bytes.get(14..)?;
    let kind = u16::from_be_bytes([t0, t1]);
    if kind < FIRST_ETHER_TYPE { length_field(bytes, rest) } else { Some(Layer::EtherType(kind, rest)) }
}

#[cold]
fn length_field<'a>(bytes: &'a [u8], rest: &'a [u8]) -> Option<Layer<'a>> {
    // Cisco ISL: multicast destination 01:00:0c:00:00 or 03:00:0c:00:00, 26 bytes before the frame.
    if matches!(bytes.get(..5)?, [0x01 | 0x03, 0x00, 0x0c, 0x00, 0x00]) && rest.starts_with(&[0xaa, 0xaa, 0x03]) {
        return Some(Layer::Ethernet(bytes.get(26..)?));
    }
    Some(Layer::Llc(rest))
}

/// What follows an EtherType.
pub(super) fn typed(kind: u16, rest: &[u8]) -> Option<Layer<'_>> {
    use ether_type as t;
    if kind < FIRST_ETHER_TYPE {
        return Some(Layer::Llc(rest));
    }
    Some(match kind {
        t::IPV4 | t::IPV6 => Layer::Ip(rest),
        t::VLAN | t::PROVIDER_VLAN => tagged(rest, 2)?,
        _ if t::OLD_VLAN.contains(&kind) => tagged(rest, 2)?,
        t::VNTAG => tagged(rest, 4)?,
        t::ETAG | t::EDSA => tagged(rest, 6)?,
        t::HSR => tagged(rest, 4)?,
        // Version, length in 32-bit words of the options, options, then the EtherType.
        t::CISCO_METADATA => tagged(rest, 2 + usize::from(byte(rest, 1)?.max(1)) * 4)?,
        t::TIME_STAMP => time_stamped(rest)?,
        t::MPLS | t::MPLS_UPSTREAM => Layer::Mpls(rest),
        t::PPPOE_SESSION => pppoe(rest)?,
        t::PPP => Layer::Ppp(rest),
        t::JUMBO_LLC => Layer::Llc(rest),
        t::BRIDGED => Layer::Ethernet(rest),
        t::FRAME_RELAY => ppp::frame_relay(rest)?,
        t::BACKBONE => Layer::Ethernet(rest.get(4..)?),
        t::FABRIC_PATH => Layer::Ethernet(rest.get(2..)?),
        t::TRILL => trill(rest)?,
        t::NSH => tunnel::nsh(rest)?,
        t::MACSEC => macsec(rest)?,
        t::BATMAN => batman(rest)?,
        _ => Layer::Ignored,
    })
}

/// A tag of `length` bytes and the EtherType after it.
fn tagged(rest: &[u8], length: usize) -> Option<Layer<'_>> {
    Some(Layer::EtherType(be16(rest, length)?, rest.get(length + 2..)?))
}

/// Arista's time stamp: subtype, a format that says whether it has 48 or 64 bits, the stamp.
fn time_stamped(rest: &[u8]) -> Option<Layer<'_>> {
    const FORMAT: u16 = 0x00f0;
    const BITS_48: u16 = 0x0020;
    tagged(rest, if be16(rest, 2)? & FORMAT == BITS_48 { 10 } else { 12 })
}

/// PPPoE session stage (RFC 2516 section 4).
pub(super) fn pppoe(rest: &[u8]) -> Option<Layer<'_>> {
    if byte(rest, 1)? != 0 {
        return Some(Layer::Ignored); // discovery
    }
    let length = usize::from(be16(rest, 4)?);
    Some(Layer::Ppp(trimmed(rest.get(6..)?, length)))
}

/// TRILL (RFC 6325 section 3): option words, two nicknames.
fn trill(rest: &[u8]) -> Option<Layer<'_>> {
    let options = usize::from((be16(rest, 0)? >> 6) & 0x1f) * 4;
    Some(Layer::Ethernet(rest.get(6 + options..)?))
}

/// MACsec (IEEE 802.1AE clause 9): readable only where it protects integrity alone.
fn macsec(rest: &[u8]) -> Option<Layer<'_>> {
    const ENCRYPTED_OR_CHANGED: u8 = 0x0c;
    const EXPLICIT_SCI: u8 = 0x20;
    let control = byte(rest, 0)?;
    if control & ENCRYPTED_OR_CHANGED != 0 {
        return Some(Layer::Ignored);
    }
    tagged(rest, if control & EXPLICIT_SCI != 0 { 14 } else { 6 })
}

/// batman-adv, compatibility version 15: the packet types that carry a whole frame.
fn batman(rest: &[u8]) -> Option<Layer<'_>> {
    const VERSION: u8 = 15;
    if byte(rest, 1)? != VERSION {
        return Some(Layer::Ignored);
    }
    let header = match byte(rest, 0)? {
        0x01 => 14, // broadcast
        0x40 => 10, // unicast
        0x42 => 18, // unicast with the originator's address
        _ => return Some(Layer::Ignored),
    };
    Some(Layer::Ethernet(rest.get(header..)?))
}

/// IEEE 802.2 LLC, with SNAP (IEEE 802 clause 9).
pub(super) fn llc(bytes: &[u8]) -> Option<Layer<'_>> {
    Some(match *bytes.first_chunk::<3>()? {
        [0xaa, 0xaa | 0xab, 0x03] => snap(bytes.get(3..)?)?,
        [0x06, 0x06, 0x03] => Layer::Ip(bytes.get(3..)?),
        [0xfe, 0xfe, 0x03] => ppp::network_layer_id(bytes.get(3..)?)?,
        _ => Layer::Ignored,
    })
}

/// An organisation and its protocol.
pub(super) fn snap(bytes: &[u8]) -> Option<Layer<'_>> {
    let organisation = be32(bytes, 0)? >> 8;
    let protocol = be16(bytes, 3)?;
    let rest = bytes.get(5..)?;
    Some(match (organisation, protocol) {
        // RFC 1042, and IEEE 802.1H bridge tunnels.
        (0x00_0000 | 0x00_00f8, kind) if kind >= FIRST_ETHER_TYPE => Layer::EtherType(kind, rest),
        // Cisco's SNAP for its own wrappers uses EtherTypes above the protocols of its own.
        (0x00_000c, kind @ (ether_type::IPV4 | ether_type::IPV6)) => Layer::EtherType(kind, rest),
        // RFC 2684 section 5.2, RFC 2427 section 4.2: bridged Ethernet, with and without checksum. ATM pads it.
        (0x00_80c2, 0x0001 | 0x0007) => bridged(rest),
        _ => Layer::Ignored,
    })
}

/// A bridged frame, with or without the two bytes of padding that ATM puts before it.
fn bridged(rest: &[u8]) -> Layer<'_> {
    match rest.strip_prefix(&[0, 0]) {
        Some(padded) if tunnel::is_ethernet(padded) => Layer::Ethernet(padded),
        _ => Layer::Ethernet(rest),
    }
}

/// An MPLS label stack (RFC 3032) and what its bottom carries, which no field names: IP by its first four
/// bits (RFC 4928 section 3), or an Ethernet pseudowire with or without control word (RFC 4448).
pub(super) fn mpls(bytes: &[u8]) -> Option<Layer<'_>> {
    const BOTTOM: u32 = 0x100;
    const LABELS: usize = 16;
    let mut rest = bytes;
    for _ in 0..LABELS {
        let label = be32(rest, 0)?;
        rest = rest.get(4..)?;
        if label & BOTTOM != 0 {
            return Some(labelled(rest));
        }
    }
    Some(Layer::Malformed(Anomaly::TunnelDepth))
}

fn labelled(rest: &[u8]) -> Layer<'_> {
    if tunnel::is_ip(rest) {
        return Layer::Ip(rest);
    }
    if let Some(&[0x00..=0x0f, ..]) = rest.first_chunk::<4>() {
        let framed = rest.get(4..).unwrap_or_default();
        if tunnel::is_ethernet(framed) {
            return Layer::Ethernet(framed);
        }
        if tunnel::is_ip(framed) {
            return Layer::Ip(framed);
        }
    }
    if tunnel::is_ethernet(rest) {
        return Layer::Ethernet(rest);
    }
    match rest.first() {
        Some(first) if matches!(first >> 4, 4 | 6) => Layer::Ip(rest),
        _ => Layer::Ignored,
    }
}
