//! The hashes that store files depend on: a change of a result here is a new file version.
//!
//! They are fixed, not seeded: what traffic looks up is never inserted, so crafted collisions only cost a
//! comparison.

const SEED: u64 = 0x9e37_79b9_7f4a_7c15;
const WORD: u64 = 0xa076_1d64_78bd_642f;
const TAIL: u64 = 0xe703_7ed1_a0b4_28db;

/// Multiplies to 128 bits and folds the halves: every bit of the input reaches every part of the result.
#[inline]
#[allow(clippy::cast_possible_truncation)] // The halves are what is wanted.
fn fold(a: u64, b: u64) -> u64 {
    let wide = u128::from(a) * u128::from(b);
    (wide as u64 ^ (wide >> 64) as u64).wrapping_add(b)
}

/// Two words of 16 bytes.
#[inline]
fn words(bytes: &[u8; 16]) -> (u64, u64) {
    let word = u128::from_le_bytes(*bytes);
    (word as u64, (word >> 64) as u64)
}

/// The first and the last bytes of up to 16, which overlap where there are fewer.
#[inline]
fn ends(bytes: &[u8]) -> (u64, u64) {
    if let (Some(first), Some(last)) = (bytes.first_chunk::<8>(), bytes.last_chunk::<8>()) {
        (u64::from_le_bytes(*first), u64::from_le_bytes(*last))
    } else if let (Some(first), Some(last)) = (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        (u32::from_le_bytes(*first).into(), u32::from_le_bytes(*last).into())
    } else if let (Some(first), Some(middle), Some(last)) = (bytes.first(), bytes.get(bytes.len() / 2), bytes.last()) {
        (u64::from(*first) | u64::from(*middle) << 8, (*last).into())
    } else {
        (0, 0)
    }
}

/// Hash of a text.
#[inline]
pub(crate) fn text(bytes: &[u8]) -> u64 {
    let mut hash = SEED ^ (bytes.len() as u64).wrapping_mul(WORD);
    let mut rest = bytes;
    while let Some((head, tail)) = rest.split_first_chunk::<16>()
        && !tail.is_empty()
    {
        let (a, b) = words(head);
        hash = fold(hash ^ a, WORD ^ b);
        rest = tail;
    }
    // What is left is at most 16 bytes; of a longer text the last 16, some of them once more.
    let (a, b) = bytes.last_chunk::<16>().map_or_else(|| ends(rest), words);
    fold(fold(hash ^ a, WORD ^ b), TAIL)
}

/// Hash of a host and what follows it in a URL, from the hashes of both.
#[inline]
pub(crate) fn join(host: u64, path: u64) -> u64 {
    fold(host ^ path.rotate_left(32), TAIL)
}

/// A text with its hash, which is computed once for all the lookups that the text takes part in.
#[derive(Clone, Copy, Debug)]
pub struct Hashed<'a> {
    text: &'a [u8],
    hash: u64,
}

impl<'a> Hashed<'a> {
    /// Of a text as trails are written: lower case.
    #[inline]
    #[must_use]
    pub fn new(text: &'a [u8]) -> Hashed<'a> {
        Hashed { text, hash: self::text(text) }
    }

    /// The text.
    #[inline]
    #[must_use]
    pub fn text(&self) -> &'a [u8] {
        self.text
    }

    #[inline]
    pub(crate) fn hash(&self) -> u64 {
        self.hash
    }
}

/// Hash of a word.
#[inline]
pub(crate) fn word(word: u64) -> u64 {
    fold(word ^ SEED, WORD)
}

/// Hash of an address as a number; IPv4 and IPv6 numbers do not meet in one table but for the filter.
#[inline]
#[allow(clippy::cast_possible_truncation)] // The halves are what is wanted.
pub(crate) fn address(bits: u128) -> u64 {
    let (low, high) = (bits as u64, (bits >> 64) as u64);
    let low = word(low);
    if high == 0 { low } else { fold(low ^ high, TAIL) }
}

