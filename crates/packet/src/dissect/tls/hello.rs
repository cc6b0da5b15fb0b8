//! ClientHello (RFC 8446 section 4.1.2, RFC 6347 section 4.2.1 for DTLS): server name and what fingerprints need.

use super::{ja3, ja4};

/// What carries a ClientHello.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Carrier {
    /// TLS over TCP.
    Tcp,
    /// DTLS over UDP.
    Dtls,
    /// QUIC Initial.
    Quic,
}

/// A ClientHello whose lengths were checked. Fingerprints are computed when asked for.
///
/// With Encrypted Client Hello this is the outer one.
#[derive(Clone, Copy, Debug)]
pub struct ClientHello<'a> {
    /// What carries it.
    pub carrier: Carrier,
    /// The handshake body: from legacy_version on. Less than the whole where the capture cut it; see
    /// [`fields`](Self::fields).
    pub body: &'a [u8],
    /// The first host_name of the server_name extension, as sent.
    pub sni: Option<&'a [u8]>,
}

/// Extension types (IANA "TLS ExtensionType Values") that the code names.
pub(super) mod extension {
    pub(crate) const SERVER_NAME: u16 = 0;
    pub(crate) const SUPPORTED_GROUPS: u16 = 10;
    pub(crate) const EC_POINT_FORMATS: u16 = 11;
    pub(crate) const SIGNATURE_ALGORITHMS: u16 = 13;
    pub(crate) const ALPN: u16 = 16;
    pub(crate) const SUPPORTED_VERSIONS: u16 = 43;
}

/// The parts of a whole ClientHello.
#[derive(Clone, Copy, Debug)]
pub struct Fields<'a> {
    /// legacy_version.
    pub version: u16,
    /// Cipher suites, two bytes each.
    pub ciphers: &'a [u8],
    /// The extensions block, without its length; empty where there is none.
    pub extensions: &'a [u8],
}

impl<'a> ClientHello<'a> {
    /// Reads a whole body; `None` where its lengths contradict themselves.
    #[must_use]
    pub fn read(carrier: Carrier, body: &'a [u8]) -> Option<Self> {
        let (fields, cut) = parts(carrier, body)?;
        if cut {
            return None;
        }
        let mut sni = None;
        let mut extensions = Extensions(fields.extensions);
        for (kind, data) in extensions.by_ref() {
            if kind == extension::SERVER_NAME && sni.is_none() {
                sni = host_name(data);
            }
        }
        extensions.0.is_empty().then_some(ClientHello { carrier, body, sni })
    }

    /// Reads the beginning of a body whose end is missing; `None` where the server name is not in it.
    #[must_use]
    pub fn read_cut(carrier: Carrier, body: &'a [u8]) -> Option<Self> {
        let (fields, _) = parts(carrier, body)?;
        let (_, data) = Extensions(fields.extensions).find(|(kind, _)| *kind == extension::SERVER_NAME)?;
        Some(ClientHello { carrier, body, sni: Some(host_name(data)?) })
    }

    /// Its parts; `None` for one that was cut.
    #[must_use]
    pub fn fields(&self) -> Option<Fields<'a>> {
        parts(self.carrier, self.body).filter(|(_, cut)| !cut).map(|(fields, _)| fields)
    }

    /// JA3: MD5 over the fields, GREASE left out. `None` for a ClientHello that was cut.
    #[must_use]
    pub fn ja3(&self) -> Option<[u8; 16]> {
        self.fields().map(|fields| ja3::md5(&fields))
    }

    /// JA4 text, 36 characters. `None` for a ClientHello that was cut, and for one with more than
    /// [`FINGERPRINT_VALUES`](super::FINGERPRINT_VALUES) cipher suites or extensions.
    #[must_use]
    pub fn ja4(&self) -> Option<[u8; 36]> {
        self.fields().and_then(|fields| ja4::text(self.carrier, &fields))
    }

    /// The first protocol name of the ALPN extension (RFC 7301).
    #[must_use]
    pub fn alpn(&self) -> Option<&'a [u8]> {
        self.fields()?.alpn()
    }
}

