//! A set of trails as a plain list, and facts built by hand.

#![allow(dead_code)] // Each test binary uses its own part.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // Helpers of tests.

use std::net::IpAddr;
use std::sync::Arc;

use detect::{Finding, Lookup, MatchSettings, Matcher};
use packet::{Fact, Flow, Micros, Sink};
use trails::{Class, Hashed, Hit, Label, LabelId, Severity};

pub(crate) struct Table {
    rows: Vec<(String, String, Class, bool)>,
}

impl Table {
    /// Rows of indicator, info and class.
    pub(crate) fn new(rows: &[(&str, &str, Class)]) -> Table {
        Table { rows: rows.iter().map(|(a, b, c)| ((*a).into(), (*b).into(), *c, false)).collect() }
    }

    pub(crate) fn custom(rows: &[(&str, &str, Class)]) -> Table {
        let mut table = Table::new(rows);
        table.rows.iter_mut().for_each(|row| row.3 = true);
        table
    }

    fn find(&self, indicator: &[u8]) -> Option<LabelId> {
        let place = self.rows.iter().position(|row| row.0.as_bytes() == indicator)?;
        Some(LabelId(place as u32))
    }

    fn has(&self, prefix: &str) -> bool {
        self.rows.iter().any(|row| row.0.starts_with(prefix))
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl Lookup for Table {
    fn label(&self, id: LabelId) -> Label<'_> {
        let (_, info, class, custom) = &self.rows[id.0 as usize];
        let severity = match class {
            Class::Malware => Severity::High,
            Class::Scanner | Class::Attacker => Severity::Low,
            _ => Severity::Medium,
        };
        Label { info, reference: "(static)", class: *class, severity, confidence: 80, custom: *custom }
    }
    fn may_hold_name(&self, _: &[u8]) -> bool {
        true
    }
    fn name(&self, name: &[u8], hits: &mut [Hit; 8]) -> usize {
        let starts = std::iter::once(0).chain(name.iter().enumerate().filter(|(_, b)| **b == b'.').map(|(n, _)| n + 1));
        let found = starts.filter_map(|start| self.find(&name[start..]).map(|label| Hit { start, label }));
        hits.iter_mut().zip(found).map(|(place, hit)| *place = hit).count()
    }
    fn pattern(&self, name: &[u8]) -> Option<LabelId> {
        let tail = |row: &str| row.strip_prefix('*').is_some_and(|tail| name.ends_with(tail.as_bytes()));
        self.rows.iter().position(|row| tail(&row.0)).map(|place| LabelId(place as u32))
    }
    fn may_hold_urls_of(&self, host: Hashed<'_>) -> bool {
        let host = std::str::from_utf8(host.text()).unwrap();
        self.rows.iter().any(|row| row.0.starts_with(&format!("{host}/")) || row.0.starts_with(&format!("{host}:")))
    }
    fn url_at(&self, host: Hashed<'_>, path: Hashed<'_>) -> Option<LabelId> {
        let text = [host.text(), path.text()].concat();
        if text.contains(&b'/') || text.contains(&b':') { self.find(&text) } else { None }
    }
    fn may_hold_path(&self, _: &[u8], _: usize) -> bool {
        self.has("/")
    }
    fn may_hold_address(&self, address: IpAddr) -> bool {
        let text = address.to_string();
        self.rows.iter().any(|row| row.0.contains(&text)) || self.network(address).is_some()
    }
    fn address(&self, address: IpAddr) -> Option<LabelId> {
        self.find(address.to_string().as_bytes())
    }
    fn endpoint(&self, address: IpAddr, port: u16) -> Option<LabelId> {
        self.find(std::net::SocketAddr::new(address, port).to_string().as_bytes())
    }
    fn network(&self, address: IpAddr) -> Option<(u8, LabelId)> {
        let networks = self.rows.iter().enumerate().filter_map(|(place, row)| {
            let network: ipnet::IpNet = row.0.parse().ok()?;
            network.contains(&address).then_some((network.prefix_len(), LabelId(place as u32)))
        });
        networks.max_by_key(|(length, _)| *length)
    }
    fn has_certificates(&self) -> bool {
        self.has("sha1:")
    }
    fn certificate(&self, sha1: &[u8; 20]) -> Option<LabelId> {
        self.find(format!("sha1:{}", Table::hex(sha1)).as_bytes())
    }
    fn has_ja3(&self) -> bool {
        self.has("ja3:")
    }
    fn ja3(&self, md5: &[u8; 16]) -> Option<LabelId> {
        self.find(format!("ja3:{}", Table::hex(md5)).as_bytes())
    }
    fn has_ja4(&self) -> bool {
        self.has("ja4:")
    }
    fn ja4(&self, text: &[u8; 36]) -> Option<LabelId> {
        self.find(format!("ja4:{}", String::from_utf8_lossy(text)).as_bytes())
    }
}

pub(crate) fn matcher(table: Table) -> Matcher<Table> {
    Matcher::new(Arc::new(MatchSettings::default()), Arc::new(table))
}

pub(crate) fn flow(src: &str, src_port: u16, dst: &str, dst_port: u16, protocol: u8) -> Flow {
    Flow { src: src.parse().unwrap(), dst: dst.parse().unwrap(), src_port, dst_port, protocol }
}

/// The findings of one packet.
pub(crate) fn see<L: Lookup>(matcher: &mut Matcher<L>, flow: Flow, facts: &[Fact<'_>]) -> Vec<Finding> {
    see_at(matcher, Micros(0), flow, facts)
}

pub(crate) fn see_at<L: Lookup>(
    matcher: &mut Matcher<L>,
    time: Micros,
    flow: Flow,
    facts: &[Fact<'_>],
) -> Vec<Finding> {
    matcher.begin(time, 1);
    for fact in facts {
        matcher.fact(&flow, *fact);
    }
    let mut findings = Vec::new();
    matcher.take(&mut findings);
    findings
}

/// `KIND source:port > destination:port trail | info`.
pub(crate) fn said(finding: &Finding) -> String {
    let Flow { src, src_port, dst, dst_port, .. } = finding.flow;
    let trail = event::line::markup(&finding.observed);
    format!("{} {src}:{src_port} > {dst}:{dst_port} {trail} | {}", finding.kind.name(), finding.info)
}
