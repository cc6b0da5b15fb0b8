//! What was said already: the same flow, second and trail; a running flow told before; a response whose query was.
//!
//! Every memory has a limit. At the limit new keys are refused, so that an attacker cannot flush what is known; what
//! is not remembered is said again, never kept back.

use std::hash::{BuildHasher, Hash};

use foldhash::fast::FixedState;
use hashbrown::{HashMap, HashSet};
use packet::{Micros, TableLimit, TableUsage};

use crate::finding::{Finding, Occasion};
use crate::flows::{FLOW_MICROS, undirected};

/// Keys of one memory, about 40 bytes each.
pub(super) const KEYS: usize = 65_536;
/// How long after its query a response's name is a repetition.
const RESPONSE_MICROS: i64 = 60 * Micros::SECOND;
/// How often a full memory looks for what is over.
const SWEEP_MICROS: i64 = Micros::SECOND;

/// Makes keys of 128 bits, so that two things are not taken for one by chance; seeded, so that nobody can make them
/// meet.
#[derive(Clone, Debug)]
pub(super) struct Keys(FixedState, FixedState);

impl Keys {
    pub(super) fn new(seed: u64) -> Keys {
        Keys(FixedState::with_seed(seed), FixedState::with_seed(!seed.rotate_left(23)))
    }

    pub(super) fn of(&self, value: impl Hash) -> u128 {
        let (high, low) = (self.0.hash_one(&value), self.1.hash_one(&value));
        u128::from(high) << 64 | u128::from(low)
    }
}

/// Keys and when they were noted.
struct Recent {
    noted: HashMap<u128, Micros, FixedState>,
    limit: usize,
    window: i64,
    swept: Option<Micros>,
    refused: u64,
}

impl Recent {
    fn new(limit: usize, window: i64, seed: u64) -> Recent {
        Recent { noted: HashMap::with_hasher(FixedState::with_seed(seed)), limit, window, swept: None, refused: 0 }
    }

    fn has(&self, key: u128, now: Micros) -> bool {
        self.noted.get(&key).is_some_and(|noted| now.since(*noted) < self.window)
    }

    fn note(&mut self, key: u128, now: Micros) {
        if let Some(noted) = self.noted.get_mut(&key) {
            *noted = now;
            return;
        }
        if self.noted.len() >= self.limit {
            self.sweep(now);
        }
        if self.noted.len() >= self.limit {
            self.refused += 1;
        } else {
            self.noted.insert(key, now);
        }
    }

    fn table(&self, name: &'static str) -> TableUsage {
        TableUsage {
            name,
            entries: self.noted.len() as u64,
            bytes: self.noted.allocation_size() as u64,
            limit: TableLimit::Entries(self.limit as u64),
            refused: self.refused,
        }
    }

    fn sweep(&mut self, now: Micros) {
        if self.swept.is_some_and(|swept| now.since(swept) < SWEEP_MICROS) {
            return;
        }
        self.swept = Some(now);
        self.noted.retain(|_, noted| now.since(*noted) < self.window);
    }
}

/// The memories.
pub(super) struct Repetition {
    keys: Keys,
    second: i64,
    said: HashSet<u128, FixedState>,
    limit: usize,
    refused: u64,
    running: Recent,
    queries: Recent,
}

impl Repetition {
    pub(super) fn new(limit: usize, seed: u64) -> Repetition {
        Repetition {
            keys: Keys::new(seed),
            second: i64::MIN,
            said: HashSet::with_hasher(FixedState::with_seed(seed)),
            limit,
            refused: 0,
            running: Recent::new(limit, FLOW_MICROS, seed),
            queries: Recent::new(limit, RESPONSE_MICROS, seed),
        }
    }

    /// What the memories hold and refused: of this second, of running flows, of queries.
    pub(super) fn tables(&self) -> [TableUsage; 3] {
        let second = TableUsage {
            name: "repetitions",
            entries: self.said.len() as u64,
            bytes: self.said.allocation_size() as u64,
            limit: TableLimit::Entries(self.limit as u64),
            refused: self.refused,
        };
        [second, self.running.table("told_flows"), self.queries.table("told_queries")]
    }

    /// Whether the finding says what was said before. `now` never steps back.
    pub(super) fn of(&mut self, finding: &Finding, now: Micros) -> bool {
        let text = finding.observed.text.as_str();
        match finding.occasion {
            Occasion::Opening | Occasion::Running => {
                let key = self.keys.of((undirected(&finding.flow), text));
                if finding.occasion == Occasion::Running && self.running.has(key, now) {
                    return true;
                }
                self.running.note(key, now);
            }
            Occasion::Query | Occasion::Response => {
                let key = self.keys.of((finding.flow.src, text));
                if finding.occasion == Occasion::Query {
                    self.queries.note(key, now);
                } else if self.queries.has(key, now) {
                    return true;
                }
            }
            Occasion::Other => {}
        }
        self.this_second(finding, now)
    }

    fn this_second(&mut self, finding: &Finding, now: Micros) -> bool {
        let second = now.0.div_euclid(Micros::SECOND);
        if second != self.second {
            self.second = second;
            self.said.clear();
        }
        let key = self.keys.of((&finding.flow, finding.kind, &finding.indicator, &finding.observed.text));
        if self.said.contains(&key) {
            return true;
        }
        if self.said.len() < self.limit {
            self.said.insert(key);
        } else {
            self.refused += 1;
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_memory_refuses_new_keys_at_its_limit_until_old_ones_are_over() {
        let mut recent = Recent::new(3, 10 * Micros::SECOND, 1);
        for key in 0..3 {
            recent.note(key, Micros(0));
            assert_eq!(recent.refused, 0);
        }
        recent.note(3, Micros(0));
        assert_eq!((recent.refused, recent.noted.len()), (1, 3));
        assert!(recent.has(0, Micros(1)) && !recent.has(3, Micros(1)));
        assert!(!recent.has(0, Micros(10 * Micros::SECOND)));
        recent.note(4, Micros(10 * Micros::SECOND));
        assert_eq!((recent.refused, recent.noted.len()), (1, 1));
    }

    #[test]
    fn keys_depend_on_every_part_and_the_seed() {
        let keys = Keys::new(5);
        assert_ne!(keys.of(("a", "bc")), keys.of(("ab", "c")));
        assert_eq!(keys.of(("a", "bc")), keys.of(("a", "bc")));
        assert_ne!(keys.of("a"), Keys::new(6).of("a"));
    }
}
