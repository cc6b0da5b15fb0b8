//! The packet path: frames of any link type, streams and datagrams of any protocol, certificates.

use std::hint::black_box;

use packet::dissect::tls::{Carrier, Certificate, ClientHello};
use packet::{Dissector, Fact, Flow, Frame, Limits, LinkType, Micros, Name, Sink, TableLimit};
use testkit::quic;

/// Looks at everything a fact offers.
struct Everything;

impl Sink for Everything {
    fn fact(&mut self, flow: &Flow, fact: Fact<'_>) {
        black_box(flow);
        match fact {
            Fact::DnsQuery(message) | Fact::DnsResponse(message) => {
                message.questions().for_each(|question| {
                    black_box(question);
                });
                message.answers().for_each(|record| {
                    black_box(record);
                });
            }
            Fact::ClientHello(hello) => {
                black_box((hello.ja3(), hello.ja4(), hello.sni));
            }
            Fact::Certificate(certificate) => look_at(&certificate),
            other => {
                black_box(other);
            }
        }
    }
}

fn look_at(certificate: &Certificate<'_>) {
    black_box(certificate.sha1());
    certificate.names(&mut |name: &Name| {
        black_box(name);
    });
}

/// Small limits, so that they are reached.
fn dissector() -> Dissector {
    Dissector::new(
        &Limits { fragment_bytes: 16 << 10, head_bytes: 24 << 10, quic_bytes: 8 << 10, ..Limits::default() },
        1,
    )
}

fn put(dissector: &mut Dissector, time: i64, link: u16, bytes: &[u8]) {
    let anomalies: u64 = dissector.anomalies().seen().map(|(_, count)| count).sum();
    let frame = Frame { time: Micros(time), link: LinkType(link), bytes };
    let outcome = dissector.frame(&frame, &mut Everything);
    let after: u64 = dissector.anomalies().seen().map(|(_, count)| count).sum();
    if let packet::Outcome::Anomaly(anomaly) = outcome {
        assert!(after > anomalies, "{anomaly:?} was not counted");
    }
    for table in dissector.tables() {
        assert!(matches!(table.limit, TableLimit::Bytes(limit) if table.bytes <= limit), "{table:?}");
    }
}

/// Several frames: two bytes of link type, then each behind two bytes of length.
pub fn frame(data: &[u8]) {
    let Some((link, mut rest)) = data.split_first_chunk::<2>() else { return };
    let mut dissector = dissector();
    let mut time = 0;
    while let Some((length, after)) = rest.split_first_chunk::<2>() {
        let (bytes, after) = after.split_at(after.len().min(usize::from(u16::from_le_bytes(*length))));
        put(&mut dissector, time, u16::from_le_bytes(*link), bytes);
        dissector.advance(Micros(time), &mut Everything);
        time += 700_000;
        rest = after;
    }
    dissector.finish(&mut Everything);
}

/// One direction of a TCP stream: each segment behind one byte of length and one that says how far its sequence
/// number is from the place where it belongs.
pub fn stream(data: &[u8]) {
    let mut dissector = dissector();
    let (mut sequence, mut rest, mut time) = (1000_u32, data, 0);
    while let Some((head, after)) = rest.split_first_chunk::<2>() {
        let (payload, after) = after.split_at(after.len().min(usize::from(head[0]) * 8));
        let shifted = sequence.wrapping_add_signed(i32::from(head[1] as i8) * 4);
        put(&mut dissector, time, 101, &segment(8080, shifted, payload));
        sequence = sequence.wrapping_add(payload.len() as u32);
        time += 1000;
        rest = after;
    }
}

/// Datagrams, each behind two bytes of length; the first byte chooses the ports.
pub fn datagram(data: &[u8]) {
    const PORTS: [u16; 4] = [53, 443, 5353, 40_001];
    let Some((choice, mut rest)) = data.split_first() else { return };
    let port = PORTS[usize::from(choice % 4)];
    let mut dissector = dissector();
    while let Some((length, after)) = rest.split_first_chunk::<2>() {
        let (payload, after) = after.split_at(after.len().min(usize::from(u16::from_le_bytes(*length))));
        put(&mut dissector, 0, 101, &udp(port, payload));
        rest = after;
    }
}

