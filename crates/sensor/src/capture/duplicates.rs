//! Packets that several interfaces show: a bridge and its ports, both ends of a veth pair, a VLAN and its parent.
//!
//! A frame counts as seen before if *another* interface showed the same IP packet a moment ago. The same packet twice
//! on one interface is two packets. The cache is bounded; what it forgets is at worst counted twice.

use std::hash::{BuildHasher, Hasher};

use ::packet::{Frame, Micros, TableLimit, TableUsage};
use foldhash::quality::RandomState;

/// Sets of packets remembered, all together those of a busy link for as long as a ring may be read later than another,
/// some 100 ms.
const SETS: usize = 1 << 13;
/// Packets of one set; the oldest goes first.
const WAYS: usize = 8;
/// How long after the first sight, microseconds: the time that a busy kernel takes to hand a packet on.
const WINDOW: i64 = 20_000;
const ETHERNET: u16 = 1;

#[derive(Clone, Copy)]
struct Slot {
    hash: u64,
    time: Micros,
    interface: usize,
}

/// Packets seen a moment ago. One to a worker: both sights of a packet have the same addresses and come to the same.
pub(crate) struct Duplicates {
    sets: Vec<[Slot; WAYS]>,
    hasher: RandomState,
}

impl Duplicates {
    pub(crate) fn new() -> Self {
        let never = Slot { hash: 0, time: Micros(i64::MIN), interface: usize::MAX };
        Duplicates { sets: vec![[never; WAYS]; SETS], hasher: RandomState::default() }
    }

    /// What it takes: all of it from the start, a new packet takes the place of the oldest.
    pub(crate) fn table(&self) -> TableUsage {
        let entries = (self.sets.len() * WAYS) as u64;
        TableUsage {
            name: "duplicates",
            entries,
            bytes: size_of_val(self.sets.as_slice()) as u64,
            limit: TableLimit::Entries(entries),
            refused: 0,
        }
    }

    /// Whether another interface showed this packet a moment ago; it is remembered either way.
    pub(crate) fn seen(&mut self, frame: &Frame<'_>, interface: usize) -> bool {
        let mut hasher = self.hasher.build_hasher();
        hasher.write(essence(frame));
        let hash = hasher.finish();
        let Some(set) = self.sets.get_mut(hash as usize % SETS) else { return false };
        let known = set.iter().position(|s| s.hash == hash && frame.time.since(s.time).abs() <= WINDOW);
        if known.and_then(|at| set.get(at)).is_some_and(|s| s.interface != interface) {
            return true;
        }
        let oldest = || set.iter().enumerate().min_by_key(|(_, s)| s.time).map_or(0, |(at, _)| at);
        let at = known.unwrap_or_else(oldest);
        if let Some(slot) = set.get_mut(at) {
            *slot = Slot { hash, time: frame.time, interface };
        }
        false
    }
}

/// The part of a frame that is the same on all interfaces: behind the link header and its tags, without padding.
fn essence<'a>(frame: &Frame<'a>) -> &'a [u8] {
    if frame.link.0 != ETHERNET {
        return frame.bytes;
    }
    let mut at = 12;
    loop {
        let Some(kind) = frame.bytes.get(at..at + 2) else { return frame.bytes };
        let rest = frame.bytes.get(at + 2..).unwrap_or_default();
        match kind {
            [0x81 | 0x91, 0] | [0x88, 0xa8] => at += 4,
            [8, 0] => {
                let length = rest.get(2..4).map_or(0, |l| l.iter().fold(0, |v, b| v << 8 | usize::from(*b)));
                return if length < 20 { rest } else { rest.get(..length).unwrap_or(rest) };
            }
            _ => return frame.bytes.get(at..).unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use ::packet::LinkType;

    use super::*;

    const SLOTS: usize = SETS * WAYS;

    fn ip(id: u8) -> Vec<u8> {
        let mut out = vec![0x45, 0, 0, 28, 0, id];
        out.resize(28, 7);
        out
    }

    fn frame(head: &[u8], ip: &[u8], padding: usize) -> Vec<u8> {
        [&[1; 12], head, ip, &vec![0; padding][..]].concat()
    }

    fn seen(duplicates: &mut Duplicates, bytes: &[u8], time: i64, interface: usize) -> bool {
        duplicates.seen(&Frame { time: Micros(time), link: LinkType(1), bytes }, interface)
    }

    #[test]
    fn once_over_all_interfaces() {
        let mut d = Duplicates::new();
        let plain = frame(&[8, 0], &ip(1), 0);
        let tagged = frame(&[0x81, 0, 0, 5, 8, 0], &ip(1), 0);
        let padded = frame(&[8, 0], &ip(1), 18);
        assert!(!seen(&mut d, &plain, 1000, 0));
        assert!(seen(&mut d, &plain, 1100, 1));
        assert!(seen(&mut d, &tagged, 1200, 2));
        assert!(seen(&mut d, &padded, 900, 3), "time stamps of interfaces may cross");
        assert!(!seen(&mut d, &plain, 1300, 0), "sent twice is two packets");
        assert!(seen(&mut d, &plain, 1400, 1));
        assert!(!seen(&mut d, &frame(&[8, 0], &ip(2), 0), 1400, 1));
    }

    #[test]
    fn only_within_the_window() {
        let mut d = Duplicates::new();
        let bytes = frame(&[8, 0], &ip(1), 0);
        for (late, is_seen) in [(WINDOW - 1, true), (WINDOW, true), (WINDOW + 1, false)] {
            assert!(!seen(&mut d, &bytes, 1_000_000, 0));
            assert_eq!(seen(&mut d, &bytes, 1_000_000 + late, 1), is_seen, "{late}");
        }
    }

    #[test]
    fn the_cache_is_bounded_and_forgets_the_oldest() {
        let mut d = Duplicates::new();
        let packet = |n: u32| [&[0; 20][..], &n.to_be_bytes()].concat();
        for n in 0..(SLOTS as u32 * 2) {
            seen(&mut d, &packet(n), i64::from(n) / 100, 0);
        }
        assert_eq!(d.sets.len() * WAYS, SLOTS);
        let last = SLOTS as u32 * 2 - 1;
        assert!(seen(&mut d, &packet(last), i64::from(last) / 100, 1), "the newest is known");
        let known = |d: &mut Duplicates, n: u32| seen(d, &packet(n), i64::from(n) / 100, 1);
        let half = (last - SLOTS as u32 / 2..last).filter(|n| known(&mut d, *n)).count();
        assert!(half * 100 > SLOTS / 2 * 95, "{half} of the newer half");
        let first = (0..1000).filter(|n| known(&mut d, *n)).count();
        assert!(first < 200, "{first} of the oldest");
    }
}