/// Checksum of something small.
pub(crate) fn checksum(bytes: &[u8]) -> u64 {
    rapidhash::v3::rapidhash_v3(bytes)
}

/// Bytes of a block of [`Checksum`].
const BLOCK: usize = 64 << 10;

/// Checksum of a section, block by block: of what is written or read piece by piece and never in memory as a whole.
pub(crate) struct Checksum {
    sum: u64,
    /// The block that has begun.
    block: Vec<u8>,
}

impl Checksum {
    pub(crate) fn new() -> Self {
        Self { sum: SEED, block: Vec::new() }
    }

    /// Of bytes that are there.
    pub(crate) fn of(bytes: &[u8]) -> u64 {
        fold(bytes.chunks(BLOCK).fold(SEED, block_sum), TAIL)
    }

    /// Goes on with the next piece.
    pub(crate) fn update(&mut self, mut piece: &[u8]) {
        while let Some((head, tail)) = piece.split_at_checked(BLOCK - self.block.len()) {
            if self.block.is_empty() {
                self.sum = block_sum(self.sum, head);
            } else {
                self.block.extend_from_slice(head);
                self.sum = block_sum(self.sum, &self.block);
                self.block.clear();
            }
            piece = tail;
        }
        self.block.extend_from_slice(piece);
    }

    pub(crate) fn finish(self) -> u64 {
        fold(if self.block.is_empty() { self.sum } else { block_sum(self.sum, &self.block) }, TAIL)
    }
}

fn block_sum(sum: u64, block: &[u8]) -> u64 {
    fold(sum ^ checksum(block), WORD)
}

/// Maps a hash to `0..count`.
#[inline]
#[allow(clippy::cast_possible_truncation)] // Below `count`, which is a usize.
pub(crate) fn place(hash: u64, count: usize) -> usize {
    (((hash >> 32) * count as u64) >> 32) as usize
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn fixed_values() {
        assert_eq!(text(b""), 3_809_673_448_587_389_189);
        assert_eq!(text(b"www.evil.example"), 7_501_661_922_795_576_759);
        assert_eq!(text(b"www.evil.example/of-thirty-three-"), 12_642_152_979_500_097_518);
        assert_eq!(join(text(b"evil.example"), text(b"/gate.php")), 12_583_440_893_905_014_339);
        assert_eq!(address(0x0a00_0001), 13_015_614_482_300_604_758);
        assert_eq!(word(0x0a00_0001), address(0x0a00_0001));
    }

    #[test]
    fn checksums_of_pieces() {
        let bytes: Vec<u8> = (0..3 * BLOCK).map(|at| (at % 251) as u8).collect();
        for length in [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK, 3 * BLOCK] {
            let bytes = &bytes[..length];
            for step in [1000, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK] {
                let mut sum = Checksum::new();
                bytes.chunks(step).for_each(|piece| sum.update(piece));
                assert_eq!(sum.finish(), Checksum::of(bytes), "{length} in pieces of {step}");
            }
        }
        let mut changed = bytes.clone();
        changed.swap(BLOCK - 1, BLOCK + 1);
        assert_ne!(Checksum::of(&changed), Checksum::of(&bytes), "order counts");
    }

    #[test]
    fn every_byte_and_the_length_count() {
        let mut seen = HashMap::new();
        for length in 0..70 {
            let plain = vec![b'a'; length];
            let changed = (0..length).flat_map(|at| {
                [0, b'b', b'c', 0xff].map(|byte| {
                    let mut text = vec![b'a'; length];
                    text[at] = byte;
                    text
                })
            });
            for text in std::iter::once(plain).chain(changed) {
                let before = seen.insert(self::text(&text), text.clone());
                assert!(before.is_none(), "{text:?} and {before:?}");
            }
        }
    }

    #[test]
    fn hosts_and_paths_do_not_change_places() {
        let (a, b) = (text(b"a"), text(b"b"));
        assert_ne!(join(a, b), join(b, a));
        assert_ne!(join(a, a), join(b, b));
    }
}
