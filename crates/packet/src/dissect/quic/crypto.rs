//! Keys of client Initials (RFC 9001 section 5.2) and their use (sections 5.3 and 5.4).
//!
//! The tag of the AEAD is not verified: the keys follow from what everybody sees, so it proves nothing about who sent
//! a packet, and a packet that the capture cut could not be read. What wrong keys make of a packet is told by the
//! reserved bits and by frames that do not parse.

use aes::cipher::{BlockCipherEncrypt, KeyInit};
use aes::{Aes128Enc, Block};

use super::header::{Family, Initial};
use super::sha256::{self, Compression, Prepared};

/// Bytes of the AEAD's tag.
const TAG: usize = 16;
/// Bytes of a block of AES, and of the sample that header protection takes.
const BLOCK: usize = 16;
/// Bytes of the longest packet number.
const NUMBER: usize = 4;
/// Blocks encrypted at once.
const BATCH: usize = 8;

/// Salts: RFC 9001 section 5.2, RFC 9369 section 3.3.1, draft-ietf-quic-tls-22, -23 and -29, and those that Google's
/// versions announced; in the order of [`Family`].
#[rustfmt::skip]
const SALTS: [(Family, [u8; 20]); Family::COUNT] = [
    (Family::V1, [0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17,
                  0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad, 0xcc, 0xbb, 0x7f, 0x0a]),
    (Family::V2, [0x0d, 0xed, 0xe3, 0xde, 0xf7, 0x00, 0xa6, 0xdb, 0x81, 0x93,
                  0x81, 0xbe, 0x6e, 0x26, 0x9d, 0xcb, 0xf9, 0xbd, 0x2e, 0xd9]),
    (Family::Draft22, [0x7f, 0xbc, 0xdb, 0x0e, 0x7c, 0x66, 0xbb, 0xe9, 0x19, 0x3a,
                       0x96, 0xcd, 0x21, 0x51, 0x9e, 0xbd, 0x7a, 0x02, 0x64, 0x4a]),
    (Family::Draft23, [0xc3, 0xee, 0xf7, 0x12, 0xc7, 0x2e, 0xbb, 0x5a, 0x11, 0xa7,
                       0xd2, 0x43, 0x2b, 0xb4, 0x63, 0x65, 0xbe, 0xf9, 0xf5, 0x02]),
    (Family::Draft29, [0xaf, 0xbf, 0xec, 0x28, 0x99, 0x93, 0xd2, 0x4c, 0x9e, 0x97,
                       0x86, 0xf1, 0x9c, 0x61, 0x11, 0xe0, 0x43, 0x90, 0xa8, 0x99]),
    (Family::GoogleQ050, [0x50, 0x45, 0x74, 0xef, 0xd0, 0x66, 0xfe, 0x2f, 0x9d, 0x94,
                          0x5c, 0xfc, 0xdb, 0xd3, 0xa7, 0xf0, 0xd3, 0xb5, 0x6b, 0x45]),
    (Family::GoogleT050, [0x7f, 0xf5, 0x79, 0xe5, 0xac, 0xd0, 0x72, 0x91, 0x55, 0x80,
                          0x30, 0x4c, 0x43, 0xa2, 0x36, 0x7c, 0x60, 0x48, 0x83, 0x10]),
    (Family::GoogleT051, [0x7a, 0x4e, 0xde, 0xf4, 0xe7, 0xcc, 0xee, 0x5f, 0xa4, 0x50,
                          0x6c, 0x19, 0x12, 0x4f, 0xc8, 0xcc, 0xda, 0x6e, 0x03, 0x3d]),
];

/// HMAC-SHA-256 (RFC 2104) with its key already taken in: two compressions a message.
#[derive(Clone, Copy)]
struct Hmac {
    inner: [u32; 8],
    outer: [u32; 8],
}

impl Hmac {
    fn new(compression: Compression, key: &[u8]) -> Self {
        let absorb = |pad: u8| {
            let mut block = [pad; 64];
            for (to, from) in block.iter_mut().zip(key) {
                *to ^= from;
            }
            compression.block(sha256::START, &block)
        };
        Hmac { inner: absorb(0x36), outer: absorb(0x5c) }
    }

    /// Of a message that [`last_block`] padded.
    fn sign(&self, compression: Compression, message: &[u8; 64]) -> [u8; 32] {
        self.finish(compression, compression.block(self.inner, message))
    }

    fn sign_prepared(&self, compression: Compression, message: &Prepared) -> [u8; 32] {
        self.finish(compression, compression.prepared(self.inner, message))
    }

    fn finish(&self, compression: Compression, inner: [u32; 8]) -> [u8; 32] {
        bytes(compression.block(self.outer, &last_block(&[&bytes(inner)])))
    }
}

/// The last block of a hash over a key's block and a message of at most 55 bytes, given in parts.
fn last_block(parts: &[&[u8]]) -> [u8; 64] {
    let mut block = [0u8; 64];
    let mut length = 0;
    for part in parts {
        if let Some(to) = block.get_mut(length..length + part.len()) {
            to.copy_from_slice(part);
        }
        length += part.len();
    }
    if let Some(end) = block.get_mut(length) {
        *end = 0x80;
    }
    if let Some(to) = block.last_chunk_mut::<8>() {
        *to = ((64 + length as u64) * 8).to_be_bytes();
    }
    block
}

