//! Flow heads: the beginnings of messages that one segment does not hold, kept until they are whole.
//!
//! This is no stream reassembly. A direction of a connection is in the table only while a recognised message in
//! it is incomplete, and never with more than a head's bytes. A small filter answers "nothing kept of this flow"
//! for the bulk of segments, so that they never touch the table.

pub(super) mod flows;
mod head;

pub(super) use head::Segment;

use foldhash::fast::FixedState;
use hashbrown::HashTable;

use flows::{Filter, Openings};
use head::{Head, WINDOW, distance};

use super::context::Context;
use super::http2::Connection;
use super::stream;
use crate::{Anomalies, Anomaly, Flow, Limits, Micros, Sink, TableLimit, TableUsage, TcpFlags};

/// Buffers kept for the heads to come.
const SPARES: usize = 64;
/// Largest buffer that is kept so.
const SPARE_BYTES: usize = 4096;

/// The table of heads.
pub(super) struct Heads {
    hasher: FixedState,
    table: HashTable<Head>,
    filter: Filter,
    openings: Openings,
    /// Empty buffers of heads that are done with: most ClientHellos take two segments, and none is to cost an
    /// allocation.
    spares: Vec<Vec<u8>>,
    held: usize,
    refused: u64,
    budget: usize,
    length: usize,
    patience: i64,
}

impl Heads {
    pub(super) fn new(limits: &Limits, seed: u64) -> Self {
        Heads {
            hasher: FixedState::with_seed(seed),
            table: HashTable::new(),
            filter: Filter::new(),
            openings: Openings::new(),
            spares: Vec::with_capacity(SPARES),
            held: 0,
            refused: 0,
            budget: limits.head_bytes,
            length: limits.head_length,
            patience: limits.head_seconds.saturating_mul(Micros::SECOND),
        }
    }

    /// What it holds and refused.
    pub(super) fn table(&self) -> TableUsage {
        TableUsage {
            name: "heads",
            entries: self.table.len() as u64,
            bytes: self.held as u64,
            limit: TableLimit::Bytes(self.budget as u64),
            refused: self.refused,
        }
    }

    /// Bytes held and number of heads.
    #[cfg(test)]
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

    /// Whether a segment of the flow with that hash has to be looked at; of bulk traffic hardly one has.
    #[inline(always)]
    pub(super) fn concern(&self, hash: impl FnOnce(&FixedState) -> u64, flags: TcpFlags, payload: &[u8]) -> bool {
        // Without ACK no segment is part of a connection, but it may be a probe.
        let plain = flags.0 & (TcpFlags::SYN | TcpFlags::FIN | TcpFlags::RST | TcpFlags::ACK) == TcpFlags::ACK;
        if !plain {
            return true;
        }
        if payload.is_empty() {
            return false;
        }
        let hash = hash(&self.hasher);
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

    /// Lets go of what waited too long, and uses it as it is.
    pub(super) fn expire<S: Sink>(&mut self, now: Micros, anomalies: &mut Anomalies, sink: &mut S) {
        let Heads { hasher, table, filter, held, patience, .. } = self;
        let mut over: Vec<Head> = table.extract_if(|head| now.since(head.touched) > *patience).collect();
        over.sort_unstable_by_key(|head| head.flow);
        for mut head in over {
            filter.remove(flows::hash(hasher, &head.flow));
            *held -= head.cost();
            anomalies.count(Anomaly::HeadExpired);
            let flow = &head.flow.clone();
            head.abandon(self.length, &mut Context { flow, last: false, seen: 0, anomalies, sink });
        }
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
        head.bytes = self.spares.pop().unwrap_or_default();
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
            self.openings.set(hash, head.next);
            if self.spares.len() < SPARES && (1..=SPARE_BYTES).contains(&head.bytes.capacity()) {
                self.spares.push(head.bytes);
            }
            return;
        }
        let cost = head.cost();
        if self.held + cost > self.budget {
            context.anomalies.count(Anomaly::HeadLimit);
            self.refused += 1;
            return head.abandon(self.length, context);
        }
        self.held += cost;
        self.filter.add(hash);
        let hasher = &self.hasher;
        self.table.insert_unique(hash, head, |head| flows::hash(hasher, &head.flow));
    }

    #[inline(always)]
    fn hash(&self, flow: &Flow) -> u64 {
        flows::hash(&self.hasher, flow)
    }
}
