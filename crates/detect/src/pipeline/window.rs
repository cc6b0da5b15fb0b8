//! Findings of one source and trail that are joined until a window ends: bundles and summaries.

use std::collections::VecDeque;
use std::net::IpAddr;

use foldhash::fast::FixedState;
use hashbrown::HashMap;
use packet::{Micros, TableLimit, TableUsage};

use crate::finding::Finding;

/// Different addresses or ports that one event names; with one more it is written and another begun.
pub(super) const VALUES: usize = 256;

/// Several findings of the same source and trail.
#[derive(Clone, Debug)]
pub(super) struct Joined {
    /// The first of them.
    pub(super) first: Finding,
    /// Time of the last.
    pub(super) last: Micros,
    pub(super) count: u64,
    pub(super) src_ports: Vec<u16>,
    pub(super) dst: Vec<IpAddr>,
    pub(super) dst_ports: Vec<u16>,
}

impl Joined {
    pub(super) fn new(first: Finding) -> Joined {
        let flow = first.flow;
        let port = |port: u16| if port == 0 { Vec::new() } else { vec![port] };
        Joined {
            last: first.time,
            count: 1,
            src_ports: port(flow.src_port),
            dst: vec![flow.dst],
            dst_ports: port(flow.dst_port),
            first,
        }
    }

    fn add(&mut self, finding: &Finding) {
        self.count += 1;
        self.last = self.last.max(finding.time);
        insert(&mut self.dst, finding.flow.dst);
        for (list, port) in [(&mut self.src_ports, finding.flow.src_port), (&mut self.dst_ports, finding.flow.dst_port)]
        {
            if port != 0 {
                insert(list, port);
            }
        }
    }

    /// Its heap memory, bytes.
    fn memory(&self) -> usize {
        let ports = (self.src_ports.capacity() + self.dst_ports.capacity()) * size_of::<u16>();
        ports + self.dst.capacity() * size_of::<IpAddr>() + self.first.memory()
    }

    fn is_full(&self) -> bool {
        self.dst.len().max(self.src_ports.len()).max(self.dst_ports.len()) >= VALUES
    }
}

fn insert<T: Ord>(sorted: &mut Vec<T>, value: T) {
    if let Err(place) = sorted.binary_search(&value) {
        sorted.insert(place, value);
    }
}

/// What became of a finding.
pub(super) enum Fate {
    /// It is to be an event of its own.
    AtOnce(Finding),
    /// It waits for the end of its window.
    Held,
    /// It waits no longer: these are to be one event.
    Full(Joined),
}

struct Slot {
    passed: u64,
    joined: Option<Joined>,
}

/// Windows by source and trail. At the limit of keys, findings of new ones are events at once.
pub(super) struct Windows {
    slots: HashMap<u128, Slot, FixedState>,
    /// Ends of windows in order: time never steps back, and all windows are equally long.
    ends: VecDeque<(Micros, u128)>,
    length: i64,
    /// Findings that pass at once in every window.
    burst: u64,
    limit: usize,
    refused: u64,
    /// Heap memory of all that is joined.
    joined_bytes: usize,
}

impl Windows {
    pub(super) fn new(length: i64, burst: u64, limit: usize, seed: u64) -> Windows {
        let slots = HashMap::with_hasher(FixedState::with_seed(seed));
        Windows { slots, ends: VecDeque::new(), length: length.max(0), burst, limit, refused: 0, joined_bytes: 0 }
    }

    pub(super) fn take(&mut self, key: u128, finding: Finding, now: Micros) -> Fate {
        if !self.slots.contains_key(&key) {
            if self.slots.len() >= self.limit {
                self.refused += 1;
                return Fate::AtOnce(finding);
            }
            self.ends.push_back((now.plus(self.length), key));
        }
        let slot = self.slots.entry(key).or_insert(Slot { passed: 0, joined: None });
        if slot.passed < self.burst {
            slot.passed += 1;
            return Fate::AtOnce(finding);
        }
        match &mut slot.joined {
            Some(joined) => {
                self.joined_bytes -= joined.memory();
                joined.add(&finding);
                self.joined_bytes += joined.memory();
            }
            None => self.joined_bytes += slot.joined.insert(Joined::new(finding)).memory(),
        }
        match slot.joined.take_if(|joined| joined.is_full()) {
            Some(joined) => {
                self.joined_bytes -= joined.memory();
                Fate::Full(joined)
            }
            None => Fate::Held,
        }
    }

    /// When the first window ends.
    pub(super) fn next_end(&self) -> Option<Micros> {
        self.ends.front().map(|(end, _)| *end)
    }

    /// Ends the first window; what it holds, if anything.
    pub(super) fn end_first(&mut self) -> Option<Joined> {
        let (_, key) = self.ends.pop_front()?;
        let joined = self.slots.remove(&key)?.joined?;
        self.joined_bytes -= joined.memory();
        Some(joined)
    }

    /// What it holds and refused.
    pub(super) fn table(&self, name: &'static str) -> TableUsage {
        let ends = self.ends.capacity() * size_of::<(Micros, u128)>();
        TableUsage {
            name,
            entries: self.slots.len() as u64,
            bytes: (self.slots.allocation_size() + ends + self.joined_bytes) as u64,
            limit: TableLimit::Entries(self.limit as u64),
            refused: self.refused,
        }
    }
}
