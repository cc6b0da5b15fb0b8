//! What a text holds, from one look at all its bytes, many at a time.
//!
//! Loops that may end early look at one byte after the other; most texts hold nothing of what is asked, so looking at
//! all of them costs less.

/// Bytes looked at in one step, and in one of short texts.
const STEP: usize = 16;
const SHORT: usize = 8;

/// The union of what `class` says of each byte and the one behind it, which is 0 behind the last.
///
/// `class` should be free of branches, and must say the same whenever it is asked of the same bytes.
#[inline(always)]
pub(crate) fn survey(text: &[u8], class: impl Fn(u8, u8) -> u8) -> u8 {
    let mut marks = text.last().map_or(0, |last| class(*last, 0));
    // The last step overlaps the one before it, so that no bytes are left over.
    if let Some(tail) = text.last_chunk::<{ STEP + 1 }>() {
        let mut lanes = [0; STEP];
        let mut rest = text;
        while let Some(window) = rest.first_chunk::<{ STEP + 1 }>() {
            look(&mut lanes, window, &class);
            rest = rest.get(STEP..).unwrap_or_default();
        }
        look(&mut lanes, tail, &class);
        marks |= lanes.iter().fold(0, |all, lane| all | lane);
    } else if let (Some(head), Some(tail)) = (text.first_chunk::<{ SHORT + 1 }>(), text.last_chunk::<{ SHORT + 1 }>()) {
        let mut lanes = [0; SHORT];
        look(&mut lanes, head, &class);
        look(&mut lanes, tail, &class);
        marks |= lanes.iter().fold(0, |all, lane| all | lane);
    } else {
        marks |= text.array_windows().fold(0, |all, [byte, next]| all | class(*byte, *next));
    }
    marks
}

/// Looks at each byte of a window but its last one.
#[inline(always)]
fn look<const N: usize>(lanes: &mut [u8; N], window: &[u8], class: impl Fn(u8, u8) -> u8) {
    for ((lane, byte), next) in lanes.iter_mut().zip(window).zip(window.iter().skip(1)) {
        *lane |= class(*byte, *next);
    }
}

/// The mark where the condition holds.
#[inline(always)]
pub(crate) fn mark(holds: bool, mark: u8) -> u8 {
    if holds { mark } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(byte: u8, next: u8) -> u8 {
        mark(byte == b'x', 1) | mark((byte == b'/') & (next == b'/'), 2) | mark(next == 0, 4)
    }

    fn one_by_one(text: &[u8]) -> u8 {
        (0..text.len()).fold(0, |all, at| all | class(text[at], text.get(at + 1).copied().unwrap_or(0)))
    }

    #[test]
    fn every_byte_of_texts_of_every_length_is_seen() {
        for length in 0..70 {
            let plain = vec![b'a'; length];
            assert_eq!(survey(&plain, class), one_by_one(&plain), "{length}");
            for at in 0..length {
                for what in [&b"x"[..], b"/", b"//", b"x//x"] {
                    let mut text = plain.clone();
                    text.splice(at..(at + what.len()).min(length), what.iter().copied());
                    assert_eq!(survey(&text, class), one_by_one(&text), "{}", text.escape_ascii());
                }
            }
        }
    }
}
