//! `maltrail run`: sensor and server in one process. The sensor writes its journal; the server reads it, as it would
//! that of another process. When one ends, so does the other.

use std::sync::mpsc;

use sensor::{Control, Hooks, SensorError, Settings, Summary};
use server::Server;
use signal_hook::consts::SIGHUP;
use signal_hook::iterator::Handle;
use trails::load;

use super::loudness::{self, Loudness};
use super::{build, complain, sensor as sensing, server as serving};
use crate::arguments::{Color, RunArguments, SensorArguments};
use crate::config::{Config, Environment};
use crate::effective;
use crate::exit::Exit;
use crate::lists::Lists;
use crate::updater::Updates;

/// What ends the two.
enum News {
    /// A signal that asks for it.
    Stop,
    /// The sensor ended by itself, or could not start.
    Sensor(Box<Result<Summary, SensorError>>),
}

pub(crate) fn run(arguments: &RunArguments) -> Exit {
    let environment = Environment::of_process();
    let sensor_arguments = sensor_arguments(arguments);
    let mut config = effective::configuration(&sensor_arguments, &environment);
    serving::take(&arguments.server, &mut config, &environment);
    let (lists, problems) = Lists::read(&config);
    config.problems.extend(problems);
    let loudness = Loudness { quiet: arguments.server.quiet, verbose: arguments.server.verbose };
    if let Err(exit) = loudness.begin(tracing::Level::INFO, &config, &environment, arguments.server.dump_config) {
        return exit;
    }
    if config.values.disable_local_log_storage {
        complain(
            "error: DISABLE_LOCAL_LOG_STORAGE leaves the server without events; remove it, or start `maltrail sensor`",
        );
        return Exit::Usage;
    }
    let mut settings = effective::settings(&config, lists, &sensor_arguments, &environment);
    let updates = Updates::of(&config, sensor_arguments.offline);
    if let Err(exit) = sensing::without_trails(updates.as_ref(), &mut settings) {
        return exit;
    }
    if let Err(exit) = build::ahead(&config.values.trails_file, &environment.cache_dir(), arguments.server.quiet) {
        sensing::advise(exit, &environment);
        return exit;
    }
    // Before a server begins that would end at once.
    let found = load::latest(&config.values.trails_file, &environment.cache_dir());
    if let Err(error) = found {
        complain(&format!("error: {error}"));
        sensing::advise(Exit::NoTrails, &environment);
        return Exit::NoTrails;
    }
    both(&config, settings, updates, &environment)
}

/// A live sensor.
fn sensor_arguments(arguments: &RunArguments) -> SensorArguments {
    let RunArguments { server, interfaces, workers, trails, offline } = arguments;
    SensorArguments {
        config: server.config.clone(),
        interfaces: interfaces.clone(),
        read: Vec::new(),
        quiet: server.quiet,
        console: false,
        color: Color::Auto,
        offline: *offline,
        test: false,
        workers: workers.clone(),
        dump_config: false,
        log_dir: server.log_dir.clone(),
        filter: None,
        trails: trails.clone(),
        send: false,
        verbose: server.verbose,
    }
}

fn both(config: &Config, mut settings: Settings, updates: Option<Updates>, environment: &Environment) -> Exit {
    settings.handle_signals = false;
    let (tell, news) = mpsc::channel();
    let control = Control::default();
    let Some(signals) = watch_signals(control.clone(), tell.clone()) else { return Exit::Failure };
    let hooks = Hooks { message: Some(loudness::live_message()), control: control.clone(), ..Hooks::default() };
    // The sensor gives up its privileges in threads of its own; those of the server are made before and keep theirs.
    let server = match serving::start(config, environment) {
        Ok(server) => server,
        Err(exit) => return exit,
    };
    let sensor = std::thread::Builder::new().name("sensor".into()).spawn(move || {
        let outcome = sensor::run(settings, hooks);
        // Whoever would hear it ended before.
        let _ = tell.send(News::Sensor(Box::new(outcome)));
    });
    if let Err(error) = sensor {
        complain(&format!("error: cannot start threads: {error}"));
        serving::stop(server);
        return Exit::Failure;
    }
    let updater = sensing::updating(updates, loudness::live_message());
    let outcome = wait(&news, &control);
    signals.close();
    if let Some(updater) = updater {
        updater.stop();
    }
    end(outcome, server, environment)
}

/// SIGHUP reloads, others end. Says why it is not so where it cannot be.
fn watch_signals(control: Control, tell: mpsc::Sender<News>) -> Option<Handle> {
    let watched = serving::signals().and_then(|mut signals| {
        let handle = signals.handle();
        let work = move || {
            for signal in signals.forever() {
                if signal == SIGHUP {
                    control.reload();
                } else if tell.send(News::Stop).is_err() {
                    return;
                }
            }
        };
        std::thread::Builder::new().name("signals".into()).spawn(work).map(|_| handle)
    });
    watched.map_err(|error| complain(&format!("error: signals cannot be handled: {error}"))).ok()
}

/// Until the sensor has ended, by itself or because it was asked to.
fn wait(news: &mpsc::Receiver<News>, control: &Control) -> Option<Result<Summary, SensorError>> {
    for told in news {
        match told {
            News::Stop => control.stop(),
            News::Sensor(outcome) => return Some(*outcome),
        }
    }
    None
}

fn end(outcome: Option<Result<Summary, SensorError>>, server: Server, environment: &Environment) -> Exit {
    // What the sensor wrote last is read before the server ends.
    let stopped = serving::stop(server);
    match outcome {
        Some(Ok(summary)) => {
            if sensing::faults(&summary) {
                Exit::Failure
            } else {
                stopped
            }
        }
        Some(Err(error)) => {
            complain(&format!("error: {error}"));
            let exit = Exit::from(&error);
            sensing::advise(exit, environment);
            exit
        }
        None => Exit::Failure,
    }
}
