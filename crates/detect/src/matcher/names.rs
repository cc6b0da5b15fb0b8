//! Names that were looked up and are not listed: most DNS messages are about one of a few.
//!
//! A name is passed over only if the very same bytes were looked up before, in the same trails.

use std::hash::BuildHasher;

use foldhash::fast::FixedState;

/// Names remembered; a further one takes the place of another.
const NAMES: usize = 1 << 11;
/// Longest name that is remembered, bytes: with its length before it, a cache line.
const LENGTH: usize = 63;

pub(super) struct Names {
    slots: Box<[[u8; 1 + LENGTH]]>,
    state: FixedState,
}

impl Names {
    pub(super) fn new(seed: u64) -> Names {
        Names { slots: vec![[0; 1 + LENGTH]; NAMES].into_boxed_slice(), state: FixedState::with_seed(seed) }
    }

    #[inline(always)]
    fn place(&self, name: &[u8]) -> usize {
        (self.state.hash_one(name) % NAMES as u64) as usize
    }

    #[inline(always)]
    pub(super) fn has(&self, name: &[u8]) -> bool {
        let Some((length, text)) = self.slots.get(self.place(name)).and_then(|slot| slot.split_first()) else {
            return false;
        };
        usize::from(*length) == name.len() && text.get(..name.len()) == Some(name) && !name.is_empty()
    }

    pub(super) fn note(&mut self, name: &[u8]) {
        let place = self.place(name);
        let slot = self.slots.get_mut(place).and_then(|slot| slot.split_first_mut());
        if let Some((length, text)) = slot
            && let Some(text) = text.get_mut(..name.len())
        {
            text.copy_from_slice(name);
            *length = name.len() as u8;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_very_same_name_is_passed_over() {
        let mut names = Names::new(7);
        assert!(!names.has(b"") && !names.has(b"a.com") && !names.has(b"\0"));
        names.note(b"a.com");
        assert!(names.has(b"a.com"));
        assert!(!names.has(b"A.com") && !names.has(b"a.co") && !names.has(b"a.com\0") && !names.has(b"b.com"));
        names.note(b"");
        assert!(!names.has(b""));
    }

    #[test]
    fn no_more_are_kept_than_there_are_places() {
        let mut names = Names::new(7);
        let all: Vec<String> = (0..10 * NAMES).map(|n| format!("host{n}.com")).collect();
        for name in &all {
            names.note(name.as_bytes());
            assert!(names.has(name.as_bytes()), "the last one is kept");
        }
        let kept = all.iter().filter(|name| names.has(name.as_bytes())).count();
        assert!((1..=NAMES).contains(&kept));
    }

    #[test]
    fn long_names_are_looked_up_every_time() {
        let mut names = Names::new(7);
        for (length, kept) in [(LENGTH - 1, true), (LENGTH, true), (LENGTH + 1, false), (255, false)] {
            let name = vec![b'a'; length];
            names.note(&name);
            assert_eq!(names.has(&name), kept, "{length}");
        }
    }
}
