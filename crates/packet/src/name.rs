//! Host names as they are looked up: lower case, dots between labels, no trailing dot.

/// A host name of at most 255 bytes in the form trails are written in.
///
/// ASCII letters are lower case, labels are separated by dots and the trailing dot is gone. Bytes that no
/// host name may hold are kept as they were seen: attacker-made text is data.
#[derive(Clone, Copy)]
pub struct Name {
    len: u8,
    bytes: [u8; 255],
}

impl Name {
    /// The empty name (the DNS root).
    pub const EMPTY: Name = Name { len: 0, bytes: [0; 255] };

    /// From text as it stands in a Host header, an SNI or a HELO: lower-cased, without trailing dots.
    /// `None` where it is longer than 255 bytes.
    #[must_use]
    pub fn from_text(text: &[u8]) -> Option<Name> {
        let mut text = text;
        while let [head @ .., b'.'] = text {
            text = head;
        }
        let mut name = Name::EMPTY;
        name.push(text).then_some(name)
    }

    /// Makes it the empty name.
    #[inline]
    pub fn clear(&mut self) {
        self.len = 0;
    }

    /// Appends `bytes`, lower-cased; false (and nothing appended) where that would pass 255 bytes.
    pub fn push(&mut self, bytes: &[u8]) -> bool {
        let start = usize::from(self.len);
        let Some(room) = self.bytes.get_mut(start..start + bytes.len()) else { return false };
        room.copy_from_slice(bytes);
        lower_case(room);
        self.len = (start + bytes.len()) as u8;
        true
    }

    /// Appends labels as they stand in a DNS message: each behind a byte that says its length, at most 63. A dot
    /// inside a label becomes [`DOT_IN_LABEL`]. False (and nothing appended) where that would pass 255 bytes.
    pub(crate) fn push_run(&mut self, labels: &[u8]) -> bool {
        let Some((&first, text)) = labels.split_first() else { return true };
        let start = usize::from(self.len) + usize::from(!self.is_empty());
        let Some(room) = self.bytes.get_mut(start..start + text.len()) else { return false };
        room.copy_from_slice(text);
        lower_case_labels(room);
        // Length bytes of the second and further labels become dots, and so does the place before the first.
        let mut at = usize::from(first);
        while let (Some(length), Some(place)) = (text.get(at), room.get_mut(at)) {
            *place = b'.';
            at += 1 + usize::from(*length);
        }
        if let Some(place) = self.bytes.get_mut(usize::from(self.len)..start) {
            place.fill(b'.');
        }
        self.len = (start + text.len()) as u8;
        true
    }

    /// The name's bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }

    /// Whether it is the root.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}

/// What stands in a name for a dot inside a label: it must separate nothing, and no host name holds it.
pub const DOT_IN_LABEL: u8 = b'?';

const ONES: u64 = 0x0101_0101_0101_0101;

/// The bytes of `word` with ASCII letters in lower case.
fn lower_case_word(word: u64) -> u64 {
    let low = word & (0x7f * ONES);
    let above_z = low + (0x7f - b'Z' as u64) * ONES;
    let from_a = low + (0x80 - b'A' as u64) * ONES;
    let upper = (from_a & !above_z & !word) & (0x80 * ONES);
    word | upper >> 2
}

/// The bytes of `word` with dots replaced.
fn replace_dots_in_word(word: u64) -> u64 {
    let other = word ^ (b'.' as u64 * ONES);
    let dots = !(((other & (0x7f * ONES)) + 0x7f * ONES) | other | (0x7f * ONES));
    word ^ ((dots >> 7) * u64::from(b'.' ^ DOT_IN_LABEL))
}

/// Whether a text holds a dot. It is short and holds none nearly always.
pub(crate) fn has_dot(text: &[u8]) -> bool {
    let dots = |word: u64| {
        let other = word ^ (b'.' as u64 * ONES);
        other.wrapping_sub(ONES) & !other & (0x80 * ONES)
    };
    // The last eight bytes, some of them once more, so that none are left over.
    let Some(last) = text.last_chunk::<8>() else { return text.contains(&b'.') };
    let (words, _) = text.as_chunks::<8>();
    words.iter().fold(dots(u64::from_ne_bytes(*last)), |any, word| any | dots(u64::from_ne_bytes(*word))) != 0
}

/// Eight bytes at a time: names are short and of any length, which wider steps suit less.
fn lower_case(text: &mut [u8]) {
    let (chunks, rest) = text.as_chunks_mut::<8>();
    for chunk in chunks {
        *chunk = lower_case_word(u64::from_ne_bytes(*chunk)).to_ne_bytes();
    }
    rest.make_ascii_lowercase();
}

/// As [`lower_case`], and replaces dots.
fn lower_case_labels(text: &mut [u8]) {
    let (chunks, rest) = text.as_chunks_mut::<8>();
    for chunk in chunks {
        *chunk = replace_dots_in_word(lower_case_word(u64::from_ne_bytes(*chunk))).to_ne_bytes();
    }
    for byte in rest {
        *byte = if *byte == b'.' { DOT_IN_LABEL } else { byte.to_ascii_lowercase() };
    }
}

impl std::fmt::Debug for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.as_bytes().escape_ascii())
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for Name {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_at_every_place_of_a_word() {
        for byte in 0..=u8::MAX {
            for place in 0..19 {
                let mut text = [b'@'; 19];
                text[place] = byte;
                let mut expected = text;
                expected.make_ascii_lowercase();
                let mut name = Name::EMPTY;
                assert!(name.push(&text));
                assert_eq!(name.as_bytes(), expected);
                let mut labels = Name::EMPTY;
                assert!(labels.push_run(&[&[19], &text[..]].concat()));
                let expected = expected.map(|byte| if byte == b'.' { DOT_IN_LABEL } else { byte });
                assert_eq!(labels.as_bytes(), expected);
                for length in 0..=text.len() {
                    assert_eq!(has_dot(&text[..length]), byte == b'.' && place < length);
                }
            }
        }
    }

    #[test]
    fn length() {
        for (length, fits) in [(254, true), (255, true), (256, false)] {
            assert_eq!(Name::from_text(&vec![b'x'; length]).is_some(), fits);
            // Two labels behind their length bytes: the first of these takes no place.
            let mut run = vec![2, b'a', b'b', 63];
            run.resize(length + 1, b'c');
            let mut name = Name::EMPTY;
            assert_eq!(name.push_run(&run), fits);
            assert_eq!(name.as_bytes().len(), if fits { length } else { 0 });
        }
    }

    #[test]
    fn labels_of_a_message() {
        let mut name = Name::EMPTY;
        assert!(name.push_run(b"\x03WwW\x2eaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\x01Z") && name.push_run(b""));
        assert!(name.push_run(b"\x07example"));
        assert_eq!(name.as_bytes(), b"www.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.z.example");
    }
}
