//! What an archive finds when it starts.

use std::io;
use std::path::Path;

use jiff::Timestamp;

use super::StoreError;
use super::archive::segments_of;
use super::catalog::{self, Catalog, Found};
use super::files::{Lock, failed, make_directory, sync_directory};
use super::segment::{FORMAT, Segment, meta_of};
use super::source::{Gap, Missing, Range};

/// Segments that were set aside lie here.
pub(super) const DAMAGED: &str = "damaged";

/// Times a state directory is looked at again because its owner changed it meanwhile.
const LOOKS: usize = 16;

/// What there is.
#[derive(Default)]
pub(super) struct Opened {
    pub(super) catalog: Catalog,
    pub(super) segments: Vec<Segment>,
}

pub(super) fn open(state_dir: &Path) -> Result<(Lock, Opened), StoreError> {
    make_directory(state_dir)?;
    let lock = Lock::take(state_dir)?;
    let directory = segments_of(state_dir);
    make_directory(&directory.join(DAMAGED))?;
    let mut catalog = match Catalog::read(&directory).map_err(failed("read", &directory))? {
        Found::Catalog(catalog) => catalog,
        Found::None => recovered(&directory)?,
        Found::Unusable => {
            let path = directory.join(catalog::NAME);
            tracing::warn!("{} is damaged: it is made anew of what the segments tell", path.display());
            let aside = directory.join(DAMAGED).join(catalog::NAME);
            std::fs::rename(&path, &aside).map_err(failed("moved", &path))?;
            recovered(&directory)?
        }
    };
    let found: Vec<Segment> = catalog.segments.iter().map(|meta| Segment::new(&directory, meta.clone())).collect();
    let (damaged, segments): (Vec<_>, Vec<_>) = found.into_iter().partition(Segment::looks_damaged);
    for segment in &damaged {
        set_aside(&mut catalog, segment);
    }
    catalog.write(&directory).map_err(failed("written", &directory.join(catalog::NAME)))?;
    remove_others(&directory, &catalog).map_err(failed("cleared", &directory))?;
    Ok((lock, Opened { catalog, segments }))
}

/// What another's state directory holds of a time, without changing anything. Files are held open: they stay readable
/// when their owner removes them.
pub(super) fn beside(state_dir: &Path, from: Timestamp, to: Timestamp) -> Result<Opened, StoreError> {
    let directory = segments_of(state_dir);
    match std::fs::metadata(&directory) {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Opened::default()),
        Err(error) => return Err(failed("read", &directory)(error)),
    }
    let mut gone = String::new();
    for _ in 0..LOOKS {
        let catalog = match Catalog::read(&directory).map_err(failed("read", &directory))? {
            Found::Catalog(catalog) => catalog,
            Found::None | Found::Unusable => recovered(&directory)?,
        };
        let wanted = catalog.segments.iter().filter(|meta| meta.counts.last >= from && meta.counts.first < to);
        let held: Result<Vec<Segment>, _> = wanted
            .map(|meta| Segment::hold(&directory, meta.clone()).map_err(|error| (directory.join(meta.file()), error)))
            .collect();
        match held {
            Ok(segments) => return Ok(Opened { catalog, segments }),
            // Replaced since the catalog was read, or removed as too old.
            Err((path, error)) if error.kind() == io::ErrorKind::NotFound => gone = path.display().to_string(),
            Err((path, error)) => return Err(failed("read", &path)(error)),
        }
    }
    Err(StoreError::Damaged(format!("{gone} is missing; the store")))
}

/// Takes a segment out of a catalog; what it held becomes gaps. Its file is kept for whoever wants to look at it.
pub(super) fn set_aside(catalog: &mut Catalog, segment: &Segment) {
    let path = segment.path();
    let held: u64 = segment.meta.ranges.iter().map(|range| range.upto - range.from).sum();
    tracing::error!(
        "{} is damaged and set aside; its {} events are read again from {held} bytes of their sources",
        path.display(),
        segment.meta.counts.all.lines,
    );
    if let (Some(directory), Some(name)) = (path.parent(), path.file_name()) {
        // Where this fails the file is an orphan, which goes at the next start.
        let _ = std::fs::rename(path, directory.join(DAMAGED).join(name));
    }
    catalog.segments.retain(|meta| meta.id != segment.meta.id);
    let missing = Missing::Of(segment.meta.day);
    let gap = |range: &Range| Gap { missing: missing.clone(), range: range.clone() };
    catalog.gaps.extend(segment.meta.ranges.iter().map(gap));
}

/// A catalog of the segments that lie in a directory.
fn recovered(directory: &Path) -> Result<Catalog, StoreError> {
    let mut metas = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(failed("read", directory))? {
        let path = entry.map_err(failed("read", directory))?.path();
        if path.extension().is_some_and(|extension| extension == "parquet") {
            match meta_of(&path) {
                Ok(meta) if meta.format == FORMAT => metas.push(meta),
                Ok(meta) => {
                    tracing::warn!("{} has format {}, this program reads {FORMAT}", path.display(), meta.format)
                }
                Err(error) => tracing::warn!("{} is not used: {error}", path.display()),
            }
        }
    }
    metas.sort_by_key(|meta| meta.id);
    let missing = catalog::missing(&metas);
    if !missing.is_empty() {
        tracing::warn!(
            "of the segments in {} some are not there (numbers {missing:?}): of days that were removed, or lost; \
             what they held is read again where the logs still have it",
            directory.display()
        );
    }
    Ok(catalog::recover(metas))
}

/// Removes what a crash left: files of segments that are in no catalog.
fn remove_others(directory: &Path, catalog: &Catalog) -> io::Result<()> {
    let known: Vec<String> = catalog.segments.iter().map(super::segment::Meta::file).collect();
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        let segment = matches!(path.extension().and_then(|e| e.to_str()), Some("parquet" | "sums" | "new"));
        let parquet = path.with_extension("parquet");
        let name = parquet.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if segment && !known.iter().any(|file| file == name) {
            std::fs::remove_file(&path)?;
        }
    }
    sync_directory(directory)
}
