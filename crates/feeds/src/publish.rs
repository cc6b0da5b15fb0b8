//! A generation in the place of the one before it: store, CSV, manifest and difference, each whole or not at all. The one
//! before stays beside it, to be put back.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use trails::load::{self, LoadError};
use trails::{Builder, Report, Stamp, Store};

use crate::difference::compare;
use crate::inert;
use crate::manifest::{Change, Manifest};

/// Where a generation lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The store.
    pub store: PathBuf,
    /// The CSV beside it, where TRAILS_FILE names one.
    pub csv: Option<PathBuf>,
}

/// A file with another ending.
fn beside(path: &Path, ending: &str) -> PathBuf {
    path.with_extension(ending)
}

/// A file's name with an ending after its own.
fn with(path: &Path, ending: &str) -> PathBuf {
    let mut name: OsString = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

impl Place {
    /// Of TRAILS_FILE: a `.csv`, whose store lies beside it, or a store.
    #[must_use]
    pub fn of(trails_file: &Path) -> Place {
        let is_csv = trails::read::is_csv(trails_file);
        let store = if is_csv { beside(trails_file, "bin") } else { trails_file.to_owned() };
        Place { store, csv: is_csv.then(|| trails_file.to_owned()) }
    }

    /// What the generation was made of.
    #[must_use]
    pub fn manifest(&self) -> PathBuf {
        beside(&self.store, "manifest.json")
    }

    /// What is new and gone since the one before.
    #[must_use]
    pub fn difference(&self) -> PathBuf {
        beside(&self.store, "diff.csv")
    }

    /// What of it can never be found.
    #[must_use]
    pub fn inert(&self) -> PathBuf {
        beside(&self.store, "inert.csv")
    }

    /// The directory of the last good copies of its feeds.
    #[must_use]
    pub fn copies(&self) -> PathBuf {
        beside(&self.store, "feeds")
    }

    fn files(&self) -> Vec<PathBuf> {
        let mut files = vec![self.store.clone(), self.manifest(), self.difference(), self.inert()];
        files.extend(self.csv.clone());
        files
    }
}

/// Why a generation was not published.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// The store.
    #[error(transparent)]
    Store(#[from] LoadError),
    /// A file beside it.
    #[error("cannot write {path}: {source}; free space there or set TRAILS_FILE to a writable place")]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is much smaller than the one before.
    #[error(
        "there would be {now} trails, and were {before}; less than {least} are not believed (TRAIL_RELOAD_MIN_RATIO): look \
         at the feeds, or publish it all the same with --force"
    )]
    Shrunk {
        /// Trails.
        now: u64,
        /// In the one before.
        before: u64,
        /// That must be there.
        least: u64,
    },
    /// Nothing at all.
    #[error("there is not one indicator; the trails were left as they are")]
    Empty(Box<Report>),
    /// There is no generation before.
    #[error("there is no generation before to go back to")]
    NoneBefore,
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> PublishError + '_ {
    move |source| PublishError::Write { path: path.to_owned(), source }
}

/// What is published besides the set itself.
pub struct Wanted<'a> {
    /// Number and time.
    pub stamp: Stamp,
    /// The part of the trails of the one before that must be there at least; none: any number but none.
    pub min_ratio: Option<f64>,
    /// Makes the manifest.
    pub manifest: &'a mut dyn FnMut(&Report, Option<Change>) -> Manifest,
}

/// Files that are not published yet; they go with it.
struct Drafts(Vec<PathBuf>);

impl Drafts {
    fn of(&mut self, path: &Path) -> PathBuf {
        let draft = with(path, &format!(".{}.tmp", std::process::id()));
        self.0.push(draft.clone());
        draft
    }
}

impl Drop for Drafts {
    fn drop(&mut self) {
        for path in &self.0 {
            drop(fs::remove_file(path));
        }
    }
}

