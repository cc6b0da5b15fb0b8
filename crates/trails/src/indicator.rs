//! The grammar of indicators: the text of one line becomes a typed, normalised [`Indicator`].
//!
//! No I/O and no labels here. Normalising is idempotent: what [`Indicator`] displays parses to itself.
//!
//! ```
//! use trails::Indicator;
//! let mut scratch = String::new();
//! assert_eq!(Indicator::parse("WWW.Evil.Example.", &mut scratch), Ok(Indicator::Name("evil.example")));
//! ```

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Longest indicator that is kept, bytes.
pub const MAX_INDICATOR_LENGTH: usize = 2048;
/// Longest name (RFC 1035 2.3.4), bytes.
const MAX_NAME_LENGTH: usize = 253;
/// Longest label of a name (RFC 1035 2.3.4), bytes.
const MAX_LABEL_LENGTH: usize = 63;

/// An address range by its prefix, host bits cleared. IPv4-mapped ranges of length 96 and more are IPv4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Network {
    /// First address.
    pub address: IpAddr,
    /// Length of the prefix, bits.
    pub length: u8,
}

/// One listed thing, normalised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Indicator<'t> {
    /// A name; it lists its subdomains as well. One label lists everything under it.
    Name(&'t str),
    /// `host/path`, `host:port/path`, `name:port`, `host/`. A slash at the end of a path is dropped.
    Url(&'t str),
    /// `/path` at any host, perhaps with the beginning of a query.
    Path(&'t str),
    /// An address; IPv4-mapped ones are IPv4.
    Address(IpAddr),
    /// An address with a port.
    Endpoint(IpAddr, u16),
    /// A network.
    Network(Network),
    /// SHA-1 of a certificate's DER.
    CertificateSha1([u8; 20]),
    /// MD5 of a ClientHello's JA3 text.
    Ja3([u8; 16]),
    /// JA4 of a ClientHello.
    Ja4([u8; 36]),
    /// Regular expression, searched for anywhere in a name.
    Pattern(&'t str),
}

/// What kind of indicator it is; the number is its place in [`crate::store::Counts`] and in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
#[allow(missing_docs)] // The same words as in `Indicator`.
pub enum Kind {
    Name,
    Url,
    Path,
    Address,
    Endpoint,
    Network,
    CertificateSha1,
    Ja3,
    Ja4,
    Pattern,
}

impl Kind {
    /// All, in the order of their numbers.
    pub const ALL: [Kind; 10] = [
        Kind::Name,
        Kind::Url,
        Kind::Path,
        Kind::Address,
        Kind::Endpoint,
        Kind::Network,
        Kind::CertificateSha1,
        Kind::Ja3,
        Kind::Ja4,
        Kind::Pattern,
    ];

    /// For people.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Name => "name",
            Kind::Url => "URL",
            Kind::Path => "path",
            Kind::Address => "address",
            Kind::Endpoint => "address:port",
            Kind::Network => "network",
            Kind::CertificateSha1 => "certificate",
            Kind::Ja3 => "JA3",
            Kind::Ja4 => "JA4",
            Kind::Pattern => "pattern",
        }
    }
}

/// Why a text is no indicator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, thiserror::Error)]
pub enum Why {
    /// Nothing but a scheme, dots or slashes.
    #[error("nothing to look for")]
    Empty,
    /// Longer than [`MAX_INDICATOR_LENGTH`] or than a name can be.
    #[error("too long")]
    TooLong,
    /// Not UTF-8.
    #[error("not UTF-8")]
    Encoding,
    /// A character that no name has.
    #[error("a character that no name has")]
    Character,
    /// A label of a name is empty or too long.
    #[error("a label of the name is empty or longer than 63 characters")]
    NameLabel,
    /// Digits and dots, but no address.
    #[error("not an IP address")]
    Address,
    /// The port is 0, above 65535, or no number.
    #[error("not a port")]
    Port,
    /// `address:port:port`.
    #[error("two ports")]
    TwoPorts,
    /// A prefix length that is 0 or too long.
    #[error("not a prefix length")]
    PrefixLength,
    /// A pattern holds a slash: names never do.
    #[error("a pattern of names cannot hold a slash")]
    PatternSlash,
    /// A pattern matches the empty text, so everything.
    #[error("the pattern matches everything")]
    PatternMatchesAll,
    /// A pattern does not compile.
    #[error("the pattern does not compile")]
    PatternSyntax,
    /// The automaton of all patterns would become too large.
    #[error("the pattern is too large")]
    PatternSize,
    /// A row of a CSV without its three columns.
    #[error("not a row of trail,info,reference")]
    Row,
    /// The set is full.
    #[error("more indicators than a set can hold")]
    Full,
}

impl<'t> Indicator<'t> {
    /// Parses a line's text (without comment); `scratch` holds the normalised text of names and URLs.
    ///
    /// # Errors
    /// It is none of the forms, or could match nothing.
    pub fn parse(text: &str, scratch: &'t mut String) -> Result<Self, Why> {
        scratch.clear();
        let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
        if text.len() > MAX_INDICATOR_LENGTH {
            return Err(Why::TooLong);
        }
        let (text, from_url) = without_scheme(text);
        if text.trim_matches(['/', '.']).is_empty() {
            return Err(Why::Empty);
        }
        if text.starts_with('/') {
            lower_into(text.trim_end_matches('/'), scratch);
            return Ok(Self::Path(scratch));
        }
        if !from_url {
            if let Some(address) = address(text) {
                return Ok(Self::Address(address));
            }
            if let Some(known) = fingerprint(text) {
                return Ok(known);
            }
            if let Some((left, right)) = text.rsplit_once('/')
                && !right.is_empty()
                && right.bytes().all(|b| b.is_ascii_digit())
                && let Some(address) = address(left)
            {
                return network(address, left, right);
            }
            if let Some(pattern) = pattern(text)? {
                return Ok(match pattern {
                    Shape::Regex => {
                        scratch.push_str(text);
                        Self::Pattern(scratch)
                    }
                    Shape::Glob => {
                        glob_into(text, scratch);
                        Self::Pattern(scratch)
                    }
                    Shape::AnySubdomain(parent) => return name(parent, scratch),
                });
            }
        }
        match text.split_once('/') {
            Some((authority, path)) => url(authority, path, scratch),
            None if from_url => url(text, "", scratch),
            None => bare(text, scratch),
        }
    }

    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Name(_) => Kind::Name,
            Self::Url(_) => Kind::Url,
            Self::Path(_) => Kind::Path,
            Self::Address(_) => Kind::Address,
            Self::Endpoint(..) => Kind::Endpoint,
            Self::Network(_) => Kind::Network,
            Self::CertificateSha1(_) => Kind::CertificateSha1,
            Self::Ja3(_) => Kind::Ja3,
            Self::Ja4(_) => Kind::Ja4,
            Self::Pattern(_) => Kind::Pattern,
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.length)
    }
}

