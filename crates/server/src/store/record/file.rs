//! Files of whole lines that are appended to: the server's own journal, and the text log beside it.

use std::collections::VecDeque;
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::store::StoreError;

/// Mode of files: sensor and server under different users of one group share them.
const FILE_MODE: u32 = 0o640;
/// Files that are open at a time: the days of a window and one more. The one that was used longest ago is closed.
const MAX_OPEN: usize = 10;

/// What becomes of a last line without an end, left by a crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Torn {
    /// It is ended, and stays: others write that file too.
    End,
    /// It is cut off: nobody was told that it is there.
    Drop,
}

/// Device and inode.
pub(super) fn identity(metadata: &Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}

/// An error with what can be done about it.
pub(super) fn explain(path: &Path, source: io::Error) -> StoreError {
    let advice = match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "make room on that disk",
        io::ErrorKind::ReadOnlyFilesystem => "mount it for writing or set LOG_DIR to another directory",
        io::ErrorKind::PermissionDenied => {
            "give this user the right to write there or set LOG_DIR to another directory"
        }
        io::ErrorKind::WouldBlock => "another server writes it; give each server a LOG_DIR of its own",
        _ => "see to that directory or set LOG_DIR to another",
    };
    StoreError::Io { what: format!("cannot write {}; {advice}", path.display()), source }
}

/// One open file.
#[derive(Debug)]
pub(super) struct Lines {
    path: PathBuf,
    file: File,
    identity: (u64, u64),
    /// Where its last line that stands for good ends.
    length: u64,
}

impl Lines {
    fn open(path: &Path, torn: Torn) -> io::Result<Lines> {
        let new = !path.exists();
        let mut file = OpenOptions::new().create(true).read(true).append(true).mode(FILE_MODE).open(path)?;
        if torn == Torn::Drop {
            file.try_lock().map_err(io::Error::from)?;
        }
        let metadata = file.metadata()?;
        let mut length = whole_length(&mut file, metadata.len())?;
        if length != metadata.len() {
            match torn {
                Torn::Drop => file.set_len(length)?,
                Torn::End => {
                    file.write_all(b"\n")?;
                    length = metadata.len() + 1;
                }
            }
        }
        if new && let Some(parent) = path.parent() {
            // The name of the file is on disk too.
            File::open(parent)?.sync_all()?;
        }
        Ok(Lines { path: path.to_path_buf(), file, identity: identity(&metadata), length })
    }

    fn current(&self) -> bool {
        std::fs::metadata(&self.path).is_ok_and(|m| identity(&m) == self.identity)
    }

    /// Bytes of whole lines.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// Appends; what fails is to be taken back by [`Lines::cut`].
    pub(super) fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        self.file.write_all(lines)?;
        self.length += lines.len() as u64;
        Ok(())
    }

    /// Puts it on disk.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    /// Takes back what stands behind a length.
    pub(super) fn cut(&mut self, length: u64) -> io::Result<()> {
        self.file.set_len(length)?;
        self.length = length;
        Ok(())
    }
}

/// Open files, at most [`MAX_OPEN`].
#[derive(Debug)]
pub(super) struct OpenFiles {
    torn: Torn,
    files: VecDeque<Lines>,
}

impl OpenFiles {
    pub(super) fn new(torn: Torn) -> OpenFiles {
        OpenFiles { torn, files: VecDeque::new() }
    }

    /// The file of a path, opened where it is not, or where another file has its name now.
    pub(super) fn get(&mut self, path: &Path) -> Result<&mut Lines, StoreError> {
        let found = self.files.iter().position(|lines| lines.path == path);
        let lines = match found.and_then(|at| self.files.remove(at)) {
            Some(lines) if lines.current() => lines,
            _ => Lines::open(path, self.torn).map_err(|error| explain(path, error))?,
        };
        if self.files.len() >= MAX_OPEN {
            self.files.pop_front();
        }
        self.files.push_back(lines);
        self.files.back_mut().ok_or_else(|| StoreError::Unknown(path.display().to_string()))
    }

    /// Closes a file: what is wrong with it is seen when it is opened again.
    pub(super) fn close(&mut self, path: &Path) {
        self.files.retain(|lines| lines.path != path);
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.files.len()
    }
}

/// Length of a file up to the end of its last whole line.
fn whole_length(file: &mut File, length: u64) -> io::Result<u64> {
    const STEP: u64 = 64 * 1024;
    let mut end = length;
    while end > 0 {
        let start = end.saturating_sub(STEP);
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(start))?;
        Read::by_ref(file).take(end - start).read_to_end(&mut bytes)?;
        if let Some(at) = memchr::memrchr(b'\n', &bytes) {
            return Ok(start + at as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn torn_lines_are_ended_or_dropped() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a");
        for (torn, expected) in [(Torn::Drop, "one\nnew\n"), (Torn::End, "one\ntw\nnew\n")] {
            std::fs::write(&path, "one\ntw").unwrap();
            let mut files = OpenFiles::new(torn);
            files.get(&path).unwrap().append(b"new\n").unwrap();
            assert_eq!(std::fs::read_to_string(&path).unwrap(), expected);
            assert_eq!(files.get(&path).unwrap().length(), expected.len() as u64);
        }
    }

    #[test]
    fn a_file_that_was_renamed_is_left_and_another_begun() {
        let directory = tempfile::tempdir().unwrap();
        let (path, rotated) = (directory.path().join("a"), directory.path().join("a.1"));
        let mut files = OpenFiles::new(Torn::Drop);
        files.get(&path).unwrap().append(b"one\n").unwrap();
        std::fs::rename(&path, &rotated).unwrap();
        files.get(&path).unwrap().append(b"two\n").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "two\n");
        assert_eq!(std::fs::read_to_string(&rotated).unwrap(), "one\n");
    }

    #[test]
    fn two_writers_of_one_journal_are_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a");
        let mut files = OpenFiles::new(Torn::Drop);
        files.get(&path).unwrap();
        let error = OpenFiles::new(Torn::Drop).get(&path).unwrap_err();
        assert!(error.to_string().contains("another server"), "{error}");
    }

    #[test]
    fn as_many_files_are_open_as_may_be() {
        let directory = tempfile::tempdir().unwrap();
        let mut files = OpenFiles::new(Torn::End);
        for (n, open) in (1..=MAX_OPEN + 1).zip((1..=MAX_OPEN).chain([MAX_OPEN])) {
            files.get(&directory.path().join(n.to_string())).unwrap();
            assert_eq!(files.len(), open);
        }
    }
}
