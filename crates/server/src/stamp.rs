//! Tells one file from the next that takes its name.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// Device, inode, size and time of the last change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp(u64, u64, u64, i64, i64);

impl Stamp {
    /// Of the file that bears the name now; none where there is none that can be looked at.
    pub(crate) fn of(path: &Path) -> Option<Stamp> {
        let meta = fs::metadata(path).ok()?;
        Some(Stamp(meta.dev(), meta.ino(), meta.size(), meta.mtime(), meta.mtime_nsec()))
    }
}
