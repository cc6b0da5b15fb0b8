//! The grammar of trails: a text to a typed, normalised indicator.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

use crate::keys::canonical;

/// Bytes of the longest indicator.
pub const MAX_LENGTH: usize = 4096;

/// A normalised indicator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Indicator {
    /// A host name: the name and everything below it.
    Name(String),
    /// `host/path`, `/path`, `host:port`, `host:port/path`: lower case, no scheme.
    Url(String),
    /// An address.
    Address(IpAddr),
    /// An address with a port.
    Endpoint(IpAddr, u16),
    /// A network.
    Network(IpNet),
    /// SHA-1 of a certificate's DER.
    Certificate([u8; 20]),
    /// JA3 of a ClientHello.
    Ja3([u8; 16]),
    /// JA4 of a ClientHello.
    Ja4([u8; 36]),
    /// A regular expression over names, ASCII, found anywhere in the name.
    Pattern(String),
}

/// Why a text is no indicator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Refused {
    /// Nothing in it.
    #[error("empty")]
    Empty,
    /// Longer than [`MAX_LENGTH`].
    #[error("longer than 4096 bytes")]
    TooLong,
    /// Looks like an address, port or network, but is none.
    #[error("not a valid address, port or network")]
    Address,
    /// No host name.
    #[error("not a host name")]
    Name,
    /// A regular expression that does not compile, or matches the empty text.
    #[error("a pattern that does not compile or matches everything")]
    Pattern,
}

/// Reads one indicator.
///
/// # Errors
/// The text is none of the forms.
pub fn parse(text: &str) -> Result<Indicator, Refused> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Refused::Empty);
    }
    if text.len() > MAX_LENGTH {
        return Err(Refused::TooLong);
    }
    if let Some(found) = address_form(text) {
        return found;
    }
    if let Some(found) = fingerprint(text) {
        return Ok(found);
    }
    let lower = text.to_lowercase();
    let bare = lower.strip_prefix("http://").or_else(|| lower.strip_prefix("https://")).unwrap_or(&lower);
    let schemed = bare.len() < lower.len();
    if is_pattern(bare) {
        return pattern(bare);
    }
    if bare.contains('/') || bare.contains('?') {
        return url(bare, schemed);
    }
    if let Some((host, port)) = bare.rsplit_once(':')
        && port.parse::<u16>().is_ok()
        && valid_name(host)
    {
        return Ok(Indicator::Url(format!("{host}:{port}")));
    }
    name(bare)
}

/// Addresses, endpoints, networks; `None` where it does not look like one.
fn address_form(text: &str) -> Option<Result<Indicator, Refused>> {
    let text = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://")).unwrap_or(text);
    if let Some(address) = address(text) {
        return Some(Ok(Indicator::Address(address)));
    }
    if let Some(rest) = text.strip_prefix('[')
        && let Some((inside, tail)) = rest.split_once(']')
        && let Some(address) = address(inside)
    {
        return match tail.strip_prefix(':') {
            Some(port) => {
                Some(port.parse().map(|port| Indicator::Endpoint(address, port)).map_err(|_| Refused::Address))
            }
            None if tail.is_empty() => Some(Ok(Indicator::Address(address))),
            None => None,
        };
    }
    if let Some((base, length)) = text.split_once('/')
        && let Some(base) = address(base)
        && let Ok(length) = length.parse::<u8>()
        && let Ok(network) = IpNet::new(base, length)
    {
        return Some(Ok(Indicator::Network(network.trunc())));
    }
    let (base, port) = text.split_once(':')?;
    let base: Ipv4Addr = base.parse().ok()?;
    if port.contains('/') {
        return None;
    }
    Some(port.parse().map(|port| Indicator::Endpoint(IpAddr::V4(base), port)).map_err(|_| Refused::Address))
}

