//! Which hosts touched what became a trail: indicators of a set that the one before did not have, in observables.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::IpAddr;
use std::time::Duration;

use ipnet::IpNet;
use jiff::Timestamp;
use trails::excuse::{counts_as_destination, excuse};
use trails::indicator::Network;
use trails::store::Mapped;
use trails::{Class, Hit, Indicator, Kind, Label, LabelId, Store};

use super::report::Look;
use crate::observables::{Ask, ObservablesError, Reading, Seen, Touch, View};

/// Bounds of one look.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// New indicators that are looked up.
    pub trails: usize,
    /// Hosts that are told of one indicator: where more touched it, it is hardly what it is said to be.
    pub hosts: usize,
    /// Events.
    pub events: usize,
    /// Rows that are read.
    pub rows: u64,
    /// How long it may take.
    pub time: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { trails: 200_000, hosts: 100, events: 10_000, rows: 5_000_000, time: Duration::from_secs(600) }
    }
}

/// A host that had touched an indicator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found<'s> {
    pub(super) indicator: Indicator<'s>,
    pub(super) label: Label<'s>,
    /// None where it is not known.
    pub(super) host: Option<IpAddr>,
    pub(super) touched: Touched,
}

/// What it touched, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Touched {
    /// The name or address that was touched last.
    pub(super) text: String,
    /// A name whose answer had the address; empty where there was none.
    pub(super) query: String,
    pub(super) seen: Seen,
}

/// What a look came to.
#[derive(Debug, Default)]
pub(super) struct Looked<'s> {
    pub(super) found: Vec<Found<'s>>,
    /// Indicators that went and had been touched.
    pub(super) gone: Vec<String>,
    /// Indicators that went once and came back.
    pub(super) came: Vec<String>,
    pub(super) look: Look,
}

/// What is looked at.
pub(super) struct Looking<'l> {
    pub(super) before: &'l Store<Mapped>,
    pub(super) now: &'l Store<Mapped>,
    pub(super) reading: &'l Reading,
    /// When indicators went that were trails once.
    pub(super) gone: HashMap<String, Timestamp>,
    pub(super) limits: Limits,
    pub(super) view: View<'l>,
    /// Whether it took too long.
    pub(super) late: &'l dyn Fn() -> bool,
}

/// Hosts that touched one indicator.
struct Hosts {
    most: usize,
    hosts: BTreeMap<Option<IpAddr>, Touched>,
    beyond: u64,
}

impl Hosts {
    fn add(&mut self, touch: Touch, query: String) {
        let full = self.hosts.len() >= self.most;
        match self.hosts.get_mut(&touch.host) {
            Some(known) => {
                if touch.seen.last > known.seen.last && query.is_empty() {
                    known.text = touch.value;
                }
                // An answer is no further touch.
                if query.is_empty() { known.seen.add(touch.seen) } else { known.query = query }
            }
            None if full => self.beyond += 1,
            None => drop(self.hosts.insert(touch.host, Touched { text: touch.value, query, seen: touch.seen })),
        }
    }
}

