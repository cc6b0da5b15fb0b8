//! What a generation of trails was made of, in a file beside it.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::inert::Inert;
use crate::round::Health;

/// Largest manifest that is read, bytes.
const MAX_MANIFEST: u64 = 16 << 20;

/// A generation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Its number: larger is newer.
    pub generation: u64,
    /// When it was made.
    pub built: Timestamp,
    /// Trails in it.
    pub trails: u64,
    /// The same by kind.
    pub kinds: BTreeMap<String, u64>,
    /// The feeds that were asked.
    pub feeds: Vec<Health>,
    /// Trees and lists besides: directories, files.
    pub sources: Vec<String>,
    /// Lines that were refused, by cause.
    pub refused: BTreeMap<String, u64>,
    /// Lines that were left out, by cause.
    pub left_out: BTreeMap<String, u64>,
    /// What is new, and what is gone, since the generation before.
    pub change: Option<Change>,
    /// Trails that can never be found.
    #[serde(default)]
    pub inert: Inert,
    /// Put back by hand: updates that come by themselves do not replace it.
    #[serde(default)]
    pub held: bool,
}

/// The difference between two generations.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// The one before.
    pub since: u64,
    /// Trails that are new.
    pub added: u64,
    /// Trails that are gone.
    pub removed: u64,
    /// Those that are new by their reference, of the references with the most.
    pub added_by: BTreeMap<String, u64>,
    /// Those that are gone.
    pub removed_by: BTreeMap<String, u64>,
}

impl Manifest {
    /// Reads one; none where there is none that can be read.
    #[must_use]
    pub fn read(path: &Path) -> Option<Manifest> {
        if fs::metadata(path).ok()?.len() > MAX_MANIFEST {
            return None;
        }
        serde_json::from_slice(&fs::read(path).ok()?).ok()
    }

    /// Writes it to a file that is not in use yet.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        let mut file = File::create(path)?;
        serde_json::to_writer_pretty(&mut file, self)?;
        file.write_all(b"\n")?;
        file.sync_all()
    }
}
