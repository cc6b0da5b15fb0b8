//! What a worker tells the stage: small records, in order of capture, and the texts that belong to them.

use packet::{Flow, Micros, TableLimit, TableUsage};

/// Records that wait in one batch; a worker's batch is taken at least every few thousand packets.
const RECORDS: usize = 1 << 16;
/// Bytes of their texts.
const TEXT_BYTES: usize = 1 << 22;
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
    /// A client asks for a name: its hash, and QTYPE.
    Query(Text, u64, u16),
    /// The same, for a name that is long as nobody would write it.
    LongName(Text),
    /// A client is told that a name does not exist.
    NoSuchName(Text),
}

/// Where a text stands in a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Text {
    start: u32,
    length: u32,
}

impl What {
    /// The same in a batch in which texts stand so much later.
    fn moved(self, by: u32) -> What {
        let later = |text: Text| Text { start: text.start + by, ..text };
        match self {
            What::Query(name, hash, kind) => What::Query(later(name), hash, kind),
            What::LongName(name) => What::LongName(later(name)),
            What::NoSuchName(name) => What::NoSuchName(later(name)),
            What::Probe | What::Answer | What::Datagram | What::Path(_) => self,
        }
    }
}

/// Records of one worker or, put together, of all.
#[derive(Default)]
pub struct Batch {
    records: Vec<Evidence>,
    texts: Vec<u8>,
    /// Some of them were seen in what waited in vain.
    late: bool,
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
            self.late |= evidence.late;
            self.records.push(evidence);
        } else {
            self.refused += 1;
        }
    }

    /// Adds a text for a record that follows; empty where there is no room for it.
    #[inline]
    pub(crate) fn text(&mut self, text: &[u8]) -> Text {
        if self.texts.len() + text.len() > TEXT_BYTES {
            return Text::default();
        }
        let (start, length) = (self.texts.len() as u32, text.len() as u32);
        self.texts.extend_from_slice(text);
        Text { start, length }
    }

    /// A text.
    pub(crate) fn read(&self, text: Text) -> &[u8] {
        let start = text.start as usize;
        self.texts.get(start..start + text.length as usize).unwrap_or_default()
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
        into.late |= std::mem::take(&mut self.late);
        if into.is_empty() {
            std::mem::swap(&mut self.records, &mut into.records);
            std::mem::swap(&mut self.texts, &mut into.texts);
        } else {
            let by = into.texts.len() as u32;
            into.texts.append(&mut self.texts);
            let moved = |record: Evidence| Evidence { what: record.what.moved(by), ..record };
            into.records.extend(self.records.drain(..).map(moved));
        }
        self.records.clear();
        self.texts.clear();
    }

    /// Empties it.
    pub fn clear(&mut self) {
        self.late = false;
        self.records.clear();
        self.texts.clear();
    }

    /// Puts the records of several workers into an order that is the same for any number of them: by packet; before
    /// those of a packet, those of what waited in vain until then, by flow. Records of one packet keep their order.
    pub fn sort_by_packet(&mut self) {
        // As one worker tells them, nearly always.
        if !self.late && self.records.is_sorted_by_key(|record| record.sequence) {
            return;
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn evidence(sequence: u64, what: What) -> Evidence {
        let address = std::net::IpAddr::from([10, 0, 0, 1]);
        let flow = Flow { src: address, dst: address, src_port: 1, dst_port: 2, protocol: 6 };
        Evidence { time: Micros(sequence as i64), sequence, late: false, flow, what }
    }

    #[test]
    fn texts_stay_with_their_records() {
        let mut all = Batch::default();
        for (sequence, name) in [(3, "three"), (1, "one"), (2, "two")] {
            let mut of_worker = Batch::with_room();
            let text = of_worker.text(name.as_bytes());
            of_worker.push(evidence(sequence, What::Query(text, 0, 1)));
            of_worker.give(&mut all);
            assert!(of_worker.is_empty());
        }
        all.sort_by_packet();
        let names: Vec<_> = all
            .records()
            .map(|record| match record.what {
                What::Query(text, ..) => String::from_utf8_lossy(all.read(text)).into_owned(),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(names, ["one", "two", "three"]);
        assert_eq!((all.len(), all.latest()), (3, Some(Micros(3))));
    }

    #[test]
    fn at_the_limit_records_are_refused_and_counted() {
        let mut batch = Batch::default();
        for number in 0..RECORDS - 1 {
            batch.push(evidence(number as u64, What::Probe));
        }
        assert_eq!((batch.len(), batch.usage().refused), (RECORDS - 1, 0));
        batch.push(evidence(1, What::Probe));
        assert_eq!((batch.len(), batch.usage().refused), (RECORDS, 0));
        batch.push(evidence(1, What::Probe));
        assert_eq!((batch.len(), batch.usage().refused), (RECORDS, 1));
        let long = vec![b'x'; TEXT_BYTES];
        assert_eq!(batch.text(&long).length as usize, TEXT_BYTES);
        assert_eq!(batch.text(b"x"), Text::default());
        assert_eq!(batch.text(b""), Text { start: TEXT_BYTES as u32, length: 0 });
    }
}
