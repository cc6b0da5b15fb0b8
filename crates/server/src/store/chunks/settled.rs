//! The part of a day that lies on disk: slices for pages, and the fold itself, to which later segments are added.
//!
//! `chunks/DAY/NAME/` holds `0.zst`, `1.zst` ... and `whole.zst`; `entry.json` comes last and says what they are. A
//! directory appears whole under its name. The one before stays until the next, for pages that are reading it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::Moment;
use super::part::{Part, Piece, Size, broken, fold_segments, hash, slices, tally};
use crate::Scope;
use crate::addresses::Local;
use crate::condense::{Fold, Ranked, chunk};
use crate::store::StoreError;
use crate::store::archive::Archive;
use crate::store::files::{failed, make_directory, step, sync_directory, write_whole};
use crate::store::segment::{Segment, Tally};

/// Version of folding and of its evidence. With another one everything is folded anew.
const VERSION: u32 = 2;
/// Made parts of a day that are kept.
const KEPT: usize = 2;

/// What `entry.json` says.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Entry {
    version: u32,
    /// First second and hours of the day: another zone has other days.
    start: i64,
    hours: u8,
    /// Which addresses of one's own it took as local; 0: none but those of private ranges.
    #[serde(default)]
    local: u64,
    /// Counts up with every part that is made of the day.
    made: u64,
    /// Segments it was folded of.
    segments: Vec<u64>,
    /// These, and those they were compacted from.
    held: Vec<u64>,
    tally: Tally,
    /// Slices, with the hash of their bytes.
    slices: Vec<(Size, u64)>,
    whole: u64,
}

/// A settled part.
#[derive(Debug)]
pub(super) struct Settled {
    entry: Entry,
    pub(super) part: Arc<Part>,
}

/// Segments that are not in a settled part, which is usable beside them.
pub(super) fn not_in(settled: Option<&Settled>, segments: &[Arc<Segment>]) -> Vec<Arc<Segment>> {
    let held = settled.map(|settled| settled.entry.held.as_slice()).unwrap_or_default();
    segments.iter().filter(|segment| !covers(held, segment)).cloned().collect()
}

/// Whether all events of a segment are among what is held.
fn covers(held: &[u64], segment: &Segment) -> bool {
    let replaces = &segment.meta.replaces;
    held.contains(&segment.meta.id) || (!replaces.is_empty() && replaces.iter().all(|id| held.contains(id)))
}

/// A number for what is local: another one, another fold.
fn local_number(local: &Local) -> u64 {
    if local.own().is_empty() { 0 } else { hash(&local.own().bytes()) }
}

impl Entry {
    /// Whether what it was folded of is there now, in segments that hold nothing that is not in it.
    fn usable(&self, moment: &Moment, local: u64) -> bool {
        let there = |id: &u64| {
            let has = |segment: &&Arc<Segment>| segment.meta.id == *id || segment.meta.replaces.contains(id);
            moment.segments.iter().find(has).is_some_and(|segment| covers(&self.held, segment))
        };
        self.version == VERSION
            && self.start == moment.window.start_seconds()
            && self.hours == moment.window.slots()
            && self.local == local
            && self.segments.iter().all(there)
    }

    fn part(&self, name: &str) -> Arc<Part> {
        let pieces = self.slices.iter().map(|(size, _)| (*size, Piece::Disk)).collect();
        Arc::new(Part { name: name.to_owned(), tally: self.tally, pieces })
    }
}

impl Archive {
    fn chunks_of(&self, day: Date) -> PathBuf {
        self.settings.state_dir.join("chunks").join(day.to_string())
    }

    /// The newest settled part that is usable.
    pub(super) fn settled(&self, moment: &Moment) -> Option<Arc<Settled>> {
        let directory = self.chunks_of(moment.day);
        let newest =
            entries(&directory).into_iter().find(|(_, entry)| entry.usable(moment, local_number(&self.settings.local)));
        newest.map(|(name, entry)| Arc::new(Settled { part: entry.part(&name), entry }))
    }

    /// Takes all segments of a moment into the settled part.
    pub(super) fn settle(&self, moment: &Moment) -> Result<Option<Arc<Settled>>, StoreError> {
        let _folding = self.folding();
        let before = self.settled(moment);
        let recent = not_in(before.as_deref(), &moment.segments);
        if recent.is_empty() {
            return Ok(before);
        }
        let begun = before.as_ref().and_then(|settled| self.whole(moment.day, settled));
        let (mut fold, more) = match begun {
            Some(fold) => (fold, recent),
            None => (self.new_fold(moment.window), moment.segments.clone()),
        };
        fold_segments(self, &mut fold, &more, moment.bounds, &Scope::everything())?;
        self.write_settled(moment, &fold).map(Some)
    }

    /// The fold of a settled part; none where its file is damaged.
    fn whole(&self, day: Date, settled: &Settled) -> Option<Fold> {
        let path = self.chunks_of(day).join(&settled.part.name).join("whole.zst");
        let bytes = fs::read(&path).ok().filter(|bytes| hash(bytes) == settled.entry.whole)?;
        let fold = chunk::decompress(&bytes).and_then(|bytes| chunk::decode(&bytes)).ok()?;
        Some(fold.with_local(self.settings.local.clone()))
    }

