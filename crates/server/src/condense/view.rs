//! Threats as others see them.

use std::net::{IpAddr, Ipv6Addr};

use event::Kind;
use jiff::Timestamp;

use super::direction::Directions;
use super::evidence::Evidence;
use super::fold::{Fold, Row};
use super::intern::Label;
use super::part::{MORE_DESTINATIONS, MORE_PORTS, MORE_SENSORS, Part, address_rank, port_rank, sensor_rank};
use super::threat::ThreatId;

pub(super) fn address(number: u128) -> IpAddr {
    Ipv6Addr::from_bits(number).to_canonical()
}

/// Values of a set: all of them, or a sample where there are more than are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample<T> {
    /// Those that are kept, in the order of samples (by a hash): the first ones stand for all.
    pub values: Vec<T>,
    /// How many there are: exact where it is the number of values, else about (standard error 18 % for 31 values).
    pub total: u64,
}

/// How many there are where `kept` values with hashes up to `last` stand for more: hashes are spread evenly.
fn estimate(kept: usize, last: Option<u64>, more: bool) -> u64 {
    let kept = kept as u64;
    match last {
        Some(last) if more => {
            let all = u128::from(kept.saturating_sub(1)) << 64;
            let about = all / (u128::from(last) + 1);
            u64::try_from(about).unwrap_or(u64::MAX).clamp(kept + 1, u64::from(u32::MAX))
        }
        _ => kept,
    }
}

/// A threat of a fold.
#[derive(Clone, Copy, Debug)]
pub struct Threat<'f> {
    pub(super) fold: &'f Fold,
    pub(super) row: &'f Row,
}

impl<'f> Threat<'f> {
    /// Its id.
    #[must_use]
    pub fn id(&self) -> ThreatId {
        self.row.id
    }

    /// The network its sensors stand in.
    #[must_use]
    pub fn site(&self) -> &'f str {
        self.fold.key_of(self.row).0
    }

    /// Who it is about.
    #[must_use]
    pub fn source(&self) -> IpAddr {
        address(self.fold.key_of(self.row).1)
    }

    /// The kind of the indicator.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.row.kind
    }

    /// What was matched, cut to [`super::MAX_TEXT_BYTES`].
    #[must_use]
    pub fn indicator(&self) -> &'f str {
        self.fold.strings.get(self.row.indicator)
    }

    /// What the trail says.
    #[must_use]
    pub fn label(&self) -> Label<'f> {
        self.fold.label_of(self.row)
    }

    /// A text as it was seen, with markup: of several the first in order of bytes.
    #[must_use]
    pub fn shown(&self) -> &'f str {
        self.fold.strings.get(self.row.shown)
    }

    /// IP protocol number, of several the smallest.
    #[must_use]
    pub fn protocol(&self) -> u8 {
        self.row.protocol
    }

    /// Which ways its events went.
    #[must_use]
    pub fn directions(&self) -> Directions {
        Directions(self.row.directions)
    }

    /// Events: the sum of their counts.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.row.count
    }

    /// Lines they were written in.
    #[must_use]
    pub fn lines(&self) -> u32 {
        self.row.lines
    }

    /// When it was first seen, whole seconds.
    #[must_use]
    pub fn first(&self) -> Timestamp {
        self.time(self.row.first)
    }

    /// When it was last seen, whole seconds.
    #[must_use]
    pub fn last(&self) -> Timestamp {
        self.time(self.row.last)
    }

    fn time(&self, offset: u32) -> Timestamp {
        Timestamp::from_second(self.fold.window.start_seconds() + i64::from(offset)).unwrap_or(Timestamp::MAX)
    }

    /// Hour slots of the window in which it was seen, ascending, and their counts.
    #[must_use]
    pub fn activity(&self) -> Vec<(u8, u64)> {
        let mut slots = Vec::new();
        self.fold.each_slot(self.row, &mut |slot, count| slots.push((slot, count)));
        slots
    }

    /// Destination addresses.
    #[must_use]
    pub fn destinations(&self) -> Sample<IpAddr> {
        let numbers = self.fold.lists.get(&self.row.destinations);
        let held = || numbers.iter().filter_map(|number| self.fold.addresses.get(*number));
        let total = self.destination_total();
        Sample { values: held().map(address).collect(), total }
    }

    /// Destination ports.
    #[must_use]
    pub fn ports(&self) -> Sample<u16> {
        let numbers = self.fold.lists.get(&self.row.ports);
        Sample { values: numbers.iter().map(|port| *port as u16).collect(), total: self.port_total() }
    }

    /// Names of sensors.
    #[must_use]
    pub fn sensors(&self) -> Sample<&'f str> {
        let numbers = self.fold.lists.get(&self.row.sensors);
        let values = numbers.iter().map(|number| self.fold.strings.get(*number)).collect();
        Sample { values, total: self.sensor_total() }
    }

    /// Whether one of the sensors that are kept by name is this one.
    pub(super) fn has_sensor(&self, name: &str) -> bool {
        let numbers = self.fold.lists.get(&self.row.sensors);
        numbers.iter().any(|number| self.fold.strings.get(*number) == name)
    }

    pub(super) fn destination_total(&self) -> u64 {
        let numbers = self.fold.lists.get(&self.row.destinations);
        let last = numbers.last().and_then(|last| self.fold.addresses.get(*last)).map(|last| address_rank(last).0);
        estimate(numbers.len(), last, self.fold.lists.more(self.row.destinations))
    }

    pub(super) fn port_total(&self) -> u64 {
        let numbers = self.fold.lists.get(&self.row.ports);
        let last = numbers.last().map(|port| port_rank(*port).0);
        estimate(numbers.len(), last, self.fold.lists.more(self.row.ports)).min(u64::from(u16::MAX))
    }

    pub(super) fn sensor_total(&self) -> u64 {
        let numbers = self.fold.lists.get(&self.row.sensors);
        let last = numbers.last().map(|number| sensor_rank(self.fold.strings.get(*number)).0);
        estimate(numbers.len(), last, self.fold.lists.more(self.row.sensors))
    }

    /// How sure it is that someone should look, and why.
    #[must_use]
    pub fn evidence(&self) -> Evidence {
        Evidence::of(self)
    }
}

