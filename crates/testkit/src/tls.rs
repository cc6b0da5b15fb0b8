//! TLS, DTLS and certificate bytes built from words, for tests.

/// What a ClientHello is to say. `ClientHello::new(name)` is a plausible TLS 1.3 client.
#[derive(Clone, Debug)]
pub struct ClientHello {
    /// legacy_version.
    pub version: u16,
    /// Host name; no server_name extension where it is `None`.
    pub sni: Option<Vec<u8>>,
    /// Cipher suites.
    pub ciphers: Vec<u16>,
    /// ALPN protocol names.
    pub alpn: Vec<Vec<u8>>,
    /// supported_groups.
    pub groups: Vec<u16>,
    /// ec_point_formats; no extension where empty.
    pub point_formats: Vec<u8>,
    /// signature_algorithms; no extension where empty.
    pub signatures: Vec<u16>,
    /// supported_versions; no extension where empty.
    pub versions: Vec<u16>,
    /// Extensions to append: type and data.
    pub extra: Vec<(u16, Vec<u8>)>,
    /// GREASE values (RFC 8701) before the ciphers, groups, versions and extensions.
    pub grease: bool,
    /// A padding extension (RFC 7685) that brings the body to this many bytes.
    pub pad_to: usize,
    /// The cookie field of DTLS.
    pub dtls_cookie: Option<Vec<u8>>,
}

impl ClientHello {
    /// A TLS 1.3 client that asks for `name`.
    #[must_use]
    pub fn new(name: &str) -> Self {
        ClientHello {
            version: 0x0303,
            sni: Some(name.as_bytes().to_vec()),
            ciphers: vec![0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f],
            alpn: vec![b"h2".to_vec(), b"http/1.1".to_vec()],
            groups: vec![0x001d, 0x0017, 0x0018],
            point_formats: vec![0],
            signatures: vec![0x0403, 0x0804, 0x0401],
            versions: vec![0x0304, 0x0303],
            extra: Vec::new(),
            grease: false,
            pad_to: 0,
            dtls_cookie: None,
        }
    }

    /// The handshake body, from legacy_version on.
    #[must_use]
    pub fn body(&self) -> Vec<u8> {
        let mut body = self.version.to_be_bytes().to_vec();
        body.extend_from_slice(&[0x5a; 32]);
        body.extend(vector8(&[0xa5; 32]));
        if let Some(cookie) = &self.dtls_cookie {
            body.extend(vector8(cookie));
        }
        body.extend(vector16(&self.numbers(&self.ciphers)));
        body.extend(vector8(&[0]));
        let mut extensions = self.extensions();
        let missing = self.pad_to.saturating_sub(body.len() + 2 + extensions.len() + 4);
        if self.pad_to > 0 {
            extensions.extend(extension(21, &vec![0; missing]));
        }
        body.extend(vector16(&extensions));
        body
    }

    /// The handshake message: header and body.
    #[must_use]
    pub fn message(&self) -> Vec<u8> {
        message(1, &self.body())
    }

    fn numbers(&self, values: &[u16]) -> Vec<u8> {
        let grease = self.grease.then_some(0x3a3a);
        grease.iter().chain(values).flat_map(|value: &u16| value.to_be_bytes()).collect()
    }

    fn extensions(&self) -> Vec<u8> {
        let mut all = Vec::new();
        if self.grease {
            all.extend(extension(0x8a8a, &[]));
        }
        if let Some(name) = &self.sni {
            let mut entry = vec![0];
            entry.extend(vector16(name));
            all.extend(extension(0, &vector16(&entry)));
        }
        if !self.groups.is_empty() {
            all.extend(extension(10, &vector16(&self.numbers(&self.groups))));
        }
        if !self.point_formats.is_empty() {
            all.extend(extension(11, &vector8(&self.point_formats)));
        }
        if !self.alpn.is_empty() {
            let names: Vec<u8> = self.alpn.iter().flat_map(|name| vector8(name)).collect();
            all.extend(extension(16, &vector16(&names)));
        }
        if !self.signatures.is_empty() {
            let list: Vec<u8> = self.signatures.iter().flat_map(|value| value.to_be_bytes()).collect();
            all.extend(extension(13, &vector16(&list)));
        }
        if !self.versions.is_empty() {
            all.extend(extension(43, &vector8(&self.numbers(&self.versions))));
        }
        for (kind, data) in &self.extra {
            all.extend(extension(*kind, data));
        }
        all
    }
}

/// A handshake message: type, 24-bit length, body.
#[must_use]
pub fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut message = vec![kind];
    message.extend(length24(body.len()));
    message.extend_from_slice(body);
    message
}

