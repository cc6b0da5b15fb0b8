//! Why events were refused, and how many.

use std::collections::BTreeMap;

use event::import::Refusal;
use jiff::Timestamp;

use super::batch::Unpacked;
use crate::store::record::{Unfit, Window, fit};
use crate::store::{Appended, Batch};

/// Why an event is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// A line that is no event line, or too long for one.
    Text(Refusal),
    /// A line that is no event of the journal.
    Malformed,
    /// An event of a newer version of the journal.
    Newer,
    /// An event that the record does not take.
    Unfit(Unfit),
}

impl Reason {
    /// All of them.
    pub const ALL: [Reason; REASONS] = [
        Reason::Text(Refusal::Columns),
        Reason::Text(Refusal::Quote),
        Reason::Text(Refusal::Time),
        Reason::Text(Refusal::Source),
        Reason::Text(Refusal::Kind),
        Reason::Text(Refusal::Long),
        Reason::Malformed,
        Reason::Newer,
        Reason::Unfit(Unfit::Early),
        Reason::Unfit(Unfit::Late),
        Reason::Unfit(Unfit::Long),
        Reason::Unfit(Unfit::Line),
    ];

    /// A word for metrics and answers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Reason::Text(Refusal::Long) => "long-line",
            Reason::Text(refusal) => refusal.name(),
            Reason::Malformed => "malformed",
            Reason::Newer => "newer-version",
            Reason::Unfit(Unfit::Early) => "too-old",
            Reason::Unfit(Unfit::Late) => "in-the-future",
            Reason::Unfit(Unfit::Long) => "long-value",
            Reason::Unfit(Unfit::Line) => "line-end",
        }
    }

    pub(super) fn place(self) -> usize {
        Reason::ALL.iter().position(|reason| *reason == self).unwrap_or_default()
    }
}

/// Number of reasons.
pub(super) const REASONS: usize = 12;

/// Events that were refused, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally([u64; REASONS]);

impl Tally {
    /// More of one reason.
    pub fn add(&mut self, reason: Reason, more: u64) {
        if let Some(count) = self.0.get_mut(reason.place()) {
            *count += more;
        }
    }

    /// Of all reasons.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// With their reasons.
    pub fn iter(&self) -> impl Iterator<Item = (Reason, u64)> + '_ {
        Reason::ALL.into_iter().zip(self.0)
    }

    /// Those there are, by name.
    #[must_use]
    pub fn named(&self) -> BTreeMap<&'static str, u64> {
        let there = self.iter().filter(|(_, count)| *count > 0);
        there.map(|(reason, count)| (reason.name(), count)).collect()
    }

    /// Of the lines of a batch.
    pub(super) fn of(unpacked: &Unpacked) -> Tally {
        let mut tally = Tally::default();
        tally.add(Reason::Malformed, unpacked.malformed);
        tally.add(Reason::Newer, unpacked.newer);
        tally.add(Reason::Text(Refusal::Long), unpacked.long);
        tally
    }

    /// Adds what the record did not take of a batch, looking for the reasons only where there is one.
    pub(super) fn unfit(&mut self, batch: &Batch, appended: &Appended, (window, now): (Window, Timestamp)) {
        let mut left = appended.refused;
        for stored in &batch.events {
            if left == 0 {
                return;
            }
            if let Err(unfit) = fit(stored, window, now) {
                self.add(Reason::Unfit(unfit), 1);
                left -= 1;
            }
        }
        // The record looked a moment later: what was on the edge has become too old since.
        self.add(Reason::Unfit(Unfit::Early), left);
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::store::record::sample::{at, noon};

    #[test]
    fn every_reason_is_counted() {
        let reasons = Refusal::ALL.map(Reason::Text).into_iter().chain(Unfit::ALL.map(Reason::Unfit));
        let mut tally = Tally::default();
        for reason in reasons.chain([Reason::Malformed, Reason::Newer]) {
            assert!(Reason::ALL.contains(&reason), "{reason:?}");
            tally.add(reason, 1);
        }
        assert!(tally.iter().all(|(_, count)| count == 1), "{tally:?}");
        assert_eq!(tally.total(), REASONS as u64);
        assert_eq!(tally.named().len(), REASONS, "no two have one name");
    }

    #[test]
    fn reasons_of_what_the_record_did_not_take() {
        let window = Window { back: SignedDuration::from_hours(1), ahead: SignedDuration::from_hours(1) };
        let hours = |hours: i64| at(noon() + SignedDuration::from_hours(hours), 1);
        let batch = Batch { id: String::new(), events: vec![hours(0), hours(-2), hours(2), hours(-1)] };
        for (refused, expected) in [
            (0, &[][..]),
            (2, &[("in-the-future", 1), ("too-old", 1)]),
            // The last was on the edge.
            (3, &[("in-the-future", 1), ("too-old", 2)]),
        ] {
            let appended = Appended { written: 4 - refused, refused, repeated: false };
            let mut tally = Tally::default();
            tally.unfit(&batch, &appended, (window, noon()));
            assert_eq!(tally.named().into_iter().collect::<Vec<_>>(), expected);
        }
    }
}
