//! How names and addresses are kept: as bytes whose order puts what is asked for together.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::Range;

use event::observable::What;
use ipnet::IpNet;

/// A table of sums.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Table {
    Names,
    Addresses,
    Pairs,
}

impl Table {
    pub(super) const ALL: [Table; 3] = [Table::Names, Table::Addresses, Table::Pairs];

    pub(super) fn name(self) -> &'static str {
        match self {
            Table::Names => "names",
            Table::Addresses => "addresses",
            Table::Pairs => "pairs",
        }
    }

    pub(super) fn place(self) -> usize {
        match self {
            Table::Names => 0,
            Table::Addresses => 1,
            Table::Pairs => 2,
        }
    }
}

/// A row's key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) table: Table,
    pub(super) value: Vec<u8>,
    /// Empty but for pairs.
    pub(super) address: Vec<u8>,
    pub(super) host: Vec<u8>,
}

impl Key {
    pub(super) fn of(what: &What, host: Option<IpAddr>) -> Key {
        let (table, value, address) = match what {
            What::Name(name) => (Table::Names, of_name(name), Vec::new()),
            What::Address(address) => (Table::Addresses, of_address(*address), Vec::new()),
            What::Pair { name, address } => (Table::Pairs, of_name(name), of_address(*address)),
        };
        Key { table, value, address, host: host.map(of_address).unwrap_or_default() }
    }
}

/// Labels from right to left.
pub(super) fn of_name(name: &str) -> Vec<u8> {
    let mut key = Vec::with_capacity(name.len());
    for (place, label) in name.rsplit('.').enumerate() {
        if place > 0 {
            key.push(b'.');
        }
        key.extend_from_slice(label.as_bytes());
    }
    key
}

/// The name of a key.
pub(super) fn name(key: &[u8]) -> String {
    let labels: Vec<_> = key.rsplit(|byte| *byte == b'.').map(String::from_utf8_lossy).collect();
    labels.join(".")
}

/// Version and bytes.
pub(super) fn of_address(address: IpAddr) -> Vec<u8> {
    match address.to_canonical() {
        IpAddr::V4(address) => [&[4], &address.octets()[..]].concat(),
        IpAddr::V6(address) => [&[6], &address.octets()[..]].concat(),
    }
}

/// The address of a key; none for a host that is not known.
pub(super) fn address(key: &[u8]) -> Option<IpAddr> {
    let (version, bytes) = key.split_first()?;
    match version {
        4 => <[u8; 4]>::try_from(bytes).ok().map(|bytes| Ipv4Addr::from(bytes).into()),
        6 => <[u8; 16]>::try_from(bytes).ok().map(|bytes| Ipv6Addr::from(bytes).into()),
        _ => None,
    }
}

/// First key after one.
pub(super) fn after(mut key: Vec<u8>) -> Vec<u8> {
    key.push(0);
    key
}

/// This key alone.
pub(super) fn one(key: Vec<u8>) -> Range<Vec<u8>> {
    key.clone()..after(key)
}

/// Names below one.
pub(super) fn below(name: &str) -> Range<Vec<u8>> {
    let key = of_name(name);
    // The byte after a dot is a slash.
    [key.as_slice(), b"."].concat()..[key.as_slice(), b"/"].concat()
}

/// Addresses of a network.
pub(super) fn within(net: IpNet) -> Range<Vec<u8>> {
    of_address(net.network())..after(of_address(net.broadcast()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_below_a_name() {
        let range = below("evil.example");
        for (text, is) in [
            ("www.evil.example", true),
            ("a.b.evil.example", true),
            ("evil.example", false),
            ("notevil.example", false),
            ("evil.example.com", false),
            ("evil-.example", false),
            ("x.evil0.example", false),
        ] {
            assert_eq!(range.contains(&of_name(text)), is, "{text}");
        }
        assert_eq!(of_name("www.evil.example"), b"example.evil.www");
    }

    #[test]
    fn networks_of_one_version_hold_nothing_of_the_other() {
        let v4 = within("0.0.0.0/0".parse().unwrap());
        let v6 = within("::/0".parse().unwrap());
        for (text, is) in [("0.0.0.0", true), ("255.255.255.255", true), ("::", false), ("ffff::", false)] {
            let key = of_address(text.parse().unwrap());
            assert_eq!((v4.contains(&key), v6.contains(&key)), (is, !is), "{text}");
        }
        assert_eq!(of_address("::ffff:10.0.0.1".parse().unwrap()), [4, 10, 0, 0, 1]);
        assert_eq!(address(b""), None);
        assert_eq!(address(&[4, 1, 2, 3]), None);
    }

    proptest! {
        #[test]
        fn nothing_is_lost(text in "[^.]{1,5}([.][^.]{1,5}){0,4}", v4: u32, v6: u128) {
            prop_assert_eq!(name(&of_name(&text)), text);
            for host in [IpAddr::from(Ipv4Addr::from(v4)), IpAddr::from(Ipv6Addr::from(v6)).to_canonical()] {
                prop_assert_eq!(address(&of_address(host)), Some(host));
            }
        }

        #[test]
        fn below_is_that_of_the_text(a in "[a-c./-]{1,6}", b in "[a-c./-]{1,6}") {
            let is = a.ends_with(&format!(".{b}"));
            prop_assert_eq!(below(&b).contains(&of_name(&a)), is, "{} below {}", a, b);
        }

        #[test]
        fn networks_are_those_of_the_addresses(net: u32, length in 0u8..=32, other: u32) {
            let net = ipnet::Ipv4Net::new(net.into(), length).unwrap();
            let other = Ipv4Addr::from(other);
            for address in [other, net.network(), net.broadcast()] {
                prop_assert_eq!(within(net.into()).contains(&of_address(address.into())), net.contains(&address));
            }
        }
    }
}
