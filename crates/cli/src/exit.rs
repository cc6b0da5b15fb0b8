//! How the program ends. These numbers are a contract with scripts and service managers.

use std::process::{ExitCode, Termination};

use sensor::SensorError;

/// Exit status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// What was asked for is done.
    Success = 0,
    /// It failed while running: a file that cannot be read or written, a damaged file, workers that failed.
    Failure = 1,
    /// The arguments or the configuration are wrong; nothing was started.
    Usage = 2,
    /// There are no trails that can be used, so nothing would be found.
    NoTrails = 3,
    /// Packets cannot be captured: no such interface, or no privilege.
    NoCapture = 4,
    /// SIGINT came a second time: what was not written yet is lost.
    Forced = 5,
    /// A hunt found nothing.
    NothingFound = 6,
    /// Lists have lines that are of no use.
    Unsound = 7,
}

/// For `--help`.
pub(crate) const HELP: &str = "Exit status:
  0  done
  1  failed while running (a file that cannot be read or written, a damaged file)
  2  wrong arguments or configuration; nothing was started
  3  no trails that can be used
  4  cannot capture: no such interface, or no privilege
  5  ended by a second SIGINT before everything was written
  6  nothing was found (hunt, events, observables)
  7  lines of lists are of no use (trails lint)";

impl Termination for Exit {
    fn report(self) -> ExitCode {
        ExitCode::from(self as u8)
    }
}

impl From<&SensorError> for Exit {
    fn from(error: &SensorError) -> Self {
        match error {
            SensorError::Trails(_) | SensorError::NoTrails { .. } => Exit::NoTrails,
            SensorError::Interface { .. } => Exit::NoCapture,
            SensorError::Filter { .. } | SensorError::UserAgents { .. } | SensorError::Push { .. } => Exit::Usage,
            _ => Exit::Failure,
        }
    }
}
