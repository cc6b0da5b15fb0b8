//! So many of something in all, and so many for each who takes them.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use foldhash::fast::RandomState;

/// Places that are taken and given back. Keys come from clients: hashed with a random seed, at most as many as places.
pub struct Slots<K> {
    limit: usize,
    each: usize,
    taken: Mutex<Taken<K>>,
}

struct Taken<K> {
    all: usize,
    by_key: HashMap<K, usize, RandomState>,
}

/// Why there is no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Full {
    /// All are taken.
    All,
    /// This key has as many as it may.
    Key,
}

impl<K: Hash + Eq + Clone> Slots<K> {
    /// `limit` in all, `each` for one key.
    #[must_use]
    pub fn new(limit: usize, each: usize) -> Arc<Slots<K>> {
        let taken = Taken { all: 0, by_key: HashMap::default() };
        Arc::new(Slots { limit, each, taken: Mutex::new(taken) })
    }

    /// Takes a place for a key; without a key only the limit of all counts. Dropping the slot gives it back.
    ///
    /// # Errors
    /// There is none.
    pub fn take(self: &Arc<Self>, key: Option<K>) -> Result<Slot<K>, Full> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.all >= self.limit {
            return Err(Full::All);
        }
        if let Some(key) = &key {
            let own = taken.by_key.get(key).copied().unwrap_or_default();
            if own >= self.each {
                return Err(Full::Key);
            }
            taken.by_key.insert(key.clone(), own + 1);
        }
        taken.all += 1;
        Ok(Slot { slots: self.clone(), key })
    }

    /// How many are taken.
    #[must_use]
    pub fn taken(&self) -> usize {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).all
    }
}

/// A place that is taken.
pub struct Slot<K: Hash + Eq + Clone> {
    slots: Arc<Slots<K>>,
    key: Option<K>,
}

impl<K: Hash + Eq + Clone> Drop for Slot<K> {
    fn drop(&mut self) {
        let mut taken = self.slots.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.all = taken.all.saturating_sub(1);
        let Some(key) = &self.key else { return };
        match taken.by_key.get_mut(key) {
            Some(own) if *own > 1 => *own -= 1,
            _ => {
                taken.by_key.remove(key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_hold_and_places_come_back() {
        let slots: Arc<Slots<u8>> = Slots::new(3, 2);
        let mut held = vec![slots.take(Some(1)).unwrap(), slots.take(Some(1)).unwrap()];
        assert_eq!(slots.take(Some(1)).err(), Some(Full::Key));
        held.push(slots.take(Some(2)).unwrap());
        assert_eq!(slots.take(Some(3)).err(), Some(Full::All));
        assert_eq!(slots.take(None).err(), Some(Full::All));
        held.remove(0);
        assert_eq!(slots.taken(), 2);
        held.push(slots.take(Some(1)).unwrap());
        held.clear();
        assert_eq!(slots.taken(), 0);
        assert!(slots.taken.lock().unwrap().by_key.is_empty(), "nothing stays of keys that are gone");
        assert!(slots.take(None).is_ok());
    }
}
