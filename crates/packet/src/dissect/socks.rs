//! SOCKS 4, 4a and 5 (RFC 1928, RFC 1929): names that a client asks a proxy to connect to.
//!
//! What then goes through the proxy begins in segments of its own, or right behind the request.

use memchr::memchr;

use super::context::{Context, Progress};
use crate::fact::NameSource;
use crate::{Fact, Name, Sink};

/// Longest user id or name of a version 4 request, bytes.
const TEXT: usize = 255;
/// Authentication methods a greeting may offer here; there are ten.
const METHODS: usize = 16;
const USER_PASSWORD: u8 = 2;
const ATYP_IPV4: u8 = 1;
const ATYP_NAME: u8 = 3;
const ATYP_IPV6: u8 = 4;

/// Reads a client's greeting or request.
pub(crate) fn stream<S: Sink>(bytes: &[u8], context: &mut Context<'_, S>) -> Progress {
    let read = match bytes.first() {
        Some(4) => version4(bytes, context),
        Some(5) => greeting(bytes).or_request(bytes, context),
        _ => return Progress::No,
    };
    match read {
        Read::Used(used) => Progress::Used(used),
        Read::Short if !context.last => Progress::More,
        Read::Short | Read::No => Progress::No,
    }
}

/// What came of one message.
enum Read {
    Used(usize),
    /// It goes on behind the last byte.
    Short,
    No,
}

impl Read {
    fn or_request<S: Sink>(self, bytes: &[u8], context: &mut Context<'_, S>) -> Read {
        match self {
            Read::No => request(bytes, context),
            Read::Short => match request(bytes, context) {
                Read::No => Read::Short,
                other => other,
            },
            Read::Used(_) => self,
        }
    }
}

/// CONNECT or BIND: port, address, user id, and behind an address 0.0.0.x the name.
fn version4<S: Sink>(bytes: &[u8], context: &mut Context<'_, S>) -> Read {
    let Some(&[_, command, port_high, port_low, a, b, c, d]) = bytes.get(..8) else {
        return if bytes.get(1).is_none_or(|command| matches!(command, 1 | 2)) { Read::Short } else { Read::No };
    };
    if !matches!(command, 1 | 2) || (port_high, port_low) == (0, 0) || a > 223 {
        return Read::No;
    }
    let user = match text(bytes, 8) {
        Ok(user) => user,
        Err(read) => return read,
    };
    let end = 8 + user.len() + 1;
    if (a, b, c) != (0, 0, 0) || d == 0 {
        return Read::Used(end);
    }
    let host = match text(bytes, end) {
        Ok(host) => host,
        Err(read) => return read,
    };
    if !is_host(host) {
        return Read::No;
    }
    named(host, context);
    Read::Used(end + host.len() + 1)
}

/// Printable text up to its NUL.
fn text(bytes: &[u8], at: usize) -> Result<&[u8], Read> {
    let rest = bytes.get(at..).unwrap_or_default();
    let length = memchr(0, rest);
    let text = rest.get(..length.unwrap_or(rest.len())).unwrap_or_default();
    if text.len() > TEXT || !text.iter().all(|byte| (0x20..0x7f).contains(byte)) {
        return Err(Read::No);
    }
    if length.is_some() { Ok(text) } else { Err(Read::Short) }
}

/// A greeting, and the user name and password of a client that does not wait for the answer.
fn greeting(bytes: &[u8]) -> Read {
    let Some(&count) = bytes.get(1) else { return Read::Short };
    let count = usize::from(count);
    if count == 0 || count > METHODS {
        return Read::No;
    }
    let Some((methods, rest)) = bytes.get(2..).and_then(|rest| rest.split_at_checked(count)) else {
        return Read::Short;
    };
    if !methods.iter().all(|method| matches!(method, 0..=9 | 0x80..=0xfe)) {
        return Read::No;
    }
    match rest.first() {
        // What follows tells a greeting from a request that is cut off: 5 1 0 begins both.
        None => Read::Short,
        Some(5) => Read::Used(2 + count),
        Some(1) if methods.contains(&USER_PASSWORD) => {
            let Some(user) = rest.get(1) else { return Read::Short };
            let at = 2 + usize::from(*user);
            let Some(password) = rest.get(at) else { return Read::Short };
            let end = at + 1 + usize::from(*password);
            if rest.len() < end { Read::Short } else { Read::Used(2 + count + end) }
        }
        Some(_) => Read::No,
    }
}

fn request<S: Sink>(bytes: &[u8], context: &mut Context<'_, S>) -> Read {
    let known = |at: usize, known: fn(u8) -> bool| bytes.get(at).is_none_or(|byte| known(*byte));
    if !known(1, |command| matches!(command, 1..=3)) || !known(2, |reserved| reserved == 0) {
        return Read::No;
    }
    let end = match bytes.get(3) {
        None => return Read::Short,
        Some(&ATYP_IPV4) => 10,
        Some(&ATYP_IPV6) => 22,
        Some(&ATYP_NAME) => {
            let Some(&length) = bytes.get(4) else { return Read::Short };
            let end = 5 + usize::from(length);
            let host = bytes.get(5..end.min(bytes.len())).unwrap_or_default();
            if length == 0 || !is_host(host) && !host.is_empty() {
                return Read::No;
            }
            if host.len() < usize::from(length) || bytes.len() < end + 2 {
                return Read::Short;
            }
            named(host, context);
            end + 2
        }
        Some(_) => return Read::No,
    };
    if bytes.len() < end { Read::Short } else { Read::Used(end) }
}

/// Host names as proxies see them: letters, digits and the few marks that occur.
fn is_host(text: &[u8]) -> bool {
    !text.is_empty()
        && text.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b':' | 0x80..))
}

fn named<S: Sink>(host: &[u8], context: &mut Context<'_, S>) {
    if let Some(name) = Name::from_text(host) {
        context.emit(Fact::Named { source: NameSource::Socks, name: &name });
    }
}
