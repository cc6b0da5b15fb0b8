//! The hash table over keys: buckets of 32 fingerprints of 16 bits (one cache line), and 32 offsets beside them.
//!
//! A key lies in the bucket of its hash or, where that is full, in the next that is not. A bucket that is not full
//! ends every search.

/// Keys to a bucket.
const SLOTS: usize = 32;
/// Keys to a bucket on average when built.
const FILL: usize = 28;
/// Bytes of an entry before the key: kind, length, label.
pub(crate) const ENTRY: usize = 6;

fn fingerprint(hash: u64) -> u16 {
    (hash as u16).max(1)
}

#[inline]
fn bucket(hash: u64, buckets: usize) -> usize {
    (((hash >> 32) * buckets as u64) >> 32) as usize
}

/// Fingerprints and offsets of `keys`: hash and offset of each.
pub(crate) fn build(keys: impl ExactSizeIterator<Item = (u64, u32)>) -> (Vec<u8>, Vec<u8>) {
    let buckets = keys.len() / FILL + 1;
    let mut fingerprints = vec![0_u8; buckets * SLOTS * 2];
    let mut offsets = vec![0_u8; buckets * SLOTS * 4];
    let mut used = vec![0_u8; buckets];
    for (hash, offset) in keys {
        let mut at = bucket(hash, buckets);
        while used.get(at).is_some_and(|used| usize::from(*used) >= SLOTS) {
            at = (at + 1) % buckets;
        }
        let Some(used) = used.get_mut(at) else { continue };
        let slot = at * SLOTS + usize::from(*used);
        *used += 1;
        if let (Some(print), Some(place)) =
            (fingerprints.get_mut(slot * 2..slot * 2 + 2), offsets.get_mut(slot * 4..slot * 4 + 4))
        {
            print.copy_from_slice(&fingerprint(hash).to_le_bytes());
            place.copy_from_slice(&offset.to_le_bytes());
        }
    }
    (fingerprints, offsets)
}

/// The table in a file.
#[derive(Clone, Copy)]
pub(crate) struct Table<'s> {
    pub(crate) fingerprints: &'s [u8],
    pub(crate) offsets: &'s [u8],
    pub(crate) keys: &'s [u8],
}

/// A key as it lies in the file.
#[derive(Clone, Copy)]
pub(crate) struct Entry<'s> {
    pub(crate) kind: u8,
    pub(crate) label: u32,
    pub(crate) key: &'s [u8],
}

impl<'s> Table<'s> {
    /// The first entry with this hash for which `is` holds.
    #[inline]
    pub(crate) fn find(&self, hash: u64, is: impl Fn(&Entry<'s>) -> bool) -> Option<Entry<'s>> {
        let (prints, _) = self.fingerprints.as_chunks::<{ SLOTS * 2 }>();
        let mut at = bucket(hash, prints.len());
        let wanted = fingerprint(hash).to_le_bytes();
        // A damaged file could have no bucket with room: once around is enough.
        for _ in 0..prints.len() {
            let line = prints.get(at)?;
            let mut equal = matches(line, wanted);
            while equal != 0 {
                let slot = equal.trailing_zeros() as usize;
                equal &= equal - 1;
                if let Some(entry) = self.at(at * SLOTS + slot)
                    && is(&entry)
                {
                    return Some(entry);
                }
            }
            if line.last_chunk::<2>() == Some(&[0, 0]) {
                return None;
            }
            at = (at + 1) % prints.len();
        }
        None
    }

    #[inline(never)]
    fn at(&self, slot: usize) -> Option<Entry<'s>> {
        let (offsets, _) = self.offsets.as_chunks::<4>();
        let offset = u32::from_le_bytes(*offsets.get(slot)?) as usize;
        self.entry(offset).map(|(entry, _)| entry)
    }

    /// The entry at an offset, and the offset of the next.
    pub(crate) fn entry(&self, offset: usize) -> Option<(Entry<'s>, usize)> {
        let rest = self.keys.get(offset..)?;
        let (&[kind, l0, l1, a, b, c], rest) = rest.split_first_chunk::<ENTRY>()?;
        let length = usize::from(u16::from_le_bytes([l0, l1]));
        let entry = Entry { kind, label: u32::from_le_bytes([a, b, c, 0]), key: rest.get(..length)? };
        Some((entry, offset + ENTRY + length))
    }
}

/// One bit for each fingerprint that equals `wanted`.
#[inline]
fn matches(line: &[u8; SLOTS * 2], wanted: [u8; 2]) -> u32 {
    let (prints, _) = line.as_chunks::<2>();
    let mut bits = 0;
    for (slot, print) in prints.iter().enumerate() {
        bits |= u32::from(*print == wanted) << slot;
    }
    bits
}

/// A filter of bits over hashes, two bits a key in one cache line: quick to say no.
pub(crate) mod filter {
    /// Bytes of a filter for so many keys: 16 bits a key, a power of two of lines.
    pub(crate) fn size(keys: usize) -> usize {
        (keys * 2).next_power_of_two().max(64)
    }

    fn bits(hash: u64, len: usize) -> [(usize, u8); 2] {
        let line = (hash >> 18) as usize & (len / 64).wrapping_sub(1);
        [hash & 511, (hash >> 9) & 511].map(|bit| (line * 64 + (bit >> 3) as usize, 1 << (bit & 7)))
    }

    pub(crate) fn add(filter: &mut [u8], hash: u64) {
        for (byte, bit) in bits(hash, filter.len()) {
            if let Some(byte) = filter.get_mut(byte) {
                *byte |= bit;
            }
        }
    }

    #[inline]
    pub(crate) fn may_hold(filter: &[u8], hash: u64) -> bool {
        bits(hash, filter.len()).iter().all(|(byte, bit)| filter.get(*byte).is_some_and(|byte| byte & bit != 0))
    }
}
