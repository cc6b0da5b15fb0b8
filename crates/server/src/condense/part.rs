//! What one event, or one threat of another fold, adds to a threat.

use event::{Event, Kind};
use rapidhash::v3::{RapidSecrets, rapidhash_v3_seeded};

use super::direction::Direction;
use super::intern::{Label, cut, number};
use super::threat::{ThreatId, ThreatKey};
use crate::addresses::Local;

/// Destination addresses of a threat that are kept; of more, a sample.
pub const MAX_DESTINATIONS: usize = 31;
/// Destination ports of a threat that are kept; of more, a sample.
pub const MAX_PORTS: usize = 31;
/// Sensors of a threat that are kept; of more, a sample.
pub const MAX_SENSORS: usize = 15;

/// Most findings one event can stand for; greater counts are cut to it, so that sums stay exact.
pub(super) const MAX_COUNT: u64 = u32::MAX as u64;

// Seeds of samples. Part of the format of whole chunks: which values stay depends on them.
static SENSORS: RapidSecrets = RapidSecrets::seed(0x7365_6e73_6f72_0001);
static SENSORS_AGAIN: RapidSecrets = RapidSecrets::seed(0x7365_6e73_6f72_0002);

/// Steele, Lea and Flood's mixing of 64 bits (splitmix64), one to one.
pub(super) fn mixed(n: u64) -> u64 {
    let n = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    n ^ (n >> 31)
}

/// Place of an address in samples; the value itself decides between equal hashes. Part of the format of whole chunks.
pub(super) fn address_rank(address: u128) -> (u64, u128) {
    (mixed(mixed((address >> 64) as u64) ^ address as u64), address)
}

/// Place of a port in samples. Part of the format of whole chunks.
pub(super) fn port_rank(port: u32) -> (u64, u128) {
    (mixed(u64::from(port)), u128::from(port))
}

/// Place of a sensor in samples.
pub(super) fn sensor_rank(name: &str) -> (u64, u128) {
    let bytes = name.as_bytes();
    (rapidhash_v3_seeded(bytes, &SENSORS), u128::from(rapidhash_v3_seeded(bytes, &SENSORS_AGAIN)))
}

/// Flags of a part: a set had more than is kept.
pub(super) const MORE_DESTINATIONS: u8 = 1;
/// More ports.
pub(super) const MORE_PORTS: u8 = 2;
/// More sensors.
pub(super) const MORE_SENSORS: u8 = 4;

/// The addition. Texts are cut; times are seconds since the window's beginning.
#[derive(Clone, Debug)]
pub(super) struct Part<'p> {
    pub(super) id: ThreatId,
    pub(super) site: &'p str,
    pub(super) source: u128,
    pub(super) kind: Kind,
    pub(super) indicator: &'p str,
    pub(super) label: Label<'p>,
    pub(super) shown: &'p str,
    pub(super) protocol: u8,
    pub(super) directions: u8,
    pub(super) count: u64,
    pub(super) lines: u32,
    pub(super) first: u32,
    pub(super) last: u32,
    /// Slots, ascending, and their counts.
    pub(super) activity: &'p [(u8, u64)],
    pub(super) destinations: &'p [u128],
    pub(super) ports: &'p [u16],
    pub(super) sensors: &'p [&'p str],
    pub(super) more: u8,
    /// What of it the fold has numbered already.
    pub(super) numbers: Option<Numbers>,
}

/// Numbers of a fold's own. They spare it comparing texts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Numbers {
    /// None: it has no such host yet.
    pub(super) host: Option<u32>,
    pub(super) indicator: u32,
    pub(super) label: u32,
    pub(super) shown: u32,
    pub(super) sensor: u32,
}

/// What of an event is worked out before a part can borrow it.
#[derive(Clone, Debug, Default)]
pub(super) struct Scratch {
    pub(super) bytes: Vec<u8>,
    destinations: Vec<u128>,
    activity: [(u8, u64); 1],
}

/// An event's place in time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    pub(super) first: u32,
    pub(super) last: u32,
    pub(super) slot: u8,
}

impl Scratch {
    pub(super) fn read(&mut self, event: &Event, slot: u8) {
        self.destinations.clear();
        self.destinations.extend(event.dst.iter().map(|address| number(*address)));
        self.activity = [(slot, event.count.clamp(1, MAX_COUNT))];
    }
}

impl<'p> Part<'p> {
    pub(super) fn of(
        event: &'p Event,
        (key, id): (&ThreatKey<'p>, ThreatId),
        (moment, local): (Moment, &Local),
        shown: &'p str,
        (scratch, sensors): (&'p Scratch, &'p [&'p str]),
    ) -> Part<'p> {
        Part {
            id,
            site: cut(key.site),
            source: number(key.source),
            kind: key.kind,
            indicator: cut(key.indicator),
            label: Label {
                severity: event.severity,
                confidence: event.confidence.min(100),
                class: cut(&event.class),
                info: cut(&event.info),
                reference: cut(&event.reference),
            },
            shown: cut(shown),
            protocol: event.protocol,
            directions: Direction::of(event, local) as u8,
            count: event.count.clamp(1, MAX_COUNT),
            lines: 1,
            first: moment.first,
            last: moment.last.max(moment.first),
            activity: &scratch.activity,
            destinations: &scratch.destinations,
            ports: &event.dst_ports,
            sensors,
            more: 0,
            numbers: None,
        }
    }
}
