//! `maltrail hunt` and `maltrail events`: events of the logs that a query finds, without a server or beside one.

use std::io::{self, BufWriter, Write};
use std::ops::ControlFlow;

use event::journal;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use server::Scope;
use server::hunt;
use server::store::{Filter, Once, Query, Seen, Stored};

use super::complain;
use crate::arguments::{EventsArguments, LookArguments};
use crate::config::{Config, Environment};
use crate::exit::Exit;

/// Why it was not done.
enum Failure {
    Usage(String),
    Running(String),
    /// Whoever read the output has gone.
    Gone,
}

/// Events of a query.
pub(crate) fn run(words: &[String], look: &LookArguments) -> Exit {
    ended(parsed(words).and_then(|filter| find(filter, look)))
}

/// Events of some time, all or those of a query.
pub(crate) fn events(arguments: &EventsArguments) -> Exit {
    let filter = if arguments.query.is_empty() { Ok(Filter::All) } else { parsed(&arguments.query) };
    let mut look = arguments.look.clone();
    if let Some(day) = &arguments.day {
        (look.from, look.to) = (Some(day.clone()), Some(day.clone()));
    }
    ended(filter.and_then(|filter| find(filter, &look)))
}

fn parsed(words: &[String]) -> Result<Filter, Failure> {
    hunt::parse(&words.join(" ")).map_err(|error| Failure::Usage(format!("query: {error}")))
}

fn ended(done: Result<u64, Failure>) -> Exit {
    match done {
        Ok(0) => Exit::NothingFound,
        Ok(_) | Err(Failure::Gone) => Exit::Success,
        Err(Failure::Usage(text)) => {
            complain(&format!("error: {text}"));
            Exit::Usage
        }
        Err(Failure::Running(text)) => {
            complain(&format!("error: {text}"));
            Exit::Failure
        }
    }
}

/// Prints what is found, and tells how many that were.
fn find(filter: Filter, look: &LookArguments) -> Result<u64, Failure> {
    let environment = Environment::of_process();
    let mut config = Config::load(look.config.as_deref(), &environment);
    for (key, path, argument) in
        [("LOG_DIR", &look.log_dir, "--log-dir"), ("STATE_DIR", &look.state_dir, "--state-dir")]
    {
        if let Some(path) = path {
            config.take_argument(key, &path.to_string_lossy(), argument, &environment);
        }
    }
    if config.has_errors() {
        let errors: Vec<String> = config.problems.iter().map(ToString::to_string).collect();
        return Err(Failure::Usage(errors.join("; ")));
    }
    let values = &config.values;
    let zone = values.time_zone.as_ref().map_or_else(TimeZone::system, |zone| zone.0.clone());
    let from = bounds("--from", look.from.as_deref(), &zone)?.map_or(Timestamp::MIN, |(first, _)| first);
    let to = bounds("--to", look.to.as_deref(), &zone)?.map_or(Timestamp::MAX, |(_, last)| last);
    let running = |error: server::store::StoreError| Failure::Running(error.to_string());
    let once = Once::open(&values.log_dir, &values.state_dir, zone.clone(), Timestamp::now()).map_err(running)?;
    let query = Query { from, to, scope: Scope::everything(), filter, newest_first: false };
    let limit = look.limit.unwrap_or(u64::MAX);
    let mut out = BufWriter::new(io::stdout().lock());
    let (mut found, mut failed) = (0, None);
    let scanned = once.archive().scan(&query, &mut |seen| {
        let Seen::Event(stored) = seen else { return ControlFlow::Continue(()) };
        if found >= limit {
            return ControlFlow::Break(());
        }
        found += 1;
        failed = written(&mut out, stored, look.json, &zone).err();
        if failed.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    match failed.or_else(|| out.flush().err()) {
        Some(error) if error.kind() == io::ErrorKind::BrokenPipe => return Err(Failure::Gone),
        Some(error) => return Err(Failure::Running(format!("cannot write: {error}"))),
        None => {}
    }
    if scanned.map_err(|error| Failure::Running(format!("{error}; what was printed is not all")))?.stopped {
        complain(&format!("there are more than {limit}: --limit"));
    }
    match once.unreadable() {
        [] => Ok(found),
        files => Err(Failure::Running(format!("what was printed is not all: {}", files.join("; ")))),
    }
}

fn written(out: &mut impl Write, stored: &Stored, json: bool, zone: &TimeZone) -> io::Result<()> {
    if json {
        let line = journal::to_line(&stored.event).map_err(io::Error::other)?;
        return writeln!(out, "{}", line.trim_end());
    }
    match &stored.line {
        Some(line) => writeln!(out, "{line}"),
        None => writeln!(out, "{}", stored.event.line(zone)),
    }
}

/// First instant of a day and the first after it, or an instant twice.
fn bounds(name: &str, text: Option<&str>, zone: &TimeZone) -> Result<Option<(Timestamp, Timestamp)>, Failure> {
    let Some(text) = text else { return Ok(None) };
    let start = |day: Date| day.to_zoned(zone.clone()).ok().map(|zoned| zoned.timestamp());
    let day = || {
        let day: Date = text.parse().ok()?;
        Some((start(day)?, start(day.tomorrow().ok()?)?))
    };
    let instant = text.parse().ok().map(|instant| (instant, instant));
    instant.or_else(day).map(Some).ok_or_else(|| {
        Failure::Usage(format!("{name} '{text}': give a day (2026-11-20) or an instant (2026-11-20T10:00:00Z)"))
    })
}
