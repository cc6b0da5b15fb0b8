//! What a worker tells the stage: small records, in order of capture, and the texts that belong to them.

use packet::{Flow, Micros, TableLimit, TableUsage};

/// Records that wait in one batch; a worker's batch is taken at least every few thousand packets.
const RECORDS: usize = 1 << 16;
/// Room that a batch begins with.
const AT_FIRST: usize = 256;

/// Something seen that counts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Evidence {
    pub(crate) time: Micros,
    pub(crate) sequence: u64,
    /// Seen in what waited in vain until just before that packet.
    pub(crate) late: bool,
    /// The direction in which the packet went.
    pub(crate) flow: Flow,
    pub(crate) what: What,
}

/// What was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// A segment that opens a connection, or tries a port in another way.
    Probe,
    /// A SYN-ACK.
    Answer,
    /// A datagram to what may be a server.
    Datagram,
    /// A request for a path; the hash of its first element.
    Path(u64),
}

/// Records of one worker or, put together, of all.
#[derive(Default)]
pub struct Batch {
    records: Vec<Evidence>,
    texts: Vec<u8>,
    refused: u64,
}

impl Batch {
    pub(crate) fn with_room() -> Batch {
        Batch { records: Vec::with_capacity(AT_FIRST), ..Batch::default() }
    }

    /// Adds a record; at the limit it is refused and counted.
    #[inline]
    pub(crate) fn push(&mut self, evidence: Evidence) {
        if self.records.len() < RECORDS {
            self.records.push(evidence);
        } else {
            self.refused += 1;
        }
    }

    /// Whether it holds nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Number of its records.
    #[must_use]
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Time of the latest record.
    #[must_use]
    pub fn latest(&self) -> Option<Micros> {
        self.records.iter().map(|record| record.time).max()
    }

    /// Memory it takes, bytes.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.records.capacity() * size_of::<Evidence>() + self.texts.capacity()
    }

    /// Moves what it holds behind what `into` holds; its own memory stays.
    pub fn give(&mut self, into: &mut Batch) {
        if into.is_empty() {
            std::mem::swap(&mut self.records, &mut into.records);
            std::mem::swap(&mut self.texts, &mut into.texts);
        } else {
            into.records.append(&mut self.records);
        }
        self.records.clear();
        self.texts.clear();
    }

    /// Empties it.
    pub fn clear(&mut self) {
        self.records.clear();
        self.texts.clear();
    }

    /// Puts the records of several workers into an order that is the same for any number of them: by packet; before
    /// those of a packet, those of what waited in vain until then, by flow. Records of one packet keep their order.
    pub fn sort_by_packet(&mut self) {
        self.records.sort_by_key(|record| (record.sequence, !record.late, record.late.then_some(record.flow)));
    }

    /// The same where packets of several workers have no common sequence: by time.
    pub fn sort_by_time(&mut self) {
        self.records.sort_by_key(|record| (record.time, record.sequence));
    }

    pub(crate) fn records(&self) -> impl Iterator<Item = &Evidence> {
        self.records.iter()
    }

    /// What it holds and refused.
    #[must_use]
    pub fn usage(&self) -> TableUsage {
        TableUsage {
            name: "evidence",
            entries: self.records.len() as u64,
            bytes: self.memory() as u64,
            limit: TableLimit::Entries(RECORDS as u64),
            refused: self.refused,
        }
    }
}
