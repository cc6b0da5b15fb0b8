//! Counts of values: exact, of a bounded number of different ones.

use std::collections::HashMap;
use std::hash::Hash;

use foldhash::fast::RandomState;
use serde::Serialize;
use utoipa::ToSchema;

use crate::Scope;
use crate::enrich::{AddressFacts, Facts};

/// Most different values that are counted apart. Values come from events: new ones are refused then, and told.
const MAX_VALUES: usize = 20_000;

/// Values that are shown.
const SHOWN: usize = 100;

/// Counts while events are looked at.
pub(super) struct Tally<K> {
    counts: HashMap<K, u64, RandomState>,
    limit: usize,
    refused: u64,
}

/// Values with the most events.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
pub(super) struct Top {
    /// Most events first.
    values: Vec<Value>,
    /// How many different values there are; at least so many where `capped`.
    distinct: usize,
    /// Whether there were more different values than are counted apart.
    capped: bool,
}

/// A value and its events.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
pub(super) struct Value {
    value: String,
    events: u64,
    /// What is known of an address.
    #[serde(skip_serializing_if = "Option::is_none")]
    known: Option<AddressFacts>,
}

impl<K> Default for Tally<K> {
    fn default() -> Self {
        Tally { counts: HashMap::default(), limit: MAX_VALUES, refused: 0 }
    }
}

impl<K: Hash + Eq> Tally<K> {
    /// So many events more of a value.
    pub(super) fn add(&mut self, value: K, events: u64) {
        if let Some(count) = self.counts.get_mut(&value) {
            *count = count.saturating_add(events);
        } else if self.counts.len() < self.limit {
            self.counts.insert(value, events);
        } else {
            self.refused = self.refused.saturating_add(events);
        }
    }
}

impl Top {
    /// With what is known of those values that are addresses.
    pub(super) fn knowing(mut self, facts: &Facts<'_>, scope: &Scope) -> Top {
        for value in &mut self.values {
            value.known = value.value.parse().ok().map(|address| facts.address(address, scope));
        }
        self
    }
}

impl<K: ToString> Tally<K> {
    /// The most frequent ones; in order of their names where equal.
    pub(super) fn top(self) -> Top {
        let distinct = self.counts.len();
        let mut values: Vec<Value> = self
            .counts
            .into_iter()
            .map(|(value, events)| Value { value: value.to_string(), events, known: None })
            .collect();
        values.sort_by(|a, b| b.events.cmp(&a.events).then_with(|| a.value.cmp(&b.value)));
        values.truncate(SHOWN);
        Top { values, distinct, capped: self.refused > 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_values_are_refused_at_the_limit_and_known_ones_go_on() {
        for (values, capped) in [(2, false), (3, false), (4, true)] {
            let mut tally = Tally { limit: 3, ..Tally::default() };
            (0..values).for_each(|value| tally.add(value, 1));
            tally.add(0, 5);
            let top = tally.top();
            assert_eq!((top.distinct, top.capped), (values.min(3), capped));
            assert_eq!(top.values[0], Value { value: "0".to_owned(), events: 6, known: None });
        }
    }

    #[test]
    fn the_most_frequent_are_shown() {
        let mut tally = Tally::default();
        (0..=SHOWN).for_each(|value| tally.add(format!("{value:04}"), if value == 77 { 9 } else { 1 }));
        let top = tally.top();
        assert_eq!((top.values.len(), top.distinct), (SHOWN, SHOWN + 1));
        assert_eq!((top.values[0].value.as_str(), top.values[1].value.as_str()), ("0077", "0000"));
    }
}
