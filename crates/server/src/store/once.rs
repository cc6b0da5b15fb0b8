//! The store of a log directory for one look at it, without a server.
//!
//! Where no server owns the state directory it is used and brought up to date, so that the next look is quick. Beside
//! a running server the logs are read into a directory of their own, which is removed afterwards. The log directory is
//! never written to.

use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::files::Lock;
use super::record::{self, FileState};
use super::{Archive, ArchiveSettings, StoreError};
use crate::addresses::Local;
use crate::observables::{Observables, ObservablesError, ObservablesSettings, Reading};

/// See the module.
pub struct Once {
    archive: Arc<Archive>,
    unreadable: Vec<String>,
    /// Removed at the end.
    temporary: Option<Temporary>,
}

/// A directory of one's own.
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            tracing::warn!("{} cannot be removed: {error}", self.0.display());
        }
    }
}

impl Once {
    /// Reads all that the log directory holds.
    ///
    /// # Errors
    /// A directory cannot be read or written.
    pub fn open(log_dir: &Path, state_dir: &Path, zone: TimeZone, now: Timestamp) -> Result<Once, StoreError> {
        let failed = |what: &str, path: &Path| {
            let what = format!("cannot {what} {}", path.display());
            move |source| StoreError::Io { what, source }
        };
        std::fs::read_dir(log_dir).map_err(failed("read", log_dir))?;
        let open = |state_dir: PathBuf| {
            Archive::open(ArchiveSettings { state_dir, zone: zone.clone(), local: Local::default() }, now)
        };
        let (archive, temporary) = match open(state_dir.to_owned()) {
            Ok(archive) => (archive, None),
            Err(StoreError::InUse(_)) => {
                let name = format!("maltrail-{}-{}", std::process::id(), now.as_nanosecond());
                let path = std::env::temp_dir().join(name);
                // Not where somebody else made it before.
                std::fs::DirBuilder::new().mode(0o700).create(&path).map_err(failed("make", &path))?;
                let temporary = Temporary(path.clone());
                (open(path)?, Some(temporary))
            }
            Err(error) => return Err(error),
        };
        let archive = Arc::new(archive);
        let reports = record::read_once(log_dir, &zone, Arc::clone(&archive) as Arc<dyn record::Sink>)?;
        let unreadable = reports.into_iter().filter_map(|(name, report)| match report.state {
            FileState::Unreadable(why) => Some(format!("{name}: {why}")),
            _ => None,
        });
        let once = Once { unreadable: unreadable.collect(), archive, temporary };
        if once.temporary.is_none() {
            once.archive.flush()?;
        }
        Ok(once)
    }

    /// What was read.
    #[must_use]
    pub fn archive(&self) -> &Archive {
        &self.archive
    }

    /// Files that could not be read, and why: what is found without them is not all.
    #[must_use]
    pub fn unreadable(&self) -> &[String] {
        &self.unreadable
    }
}

/// Observables for one look at them: with what the files of the log directory hold where no server owns the state
/// directory, else beside it, as far as it has read.
pub struct OnceObserved {
    reading: Reads,
    unreadable: Vec<String>,
    _lock: Option<Lock>,
}

enum Reads {
    Own(Arc<Observables>),
    Beside(Reading),
}

impl OnceObserved {
    /// Reads what there is.
    ///
    /// # Errors
    /// The state directory cannot be used.
    pub fn open(log_dir: &Path, state_dir: &Path, now: Timestamp) -> Result<OnceObserved, ObservablesError> {
        let lock = match super::files::make_directory(state_dir).and_then(|()| Lock::take(state_dir)) {
            Ok(lock) => lock,
            // Of a server, or of another user.
            Err(_) => {
                let reading = Reads::Beside(Reading::open(state_dir)?);
                return Ok(OnceObserved { reading, unreadable: Vec::new(), _lock: None });
            }
        };
        let observables = Arc::new(Observables::open(state_dir, ObservablesSettings::default())?);
        let unreadable = record::take_once(log_dir, Arc::clone(&observables), Arc::new(move || now));
        Ok(OnceObserved { reading: Reads::Own(observables), unreadable, _lock: Some(lock) })
    }

    /// For questions.
    #[must_use]
    pub fn reading(&self) -> &Reading {
        match &self.reading {
            Reads::Own(observables) => observables.reading(),
            Reads::Beside(reading) => reading,
        }
    }

    /// Files that could not be read, and why: what is found without them is not all.
    #[must_use]
    pub fn unreadable(&self) -> &[String] {
        &self.unreadable
    }
}
