//! Client Initials of QUIC (RFC 9001, RFC 9369) and Google QUIC's CHLO, built and protected from words, for tests.
//!
//! Written apart from the reader: keys come from SHA-256 as a whole, and packets carry their AEAD tag.

use aes::Aes128Enc;
use aes::cipher::{BlockCipherEncrypt, KeyInit};
use sha2::{Digest, Sha256};

/// Salt of QUIC version 1 (RFC 9001 section 5.2).
const SALT_V1: &str = "38762cf7f55934b34d179ae6a4c80cadccbb7f0a";
/// Salt of QUIC version 2 (RFC 9369 section 3.3.1).
const SALT_V2: &str = "0dede3def700a6db819381be6e269dcbf9bd2ed9";
/// Salt of draft-ietf-quic-tls-29 to 32.
const SALT_29: &str = "afbfec289993d24c9e9786f19c6111e04390a899";

/// Salt of draft-ietf-quic-tls-23 to 28.
const SALT_23: &str = "c3eef712c72ebb5a11a7d2432bb46365bef9f502";
/// Salt of Google's Q050.
const SALT_Q050: &str = "504574efd066fe2f9d945cfcdbd3a7f0d3b56b45";
/// Salt of Google's T051.
const SALT_T051: &str = "7a4edef4e7ccee5fa4506c19124fc8ccda6e033d";

/// QUIC version 1.
pub const V1: u32 = 1;
/// QUIC version 2.
pub const V2: u32 = 0x6b33_43cf;
/// draft-ietf-quic-transport-29.
pub const DRAFT_29: u32 = 0xff00_001d;
/// draft-ietf-quic-transport-27.
pub const DRAFT_27: u32 = 0xff00_001b;
/// Google QUIC 50: a CHLO in CRYPTO frames.
pub const Q050: u32 = 0x5130_3530;
/// Google QUIC 51 with TLS.
pub const T051: u32 = 0x5430_3531;

/// One Initial packet.
#[derive(Clone, Debug)]
pub struct Initial {
    /// Version: one of this module's constants.
    pub version: u32,
    /// Destination connection ID as it stands in the header.
    pub dcid: Vec<u8>,
    /// The connection ID that the keys follow from.
    pub key_dcid: Vec<u8>,
    /// Source connection ID.
    pub scid: Vec<u8>,
    /// Token.
    pub token: Vec<u8>,
    /// Packet number, written in four bytes.
    pub number: u32,
    /// Frames.
    pub frames: Vec<u8>,
    /// PADDING frames bring the frames to this length.
    pub pad_to: usize,
}

impl Initial {
    /// The first packet of a client of version 1, with these frames, padded to a datagram of 1200 bytes.
    #[must_use]
    pub fn new(dcid: &[u8], frames: Vec<u8>) -> Self {
        Initial {
            version: V1,
            dcid: dcid.to_vec(),
            key_dcid: dcid.to_vec(),
            scid: Vec::new(),
            token: Vec::new(),
            number: 0,
            frames,
            pad_to: 1162,
        }
    }

    /// The protected packet.
    #[must_use]
    pub fn seal(&self) -> Vec<u8> {
        let mut plain = self.frames.clone();
        plain.resize(plain.len().max(self.pad_to), 0);
        let kind = if self.version == V2 { 0xd3 } else { 0xc3 };
        let mut packet = vec![kind];
        packet.extend_from_slice(&self.version.to_be_bytes());
        for cid in [&self.dcid, &self.scid] {
            packet.push(cid.len() as u8);
            packet.extend_from_slice(cid);
        }
        packet.extend(varint(self.token.len() as u64));
        packet.extend_from_slice(&self.token);
        let length = 4 + plain.len() + 16;
        packet.extend_from_slice(&(0x4000 | length as u16).to_be_bytes());
        let number_at = packet.len();
        packet.extend_from_slice(&self.number.to_be_bytes());

        let keys = Keys::new(self.version, &self.key_dcid);
        let mut nonce = keys.iv;
        for (to, from) in nonce.iter_mut().skip(8).zip(self.number.to_be_bytes()) {
            *to ^= from;
        }
        let sealed = gcm(&keys.key, &nonce, &packet, &plain);
        packet.extend_from_slice(&sealed);

        let sample: [u8; 16] = packet[number_at + 4..number_at + 20].try_into().unwrap();
        let mask = aes(&keys.hp, sample);
        packet[0] ^= mask[0] & 0x0f;
        for i in 0..4 {
            packet[number_at + i] ^= mask[i + 1];
        }
        packet
    }
}

/// A CRYPTO frame with `data[offset..offset + length]`.
#[must_use]
pub fn crypto(data: &[u8], offset: usize, length: usize) -> Vec<u8> {
    let mut frame = vec![6];
    frame.extend(varint(offset as u64));
    frame.extend(varint(length as u64));
    frame.extend_from_slice(&data[offset..offset + length]);
    frame
}

/// The same in Google QUIC, where the frame has another number.
#[must_use]
pub fn google_crypto(data: &[u8], offset: usize, length: usize) -> Vec<u8> {
    let mut frame = crypto(data, offset, length);
    frame[0] = 8;
    frame
}

/// A variable-length integer (RFC 9000 section 16) in its shortest form.
#[must_use]
pub fn varint(value: u64) -> Vec<u8> {
    match value {
        0..=0x3f => vec![value as u8],
        0x40..=0x3fff => (0x4000 | value as u16).to_be_bytes().to_vec(),
        0x4000..=0x3fff_ffff => (0x8000_0000 | value as u32).to_be_bytes().to_vec(),
        _ => (0xc000_0000_0000_0000 | value).to_be_bytes().to_vec(),
    }
}

