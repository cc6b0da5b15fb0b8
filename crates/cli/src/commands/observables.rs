//! `maltrail observables`: when a name or address was seen at all, without a server or beside one.

use std::io::{self, BufWriter, Write};

use jiff::Timestamp;
use serde_json::{Value, json};
use server::observables::{Ask, ObservablesError, Page, Reading, Seen, Turn, View};
use server::store::OnceObserved;

use super::{Failure, complain};
use crate::arguments::ObservablesArguments;
use crate::config::Environment;
use crate::exit::Exit;

impl From<ObservablesError> for Failure {
    fn from(error: ObservablesError) -> Self {
        Failure::Running(error.to_string())
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            // Whoever read the output has seen enough.
            io::ErrorKind::BrokenPipe => Failure::Said(Exit::Success),
            _ => Failure::Running(format!("cannot write: {error}")),
        }
    }
}

pub(crate) fn run(arguments: &ObservablesArguments) -> Exit {
    find(arguments).map_or_else(Failure::exit, |found| if found == 0 { Exit::NothingFound } else { Exit::Success })
}

/// Prints what is found, and tells how many lines that were.
fn find(arguments: &ObservablesArguments) -> Result<usize, Failure> {
    let ask = Ask::parse(&arguments.query).map_err(|error| Failure::Usage(format!("query: {error}")))?;
    let environment = Environment::of_process();
    let config = arguments.place.config(&environment)?;
    let once = OnceObserved::open(&config.values.log_dir, &config.values.state_dir, Timestamp::now())?;
    let found = print(once.reading(), &ask, arguments)?;
    match once.unreadable() {
        [] => Ok(found),
        files => Err(Failure::Running(format!("what was printed is not all: {}", files.join("; ")))),
    }
}

fn print(reading: &Reading, ask: &Ask, arguments: &ObservablesArguments) -> Result<usize, Failure> {
    let turn = Turn { after: None, limit: usize::try_from(arguments.limit).unwrap_or(usize::MAX) };
    let mut out = Out { to: BufWriter::new(io::stdout().lock()), json: arguments.json, lines: 0 };
    let values = reading.values(ask, turn, View::ALL)?;
    for value in &values.rows {
        let kind = if ask.is_of_names() { "name" } else { "address" };
        out.line(&json!({ "value": value }), |out| {
            writeln!(out, "{kind}\t{}\t{}\t{}", value.value, Shown(value.seen), value.hosts)
        })?;
    }
    let hosts = reading.hosts(ask, turn, View::ALL)?;
    for host in &hosts.rows {
        let name = host.host.map_or_else(|| "-".to_owned(), |host| host.to_string());
        out.line(&json!({ "host": host }), |out| writeln!(out, "host\t{name}\t{}", Shown(host.seen)))?;
    }
    let pairs = reading.pairs(ask, turn, View::ALL)?;
    for pair in &pairs.rows {
        out.line(&json!({ "pair": pair }), |out| {
            writeln!(out, "pair\t{}\t{}\t{}\t{}", pair.name, pair.address, Shown(pair.seen), pair.hosts)
        })?;
    }
    out.to.flush()?;
    for (what, more) in [("values", cut(&values)), ("hosts", cut(&hosts)), ("pairs", cut(&pairs))] {
        if more {
            complain(&format!("there are more than {} {what}: --limit", arguments.limit));
        }
    }
    Ok(out.lines)
}

fn cut<T>(page: &Page<T>) -> bool {
    page.more.is_some()
}

/// Where lines go.
struct Out<W> {
    to: W,
    json: bool,
    lines: usize,
}

impl<W: Write> Out<W> {
    fn line(&mut self, line: &Value, text: impl FnOnce(&mut W) -> io::Result<()>) -> io::Result<()> {
        self.lines += 1;
        if self.json {
            serde_json::to_writer(&mut self.to, line).map_err(io::Error::from)?;
            return self.to.write_all(b"\n");
        }
        text(&mut self.to)
    }
}

/// First time, last time, count.
struct Shown(Seen);

impl std::fmt::Display for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Seen { first, last, count } = self.0;
        write!(f, "{first}\t{last}\t{count}")
    }
}
