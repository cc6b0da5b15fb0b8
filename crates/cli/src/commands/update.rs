//! `maltrail update`: a store of trails from directories of trail files, or from a trails.csv.

use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use trails::builder::Builder;
use trails::load::{self, LoadError};
use trails::read::{self, Origin};
use trails::{Stamp, Store, Vetoes};

use super::{build, complain, print};
use crate::arguments::UpdateArguments;
use crate::config::{Config, Environment};
use crate::exit::Exit;

pub(crate) fn run(arguments: &UpdateArguments) -> Exit {
    if !arguments.offline {
        complain("error: this version has no feeds to fetch; build from local files with --offline");
        return Exit::Usage;
    }
    let environment = Environment::of_process();
    let config = Config::load(arguments.config.as_deref(), &environment);
    if config.has_errors() {
        config.problems.iter().for_each(|problem| complain(&problem.to_string()));
        return Exit::Usage;
    }
    let sources = Sources::of(arguments, &config);
    if sources.is_empty() {
        complain(
            "error: nothing to build from: name directories with --static-dir or --custom (STATIC_TRAILS_DIR, \
             CUSTOM_TRAILS_DIR), or a trails.csv with TRAILS_FILE",
        );
        return Exit::NoTrails;
    }
    match built(&sources, &target(arguments, &config)) {
        Ok((text, 0)) => {
            complain("error: there is not one indicator in what was read; the store was left as it is");
            print(&text);
            Exit::NoTrails
        }
        Ok((text, _)) => {
            print(&text);
            Exit::Success
        }
        Err(error) => {
            complain(&format!("error: {error}"));
            Exit::Failure
        }
    }
}

/// What a store is built from.
struct Sources {
    statics: Vec<PathBuf>,
    custom: Vec<PathBuf>,
    csv: Option<PathBuf>,
}

impl Sources {
    /// Arguments win over settings; a CSV counts only where no directory is named.
    fn of(arguments: &UpdateArguments, config: &Config) -> Self {
        let or = |given: &Vec<PathBuf>, configured: &Option<PathBuf>| {
            if given.is_empty() { configured.iter().cloned().collect() } else { given.clone() }
        };
        let statics: Vec<PathBuf> = or(&arguments.static_dir, &config.values.static_trails_dir);
        let custom: Vec<PathBuf> = or(&arguments.custom, &config.values.custom_trails_dir);
        let csv = Some(config.values.trails_file.clone()).filter(|path| !is_store(path) && statics.is_empty());
        Sources { statics, custom, csv }
    }

    fn is_empty(&self) -> bool {
        self.statics.is_empty() && self.custom.is_empty() && self.csv.is_none()
    }
}

fn is_store(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "bin")
}

fn target(arguments: &UpdateArguments, config: &Config) -> PathBuf {
    arguments.output.clone().unwrap_or_else(|| config.values.trails_file.with_extension("bin"))
}

/// Builds, publishes and looks at what was published; gives back what to say and how many trails there are.
fn built(sources: &Sources, target: &Path) -> Result<(String, usize), LoadError> {
    let started = Instant::now();
    let built_at = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |age| age.as_secs());
    let mut builder = Builder::new(Vetoes { bogons: true, ..Vetoes::default() });
    let shipped = Origin { reference: "(static)", custom: false };
    let own = Origin { reference: "(custom)", custom: true };
    let statics = sources.statics.iter().chain(&sources.csv).map(|path| (path, shipped));
    for (path, origin) in statics.chain(sources.custom.iter().map(|path| (path, own))) {
        let mut meter = build::Meter::new(path, false);
        let read = read::add(&mut builder, path, origin, &mut |progress| meter.show(progress));
        meter.done();
        read?;
    }
    if builder.is_empty() {
        return Ok((build::lines(builder.report()), 0));
    }
    if let Some(directory) = target.parent().filter(|directory| !directory.as_os_str().is_empty()) {
        let path = directory.to_owned();
        std::fs::create_dir_all(directory).map_err(|source| LoadError::Write { path, source })?;
    }
    let before = Store::open(target).ok().map(|store| store.generation_info().counts);
    let report = load::publish(builder, target, Stamp { generation: built_at, built_at, ..Stamp::default() })?;
    let count: u64 = report.counts.iter().sum();
    let text = build::summary(target, &report, started, before.as_ref());
    Ok((text, usize::try_from(count).unwrap_or(usize::MAX)))
}
