//! `maltrail server`: settings to a running server, until it is told to stop.

use std::io;

use server::Server;
use server::access::Notice;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::loudness::{self, Loudness};
use super::{Failure, complain, sensor};
use crate::arguments::ServerArguments;
use crate::config::{Config, Environment};
use crate::exit::Exit;
use crate::serving;
use crate::updater::Updates;

pub(crate) fn run(arguments: &ServerArguments) -> Exit {
    let environment = Environment::of_process();
    let mut config = Config::load(arguments.config.as_deref(), &environment);
    take(arguments, &mut config, &environment);
    let loudness = Loudness { quiet: arguments.quiet, verbose: arguments.verbose };
    if let Err(exit) = loudness.begin(tracing::Level::INFO, &config, &environment, arguments.dump_config) {
        return exit;
    }
    // Before anything runs, so that no signal ends the process in between.
    let signals = match signals() {
        Ok(signals) => signals,
        Err(error) => return failed(&format!("signals cannot be handled: {error}")),
    };
    match start(&config, &environment) {
        Ok(server) => {
            let updates = config.values.use_server_update_trails.then(|| Updates::of(&config, false)).flatten();
            let updater = sensor::updating(updates, loudness::live_message());
            let exit = serve(server, signals);
            if let Some(updater) = updater {
                updater.stop();
            }
            exit
        }
        Err(exit) => exit,
    }
}

/// Arguments win over the file.
pub(super) fn take(arguments: &ServerArguments, config: &mut Config, environment: &Environment) {
    let mut take = |key, value: Option<String>, argument| {
        if let Some(value) = value {
            config.take_argument(key, &value, argument, environment);
        }
    };
    let text = |path: &std::path::PathBuf| path.to_string_lossy().into_owned();
    take("HTTP_ADDRESS", arguments.address.clone(), "--address");
    take("HTTP_PORT", arguments.port.map(|port| port.to_string()), "--port");
    take("LOG_DIR", arguments.log_dir.as_ref().map(text), "--log-dir");
    take("STATE_DIR", arguments.state_dir.as_ref().map(text), "--state-dir");
}

/// Signals that end a server, and the one that tells a sensor to reload.
pub(super) fn signals() -> io::Result<Signals> {
    Signals::new([SIGTERM, SIGINT, SIGHUP])
}

/// A server as configured; says what the operator must know of it, or why there is none.
///
/// # Errors
/// The status to end with.
pub(super) fn start(config: &Config, environment: &Environment) -> Result<Server, Exit> {
    let settings = serving::settings(config, environment).map_err(|what| Failure::Usage(what).exit())?;
    let secure = settings.tls != server::settings::Tls::Off;
    let server = Server::start(settings).map_err(|error| failed(&error.to_string()))?;
    let scheme = if secure { "https" } else { "http" };
    complain(&format!("the page is on {scheme}://{}/", server.address()));
    for notice in server.notices() {
        match notice {
            Notice::Default => complain("log in as admin with the password changeme!, which is to be changed then"),
            Notice::OneTime { name, password } => {
                complain(&format!(
                    "log in as {name} with the password {password} (shown this once), which is to be changed then"
                ));
            }
        }
    }
    Ok(server)
}

fn serve(server: Server, mut signals: Signals) -> Exit {
    for signal in signals.forever() {
        if signal != SIGHUP {
            break;
        }
    }
    stop(server)
}

/// Ends a server; what waits is written.
pub(super) fn stop(server: Server) -> Exit {
    match server.stop() {
        Ok(()) => Exit::Success,
        Err(error) => failed(&format!("{error}; what is missing is read again from LOG_DIR at the next start")),
    }
}

fn failed(text: &str) -> Exit {
    Failure::Running(text.to_owned()).exit()
}
