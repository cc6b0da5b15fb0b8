//! The index of batches: `STATE_DIR/received.index`, so that a start reads only what was written since.
//!
//! It is derived: without it, or where it does not fit the files, the journals of the window are read from their start.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::append::{day_number, journal_day};
use super::batches::{BatchKey, Batches, Lists};
use super::entry;
use super::file::identity;
use super::names;
use super::reader::Reader;
use crate::store::StoreError;

const NAME: &str = "received.index";
/// Changes with the form of the file.
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
struct SavedFile {
    name: String,
    device: u64,
    inode: u64,
    /// Up to which byte its batches are in the lists.
    upto: u64,
}

#[derive(Default, Serialize, Deserialize)]
struct Saved {
    version: u32,
    files: Vec<SavedFile>,
    batches: Lists,
}

/// What is known at a start.
pub(super) struct Loaded {
    pub(super) batches: Batches,
    /// Up to which byte each journal was looked at.
    pub(super) upto: BTreeMap<String, u64>,
    /// Bytes of journals that were read for it.
    #[cfg_attr(not(test), allow(dead_code, reason = "what tests look at"))]
    pub(super) read: u64,
}

fn failed(what: &str, path: &Path, source: io::Error) -> StoreError {
    StoreError::Io { what: format!("cannot {what} {}", path.display()), source }
}

/// Reads the index and what the journals hold beyond it. `since`: the first day whose batches may come again.
pub(super) fn load(log_dir: &Path, state_dir: &Path, since: i32) -> Result<Loaded, StoreError> {
    let saved = saved(&state_dir.join(NAME)).unwrap_or_default();
    let mut batches = Batches::from_lists(saved.batches);
    let mut upto = BTreeMap::new();
    let mut read = 0;
    for (day, path) in journals(log_dir)?.into_iter().filter(|(day, _)| *day >= since) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let metadata = std::fs::metadata(&path).map_err(|e| failed("read", &path, e))?;
        let of_same = |file: &&SavedFile| file.name == name && (file.device, file.inode) == identity(&metadata);
        let from = saved.files.iter().find(of_same).map_or(0, |file| file.upto);
        let from = if from > metadata.len() { 0 } else { from };
        let more = scan(&path, from, day, &mut batches).map_err(|e| failed("read", &path, e))?;
        upto.insert(name, from + more);
        read += more;
    }
    batches.expire(since);
    Ok(Loaded { batches, upto, read })
}

fn saved(path: &Path) -> Option<Saved> {
    let text = std::fs::read(path).ok()?;
    let saved: Saved = serde_json::from_slice(&text).ok()?;
    (saved.version == VERSION).then_some(saved)
}

/// The server's own journals, oldest first.
fn journals(log_dir: &Path) -> Result<Vec<(i32, PathBuf)>, StoreError> {
    let entries = std::fs::read_dir(log_dir).map_err(|e| failed("read", log_dir, e))?;
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| path.is_file());
    let mut journals: Vec<_> = paths.filter_map(|path| Some((day_number(journal_day(&path)?), path))).collect();
    journals.sort();
    Ok(journals)
}

/// Reads whole lines from a byte on; returns their bytes. A torn last line stands for nothing.
fn scan(path: &Path, from: u64, day: i32, batches: &mut Batches) -> io::Result<u64> {
    let Some(name) = path.file_name().and_then(|name| names::parse(name.to_str()?)) else { return Ok(0) };
    let mut reader = Reader::open(path, name, from)?;
    loop {
        reader.fill(None)?;
        let lines = reader.lines();
        if lines.is_empty() {
            return Ok(reader.offset() - from);
        }
        for line in lines.split(|byte| *byte == b'\n') {
            if let Some((id, part)) = std::str::from_utf8(line).ok().and_then(entry::batch) {
                batches.part(BatchKey::of(&id), part, day);
            }
        }
        reader.consume(lines.len());
    }
}

/// Writes the index: whole, then renamed.
pub(super) fn store(
    log_dir: &Path,
    state_dir: &Path,
    batches: &Batches,
    upto: &BTreeMap<String, u64>,
) -> Result<(), StoreError> {
    let file = |(name, upto): (&String, &u64)| {
        let metadata = std::fs::metadata(log_dir.join(name)).ok()?;
        let (device, inode) = identity(&metadata);
        Some(SavedFile { name: name.clone(), device, inode, upto: *upto })
    };
    let saved = Saved { version: VERSION, files: upto.iter().filter_map(file).collect(), batches: batches.list() };
    let (path, written) = (state_dir.join(NAME), state_dir.join(format!("{NAME}.new")));
    let write = || {
        let mut file = File::create(&written)?;
        file.write_all(&serde_json::to_vec(&saved)?)?;
        file.sync_all()?;
        std::fs::rename(&written, &path)?;
        File::open(state_dir)?.sync_all()
    };
    write().map_err(|e| failed("write", &path, e))
}

#[cfg(test)]
mod tests {
    use super::super::entry::Part;
    use super::super::sample::stored;
    use super::*;

    fn line(batch: &str, place: u32, of: u32) -> Vec<u8> {
        let mut stored = stored(u64::from(place));
        stored.event.batch = batch.into();
        let mut line = Vec::new();
        entry::write(&stored, Some(Part { place, of }), &mut line).unwrap();
        line
    }

    #[test]
    fn only_what_was_written_since_is_read() {
        let directory = tempfile::tempdir().unwrap();
        let logs = directory.path();
        let journal = logs.join("received-2026-11-20.jsonl");
        let day = day_number("2026-11-20".parse().unwrap());
        std::fs::write(&journal, [line("a", 0, 1), line("b", 1, 2), line("c", 0, 1)].concat()).unwrap();
        std::fs::write(logs.join("received-2026-11-01.jsonl"), line("old", 0, 1)).unwrap();
        let first = load(logs, logs, day - 8).unwrap();
        assert_eq!(first.batches.len(), 2);
        assert!(first.read > 0);
        store(logs, logs, &first.batches, &first.upto).unwrap();

        let mut file = File::options().append(true).open(&journal).unwrap();
        let more = line("b", 0, 2);
        file.write_all(&more).unwrap();
        file.write_all(b"{\"v\":1,\"torn").unwrap();
        let second = load(logs, logs, day - 8).unwrap();
        assert_eq!((second.read, second.batches.len()), (more.len() as u64, 3));
        std::fs::write(logs.join(NAME), "damaged").unwrap();
        let third = load(logs, logs, day - 8).unwrap();
        assert_eq!((third.read > second.read, third.batches.len()), (true, 3));
        assert_eq!(load(logs, logs, day + 1).unwrap().batches.len(), 0);
    }
}
