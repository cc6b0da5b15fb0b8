//! TCP flows with a listed address: which were told already, so that each is told once, and what the listed side has
//! acknowledged, which shows whether there is a connection at all.
//!
//! Flows without a listed address never come here. At the limit new flows are refused, not remembered ones
//! forgotten: what is not remembered as told is found again, and the pipeline tells that it is a repetition.

use packet::{Flow, Micros, TableUsage, TcpFlags};

use crate::table::{Entry, Table};

/// Flows remembered as told, about 80 bytes each.
pub(crate) const FLOWS: usize = 65_536;
/// A flow that still runs after an hour of packet time is told again.
pub(crate) const FLOW_MICROS: i64 = 3600 * Micros::SECOND;
/// Directions of which it is remembered what was acknowledged, about 80 bytes each.
const ACKNOWLEDGED: usize = 16_384;
/// How long after its last packet.
const ACKNOWLEDGED_MICROS: i64 = 600 * Micros::SECOND;
/// Largest window there is (RFC 7323 section 2.3): further ahead, a number is of another connection.
const WINDOW: u32 = 1 << 30;

/// A side of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// The sender of the key.
    Src,
    /// The receiver of the key.
    Dst,
}

/// Which sides of a flow were told.
#[derive(Clone, Copy, Debug, Default)]
struct Told {
    src: bool,
    dst: bool,
}

/// The flows.
pub(crate) struct Flows {
    told: Table<Flow, Told>,
    acknowledged: Table<Flow, Option<u32>>,
}

/// The same for both directions.
pub(crate) fn undirected(flow: &Flow) -> Flow {
    let reversed = flow.reversed();
    if (flow.src, flow.src_port) <= (reversed.src, reversed.src_port) { *flow } else { reversed }
}

impl Flows {
    /// `limit`: flows remembered as told.
    pub(crate) fn new(limit: usize, seed: u64) -> Flows {
        Flows {
            told: Table::new(limit, FLOW_MICROS, seed),
            acknowledged: Table::new(ACKNOWLEDGED, ACKNOWLEDGED_MICROS, seed),
        }
    }

    /// A SYN of the flow was seen.
    pub(crate) fn open(&mut self, flow: &Flow, now: Micros) {
        if let Some(entry) = self.told.entry(undirected(flow), now) {
            *entry = Entry { since: now, value: Told { src: true, dst: true } };
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
        let Some(Entry { value, .. }) = self.told.entry(key, now) else { return true };
        let told = match side {
            Side::Src => &mut value.src,
            Side::Dst => &mut value.dst,
        };
        !std::mem::replace(told, true)
    }

    /// Takes note of what a packet with ACK acknowledges. True: more than an earlier one of its direction, so that the
    /// sender got what only a connection brings. A SYN-ACK begins anew; refused at the limit, nothing is shown.
    pub(crate) fn advances(&mut self, flow: &Flow, flags: TcpFlags, acknowledgment: u32, now: Micros) -> bool {
        let Some(entry) = self.acknowledged.entry(*flow, now) else { return false };
        entry.since = now;
        match entry.value {
            Some(before) if !flags.has(TcpFlags::SYN) => (1..=WINDOW).contains(&acknowledgment.wrapping_sub(before)),
            _ => {
                entry.value = Some(acknowledgment);
                false
            }
        }
    }

    /// What the tables hold and refused.
    pub(crate) fn tables(&self) -> [TableUsage; 2] {
        [self.told.usage("running_flows"), self.acknowledged.usage("acknowledged")]
    }

    /// Flows remembered as told, and how often one was refused.
    #[cfg(test)]
    fn usage(&self) -> (u64, u64) {
        let [told, _] = self.tables();
        (told.entries, told.refused)
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

    const ACK: TcpFlags = TcpFlags(TcpFlags::ACK);
    const SYN_ACK: TcpFlags = TcpFlags(TcpFlags::SYN | TcpFlags::ACK);

    #[test]
    fn what_is_acknowledged_has_to_grow() {
        let (flow, now) = (flow(443), Micros(0));
        let after = |first: u32, later: u32| {
            let mut flows = Flows::new(FLOWS, 7);
            assert!(!flows.advances(&flow, SYN_ACK, first, now));
            flows.advances(&flow, ACK, later, now)
        };
        assert!(!after(1000, 1000) && after(1000, 1001) && !after(1000, 999));
        assert!(after(1000, 1000 + WINDOW) && !after(1000, 1001 + WINDOW));
        assert!(after(u32::MAX, 0), "numbers wrap");
    }

    #[test]
    fn each_direction_and_connection_counts_for_itself() {
        let (mut flows, flow) = (Flows::new(FLOWS, 7), flow(443));
        assert!(!flows.advances(&flow, ACK, 1, Micros(0)));
        assert!(!flows.advances(&flow.reversed(), ACK, 2, Micros(0)));
        assert!(!flows.advances(&flow, SYN_ACK, 5, Micros(0)), "an answer to another SYN");
        assert!(!flows.advances(&flow, ACK, 5, Micros(0)));
        assert!(flows.advances(&flow, ACK, 6, Micros(ACKNOWLEDGED_MICROS - 1)));
        assert!(flows.advances(&flow, ACK, 7, Micros(2 * ACKNOWLEDGED_MICROS - 2)), "that is since its last packet");
        assert!(!flows.advances(&flow, ACK, 8, Micros(3 * ACKNOWLEDGED_MICROS)));
    }

    #[test]
    fn evidence_is_kept_at_the_limit() {
        let mut flows = Flows::new(FLOWS, 7);
        for port in 0..=ACKNOWLEDGED as u16 {
            flows.advances(&flow(port), SYN_ACK, 1, Micros(0));
            let (count, refused) = (usize::from(port) + 1, u64::from(usize::from(port) == ACKNOWLEDGED));
            let [_, table] = flows.tables();
            assert_eq!((table.entries as usize, table.refused), (count.min(ACKNOWLEDGED), refused));
        }
        assert!(!flows.advances(&flow(ACKNOWLEDGED as u16), ACK, 2, Micros(0)), "refused");
        assert!(flows.advances(&flow(ACKNOWLEDGED as u16 - 1), ACK, 2, Micros(0)));
        assert!(flows.advances(&flow(0), ACK, 2, Micros(0)), "what is remembered stays");
    }
}
