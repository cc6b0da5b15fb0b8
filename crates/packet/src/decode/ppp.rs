//! PPP (RFC 1661, RFC 1662), Cisco HDLC and frame relay: what serial lines carry.

use super::Layer;
use super::ethernet;
use crate::bytes::{be16, byte};

/// A PPP frame: address and control may be there or compressed away, so may the protocol's first byte.
pub(super) fn frame(bytes: &[u8]) -> Option<Layer<'_>> {
    let bytes = bytes.strip_prefix(&[0xff, 0x03]).unwrap_or(bytes);
    let first = byte(bytes, 0)?;
    // RFC 1661 section 2: the last byte of the protocol is odd, the one before it even.
    if first & 1 == 1 {
        return protocol(u16::from(first), bytes.get(1..)?);
    }
    protocol(be16(bytes, 0)?, bytes.get(2..)?)
}

fn protocol(number: u16, rest: &[u8]) -> Option<Layer<'_>> {
    Some(match number {
        0x0021 | 0x0057 => Layer::Ip(rest),
        0x0281 | 0x0283 => Layer::Mpls(rest),
        0x0031 => bridged(rest)?,
        0x003d => multilink(rest)?,
        _ => Layer::Ignored,
    })
}

/// Bridging control (RFC 3518 section 4.2): only Ethernet, without the optional LAN identifier.
fn bridged(rest: &[u8]) -> Option<Layer<'_>> {
    const LAN_ID: u8 = 0x40;
    let (flags, kind) = (byte(rest, 0)?, byte(rest, 1)?);
    if kind != 1 {
        return Some(Layer::Ignored);
    }
    Some(Layer::Ethernet(rest.get(if flags & LAN_ID != 0 { 6 } else { 2 }..)?))
}

/// Multilink (RFC 1990 section 3): only frames that are not spread over several links.
fn multilink(rest: &[u8]) -> Option<Layer<'_>> {
    const BEGIN_AND_END: u8 = 0xc0;
    let flags = byte(rest, 0)?;
    if flags & BEGIN_AND_END != BEGIN_AND_END {
        return Some(Layer::Ignored);
    }
    // Long sequence numbers leave six bits after the flags zero, short ones two.
    Some(Layer::Ppp(rest.get(if flags & 0x3f == 0 { 4 } else { 2 }..)?))
}

/// A serial line that speaks PPP or Cisco HDLC.
pub(super) fn serial(bytes: &[u8]) -> Option<Layer<'_>> {
    if is_cisco_hdlc(bytes) { cisco_hdlc(bytes) } else { frame(bytes) }
}

/// Unicast (0x0f) or multicast (0x8f) and a zero control byte.
pub(super) fn is_cisco_hdlc(bytes: &[u8]) -> bool {
    matches!(bytes, [0x0f | 0x8f, 0x00, ..])
}

/// Cisco HDLC: address, control, EtherType.
pub(super) fn cisco_hdlc(bytes: &[u8]) -> Option<Layer<'_>> {
    if bytes.starts_with(&[0xff, 0x03]) {
        return frame(bytes);
    }
    let rest = bytes.get(4..)?;
    match be16(bytes, 2)? {
        0xfefe => Some(Layer::Ignored),
        kind => Some(Layer::EtherType(kind, rest)),
    }
}

/// Frame relay: a Q.922 address of two to four bytes, then RFC 2427 or Cisco's EtherType.
pub(super) fn frame_relay(bytes: &[u8]) -> Option<Layer<'_>> {
    const ADDRESS_ENDS: u8 = 0x01;
    let address = (0..4).find(|&at| byte(bytes, at).is_some_and(|b| b & ADDRESS_ENDS != 0));
    let Some(last) = address else {
        return if bytes.len() < 4 { None } else { Some(Layer::Ignored) };
    };
    let rest = bytes.get(last + 1..)?;
    if let Some(unnumbered) = rest.strip_prefix(&[0x03]) {
        return network_layer_id(unnumbered.strip_prefix(&[0x00]).unwrap_or(unnumbered));
    }
    Some(Layer::EtherType(be16(rest, 0)?, rest.get(2..)?))
}

/// An ISO network layer protocol identifier (ISO/IEC TR 9577).
pub(super) fn network_layer_id(bytes: &[u8]) -> Option<Layer<'_>> {
    let rest = bytes.get(1..)?;
    Some(match byte(bytes, 0)? {
        0xcc | 0x8e => Layer::Ip(rest),
        0x80 => ethernet::snap(rest)?,
        0xcf => Layer::Ppp(rest),
        _ => Layer::Ignored,
    })
}
