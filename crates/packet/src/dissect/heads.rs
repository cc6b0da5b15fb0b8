//! Flow heads: the beginnings of messages that one segment does not hold, kept until they are whole.
//!
//! This is no stream reassembly. A direction of a connection is in the table only while a recognised message in
//! it is incomplete, and never with more than a head's bytes. A small filter answers "nothing kept of this flow"
//! for the bulk of segments, so that they never touch the table.

use std::hash::{BuildHasher, Hasher};
use std::net::IpAddr;

use foldhash::fast::FixedState;
use hashbrown::HashTable;

use super::context::Context;
use super::http2::Connection;
use super::stream::{self, Read};
use crate::{Anomalies, Anomaly, Flow, Limits, Micros, Sink, TcpFlags};

/// How many times as long as other heads one of TLS may be: a flight with several certificates.
const TLS_FACTOR: usize = 4;
/// Segments of one flow that are kept because something before them is missing.
const EARLY_SEGMENTS: usize = 16;
/// What one head counts at least, so that the byte budget bounds their number as well.
const HEAD_COST: usize = 1024;
/// Sequence numbers further away than this belong to another connection.
const WINDOW: u32 = 1 << 20;
/// Counters of the filter, one byte each.
const FILTER: usize = 1 << 15;
/// Directions of which it is remembered where the next message may begin, eight bytes each.
const OPENINGS: usize = 1 << 12;
/// Segments that a direction may go on without a message that is recognised; all ones in binary.
const OPENING_SEGMENTS: u32 = 7;

/// One TCP segment with payload.
pub(super) struct Segment<'a> {
    pub(super) flow: &'a Flow,
    pub(super) flags: TcpFlags,
    /// Of the first payload byte.
    pub(super) sequence: u32,
    pub(super) payload: &'a [u8],
    /// Payload bytes that were not captured.
    pub(super) missing: usize,
    pub(super) time: Micros,
}

/// Payload that came before its turn.
struct Early {
    sequence: u32,
    bytes: Vec<u8>,
    /// It begins with messages that are whole and were handed over when it came.
    read: bool,
}

/// What is kept of one direction.
struct Head {
    flow: Flow,
    /// Sequence number of the byte after `bytes`.
    next: u32,
    bytes: Vec<u8>,
    /// How many of `bytes` were read before.
    seen: usize,
    early: Vec<Early>,
    http2: Option<Box<Connection>>,
    touched: Micros,
}

/// The table of heads.
pub(super) struct Heads {
    hasher: FixedState,
    table: HashTable<Head>,
    filter: Filter,
    openings: Openings,
    held: usize,
    budget: usize,
    length: usize,
    patience: i64,
}

impl Heads {
    pub(super) fn new(limits: &Limits, seed: u64) -> Self {
        Heads {
            hasher: FixedState::with_seed(seed),
            table: HashTable::new(),
            filter: Filter(vec![0; FILTER].into_boxed_slice()),
            openings: Openings(vec![(0, 0); OPENINGS].into_boxed_slice()),
            held: 0,
            budget: limits.head_bytes,
            length: limits.head_length,
            patience: limits.head_seconds.saturating_mul(Micros::SECOND),
        }
    }

    /// Bytes held and number of heads.
    pub(super) fn usage(&self) -> (usize, usize) {
        (self.held, self.table.len())
    }

    /// A SYN: remembers where the direction begins. What was kept of an older connection between the same ports is
    /// used as it is.
    pub(super) fn opens<S: Sink>(&mut self, flow: &Flow, first: u32, anomalies: &mut Anomalies, sink: &mut S) {
        let hash = self.hash(flow);
        self.openings.set(hash, first);
        self.give_up(hash, flow, anomalies, sink);
    }

    /// The direction ends without further payload.
    pub(super) fn ends<S: Sink>(&mut self, flow: &Flow, anomalies: &mut Anomalies, sink: &mut S) {
        let hash = self.hash(flow);
        self.give_up(hash, flow, anomalies, sink);
    }

    fn give_up<S: Sink>(&mut self, hash: u64, flow: &Flow, anomalies: &mut Anomalies, sink: &mut S) {
        if self.filter.may_hold(hash)
            && let Some(mut head) = self.take(hash, flow)
        {
            anomalies.count(Anomaly::HeadExpired);
            head.abandon(self.length, &mut Context { flow, last: false, seen: 0, anomalies, sink });
        }
    }

