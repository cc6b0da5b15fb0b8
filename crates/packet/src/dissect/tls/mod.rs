//! TLS handshakes (RFC 8446, RFC 5246): ClientHello and certificates out of the records of one direction.
//!
//! `stream` looks at the bytes of one TCP direction from a record's first byte on. It keeps no state: what is
//! not whole is asked for again with the same bytes and more. Messages may be split over records and several may
//! share one; only a message that spans records is copied. Encrypted parts are not looked at, nor is SSLv2's
//! ClientHello (it names no server).

mod certificate;
mod der;
mod hello;
mod ja3;
mod ja4;
#[cfg(test)]
mod tests;

pub use certificate::Certificate;
pub use hello::{Carrier, ClientHello, Fields, is_grease};
pub use ja4::FINGERPRINT_VALUES;

use super::context::{Context, Progress};
use crate::{Anomaly, Fact, Sink};

/// Record content types (RFC 8446 section 5.1).
const CHANGE_CIPHER_SPEC: u8 = 20;
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const APPLICATION_DATA: u8 = 23;
const HEARTBEAT: u8 = 24;

/// Handshake message types (RFC 8446 section 4, RFC 5246 section 7.4).
pub(super) const CLIENT_HELLO: u8 = 1;
pub(super) const SERVER_HELLO: u8 = 2;
pub(super) const CERTIFICATE: u8 = 11;
/// What may still come between ServerHello and Certificate, or with them: up to key_update (24) and
/// compressed_certificate (25), which are passed over.
const LAST_MESSAGE: u8 = 25;

/// Bytes of a record header.
const RECORD_HEADER: usize = 5;
/// Bytes of a record's fragment at most: 2^14 and the 2048 that RFC 5246 section 6.2.3 grants a ciphertext.
const RECORD_LENGTH: usize = (1 << 14) + 2048;
/// Bytes of a handshake message header.
const MESSAGE_HEADER: usize = 4;

/// Whether a segment begins a TLS record with a ClientHello, ServerHello or Certificate. Of a payload shorter than
/// six bytes only what is there is looked at: some clients send the first byte or two alone.
pub(super) fn may_begin(payload: &[u8]) -> bool {
    match payload {
        [HANDSHAKE, 3, minor, high, _, kind, ..] => {
            *minor <= 4 && *high <= 0x48 && matches!(*kind, CLIENT_HELLO | SERVER_HELLO | CERTIFICATE)
        }
        [HANDSHAKE] | [HANDSHAKE, 3] | [HANDSHAKE, 3, 0..=4] => true,
        [HANDSHAKE, 3, 0..=4, high] | [HANDSHAKE, 3, 0..=4, high, _] => *high <= 0x48,
        _ => false,
    }
}

/// Reads the records of one TCP direction from a record's first byte on, and hands over the ClientHello or each
/// certificate as soon as it is whole; nothing that was whole in the bytes seen before.
///
/// Where no more bytes will come (the head overflowed or expired, or the capture cut the packet), a ClientHello that is
/// not whole is handed over too, as far as it goes, if its SNI is there. Answers `More`, `Done` or `No`; never `Used`.
pub(super) fn stream<S: Sink>(bytes: &[u8], context: &mut Context<'_, S>) -> Progress {
    // What a prefix shows is a prefix of what the whole shows: counting it says what was handed over already.
    let mut skip = 0usize;
    if let Some(before @ [_, ..]) = bytes.get(..context.seen) {
        let mut count = |shown: Shown<'_>| skip += usize::from(!matches!(shown, Shown::Malformed(_)));
        walk(before, false, &mut count);
    }
    walk(bytes, context.last, &mut |shown| {
        if skip > 0 && !matches!(shown, Shown::Malformed(_)) {
            skip -= 1;
            return;
        }
        match shown {
            Shown::ClientHello(hello) => context.emit(Fact::ClientHello(hello)),
            Shown::Certificate(certificate) => emit(certificate, context),
            Shown::Malformed(anomaly) => context.anomalies.count(anomaly),
        }
    })
}

