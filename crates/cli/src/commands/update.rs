//! `maltrail update`: a new generation of trails from feeds, directories of trail files and the user's own lists.

use std::path::Path;
use std::time::{Duration, Instant};

use feeds::fetch::Stop;
use feeds::manifest::Manifest;
use feeds::publish::{Place, PublishError, go_back};
use feeds::round::Outcome;
use feeds::update::{Plan, Step, UpdateError, Updated, update};
use jiff::Timestamp;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;
use trails::Store;
use trails::store::Counts;

use super::build::{self, Meter};
use super::{complain, print, usable};
use crate::arguments::UpdateArguments;
use crate::config::{Config, Environment};
use crate::console::safe;
use crate::exit::Exit;
use crate::{plan, privileges};

pub(crate) fn run(arguments: &UpdateArguments) -> Exit {
    let environment = Environment::of_process();
    let config = Config::load(arguments.config.as_deref(), &environment);
    if let Err(exit) = usable(&config) {
        return exit;
    }
    let place = plan::place(arguments, &config);
    if let Err(error) = privileges::lessen(&place, &config.values.trails_file, arguments.automatic) {
        complain(&format!("error: {error}"));
        return Exit::Failure;
    }
    if arguments.rollback {
        return rolled_back(&place);
    }
    let (mut plan, notes) = match plan::of(arguments, &config) {
        Ok(plan) => plan,
        Err(what) => {
            complain(&format!("error: {what}"));
            return Exit::Usage;
        }
    };
    if !arguments.quiet {
        notes.iter().for_each(|note| complain(&format!("note: {note}")));
    }
    if let Some(indicator) = &arguments.explain {
        return explained(&plan, indicator);
    }
    if let Some(before) = Manifest::read(&plan.place.manifest()).filter(|_| arguments.automatic) {
        if before.held {
            complain("the trails were put back by hand: an update that comes by itself leaves them");
            return Exit::Success;
        }
        let age = Duration::try_from(Timestamp::now().duration_since(before.built));
        plan.only_news = age.is_ok_and(|age| age < Duration::from_secs(config.values.update_period.0));
    }
    if plan.feeds.is_empty() && plan.statics.is_empty() && plan.custom.is_empty() {
        complain(
            "error: nothing to build from: feeds are off (USE_FEED_UPDATES, ENABLED_FEEDS) or, offline, were never fetched, \
             and no directory is named with --static-dir or --custom (STATIC_TRAILS_DIR, CUSTOM_TRAILS_DIR)",
        );
        return Exit::NoTrails;
    }
    updated(&plan, arguments)
}

fn updated(plan: &Plan, arguments: &UpdateArguments) -> Exit {
    let quiet = arguments.quiet;
    let started = Instant::now();
    let stop = Stop::default();
    if let Err(error) = stopping(stop.clone()) {
        complain(&format!("error: signals cannot be handled: {error}"));
        return Exit::Failure;
    }
    let before: Option<Counts> = Store::open(&plan.place.store).ok().map(|store| store.generation_info().counts);
    let mut teller = Teller { quiet, meter: None, left: 0 };
    let outcome = update(plan, &plan::key, &stop, Timestamp::now(), &mut |step| teller.tell(step));
    teller.done();
    match outcome {
        Ok(done) => {
            ill(&done.manifest);
            if !quiet {
                print(&said(plan, &done, started, before.as_ref()));
            }
            Exit::Success
        }
        // Another process that updates the same trails by itself.
        Err(UpdateError::Busy(_)) if arguments.automatic => Exit::Success,
        Err(error) => {
            complain(&format!("error: {error}"));
            let UpdateError::Publish(PublishError::Empty(report)) = error else { return Exit::Failure };
            build::lines(&report).lines().for_each(complain);
            Exit::NoTrails
        }
    }
}

/// Signals end the waiting for feeds; a second one ends the process as it would any other.
fn stopping(stop: Stop) -> std::io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    let work = move || {
        for signal in signals.forever() {
            if stop.stopped() {
                // It does not come back from a signal that ends a process.
                let _ = emulate_default_handler(signal);
            }
            stop.stop();
            complain("stopping when what is being fetched has come, or does not; Ctrl-C again ends at once");
        }
    };
    std::thread::Builder::new().name("signals".into()).spawn(work).map(drop)
}

/// Says how far an update is.
struct Teller {
    quiet: bool,
    meter: Option<(std::path::PathBuf, Meter)>,
    left: usize,
}

