//! The trails in use: loaded at the start, swapped while running.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use trails::store::{Mapped, Store, StoreError};

use crate::settings::Settings;

/// One set of trails for all workers. A newer one is taken at a batch's boundary; the old goes when the last worker
/// lets go of it.
pub(crate) struct Trails {
    store: Mutex<Arc<Store<Mapped>>>,
    generation: AtomicU64,
    refused: AtomicU64,
}

impl Trails {
    pub(crate) fn new(store: Arc<Store<Mapped>>) -> Self {
        Trails { store: Mutex::new(store), generation: AtomicU64::new(1), refused: AtomicU64::new(0) }
    }

    /// Number of the set in use, from 1.
    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    pub(crate) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// The set in use.
    pub(crate) fn store(&self) -> Arc<Store<Mapped>> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The set in use if it is another than that of `generation`, which becomes its number.
    #[inline]
    pub(crate) fn newer(&self, generation: &mut u64) -> Option<Arc<Store<Mapped>>> {
        let now = self.generation();
        if now == *generation {
            return None;
        }
        *generation = now;
        Some(self.store())
    }
}

/// Loads the set that the settings name.
pub(crate) fn load(settings: &Settings) -> Result<Store<Mapped>, StoreError> {
    Store::open(&settings.trails_file)
}
