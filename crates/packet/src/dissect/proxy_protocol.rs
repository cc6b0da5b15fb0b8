//! PROXY protocol, versions 1 and 2: a line or block in front of the protocol that is spoken.
//!
//! <https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt>

use memchr::memchr;

use super::context::{Beginning, Context, Progress, begins};
use crate::fact::NameSource;
use crate::{Fact, Name, Sink};

const VERSION_1: &[u8] = b"PROXY ";
/// Longest line of version 1, its CRLF included (section 2.1).
const LINE: usize = 107;
const VERSION_2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
const HEADER_2: usize = 16;
/// PP2_TYPE_AUTHORITY (section 2.2.2).
const AUTHORITY: u8 = 2;

/// Reads the line or block.
pub(crate) fn stream<S: Sink>(bytes: &[u8], context: &mut Context<'_, S>) -> Progress {
    let progress = match bytes.first() {
        Some(b'P') => version1(bytes),
        Some(b'\r') => version2(bytes, context),
        _ => Progress::No,
    };
    if progress == Progress::More && context.last { Progress::No } else { progress }
}

fn version1(bytes: &[u8]) -> Progress {
    match begins(bytes, VERSION_1) {
        Beginning::No => Progress::No,
        Beginning::Part => Progress::More,
        Beginning::Whole => match memchr(b'\n', bytes.get(..LINE).unwrap_or(bytes)) {
            Some(length) => Progress::Used(length + 1),
            None if bytes.len() < LINE => Progress::More,
            None => Progress::No,
        },
    }
}

fn version2<S: Sink>(bytes: &[u8], context: &mut Context<'_, S>) -> Progress {
    match begins(bytes, VERSION_2) {
        Beginning::No => return Progress::No,
        Beginning::Part => return Progress::More,
        Beginning::Whole => {}
    }
    let Some(&[version, family, high, low]) = bytes.get(VERSION_2.len()..HEADER_2) else { return Progress::More };
    if version >> 4 != 2 {
        return Progress::No;
    }
    let end = HEADER_2 + usize::from(u16::from_be_bytes([high, low]));
    let Some(block) = bytes.get(HEADER_2..end) else { return Progress::More };
    let addresses = match family >> 4 {
        1 => 12,
        2 => 36,
        3 => 216,
        _ => 0,
    };
    authority(block.get(addresses..).unwrap_or_default(), context);
    Progress::Used(end)
}

/// Looks for the host name that the client asked for among the type-length-values.
fn authority<S: Sink>(mut rest: &[u8], context: &mut Context<'_, S>) {
    while let Some((&[kind, high, low], tail)) = rest.split_first_chunk::<3>() {
        let Some((value, next)) = tail.split_at_checked(usize::from(u16::from_be_bytes([high, low]))) else { return };
        if kind == AUTHORITY
            && let Some(name) = Name::from_text(value)
            && !name.is_empty()
        {
            context.emit(Fact::Named { source: NameSource::ProxyProtocol, name: &name });
        }
        rest = next;
    }
}
