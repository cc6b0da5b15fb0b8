//! One direction of a connection of which something is kept: bytes in order, and segments that came early.

use crate::dissect::context::Context;
use crate::dissect::http2::Connection;
use crate::dissect::stream::{self, Read};
use crate::{Anomaly, Flow, Micros, Sink, TcpFlags};

/// How many times as long as other heads one of TLS may be: a flight with several certificates.
const TLS_FACTOR: usize = 4;
/// Segments of one flow that are kept because something before them is missing.
const EARLY_SEGMENTS: usize = 16;
/// What one head counts at least, so that the byte budget bounds their number as well.
const HEAD_COST: usize = 1024;
/// Times that a head is read whenever it grows; afterwards, while longer than [`READ_AT_ONCE`], when it is longer by
/// an eighth. The longest head takes 45 full-sized segments.
const READS: usize = 64;
/// Bytes of a head that is always read at once.
const READ_AT_ONCE: usize = 2048;
/// Sequence numbers further away than this belong to another connection.
pub(super) const WINDOW: u32 = 1 << 20;

/// One TCP segment with payload.
pub(in crate::dissect) struct Segment<'a> {
    pub(in crate::dissect) flow: &'a Flow,
    pub(in crate::dissect) flags: TcpFlags,
    /// Of the first payload byte.
    pub(in crate::dissect) sequence: u32,
    pub(in crate::dissect) payload: &'a [u8],
    /// Payload bytes that were not captured.
    pub(in crate::dissect) missing: usize,
    pub(in crate::dissect) time: Micros,
}

/// Payload that came before its turn.
struct Early {
    sequence: u32,
    bytes: Vec<u8>,
    /// It begins with messages that are whole and were handed over when it came.
    read: bool,
}

/// What is kept of one direction.
pub(super) struct Head {
    pub(super) flow: Flow,
    /// Sequence number of the byte after `bytes`.
    pub(super) next: u32,
    pub(super) bytes: Vec<u8>,
    /// How many of `bytes` were read before.
    pub(super) seen: usize,
    early: Vec<Early>,
    pub(super) http2: Option<Box<Connection>>,
    /// How often the bytes were read.
    reads: usize,
    pub(super) touched: Micros,
}

impl Head {
    pub(super) fn new(segment: &Segment<'_>, next: u32) -> Self {
        Head {
            flow: *segment.flow,
            next,
            bytes: Vec::new(),
            seen: 0,
            early: Vec::new(),
            http2: None,
            reads: 0,
            touched: segment.time,
        }
    }

    pub(super) fn is_idle(&self) -> bool {
        self.bytes.is_empty() && self.early.is_empty() && self.http2.is_none()
    }

    /// Bytes it may have, where others may have `length`.
    pub(super) fn limit(&self, length: usize) -> usize {
        if self.bytes.first() == Some(&0x16) { length.saturating_mul(TLS_FACTOR) } else { length }
    }

    pub(super) fn has_room(&self, bytes: usize, length: usize) -> bool {
        let early: usize = self.early.iter().map(|early| early.bytes.len()).sum();
        self.early.len() < EARLY_SEGMENTS && early + bytes <= length.saturating_mul(TLS_FACTOR)
    }

    /// Keeps a segment before which something is missing. Messages that it holds whole are handed over at once:
    /// what is missing may never come.
    pub(super) fn keep_early<S: Sink>(&mut self, segment: &Segment<'_>, context: &mut Context<'_, S>) {
        if self
            .early
            .iter()
            .any(|early| early.sequence == segment.sequence && early.bytes.len() >= segment.payload.len())
        {
            return;
        }
        let mut http2 = None;
        let read = stream::read(segment.payload, &mut http2, context);
        let read = read.recognised && read.keep_from.is_none();
        self.early.push(Early { sequence: segment.sequence, bytes: segment.payload.to_vec(), read });
    }

