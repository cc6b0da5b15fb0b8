//! `LOG_DIR/observables-YYYY-MM-DD.jsonl`: the day is that of writing, UTC. Owned by one process, as journals are.

use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::lines::{Care, OpenDay, Torn};
use super::{LOG_DIR, LineLog};

/// The file of a day, one of which is open.
pub(crate) struct ObservableLog {
    directory: PathBuf,
    open: OpenDay,
}

impl ObservableLog {
    pub(crate) fn new(directory: &Path) -> Self {
        ObservableLog { directory: directory.to_path_buf(), open: OpenDay::default() }
    }
}

impl LineLog for ObservableLog {
    fn append(&mut self, lines: &[u8]) -> (usize, io::Result<()>) {
        let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
        let path = self.directory.join(format!("observables-{today}.jsonl"));
        self.open.append(&path, Care { torn: Torn::Drop, lock: true, setting: LOG_DIR }, lines)
    }
}
