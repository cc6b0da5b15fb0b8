//! What is told of each file.

use std::collections::BTreeMap;

use super::names::Form;

/// By name of the file.
pub type Reports = BTreeMap<String, FileReport>;

/// How a file stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum FileState {
    /// It is being read.
    #[default]
    Reading,
    /// All of it is read.
    Current,
    /// A text line waits for the journal's.
    Waiting,
    /// All of it is read, and no line of it is an event.
    NoEvents,
    /// It cannot be read, and why.
    Unreadable(String),
}

/// One file of the log directory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileReport {
    /// What it holds.
    pub form: Option<Form>,
    /// How it stands.
    pub state: FileState,
    /// Bytes of its content that are read.
    pub upto: u64,
    /// Lines that were read since the start.
    pub lines: u64,
    /// Of these, such as are no events.
    pub refused: u64,
}
