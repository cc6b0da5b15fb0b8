//! `maltrail trails lint`: what is wrong with lists of trails, and what to do, before they are used.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use feeds::manifest::Manifest;
use feeds::publish::Place;
use serde_json::{Value, json};
use server::enrich::resolvers;
use trails::lint::{Level, Linter, MAX_TOLD, Problem, Surroundings, Told, Verdict};
use trails::read::{Origin, is_csv};
use trails::{Indicator, Kind};

use super::{Failure, complain, print, usable};
use crate::arguments::{Format, LintArguments};
use crate::config::{Config, Environment, Values};
use crate::console::{safe, wants_color};
use crate::exit::Exit;
use crate::plan;

pub(crate) fn run(arguments: &LintArguments) -> Exit {
    judge(arguments).unwrap_or_else(Failure::exit)
}

fn judge(arguments: &LintArguments) -> Result<Exit, Failure> {
    let environment = Environment::of_process();
    let config = Config::load(arguments.config.as_deref(), &environment);
    usable(&config)?;
    let values = &config.values;
    let paths = if arguments.paths.is_empty() { configured(values)? } else { arguments.paths.clone() };
    let surroundings = Surroundings {
        whitelist: plan::whitelist(values.user_whitelist.as_deref()).map_err(Failure::Usage)?,
        own: values.home_networks.clone(),
        resolver: &resolver,
    };
    let mut linter = Linter::new(surroundings);
    let origin = match arguments.others {
        true => Origin { reference: "(static)", custom: false },
        false => Origin { reference: "(custom)", custom: true },
    };
    for path in &paths {
        linter.read(path, origin).map_err(|error| Failure::Running(error.to_string()))?;
    }
    let verdict = linter.finish().map_err(|error| Failure::Running(format!("the lists cannot be tried: {error}")))?;
    match arguments.format {
        Format::Text => {
            let color = wants_color(arguments.color, false, environment.variable("NO_COLOR").is_some());
            print(&Text { color, level: arguments.level.into(), limit: arguments.limit }.draw(&verdict));
        }
        Format::Json => lines(&verdict, arguments.level.into()),
    }
    Ok(if verdict.of(Level::Error) == 0 { Exit::Success } else { Exit::Unsound })
}

/// The lists that the configuration names. What an update made is no list of anybody's own.
fn configured(values: &Values) -> Result<Vec<PathBuf>, Failure> {
    let mut paths: Vec<PathBuf> = values.custom_trails_dir.iter().cloned().collect();
    let set = &values.trails_file;
    let place = Place::of(set);
    if Manifest::read(&place.manifest()).is_some() {
        let inert = place.inert();
        complain(&format!(
            "note: {} was made by an update; what of it can never be found stands in {}",
            set.display(),
            inert.display()
        ));
    } else if is_csv(set) && set.exists() {
        paths.push(set.clone());
    }
    if paths.is_empty() {
        let what = "there is no list to look at: name files or directories, or set CUSTOM_TRAILS_DIR";
        return Err(Failure::Usage(what.to_owned()));
    }
    Ok(paths)
}

/// Who runs a public resolver that is listed.
fn resolver(indicator: &Indicator<'_>) -> Option<String> {
    let who = match indicator {
        Indicator::Name(name) => resolvers::of_name(name),
        Indicator::Address(address) | Indicator::Endpoint(address, _) => resolvers::of_address(*address),
        _ => None,
    };
    who.map(str::to_owned)
}

/// For people.
struct Text {
    color: bool,
    level: Level,
    limit: usize,
}

impl Text {
    fn draw(&self, verdict: &Verdict) -> String {
        let mut out = String::new();
        let shown = |told: &&Told| told.problem.level() <= self.level;
        for told in verdict.told.iter().filter(shown).take(self.limit) {
            self.one(&mut out, told);
        }
        let all: u64 = Level::ALL.iter().filter(|level| **level <= self.level).map(|level| verdict.of(*level)).sum();
        let most = self.limit.min(MAX_TOLD) as u64;
        if all > most {
            let _ = writeln!(out, "... and {} more (--limit)", all - most);
        }
        self.sum(&mut out, verdict);
        out
    }

