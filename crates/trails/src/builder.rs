//! Collects indicators with their labels, merges and vetoes them, writes the store.
//!
//! Memory: about 50 bytes an indicator while collecting. What is refused or vetoed is counted and, up to a
//! limit, listed.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Seek, Write};
use std::net::IpAddr;
use std::rc::Rc;

use hashbrown::HashTable;

use crate::class::{Class, Meaning, meaning};
use crate::format::Section;
use crate::hash;
use crate::indicator::{Indicator, Kind, Network, Why};
use crate::label::{Labels, Source, Strings};
use crate::pattern;
use crate::store::{Counts, GenerationInfo, SourceStamp};
use crate::veto::{Veto, Vetoes};
use crate::writer::{self, Writer};

/// Most indicators of one store.
const MAX_INDICATORS: usize = 50_000_000;
/// Refused lines that are listed one by one; all are counted.
pub const MAX_LISTED_REFUSALS: usize = 1000;

/// A line that is no indicator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The file.
    pub file: Rc<str>,
    /// Its line, from 1.
    pub line: u64,
    /// The text.
    pub text: String,
    /// Why.
    pub why: Why,
}

/// What became of the lines.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Lines that were neither blank nor comment.
    pub lines: u64,
    /// Indicators in the store, by kind.
    pub counts: Counts,
    /// The same by what they mean.
    pub classes: BTreeMap<Class, u64>,
    /// Lines that named an indicator once more.
    pub repeated: u64,
    /// Lines refused, by cause.
    pub refused: BTreeMap<Why, u64>,
    /// The first of them.
    pub refusals: Vec<Refusal>,
    /// Lines vetoed, by cause.
    pub vetoed: BTreeMap<Veto, u64>,
}

/// Lines refused for one cause, for logs. The lines' own text is not in it: whoever wrote them may not steer a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// How many.
    pub lines: u64,
    /// Why, and where the first of them stand.
    pub text: String,
}

impl Report {
    /// What was refused, by cause, with the places of the first `examples` lines of each.
    #[must_use]
    pub fn causes(&self, examples: usize) -> Vec<Cause> {
        let of = |(why, &lines): (&Why, &u64)| {
            let places = self.refusals.iter().filter(|refusal| refusal.why == *why).take(examples);
            let mut places: Vec<String> = places.map(|refusal| format!("line {}", refusal.line)).collect();
            if lines > places.len() as u64 {
                places.push("...".to_owned());
            }
            Cause { lines, text: format!("{why} ({})", places.join(", ")) }
        };
        self.refused.iter().map(of).collect()
    }
}

struct Entry {
    offset: u32,
    length: u16,
    kind: Kind,
    label: u32,
}

/// Where a text stands.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    /// The file.
    pub file: &'a Rc<str>,
    /// The line, from 1.
    pub line: u64,
}

/// See the module.
pub struct Builder {
    vetoes: Vetoes,
    labels: Labels,
    bytes: Vec<u8>,
    entries: Vec<Entry>,
    index: HashTable<u32>,
    report: Report,
    scratch: String,
    patterns: HashMap<Vec<u8>, Vec<u8>>,
    pattern_bytes: usize,
}

fn entry_key<'b>(bytes: &'b [u8], entry: &Entry) -> &'b [u8] {
    let start = entry.offset as usize;
    bytes.get(start..start + usize::from(entry.length)).unwrap_or_default()
}

fn key_hash(kind: Kind, key: &[u8]) -> u64 {
    hash::join(kind as u64, hash::text(key))
}

/// A number that two indicators hardly share.
pub(crate) fn key_of(indicator: &Indicator<'_>) -> u64 {
    key_hash(indicator.kind(), key_bytes(indicator, &mut [0; 18]))
}

