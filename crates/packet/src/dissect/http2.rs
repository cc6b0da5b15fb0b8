//! HTTP/2 without TLS (RFC 9113), with prior knowledge or after an Upgrade: which hosts its requests name.
//!
//! Only the client's direction is followed, from its preface on, and only for the first
//! [`FOLLOWED`] bytes: what is of interest is said at the beginning.

use super::context::{Beginning, Context, Progress, begins};
use super::hpack::Decoder;
use crate::fact::NameSource;
use crate::{Fact, Name, Sink};

/// What a client sends first (RFC 9113 section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Bytes of a connection that are followed.
const FOLLOWED: usize = 64 << 10;
/// Longest header block put together of HEADERS and CONTINUATION frames, bytes.
const BLOCK: usize = 16 << 10;
const FRAME_HEADER: usize = 9;

const HEADERS: u8 = 1;
const CONTINUATION: u8 = 9;
const END_HEADERS: u8 = 0x04;
const PADDED: u8 = 0x08;
const PRIORITY: u8 = 0x20;

/// The client's direction of one connection.
pub(crate) struct Connection {
    decoder: Decoder,
    /// A header block whose end has not come.
    block: Vec<u8>,
    /// Bytes of a frame's content that are still to be passed over.
    skip: usize,
    followed: usize,
    /// The host handed over last: most requests of a connection name the same.
    last_host: Option<Name>,
}

/// How the bytes compare with a client's preface.
pub(crate) fn preface(bytes: &[u8]) -> Beginning {
    begins(bytes, PREFACE)
}

impl Connection {
    pub(crate) fn new() -> Self {
        Connection { decoder: Decoder::new(), block: Vec::new(), skip: PREFACE.len(), followed: 0, last_host: None }
    }

    /// Bytes of memory that it holds.
    pub(crate) fn held(&self) -> usize {
        size_of::<Connection>() + self.block.capacity() + self.decoder.held()
    }

    /// Reads on: a frame, or what is left of one.
    pub(crate) fn stream<S: Sink>(&mut self, bytes: &[u8], context: &mut Context<'_, S>) -> Progress {
        if self.followed > FOLLOWED {
            return Progress::Done;
        }
        let progress = self.step(bytes, context);
        if let Progress::Used(used) = progress {
            self.followed += used;
        }
        progress
    }

    fn step<S: Sink>(&mut self, bytes: &[u8], context: &mut Context<'_, S>) -> Progress {
        if self.skip > 0 {
            let used = self.skip.min(bytes.len());
            self.skip -= used;
            return Progress::Used(used);
        }
        let Some(&[l0, l1, l2, kind, flags, ..]) = bytes.get(..FRAME_HEADER) else {
            return if context.last { Progress::Done } else { Progress::More };
        };
        let length = u32::from_be_bytes([0, l0, l1, l2]) as usize;
        if kind != HEADERS && kind != CONTINUATION {
            self.skip = length;
            return Progress::Used(FRAME_HEADER);
        }
        if length > BLOCK {
            return Progress::Done;
        }
        let end = FRAME_HEADER + length;
        let Some(content) = bytes.get(FRAME_HEADER..end.min(bytes.len())) else { return Progress::Done };
        let whole = content.len() == length;
        if !whole && !context.last {
            return Progress::More;
        }
        let fragment = if kind == HEADERS { fragment(content, flags) } else { Some(content) };
        let Some(fragment) = fragment else { return Progress::Done };
        if self.headers(fragment, flags & END_HEADERS != 0 || !whole, context) && whole {
            Progress::Used(end)
        } else {
            Progress::Done
        }
    }

    /// Takes a part of a header block; false where the connection can no longer be followed.
    fn headers<S: Sink>(&mut self, fragment: &[u8], ends: bool, context: &mut Context<'_, S>) -> bool {
        if !ends || !self.block.is_empty() {
            if self.block.len() + fragment.len() > BLOCK {
                return false;
            }
            self.block.extend_from_slice(fragment);
        }
        if !ends {
            return true;
        }
        let block = if self.block.is_empty() { fragment } else { &self.block };
        let last_host = &mut self.last_host;
        let decoded = self.decoder.block(block, &mut |authority| {
            let Some(host) = Name::from_text(without_port(authority)) else { return };
            if !host.is_empty() && last_host.as_ref() != Some(&host) {
                *last_host = Some(host);
                context.emit(Fact::Named { source: NameSource::Http2, name: &host });
            }
        });
        self.block.clear();
        decoded.is_ok()
    }
}

/// The header block fragment in a HEADERS frame: without padding and priority (RFC 9113 section 6.2).
fn fragment(content: &[u8], flags: u8) -> Option<&[u8]> {
    let mut fragment = content;
    let mut padding = 0;
    if flags & PADDED != 0 {
        let (length, rest) = fragment.split_first()?;
        padding = usize::from(*length);
        fragment = rest;
    }
    if flags & PRIORITY != 0 {
        fragment = fragment.get(5..)?;
    }
    fragment.get(..fragment.len().checked_sub(padding)?)
}

/// Host of an authority: no user, no port.
fn without_port(authority: &[u8]) -> &[u8] {
    let host = match authority.iter().rposition(|byte| *byte == b'@') {
        Some(at) => authority.get(at + 1..).unwrap_or_default(),
        None => authority,
    };
    let port = host.iter().rposition(|byte| *byte == b':');
    match port.and_then(|colon| host.split_at_checked(colon)) {
        Some((name, number)) if number.iter().skip(1).all(u8::is_ascii_digit) => name,
        _ => host,
    }
}
