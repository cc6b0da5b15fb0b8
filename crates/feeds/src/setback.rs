//! How long a feed is left alone that failed: longer each time, never longer than its interval unless its makers ask for it.

use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::round::Outcome;
use crate::spec::Spec;

/// After the first failure, seconds; each further one doubles it.
const FIRST: u64 = 300;
/// Longest time that makers may ask for (Retry-After), seconds.
const LONGEST_ASKED: u64 = 86_400;

/// What came of asking for a feed in vain.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    /// Failed, refused, or without a key.
    pub outcome: Outcome,
    /// Why.
    pub error: String,
    /// Seconds that its makers want to be left alone for.
    pub after: Option<u64>,
}

/// That a feed failed, kept beside its last good copy until it is well again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Setback {
    /// What came of asking for it.
    pub outcome: Outcome,
    /// Why.
    pub error: String,
    /// Times in a row.
    pub failures: u32,
    /// When it was asked.
    pub asked: Timestamp,
    /// Seconds from then that it is left alone for.
    pub wait: u64,
}

impl Setback {
    /// After one more failure. `seed`: another one for each update, so that not all who failed at once come back at once.
    #[must_use]
    pub fn after(before: Option<&Setback>, failure: Failure, spec: &Spec, now: Timestamp, seed: u64) -> Setback {
        let failures = before.map_or(0, |before| before.failures).saturating_add(1);
        let doubled = FIRST.saturating_mul(1_u64.checked_shl(failures - 1).unwrap_or(u64::MAX)).min(spec.interval);
        let asked = failure.after.unwrap_or_default().min(LONGEST_ASKED);
        let wait = jittered(doubled, &spec.name, seed).max(asked);
        Setback { outcome: failure.outcome, error: failure.error, failures, asked: now, wait }
    }

    /// Until when it is left alone.
    #[must_use]
    pub fn until(&self) -> Timestamp {
        self.asked.saturating_add(Duration::from_secs(self.wait)).unwrap_or(Timestamp::MAX)
    }

    /// Whether it is left alone now; not where the clock was put back before it was asked.
    #[must_use]
    pub fn holds(&self, now: Timestamp) -> bool {
        (self.asked..self.until()).contains(&now)
    }
}

/// Between three quarters of it and all.
fn jittered(seconds: u64, name: &str, seed: u64) -> u64 {
    let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one((name, seed));
    seconds - hash % (seconds / 4 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(interval: u64) -> Spec {
        let text = format!(
            "about = 'x'\nurls = ['https://feed.example/']\ninfo = 'x'\nreference = 'x'\nkinds = ['name']\nlicence = 'x'\n\
             interval = {interval}\n[read]\nformat = 'lines'\n"
        );
        Spec::parse("list", &text).unwrap()
    }

    /// The waits after so many failures in a row.
    fn waits(interval: u64, after: Option<u64>, count: usize) -> Vec<u64> {
        let failure = Failure { outcome: Outcome::Failed, error: "x".into(), after };
        let (spec, mut last) = (spec(interval), None);
        let mut next = || {
            let setback = Setback::after(last.as_ref(), failure.clone(), &spec, Timestamp::UNIX_EPOCH, 7);
            let wait = setback.wait;
            last = Some(setback);
            wait
        };
        (0..count).map(|_| next()).collect()
    }

    #[test]
    fn it_doubles_up_to_the_interval() {
        let waits = waits(3_600, None, 40);
        for (wait, most) in waits.iter().zip([300, 600, 1_200, 2_400, 3_600, 3_600]) {
            assert!((most * 3 / 4..=most).contains(wait), "{wait} of {most}");
        }
        assert!(waits.iter().all(|wait| *wait <= 3_600));
        assert_eq!(self::waits(0, None, 2), [0, 0]);
    }

    #[test]
    fn not_all_come_back_at_once() {
        let waits: std::collections::HashSet<u64> = (0..100).map(|seed| jittered(3_600, "list", seed)).collect();
        assert!(waits.len() > 50 && waits.iter().all(|wait| (2_700..=3_600).contains(wait)), "{waits:?}");
    }

    #[test]
    fn makers_who_ask_for_longer_get_it_up_to_a_day() {
        assert_eq!(waits(3_600, Some(86_399), 1), [86_399]);
        assert_eq!(waits(3_600, Some(86_400), 1), [86_400]);
        assert_eq!(waits(3_600, Some(86_401), 1), [86_400]);
    }

    #[test]
    fn a_clock_that_was_put_back_holds_nothing() {
        let at = |seconds| Timestamp::from_second(seconds).unwrap();
        let setback =
            Setback { outcome: Outcome::Failed, error: String::new(), failures: 1, asked: at(1_000), wait: 10 };
        let holds = [999, 1_000, 1_009, 1_010].map(|now| setback.holds(at(now)));
        assert_eq!(holds, [false, true, true, false]);
    }
}
