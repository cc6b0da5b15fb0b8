//! Google QUIC before it took over IETF's packets (versions Q024 to Q046): the CHLO of the first flight, unencrypted.
//!
//! Public headers, private flags and stream frames changed from version to version; what did not is the CHLO message
//! itself and that it begins within a few dozen bytes after the version. So it is looked for there and then checked.

use super::context::Context;
use crate::fact::NameSource;
use crate::{Fact, Name, Sink};

/// Flag of the old public header that a version follows the connection ID.
const VERSION_FLAG: u8 = 0x01;
/// Flags of the old public header that eight bytes of connection ID stand there; one bit since Q033, two before.
const CID_FLAG: u8 = 0x08;
/// Bytes between a version and the CHLO at most: packet number 6, hash 12, private flags 1, an ACK and a
/// STOP_WAITING frame, and a stream frame's header.
const DISTANCE: usize = 96;
/// Tags of a CHLO at most.
const TAGS: u16 = 128;

/// Reads a datagram; whether it was of a version of Google QUIC.
pub(super) fn datagram<S: Sink>(payload: &[u8], context: &mut Context<'_, S>) -> bool {
    let Some(body) = after_version(payload) else { return false };
    let window = body.get(..DISTANCE + 4).unwrap_or(body);
    let place = window.windows(4).position(|four| four == b"CHLO");
    place.and_then(|place| body.get(place..)).is_none_or(|message| {
        chlo(message, context);
        true
    })
}

/// What follows the version `Q0..` of either header form.
fn after_version(payload: &[u8]) -> Option<&[u8]> {
    let (&first, rest) = payload.split_first()?;
    let (version, body) = if first & 0x80 != 0 {
        rest.split_first_chunk::<4>()?
    } else if first & (VERSION_FLAG | CID_FLAG) == VERSION_FLAG | CID_FLAG {
        rest.get(8..)?.split_first_chunk::<4>()?
    } else {
        return None;
    };
    matches!(version, [b'Q', b'0', b'0'..=b'9', b'0'..=b'9']).then_some(body)
}

/// Reads a CHLO message from its tag on: count of values, two bytes of padding, then of each value its tag and where
/// it ends, then the values. Of one that was cut, what is there is used.
pub(super) fn chlo<S: Sink>(message: &[u8], context: &mut Context<'_, S>) {
    if let Some(name) = value(message, *b"SNI\0").and_then(Name::from_text).filter(|name| !name.is_empty()) {
        context.emit(Fact::Named { source: NameSource::Gquic, name: &name });
    }
}

fn value(message: &[u8], wanted: [u8; 4]) -> Option<&[u8]> {
    let (_, rest) = message.split_at_checked(4)?;
    let (&[low, high, _, _], rest) = rest.split_first_chunk::<4>()?;
    let count = u16::from_le_bytes([low, high]);
    if count > TAGS {
        return None;
    }
    let (table, values) = rest.split_at_checked(usize::from(count) * 8)?;
    let mut start = 0;
    for entry in table.as_chunks::<8>().0 {
        let (tag, end) = entry.split_first_chunk::<4>()?;
        let end = u32::from_le_bytes(*end.first_chunk()?) as usize;
        if *tag == wanted {
            return values.get(start..end);
        }
        start = end;
    }
    None
}
