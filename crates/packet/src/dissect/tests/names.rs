//! Names in SOCKS requests, SMTP greetings and PROXY protocol, and what follows them.

use super::{pieces, whole};

/// A version 5 request for a name.
pub(super) fn socks5(name: &str) -> Vec<u8> {
    let mut request = vec![5, 1, 0, 3, name.len() as u8];
    request.extend_from_slice(name.as_bytes());
    request.extend_from_slice(&443_u16.to_be_bytes());
    request
}

fn proxy2(authority: &str) -> Vec<u8> {
    let mut block = b"\r\n\r\n\0\r\nQUIT\n\x21\x11".to_vec();
    block.extend_from_slice(&(12 + 3 + 3 + 1 + authority.len() as u16).to_be_bytes());
    block.extend_from_slice(&[192, 0, 2, 1, 192, 0, 2, 2, 0x80, 0, 0, 80]);
    block.extend_from_slice(&[1, 0, 1, b'x']); // PP2_TYPE_ALPN
    block.extend_from_slice(&[2, 0, authority.len() as u8]);
    block.extend_from_slice(authority.as_bytes());
    let length = (block.len() - 16) as u16;
    block[14..16].copy_from_slice(&length.to_be_bytes());
    block
}

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: in.side\r\n\r\n";
const INSIDE: &str = "request GET / host=in.side agent=";

#[test]
fn socks5_in_segments_of_its_own() {
    let request = socks5("www.evil.example");
    let facts = pieces(1080, &[&[5, 2, 0, 2], &[1, 1, b'u', 1, b'p'], &request, REQUEST]);
    assert_eq!(facts, ["named Socks www.evil.example", INSIDE]);
}

#[test]
fn socks5_without_waiting() {
    for greeting in [&[5, 1, 0][..], &[5, 2, 0, 2, 1, 1, b'u', 1, b'p'], &[5, 3, 0, 1, 2]] {
        let stream = [greeting, &socks5("www.evil.example"), REQUEST].concat();
        assert_eq!(whole(9050, &stream), ["named Socks www.evil.example", INSIDE], "{greeting:?}");
    }
}

#[test]
fn socks5_to_addresses_names_nothing() {
    let v4 = [&[5, 1, 0, 1, 192, 0, 2, 1, 1, 187][..], REQUEST].concat();
    assert_eq!(whole(1080, &v4), [INSIDE]);
    let v6 = [&[5, 1, 0, 4][..], &[0x20; 18], REQUEST].concat();
    assert_eq!(whole(1080, &v6), [INSIDE]);
}

#[test]
fn socks4_and_4a() {
    let plain = [&b"\x04\x01\x01\xbb\xc0\x00\x02\x01user\0"[..], REQUEST].concat();
    assert_eq!(whole(1080, &plain), [INSIDE]);
    let named = [&b"\x04\x01\x01\xbb\0\0\0\x01user\0Www.Evil.example\0"[..], REQUEST].concat();
    assert_eq!(whole(1080, &named), ["named Socks www.evil.example", INSIDE]);
    assert_eq!(whole(1080, b"\x04\x01\x01\xbb\0\0\0\x01user\0no host!\0"), [""; 0]);
}

#[test]
fn smtp_greetings() {
    assert_eq!(whole(25, b"EHLO Mail.Evil.example\r\n"), ["named SmtpHelo mail.evil.example"]);
    assert_eq!(whole(2525, b"helo mail.evil.example \n"), ["named SmtpHelo mail.evil.example"]);
    assert_eq!(whole(24, b"LHLO mail.evil.example\r\nMAIL FROM:<>\r\n"), ["named SmtpHelo mail.evil.example"]);
    assert_eq!(whole(25, b"EHLO [192.0.2.1]\r\n"), [""; 0]);
    assert_eq!(whole(25, b"EHLO\r\n"), [""; 0]);
    let endless = [b"EHLO ".as_slice(), &[b'a'; 600]].concat();
    assert_eq!(whole(25, &endless), [""; 0]);
}

#[test]
fn proxy_protocol_and_what_follows() {
    let line = [b"PROXY TCP4 192.0.2.1 192.0.2.2 4000 80\r\n", REQUEST].concat();
    assert_eq!(whole(80, &line), [INSIDE]);
    let block = [&proxy2("www.evil.example"), REQUEST].concat();
    assert_eq!(whole(80, &block), ["named ProxyProtocol www.evil.example", INSIDE]);
    let too_long = [b"PROXY ".as_slice(), &[b'x'; 120], b"\r\n", REQUEST].concat();
    assert_eq!(whole(80, &too_long), [""; 0]);
}

#[test]
fn lengths() {
    // A command line of SMTP, line end included.
    for (length, seen) in [(511, 1), (512, 1), (513, 0)] {
        let line = [b"EHLO mail.evil.example ".as_slice(), &vec![b'x'; length - 24]].concat();
        assert_eq!(pieces(25, &[&line, b"\n"]).len(), seen, "{length}");
    }
    // A line of PROXY protocol version 1, line end included.
    for (length, seen) in [(106, 1), (107, 1), (108, 0)] {
        let line = [b"PROXY ".as_slice(), &vec![b'x'; length - 8], b"\r\n", REQUEST].concat();
        assert_eq!(whole(80, &line).len(), seen, "{length}");
    }
    // A user id of SOCKS 4.
    for (length, seen) in [(254, 1), (255, 1), (256, 0)] {
        let user = vec![b'u'; length];
        let stream = [&b"\x04\x01\x01\xbb\0\0\0\x01"[..], &user, b"\0www.evil.example\0"].concat();
        assert_eq!(whole(1080, &stream).len(), seen, "{length}");
    }
    // Methods of a SOCKS 5 greeting.
    for (count, seen) in [(15, 1), (16, 1), (17, 0)] {
        let stream = [&[5, count as u8][..], &vec![0x80; count], &socks5("www.evil.example")].concat();
        assert_eq!(whole(1080, &stream).len(), seen, "{count}");
    }
}
