//! Reading whole chunks. Bytes may be anything: every number is held to its bounds before it is used.

use event::{Kind, Severity};
use jiff::Timestamp;

use super::super::fold::{Fold, MAX_THREATS};
use super::super::intern::{Label, MAX_TEXT_BYTES};
use super::super::part::{MAX_DESTINATIONS, MAX_PORTS, MAX_SENSORS, MORE_DESTINATIONS, MORE_PORTS, MORE_SENSORS, Part};
use super::super::threat::{ThreatId, ThreatKey};
use super::super::totals::{MAX_SLOTS, Totals, Window};
use super::super::view::address;
use super::column::{Column, take};
use super::{CUT, ChunkError, HEADER_BYTES, MAGIC, VERSION, WHOLE};

/// Gives back the fold that [`super::encode_whole`] wrote.
///
/// # Errors
/// It is no whole chunk, or damaged.
pub fn decode(bytes: &[u8]) -> Result<Fold, ChunkError> {
    let (head, mut rest) = bytes.split_first_chunk::<HEADER_BYTES>().ok_or(ChunkError::Magic)?;
    let header = Header::read(head)?;
    let mut fold = Fold::new(header.window);
    let totals: Vec<u64> = take(&mut rest, 1)?.of(Totals::length(header.window))?.values().collect();
    fold.totals = Totals::from_numbers(header.window, &totals).ok_or(ChunkError::Column(1))?;
    let tables = Tables::read(&mut rest, header.rows)?;
    let columns = Columns::read(&mut rest, header.rows)?;
    if !rest.is_empty() {
        return Err(ChunkError::Length(51));
    }
    columns.fill(&mut fold, &tables)?;
    fold.set_limit(header.last_place);
    Ok(fold)
}

struct Header {
    window: Window,
    rows: usize,
    last_place: Option<u64>,
}

fn number<const N: usize>(head: &[u8], at: usize) -> [u8; N] {
    head.get(at..).and_then(|rest| rest.first_chunk::<N>()).copied().unwrap_or([0; N])
}

impl Header {
    fn read(head: &[u8; HEADER_BYTES]) -> Result<Header, ChunkError> {
        if u32::from_le_bytes(number(head, 0)) != MAGIC {
            return Err(ChunkError::Magic);
        }
        let version = u16::from_le_bytes(number(head, 4));
        if version != VERSION {
            return Err(ChunkError::Version(version));
        }
        let flags = u16::from_le_bytes(number(head, 6));
        if flags & WHOLE == 0 {
            return Err(ChunkError::Slice);
        }
        let start = Timestamp::from_second(i64::from_le_bytes(number(head, 8))).map_err(|_| ChunkError::Column(0))?;
        let slots = u32::from_le_bytes(number(head, 16));
        let rows = u32::from_le_bytes(number(head, 20)) as usize;
        let slots = u8::try_from(slots).ok().filter(|slots| (1..=MAX_SLOTS).contains(slots));
        let slots = slots.filter(|_| rows <= MAX_THREATS).ok_or(ChunkError::Column(0))?;
        let last_place = u64::from_le_bytes(number(head, 32));
        let last_place = (flags & CUT != 0).then_some(last_place);
        Ok(Header { window: Window::new(start, slots), rows, last_place })
    }
}

/// Dictionaries.
struct Tables<'c> {
    strings: Vec<&'c str>,
    addresses: Vec<u128>,
    hosts: Vec<(u128, &'c str)>,
    trails: Vec<(&'c str, Kind, Label<'c>)>,
    sensors: Vec<&'c str>,
}

/// A column of a dictionary: its length is held to what there is to name.
fn dictionary<'c>(rest: &mut &'c [u8], tag: u16, at_most: usize) -> Result<Column<'c>, ChunkError> {
    let column = take(rest, tag)?;
    if column.items <= at_most { Ok(column) } else { Err(ChunkError::Length(tag)) }
}