/// One DNS message: as a datagram, and behind its length in a stream.
pub fn dns(data: &[u8]) {
    let mut dissector = dissector();
    put(&mut dissector, 0, 101, &udp(53, data));
    let length = (data.len() as u16).to_be_bytes();
    put(&mut dissector, 0, 101, &segment(53, 1000, &[&length, data].concat()));
    dissector.finish(&mut Everything);
}

/// What one side says over HTTP, in two segments: the first byte says where it is cut.
pub fn http(data: &[u8]) {
    let Some((cut, data)) = data.split_first() else { return };
    let (first, second) = data.split_at(data.len() * usize::from(*cut) / 255);
    let mut dissector = dissector();
    put(&mut dissector, 0, 101, &segment(80, 1000, first));
    put(&mut dissector, 1, 101, &segment(80, 1000_u32.wrapping_add(first.len() as u32), second));
    dissector.finish(&mut Everything);
}

/// The body of a ClientHello, of every carrier, alone and in a record.
pub fn tls(data: &[u8]) {
    for carrier in [Carrier::Tcp, Carrier::Dtls, Carrier::Quic] {
        for hello in [ClientHello::read(carrier, data), ClientHello::read_cut(carrier, data)].into_iter().flatten() {
            black_box((hello.ja3(), hello.ja4(), hello.alpn(), hello.sni));
            if let Some(fields) = hello.fields() {
                black_box((fields.groups().count(), fields.signatures().count(), fields.point_formats()));
                black_box((fields.offered(carrier), fields.ciphers().count(), fields.extensions().count()));
            }
        }
    }
    let length = (data.len() as u32).to_be_bytes();
    let handshake = [&[1], &length[1..], data].concat();
    let record = (handshake.len() as u16).to_be_bytes();
    let bytes = [&[22, 3, 1], &record[..], &handshake].concat();
    put(&mut dissector(), 0, 101, &segment(443, 1000, &bytes));
}

/// Frames of a client's Initials, protected as they must be: each packet's behind two bytes of length; the first byte
/// chooses the version.
pub fn quic(data: &[u8]) {
    const VERSIONS: [u32; 6] = [quic::V1, quic::V2, quic::DRAFT_29, quic::DRAFT_27, quic::Q050, quic::T051];
    let Some((choice, mut rest)) = data.split_first() else { return };
    let version = VERSIONS[usize::from(*choice) % VERSIONS.len()];
    let mut dissector = dissector();
    let mut number = 0;
    while let Some((length, after)) = rest.split_first_chunk::<2>() {
        let (frames, after) = after.split_at(after.len().min(usize::from(u16::from_le_bytes(*length)) % 1400));
        let initial = quic::Initial { version, number, pad_to: 20, ..quic::Initial::new(&[7; 8], frames.to_vec()) };
        put(&mut dissector, 0, 101, &udp(443, &initial.seal()));
        number += 1;
        rest = after;
    }
    dissector.finish(&mut Everything);
}

/// One certificate.
pub fn certificate(data: &[u8]) {
    look_at(&Certificate { der: data, index: 0 });
}

fn ip(protocol: u8, inner: &[u8]) -> Vec<u8> {
    let length = ((20 + inner.len()) as u16).to_be_bytes();
    let header = [0x45, 0, length[0], length[1], 0, 1, 0, 0, 64, protocol, 0, 0, 10, 0, 0, 5, 192, 0, 2, 1];
    [&header, inner].concat()
}

fn segment(port: u16, sequence: u32, payload: &[u8]) -> Vec<u8> {
    let ports = [&40_000_u16.to_be_bytes()[..], &port.to_be_bytes()].concat();
    let rest = [0, 0, 0, 1, 0x50, 0x18, 1, 0, 0, 0, 0, 0];
    ip(6, &[&ports, &sequence.to_be_bytes()[..], &rest, payload].concat())
}

fn udp(port: u16, payload: &[u8]) -> Vec<u8> {
    let length = (8 + payload.len()) as u16;
    let header = [40_000_u16, port, length, 0].map(u16::to_be_bytes).concat();
    ip(17, &[&header, payload].concat())
}
