//! `maltrail sensor`: settings to a running sensor, its events to the console, its end to an exit status.

use std::io::{IsTerminal, Write};
use std::sync::{Arc, Mutex, PoisonError};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use jiff::tz::TimeZone;
use sensor::summary::{OutputCounts, PushCounts};
use sensor::{Ending, Hooks, Level, MessageHook, Progress, SensorError, Settings, Summary};

use super::loudness::{self, Loudness};
use super::{build, complain, print, setup};
use crate::arguments::SensorArguments;
use crate::config::Environment;
use crate::console::{self, Console};
use crate::effective;
use crate::exit::Exit;
use crate::lists::Lists;
use crate::summary::{self, Severities};
use crate::updater::{Updater, Updates};

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
    let loudness = Loudness { quiet: arguments.quiet, verbose: arguments.verbose };
    if let Err(exit) = loudness.begin(tracing::Level::WARN, &config, &environment, arguments.dump_config) {
        return exit;
    }
    let mut settings = effective::settings(&config, lists, arguments, &environment);
    let updates = if arguments.read.is_empty() { Updates::of(&config, arguments.offline) } else { None };
    if let Err(exit) = without_trails(updates.as_ref(), &mut settings) {
        return exit;
    }
    if let Some(warning) = setup::hidden_by_filter(&settings).filter(|_| !arguments.quiet) {
        complain(&format!("warning: {warning}"));
    }
    if let Err(exit) = build::ahead(&settings.trails_file, &settings.cache_dir, arguments.quiet) {
        advise(exit, &environment);
        return exit;
    }
    let severities = Arc::new(Mutex::new(Severities::default()));
    let hooks = hooks(arguments, &environment, severities.clone());
    let updater = updating(updates, loudness::live_message());
    let outcome = sensor::run(settings, hooks);
    if let Some(updater) = updater {
        updater.stop();
    }
    let severities = *severities.lock().unwrap_or_else(PoisonError::into_inner);
    end(outcome, severities, arguments, &environment)
}

/// Where updates are on, a sensor begins also without trails, and says so.
///
/// # Errors
/// Not even an empty set can be written.
pub(super) fn without_trails(updates: Option<&Updates>, settings: &mut Settings) -> Result<(), Exit> {
    let Some(updates) = updates else { return Ok(()) };
    settings.allow_empty_trails = true;
    match updates.begin() {
        Ok(()) if !updates.is_empty() => Ok(()),
        Ok(()) => {
            complain(
                "warning: there are NO TRAILS yet: nothing that is listed is found before the first update is done \
                 (it runs now; `maltrail update` shows how it goes)",
            );
            Ok(())
        }
        Err(error) => {
            complain(&format!(
                "error: cannot write {}: {error}; give this user the right to, or set TRAILS_FILE to another place",
                settings.trails_file.display()
            ));
            Err(Exit::Failure)
        }
    }
}

/// Begins the updates that come by themselves. Without threads for them there are none, which is said.
pub(super) fn updating(updates: Option<Updates>, message: MessageHook) -> Option<Updater> {
    match updates?.start(message) {
        Ok(updater) => Some(updater),
        Err(error) => {
            complain(&format!("error: the trails are not updated: cannot start threads: {error}"));
            None
        }
    }
}

fn hooks(arguments: &SensorArguments, environment: &Environment, severities: Arc<Mutex<Severities>>) -> Hooks {
    let replay = !arguments.read.is_empty();
    let terminal = std::io::stdout().is_terminal();
    let bar = (replay && !arguments.quiet && std::io::stderr().is_terminal()).then(bar);
    let message = if replay { replay_message(arguments, bar.clone()) } else { loudness::live_message() };
    let console = (arguments.console || (!arguments.quiet && (replay || terminal))).then(|| {
        let no_color = environment.variable("NO_COLOR").is_some();
        let color = console::wants_color(arguments.color, arguments.console, no_color);
        Console { color, zone: TimeZone::system() }
    });
    let event = event_hook(console, bar.clone(), severities);
    let progress = bar.map(|bar| Box::new(move |progress: Progress| show(&bar, progress)) as Box<_>);
    let ending = Some(ending_hook(arguments.quiet));
    Hooks { event: Some(event), message: Some(message), progress, ending, ..Hooks::default() }
}

/// What a signal that ends the sensor brings. Nothing but standard error is touched: a second SIGINT comes where
/// something else is stuck.
fn ending_hook(quiet: bool) -> sensor::EndingHook {
    Box::new(move |ending| match ending {
        Ending::Asked if quiet => {}
        Ending::Asked => {
            complain("stopping: what was captured is worked through and written; SIGINT (Ctrl-C) again ends at once");
        }
        Ending::Forced { outputs, held } => {
            complain(&format!("error: ended by force; not written: {}", unwritten(&outputs, held)));
            std::process::exit(Exit::Forced as i32);
        }
    })
}

fn unwritten(outputs: &[OutputCounts], held: u64) -> String {
    let mut lost: Vec<String> = outputs
        .iter()
        .filter(|output| output.offered > output.delivered)
        .map(|o| format!("{} of {} events of the {}", o.offered - o.delivered, o.offered, o.name))
        .collect();
    if held > 0 {
        lost.push(format!("{held} findings that waited for the end of their window"));
    }
    lost.push("whatever was not looked at yet".to_string());
    lost.join(", ")
}