/// Publishes a generation.
///
/// # Errors
/// Nothing was changed then.
pub fn publish(builder: Builder, place: &Place, wanted: Wanted<'_>) -> Result<Manifest, PublishError> {
    if builder.is_empty() {
        return Err(PublishError::Empty(Box::new(builder.report().clone())));
    }
    let directory = directory_of(&place.store);
    fs::create_dir_all(&directory).map_err(at(&directory))?;
    let mut drafts = Drafts(Vec::new());
    let store = drafts.of(&place.store);
    let report = load::write(builder, &store, wanted.stamp)?;
    let before = Store::open(&place.store).ok().map(|before| before.len() as u64);
    let now: u64 = report.counts.iter().sum();
    believable(now, before.unwrap_or_default(), wanted.min_ratio)?;
    let difference = drafts.of(&place.difference());
    let change = written(&difference, |out| before.map(|_| compare(&place.store, &store, out)).transpose())?;
    let opened = Store::open(&store).map_err(LoadError::from)?;
    let unreachable = drafts.of(&place.inert());
    let inert = written(&unreachable, |out| inert::list(&opened, out))?;
    let csv = place.csv.as_ref().map(|path| drafts.of(path));
    if let Some(csv) = &csv {
        let file = File::create(csv).map_err(at(csv))?;
        trails::export::csv(&opened, &file).and_then(|_| file.sync_all()).map_err(at(csv))?;
        load::restamp(&store, load::stamp_of(csv).map_err(at(csv))?)?;
    }
    let manifest = Manifest { inert, ..(wanted.manifest)(&report, change) };
    let made_of = drafts.of(&place.manifest());
    manifest.write(&made_of).map_err(at(&made_of))?;
    drop(opened);
    put_aside(place)?;
    // The CSV last: a sensor that sees it finds the store that was built of it.
    let pairs = [
        (&store, &place.store),
        (&made_of, &place.manifest()),
        (&difference, &place.difference()),
        (&unreachable, &place.inert()),
    ];
    for (draft, path) in pairs.into_iter().chain(csv.as_ref().zip(place.csv.as_ref())) {
        fs::rename(draft, path).map_err(at(path))?;
    }
    File::open(&directory).and_then(|directory| directory.sync_all()).map_err(at(&directory))?;
    Ok(manifest)
}

/// Writes a draft; it is on disk then.
fn written<T>(draft: &Path, write: impl FnOnce(&mut dyn io::Write) -> io::Result<T>) -> Result<T, PublishError> {
    let mut out = io::BufWriter::new(File::create(draft).map_err(at(draft))?);
    let told = write(&mut out).map_err(at(draft))?;
    let file = out.into_inner().map_err(|error| at(draft)(error.into_error()))?;
    file.sync_all().map_err(at(draft))?;
    Ok(told)
}

fn directory_of(path: &Path) -> PathBuf {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    parent.unwrap_or(Path::new(".")).to_owned()
}

#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)] // Trails, and a part of them.
fn believable(now: u64, before: u64, min_ratio: Option<f64>) -> Result<(), PublishError> {
    let least = min_ratio.map_or(0, |ratio| (before as f64 * ratio).ceil() as u64);
    if now < least { Err(PublishError::Shrunk { now, before, least }) } else { Ok(()) }
}

/// The file of the generation before.
fn old(path: &Path) -> PathBuf {
    with(path, ".old")
}

/// Keeps what is there as the generation before; it stays in its place until it is replaced.
fn put_aside(place: &Place) -> Result<(), PublishError> {
    for path in place.files() {
        let aside = old(&path);
        match fs::remove_file(&aside) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(at(&aside)(error)),
            _ => {}
        }
        if path.exists() {
            twin(&path, &aside)?;
        }
    }
    Ok(())
}

/// A second name for a file, or a copy of it where a file can have but one.
fn twin(path: &Path, second: &Path) -> Result<(), PublishError> {
    fs::hard_link(path, second).or_else(|_| fs::copy(path, second).map(drop)).map_err(at(second))
}

/// Writes the manifest of the generation that is there anew.
///
/// # Errors
/// It cannot be written; the old one stays.
pub fn retell(place: &Place, manifest: &Manifest) -> Result<(), PublishError> {
    let mut drafts = Drafts(Vec::new());
    let draft = drafts.of(&place.manifest());
    manifest.write(&draft).and_then(|()| fs::rename(&draft, place.manifest())).map_err(at(&draft))
}

/// Puts the generation before in the place of the one that is there, which becomes the one before; it is held then.
///
/// # Errors
/// There is none, or a file cannot be moved.
pub fn go_back(place: &Place) -> Result<Option<Manifest>, PublishError> {
    if !old(&place.store).exists() {
        return Err(PublishError::NoneBefore);
    }
    for path in place.files() {
        let aside = old(&path);
        let mut drafts = Drafts(Vec::new());
        let spare = drafts.of(&path);
        if !aside.exists() {
            continue;
        }
        if path.exists() {
            twin(&path, &spare)?;
        }
        fs::rename(&aside, &path).map_err(at(&path))?;
        if spare.exists() {
            fs::rename(&spare, &aside).map_err(at(&aside))?;
        }
    }
    let manifest = Manifest::read(&place.manifest()).map(|manifest| Manifest { held: true, ..manifest });
    manifest.iter().try_for_each(|manifest| retell(place, manifest))?;
    Ok(manifest)
}
