//! The words after `tcp` or `udp`: what the packet carries. ` && ` joins several payloads.

use std::net::{IpAddr, SocketAddr};

use super::word;
use crate::payload::dns::{self, Message, Record};
use crate::payload::{h2, http, names};
use crate::random::Random;
use crate::{quic, tls};

/// The bytes of a stream or of a datagram that stands alone; in a stream, DNS goes behind its length.
pub(super) fn stream(words: &str, tcp: bool) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    for part in words.split(" && ") {
        out.extend(one(part.trim(), tcp)?);
    }
    Ok(out)
}

/// The datagrams that a payload takes (QUIC hellos may take several).
pub(super) fn datagrams(words: &str) -> Result<Vec<Vec<u8>>, String> {
    match word(words) {
        ("quic", rest) => match word(rest) {
            ("hello", rest) => quic_hello(&Words::parse(rest, &["sni", "alpn", "version", "datagrams"])?),
            (other, _) => Err(format!("quic hello, not {other:?}")),
        },
        ("gquic", rest) => match word(rest) {
            ("hello", rest) => {
                let words = Words::parse(rest, &["sni", "version"])?;
                let version = words.get("version").unwrap_or("Q043").as_bytes();
                let version = version.try_into().map_err(|_| "a version like Q043".to_owned())?;
                Ok(vec![quic::gquic(version, words.get("sni").unwrap_or_default())])
            }
            (other, _) => Err(format!("gquic hello, not {other:?}")),
        },
        _ => Ok(vec![stream(words, false)?]),
    }
}

/// A ClientHello in as many Initial packets as `datagrams` says, a datagram each.
fn quic_hello(words: &Words<'_>) -> Result<Vec<Vec<u8>>, String> {
    let version = match words.get("version").unwrap_or("1") {
        "1" => quic::V1,
        "2" => quic::V2,
        "draft29" => quic::DRAFT_29,
        other => return Err(format!("{other:?} is none of 1, 2, draft29")),
    };
    let parts = words.get("datagrams").map_or(Ok(1), count)?.max(1);
    let mut hello = hello(words);
    hello.extra.push((0x39, vec![1, 4, 0x80, 0, 0x75, 0x30])); // transport parameters: max_idle_timeout
    let message = hello.message();
    let size = message.len().div_ceil(parts);
    let packet = |i: usize| {
        let frames = quic::crypto(&message, i * size, size.min(message.len() - i * size));
        quic::Initial { version, number: i as u32, ..quic::Initial::new(&[0xd1, 2, 3, 4, 5, 6, 7, 8], frames) }.seal()
    };
    Ok((0..parts).map(packet).collect())
}

fn one(words: &str, tcp: bool) -> Result<Vec<u8>, String> {
    let (kind, rest) = word(words);
    match kind {
        "" => Ok(Vec::new()),
        "hex" => hex(rest),
        "text" => text(rest),
        "zeros" => Ok(vec![0; count(rest)?]),
        "random" => Ok(Random::new(1).bytes(count(rest)?)),
        "dns" => dns_message(rest).map(|m| if tcp { m.encode_tcp() } else { m.encode() }),
        "http" => http_head(rest),
        "h2c" => {
            let (authority, rest) = word(rest);
            let (path, agent) = word(rest);
            Ok(h2::request(authority, if path.is_empty() { "/" } else { path }, agent))
        }
        "socks4a" => host_port(rest).map(|(name, port)| names::socks4a(name, port)),
        "socks5" if rest == "greeting" => Ok(names::socks5_greeting()),
        "socks5" => host_port(rest).map(|(name, port)| names::socks5(name, port)),
        "smtp" => match word(rest) {
            ("helo", name) => Ok(names::smtp_hello(name, false)),
            ("ehlo", name) => Ok(names::smtp_hello(name, true)),
            (other, _) => Err(format!("smtp helo NAME or smtp ehlo NAME, not {other:?}")),
        },
        "proxy1" | "proxy2" => proxy(kind, rest),
        "tls" => tls_flight(rest),
        "dtls" => match word(rest) {
            ("hello", rest) => {
                let message = dtls_hello(&Words::parse(rest, &["sni", "alpn"])?).message();
                Ok(tls::dtls_record(&message, 0, 0, message.len() - 4, 0))
            }
            (other, _) => Err(format!("dtls hello, not {other:?}")),
        },
        other => Err(format!("{other:?} is no payload")),
    }
}

