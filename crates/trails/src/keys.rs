//! Keys of the store: how an indicator becomes bytes, and how these are hashed and found.
//!
//! Names are hashed label by label from the right, so that one walk over a name meets the hashes of all its parents.

use std::net::IpAddr;

use rapidhash::v3::rapidhash_v3;

/// What kind of thing a key is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Kind {
    Name = 1,
    Url,
    Address,
    Endpoint,
    Certificate,
    Ja3,
    Ja4,
}

pub(crate) const KINDS: usize = 8;

/// Spreads a hash over all bits (fmix64 of MurmurHash3).
#[inline]
pub(crate) fn mix(mut h: u64) -> u64 {
    h ^= h >> 33;
    h = h.wrapping_mul(0xff51_afd7_ed55_8ccd);
    h ^= h >> 33;
    h = h.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    h ^ (h >> 33)
}

/// One more label to the left.
#[inline]
pub(crate) fn join(hash: u64, label: &[u8]) -> u64 {
    (hash.rotate_left(23) ^ rapidhash_v3(label)).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// Hash of a whole name.
pub(crate) fn name_hash(name: &[u8]) -> u64 {
    name.rsplit(|byte| *byte == b'.').fold(NAME_SEED, join)
}

/// Hash before the first label.
pub(crate) const NAME_SEED: u64 = 0x6d61_6c74_7261_696c;

/// One more part of a URL; bytes are hashed one by one, so that parts may be cut anywhere (FNV-1a, 64 bits).
#[inline]
pub(crate) fn url_part(hash: u64, part: &[u8]) -> u64 {
    part.iter().fold(hash, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

/// Hash before the first part.
pub(crate) const URL_SEED: u64 = 0xcbf2_9ce4_8422_2325;

/// Address as it is looked up: IPv4 in IPv6 (RFC 4291 section 2.5.5.2) is IPv4.
#[inline]
pub(crate) fn canonical(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(six) => six.to_ipv4_mapped().map_or(address, IpAddr::V4),
        IpAddr::V4(_) => address,
    }
}

/// Hash of an address.
#[inline]
pub(crate) fn address_hash(address: IpAddr) -> u64 {
    match address {
        IpAddr::V4(four) => mix(u64::from(four.to_bits()) ^ 0x3400_0000_0000),
        IpAddr::V6(six) => {
            let bits = six.to_bits();
            mix(mix(bits as u64) ^ (bits >> 64) as u64)
        }
    }
}

/// Bytes of an address, with its port where it has one.
pub(crate) fn address_bytes(address: IpAddr, port: Option<u16>) -> ([u8; 18], usize) {
    let mut bytes = [0; 18];
    let mut len = 0;
    let mut put = |from: &[u8]| {
        if let Some(room) = bytes.get_mut(len..len + from.len()) {
            room.copy_from_slice(from);
            len += from.len();
        }
    };
    match address {
        IpAddr::V4(four) => put(&four.octets()),
        IpAddr::V6(six) => put(&six.octets()),
    }
    if let Some(port) = port {
        put(&port.to_be_bytes());
    }
    (bytes, len)
}

/// Hash of a key of a kind, from the hash of its bytes.
#[inline]
pub(crate) fn of_kind(kind: Kind, hash: u64) -> u64 {
    mix(hash ^ (kind as u64) << 56)
}

/// Hash of a key by its kind and bytes: the same that a lookup computes step by step.
pub(crate) fn key_hash(kind: Kind, bytes: &[u8]) -> u64 {
    let hash = match kind {
        Kind::Name => name_hash(bytes),
        Kind::Url => url_part(URL_SEED, bytes),
        _ => rapidhash_v3(bytes),
    };
    of_kind(kind, hash)
}
