//! A hash of a frame's two outermost IP addresses, to spread frames over workers.
//!
//! It is the formula of the packet filter that the live capture gives the kernel: all 32-bit words of
//! both addresses folded by XOR (which makes both directions equal), then the finaliser of MurmurHash3.
//! Fragments have the same addresses, so they stay together with the rest of their datagram.

use super::ethernet::ether_type as t;
use crate::Frame;
use crate::bytes::{be16, be32};

/// EtherTypes that are looked at: that of the frame and those of tags.
const MAX_ETHER_TYPES: usize = 8;

/// The hash; 0 where no IP header is found behind Ethernet, VLAN tags, Linux cooked, loopback or raw IP.
#[must_use]
pub fn pair_hash(frame: &Frame<'_>) -> u32 {
    mixed(network(frame).and_then(folded).unwrap_or(0))
}

/// The bytes from the IP header on.
fn network<'a>(frame: &Frame<'a>) -> Option<&'a [u8]> {
    let bytes = frame.bytes;
    let (mut kind, mut at) = match frame.link.0 {
        1 => (be16(bytes, 12)?, 14),
        113 => (be16(bytes, 14)?, 16),
        276 => (be16(bytes, 0)?, 20),
        0 | 108 => return bytes.get(4..),
        12 | 14 | 101 | 228 | 229 => return Some(bytes),
        _ => return None,
    };
    for _ in 0..MAX_ETHER_TYPES {
        match kind {
            t::IPV4 | t::IPV6 => return bytes.get(at..),
            t::VLAN | t::PROVIDER_VLAN => {}
            _ if t::OLD_VLAN.contains(&kind) => {}
            _ => return None,
        }
        kind = be16(bytes, at + 2)?;
        at += 4;
    }
    None
}

fn folded(ip: &[u8]) -> Option<u32> {
    let (from, words) = match ip.first()? >> 4 {
        4 => (12, 2),
        6 => (8, 8),
        _ => return None,
    };
    let mut folded = 0;
    for word in 0..words {
        folded ^= be32(ip, from + word * 4)?;
    }
    Some(folded)
}

/// fmix32 of MurmurHash3.
fn mixed(mut h: u32) -> u32 {
    h ^= h >> 16;
    h = h.wrapping_mul(0x85eb_ca6b);
    h ^= h >> 13;
    h = h.wrapping_mul(0xc2b2_ae35);
    h ^ (h >> 16)
}
