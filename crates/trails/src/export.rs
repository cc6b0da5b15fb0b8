//! Everything a store holds: one by one, or as the rows of a CSV, of which the same store can be built again.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::format::{self, Section};
use crate::indicator::{Indicator, Kind, Network, canonical};
use crate::store::{LabelId, Store};
use crate::table;

impl<D: AsRef<[u8]>> Store<D> {
    /// Every indicator with its label, kind by kind. What is damaged is left out.
    pub fn trails(&self) -> impl Iterator<Item = (Indicator<'_>, LabelId)> {
        let digests = self.sha1_trails().chain(self.ja3_trails()).chain(self.ja4_trails());
        self.name_trails()
            .chain(self.url_trails())
            .chain(self.address_trails())
            .chain(self.network_trails())
            .chain(digests)
            .chain(self.pattern_trails())
    }

    /// The indicators of a kind; those of others are not read, but for the other kind of its section.
    pub fn of_kind(&self, kind: Kind) -> Box<dyn Iterator<Item = (Indicator<'_>, LabelId)> + '_> {
        let same = move |(indicator, _): &(Indicator<'_>, LabelId)| indicator.kind() == kind;
        match kind {
            Kind::Name => Box::new(self.name_trails()),
            Kind::Url | Kind::Path => Box::new(self.url_trails().filter(same)),
            Kind::Address | Kind::Endpoint => Box::new(self.address_trails().filter(same)),
            Kind::Network => Box::new(self.network_trails()),
            Kind::CertificateSha1 => Box::new(self.sha1_trails()),
            Kind::Ja3 => Box::new(self.ja3_trails()),
            Kind::Ja4 => Box::new(self.ja4_trails()),
            Kind::Pattern => Box::new(self.pattern_trails()),
        }
    }

    fn name_trails(&self) -> impl Iterator<Item = (Indicator<'_>, LabelId)> {
        self.texts(Section::NameKeys).map(|(text, label)| (Indicator::Name(text), label))
    }

    /// URLs and paths.
    fn url_trails(&self) -> impl Iterator<Item = (Indicator<'_>, LabelId)> {
        self.texts(Section::UrlKeys).map(|(text, label)| {
            (if text.starts_with('/') { Indicator::Path(text) } else { Indicator::Url(text) }, label)
        })
    }

    /// Addresses, with a port or without.
    fn address_trails(&self) -> impl Iterator<Item = (Indicator<'_>, LabelId)> {
        let v4 = self.rows::<6>(Section::V4).map(|([a, b, c, d, e, f], label)| {
            let address = Ipv4Addr::from_bits(u32::from_le_bytes([a, b, c, d]));
            (at_port(address.into(), u16::from_le_bytes([e, f])), label)
        });
        let v6 = self.rows::<18>(Section::V6).filter_map(|(key, label)| {
            let (octets, port) = key.split_first_chunk::<16>()?;
            Some((at_port(Ipv6Addr::from(*octets).into(), u16::from_be_bytes(port.try_into().ok()?)), label))
        });
        v4.chain(v6)
    }

    fn network_trails(&self) -> impl Iterator<Item = (Indicator<'_>, LabelId)> {
        self.rows::<17>(Section::Networks).filter_map(|(key, label)| {
            let (octets, length) = key.split_first_chunk::<16>()?;
            let network = Network { address: canonical(IpAddr::from(*octets)), length: *length.first()? };
            Some((Indicator::Network(network), label))
        })
    }

    fn sha1_trails(&self) -> impl Iterator<Item = (Indicator<'_>, LabelId)> {
        self.rows(Section::Sha1).map(|(key, label)| (Indicator::CertificateSha1(key), label))
    }

    fn ja3_trails(&self) -> impl Iterator<Item = (Indicator<'_>, LabelId)> {
        self.rows(Section::Ja3).map(|(key, label)| (Indicator::Ja3(key), label))
    }

    fn ja4_trails(&self) -> impl Iterator<Item = (Indicator<'_>, LabelId)> {
        self.rows(Section::Ja4).map(|(key, label)| (Indicator::Ja4(key), label))
    }

    fn pattern_trails(&self) -> impl Iterator<Item = (Indicator<'_>, LabelId)> {
        self.rows::<8>(Section::Patterns).map(|(place, label)| (Indicator::Pattern(self.string(&place, 0)), label))
    }

    fn texts(&self, keys: Section) -> impl Iterator<Item = (&str, LabelId)> {
        let text = |(label, key)| Some((std::str::from_utf8(key).ok()?, LabelId(label)));
        table::records(self.section(keys)).filter_map(text)
    }

    /// Rows of a key and a label.
    fn rows<const N: usize>(&self, section: Section) -> impl Iterator<Item = ([u8; N], LabelId)> {
        let rows = self.section(section).chunks_exact(N + 4);
        rows.filter_map(|row| Some((format::bytes(row, 0)?, LabelId(format::u32_at(row, N)?))))
    }
}

fn at_port(address: IpAddr, port: u16) -> Indicator<'static> {
    if port == 0 { Indicator::Address(address) } else { Indicator::Endpoint(address, port) }
}

/// Writes all trails as rows of trail, info, reference; returns how many. Sources that a label names beside its
/// own keep their reference, not their info.
///
/// # Errors
/// Writing failed.
pub fn csv<D: AsRef<[u8]>>(store: &Store<D>, out: impl Write) -> io::Result<u64> {
    let mut rows = csv::Writer::from_writer(out);
    let (mut trail, mut count) = (String::new(), 0);
    for (indicator, label) in store.trails() {
        trail.clear();
        write!(trail, "{indicator}").map_err(io::Error::other)?;
        let label = store.label(label);
        rows.write_record([trail.as_str(), label.info, label.reference])?;
        count += 1;
    }
    rows.flush()?;
    Ok(count)
}
