//! The map of a store file: the only unsafe code of this crate.

#![allow(unsafe_code)]

use std::fs::File;
use std::io;
use std::path::Path;

/// The read-only map of a file.
pub struct Mapped(memmap2::Mmap);

impl Mapped {
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        // SAFETY: the map is read-only and private to this value. Store files are published by renaming a
        // finished file into place and are never written again, so the bytes do not change under the borrow;
        // nothing read from them is trusted without a bounds check, whatever their value.
        let map = unsafe { memmap2::Mmap::map(&file) }?;
        Ok(Self(map))
    }
}

impl AsRef<[u8]> for Mapped {
    #[inline]
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}
