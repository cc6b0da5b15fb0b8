//! Puts a store together: labels, merging, refusals.

use std::collections::BTreeMap;
use std::net::IpAddr;

use hashbrown::{HashMap, HashTable};
use ipnet::IpNet;

use crate::class::{Class, classify};
use crate::format::{self, SECTIONS};
use crate::indicator::{Indicator, Refused, parse};
use crate::keys::{Kind, URL_SEED, address_bytes, address_hash, canonical, key_hash, mix, url_part};
use crate::table::{self, ENTRY, filter};
use crate::{Severity, patterns};

/// Labels that a store can number.
const MAX_LABELS: usize = 1 << 24;
/// Refused texts kept as examples; all are counted.
const EXAMPLES: usize = 20;

/// A label under construction.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Text {
    info: String,
    reference: String,
}

/// A text that is no indicator.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// File or feed.
    pub source: String,
    /// Line, from 1.
    pub line: usize,
    /// The text.
    pub text: String,
    /// Why.
    pub why: Refused,
}

/// What was taken and what was not.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Indicators taken, duplicates too.
    pub taken: u64,
    /// Indicators listed more than once.
    pub repeated: u64,
    /// Indicators left out because a whitelist names them.
    pub vetoed: u64,
    /// Texts that are no indicator, by cause.
    pub refused: BTreeMap<Refused, u64>,
    /// The first of them.
    pub examples: Vec<Refusal>,
}

/// Collects trails.
#[derive(Default)]
pub struct Builder {
    keys: Vec<u8>,
    index: HashTable<u32>,
    labels: Vec<Text>,
    label_ids: HashMap<Text, u32>,
    networks: BTreeMap<(IpAddr, u8), u32>,
    patterns: BTreeMap<String, u32>,
    report: Report,
    generation: u64,
}

impl Builder {
    /// An empty one. `generation` is written into the file.
    #[must_use]
    pub fn new(generation: u64) -> Self {
        Builder { generation, ..Builder::default() }
    }

    /// Reads a text and takes it as an indicator; what is none is counted and told in the report.
    pub fn text(&mut self, text: &str, label: u32, source: &str, line: usize) {
        match parse(text) {
            Ok(indicator) => self.add(&indicator, label),
            Err(why) => {
                *self.report.refused.entry(why).or_insert(0) += 1;
                if self.report.examples.len() < EXAMPLES {
                    let text = text.chars().take(120).collect();
                    self.report.examples.push(Refusal { source: source.to_owned(), line, text, why });
                }
            }
        }
    }

    /// The number of a label.
    pub fn label(&mut self, info: &str, reference: &str) -> u32 {
        let text = Text { info: info.to_owned(), reference: reference.to_owned() };
        if let Some(id) = self.label_ids.get(&text) {
            return *id;
        }
        let id = self.labels.len().min(MAX_LABELS - 1) as u32;
        if self.labels.len() < MAX_LABELS {
            self.labels.push(text.clone());
            self.label_ids.insert(text, id);
        }
        id
    }

    /// Takes an indicator.
    pub fn add(&mut self, indicator: &Indicator, label: u32) {
        self.report.taken += 1;
        match indicator {
            Indicator::Name(name) => self.key(Kind::Name, name.as_bytes(), label),
            Indicator::Url(url) => self.key(Kind::Url, url.as_bytes(), label),
            Indicator::Address(address) => self.address(Kind::Address, *address, None, label),
            Indicator::Endpoint(address, port) => self.address(Kind::Endpoint, *address, Some(*port), label),
            Indicator::Certificate(sha1) => self.key(Kind::Certificate, sha1, label),
            Indicator::Ja3(md5) => self.key(Kind::Ja3, md5, label),
            Indicator::Ja4(text) => self.key(Kind::Ja4, text, label),
            Indicator::Network(network) => self.network(network, label),
            Indicator::Pattern(text) => {
                if let Some(old) = self.patterns.insert(text.clone(), label) {
                    self.report.repeated += 1;
                    let label = self.merged(old, label);
                    self.patterns.insert(text.clone(), label);
                }
            }
        }
    }

    fn address(&mut self, kind: Kind, address: IpAddr, port: Option<u16>, label: u32) {
        let (bytes, len) = address_bytes(canonical(address), port);
        self.key(kind, bytes.get(..len).unwrap_or_default(), label);
    }

