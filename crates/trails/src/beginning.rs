//! How bare paths begin: nearly all requests are told not to have a listed one from a few bytes.
//!
//! A trail that is a path without host stands for more than requests of that very path: it may be the path up to its
//! query, up to its first `=`, without the values of its parameters, without slashes at its end, its directory, or any
//! of these of its last element. What such a form has in common with the path it is of is what stands behind the first
//! slash, up to the next `/`, `?` or `=`: a form ends there or later, or where the path does. Of that the first eight
//! bytes are the beginning, so that it is the same of both.

const ONES: u64 = 0x0101_0101_0101_0101;
const TOPS: u64 = ONES << 7;

/// The beginning of what stands in a path from `start`, where there is a slash, on: its bytes, the first in the lowest
/// lane, zeros behind them.
#[inline]
pub(crate) fn beginning(path: &[u8], start: usize) -> u64 {
    let Some(rest) = path.get(start..).and_then(|rest| rest.get(1..)) else { return 0 };
    let word = match (rest.first_chunk::<8>(), path.last_chunk::<8>()) {
        (Some(word), _) => u64::from_le_bytes(*word),
        // The end of the path, without what stands before `rest`.
        (None, Some(word)) => u64::from_le_bytes(*word).checked_shr(64 - 8 * rest.len() as u32).unwrap_or(0),
        (None, None) => rest.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte)),
    };
    // `=` and `?` differ in the one bit that is set here. Lanes above one that is equal may be marked in vain.
    let marks = equal(word, b'/') | equal(word | (ONES * 2), b'?');
    let first = marks & TOPS & marks.wrapping_neg();
    word & (first >> 7).wrapping_sub(1)
}

/// The top bit of the first lane that holds `byte`; more above it.
#[inline(always)]
fn equal(word: u64, byte: u8) -> u64 {
    let different = word ^ (ONES * u64::from(byte));
    different.wrapping_sub(ONES) & !different & TOPS
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn one_by_one(path: &[u8], start: usize) -> u64 {
        let rest = path.iter().skip(start + 1).take(8).take_while(|byte| !matches!(byte, b'/' | b'?' | b'='));
        rest.zip(0..).fold(0, |word, (byte, lane)| word | u64::from(*byte) << (8 * lane))
    }

    proptest! {
        #[test]
        fn bytes_up_to_what_ends_them(path in "[a/?=>;\\-.\u{80}\u{ff}\0]{0,20}", start in 0usize..22) {
            prop_assert_eq!(beginning(path.as_bytes(), start), one_by_one(path.as_bytes(), start));
        }
    }
}
