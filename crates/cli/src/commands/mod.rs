//! What the program can be asked to do, one module each.

pub(crate) mod build;
pub(crate) mod check;
pub(crate) mod feeds;
pub(crate) mod generate;
pub(crate) mod hunt;
pub(crate) mod lint;
mod loudness;
pub(crate) mod observables;
pub(crate) mod run;
pub(crate) mod sensor;
pub(crate) mod server;
pub(crate) mod setup;
pub(crate) mod trails;
pub(crate) mod update;
pub(crate) mod user;

use std::io::{self, Write};

use crate::arguments::PlaceArguments;
use crate::config::{Config, Environment, Weight};
use crate::exit::Exit;

/// Why a command did not do what it was asked for.
pub(crate) enum Failure {
    /// Its arguments or its configuration are wrong.
    Usage(String),
    /// It failed while it ran.
    Running(String),
    /// It ended with this status, and has said why.
    Said(Exit),
}

impl From<Exit> for Failure {
    fn from(exit: Exit) -> Self {
        Failure::Said(exit)
    }
}

impl Failure {
    /// Says why, and gives back the status to end with.
    pub(crate) fn exit(self) -> Exit {
        let (text, exit) = match self {
            Failure::Usage(text) => (text, Exit::Usage),
            Failure::Running(text) => (text, Exit::Failure),
            Failure::Said(exit) => return exit,
        };
        complain(&format!("error: {text}"));
        exit
    }
}

/// Nothing is done with a configuration that has errors; they are said.
///
/// # Errors
/// It has.
pub(crate) fn usable(config: &Config) -> Result<(), Exit> {
    let errors = config.problems.iter().filter(|problem| problem.weight == Weight::Error);
    errors.for_each(|problem| complain(&format!("error: {problem}")));
    if config.has_errors() { Err(Exit::Usage) } else { Ok(()) }
}

/// Of writing what was found.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            // Whoever read the output has seen enough.
            io::ErrorKind::BrokenPipe => Failure::Said(Exit::Success),
            _ => Failure::Running(format!("cannot write: {error}")),
        }
    }
}

/// The status of a search that found so many.
pub(crate) fn searched(found: Result<u64, Failure>) -> Exit {
    found.map_or_else(Failure::exit, |found| if found == 0 { Exit::NothingFound } else { Exit::Success })
}

impl PlaceArguments {
    /// The configuration, with the directories that were given.
    ///
    /// # Errors
    /// It has some, which are told.
    fn config(&self, environment: &Environment) -> Result<Config, Exit> {
        let mut config = Config::load(self.config.as_deref(), environment);
        for (key, path, argument) in
            [("LOG_DIR", &self.log_dir, "--log-dir"), ("STATE_DIR", &self.state_dir, "--state-dir")]
        {
            if let Some(path) = path {
                config.take_argument(key, &path.to_string_lossy(), argument, environment);
            }
        }
        usable(&config).map(|()| config)
    }
}

/// Writes to standard output; whoever reads it may have gone, which is no fault.
pub(crate) fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Writes a line to standard error.
pub(crate) fn complain(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "maltrail: {text}");
}
