//! Which batches stand in the server's own journal, so that one that is sent again is recognised after any crash.
//!
//! The journal itself says it ([`entry`](super::entry)). An index file keeps what was found in it up to which byte, so
//! that a start reads the rest only; without the index everything is read.

use std::collections::{HashSet, VecDeque};

use hashbrown::HashMap;
use rapidhash::v3::{RapidSecrets, rapidhash_v3_seeded};
use serde::{Deserialize, Serialize};

use super::entry::Part;

/// Batches that are remembered; then the oldest are forgotten, and counted. At 1,000 events a batch that is a thousand
/// million events.
pub const MAX_BATCHES: usize = 1 << 20;

static FIRST: RapidSecrets = RapidSecrets::seed(0x6261_7463_6820_6f6e);
static SECOND: RapidSecrets = RapidSecrets::seed(0x6261_7463_6820_7477);

/// A batch's id, hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct BatchKey(u64, u64);

impl BatchKey {
    pub(super) fn of(id: &str) -> BatchKey {
        BatchKey(rapidhash_v3_seeded(id.as_bytes(), &FIRST), rapidhash_v3_seeded(id.as_bytes(), &SECOND))
    }
}

/// Batches as the index file lists them: whole ones with the day of a file, and the places that are there of others.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Lists {
    whole: Vec<(BatchKey, i32)>,
    torn: Vec<(BatchKey, Vec<u32>)>,
}

/// What is known of a batch.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Known<'k> {
    /// Nothing.
    New,
    /// All of it is written.
    Whole,
    /// Only these places of it are.
    Torn(&'k HashSet<u32>),
}

/// Batches by age.
#[derive(Debug, Default)]
pub(super) struct Batches {
    whole: HashMap<BatchKey, (), foldhash::fast::RandomState>,
    /// Oldest first, with the day (days since the epoch) of a file in which it stands.
    ages: VecDeque<(BatchKey, i32)>,
    torn: HashMap<BatchKey, HashSet<u32>, foldhash::fast::RandomState>,
    forgotten: u64,
}

impl Batches {
    pub(super) fn known(&self, key: BatchKey) -> Known<'_> {
        if self.whole.contains_key(&key) {
            return Known::Whole;
        }
        self.torn.get(&key).map_or(Known::New, Known::Torn)
    }

    /// A batch is written.
    pub(super) fn whole(&mut self, key: BatchKey, day: i32) {
        self.torn.remove(&key);
        if self.whole.insert(key, ()).is_some() {
            return;
        }
        self.ages.push_back((key, day));
        if self.ages.len() > MAX_BATCHES {
            self.forgotten += 1;
            self.forget_oldest();
        }
    }

    /// A part of a batch was found in a file.
    pub(super) fn part(&mut self, key: BatchKey, part: Part, day: i32) {
        if self.whole.contains_key(&key) {
            return;
        }
        let have = self.torn.entry(key).or_default();
        have.insert(part.place);
        if have.len() >= part.of as usize {
            self.whole(key, day);
        }
    }

    /// Forgets batches of files before a day.
    pub(super) fn expire(&mut self, before: i32) {
        while self.ages.front().is_some_and(|(_, day)| *day < before) {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        if let Some((key, _)) = self.ages.pop_front() {
            self.whole.remove(&key);
        }
    }

    /// Whole batches.
    pub(super) fn len(&self) -> usize {
        self.whole.len()
    }

    /// Forgotten because there were too many.
    pub(super) fn forgotten(&self) -> u64 {
        self.forgotten
    }

    /// For the index file.
    pub(super) fn list(&self) -> Lists {
        let torn = self.torn.iter().map(|(key, have)| (*key, have.iter().copied().collect()));
        Lists { whole: self.ages.iter().copied().collect(), torn: torn.collect() }
    }

    /// From the index file.
    pub(super) fn from_lists(Lists { whole, torn }: Lists) -> Batches {
        let mut batches = Batches::default();
        for (key, day) in whole {
            batches.whole(key, day);
        }
        batches.torn = torn.into_iter().map(|(key, have)| (key, have.into_iter().collect())).collect();
        batches
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_whole_when_all_its_places_are_there() {
        let mut batches = Batches::default();
        let key = BatchKey::of("a");
        assert_eq!(batches.known(key), Known::New);
        for place in [0, 2, 2] {
            batches.part(key, Part { place, of: 3 }, 5);
            assert!(matches!(batches.known(key), Known::Torn(_)));
        }
        batches.part(key, Part { place: 1, of: 3 }, 5);
        assert_eq!(batches.known(key), Known::Whole);
        assert_eq!(batches.known(BatchKey::of("b")), Known::New);
        assert_eq!(Batches::from_lists(batches.list()).known(key), Known::Whole);
        batches.expire(5);
        assert_eq!(batches.known(key), Known::Whole);
        batches.expire(6);
        assert_eq!(batches.known(key), Known::New);
    }

    #[test]
    fn the_oldest_of_too_many_are_forgotten() {
        let mut batches = Batches::default();
        let key = |n: usize| BatchKey::of(&n.to_string());
        for n in 0..MAX_BATCHES {
            batches.whole(key(n), 1);
        }
        assert_eq!((batches.len(), batches.forgotten()), (MAX_BATCHES, 0));
        assert_eq!(batches.known(key(0)), Known::Whole);
        batches.whole(key(MAX_BATCHES), 1);
        assert_eq!((batches.len(), batches.forgotten()), (MAX_BATCHES, 1));
        assert_eq!((batches.known(key(0)), batches.known(key(1))), (Known::New, Known::Whole));
    }
}
