//! What was seen lately, up to a number and an age.
//!
//! At the limit new keys are refused, not old ones forgotten: an attacker cannot flush what is known. What is too old
//! goes only when room is needed.

use std::hash::Hash;

use foldhash::fast::FixedState;
use hashbrown::HashMap;
use packet::{Micros, TableLimit, TableUsage};

/// How often a full table looks for what is over.
const SWEEP_MICROS: i64 = Micros::SECOND;

/// What is known of a key.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry<V> {
    /// Since when it counts.
    pub(crate) since: Micros,
    pub(crate) value: V,
}

/// Keys of traffic with what is known of them.
pub(crate) struct Table<K, V> {
    entries: HashMap<K, Entry<V>, FixedState>,
    limit: usize,
    age: i64,
    swept: Option<Micros>,
    refused: u64,
}

impl<K: Eq + Hash, V: Copy + Default> Table<K, V> {
    /// Of at most `limit` keys, each for `age` microseconds.
    pub(crate) fn new(limit: usize, age: i64, seed: u64) -> Table<K, V> {
        Table { entries: HashMap::with_hasher(FixedState::with_seed(seed)), limit, age, swept: None, refused: 0 }
    }

    /// Whether the key is known and not too old.
    pub(crate) fn has(&self, key: &K, now: Micros) -> bool {
        self.entries.get(key).is_some_and(|entry| now.since(entry.since) < self.age)
    }

    /// What is known of the key, made anew where nothing is or it is too old; `None` at the limit.
    pub(crate) fn entry(&mut self, key: K, now: Micros) -> Option<&mut Entry<V>> {
        if self.entries.len() >= self.limit && !self.entries.contains_key(&key) {
            self.sweep(now);
            if self.entries.len() >= self.limit {
                self.refused += 1;
                return None;
            }
        }
        let fresh = Entry { since: now, value: V::default() };
        let entry = self.entries.entry(key).or_insert(fresh);
        if now.since(entry.since) >= self.age {
            *entry = fresh;
        }
        Some(entry)
    }

    /// Forgets every key.
    pub(crate) fn clear(&mut self) {
        self.entries.clear();
        self.swept = None;
    }

    /// What it holds and refused.
    pub(crate) fn usage(&self, name: &'static str) -> TableUsage {
        TableUsage {
            name,
            entries: self.entries.len() as u64,
            bytes: self.entries.allocation_size() as u64,
            limit: TableLimit::Entries(self.limit as u64),
            refused: self.refused,
        }
    }

    fn sweep(&mut self, now: Micros) {
        if self.swept.is_some_and(|swept| now.since(swept) < SWEEP_MICROS) {
            return;
        }
        self.swept = Some(now);
        let age = self.age;
        self.entries.retain(|_, entry| now.since(entry.since) < age);
    }
}

impl<K: Eq + Hash> Table<K, ()> {
    /// The key is seen now.
    pub(crate) fn note(&mut self, key: K, now: Micros) {
        if let Some(entry) = self.entry(key, now) {
            entry.since = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_keys_are_refused_at_the_limit_until_old_ones_are_over() {
        const AGE: i64 = 10 * Micros::SECOND;
        let mut table: Table<u128, ()> = Table::new(3, AGE, 1);
        let held = |table: &Table<u128, ()>| (table.usage("x").entries, table.usage("x").refused);
        for (key, count) in [(0, 1), (1, 2), (2, 3)] {
            table.note(key, Micros(0));
            assert_eq!(held(&table), (count, 0));
        }
        table.note(3, Micros(0));
        assert_eq!(held(&table), (3, 1));
        assert!(table.has(&0, Micros(AGE - 1)) && !table.has(&0, Micros(AGE)) && !table.has(&3, Micros(1)));
        table.note(0, Micros(5));
        assert!(table.has(&0, Micros(AGE + 4)), "seen again");
        table.note(4, Micros(AGE));
        assert_eq!(held(&table), (2, 1), "what is too old made room");
        assert!(table.has(&0, Micros(AGE)) && table.has(&4, Micros(AGE)));
    }

    #[test]
    fn a_full_table_is_looked_through_once_a_second() {
        let mut table: Table<u128, ()> = Table::new(1, 10, 1);
        table.note(0, Micros(0));
        table.note(1, Micros(0));
        let tries = [(SWEEP_MICROS - 1, 2), (SWEEP_MICROS, 2), (SWEEP_MICROS, 3)];
        for (number, (now, refused)) in (2..).zip(tries) {
            table.note(number, Micros(now));
            assert_eq!(table.usage("x").refused, refused, "{number}");
        }
    }
}
