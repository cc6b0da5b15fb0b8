//! The order in which threats matter, and the orders of values that chunks are written in.

use std::cmp::Reverse;

use super::evidence::Evidence;
use super::fold::{Fold, Row};
use super::view::Threat;

/// Numbers of things, and their place in the order of values: what the order of arrival gave does not show.
#[derive(Debug)]
pub(super) struct Order {
    /// Numbers by place.
    pub(super) numbers: Vec<u32>,
    /// Place by number.
    pub(super) places: Vec<u32>,
}

impl Order {
    fn of(length: usize, sort: impl FnOnce(&mut Vec<u32>)) -> Order {
        let mut numbers: Vec<u32> = (0..length as u32).collect();
        sort(&mut numbers);
        let mut places = vec![0; length];
        for (place, number) in (0u32..).zip(&numbers) {
            if let Some(cell) = places.get_mut(*number as usize) {
                *cell = place;
            }
        }
        Order { numbers, places }
    }

    pub(super) fn place(&self, number: u32) -> u32 {
        self.places.get(number as usize).copied().unwrap_or(0)
    }
}

/// The first eight bytes, as a number in their order.
fn beginning(text: &str) -> u64 {
    let mut bytes = [0; 8];
    bytes.iter_mut().zip(text.bytes()).for_each(|(to, byte)| *to = byte);
    u64::from_be_bytes(bytes)
}

/// Whether a number stands for an IPv4 address (mapped).
pub(super) fn is_v4(address: u128) -> bool {
    address >> 32 == 0xffff
}

#[derive(Debug)]
pub(super) struct Orders {
    pub(super) strings: Order,
    /// IPv4 before IPv6.
    pub(super) addresses: Order,
}

impl Orders {
    pub(super) fn of(fold: &Fold) -> Orders {
        let strings = Order::of(fold.strings.len(), |numbers| {
            // The first bytes decide most of it, and lie beside each other.
            let mut texts: Vec<(u64, u32)> =
                numbers.iter().map(|number| (beginning(fold.strings.get(*number)), *number)).collect();
            texts.sort_unstable_by(|(a, one), (b, other)| {
                a.cmp(b).then_with(|| fold.strings.get(*one).cmp(fold.strings.get(*other)))
            });
            numbers.iter_mut().zip(texts).for_each(|(number, (_, sorted))| *number = sorted);
        });
        let addresses = Order::of(fold.addresses.len(), |numbers| {
            numbers.sort_unstable_by_key(|number| {
                let address = fold.addresses.get(*number).unwrap_or(0);
                (!is_v4(address), address)
            });
        });
        Orders { strings, addresses }
    }
}

/// A row and how it is judged.
#[derive(Clone, Copy, Debug)]
pub(super) struct Judged {
    pub(super) at: u32,
    pub(super) evidence: Evidence,
}

/// Threats in the order in which they matter: severity, evidence, count, then indicator and source, so that what is
/// alike stands together. The id decides where all that is equal.
#[derive(Debug)]
pub struct Ranked<'f> {
    pub(super) fold: &'f Fold,
    pub(super) orders: Orders,
    pub(super) rows: Vec<Judged>,
}

impl<'f> Ranked<'f> {
    /// Of a fold.
    #[must_use]
    pub fn new(fold: &'f Fold) -> Ranked<'f> {
        let orders = Orders::of(fold);
        let mut keyed: Vec<(u128, Reverse<u64>, Judged)> = Vec::with_capacity(fold.len());
        keyed.extend(fold.kept_at().map(|(at, row)| {
            let evidence = Threat { fold, row }.evidence();
            (rank_key(fold, &orders, row, evidence), Reverse(row.id.0), Judged { at, evidence })
        }));
        keyed.sort_unstable_by_key(|(key, id, _)| (Reverse(*key), Reverse(*id)));
        let mut rows: Vec<Judged> = keyed.into_iter().map(|(_, _, judged)| judged).collect();
        // It may have kept the memory of the keys.
        rows.shrink_to_fit();
        Ranked { fold, orders, rows }
    }

    /// Threats.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Threats, what matters most first.
    pub fn threats(&self) -> impl Iterator<Item = Threat<'f>> {
        let fold = self.fold;
        self.rows.iter().filter_map(move |judged| Some(Threat { fold, row: fold.rows.get(judged.at as usize)? }))
    }
}

/// Greater ones come first.
fn rank_key(fold: &Fold, orders: &Orders, row: &Row, evidence: Evidence) -> u128 {
    let severity = fold.label_of(row).severity as u128;
    let count = u128::from(row.count.min(u64::from(u32::MAX)));
    let indicator = u128::from(!orders.strings.place(row.indicator));
    let host = fold.hosts.get(row.host);
    let (v6, address) = host.map_or((false, 0), |host| (!is_v4(host.address), host.address));
    // The lower bits of an address tell hosts of a network apart; where they do not, the id does.
    let source = u128::from(!(address as u32)) | u128::from(!v6) << 32;
    severity << 120 | u128::from(evidence.score) << 112 | count << 72 | indicator << 36 | source
}
