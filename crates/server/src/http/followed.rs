//! What is read from a file, and read again when the file is replaced or changed: trails, certificates. What cannot be
//! read leaves what was there before in use, is told once, and is not tried again before the file changes or some time
//! has passed.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use crate::stamp::Stamp;

/// How long a file that could not be read is left alone: it may have been the system (no descriptors, no memory).
const RETRY: Duration = Duration::from_secs(60);

/// Reads the file, or says why it cannot be used.
type Read<T> = Box<dyn Fn(&Path) -> Result<T, String> + Send + Sync>;

/// The newest state of a file that could be read.
pub(super) struct Followed<T> {
    path: PathBuf,
    read: Read<T>,
    seen: RwLock<Seen<T>>,
    /// Held by the one who reads.
    reading: Mutex<()>,
}

struct Seen<T> {
    /// The state that was read last, well or not.
    stamp: Option<Stamp>,
    failed: Option<Instant>,
    value: Option<Arc<T>>,
}

impl<T> fmt::Debug for Followed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Followed").field(&self.path).finish()
    }
}

impl<T: Send + Sync + 'static> Followed<T> {
    /// Follows a file that was not read yet.
    pub(super) fn new(
        path: PathBuf,
        read: impl Fn(&Path) -> Result<T, String> + Send + Sync + 'static,
    ) -> Arc<Followed<T>> {
        let seen = RwLock::new(Seen { stamp: None, failed: None, value: None });
        Arc::new(Followed { path, read: Box::new(read), seen, reading: Mutex::default() })
    }

    /// What the file holds now. Reads it, where it must be read, on a thread for blocking work; who comes meanwhile
    /// is given what was there before.
    pub(super) async fn get(self: &Arc<Self>) -> Option<Arc<T>> {
        if !self.changed() {
            return self.value();
        }
        let this = self.clone();
        tokio::task::spawn_blocking(move || this.in_work()).await.ok()?
    }

    /// The same, for blocking work.
    pub(super) fn in_work(&self) -> Option<Arc<T>> {
        if self.changed()
            && let Err(error) = self.refresh()
        {
            tracing::error!(path = %self.path.display(), %error, "a file cannot be used; what was read before stays in use");
        }
        self.value()
    }

    fn value(&self) -> Option<Arc<T>> {
        self.seen.read().unwrap_or_else(PoisonError::into_inner).value.clone()
    }

    /// Whether it is to be read. A file that is gone is not: it may be on its way.
    fn changed(&self) -> bool {
        let Some(found) = Stamp::of(&self.path) else { return false };
        let seen = self.seen.read().unwrap_or_else(PoisonError::into_inner);
        seen.stamp != Some(found) || seen.failed.is_some_and(|failed| failed.elapsed() >= RETRY)
    }

    /// Reads it, unless somebody else does. Blocks.
    ///
    /// # Errors
    /// It cannot be read, or what it holds cannot be used.
    pub(super) fn refresh(&self) -> Result<(), String> {
        let Ok(_reading) = self.reading.try_lock() else { return Ok(()) };
        // Before it is read: what is changed meanwhile is read again.
        let stamp = Stamp::of(&self.path);
        let read = (self.read)(&self.path);
        let mut seen = self.seen.write().unwrap_or_else(PoisonError::into_inner);
        seen.stamp = stamp;
        seen.failed = read.is_err().then(Instant::now);
        seen.value = Some(Arc::new(read?));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[tokio::test]
    async fn a_file_is_read_once_for_each_state_of_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("number");
        let reads = Arc::new(AtomicU32::new(0));
        let counted = reads.clone();
        let followed = Followed::new(path.clone(), move |path| {
            counted.fetch_add(1, Ordering::Relaxed);
            let text = fs::read_to_string(path).map_err(|error| error.to_string())?;
            text.parse::<u32>().map_err(|error| error.to_string())
        });
        let put = |text: &str| {
            fs::write(path.with_extension("new"), text).unwrap();
            fs::rename(path.with_extension("new"), &path).unwrap();
        };
        assert_eq!(followed.get().await, None, "absent");
        for (text, value, read) in [("7", 7, 1), ("broken", 7, 2), ("8", 8, 3)] {
            put(text);
            for _ in 0..3 {
                assert_eq!(followed.get().await.as_deref(), Some(&value), "{text}");
                assert_eq!(reads.load(Ordering::Relaxed), read, "{text}");
            }
        }
        fs::remove_file(&path).unwrap();
        assert_eq!(followed.get().await.as_deref(), Some(&8));
        assert!(followed.refresh().unwrap_err().contains("No such file"));
    }

    #[tokio::test]
    async fn what_failed_is_tried_again_after_a_while() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        fs::write(&path, "x").unwrap();
        let tries = Arc::new(AtomicU32::new(0));
        let counted = tries.clone();
        let followed = Followed::new(path, move |_| match counted.fetch_add(1, Ordering::Relaxed) {
            0 => Err("no descriptors".to_owned()),
            tries => Ok(tries),
        });
        assert_eq!(followed.get().await, None);
        assert_eq!((followed.get().await, tries.load(Ordering::Relaxed)), (None, 1));
        let long_ago = Instant::now().checked_sub(RETRY);
        followed.seen.write().unwrap().failed = long_ago;
        assert_eq!(followed.get().await.as_deref(), long_ago.map(|_| &1));
    }
}
