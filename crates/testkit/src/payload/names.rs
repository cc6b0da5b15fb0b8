//! Protocols that say a name outright: SOCKS, SMTP, PROXY.

use std::net::IpAddr;

/// SOCKS4a CONNECT: address 0.0.0.1, empty user, then the name.
#[must_use]
pub fn socks4a(name: &str, port: u16) -> Vec<u8> {
    [&[4, 1], &port.to_be_bytes()[..], &[0, 0, 0, 1, 0], name.as_bytes(), &[0]].concat()
}

/// SOCKS5 greeting offering "no authentication" (RFC 1928 section 3).
#[must_use]
pub fn socks5_greeting() -> Vec<u8> {
    vec![5, 1, 0]
}

/// SOCKS5 CONNECT by name (RFC 1928 section 4).
#[must_use]
pub fn socks5(name: &str, port: u16) -> Vec<u8> {
    [&[5, 1, 0, 3, name.len() as u8], name.as_bytes(), &port.to_be_bytes()[..]].concat()
}

/// SMTP greeting: `EHLO name` or, with `extended` false, `HELO name`.
#[must_use]
pub fn smtp_hello(name: &str, extended: bool) -> Vec<u8> {
    format!("{} {name}\r\n", if extended { "EHLO" } else { "HELO" }).into_bytes()
}

/// PROXY protocol version 1 line.
#[must_use]
pub fn proxy_v1(src: IpAddr, src_port: u16, dst: IpAddr, dst_port: u16) -> Vec<u8> {
    let family = if src.is_ipv4() { "TCP4" } else { "TCP6" };
    format!("PROXY {family} {src} {dst} {src_port} {dst_port}\r\n").into_bytes()
}

/// PROXY protocol version 2 header with an authority field (type 2) where `authority` is not empty.
#[must_use]
pub fn proxy_v2(src: IpAddr, src_port: u16, dst: IpAddr, dst_port: u16, authority: &str) -> Vec<u8> {
    let mut body = Vec::new();
    for address in [src, dst] {
        match address {
            IpAddr::V4(v4) => body.extend(v4.octets()),
            IpAddr::V6(v6) => body.extend(v6.octets()),
        }
    }
    body.extend([src_port.to_be_bytes(), dst_port.to_be_bytes()].concat());
    if !authority.is_empty() {
        body.push(2);
        body.extend((authority.len() as u16).to_be_bytes());
        body.extend(authority.as_bytes());
    }
    let signature = b"\r\n\r\n\0\r\nQUIT\n";
    let family = if src.is_ipv4() { 0x11 } else { 0x21 };
    [&signature[..], &[0x21, family], &(body.len() as u16).to_be_bytes(), &body].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_stand_where_the_protocols_say() {
        assert_eq!(socks4a("a.com", 80), b"\x04\x01\0\x50\0\0\0\x01\0a.com\0");
        assert_eq!(socks5("a.com", 443), b"\x05\x01\0\x03\x05a.com\x01\xbb");
        assert_eq!(smtp_hello("a.com", false), b"HELO a.com\r\n");
        let (a, b) = ("10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap());
        assert_eq!(proxy_v1(a, 1, b, 2), b"PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\n");
        let v2 = proxy_v2(a, 1, b, 2, "a.com");
        assert_eq!(v2[12..16], [0x21, 0x11, 0, 20]);
        assert!(v2.ends_with(b"\x02\0\x05a.com"));
    }
}
