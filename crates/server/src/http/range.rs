//! The Range header (RFC 9110, 14): one range of bytes; everything else is as if it were not there. Pure.

use std::ops::Range;

/// What a request wants of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// From a byte on, up to and with another if it is told.
    From(u64, Option<u64>),
    /// The last so many bytes.
    Last(u64),
}

/// Reads the header. None: no range, several, another unit, or nothing that can be understood; the whole is sent then.
#[must_use]
pub fn parse(header: &str) -> Option<Wanted> {
    let (unit, range) = header.split_once('=')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return None;
    }
    let (first, last) = range.trim().split_once('-')?;
    match (first.trim(), last.trim()) {
        ("", last) => Some(Wanted::Last(number(last)?)),
        (first, "") => Some(Wanted::From(number(first)?, None)),
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            (first <= last).then_some(Wanted::From(first, Some(last)))
        }
    }
}

/// A number of any length; more than there is memory for is as good as endless.
fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(u64::MAX))
}

impl Wanted {
    /// Which bytes of a body of this length; none where it has none of them.
    #[must_use]
    pub fn of(self, length: u64) -> Option<Range<u64>> {
        let range = match self {
            Wanted::From(first, last) => first..last.map_or(length, |last| last.saturating_add(1).min(length)),
            Wanted::Last(count) => length.saturating_sub(count)..length,
        };
        (range.start < range.end).then_some(range)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ranges() {
        let of = |header: &str, length| parse(header).map(|wanted| wanted.of(length));
        assert_eq!(of("bytes=0-0", 10), Some(Some(0..1)));
        assert_eq!(of("bytes=2-", 10), Some(Some(2..10)));
        assert_eq!(of("bytes=2-100", 10), Some(Some(2..10)));
        assert_eq!(of("Bytes = 2 - 4 ", 10), Some(Some(2..5)));
        assert_eq!(of("bytes=-3", 10), Some(Some(7..10)));
        assert_eq!(of("bytes=-30", 10), Some(Some(0..10)));
        assert_eq!(of("bytes=9-", 10), Some(Some(9..10)));
        assert_eq!(of("bytes=10-", 10), Some(None), "nothing new yet");
        assert_eq!(of("bytes=-0", 10), Some(None));
        assert_eq!(of("bytes=0-", 0), Some(None));
        assert_eq!(of("bytes=0-99999999999999999999999999", 10), Some(Some(0..10)));
        assert_eq!(of("bytes=99999999999999999999999999-", 10), Some(None));
    }

    #[test]
    fn what_is_no_range() {
        for header in [
            "",
            "bytes",
            "bytes=",
            "bytes=-",
            "bytes=a-b",
            "bytes=5-2",
            "bytes=1-2,4-5",
            "lines=0-1",
            "bytes=+1-2",
            "bytes=1--2",
        ] {
            assert_eq!(parse(header), None, "{header}");
        }
    }

    proptest! {
        #[test]
        fn any_range_lies_within(header in "\\PC{0,24}|bytes=[0-9]{0,21}-[0-9]{0,21}", length: u64) {
            if let Some(range) = parse(&header).and_then(|wanted| wanted.of(length)) {
                prop_assert!(range.start < range.end && range.end <= length);
            }
        }
    }
}
