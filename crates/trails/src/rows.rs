//! Everything a store holds, one indicator after another: what a CSV of it is written from. Not for matching.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::ControlFlow;

use crate::format::{self, Section};
use crate::indicator::{Indicator, Network};
use crate::store::{LabelId, Store};
use crate::table;

/// Takes an indicator and its label, and says whether to go on.
type Visit<'v> = dyn FnMut(&Indicator<'_>, LabelId) -> ControlFlow<()> + 'v;

impl<D: AsRef<[u8]>> Store<D> {
    /// Shows every indicator with its label: names, URLs and paths, addresses and endpoints, networks, digests,
    /// patterns. Ends when the visitor breaks. A network that lies in another and is wholly covered by smaller ones is
    /// not shown.
    pub fn rows(&self, visit: &mut Visit<'_>) -> ControlFlow<()> {
        self.text_rows(visit)?;
        self.address_rows(visit)?;
        self.network_rows(visit)?;
        for (sha1, label) in digests::<20>(self.section(Section::Sha1)) {
            visit(&Indicator::CertificateSha1(sha1), label)?;
        }
        for (md5, label) in digests::<16>(self.section(Section::Ja3)) {
            visit(&Indicator::Ja3(md5), label)?;
        }
        for (text, label) in digests::<36>(self.section(Section::Ja4)) {
            visit(&Indicator::Ja4(text), label)?;
        }
        let strings = self.section(Section::Strings);
        for row in self.section(Section::Patterns).chunks_exact(format::PATTERN_ROW) {
            let part = |at| format::u32_at(row, at).unwrap_or_default() as usize;
            let source = strings.get(part(0)..part(0).saturating_add(part(4)));
            let source = source.and_then(|source| std::str::from_utf8(source).ok()).unwrap_or_default();
            visit(&Indicator::Pattern(source), LabelId(format::u32_at(row, 8).unwrap_or(format::NO_LABEL)))?;
        }
        ControlFlow::Continue(())
    }

    fn text_rows(&self, visit: &mut Visit<'_>) -> ControlFlow<()> {
        for (label, name) in table::records(self.section(Section::NameKeys)) {
            visit(&Indicator::Name(std::str::from_utf8(name).unwrap_or_default()), LabelId(label))?;
        }
        for (label, url) in table::records(self.section(Section::UrlKeys)) {
            let url = std::str::from_utf8(url).unwrap_or_default();
            let indicator = if url.starts_with('/') { Indicator::Path(url) } else { Indicator::Url(url) };
            visit(&indicator, LabelId(label))?;
        }
        ControlFlow::Continue(())
    }

    fn address_rows(&self, visit: &mut Visit<'_>) -> ControlFlow<()> {
        let one = |address: IpAddr, port: u16| match port {
            0 => Indicator::Address(address),
            port => Indicator::Endpoint(address, port),
        };
        for row in self.section(Section::V4).chunks_exact(format::V4_ROW) {
            let address = Ipv4Addr::from_bits(format::u32_at(row, 0).unwrap_or_default());
            let port = u16::from_le_bytes(format::bytes(row, 4).unwrap_or_default());
            let label = format::u32_at(row, 6).unwrap_or(format::NO_LABEL);
            visit(&one(address.into(), port), LabelId(label))?;
        }
        for (key, label) in digests::<18>(self.section(Section::V6)) {
            let address = Ipv6Addr::from(format::bytes::<16>(&key, 0).unwrap_or_default());
            let port = u16::from_be_bytes(format::bytes(&key, 16).unwrap_or_default());
            visit(&one(address.into(), port), label)?;
        }
        ControlFlow::Continue(())
    }

    /// The rows are ranges that networks were cut into; a network is named by each of its ranges.
    fn network_rows(&self, visit: &mut Visit<'_>) -> ControlFlow<()> {
        let mut networks: BTreeSet<(IpAddr, u8, u32)> = BTreeSet::new();
        let mut put = |address: IpAddr, row: Option<(u32, u8)>| {
            let Some((label, length)) = row.filter(|(label, _)| *label != format::NO_LABEL) else { return };
            let network = ipnet::IpNet::new(address, length).map(|network| network.network());
            networks.extend(network.ok().map(|network| (network, length, label)));
        };
        let label = |row: &[u8], at: usize| {
            let [length] = format::bytes::<1>(row, at + 4)?;
            Some((format::u32_at(row, at)?, length))
        };
        for row in self.section(Section::V4Networks).chunks_exact(4 + 5) {
            put(Ipv4Addr::from(format::bytes::<4>(row, 0).unwrap_or_default()).into(), label(row, 4));
        }
        for row in self.section(Section::V6Networks).chunks_exact(16 + 5) {
            put(Ipv6Addr::from(format::bytes::<16>(row, 0).unwrap_or_default()).into(), label(row, 16));
        }
        for (address, length, label) in networks {
            visit(&Indicator::Network(Network { address, length }), LabelId(label))?;
        }
        ControlFlow::Continue(())
    }
}

/// Rows of a key and its label.
fn digests<const N: usize>(rows: &[u8]) -> impl Iterator<Item = ([u8; N], LabelId)> {
    rows.chunks_exact(N + 4).filter_map(|row| Some((format::bytes(row, 0)?, LabelId(format::u32_at(row, N)?))))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;
    use std::rc::Rc;

    use super::*;
    use crate::builder::{Builder, Place};
    use crate::{Stamp, Vetoes};

    #[test]
    fn what_was_put_in_comes_out() {
        let trails = [
            "evil.example",
            "a.evil.example",
            "evil.example/x.php",
            "/gate.php?id=",
            "192.0.2.7",
            "192.0.2.7:80",
            "198.51.100.0/24",
            "198.51.100.64/26",
            "2001:db8::7",
            "[2001:db8::7]:443",
            "2001:db8:1::/48",
            "0123456789abcdef0123456789abcdef01234567",
            r"^[a-z]{20}\.top$",
        ];
        let mut builder = Builder::new(Vetoes::default());
        let source = builder.source("asyncrat (malware)", "(static)", false);
        let file: Rc<str> = "test".into();
        for (line, trail) in (1..).zip(trails) {
            builder.add(trail, source, Place { file: &file, line });
        }
        let bytes = builder.finish(Cursor::new(Vec::new()), Stamp::default()).unwrap().0.into_inner();
        let store = Store::from_bytes(bytes).unwrap();
        let mut seen = Vec::new();
        let all = store.rows(&mut |indicator, label| {
            assert_eq!(store.label(label).info, "asyncrat (malware)");
            seen.push(indicator.to_string());
            ControlFlow::Continue(())
        });
        assert!(all.is_continue());
        assert_eq!(seen.len(), store.len());
        let mut wanted: Vec<String> = trails.iter().map(|trail| (*trail).to_owned()).collect();
        wanted.sort();
        seen.sort();
        assert_eq!(seen, wanted);
        let mut count = 0;
        let ended = store.rows(&mut |_, _| {
            count += 1;
            if count == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        assert!(ended.is_break() && count == 3);
    }
}
