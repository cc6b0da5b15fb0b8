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

    /// Appends `bytes`, lower-cased; false (and nothing appended) where that would pass 255 bytes.
    pub fn push(&mut self, bytes: &[u8]) -> bool {
        let start = usize::from(self.len);
        let Some(room) = self.bytes.get_mut(start..start + bytes.len()) else { return false };
        for (to, from) in room.iter_mut().zip(bytes) {
            *to = from.to_ascii_lowercase();
        }
        self.len = (start + bytes.len()) as u8;
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
