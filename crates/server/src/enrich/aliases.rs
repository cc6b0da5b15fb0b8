//! Names that the user gave addresses and networks.

use std::net::IpAddr;

use ipnet::IpNet;

/// Most names; of more the first ones are kept, and the log says so.
pub const MAX_ALIASES: usize = 100_000;

/// Networks and their names.
#[derive(Debug, Default)]
pub struct Aliases {
    /// By length of the prefix, the longest first: networks in order of their addresses.
    by_length: Vec<(u8, Vec<(IpNet, String)>)>,
}

impl Aliases {
    /// Of networks and names; of one network's names the first.
    #[must_use]
    pub fn new(aliases: &[(IpNet, String)]) -> Aliases {
        Aliases::within(aliases, MAX_ALIASES)
    }

    fn within(aliases: &[(IpNet, String)], limit: usize) -> Aliases {
        if aliases.len() > limit {
            tracing::error!("IP_ALIASES has {} entries; {limit} are used", aliases.len());
        }
        let mut all: Vec<(IpNet, String)> =
            aliases.iter().take(limit).map(|(net, name)| (canonical(*net).trunc(), name.clone())).collect();
        // Stable: of equal networks the first one stays the first.
        all.sort_by_key(|(net, _)| (std::cmp::Reverse(net.prefix_len()), *net));
        all.dedup_by_key(|(net, _)| *net);
        let chunks = all.chunk_by(|(one, _), (two, _)| one.prefix_len() == two.prefix_len());
        let group = |chunk: &[(IpNet, String)]| Some((chunk.first()?.0.prefix_len(), chunk.to_vec()));
        Aliases { by_length: chunks.filter_map(group).collect() }
    }

    /// The name of the smallest network around an address that has one.
    #[must_use]
    pub fn of(&self, address: IpAddr) -> Option<&str> {
        let address = address.to_canonical();
        self.by_length.iter().find_map(|(length, networks)| {
            let wanted = IpNet::new(address, *length).ok()?.trunc();
            let at = networks.binary_search_by_key(&wanted, |(net, _)| *net).ok()?;
            networks.get(at).map(|(_, name)| name.as_str())
        })
    }
}

/// An IPv4 network as such, where it is written as a mapped one.
fn canonical(net: IpNet) -> IpNet {
    match (net.addr().to_canonical(), net.prefix_len().checked_sub(96)) {
        (IpAddr::V4(v4), Some(length)) if matches!(net, IpNet::V6(_)) => IpNet::new(v4.into(), length).unwrap_or(net),
        _ => net,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn aliases(list: &[(&str, &str)]) -> Vec<(IpNet, String)> {
        list.iter().map(|(net, name)| (net.parse().unwrap(), (*name).to_owned())).collect()
    }

    #[test]
    fn the_smallest_network_names_an_address() {
        let list = aliases(&[
            ("10.0.0.0/8", "home"),
            ("10.1.0.0/16", "lab"),
            ("10.1.2.3/32", "printer"),
            ("10.1.2.3/32", "second name"),
            ("2001:db8::/32", "six"),
            ("::ffff:192.0.2.0/120", "mapped"),
        ]);
        let aliases = Aliases::new(&list);
        for (address, name) in [
            ("10.1.2.3", Some("printer")),
            ("::ffff:10.1.2.3", Some("printer")),
            ("10.1.2.4", Some("lab")),
            ("10.2.0.1", Some("home")),
            ("11.0.0.1", None),
            ("2001:db8::7", Some("six")),
            ("2001:db9::7", None),
            ("192.0.2.9", Some("mapped")),
        ] {
            assert_eq!(aliases.of(address.parse().unwrap()), name, "{address}");
        }
    }

    #[test]
    fn the_first_names_up_to_the_limit_are_kept() {
        for count in [2u8, 3, 4] {
            let list: Vec<(IpNet, String)> =
                (0..count).map(|n| (IpNet::from(IpAddr::from([10, 0, 0, n])), n.to_string())).collect();
            let aliases = Aliases::within(&list, 3);
            let known = (0..count).filter(|n| aliases.of(IpAddr::from([10, 0, 0, *n])).is_some()).count();
            assert_eq!(known, usize::from(count.min(3)));
            assert_eq!(aliases.of(IpAddr::from([10, 0, 0, 2])).is_some(), count > 2);
        }
    }
}