    fn write_settled(&self, moment: &Moment, fold: &Fold) -> Result<Arc<Settled>, StoreError> {
        let directory = self.chunks_of(moment.day);
        let older = entries(&directory);
        let made = older.iter().map(|(_, entry)| entry.made + 1).max().unwrap_or(1);
        let new = directory.join("new");
        let _ = fs::remove_dir_all(&new);
        make_directory(&new)?;
        let write = |name: &str, bytes: &[u8]| {
            let path = new.join(name);
            write_whole(&path, bytes).map_err(failed("written", &path))
        };
        let mut sizes = Vec::new();
        let ranked = Ranked::new(fold);
        slices(&ranked, |size, bytes| {
            write(&format!("{}.zst", sizes.len()), &bytes)?;
            sizes.push((size, hash(&bytes)));
            Ok(())
        })?;
        let whole = chunk::compress(&chunk::encode_whole(&ranked)).map_err(broken)?;
        write("whole.zst", &whole)?;
        let ids = |segment: &Arc<Segment>| segment.meta.id;
        let with_parts =
            |segment: &Arc<Segment>| segment.meta.replaces.iter().copied().chain([segment.meta.id]).collect();
        let entry = Entry {
            version: VERSION,
            start: moment.window.start_seconds(),
            hours: moment.window.slots(),
            local: local_number(&self.settings.local),
            made,
            segments: moment.segments.iter().map(ids).collect(),
            held: moment.segments.iter().flat_map::<Vec<u64>, _>(with_parts).collect(),
            tally: tally(fold),
            slices: sizes,
            whole: hash(&whole),
        };
        let json = serde_json::to_vec(&entry).map_err(|e| failed("written", &new)(io::Error::other(e)))?;
        write("entry.json", &json)?;
        // What it is made of and when: never the name of something else.
        let name = format!("s{made}x{:016x}", hash(&json));
        let path = directory.join(&name);
        // One of this name whose entry is damaged.
        let _ = fs::remove_dir_all(&path);
        let placed = step().and_then(|()| fs::rename(&new, &path)).and_then(|()| sync_directory(&directory));
        placed.map_err(failed("written", &path))?;
        for (old, _) in older.iter().skip(KEPT - 1) {
            let _ = fs::remove_dir_all(directory.join(old));
        }
        Ok(Arc::new(Settled { part: entry.part(&name), entry }))
    }

    /// A slice on disk. None: there is no such part there.
    pub(super) fn settled_chunk(&self, day: Date, part: &str, place: usize) -> Result<Option<Bytes>, StoreError> {
        if !part.starts_with('s') || !part.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Ok(None);
        }
        let directory = self.chunks_of(day).join(part);
        let Some(entry) = read_entry(&directory) else { return Ok(None) };
        let Some((_, known)) = entry.slices.get(place) else { return Ok(None) };
        let path = directory.join(format!("{place}.zst"));
        match fs::read(&path) {
            Ok(bytes) if hash(&bytes) == *known => Ok(Some(bytes.into())),
            Ok(_) => self.damaged_chunk(&directory, &path),
            Err(error) if error.kind() == io::ErrorKind::NotFound => self.damaged_chunk(&directory, &path),
            Err(error) => Err(failed("read", &path)(error)),
        }
    }

    /// What is damaged goes: the next manifest has it made anew.
    fn damaged_chunk(&self, directory: &Path, path: &Path) -> Result<Option<Bytes>, StoreError> {
        let _folding = self.folding();
        tracing::warn!("{} is damaged: the chunks of its day are made anew", path.display());
        fs::remove_dir_all(directory).map_err(failed("removed", directory))?;
        Err(StoreError::Damaged(path.display().to_string()))
    }

    /// Removes chunks of days that have no segments any more.
    pub(super) fn remove_old_chunks(&self) -> Result<(), StoreError> {
        let _folding = self.folding();
        let days: Vec<String> = self.zone_days().iter().map(Date::to_string).collect();
        let directory = self.settings.state_dir.join("chunks");
        let entries = match fs::read_dir(&directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(failed("read", &directory)(error)),
        };
        for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
            let known =
                path.file_name().and_then(|name| name.to_str()).is_some_and(|name| days.iter().any(|d| d == name));
            if !known {
                fs::remove_dir_all(&path).map_err(failed("removed", &path))?;
            }
        }
        Ok(())
    }
}

fn read_entry(directory: &Path) -> Option<Entry> {
    let json = fs::read(directory.join("entry.json")).ok()?;
    let name = directory.file_name()?.to_str()?;
    // The name tells what the entry must be.
    let intact = name.rsplit_once('x').is_some_and(|(_, sum)| sum == format!("{:016x}", hash(&json)));
    intact.then(|| serde_json::from_slice(&json).ok())?
}

/// Parts of a day on disk with their names, the newest first.
fn entries(directory: &Path) -> Vec<(String, Entry)> {
    let Ok(found) = fs::read_dir(directory) else { return Vec::new() };
    let paths = found.filter_map(|entry| Some(entry.ok()?.path()));
    let mut entries: Vec<(String, Entry)> =
        paths.filter_map(|path| Some((path.file_name()?.to_str()?.to_owned(), read_entry(&path)?))).collect();
    entries.sort_by_key(|(_, entry)| std::cmp::Reverse(entry.made));
    entries
}
