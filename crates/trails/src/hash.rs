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

#[inline]
fn tail(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte))
}

/// Hash of a name, label by label from the right: the value after `n` steps is that of the parent of `n` labels.
#[derive(Clone, Copy)]
pub(crate) struct NameHash(pub(crate) u64);

impl NameHash {
    pub(crate) const START: Self = Self(SEED);

    #[inline]
    pub(crate) fn step(self, label: &[u8]) -> Self {
        let (words, rest) = label.as_chunks::<8>();
        let mut hash = self.0 ^ label.len() as u64;
        for word in words {
            hash = fold(hash ^ u64::from_le_bytes(*word), WORD);
        }
        Self(fold(hash ^ tail(rest), TAIL))
    }

    pub(crate) fn of(name: &[u8]) -> Self {
        name.rsplit(|&byte| byte == b'.').fold(Self::START, NameHash::step)
    }
}

/// Hash of a text given in parts; where it is cut makes no difference.
pub(crate) struct TextHash {
    hash: u64,
    pending: u64,
    filled: u32,
    length: u64,
}

impl TextHash {
    pub(crate) fn of(parts: &[&[u8]]) -> u64 {
        let mut hash = Self { hash: SEED, pending: 0, filled: 0, length: 0 };
        parts.iter().for_each(|part| hash.push(part));
        fold(hash.hash ^ hash.pending, TAIL ^ hash.length)
    }

    #[inline]
    fn push(&mut self, part: &[u8]) {
        self.length = self.length.wrapping_add(part.len() as u64);
        let fill = if self.filled == 0 { 0 } else { (8 - self.filled as usize).min(part.len()) };
        let (head, part) = part.split_at_checked(fill).unwrap_or((part, &[]));
        head.iter().for_each(|&byte| self.byte(byte));
        let (words, rest) = part.as_chunks::<8>();
        for word in words {
            self.hash = fold(self.hash ^ u64::from_le_bytes(*word), WORD);
        }
        rest.iter().for_each(|&byte| self.byte(byte));
    }

    #[inline]
    fn byte(&mut self, byte: u8) {
        self.pending |= u64::from(byte) << (8 * self.filled);
        self.filled += 1;
        if self.filled == 8 {
            self.hash = fold(self.hash ^ self.pending, WORD);
            (self.pending, self.filled) = (0, 0);
        }
    }
}

/// Hash of an address as a number; IPv4 and IPv6 numbers do not meet in one table but for the filter.
#[inline]
#[allow(clippy::cast_possible_truncation)] // The halves are what is wanted.
pub(crate) fn address(bits: u128) -> u64 {
    fold(fold(bits as u64 ^ SEED, WORD) ^ (bits >> 64) as u64, TAIL)
}

/// Checksum of a section.
pub(crate) fn checksum(bytes: &[u8]) -> u64 {
    rapidhash::v3::rapidhash_v3(bytes)
}

/// Maps a hash to `0..count`.
#[inline]
#[allow(clippy::cast_possible_truncation)] // Below `count`, which is a usize.
pub(crate) fn place(hash: u64, count: usize) -> usize {
    (((hash >> 32) * count as u64) >> 32) as usize
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn fixed_values() {
        assert_eq!(NameHash::of(b"evil.example").0, NameHash::START.step(b"example").step(b"evil").0);
        assert_eq!(NameHash::of(b"www.evil.example").0, 9_090_782_265_404_316_509);
    }

    proptest! {
        #[test]
        fn cuts_make_no_difference(text in prop::collection::vec(any::<u8>(), 0..40), a in 0usize..40, b in 0usize..40) {
            let (a, b) = (a.min(b).min(text.len()), a.max(b).min(text.len()));
            prop_assert_eq!(TextHash::of(&[&text[..a], &text[a..b], &text[b..]]), TextHash::of(&[&text]));
        }
    }
}
