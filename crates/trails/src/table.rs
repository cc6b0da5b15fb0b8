//! The tables of a store file: texts by hash, addresses and digests by binary search, networks as ranges.

use crate::format;

/// Texts in buckets of fingerprints; a record is label and length (LEB128 each), then the text.
pub(crate) struct TextTable<'s> {
    pub(crate) buckets: &'s [u8],
    pub(crate) offsets: &'s [u8],
    pub(crate) keys: &'s [u8],
}

/// Every 16-bit lane is 1.
const LANES: u64 = 0x0001_0001_0001_0001;

impl TextTable<'_> {
    /// The label of the text that is the concatenation of `parts`.
    #[inline]
    pub(crate) fn get(&self, hash: u64, parts: &[&[u8]]) -> Option<u32> {
        let count = self.buckets.len() / format::BUCKET;
        if count == 0 {
            return None;
        }
        let wanted = u64::from(format::fingerprint(hash)) * LANES;
        let first = crate::hash::place(hash, count);
        for step in 0..count {
            let bucket = (first + step) % count;
            let words = self.buckets.get(bucket * format::BUCKET..)?.first_chunk::<{ format::BUCKET }>()?;
            let (words, _) = words.as_chunks::<8>();
            let mut last = 0;
            for (index, word) in words.iter().enumerate() {
                last = u64::from_le_bytes(*word);
                // A lane that is equal becomes zero, and its top bit is set below; lanes above it may be set
                // by the borrow and then fail the comparison of the text.
                let different = last ^ wanted;
                let mut equal = different.wrapping_sub(LANES) & !different & (LANES << 15);
                while equal != 0 {
                    let slot = bucket * format::SLOTS + index * 4 + (equal.trailing_zeros() / 16) as usize;
                    if let Some(label) = self.at(slot, parts) {
                        return Some(label);
                    }
                    equal &= equal - 1;
                }
            }
            if last >> 48 == 0 {
                return None; // Slots fill in order: an empty last one ends the chain.
            }
        }
        None
    }

    /// The label of a slot whose text equals the parts.
    fn at(&self, slot: usize, parts: &[&[u8]]) -> Option<u32> {
        let (label, mut key) = self.record(format::u32_at(self.offsets, slot * 4)?)?;
        for part in parts {
            key = key.strip_prefix(*part)?;
        }
        key.is_empty().then_some(label)
    }

    fn record(&self, offset: u32) -> Option<(u32, &[u8])> {
        let (label, rest) = varint(self.keys.get(offset as usize..)?)?;
        let (length, rest) = varint(rest)?;
        Some((label, rest.get(..length as usize)?))
    }
}

/// All texts with their labels, in file order.
pub(crate) fn records(mut rest: &[u8]) -> impl Iterator<Item = (u32, &[u8])> {
    std::iter::from_fn(move || {
        let (label, after) = varint(rest)?;
        let (length, after) = varint(after)?;
        let (key, after) = after.split_at_checked(length as usize)?;
        rest = after;
        Some((label, key))
    })
}

#[inline]
pub(crate) fn varint(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let mut value = 0u32;
    for (index, &byte) in bytes.iter().take(5).enumerate() {
        value |= u32::from(byte & 0x7f).checked_shl(7 * u32::try_from(index).ok()?)?;
        if byte < 0x80 {
            return Some((value, bytes.get(index + 1..)?));
        }
    }
    None
}

pub(crate) fn put_varint(out: &mut Vec<u8>, mut value: u32) {
    while value >= 0x80 {
        out.push(u8::try_from(value & 0x7f).unwrap_or_default() | 0x80);
        value >>= 7;
    }
    out.push(u8::try_from(value).unwrap_or_default());
}

/// Bytes that [`put_varint`] writes.
pub(crate) fn varint_length(value: u32) -> usize {
    (u32::BITS - value.leading_zeros()).div_ceil(7).max(1) as usize
}

/// First row of `low..high` for which `before` is false.
#[inline]
fn partition(mut low: usize, mut high: usize, before: impl Fn(usize) -> Option<bool>) -> Option<usize> {
    while low < high {
        let middle = low.midpoint(high);
        if before(middle)? { low = middle + 1 } else { high = middle }
    }
    Some(low)
}

/// The label of an address and port.
#[inline]
pub(crate) fn v4(index: &[u8], rows: &[u8], address: u32, port: u16) -> Option<u32> {
    let top = (address >> 16) as usize;
    let low = format::u32_at(index, top * 4)? as usize;
    let high = format::u32_at(index, top * 4 + 4)? as usize;
    let key = |row: usize| {
        let row: [u8; 6] = format::bytes(rows, row.checked_mul(format::V4_ROW)?)?;
        let [a, b, c, d, e, f] = row;
        Some((u32::from_le_bytes([a, b, c, d]), u16::from_le_bytes([e, f])))
    };
    let row = partition(low, high, |row| Some(key(row)? < (address, port)))?;
    if row >= high || key(row)? != (address, port) {
        return None;
    }
    format::u32_at(rows, row * format::V4_ROW + 6)
}

/// The label of a key in rows of key and label, sorted by key.
pub(crate) fn sorted<const N: usize>(rows: &[u8], wanted: &[u8; N]) -> Option<u32> {
    let width = N + 4;
    let count = rows.len() / width;
    let key = |row: usize| format::bytes::<N>(rows, row * width);
    let row = partition(0, count, |row| Some(key(row)? < *wanted))?;
    if row >= count || key(row)? != *wanted {
        return None;
    }
    format::u32_at(rows, row * width + N)
}

/// Prefix length and label of the range around an address (big-endian).
pub(crate) fn network<const N: usize>(rows: &[u8], address: &[u8; N]) -> Option<(u8, u32)> {
    let width = N + 5;
    let count = rows.len() / width;
    let row = partition(0, count, |row| Some(format::bytes::<N>(rows, row * width)? <= *address))?.checked_sub(1)?;
    let label = format::u32_at(rows, row * width + N)?;
    let [length] = format::bytes::<1>(rows, row * width + N + 4)?;
    (label != format::NO_LABEL).then_some((length, label))
}
