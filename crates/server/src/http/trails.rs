//! The trail store that is in use, opened again when it is replaced.

use std::path::PathBuf;
use std::sync::Arc;

use trails::Store;
use trails::store::Mapped;

use super::followed::Followed;

/// A store of trails that follows its file.
pub struct Trails(Option<Arc<Followed<Store<Mapped>>>>);

impl Trails {
    /// Of a file; none: there are no trails. Opens it, where it is there.
    #[must_use]
    pub fn new(path: Option<PathBuf>) -> Trails {
        let follow = |path: PathBuf| {
            let followed = Followed::new(path.clone(), |path| Store::open(path).map_err(|error| error.to_string()));
            if path.exists()
                && let Err(error) = followed.refresh()
            {
                tracing::error!(path = %path.display(), %error, "trails cannot be used");
            }
            followed
        };
        Trails(path.map(follow))
    }

    /// The store as it is now. What cannot be opened leaves the one before it in use, and the log says so.
    pub async fn get(&self) -> Option<Arc<Store<Mapped>>> {
        self.0.as_ref()?.get().await
    }

    /// The same, for blocking work.
    #[must_use]
    pub fn in_work(&self) -> Option<Arc<Store<Mapped>>> {
        self.0.as_ref()?.in_work()
    }
}