/// The bytes an indicator is kept as: text, or address (16 or 4), port or prefix length.
fn key_bytes<'k>(indicator: &'k Indicator<'_>, room: &'k mut [u8; 18]) -> &'k [u8] {
    let (address, tail): (IpAddr, &[u8]) = match indicator {
        Indicator::Name(text) | Indicator::Url(text) | Indicator::Path(text) | Indicator::Pattern(text) => {
            return text.as_bytes();
        }
        Indicator::CertificateSha1(digest) => return digest,
        Indicator::Ja3(digest) => return digest,
        Indicator::Ja4(text) => return text,
        Indicator::Address(address) => (*address, &[]),
        Indicator::Endpoint(address, port) => (*address, &port.to_be_bytes()),
        Indicator::Network(Network { address, length }) => (*address, &[*length]),
    };
    let (v4, v6);
    let octets: &[u8] = match address {
        IpAddr::V4(address) => {
            v4 = address.octets();
            &v4
        }
        IpAddr::V6(address) => {
            v6 = address.octets();
            &v6
        }
    };
    let mut length = 0;
    for (place, byte) in room.iter_mut().zip(octets.iter().chain(tail)) {
        *place = *byte;
        length += 1;
    }
    room.get(..length).unwrap_or_default()
}

/// The address at the beginning of a key, and what follows it.
fn address_of(key: &[u8]) -> Option<(IpAddr, &[u8])> {
    if let Some((octets, rest)) = key.split_first_chunk::<16>() {
        return Some((IpAddr::from(*octets), rest));
    }
    key.split_first_chunk::<4>().map(|(octets, rest)| (IpAddr::from(*octets), rest))
}

impl Builder {
    /// An empty set.
    #[must_use]
    pub fn new(vetoes: Vetoes) -> Self {
        Self {
            vetoes,
            labels: Labels::default(),
            bytes: Vec::new(),
            entries: Vec::new(),
            index: HashTable::new(),
            report: Report::default(),
            scratch: String::new(),
            patterns: HashMap::new(),
            pattern_bytes: 0,
        }
    }

    /// What a source says about its indicators. `custom`: the user's own.
    pub fn source(&mut self, info: &str, reference: &str, custom: bool) -> Source {
        self.labels.source(info, reference, custom)
    }

    /// The meaning that an info text will have.
    #[must_use]
    pub fn meaning_of(info: &str, custom: bool) -> Meaning {
        meaning(info, custom)
    }

    /// What became of the lines so far.
    #[must_use]
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// Indicators so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Adds the text of a line, its comment removed.
    pub fn add(&mut self, text: &str, source: Source, place: Place<'_>) {
        self.add_unless(text, source, place, |_, _| None);
    }