    /// Whether a segment has to be looked at; of bulk traffic hardly one has.
    #[inline]
    pub(super) fn concern(&self, flow: &Flow, flags: TcpFlags, payload: &[u8]) -> bool {
        if flags.0 & (TcpFlags::SYN | TcpFlags::FIN | TcpFlags::RST) != 0 {
            return true;
        }
        if payload.is_empty() {
            return false;
        }
        let hash = self.hash(flow);
        self.filter.may_hold(hash) || self.openings.may_hold(hash) || stream::may_begin(payload)
    }

    /// Reads a segment with payload, with what is kept of its direction where there is such.
    pub(super) fn segment<S: Sink>(&mut self, segment: &Segment<'_>, anomalies: &mut Anomalies, sink: &mut S) {
        let hash = self.hash(segment.flow);
        if self.filter.may_hold(hash)
            && let Some(head) = self.take(hash, segment.flow)
        {
            return self.continued(hash, head, segment, anomalies, sink);
        }
        if let Some(expected) = self.openings.pass(hash, segment) {
            let head = Head::new(segment, expected);
            return self.continued(hash, head, segment, anomalies, sink);
        }
        self.fresh(hash, segment, anomalies, sink);
    }

    /// Lets go of what waited too long.
    pub(super) fn expire(&mut self, now: Micros, anomalies: &mut Anomalies) {
        let Heads { hasher, table, filter, held, patience, .. } = self;
        table.retain(|head| {
            let keep = now.since(head.touched) <= *patience;
            if !keep {
                filter.remove(hash(hasher, &head.flow));
                *held -= head.cost();
                anomalies.count(Anomaly::HeadExpired);
            }
            keep
        });
    }

    /// A segment of a direction of which nothing is kept.
    fn fresh<S: Sink>(&mut self, hash: u64, segment: &Segment<'_>, anomalies: &mut Anomalies, sink: &mut S) {
        let mut http2 = None;
        let mut context = Context { flow: segment.flow, last: segment.is_last(), seen: 0, anomalies, sink };
        let read = stream::read(segment.payload, &mut http2, &mut context);
        if let Some(from) = read.keep_from {
            self.begin(hash, segment, from, http2, &mut context);
        } else if read.recognised {
            self.openings.set(hash, segment.end());
        }
    }

    #[cold]
    fn begin<S: Sink>(
        &mut self,
        hash: u64,
        segment: &Segment<'_>,
        from: usize,
        http2: Option<Box<Connection>>,
        context: &mut Context<'_, S>,
    ) {
        let mut head = Head::new(segment, segment.end());
        head.bytes.extend_from_slice(segment.payload.get(from..).unwrap_or_default());
        head.seen = head.bytes.len();
        head.http2 = http2;
        head.check_length(self.length, context);
        self.put(hash, head, context);
    }

    /// A segment of a direction of which something is kept.
    #[cold]
    fn continued<S: Sink>(
        &mut self,
        hash: u64,
        mut head: Head,
        segment: &Segment<'_>,
        anomalies: &mut Anomalies,
        sink: &mut S,
    ) {
        let mut context = Context { flow: segment.flow, last: false, seen: 0, anomalies, sink };
        if distance(head.next, segment.sequence).unsigned_abs() > WINDOW {
            context.anomalies.count(Anomaly::HeadExpired);
            head.abandon(self.length, &mut context);
            return self.fresh(hash, segment, anomalies, sink);
        }
        head.touched = segment.time;
        if distance(head.next, segment.sequence) > 0 && !head.has_room(segment.payload.len(), self.length) {
            context.anomalies.count(Anomaly::HeadExpired);
            head.skip_gap(self.length, &mut context);
        }
        let gap = distance(head.next, segment.sequence);
        if gap > 0 {
            head.keep_early(segment, &mut context);
        } else if let Some(news) = segment.payload.get(gap.unsigned_abs() as usize..)
            && !news.is_empty()
        {
            context.last = segment.is_last();
            head.append(news, self.length, &mut context);
            context.last = false;
            head.append_early(self.length, &mut context);
        }
        self.put(hash, head, &mut context);
    }

