//! USER_WHITELIST: what the user never wants to hear of.
//!
//! Text with one or several entries a line, parted by commas or white space; `#` begins a comment. An entry is an
//! address, a network (`198.51.100.0/24`) or a domain (an international one in its A-label form, `xn--...`), which stands for its subdomains too.

use std::net::IpAddr;

use hashbrown::HashSet;
use ipnet::IpNet;

/// Names, addresses and networks that are fine.
#[derive(Clone, Debug, Default)]
pub struct UserWhitelist {
    names: HashSet<Box<[u8]>, foldhash::fast::RandomState>,
    networks: Vec<IpNet>,
    addresses: HashSet<IpAddr, foldhash::fast::RandomState>,
}

/// An entry that is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: `{entry}` is no address, network or domain")]
pub struct WhitelistError {
    /// Line, from 1.
    pub line: usize,
    /// The entry.
    pub entry: String,
}

impl UserWhitelist {
    /// Reads a whitelist. Entries that are none are handed back beside what could be read.
    #[must_use]
    pub fn parse(text: &str) -> (UserWhitelist, Vec<WhitelistError>) {
        let mut list = UserWhitelist::default();
        let mut errors = Vec::new();
        for (number, line) in text.lines().enumerate() {
            let line = line.split_once('#').map_or(line, |(before, _)| before);
            for entry in line.split([',', ' ', '\t', '\r', '\u{feff}']).filter(|entry| !entry.is_empty()) {
                if !list.add(entry) {
                    errors.push(WhitelistError { line: number + 1, entry: entry.to_owned() });
                }
            }
        }
        (list, errors)
    }

    fn add(&mut self, entry: &str) -> bool {
        if let Ok(address) = entry.trim_matches(['[', ']']).parse::<IpAddr>() {
            self.addresses.insert(address);
            return true;
        }
        if entry.contains('/') {
            return entry.parse::<IpNet>().map(|network| self.networks.push(network.trunc())).is_ok();
        }
        let name = entry.trim_start_matches("*.").trim_matches('.').to_ascii_lowercase();
        let valid = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if name.is_empty() || !name.chars().all(valid) || name.contains("..") {
            return false;
        }
        self.names.insert(name.into_bytes().into_boxed_slice());
        true
    }

    /// Whether nothing is listed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.names.is_empty() && self.networks.is_empty() && self.addresses.is_empty()
    }

    /// Whether the name (lower case, no trailing dot) or a parent of it is listed.
    #[must_use]
    pub fn has_name(&self, name: &[u8]) -> bool {
        if self.names.is_empty() {
            return false;
        }
        let mut rest = name;
        loop {
            if self.names.contains(rest) {
                return true;
            }
            match rest.iter().position(|byte| *byte == b'.').and_then(|dot| rest.get(dot + 1..)) {
                Some(parent) => rest = parent,
                None => return false,
            }
        }
    }

    /// Whether the address or a network around it is listed.
    #[must_use]
    pub fn has_address(&self, address: IpAddr) -> bool {
        self.addresses.contains(&address) || self.networks.iter().any(|network| network.contains(&address))
    }

    /// A host as text: an address, or a name; with or without a port.
    #[must_use]
    pub fn has_host(&self, host: &str) -> bool {
        if self.is_empty() || host.is_empty() {
            return false;
        }
        let bare = crate::host::Host::read(host.as_bytes());
        match bare.address() {
            Some(address) => self.has_address(address),
            None => self.has_name(bare.name.to_ascii_lowercase().as_slice()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_of_every_kind_and_their_subdomains() {
        let text =
            "# mine\nExample.COM, 192.0.2.66 # note\n198.51.100.7/24\r\n*.cdn.example.net .dot.example.\n2001:db8::/32";
        let (list, errors) = UserWhitelist::parse(text);
        assert_eq!(errors, []);
        for name in ["example.com", "a.b.example.com", "cdn.example.net", "x.cdn.example.net", "dot.example"] {
            assert!(list.has_name(name.as_bytes()), "{name}");
        }
        for name in ["notexample.com", "example.net", "com", ""] {
            assert!(!list.has_name(name.as_bytes()), "{name}");
        }
        for address in ["192.0.2.66", "198.51.100.0", "198.51.100.255", "2001:db8:1::1"] {
            assert!(list.has_address(address.parse().unwrap()), "{address}");
        }
        for address in ["192.0.2.67", "198.51.101.0", "2001:db9::1"] {
            assert!(!list.has_address(address.parse().unwrap()), "{address}");
        }
        assert!(list.has_host("WWW.example.com:8080") && list.has_host("[2001:db8::1]:443") && !list.has_host(""));
    }

    #[test]
    fn what_is_no_entry_is_told_with_its_line() {
        let (list, errors) = UserWhitelist::parse("good.example\nbad!name\n1.2.3.4/99, a..b");
        let lines: Vec<_> = errors.iter().map(|e| (e.line, e.entry.as_str())).collect();
        assert_eq!(lines, [(2, "bad!name"), (3, "1.2.3.4/99"), (3, "a..b")]);
        assert!(list.has_name(b"good.example"));
    }
}
