//! Public DNS resolvers, from the table beside this file: who asks them passes the resolvers of the own network by.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::LazyLock;

use ipnet::IpNet;

/// The table as it is looked up.
struct Table {
    addresses: HashMap<IpAddr, &'static str>,
    /// A few.
    networks: Vec<(IpNet, &'static str)>,
    names: HashMap<&'static str, &'static str>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let mut table = Table { addresses: HashMap::new(), networks: Vec::new(), names: HashMap::new() };
    for (what, provider) in lines() {
        if let Ok(address) = what.parse() {
            table.addresses.insert(address, provider);
        } else if let Ok(network) = what.parse() {
            table.networks.push((network, provider));
        } else {
            table.names.insert(what, provider);
        }
    }
    table
});

/// What resolves, and who runs it.
fn lines() -> impl Iterator<Item = (&'static str, &'static str)> {
    let lines = include_str!("resolvers.txt").lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.split_once(' ')).map(|(what, provider)| (what, provider.trim()))
}

/// Who runs the public resolver with an address; none where none is known.
#[must_use]
pub fn of_address(address: IpAddr) -> Option<&'static str> {
    let address = address.to_canonical();
    let within = || TABLE.networks.iter().find(|(network, _)| network.contains(&address));
    TABLE.addresses.get(&address).copied().or_else(|| within().map(|(_, provider)| *provider))
}

/// Who runs the resolver that is reached under a name, over HTTPS, TLS or QUIC.
#[must_use]
pub fn of_name(name: &str) -> Option<&'static str> {
    let name = name.strip_suffix('.').unwrap_or(name);
    TABLE.names.get(name.to_ascii_lowercase().as_str()).copied()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::addresses::Range;

    #[test]
    fn every_line_of_the_table_is_an_address_a_network_or_a_name() {
        let mut seen = BTreeSet::new();
        for (what, provider) in lines() {
            assert!(seen.insert(what), "{what} twice");
            assert!(!provider.is_empty(), "{what}");
            let name = what.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-'))
                && what.rsplit('.').next().is_some_and(|last| last.bytes().all(|b| b.is_ascii_lowercase()));
            let address = what.parse::<IpAddr>().or_else(|_| what.parse::<IpNet>().map(|net| net.addr()));
            match address {
                Ok(address) => assert_eq!(Range::of(address), Range::Internet, "{what}"),
                Err(_) => assert!(name && what.contains('.'), "{what}"),
            }
        }
        let table = TABLE.addresses.len() + TABLE.networks.len() + TABLE.names.len();
        assert_eq!((table, seen.len() > 200), (seen.len(), true));
    }

    #[test]
    fn resolvers_by_address_and_name() {
        let of = |text: &str| of_address(text.parse().unwrap());
        assert_eq!((of("8.8.8.8"), of("::ffff:8.8.8.8"), of("8.8.8.9")), (Some("Google"), Some("Google"), None));
        assert_eq!((of("2620:fe::fe"), of("45.90.28.77")), (Some("Quad9"), Some("NextDNS")));
        assert_eq!((of_name("DNS.Google."), of_name("google"), of_name("")), (Some("Google"), None, None));
    }
}
