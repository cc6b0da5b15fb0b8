//! How paths begin and how names end, as one word of eight bytes: enough to tell nearly all of them from what is listed.
//!
//! **Beginnings of paths.** A trail that is a path without host stands for more than requests of that very path: it may
//! be the path up to its query, up to its first `=`, without the values of its parameters, without slashes at its end,
//! its directory, or any of these of its last element. What such a form has in common with the path it is of is what
//! stands behind the first slash, up to the next `/`, `?` or `=`: a form ends there or later, or where the path does. Of
//! that the first eight bytes are the beginning, so that it is the same of both.
//!
//! **Last labels of names.** Trails that are a single label cover all names that end in it. Of a longer label the last
//! eight bytes count, of a listed one as of one that is looked up.

const ONES: u64 = 0x0101_0101_0101_0101;
const TOPS: u64 = ONES << 7;

/// The beginning of what stands in a path from `start`, where there is a slash, on: its first byte in the lowest lane,
/// zeros behind it.
#[inline]
pub(crate) fn beginning(path: &[u8], start: usize) -> u64 {
    let Some(rest) = path.get(start..).and_then(|rest| rest.get(1..)) else { return 0 };
    let word = match (rest.first_chunk::<8>(), path.last_chunk::<8>()) {
        (Some(word), _) => u64::from_le_bytes(*word),
        // The end of the path, without what stands before `rest`.
        (None, Some(word)) => u64::from_le_bytes(*word).checked_shr(64 - 8 * rest.len() as u32).unwrap_or(0),
        (None, None) => rest.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte)),
    };
    // `=` and `?` differ in the one bit that is set here.
    word & before(equal(word, b'/') | equal(word | (ONES * 2), b'?'))
}

/// The last label of a name: its last byte in the lowest lane, zeros behind its first; and the dot before it.
#[inline]
pub(crate) fn last_label(name: &[u8]) -> (u64, Option<usize>) {
    let word = name.last_chunk::<8>().map_or_else(
        || name.iter().fold(0, |word, byte| word << 8 | u64::from(*byte)),
        |word| u64::from_be_bytes(*word),
    );
    let dots = equal(word, b'.');
    let dot = if dots == 0 { last_dot(name) } else { name.len().checked_sub(1 + lane(dots)) };
    (word & before(dots), dot)
}

/// The last dot of a text.
#[inline]
pub(crate) fn last_dot(text: &[u8]) -> Option<usize> {
    let mut rest = text;
    while let Some((head, word)) = rest.split_last_chunk::<8>() {
        // The other way round, the last byte is in the lowest lane.
        let dots = equal(u64::from_be_bytes(*word), b'.');
        if dots != 0 {
            return Some(rest.len() - 1 - lane(dots));
        }
        rest = head;
    }
    rest.iter().rposition(|byte| *byte == b'.')
}

/// The top bit of the lowest lane that holds `byte`, and perhaps of some above it.
#[inline(always)]
fn equal(word: u64, byte: u8) -> u64 {
    let different = word ^ (ONES * u64::from(byte));
    different.wrapping_sub(ONES) & !different & TOPS
}

/// The lanes below the lowest one that is marked; all where none is.
#[inline(always)]
fn before(marks: u64) -> u64 {
    ((marks & marks.wrapping_neg()) >> 7).wrapping_sub(1)
}

/// The lowest lane that is marked.
#[inline(always)]
fn lane(marks: u64) -> usize {
    marks.trailing_zeros() as usize / 8
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn word<'b>(bytes: impl Iterator<Item = &'b u8>) -> u64 {
        bytes.zip(0..8).fold(0, |word, (byte, lane)| word | u64::from(*byte) << (8 * lane))
    }

    proptest! {
        #[test]
        fn beginnings_byte_by_byte(path in "[a/?=>;.\u{80}\u{ff}\0]{0,20}", start in 0usize..22) {
            let behind = path.as_bytes().iter().skip(start + 1).take_while(|byte| !matches!(byte, b'/' | b'?' | b'='));
            prop_assert_eq!(beginning(path.as_bytes(), start), word(behind));
        }

        #[test]
        fn last_labels_byte_by_byte(name in "[a./-]{0,20}|[a./\u{ff}\0-]{0,9}[ab-]{5,12}|\\PC{0,20}") {
            let label = name.as_bytes().iter().rev().take_while(|byte| **byte != b'.');
            prop_assert_eq!(last_label(name.as_bytes()), (word(label), name.rfind('.')));
            prop_assert_eq!(last_dot(name.as_bytes()), name.rfind('.'));
        }
    }
}
