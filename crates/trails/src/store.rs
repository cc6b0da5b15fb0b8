//! The finished set of trails: one file, mapped, looked up without allocation.
//!
//! Every read is bounds-checked: a damaged file gives errors or misses, never a panic. This module reads;
//! [`crate::builder`] writes.

use std::io::{Cursor, Read, Seek, SeekFrom};
use std::net::IpAddr;
use std::ops::Range;
use std::path::Path;

use crate::ends::{beginning, last_dot, last_label};
use crate::format::{self, Section};
use crate::hash::{self, Checksum, Hashed};
use crate::indicator::{Kind, canonical};
use crate::pattern::Patterns;
use crate::table::{self, TextTable};
use crate::writer::host_and_path;
use crate::{Class, Severity};

pub use crate::map::Mapped;

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

/// How many indicators of each kind, in the order of [`Kind::ALL`].
pub type Counts = [u64; Kind::ALL.len()];

/// Where a store was built from: what tells whether it is still up to date.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SourceStamp {
    /// Bytes of the source; 0 when it was no single file.
    pub size: u64,
    /// Its modification time, nanoseconds since 1970.
    pub modified: u64,
    /// Hash of samples of its content.
    pub hash: u64,
}

/// What a store says about itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GenerationInfo {
    /// Number of the generation; larger is newer.
    pub generation: u64,
    /// When it was built, seconds since 1970.
    pub built_at: u64,
    /// From what.
    pub source: SourceStamp,
    /// How many of each kind.
    pub counts: Counts,
}

/// Bytes that are read at once to verify a file.
const PIECE: usize = 64 << 10;

/// A set of trails. `D` holds the file's bytes: the map in production, a `Vec<u8>` in tests.
pub struct Store<D: AsRef<[u8]>> {
    data: D,
    sections: [Range<usize>; format::SECTIONS],
    info: GenerationInfo,
    /// What every packet asks, in memory.
    addresses: Addresses,
    /// What every name asks, in memory: which single labels are listed.
    labels: Box<[u64]>,
    /// What every request asks, in memory: how bare paths begin.
    paths: Box<[u64]>,
    patterns: Option<Patterns>,
}

/// Which addresses may be listed.
#[derive(Default)]
struct Addresses {
    filter: Box<[u64]>,
    /// One bit per /16 with a network: IPv4, then IPv6.
    networks: Option<Box<[u64; 2 * format::NETWORK_WORDS]>>,
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

impl StoreError {
    /// The same with the file it is about.
    pub(crate) fn at(self, file: &Path) -> Self {
        let path = file.display().to_string();
        match self {
            Self::Damaged { what, .. } => Self::Damaged { path, what },
            Self::Io { source, .. } => Self::Io { path, source },
        }
    }
}

fn damaged(what: &'static str) -> StoreError {
    StoreError::Damaged { path: String::from("(in memory)"), what }
}

impl Store<Mapped> {
    /// Maps a store file and checks its header and section bounds (not its checksum: [`Store::verify`]).
    ///
    /// # Errors
    /// The file cannot be read, or is no store of this version.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let map = Mapped::open(path).map_err(|source| StoreError::Io { path: path.display().to_string(), source })?;
        Self::from_bytes(map).map_err(|error| error.at(path))
    }
}

impl<D: AsRef<[u8]>> Store<D> {
    /// From bytes in memory; bounds are checked like in [`Store::open`].
    ///
    /// # Errors
    /// The bytes are no store of this version.
    pub fn from_bytes(data: D) -> Result<Self, StoreError> {
        let bytes = data.as_ref();
        let header = bytes.get(..format::HEADER_LENGTH).ok_or(damaged("too short"))?;
        let word = |at: usize| format::u64_at(header, at * 8).unwrap_or_default();
        if word(format::word::MAGIC) != u64::from_le_bytes(format::MAGIC) {
            return Err(damaged("not a trail store"));
        }
        if word(format::word::VERSION) != format::VERSION {
            return Err(damaged("another version of the format"));
        }
        if word(format::word::CHECKSUM) != header_checksum(header) {
            return Err(damaged("wrong checksum of the header"));
        }
        if word(format::word::FILE_LENGTH) != bytes.len() as u64 {
            return Err(damaged("wrong length: cut off?"));
        }
        let mut sections = [const { 0..0 }; format::SECTIONS];
        for (index, section) in sections.iter_mut().enumerate() {
            let at = format::word::TABLE + 3 * index;
            let range = usize::try_from(word(at)).ok().zip(usize::try_from(word(at + 1)).ok());
            let range = range.and_then(|(start, length)| Some(start..start.checked_add(length)?));
            *section = range.filter(|r| bytes.get(r.clone()).is_some()).ok_or(damaged("section out of bounds"))?;
        }
        let mut counts = Counts::default();
        for (index, count) in counts.iter_mut().enumerate() {
            *count = word(format::word::COUNTS + index);
        }
        let info = GenerationInfo {
            generation: word(format::word::GENERATION),
            built_at: word(format::word::BUILT_AT),
            source: SourceStamp {
                size: word(format::word::SOURCE_SIZE),
                modified: word(format::word::SOURCE_MTIME),
                hash: word(format::word::SOURCE_HASH),
            },
            counts,
        };
        let mut store = Self {
            data,
            sections,
            info,
            addresses: Addresses::default(),
            labels: Box::default(),
            paths: Box::default(),
            patterns: None,
        };
        store.addresses.filter = format::words(store.section(Section::AddressFilter));
        store.labels = format::words(store.section(Section::LabelFilter));
        store.paths = format::words(store.section(Section::PathFilter));
        if store.count(Kind::Network) > 0 {
            let networks = format::words(store.section(Section::NetworkFilter)).try_into();
            store.addresses.networks = Some(networks.map_err(|_| damaged("wrong length of a section"))?);
        }
        let automata = store.section(Section::Automata);
        if !automata.is_empty() {
            store.patterns = Some(Patterns::from_bytes(automata).ok_or(damaged("patterns do not load"))?);
        }
        Ok(store)
    }

