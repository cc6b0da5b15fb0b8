//! Directories of the server.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

/// Mode of directories: sensor and server under different users of one group share them.
const MODE: u32 = 0o750;

/// Makes a directory with its parents, where it is missing.
///
/// # Errors
/// It cannot be made.
pub fn make_directory(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(MODE).create(path)
}
