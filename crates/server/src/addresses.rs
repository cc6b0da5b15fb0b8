//! Kinds of addresses, and which are one's own. Pure.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use ipnet::IpNet;
use serde::Serialize;
use utoipa::ToSchema;

use crate::condense::address_number as number;

/// What an address is for, by IANA's registries of special-purpose addresses (RFC 6890).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Range {
    /// A host of the Internet may have it.
    Internet,
    /// For networks of one's own (RFC 1918, 4193).
    Private,
    /// Between a provider and its customers (RFC 6598).
    Shared,
    /// The machine itself.
    Loopback,
    /// Valid on one link alone (RFC 3927, 4291).
    LinkLocal,
    /// To groups.
    Multicast,
    /// To all hosts of a link.
    Broadcast,
    /// No address: not known yet.
    Unspecified,
    /// For examples (RFC 5737, 3849, 9637).
    Documentation,
    /// For measuring (RFC 2544).
    Benchmarking,
    /// For nobody yet, or for protocols.
    Reserved,
}

impl Range {
    /// Of an address.
    #[must_use]
    pub fn of(address: IpAddr) -> Range {
        match address.to_canonical() {
            IpAddr::V4(v4) => match v4.octets() {
                [0, 0, 0, 0] => Range::Unspecified,
                [255, 255, 255, 255] => Range::Broadcast,
                [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => Range::Private,
                [100, 64..=127, ..] => Range::Shared,
                [127, ..] => Range::Loopback,
                [169, 254, ..] => Range::LinkLocal,
                [224..=239, ..] => Range::Multicast,
                [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => Range::Documentation,
                [198, 18 | 19, ..] => Range::Benchmarking,
                [0 | 240..=255, ..] | [192, 0, 0, _] => Range::Reserved,
                _ => Range::Internet,
            },
            IpAddr::V6(v6) => match v6.segments() {
                _ if v6.is_unspecified() => Range::Unspecified,
                _ if v6.is_loopback() => Range::Loopback,
                [0xff00..=0xffff, ..] => Range::Multicast,
                [0xfc00..=0xfdff, ..] => Range::Private,
                [0xfe80..=0xfebf, ..] => Range::LinkLocal,
                [0x2001, 0x0db8, ..] | [0x3fff, 0..=0x0fff, ..] => Range::Documentation,
                [0x2001, 0..=0x01ff, ..] => Range::Reserved,
                [0x2000..=0x3fff, ..] => Range::Internet,
                _ => Range::Reserved,
            },
        }
    }

    /// Whether such an address is on this side of the Internet, wherever that is.
    #[must_use]
    pub fn is_local(self) -> bool {
        match self {
            Range::Private
            | Range::Shared
            | Range::Loopback
            | Range::LinkLocal
            | Range::Multicast
            | Range::Broadcast
            | Range::Unspecified => true,
            Range::Internet | Range::Documentation | Range::Benchmarking | Range::Reserved => false,
        }
    }
}

/// Addresses: networks and ranges, joined.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct AddressSet {
    /// Ascending, apart, inclusive; IPv4 as its mapped IPv6 address.
    ranges: Arc<[(u128, u128)]>,
}

impl AddressSet {
    /// Of ranges from the first to the last address.
    #[must_use]
    pub fn of_ranges(ranges: impl IntoIterator<Item = (IpAddr, IpAddr)>) -> AddressSet {
        let mut ranges: Vec<(u128, u128)> =
            ranges.into_iter().map(|(first, last)| (number(first), number(last))).collect();
        ranges.sort_unstable();
        let mut apart: Vec<(u128, u128)> = Vec::new();
        for (first, last) in ranges {
            match apart.last_mut() {
                Some(before) if first <= before.1.saturating_add(1) => before.1 = before.1.max(last),
                _ => apart.push((first, last)),
            }
        }
        AddressSet { ranges: apart.into() }
    }

    /// Of networks.
    #[must_use]
    pub fn of(networks: &[IpNet]) -> AddressSet {
        AddressSet::of_ranges(networks.iter().map(|net| (net.network(), net.broadcast())))
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// Whether an address is among them.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        if self.is_empty() {
            return false;
        }
        let number = number(address);
        let after = self.ranges.partition_point(|(first, _)| *first <= number);
        after.checked_sub(1).and_then(|at| self.ranges.get(at)).is_some_and(|(_, last)| number <= *last)
    }