    /// Checks the checksum of everything.
    ///
    /// # Errors
    /// A checksum is wrong.
    pub fn verify(&self) -> Result<(), StoreError> {
        self.verify_file(&mut Cursor::new(self.data.as_ref()))
    }

    /// The same of the file this store was opened from, which is read.
    ///
    /// # Errors
    /// A checksum is wrong, or the file cannot be read.
    pub(crate) fn verify_file(&self, file: &mut (impl Read + Seek)) -> Result<(), StoreError> {
        let unread = |source| StoreError::Io { path: String::from("(being read)"), source };
        let mut piece = vec![0; PIECE];
        for (index, range) in self.sections.iter().enumerate() {
            let mut sum = Checksum::new();
            file.seek(SeekFrom::Start(range.start as u64)).map_err(unread)?;
            let mut left = range.len();
            while let Some(piece) = piece.get_mut(..left.min(PIECE)).filter(|piece| !piece.is_empty()) {
                file.read_exact(piece).map_err(unread)?;
                sum.update(piece);
                left -= piece.len();
            }
            if self.stored_checksum(index) != Some(sum.finish()) {
                return Err(damaged("wrong checksum of a section"));
            }
        }
        Ok(())
    }

    fn stored_checksum(&self, index: usize) -> Option<u64> {
        format::u64_at(self.data.as_ref(), (format::word::TABLE + 3 * index + 2) * 8)
    }

    #[inline]
    pub(crate) fn section(&self, section: Section) -> &[u8] {
        let range = self.sections.get(section as usize).cloned().unwrap_or_default();
        self.data.as_ref().get(range).unwrap_or_default()
    }