impl<'l> Looking<'l> {
    pub(super) fn look(&self) -> Result<Looked<'l>, ObservablesError> {
        let mut looked = Looked::default();
        let (came, common) = self.difference(self.now, self.before, &mut looked.look.came);
        if !common {
            looked.look.wholly_new = true;
            return Ok(looked);
        }
        let mut rows = 0;
        let mut endpoint = None;
        for (indicator, id) in came {
            let told = looked.found.len();
            if rows >= self.limits.rows || told >= self.limits.events || (self.late)() {
                break;
            }
            looked.look.looked_up += 1;
            let text = indicator.to_string();
            let since = self.gone.get(&text).copied();
            if since.is_some() {
                looked.came.push(text);
            }
            let label = self.now.label(id);
            let hosts = match indicator {
                Indicator::Name(name) => self.name(name, since, &mut rows)?,
                // Which port was contacted is not known: one of them speaks for all.
                Indicator::Endpoint(address, _) if endpoint == Some(address) => continue,
                _ if !counts_as_destination(&label) || label.class == Class::Parking => {
                    looked.look.unfit += 1;
                    continue;
                }
                Indicator::Address(address) => self.address(address, since, &mut rows)?,
                Indicator::Endpoint(address, _) => {
                    endpoint = Some(address);
                    if around(self.now, address) { continue } else { self.address(address, since, &mut rows)? }
                }
                Indicator::Network(network) => self.network(&network, id, since, &mut rows)?,
                _ => continue,
            };
            looked.look.left_out += hosts.beyond;
            for (host, touched) in hosts.hosts {
                if looked.found.len() < self.limits.events {
                    looked.found.push(Found { indicator, label, host, touched });
                } else {
                    looked.look.left_out += 1;
                }
            }
        }
        looked.look.skipped = looked.look.came - looked.look.looked_up;
        looked.look.found = looked.found.len() as u64;
        looked.gone = self.went(&mut rows)?;
        Ok(looked)
    }

    /// Indicators of a set that another has not, within the limit, and whether they have one in common.
    fn difference(
        &self,
        of: &'l Store<Mapped>,
        other: &'l Store<Mapped>,
        count: &mut u64,
    ) -> (Vec<(Indicator<'l>, LabelId)>, bool) {
        let networks: HashSet<Network> = other.of_kind(Kind::Network).filter_map(|(one, _)| network_of(&one)).collect();
        let (mut new, mut common) = (Vec::new(), false);
        for (indicator, label) in of.trails() {
            let there = match &indicator {
                Indicator::Name(name) => {
                    let (hits, count) = hits(other, name);
                    hits.iter().take(count).any(|hit| hit.start == 0)
                }
                Indicator::Address(address) => other.address(*address).is_some(),
                Indicator::Endpoint(address, port) => other.endpoint(*address, *port).is_some(),
                Indicator::Network(network) => networks.contains(network),
                _ => continue,
            };
            common |= there;
            if there {
                continue;
            }
            *count += 1;
            if new.len() < self.limits.trails {
                new.push((indicator, label));
            }
        }
        (new, common)
    }

    /// Indicators that went, of those that had been touched.
    fn went(&self, rows: &mut u64) -> Result<Vec<String>, ObservablesError> {
        let (gone, _) = self.difference(self.before, self.now, &mut 0);
        let mut touched = Vec::new();
        for (indicator, _) in gone {
            if *rows >= self.limits.rows || (self.late)() {
                break;
            }
            let ask = match indicator {
                Indicator::Name(name) => Ask::Within(name.to_owned()),
                Indicator::Address(address) | Indicator::Endpoint(address, _) => Ask::address(address),
                Indicator::Network(Network { address, length }) => match IpNet::new(address, length) {
                    Ok(net) => Ask::Net(net),
                    Err(_) => continue,
                },
                _ => continue,
            };
            let mut any = false;
            let mut seen = |_: Touch| {
                any = true;
                false
            };
            if self.reading.touches(&ask, self.view, &mut seen)? && !ask.is_of_names() {
                self.reading.answers(&ask, self.view, &mut seen)?;
            }
            *rows += 1;
            if any {
                touched.push(indicator.to_string());
            }
        }
        Ok(touched)
    }

    fn hosts(&self) -> Hosts {
        Hosts { most: self.limits.hosts, hosts: BTreeMap::new(), beyond: 0 }
    }

    /// Whether something was touched while it was no trail: before the set was made, and after it went where it did.
    fn untold(&self, seen: &Seen, since: Option<Timestamp>) -> bool {
        let built = i64::try_from(self.now.generation_info().built_at).ok();
        let built = built.and_then(|built| Timestamp::from_second(built).ok());
        built.is_none_or(|built| seen.first < built) && since.is_none_or(|since| seen.last > since)
    }

    fn name(&self, name: &str, since: Option<Timestamp>, rows: &mut u64) -> Result<Hosts, ObservablesError> {
        let mut hosts = self.hosts();
        self.reading.touches(&Ask::Within(name.to_owned()), self.view, &mut |touch| {
            *rows += 1;
            let own = touch.value.len().checked_sub(name.len());
            let new = told_of(self.now, &touch.value) == own && !was_told(self.before, &touch.value);
            if new && own.is_some() && self.untold(&touch.seen, since) {
                hosts.add(touch, String::new());
            }
            *rows < self.limits.rows
        })?;
        Ok(hosts)
    }

    fn address(&self, address: IpAddr, since: Option<Timestamp>, rows: &mut u64) -> Result<Hosts, ObservablesError> {
        let mut hosts = self.hosts();
        if around(self.before, address) {
            return Ok(hosts);
        }
        let ask = Ask::address(address);
        self.reading.touches(&ask, self.view, &mut |touch| {
            *rows += 1;
            if self.untold(&touch.seen, since) {
                hosts.add(touch, String::new());
            }
            *rows < self.limits.rows
        })?;
        self.reading.answers(&ask, self.view, &mut |touch| {
            *rows += 1;
            if self.untold(&touch.seen, since) {
                let Touch { value, host, seen } = touch;
                hosts.add(Touch { value: address.to_string(), host, seen }, value);
            }
            *rows < self.limits.rows
        })?;
        Ok(hosts)
    }

    fn network(
        &self,
        network: &Network,
        id: LabelId,
        since: Option<Timestamp>,
        rows: &mut u64,
    ) -> Result<Hosts, ObservablesError> {
        let mut hosts = self.hosts();
        let Ok(net) = IpNet::new(network.address, network.length) else { return Ok(hosts) };
        self.reading.touches(&Ask::Net(net), self.view, &mut |touch| {
            *rows += 1;
            let Ok(address) = touch.value.parse::<IpAddr>() else { return true };
            let own = self.now.address(address).is_none() && self.now.network(address) == Some((network.length, id));
            if own && !around(self.before, address) && self.untold(&touch.seen, since) {
                hosts.add(touch, String::new());
            }
            *rows < self.limits.rows
        })?;
        Ok(hosts)
    }
}

fn network_of(indicator: &Indicator<'_>) -> Option<Network> {
    if let Indicator::Network(network) = indicator { Some(*network) } else { None }
}

fn hits(store: &Store<Mapped>, name: &str) -> ([Hit; 8], usize) {
    let mut hits = [Hit { start: 0, label: LabelId(0) }; 8];
    let count = store.name(name.as_bytes(), &mut hits);
    (hits, count)
}

/// Where the part of a name begins that a sensor tells: the longest that nothing excuses.
fn told_of(store: &Store<Mapped>, name: &str) -> Option<usize> {
    let (hits, count) = hits(store, name);
    let counts = |hit: &&Hit| excuse(&store.label(hit.label), name.as_bytes(), hit.start).is_none();
    hits.iter().take(count).find(counts).map(|hit| hit.start)
}

/// Whether a sensor told of a name, be it by a pattern.
fn was_told(store: &Store<Mapped>, name: &str) -> bool {
    let by_pattern = || store.pattern(name.as_bytes());
    told_of(store, name).is_some()
        || by_pattern().is_some_and(|id| excuse(&store.label(id), name.as_bytes(), 0).is_none())
}

/// Whether a sensor tells of an address whatever its port.
fn around(store: &Store<Mapped>, address: IpAddr) -> bool {
    let counts = |id: LabelId| counts_as_destination(&store.label(id));
    store.address(address).is_some_and(counts) || store.network(address).is_some_and(|(_, id)| counts(id))
}
