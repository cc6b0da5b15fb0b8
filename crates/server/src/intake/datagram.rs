//! What stands in a datagram: lines, each with seconds since the epoch before it or without.
//!
//! ```text
//! 1767323045.5 "2026-01-02 03:04:05.500000" gw 10.0.0.5 40000 8.8.8.8 53 UDP DNS (www).evil.example "x" (static)
//! ```
//!
//! The seconds decide the time of an event: the text is local to a zone that nobody tells. No line is judged here.

use jiff::Timestamp;

/// Seconds since the epoch that stand before a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Epoch {
    /// There are none: the bare line.
    None,
    /// A time.
    At(Timestamp),
    /// A number that is no time.
    Wrong,
}

/// One line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line<'d> {
    /// What stands before it.
    pub epoch: Epoch,
    /// The event line, without its end.
    pub text: &'d [u8],
}

/// The lines of a datagram. Empty ones are passed over.
pub fn lines(datagram: &[u8]) -> impl Iterator<Item = Line<'_>> {
    let lines = datagram.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    lines.filter(|line| !line.iter().all(|byte| *byte == b' ')).map(line)
}

fn line(bytes: &[u8]) -> Line<'_> {
    let bare = Line { epoch: Epoch::None, text: bytes };
    let Some(space) = bytes.iter().position(|byte| !byte.is_ascii_digit() && *byte != b'.') else { return bare };
    match bytes.split_at_checked(space) {
        Some((number, [b' ', text @ ..])) if !number.is_empty() => {
            Line { epoch: time(number).map_or(Epoch::Wrong, Epoch::At), text }
        }
        _ => bare,
    }
}

/// The time of `seconds[.fraction]`; digits behind the ninth of the fraction are not looked at.
fn time(number: &[u8]) -> Option<Timestamp> {
    let mut parts = number.splitn(2, |byte| *byte == b'.');
    let seconds = digits(parts.next()?)?;
    let nanoseconds = match parts.next() {
        None => 0,
        Some(fraction) if fraction.contains(&b'.') => return None,
        Some(fraction) => {
            let fraction = fraction.get(..9).unwrap_or(fraction);
            digits(fraction)?.checked_mul(10i64.checked_pow(9 - u32::try_from(fraction.len()).ok()?)?)?
        }
    };
    Timestamp::new(seconds, i32::try_from(nanoseconds).ok()?).ok()
}

/// A number of digits; none of nothing, or where it is too large.
fn digits(text: &[u8]) -> Option<i64> {
    let number = |so_far: i64, digit: &u8| so_far.checked_mul(10)?.checked_add(i64::from(digit.wrapping_sub(b'0')));
    if text.is_empty() { None } else { text.iter().try_fold(0, number) }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(datagram: &str) -> Vec<(Epoch, String)> {
        lines(datagram.as_bytes()).map(|l| (l.epoch, String::from_utf8(l.text.to_vec()).unwrap())).collect()
    }

    fn at(text: &str) -> Epoch {
        Epoch::At(text.parse().unwrap())
    }

    #[test]
    fn seconds_before_a_line() {
        let bare = r#""2026-01-02 03:04:05.000006" gw 10.0.0.5"#;
        let quoted = |number: &str| format!("{number} {bare}");
        let time = "2026-01-02T03:04:05";
        for (number, epoch) in [
            ("1767323045", at(&format!("{time}Z"))),
            ("1767323045.5", at(&format!("{time}.5Z"))),
            ("1767323045.000006", at(&format!("{time}.000006Z"))),
            ("1767323045.1234567891", at(&format!("{time}.123456789Z"))),
            ("0", at("1970-01-01T00:00:00Z")),
            ("1767323045.", Epoch::Wrong),
            (".5", Epoch::Wrong),
            ("1.2.3", Epoch::Wrong),
            ("99999999999999", Epoch::Wrong),
            ("99999999999999999999999999", Epoch::Wrong),
        ] {
            assert_eq!(of(&quoted(number)), [(epoch, bare.to_owned())], "{number}");
        }
    }

    #[test]
    fn bare_lines_and_several() {
        assert_eq!(of("2026-01-02 gw"), [(Epoch::None, "2026-01-02 gw".to_owned())]);
        assert_eq!(of("-5 gw"), [(Epoch::None, "-5 gw".to_owned())]);
        assert_eq!(of("12345"), [(Epoch::None, "12345".to_owned())]);
        assert_eq!(of("12345x y"), [(Epoch::None, "12345x y".to_owned())]);
        let one = Epoch::At(Timestamp::new(1, 0).unwrap());
        let expected = [(one, "a".to_owned()), (Epoch::None, "b c".to_owned()), (one, "d".to_owned())];
        assert_eq!(of("1 a\nb c\r\n\n  \n1 d\n"), expected);
        assert!(of("").is_empty() && of("\n\r\n \n").is_empty());
    }

    proptest! {
        #[test]
        fn never_panics(datagram: Vec<u8>) {
            for line in lines(&datagram) {
                prop_assert!(!line.text.contains(&b'\n'));
            }
        }

        #[test]
        fn what_is_sent_arrives(
            sent in proptest::collection::vec((0i64..200_000_000_000, 0i32..1_000_000_000, "[^\n\r]*x"), 0..8)
        ) {
            let datagram: String = sent.iter().map(|(s, ns, text)| format!("{s}.{ns:09} {text}\n")).collect();
            let expected: Vec<_> =
                sent.into_iter().map(|(s, ns, text)| (Epoch::At(Timestamp::new(s, ns).unwrap()), text)).collect();
            prop_assert_eq!(of(&datagram), expected);
        }
    }
}
