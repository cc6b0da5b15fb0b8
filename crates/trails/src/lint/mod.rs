//! What is wrong with the lines of trail files, for whoever writes them: told before they are used.
//!
//! Lines are read as a build reads them, and every indicator is looked up in the store that would be built. This module
//! judges; it prints nothing.

mod mends;
mod problem;

use std::collections::BTreeMap;
use std::collections::hash_map::{Entry, HashMap};
use std::io::{self, Cursor};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use ipnet::IpNet;

use crate::builder::{Builder, Place};
use crate::excuse::is_local;
use crate::indicator::{Indicator, Network, Why};
use crate::label::is_custom;
use crate::probe::{instead, probe};
use crate::read::{self, Origin, ReadError, Row};
use crate::store::{Counts, Store};
use crate::veto::{Vetoes, Whitelist, is_bogon};
use crate::{Stamp, builder};

pub use mends::Mend;
pub use problem::{Level, Problem};

/// Problems that are told one by one; all are counted.
pub const MAX_TOLD: usize = 100_000;

/// What lines are held against besides each other.
pub struct Surroundings<'s> {
    /// USER_WHITELIST.
    pub whitelist: Whitelist,
    /// HOME_NETWORKS.
    pub own: Vec<IpNet>,
    /// Who runs a public resolver that is listed.
    pub resolver: &'s dyn Fn(&Indicator<'_>) -> Option<String>,
}

/// A line and what is to be said of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The file.
    pub file: Rc<Path>,
    /// Its line, from 1.
    pub line: u64,
    /// What stands there, without a comment. Anybody may have written it.
    pub text: String,
    /// What it is.
    pub problem: Problem,
}

/// What came of all lines.
#[derive(Clone, Debug, Default)]
pub struct Verdict {
    /// In the order of the files as they were read, and of their lines; [`MAX_TOLD`] at most.
    pub told: Vec<Told>,
    /// How many there are of each sort.
    pub problems: BTreeMap<(Level, &'static str), u64>,
    /// Files that were read.
    pub files: usize,
    /// Lines that were neither blank nor comment.
    pub lines: u64,
    /// Indicators that count, by kind.
    pub counts: Counts,
}

impl Verdict {
    /// How many there are of a level.
    #[must_use]
    pub fn of(&self, level: Level) -> u64 {
        self.problems.iter().filter(|((of, _), _)| *of == level).map(|(_, count)| count).sum()
    }
}

/// Where an indicator stands first.
#[derive(Clone, Copy)]
struct First {
    file: u32,
    line: u64,
}

/// See the module.
pub struct Linter<'s> {
    surroundings: Surroundings<'s>,
    builder: Builder,
    files: Vec<Rc<Path>>,
    first: HashMap<u64, First>,
    told: Vec<(u32, Told)>,
    problems: BTreeMap<(Level, &'static str), u64>,
    lines: u64,
}

impl<'s> Linter<'s> {
    /// Without lines yet.
    #[must_use]
    pub fn new(surroundings: Surroundings<'s>) -> Self {
        Linter {
            surroundings,
            builder: Builder::new(Vetoes::default()),
            files: Vec::new(),
            first: HashMap::new(),
            told: Vec::new(),
            problems: BTreeMap::new(),
            lines: 0,
        }
    }

    /// Reads a file, or the `.txt` and `.csv` files of a directory.
    ///
    /// # Errors
    /// Something could not be read; what was read before is judged.
    pub fn read(&mut self, path: &Path, origin: Origin<'_>) -> Result<(), ReadError> {
        for (file, _) in read::files(path)? {
            self.file(file, origin)?;
        }
        Ok(())
    }

    fn file(&mut self, file: PathBuf, origin: Origin<'_>) -> Result<(), ReadError> {
        let number = u32::try_from(self.files.len()).unwrap_or(u32::MAX);
        let name: Rc<str> = file.display().to_string().into();
        self.files.push(Rc::from(file.as_path()));
        let csv = read::is_csv(&file);
        read::rows(&file, origin.reference, &mut |line, row| {
            self.lines += 1;
            let at = First { file: number, line };
            match row {
                Ok(row) => {
                    let custom = if csv { is_custom(row.reference) } else { origin.custom };
                    self.row(row, custom, at, &name);
                }
                Err((text, why)) => self.tell(at, text, Problem::Refused(why)),
            }
        })
    }

