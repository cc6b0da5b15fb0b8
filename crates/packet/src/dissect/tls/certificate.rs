//! X.509 certificates (RFC 5280), as far as they name hosts.

use sha1::{Digest, Sha1};

use super::der::{Der, OCTET_STRING, OID, SEQUENCE, SET};
use crate::Name;

/// id-at-commonName, 2.5.4.3.
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
/// id-ce-subjectAltName, 2.5.29.17.
const SUBJECT_ALT_NAME: &[u8] = &[0x55, 0x1d, 0x11];
/// dNSName of GeneralName: context-specific tag 2.
const DNS_NAME: u8 = 0x82;
/// Version of TBSCertificate: constructed context-specific tag 0.
const VERSION: u8 = 0xa0;
/// Extensions of TBSCertificate: constructed context-specific tag 3.
const EXTENSIONS: u8 = 0xa3;

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
        Sha1::digest(self.der).into()
    }

    /// Whether it is one SEQUENCE from its first byte to its last.
    pub(super) fn is_der(&self) -> bool {
        let mut der = Der(self.der);
        der.expect(SEQUENCE).is_some() && der.0.is_empty()
    }

    /// Calls `visit` with the subject's common name, if it can be a host name, and each dNSName of the subject
    /// alternative name. A wildcard's leading `*.` is left out: `*.shop.example` says `shop.example`. The two may
    /// repeat each other. False where the certificate is no DER; names before that point were visited.
    pub fn names(&self, visit: &mut dyn FnMut(&Name)) -> bool {
        names(self.der, visit).is_some()
    }
}

fn names(der: &[u8], visit: &mut dyn FnMut(&Name)) -> Option<()> {
    let mut certificate = Der(Der(der).expect(SEQUENCE)?);
    let mut tbs = Der(certificate.expect(SEQUENCE)?);
    let (first, _) = tbs.next()?;
    if first == VERSION {
        tbs.next()?; // serial number
    }
    tbs.next()?; // signature algorithm
    tbs.expect(SEQUENCE)?; // issuer
    tbs.expect(SEQUENCE)?; // validity
    common_names(tbs.expect(SEQUENCE)?, visit)?;
    tbs.expect(SEQUENCE)?; // public key
    while let Some((tag, content)) = tbs.next() {
        if tag == EXTENSIONS {
            alternative_names(Der(content).expect(SEQUENCE)?, visit)?;
        }
    }
    tbs.0.is_empty().then_some(())
}

fn common_names(subject: &[u8], visit: &mut dyn FnMut(&Name)) -> Option<()> {
    let mut relative_names = Der(subject);
    while let Some((tag, content)) = relative_names.next() {
        let mut attributes = Der(content);
        while let (SET, Some((SEQUENCE, attribute))) = (tag, attributes.next()) {
            let mut attribute = Der(attribute);
            if attribute.expect(OID)? == COMMON_NAME {
                // Any of the string types; a BMPString never looks like a host name and is left out by that.
                let (_, text) = attribute.next()?;
                if is_host_name(text) {
                    host(text, visit);
                }
            }
        }
    }
    relative_names.0.is_empty().then_some(())
}

fn alternative_names(extensions: &[u8], visit: &mut dyn FnMut(&Name)) -> Option<()> {
    let mut extensions = Der(extensions);
    while let Some((_, extension)) = extensions.next() {
        let mut extension = Der(extension);
        if extension.expect(OID)? != SUBJECT_ALT_NAME {
            continue;
        }
        // An optional BOOLEAN (critical) comes before the value.
        let value = std::iter::from_fn(|| extension.next()).find(|(tag, _)| *tag == OCTET_STRING)?.1;
        let mut names = Der(Der(value).expect(SEQUENCE)?);
        while let Some((tag, text)) = names.next() {
            if tag == DNS_NAME {
                host(text, visit);
            }
        }
    }
    extensions.0.is_empty().then_some(())
}

fn host(text: &[u8], visit: &mut dyn FnMut(&Name)) {
    let text = text.strip_prefix(b"*.").unwrap_or(text);
    if let Some(name) = Name::from_text(text).filter(|name| !name.is_empty()) {
        visit(&name);
    }
}

/// Whether a common name can be one: a dot inside, and only letters, digits, `-`, `_`, `.` and `*`.
fn is_host_name(text: &[u8]) -> bool {
    let inner = text.split_first().and_then(|(_, rest)| rest.split_last()).map_or(&[][..], |(_, inner)| inner);
    inner.contains(&b'.') && text.iter().all(|c| c.is_ascii_alphanumeric() || b"-_.*".contains(c))
}
