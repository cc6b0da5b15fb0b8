//! What must not become a trail: whitelisted names and addresses, addresses that belong to nobody.

use std::collections::HashSet;
use std::net::IpAddr;

use crate::indicator::{Indicator, Line, Network, Why, line};

/// Why an indicator was left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Veto {
    /// The user's own whitelist.
    UserWhitelist,
    /// The built-in whitelist.
    Whitelist,
    /// An address that is private, reserved or otherwise no one host of the Internet.
    Bogon,
}

/// Names with their subdomains, addresses and networks.
#[derive(Clone, Debug, Default)]
pub struct Whitelist {
    names: HashSet<String>,
    addresses: HashSet<IpAddr>,
    networks: Vec<ipnet::IpNet>,
}

impl Whitelist {
    /// From lines of names, addresses and networks; other forms are returned with their line numbers.
    #[must_use]
    pub fn from_lines(text: &str) -> (Self, Vec<(usize, Why)>) {
        let (mut list, mut refused, mut scratch) = (Self::default(), Vec::new(), String::new());
        for (number, text) in text.lines().enumerate() {
            let Line::Text(text) = line(text) else { continue };
            match Indicator::parse(text, &mut scratch) {
                Ok(Indicator::Name(name)) => {
                    list.names.insert(name.to_owned());
                }
                Ok(Indicator::Address(address)) => {
                    list.addresses.insert(address);
                }
                Ok(Indicator::Network(Network { address, length })) => {
                    list.networks.extend(ipnet::IpNet::new(address, length));
                }
                Ok(_) => refused.push((number + 1, Why::Character)),
                Err(why) => refused.push((number + 1, why)),
            }
        }
        (list, refused)
    }

    /// Whether it is there, or below or inside what is there.
    #[must_use]
    pub fn covers(&self, indicator: &Indicator<'_>) -> bool {
        match indicator {
            Indicator::Name(name) => {
                let mut rest = Some(*name);
                while let Some(name) = rest {
                    if self.names.contains(name) {
                        return true;
                    }
                    rest = name.split_once('.').map(|(_, parent)| parent);
                }
                false
            }
            Indicator::Address(address) | Indicator::Endpoint(address, _) => {
                self.addresses.contains(address) || self.networks.iter().any(|network| network.contains(address))
            }
            Indicator::Network(Network { address, length }) => {
                self.networks.iter().any(|network| network.contains(address) && network.prefix_len() <= *length)
            }
            _ => false,
        }
    }
}

/// All vetoes of one build.
#[derive(Clone, Debug, Default)]
pub struct Vetoes {
    /// The user's own: it alone applies to custom trails.
    pub user: Whitelist,
    /// Built in or configured.
    pub builtin: Whitelist,
    /// Whether addresses of nobody are left out.
    pub bogons: bool,
}

impl Vetoes {
    /// The veto against an indicator, if any.
    #[must_use]
    pub fn veto(&self, indicator: &Indicator<'_>, custom: bool) -> Option<Veto> {
        if self.user.covers(indicator) {
            return Some(Veto::UserWhitelist);
        }
        if custom {
            return None;
        }
        if self.builtin.covers(indicator) {
            return Some(Veto::Whitelist);
        }
        let address = match indicator {
            Indicator::Address(address) | Indicator::Endpoint(address, _) => address,
            Indicator::Network(network) => &network.address,
            _ => return None,
        };
        (self.bogons && is_bogon(*address)).then_some(Veto::Bogon)
    }
}

/// RFC 6890 and its successors: ranges that no host of the public Internet has. Documentation ranges stay, so that
/// demonstrations can use them.
fn is_bogon(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, ..] = v4.octets();
            a == 0
                || a >= 224
                || v4.is_private()
                || v4.is_loopback()
                || v4.is_link_local()
                || (a == 100 && b & 0xc0 == 64)
                || (a == 198 && b & 0xfe == 18)
        }
        // Only 2000::/3 is given out.
        IpAddr::V6(v6) => v6.segments().first().is_some_and(|top| top >> 13 != 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn veto(vetoes: &Vetoes, text: &str, custom: bool) -> Option<Veto> {
        vetoes.veto(&Indicator::parse(text, &mut String::new()).unwrap(), custom)
    }

    #[test]
    fn custom_yields_to_the_user_only() {
        let vetoes = Vetoes {
            user: Whitelist::from_lines("mine.example\n192.0.2.0/28").0,
            builtin: Whitelist::from_lines("good.example").0,
            bogons: true,
        };
        for custom in [false, true] {
            assert_eq!(veto(&vetoes, "a.mine.example", custom), Some(Veto::UserWhitelist));
            assert_eq!(veto(&vetoes, "192.0.2.5:80", custom), Some(Veto::UserWhitelist));
            assert_eq!(veto(&vetoes, "notmine.example", custom), None);
            assert_eq!(veto(&vetoes, "good.example/evil", custom), None, "a path at a good host can be bad");
        }
        assert_eq!(veto(&vetoes, "www.sub.good.example", false), Some(Veto::Whitelist));
        assert_eq!(veto(&vetoes, "sub.good.example", true), None);
        assert_eq!(veto(&vetoes, "10.1.2.3", false), Some(Veto::Bogon));
        assert_eq!(veto(&vetoes, "10.1.2.3", true), None);
        assert_eq!(veto(&vetoes, "8.9.10.11", false), None);
        assert_eq!(veto(&vetoes, "fe80::1", false), Some(Veto::Bogon));
        assert_eq!(veto(&vetoes, "2a01:7e01::1", false), None);
    }
}
