//! IEEE 802.11 data frames and the headers that capture drivers put before them.

use super::{Layer, ethernet};
use crate::LinkType;
use crate::bytes::{be16, be32, byte, le16, le32};

/// An IEEE 802.11 frame without padding after its header.
pub(super) fn frame(bytes: &[u8]) -> Option<Layer<'_>> {
    data(bytes, bytes.get(..2)?, false)
}

/// The same with the two bytes of the frame control field swapped, as some access points send it to
/// their controller; told by which of the two looks like a data frame.
pub(super) fn maybe_swapped(bytes: &[u8]) -> Option<Layer<'_>> {
    let control = bytes.get(..2)?;
    match control {
        [first, second] if first & 0x0f != 0x08 && second & 0x0f == 0x08 => data(bytes, &[*second, *first], false),
        _ => data(bytes, control, false),
    }
}

/// `control` is the frame control field; `padded` says that the header is padded to a multiple of four.
fn data<'a>(bytes: &'a [u8], control: &[u8], padded: bool) -> Option<Layer<'a>> {
    const DATA: u8 = 0x08;
    const NULL: u8 = 0x40;
    const QOS: u8 = 0x80;
    const FOUR_ADDRESSES: u8 = 0x03;
    const PROTECTED: u8 = 0x40;
    const ORDER: u8 = 0x80;
    const AGGREGATE: u8 = 0x80;

    let (kind, flags) = (byte(control, 0)?, byte(control, 1)?);
    if kind & 0x0f != DATA || kind & NULL != 0 || flags & PROTECTED != 0 {
        return Some(Layer::Ignored);
    }
    let mut header = if flags & FOUR_ADDRESSES == FOUR_ADDRESSES { 30 } else { 24 };
    let mut aggregate = false;
    if kind & QOS != 0 {
        aggregate = byte(bytes, header)? & AGGREGATE != 0;
        header += if flags & ORDER != 0 { 6 } else { 2 };
    }
    if padded {
        header = (header + 3) & !3;
    }
    // A later fragment of a frame begins with no LLC header and is ignored there.
    let rest = bytes.get(header..)?;
    Some(if aggregate { Layer::Amsdu(rest) } else { Layer::Llc(rest) })
}

/// The first subframe of an A-MSDU (its LLC header on), and the ones after it.
pub(super) fn subframe(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    const HEADER: usize = 14;
    let length = usize::from(be16(bytes, 12)?);
    let rest = bytes.get(HEADER..)?;
    let frame = rest.get(..length).unwrap_or(rest);
    let next = (HEADER + length + 3) & !3;
    if frame.is_empty() { None } else { Some((frame, bytes.get(next..).unwrap_or_default())) }
}

/// radiotap: version, padding, length, and fields as a bit map says; only the flags matter.
pub(super) fn radiotap(bytes: &[u8]) -> Option<Layer<'_>> {
    const TSFT: u32 = 1;
    const FLAGS: u32 = 2;
    const MORE_WORDS: u32 = 1 << 31;
    const PADDED: u8 = 0x20;

    let rest = bytes.get(usize::from(le16(bytes, 2)?)..)?;
    let present = le32(bytes, 4)?;
    let mut at = 8;
    let mut word = present;
    while word & MORE_WORDS != 0 {
        word = le32(bytes, at)?;
        at += 4;
    }
    let mut padded = false;
    if present & FLAGS != 0 {
        if present & TSFT != 0 {
            at = ((at + 7) & !7) + 8;
        }
        padded = byte(bytes, at)? & PADDED != 0;
    }
    data(rest, rest.get(..2)?, padded)
}

/// Prism header (144 bytes, the length is in the third field) or AVS header, told by its magic number.
pub(super) fn prism(bytes: &[u8]) -> Option<Layer<'_>> {
    const AVS_MAGIC: u32 = 0x8021_1000;
    let length = if be32(bytes, 0)? & 0xffff_f000 == AVS_MAGIC {
        be32(bytes, 4)?
    } else {
        // The byte order is that of the capturing host; the length is small.
        le32(bytes, 4)?.min(be32(bytes, 4)?)
    };
    frame(bytes.get(usize::try_from(length).ok()?..)?)
}

/// Per-Packet Information: version, flags, length, link type.
pub(super) fn ppi(bytes: &[u8]) -> Option<Layer<'_>> {
    let rest = bytes.get(usize::from(le16(bytes, 2)?)..)?;
    Some(Layer::Link(LinkType(u16::try_from(le32(bytes, 4)?).ok()?), rest))
}

/// IEEE 802.5 token ring, with source routing.
pub(super) fn token_ring(bytes: &[u8]) -> Option<Layer<'_>> {
    const LLC_FRAME: u8 = 0x40;
    const ROUTED: u8 = 0x80;
    if byte(bytes, 1)? & 0xc0 != LLC_FRAME {
        return Some(Layer::Ignored);
    }
    let routing = if byte(bytes, 8)? & ROUTED != 0 { usize::from(byte(bytes, 14)? & 0x1f) } else { 0 };
    ethernet::llc(bytes.get(14 + routing..)?)
}

/// FDDI (ISO 9314-2): only LLC frames.
pub(super) fn fddi(bytes: &[u8]) -> Option<Layer<'_>> {
    const LLC_FRAME: u8 = 0x50;
    if byte(bytes, 0)? & 0x70 != LLC_FRAME {
        return Some(Layer::Ignored);
    }
    ethernet::llc(bytes.get(13..)?)
}
