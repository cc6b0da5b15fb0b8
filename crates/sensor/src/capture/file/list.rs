//! Which files a list of paths stands for.

use std::fs;
use std::path::{Path, PathBuf};

/// Directories within directories that are followed.
const MAX_DEPTH: usize = 16;

/// One file to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The file; `-` is standard input.
    pub path: PathBuf,
    /// Named by the user; else found in a directory, where what is no capture is passed over.
    pub named: bool,
}

/// Files in the order given; a directory stands for the files below it, sorted by path.
#[must_use]
pub fn expand(paths: &[PathBuf]) -> Vec<Listed> {
    let mut out = Vec::new();
    for path in paths {
        if path.is_dir() {
            let mut found = Vec::new();
            walk(path, MAX_DEPTH, &mut found);
            found.sort();
            out.extend(found.into_iter().map(|path| Listed { path, named: false }));
        } else {
            out.push(Listed { path: path.clone(), named: true });
        }
    }
    out
}

fn walk(directory: &Path, depth: usize, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(directory) else { return };
    for path in entries.flatten().map(|e| e.path()) {
        match fs::metadata(&path) {
            Ok(m) if m.is_dir() && depth > 0 => walk(&path, depth - 1, found),
            Ok(m) if m.is_file() => found.push(path),
            _ => {}
        }
    }
}