/// What the walk over the records comes upon.
enum Shown<'a> {
    ClientHello(ClientHello<'a>),
    Certificate(Certificate<'a>),
    Malformed(Anomaly),
}

/// What to do after a handshake message.
enum Next {
    /// It is not whole.
    Wait,
    /// Go on behind so many bytes.
    After(usize),
    /// All of interest was seen.
    Stop,
    /// Its lengths contradict themselves.
    Malformed,
}

fn walk(bytes: &[u8], cut: bool, visit: &mut dyn FnMut(Shown<'_>)) -> Progress {
    // A Certificate message that spans records is read again with each of them: how much of it was shown.
    let mut shown = 0;
    let visit = &mut |item: Shown<'_>| {
        if let Shown::Certificate(certificate) = &item {
            if certificate.index < shown {
                return;
            }
            shown = certificate.index + 1;
        }
        visit(item);
    };
    let mut rest = bytes;
    // A message that began in an earlier record; grows to at most the length of `bytes`.
    let mut carry: Vec<u8> = Vec::new();
    let mut first = true;
    loop {
        let Some((kind, fragment, whole)) = record(&mut rest) else {
            return if rest.len() < RECORD_HEADER && (rest.is_empty() || may_begin(rest) || !first) {
                Progress::More
            } else if first {
                Progress::No
            } else {
                visit(Shown::Malformed(Anomaly::TlsMalformed));
                Progress::Done
            };
        };
        match kind {
            HANDSHAKE => {}
            _ if first => return Progress::No,
            // An alert may stand between handshake messages; anything else ends the clear part of a handshake.
            ALERT => continue,
            _ => return Progress::Done,
        }
        first = false;
        let alone = carry.is_empty();
        if !alone {
            carry.extend_from_slice(fragment);
        }
        let data = if alone { fragment } else { carry.as_slice() };
        let left = match messages(data, cut && !whole, visit) {
            Err(progress) => return progress,
            // Asked for again with more bytes: nothing is to be kept.
            Ok(_) if !whole => return Progress::More,
            Ok(rest) => rest.len(),
        };
        if alone {
            carry.extend_from_slice(fragment.get(fragment.len() - left..).unwrap_or_default());
        } else {
            carry.drain(..carry.len() - left);
        }
    }
}

/// Takes the next record: its type, as much of its fragment as there is, and whether that is all of it.
fn record<'a>(rest: &mut &'a [u8]) -> Option<(u8, &'a [u8], bool)> {
    let (header, body) = rest.split_first_chunk::<RECORD_HEADER>()?;
    let [kind, 3, 0..=4, high, low] = *header else { return None };
    let length = usize::from(u16::from_be_bytes([high, low]));
    if !(CHANGE_CIPHER_SPEC..=HEARTBEAT).contains(&kind) || length > RECORD_LENGTH {
        return None;
    }
    if length == 0 && kind != APPLICATION_DATA {
        return None;
    }
    let whole = body.len() >= length;
    let (fragment, after) = body.split_at(length.min(body.len()));
    *rest = after;
    Some((kind, fragment, whole))
}

/// Goes through the handshake messages in `data`: what is left of it, or how the walk ends.
fn messages<'a>(data: &'a [u8], cut: bool, visit: &mut dyn FnMut(Shown<'_>)) -> Result<&'a [u8], Progress> {
    let mut rest = data;
    while !rest.is_empty() {
        match message(rest, cut, visit) {
            Next::After(length) => rest = rest.get(length..).unwrap_or_default(),
            Next::Stop => return Err(Progress::Done),
            Next::Malformed => {
                visit(Shown::Malformed(Anomaly::TlsMalformed));
                return Err(Progress::Done);
            }
            Next::Wait => return Ok(rest),
        }
    }
    Ok(rest)
}

fn message(data: &[u8], cut: bool, visit: &mut dyn FnMut(Shown<'_>)) -> Next {
    let Some((&[kind, a, b, c], body)) = data.split_first_chunk::<MESSAGE_HEADER>() else { return Next::Wait };
    let length = usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
    let whole = body.get(..length);
    match (kind, whole) {
        (CLIENT_HELLO, Some(body)) => match ClientHello::read(Carrier::Tcp, body) {
            Some(hello) => {
                visit(Shown::ClientHello(hello));
                Next::Stop
            }
            None => Next::Malformed,
        },
        (CLIENT_HELLO, None) if cut => {
            if let Some(hello) = ClientHello::read_cut(Carrier::Tcp, body) {
                visit(Shown::ClientHello(hello));
            }
            Next::Stop
        }
        (CERTIFICATE, _) => certificates(body, length, visit),
        (SERVER_HELLO, Some(body)) if hello::selects_tls13(body) => Next::Stop,
        (0..=LAST_MESSAGE, Some(_)) => Next::After(MESSAGE_HEADER + length),
        (0..=LAST_MESSAGE, None) => Next::Wait,
        // An encrypted message after the clear ones, in a record that does not say so.
        _ => Next::Malformed,
    }
}

/// Hands over the certificates of a Certificate message (RFC 5246 section 7.4.2) that are whole in `body`, of which
/// `length` bytes belong to the message.
fn certificates(body: &[u8], length: usize, visit: &mut dyn FnMut(Shown<'_>)) -> Next {
    let here = body.get(..length).unwrap_or(body);
    let Some((list, mut rest)) = length24(here) else {
        return if length < 3 { Next::Malformed } else { Next::Wait };
    };
    if list + 3 != length {
        return Next::Malformed;
    }
    let mut left = list;
    let mut index = 0;
    while left > 0 {
        let Some((size, after)) = length24(rest) else {
            return if left < 3 { Next::Malformed } else { Next::Wait };
        };
        if size == 0 || size + 3 > left {
            return Next::Malformed;
        }
        let Some((der, after)) = after.split_at_checked(size) else { return Next::Wait };
        visit(Shown::Certificate(Certificate { der, index }));
        left -= size + 3;
        rest = after;
        index += 1;
    }
    Next::Stop
}

/// Hands over the certificates of a whole Certificate message.
pub(super) fn certificate_message<S: Sink>(body: &[u8], context: &mut Context<'_, S>) {
    certificates(body, body.len(), &mut |shown| match shown {
        Shown::Certificate(certificate) => emit(certificate, context),
        Shown::ClientHello(_) | Shown::Malformed(_) => {}
    });
}

/// A certificate that is no DER may be listed by its digest all the same.
fn emit<S: Sink>(certificate: Certificate<'_>, context: &mut Context<'_, S>) {
    if !certificate.is_der() {
        context.anomalies.count(Anomaly::CertificateMalformed);
    }
    context.emit(Fact::Certificate(certificate));
}

/// A 24-bit length and what follows it.
pub(super) fn length24(data: &[u8]) -> Option<(usize, &[u8])> {
    let (&[a, b, c], rest) = data.split_first_chunk::<3>()?;
    Some((usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c), rest))
}
