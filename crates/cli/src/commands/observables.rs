//! `maltrail observables`: when a name or address was seen at all, without a server or beside one.

use std::io::{self, BufWriter, IsTerminal as _, Write};

use event::line::clean;
use jiff::Timestamp;
use serde_json::{Value, json};
use server::observables::{Ask, ObservablesError, Page, Reading, Seen, Turn, View};
use server::store::OnceObserved;

use super::{Failure, complain, searched};
use crate::arguments::ObservablesArguments;
use crate::config::Environment;
use crate::exit::Exit;

impl From<ObservablesError> for Failure {
    fn from(error: ObservablesError) -> Self {
        Failure::Running(error.to_string())
    }
}

pub(crate) fn run(arguments: &ObservablesArguments) -> Exit {
    searched(find(arguments))
}

/// Prints what is found, and tells how many lines that were.
fn find(arguments: &ObservablesArguments) -> Result<u64, Failure> {
    let ask = Ask::parse(&arguments.query).map_err(|error| Failure::Usage(format!("query: {error}")))?;
    // What is read of other logs would stay among what is kept of those that are configured.
    if arguments.place.log_dir.is_some() && arguments.place.state_dir.is_none() {
        return Err(Failure::Usage("--log-dir needs a --state-dir that belongs to it".to_owned()));
    }
    let environment = Environment::of_process();
    let config = arguments.place.config(&environment)?;
    let once = OnceObserved::open(&config.values.log_dir, &config.values.state_dir, Timestamp::now())?;
    let found = print(once.reading(), &ask, arguments)?;
    match once.unreadable() {
        [] => Ok(found),
        files => Err(Failure::Running(format!("what was printed is not all: {}", files.join("; ")))),
    }
}

fn print(reading: &Reading, ask: &Ask, arguments: &ObservablesArguments) -> Result<u64, Failure> {
    let turn = Turn { after: None, limit: usize::try_from(arguments.limit).unwrap_or(usize::MAX) };
    let terminal = io::stdout().is_terminal();
    // Nothing may steer it: names were made by whoever sent the traffic.
    let shown = |name: &str| if terminal { clean(name) } else { name.to_owned() };
    let mut out = Out { to: BufWriter::new(io::stdout().lock()), json: arguments.json, terminal, lines: 0 };
    let values = reading.values(ask, turn, View::ALL)?;
    for value in &values.rows {
        let kind = if ask.is_of_names() { "name" } else { "address" };
        out.line(&json!({ "value": value }), |out| {
            writeln!(out, "{kind}\t{}\t{}\t{}", shown(&value.value), Shown(value.seen), value.hosts)
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
            writeln!(out, "pair\t{}\t{}\t{}\t{}", shown(&pair.name), pair.address, Shown(pair.seen), pair.hosts)
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
    terminal: bool,
    lines: u64,
}

impl<W: Write> Out<W> {
    fn line(&mut self, line: &Value, text: impl FnOnce(&mut W) -> io::Result<()>) -> io::Result<()> {
        self.lines += 1;
        if self.json {
            let line = line.to_string();
            return if self.terminal { writeln!(self.to, "{}", clean(&line)) } else { writeln!(self.to, "{line}") };
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
