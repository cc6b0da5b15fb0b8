//! The finished set of trails: one file, mapped, looked up without allocation.

use std::net::IpAddr;
use std::ops::Range;
use std::path::Path;

use regex_automata::dfa::dense::DFA;

use crate::builder::host_hash;
use crate::format::{self, SECTIONS, Section};
use crate::keys::{self, Kind, address_bytes, address_hash, canonical, join, key_hash, of_kind, url_part};
pub use crate::map::Mapped;
use crate::table::{Table, filter};
use crate::{Class, Severity, patterns};

/// Bytes of a label's record.
const LABEL: usize = 20;
/// Bytes of a network's record.
const NETWORK: usize = 24;
/// Bytes of the two bitmaps before the networks.
const NETWORK_MAPS: usize = 2 * 8192;

/// Number of a label in a store. Meaningful only with the store it came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LabelId(pub u32);

/// What a trail says about its indicator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Label<'s> {
    /// Text for people and the event line: `asyncrat (malware)`.
    pub info: &'s str,
    /// `(static)`, `(custom)`, a feed ...; with `(+other)` where several list it.
    pub reference: &'s str,
    /// What it means.
    pub class: Class,
    /// How bad it is.
    pub severity: Severity,
    /// How sure its source is, 0 to 100.
    pub confidence: u8,
    /// From the user's own lists: no built-in veto or suppression rule applies to it.
    pub custom: bool,
}

/// A part of the looked-up text that is listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hit {
    /// Where in the looked-up text the indicator begins (a parent of a name begins later).
    pub start: usize,
    /// Its label.
    pub label: LabelId,
}

/// Why a store could not be opened or is not to be trusted.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file could not be read.
    #[error("cannot read trails file {path}: {source}")]
    Io {
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// It is not a store, or a damaged one.
    #[error(
        "trails file {path} is damaged or of another kind ({what}); build it again with `maltrail update --offline`"
    )]
    Damaged {
        /// The file.
        path: String,
        /// What is wrong.
        what: &'static str,
    },
}

/// What is wrong with a file's bytes.
pub(crate) type Damage = &'static str;

/// A set of trails. `D` holds the file's bytes: the map in production, a `Vec<u8>` in tests.
pub struct Store<D: AsRef<[u8]>> {
    data: D,
    sections: [Range<usize>; SECTIONS],
    lengths: Vec<(u8, bool, Range<usize>)>,
    pattern_labels: Vec<u32>,
    automaton: Option<DFA<Vec<u32>>>,
}

impl Store<Mapped> {
    /// Maps a store file and checks its header and section bounds (not its checksums: [`Store::verify`]).
    ///
    /// # Errors
    /// The file cannot be read, or is no store of this version.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let name = || path.display().to_string();
        let data = Mapped::open(path).map_err(|source| StoreError::Io { path: name(), source })?;
        Store::new(data).map_err(|what| StoreError::Damaged { path: name(), what })
    }
}

impl<D: AsRef<[u8]>> Store<D> {
    /// From bytes in memory; bounds are checked like in [`Store::open`].
    ///
    /// # Errors
    /// The bytes are no store of this version.
    pub fn from_bytes(data: D) -> Result<Self, StoreError> {
        Store::new(data).map_err(|what| StoreError::Damaged { path: "(memory)".to_owned(), what })
    }

    fn new(data: D) -> Result<Self, Damage> {
        let sections = format::sections(data.as_ref())?;
        let mut store = Store { data, sections, lengths: Vec::new(), pattern_labels: Vec::new(), automaton: None };
        store.lengths = network_lengths(store.section(Section::Networks));
        store.pattern_labels = pattern_labels(store.section(Section::Patterns));
        store.automaton = automaton(store.section(Section::Automaton))?;
        Ok(store)
    }

    /// Checks the checksum of everything.
    ///
    /// # Errors
    /// A checksum is wrong.
    pub fn verify(&self) -> Result<(), StoreError> {
        format::verify(self.data.as_ref(), &self.sections)
            .map_err(|what| StoreError::Damaged { path: "(open)".to_owned(), what })
    }

    #[inline]
    fn section(&self, section: Section) -> &[u8] {
        let span = self.sections.get(section as usize).cloned().unwrap_or_default();
        self.data.as_ref().get(span).unwrap_or_default()
    }

