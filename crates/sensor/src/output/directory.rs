//! The log directory.

use std::fs::{DirBuilder, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

/// Mode of directories that are made.
const DIRECTORY_MODE: u32 = 0o750;
/// Mode of files that are made.
pub(crate) const FILE_MODE: u32 = 0o640;

/// Makes the directory where it is missing, and sees that files can be made in it.
pub(crate) fn prepare(directory: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(DIRECTORY_MODE).create(directory)?;
    let probe = directory.join(format!(".maltrail-{}", std::process::id()));
    OpenOptions::new().create(true).append(true).mode(FILE_MODE).open(&probe)?;
    std::fs::remove_file(&probe)
}