    fn row(&mut self, row: Row<'_>, custom: bool, at: First, file: &Rc<str>) {
        let mut scratch = String::new();
        let indicator = match Indicator::parse(row.text, &mut scratch) {
            Ok(indicator) => indicator,
            Err(why) => return self.tell(at, row.text, Problem::Refused(why)),
        };
        if self.surroundings.whitelist.covers(&indicator) {
            return self.tell(at, row.text, Problem::Whitelisted);
        }
        if !custom && private(&indicator) {
            return self.tell(at, row.text, Problem::Private { left_out: true });
        }
        let source = self.builder.source(row.info, row.reference, custom);
        let refused = self.builder.report().refused.clone();
        self.builder.add(row.text, source, Place { file, line: at.line });
        if let Some(why) = more(&refused, &self.builder.report().refused) {
            return self.tell(at, row.text, Problem::Refused(why));
        }
        match self.first.entry(builder::key_of(&indicator)) {
            Entry::Vacant(place) => drop(place.insert(at)),
            Entry::Occupied(first) => {
                let First { file, line } = *first.get();
                let file = self.files.get(file as usize).cloned().unwrap_or_else(|| Path::new("").into());
                self.tell(at, row.text, Problem::Repeated { file, line });
            }
        }
        for problem in self.suspicious(&indicator, row.text, custom) {
            self.tell(at, row.text, problem);
        }
        let mends = mends::of(row.text, &indicator);
        if !mends.is_empty() {
            let problem = Problem::Mended { kind: indicator.kind(), read_as: indicator.to_string(), mends };
            self.tell(at, row.text, problem);
        }
    }

    /// What is an indicator, but hardly one that somebody wants.
    fn suspicious(&self, indicator: &Indicator<'_>, text: &str, custom: bool) -> Vec<Problem> {
        let mut problems = Vec::new();
        match indicator {
            Indicator::Name(name) if !name.contains('.') => problems.push(Problem::WholeTld),
            Indicator::Name(name) if custom && is_local(name.as_bytes()) => problems.push(Problem::Local),
            Indicator::Url(url) if url.ends_with('/') && !text.trim_end().ends_with("//") => {
                problems.push(Problem::RequestsOnly);
            }
            _ => {}
        }
        problems.extend((self.surroundings.resolver)(indicator).map(Problem::Resolver));
        if let Some(net) = self.surroundings.own.iter().find(|own| touches(indicator, own)) {
            problems.push(Problem::Own(*net));
        } else if private(indicator) {
            problems.push(Problem::Private { left_out: false });
        }
        problems
    }

    fn tell(&mut self, at: First, text: &str, problem: Problem) {
        *self.problems.entry((problem.level(), problem.name())).or_default() += 1;
        if self.told.len() < MAX_TOLD {
            let file = self.files.get(at.file as usize).cloned().unwrap_or_else(|| Path::new("").into());
            self.told.push((at.file, Told { file, line: at.line, text: text.to_owned(), problem }));
        }
    }

    /// Looks every indicator up in the store that comes of the lines.
    ///
    /// # Errors
    /// There is no memory for the store, or what was made is none.
    pub fn finish(mut self) -> io::Result<Verdict> {
        let builder = std::mem::replace(&mut self.builder, Builder::new(Vetoes::default()));
        let (bytes, report) = builder.finish(Cursor::new(Vec::new()), Stamp::default())?;
        let store = Store::from_bytes(bytes.into_inner()).map_err(io::Error::other)?;
        let mut counts = report.counts;
        for (indicator, label) in store.trails() {
            let Some(cause) = probe(&store, &indicator, label) else { continue };
            if let Some(count) = counts.get_mut(indicator.kind() as usize) {
                *count = count.saturating_sub(1);
            }
            if let Some(first) = self.first.get(&builder::key_of(&indicator)).copied() {
                let instead = instead(&store, &indicator);
                self.tell(first, &indicator.to_string(), Problem::Inert { cause, instead });
            }
        }
        self.told.sort_by_key(|(file, told)| (*file, told.line, told.problem.level()));
        let told = self.told.into_iter().map(|(_, told)| told).collect();
        Ok(Verdict { told, problems: self.problems, files: self.files.len(), lines: self.lines, counts })
    }
}

/// Why one line more was refused.
fn more(before: &BTreeMap<Why, u64>, after: &BTreeMap<Why, u64>) -> Option<Why> {
    after.iter().find(|(why, count)| before.get(why) != Some(count)).map(|(why, _)| *why)
}

/// Its first address and the length of its network.
fn net(indicator: &Indicator<'_>) -> Option<IpNet> {
    let (address, length) = match indicator {
        Indicator::Address(address) | Indicator::Endpoint(address, _) => (*address, None),
        Indicator::Network(Network { address, length }) => (*address, Some(*length)),
        Indicator::Url(url) => {
            let host = url.split('/').next().unwrap_or_default();
            let alone = host.trim_matches(['[', ']']).parse::<IpAddr>();
            let address = alone.or_else(|_| host.parse::<std::net::SocketAddr>().map(|socket| socket.ip()));
            (address.ok()?, None)
        }
        _ => return None,
    };
    match length {
        Some(length) => IpNet::new(address, length).ok(),
        None => Some(address.into()),
    }
}

fn private(indicator: &Indicator<'_>) -> bool {
    !matches!(indicator, Indicator::Url(_)) && net(indicator).is_some_and(|net| is_bogon(net.addr()))
}

/// Whether an indicator has an address in common with a network.
fn touches(indicator: &Indicator<'_>, own: &IpNet) -> bool {
    net(indicator).is_some_and(|net| own.contains(&net) || net.contains(own))
}

#[cfg(test)]
mod tests;