/// `KEY=VALUE` words after a payload's name.
struct Words<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Words<'a> {
    fn parse(text: &'a str, known: &[&str]) -> Result<Self, String> {
        let mut out = Vec::new();
        for option in text.split_whitespace() {
            match option.split_once('=') {
                Some((key, value)) if known.contains(&key) => out.push((key, value)),
                _ => return Err(format!("{option:?} is none of {}=...", known.join("=..., "))),
            }
        }
        Ok(Words(out))
    }

    fn get(&self, key: &str) -> Option<&'a str> {
        self.0.iter().find(|(name, _)| *name == key).map(|(_, value)| *value)
    }
}

fn hello(words: &Words<'_>) -> tls::ClientHello {
    let mut hello = tls::ClientHello::new(words.get("sni").unwrap_or_default());
    if words.get("sni").is_none() {
        hello.sni = None;
    }
    if let Some(alpn) = words.get("alpn") {
        hello.alpn = alpn.split(',').map(|name| name.as_bytes().to_vec()).collect();
    }
    hello
}

fn dtls_hello(words: &Words<'_>) -> tls::ClientHello {
    tls::ClientHello { version: 0xfefd, versions: vec![0xfefc, 0xfefd], dtls_cookie: Some(Vec::new()), ..hello(words) }
}

/// `hello [sni=NAME] [alpn=h2,http/1.1] [records=N]`, `certificate cn=NAME [san=NAME,NAME] [pad=N]`.
fn tls_flight(words: &str) -> Result<Vec<u8>, String> {
    const HANDSHAKE: u8 = 22;
    const LONGEST_RECORD: usize = 16_384;
    match word(words) {
        ("hello", rest) => {
            let words = Words::parse(rest, &["sni", "alpn", "records"])?;
            let size = words.get("records").map_or(Ok(LONGEST_RECORD), count)?;
            Ok(tls::records(HANDSHAKE, &hello(&words).message(), size))
        }
        ("certificate", rest) => {
            let words = Words::parse(rest, &["cn", "san", "pad", "records"])?;
            let names: Vec<&str> = words.get("san").map(|list| list.split(',').collect()).unwrap_or_default();
            let pad = words.get("pad").map_or(Ok(64), count)?;
            let certificate = tls::certificate(words.get("cn").unwrap_or_default(), &names, pad);
            let flight = [tls::server_hello(), tls::certificate_message(&[certificate])].concat();
            let size = words.get("records").map_or(Ok(LONGEST_RECORD), count)?;
            Ok(tls::records(HANDSHAKE, &flight, size))
        }
        (other, _) => Err(format!("tls hello or tls certificate, not {other:?}")),
    }
}

fn count(text: &str) -> Result<usize, String> {
    text.parse().map_err(|_| format!("{text:?} is no number of bytes"))
}

fn hex(text: &str) -> Result<Vec<u8>, String> {
    let digits: Vec<u32> = text
        .chars()
        .filter(|c| !c.is_whitespace())
        .map(|c| c.to_digit(16).ok_or_else(|| format!("{c:?} is no hex digit")))
        .collect::<Result<_, _>>()?;
    if digits.len() % 2 == 1 {
        return Err("an odd number of hex digits".to_owned());
    }
    Ok(digits.chunks(2).map(|pair| (pair[0] * 16 + pair[1]) as u8).collect())
}

/// The rest of the line with `\r`, `\n`, `\t`, `\0`, `\\`, `\s` (a space) and `\xNN`.
fn text(text: &str) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        out.push(match bytes.next() {
            Some(b'r') => b'\r',
            Some(b'n') => b'\n',
            Some(b't') => b'\t',
            Some(b's') => b' ',
            Some(b'0') => 0,
            Some(b'\\') => b'\\',
            Some(b'x') => {
                let digits: String = bytes.by_ref().take(2).map(char::from).collect();
                u8::from_str_radix(&digits, 16).map_err(|_| format!("\\x{digits} is no byte"))?
            }
            other => return Err(format!("\\{} is no escape", other.map_or(' ', char::from))),
        });
    }
    Ok(out)
}

fn host_port(text: &str) -> Result<(&str, u16), String> {
    let (name, port) = text.trim().rsplit_once(':').ok_or_else(|| format!("NAME:PORT, not {text:?}"))?;
    Ok((name, port.parse().map_err(|_| format!("{port:?} is no port"))?))
}

