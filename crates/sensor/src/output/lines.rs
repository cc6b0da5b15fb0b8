//! A file of lines that others may rotate or delete: whole lines are appended, and it is opened again when it went.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::directory::{self, FILE_MODE};

/// What becomes of a last line without an end, left by a crash.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Torn {
    /// It is ended, and stays.
    End,
    /// It is cut off.
    Drop,
}

/// How a file is to be treated.
#[derive(Clone, Copy)]
pub(crate) struct Care {
    pub(crate) torn: Torn,
    /// Whether this process is to be the only one that writes it.
    pub(crate) lock: bool,
    /// The setting that says where it lies, for messages.
    pub(crate) setting: &'static str,
}

/// One open file.
pub(crate) struct Lines {
    path: PathBuf,
    setting: &'static str,
    file: File,
    identity: (u64, u64),
}

fn identity(metadata: &Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}

fn explain(path: &Path, setting: &str, error: &io::Error) -> io::Error {
    let advice = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "make room on that disk".to_owned(),
        io::ErrorKind::ReadOnlyFilesystem => format!("mount it for writing or set {setting} to another directory"),
        io::ErrorKind::PermissionDenied => {
            format!("give this user the right to write there or set {setting} to another directory")
        }
        io::ErrorKind::WouldBlock => format!("another process writes it; give each sensor a {setting} of its own"),
        _ => format!("see to that directory or set {setting} to another"),
    };
    io::Error::new(error.kind(), format!("cannot write {}: {error}; {advice}", path.display()))
}

impl Lines {
    /// Opens a file for appending.
    pub(crate) fn open(path: &Path, care: Care) -> io::Result<Self> {
        Self::try_open(path, care).map_err(|e| explain(path, care.setting, &e))
    }

    fn try_open(path: &Path, care: Care) -> io::Result<Self> {
        let Care { torn, lock, setting } = care;
        if let Some(parent) = path.parent()
            && !parent.exists()
        {
            directory::prepare(parent)?;
        }
        let mut file = OpenOptions::new().create(true).read(true).append(true).mode(FILE_MODE).open(path)?;
        if lock {
            file.try_lock().map_err(io::Error::from)?;
        }
        let metadata = file.metadata()?;
        let whole = whole_length(&mut file, metadata.len())?;
        match torn {
            _ if whole == metadata.len() => {}
            Torn::End => file.write_all(b"\n")?,
            Torn::Drop => file.set_len(whole)?,
        }
        Ok(Lines { path: path.to_path_buf(), setting, file, identity: identity(&metadata) })
    }

    /// Whether its name still leads to it.
    pub(crate) fn current(&self) -> bool {
        std::fs::metadata(&self.path).is_ok_and(|m| identity(&m) == self.identity)
    }

    /// Appends lines in one write. After a failure says how many bytes of whole lines stand in the file for good;
    /// a line that was written in part is taken back.
    pub(crate) fn append(&mut self, lines: &[u8]) -> (usize, io::Result<()>) {
        let mut written = 0;
        while let Some(rest) = lines.get(written..)
            && !rest.is_empty()
        {
            match self.file.write(rest) {
                Ok(0) => return self.take_back(lines, written, &io::ErrorKind::WriteZero.into()),
                Ok(n) => written += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return self.take_back(lines, written, &e),
            }
        }
        (written, Ok(()))
    }

    fn take_back(&mut self, lines: &[u8], written: usize, error: &io::Error) -> (usize, io::Result<()>) {
        let done = lines.get(..written).unwrap_or_default();
        let whole = done.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
        let torn = (written - whole) as u64;
        if torn > 0
            && let Ok(metadata) = self.file.metadata()
        {
            // Only where the end of the file is what was just written.
            let _ = self.file.set_len(metadata.len().saturating_sub(torn));
        }
        (whole, Err(explain(&self.path, self.setting, error)))
    }
}

/// The file of a day, one of which is open.
#[derive(Default)]
pub(super) struct OpenDay(Option<Lines>);

impl OpenDay {
    /// Appends whole lines to the file of that path; says how many bytes of them stand there for good, and why not all.
    pub(super) fn append(&mut self, path: &Path, care: Care, lines: &[u8]) -> (usize, io::Result<()>) {
        if self.0.as_ref().is_none_or(|open| open.path != path || !open.current()) {
            self.0 = None;
            match Lines::open(path, care) {
                Ok(file) => self.0 = Some(file),
                Err(error) => return (0, Err(error)),
            }
        }
        let Some(file) = &mut self.0 else { return (0, Ok(())) };
        let (bytes, result) = file.append(lines);
        if result.is_err() {
            self.0 = None;
        }
        (bytes, result)
    }
}

/// Length of the file up to the end of its last whole line.
fn whole_length(file: &mut File, length: u64) -> io::Result<u64> {
    const STEP: u64 = 4096;
    let mut end = length;
    while end > 0 {
        let start = end.saturating_sub(STEP);
        let mut bytes = vec![0; (end - start) as usize];
        file.seek(SeekFrom::Start(start))?;
        file.read_exact(&mut bytes)?;
        if let Some(at) = bytes.iter().rposition(|b| *b == b'\n') {
            return Ok(start + at as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}
