//! Failed logins: whoever guesses waits, and neighbours do not.
//!
//! Counted for (account, address) and for the address alone with a wider limit. An account is never locked for
//! addresses that did not fail: else anyone could lock anyone out.

use std::hash::BuildHasher;
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use foldhash::quality::RandomState;
use hashbrown::HashMap;
use jiff::Timestamp;

/// Counters that are held at most; with one more those that ended go, then the oldest.
pub(super) const ENTRIES: usize = 65_536;
/// Failures of one account from one address before it waits.
pub(super) const ACCOUNT_FAILURES: u32 = 5;
/// Failures from one address before it waits.
pub(super) const ADDRESS_FAILURES: u32 = 30;
/// The first wait; doubles with each further failure.
const FIRST_WAIT: Duration = Duration::from_secs(2);
/// The longest wait, and how long failures are remembered.
const LONGEST_WAIT: Duration = Duration::from_secs(15 * 60);

#[derive(Clone, Copy, Debug)]
struct Failures {
    count: u32,
    last: Timestamp,
}

/// The counters. Keys are hashes: names that somebody tried are not kept.
#[derive(Debug, Default)]
pub(super) struct Attempts {
    hasher: RandomState,
    failures: HashMap<u64, Failures, RandomState>,
}

/// An address for counting: of IPv6 its network of 64 bits, which one host has to itself.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
        v4 => v4,
    }
}

impl Attempts {
    fn keys(&self, account: &str, from: IpAddr) -> [(u64, u32); 2] {
        let from = network(from);
        let pair = self.hasher.hash_one((account, from));
        [(pair, ACCOUNT_FAILURES), (self.hasher.hash_one(from), ADDRESS_FAILURES)]
    }

    /// How long this account must wait from this address, if at all.
    #[must_use]
    pub(super) fn wait(&self, account: &str, from: IpAddr, now: Timestamp) -> Option<Duration> {
        let waits = self.keys(account, from).into_iter().filter_map(|(key, limit)| {
            let failures = self.failures.get(&key)?;
            let beyond = failures.count.checked_sub(limit)?;
            let wait = FIRST_WAIT.saturating_mul(1 << beyond.min(16)).min(LONGEST_WAIT);
            wait.checked_sub(since(failures.last, now)).filter(|left| !left.is_zero())
        });
        waits.max()
    }

    /// A login failed.
    pub(super) fn failed(&mut self, account: &str, from: IpAddr, now: Timestamp) {
        for (key, _) in self.keys(account, from) {
            if self.failures.len() >= ENTRIES && !self.failures.contains_key(&key) {
                self.make_room(now);
            }
            let failures = self.failures.entry(key).or_insert(Failures { count: 0, last: now });
            if since(failures.last, now) > LONGEST_WAIT {
                failures.count = 0;
            }
            failures.count = failures.count.saturating_add(1);
            failures.last = now;
        }
    }

    /// A login succeeded: the failures of this account from this address are forgotten, those of the address not.
    pub(super) fn succeeded(&mut self, account: &str, from: IpAddr) {
        let [(pair, _), _] = self.keys(account, from);
        self.failures.remove(&pair);
    }

    fn make_room(&mut self, now: Timestamp) {
        self.failures.retain(|_, failures| since(failures.last, now) <= LONGEST_WAIT);
        if self.failures.len() < ENTRIES {
            return;
        }
        // The older half goes, so that this is done seldom.
        let mut times: Vec<Timestamp> = self.failures.values().map(|failures| failures.last).collect();
        let middle = times.len() / 2;
        let (_, median, _) = times.select_nth_unstable(middle);
        let median = *median;
        self.failures.retain(|_, failures| failures.last > median);
    }
}

fn since(then: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(then)).unwrap_or_default()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + seconds).unwrap()
    }

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
    const NEIGHBOUR: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2));

    #[test]
    fn whoever_guesses_waits_and_neighbours_do_not() {
        let mut attempts = Attempts::default();
        for n in 1..=ACCOUNT_FAILURES {
            assert_eq!(attempts.wait("anna", HERE, at(0)), None, "failure {n}");
            attempts.failed("anna", HERE, at(0));
        }
        assert_eq!(attempts.wait("anna", HERE, at(0)), Some(FIRST_WAIT));
        assert_eq!(attempts.wait("anna", NEIGHBOUR, at(0)), None);
        assert_eq!(attempts.wait("bert", HERE, at(0)), None);
        assert_eq!(attempts.wait("anna", HERE, at(2)), None);
        attempts.failed("anna", HERE, at(2));
        assert_eq!(attempts.wait("anna", HERE, at(2)), Some(FIRST_WAIT * 2));
        attempts.succeeded("anna", HERE);
        assert_eq!(attempts.wait("anna", HERE, at(2)), None);
    }

    #[test]
    fn an_address_that_tries_many_names_waits() {
        let mut attempts = Attempts::default();
        for n in 0..ADDRESS_FAILURES {
            assert_eq!(attempts.wait("next", HERE, at(0)), None);
            attempts.failed(&format!("name{n}"), HERE, at(0));
        }
        assert!(attempts.wait("next", HERE, at(0)).is_some());
        assert_eq!(attempts.wait("next", NEIGHBOUR, at(0)), None);
        assert_eq!(attempts.wait("next", HERE, at(3600)), None);
    }

    #[test]
    fn a_network_of_ipv6_is_one_host() {
        let mut attempts = Attempts::default();
        for n in 0..ADDRESS_FAILURES {
            attempts.failed("anna", format!("2001:db8::{n:x}").parse().unwrap(), at(0));
        }
        assert!(attempts.wait("bert", "2001:db8::ffff".parse().unwrap(), at(0)).is_some());
        assert_eq!(attempts.wait("bert", "2001:db8:0:1::1".parse().unwrap(), at(0)), None);
    }

    #[test]
    fn counters_are_bounded() {
        let mut attempts = Attempts::default();
        for n in 0..u32::try_from(ENTRIES).unwrap() {
            attempts.failed("anna", IpAddr::V4(n.into()), at(i64::from(n)));
            assert!(attempts.failures.len() <= ENTRIES);
        }
        let last = IpAddr::V4((u32::try_from(ENTRIES).unwrap() - 1).into());
        for _ in 1..ACCOUNT_FAILURES {
            attempts.failed("anna", last, at(ENTRIES as i64));
        }
        assert!(attempts.wait("anna", last, at(ENTRIES as i64)).is_some(), "the latest stay");
    }
}