impl fmt::Display for Indicator<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hex = |f: &mut fmt::Formatter<'_>, bytes: &[u8]| bytes.iter().try_for_each(|b| write!(f, "{b:02x}"));
        match self {
            Self::Name(text) | Self::Url(text) | Self::Path(text) | Self::Pattern(text) => f.write_str(text),
            Self::Address(address) => address.fmt(f),
            Self::Endpoint(address, port) => std::net::SocketAddr::new(*address, *port).fmt(f),
            Self::Network(network) => network.fmt(f),
            Self::CertificateSha1(sha1) => hex(f, sha1),
            Self::Ja3(md5) => hex(f, md5),
            Self::Ja4(text) => f.write_str(std::str::from_utf8(text).unwrap_or_default()),
        }
    }
}

/// The address in canonical form: IPv4-mapped IPv6 (RFC 4291 2.5.5.2) is IPv4.
#[inline]
#[must_use]
pub fn canonical(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(address, IpAddr::V4),
        IpAddr::V4(_) => address,
    }
}

/// Accepts the RFC 4291 spellings and the older one of files in which a run of zero groups was replaced by
/// one colon too many (`2001:db8:::1`).
fn address(text: &str) -> Option<IpAddr> {
    let first = *text.as_bytes().first()?;
    if !(first.is_ascii_hexdigit() || first == b':') {
        return None;
    }
    let parsed = text.parse().ok().or_else(|| {
        text.contains(":::").then(|| text.replacen(":::", "::", 1).parse::<Ipv6Addr>().ok().map(IpAddr::V6))?
    });
    parsed.map(canonical)
}

