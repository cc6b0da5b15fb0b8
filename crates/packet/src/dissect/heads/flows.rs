//! What is asked of every segment: its flow's hash, and two small tables that are looked up by it.

use std::hash::{BuildHasher, Hasher};
use std::net::{IpAddr, Ipv4Addr};

use foldhash::fast::FixedState;

use super::head::{Segment, WINDOW, distance};
use crate::Flow;

/// Counters of the filter, one byte each.
const FILTER: usize = 1 << 15;
/// Directions of which it is remembered where the next message may begin, eight bytes each.
const OPENINGS: usize = 1 << 12;
/// Segments that a direction may go on without a message that is recognised; all ones in binary.
const OPENING_SEGMENTS: u32 = 7;

/// Hash of a flow, seeded.
#[inline(always)]
pub(in crate::dissect) fn hash(state: &FixedState, flow: &Flow) -> u64 {
    let ports = [flow.src_port, flow.dst_port];
    match (flow.src, flow.dst) {
        (IpAddr::V4(src), IpAddr::V4(dst)) => hash_v4(state, [src, dst], ports),
        (src, dst) => {
            let mut hasher = state.build_hasher();
            hasher.write_u128(bits(src));
            hasher.write_u128(bits(dst));
            hasher.write_u128(joined(ports));
            hasher.finish()
        }
    }
}

/// The same of an IPv4 flow.
#[inline(always)]
pub(in crate::dissect) fn hash_v4(state: &FixedState, hosts: [Ipv4Addr; 2], ports: [u16; 2]) -> u64 {
    // One step of the hash for nearly all traffic, and addresses as they stand in a header, one behind the other.
    let [src, dst] = hosts.map(|host| u128::from(u32::from_le_bytes(host.octets())));
    let mut hasher = state.build_hasher();
    hasher.write_u128(joined(ports) << 64 | dst << 32 | src);
    hasher.finish()
}

fn joined([src, dst]: [u16; 2]) -> u128 {
    u128::from(u32::from(dst) << 16 | u32::from(src))
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(address.to_bits()),
        IpAddr::V6(address) => address.to_bits(),
    }
}

/// Counts heads by a part of their hash. A counter that is full stays so: then the table is asked in vain.
pub(super) struct Filter(Box<[u8; FILTER]>);

impl Filter {
    pub(super) fn new() -> Self {
        Filter(Box::new([0; FILTER]))
    }

    #[inline(always)]
    pub(super) fn may_hold(&self, hash: u64) -> bool {
        self.0.get(hash as usize % FILTER).is_some_and(|count| *count > 0)
    }

    pub(super) fn add(&mut self, hash: u64) {
        if let Some(count) = self.0.get_mut(hash as usize % FILTER) {
            *count = count.saturating_add(1);
        }
    }

    pub(super) fn remove(&mut self, hash: u64) {
        if let Some(count) = self.0.get_mut(hash as usize % FILTER)
            && *count < u8::MAX
        {
            *count = count.saturating_sub(1);
        }
    }
}

/// Where the next message of a direction may begin: from a SYN or the end of a message on, for a few segments. So
/// a segment that was overtaken is waited for. A cache: what is pushed out of it is only not waited for.
///
/// A slot holds a part of the flow's hash with the number of segments left in its lowest bits, and the expected
/// sequence number.
pub(super) struct Openings(Box<[(u32, u32); OPENINGS]>);

impl Openings {
    pub(super) fn new() -> Self {
        Openings(Box::new([(0, 0); OPENINGS]))
    }

    pub(super) fn set(&mut self, hash: u64, next: u32) {
        if let Some(slot) = self.0.get_mut(hash as usize % OPENINGS) {
            *slot = (tag(hash) | OPENING_SEGMENTS, next);
        }
    }

    /// Whether a segment of the flow is to be passed.
    #[inline(always)]
    pub(super) fn may_hold(&self, hash: u64) -> bool {
        self.0.get(hash as usize % OPENINGS).is_some_and(|(opening, _)| {
            // More than the tag alone: some segments are left.
            opening.wrapping_sub(tag(hash)).wrapping_sub(1) < OPENING_SEGMENTS
        })
    }

    /// Takes note of a segment. The sequence number expected before it, where something is missing.
    pub(super) fn pass(&mut self, hash: u64, segment: &Segment<'_>) -> Option<u32> {
        if !self.may_hold(hash) {
            return None;
        }
        let slot = self.0.get_mut(hash as usize % OPENINGS)?;
        let (opening, next) = *slot;
        let gap = distance(next, segment.sequence);
        if gap > 0 && gap.unsigned_abs() <= WINDOW {
            *slot = (0, 0);
            return Some(next);
        }
        *slot = (opening - 1, segment.end());
        None
    }
}

/// The part of a hash that slot numbers do not show, without the bits that count.
fn tag(hash: u64) -> u32 {
    (hash >> 32) as u32 & !OPENING_SEGMENTS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_counter_stays() {
        for (heads, stays) in [(254, false), (255, true), (256, true)] {
            let mut filter = Filter::new();
            for _ in 0..heads {
                filter.add(7);
            }
            for _ in 0..heads {
                filter.remove(7);
            }
            assert_eq!(filter.may_hold(7), stays, "{heads}");
            assert!(!filter.may_hold(8));
        }
    }
}
