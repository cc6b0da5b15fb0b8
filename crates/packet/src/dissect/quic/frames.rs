//! Frames that may stand in a client's Initial (RFC 9000 section 12.4), and those of Google QUIC.

use std::ops::Range;

use super::header::varint;

/// CRYPTO frames of one packet that are used; later ones are passed over.
const CRYPTO_FRAMES: usize = 96;

const PADDING: u8 = 0x00;
const PING: u8 = 0x01;
const ACK: u8 = 0x02;
const ACK_ECN: u8 = 0x03;
const CRYPTO: u8 = 0x06;
const CONNECTION_CLOSE: u8 = 0x1c;
/// In Google QUIC.
const GOOGLE_PING: u8 = 0x07;
const GOOGLE_CRYPTO: u8 = 0x08;

/// The CRYPTO frames of a packet: offset in the stream, and where in the packet the data stands.
#[derive(Default)]
pub(super) struct Crypto(pub(super) Vec<(u64, Range<usize>)>);

impl Crypto {
    pub(super) fn with_room() -> Self {
        Crypto(Vec::with_capacity(CRYPTO_FRAMES))
    }

    /// Reads all frames. False where they are none that an Initial may hold, or do not end with the packet: then the
    /// packet was opened with wrong keys. Of a packet that was cut, the last frame may be.
    pub(super) fn read(&mut self, plain: &[u8], cut: bool, google: bool) -> bool {
        self.0.clear();
        let mut rest = plain;
        while let Some((&kind, after)) = rest.split_first() {
            let after = match kind {
                PADDING => Some(without_zeros(after)),
                PING if !google => Some(after),
                ACK | ACK_ECN if !google => ack(after, kind == ACK_ECN),
                CONNECTION_CLOSE if !google => close(after),
                CRYPTO if !google => self.crypto(plain, after, cut),
                GOOGLE_PING if google => Some(after),
                GOOGLE_CRYPTO if google => self.crypto(plain, after, cut),
                // Google's other frames (ACK, STOP_WAITING ...) come behind CRYPTO, in forms that differ by version.
                _ if google => return !self.0.is_empty(),
                _ => return false,
            };
            match after {
                Some(after) => rest = after,
                None => return cut && !self.0.is_empty(),
            }
        }
        !plain.is_empty()
    }

    fn crypto<'a>(&mut self, plain: &[u8], data: &'a [u8], cut: bool) -> Option<&'a [u8]> {
        let (offset, data) = varint(data)?;
        let (length, data) = varint(data)?;
        let start = plain.len() - data.len();
        let length = usize::try_from(length).ok()?;
        let (data, rest) = match data.split_at_checked(length) {
            Some(parts) => parts,
            None if cut => (data, &[][..]),
            None => return None,
        };
        if self.0.len() < CRYPTO_FRAMES {
            self.0.push((offset, start..start + data.len()));
        }
        Some(rest)
    }
}

fn without_zeros(mut data: &[u8]) -> &[u8] {
    while let Some((zeros, rest)) = data.split_first_chunk::<16>()
        && u128::from_ne_bytes(*zeros) == 0
    {
        data = rest;
    }
    while let Some((0, rest)) = data.split_first() {
        data = rest;
    }
    data
}

/// RFC 9000 section 19.3.
fn ack(data: &[u8], ecn: bool) -> Option<&[u8]> {
    let (_largest, data) = varint(data)?;
    let (_delay, data) = varint(data)?;
    let (count, data) = varint(data)?;
    let (_first, mut data) = varint(data)?;
    // Each range takes two bytes at least, so the data bounds the loop.
    for _ in 0..count.checked_mul(2)?.checked_add(if ecn { 3 } else { 0 })? {
        (_, data) = varint(data)?;
    }
    Some(data)
}

/// RFC 9000 section 19.19.
fn close(data: &[u8]) -> Option<&[u8]> {
    let (_code, data) = varint(data)?;
    let (_frame, data) = varint(data)?;
    let (length, data) = varint(data)?;
    Some(data.split_at_checked(usize::try_from(length).ok()?)?.1)
}