fn network<'t>(address: IpAddr, left: &str, right: &str) -> Result<Indicator<'t>, Why> {
    let mut length: u8 = right.parse().map_err(|_| Why::PrefixLength)?;
    if address.is_ipv4() && left.contains(':') {
        length = length.checked_sub(96).ok_or(Why::PrefixLength)?;
    }
    let net = ipnet::IpNet::new(address, length).map_err(|_| Why::PrefixLength)?;
    if length == 0 {
        return Err(Why::PrefixLength);
    }
    if length == net.max_prefix_len() {
        return Ok(Indicator::Address(address));
    }
    Ok(Indicator::Network(Network { address: net.network(), length }))
}

/// Drops `http://`, `hxxp://`, `tcp://` ...
fn without_scheme(text: &str) -> (&str, bool) {
    match text.split_once("://") {
        Some((scheme, rest))
            if !scheme.is_empty() && scheme.len() <= 8 && scheme.bytes().all(|b| b.is_ascii_alphanumeric()) =>
        {
            (rest, true)
        }
        _ => (text, false),
    }
}

fn lower_into(text: &str, scratch: &mut String) {
    scratch.extend(text.chars().map(|c| c.to_ascii_lowercase()));
}

fn fingerprint<'t>(text: &str) -> Option<Indicator<'t>> {
    let bytes = text.as_bytes();
    match bytes.len() {
        40 => Some(Indicator::CertificateSha1(unhex(bytes)?)),
        32 => Some(Indicator::Ja3(unhex(bytes)?)),
        36 => {
            let ja4: [u8; 36] = text.to_ascii_lowercase().as_bytes().try_into().ok()?;
            is_ja4(&ja4).then_some(Indicator::Ja4(ja4))
        }
        _ => None,
    }
}

/// `t13d1516h2_8daaf6152771_b186095e22b6`: transport, version, SNI, two counts, ALPN, two hashes.
fn is_ja4(text: &[u8; 36]) -> bool {
    text.iter().enumerate().all(|(at, &byte)| match at {
        0 => matches!(byte, b't' | b'q' | b'd'),
        1 | 2 => byte.is_ascii_alphanumeric(),
        3 => matches!(byte, b'd' | b'i'),
        4..=7 => byte.is_ascii_digit(),
        8 | 9 => byte.is_ascii_alphanumeric(),
        10 | 23 => byte == b'_',
        _ => byte.is_ascii_hexdigit(),
    })
}

fn unhex<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        let digit = |at: usize| char::from(*pair.get(at)?).to_digit(16);
        *byte = u8::try_from(digit(0)? << 4 | digit(1)?).ok()?;
    }
    Some(bytes)
}

enum Shape<'a> {
    Regex,
    Glob,
    AnySubdomain(&'a str),
}

/// Whether the text is a pattern of names. A URL may hold the same characters after its first slash.
fn pattern(text: &str) -> Result<Option<Shape<'_>>, Why> {
    let special = |c: char| matches!(c, '\\' | '[' | '(' | '*' | '+' | '|' | '^' | '$' | '{');
    let Some(at) = text.find(special) else { return Ok(None) };
    if text.starts_with('[') && text.contains(':') && text.contains(']') {
        return Ok(None); // [v6]:port
    }
    if let Some(slash) = text.find('/') {
        return if slash < at { Ok(None) } else { Err(Why::PatternSlash) };
    }
    if let Some(parent) = text.strip_prefix("*.")
        && !parent.contains(special)
    {
        return Ok(Some(Shape::AnySubdomain(parent)));
    }
    let plain = text.chars().all(|c| c == '*' || is_name_character(c));
    if plain && !text.contains(".*") {
        return Ok(Some(Shape::Glob));
    }
    Ok(Some(Shape::Regex))
}

