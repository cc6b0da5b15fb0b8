//! `maltrail sensor`: settings to a running sensor, its events to the console, its end to an exit status.

use std::io::{IsTerminal, Write};
use std::sync::Arc;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use jiff::tz::TimeZone;
use sensor::{Hooks, Level, Progress, SensorError, Summary};

use super::{complain, print, setup};
use crate::arguments::SensorArguments;
use crate::config::{self, Config, Environment, Weight};
use crate::console::{self, Console};
use crate::effective;
use crate::exit::Exit;
use crate::lists::Lists;
use crate::summary;

/// A replay with at least so many bytes shows a progress bar on a terminal.
const PROGRESS_BYTES: u64 = 8 << 20;

pub(crate) fn run(arguments: &SensorArguments) -> Exit {
    let environment = Environment::of_process();
    let mut config = effective::configuration(arguments, &environment);
    let (lists, problems) = Lists::read(&config);
    config.problems.extend(problems);
    if arguments.test {
        return setup::run(&config, lists, arguments, &environment);
    }
    log_to_stderr(arguments, config.values.show_debug, &environment);
    report(&config, arguments);
    if config.has_errors() {
        return Exit::Usage;
    }
    if arguments.dump_config {
        print(&config::dump(&config, &environment));
        return Exit::Success;
    }
    let settings = effective::settings(&config, lists, arguments, &environment);
    if let Some(warning) = setup::hidden_by_filter(&settings).filter(|_| !arguments.quiet) {
        complain(&format!("warning: {warning}"));
    }
    let hooks = hooks(arguments, &environment);
    end(sensor::run(settings, hooks), arguments, &environment)
}

/// Messages of the running sensor.
fn log_to_stderr(arguments: &SensorArguments, debug: bool, environment: &Environment) {
    let level = match (arguments.quiet, arguments.verbose) {
        (true, _) => tracing::Level::ERROR,
        (_, 0) if debug => tracing::Level::DEBUG,
        (_, 0) => tracing::Level::WARN,
        (_, 1) => tracing::Level::INFO,
        (_, 2) => tracing::Level::DEBUG,
        _ => tracing::Level::TRACE,
    };
    let color = environment.variable("NO_COLOR").is_none() && std::io::stderr().is_terminal();
    let subscriber = tracing_subscriber::fmt().with_writer(std::io::stderr).with_ansi(color);
    subscriber.with_max_level(level).with_target(false).init();
}

/// Says what is wrong with the configuration. Notes only when asked for, but that something is unused always.
fn report(config: &Config, arguments: &SensorArguments) {
    let least = match (arguments.quiet, arguments.verbose) {
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

fn hooks(arguments: &SensorArguments, environment: &Environment) -> Hooks {
    let replay = !arguments.read.is_empty();
    let terminal = std::io::stdout().is_terminal();
    let bar = (replay && !arguments.quiet && std::io::stderr().is_terminal()).then(bar);
    let mut hooks = Hooks { message: Some(message_hook(bar.clone())), ..Hooks::default() };
    if arguments.console || (!arguments.quiet && (replay || terminal)) {
        let no_color = environment.variable("NO_COLOR").is_some();
        let color = console::wants_color(arguments.color, arguments.console, no_color);
        let console = Console { color, zone: TimeZone::system() };
        hooks.event = Some(event_hook(console, bar.clone()));
    }
    hooks.progress = bar.map(|bar| Box::new(move |progress: Progress| show(&bar, progress)) as Box<_>);
    hooks
}

fn event_hook(console: Console, bar: Option<ProgressBar>) -> sensor::EventHook {
    Box::new(move |event| {
        let line = console.line(event);
        let write = || {
            let _ = writeln!(std::io::stdout().lock(), "{line}");
        };
        match &bar {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    })
}

fn message_hook(bar: Option<ProgressBar>) -> sensor::MessageHook {
    Arc::new(move |level, text| {
        let write = || match level {
            Level::Info => tracing::info!("{text}"),
            Level::Warning => tracing::warn!("{text}"),
            Level::Error => tracing::error!("{text}"),
        };
        match &bar {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    })
}

fn bar() -> ProgressBar {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
    let form = "{bar:30} {bytes}/{total_bytes} {bytes_per_sec}, {eta} left, {msg}";
    ProgressStyle::with_template(form).map_or_else(|_| bar.clone(), |style| bar.clone().with_style(style))
}

fn show(bar: &ProgressBar, progress: Progress) {
    let Some(total) = progress.total.filter(|total| *total >= PROGRESS_BYTES) else { return };
    if progress.bytes >= total {
        return bar.finish_and_clear();
    }
    if bar.length().is_none() {
        bar.set_length(total);
        bar.set_draw_target(ProgressDrawTarget::stderr());
    }
    bar.set_message(format!("{} packets, {} events", progress.packets, progress.events));
    bar.set_position(progress.bytes);
}

/// Prints how it went. What was found counts even where the end is an error.
fn end(outcome: Result<Summary, SensorError>, arguments: &SensorArguments, environment: &Environment) -> Exit {
    let totals = match outcome {
        Ok(totals) => totals,
        Err(error) => {
            complain(&format!("error: {error}"));
            let legacy = environment.legacy_trails_file();
            if Exit::from(&error) == Exit::NoTrails && legacy.is_file() {
                complain(&format!("{} exists: use it with --trails or TRAILS_FILE", legacy.display()));
            }
            return Exit::from(&error);
        }
    };
    for problem in totals.problems.iter().filter(|problem| problem.unusable || !arguments.quiet) {
        let word = if problem.unusable { "error" } else { "warning" };
        complain(&format!("{word}: {}: {}", problem.path.display(), problem.text));
    }
    for violation in &totals.violations {
        complain(&format!("error: the accounts do not add up: {violation}; please report this"));
    }
    if !arguments.quiet {
        print(&summary::text(&totals));
    }
    let failed = totals.problems.iter().any(|problem| problem.unusable) || !totals.violations.is_empty();
    if failed { Exit::Failure } else { Exit::Success }
}
