//! What the program can be asked to do, one module each.

pub(crate) mod build;
pub(crate) mod check;
pub(crate) mod feeds;
pub(crate) mod generate;
pub(crate) mod hunt;
mod loudness;
pub(crate) mod observables;
pub(crate) mod run;
pub(crate) mod sensor;
pub(crate) mod server;
pub(crate) mod setup;
pub(crate) mod trails;
pub(crate) mod update;
pub(crate) mod user;

use std::io::Write;

/// Writes to standard output; whoever reads it may have gone, which is no fault.
pub(crate) fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Writes a line to standard error.
pub(crate) fn complain(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "maltrail: {text}");
}
