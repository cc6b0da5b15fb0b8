//! Layout of a store file. Little-endian; sections begin at multiples of 64.
//!
//! ```text
//! header   magic, version, generation, times, counts, checksum of header and section table
//! table    offset, length, checksum of each section, in the order of `Section`
//! sections
//! ```

use crate::hash;

pub(crate) const MAGIC: [u8; 8] = *b"MTTRAILS";
pub(crate) const VERSION: u64 = 5;
/// Sections and cache lines.
pub(crate) const ALIGN: usize = 64;

/// Words of the header (8 bytes each).
pub(crate) mod word {
    pub(crate) const MAGIC: usize = 0;
    pub(crate) const VERSION: usize = 1;
    pub(crate) const GENERATION: usize = 2;
    pub(crate) const BUILT_AT: usize = 3;
    pub(crate) const SOURCE_SIZE: usize = 4;
    pub(crate) const SOURCE_MTIME: usize = 5;
    pub(crate) const SOURCE_HASH: usize = 6;
    pub(crate) const FILE_LENGTH: usize = 7;
    pub(crate) const COUNTS: usize = 8;
    pub(crate) const CHECKSUM: usize = 18;
    pub(crate) const TABLE: usize = 19;
}

/// The sections, in file order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub(crate) enum Section {
    /// Filter over every name, and over its last two labels.
    NameFilter,
    /// Filter over single labels, as [`crate::ends`] says.
    LabelFilter,
    NameBuckets,
    NameOffsets,
    NameKeys,
    /// Filter over the hosts of URLs.
    HostFilter,
    /// Filter over URLs and paths.
    UrlFilter,
    UrlBuckets,
    UrlOffsets,
    UrlKeys,
    /// Filter over how paths without host begin, as [`crate::ends`] says.
    PathFilter,
    /// Filter over addresses and addresses of endpoints.
    AddressFilter,
    /// One bit per /16 that a v4 network touches, then the same for v6.
    NetworkFilter,
    /// For each upper half of an address the first row of `V4`.
    V4Index,
    /// address u32, port u16 (0: the address itself), label u32.
    V4,
    /// address u128, port u16, label u32.
    V6,
    /// first address u32, label u32, prefix length u8: nested networks cut into disjoint ranges.
    V4Networks,
    V6Networks,
    /// Networks as they are listed: address (16 bytes, big-endian; IPv4 mapped), prefix length u8, label u32.
    Networks,
    /// digest, label u32, sorted.
    Sha1,
    Ja3,
    Ja4,
    /// See `LABEL_ROW`.
    Labels,
    Strings,
    /// source: offset u32, length u32; label u32.
    Patterns,
    /// Clues and automaton of each pattern.
    Automata,
}

pub(crate) const SECTIONS: usize = Section::Automata as usize + 1;
pub(crate) const HEADER_WORDS: usize = word::TABLE + 3 * SECTIONS;
pub(crate) const HEADER_LENGTH: usize = (HEADER_WORDS * 8).next_multiple_of(ALIGN);

/// Puts a word of the header.
pub(crate) fn put(header: &mut [u8], word: usize, value: u64) {
    if let Some(place) = header.get_mut(word * 8..word * 8 + 8) {
        place.copy_from_slice(&value.to_le_bytes());
    }
}

/// Slots of a bucket; its fingerprints fill one cache line.
pub(crate) const SLOTS: usize = 32;
/// Fingerprint bytes of a bucket.
pub(crate) const BUCKET: usize = 2 * SLOTS;
pub(crate) const V4_ROW: usize = 10;
/// info, reference, sources: offset u32 and length u32 each; class, severity, confidence, custom: u8 each.
pub(crate) const LABEL_ROW: usize = 28;
pub(crate) const PATTERN_ROW: usize = 12;
/// Rows of `V4Index`.
pub(crate) const V4_INDEX_ROWS: usize = 65537;
/// Words of a bit per /16 of IPv4; as many follow for IPv6.
pub(crate) const NETWORK_WORDS: usize = 65536 / 64;
/// Label of the gaps between networks.
pub(crate) const NO_LABEL: u32 = u32::MAX;

/// The `N` bytes at `at`.
#[inline]
pub(crate) fn bytes<const N: usize>(data: &[u8], at: usize) -> Option<[u8; N]> {
    data.get(at..)?.first_chunk::<N>().copied()
}

#[inline]
pub(crate) fn u32_at(data: &[u8], at: usize) -> Option<u32> {
    bytes(data, at).map(u32::from_le_bytes)
}

#[inline]
pub(crate) fn u64_at(data: &[u8], at: usize) -> Option<u64> {
    bytes(data, at).map(u64::from_le_bytes)
}

/// Bits of a filter for each hash; three of them are set, which gives about 0.7 % false answers.
const FILTER_BITS: usize = 16;

/// The bits a hash has in its word of a filter.
#[inline]
fn filter_bits(hash: u64) -> u64 {
    1 << (hash & 63) | 1 << (hash >> 6 & 63) | 1 << (hash >> 12 & 63)
}

/// Whether a filter (words of 64 bits) may hold the hash.
#[inline]
pub(crate) fn filter_has(filter: &[u8], hash: u64) -> bool {
    let bits = filter_bits(hash);
    let (words, _) = filter.as_chunks();
    words.get(hash::place(hash, words.len())).is_some_and(|word| u64::from_le_bytes(*word) & bits == bits)
}

/// The same of a filter in memory.
#[inline]
pub(crate) fn words_have(filter: &[u64], hash: u64) -> bool {
    let bits = filter_bits(hash);
    filter.get(hash::place(hash, filter.len())).is_some_and(|word| word & bits == bits)
}

/// The words of a section.
pub(crate) fn words(section: &[u8]) -> Box<[u64]> {
    section.as_chunks::<8>().0.iter().map(|word| u64::from_le_bytes(*word)).collect()
}

/// A filter over hashes.
pub(crate) fn filter(mut hashes: Vec<u64>) -> Vec<u8> {
    hashes.sort_unstable();
    hashes.dedup();
    let mut words = vec![0u64; if hashes.is_empty() { 0 } else { hashes.len() * FILTER_BITS / 64 + 1 }];
    let count = words.len();
    for hash in hashes {
        if let Some(word) = words.get_mut(hash::place(hash, count)) {
            *word |= filter_bits(hash);
        }
    }
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// The slot number of a hash's fingerprint: never 0, which marks an empty slot.
#[inline]
#[allow(clippy::cast_possible_truncation)] // The low half is what is wanted.
pub(crate) fn fingerprint(hash: u64) -> u16 {
    (hash as u16).max(1)
}