impl<'a> Fields<'a> {
    /// Cipher suites, GREASE left out.
    pub fn ciphers(&self) -> impl Iterator<Item = u16> + Clone + use<'a> {
        values(self.ciphers)
    }

    /// Extensions in order, GREASE included.
    pub fn extensions(&self) -> impl Iterator<Item = (u16, &'a [u8])> + Clone + use<'a> {
        Extensions(self.extensions)
    }

    /// The first extension of that type.
    #[must_use]
    pub fn extension(&self, kind: u16) -> Option<&'a [u8]> {
        self.extensions().find(|(found, _)| *found == kind).map(|(_, data)| data)
    }

    /// supported_groups (RFC 8422 section 5.1.1), GREASE left out.
    pub fn groups(&self) -> impl Iterator<Item = u16> + use<'a> {
        values(list16(self.extension(extension::SUPPORTED_GROUPS)))
    }

    /// signature_algorithms (RFC 8446 section 4.2.3), GREASE left out.
    pub fn signatures(&self) -> impl Iterator<Item = u16> + use<'a> {
        values(list16(self.extension(extension::SIGNATURE_ALGORITHMS)))
    }

    /// ec_point_formats (RFC 8422 section 5.1.2).
    #[must_use]
    pub fn point_formats(&self) -> &'a [u8] {
        self.extension(extension::EC_POINT_FORMATS).and_then(|data| vector8(data)).map_or(&[], |(formats, _)| formats)
    }

    /// The highest of supported_versions (RFC 8446 section 4.2.1), GREASE left out; else legacy_version. DTLS counts
    /// its versions downwards.
    #[must_use]
    pub fn offered(&self, carrier: Carrier) -> u16 {
        let list = self.extension(extension::SUPPORTED_VERSIONS).and_then(|data| vector8(data));
        let versions = values(list.map_or(&[], |(versions, _)| versions));
        let best = if carrier == Carrier::Dtls { versions.min() } else { versions.max() };
        best.unwrap_or(self.version)
    }

    /// The first protocol name of the ALPN extension.
    #[must_use]
    pub fn alpn(&self) -> Option<&'a [u8]> {
        vector8(list16(self.extension(extension::ALPN))).map(|(name, _)| name)
    }
}

/// Whether a value is one of those that stand for nothing (RFC 8701 section 2).
#[must_use]
pub fn is_grease(value: u16) -> bool {
    value & 0x0f0f == 0x0a0a && value >> 8 == value & 0xff
}

/// Whether a ServerHello body chooses TLS 1.3, after which everything is encrypted.
pub(super) fn selects_tls13(body: &[u8]) -> bool {
    let Some((_, rest)) = body.split_at_checked(34) else { return false };
    let Some((_, rest)) = vector8(rest) else { return false };
    let Some((_, rest)) = rest.split_at_checked(3) else { return false };
    let Some((extensions, _)) = vector16(rest) else { return false };
    let chosen = Extensions(extensions).find(|(kind, _)| *kind == extension::SUPPORTED_VERSIONS);
    matches!(chosen, Some((_, [3, 4])) | Some((_, [0x7f, _])))
}

/// The parts of a body and whether its end is missing. `None` where it ends before the cipher suites do, or where its
/// lengths leave bytes over.
fn parts(carrier: Carrier, body: &[u8]) -> Option<(Fields<'_>, bool)> {
    let (&version, rest) = body.split_first_chunk::<2>()?;
    let (_random, rest) = rest.split_at_checked(32)?;
    let (_session, mut rest) = vector8(rest)?;
    if carrier == Carrier::Dtls {
        (_, rest) = vector8(rest)?;
    }
    let (ciphers, rest) = vector16(rest)?;
    if ciphers.len() % 2 != 0 {
        return None;
    }
    let fields = Fields { version: u16::from_be_bytes(version), ciphers, extensions: &[] };
    let Some((_compression, rest)) = vector8(rest) else { return Some((fields, true)) };
    if rest.is_empty() {
        return Some((fields, false));
    }
    let Some((&length, rest)) = rest.split_first_chunk::<2>() else { return Some((fields, true)) };
    let length = usize::from(u16::from_be_bytes(length));
    // A few clients leave bytes after the extensions; servers differ on them, so they are let pass.
    let extensions = rest.get(..length);
    Some((Fields { extensions: extensions.unwrap_or(rest), ..fields }, extensions.is_none()))
}

/// The first host_name (RFC 6066 section 3).
fn host_name(data: &[u8]) -> Option<&[u8]> {
    let (mut list, _) = vector16(data)?;
    while let Some((&kind, rest)) = list.split_first() {
        let (name, rest) = vector16(rest)?;
        if kind == 0 && !name.is_empty() {
            return Some(name);
        }
        list = rest;
    }
    None
}

/// Extensions up to the first whose length is wrong; what remains then is not empty.
#[derive(Clone)]
struct Extensions<'a>(&'a [u8]);

impl<'a> Iterator for Extensions<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (&kind, rest) = self.0.split_first_chunk::<2>()?;
        let (data, rest) = vector16(rest)?;
        self.0 = rest;
        Some((u16::from_be_bytes(kind), data))
    }
}

/// A vector with a length of one byte, and what follows it.
pub(super) fn vector8(data: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&length, rest) = data.split_first()?;
    rest.split_at_checked(usize::from(length))
}

/// A vector with a length of two bytes, and what follows it.
pub(super) fn vector16(data: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&length, rest) = data.split_first_chunk::<2>()?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(length)))
}

fn list16(data: Option<&[u8]>) -> &[u8] {
    data.and_then(vector16).map_or(&[], |(list, _)| list)
}

/// Values of two bytes each, GREASE left out.
fn values(list: &[u8]) -> impl Iterator<Item = u16> + Clone + use<'_> {
    let (pairs, _) = list.as_chunks::<2>();
    pairs.iter().map(|pair| u16::from_be_bytes(*pair)).filter(|value| !is_grease(*value))
}
