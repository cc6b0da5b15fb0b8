//! Which protocol begins at a byte of a TCP direction: asked of the bytes, never of the port.
//!
//! Every segment's first byte is a place where a message may begin, whatever came before it in the flow. So
//! TLS behind STARTTLS, requests through a CONNECT tunnel or a SOCKS proxy, and flows whose beginning was not
//! captured need no state at all.

use super::context::{Beginning, Context, Progress};
use super::{dns, http, http2, proxy_protocol, smtp, socks, tls};
use crate::Sink;

/// Bytes of a TLS record with an alert.
const TLS_WARNING: usize = 7;
/// Header in front of TLS inside TDS pre-login packets: type, end of message, length ([MS-TDS] section 2.2.3.1).
const TDS_HEADER: usize = 8;
const TDS_PRELOGIN: u8 = 0x12;

/// What became of the bytes of a direction from a place where a message may begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Read {
    /// At least one message or the beginning of one was recognised.
    pub(super) recognised: bool,
    /// From here on the bytes are worth keeping until more come.
    pub(super) keep_from: Option<usize>,
}

/// What a message's first byte asks of its second.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Second {
    /// No protocol but DNS begins so.
    Never,
    /// TLS.
    Three,
    /// TDS.
    One,
    /// Text.
    Text,
    Any,
}

const SECONDS: [Second; 256] = {
    let mut seconds = [Second::Never; 256];
    let mut first = 0;
    while first < seconds.len() {
        #[allow(clippy::indexing_slicing, reason = "evaluated when compiled")]
        {
            seconds[first] = match first as u8 {
                0x15 | 0x16 => Second::Three,
                b'A'..=b'Z' | b'a'..=b'z' | b'\r' | b'\n' | b'-' | b'_' => Second::Text,
                4 | 5 => Second::Any,
                TDS_PRELOGIN => Second::One,
                _ => Second::Never,
            };
        }
        first += 1;
    }
    seconds
};

/// Whether a message may begin with these bytes: cheap, and right whenever it says no.
#[inline(always)]
pub(super) fn may_begin(bytes: &[u8]) -> bool {
    let Some(&[first, second, _, _, _, _, q0, q1]) = bytes.first_chunk::<8>() else { return true };
    // Questions behind the length of a DNS message.
    if (1..=dns::QUESTIONS).contains(&u16::from_be_bytes([q0, q1])) {
        return true;
    }
    match SECONDS.get(usize::from(first)) {
        Some(Second::Never) | None => false,
        Some(Second::Three) => second == 3,
        Some(Second::One) => second == 1,
        Some(Second::Text) => {
            second.is_ascii_alphabetic() || matches!(second, b'-' | b'_' | b' ' | b'\t' | b'\r' | b'\n')
        }
        Some(Second::Any) => true,
    }
}

/// Reads message after message. `http2` is the connection that the bytes belong to, where they belong to one.
pub(super) fn read<S: Sink>(
    bytes: &[u8],
    http2: &mut Option<Box<http2::Connection>>,
    context: &mut Context<'_, S>,
) -> Read {
    let mut at = 0;
    let mut recognised = false;
    let seen = context.seen;
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        context.seen = seen.saturating_sub(at);
        if rest.is_empty() {
            // A connection with state goes on in the next segment.
            return Read { recognised, keep_from: http2.as_ref().filter(|_| !context.last).map(|_| at) };
        }
        match message(rest, http2, context) {
            Progress::Used(used) => at += used.max(1),
            Progress::More if !context.last => return Read { recognised: true, keep_from: Some(at) },
            Progress::Done => return Read { recognised: true, keep_from: None },
            Progress::More | Progress::No => return Read { recognised, keep_from: None },
        }
        recognised = true;
    }
}

/// One message of whichever protocol begins here.
fn message<S: Sink>(
    bytes: &[u8],
    http2: &mut Option<Box<http2::Connection>>,
    context: &mut Context<'_, S>,
) -> Progress {
    if let Some(connection) = http2 {
        return connection.stream(bytes, context);
    }
    let Some(&first) = bytes.first() else { return Progress::No };
    let progress = match first {
        0x15 | 0x16 => secured(bytes, context),
        b'A'..=b'Z' | b'a'..=b'z' | b'\r' | b'\n' | b'-' | b'_' => text(bytes, http2, context),
        4 | 5 => return socks_or_dns(bytes, context),
        TDS_PRELOGIN => match bytes {
            [_, 1, _, _, _, _, _, _, inner @ ..] if tls::may_begin(inner) => Progress::Used(TDS_HEADER),
            _ => Progress::No,
        },
        _ => Progress::No,
    };
    if progress == Progress::No { dns::stream(bytes, context) } else { progress }
}

/// A length of 1,024 to 1,535 bytes in front of a DNS message begins like SOCKS; a DNS header tells them apart.
fn socks_or_dns<S: Sink>(bytes: &[u8], context: &mut Context<'_, S>) -> Progress {
    let as_dns = dns::stream(bytes, context);
    if as_dns == Progress::No || as_dns == Progress::More && bytes.len() < 2 + dns::HEADER {
        match socks::stream(bytes, context) {
            Progress::No => as_dns,
            as_socks => as_socks,
        }
    } else {
        as_dns
    }
}

fn secured<S: Sink>(bytes: &[u8], context: &mut Context<'_, S>) -> Progress {
    if tls::may_begin(bytes) {
        return tls::stream(bytes, context);
    }
    // A server that does not know the name asked for may warn before it goes on (RFC 6066 section 3).
    if let [0x15, 3, _, 0, 2, 1, _, ..] = bytes {
        return Progress::Used(TLS_WARNING);
    }
    let short = bytes.len() < TLS_WARNING && matches!(bytes, [0x15] | [0x15, 3, ..]);
    if short && !context.last { Progress::More } else { Progress::No }
}

/// Protocols that begin with a letter or a line end.
fn text<S: Sink>(bytes: &[u8], http2: &mut Option<Box<http2::Connection>>, context: &mut Context<'_, S>) -> Progress {
    match bytes.first() {
        Some(b'P') if http2::preface(bytes) == Beginning::Whole => {
            let connection = http2.insert(Box::new(http2::Connection::new()));
            return connection.stream(bytes, context);
        }
        Some(b'P' | b'\r') => match proxy_protocol::stream(bytes, context) {
            Progress::No => {}
            other => return other,
        },
        Some(b'E' | b'H' | b'L' | b'e' | b'h' | b'l') => match smtp::stream(bytes, context) {
            Progress::No => {}
            other => return other,
        },
        _ => {}
    }
    if http2::preface(bytes) == Beginning::Part && !context.last {
        return Progress::More;
    }
    http::stream(bytes, context)
}