impl Teller {
    fn tell(&mut self, step: Step<'_>) {
        match step {
            Step::Feeds(count) => self.left = count,
            Step::Feed(health) => {
                self.left = self.left.saturating_sub(1);
                if self.quiet {
                    return;
                }
                let what = match (&health.error, health.outcome) {
                    (Some(error), _) => safe(error),
                    (None, Outcome::Fetched) => format!("{} rows", health.rows),
                    (None, _) => format!("{} rows, as they were", health.rows),
                };
                complain(&format!("{}: {what} ({} to go)", health.name, self.left));
            }
            Step::Reading(path, progress) => {
                if self.meter.as_ref().is_none_or(|(known, _)| known != path) {
                    self.done();
                    self.meter = Some((path.to_owned(), Meter::new(path, self.quiet)));
                }
                if let Some((_, meter)) = &mut self.meter {
                    meter.show(progress);
                }
            }
            Step::Writing => self.done(),
        }
    }

    fn done(&mut self) {
        if let Some((_, mut meter)) = self.meter.take() {
            meter.done();
        }
    }
}

/// Feeds that somebody should look at are told, however quiet it is.
fn ill(manifest: &Manifest) {
    for health in manifest.feeds.iter().filter(|health| health.ill()) {
        let copy = match health.changed {
            Some(changed) => format!("its {} rows of {} are used", health.rows, changed.strftime("%Y-%m-%d")),
            None => "there is nothing of it to use".to_owned(),
        };
        let why = match &health.error {
            Some(error) => safe(error),
            None => "it did not change for long".to_owned(),
        };
        complain(&format!("warning: feed {}: {why}; {copy}", health.name));
    }
}

fn said(plan: &Plan, done: &Updated, started: Instant, before: Option<&Counts>) -> String {
    let Some(report) = &done.report else { return String::new() };
    let mut text = build::summary(&plan.place.store, report, started, before);
    if let Some(change) = &done.manifest.change {
        text.push_str(&format!(
            "change    {} new, {} gone: {}\n",
            change.added,
            change.removed,
            plan.place.difference().display()
        ));
    }
    if done.manifest.inert.count() > 0 {
        let inert = &done.manifest.inert;
        text.push_str(&format!("inert     {} can never be found: {}\n", inert.count(), plan.place.inert().display()));
        inert.causes.iter().for_each(|(cause, count)| text.push_str(&format!("          {count}: {cause}\n")));
    }
    text
}

fn rolled_back(place: &Place) -> Exit {
    match go_back(place) {
        Ok(manifest) => {
            let what = manifest.map_or_else(String::new, |manifest| {
                format!(" of {} with {} trails", manifest.built.strftime("%Y-%m-%d %H:%M:%S UTC"), manifest.trails)
            });
            print(&format!(
                "{}: the generation{what} is back; updates that come by themselves leave it until the next `maltrail \
                 update`\n",
                place.store.display()
            ));
            Exit::Success
        }
        Err(error) => {
            complain(&format!("error: {error}"));
            Exit::Failure
        }
    }
}

/// Which sources name an indicator, and what became of it.
fn explained(plan: &Plan, indicator: &str) -> Exit {
    let sayings = match feeds::explain::explain(plan, indicator) {
        Ok(sayings) => sayings,
        Err(error) => {
            complain(&format!("error: {}: {error}", safe(indicator)));
            return Exit::Usage;
        }
    };
    for saying in &sayings {
        let fate = match saying.veto {
            Some(veto) => format!("left out: {veto}"),
            None => "taken".to_owned(),
        };
        print(&format!(
            "{}:{}: {} ({}), {fate}\n",
            saying.source,
            saying.line,
            safe(&saying.info),
            safe(&saying.reference)
        ));
    }
    print(&in_store(&plan.place.store, indicator));
    if sayings.is_empty() {
        complain("no source names it");
        return Exit::NothingFound;
    }
    Exit::Success
}

fn in_store(path: &Path, text: &str) -> String {
    let mut scratch = String::new();
    let listed = Store::open(path).ok().zip(trails::Indicator::parse(text, &mut scratch).ok());
    let Some((store, indicator)) = listed else { return String::new() };
    let lines = trails::check::listings(&store, &indicator).into_iter().map(|listed| {
        let label = store.label(listed.label);
        let kind = listed.kind.as_str();
        format!("in use: {kind} {}: {} {}\n", safe(&listed.trail), safe(label.info), safe(label.reference))
    });
    lines.collect()
}