    #[inline]
    fn table(&self) -> Table<'_> {
        Table {
            fingerprints: self.section(Section::Fingerprints),
            offsets: self.section(Section::Offsets),
            keys: self.section(Section::Keys),
        }
    }

    fn about(&self, place: usize) -> u64 {
        let (words, _) = self.section(Section::About).as_chunks::<8>();
        words.get(place).map_or(0, |word| u64::from_le_bytes(*word))
    }

    /// Number of the generation that was given when it was built.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.about(0)
    }

    /// Indicators of each kind.
    #[must_use]
    pub fn counts(&self) -> Vec<(&'static str, u64)> {
        const NAMES: [&str; 9] =
            ["names", "urls", "addresses", "endpoints", "certificates", "ja3", "ja4", "networks", "patterns"];
        NAMES.iter().enumerate().map(|(place, name)| (*name, self.about(place + 2))).collect()
    }

    /// How many indicators it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.counts().iter().map(|(_, count)| *count as usize).sum()
    }

    /// Whether it holds none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The label behind a number.
    #[must_use]
    pub fn label(&self, id: LabelId) -> Label<'_> {
        let (records, _) = self.section(Section::Labels).as_chunks::<LABEL>();
        let texts = self.section(Section::Texts);
        let mut label = Label {
            info: "",
            reference: "",
            class: Class::Other,
            severity: Severity::Low,
            confidence: 0,
            custom: false,
        };
        let Some(record) = records.get(id.0 as usize) else { return label };
        let (words, _) = record.as_chunks::<4>();
        let word = |place: usize| words.get(place).map_or(0, |word| u32::from_le_bytes(*word) as usize);
        let text = |at: usize, len: usize| {
            texts.get(at..at.saturating_add(len)).and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or("")
        };
        label.info = text(word(0), word(1));
        label.reference = text(word(2), word(3));
        let [.., class, severity, confidence, custom] = *record;
        label.class = Class::ALL.get(usize::from(class)).copied().unwrap_or(Class::Other);
        label.severity = match severity {
            0 => Severity::Low,
            1 => Severity::Medium,
            _ => Severity::High,
        };
        label.confidence = confidence;
        label.custom = custom != 0;
        label
    }

    /// Hits of a name and its parents, the longest (most specific) first. `name` is lower case without a
    /// trailing dot. At most `hits.len()` are written; returns how many.
    pub fn name(&self, name: &[u8], hits: &mut [Hit; 8]) -> usize {
        let mut found = [Hit { start: 0, label: LabelId(0) }; 8];
        let mut count = 0;
        let mut hash = keys::NAME_SEED;
        let mut end = name.len();
        let table = self.table();
        loop {
            let rest = name.get(..end).unwrap_or_default();
            let start = rest.iter().rposition(|byte| *byte == b'.').map_or(0, |dot| dot + 1);
            hash = join(hash, rest.get(start..).unwrap_or_default());
            if let Some(label) = self.find_in(&table, Kind::Name, of_kind(Kind::Name, hash), name.get(start..))
                && let Some(slot) = found.get_mut(count % 8)
            {
                *slot = Hit { start, label };
                count += 1;
            }
            if start == 0 {
                break;
            }
            end = start - 1;
        }
        let kept = count.min(8);
        for (place, hit) in hits.iter_mut().take(kept).enumerate() {
            *hit = found.get((count - 1 - place) % 8).copied().unwrap_or(*hit);
        }
        kept
    }

    #[inline]
    fn find_in(&self, table: &Table<'_>, kind: Kind, hash: u64, key: Option<&[u8]>) -> Option<LabelId> {
        table.find(hash, |entry| entry.kind == kind as u8 && Some(entry.key) == key).map(|entry| LabelId(entry.label))
    }

    fn find(&self, kind: Kind, key: &[u8]) -> Option<LabelId> {
        self.find_in(&self.table(), kind, key_hash(kind, key), Some(key))
    }

    /// The first wildcard pattern that is found in the name.
    #[must_use]
    pub fn pattern(&self, name: &[u8]) -> Option<LabelId> {
        let place = patterns::find(self.automaton.as_ref()?, name)?;
        self.pattern_labels.get(place).copied().map(LabelId)
    }

    /// Whether any URL, path or host-slash trail could begin with this host (false lets a caller skip all
    /// URL forms of it); an empty host asks for bare `/path` trails.
    #[must_use]
    pub fn may_hold_urls_of(&self, host: &[u8]) -> bool {
        filter::may_hold(self.section(Section::Hosts), host_hash(host))
    }

    /// The URL trail that equals the concatenation of `parts` (lower case): `["evil.example", "/x?id="]`.
    #[must_use]
    pub fn url(&self, parts: &[&[u8]]) -> Option<LabelId> {
        let hash = parts.iter().fold(keys::URL_SEED, |hash, part| url_part(hash, part));
        let equal = |key: &[u8]| {
            let mut rest = key;
            parts.iter().all(|part| {
                rest.strip_prefix(*part).is_some_and(|after| {
                    rest = after;
                    true
                })
            }) && rest.is_empty()
        };
        self.table()
            .find(of_kind(Kind::Url, hash), |entry| entry.kind == Kind::Url as u8 && equal(entry.key))
            .map(|entry| LabelId(entry.label))
    }

    /// False when neither the address nor any address:port of it nor a network around it is listed; quick,
    /// cache-resident, with rare false positives.
    #[must_use]
    #[inline]
    pub fn may_hold_address(&self, address: IpAddr) -> bool {
        let address = canonical(address);
        filter::may_hold(self.section(Section::Addresses), address_hash(address)) || self.may_hold_network(address)
    }

    #[inline]
    fn may_hold_network(&self, address: IpAddr) -> bool {
        let slot = match address {
            IpAddr::V4(four) => (four.to_bits() >> 16) as usize,
            IpAddr::V6(six) => 65_536 + (six.to_bits() >> 112) as usize,
        };
        self.section(Section::Networks).get(slot / 8).is_some_and(|byte| byte >> (slot % 8) & 1 != 0)
    }

    /// The address itself.
    #[must_use]
    pub fn address(&self, address: IpAddr) -> Option<LabelId> {
        let (bytes, len) = address_bytes(canonical(address), None);
        self.find(Kind::Address, bytes.get(..len)?)
    }

    /// The address with a port.
    #[must_use]
    pub fn endpoint(&self, address: IpAddr, port: u16) -> Option<LabelId> {
        let (bytes, len) = address_bytes(canonical(address), Some(port));
        self.find(Kind::Endpoint, bytes.get(..len)?)
    }

    /// The longest listed network around the address, and its prefix length.
    #[must_use]
    pub fn network(&self, address: IpAddr) -> Option<(u8, LabelId)> {
        let address = canonical(address);
        if !self.may_hold_network(address) {
            return None;
        }
        let (six, bits, width) = match address {
            IpAddr::V4(four) => (false, u128::from(four.to_bits()), 32),
            IpAddr::V6(six) => (true, six.to_bits(), 128),
        };
        let (records, _) = self.section(Section::Networks).get(NETWORK_MAPS..)?.as_chunks::<NETWORK>();
        for (length, family, span) in self.lengths.iter().filter(|(_, family, _)| *family == six) {
            let shift = width - u32::from((*length).min(width as u8));
            let base = if shift >= 128 { 0 } else { bits >> shift << shift };
            let list = records.get(span.clone())?;
            if let Ok(place) = list.binary_search_by_key(&base, base_of) {
                let _ = family;
                return list.get(place).map(|record| (*length, label_of(record)));
            }
        }
        None
    }

    /// Whether any certificate SHA-1 is listed (else nobody needs to compute one).
    #[must_use]
    pub fn has_certificates(&self) -> bool {
        self.about(1 + Kind::Certificate as usize) > 0
    }

    /// A certificate by the SHA-1 of its DER.
    #[must_use]
    pub fn certificate(&self, sha1: &[u8; 20]) -> Option<LabelId> {
        self.find(Kind::Certificate, sha1)
    }

    /// Whether any JA3 is listed.
    #[must_use]
    pub fn has_ja3(&self) -> bool {
        self.about(1 + Kind::Ja3 as usize) > 0
    }

    /// A ClientHello by its JA3.
    #[must_use]
    pub fn ja3(&self, md5: &[u8; 16]) -> Option<LabelId> {
        self.find(Kind::Ja3, md5)
    }

    /// Whether any JA4 is listed.
    #[must_use]
    pub fn has_ja4(&self) -> bool {
        self.about(1 + Kind::Ja4 as usize) > 0
    }

    /// A ClientHello by its JA4 text.
    #[must_use]
    pub fn ja4(&self, text: &[u8; 36]) -> Option<LabelId> {
        self.find(Kind::Ja4, text)
    }
}