    /// Adds bytes that follow, and reads what is there.
    pub(super) fn append<S: Sink>(&mut self, news: &[u8], length: usize, context: &mut Context<'_, S>) {
        self.next = self.next.wrapping_add(news.len() as u32);
        let alone = self.bytes.is_empty() && self.http2.is_none();
        self.bytes.extend_from_slice(news);
        // Many small segments must not make a long head be read over and over: then it is read when it has grown.
        let patient = self.reads > READS && self.seen > READ_AT_ONCE && self.bytes.len() < self.seen + self.seen / 8;
        if patient && !context.last {
            return self.check_length(length, context);
        }
        let read = self.read(context);
        if !alone && read == (Read { recognised: false, keep_from: None }) {
            // The kept bytes were no beginning after all; these may be one.
            self.bytes.extend_from_slice(news);
            self.read(context);
        }
        self.check_length(length, context);
    }

    /// Adds early segments as far as they follow now.
    pub(super) fn append_early<S: Sink>(&mut self, length: usize, context: &mut Context<'_, S>) {
        while let Some(place) = self.early.iter().position(|early| distance(self.next, early.sequence) <= 0) {
            let early = self.early.swap_remove(place);
            let old = distance(self.next, early.sequence).unsigned_abs() as usize;
            let Some(news) = early.bytes.get(old..) else { continue };
            if news.is_empty() {
                continue;
            }
            if early.read && old == 0 && self.bytes.is_empty() && self.http2.is_none() {
                self.next = self.next.wrapping_add(news.len() as u32);
                continue;
            }
            if old == 0 && self.bytes.is_empty() && self.http2.is_none() {
                self.seen = news.len();
            }
            self.append(news, length, context);
        }
    }

    /// Stops waiting for what is missing: goes on at the first segment behind it.
    pub(super) fn skip_gap<S: Sink>(&mut self, length: usize, context: &mut Context<'_, S>) {
        self.read_last(context);
        if let Some(gap) = self.early.iter().map(|early| distance(self.next, early.sequence)).min() {
            self.next = self.next.wrapping_add(gap.unsigned_abs());
        }
        self.append_early(length, context);
    }

    /// Reads the bytes and keeps what is still incomplete.
    pub(super) fn read<S: Sink>(&mut self, context: &mut Context<'_, S>) -> Read {
        self.reads += 1;
        context.seen = self.seen;
        let read = stream::read(&self.bytes, &mut self.http2, context);
        context.seen = 0;
        match read.keep_from {
            Some(from) => drop(self.bytes.drain(..from)),
            None => {
                self.bytes.clear();
                self.http2 = None;
            }
        }
        self.seen = self.bytes.len();
        read
    }

    /// Uses everything there is, across gaps.
    pub(super) fn abandon<S: Sink>(&mut self, length: usize, context: &mut Context<'_, S>) {
        while !self.early.is_empty() {
            self.skip_gap(length, context);
        }
        self.read_last(context);
    }

    /// Uses the bytes that follow one another: no more will come.
    pub(super) fn read_last<S: Sink>(&mut self, context: &mut Context<'_, S>) {
        let last = std::mem::replace(&mut context.last, true);
        self.read(context);
        context.last = last;
    }

    /// A head that outgrew its limit is used as it is.
    pub(super) fn check_length<S: Sink>(&mut self, length: usize, context: &mut Context<'_, S>) {
        if self.bytes.len() > self.limit(length) {
            context.anomalies.count(Anomaly::HeadOverflow);
            self.read_last(context);
        }
    }

    /// What it counts in the budget.
    pub(super) fn cost(&self) -> usize {
        let early: usize = self.early.iter().map(|early| early.bytes.capacity()).sum();
        let http2 = self.http2.as_ref().map_or(0, |connection| connection.held());
        HEAD_COST.max(self.bytes.capacity() + early + http2)
    }
}

impl Segment<'_> {
    /// Sequence number of the byte after it.
    pub(super) fn end(&self) -> u32 {
        self.sequence.wrapping_add(self.payload.len() as u32)
    }

    /// Whether nothing that follows it can be read together with it.
    pub(super) fn is_last(&self) -> bool {
        self.missing > 0 || self.flags.0 & (TcpFlags::FIN | TcpFlags::RST) != 0
    }
}

/// How far `to` lies behind `from`, in sequence numbers that wrap.
pub(super) fn distance(from: u32, to: u32) -> i32 {
    to.wrapping_sub(from).cast_signed()
}