    /// Adds the text of a line unless there is a veto of whoever adds it, besides those of the builder.
    pub fn add_unless(
        &mut self,
        text: &str,
        source: Source,
        place: Place<'_>,
        veto: impl FnOnce(&Indicator<'_>, &Builder) -> Option<Veto>,
    ) {
        self.report.lines += 1;
        let mut scratch = std::mem::take(&mut self.scratch);
        let result = Indicator::parse(text, &mut scratch).and_then(|indicator| {
            if let Some(veto) = veto(&indicator, self) {
                *self.report.vetoed.entry(veto).or_default() += 1;
                return Ok(());
            }
            self.add_indicator(&indicator, source)?;
            // `192.0.2.1:8080/` names a service, and the page at its root.
            match indicator {
                Indicator::Endpoint(..) if text.ends_with('/') => {
                    self.add_indicator(&Indicator::Url(&format!("{indicator}/")), source)
                }
                _ => Ok(()),
            }
        });
        self.scratch = scratch;
        if let Err(why) = result {
            self.refuse(text, why, place);
        }
    }

    /// Counts a line that is no indicator.
    pub fn refuse(&mut self, text: &str, why: Why, place: Place<'_>) {
        *self.report.refused.entry(why).or_default() += 1;
        if self.report.refusals.len() < MAX_LISTED_REFUSALS {
            let refusal = Refusal { file: Rc::clone(place.file), line: place.line, text: text.into(), why };
            self.report.refusals.push(refusal);
        }
    }

    /// Whether an indicator is there already.
    #[must_use]
    pub fn holds(&self, indicator: &Indicator<'_>) -> bool {
        let mut room = [0; 18];
        let (kind, key) = (indicator.kind(), key_bytes(indicator, &mut room));
        self.find(kind, key, key_hash(kind, key)).is_some()
    }

    fn find(&self, kind: Kind, key: &[u8], hash: u64) -> Option<u32> {
        let same = |&at: &u32| {
            let entry = self.entries.get(at as usize);
            entry.is_some_and(|entry| entry.kind == kind && entry_key(&self.bytes, entry) == key)
        };
        self.index.find(hash, same).copied()
    }

    fn add_indicator(&mut self, indicator: &Indicator<'_>, source: Source) -> Result<(), Why> {
        let mut label = source.0;
        if let Some(veto) = self.vetoes.veto(indicator, self.labels.is_custom(label), self.labels.class(label)) {
            *self.report.vetoed.entry(veto).or_default() += 1;
            return Ok(());
        }
        match indicator {
            Indicator::Pattern(source) => self.compile(source)?,
            Indicator::Name(name) if !name.contains('.') => label = self.labels.of_whole_tld(label),
            _ => {}
        }
        let mut room = [0; 18];
        let (kind, key) = (indicator.kind(), key_bytes(indicator, &mut room));
        let hash = key_hash(kind, key);
        let known = self.find(kind, key, hash);
        let Self { labels, bytes, entries, index, report, .. } = self;
        if let Some(at) = known {
            report.repeated += 1;
            if let Some(entry) = entries.get_mut(at as usize) {
                entry.label = labels.merge(entry.label, label);
            }
            return Ok(());
        }
        let (Ok(offset), Ok(length)) = (u32::try_from(bytes.len()), u16::try_from(key.len())) else {
            return Err(Why::Full);
        };
        if entries.len() >= MAX_INDICATORS {
            return Err(Why::Full);
        }
        let at = u32::try_from(entries.len()).map_err(|_| Why::Full)?;
        bytes.extend_from_slice(key);
        entries.push(Entry { offset, length, kind, label });
        let rehash = |&at: &u32| entries.get(at as usize).map_or(0, |e| key_hash(e.kind, entry_key(bytes, e)));
        index.insert_unique(hash, at, rehash);
        Ok(())
    }

    fn of_kind(&self, kind: Kind) -> impl Iterator<Item = (&[u8], u32)> + Clone {
        let entries = self.entries.iter().filter(move |entry| entry.kind == kind);
        entries.map(|entry| (entry_key(&self.bytes, entry), entry.label))
    }

    fn digests<const N: usize>(&self, kind: Kind) -> Vec<u8> {
        let rows = self.of_kind(kind).filter_map(|(key, label)| Some((key.try_into().ok()?, label)));
        writer::sorted_rows::<N>(&mut rows.collect::<Vec<_>>())
    }

    /// Sections of rows and automata.
    fn pattern_sections(&self, strings: &mut Strings) -> (Vec<u8>, Vec<u8>) {
        let (mut rows, mut automata) = (Vec::new(), Vec::new());
        for (key, label) in self.of_kind(Kind::Pattern) {
            let Some(compiled) = self.patterns.get(key) else { continue };
            automata.extend_from_slice(compiled);
            rows.extend_from_slice(&strings.put(&String::from_utf8_lossy(key)));
            rows.extend_from_slice(&label.to_le_bytes());
        }
        (rows, automata)
    }

    /// Compiles a pattern, unless it is known or there is no room for it.
    fn compile(&mut self, source: &str) -> Result<(), Why> {
        if self.patterns.contains_key(source.as_bytes()) {
            return Ok(());
        }
        let compiled = pattern::compile(source)?.bytes;
        if self.pattern_bytes + compiled.len() > pattern::MAX_ALL {
            return Err(Why::PatternSize);
        }
        self.pattern_bytes += compiled.len();
        self.patterns.insert(source.as_bytes().to_vec(), compiled);
        Ok(())
    }

    /// Writes the store.
    ///
    /// # Errors
    /// Writing failed.
    pub fn finish<W: Write + Seek>(mut self, out: W, stamp: Stamp) -> io::Result<(W, Report)> {
        self.index = HashTable::new();
        for entry in &self.entries {
            if let Some(count) = self.report.counts.get_mut(entry.kind as usize) {
                *count += 1;
            }
            *self.report.classes.entry(self.labels.class(entry.label)).or_default() += 1;
        }
        let mut file = Writer::new(out)?;
        self.write_texts(&mut file)?;
        self.write_addresses(&mut file)?;
        file.section(Section::Sha1, &self.digests::<20>(Kind::CertificateSha1))?;
        file.section(Section::Ja3, &self.digests::<16>(Kind::Ja3))?;
        file.section(Section::Ja4, &self.digests::<36>(Kind::Ja4))?;
        let (rows, mut strings) = self.labels.sections();
        let (pattern_rows, automata) = self.pattern_sections(&mut strings);
        file.section(Section::Labels, &rows)?;
        file.section(Section::Strings, &strings.bytes)?;
        file.section(Section::Patterns, &pattern_rows)?;
        file.section(Section::Automata, &automata)?;
        let Stamp { generation, built_at, source } = stamp;
        let out = file.finish(&GenerationInfo { generation, built_at, source, counts: self.report.counts })?;
        Ok((out, self.report))
    }

    fn write_texts<W: Write + Seek>(&self, file: &mut Writer<W>) -> io::Result<()> {
        use Section::{HostFilter, LabelFilter, NameBuckets, NameFilter, NameKeys, NameOffsets};
        use Section::{PathFilter, UrlBuckets, UrlFilter, UrlKeys, UrlOffsets};
        let names = || self.of_kind(Kind::Name);
        file.section(NameFilter, &writer::name_filter(names().map(|(name, _)| name)))?;
        file.section(LabelFilter, &writer::label_filter(names().map(|(name, _)| name)))?;
        file.texts([NameBuckets, NameOffsets, NameKeys], hash::text, names())?;
        let urls = self.entries.iter().filter(|entry| matches!(entry.kind, Kind::Url | Kind::Path));
        let urls = urls.map(|entry| (entry_key(&self.bytes, entry), entry.label));
        file.section(HostFilter, &writer::host_filter(urls.clone().map(|(url, _)| url)))?;
        file.section(UrlFilter, &writer::url_filter(urls.clone().map(|(url, _)| url)))?;
        file.texts([UrlBuckets, UrlOffsets, UrlKeys], writer::url_hash, urls)?;
        file.section(PathFilter, &writer::path_filter(self.of_kind(Kind::Path).map(|(path, _)| path)))
    }

    fn write_addresses<W: Write + Seek>(&self, file: &mut Writer<W>) -> io::Result<()> {
        let mut v4: Vec<(u64, u32)> = Vec::new();
        let mut v6: Vec<([u8; 18], u32)> = Vec::new();
        for (key, label) in self.of_kind(Kind::Address).chain(self.of_kind(Kind::Endpoint)) {
            let Some((address, port)) = address_of(key) else { continue };
            let port = u16::from_be_bytes(port.try_into().unwrap_or_default());
            match address {
                IpAddr::V4(address) => v4.push((u64::from(address.to_bits()) << 16 | u64::from(port), label)),
                IpAddr::V6(_) => {
                    let mut wide = [0; 18];
                    wide.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
                    v6.push((wide, label));
                }
            }
        }
        let networks: Vec<(Network, u32)> = self
            .of_kind(Kind::Network)
            .filter_map(|(key, label)| {
                let (address, length) = address_of(key)?;
                Some((Network { address, length: *length.first()? }, label))
            })
            .collect();
        file.section(Section::AddressFilter, &writer::address_filter(&v4, &v6))?;
        file.section(Section::NetworkFilter, &writer::network_filter(&networks))?;
        let (index, rows) = writer::v4_tables(&mut v4);
        file.section(Section::V4Index, &index)?;
        file.section(Section::V4, &rows)?;
        file.section(Section::V6, &writer::sorted_rows(&mut v6))?;
        file.section(Section::V4Networks, &writer::network_rows(&networks, false))?;
        file.section(Section::V6Networks, &writer::network_rows(&networks, true))?;
        file.section(Section::Networks, &writer::listed_networks(&networks))
    }
}

/// What a store is to say about its making; a builder reads no clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stamp {
    /// Number of the generation.
    pub generation: u64,
    /// Seconds since 1970.
    pub built_at: u64,
    /// From what.
    pub source: SourceStamp,
}
