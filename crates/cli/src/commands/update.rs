//! `maltrail update`: a store of trails from directories of trail files, or from a trails.csv.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use trails::builder::Builder;
use trails::load::{self, LoadError};
use trails::read::{self, Origin};
use trails::{Stamp, Vetoes};

use super::{complain, print};
use crate::arguments::UpdateArguments;
use crate::config::{Config, Environment};
use crate::exit::Exit;

/// Refused texts that are shown.
const EXAMPLES_SHOWN: usize = 10;

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
    match build(&sources, &target(arguments, &config)) {
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
            complain(&format!("error: {error}; check the path and its permissions"));
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
fn build(sources: &Sources, target: &Path) -> Result<(String, usize), LoadError> {
    let started = Instant::now();
    let built_at = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |age| age.as_secs());
    let mut builder = Builder::new(Vetoes { bogons: true, ..Vetoes::default() });
    let shipped = Origin { reference: "(static)", custom: false };
    for path in sources.statics.iter().chain(&sources.csv) {
        read::add(&mut builder, path, shipped, &mut |_| {})?;
    }
    for path in &sources.custom {
        read::add(&mut builder, path, Origin { reference: "(custom)", custom: true }, &mut |_| {})?;
    }
    let report = if builder.is_empty() {
        builder.report().clone()
    } else {
        if let Some(directory) = target.parent().filter(|directory| !directory.as_os_str().is_empty()) {
            let path = directory.to_owned();
            std::fs::create_dir_all(directory).map_err(|source| LoadError::Write { path, source })?;
        }
        load::publish(builder, target, Stamp { generation: built_at, built_at, ..Stamp::default() })?
    };
    let mut text = String::new();
    let vetoed: u64 = report.vetoed.values().sum();
    let _ = writeln!(text, "{} lines, {} of them listed before, {vetoed} vetoed", report.lines, report.repeated);
    for (why, count) in &report.refused {
        let _ = writeln!(text, "{count} refused: {why}");
    }
    for refusal in report.refusals.iter().take(EXAMPLES_SHOWN) {
        let shown = crate::console::safe(&refusal.text);
        let _ = writeln!(text, "  {}:{}: {shown} ({})", refusal.file, refusal.line, refusal.why);
    }
    let count: u64 = report.counts.iter().sum();
    if count > 0 {
        let seconds = started.elapsed().as_secs_f64();
        let _ = writeln!(text, "{}: {count} trails, whole, built in {seconds:.2} s", target.display());
    }
    Ok((text, usize::try_from(count).unwrap_or(usize::MAX)))
}
