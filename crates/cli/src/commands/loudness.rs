//! How much is said, where, and in which form.

use std::io::IsTerminal;
use std::sync::Arc;

use sensor::Level;

use super::{complain, print};
use crate::config::{self, Config, Environment, Weight};
use crate::exit::Exit;

/// What -q and -v ask for.
#[derive(Clone, Copy)]
pub(super) struct Loudness {
    /// Nothing but errors.
    pub(super) quiet: bool,
    /// More; twice for even more.
    pub(super) verbose: u8,
}

impl Loudness {
    /// How everything that runs for long begins: its messages go to standard error, from `level` on if nothing else is
    /// asked for; what is wrong with the configuration is said; its settings are printed where only that is wanted.
    ///
    /// # Errors
    /// Nothing is to be started: the status to end with.
    pub(super) fn begin(
        self,
        level: tracing::Level,
        config: &Config,
        environment: &Environment,
        dump: bool,
    ) -> Result<(), Exit> {
        self.log_to_stderr(level, config.values.show_debug, environment);
        self.report(config);
        if config.has_errors() {
            return Err(Exit::Usage);
        }
        if dump {
            print(&config::dump(config, environment));
            return Err(Exit::Success);
        }
        Ok(())
    }

    /// Messages of what runs go to standard error, from `level` on if nothing else is asked for.
    pub(super) fn log_to_stderr(self, level: tracing::Level, debug: bool, environment: &Environment) {
        let level = match (self.quiet, self.verbose) {
            (true, _) => tracing::Level::ERROR,
            (_, 0) if debug => tracing::Level::DEBUG,
            (_, 0) => level,
            (_, 1) => tracing::Level::INFO,
            (_, 2) => tracing::Level::DEBUG,
            _ => tracing::Level::TRACE,
        };
        let color = environment.variable("NO_COLOR").is_none() && std::io::stderr().is_terminal();
        let subscriber = tracing_subscriber::fmt().with_writer(std::io::stderr).with_ansi(color);
        // Where nobody reads standard error any more, messages are lost and nothing else.
        let subscriber = subscriber.log_internal_errors(false);
        subscriber.with_max_level(level).with_target(false).init();
    }

    /// Says what is wrong with the configuration. Notes only when asked for, but that something is unused always.
    fn report(self, config: &Config) {
        let least = match (self.quiet, self.verbose) {
            (true, _) => Weight::Error,
            (_, 0) => Weight::Warning,
            _ => Weight::Note,
        };
        for problem in config.problems.iter().filter(|problem| problem.weight >= least) {
            let word = match problem.weight {
                Weight::Error => "error: ",
                Weight::Warning => "warning: ",
                Weight::Note => "note: ",
            };
            complain(&format!("{word}{problem}"));
        }
        let notes = config.problems.iter().filter(|problem| problem.weight == Weight::Note).count();
        if least == Weight::Warning && notes > 0 {
            complain(&format!("note: {notes} settings have no effect in this version; -v names them"));
        }
    }
}

/// Of a sensor that runs for long: with time and level, as logs have it.
pub(super) fn live_message() -> sensor::MessageHook {
    Arc::new(move |level, text| match level {
        Level::Info => tracing::info!("{text}"),
        Level::Warning => tracing::warn!("{text}"),
        Level::Error => tracing::error!("{text}"),
    })
}