/// Records of one content type with at most `size` bytes of `data` each.
#[must_use]
pub fn records(content_type: u8, data: &[u8], size: usize) -> Vec<u8> {
    let mut out = Vec::new();
    for fragment in data.chunks(size.max(1)) {
        out.extend_from_slice(&[content_type, 3, 1]);
        out.extend(vector16(fragment));
    }
    out
}

/// A ServerHello of TLS 1.2.
#[must_use]
pub fn server_hello() -> Vec<u8> {
    let mut body = vec![3, 3];
    body.extend_from_slice(&[0x33; 32]);
    body.extend(vector8(&[0x44; 32]));
    body.extend_from_slice(&[0xc0, 0x2f, 0]);
    body.extend(vector16(&extension(0xff01, &[0])));
    message(2, &body)
}

/// The Certificate message of TLS 1.2.
#[must_use]
pub fn certificate_message(certificates: &[Vec<u8>]) -> Vec<u8> {
    let mut list = Vec::new();
    for certificate in certificates {
        list.extend(length24(certificate.len()));
        list.extend_from_slice(certificate);
    }
    let mut body = length24(list.len()).to_vec();
    body.extend(list);
    message(11, &body)
}

/// A minimal certificate: issuer "Test", the given common name and dNSNames, and `pad` bytes of signature.
#[must_use]
pub fn certificate(common_name: &str, names: &[&str], pad: usize) -> Vec<u8> {
    let algorithm = der(0x30, &der(0x06, &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b]));
    let time = der(0x17, b"260101000000Z");
    let mut tbs = der(0xa0, &der(0x02, &[2]));
    tbs.extend(der(0x02, &[1]));
    tbs.extend_from_slice(&algorithm);
    tbs.extend(name("Test"));
    tbs.extend(der(0x30, &[time.as_slice(), &time].concat()));
    tbs.extend(name(common_name));
    tbs.extend(der(0x30, &[algorithm.as_slice(), &der(0x03, &[0; 9])].concat()));
    if !names.is_empty() {
        let names: Vec<u8> = names.iter().flat_map(|name| der(0x82, name.as_bytes())).collect();
        let basic = der(0x30, &[der(0x06, &[0x55, 0x1d, 0x13]), der(0x01, &[0xff]), der(0x04, &[0x30, 0])].concat());
        let alternative = der(0x30, &[der(0x06, &[0x55, 0x1d, 0x11]), der(0x04, &der(0x30, &names))].concat());
        tbs.extend(der(0xa3, &der(0x30, &[basic, alternative].concat())));
    }
    der(0x30, &[der(0x30, &tbs), algorithm, der(0x03, &vec![0x5c; pad])].concat())
}

/// One DTLS record with a fragment of a handshake message: `offset..offset + length` of `message` (header and body as
/// of TLS), as message number `number`.
#[must_use]
pub fn dtls_record(message: &[u8], number: u16, offset: usize, length: usize, sequence: u64) -> Vec<u8> {
    let (header, body) = message.split_at(4);
    let fragment = body.get(offset..offset + length).unwrap_or_default();
    let mut handshake = header.to_vec();
    handshake.extend_from_slice(&number.to_be_bytes());
    handshake.extend(length24(offset));
    handshake.extend(length24(fragment.len()));
    handshake.extend_from_slice(fragment);
    let mut record = vec![22, 0xfe, 0xfd];
    record.extend_from_slice(&sequence.to_be_bytes());
    record.extend(vector16(&handshake));
    record
}

fn name(common_name: &str) -> Vec<u8> {
    let attribute = [der(0x06, &[0x55, 0x04, 0x03]), der(0x0c, common_name.as_bytes())].concat();
    der(0x30, &der(0x31, &der(0x30, &attribute)))
}

fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    match content.len() {
        length @ 0..=0x7f => out.push(length as u8),
        length @ 0x80..=0xff => out.extend_from_slice(&[0x81, length as u8]),
        length => {
            out.push(0x82);
            out.extend_from_slice(&(length as u16).to_be_bytes());
        }
    }
    out.extend_from_slice(content);
    out
}

fn extension(kind: u16, data: &[u8]) -> Vec<u8> {
    let mut out = kind.to_be_bytes().to_vec();
    out.extend(vector16(data));
    out
}

fn vector8(data: &[u8]) -> Vec<u8> {
    let mut out = vec![data.len() as u8];
    out.extend_from_slice(data);
    out
}

fn vector16(data: &[u8]) -> Vec<u8> {
    let mut out = (data.len() as u16).to_be_bytes().to_vec();
    out.extend_from_slice(data);
    out
}

fn length24(length: usize) -> [u8; 3] {
    let [_, a, b, c] = (length as u32).to_be_bytes();
    [a, b, c]
}
