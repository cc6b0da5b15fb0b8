//! The fold: threats and what is known of each, kept small enough for millions.

mod limits;

use std::borrow::Cow;
use std::hash::BuildHasher;
use std::ops::Range;

use event::{Event, Kind, Observed, line};
use foldhash::fast::RandomState;
use hashbrown::HashTable;

use self::limits::place;
use super::intern::{Host, Label, LabelNumbers, Strings, Values, cut};
use super::lists::{Lists, NONE, is_single};
use super::paged::Paged;
use super::part::{
    MAX_COUNT, MAX_DESTINATIONS, MAX_PORTS, MAX_SENSORS, MORE_DESTINATIONS, MORE_PORTS, MORE_SENSORS, Moment, Numbers,
    Part, Scratch, address_rank, port_rank, sensor_rank,
};
use super::threat::{ThreatId, ThreatKey};
use super::totals::{Totals, Window};
use crate::addresses::Local;

/// Threats a fold keeps. Of more, those of local sources go before others, and among these the ids decide, mixed: which
/// stay does not depend on the order of arrival. Totals stay exact.
pub const MAX_THREATS: usize = 4 << 20;

/// A threat, by numbers: 64 bytes, a line of the processor's cache.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
pub(super) struct Row {
    pub(super) id: ThreatId,
    pub(super) count: u64,
    pub(super) host: u32,
    pub(super) indicator: u32,
    pub(super) label: u32,
    /// Text as seen; the number of the indicator where it is the same.
    pub(super) shown: u32,
    pub(super) first: u32,
    pub(super) last: u32,
    pub(super) lines: u32,
    pub(super) destinations: u32,
    pub(super) ports: u32,
    pub(super) sensors: u32,
    /// One slot, or a block of pairs: slot and upper bits of its count, lower bits.
    pub(super) activity: u32,
    pub(super) kind: Kind,
    pub(super) protocol: u8,
    pub(super) directions: u8,
}

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Added {
    /// It is in the threat with this id.
    Folded(ThreatId),
    /// Its time is outside of the window: counted in [`Totals::outside`], nothing else.
    Outside,
}

/// Folds of different windows are not one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("these are threats of another day")]
pub struct OtherWindow;

/// Events folded into threats. The same events give the same fold, whatever their order and portions.
#[derive(Clone, Debug)]
pub struct Fold {
    pub(super) window: Window,
    pub(super) local: Local,
    pub(super) strings: Strings,
    pub(super) addresses: Values<u128>,
    pub(super) hosts: Values<Host>,
    pub(super) labels: Values<LabelNumbers>,
    pub(super) rows: Paged<Row>,
    pub(super) lists: Lists,
    pub(super) totals: Totals,
    by_id: HashTable<u32>,
    known_labels: HashTable<u32>,
    seed: RandomState,
    scratch: Scratch,
    capacity: usize,
    /// New threats behind it are refused: there are enough before it.
    last_place: Option<u64>,
    /// Bytes of texts after the last time those without use were given up.
    used_bytes: usize,
}

impl Fold {
    /// Nothing yet.
    #[must_use]
    pub fn new(window: Window) -> Fold {
        Fold::with_capacity(window, MAX_THREATS)
    }

    /// Nothing yet, with room for a number of threats.
    #[must_use]
    pub fn with_capacity(window: Window, threats: usize) -> Fold {
        Fold {
            window,
            local: Local::default(),
            strings: Strings::default(),
            addresses: Values::default(),
            hosts: Values::default(),
            labels: Values::default(),
            rows: Paged::default(),
            lists: Lists::default(),
            totals: Totals::new(window),
            by_id: HashTable::new(),
            known_labels: HashTable::new(),
            seed: RandomState::default(),
            scratch: Scratch::default(),
            capacity: threats.clamp(1, MAX_THREATS),
            last_place: None,
            used_bytes: 0,
        }
    }

