//! The store's file: header, section table, sections. Written whole, never changed.
//!
//! ```text
//! 0   magic "MALTRAIL", version u32, sections u32, checksum of the section table u64
//! 24  per section: offset u64, length u64, checksum u64
//! ```
//!
//! Numbers are little-endian; sections begin at multiples of 64 bytes.

use std::ops::Range;

use rapidhash::v3::rapidhash_v3;

use crate::store::Damage;

pub(crate) const MAGIC: &[u8; 8] = b"MALTRAIL";
pub(crate) const VERSION: u32 = 1;
const FIXED: usize = 24;
const ENTRY: usize = 24;
const ALIGN: usize = 64;

/// The sections, in their order in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub(crate) enum Section {
    /// Counts and facts about the set.
    About,
    /// Labels: fixed records.
    Labels,
    /// Texts of the labels.
    Texts,
    /// Fingerprints of keys, 32 to a bucket.
    Fingerprints,
    /// Offsets of keys, 32 to a bucket.
    Offsets,
    /// Keys.
    Keys,
    /// One bit for each address hash.
    Addresses,
    /// One bit for each URL host hash.
    Hosts,
    /// Networks, sorted.
    Networks,
    /// Patterns: label and text.
    Patterns,
    /// The automaton over all patterns.
    Automaton,
}

pub(crate) const SECTIONS: usize = 11;

/// Puts a file together.
pub(crate) fn write(sections: [&[u8]; SECTIONS]) -> Vec<u8> {
    let mut table = Vec::with_capacity(SECTIONS * ENTRY);
    let mut at = (FIXED + SECTIONS * ENTRY).next_multiple_of(ALIGN);
    for bytes in sections {
        table.extend((at as u64).to_le_bytes());
        table.extend((bytes.len() as u64).to_le_bytes());
        table.extend(rapidhash_v3(bytes).to_le_bytes());
        at = (at + bytes.len()).next_multiple_of(ALIGN);
    }
    let mut file = Vec::with_capacity(at);
    file.extend(MAGIC);
    file.extend(VERSION.to_le_bytes());
    file.extend((SECTIONS as u32).to_le_bytes());
    file.extend(rapidhash_v3(&table).to_le_bytes());
    file.extend(table);
    for bytes in sections {
        file.resize(file.len().next_multiple_of(ALIGN), 0);
        file.extend(bytes);
    }
    file
}

/// Where the sections lie, after checking the header and all bounds.
pub(crate) fn sections(file: &[u8]) -> Result<[Range<usize>; SECTIONS], Damage> {
    if file.get(..8) != Some(MAGIC.as_slice()) {
        return Err("it does not begin as one");
    }
    if word(file, 8) as u32 != VERSION {
        return Err("another version");
    }
    if (word(file, 8) >> 32) as usize != SECTIONS {
        return Err("number of sections");
    }
    let table = file.get(FIXED..FIXED + SECTIONS * ENTRY).ok_or("cut in its header")?;
    if rapidhash_v3(table) != word(file, 16) {
        return Err("checksum of its header");
    }
    let mut spans = [const { 0..0 }; SECTIONS];
    for (place, span) in spans.iter_mut().enumerate() {
        let (start, length) = (word(table, place * ENTRY), word(table, place * ENTRY + 8));
        let end = start.checked_add(length).filter(|end| *end <= file.len() as u64).ok_or("it is cut")?;
        *span = start as usize..end as usize;
    }
    Ok(spans)
}

/// Checks every section's checksum.
pub(crate) fn verify(file: &[u8], spans: &[Range<usize>; SECTIONS]) -> Result<(), Damage> {
    let table = file.get(FIXED..).unwrap_or_default();
    for (place, span) in spans.iter().enumerate() {
        if rapidhash_v3(file.get(span.clone()).unwrap_or_default()) != word(table, place * ENTRY + 16) {
            return Err("checksum of a section");
        }
    }
    Ok(())
}

fn word(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..at + 8).and_then(|bytes| bytes.first_chunk::<8>()).map_or(0, |word| u64::from_le_bytes(*word))
}
