//! What must not become a trail: whitelisted names and addresses, addresses that belong to nobody.

use std::collections::HashSet;
use std::net::IpAddr;

use crate::class::Class;
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
    /// A name, address or network that so many use that it is no sign of anything.
    Popular,
    /// It is not of the kinds that its feed lists.
    Kind,
    /// An address that too few lists of attackers name.
    FewFeeds,
    /// Its info is not wanted (DISABLED_TRAILS_INFO_REGEX).
    Info,
}

impl std::fmt::Display for Veto {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            Veto::UserWhitelist => "on the user's whitelist",
            Veto::Whitelist => "on the whitelist",
            Veto::Bogon => "private or reserved addresses",
            Veto::Popular => "used by so many that it is no sign",
            Veto::Kind => "not what its feed lists",
            Veto::FewFeeds => "addresses that too few lists of attackers name",
            Veto::Info => "of an info that is not wanted",
        })
    }
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
        let (mut list, mut refused) = (Self::default(), Vec::new());
        for (number, text) in text.lines().enumerate() {
            let Line::Text(text) = line(text) else { continue };
            if let Err(why) = list.add(text) {
                refused.push((number + 1, why));
            }
        }
        (list, refused)
    }

    /// Adds a name, address or network.
    ///
    /// # Errors
    /// It is of another form, or of none.
    pub fn add(&mut self, text: &str) -> Result<(), Why> {
        match Indicator::parse(text, &mut String::new())? {
            Indicator::Name(name) => {
                self.names.insert(name.to_owned());
            }
            Indicator::Address(address) => {
                self.addresses.insert(address);
            }
            Indicator::Network(Network { address, length }) => {
                self.networks.extend(ipnet::IpNet::new(address, length));
            }
            _ => return Err(Why::Character),
        }
        Ok(())
    }

    /// Whether it is one of the names that are there, or [`Whitelist::covers`] what is no name.
    #[must_use]
    pub fn names(&self, indicator: &Indicator<'_>) -> bool {
        match indicator {
            Indicator::Name(name) => self.names.contains(*name),
            other => self.covers(other),
        }
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
    /// What so many use that listing it would only raise false alarms: names alone, not what is below them. What is
    /// said of it may still be true where a trail lists a sinkhole or parking site.
    pub popular: Whitelist,
    /// Whether addresses of nobody are left out.
    pub bogons: bool,
}

impl Vetoes {
    /// The veto against an indicator, if any.
    #[must_use]
    pub fn veto(&self, indicator: &Indicator<'_>, custom: bool, class: Class) -> Option<Veto> {
        if self.user.covers(indicator) {
            return Some(Veto::UserWhitelist);
        }
        if custom {
            return None;
        }
        if self.builtin.covers(indicator) {
            return Some(Veto::Whitelist);
        }
        if !matches!(class, Class::Sinkhole | Class::Parking) && self.popular.names(indicator) {
            return Some(Veto::Popular);
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
pub(crate) fn is_bogon(address: IpAddr) -> bool {
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
        vetoes.veto(&Indicator::parse(text, &mut String::new()).unwrap(), custom, Class::Malware)
    }

    #[test]
    fn custom_yields_to_the_user_only() {
        let vetoes = Vetoes {
            user: Whitelist::from_lines("mine.example\n192.0.2.0/28").0,
            builtin: Whitelist::from_lines("good.example").0,
            popular: Whitelist::from_lines("hosts.example\n198.51.100.0/24").0,
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
        assert_eq!(veto(&vetoes, "hosts.example", false), Some(Veto::Popular));
        assert_eq!(veto(&vetoes, "evil.hosts.example", false), None, "anyone may have a name there");
        assert_eq!(veto(&vetoes, "198.51.100.7", false), Some(Veto::Popular));
        assert_eq!(veto(&vetoes, "198.51.100.7", true), None);
        let mut scratch = String::new();
        let parked = Indicator::parse("198.51.100.7", &mut scratch).unwrap();
        assert_eq!(vetoes.veto(&parked, false, Class::Parking), None);
        assert_eq!(veto(&vetoes, "10.1.2.3", false), Some(Veto::Bogon));
        assert_eq!(veto(&vetoes, "10.1.2.3", true), None);
        assert_eq!(veto(&vetoes, "8.9.10.11", false), None);
        assert_eq!(veto(&vetoes, "fe80::1", false), Some(Veto::Bogon));
        assert_eq!(veto(&vetoes, "2a01:7e01::1", false), None);
    }
}