    /// The same, with other addresses that are local. Folds that are merged have the same.
    #[must_use]
    pub fn with_local(self, local: Local) -> Fold {
        Fold { local, ..self }
    }

    /// The stretch of time.
    #[must_use]
    pub fn window(&self) -> Window {
        self.window
    }

    /// Counts over everything, exact.
    #[must_use]
    pub fn totals(&self) -> &Totals {
        &self.totals
    }

    /// Threats.
    #[must_use]
    pub fn len(&self) -> usize {
        if self.is_cut() { self.kept().count() } else { self.rows.len() }
    }

    /// Whether there is no threat.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.len() == 0
    }

    /// Whether there were more threats than it has room for.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.last_place.is_some() || self.rows.len() > self.capacity
    }

    /// Adds an event.
    pub fn add(&mut self, event: &Event) -> Added {
        let added = self.add_unsettled(event);
        self.keep_within_limits();
        added
    }

    /// Adds an event, for those who call [`Fold::settle`] after some.
    pub(crate) fn add_unsettled(&mut self, event: &Event) -> Added {
        let Some(first) = self.window.offset(event.time) else {
            self.totals.outside = self.totals.outside.saturating_add(1);
            return Added::Outside;
        };
        let slot = Window::slot(first);
        let moment = Moment { first, last: self.window.clamped(event.last), slot };
        let key = ThreatKey::of(event);
        let mut scratch = std::mem::take(&mut self.scratch);
        let id = key.id_in(&mut scratch.bytes);
        scratch.read(event, moment.slot);
        let shown = seen(event);
        let sensor = [cut(&event.sensor)];
        let sensors = if event.sensor.is_empty() { &[][..] } else { &sensor[..] };
        self.totals.add(slot, event.severity, event.kind, event.count.clamp(1, MAX_COUNT));
        self.join_at(None, &Part::of(event, (&key, id), (moment, &self.local), &shown, (&scratch, sensors)));
        self.scratch = scratch;
        Added::Folded(id)
    }

    /// Adds everything another fold of the same window holds.
    ///
    /// # Errors
    /// It has another window; nothing was added.
    pub fn merge(&mut self, other: &Fold) -> Result<(), OtherWindow> {
        if self.window != other.window {
            return Err(OtherWindow);
        }
        self.totals.merge(&other.totals);
        self.absorb(other, |_| true);
        if let Some(theirs) = other.limit() {
            // What they refused may be missing behind their last place: nothing behind it can be whole.
            self.last_place = Some(self.last_place.map_or(theirs, |mine| mine.min(theirs)));
        }
        Ok(())
    }

    /// Adds threats of another fold, but not its totals.
    fn absorb(&mut self, other: &Fold, keep: impl Fn(&Row) -> bool) {
        let limit = other.limit();
        let mut parts = other.parts();
        for row in other.rows.iter().filter(|row| keep(row)) {
            if limit.is_none_or(|limit| other.place_of(row) <= limit) {
                parts.show(row, |part| self.upsert(part));
            }
        }
    }

    pub(super) fn upsert(&mut self, part: &Part<'_>) {
        self.join_at(None, part);
        self.keep_within_limits();
    }

    /// Joins a part. `known`: where its threat stands, if that was looked up before.
    pub(super) fn join_at(&mut self, known: Option<u32>, part: &Part<'_>) {
        let known = known.or_else(|| self.place_of_id(part.id));
        let at = match known {
            Some(at) => at as usize,
            None if self.last_place.is_some_and(|last| place(&self.local, part.source, part.id) > last) => return,
            None => self.insert(part),
        };
        let Some(mut row) = self.rows.get(at).copied() else { return };
        self.join(&mut row, known.is_some(), part);
        if let Some(stored) = self.rows.get_mut(at) {
            *stored = row;
        }
    }

    /// Where the row of a threat stands.
    pub(super) fn place_of_id(&self, id: ThreatId) -> Option<u32> {
        let is = |at: &u32| self.rows.get(*at as usize).is_some_and(|row| row.id == id);
        self.by_id.find(self.seed.hash_one(id.0), is).copied()
    }

    /// A row that still counts nothing.
    fn insert(&mut self, part: &Part<'_>) -> usize {
        let Numbers { host, indicator, label, shown, .. } = part.numbers.unwrap_or_else(|| self.numbers(part));
        let host = host.unwrap_or_else(|| {
            let site = self.strings.intern(part.site);
            self.host_number(site, part.source)
        });
        let at = self.rows.len();
        let row = Row {
            id: part.id,
            count: 0,
            host,
            indicator,
            label,
            shown,
            first: part.first,
            last: part.last,
            lines: 0,
            destinations: NONE,
            ports: NONE,
            sensors: NONE,
            activity: NONE,
            kind: part.kind,
            protocol: part.protocol,
            directions: 0,
        };
        self.rows.push(row);
        let (rows, seed) = (&self.rows, &self.seed);
        // At most MAX_THREATS and a quarter of them.
        let hash = |id: ThreatId| seed.hash_one(id.0);
        self.by_id.insert_unique(hash(part.id), at as u32, |at| rows.get(*at as usize).map_or(0, |row| hash(row.id)));
        at
    }

    /// Numbers of a part that has none yet.
    fn numbers(&mut self, part: &Part<'_>) -> Numbers {
        let indicator = self.strings.intern(part.indicator);
        Numbers {
            host: None,
            indicator,
            label: self.label_number(&part.label),
            shown: if part.shown == part.indicator { indicator } else { self.strings.intern(part.shown) },
            sensor: 0,
        }
    }

    fn host_number(&mut self, site: u32, address: u128) -> u32 {
        // Chunks name it by the number of its address.
        self.addresses.intern(address);
        self.hosts.intern(Host { site, address })
    }

    fn label_number(&mut self, label: &Label<'_>) -> u32 {
        // Most events have one of a few thousand labels: one look instead of three.
        let Fold { labels, strings, seed, known_labels, .. } = self;
        let resolved = |number: u32| labels.get(number).map(|numbers| resolve(strings, numbers));
        let hash = seed.hash_one(label);
        if let Some(known) = known_labels.find(hash, |known| resolved(*known) == Some(*label)) {
            return *known;
        }
        let number = self.new_label(label);
        let Fold { labels, strings, seed, known_labels, .. } = self;
        known_labels.insert_unique(hash, number, |known| {
            labels.get(*known).map_or(0, |numbers| seed.hash_one(resolve(strings, numbers)))
        });
        number
    }

    fn new_label(&mut self, label: &Label<'_>) -> u32 {
        let numbers = LabelNumbers {
            severity: label.severity,
            confidence: label.confidence,
            class: self.strings.intern(label.class),
            info: self.strings.intern(label.info),
            reference: self.strings.intern(label.reference),
        };
        self.labels.intern(numbers)
    }

    /// Joins a part into a row. Every step gives the same whatever comes first.
    fn join(&mut self, row: &mut Row, known: bool, part: &Part<'_>) {
        if known {
            self.choose(row, part);
        }
        self.join_activity(row, part);
        row.count = row.count.saturating_add(part.count);
        row.lines = row.lines.saturating_add(part.lines);
        row.first = row.first.min(part.first);
        row.last = row.last.max(part.last);
        row.protocol = row.protocol.min(part.protocol);
        row.directions |= part.directions;
        self.join_sets(row, part);
    }

    /// What only one of can stand: key, label, text.
    fn choose(&mut self, row: &mut Row, part: &Part<'_>) {
        let numbers = part.numbers;
        let same = numbers.is_some_and(|n| n.host == Some(row.host) && n.indicator == row.indicator);
        let theirs = (part.site, part.source, part.kind, part.indicator);
        if !(same && part.kind == row.kind) && theirs < self.key_of(row) {
            // Two keys with the same id: someone looked for them. They count as one threat under the smaller key.
            let site = self.strings.intern(part.site);
            row.host = self.host_number(site, part.source);
            row.kind = part.kind;
            row.indicator = self.strings.intern(part.indicator);
        }
        if numbers.is_none_or(|n| n.label != row.label) {
            let label = self.label_of(row);
            if label != part.label && part.label.prevails(&label) {
                row.label = numbers.map_or_else(|| self.label_number(&part.label), |n| n.label);
            }
        }
        if numbers.is_some_and(|n| n.shown == row.shown) {
            return;
        }
        let shown = self.strings.get(row.shown);
        if shown != part.shown && !part.shown.is_empty() && (shown.is_empty() || part.shown < shown) {
            row.shown = self.strings.intern(part.shown);
        }
    }

    /// Before the counts are added: a single slot has all of the row's.
    fn join_activity(&mut self, row: &mut Row, part: &Part<'_>) {
        if let [(slot, count)] = part.activity {
            let only = row.activity == NONE || row.activity == u32::from(*slot);
            if only {
                row.activity = u32::from(*slot);
            }
            if only || self.add_to_slot(row, *slot, *count) {
                return;
            }
        }
        let mut slots = [0u64; super::totals::MAX_SLOTS as usize];
        let mut add = |slot: u8, count: u64| {
            if let Some(cell) = slots.get_mut(usize::from(slot)) {
                *cell = cell.saturating_add(count).min(MAX_SLOT_COUNT);
            }
        };
        self.each_slot(row, &mut add);
        part.activity.iter().for_each(|(slot, count)| add(*slot, *count));
        let mut words = [0; 2 * super::totals::MAX_SLOTS as usize];
        let mut length = 0;
        let used = (0u32..).zip(slots).filter(|(_, count)| *count > 0);
        for (pair, (slot, count)) in words.as_chunks_mut::<2>().0.iter_mut().zip(used) {
            *pair = pair_of(slot, count);
            length += 2;
        }
        match words.get(..length).unwrap_or_default() {
            [single, _] => self.lists.set(&mut row.activity, &[single >> 27], false),
            words => self.lists.set(&mut row.activity, words, false),
        }
    }

    /// Adds to a slot that is among several of a row. False: it is none of them.
    fn add_to_slot(&mut self, row: &Row, slot: u8, count: u64) -> bool {
        let pairs = self.lists.block_mut(row.activity).as_chunks_mut::<2>().0;
        let Some(pair) = pairs.iter_mut().find(|pair| slot_of(**pair).0 == slot) else { return false };
        let (slot, before) = slot_of(*pair);
        *pair = pair_of(slot.into(), before.saturating_add(count).min(MAX_SLOT_COUNT));
        true
    }

    /// Slots of a row, ascending, and their counts.
    pub(super) fn each_slot(&self, row: &Row, visit: &mut dyn FnMut(u8, u64)) {
        match self.lists.get(&row.activity) {
            [slot] => visit(*slot as u8, row.count),
            words => {
                for pair in words.as_chunks().0 {
                    let (slot, count) = slot_of(*pair);
                    visit(slot, count);
                }
            }
        }
    }

    fn join_sets(&mut self, row: &mut Row, part: &Part<'_>) {
        for address in part.destinations {
            if self.is_only(row.destinations, *address) {
                continue;
            }
            let Some(number) = self.number_if_wanted(row, *address) else {
                self.lists.mark_more(&mut row.destinations);
                continue;
            };
            let addresses = &self.addresses;
            let rank = |number: u32| addresses.get(number).map(address_rank);
            self.lists.sample(&mut row.destinations, number, MAX_DESTINATIONS, rank);
        }
        for port in part.ports.iter().map(|port| u32::from(*port)) {
            if port != 0 && port != row.ports {
                self.lists.sample(&mut row.ports, port, MAX_PORTS, port_rank);
            }
        }
        for sensor in part.sensors {
            let numbered = part.numbers.is_some_and(|n| n.sensor == row.sensors);
            if is_single(row.sensors) && (numbered || self.strings.get(row.sensors) == *sensor) {
                continue;
            }
            let number = self.strings.intern(sensor);
            let strings = &self.strings;
            self.lists.sample(&mut row.sensors, number, MAX_SENSORS, |number| sensor_rank(strings.get(number)));
        }
        let flags = [
            (MORE_DESTINATIONS, &mut row.destinations),
            (MORE_PORTS, &mut row.ports),
            (MORE_SENSORS, &mut row.sensors),
        ];
        for (flag, name) in flags {
            if part.more & flag != 0 {
                self.lists.mark_more(name);
            }
        }
    }

    fn is_only(&self, name: u32, address: u128) -> bool {
        is_single(name) && self.addresses.get(name) == Some(address)
    }

    /// The number of an address; none where a full sample has no place for it, so that a sweep over millions of
    /// addresses does not fill the table.
    fn number_if_wanted(&mut self, row: &Row, address: u128) -> Option<u32> {
        if let Some(number) = self.addresses.find(address) {
            return Some(number);
        }
        let held = self.lists.get(&row.destinations);
        let last = held.last().filter(|_| held.len() >= MAX_DESTINATIONS).and_then(|last| self.addresses.get(*last));
        if last.is_some_and(|last| address_rank(last) < address_rank(address)) {
            return None;
        }
        Some(self.addresses.intern(address))
    }

    pub(super) fn key_of(&self, row: &Row) -> (&str, u128, Kind, &str) {
        let (site, source) =
            self.hosts.get(row.host).map_or(("", 0), |host| (self.strings.get(host.site), host.address));
        (site, source, row.kind, self.strings.get(row.indicator))
    }

    pub(super) fn label_of(&self, row: &Row) -> Label<'_> {
        let numbers = self.labels.get(row.label);
        let numbers = numbers.unwrap_or(LabelNumbers {
            severity: event::Severity::Low,
            confidence: 0,
            class: 0,
            info: 0,
            reference: 0,
        });
        resolve(&self.strings, numbers)
    }

    pub(super) fn find(&self, id: ThreatId) -> Option<&Row> {
        self.rows.get(self.place_of_id(id)? as usize)
    }
}

