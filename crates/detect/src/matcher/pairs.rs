//! Pairs of hosts of which neither is listed: the bulk of traffic goes between few of them at a time.
//!
//! A pair is passed over only if the very same addresses were looked up before, in the same trails.

use std::net::Ipv4Addr;

/// Pairs remembered, eight bytes each; a further one takes the place of another.
const PAIRS: usize = 1 << 14;

/// Hosts that send to one another, by direction.
pub(super) struct Pairs {
    slots: Box<[u64; PAIRS]>,
    seed: u64,
}

#[inline(always)]
fn pair(hosts: [Ipv4Addr; 2]) -> u64 {
    let [src, dst] = hosts.map(|host| u64::from(u32::from_le_bytes(host.octets())));
    dst << 32 | src
}

impl Pairs {
    pub(super) fn new(seed: u64) -> Pairs {
        let mut pairs = Pairs { slots: Box::new([0; PAIRS]), seed };
        // An empty slot holds a pair that belongs to another: no question for it ends there.
        let zero = pairs.place(0);
        let other = (1..).find(|pair| pairs.place(*pair) != zero).unwrap_or_default();
        if let Some(slot) = pairs.slots.get_mut(zero) {
            *slot = other;
        }
        pairs
    }

    #[inline(always)]
    fn place(&self, pair: u64) -> usize {
        const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
        ((pair ^ self.seed).wrapping_mul(ODD) >> (u64::BITS - PAIRS.ilog2())) as usize
    }

    #[inline(always)]
    pub(super) fn has(&self, hosts: [Ipv4Addr; 2]) -> bool {
        let pair = pair(hosts);
        self.slots.get(self.place(pair)).is_some_and(|slot| *slot == pair)
    }

    pub(super) fn note(&mut self, hosts: [Ipv4Addr; 2]) {
        let pair = pair(hosts);
        let place = self.place(pair);
        if let Some(slot) = self.slots.get_mut(place) {
            *slot = pair;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_very_same_pair_is_passed_over() {
        let [a, b] = [Ipv4Addr::new(10, 0, 0, 1), Ipv4Addr::new(192, 0, 2, 1)];
        for seed in 0..100 {
            let mut pairs = Pairs::new(seed);
            assert!(!pairs.has([a, b]));
            pairs.note([a, b]);
            assert!(pairs.has([a, b]) && ![[b, a], [a, a], [b, b]].iter().any(|hosts| pairs.has(*hosts)));
        }
    }

    #[test]
    fn an_empty_table_has_none() {
        for seed in (0..100).chain([u64::MAX]) {
            let pairs = Pairs::new(seed);
            let host = |bits: u64| Ipv4Addr::from((bits as u32).to_le_bytes());
            for slot in pairs.slots.iter().copied().chain([u64::MAX]) {
                assert!(!pairs.has([host(slot), host(slot >> 32)]), "{seed} {slot}");
            }
        }
    }

    #[test]
    fn no_more_are_kept_than_there_are_places() {
        let mut pairs = Pairs::new(7);
        let hosts = || (0..10 * PAIRS as u32).map(|n| [n, !n].map(Ipv4Addr::from_bits));
        for hosts in hosts() {
            pairs.note(hosts);
            assert!(pairs.has(hosts), "the last one is kept");
        }
        let kept = hosts().filter(|hosts| pairs.has(*hosts)).count();
        assert!((1..=PAIRS).contains(&kept));
    }
}
