//! Putting fragments of IPv4 (RFC 791 section 3.2) and IPv6 (RFC 8200 section 4.5) datagrams together.
//!
//! Memory is what was received, never what an offset announces. Where fragments overlap, the bytes that
//! came first stay; an exact repetition is no anomaly. At the limit new fragments are refused: what waits
//! is not pushed out by what a stranger sends.

use std::net::IpAddr;

use foldhash::quality::FixedState;
use hashbrown::HashMap;
use hashbrown::hash_map::Entry;

use super::ip::{Datagram, Piece};
use crate::{Anomalies, Anomaly, Limits, Micros, TableLimit, TableUsage};

/// Bytes of one datagram's payload: what the 16-bit length fields can say.
const MAX_DATAGRAM: usize = 65_535;

/// Pieces of one datagram. 64 KiB in fragments of the smallest MTU IPv4 allows (68 bytes) are 1366.
const MAX_PIECES: usize = 2048;

/// What a waiting datagram and each of its pieces count for beside their bytes: table and vector slots are up to
/// half empty.
const DATAGRAM_COST: usize = 256;
const PIECE_COST: usize = 64;

/// Fragments that wait for the rest of their datagrams.
pub struct Fragments {
    waiting: HashMap<Key, Waiting, FixedState>,
    /// Bytes held, costs included; at most `limit`.
    bytes: usize,
    limit: usize,
    /// Fragments that found no room, in the table or in their datagram.
    refused: u64,
    /// Microseconds a datagram waits.
    patience: i64,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Key {
    src: IpAddr,
    dst: IpAddr,
    id: u32,
    /// IPv4 tells datagrams apart by protocol too; 0 for IPv6.
    protocol: u8,
}

struct Waiting {
    since: Micros,
    /// Protocol of the first fragment, which is what counts for IPv6.
    protocol: u8,
    /// Sorted by offset, apart from each other, none empty.
    parts: Vec<Part>,
    /// Length of the whole, once the last fragment came.
    total: Option<usize>,
    bytes: usize,
}

struct Part {
    offset: usize,
    bytes: Box<[u8]>,
}

impl Part {
    fn end(&self) -> usize {
        self.offset + self.bytes.len()
    }
}

/// The beginning of a datagram whose rest never came.
pub(super) struct Unfinished {
    /// When its first fragment came.
    pub(super) since: Micros,
    pub(super) src: IpAddr,
    pub(super) dst: IpAddr,
    pub(super) protocol: u8,
    /// Up to the first gap.
    pub(super) payload: Vec<u8>,
    /// Bytes behind it, as far as their number is known; at least one.
    pub(super) missing: usize,
}

/// What became of a fragment.
pub(super) enum Added {
    /// It was the missing one.
    Whole {
        /// Protocol of the payload.
        protocol: u8,
        /// Payload of the datagram.
        payload: Vec<u8>,
    },
    /// Others are missing.
    Waiting,
    /// It was not kept.
    Refused,
}

impl Fragments {
    /// An empty table; `seed` seeds its hash.
    #[must_use]
    pub fn new(limits: &Limits, seed: u64) -> Self {
        Fragments {
            waiting: HashMap::with_hasher(FixedState::with_seed(seed)),
            bytes: 0,
            limit: limits.fragment_bytes,
            refused: 0,
            patience: limits.fragment_seconds.saturating_mul(Micros::SECOND),
        }
    }

    /// Lets datagrams go that waited too long, also those from a time that the clock was set back from. Returns those
    /// whose beginning came, in the order of their keys.
    pub(super) fn expire(&mut self, now: Micros, anomalies: &mut Anomalies) -> Vec<Unfinished> {
        let (patience, bytes) = (self.patience, &mut self.bytes);
        let mut begun = Vec::new();
        for (key, waiting) in self.waiting.extract_if(|_, waiting| !waiting.is_fresh(now, patience)) {
            *bytes -= waiting.cost();
            anomalies.count(Anomaly::FragmentExpired);
            if waiting.parts.first().is_some_and(|part| part.offset == 0) {
                begun.push((key, waiting));
            }
        }
        begun.sort_unstable_by_key(|(key, _)| *key);
        begun.into_iter().map(|(key, waiting)| waiting.unfinished(key)).collect()
    }

    /// What it holds and refused.
    #[must_use]
    pub fn table(&self) -> TableUsage {
        TableUsage {
            name: "fragments",
            entries: self.waiting.len() as u64,
            bytes: self.bytes as u64,
            limit: TableLimit::Bytes(self.limit as u64),
            refused: self.refused,
        }
    }

    /// Bytes and datagrams held.
    #[must_use]
    pub fn usage(&self) -> (usize, usize) {
        (self.bytes, self.waiting.len())
    }

