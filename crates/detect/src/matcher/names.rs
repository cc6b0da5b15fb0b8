//! Names that were looked up and are not listed: most DNS messages are about one of a few.
//!
//! A name is passed over only if the very same bytes were looked up before, in the same trails. A name is remembered at
//! its second sight: those that are never asked for again cost a hash, and push out nothing.

use std::hash::BuildHasher;

use foldhash::fast::FixedState;

/// Names remembered; a further one takes the place of another.
const NAMES: usize = 1 << 11;
/// Longest name that is remembered, bytes: with its length before it, a cache line.
const LENGTH: usize = 63;

pub(super) struct Names {
    slots: Box<[[u8; 1 + LENGTH]; NAMES]>,
    /// Of each place the name that was seen there last, as its hash.
    seen: Box<[u64; NAMES]>,
    state: FixedState,
}

/// Where a name has its place: its hash.
#[derive(Clone, Copy)]
pub(super) struct Place(u64);

impl Place {
    #[inline(always)]
    fn index(self) -> usize {
        (self.0 % NAMES as u64) as usize
    }
}

impl Place {
    /// Hash of the name, of a secret seed.
    #[inline(always)]
    pub(super) fn hash(self) -> u64 {
        self.0
    }
}

impl Names {
    pub(super) fn new(seed: u64) -> Names {
        Names {
            slots: Box::new([[0; 1 + LENGTH]; NAMES]),
            seen: Box::new([0; NAMES]),
            state: FixedState::with_seed(seed),
        }
    }

    #[inline(always)]
    pub(super) fn place(&self, name: &[u8]) -> Place {
        Place(self.state.hash_one(name))
    }

    #[inline(always)]
    fn has(&self, place: Place, name: &[u8]) -> bool {
        let Some((length, text)) = self.slots.get(place.index()).and_then(|slot| slot.split_first()) else {
            return false;
        };
        usize::from(*length) == name.len() && text.get(..name.len()) == Some(name) && !name.is_empty()
    }

    /// Has a name looked up, unless it is known not to be listed; `look_up` says whether it is.
    #[inline(always)]
    pub(super) fn ask(&mut self, place: Place, name: &[u8], look_up: impl FnOnce() -> bool) {
        if !self.has(place, name) && !look_up() {
            self.note(place, name);
        }
    }

    /// A name that was looked up and is not listed.
    #[inline]
    fn note(&mut self, place: Place, name: &[u8]) {
        let Some(seen) = self.seen.get_mut(place.index()) else { return };
        if std::mem::replace(seen, place.0) == place.0 {
            self.keep(place, name);
        }
    }

    #[cold]
    fn keep(&mut self, place: Place, name: &[u8]) {
        let slot = self.slots.get_mut(place.index()).and_then(|slot| slot.split_first_mut());
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

    impl Names {
        fn knows(&self, name: &[u8]) -> bool {
            self.has(self.place(name), name)
        }

        fn see(&mut self, name: &[u8]) {
            self.note(self.place(name), name);
        }
    }

    #[test]
    fn only_the_very_same_name_is_passed_over() {
        let mut names = Names::new(7);
        assert!(!names.knows(b"") && !names.knows(b"a.com") && !names.knows(b"\0"));
        names.see(b"a.com");
        assert!(!names.knows(b"a.com"), "once is not enough");
        names.see(b"a.com");
        assert!(names.knows(b"a.com"));
        assert!(!names.knows(b"A.com") && !names.knows(b"a.co") && !names.knows(b"a.com\0") && !names.knows(b"b.com"));
        names.see(b"");
        names.see(b"");
        assert!(!names.knows(b""));
    }

    #[test]
    fn names_that_do_not_come_again_push_out_nothing() {
        let mut names = Names::new(7);
        let usual: Vec<String> = (0..100).map(|n| format!("usual{n}.com")).collect();
        for name in usual.iter().chain(&usual) {
            names.see(name.as_bytes());
        }
        let before: Vec<bool> = usual.iter().map(|name| names.knows(name.as_bytes())).collect();
        assert!(before.iter().filter(|known| **known).count() > 80);
        (0..10 * NAMES).for_each(|n| names.see(format!("once{n}.com").as_bytes()));
        let after: Vec<bool> = usual.iter().map(|name| names.knows(name.as_bytes())).collect();
        assert_eq!(before, after);
    }

    #[test]
    fn no_more_are_kept_than_there_are_places() {
        let mut names = Names::new(7);
        let all: Vec<String> = (0..10 * NAMES).map(|n| format!("host{n}.com")).collect();
        for name in &all {
            names.see(name.as_bytes());
            names.see(name.as_bytes());
            assert!(names.knows(name.as_bytes()), "the last one is kept");
        }
        let kept = all.iter().filter(|name| names.knows(name.as_bytes())).count();
        assert!((1..=NAMES).contains(&kept));
    }

    #[test]
    fn long_names_are_looked_up_every_time() {
        let mut names = Names::new(7);
        for (length, kept) in [(LENGTH - 1, true), (LENGTH, true), (LENGTH + 1, false), (255, false)] {
            let name = vec![b'a'; length];
            names.see(&name);
            names.see(&name);
            assert_eq!(names.knows(&name), kept, "{length}");
        }
    }
}
