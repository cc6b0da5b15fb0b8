//! `LOG_DIR/observables-YYYY-MM-DD.jsonl`: the day is that of writing, UTC. Owned by one process, as journals are.

use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::lines::{Lines, Torn};

/// The file of a day, one of which is open.
pub(crate) struct ObservableLog {
    directory: PathBuf,
    open: Option<(PathBuf, Lines)>,
}

impl ObservableLog {
    pub(crate) fn new(directory: &Path) -> Self {
        ObservableLog { directory: directory.to_path_buf(), open: None }
    }

    /// Appends whole lines to the file of today; says how many bytes of them stand there for good, and why not all.
    pub(crate) fn append(&mut self, lines: &[u8]) -> (usize, io::Result<()>) {
        let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
        let path = self.directory.join(format!("observables-{today}.jsonl"));
        if self.open.as_ref().is_none_or(|(open, file)| *open != path || !file.current()) {
            self.open = None;
            match Lines::open(&path, Torn::Drop, true) {
                Ok(file) => self.open = Some((path, file)),
                Err(error) => return (0, Err(error)),
            }
        }
        let Some((_, file)) = &mut self.open else { return (0, Ok(())) };
        let (bytes, result) = file.append(lines);
        if result.is_err() {
            self.open = None;
        }
        (bytes, result)
    }
}
