//! What was said already: the same flow, second and trail; a running flow told before; a response whose query was.
//!
//! Every memory has a limit. At the limit new keys are refused, so that an attacker cannot flush what is known; what
//! is not remembered is said again, never kept back.

use std::hash::{BuildHasher, Hash};

use foldhash::fast::FixedState;
use hashbrown::HashSet;
use packet::{Micros, TableLimit, TableUsage};

use crate::finding::{Finding, Occasion};
use crate::flows::{FLOW_MICROS, undirected};
use crate::table::Table;

/// Keys of one memory, about 40 bytes each.
pub(super) const KEYS: usize = 65_536;
/// How long after its query a response's name is a repetition.
const RESPONSE_MICROS: i64 = 60 * Micros::SECOND;

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

/// The memories.
pub(super) struct Repetition {
    keys: Keys,
    second: i64,
    said: HashSet<u128, FixedState>,
    limit: usize,
    refused: u64,
    running: Table<u128, ()>,
    queries: Table<u128, ()>,
}

impl Repetition {
    pub(super) fn new(limit: usize, seed: u64) -> Repetition {
        Repetition {
            keys: Keys::new(seed),
            second: i64::MIN,
            said: HashSet::with_hasher(FixedState::with_seed(seed)),
            limit,
            refused: 0,
            running: Table::new(limit, FLOW_MICROS, seed),
            queries: Table::new(limit, RESPONSE_MICROS, seed),
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
        [second, self.running.usage("told_flows"), self.queries.usage("told_queries")]
    }

    /// Whether the finding says what was said before. `now` never steps back.
    pub(super) fn of(&mut self, finding: &Finding, now: Micros) -> bool {
        let text = finding.observed.text.as_str();
        match finding.occasion {
            Occasion::Opening | Occasion::Running => {
                let key = self.keys.of((undirected(&finding.flow), text));
                if finding.occasion == Occasion::Running && self.running.has(&key, now) {
                    return true;
                }
                self.running.note(key, now);
            }
            Occasion::Query | Occasion::Response => {
                let key = self.keys.of((finding.flow.src, text));
                if finding.occasion == Occasion::Query {
                    self.queries.note(key, now);
                } else if self.queries.has(&key, now) {
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
    fn keys_depend_on_every_part_and_the_seed() {
        let keys = Keys::new(5);
        assert_ne!(keys.of(("a", "bc")), keys.of(("ab", "c")));
        assert_eq!(keys.of(("a", "bc")), keys.of(("a", "bc")));
        assert_ne!(keys.of("a"), Keys::new(6).of("a"));
    }
}
