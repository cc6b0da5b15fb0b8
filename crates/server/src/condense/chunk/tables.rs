//! The dictionaries of a chunk: which strings, addresses, hosts, labels, trails and sensors its rows name.

use super::super::fold::{Fold, Row};
use super::super::intern::{Host, LabelNumbers};
use super::super::rank::{Order, Orders, is_v4};
use super::column::{write, write_bytes};

/// Numbers of a fold, renumbered to those in use, in the order of their values.
#[derive(Debug)]
struct Renumbered {
    /// By place in the order of values: whether in use, then the new number.
    numbers: Vec<u32>,
}

impl Renumbered {
    fn new(order: &Order) -> Renumbered {
        Renumbered { numbers: vec![0; order.numbers.len()] }
    }

    fn mark(&mut self, place: u32) {
        if let Some(cell) = self.numbers.get_mut(place as usize) {
            *cell = 1;
        }
    }

    /// Numbers those that are marked; gives their places.
    fn number(&mut self) -> Vec<u32> {
        let mut places = Vec::new();
        for (place, cell) in (0u32..).zip(&mut self.numbers) {
            if *cell == 1 {
                *cell = places.len() as u32;
                places.push(place);
            }
        }
        places
    }

    fn get(&self, place: u32) -> u32 {
        self.numbers.get(place as usize).copied().unwrap_or(0)
    }
}

/// What identifies a trail in a chunk: string of the indicator, kind, label.
pub(super) type Trail = (u32, u8, u32);

#[derive(Debug)]
pub(super) struct Tables<'f> {
    fold: &'f Fold,
    orders: &'f Orders,
    strings: Renumbered,
    addresses: Renumbered,
    string_places: Vec<u32>,
    address_places: Vec<u32>,
    hosts: Vec<u32>,
    /// By number in the fold: rows, then the new number.
    host_numbers: Vec<u32>,
    labels: Vec<u32>,
    /// By number in the fold: 1 if in use, then the new number.
    label_numbers: Vec<u32>,
    sensors: Vec<u64>,
}