/// A glob is a pattern of a whole name or parent: `*` stands for what a label may hold.
fn glob_into(text: &str, scratch: &mut String) {
    scratch.push_str(r"(^|\.)");
    for c in text.chars() {
        match c {
            '*' => scratch.push_str("[^.]*"),
            '.' => scratch.push_str(r"\."),
            _ => scratch.push(c.to_ascii_lowercase()),
        }
    }
    scratch.push('$');
}

fn is_name_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_')
}

fn port(text: &str) -> Result<u16, Why> {
    match text.parse() {
        Ok(0) | Err(_) => Err(Why::Port),
        Ok(port) => Ok(port),
    }
}

/// Splits `host:port`, `[v6]`, `[v6]:port`; the second is the text of the port.
fn host_and_port(authority: &str) -> (&str, Option<&str>) {
    let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    if let Some(inner) = authority.strip_prefix('[')
        && let Some((host, rest)) = inner.split_once(']')
    {
        return (host, rest.strip_prefix(':'));
    }
    match authority.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (authority, None),
    }
}

/// Neither slash nor scheme: `name`, `name:port`, `ip:port`, `[v6]:port`.
fn bare<'t>(text: &str, scratch: &'t mut String) -> Result<Indicator<'t>, Why> {
    let (host, port_text) = host_and_port(text);
    let Some(port_text) = port_text else {
        return match address(host) {
            Some(address) => Ok(Indicator::Address(address)),
            None => name(host, scratch),
        };
    };
    if port_text.contains(':') {
        let each_a_number = port_text.split(':').all(|part| part.bytes().all(|b| b.is_ascii_digit()));
        return Err(if address(host).is_some() && each_a_number { Why::TwoPorts } else { Why::Address });
    }
    host_with_port(host, port(port_text)?, scratch)
}

fn host_with_port<'t>(host: &str, port: u16, scratch: &'t mut String) -> Result<Indicator<'t>, Why> {
    if let Some(address) = address(host) {
        return Ok(Indicator::Endpoint(address, port));
    }
    host_into(host, scratch)?;
    scratch.push(':');
    scratch.push_str(&port.to_string());
    Ok(Indicator::Url(scratch))
}

fn url<'t>(authority: &str, path: &str, scratch: &'t mut String) -> Result<Indicator<'t>, Why> {
    let (host, port_text) = host_and_port(authority);
    let port_number = port_text.filter(|text| !text.is_empty()).map(port).transpose()?;
    if let (Some(number), true) = (port_number, path.trim_end_matches('/').is_empty()) {
        return host_with_port(host, number, scratch);
    }
    match address(host) {
        Some(IpAddr::V6(v6)) => scratch.push_str(&format!("[{v6}]")),
        Some(IpAddr::V4(v4)) => scratch.push_str(&v4.to_string()),
        None => host_into(host, scratch)?,
    }
    if let Some(number) = port_number {
        scratch.push(':');
        scratch.push_str(&number.to_string());
    }
    scratch.push('/');
    lower_into(path.trim_end_matches('/'), scratch);
    Ok(Indicator::Url(scratch))
}

fn name<'t>(text: &str, scratch: &'t mut String) -> Result<Indicator<'t>, Why> {
    host_into(text, scratch)?;
    let rest = scratch.strip_prefix("www.").filter(|rest| rest.contains('.'));
    Ok(Indicator::Name(rest.unwrap_or(scratch)))
}