    fn network(&mut self, network: &IpNet, label: u32) {
        let key = (network.network(), network.prefix_len());
        let label = match self.networks.get(&key) {
            Some(old) => {
                self.report.repeated += 1;
                self.merged(*old, label)
            }
            None => label,
        };
        self.networks.insert(key, label);
    }

    fn key(&mut self, kind: Kind, bytes: &[u8], label: u32) {
        let hash = key_hash(kind, bytes);
        let keys = &self.keys;
        let known = self.index.find(hash, |offset| {
            entry(keys, *offset).is_some_and(|(known, key, _)| known == kind as u8 && key == bytes)
        });
        if let Some(offset) = known.copied() {
            self.report.repeated += 1;
            let old = entry(&self.keys, offset).map_or(label, |(_, _, label)| label);
            let label = self.merged(old, label);
            let at = offset as usize + 3;
            if let (Some(place), [a, b, c, _]) = (self.keys.get_mut(at..at + 3), label.to_le_bytes()) {
                place.copy_from_slice(&[a, b, c]);
            }
            return;
        }
        let (Ok(offset), Ok(length)) = (u32::try_from(self.keys.len()), u16::try_from(bytes.len())) else { return };
        let [a, b, c, _] = label.to_le_bytes();
        let [l0, l1] = length.to_le_bytes();
        self.keys.extend([kind as u8, l0, l1, a, b, c]);
        self.keys.extend(bytes);
        let keys = &self.keys;
        self.index
            .insert_unique(hash, offset, |offset| entry(keys, *offset).map_or(0, |(kind, key, _)| hash_of(kind, key)));
    }

    /// The label of an indicator that two sources list: the better one's text, with a mark that there are others.
    fn merged(&mut self, old: u32, new: u32) -> u32 {
        if old == new {
            return old;
        }
        let (Some(first), Some(second)) = (self.labels.get(old as usize), self.labels.get(new as usize)) else {
            return old;
        };
        let (winner, loser) = if rank(second) > rank(first) { (second, first) } else { (first, second) };
        let other = bare(&loser.reference);
        if winner.reference.contains(&format!("+{other})")) || bare(&winner.reference) == other {
            return if rank(second) > rank(first) { new } else { old };
        }
        let (info, reference) = (winner.info.clone(), format!("{} (+{other})", winner.reference));
        self.label(&info, &reference)
    }

    /// What was taken so far.
    #[must_use]
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// How many indicators there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.index.len() + self.networks.len() + self.patterns.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes of the store.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        let (labels, texts) = label_sections(&self.labels);
        let mut kinds = [0_u64; crate::keys::KINDS];
        let mut hosts = vec![0; filter::size(self.index.len() / 8)];
        let mut addresses = vec![0; filter::size(self.index.len() / 3)];
        let mut hashes = Vec::with_capacity(self.index.len());
        let mut at = 0;
        while let Some((kind, key, _)) = entry(&self.keys, at) {
            if let Some(count) = kinds.get_mut(usize::from(kind)) {
                *count += 1;
            }
            note(kind, key, &mut addresses, &mut hosts);
            hashes.push((hash_of(kind, key), at));
            at += (ENTRY + key.len()) as u32;
        }
        drop(self.index);
        let (fingerprints, offsets) = table::build(hashes.into_iter());
        let mut about = self.generation.to_le_bytes().to_vec();
        for count in kinds.into_iter().chain([self.networks.len() as u64, self.patterns.len() as u64]) {
            about.extend(count.to_le_bytes());
        }
        let networks = network_section(&self.networks);
        let (patterns, automaton) = pattern_sections(&self.patterns);
        let sections: [&[u8]; SECTIONS] = [
            &about,
            &labels,
            &texts,
            &fingerprints,
            &offsets,
            &self.keys,
            &addresses,
            &hosts,
            &networks,
            &patterns,
            &automaton,
        ];
        format::write(sections)
    }
}

/// How much a label says: what only tells a bad reputation never replaces what names a threat.
fn rank(text: &Text) -> u8 {
    let (class, _, _) = classify(&text.info, false);
    match (class, text.reference.as_str()) {
        (Class::Scanner | Class::IpInfo, _) => 4,
        (_, reference) if reference.starts_with("(custom)") => 3,
        (Class::Attacker, _) => 0,
        (_, reference) if reference.starts_with("(static)") => 2,
        _ => 1,
    }
}

fn bare(reference: &str) -> &str {
    reference.split(" (+").next().unwrap_or(reference).trim_matches(['(', ')'])
}