/// A first datagram of Google QUIC with an unencrypted CHLO: `version` is `Q024` to `Q043` (old public header) or
/// `Q046` (long header).
#[must_use]
pub fn gquic(version: &[u8; 4], name: &str) -> Vec<u8> {
    let mut out = Vec::new();
    if version == b"Q046" {
        out.push(0xc3);
        out.extend_from_slice(version);
        out.push(0x50);
        out.extend_from_slice(&[0x11; 8]);
        out.extend_from_slice(&[0, 0, 0, 1]);
    } else {
        out.push(0x0d);
        out.extend_from_slice(&[0x11; 8]);
        out.extend_from_slice(version);
        out.push(1);
    }
    out.extend_from_slice(&[0x77; 12]);
    let message = chlo(name);
    out.extend_from_slice(&[0xa0, 1, 0, 4]);
    out.extend(message);
    out.resize(1350, 0);
    out
}

/// A CHLO message with padding, server name, version and user agent.
#[must_use]
pub fn chlo(name: &str) -> Vec<u8> {
    let values: [(&[u8; 4], &[u8]); 4] =
        [(b"PAD\0", &[b'-'; 300]), (b"SNI\0", name.as_bytes()), (b"VER\0", b"Q043"), (b"UAID", b"Chrome/68")];
    let mut message = b"CHLO".to_vec();
    message.extend_from_slice(&(values.len() as u32).to_le_bytes());
    let mut end = 0u32;
    for (tag, value) in values {
        end += value.len() as u32;
        message.extend_from_slice(tag);
        message.extend_from_slice(&end.to_le_bytes());
    }
    message.extend(values.iter().flat_map(|(_, value)| value.iter()));
    message
}

struct Keys {
    key: [u8; 16],
    iv: [u8; 12],
    hp: [u8; 16],
}

impl Keys {
    fn new(version: u32, dcid: &[u8]) -> Self {
        let salt = match version {
            V1 => SALT_V1,
            V2 => SALT_V2,
            DRAFT_27 => SALT_23,
            DRAFT_29 => SALT_29,
            Q050 => SALT_Q050,
            T051 => SALT_T051,
            other => panic!("no salt for version {other:#x}"),
        };
        let salt: Vec<u8> = (0..20).map(|i| u8::from_str_radix(&salt[2 * i..2 * i + 2], 16).unwrap()).collect();
        let client = expand(&hmac(&salt, dcid), "client in", 32);
        let prefix = if version == V2 { "quicv2" } else { "quic" };
        let part = |label: &str, length| expand(&client, &format!("{prefix} {label}"), length);
        Keys {
            key: part("key", 16)[..16].try_into().unwrap(),
            iv: part("iv", 12)[..12].try_into().unwrap(),
            hp: part("hp", 16)[..16].try_into().unwrap(),
        }
    }
}

/// HKDF-Expand-Label (RFC 8446 section 7.1).
fn expand(secret: &[u8], label: &str, length: u8) -> Vec<u8> {
    let label = format!("tls13 {label}");
    let mut info = vec![0, length, label.len() as u8];
    info.extend_from_slice(label.as_bytes());
    info.extend_from_slice(&[0, 1]);
    hmac(secret, &info)
}

/// RFC 2104.
fn hmac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut block = [0u8; 64];
    block[..key.len()].copy_from_slice(key);
    let inner = Sha256::new().chain_update(block.map(|b| b ^ 0x36)).chain_update(message).finalize();
    Sha256::new().chain_update(block.map(|b| b ^ 0x5c)).chain_update(inner).finalize().to_vec()
}

fn aes(key: &[u8; 16], block: [u8; 16]) -> [u8; 16] {
    let mut block = block.into();
    Aes128Enc::new(&(*key).into()).encrypt_block(&mut block);
    block.0
}

/// AES-128-GCM (NIST SP 800-38D): ciphertext and tag.
fn gcm(key: &[u8; 16], nonce: &[u8; 12], aad: &[u8], plain: &[u8]) -> Vec<u8> {
    let counter = |n: u32| {
        let mut block = [0u8; 16];
        block[..12].copy_from_slice(nonce);
        block[12..].copy_from_slice(&n.to_be_bytes());
        aes(key, block)
    };
    let mut out: Vec<u8> = Vec::new();
    for (i, chunk) in plain.chunks(16).enumerate() {
        out.extend(chunk.iter().zip(counter(i as u32 + 2)).map(|(byte, mask)| byte ^ mask));
    }
    let subkey = u128::from_be_bytes(aes(key, [0; 16]));
    let mut hash = 0u128;
    let mut absorb = |data: &[u8]| {
        for chunk in data.chunks(16) {
            let mut block = [0u8; 16];
            block[..chunk.len()].copy_from_slice(chunk);
            hash = multiply(hash ^ u128::from_be_bytes(block), subkey);
        }
    };
    absorb(aad);
    absorb(&out);
    absorb(&((aad.len() as u128 * 8) << 64 | (out.len() as u128 * 8)).to_be_bytes());
    out.extend((hash ^ u128::from_be_bytes(counter(1))).to_be_bytes());
    out
}

/// Multiplication in GF(2^128) as GCM writes it.
fn multiply(x: u128, y: u128) -> u128 {
    let (mut product, mut factor) = (0, y);
    for i in (0..128).rev() {
        if x >> i & 1 == 1 {
            product ^= factor;
        }
        factor = factor >> 1 ^ if factor & 1 == 1 { 0xe1 << 120 } else { 0 };
    }
    product
}
