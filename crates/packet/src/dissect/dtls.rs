//! DTLS handshakes (RFC 6347, RFC 9147): ClientHello and certificates in unencrypted records of one datagram.
//!
//! Fragments of a message are put together within a datagram, not over datagrams: of a ClientHello that goes on in
//! the next datagram what is there is used if the server name is in it.

use super::assembly::Assembly;
use super::context::Context;
use super::tls::{self, CERTIFICATE, CLIENT_HELLO, Carrier, ClientHello, length24};
use crate::{Anomalies, Anomaly, Fact, Flow, Sink};

const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;

/// Bytes of a handshake message at most.
const MESSAGE_LENGTH: usize = 1 << 16;

/// One fragment of a handshake message (RFC 6347 section 4.2.2).
struct Fragment<'a> {
    kind: u8,
    length: usize,
    number: u16,
    offset: usize,
    data: &'a [u8],
}

/// A message of which not all fragments came.
struct Partial {
    kind: u8,
    length: usize,
    number: u16,
    assembly: Assembly,
}

/// Reads the records of a datagram; whether it was DTLS.
pub(crate) fn datagram(flow: &Flow, payload: &[u8], anomalies: &mut Anomalies, sink: &mut impl Sink) -> bool {
    let mut context = Context { flow, last: false, seen: 0, anomalies, sink };
    let mut rest = payload;
    let mut partial: Option<Partial> = None;
    let mut known = false;
    while let Some((kind, mut body)) = record(&mut rest) {
        known = true;
        while kind == HANDSHAKE && !body.is_empty() {
            let Some(fragment) = fragment(&mut body) else {
                context.anomalies.count(Anomaly::TlsMalformed);
                return true;
            };
            take(&fragment, &mut partial, &mut context);
        }
    }
    if let Some(Partial { kind: CLIENT_HELLO, assembly, .. }) = &partial
        && let Some(hello) = ClientHello::read_cut(Carrier::Dtls, assembly.prefix())
    {
        context.emit(Fact::ClientHello(hello));
    }
    known
}

/// Takes the next unencrypted record: type and body. A record that the capture cut is read as far as it goes.
fn record<'a>(rest: &mut &'a [u8]) -> Option<(u8, &'a [u8])> {
    let (&[kind, major, minor, e0, e1, _, _, _, _, _, _, high, low], body) = rest.split_first_chunk::<13>()?;
    // DTLS 1.0, 1.2 and 1.3, and what came before the standard.
    let version = matches!((major, minor), (0xfe, 0xff | 0xfd) | (1, 0));
    if !version || (e0, e1) != (0, 0) || !matches!(kind, HANDSHAKE | ALERT) {
        return None;
    }
    let length = usize::from(u16::from_be_bytes([high, low]));
    let (body, after) = body.split_at(length.min(body.len()));
    *rest = after;
    Some((kind, body))
}

fn fragment<'a>(body: &mut &'a [u8]) -> Option<Fragment<'a>> {
    let (&kind, rest) = body.split_first()?;
    let (length, rest) = length24(rest)?;
    let (number, rest) = rest.split_first_chunk::<2>()?;
    let (offset, rest) = length24(rest)?;
    let (size, rest) = length24(rest)?;
    if offset + size > length || length > MESSAGE_LENGTH {
        return None;
    }
    let (data, rest) = rest.split_at(size.min(rest.len()));
    *body = rest;
    Some(Fragment { kind, length, number: u16::from_be_bytes(*number), offset, data })
}

fn take<S: Sink>(fragment: &Fragment<'_>, partial: &mut Option<Partial>, context: &mut Context<'_, S>) {
    if !matches!(fragment.kind, CLIENT_HELLO | CERTIFICATE) {
        return;
    }
    if fragment.data.len() == fragment.length {
        return whole(fragment.kind, fragment.data, context);
    }
    let same = partial.as_ref().is_some_and(|known| {
        (known.kind, known.length, known.number) == (fragment.kind, fragment.length, fragment.number)
    });
    if !same {
        let Fragment { kind, length, number, .. } = *fragment;
        *partial = Some(Partial { kind, length, number, assembly: Assembly::default() });
    }
    let Some(known) = partial else { return };
    // A datagram bounds what can be refused here.
    known.assembly.insert(fragment.offset, fragment.data, MESSAGE_LENGTH);
    if known.assembly.prefix().len() == known.length {
        whole(known.kind, known.assembly.prefix(), context);
        *partial = None;
    }
}

