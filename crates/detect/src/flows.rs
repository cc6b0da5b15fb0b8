//! Which TCP flows with a listed address are known already, so that each is told once.
//!
//! Flows without a listed address never come here. At the limit new flows are refused, not remembered ones
//! forgotten: what is not remembered is found again, and the pipeline tells that it is a repetition.

use foldhash::fast::FixedState;
use hashbrown::HashMap;
use packet::{Flow, Micros, TableLimit, TableUsage};

/// Flows remembered, about 80 bytes each.
pub(crate) const FLOWS: usize = 65_536;
/// A flow that still runs after an hour of packet time is told again.
pub(crate) const FLOW_MICROS: i64 = 3600 * Micros::SECOND;
/// How often what is over is looked for when the table is full.
const SWEEP_MICROS: i64 = 10 * Micros::SECOND;

/// A side of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// The sender of the key.
    Src,
    /// The receiver of the key.
    Dst,
}

#[derive(Clone, Copy, Debug)]
struct Known {
    since: Micros,
    src: bool,
    dst: bool,
}

/// The flows.
pub(crate) struct Flows {
    known: HashMap<Flow, Known, FixedState>,
    limit: usize,
    swept: Micros,
    refused: u64,
}

/// The same for both directions.
pub(crate) fn undirected(flow: &Flow) -> Flow {
    let reversed = flow.reversed();
    if (flow.src, flow.src_port) <= (reversed.src, reversed.src_port) { *flow } else { reversed }
}

impl Flows {
    pub(crate) fn new(limit: usize, seed: u64) -> Flows {
        let known = HashMap::with_hasher(FixedState::with_seed(seed));
        Flows { known, limit, swept: Micros(i64::MIN), refused: 0 }
    }

    /// A SYN of the flow was seen.
    pub(crate) fn open(&mut self, flow: &Flow, now: Micros) {
        if let Some(known) = self.entry(undirected(flow), now) {
            *known = Known { since: now, src: true, dst: true };
        }
    }

    /// Whether one side of a running flow is yet to be told; from now on it is not.
    pub(crate) fn tell(&mut self, flow: &Flow, side: Side, now: Micros) -> bool {
        let key = undirected(flow);
        let side = match (side, key == *flow) {
            (side, true) => side,
            (Side::Src, false) => Side::Dst,
            (Side::Dst, false) => Side::Src,
        };
        let Some(known) = self.entry(key, now) else { return true };
        let told = match side {
            Side::Src => &mut known.src,
            Side::Dst => &mut known.dst,
        };
        !std::mem::replace(told, true)
    }

    /// What is known of the flow, made anew where nothing is or it is too old; `None` at the limit.
    fn entry(&mut self, key: Flow, now: Micros) -> Option<&mut Known> {
        if !self.known.contains_key(&key) && self.known.len() >= self.limit {
            self.sweep(now);
            if self.known.len() >= self.limit {
                self.refused += 1;
                return None;
            }
        }
        let fresh = Known { since: now, src: false, dst: false };
        let known = self.known.entry(key).or_insert(fresh);
        if now.since(known.since) >= FLOW_MICROS {
            *known = fresh;
        }
        Some(known)
    }

    fn sweep(&mut self, now: Micros) {
        if self.swept != Micros(i64::MIN) && now.since(self.swept) < SWEEP_MICROS {
            return;
        }
        self.swept = now;
        self.known.retain(|_, known| now.since(known.since) < FLOW_MICROS);
    }

    /// What it holds and refused.
    pub(crate) fn table(&self) -> TableUsage {
        TableUsage {
            name: "running_flows",
            entries: self.known.len() as u64,
            bytes: self.known.allocation_size() as u64,
            limit: TableLimit::Entries(self.limit as u64),
            refused: self.refused,
        }
    }

    /// Flows remembered, and how often one was refused.
    #[cfg(test)]
    pub(crate) fn usage(&self) -> (usize, u64) {
        (self.known.len(), self.refused)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flow(port: u16) -> Flow {
        Flow {
            src: "10.0.0.5".parse().unwrap(),
            dst: "192.0.2.66".parse().unwrap(),
            src_port: port,
            dst_port: 443,
            protocol: 6,
        }
    }

    #[test]
    fn a_side_is_told_once_whatever_the_direction() {
        let mut flows = Flows::new(FLOWS, 7);
        let flow = flow(40_000);
        assert!(flows.tell(&flow, Side::Dst, Micros(0)));
        assert!(!flows.tell(&flow, Side::Dst, Micros(1)));
        assert!(!flows.tell(&flow.reversed(), Side::Src, Micros(2)));
        assert!(flows.tell(&flow, Side::Src, Micros(3)), "the other side is another finding");
        assert!(!flows.tell(&flow, Side::Dst, Micros(FLOW_MICROS - 1)));
        assert!(flows.tell(&flow, Side::Dst, Micros(FLOW_MICROS)), "told again after an hour");
    }

    #[test]
    fn an_opened_flow_tells_nothing_more() {
        let mut flows = Flows::new(FLOWS, 7);
        flows.open(&flow(1), Micros(5));
        assert!(!flows.tell(&flow(1), Side::Dst, Micros(6)) && !flows.tell(&flow(1).reversed(), Side::Dst, Micros(6)));
        assert!(flows.tell(&flow(2), Side::Dst, Micros(6)));
    }

    #[test]
    fn new_flows_are_refused_at_the_limit_until_old_ones_are_over() {
        let limit = 3;
        let mut flows = Flows::new(limit, 7);
        for port in 0..2 {
            assert!(flows.tell(&flow(port), Side::Dst, Micros(0)));
        }
        assert_eq!(flows.usage(), (2, 0));
        assert!(flows.tell(&flow(2), Side::Dst, Micros(0)));
        assert_eq!(flows.usage(), (3, 0));
        assert!(flows.tell(&flow(3), Side::Dst, Micros(0)) && flows.tell(&flow(3), Side::Dst, Micros(0)));
        assert_eq!(flows.usage(), (3, 2));
        assert!(!flows.tell(&flow(0), Side::Dst, Micros(1)), "what is remembered stays");
        assert!(flows.tell(&flow(4), Side::Dst, Micros(FLOW_MICROS)));
        assert_eq!(flows.usage(), (1, 2));
    }
}
