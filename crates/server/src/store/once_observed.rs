//! The observables of a log directory for one look at them, with a server, beside one, or without any.

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;

use super::files::{Lock, make_directory};
use super::once::is_ours;
use super::record;
use crate::observables::{Observables, ObservablesError, ObservablesSettings, Reading};

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
        // Of a server, or of another user.
        let Some(lock) = own(log_dir, state_dir) else {
            let reading = Reads::Beside(Reading::open(state_dir)?);
            return Ok(OnceObserved { reading, unreadable: Vec::new(), _lock: None });
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

/// The state directory, where it may be written to.
fn own(log_dir: &Path, state_dir: &Path) -> Option<Lock> {
    let ours = is_ours(state_dir, log_dir) && make_directory(state_dir).is_ok();
    ours.then(|| Lock::take(state_dir).ok()).flatten()
}
