//! HTTP/2 without TLS.

use super::{pieces, whole};
use crate::dissect::hpack::{Broken, Decoder};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

pub(super) fn frame(kind: u8, flags: u8, content: &[u8]) -> Vec<u8> {
    let mut frame = (content.len() as u32).to_be_bytes()[1..].to_vec();
    frame.extend_from_slice(&[kind, flags, 0, 0, 0, 1]);
    frame.extend_from_slice(content);
    frame
}

/// A literal `:authority` that goes into the table.
fn authority(name: &str) -> Vec<u8> {
    let mut field = vec![0x41, name.len() as u8];
    field.extend_from_slice(name.as_bytes());
    field
}

/// SETTINGS, a request in two frames, a body, and a request for another host.
pub(super) fn connection() -> Vec<u8> {
    let block = [&[0x82, 0x86, 0x84][..], &authority("Www.Evil.example:8080")].concat();
    let (first, second) = block.split_at(9);
    [
        PREFACE,
        &frame(4, 0, &[0; 6]),
        &frame(1, 0x28, &[&[3, 0, 0, 0, 0, 16][..], first, &[0; 3]].concat()),
        &frame(9, 4, second),
        &frame(0, 1, &[b'x'; 300]),
        &frame(1, 4, &[0x82, 0xbe]),
        &frame(1, 5, &[&[0x82, 0x66][..], &authority("other.example")[1..]].concat()),
        &frame(1, 5, &authority("third.example")),
    ]
    .concat()
}

#[test]
fn hosts_of_a_connection() {
    let expected = ["named Http2 www.evil.example", "named Http2 other.example", "named Http2 third.example"];
    assert_eq!(whole(8080, &connection()), expected);
    let stream = connection();
    let bytes: Vec<&[u8]> = stream.chunks(1).collect();
    assert_eq!(pieces(8080, &bytes), expected);
}

#[test]
fn after_an_upgrade() {
    let upgrade = b"GET / HTTP/1.1\r\nHost: a.b\r\nUpgrade: h2c\r\n\r\n";
    let facts = pieces(8080, &[upgrade, &connection()]);
    assert_eq!(facts[..2], ["request GET / host=a.b agent=", "named Http2 www.evil.example"]);
}

fn decoded(decoder: &mut Decoder, block: &[u8]) -> Result<Vec<String>, Broken> {
    let mut hosts = Vec::new();
    decoder.block(block, &mut |name| hosts.push(name.escape_ascii().to_string()))?;
    Ok(hosts)
}

/// RFC 7541 appendix C.4: three requests of one connection, Huffman coded.
#[test]
fn examples_of_the_rfc() {
    let mut decoder = Decoder::new();
    let first = b"\x82\x86\x84\x41\x8c\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff";
    let second = b"\x82\x86\x84\xbe\x58\x86\xa8\xeb\x10\x64\x9c\xbf";
    let third = b"\x82\x87\x85\xbf\x40\x88\x25\xa8\x49\xe9\x5b\xa9\x7d\x7f\x89\x25\xa8\x49\xe9\x5b\xb8\xe8\xb4\xbf";
    for block in [first.as_slice(), second, third] {
        assert_eq!(decoded(&mut decoder, block), Ok(vec!["www.example.com".to_owned()]));
    }
}

#[test]
fn the_table_forgets_its_oldest_entries() {
    let mut decoder = Decoder::new();
    // Room for one entry of 10 + 3 + 32 bytes (RFC 7541 section 4.1), and not for two.
    decoded(&mut decoder, &[0x3f, 60 - 31]).expect("a size within the limit");
    decoded(&mut decoder, &authority("a.b")).expect("fits");
    assert_eq!(decoded(&mut decoder, &[0xbe]), Ok(vec!["a.b".to_owned()]));
    decoded(&mut decoder, &authority("c.d")).expect("fits once the other is gone");
    assert_eq!(decoded(&mut decoder, &[0xbe]), Ok(vec!["c.d".to_owned()]));
    assert_eq!(decoded(&mut decoder, &[0xbf]), Err(Broken));
}

#[test]
fn memory_of_the_table_is_what_it_counts_and_its_entries() {
    let mut decoder = Decoder::new();
    decoded(&mut decoder, &[0x3f, 0xe1, 0xff, 3]).expect("64 KiB are allowed");
    for _ in 0..10_000 {
        decoded(&mut decoder, &[0x41, 1, b'a']).expect("a small entry");
    }
    // 65,536 bytes hold 1,524 entries of 10 + 1 + 32.
    assert!((65_000..250_000).contains(&decoder.held()), "{}", decoder.held());
}

#[test]
fn a_table_larger_than_the_limit_is_not_followed() {
    let size = |size: usize| {
        let mut block = vec![0x3f];
        let mut left = size - 31;
        while left >= 0x80 {
            block.push(left as u8 | 0x80);
            left >>= 7;
        }
        block.push(left as u8);
        decoded(&mut Decoder::new(), &block)
    };
    assert_eq!(size((64 << 10) - 1), Ok(vec![]));
    assert_eq!(size(64 << 10), Ok(vec![]));
    assert_eq!(size((64 << 10) + 1), Err(Broken));
}

#[test]
fn length_of_a_header_block() {
    for (length, seen) in [(16_383, 1), (16_384, 1), (16_385, 0)] {
        // A literal that is not kept, then the authority.
        let mut block = vec![0, 1, b'x', 0x7f];
        let value = length - 4 - 3 - authority("a.b").len();
        block.extend_from_slice(&[
            (value - 127) as u8 | 0x80,
            ((value - 127) >> 7) as u8 | 0x80,
            ((value - 127) >> 14) as u8,
        ]);
        block.resize(block.len() + value, b'x');
        block.extend_from_slice(&authority("a.b"));
        assert_eq!(block.len(), length);
        let (first, second) = block.split_at(9000);
        let stream = [PREFACE, &frame(1, 0, first), &frame(9, 4, second)].concat();
        let parts: Vec<&[u8]> = stream.chunks(1460).collect();
        assert_eq!(pieces(8080, &parts).len(), seen, "{length}");
    }
}

#[test]
fn length_of_what_is_followed() {
    let request = frame(1, 5, &authority("a.b"));
    for (length, seen) in [((64 << 10) - 1, 1), (64 << 10, 1), ((64 << 10) + 1, 0)] {
        // So many bytes before the request: preface, a body, and its frame header.
        let body = vec![b'x'; length - PREFACE.len() - 9];
        let stream = [PREFACE, &frame(0, 0, &body), &request].concat();
        let parts: Vec<&[u8]> = stream.chunks(1460).collect();
        assert_eq!(pieces(8080, &parts).len(), seen, "{length}");
    }
}