    fn one(&self, out: &mut String, told: &Told) {
        let level = told.problem.level();
        let (start, dim, end) = if self.color { (paint(level), "\x1b[2m", "\x1b[0m") } else { ("", "", "") };
        let _ = writeln!(
            out,
            "{}:{}: {start}{}:{end} {} {}\n    {dim}{}{end}",
            safe(&told.file.display().to_string()),
            told.line,
            level.name(),
            quoted(&told.text),
            safe(&told.problem.to_string()),
            told.problem.advice()
        );
    }

    fn sum(&self, out: &mut String, verdict: &Verdict) {
        if !out.is_empty() {
            out.push('\n');
        }
        let counted = Level::ALL.map(|level| many(verdict.of(level), level.name()));
        let _ = writeln!(
            out,
            "{}, {}: {}",
            many(verdict.files as u64, "file"),
            many(verdict.lines, "line"),
            counted.join(", ")
        );
        let kinds = Kind::ALL.iter().zip(verdict.counts).filter(|(_, count)| *count > 0);
        let kinds: Vec<String> = kinds.map(|(kind, count)| format!("{} {count}", kind.as_str())).collect();
        let total: u64 = verdict.counts.iter().sum();
        let kinds = if kinds.is_empty() { String::new() } else { format!(": {}", kinds.join(", ")) };
        let _ = writeln!(out, "{} can be found{kinds}", many(total, "trail"));
    }
}

fn paint(level: Level) -> &'static str {
    match level {
        Level::Error => "\x1b[1;31m",
        Level::Warning => "\x1b[1;33m",
        Level::Note => "\x1b[1;36m",
    }
}

/// A line's text as data: where it ends is to be seen.
fn quoted(text: &str) -> String {
    format!("`{}`", safe(text))
}

fn many(count: u64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// For programs: an object a line, the last of them the sum.
fn lines(verdict: &Verdict, level: Level) {
    let mut out = String::new();
    for told in verdict.told.iter().filter(|told| told.problem.level() <= level) {
        let _ = writeln!(out, "{}", object(told));
    }
    let kinds = Kind::ALL.iter().zip(verdict.counts).filter(|(_, count)| *count > 0);
    let kinds: serde_json::Map<String, Value> =
        kinds.map(|(kind, count)| (kind.as_str().to_owned(), count.into())).collect();
    let counts: serde_json::Map<String, Value> =
        verdict.problems.iter().map(|((_, name), count)| ((*name).to_owned(), (*count).into())).collect();
    let sum = json!({
        "files": verdict.files,
        "lines": verdict.lines,
        "errors": verdict.of(Level::Error),
        "warnings": verdict.of(Level::Warning),
        "notes": verdict.of(Level::Note),
        "problems": counts,
        "trails": kinds,
    });
    let _ = writeln!(out, "{sum}");
    print(&out);
}

fn object(told: &Told) -> Value {
    let Told { file, line, text, problem } = told;
    let mut object = json!({
        "file": file.display().to_string(),
        "line": line,
        "text": text,
        "level": problem.level().name(),
        "problem": problem.name(),
        "what": problem.to_string(),
        "advice": problem.advice(),
    });
    let more = match problem {
        Problem::Inert { cause, instead } => vec![("cause", json!(cause.name())), ("instead", json!(instead))],
        Problem::Repeated { file, line } => vec![("first", json!(place(file, *line)))],
        Problem::Mended { kind, read_as, mends } => {
            let mends: Vec<&str> = mends.iter().map(|mend| mend.name()).collect();
            vec![("kind", json!(kind.as_str())), ("read_as", json!(read_as)), ("mends", json!(mends))]
        }
        _ => Vec::new(),
    };
    if let Some(fields) = object.as_object_mut() {
        fields.extend(more.into_iter().map(|(name, value)| (name.to_owned(), value)));
    }
    object
}

fn place(file: &Path, line: u64) -> String {
    format!("{}:{line}", file.display())
}
