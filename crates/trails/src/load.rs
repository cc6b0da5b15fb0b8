//! From TRAILS_FILE to an open store: a `.bin` is mapped; from a `.csv` the store is built first when needed.

use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::builder::{Builder, Report, Stamp};
use crate::format::{self, word};
use crate::hash;
use crate::read::{self, ReadError};
use crate::store::{Mapped, SourceStamp, Store, StoreError, header_checksum};
use crate::veto::Vetoes;

/// Bytes of each sample of a file's content.
const SAMPLE: u64 = 64 * 1024;

/// Why no store could be had.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The store does not open.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The source does not read.
    #[error("{0}; check TRAILS_FILE and its permissions")]
    Read(#[from] ReadError),
    /// The store could not be written.
    #[error("cannot write the trail store {path}: {source}; free space there or set TRAILS_FILE to a writable place")]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Opens TRAILS_FILE. For a `.csv` the store beside it (or in `cache_dir`) is used if it was built from this very
/// file, else built anew in the calling thread.
///
/// # Errors
/// See [`LoadError`].
pub fn load(trails_file: &Path, cache_dir: &Path) -> Result<Store<Mapped>, LoadError> {
    load_or_build(trails_file, cache_dir).map(|(store, _)| store)
}

/// As [`load`], with what became of the lines where it was built.
///
/// # Errors
/// See [`LoadError`].
pub fn load_or_build(trails_file: &Path, cache_dir: &Path) -> Result<(Store<Mapped>, Option<Report>), LoadError> {
    if !read::is_csv(trails_file) {
        return Ok((Store::open(trails_file)?, None));
    }
    if let Some(store) = current(trails_file, cache_dir)? {
        return Ok((store, None));
    }
    let (path, report) = build(trails_file, cache_dir, &mut |_| {})?;
    Ok((Store::open(&path)?, Some(report)))
}

/// Where the store of TRAILS_FILE may lie: at most two places.
#[must_use]
pub fn places(trails_file: &Path, cache_dir: &Path) -> Vec<PathBuf> {
    if read::is_csv(trails_file) { store_paths(trails_file, cache_dir).into() } else { vec![trails_file.to_owned()] }
}

/// The store that TRAILS_FILE stands for, for whoever builds none: of a `.csv` the one that was built of this very
/// file, else the one that was built last of what the file was before.
///
/// # Errors
/// None can be opened; why the first cannot.
pub fn latest(trails_file: &Path, cache_dir: &Path) -> Result<Store<Mapped>, StoreError> {
    let stamp = if read::is_csv(trails_file) { stamp_of(trails_file).ok() } else { None };
    let rank = |store: &Store<Mapped>| {
        let info = store.generation_info();
        (Some(info.source) == stamp, info.built_at)
    };
    let mut failed = None;
    let opened = places(trails_file, cache_dir)
        .into_iter()
        .filter_map(|place| Store::open(&place).map_err(|error| failed = failed.take().or(Some(error))).ok());
    let found = opened.max_by_key(rank);
    found.ok_or_else(|| {
        let none =
            || StoreError::Io { path: trails_file.display().to_string(), source: io::ErrorKind::NotFound.into() };
        failed.unwrap_or_else(none)
    })
}

/// The store that was built of this very CSV, if there is one.
///
/// # Errors
/// The CSV cannot be read.
pub fn current(trails_file: &Path, cache_dir: &Path) -> Result<Option<Store<Mapped>>, LoadError> {
    Ok(found(trails_file, cache_dir)?.map(|(_, store)| store))
}

/// Where the store lies that was built of this very CSV, if there is one.
///
/// # Errors
/// The CSV cannot be read.
pub fn current_place(trails_file: &Path, cache_dir: &Path) -> Result<Option<PathBuf>, LoadError> {
    Ok(found(trails_file, cache_dir)?.map(|(place, _)| place))
}

fn found(trails_file: &Path, cache_dir: &Path) -> Result<Option<(PathBuf, Store<Mapped>)>, LoadError> {
    let stamp = stamp_of(trails_file).map_err(|source| ReadError { path: trails_file.to_owned(), source })?;
    let stores = store_paths(trails_file, cache_dir).into_iter();
    let mut stores = stores.filter_map(|place| Store::open(&place).ok().map(|store| (place, store)));
    Ok(stores.find(|(_, store)| store.generation_info().source == stamp))
}

/// Where the store of a CSV may lie: beside it, else in the cache directory.
fn store_paths(trails_file: &Path, cache_dir: &Path) -> [PathBuf; 2] {
    let name = hash::checksum(trails_file.as_os_str().as_encoded_bytes());
    [trails_file.with_extension("bin"), cache_dir.join(format!("trails-{name:016x}.bin"))]
}

/// Builds the store of a CSV, whether or not one is there; a child process may do this.
/// Returns where it lies and what became of the rows.
///
/// # Errors
/// The CSV cannot be read, or the store be written in neither place.
pub fn build(
    trails_file: &Path,
    cache_dir: &Path,
    progress: &mut dyn FnMut(read::Progress),
) -> Result<(PathBuf, Report), LoadError> {
    let source = stamp_of(trails_file).map_err(|source| ReadError { path: trails_file.to_owned(), source })?;
    let [beside, cached] = store_paths(trails_file, cache_dir);
    let target = if may_write_beside(&beside) {
        beside
    } else {
        fs::create_dir_all(cache_dir).map_err(|source| LoadError::Write { path: cache_dir.to_owned(), source })?;
        cached
    };
    let mut builder = Builder::new(Vetoes::default());
    read::add_csv(&mut builder, trails_file, progress)?;
    let built_at = now();
    let report = publish(builder, &target, Stamp { generation: built_at, built_at, source })?;
    Ok((target, report))
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

fn may_write_beside(target: &Path) -> bool {
    if target.is_dir() {
        return false;
    }
    let probe = temporary(target);
    let may = File::create(&probe).is_ok();
    if may {
        drop(fs::remove_file(&probe));
    }
    may
}

fn temporary(target: &Path) -> PathBuf {
    let mut name = target.as_os_str().to_owned();
    name.push(format!(".{}.tmp", std::process::id()));
    name.into()
}

/// Writes a store: temporary file, fsync, verification, rename. An older store stays until then.
///
/// # Errors
/// Writing failed, or what was written does not verify; nothing is left behind.
pub fn publish(builder: Builder, target: &Path, stamp: Stamp) -> Result<Report, LoadError> {
    let temporary = temporary(target);
    let result = write(builder, &temporary, stamp).and_then(|report| {
        fs::rename(&temporary, target).map_err(write_error(target))?;
        // The rename itself is durable once its directory is.
        let directory = target.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(directory).and_then(|directory| directory.sync_all()).map_err(write_error(target))?;
        Ok(report)
    });
    if result.is_err() {
        drop(fs::remove_file(&temporary));
    }
    result
}

fn write_error(path: &Path) -> impl FnOnce(io::Error) -> LoadError + '_ {
    move |source| LoadError::Write { path: path.to_owned(), source }
}

/// Writes a store and verifies what was written. [`publish`] is what puts one in the place of another.
///
/// # Errors
/// Writing failed, or what was written does not verify; it may be there all the same.
pub fn write(builder: Builder, path: &Path, stamp: Stamp) -> Result<Report, LoadError> {
    let file = File::create(path).map_err(write_error(path))?;
    let (out, report) = builder.finish(BufWriter::with_capacity(1 << 20, file), stamp).map_err(write_error(path))?;
    let file = out.into_inner().map_err(|error| write_error(path)(error.into_error()))?;
    file.sync_all().map_err(write_error(path))?;
    open_verified(path)?;
    Ok(report)
}

/// Makes a store say that it was built from another source: the CSV that was written of it.
///
/// # Errors
/// It cannot be read or written, or is no store.
pub fn restamp(path: &Path, source: SourceStamp) -> Result<(), LoadError> {
    let mut file = File::options().read(true).write(true).open(path).map_err(write_error(path))?;
    let mut header = vec![0; format::HEADER_LENGTH];
    file.read_exact(&mut header).map_err(write_error(path))?;
    format::put(&mut header, word::SOURCE_SIZE, source.size);
    format::put(&mut header, word::SOURCE_MTIME, source.modified);
    format::put(&mut header, word::SOURCE_HASH, source.hash);
    let checksum = header_checksum(&header);
    format::put(&mut header, word::CHECKSUM, checksum);
    file.seek(SeekFrom::Start(0)).and_then(|_| file.write_all(&header)).map_err(write_error(path))?;
    file.sync_all().map_err(write_error(path))?;
    Store::open(path)?;
    Ok(())
}

/// Opens a store and checks the checksum of everything, by reading it: what is read of a map stays in memory.
///
/// # Errors
/// The file cannot be read, is no store, or is damaged.
pub fn open_verified(path: &Path) -> Result<Store<Mapped>, StoreError> {
    let store = Store::open(path)?;
    let opened = File::open(path).map_err(|source| StoreError::Io { path: path.display().to_string(), source });
    store.verify_file(&mut opened?).map_err(|error| error.at(path))?;
    Ok(store)
}

/// Size, time and samples of a file's content.
///
/// # Errors
/// The file cannot be read.
pub fn stamp_of(path: &Path) -> io::Result<SourceStamp> {
    let mut file = File::open(path)?;
    let metadata = file.metadata()?;
    let size = metadata.len();
    let modified = metadata.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut sample = Vec::new();
    for start in [0, size / 2, size.saturating_sub(SAMPLE)] {
        file.seek(SeekFrom::Start(start))?;
        Read::by_ref(&mut file).take(SAMPLE).read_to_end(&mut sample)?;
    }
    let modified = u64::try_from(modified.as_nanos()).unwrap_or(u64::MAX);
    Ok(SourceStamp { size, modified, hash: hash::checksum(&sample) })
}
