//! Changes of files that are whole or did not happen.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::StoreError;

/// Makes an error of an I/O error: what was tried, on which file.
pub(super) fn failed<'p>(what: &'static str, path: &'p Path) -> impl FnOnce(io::Error) -> StoreError + use<'p> {
    move |source| StoreError::Io { what: format!("{} cannot be {what}{}", path.display(), advice(&source)), source }
}

/// What the operator can do.
pub(super) fn advice(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            " (the disk is full: make room, or keep fewer days)"
        }
        io::ErrorKind::ReadOnlyFilesystem => " (mounted read-only)",
        io::ErrorKind::PermissionDenied => " (give it to the user that the server runs as)",
        _ => "",
    }
}

/// Owns a directory until it is dropped.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    pub(super) fn take(directory: &Path) -> Result<Lock, StoreError> {
        let path = directory.join("lock");
        let options = OpenOptions::new().write(true).create(true).truncate(false).mode(0o640).open(&path);
        let file = options.map_err(failed("opened", &path))?;
        match file.try_lock() {
            Ok(()) => Ok(Lock { _file: file }),
            Err(TryLockError::WouldBlock) => Err(StoreError::InUse(directory.display().to_string())),
            Err(TryLockError::Error(error)) => Err(failed("locked", &path)(error)),
        }
    }
}

/// Makes a directory with its parents.
pub(super) fn make_directory(path: &Path) -> Result<(), StoreError> {
    crate::make_directory(path).map_err(failed("made", path))
}

/// Writes a file whole: a reader, also after a crash, sees the old content or the new.
pub(super) fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let new = path.with_extension("new");
    step()?;
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o640).open(&new)?;
    file.write_all(bytes)?;
    step()?;
    file.sync_all()?;
    step()?;
    std::fs::rename(&new, path)?;
    step()?;
    sync_directory(path.parent().unwrap_or(Path::new(".")))
}

/// Puts the names of a directory on disk.
pub(super) fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// A place where a crash may happen. Tests make it happen.
#[cfg(not(test))]
#[allow(clippy::unnecessary_wraps, reason = "tests put an error here")]
pub(super) fn step() -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
pub(super) use fault::step;

/// Crashes at a given step.
#[cfg(test)]
pub(super) mod fault {
    use std::cell::Cell;
    use std::io;

    thread_local! {
        static LEFT: Cell<Option<u32>> = const { Cell::new(None) };
    }

    /// From now on so many steps go well, and none after them.
    pub(crate) fn crash_after(steps: Option<u32>) {
        LEFT.set(steps);
    }

    /// Whether it came to a crash.
    pub(crate) fn crashed() -> bool {
        LEFT.get() == Some(0)
    }

    pub(crate) fn step() -> io::Result<()> {
        match LEFT.get() {
            None => Ok(()),
            Some(0) => Err(io::Error::from(io::ErrorKind::StorageFull)),
            Some(left) => {
                LEFT.set(Some(left - 1));
                if left == 1 { Err(io::Error::from(io::ErrorKind::StorageFull)) } else { Ok(()) }
            }
        }
    }
}
