//! A hash of a frame's two outermost IP addresses, to spread frames over workers.
//!
//! It is the formula of the packet filter that the live capture gives the kernel: all 32-bit words of
//! both addresses folded by XOR (which makes both directions equal), then the finaliser of MurmurHash3.
//! Fragments have the same addresses, so they stay together with the rest of their datagram.

use super::link;
use crate::Frame;
use crate::bytes::be32;

/// The hash; 0 where no IP header is found behind Ethernet, VLAN tags or Linux cooked, or at once.
#[must_use]
pub fn pair_hash(frame: &Frame<'_>) -> u32 {
    mixed(link::network(frame).and_then(folded).unwrap_or(0))
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
