//! Lists in the languages of those who block.

use std::fmt::Write as _;
use std::net::IpAddr;

use super::entry::Entry;

/// The language.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// One entry a line.
    #[default]
    Plain,
    /// Commands for `nft -f`: sets `blocked4` and `blocked6` in the table `inet maltrail`, whose elements time out.
    Nftables,
    /// A table of pf, for `pfctl -t maltrail -T replace -f`.
    Pf,
    /// A response policy zone: names, and names below them, do not exist.
    Rpz,
}

/// What is written besides entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Written {
    /// The language.
    pub format: Format,
    /// Seconds for which an entry is good.
    pub ttl: u32,
    /// Number of the zone: grows when the list changes.
    pub serial: u32,
}

/// Writes a list. Languages of addresses leave names out, RPZ leaves addresses out.
#[must_use]
pub fn write<'e>(how: Written, entries: impl Iterator<Item = &'e Entry>) -> String {
    match how.format {
        Format::Plain => lines(entries.map(|entry| entry.to_string())),
        Format::Nftables => nftables(how.ttl, entries.filter_map(Entry::as_address)),
        Format::Pf => lines(entries.filter_map(Entry::as_address).map(|address| address.to_string())),
        Format::Rpz => rpz(how, entries.filter_map(Entry::as_name)),
    }
}

fn lines(entries: impl Iterator<Item = String>) -> String {
    entries.fold(String::new(), |text, entry| text + &entry + "\n")
}

fn nftables(ttl: u32, addresses: impl Iterator<Item = IpAddr>) -> String {
    let (four, six): (Vec<IpAddr>, Vec<IpAddr>) = addresses.partition(IpAddr::is_ipv4);
    let mut text = String::from("add table inet maltrail\n");
    for (set, kind, addresses) in [("blocked4", "ipv4_addr", four), ("blocked6", "ipv6_addr", six)] {
        let _ = writeln!(text, "add set inet maltrail {set} {{ type {kind}; flags timeout; }}");
        let _ = writeln!(text, "flush set inet maltrail {set}");
        if addresses.is_empty() {
            continue;
        }
        let elements: Vec<String> = addresses.iter().map(|address| format!("{address} timeout {ttl}s")).collect();
        let _ = writeln!(text, "add element inet maltrail {set} {{ {} }}", elements.join(", "));
    }
    text
}

fn rpz<'e>(how: Written, names: impl Iterator<Item = &'e str>) -> String {
    let Written { ttl, serial, .. } = how;
    let mut text =
        format!("$TTL {ttl}\n@ SOA localhost. root.localhost. {serial} {ttl} 600 604800 {ttl}\n@ NS localhost.\n");
    for name in names {
        let _ = writeln!(text, "{name} CNAME .\n*.{name} CNAME .");
    }
    text
}