/// Appends a name in lower case as A-labels, without dots around it.
fn host_into(text: &str, scratch: &mut String) -> Result<(), Why> {
    let text = text.trim_matches('.');
    let start = scratch.len();
    if text.is_ascii() {
        lower_into(text, scratch);
    } else {
        let ascii = idna::domain_to_ascii(text).map_err(|_| Why::Character)?;
        scratch.push_str(ascii.trim_matches('.'));
    }
    let host = scratch.get(start..).unwrap_or_default();
    if host.is_empty() {
        return Err(Why::Empty);
    }
    if host.len() > MAX_NAME_LENGTH {
        return Err(Why::TooLong);
    }
    if !host.chars().all(is_name_character) {
        return Err(Why::Character);
    }
    if host.split('.').any(|label| label.is_empty() || label.len() > MAX_LABEL_LENGTH) {
        return Err(Why::NameLabel);
    }
    let looks_numeric = host.bytes().all(|b| b.is_ascii_digit() || b == b'.') && host.contains('.');
    if looks_numeric && host.parse::<Ipv4Addr>().is_err() {
        return Err(Why::Address);
    }
    Ok(())
}

/// What a line of a text file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line<'a> {
    /// Nothing, or a comment.
    Blank,
    /// `# Reference: URL`: the source of what follows.
    Reference(&'a str),
    /// Text to parse, comment removed.
    Text(&'a str),
}

/// Takes a line apart.
#[must_use]
pub fn line(text: &str) -> Line<'_> {
    let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    if let Some(comment) = text.strip_prefix('#') {
        return match comment.trim_start().strip_prefix("Reference:") {
            Some(source) => Line::Reference(source.trim()),
            None => Line::Blank,
        };
    }
    let text = text.split_once('#').map_or(text, |(before, _)| before.trim_end());
    if text.is_empty() { Line::Blank } else { Line::Text(text) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(text: &str) -> String {
        match Indicator::parse(text, &mut String::new()) {
            Ok(indicator) => format!("{} {indicator}", indicator.kind().as_str()),
            Err(why) => format!("{why:?}"),
        }
    }

    #[test]
    fn forms() {
        let sha1 = "0123456789ABCDEF0123456789abcdef01234567";
        let cases = [
            ("evil.example", "name evil.example"),
            (" WWW.Evil.Example. ", "name evil.example"),
            ("www.com", "name www.com"),
            ("онлайн.example", "name xn--80asehdb.example"),
            ("_x.evil.example", "name _x.evil.example"),
            ("onion", "name onion"),
            ("*.evil.example", "name evil.example"),
            ("192.0.2.1", "address 192.0.2.1"),
            ("192.0.2.1:8080", "address:port 192.0.2.1:8080"),
            ("[2001:DB8::1]:443", "address:port [2001:db8::1]:443"),
            ("[2001:db8::1]", "address 2001:db8::1"),
            ("2001:db8:404:200:0:0:0:7f9", "address 2001:db8:404:200::7f9"),
            ("2001:db8:::7f9", "address 2001:db8::7f9"),
            ("0:0:0:0:0:ffff:c000:201", "address 192.0.2.1"),
            ("::ffff:192.0.2.1", "address 192.0.2.1"),
            ("[::ffff:192.0.2.1]:80", "address:port 192.0.2.1:80"),
            ("198.51.100.7/24", "network 198.51.100.0/24"),
            ("198.51.100.7/32", "address 198.51.100.7"),
            ("2001:db8::1/32", "network 2001:db8::/32"),
            ("::ffff:198.51.100.0/120", "network 198.51.100.0/24"),
            ("http://evil.example/A?b=C", "URL evil.example/a?b=c"),
            ("https://www.evil.example/", "URL www.evil.example/"),
            ("http://evil.example", "URL evil.example/"),
            ("http://192.0.2.1", "URL 192.0.2.1/"),
            ("http://192.0.2.1:8080", "address:port 192.0.2.1:8080"),
            ("192.0.2.1:8080/", "address:port 192.0.2.1:8080"),
            ("http://evil.example:8080", "URL evil.example:8080"),
            ("evil.example:8080", "URL evil.example:8080"),
            ("192.0.2.1:8443/node.js", "URL 192.0.2.1:8443/node.js"),
            ("http://[2001:db8:0::1]/x", "URL [2001:db8::1]/x"),
            ("evil.example/x[1](2).php", "URL evil.example/x[1](2).php"),
            ("evil.example/a/b//", "URL evil.example/a/b"),
            ("192.0.2.1/", "URL 192.0.2.1/"),
            ("/dir/", "path /dir"),
            ("http:///dir", "path /dir"),
            ("/Path?param=", "path /path?param="),
            ("/(null).arm", "path /(null).arm"),
            (sha1, "certificate 0123456789abcdef0123456789abcdef01234567"),
            ("0123456789abcdef0123456789abcdef", "JA3 0123456789abcdef0123456789abcdef"),
            ("t13d1516h2_8daaf6152771_b186095e22b6", "JA4 t13d1516h2_8daaf6152771_b186095e22b6"),
            (r"q(l|r)[0-9]{5,6}\.example", r"pattern q(l|r)[0-9]{5,6}\.example"),
            (r"\b(a|b)[0-9a-z]+\.(world|xyz)", r"pattern \b(a|b)[0-9a-z]+\.(world|xyz)"),
            ("[a-z]{1}\\.evil.example", "pattern [a-z]{1}\\.evil.example"),
            ("evil*.example", r"pattern (^|\.)evil[^.]*\.example$"),
        ];
        for (text, expected) in cases {
            assert_eq!(shown(text), expected, "{text}");
        }
    }

    #[test]
    fn refusals() {
        let long_label = format!("{}.example", "a".repeat(64));
        let long_path = format!("/{}", "a".repeat(MAX_INDICATOR_LENGTH));
        let cases = [
            ("192.0.2.1:53:53", "TwoPorts"),
            ("192.0.2.1::8080", "TwoPorts"),
            ("192.0.2.1:0", "Port"),
            ("192.0.2.1:65536", "Port"),
            ("192.0.2.1/33", "PrefixLength"),
            ("0.0.0.0/0", "PrefixLength"),
            ("192.0.2.300", "Address"),
            ("evil..example", "NameLabel"),
            (long_label.as_str(), "NameLabel"),
            (long_path.as_str(), "TooLong"),
            ("evil example", "Character"),
            ("(a|b)/x", "PatternSlash"),
            ("http://", "Empty"),
            ("/", "Empty"),
            ("...", "Empty"),
        ];
        for (text, expected) in cases {
            assert_eq!(shown(text), expected, "{text}");
        }
        assert!(shown(&long_path[..MAX_INDICATOR_LENGTH]).starts_with("path"), "at the limit");
    }

    #[test]
    fn lines() {
        assert_eq!(line("  # Reference: https://report.example/x "), Line::Reference("https://report.example/x"));
        assert_eq!(line("# comment"), Line::Blank);
        assert_eq!(line("evil.example# comment"), Line::Text("evil.example"));
        assert_eq!(line("evil.example   # was: other"), Line::Text("evil.example"));
        assert_eq!(line("\u{feff} "), Line::Blank);
    }

    proptest! {
        #[test]
        fn any_line_parses_or_is_refused(text in "\\PC{0,80}") {
            let _ = shown(&text);
        }

        #[test]
        fn normalising_is_idempotent(text in r"(https?://)?[A-Za-z0-9\[\]:./*?()_ü-]{1,40}(:[0-9]{1,6})?(/[a-z0-9.]{0,6})?") {
            let mut scratch = String::new();
            if let Ok(once) = Indicator::parse(&text, &mut scratch) {
                let once = (once.kind(), once.to_string());
                let mut again = String::new();
                let twice = Indicator::parse(&once.1, &mut again).map(|i| (i.kind(), i.to_string()));
                prop_assert_eq!(twice, Ok(once));
            }
        }
    }
}