fn event_hook(
    console: Option<Console>,
    bar: Option<ProgressBar>,
    severities: Arc<Mutex<Severities>>,
) -> sensor::EventHook {
    Box::new(move |event| {
        severities.lock().unwrap_or_else(PoisonError::into_inner).count(event.severity);
        let Some(console) = &console else { return };
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

/// Of a replay: as any command speaks.
fn replay_message(arguments: &SensorArguments, bar: Option<ProgressBar>) -> sensor::MessageHook {
    let (quiet, verbose) = (arguments.quiet, arguments.verbose > 0);
    Arc::new(move |level, text| {
        let (said, word) = match level {
            Level::Info => (verbose, "note"),
            Level::Warning => (!quiet, "warning"),
            Level::Error => (true, "error"),
        };
        let write = || complain(&format!("{word}: {text}"));
        match &bar {
            Some(bar) if said => bar.suspend(write),
            None if said => write(),
            _ => {}
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
fn end(
    outcome: Result<Summary, SensorError>,
    severities: Severities,
    arguments: &SensorArguments,
    environment: &Environment,
) -> Exit {
    let totals = match outcome {
        Ok(totals) => totals,
        Err(error) => {
            complain(&format!("error: {error}"));
            let exit = Exit::from(&error);
            advise(exit, environment);
            return exit;
        }
    };
    let unusable = totals.problems.iter().filter(|problem| problem.unusable);
    if arguments.quiet {
        unusable.clone().for_each(|problem| complain(&format!("error: {}: {}", problem.path.display(), problem.text)));
    }
    let faulty = faults(&totals);
    if !arguments.quiet {
        print(&summary::text(&totals, severities, &TimeZone::system()));
    }
    if unusable.count() > 0 || faulty { Exit::Failure } else { Exit::Success }
}

/// Says what was lost on the way to the outputs and what does not add up. Whether there is any such thing.
pub(super) fn faults(totals: &Summary) -> bool {
    for violation in &totals.violations {
        complain(&format!("error: the accounts do not add up: {violation}; please report this"));
    }
    let given_up = totals.outputs.iter().filter(|output| output.dropped > 0);
    for output in given_up.clone() {
        let (name, dropped, offered) = (&output.name, output.dropped, output.offered);
        let what = match name.split_once(' ') {
            None if &**name == "spool" => {
                "are not sent to the server: the spool could not be written; see to space and permissions of SPOOL_DIR"
                    .to_string()
            }
            None => {
                format!("are missing in the {name}: it could not be written; see to space and permissions of LOG_DIR")
            }
            Some((setting, host)) => {
                let setting = setting.to_ascii_uppercase();
                format!("were not sent to {host} ({setting}): see whether it can be reached from here")
            }
        };
        complain(&format!("error: {dropped} of {offered} events {what}"));
    }
    let unsent = totals.push.as_ref().is_some_and(unsent);
    given_up.count() > 0 || unsent || !totals.violations.is_empty()
}

/// Says what a server will never get. Whether there is any such thing.
fn unsent(push: &PushCounts) -> bool {
    let PushCounts { server, dropped_batches, dropped_lines, .. } = push;
    if *dropped_batches > 0 {
        complain(&format!(
            "error: {dropped_batches} batches ({dropped_lines} lines) for {server} were dropped: the spool was full \
             (SPOOL_SIZE), or files were removed from it"
        ));
    }
    if push.refused_batches > 0 {
        let batches = push.refused_batches;
        complain(&format!("error: {batches} batches are refused by {server}: they are kept as *.refused in SPOOL_DIR"));
    }
    push.dropped_batches + push.refused_batches > 0
}

/// What to do where there are no trails.
pub(super) fn advise(exit: Exit, environment: &Environment) {
    if exit != Exit::NoTrails {
        return;
    }
    let legacy = environment.legacy_trails_file();
    if legacy.is_file() {
        complain(&format!("{} exists: use it with --trails or TRAILS_FILE", legacy.display()));
    } else {
        complain(
            "build trails with `maltrail update` (of lists on disk: --offline --static-dir DIR), or name a .bin or .csv \
             with --trails (TRAILS_FILE)",
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_that_were_given_up_are_a_fault() {
        let totals = |dropped: u64, violations: Vec<String>| {
            let output = OutputCounts { name: "journal".into(), offered: 5, dropped, ..OutputCounts::default() };
            Summary { outputs: vec![output], violations, ..Summary::default() }
        };
        assert!(!faults(&totals(0, Vec::new())));
        assert!(faults(&totals(1, Vec::new())));
        assert!(faults(&totals(0, vec!["findings".to_string()])));
        let pushed = |push| Summary { push: Some(push), ..Summary::default() };
        assert!(!faults(&pushed(PushCounts { waiting_bytes: 9, ..PushCounts::default() })));
        assert!(faults(&pushed(PushCounts { dropped_batches: 1, ..PushCounts::default() })));
        assert!(faults(&pushed(PushCounts { refused_batches: 1, ..PushCounts::default() })));
    }
}