fn resolve(strings: &Strings, numbers: LabelNumbers) -> Label<'_> {
    Label {
        severity: numbers.severity,
        confidence: numbers.confidence,
        class: strings.get(numbers.class),
        info: strings.get(numbers.info),
        reference: strings.get(numbers.reference),
    }
}

/// A slot and its count in two words.
fn pair_of(slot: u32, count: u64) -> [u32; 2] {
    [slot << 27 | (count >> 32) as u32, count as u32]
}

fn slot_of([high, low]: [u32; 2]) -> (u8, u64) {
    ((high >> 27) as u8, u64::from(high & 0x07ff_ffff) << 32 | u64::from(low))
}

/// Greatest count of one slot.
const MAX_SLOT_COUNT: u64 = (1 << 59) - 1;

/// What was seen of an event with its markup. Rows hold its beginning.
pub(crate) fn seen(event: &Event) -> Cow<'_, str> {
    shown(&event.observed.text, &event.observed.matched)
}

/// The observed text with its markup.
pub(super) fn shown<'t>(text: &'t str, matched: &[Range<u32>]) -> Cow<'t, str> {
    let whole = match matched {
        [] => true,
        [range] => range.start == 0 && range.end as usize == text.len(),
        _ => false,
    };
    let plain = || memchr::memchr2(b'(', b')', text.as_bytes()).is_none();
    if whole && plain() {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(line::markup(&Observed { text: text.to_owned(), matched: matched.to_vec() }))
    }
}