fn proxy(kind: &str, words: &str) -> Result<Vec<u8>, String> {
    let (src, rest) = word(words);
    let (_, rest) = word(rest);
    let (dst, authority) = word(rest);
    let parse = |text: &str| text.parse::<SocketAddr>().map_err(|_| format!("{text:?} is no ADDRESS:PORT"));
    let (src, dst) = (parse(src)?, parse(dst)?);
    Ok(match kind {
        "proxy1" => names::proxy_v1(src.ip(), src.port(), dst.ip(), dst.port()),
        _ => names::proxy_v2(src.ip(), src.port(), dst.ip(), dst.port(), authority),
    })
}

/// `query NAME [TYPE]`, `response NAME [TYPE] [RECORD, RECORD ...]`; either may say `rcode=N`, `id=N`, `edns`.
fn dns_message(words: &str) -> Result<Message, String> {
    let (direction, rest) = word(words);
    let (name, mut rest) = word(rest);
    let mut kind = 1;
    if let Some(number) = dns::record_type(word(rest).0)
        && (direction == "query" || !word(rest).1.is_empty() || number != 0)
    {
        kind = number;
        rest = word(rest).1;
    }
    let mut message = match direction {
        "query" => Message::query(name, kind),
        "response" => Message::response(name, kind, Vec::new()),
        other => return Err(format!("dns query or dns response, not {other:?}")),
    };
    loop {
        let (option, after) = word(rest);
        if let Some(rcode) = option.strip_prefix("rcode=") {
            message = message.with_rcode(count(rcode)? as u16);
        } else if let Some(id) = option.strip_prefix("id=") {
            message.id = count(id)? as u16;
        } else if option == "edns" {
            message.edns = true;
        } else {
            break;
        }
        rest = after;
    }
    message.answers = dns_records(name, rest)?;
    Ok(message)
}

/// `A 192.0.2.1, CNAME cdn.site.com, cdn.site.com A 192.0.2.2`; what follows a CNAME belongs to its target
/// unless an owner is named.
fn dns_records(name: &str, text: &str) -> Result<Vec<Record>, String> {
    let mut owner = name.to_owned();
    let mut out = Vec::new();
    for part in text.split(',').map(str::trim).filter(|p| !p.is_empty()) {
        let (first, rest) = word(part);
        let (kind, data) = match dns::record_type(first) {
            Some(kind) => (kind, rest),
            None => {
                owner = first.to_owned();
                let (kind, data) = word(rest);
                (dns::record_type(kind).ok_or_else(|| format!("{kind:?} is no record type"))?, data)
            }
        };
        out.push(match kind {
            1 | 28 => {
                let address: IpAddr = data.parse().map_err(|_| format!("{data:?} is no address"))?;
                Record::address(&owner, address)
            }
            2 | 5 | 12 | 39 => Record::target(&owner, kind, data),
            16 => Record::text(&owner, data),
            _ => Record { name: owner.clone(), kind, data: hex(data)? },
        });
        if kind == 5 {
            data.clone_into(&mut owner);
        }
    }
    Ok(out)
}

/// `METHOD TARGET [HTTP/1.0|-] [Name: value | Name: value] [|| body]`, `response STATUS ...`. The version `-` is none.
fn http_head(words: &str) -> Result<Vec<u8>, String> {
    let (head, body) = words.split_once("||").map_or((words, String::new()), |(h, b)| (h, b.trim().to_owned()));
    let (method, rest) = word(head);
    let (target, rest) = word(rest);
    let (version, after) = match word(rest) {
        ("-", after) => ("", after),
        (version, after) if version.starts_with("HTTP/") => (version, after),
        _ => ("HTTP/1.1", rest),
    };
    let headers: Vec<&str> = after.split(" | ").map(str::trim).filter(|h| !h.is_empty()).collect();
    if method.is_empty() || target.is_empty() {
        return Err("http METHOD TARGET [Name: value | Name: value] [|| body]".to_owned());
    }
    if method == "response" {
        let status = target.parse().map_err(|_| format!("{target:?} is no status code"))?;
        return Ok(http::response(status, &headers, &body));
    }
    Ok(http::request(method, target, version, &headers, &body))
}
