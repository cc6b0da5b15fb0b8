//! Writing chunks.

use std::ops::Range;

use super::super::fold::{Fold, Row};
use super::super::rank::{Judged, Orders, Ranked};
use super::super::threat::ThreatKey;
use super::super::totals::Window;
use super::super::view::{Threat, address};
use super::column::write;
use super::tables::{Tables, Trail, column};
use super::{CUT, HEADER_BYTES, MAGIC, TOLD, VERSION, WHOLE};

/// Everything the fold of these threats holds: [`super::decode`] gives it back.
#[must_use]
pub fn encode_whole(ranked: &Ranked<'_>) -> Vec<u8> {
    let Ranked { fold, orders, rows } = ranked;
    Writer { fold, orders, rows, first: 0, all: rows.len(), told: usize::MAX }.write()
}

/// The threats with these ranks, sets cut to a few values, for a page.
#[must_use]
pub fn encode_slice(ranked: &Ranked<'_>, ranks: Range<usize>) -> Vec<u8> {
    let end = ranks.end.min(ranked.rows.len());
    let first = ranks.start.min(end);
    let rows = ranked.rows.get(first..end).unwrap_or_default();
    let all = ranked.rows.len();
    Writer { fold: ranked.fold, orders: &ranked.orders, rows, first, all, told: TOLD }.write()
}

struct Writer<'w> {
    fold: &'w Fold,
    orders: &'w Orders,
    rows: &'w [Judged],
    first: usize,
    all: usize,
    told: usize,
}

/// A row on its way into columns.
struct Placed<'w> {
    row: &'w Row,
    judged: Judged,
    trail: Trail,
    host: u32,
}