impl Fold {
    /// Threats, in no particular order.
    pub fn threats(&self) -> impl Iterator<Item = Threat<'_>> {
        self.kept().map(|row| Threat { fold: self, row })
    }

    /// One of them. Where a fold is cut it may show one that [`Fold::threats`] does not.
    #[must_use]
    pub fn get(&self, id: ThreatId) -> Option<Threat<'_>> {
        self.find(id).map(|row| Threat { fold: self, row })
    }

    pub(super) fn parts(&self) -> Parts<'_> {
        Parts { fold: self, activity: Vec::new(), destinations: Vec::new(), ports: Vec::new(), sensors: Vec::new() }
    }
}

/// Shows rows of a fold as parts for another.
pub(super) struct Parts<'f> {
    fold: &'f Fold,
    activity: Vec<(u8, u64)>,
    destinations: Vec<u128>,
    ports: Vec<u16>,
    sensors: Vec<&'f str>,
}

impl<'f> Parts<'f> {
    pub(super) fn show(&mut self, row: &Row, take: impl FnOnce(&Part<'_>)) {
        let fold: &'f Fold = self.fold;
        let lists = &fold.lists;
        self.activity.clear();
        fold.each_slot(row, &mut |slot, count| self.activity.push((slot, count)));
        self.destinations.clear();
        self.destinations.extend(lists.get(&row.destinations).iter().filter_map(|number| fold.addresses.get(*number)));
        self.ports.clear();
        self.ports.extend(lists.get(&row.ports).iter().map(|port| *port as u16));
        self.sensors.clear();
        self.sensors.extend(lists.get(&row.sensors).iter().map(|number| fold.strings.get(*number)));
        let flag = |name: u32, flag: u8| if lists.more(name) { flag } else { 0 };
        let more =
            flag(row.destinations, MORE_DESTINATIONS) | flag(row.ports, MORE_PORTS) | flag(row.sensors, MORE_SENSORS);
        let (site, source, kind, indicator) = fold.key_of(row);
        take(&Part {
            id: row.id,
            site,
            source,
            kind,
            indicator,
            label: fold.label_of(row),
            shown: fold.strings.get(row.shown),
            protocol: row.protocol,
            directions: row.directions,
            count: row.count,
            lines: row.lines,
            first: row.first,
            last: row.last,
            activity: &self.activity,
            destinations: &self.destinations,
            ports: &self.ports,
            sensors: &self.sensors,
            more,
            numbers: None,
        });
    }
}
