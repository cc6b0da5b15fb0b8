//! Questions about observables. Every row is held to the reader's scope by its host before it is added up, so that
//! neither values, counts, times nor cursors tell what hosts outside of it did. Reads beside the one who writes.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use rusqlite::{Connection, Params, Row};
use serde::Serialize;
use utoipa::ToSchema;

use super::key;
use super::{Ask, FILE, MIGRATIONS, ObservablesError};
use crate::{Scope, database};

/// Hosts that a [`Sighting`] names.
pub const HOSTS: usize = 100;
/// Connections that are kept for the next question.
const IDLE: usize = 4;
/// Rows that one question over HTTP looks at; an answer that would take more says that it is partial.
pub const MAX_LOOKED: u64 = 200_000;
/// Rows between two looks whether somebody still waits.
const ROWS_BETWEEN: u64 = 4096;
/// What stands for a host that is not known in a cursor.
const UNKNOWN: &str = "-";

/// Names and addresses, in the order of their keys.
const NAMES: &str =
    "SELECT value, x'', host, first, last, count FROM names WHERE value >= ?1 AND value < ?2 ORDER BY value, host";
const ADDRESSES: &str =
    "SELECT value, x'', host, first, last, count FROM addresses WHERE value >= ?1 AND value < ?2 ORDER BY value, host";
/// Pairs of names, and of addresses, each from a pair on.
const PAIRS_OF_NAMES: &str = "SELECT value, address, host, first, last, count FROM pairs \
    WHERE (value, address) >= (?1, ?2) AND value < ?3 ORDER BY value, address, host";
const PAIRS_OF_ADDRESSES: &str = "SELECT value, address, host, first, last, count FROM pairs INDEXED BY pairs_by_address \
    WHERE (address, value) >= (?1, ?2) AND address < ?3 ORDER BY address, value, host";

/// All of them.
#[cfg(test)]
pub(super) const STATEMENTS: [&str; 4] = [NAMES, ADDRESSES, PAIRS_OF_NAMES, PAIRS_OF_ADDRESSES];

/// When something was seen, and how often.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Seen {
    /// The first time.
    #[schema(value_type = String, format = DateTime)]
    pub first: Timestamp,
    /// The last time.
    #[schema(value_type = String, format = DateTime)]
    pub last: Timestamp,
    /// How often.
    pub count: u64,
}

impl Seen {
    /// Both together.
    pub fn add(&mut self, other: Seen) {
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
        self.count = self.count.saturating_add(other.count);
    }

    /// Both together, as another.
    #[must_use]
    pub fn with(mut self, other: Seen) -> Seen {
        self.add(other);
        self
    }
}

/// What an observable is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A name that was asked for.
    Name,
    /// An address that was contacted.
    Address,
}

/// A name or an address, and who touched it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Value {
    /// Which of the two.
    pub kind: Kind,
    /// It.
    pub value: String,
    /// When and how often.
    #[serde(flatten)]
    pub seen: Seen,
    /// Different hosts that touched it.
    pub hosts: u64,
}

/// A host that touched what was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Host {
    /// Which; none where it is not known.
    #[schema(value_type = Option<String>)]
    pub host: Option<IpAddr>,
    /// When and how often.
    #[serde(flatten)]
    pub seen: Seen,
}

/// A name that led to an address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Pair {
    /// The name.
    pub name: String,
    /// The address.
    #[schema(value_type = String)]
    pub address: IpAddr,
    /// When and how often it was answered.
    #[serde(flatten)]
    pub seen: Seen,
    /// Different hosts that were told so.
    pub hosts: u64,
}

/// What is known of one indicator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Sighting {
    /// As it was asked for.
    pub indicator: String,
    /// When and how often, with what is below a name.
    #[serde(flatten)]
    pub seen: Seen,
    /// Hosts that touched it, by their number, at most [`HOSTS`].
    #[schema(value_type = Vec<String>)]
    pub hosts: Vec<IpAddr>,
    /// Whether there are more.
    pub more_hosts: bool,
    /// Whether there was more of it than may be looked at: it was seen at least so often, by these hosts and maybe others.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub partial: bool,
}

/// A name or address, and a host that touched it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Touch {
    /// The name or address.
    pub value: String,
    /// The host; none where it is not known.
    pub host: Option<IpAddr>,
    /// When and how often.
    pub seen: Seen,
}

/// A part of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// In the order of their keys.
    pub rows: Vec<T>,
    /// Where the next part begins; none at the end.
    pub more: Option<String>,
    /// Whether there was more than may be looked at for one answer: what is below `more`, or all of it where nothing
    /// that may be seen was met, was not looked at.
    pub partial: bool,
}