fn picked<T: Copy>(from: &[T], at: u64, tag: u16) -> Result<T, ChunkError> {
    usize::try_from(at).ok().and_then(|at| from.get(at)).copied().ok_or(ChunkError::Column(tag))
}

impl<'c> Tables<'c> {
    fn read(rest: &mut &'c [u8], rows: usize) -> Result<Tables<'c>, ChunkError> {
        let strings = strings(rest)?;
        let addresses = addresses(rest)?;
        let column = dictionary(rest, 7, rows)?;
        let sites = take(rest, 8)?.of(column.items)?;
        let hosts = column.values().zip(sites.values());
        let hosts = hosts.map(|(a, site)| Ok((picked(&addresses, a, 7)?, picked(&strings, site, 8)?)));
        let hosts = hosts.collect::<Result<Vec<_>, _>>()?;
        let labels = labels(rest, rows, &strings)?;
        let column = dictionary(rest, 14, rows)?;
        let kinds = take(rest, 15)?.of(column.items)?;
        let numbers = take(rest, 16)?.of(column.items)?;
        let trails = column.values().zip(kinds.values()).zip(numbers.values()).map(|((text, kind), label)| {
            Ok((picked(&strings, text, 14)?, picked(&Kind::ALL, kind, 15)?, picked(&labels, label, 16)?))
        });
        let trails = trails.collect::<Result<Vec<_>, _>>()?;
        let sensors = dictionary(rest, 17, strings.len())?.values().map(|text| picked(&strings, text, 17));
        let sensors = sensors.collect::<Result<Vec<_>, _>>()?;
        Ok(Tables { strings, addresses, hosts, trails, sensors })
    }
}

fn strings<'c>(rest: &mut &'c [u8]) -> Result<Vec<&'c str>, ChunkError> {
    let lengths = take(rest, 2)?;
    let bytes = take(rest, 3)?;
    // All but one have a byte at least.
    if lengths.items > bytes.items.saturating_add(1) || bytes.bytes.len() != bytes.items {
        return Err(ChunkError::Length(2));
    }
    let mut text = std::str::from_utf8(bytes.bytes).map_err(|_| ChunkError::Column(3))?;
    let mut strings = Vec::with_capacity(lengths.items);
    for length in lengths.below(MAX_TEXT_BYTES as u64 + 1) {
        let (string, behind) = text.split_at_checked(length? as usize).ok_or(ChunkError::Column(2))?;
        strings.push(string);
        text = behind;
    }
    if text.is_empty() { Ok(strings) } else { Err(ChunkError::Length(3)) }
}

fn addresses(rest: &mut &[u8]) -> Result<Vec<u128>, ChunkError> {
    let v4 = take(rest, 4)?;
    let high = take(rest, 5)?;
    let low = take(rest, 6)?.of(high.items)?;
    // They are all different: at most one has no byte of its own.
    if v4.items > v4.bytes.len() + 1 || high.items > high.bytes.len() + low.bytes.len() + 1 {
        return Err(ChunkError::Length(4));
    }
    let mut addresses = Vec::with_capacity(v4.items + high.items);
    for address in v4.below(1 << 32) {
        addresses.push(0xffff << 32 | u128::from(address?));
    }
    addresses.extend(high.values().zip(low.values()).map(|(high, low)| u128::from(high) << 64 | u128::from(low)));
    Ok(addresses)
}

