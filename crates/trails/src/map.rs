//! The map of a store's file: the only unsafe code of this crate.

use std::fs::File;
use std::path::Path;

use memmap2::Mmap;

/// A file mapped for reading.
pub struct Mapped(Mmap);

impl Mapped {
    #[allow(unsafe_code)]
    pub(crate) fn open(path: &Path) -> std::io::Result<Self> {
        let file = File::open(path)?;
        // SAFETY: a store is written to another name and renamed into place; nobody changes a file that has its final
        // name. Every read is bounds-checked against the length mapped here and no reference type but bytes is made.
        let map = unsafe { Mmap::map(&file) }?;
        Ok(Mapped(map))
    }
}

impl AsRef<[u8]> for Mapped {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}