fn bytes(state: [u32; 8]) -> [u8; 32] {
    let mut out = [0; 32];
    for (to, word) in out.as_chunks_mut::<4>().0.iter_mut().zip(state) {
        *to = word.to_be_bytes();
    }
    out
}

/// What HKDF-Expand-Label (RFC 8446 section 7.1) signs for `length` bytes, at most 32, with an empty context.
fn label(text: &[u8], length: u8) -> Prepared {
    let size = (6 + text.len()) as u8;
    Prepared::new(last_block(&[&[0, length, size], b"tls13 ", text, &[0, 1]]))
}

/// Labels of key, IV and header protection key.
type Labels = [Prepared; 3];

/// What does not depend on the connection, computed once.
pub(super) struct Salts {
    compression: Compression,
    salts: [Hmac; Family::COUNT],
    client: Prepared,
    labels: Labels,
    labels_v2: Labels,
}

impl Salts {
    pub(super) fn new() -> Self {
        Self::with(Compression::detect())
    }

    pub(super) fn with(compression: Compression) -> Self {
        Salts {
            compression,
            salts: SALTS.map(|(_, salt)| Hmac::new(compression, &salt)),
            client: label(b"client in", 32),
            labels: [label(b"quic key", 16), label(b"quic iv", 12), label(b"quic hp", 16)],
            labels_v2: [label(b"quicv2 key", 16), label(b"quicv2 iv", 12), label(b"quicv2 hp", 16)],
        }
    }

    /// The keys of what the client sends after it chose `dcid`.
    pub(super) fn client_keys(&self, family: Family, dcid: &[u8]) -> Option<Keys> {
        let how = self.compression;
        let secret = self.salts.get(family as usize)?.sign(how, &last_block(&[dcid]));
        let client = Hmac::new(how, &Hmac::new(how, &secret).sign_prepared(how, &self.client));
        let labels = if family == Family::V2 { &self.labels_v2 } else { &self.labels };
        let [key, iv, hp] = labels.each_ref().map(|label| client.sign_prepared(how, label));
        let mut keys = Keys { key: [0; 16], iv: [0; 12], hp: [0; 16] };
        copy(&mut keys.key, &key);
        copy(&mut keys.iv, &iv);
        copy(&mut keys.hp, &hp);
        Some(keys)
    }
}

fn copy(to: &mut [u8], from: &[u8]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = *from;
    }
}

/// What opens the Initials of one direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Keys {
    key: [u8; 16],
    iv: [u8; 12],
    hp: [u8; 16],
}

impl Keys {
    /// Decrypts a packet into `open`. False where it is too short, or where its reserved bits say that these are not
    /// its keys.
    pub(super) fn open(&self, packet: &Initial<'_>, open: &mut Vec<u8>) -> bool {
        let Some((mask, rest)) = self.mask(packet.sealed) else { return false };
        let first = packet.first ^ (mask & 0x0f);
        if first & 0x0c != 0 {
            return false;
        }
        let length = usize::from(first & 3) + 1;
        let (number, _) = rest.split_at(length.min(NUMBER));
        let number = number.iter().fold(0u64, |number, byte| number << 8 | u64::from(*byte));
        let body = packet.sealed.get(length..).unwrap_or_default();
        let body = match body.len().checked_sub(TAG) {
            Some(end) if !packet.cut => body.get(..end).unwrap_or_default(),
            _ => body,
        };
        self.decrypt(number, body, open);
        true
    }

    /// Mask of the first byte, and the packet number's four bytes unmasked (RFC 9001 section 5.4.3).
    fn mask(&self, sealed: &[u8]) -> Option<(u8, [u8; NUMBER])> {
        let (number, rest) = sealed.split_first_chunk::<NUMBER>()?;
        let mut block = Block::from(*rest.first_chunk::<BLOCK>()?);
        Aes128Enc::new(&self.hp.into()).encrypt_block(&mut block);
        let [first, a, b, c, d, ..] = block.0;
        let [w, x, y, z] = *number;
        Some((first, [w ^ a, x ^ b, y ^ c, z ^ d]))
    }

    /// AES-128 in counter mode as GCM uses it (NIST SP 800-38D section 7.2).
    fn decrypt(&self, number: u64, sealed: &[u8], open: &mut Vec<u8>) {
        let cipher = Aes128Enc::new(&self.key.into());
        let mut start = [0u8; BLOCK];
        copy(&mut start, &self.iv);
        let mut counter = u128::from_be_bytes(start) ^ u128::from(number) << 32;
        // Counter 1 is the tag's.
        counter += 2;
        open.clear();
        open.extend_from_slice(sealed);
        for chunk in open.chunks_mut(BATCH * BLOCK) {
            let mut stream: [Block; BATCH] = std::array::from_fn(|i| (counter + i as u128).to_be_bytes().into());
            counter += BATCH as u128;
            cipher.encrypt_blocks(&mut stream);
            let (blocks, last) = chunk.as_chunks_mut::<BLOCK>();
            let mut masks = stream.iter().map(|mask| mask.0);
            for (block, mask) in blocks.iter_mut().zip(&mut masks) {
                *block = (u128::from_ne_bytes(*block) ^ u128::from_ne_bytes(mask)).to_ne_bytes();
            }
            for (byte, mask) in last.iter_mut().zip(masks.next().unwrap_or_default()) {
                *byte ^= mask;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn salts_stand_in_the_order_of_their_families() {
        for (place, (family, _)) in super::SALTS.iter().enumerate() {
            assert_eq!(*family as usize, place);
        }
    }
}
