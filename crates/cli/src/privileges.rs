//! What comes from feeds is written by strangers: whoever reads it needs no more rights than to write the trails.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use feeds::publish::Place;
use sensor::privileges;

use crate::commands::build;

/// By how much an update that comes by itself yields to others.
const NICER: i32 = 10;

/// In a directory of another user root goes on as that user; `trails_file`: TRAILS_FILE, whose default is another one for
/// each user. In one of its own an update that comes by itself keeps no capability.
///
/// # Errors
/// They could not be given up.
pub(crate) fn lessen(place: &Place, trails_file: &Path, automatic: bool) -> Result<(), String> {
    let root = rustix::process::geteuid().is_root();
    // Of the directory, or of the one that it will be made in; relative paths begin here.
    let mut directories = place.store.ancestors().skip(1).map(|path| Path::new(".").join(path));
    let owner = directories.find_map(|directory| std::fs::metadata(directory).ok());
    if let Some(owner) = owner.filter(|owner| root && owner.uid() != 0) {
        let error = go_on_as(owner.uid(), owner.gid(), trails_file);
        return Err(format!("cannot go on as the owner of the trails (user {}): {error}", owner.uid()));
    }
    if automatic {
        // Where it may not yield it goes on as it was.
        let _ = rustix::process::nice(NICER);
    }
    if automatic && root {
        privileges::keep(&[]).map_err(|error| format!("cannot give up privileges: {error}"))?;
    }
    Ok(())
}

/// The same command as another user; comes back only where that is not possible.
fn go_on_as(user: u32, group: u32, trails_file: &Path) -> io::Error {
    let program = match build::program() {
        Ok(program) => program,
        Err(error) => return error,
    };
    let mut command = Command::new(program);
    command.args(std::env::args_os().skip(1)).env("MALTRAIL_TRAILS_FILE", trails_file).uid(user).gid(group);
    command.exec()
}
