//! Sets of trails that were looked up: the last one is kept, by a second name for its file or a copy of it, so that it is
//! known what the next one adds.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use trails::Store;
use trails::load::open_verified;
use trails::store::Mapped;

/// What names of files begin and end with; between stands what the set holds, as a number.
const START: &str = "looked-up-";
const END: &str = ".bin";
/// A set that is not known yet.
const DRAFT: &str = "looked-up.tmp";

/// A set of trails.
pub(super) struct Set {
    /// The same for the same content.
    pub(super) name: String,
    pub(super) store: Store<Mapped>,
}

/// Where they are kept.
pub(super) struct Sets(PathBuf);

impl Sets {
    pub(super) fn of(state_dir: &Path) -> Sets {
        Sets(state_dir.to_owned())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(format!("{START}{name}{END}"))
    }

    /// One that was kept.
    pub(super) fn open(&self, name: &str) -> Option<Set> {
        let store = Store::open(&self.path(name)).ok()?;
        Some(Set { name: name.to_owned(), store })
    }

    /// The set that was built last of those in some places, kept from now on; none where there is none.
    pub(super) fn newest(&self, places: &[PathBuf]) -> io::Result<Option<Set>> {
        let built = |path: &&PathBuf| Store::open(path).ok().map(|store| store.generation_info().built_at);
        let newest = places.iter().filter_map(|path| built(&path).map(|built| (built, path)));
        let Some((_, path)) = newest.max_by_key(|(built, _)| *built) else { return Ok(None) };
        let draft = self.0.join(DRAFT);
        match fs::remove_file(&draft) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        if fs::hard_link(path, &draft).is_err() {
            fs::copy(path, &draft)?;
            File::open(&draft)?.sync_all()?;
        }
        // What was replaced in between, or cut off, is looked at again.
        let store = open_verified(&draft).map_err(io::Error::other)?;
        let name = format!("{:016x}", store.fingerprint());
        fs::rename(&draft, self.path(&name))?;
        // Renaming a second name of the same file changes nothing (POSIX rename).
        let _ = fs::remove_file(&draft);
        File::open(&self.0)?.sync_all()?;
        Ok(Some(Set { name, store }))
    }

    /// Forgets all but one.
    pub(super) fn keep_only(&self, name: &str) {
        let kept = self.path(name);
        let Ok(entries) = fs::read_dir(&self.0) else { return };
        for path in entries.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| *path != kept) {
            let is_set = |name: &str| name.starts_with(START) && name.ends_with(END);
            if path.file_name().and_then(|name| name.to_str()).is_some_and(is_set)
                && let Err(error) = fs::remove_file(&path)
            {
                tracing::warn!("{} cannot be removed: {error}", path.display());
            }
        }
    }
}