impl<'f> Tables<'f> {
    /// Of rows, of whose sets `told` values are told at most.
    pub(super) fn of(fold: &'f Fold, orders: &'f Orders, rows: &[&Row], told: usize) -> Tables<'f> {
        let mut tables = Tables {
            fold,
            orders,
            strings: Renumbered::new(&orders.strings),
            addresses: Renumbered::new(&orders.addresses),
            string_places: Vec::new(),
            address_places: Vec::new(),
            hosts: Vec::new(),
            host_numbers: vec![0; fold.hosts.len()],
            labels: Vec::new(),
            label_numbers: vec![0; fold.labels.len()],
            sensors: Vec::new(),
        };
        let mut sensors = Vec::new();
        tables.mark(rows, told, &mut sensors);
        tables.string_places = tables.strings.number();
        tables.address_places = tables.addresses.number();
        tables.sort_hosts();
        tables.sort_labels();
        tables.sensors = sensors.into_iter().map(|number| tables.string(number)).collect();
        tables.sensors.sort_unstable();
        tables.sensors.dedup();
        tables
    }

    fn mark(&mut self, rows: &[&Row], told: usize, sensors: &mut Vec<u32>) {
        let Tables { fold, orders, .. } = *self;
        self.strings.mark(orders.strings.place(0));
        for row in rows {
            if let Some(rows) = self.host_numbers.get_mut(row.host as usize) {
                *rows += 1;
            }
            if let Some(used) = self.label_numbers.get_mut(row.label as usize) {
                *used = 1;
            }
            self.strings.mark(orders.strings.place(row.indicator));
            self.strings.mark(orders.strings.place(row.shown));
            for number in fold.lists.get(&row.destinations).iter().take(told) {
                self.addresses.mark(orders.addresses.place(*number));
            }
            for number in fold.lists.get(&row.sensors).iter().take(told) {
                if !sensors.contains(number) {
                    sensors.push(*number);
                    self.strings.mark(orders.strings.place(*number));
                }
            }
        }
        for host in used(&self.host_numbers).filter_map(|(number, _)| fold.hosts.get(number)) {
            self.strings.mark(orders.strings.place(host.site));
            if let Some(number) = fold.addresses.find(host.address) {
                self.addresses.mark(orders.addresses.place(number));
            }
        }
        for label in used(&self.label_numbers).filter_map(|(number, _)| fold.labels.get(number)) {
            for text in [label.class, label.info, label.reference] {
                self.strings.mark(orders.strings.place(text));
            }
        }
    }

    fn sort_hosts(&mut self) {
        let mut hosts: Vec<(u32, u32)> = used(&self.host_numbers).collect();
        hosts.sort_by_cached_key(|(number, rows)| (std::cmp::Reverse(*rows), self.host_columns(*number)));
        self.hosts = hosts.into_iter().map(|(number, _)| number).collect();
        renumber(&mut self.host_numbers, &self.hosts);
    }

    fn sort_labels(&mut self) {
        let mut labels: Vec<u32> = used(&self.label_numbers).map(|(number, _)| number).collect();
        labels.sort_by_cached_key(|number| self.label_columns(*number));
        self.labels = labels;
        renumber(&mut self.label_numbers, &self.labels);
    }

    fn host_columns(&self, number: u32) -> (u64, u64) {
        let host = self.fold.hosts.get(number).unwrap_or(Host { site: 0, address: 0 });
        let address = self.fold.addresses.find(host.address).map_or(0, |number| self.address(number));
        (address, self.string(host.site))
    }

    fn label_columns(&self, number: u32) -> [u64; 5] {
        let Some(label) = self.fold.labels.get(number) else { return [0; 5] };
        let LabelNumbers { severity, confidence, class, info, reference } = label;
        let texts = [class, info, reference].map(|number| self.string(number));
        let [class, info, reference] = texts;
        [severity as u64, confidence.into(), class, info, reference]
    }

    pub(super) fn string(&self, number: u32) -> u64 {
        self.text(number).into()
    }

    fn text(&self, number: u32) -> u32 {
        self.strings.get(self.orders.strings.place(number))
    }

    pub(super) fn address(&self, number: u32) -> u64 {
        self.addresses.get(self.orders.addresses.place(number)).into()
    }

    pub(super) fn host(&self, number: u32) -> u32 {
        self.host_numbers.get(number as usize).copied().unwrap_or(0)
    }

    pub(super) fn sensor(&self, number: u32) -> u64 {
        self.sensors.binary_search(&self.string(number)).unwrap_or(0) as u64
    }

    pub(super) fn trail(&self, row: &Row) -> Trail {
        let label = self.label_numbers.get(row.label as usize).copied().unwrap_or(0);
        (self.text(row.indicator), row.kind as u8, label)
    }

    /// Writes the dictionaries, with the trails of the rows, ascending.
    pub(super) fn write(&self, to: &mut Vec<u8>, trails: &[Trail]) {
        let texts: Vec<&str> = self
            .string_places
            .iter()
            .filter_map(|place| self.orders.strings.numbers.get(*place as usize))
            .map(|number| self.fold.strings.get(*number))
            .collect();
        write(to, 2, false, &column(texts.iter(), |text| text.len() as u64));
        write_bytes(to, 3, texts.concat().as_bytes());
        let addresses: Vec<u128> = self
            .address_places
            .iter()
            .filter_map(|place| self.orders.addresses.numbers.get(*place as usize))
            .filter_map(|number| self.fold.addresses.get(*number))
            .collect();
        let (v4, v6) = addresses.split_at(addresses.partition_point(|address| is_v4(*address)));
        write(to, 4, true, &column(v4.iter(), |address| u64::from(*address as u32)));
        write(to, 5, false, &column(v6.iter(), |address| (address >> 64) as u64));
        write(to, 6, false, &column(v6.iter(), |address| *address as u64));
        let hosts: Vec<(u64, u64)> = self.hosts.iter().map(|number| self.host_columns(*number)).collect();
        write(to, 7, false, &column(hosts.iter(), |host| host.0));
        write(to, 8, false, &column(hosts.iter(), |host| host.1));
        let labels: Vec<[u64; 5]> = self.labels.iter().map(|number| self.label_columns(*number)).collect();
        for (tag, part) in (9..).zip(0..5) {
            write(to, tag, false, &column(labels.iter(), |label| label.get(part).copied().unwrap_or(0)));
        }
        write(to, 14, true, &column(trails.iter(), |trail| trail.0.into()));
        write(to, 15, false, &column(trails.iter(), |trail| trail.1.into()));
        write(to, 16, false, &column(trails.iter(), |trail| trail.2.into()));
        write(to, 17, false, &self.sensors);
    }
}

/// Numbers with what is not 0.
fn used(by_number: &[u32]) -> impl Iterator<Item = (u32, u32)> {
    (0u32..).zip(by_number.iter().copied()).filter(|(_, value)| *value > 0)
}

/// The place of each number in a list.
fn renumber(by_number: &mut [u32], list: &[u32]) {
    for (place, number) in (0u32..).zip(list) {
        if let Some(cell) = by_number.get_mut(*number as usize) {
            *cell = place;
        }
    }
}

pub(super) fn column<T>(items: impl Iterator<Item = T>, value: impl Fn(T) -> u64) -> Vec<u64> {
    items.map(value).collect()
}