/// Which part.
#[derive(Clone, Copy, Debug)]
pub struct Turn<'t> {
    /// `more` of the part before.
    pub after: Option<&'t str>,
    /// Most rows.
    pub limit: usize,
}

/// For whom, and whether they still wait.
#[derive(Clone, Copy)]
pub struct View<'v> {
    /// What they may see.
    pub scope: &'v Scope,
    /// Rows that are looked at for them, whether they may see them or not.
    pub rows: u64,
    /// Whether they have gone.
    pub cancelled: &'v dyn Fn() -> bool,
}

impl View<'_> {
    /// Without a limit, for somebody who waits for ever.
    pub const ALL: View<'static> = View { scope: Scope::ALL, rows: u64::MAX, cancelled: &|| false };

    fn shows(&self, host: &[u8]) -> bool {
        !self.scope.limits_addresses() || key::address(host).is_some_and(|host| self.scope.contains(host))
    }
}

/// Questions to the file. It may be written by another process.
pub struct Reading {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
}

/// How reading ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// Everything was shown.
    All,
    /// The visitor had enough.
    Enough,
    /// As many rows as may be were looked at.
    Cut,
}

/// A row of a table; without an address but for pairs.
struct Found<'r> {
    value: &'r [u8],
    address: &'r [u8],
    host: &'r [u8],
    seen: Seen,
}

impl Reading {
    pub(super) fn of(path: PathBuf) -> Reading {
        Reading { path, idle: Mutex::default() }
    }

