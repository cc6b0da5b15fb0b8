//! `maltrail hunt` and `maltrail events`: events of the logs that a query finds, without a server or beside one.

use std::borrow::Cow;
use std::io::{self, BufWriter, IsTerminal as _, Write};
use std::ops::ControlFlow;

use event::journal;
use event::line::clean;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use server::Scope;
use server::hunt;
use server::store::{Filter, Look, Once, Query, Seen, Stored};

use super::loudness::Loudness;
use super::{Failure, complain, searched};
use crate::arguments::{EventsArguments, LookArguments};
use crate::config::Environment;
use crate::exit::Exit;

/// Events of a query.
pub(crate) fn run(words: &[String], look: &LookArguments) -> Exit {
    searched(parsed(words).and_then(|filter| find(filter, look)))
}

/// Events of some time, all or those of a query.
pub(crate) fn events(arguments: &EventsArguments) -> Exit {
    let filter = if arguments.query.is_empty() { Ok(Filter::All) } else { parsed(&arguments.query) };
    let mut look = arguments.look.clone();
    if let Some(day) = &arguments.day {
        (look.from, look.to) = (Some(day.clone()), Some(day.clone()));
    }
    searched(filter.and_then(|filter| find(filter, &look)))
}

fn parsed(words: &[String]) -> Result<Filter, Failure> {
    hunt::parse(&words.join(" ")).map_err(|error| Failure::Usage(format!("query: {error}")))
}

/// Prints what is found, and tells how many that were.
fn find(filter: Filter, look: &LookArguments) -> Result<u64, Failure> {
    let environment = Environment::of_process();
    let config = look.place.config(&environment)?;
    let loudness = Loudness { quiet: false, verbose: 0 };
    loudness.log_to_stderr(tracing::Level::WARN, config.values.show_debug, &environment);
    let values = &config.values;
    let zone = values.time_zone.as_ref().map_or_else(TimeZone::system, |zone| zone.0.clone());
    let from = bounds("--from", look.from.as_deref(), &zone)?.map_or(Timestamp::MIN, |(first, _)| first);
    let to = bounds("--to", look.to.as_deref(), &zone)?.map_or(Timestamp::MAX, |(_, last)| last);
    let running = |error: server::store::StoreError| Failure::Running(error.to_string());
    // The state directory that is configured belongs to the logs that are configured.
    let kept = look.place.log_dir.is_none() || look.place.state_dir.is_some();
    let state_dir = kept.then(|| values.state_dir.clone());
    let place = Look { log_dir: values.log_dir.clone(), state_dir, zone: zone.clone(), from, to };
    open_many_files();
    let once = Once::open(&place, Timestamp::now()).map_err(running)?;
    let query = Query { from, to, scope: Scope::everything(), filter, newest_first: false };
    let limit = look.limit.unwrap_or(u64::MAX);
    let print = Print { json: look.json, terminal: io::stdout().is_terminal(), zone };
    let mut out = BufWriter::new(io::stdout().lock());
    let (mut found, mut failed) = (0, None);
    let scanned = once.archive().scan(&query, &mut |seen| {
        let Seen::Event(stored) = seen else { return ControlFlow::Continue(()) };
        if found >= limit {
            return ControlFlow::Break(());
        }
        found += 1;
        failed = print.write(&mut out, stored).err();
        if failed.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    if let Some(error) = failed.or_else(|| out.flush().err()) {
        return Err(error.into());
    }
    if scanned.map_err(|error| Failure::Running(format!("{error}; what was printed is not all")))?.stopped {
        complain(&format!("there are more than {limit}: --limit"));
    }
    if found == 0 && once.files() == 0 {
        complain(&format!("there are no logs of that time in {} (LOG_DIR)", place.log_dir.display()));
    }
    match once.unreadable() {
        [] => Ok(found),
        files => Err(Failure::Running(format!("what was printed is not all: {}", files.join("; ")))),
    }
}

/// A store has a file for each day at least; where as many cannot be opened, it says so itself.
fn open_many_files() {
    let limit = getrlimit(Resource::Nofile);
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
}

/// How events are printed.
struct Print {
    json: bool,
    /// Nothing may steer it: nearly everything in an event was made by whoever sent the traffic.
    terminal: bool,
    /// Of the times.
    zone: TimeZone,
}

impl Print {
    fn write(&self, out: &mut impl Write, stored: &Stored) -> io::Result<()> {
        let line = match &stored.line {
            _ if self.json => journal::to_line(&stored.event).map_err(io::Error::other)?.into(),
            Some(line) => Cow::Borrowed(&**line),
            None => stored.event.line(&self.zone).into(),
        };
        if self.terminal { writeln!(out, "{}", clean(&line)) } else { writeln!(out, "{line}") }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_steers_a_terminal_and_every_line_is_whole_elsewhere() {
        let line = "\"2026-11-20 10:00:00.000000\" gw 10.0.0.5 1 192.0.2.7 53 UDP DNS \u{1b}[2J\u{9b}31mevil\u{202e}.example x y";
        let event = journal::parse(
            r#"{"v":1,"id":"e1","time":"2026-11-20T10:00:00Z","last":"2026-11-20T10:00:00Z","src":["10.0.0.5"],"dst":[],"protocol":17,"kind":"DNS","observed":{"text":"evil.example","matched":[]},"severity":"high"}"#,
        );
        let event = event.unwrap();
        let stored = Stored { event, line: Some(line.into()) };
        let written = |json, terminal| {
            let mut out = Vec::new();
            Print { json, terminal, zone: TimeZone::UTC }.write(&mut out, &stored).unwrap();
            String::from_utf8(out).unwrap()
        };
        assert_eq!(written(false, false), format!("{line}\n"));
        let shown = written(false, true);
        assert!(shown.trim_end().chars().all(|c| !c.is_control() && c != '\u{202e}'), "{shown:?}");
        assert!(shown.contains(r"\x1b[2J\x9b31mevil\u{202e}.example"), "{shown}");
    }
}
