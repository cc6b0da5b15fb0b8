//! A bounded cache: what was not asked for the longest goes first.

use std::collections::BTreeMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};

use hashbrown::HashMap;

/// Values by key, within a number of bytes that the caller counts.
#[derive(Debug)]
pub(super) struct Cache<K, V> {
    inner: Mutex<Inner<K, V>>,
    most: usize,
}

#[derive(Debug)]
struct Inner<K, V> {
    values: HashMap<K, (V, usize, u64), foldhash::fast::RandomState>,
    /// Keys by when they were asked for.
    order: BTreeMap<u64, K>,
    held: usize,
    clock: u64,
}

impl<K: Clone + Eq + Hash, V: Clone> Cache<K, V> {
    /// Of at most so many bytes.
    pub(super) fn new(most: usize) -> Cache<K, V> {
        let inner = Inner { values: HashMap::default(), order: BTreeMap::new(), held: 0, clock: 0 };
        Cache { inner: Mutex::new(inner), most }
    }

    fn lock(&self) -> MutexGuard<'_, Inner<K, V>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn get(&self, key: &K) -> Option<V> {
        let inner = &mut *self.lock();
        inner.clock += 1;
        let (value, _, asked) = inner.values.get_mut(key)?;
        if let Some(key) = inner.order.remove(asked) {
            inner.order.insert(inner.clock, key);
        }
        *asked = inner.clock;
        Some(value.clone())
    }

    /// Keeps a value of so many bytes; one that is larger than everything is not kept.
    pub(super) fn insert(&self, key: K, value: V, bytes: usize) {
        if bytes > self.most {
            return;
        }
        let inner = &mut *self.lock();
        inner.clock += 1;
        inner.held += bytes;
        if let Some((_, before, asked)) = inner.values.insert(key.clone(), (value, bytes, inner.clock)) {
            inner.held -= before;
            inner.order.remove(&asked);
        }
        inner.order.insert(inner.clock, key);
        while inner.held > self.most {
            let Some((_, oldest)) = inner.order.pop_first() else { break };
            if let Some((_, bytes, _)) = inner.values.remove(&oldest) {
                inner.held -= bytes;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_asked_for_goes_first() {
        let cache = Cache::new(10);
        for (key, bytes) in [(1, 3), (2, 3), (3, 4)] {
            cache.insert(key, key * 10, bytes);
        }
        assert_eq!((cache.get(&1), cache.get(&2), cache.get(&3)), (Some(10), Some(20), Some(30)));
        cache.get(&1);
        cache.insert(4, 40, 1);
        assert_eq!((cache.get(&1), cache.get(&2), cache.get(&3), cache.get(&4)), (Some(10), None, Some(30), Some(40)));
        cache.insert(3, 31, 5);
        assert_eq!((cache.get(&3), cache.lock().held), (Some(31), 9));
        cache.insert(5, 50, 11);
        assert_eq!((cache.get(&5), cache.lock().held), (None, 9));
        cache.insert(6, 60, 10);
        assert_eq!((cache.get(&6), cache.get(&3), cache.lock().held), (Some(60), None, 10));
    }
}
