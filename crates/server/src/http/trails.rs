//! The trail store that is in use, opened again when it is replaced.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use trails::Store;
use trails::store::Mapped;

use crate::stamp::Stamp;

/// A store of trails that follows its file.
#[derive(Default)]
pub struct Trails {
    path: Option<PathBuf>,
    current: RwLock<Option<(Stamp, Arc<Store<Mapped>>)>>,
}

impl Trails {
    /// Of a file; none: there are no trails.
    #[must_use]
    pub fn new(path: Option<PathBuf>) -> Trails {
        Trails { path, current: RwLock::default() }
    }

    /// The store as it is now. What cannot be opened leaves the one before it in use, and the log says so.
    #[must_use]
    pub fn get(&self) -> Option<Arc<Store<Mapped>>> {
        let path = self.path.as_deref()?;
        let found = Stamp::of(path);
        let known = self.current.read().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(found) = found else { return known.map(|(_, store)| store) };
        if let Some((stamp, store)) = &known
            && *stamp == found
        {
            return Some(store.clone());
        }
        match Store::open(path) {
            Ok(store) => {
                let store = Arc::new(store);
                let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
                *current = Some((found, store.clone()));
                Some(store)
            }
            Err(error) => {
                tracing::error!(path = %path.display(), %error, "trails cannot be opened; those from before stay");
                known.map(|(_, store)| store)
            }
        }
    }
}
