//! What goes wrong with frames on their way: cut, flipped, duplicated, reordered.

use crate::Recorded;
use crate::random::Random;

/// Every frame once at every length, from nothing to whole: for each length one stream in which all frames
/// longer than that are cut to it.
pub fn every_cut(frames: &[Recorded]) -> impl Iterator<Item = Vec<Recorded>> + '_ {
    let longest = frames.iter().map(|f| f.bytes.len()).max().unwrap_or(0);
    (0..longest).map(|length| frames.iter().map(|f| f.cut(length)).collect())
}

/// Flips about one bit in `one_in` bytes.
#[must_use]
pub fn flip(frames: &[Recorded], one_in: usize, seed: u64) -> Vec<Recorded> {
    let mut random = Random::new(seed);
    let mut out = frames.to_vec();
    for byte in out.iter_mut().flat_map(|f| &mut f.bytes) {
        if random.below(one_in) == 0 {
            *byte ^= 1 << random.below(8);
        }
    }
    out
}

/// Every frame twice.
#[must_use]
pub fn duplicate(frames: &[Recorded]) -> Vec<Recorded> {
    frames.iter().flat_map(|f| [f.clone(), f.clone()]).collect()
}

/// Frames up to `reach` places from where they were; times stay in order of arrival.
#[must_use]
pub fn reorder(frames: &[Recorded], reach: usize, seed: u64) -> Vec<Recorded> {
    let mut random = Random::new(seed);
    let mut out = frames.to_vec();
    for chunk in out.chunks_mut(reach.max(1) + 1) {
        random.shuffle(chunk);
    }
    for (frame, original) in out.iter_mut().zip(frames) {
        frame.time = original.time;
    }
    out
}

#[cfg(test)]
mod tests {
    use packet::{LinkType, Micros};

    use super::*;
    use crate::packet::Built;

    fn frames() -> Vec<Recorded> {
        (0..20_u8)
            .map(|n| Recorded::new(Micros(i64::from(n)), Built { link: LinkType(1), bytes: vec![n; 40] }))
            .collect()
    }

    #[test]
    fn cuts_go_from_nothing_to_one_byte_missing() {
        let lengths: Vec<usize> = every_cut(&frames()).map(|s| s[0].bytes.len()).collect();
        assert_eq!(lengths, (0..40).collect::<Vec<_>>());
        assert!(every_cut(&frames()).all(|s| s.iter().all(|f| f.wire_length == 40)));
    }

    #[test]
    fn flipping_changes_some_bytes_and_no_length() {
        let (before, after) = (frames(), flip(&frames(), 10, 1));
        assert_ne!(before, after);
        assert!(before.iter().zip(&after).all(|(a, b)| a.bytes.len() == b.bytes.len()));
    }

    #[test]
    fn reordering_keeps_every_frame_and_the_times() {
        let (before, after) = (frames(), reorder(&frames(), 3, 1));
        assert_ne!(before, after);
        assert!(after.windows(2).all(|w| w[0].time <= w[1].time));
        let sorted = |frames: &[Recorded]| {
            let mut bytes: Vec<_> = frames.iter().map(|f| f.bytes.clone()).collect();
            bytes.sort();
            bytes
        };
        assert_eq!(sorted(&before), sorted(&after));
        assert_eq!(duplicate(&before).len(), 40);
    }
}
