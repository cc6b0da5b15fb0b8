//! JA4, the TLS client fingerprint of FoxIO ("JA4: TLS Client Fingerprinting", technical details):
//! `t13d1516h2_8daaf6152771_b186095e22b6`.

use sha2::{Digest, Sha256};

use super::Carrier;
use super::hello::{Fields, extension, is_grease};

/// Cipher suites or extensions at most; a ClientHello with more has no fingerprint. IANA lists about 350 suites.
pub const FINGERPRINT_VALUES: usize = 512;

const HEX: [u8; 16] = *b"0123456789abcdef";

/// The fingerprint.
pub(super) fn text(carrier: Carrier, fields: &Fields<'_>) -> Option<[u8; 36]> {
    let mut sorted = [0u16; FINGERPRINT_VALUES];
    let ciphers = sort(fields.ciphers(), &mut sorted)?;
    let (cipher_count, cipher_hash) = (ciphers.len(), hash(ciphers, std::iter::empty()));

    let kinds = fields.extensions().map(|(kind, _)| kind).filter(|kind| !is_grease(*kind));
    let extension_count = kinds.clone().count();
    let hashed = kinds.filter(|kind| !matches!(*kind, extension::SERVER_NAME | extension::ALPN));
    let extension_hash = hash(sort(hashed, &mut sorted)?, fields.signatures());

    let version = version(fields.offered(carrier));
    let alpn = alpn(fields.alpn().unwrap_or_default());
    let head = [
        match carrier {
            Carrier::Tcp => b't',
            Carrier::Dtls => b'd',
            Carrier::Quic => b'q',
        },
        version[0],
        version[1],
        if fields.extension(extension::SERVER_NAME).is_some() { b'd' } else { b'i' },
        tens(cipher_count),
        ones(cipher_count),
        tens(extension_count),
        ones(extension_count),
        alpn[0],
        alpn[1],
    ];
    let mut text = [b'_'; 36];
    let parts = head.iter().chain(b"_").chain(&cipher_hash).chain(b"_").chain(&extension_hash);
    for (to, from) in text.iter_mut().zip(parts) {
        *to = *from;
    }
    Some(text)
}

fn version(version: u16) -> [u8; 2] {
    *match version {
        0x0304 => b"13",
        0x0303 => b"12",
        0x0302 => b"11",
        0x0301 => b"10",
        0x0300 => b"s3",
        0x0002 => b"s2",
        0xfeff => b"d1",
        0xfefd => b"d2",
        0xfefc => b"d3",
        _ => b"00",
    }
}

/// First and last character of the protocol name; where one of them is not alphanumeric, first and last digit of the
/// name in hexadecimal.
fn alpn(name: &[u8]) -> [u8; 2] {
    let (Some(&first), Some(&last)) = (name.first(), name.last()) else { return *b"00" };
    if first.is_ascii_alphanumeric() && last.is_ascii_alphanumeric() {
        [first, last]
    } else {
        [hex(first >> 4), hex(last & 15)]
    }
}

fn tens(count: usize) -> u8 {
    b'0' + (count.min(99) / 10) as u8
}

fn ones(count: usize) -> u8 {
    b'0' + (count.min(99) % 10) as u8
}

fn hex(digit: u8) -> u8 {
    HEX.get(usize::from(digit)).copied().unwrap_or_default()
}

fn sort(values: impl Iterator<Item = u16>, room: &mut [u16]) -> Option<&mut [u16]> {
    let mut count = 0;
    for value in values {
        *room.get_mut(count)? = value;
        count += 1;
    }
    let sorted = room.get_mut(..count)?;
    sorted.sort_unstable();
    Some(sorted)
}

/// The first twelve digits of SHA-256 over the values in hexadecimal, joined by commas; twelve zeros for none.
/// Signature algorithms follow after an underscore.
fn hash(values: &[u16], signatures: impl Iterator<Item = u16>) -> [u8; 12] {
    if values.is_empty() {
        return [b'0'; 12];
    }
    let mut sha256 = Sha256::new();
    let mut join = |values: &mut dyn Iterator<Item = u16>, first: &'static [u8]| {
        for (i, value) in values.enumerate() {
            sha256.update(if i == 0 { first } else { b"," });
            let [high, low] = value.to_be_bytes();
            sha256.update([hex(high >> 4), hex(high & 15), hex(low >> 4), hex(low & 15)]);
        }
    };
    join(&mut values.iter().copied(), b"");
    join(&mut { signatures }, b"_");
    let digest: [u8; 32] = sha256.finalize().into();
    let mut text = [b'0'; 12];
    for (pair, byte) in text.as_chunks_mut::<2>().0.iter_mut().zip(digest) {
        *pair = [hex(byte >> 4), hex(byte & 15)];
    }
    text
}