impl Writer<'_> {
    fn write(&self) -> Vec<u8> {
        let rows: Vec<&Row> = self.rows.iter().filter_map(|judged| self.fold.rows.get(judged.at as usize)).collect();
        let tables = Tables::of(self.fold, self.orders, &rows, self.told);
        let placed = rows.iter().zip(self.rows).map(|(row, judged)| Placed {
            row,
            judged: *judged,
            trail: tables.trail(row),
            host: tables.host(row.host),
        });
        let mut placed: Vec<Placed<'_>> = placed.collect();
        drop(rows);
        placed.sort_unstable_by_key(|placed| (placed.trail, placed.host, placed.row.id));
        let mut trails: Vec<Trail> = placed.iter().map(|placed| placed.trail).collect();
        trails.dedup();
        let mut to = Vec::with_capacity(64 * placed.len() + 4096);
        self.write_header(&mut to);
        write(&mut to, 1, false, &self.fold.totals.numbers());
        tables.write(&mut to, &trails);
        self.write_rows(&mut to, &placed, &tables);
        self.write_activity(&mut to, &placed);
        self.write_sets(&mut to, &placed, &tables);
        self.write_ids(&mut to, &placed);
        to
    }

    fn write_header(&self, to: &mut Vec<u8>) {
        let whole = if self.told == usize::MAX { WHOLE } else { 0 };
        let last_place = self.fold.limit().filter(|_| whole == WHOLE);
        let cut = if self.fold.is_cut() { CUT } else { 0 };
        to.extend_from_slice(&MAGIC.to_le_bytes());
        to.extend_from_slice(&VERSION.to_le_bytes());
        to.extend_from_slice(&(whole | cut).to_le_bytes());
        to.extend_from_slice(&self.fold.window.start_seconds().to_le_bytes());
        to.extend_from_slice(&u32::from(self.fold.window.slots()).to_le_bytes());
        for number in [self.rows.len(), self.first, self.all] {
            // At most MAX_THREATS.
            to.extend_from_slice(&(number as u32).to_le_bytes());
        }
        to.extend_from_slice(&last_place.unwrap_or(0).to_le_bytes());
        debug_assert_eq!(to.len(), HEADER_BYTES);
    }

    fn write_rows(&self, to: &mut Vec<u8>, placed: &[Placed<'_>], tables: &Tables<'_>) {
        let mut trails: Vec<u64> = Vec::with_capacity(placed.len());
        let mut before: Option<Trail> = None;
        for placed in placed {
            let new = before.replace(placed.trail).is_some_and(|before| before != placed.trail);
            trails.push(trails.last().map_or(0, |last| last + u64::from(new)));
        }
        write(to, 20, true, &trails);
        write(to, 21, false, &column(placed.iter(), |placed| placed.host.into()));
        let shown = |row: &Row| if row.shown == row.indicator { 0 } else { tables.string(row.shown) + 1 };
        write(to, 22, false, &column(placed.iter(), |placed| shown(placed.row)));
        write(to, 23, false, &column(placed.iter(), |placed| u64::from(placed.row.lines).saturating_sub(1)));
        let events = |row: &Row| row.count.saturating_sub(row.lines.into());
        write(to, 24, false, &column(placed.iter(), |placed| events(placed.row)));
        write(to, 25, false, &column(placed.iter(), |placed| placed.row.first.into()));
        write(to, 26, false, &column(placed.iter(), |placed| (placed.row.last - placed.row.first).into()));
        write(to, 27, false, &column(placed.iter(), |placed| placed.row.protocol.into()));
        write(to, 28, false, &column(placed.iter(), |placed| placed.row.directions.into()));
        write(to, 29, false, &column(placed.iter(), |placed| placed.judged.evidence.score.into()));
        write(to, 30, false, &column(placed.iter(), |placed| placed.judged.evidence.reasons.0.into()));
    }

    fn write_activity(&self, to: &mut Vec<u8>, placed: &[Placed<'_>]) {
        let (mut further, mut steps, mut counts) = (Vec::with_capacity(placed.len()), Vec::new(), Vec::new());
        for Placed { row, .. } in placed {
            let mut before = Window::slot(row.first);
            let mut slots = 0;
            self.fold.each_slot(row, &mut |slot, count| {
                if slot > before {
                    slots += 1;
                    steps.push(u64::from(slot - before - 1));
                    counts.push(count.saturating_sub(1));
                    before = slot;
                }
            });
            further.push(slots);
        }
        write(to, 31, false, &further);
        write(to, 32, false, &steps);
        write(to, 33, false, &counts);
    }

    fn write_sets(&self, to: &mut Vec<u8>, placed: &[Placed<'_>], tables: &Tables<'_>) {
        let fold = self.fold;
        self.write_set(
            to,
            placed,
            Set {
                tag: 34,
                name: |row| row.destinations,
                value: &|number| tables.address(number),
                total: &|row| Threat { fold, row }.destination_total(),
            },
        );
        self.write_set(
            to,
            placed,
            Set { tag: 37, name: |row| row.ports, value: &u64::from, total: &|row| Threat { fold, row }.port_total() },
        );
        self.write_set(
            to,
            placed,
            Set {
                tag: 40,
                name: |row| row.sensors,
                value: &|number| tables.sensor(number),
                total: &|row| Threat { fold, row }.sensor_total(),
            },
        );
    }

    fn write_set(&self, to: &mut Vec<u8>, placed: &[Placed<'_>], set: Set<'_>) {
        let (mut lengths, mut further) = (Vec::with_capacity(placed.len()), Vec::with_capacity(placed.len()));
        let mut values = Vec::with_capacity(placed.len());
        for Placed { row, .. } in placed {
            let name = (set.name)(row);
            let held = self.fold.lists.get(&name);
            let told = held.len().min(self.told);
            values.extend(held.iter().take(told).map(|value| (set.value)(*value)));
            lengths.push(told as u64);
            further.push((set.total)(row).saturating_sub(told as u64));
        }
        write(to, set.tag, false, &lengths);
        write(to, set.tag + 1, false, &values);
        write(to, set.tag + 2, false, &further);
    }

    fn write_ids(&self, to: &mut Vec<u8>, placed: &[Placed<'_>]) {
        let mut bytes = Vec::with_capacity(128);
        let (mut rows, mut ids) = (Vec::new(), Vec::new());
        for (at, Placed { row, .. }) in (0u64..).zip(placed) {
            let (site, source, kind, indicator) = self.fold.key_of(row);
            let key = ThreatKey { site, source: address(source), kind, indicator };
            if key.id_in(&mut bytes) != row.id {
                rows.push(at);
                ids.push(row.id.0);
            }
        }
        write(to, 50, true, &rows);
        write(to, 51, false, &ids);
    }
}

/// A set of rows, as columns `tag` to `tag + 2`.
struct Set<'s> {
    tag: u16,
    name: fn(&Row) -> u32,
    value: &'s dyn Fn(u32) -> u64,
    total: &'s dyn Fn(&Row) -> u64,
}