    fn take(&mut self, hash: u64, flow: &Flow) -> Option<Head> {
        let (head, _) = self.table.find_entry(hash, |head| head.flow == *flow).ok()?.remove();
        self.filter.remove(hash);
        self.held -= head.cost();
        Some(head)
    }

    /// Keeps a head that still has something to wait for, unless the budget is used up: then what there is of it is
    /// used as it is.
    fn put<S: Sink>(&mut self, hash: u64, mut head: Head, context: &mut Context<'_, S>) {
        if head.is_idle() {
            return self.openings.set(hash, head.next);
        }
        let cost = head.cost();
        if self.held + cost > self.budget {
            context.anomalies.count(Anomaly::HeadLimit);
            return head.abandon(self.length, context);
        }
        self.held += cost;
        self.filter.add(hash);
        let hasher = &self.hasher;
        self.table.insert_unique(hash, head, |head| self::hash(hasher, &head.flow));
    }

    #[inline]
    fn hash(&self, flow: &Flow) -> u64 {
        hash(&self.hasher, flow)
    }
}

impl Head {
    fn new(segment: &Segment<'_>, next: u32) -> Self {
        Head {
            flow: *segment.flow,
            next,
            bytes: Vec::new(),
            seen: 0,
            early: Vec::new(),
            http2: None,
            touched: segment.time,
        }
    }

    fn is_idle(&self) -> bool {
        self.bytes.is_empty() && self.early.is_empty() && self.http2.is_none()
    }

    /// Bytes it may have, where others may have `length`.
    fn limit(&self, length: usize) -> usize {
        if self.bytes.first() == Some(&0x16) { length.saturating_mul(TLS_FACTOR) } else { length }
    }

    fn has_room(&self, bytes: usize, length: usize) -> bool {
        let early: usize = self.early.iter().map(|early| early.bytes.len()).sum();
        self.early.len() < EARLY_SEGMENTS && early + bytes <= length.saturating_mul(TLS_FACTOR)
    }

    /// Keeps a segment before which something is missing. Messages that it holds whole are handed over at once:
    /// what is missing may never come.
    fn keep_early<S: Sink>(&mut self, segment: &Segment<'_>, context: &mut Context<'_, S>) {
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
    fn append<S: Sink>(&mut self, news: &[u8], length: usize, context: &mut Context<'_, S>) {
        self.next = self.next.wrapping_add(news.len() as u32);
        let alone = self.bytes.is_empty() && self.http2.is_none();
        self.bytes.extend_from_slice(news);
        let read = self.read(context);
        if !alone && read == (Read { recognised: false, keep_from: None }) {
            // The kept bytes were no beginning after all; these may be one.
            self.bytes.extend_from_slice(news);
            self.read(context);
        }
        self.check_length(length, context);
    }

    /// Adds early segments as far as they follow now.
    fn append_early<S: Sink>(&mut self, length: usize, context: &mut Context<'_, S>) {
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
    fn skip_gap<S: Sink>(&mut self, length: usize, context: &mut Context<'_, S>) {
        self.read_last(context);
        if let Some(gap) = self.early.iter().map(|early| distance(self.next, early.sequence)).min() {
            self.next = self.next.wrapping_add(gap.unsigned_abs());
        }
        self.append_early(length, context);
    }

    /// Reads the bytes and keeps what is still incomplete.
    fn read<S: Sink>(&mut self, context: &mut Context<'_, S>) -> Read {
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
    fn abandon<S: Sink>(&mut self, length: usize, context: &mut Context<'_, S>) {
        while !self.early.is_empty() {
            self.skip_gap(length, context);
        }
        self.read_last(context);
    }

    /// Uses the bytes that follow one another: no more will come.
    fn read_last<S: Sink>(&mut self, context: &mut Context<'_, S>) {
        let last = std::mem::replace(&mut context.last, true);
        self.read(context);
        context.last = last;
    }

    /// A head that outgrew its limit is used as it is.
    fn check_length<S: Sink>(&mut self, length: usize, context: &mut Context<'_, S>) {
        if self.bytes.len() > self.limit(length) {
            context.anomalies.count(Anomaly::HeadOverflow);
            self.read_last(context);
        }
    }

    /// What it counts in the budget.
    fn cost(&self) -> usize {
        let early: usize = self.early.iter().map(|early| early.bytes.capacity()).sum();
        let http2 = self.http2.as_ref().map_or(0, |connection| connection.held());
        HEAD_COST.max(self.bytes.capacity() + early + http2)
    }
}

impl Segment<'_> {
    /// Sequence number of the byte after it.
    fn end(&self) -> u32 {
        self.sequence.wrapping_add(self.payload.len() as u32)
    }

    /// Whether nothing that follows it can be read together with it.
    fn is_last(&self) -> bool {
        self.missing > 0 || self.flags.0 & (TcpFlags::FIN | TcpFlags::RST) != 0
    }
}

/// How far `to` lies behind `from`, in sequence numbers that wrap.
fn distance(from: u32, to: u32) -> i32 {
    to.wrapping_sub(from).cast_signed()
}

#[inline]
fn hash(state: &FixedState, flow: &Flow) -> u64 {
    let ports = u128::from(u32::from(flow.src_port) << 16 | u32::from(flow.dst_port));
    let mut hasher = state.build_hasher();
    match (flow.src, flow.dst) {
        (IpAddr::V4(src), IpAddr::V4(dst)) => {
            // One step of the hash for nearly all traffic.
            let [src, dst] = [src, dst].map(|address| u128::from(u32::from_ne_bytes(address.octets())));
            hasher.write_u128(src << 64 | dst << 32 | ports);
        }
        (src, dst) => {
            hasher.write_u128(bits(src));
            hasher.write_u128(bits(dst));
            hasher.write_u128(ports);
        }
    }
    hasher.finish()
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(address.to_bits()),
        IpAddr::V6(address) => address.to_bits(),
    }
}

/// Counts heads by a part of their hash. A counter that is full stays so: then the table is asked in vain.
struct Filter(Box<[u8]>);

impl Filter {
    #[inline]
    fn may_hold(&self, hash: u64) -> bool {
        self.0.get(hash as usize % FILTER).is_some_and(|count| *count > 0)
    }