/// An address in any spelling in use, the longest run of zeros written once or not at all.
pub fn address(text: &str) -> Option<IpAddr> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some(canonical(address));
    }
    // An older spelling keeps a zero before or after "::", which makes nine groups of it.
    if text.contains("::") && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b':') {
        let shorter = text.replacen(":::", "::", 1);
        return shorter.parse::<Ipv6Addr>().ok().map(|address| canonical(IpAddr::V6(address)));
    }
    None
}

fn fingerprint(text: &str) -> Option<Indicator> {
    let bytes = text.as_bytes();
    match bytes.len() {
        40 => Some(Indicator::Certificate(hex(bytes)?)),
        32 => Some(Indicator::Ja3(hex(bytes)?)),
        36 => {
            let (head, rest) = text.split_once('_')?;
            let (ciphers, extensions) = rest.split_once('_')?;
            let digest = |part: &str| part.len() == 12 && part.bytes().all(|byte| byte.is_ascii_hexdigit());
            let fits = head.len() == 10 && head.starts_with(['t', 'q', 'd']) && digest(ciphers) && digest(extensions);
            fits.then(|| bytes.try_into().ok().map(Indicator::Ja4))?
        }
        _ => None,
    }
}

fn hex<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    let (pairs, rest) = text.as_chunks::<2>();
    if pairs.len() != N || !rest.is_empty() {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(pairs) {
        let digits = pair.map(|digit| char::from(digit).to_digit(16));
        *byte = (digits.first().copied()?? << 4 | digits.last().copied()??) as u8;
    }
    Some(bytes)
}

/// A `?` after a slash is a query, not an operator.
fn is_pattern(text: &str) -> bool {
    let host = text.split('/').next().unwrap_or(text);
    !text.contains('/') && host.bytes().any(|byte| b"\\*+[](){}|^$".contains(&byte))
}

fn pattern(text: &str) -> Result<Indicator, Refused> {
    let expression = match text.strip_prefix("*.") {
        // A wildcard of the shell kind is only another way to write the name.
        Some(rest) if valid_name(rest) => return name(rest),
        Some(rest) => format!(".*\\.{rest}"),
        None => text.to_owned(),
    };
    match crate::patterns::check(&expression) {
        true => Ok(Indicator::Pattern(expression)),
        false => Err(Refused::Pattern),
    }
}

fn url(text: &str, schemed: bool) -> Result<Indicator, Refused> {
    let (host, path) = text.split_at(text.find(['/', '?']).unwrap_or(text.len()));
    if host.is_empty() {
        return Ok(Indicator::Url(text.to_owned()));
    }
    if path == "/" && schemed {
        // `http://host:port/` says no more than the host.
        if let Some(found) = address_form(host) {
            return found;
        }
    }
    let (bare, port) = match host.rsplit_once(':') {
        Some((bare, port)) if port.parse::<u16>().is_ok() => (bare, Some(port)),
        _ => (host, None),
    };
    if !valid_name(bare) && address(bare.trim_matches(['[', ']'])).is_none() {
        return Err(Refused::Name);
    }
    let host = match port {
        None | Some("80") => bare,
        Some(_) => host,
    };
    Ok(Indicator::Url(format!("{host}{path}")))
}

fn name(text: &str) -> Result<Indicator, Refused> {
    let text = text.trim_end_matches('.');
    let text = text.strip_prefix("www.").filter(|rest| rest.contains('.')).unwrap_or(text);
    if text.is_ascii() {
        let looks_like_address =
            text.contains(':') || text.split('.').all(|label| label.bytes().all(|byte| byte.is_ascii_digit()));
        return match valid_name(text) {
            _ if looks_like_address => Err(Refused::Address),
            true => Ok(Indicator::Name(text.to_owned())),
            false => Err(Refused::Name),
        };
    }
    match idna::domain_to_ascii(text) {
        Ok(ascii) if valid_name(&ascii) => Ok(Indicator::Name(ascii)),
        _ => Err(Refused::Name),
    }
}

/// Letters, digits, hyphens and underscores in labels of 1 to 63 bytes.
fn valid_name(text: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    text.len() <= 253 && text.split('.').all(label)
}