fn base_of(record: &[u8; NETWORK]) -> u128 {
    record.first_chunk::<16>().map_or(0, |base| u128::from_le_bytes(*base))
}

fn label_of(record: &[u8; NETWORK]) -> LabelId {
    LabelId(record.last_chunk::<4>().map_or(0, |label| u32::from_le_bytes(*label)))
}

/// The prefix lengths there are, longest first, and which records have each.
fn network_lengths(section: &[u8]) -> Vec<(u8, bool, Range<usize>)> {
    let (records, _) = section.get(NETWORK_MAPS..).unwrap_or_default().as_chunks::<NETWORK>();
    let mut lengths: Vec<(u8, bool, Range<usize>)> = Vec::new();
    for (place, record) in records.iter().enumerate() {
        let &[length, six, ..] = record.last_chunk::<8>().unwrap_or(&[0; 8]);
        match lengths.last_mut() {
            Some((known, family, span)) if (*known, *family) == (length, six != 0) => span.end = place + 1,
            _ => lengths.push((length, six != 0, place..place + 1)),
        }
    }
    lengths
}

fn pattern_labels(section: &[u8]) -> Vec<u32> {
    let mut labels = Vec::new();
    let mut rest = section;
    while let Some((&[a, b, c, d, e, f, g, h], after)) = rest.split_first_chunk::<8>() {
        labels.push(u32::from_le_bytes([a, b, c, d]));
        rest = after.get(u32::from_le_bytes([e, f, g, h]) as usize..).unwrap_or_default();
    }
    labels
}

fn automaton(section: &[u8]) -> Result<Option<DFA<Vec<u32>>>, Damage> {
    if section.is_empty() {
        return Ok(None);
    }
    // The automaton wants its bytes aligned; a map is, bytes in memory need not be.
    let mut room = vec![0; section.len() + 8];
    let start = room.as_ptr().align_offset(8).min(8);
    let aligned = room.get_mut(start..start + section.len()).ok_or("automaton")?;
    aligned.copy_from_slice(section);
    let (automaton, _) = DFA::from_bytes(aligned).map_err(|_| "automaton of the patterns")?;
    Ok(Some(automaton.to_owned()))
}
