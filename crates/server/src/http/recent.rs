//! The answers that were asked for most recently. A cache: it may forget, and its keys hold everything the answer
//! depends on, the reader's scope first.

use std::sync::{Mutex, PoisonError};

/// At most so many answers; the one not asked for the longest goes first.
pub(super) struct Recent<K, V> {
    limit: usize,
    /// Most recent last.
    entries: Mutex<Vec<(K, V)>>,
}

impl<K: PartialEq, V: Clone> Recent<K, V> {
    pub(super) fn new(limit: usize) -> Recent<K, V> {
        Recent { limit, entries: Mutex::default() }
    }

    pub(super) fn get(&self, key: &K) -> Option<V> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let at = entries.iter().position(|(known, _)| known == key)?;
        let entry = entries.remove(at);
        let value = entry.1.clone();
        entries.push(entry);
        Some(value)
    }

    pub(super) fn put(&self, key: K, value: V) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.retain(|(known, _)| *known != key);
        entries.push((key, value));
        let over = entries.len().saturating_sub(self.limit);
        entries.drain(..over);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_asked_for_last_stays() {
        let recent = Recent::new(2);
        recent.put(1, "a");
        recent.put(2, "b");
        assert_eq!(recent.get(&1), Some("a"));
        recent.put(3, "c");
        assert_eq!((recent.get(&1), recent.get(&2), recent.get(&3)), (Some("a"), None, Some("c")));
        recent.put(3, "d");
        assert_eq!((recent.get(&1), recent.get(&3)), (Some("a"), Some("d")));
    }
}