    fn add(&mut self, hash: u64) {
        if let Some(count) = self.0.get_mut(hash as usize % FILTER) {
            *count = count.saturating_add(1);
        }
    }

    fn remove(&mut self, hash: u64) {
        if let Some(count) = self.0.get_mut(hash as usize % FILTER)
            && *count < u8::MAX
        {
            *count = count.saturating_sub(1);
        }
    }
}

/// Where the next message of a direction may begin: from a SYN or the end of a message on, for a few segments. So
/// a segment that was overtaken is waited for. A cache: what is pushed out of it is only not waited for.
///
/// A slot holds a part of the flow's hash with the number of segments left in its lowest bits, and the expected
/// sequence number.
struct Openings(Box<[(u32, u32)]>);

impl Openings {
    fn set(&mut self, hash: u64, next: u32) {
        if let Some(slot) = self.0.get_mut(hash as usize % OPENINGS) {
            *slot = (tag(hash) | OPENING_SEGMENTS, next);
        }
    }

    /// Whether a segment of the flow is to be passed.
    #[inline]
    fn may_hold(&self, hash: u64) -> bool {
        self.0.get(hash as usize % OPENINGS).is_some_and(|(opening, _)| {
            // More than the tag alone: some segments are left.
            opening.wrapping_sub(tag(hash)).wrapping_sub(1) < OPENING_SEGMENTS
        })
    }

    /// Takes note of a segment. The sequence number expected before it, where something is missing.
    fn pass(&mut self, hash: u64, segment: &Segment<'_>) -> Option<u32> {
        if !self.may_hold(hash) {
            return None;
        }
        let slot = self.0.get_mut(hash as usize % OPENINGS)?;
        let (opening, next) = *slot;
        let gap = distance(next, segment.sequence);
        if gap > 0 && gap.unsigned_abs() <= WINDOW {
            *slot = (0, 0);
            return Some(next);
        }
        *slot = (opening - 1, segment.end());
        None
    }
}

/// The part of a hash that slot numbers do not show, without the bits that count.
fn tag(hash: u64) -> u32 {
    (hash >> 32) as u32 & !OPENING_SEGMENTS
}