    /// Of a state directory, beside the server that owns it or without one.
    ///
    /// # Errors
    /// There is none, or it cannot be read.
    pub fn open(directory: &Path) -> Result<Reading, ObservablesError> {
        let reading = Reading::of(directory.join(FILE));
        reading.give_back(reading.connection()?);
        Ok(reading)
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Names or addresses that were seen, in the order of their labels from right to left, or of their numbers.
    ///
    /// # Errors
    /// Reading failed, or nobody waits any more.
    pub fn values(&self, ask: &Ask, turn: Turn<'_>, view: View<'_>) -> Result<Page<Value>, ObservablesError> {
        let kind = if ask.is_of_names() { Kind::Name } else { Kind::Address };
        let start = turn.after.map(|after| key::after(key_of(kind, after)));
        let mut rows: Vec<(Vec<u8>, Value)> = Vec::new();
        let end = self.sightings(ask, start.as_deref(), view, &mut |found| {
            let full = rows.len() >= turn.limit;
            match rows.last_mut() {
                Some((last, value)) if *last == found.value => {
                    value.seen.add(found.seen);
                    value.hosts += 1;
                }
                _ if full => return false,
                _ => {
                    let value = Value { kind, value: text_of(kind, found.value), seen: found.seen, hosts: 1 };
                    rows.push((found.value.to_vec(), value));
                }
            }
            true
        })?;
        drop_unfinished(&mut rows, end);
        let rows: Vec<Value> = rows.into_iter().map(|(_, value)| value).collect();
        let more = rows.last().filter(|_| end != End::All).map(|value| value.value.clone());
        Ok(Page { rows, more, partial: end == End::Cut })
    }

    /// Who touched any of it, by their numbers.
    ///
    /// # Errors
    /// Reading failed, or nobody waits any more.
    pub fn hosts(&self, ask: &Ask, turn: Turn<'_>, view: View<'_>) -> Result<Page<Host>, ObservablesError> {
        let after = turn.after.map(|after| match after {
            UNKNOWN => Vec::new(),
            after => key_of(Kind::Address, after),
        });
        let mut hosts: BTreeMap<Vec<u8>, Seen> = BTreeMap::new();
        let end = self.sightings(ask, None, view, &mut |found| {
            if after.as_ref().is_some_and(|after| found.host <= after.as_slice()) {
                return true;
            }
            match hosts.get_mut(found.host) {
                Some(seen) => seen.add(found.seen),
                None => drop(hosts.insert(found.host.to_vec(), found.seen)),
            }
            // One more than is shown tells that there are more.
            if hosts.len() > turn.limit.saturating_add(1) {
                hosts.pop_last();
            }
            true
        })?;
        let all = hosts.len() <= turn.limit;
        let hosts = hosts.into_iter().take(turn.limit);
        let rows: Vec<Host> = hosts.map(|(host, seen)| Host { host: key::address(&host), seen }).collect();
        let cursor = |host: &Host| host.host.map_or_else(|| UNKNOWN.to_owned(), |host| host.to_string());
        Ok(Page { more: rows.last().filter(|_| !all).map(cursor), rows, partial: end == End::Cut })
    }

    /// What names led to, or which names led to addresses.
    ///
    /// # Errors
    /// Reading failed, or nobody waits any more.
    pub fn pairs(&self, ask: &Ask, turn: Turn<'_>, view: View<'_>) -> Result<Page<Pair>, ObservablesError> {
        let by_names = ask.is_of_names();
        let start = turn.after.and_then(|after| {
            let (address, name) = after.split_once(' ')?;
            let (address, name) = (key_of(Kind::Address, address), key_of(Kind::Name, name));
            Some(if by_names { (name, key::after(address)) } else { (address, key::after(name)) })
        });
        let sql = if by_names { PAIRS_OF_NAMES } else { PAIRS_OF_ADDRESSES };
        let mut rows: Vec<(Vec<u8>, Vec<u8>, Pair)> = Vec::new();
        let (mut end, mut left) = (End::All, view.rows);
        for range in ask.ranges() {
            let whole = (range.start, Vec::new());
            let (first, second) = start.clone().map_or_else(|| whole.clone(), |start| start.max(whole.clone()));
            end = self.read(sql, (first, second, range.end), (view, &mut left), &mut |found| {
                let full = rows.len() >= turn.limit;
                match rows.last_mut() {
                    Some((name, address, pair)) if *name == found.value && *address == found.address => {
                        pair.seen.add(found.seen);
                        pair.hosts += 1;
                    }
                    _ if full => return false,
                    _ => {
                        // An address that is none was never written.
                        let Some(address) = key::address(found.address) else { return true };
                        let pair = Pair { name: key::name(found.value), address, seen: found.seen, hosts: 1 };
                        rows.push((found.value.to_vec(), found.address.to_vec(), pair));
                    }
                }
                true
            })?;
            if end != End::All {
                break;
            }
        }
        drop_unfinished(&mut rows, end);
        let rows: Vec<Pair> = rows.into_iter().map(|(.., pair)| pair).collect();
        let more = rows.last().filter(|_| end != End::All).map(|pair| format!("{} {}", pair.address, pair.name));
        Ok(Page { rows, more, partial: end == End::Cut })
    }

    /// Shows each name or address, and each host that touched it, until the visitor has enough; whether that was all.
    ///
    /// # Errors
    /// Reading failed, or nobody waits any more.
    pub fn touches(
        &self,
        ask: &Ask,
        view: View<'_>,
        visit: &mut dyn FnMut(Touch) -> bool,
    ) -> Result<bool, ObservablesError> {
        let kind = if ask.is_of_names() { Kind::Name } else { Kind::Address };
        let end = self.sightings(ask, None, view, &mut |found| {
            let (value, host) = (text_of(kind, found.value), key::address(found.host));
            visit(Touch { value, host, seen: found.seen })
        })?;
        Ok(end == End::All)
    }

    /// The same of names whose answers had one of the addresses, and each host that was told so.
    ///
    /// # Errors
    /// Reading failed, or nobody waits any more.
    pub fn answers(
        &self,
        ask: &Ask,
        view: View<'_>,
        visit: &mut dyn FnMut(Touch) -> bool,
    ) -> Result<bool, ObservablesError> {
        let mut left = view.rows;
        for range in ask.ranges() {
            let bounds = (range.start, Vec::new(), range.end);
            let end = self.read(PAIRS_OF_ADDRESSES, bounds, (view, &mut left), &mut |found| {
                let (value, host) = (key::name(found.value), key::address(found.host));
                visit(Touch { value, host, seen: found.seen })
            })?;
            if end != End::All {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// All there is of it, as one.
    ///
    /// # Errors
    /// Reading failed, or nobody waits any more.
    pub fn sighting(&self, ask: &Ask, view: View<'_>) -> Result<Option<Sighting>, ObservablesError> {
        let mut all: Option<Seen> = None;
        let mut hosts = BTreeSet::new();
        let end = self.sightings(ask, None, view, &mut |found| {
            all = Some(all.map_or(found.seen, |all| all.with(found.seen)));
            hosts.extend(key::address(found.host));
            if hosts.len() > HOSTS + 1 {
                hosts.pop_last();
            }
            true
        })?;
        let more_hosts = hosts.len() > HOSTS;
        let hosts = hosts.into_iter().take(HOSTS).collect();
        let indicator = match ask {
            Ask::Name(name) | Ask::Within(name) => name.clone(),
            Ask::Below(name) => format!("*.{name}"),
            Ask::Net(net) if net.prefix_len() == net.max_prefix_len() => net.addr().to_string(),
            Ask::Net(net) => net.to_string(),
        };
        Ok(all.map(|seen| Sighting { indicator, seen, hosts, more_hosts, partial: end == End::Cut }))
    }

    /// Those of a list of indicators that were seen, in the list's order: a name when it or what is below it was asked
    /// for, an address when it was contacted. Names are in lower case and without a trailing dot.
    ///
    /// # Errors
    /// Reading failed, or nobody waits any more.
    pub fn look_up(
        &self,
        names: &[String],
        addresses: &[IpAddr],
        view: View<'_>,
    ) -> Result<Vec<Sighting>, ObservablesError> {
        let names = names.iter().map(|name| Ask::Within(name.clone()));
        let asks = names.chain(addresses.iter().map(|address| Ask::address(*address)));
        let mut found = Vec::new();
        for ask in asks {
            if (view.cancelled)() {
                return Err(ObservablesError::Cancelled);
            }
            found.extend(self.sighting(&ask, view)?);
        }
        Ok(found)
    }

    /// Shows rows of names or addresses from a key on, those of one value together, until the visitor has enough.
    fn sightings(
        &self,
        ask: &Ask,
        start: Option<&[u8]>,
        view: View<'_>,
        visit: &mut dyn FnMut(Found<'_>) -> bool,
    ) -> Result<End, ObservablesError> {
        let mut left = view.rows;
        let sql = if ask.is_of_names() { NAMES } else { ADDRESSES };
        for Range { start: first, end } in ask.ranges() {
            let first = start.map_or(first.as_slice(), |start| start.max(first.as_slice()));
            let end = self.read(sql, (first, end), (view, &mut left), visit)?;
            if end != End::All {
                return Ok(end);
            }
        }
        Ok(End::All)
    }

    /// Shows the rows of a statement that may be seen, until the visitor has enough or none are left that may be looked
    /// at.
    fn read(
        &self,
        sql: &str,
        bounds: impl Params,
        (view, left): (View<'_>, &mut u64),
        visit: &mut dyn FnMut(Found<'_>) -> bool,
    ) -> Result<End, ObservablesError> {
        let connection = self.connection()?;
        let mut statement = connection.prepare_cached(sql)?;
        let mut rows = statement.query(bounds)?;
        let mut end = End::All;
        while let Some(row) = rows.next()? {
            if *left == 0 {
                end = End::Cut;
                break;
            }
            *left -= 1;
            if left.is_multiple_of(ROWS_BETWEEN) && (view.cancelled)() {
                return Err(ObservablesError::Cancelled);
            }
            let found = found(row)?;
            if view.shows(found.host) && !visit(found) {
                end = End::Enough;
                break;
            }
        }
        drop(rows);
        drop(statement);
        self.give_back(connection);
        Ok(end)
    }

    fn connection(&self) -> Result<Connection, ObservablesError> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        Ok(idle.map_or_else(|| database::open_to_read(&self.path, MIGRATIONS), Ok)?)
    }

    fn give_back(&self, connection: Connection) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE {
            idle.push(connection);
        }
    }
}

/// Where reading was cut the last row may have more behind it: it begins the next part, unless it is all there is.
fn drop_unfinished<T>(rows: &mut Vec<T>, end: End) {
    if end == End::Cut && rows.len() > 1 {
        rows.pop();
    }
}

fn found<'r>(row: &'r Row<'_>) -> rusqlite::Result<Found<'r>> {
    let blob = |column| Ok::<_, rusqlite::Error>(row.get_ref(column)?.as_blob().unwrap_or_default());
    let time = |micros: i64| Timestamp::from_microsecond(micros).unwrap_or(Timestamp::UNIX_EPOCH);
    let count: i64 = row.get(5)?;
    let seen = Seen { first: time(row.get(3)?), last: time(row.get(4)?), count: u64::try_from(count).unwrap_or(0) };
    Ok(Found { value: blob(0)?, address: blob(1)?, host: blob(2)?, seen })
}

fn text_of(kind: Kind, key: &[u8]) -> String {
    match kind {
        Kind::Name => key::name(key),
        Kind::Address => key::address(key).map(|address| address.to_string()).unwrap_or_default(),
    }
}

/// The key that a cursor stands for. One that is made up points somewhere, and shows no more than its reader may see.
fn key_of(kind: Kind, text: &str) -> Vec<u8> {
    match kind {
        Kind::Name => key::of_name(text),
        Kind::Address => text.parse().map(key::of_address).unwrap_or_default(),
    }
}