fn whole<S: Sink>(kind: u8, body: &[u8], context: &mut Context<'_, S>) {
    if kind == CERTIFICATE {
        tls::certificate_message(body, context);
        return;
    }
    match ClientHello::read(Carrier::Dtls, body) {
        Some(hello) => context.emit(Fact::ClientHello(hello)),
        None => context.anomalies.count(Anomaly::TlsMalformed),
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use proptest::prelude::*;
    use testkit::tls as build;

    use super::datagram;
    use crate::{Anomalies, Fact, Flow, Sink};

    #[derive(Default)]
    struct Seen(Vec<String>);

    impl Sink for Seen {
        fn fact(&mut self, _flow: &Flow, fact: Fact<'_>) {
            self.0.push(match fact {
                Fact::ClientHello(hello) => {
                    let mark = hello.ja4().map_or('-', |text| char::from(text[0]));
                    format!("{mark} {}", hello.sni.unwrap_or_default().escape_ascii())
                }
                Fact::Certificate(certificate) => format!("certificate {}", certificate.index),
                other => panic!("{other:?}"),
            });
        }
    }

    fn read(payload: &[u8]) -> (bool, Vec<String>, u64) {
        let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let flow = Flow { src: address, dst: address, src_port: 1, dst_port: 4433, protocol: 17 };
        let (mut seen, mut anomalies) = (Seen::default(), Anomalies::default());
        let known = datagram(&flow, payload, &mut anomalies, &mut seen);
        (known, seen.0, anomalies.seen().map(|(_, count)| count).sum())
    }

    fn hello(cookie: usize) -> Vec<u8> {
        let mut words = build::ClientHello::new("dtls.example");
        words.version = 0xfefd;
        words.versions = Vec::new();
        words.dtls_cookie = Some(vec![3; cookie]);
        words.message()
    }

    #[test]
    fn with_and_without_cookie() {
        for cookie in [0, 32] {
            let message = hello(cookie);
            let bytes = build::dtls_record(&message, 0, 0, message.len() - 4, 0);
            assert_eq!(read(&bytes), (true, vec!["d dtls.example".to_owned()], 0));
        }
    }

    #[test]
    fn fragments_of_one_datagram() {
        let message = hello(20);
        let length = message.len() - 4;
        for cut in 1..length {
            let head = build::dtls_record(&message, 1, 0, cut, 0);
            let tail = build::dtls_record(&message, 1, cut, length - cut, 1);
            assert_eq!(read(&[head.clone(), tail.clone()].concat()).1, ["d dtls.example"]);
            assert_eq!(read(&[tail, head].concat()).1, ["d dtls.example"]);
        }
    }

    #[test]
    fn first_fragment_with_the_name_is_enough() {
        let message = hello(0);
        let most = build::dtls_record(&message, 0, 0, message.len() - 4 - 10, 0);
        assert_eq!(read(&most), (true, vec!["- dtls.example".to_owned()], 0));
        let little = build::dtls_record(&message, 0, 0, 40, 0);
        assert_eq!(read(&little), (true, vec![], 0));
    }

    #[test]
    fn certificates() {
        let message = build::certificate_message(&vec![build::certificate("a.example", &[], 9); 2]);
        let bytes = build::dtls_record(&message, 2, 0, message.len() - 4, 5);
        assert_eq!(read(&bytes).1, ["certificate 0", "certificate 1"]);
    }

    #[test]
    fn other_datagrams() {
        assert!(!read(b"").0);
        assert!(!read(&[0x80; 40]).0);
        let message = hello(0);
        let mut bytes = build::dtls_record(&message, 0, 0, message.len() - 4, 0);
        bytes[4] = 1; // the next epoch is encrypted
        assert_eq!(read(&bytes), (false, vec![], 0));
        bytes[4] = 0;
        bytes[19] = 0xff; // a fragment behind the end of its message
        assert_eq!(read(&bytes), (true, vec![], 1));
    }

    proptest! {
        #[test]
        fn mutations_are_survived(at in 0usize..250, value in any::<u8>(), end in 0usize..300) {
            let message = hello(7);
            let half = (message.len() - 4) / 2;
            let mut bytes = [
                build::dtls_record(&message, 0, half, message.len() - 4 - half, 0),
                build::dtls_record(&message, 0, 0, half, 1),
            ].concat();
            let length = bytes.len();
            bytes[at % length] = value;
            bytes.truncate(end);
            read(&bytes);
        }
    }
}