fn labels<'c>(rest: &mut &'c [u8], rows: usize, strings: &[&'c str]) -> Result<Vec<Label<'c>>, ChunkError> {
    let severities = dictionary(rest, 9, rows)?;
    let mut next = |tag| take(rest, tag)?.of(severities.items);
    let (sure, class, info, reference) = (next(10)?, next(11)?, next(12)?, next(13)?);
    let texts = class.values().zip(info.values()).zip(reference.values());
    let labels =
        severities.values().zip(sure.below(101)).zip(texts).map(|((severity, sure), ((class, info), reference))| {
            Ok(Label {
                severity: picked(&Severity::ALL, severity, 9)?,
                confidence: sure? as u8,
                class: picked(strings, class, 11)?,
                info: picked(strings, info, 12)?,
                reference: picked(strings, reference, 13)?,
            })
        });
    labels.collect()
}

/// Columns of the rows.
struct Columns<'c> {
    /// Tags 20 to 28 and 31.
    plain: [Column<'c>; 10],
    steps: Column<'c>,
    counts: Column<'c>,
    destinations: [Column<'c>; 3],
    ports: [Column<'c>; 3],
    sensors: [Column<'c>; 3],
    ids: [Column<'c>; 2],
}

impl<'c> Columns<'c> {
    fn read(rest: &mut &'c [u8], rows: usize) -> Result<Columns<'c>, ChunkError> {
        let mut next = |tag| take(rest, tag)?.of(rows);
        let first = [next(20)?, next(21)?, next(22)?, next(23)?, next(24)?, next(25)?, next(26)?, next(27)?, next(28)?];
        let [a, b, c, d, e, f, g, h, i] = first;
        // A page needs them; they follow from the rest.
        next(29)?;
        next(30)?;
        let plain = [a, b, c, d, e, f, g, h, i, next(31)?];
        let steps = take(rest, 32)?;
        let counts = take(rest, 33)?.of(steps.items)?;
        let mut set = |tag| Ok([take(rest, tag)?.of(rows)?, take(rest, tag + 1)?, take(rest, tag + 2)?.of(rows)?]);
        let (destinations, ports, sensors) = (set(34)?, set(37)?, set(40)?);
        let numbers = dictionary(rest, 50, rows)?;
        let ids = [numbers, take(rest, 51)?.of(numbers.items)?];
        Ok(Columns { plain, steps, counts, destinations, ports, sensors, ids })
    }

    fn fill(&self, fold: &mut Fold, tables: &Tables<'_>) -> Result<(), ChunkError> {
        let window = fold.window();
        let mut plain = self.plain.map(Cursor::new);
        let mut activity =
            Activity { window, steps: Cursor::new(self.steps), counts: Cursor::new(self.counts), slots: Vec::new() };
        let mut destinations = Set::new(self.destinations, MAX_DESTINATIONS);
        let mut ports = Set::new(self.ports, MAX_PORTS);
        let mut sensors = Set::new(self.sensors, MAX_SENSORS);
        let mut explicit = self.ids[0].values().zip(self.ids[1].values()).peekable();
        let mut bytes = Vec::with_capacity(128);
        let rows = self.plain[0].items as u64;
        for at in 0..rows {
            let [trail, host, shown, lines, events, first, lasts, protocol, directions, further] = &mut plain;
            let (indicator, kind, label) = picked(&tables.trails, trail.next()?, 20)?;
            let (source, site) = picked(&tables.hosts, host.next()?, 21)?;
            let shown = shown.next()?;
            let shown = if shown == 0 { indicator } else { picked(&tables.strings, shown - 1, 22)? };
            let lines = u32::try_from(lines.next()?.saturating_add(1)).map_err(|_| ChunkError::Column(23))?;
            let count = u64::from(lines).checked_add(events.next()?).ok_or(ChunkError::Column(24))?;
            let first = first.below(u64::from(window.slots()) * 3600)? as u32;
            let last = u32::try_from(u64::from(first).saturating_add(lasts.next()?));
            let more_destinations = destinations.next(|value| picked(&tables.addresses, value, 35))?;
            let more_ports = ports.next(|value| u16::try_from(value).map_err(|_| ChunkError::Column(38)))?;
            let more_sensors = sensors.next(|value| picked(&tables.sensors, value, 41))?;
            activity.next(first, count, further.next()?)?;
            let key = ThreatKey { site, source: address(source), kind, indicator };
            let id = match explicit.next_if(|(row, _)| *row == at) {
                Some((_, id)) => ThreatId(id),
                None => key.id_in(&mut bytes),
            };
            fold.upsert(&Part {
                id,
                site,
                source,
                kind,
                indicator,
                label,
                shown,
                protocol: protocol.below(256)? as u8,
                directions: directions.below(16)? as u8,
                count,
                lines,
                first,
                last: last.map_err(|_| ChunkError::Column(26))?,
                activity: &activity.slots,
                destinations: &destinations.values,
                ports: &ports.values,
                sensors: &sensors.values,
                more: more_destinations * MORE_DESTINATIONS + more_ports * MORE_PORTS + more_sensors * MORE_SENSORS,
                numbers: None,
            });
        }
        let ended = destinations.ended() && ports.ended() && sensors.ended() && activity.steps.ended();
        if ended && explicit.next().is_none() { Ok(()) } else { Err(ChunkError::Length(50)) }
    }
}

/// Walks along a column.
struct Cursor<'c> {
    column: Column<'c>,
    at: usize,
    before: u64,
}

impl<'c> Cursor<'c> {
    fn new(column: Column<'c>) -> Cursor<'c> {
        Cursor { column, at: 0, before: 0 }
    }

    fn next(&mut self) -> Result<u64, ChunkError> {
        let value = self.column.item(self.at, self.before).ok_or(ChunkError::Length(self.column.tag))?;
        self.at += 1;
        self.before = value;
        Ok(value)
    }

    fn below(&mut self, limit: u64) -> Result<u64, ChunkError> {
        self.next().and_then(|value| if value < limit { Ok(value) } else { Err(ChunkError::Column(self.column.tag)) })
    }

    fn ended(&self) -> bool {
        self.at == self.column.items
    }
}

/// Slots of a row after the other.
struct Activity<'c> {
    window: Window,
    steps: Cursor<'c>,
    counts: Cursor<'c>,
    slots: Vec<(u8, u64)>,
}

impl Activity<'_> {
    fn next(&mut self, first: u32, count: u64, further: u64) -> Result<(), ChunkError> {
        let mut slot = u64::from(Window::slot(first));
        self.slots.clear();
        self.slots.push((slot as u8, 0));
        if further > MAX_SLOTS.into() {
            return Err(ChunkError::Column(31));
        }
        let mut left = count;
        for _ in 0..further {
            let events = self.counts.next()?.saturating_add(1);
            slot = slot.saturating_add(self.steps.next()?).saturating_add(1);
            if slot >= self.window.slots().into() {
                return Err(ChunkError::Column(32));
            }
            left = left.checked_sub(events).ok_or(ChunkError::Column(33))?;
            self.slots.push((slot as u8, events));
        }
        match self.slots.first_mut() {
            Some(cell) if left > 0 => cell.1 = left,
            _ => return Err(ChunkError::Column(33)),
        }
        Ok(())
    }
}

/// Values of a set, row after row.
struct Set<'c, T> {
    lengths: Cursor<'c>,
    numbers: Cursor<'c>,
    further: Cursor<'c>,
    at_most: usize,
    values: Vec<T>,
}

impl<'c, T> Set<'c, T> {
    fn new([lengths, numbers, further]: [Column<'c>; 3], at_most: usize) -> Set<'c, T> {
        let [lengths, numbers, further] = [lengths, numbers, further].map(Cursor::new);
        Set { lengths, numbers, further, at_most, values: Vec::new() }
    }

    /// Reads those of the next row; 1 if there were more.
    fn next(&mut self, value: impl Fn(u64) -> Result<T, ChunkError>) -> Result<u8, ChunkError> {
        self.values.clear();
        for _ in 0..self.lengths.below(self.at_most as u64 + 1)? {
            self.values.push(value(self.numbers.next()?)?);
        }
        Ok(u8::from(self.further.next()? > 0))
    }

    fn ended(&self) -> bool {
        self.numbers.ended()
    }
}
