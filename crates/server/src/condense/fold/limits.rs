//! What a fold keeps where there is too much: which threats stay does not depend on the order of arrival.

use super::super::part::mixed;
use super::super::threat::ThreatId;
use super::super::totals::Totals;
use super::super::view::address;
use super::{Fold, Row};
use crate::addresses::Local;

/// Bytes of texts above which those that nothing names any more are given up.
const REBUILD_BYTES: usize = 32 << 20;

/// Who stays where there are too many: smaller ones. Made of what never changes for a threat.
///
/// Ids are mixed: they stand for what they are made of, and nothing should stay for its name.
pub(super) fn place(local: &Local, source: u128, id: ThreatId) -> u64 {
    let public = u64::from(!local.contains(address(source)));
    public << 63 | mixed(id.0 ^ 0x5851_f42d_4c95_7f2d) >> 1
}

impl Fold {
    pub(super) fn place_of(&self, row: &Row) -> u64 {
        place(&self.local, self.hosts.get(row.host).map_or(0, |host| host.address), row.id)
    }

    /// The last place that is kept; none where all are.
    pub(in crate::condense) fn limit(&self) -> Option<u64> {
        if self.rows.len() <= self.capacity {
            return self.last_place;
        }
        let mut places: Vec<u64> = self.rows.iter().map(|row| self.place_of(row)).collect();
        let (_, last, _) = places.select_nth_unstable(self.capacity - 1);
        Some(self.last_place.map_or(*last, |known| known.min(*last)))
    }

    /// What a fold that was read refuses.
    pub(in crate::condense) fn set_limit(&mut self, last_place: Option<u64>) {
        self.last_place = last_place;
    }

    /// Rows that are kept.
    pub(in crate::condense) fn kept(&self) -> impl Iterator<Item = &Row> {
        self.kept_at().map(|(_, row)| row)
    }

    /// Rows that are kept, and where they are.
    pub(in crate::condense) fn kept_at(&self) -> impl Iterator<Item = (u32, &Row)> {
        let limit = self.limit();
        (0u32..).zip(self.rows.iter()).filter(move |(_, row)| limit.is_none_or(|limit| self.place_of(row) <= limit))
    }

    /// Gives up what is too much. True: all was numbered anew.
    pub(in crate::condense) fn keep_within_limits(&mut self) -> bool {
        let crowded = self.rows.len() > self.capacity + self.capacity / 4;
        let wasteful = self.strings.bytes() > REBUILD_BYTES.max(2 * self.used_bytes);
        if !crowded && !wasteful {
            return false;
        }
        let mut fresh = Fold::with_capacity(self.window, self.capacity).with_local(self.local.clone());
        // Not refused while it is filled: it gets what is kept and no more.
        fresh.used_bytes = usize::MAX / 2;
        fresh.absorb(self, |_| true);
        fresh.last_place = self.limit();
        fresh.used_bytes = fresh.strings.bytes();
        fresh.totals = std::mem::replace(&mut self.totals, Totals::new(self.window));
        *self = fresh;
        true
    }
}
