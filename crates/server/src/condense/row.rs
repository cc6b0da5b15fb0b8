//! Adding events as columns hold them: texts that repeat are numbered once, and compared by their numbers.
//!
//! The same as [`Fold::add`] of the event, for events with at most one of each address and port.

use std::borrow::Cow;
use std::net::IpAddr;

use event::{Kind, Severity};

use super::direction::Direction;
use super::fold::Fold;
use super::intern::{Host, Label, LabelNumbers, cut, number};
use super::part::{MAX_COUNT, Numbers, Part};
use super::threat::ThreatId;
use super::totals::Window;

/// A text and its number in the fold it is added to: see [`Fold::text`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Text<'t> {
    pub(crate) text: &'t str,
    pub(crate) number: u32,
}

/// An address, and whether it is local.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Address {
    number: u128,
    local: bool,
}

impl Address {
    /// That of an event without one.
    pub(crate) const UNSPECIFIED: Address = Address { number: 0xffff << 32, local: false };
}

/// An event without lists.
#[derive(Clone, Debug)]
pub(crate) struct Row<'e> {
    pub(crate) id: ThreatId,
    /// Seconds of the epoch.
    pub(crate) time: i64,
    pub(crate) last: i64,
    pub(crate) site: Text<'e>,
    pub(crate) sensor: Text<'e>,
    pub(crate) source: Address,
    pub(crate) destination: Option<Address>,
    pub(crate) port: u16,
    pub(crate) protocol: u8,
    pub(crate) kind: Kind,
    /// What stands for the threat: the indicator, or what was seen where none is told.
    pub(crate) indicator: Text<'e>,
    /// What was seen, with its markup.
    pub(crate) shown: Text<'e>,
    pub(crate) info: Text<'e>,
    pub(crate) reference: Text<'e>,
    pub(crate) class: Text<'e>,
    pub(crate) severity: Severity,
    pub(crate) confidence: u8,
    pub(crate) count: u64,
}

impl Fold {
    /// An address as this fold sees it.
    pub(crate) fn address(&self, address: IpAddr) -> Address {
        Address { number: number(address), local: self.local.contains(address) }
    }

    /// The number of a text. It is void when [`Fold::settle`] says so.
    pub(crate) fn text(&mut self, text: &str) -> u32 {
        self.strings.intern(cut(text))
    }

    /// Where threats stand, for [`Fold::add_row`]. Several are looked for at once because each is far from the
    /// processor, and they come together.
    pub(crate) fn places(&self, ids: impl Iterator<Item = ThreatId>, places: &mut Vec<Option<u32>>) {
        places.clear();
        places.extend(ids.map(|id| self.place_of_id(id)));
    }

    /// Adds an event. `place` is what [`Fold::places`] told of its threat.
    pub(crate) fn add_row(&mut self, row: &Row<'_>, place: Option<u32>) {
        let Some(first) = self.window.offset_of(row.time) else {
            self.totals.outside = self.totals.outside.saturating_add(1);
            return;
        };
        let slot = Window::slot(first);
        let count = row.count.clamp(1, MAX_COUNT);
        self.totals.add(slot, row.severity, row.kind, count);
        let confidence = row.confidence.min(100);
        let (class, info, reference) = (row.class.number, row.info.number, row.reference.number);
        let label = LabelNumbers { severity: row.severity, confidence, class, info, reference };
        let numbers = Numbers {
            host: self.hosts.find(Host { site: row.site.number, address: row.source.number }),
            indicator: row.indicator.number,
            label: self.labels.intern(label),
            shown: row.shown.number,
            sensor: row.sensor.number,
        };
        let to_inside = row.destination.is_some_and(|address| address.local);
        let destination = row.destination.map(|address| address.number);
        let sensor = [cut(row.sensor.text)];
        let part = Part {
            id: row.id,
            site: cut(row.site.text),
            source: row.source.number,
            kind: row.kind,
            indicator: cut(row.indicator.text),
            label: Label {
                severity: row.severity,
                confidence,
                class: cut(row.class.text),
                info: cut(row.info.text),
                reference: cut(row.reference.text),
            },
            shown: cut(row.shown.text),
            protocol: row.protocol,
            directions: Direction::between(row.source.local, to_inside, row.kind) as u8,
            count,
            lines: 1,
            first,
            last: self.window.clamped_of(row.last).max(first),
            activity: &[(slot, count)],
            destinations: destination.as_slice(),
            ports: &[row.port],
            sensors: if row.sensor.text.is_empty() { &[] } else { &sensor },
            more: 0,
            numbers: Some(numbers),
        };
        self.join_at(place, &part);
    }

    /// Keeps within limits after some rows. True: numbers and places that were told are void.
    pub(crate) fn settle(&mut self) -> bool {
        self.keep_within_limits()
    }
}

/// What was seen with its markup: of the text, and the one range that matched.
pub(crate) fn shown(text: &str, matched: Option<(u32, u32)>) -> Cow<'_, str> {
    super::fold::shown(text, matched.map(|(start, end)| start..end).as_slice())
}
