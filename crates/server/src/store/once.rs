//! The events of a log directory for one look at them, with a server, beside one, or without any.
//!
//! Where nobody owns the state directory it is brought up to date first, so that the next look is quick. Then what it
//! holds is read as it stands, beside whoever owns it, and of the logs what is not in it yet. The log directory is never
//! written to, and the state directory only where it is this user's.

use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::record::{self, Asked, FileState, Reports};
use super::table::utc_day;
use super::{Archive, ArchiveSettings, StoreError};
use crate::addresses::Local;

/// What is to be looked at.
#[derive(Clone, Debug)]
pub struct Look {
    /// `LOG_DIR`.
    pub log_dir: PathBuf,
    /// The state directory that belongs to it; none: nothing is kept of it.
    pub state_dir: Option<PathBuf>,
    /// Zone of text lines.
    pub zone: TimeZone,
    /// First instant that is asked for.
    pub from: Timestamp,
    /// First instant after.
    pub to: Timestamp,
}

impl Look {
    fn asked(&self) -> Asked {
        Asked { first: utc_day(self.from), last: utc_day(self.to) }
    }
}

/// See the module.
pub struct Once {
    archive: Arc<Archive>,
    files: usize,
    unreadable: Vec<String>,
}

impl Once {
    /// Reads what there is of the time that is asked for.
    ///
    /// # Errors
    /// A directory cannot be read or written.
    pub fn open(look: &Look, now: Timestamp) -> Result<Once, StoreError> {
        std::fs::read_dir(&look.log_dir).map_err(|source| StoreError::Io {
            what: format!("cannot read {}; set LOG_DIR to the directory of the logs", look.log_dir.display()),
            source,
        })?;
        let kept = match &look.state_dir {
            Some(state_dir) if is_ours(state_dir, &look.log_dir) => bring_up_to_date(look, state_dir, now)?,
            _ => None,
        };
        let time = (look.from, look.to);
        let archive = Arc::new(Archive::beside(look.state_dir.as_deref(), look.zone.clone(), time, now)?);
        let reports = match kept {
            Some(reports) => reports,
            None => read(look, &archive)?,
        };
        let files = reports.len();
        let unreadable = reports.into_iter().filter_map(|(name, report)| match report.state {
            FileState::Unreadable(why) => Some(format!("{name}: {why}")),
            _ => None,
        });
        let missing = archive.gaps().into_iter().chain(archive.lost()).filter(|gap| look.asked().may_concern(gap));
        let missing = missing.map(|gap| gap.to_string());
        Ok(Once { unreadable: unreadable.chain(missing).collect(), files, archive })
    }

    /// What was read.
    #[must_use]
    pub fn archive(&self) -> &Archive {
        &self.archive
    }

    /// Files of the log directory that may hold what is asked for.
    #[must_use]
    pub fn files(&self) -> usize {
        self.files
    }

    /// What could not be read, and why: what is found without it is not all.
    #[must_use]
    pub fn unreadable(&self) -> &[String] {
        &self.unreadable
    }
}

/// Whether what is written into a state directory is its owner's: what root writes into that of another user, that
/// user's server could not read.
pub(super) fn is_ours(state_dir: &Path, log_dir: &Path) -> bool {
    let existing = if state_dir.exists() { state_dir } else { log_dir };
    let owner = std::fs::metadata(existing).map(|metadata| metadata.uid());
    owner.is_ok_and(|owner| owner == rustix::process::geteuid().as_raw())
}

/// Reads the logs into a state directory and leaves it. None: a server owns it, or it cannot be written.
fn bring_up_to_date(look: &Look, state_dir: &Path, now: Timestamp) -> Result<Option<Reports>, StoreError> {
    let settings =
        ArchiveSettings { state_dir: state_dir.to_owned(), zone: look.zone.clone(), local: Local::default() };
    let archive = match Archive::open(settings, now) {
        Ok(archive) => Arc::new(archive),
        Err(StoreError::InUse(_)) => return Ok(None),
        Err(StoreError::Io { source, .. }) if is_closed(&source) => return Ok(None),
        Err(error) => return Err(error),
    };
    let reports = read(look, &archive)?;
    archive.flush()?;
    Ok(Some(reports))
}

/// Whether it is not to be written to, rather than broken.
fn is_closed(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem)
}

fn read(look: &Look, archive: &Arc<Archive>) -> Result<Reports, StoreError> {
    record::read_once(&look.log_dir, &look.zone, look.asked(), Arc::clone(archive) as Arc<dyn record::Sink>)
}