fn entry(keys: &[u8], offset: u32) -> Option<(u8, &[u8], u32)> {
    let table = table::Table { fingerprints: &[], offsets: &[], keys };
    table.entry(offset as usize).map(|(entry, _)| (entry.kind, entry.key, entry.label))
}

fn hash_of(kind: u8, key: &[u8]) -> u64 {
    const KINDS: [Kind; 7] =
        [Kind::Name, Kind::Url, Kind::Address, Kind::Endpoint, Kind::Certificate, Kind::Ja3, Kind::Ja4];
    KINDS.iter().find(|known| **known as u8 == kind).map_or(0, |kind| key_hash(*kind, key))
}

/// Marks a key in the filters.
fn note(kind: u8, key: &[u8], addresses: &mut [u8], hosts: &mut [u8]) {
    let address = |bytes: &[u8]| match bytes.len() {
        4 | 6 => bytes.first_chunk::<4>().map(|four| IpAddr::from(*four)),
        _ => bytes.first_chunk::<16>().map(|six| IpAddr::from(*six)),
    };
    if kind == Kind::Address as u8 || kind == Kind::Endpoint as u8 {
        if let Some(address) = address(key) {
            filter::add(addresses, address_hash(address));
        }
    } else if kind == Kind::Url as u8 {
        filter::add(hosts, host_hash(key));
    }
}

/// Hash of what stands before the first slash, question mark or colon of a URL.
pub(crate) fn host_hash(url: &[u8]) -> u64 {
    let end = url.iter().position(|byte| b"/?:".contains(byte)).unwrap_or(url.len());
    mix(url_part(URL_SEED, url.get(..end).unwrap_or_default()))
}

fn label_sections(labels: &[Text]) -> (Vec<u8>, Vec<u8>) {
    let (mut records, mut texts) = (Vec::new(), Vec::new());
    for label in labels {
        let custom = label.reference.starts_with("(custom)") || label.reference.starts_with("(remote custom)");
        let (class, severity, confidence) = classify(&label.info, custom);
        let class = Class::ALL.iter().position(|known| *known == class).unwrap_or(0) as u8;
        let severity = match severity {
            Severity::Low => 0,
            Severity::Medium => 1,
            Severity::High => 2,
        };
        for text in [&label.info, &label.reference] {
            records.extend((texts.len() as u32).to_le_bytes());
            records.extend((text.len() as u32).to_le_bytes());
            texts.extend(text.as_bytes());
        }
        records.extend([class, severity, confidence, u8::from(custom)]);
    }
    (records, texts)
}

/// Two bitmaps over the first 16 bits of IPv4 and IPv6 addresses, then records of 24 bytes sorted by prefix length
/// (longest first), family and address.
fn network_section(networks: &BTreeMap<(IpAddr, u8), u32>) -> Vec<u8> {
    let mut maps = vec![0_u8; 2 * 8192];
    let mut records: Vec<(u8, bool, u128, u32)> = Vec::new();
    for ((base, length), label) in networks {
        let (family, bits, first) = match base {
            IpAddr::V4(four) => (0, u128::from(four.to_bits()), four.to_bits() >> 16),
            IpAddr::V6(six) => (1, six.to_bits(), (six.to_bits() >> 112) as u32),
        };
        let span = 1_usize << 16_u8.saturating_sub(*length);
        for slot in (first as usize..).take(span) {
            if let Some(byte) = maps.get_mut(family * 8192 + slot / 8) {
                *byte |= 1 << (slot % 8);
            }
        }
        records.push((*length, family == 1, bits, *label));
    }
    records.sort_by(|a, b| b.0.cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2))));
    if records.is_empty() {
        return Vec::new();
    }
    for (length, six, bits, label) in records {
        maps.extend(bits.to_le_bytes());
        maps.extend([length, u8::from(six), 0, 0]);
        maps.extend(label.to_le_bytes());
    }
    maps
}

fn pattern_sections(patterns: &BTreeMap<String, u32>) -> (Vec<u8>, Vec<u8>) {
    let mut records = Vec::new();
    for (text, label) in patterns {
        records.extend(label.to_le_bytes());
        records.extend((text.len() as u32).to_le_bytes());
        records.extend(text.as_bytes());
    }
    let texts: Vec<&str> = patterns.keys().map(String::as_str).collect();
    (records, patterns::compile(&texts))
}