    /// The first address; none of an empty set.
    #[must_use]
    pub fn first(&self) -> Option<IpAddr> {
        self.ranges.first().map(|(first, _)| IpAddr::V6(Ipv6Addr::from_bits(*first)).to_canonical())
    }

    /// The bytes that stand for the set: the same for the same addresses.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        self.ranges.iter().flat_map(|(first, last)| [first.to_be_bytes(), last.to_be_bytes()]).flatten().collect()
    }
}

/// Which addresses are this side of the Internet: those of private ranges, and networks of one's own with public
/// addresses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Local {
    own: AddressSet,
}

impl Local {
    /// With these networks of one's own.
    #[must_use]
    pub fn new(own: AddressSet) -> Local {
        Local { own }
    }

    /// Networks of one's own.
    #[must_use]
    pub fn own(&self) -> &AddressSet {
        &self.own
    }

    /// Whether an address is local.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        Range::of(address).is_local() || self.own.contains(address)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn at(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn ranges_at_their_ends() {
        for (range, first, last) in [
            (Range::Private, "10.0.0.0", "10.255.255.255"),
            (Range::Private, "172.16.0.0", "172.31.255.255"),
            (Range::Private, "192.168.0.0", "192.168.255.255"),
            (Range::Private, "fc00::", "fdff:ffff::1"),
            (Range::Private, "::ffff:10.0.0.1", "::ffff:10.0.0.1"),
            (Range::Shared, "100.64.0.0", "100.127.255.255"),
            (Range::Loopback, "127.0.0.1", "::1"),
            (Range::LinkLocal, "169.254.0.1", "febf::1"),
            (Range::Multicast, "224.0.0.1", "239.255.255.255"),
            (Range::Multicast, "ff00::", "ff0e::1"),
            (Range::Broadcast, "255.255.255.255", "255.255.255.255"),
            (Range::Unspecified, "0.0.0.0", "::"),
            (Range::Documentation, "192.0.2.0", "203.0.113.255"),
            (Range::Documentation, "198.51.100.7", "2001:db8::1"),
            (Range::Documentation, "3fff::", "3fff:fff::1"),
            (Range::Benchmarking, "198.18.0.0", "198.19.255.255"),
            (Range::Reserved, "0.0.0.1", "240.0.0.1"),
            (Range::Reserved, "192.0.0.1", "2001::1"),
            (Range::Reserved, "64:ff9b::1", "4000::1"),
            (Range::Internet, "9.255.255.255", "11.0.0.0"),
            (Range::Internet, "172.15.255.255", "172.32.0.0"),
            (Range::Internet, "100.63.255.255", "100.128.0.0"),
            (Range::Internet, "223.255.255.255", "198.20.0.0"),
            (Range::Internet, "2606:4700::1", "3ffe:ffff::1"),
            (Range::Internet, "2001:200::1", "::ffff:8.8.8.8"),
        ] {
            assert_eq!((Range::of(at(first)), Range::of(at(last))), (range, range), "{first} {last}");
        }
    }

    #[test]
    fn own_networks_are_local_too() {
        let own = AddressSet::of(&["203.0.113.0/25".parse().unwrap(), "2001:db8:1::/48".parse().unwrap()]);
        let local = Local::new(own);
        for (address, inside) in [
            ("203.0.113.0", true),
            ("203.0.113.127", true),
            ("203.0.113.128", false),
            ("203.0.112.255", false),
            ("::ffff:203.0.113.9", true),
            ("2001:db8:1::9", true),
            ("2001:db8:2::", false),
            ("10.1.1.1", true),
        ] {
            assert_eq!(local.contains(at(address)), inside, "{address}");
        }
        assert!(!Local::default().contains(at("203.0.113.1")));
    }

    #[test]
    fn sets_are_joined() {
        let set = |nets: &[&str]| AddressSet::of(&nets.iter().map(|net| net.parse().unwrap()).collect::<Vec<_>>());
        let whole = set(&["192.0.2.0/24"]);
        assert_eq!(set(&["192.0.2.128/25", "192.0.2.0/25", "192.0.2.7/32"]), whole);
        assert_eq!(set(&["192.0.2.128/25", "192.0.2.0/25"]).bytes(), whole.bytes());
        assert_ne!(set(&["192.0.2.0/25"]).bytes(), whole.bytes());
        assert_eq!((set(&[]).first(), whole.first()), (None, Some(at("192.0.2.0"))));
        assert!(!set(&[]).contains(at("::")) && set(&["::/0"]).contains(at("255.255.255.255")));
    }
}
