//! What a text holds, from one look at all its bytes, eight at a time.
//!
//! A loop that may end early looks at one byte after the other; most texts hold nothing of what is asked, so looking at
//! all of them costs less.

const ONES: u64 = 0x0101_0101_0101_0101;
const TOPS: u64 = ONES << 7;

/// Eight bytes of a text; behind its end zeros.
#[derive(Clone, Copy)]
pub(crate) struct Lanes(u64);

/// Top bits of the lanes of which something holds. Lanes above one of which it holds may be set in vain.
#[derive(Clone, Copy, Default)]
pub(crate) struct Marks(u64);

impl Lanes {
    /// Holds of `byte`.
    #[inline(always)]
    pub(crate) fn equal(self, byte: u8) -> Marks {
        let different = self.0 ^ (ONES * u64::from(byte));
        Marks(different.wrapping_sub(ONES) & !different)
    }

    /// Holds of the bytes from `first` to `last`, which are ASCII, and of as many that are not.
    #[inline(always)]
    pub(crate) fn within(self, first: u8, last: u8) -> Marks {
        let low = self.0 & !TOPS;
        let from_first = low + ONES * u64::from(0x80 - first);
        let behind_last = low + ONES * u64::from(0x7f - last);
        Marks(from_first & !behind_last)
    }

    /// Holds of bytes that equal `byte` as well as the one behind them does.
    #[inline(always)]
    pub(crate) fn pair(self, behind: Lanes, byte: u8) -> Marks {
        let all = ONES * u64::from(byte);
        Lanes((self.0 ^ all) | (behind.0 ^ all)).equal(0)
    }
}

impl std::ops::BitAnd for Marks {
    type Output = Marks;

    #[inline(always)]
    fn bitand(self, other: Marks) -> Marks {
        Marks(self.0 & other.0)
    }
}

impl std::ops::BitOr for Marks {
    type Output = Marks;

    #[inline(always)]
    fn bitor(self, other: Marks) -> Marks {
        Marks(self.0 | other.0)
    }
}

/// Of each of `N` questions whether it holds of any byte. `look` is handed eight bytes and the eight that begin one
/// later.
#[inline(always)]
pub(crate) fn survey<const N: usize>(text: &[u8], look: impl Fn(Lanes, Lanes) -> [Marks; N]) -> [bool; N] {
    let mut seen = [Marks::default(); N];
    let mut see = |lanes, behind| {
        for (all, marks) in seen.iter_mut().zip(look(Lanes(lanes), Lanes(behind))) {
            *all = *all | marks;
        }
    };
    let mut rest = text;
    while let Some((lanes, behind)) = rest.split_first_chunk::<8>()
        && let Some(next) = behind.first()
    {
        let lanes = u64::from_le_bytes(*lanes);
        see(lanes, lanes >> 8 | u64::from(*next) << 56);
        rest = behind;
    }
    // The last eight bytes, some of them once more, so that none are left over.
    let word = |bytes: &[u8]| bytes.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte));
    let last = text.last_chunk::<8>().map_or_else(|| word(text), |bytes| u64::from_le_bytes(*bytes));
    see(last, last >> 8);
    seen.map(|marks| marks.0 & TOPS != 0)
}

/// The first `byte` of a text. Most texts of requests are short: there it costs less than a call of `memchr`.
#[inline]
pub(crate) fn find(text: &[u8], byte: u8) -> Option<usize> {
    let mut rest = text;
    while let Some((lanes, behind)) = rest.split_first_chunk::<8>() {
        let Marks(marks) = Lanes(u64::from_le_bytes(*lanes)).equal(byte);
        if marks & TOPS != 0 {
            return Some(text.len() - rest.len() + (marks & TOPS).trailing_zeros() as usize / 8);
        }
        rest = behind;
    }
    rest.iter().position(|other| *other == byte).map(|at| text.len() - rest.len() + at)
}

/// The last `byte` of a text.
#[inline]
pub(crate) fn find_last(text: &[u8], byte: u8) -> Option<usize> {
    let mut rest = text;
    while let Some((before, lanes)) = rest.split_last_chunk::<8>() {
        // The other way round, the last byte is in the lowest lane.
        let Marks(marks) = Lanes(u64::from_be_bytes(*lanes)).equal(byte);
        if marks & TOPS != 0 {
            return Some(rest.len() - 1 - (marks & TOPS).trailing_zeros() as usize / 8);
        }
        rest = before;
    }
    rest.iter().rposition(|other| *other == byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(text: &[u8]) -> [bool; 3] {
        survey(text, |lanes, behind| [lanes.equal(b'x'), lanes.within(b'p', b'r'), lanes.pair(behind, b'/')])
    }

    fn one_by_one(text: &[u8]) -> [bool; 3] {
        let within = |byte: &u8| (b'p'..=b'r').contains(&(byte & 0x7f));
        [text.contains(&b'x'), text.iter().any(within), text.windows(2).any(|pair| pair == b"//")]
    }

    #[test]
    fn every_byte_of_texts_of_every_length_is_seen() {
        for length in 0..40 {
            for fill in [b'a', b'y', 0x00, 0xff] {
                let plain = vec![fill; length];
                assert_eq!(look(&plain), one_by_one(&plain), "{length}");
                for at in 0..length {
                    for what in
                        [&b"x"[..], b"/", b"//", b"x//x", b"/x/", b"y", b"p", b"r", b"o", b"s", b"\xf1", b"/0/./"]
                    {
                        let mut text = plain.clone();
                        text.splice(at..(at + what.len()).min(length), what.iter().copied());
                        assert_eq!(look(&text), one_by_one(&text), "{}", text.escape_ascii());
                        let slash = |byte: &u8| *byte == b'/';
                        assert_eq!(find(&text, b'/'), text.iter().position(slash), "{}", text.escape_ascii());
                        assert_eq!(find_last(&text, b'/'), text.iter().rposition(slash), "{}", text.escape_ascii());
                    }
                }
            }
        }
    }
}
