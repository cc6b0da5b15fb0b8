//! The trail store that is in use, opened again when it is replaced.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use trails::load;
use trails::store::{Mapped, Store};

use super::followed::Followed;

/// The store of trails that a sensor here uses too, wherever it could be built. Follows its files.
pub struct Trails(Vec<Arc<Followed<Store<Mapped>>>>);

impl Trails {
    /// Of TRAILS_FILE, and where the store of a CSV lies if it cannot lie beside it. Opens what is there.
    #[must_use]
    pub fn new(file: &Path, cache_dir: &Path) -> Trails {
        let follow = |path: PathBuf| {
            let followed = Followed::new(path.clone(), |path| Store::open(path).map_err(|error| error.to_string()));
            if path.is_file()
                && let Err(error) = followed.refresh()
            {
                tracing::error!(path = %path.display(), %error, "trails cannot be used");
            }
            followed
        };
        Trails(load::places(file, cache_dir).into_iter().map(follow).collect())
    }

    /// The store as it is now. What cannot be opened leaves the one before it in use, and the log says so.
    pub async fn get(&self) -> Option<Arc<Store<Mapped>>> {
        let mut found = Vec::new();
        for place in &self.0 {
            found.extend(place.get().await);
        }
        latest(found)
    }

    /// The same, for blocking work.
    #[must_use]
    pub fn in_work(&self) -> Option<Arc<Store<Mapped>>> {
        latest(self.0.iter().filter_map(|place| place.in_work()))
    }
}

/// The one that was built last.
fn latest(stores: impl IntoIterator<Item = Arc<Store<Mapped>>>) -> Option<Arc<Store<Mapped>>> {
    stores.into_iter().max_by_key(|store| store.generation_info().built_at)
}