    fn names(&self) -> TextTable<'_> {
        TextTable {
            buckets: self.section(Section::NameBuckets),
            offsets: self.section(Section::NameOffsets),
            keys: self.section(Section::NameKeys),
        }
    }

    fn urls(&self) -> TextTable<'_> {
        TextTable {
            buckets: self.section(Section::UrlBuckets),
            offsets: self.section(Section::UrlOffsets),
            keys: self.section(Section::UrlKeys),
        }
    }

    /// Generation, build time, source and counts.
    #[must_use]
    pub fn generation_info(&self) -> &GenerationInfo {
        &self.info
    }

    /// A number that two stores with different content hardly share.
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        // That of the header, which has those of all sections.
        format::u64_at(self.data.as_ref(), format::word::CHECKSUM * 8).unwrap_or_default()
    }

    /// How many indicators it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        usize::try_from(self.info.counts.iter().fold(0u64, |sum, n| sum.saturating_add(*n))).unwrap_or(usize::MAX)
    }

    /// Whether it holds none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many indicators of a kind it holds.
    #[must_use]
    pub fn count(&self, kind: Kind) -> u64 {
        self.info.counts.get(kind as usize).copied().unwrap_or_default()
    }

    /// The label behind a number; an empty one for a number of another store.
    #[must_use]
    pub fn label(&self, id: LabelId) -> Label<'_> {
        let row = (id.0 as usize).saturating_mul(format::LABEL_ROW);
        let row = self.section(Section::Labels).get(row..).and_then(|rest| rest.first_chunk::<{ format::LABEL_ROW }>());
        let row = row.copied().unwrap_or([0; format::LABEL_ROW]);
        let [.., class, severity, confidence, custom] = row;
        Label {
            info: self.string(&row, 0),
            reference: self.string(&row, 8),
            class: Class::from_number(class).unwrap_or(Class::Other),
            severity: Severity::from_number(severity).unwrap_or(Severity::Low),
            confidence: confidence.min(100),
            custom: custom == 1,
        }
    }

    /// Every source behind a label, one a line: reference, a blank, info.
    #[must_use]
    pub fn sources(&self, id: LabelId) -> &str {
        let row = (id.0 as usize).saturating_mul(format::LABEL_ROW);
        self.section(Section::Labels).get(row..).map_or("", |row| self.string(row, 16))
    }

    /// The text whose offset and length are at `at` of a row.
    pub(crate) fn string(&self, row: &[u8], at: usize) -> &str {
        let part = |at| format::u32_at(row, at).unwrap_or_default() as usize;
        let range = part(at)..part(at).saturating_add(part(at + 4));
        std::str::from_utf8(self.section(Section::Strings).get(range).unwrap_or_default()).unwrap_or_default()
    }

    /// False when neither the name nor a parent of it is listed; quick, with rare false positives. `name` is lower case
    /// without a trailing dot.
    #[inline]
    #[must_use]
    pub fn may_hold_name(&self, name: &[u8]) -> bool {
        let (label, dot) = last_label(name);
        self.may_hold_label(label)
            || dot.is_some_and(|dot| {
                // Without its last two labels nothing longer is listed.
                let start = name.get(..dot).and_then(last_dot).map_or(0, |dot| dot + 1);
                name.get(start..).is_some_and(|text| self.name_filter_has(hash::text(text)))
            })
    }

    fn may_hold_label(&self, label: u64) -> bool {
        format::words_have(&self.labels, hash::word(label))
    }

    fn name_filter_has(&self, hash: u64) -> bool {
        format::filter_has(self.section(Section::NameFilter), hash)
    }

    /// Hits of a name and its parents, the longest (most specific) first. `name` is lower case without a
    /// trailing dot. At most `hits.len()` are written, the longest ones; returns how many.
    pub fn name(&self, name: &[u8], hits: &mut [Hit; 8]) -> usize {
        let (label, _) = last_label(name);
        let (mut depth, mut count, mut end) = (0usize, 0usize, name.len());
        while let Some(head) = name.get(..end).filter(|head| !head.is_empty()) {
            let start = last_dot(head).map_or(0, |dot| dot + 1);
            let text = name.get(start..).unwrap_or_default();
            let hash = hash::text(text);
            depth += 1;
            let possible = self.name_filter_has(hash) && (depth > 1 || self.may_hold_label(label));
            if possible && let Some(label) = self.names().get(hash, &[text]) {
                if count == hits.len() {
                    hits.rotate_left(1);
                    count -= 1;
                }
                if let Some(hit) = hits.get_mut(count) {
                    *hit = Hit { start, label: LabelId(label) };
                    count += 1;
                }
            }
            // The filter also knows the last two labels of every listed name: without them nothing longer is listed.
            if start == 0 || (depth == 2 && !possible) {
                break;
            }
            end = start - 1;
        }
        hits.get_mut(..count).unwrap_or_default().reverse();
        count
    }

    /// The wildcard pattern that matches the name (lower case).
    #[must_use]
    pub fn pattern(&self, name: &[u8]) -> Option<LabelId> {
        self.pattern_match(name).map(|(label, _)| label)
    }

    /// The label of the pattern that matches the name, and the pattern's source.
    #[must_use]
    pub fn pattern_match(&self, name: &[u8]) -> Option<(LabelId, &str)> {
        let index = self.patterns.as_ref()?.find(self.section(Section::Automata), name)?;
        let row = self.section(Section::Patterns).get(index.checked_mul(format::PATTERN_ROW)?..)?;
        Some((LabelId(format::u32_at(row, 8)?), self.string(row, 0)))
    }

    /// Whether any URL trail could begin with this host; false lets a caller skip all URL forms of it.
    #[inline]
    #[must_use]
    pub fn may_hold_urls_of(&self, host: Hashed<'_>) -> bool {
        format::filter_has(self.section(Section::HostFilter), host.hash())
    }

    /// Whether a path without host could be listed that begins as the text from its slash at `start` on does: with the
    /// same bytes up to the next `/`, `?` or `=`, or with the same eight. False lets a caller skip all forms of that
    /// text that end at such a byte or differ behind it. The text is in lower case.
    #[inline]
    #[must_use]
    pub fn may_hold_path(&self, text: &[u8], start: usize) -> bool {
        format::words_have(&self.paths, hash::word(beginning(text, start)))
    }

    /// The URL trail (lower case) that is a host, with its port where the trail has one, and the path behind it: from
    /// its first slash on, or nothing. An empty host asks for a bare path.
    #[inline]
    #[must_use]
    pub fn url_at(&self, host: Hashed<'_>, path: Hashed<'_>) -> Option<LabelId> {
        let hash = hash::join(host.hash(), path.hash());
        if !format::filter_has(self.section(Section::UrlFilter), hash) {
            return None;
        }
        self.probably_url(hash, host.text(), path.text())
    }

    /// The same where the filter says that there may be one. Nearly all questions end before.
    #[cold]
    fn probably_url(&self, hash: u64, host: &[u8], path: &[u8]) -> Option<LabelId> {
        self.urls().get(hash, &[host, path]).map(LabelId)
    }

    /// The URL or path trail that equals the concatenation of `parts` (lower case). For single questions: it copies.
    #[must_use]
    pub fn url(&self, parts: &[&[u8]]) -> Option<LabelId> {
        let url = parts.concat();
        let (host, path) = host_and_path(&url);
        self.url_at(Hashed::new(host), Hashed::new(path))
    }

    /// False when neither the address nor any address:port of it nor a network around it is listed; quick,
    /// cache-resident, with rare false positives.
    #[inline]
    #[must_use]
    pub fn may_hold_address(&self, address: IpAddr) -> bool {
        let (bits, network) = match canonical(address) {
            IpAddr::V4(v4) => (u128::from(v4.to_bits()), (v4.to_bits() >> 16) as usize),
            IpAddr::V6(v6) => (v6.to_bits(), 65536 + (v6.to_bits() >> 112) as usize),
        };
        let around = |networks: &[u64; 2 * format::NETWORK_WORDS]| {
            networks.get(network / 64).is_some_and(|word| word >> (network % 64) & 1 == 1)
        };
        format::words_have(&self.addresses.filter, hash::address(bits))
            || self.addresses.networks.as_deref().is_some_and(around)
    }

    /// The address itself.
    #[must_use]
    pub fn address(&self, address: IpAddr) -> Option<LabelId> {
        self.endpoint(address, 0)
    }

    /// The address with a port.
    #[must_use]
    pub fn endpoint(&self, address: IpAddr, port: u16) -> Option<LabelId> {
        let label = match canonical(address) {
            IpAddr::V4(v4) => table::v4(self.section(Section::V4Index), self.section(Section::V4), v4.to_bits(), port),
            IpAddr::V6(v6) => {
                let mut key = [0; 18];
                let (head, tail) = key.split_at_mut(16);
                head.copy_from_slice(&v6.octets());
                tail.copy_from_slice(&port.to_be_bytes());
                table::sorted(self.section(Section::V6), &key)
            }
        };
        label.map(LabelId)
    }

    /// The longest listed network around the address, and its prefix length.
    #[must_use]
    pub fn network(&self, address: IpAddr) -> Option<(u8, LabelId)> {
        let (length, label) = match canonical(address) {
            IpAddr::V4(v4) => table::network(self.section(Section::V4Networks), &v4.octets()),
            IpAddr::V6(v6) => table::network(self.section(Section::V6Networks), &v6.octets()),
        }?;
        Some((length, LabelId(label)))
    }

    /// Whether any certificate SHA-1 is listed (else nobody needs to compute one).
    #[must_use]
    pub fn has_certificates(&self) -> bool {
        self.count(Kind::CertificateSha1) > 0
    }

    /// A certificate by the SHA-1 of its DER.
    #[must_use]
    pub fn certificate(&self, sha1: &[u8; 20]) -> Option<LabelId> {
        table::sorted(self.section(Section::Sha1), sha1).map(LabelId)
    }

    /// Whether any JA3 is listed.
    #[must_use]
    pub fn has_ja3(&self) -> bool {
        self.count(Kind::Ja3) > 0
    }

    /// A ClientHello by its JA3.
    #[must_use]
    pub fn ja3(&self, md5: &[u8; 16]) -> Option<LabelId> {
        table::sorted(self.section(Section::Ja3), md5).map(LabelId)
    }

    /// Whether any JA4 is listed.
    #[must_use]
    pub fn has_ja4(&self) -> bool {
        self.count(Kind::Ja4) > 0
    }

    /// A ClientHello by its JA4 text.
    #[must_use]
    pub fn ja4(&self, text: &[u8; 36]) -> Option<LabelId> {
        table::sorted(self.section(Section::Ja4), text).map(LabelId)
    }
}

/// Checksum of header and section table; the checksum's own field counts as absent.
pub(crate) fn header_checksum(header: &[u8]) -> u64 {
    let field = format::word::CHECKSUM * 8;
    let before = header.get(..field).unwrap_or_default();
    let after = header.get(field + 8..).unwrap_or_default();
    hash::checksum(before) ^ hash::checksum(after).rotate_left(1)
}