    /// Takes a fragment, captured whole.
    pub(super) fn add(
        &mut self,
        time: Micros,
        fragment: &Datagram<'_>,
        piece: Piece,
        anomalies: &mut Anomalies,
    ) -> Added {
        let end = piece.offset + fragment.payload.len();
        // Only the last fragment may have a length that is no multiple of eight.
        let ragged = piece.more && (!fragment.payload.len().is_multiple_of(8) || fragment.payload.is_empty());
        if end > MAX_DATAGRAM || ragged {
            anomalies.count(Anomaly::IpHeader);
            return Added::Refused;
        }
        let room = self.limit.saturating_sub(self.bytes);
        let key = Key {
            src: fragment.src,
            dst: fragment.dst,
            id: piece.id,
            protocol: if fragment.src.is_ipv4() { fragment.protocol } else { 0 },
        };
        let mut entry = match self.waiting.entry(key) {
            Entry::Occupied(entry) => entry,
            Entry::Vacant(_) if room < DATAGRAM_COST + PIECE_COST + fragment.payload.len() => {
                anomalies.count(Anomaly::FragmentLimit);
                self.refused += 1;
                return Added::Refused;
            }
            Entry::Vacant(entry) => {
                self.bytes += DATAGRAM_COST;
                entry.insert_entry(Waiting::new(time, fragment.protocol))
            }
        };
        let waiting = entry.get_mut();
        if !waiting.is_fresh(time, self.patience) {
            anomalies.count(Anomaly::FragmentExpired);
            self.bytes -= waiting.cost() - DATAGRAM_COST;
            *waiting = Waiting::new(time, fragment.protocol);
        }
        if piece.offset == 0 {
            waiting.protocol = fragment.protocol;
        }
        let before = waiting.cost();
        let room = self.limit.saturating_sub(self.bytes);
        let result = waiting.insert(piece, fragment.payload, room);
        self.bytes += waiting.cost() - before;
        if let Err(anomaly) = result {
            anomalies.count(anomaly);
            if anomaly == Anomaly::FragmentLimit {
                self.refused += 1;
                return Added::Refused;
            }
        }
        if !waiting.is_whole() {
            return Added::Waiting;
        }
        let whole = entry.remove();
        self.bytes -= whole.cost();
        Added::Whole { protocol: whole.protocol, payload: whole.payload() }
    }
}

impl Waiting {
    fn new(since: Micros, protocol: u8) -> Self {
        Waiting { since, protocol, parts: Vec::new(), total: None, bytes: 0 }
    }

    fn is_fresh(&self, now: Micros, patience: i64) -> bool {
        now.since(self.since).saturating_abs() <= patience
    }

    fn cost(&self) -> usize {
        DATAGRAM_COST + self.parts.len() * PIECE_COST + self.bytes
    }

    /// Keeps those bytes of the fragment that are not there yet; `room` is what all may cost.
    fn insert(&mut self, piece: Piece, payload: &[u8], room: usize) -> Result<(), Anomaly> {
        let end = piece.offset + payload.len();
        let known = self.parts.last().map_or(0, Part::end);
        match self.total {
            Some(total) if end > total || (!piece.more && end != total) => return Err(Anomaly::FragmentOverlap),
            None if !piece.more && end < known => return Err(Anomaly::FragmentOverlap),
            None if !piece.more => self.total = Some(end),
            _ => {}
        }
        let overlap = self.overlap(piece.offset, payload);
        if overlap == Overlap::Repeated {
            return Ok(());
        }
        let gaps = self.gaps(piece.offset, end);
        if self.parts.len() + gaps.len() > MAX_PIECES || gaps.len() * PIECE_COST + payload.len() > room {
            return Err(Anomaly::FragmentLimit);
        }
        for (from, to) in gaps {
            let Some(bytes) = payload.get(from - piece.offset..to - piece.offset) else { continue };
            let at = self.parts.partition_point(|part| part.offset < from);
            self.parts.insert(at, Part { offset: from, bytes: bytes.into() });
            self.bytes += bytes.len();
        }
        if overlap == Overlap::None { Ok(()) } else { Err(Anomaly::FragmentOverlap) }
    }

    /// The parts that end after `offset`.
    fn from(&self, offset: usize) -> &[Part] {
        self.parts.get(self.parts.partition_point(|part| part.end() <= offset)..).unwrap_or_default()
    }

    /// How `payload` at `offset` lies over what is there.
    fn overlap(&self, offset: usize, payload: &[u8]) -> Overlap {
        let end = offset + payload.len();
        let mut shared = 0;
        let mut same = true;
        for part in self.from(offset).iter().take_while(|part| part.offset < end) {
            let (from, to) = (part.offset.max(offset), part.end().min(end));
            shared += to - from;
            same &= payload.get(from - offset..to - offset) == part.bytes.get(from - part.offset..to - part.offset);
        }
        match shared {
            0 if !payload.is_empty() => Overlap::None,
            _ if same && shared == payload.len() => Overlap::Repeated,
            _ => Overlap::Partial,
        }
    }

    /// The ranges between `start` and `end` that are not there yet.
    fn gaps(&self, start: usize, end: usize) -> Vec<(usize, usize)> {
        let mut gaps = Vec::new();
        let mut at = start;
        for part in self.from(start).iter().take_while(|part| part.offset < end) {
            if part.offset > at {
                gaps.push((at, part.offset));
            }
            at = at.max(part.end());
        }
        if at < end {
            gaps.push((at, end));
        }
        gaps
    }

    /// The parts are apart and none lies behind the end, so nothing is missing when their bytes add up.
    fn is_whole(&self) -> bool {
        self.total == Some(self.bytes)
    }

    /// The bytes up to the first gap.
    fn payload(&self) -> Vec<u8> {
        let mut payload = Vec::with_capacity(self.bytes);
        for part in &self.parts {
            if part.offset == payload.len() {
                payload.extend_from_slice(&part.bytes);
            }
        }
        payload
    }

    fn unfinished(&self, key: Key) -> Unfinished {
        let payload = self.payload();
        let missing = self.total.unwrap_or(0).saturating_sub(payload.len()).max(1);
        Unfinished { since: self.since, src: key.src, dst: key.dst, protocol: self.protocol, payload, missing }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Overlap {
    None,
    /// Nothing new, and the same bytes.
    Repeated,
    Partial,
}
