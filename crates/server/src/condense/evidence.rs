//! How sure it is that someone should look, from what a fold holds of a threat alone.

use event::{Kind, RETRO_SENSOR, Severity};
use trails::Class;

use super::direction::Direction;
use super::view::Threat;

/// Score and reasons of a threat.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// 0 to 100.
    pub score: u8,
    /// Why.
    pub reasons: Reasons,
}

/// Bits of reasons; part of the format of chunks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Reasons(pub u16);

impl Reasons {
    /// A local host asked for it.
    pub const OUTBOUND: Reasons = Reasons(1);
    /// It only came from outside: less sure that one of ours is concerned.
    pub const INBOUND_ONLY: Reasons = Reasons(1 << 1);
    /// Between local hosts.
    pub const LATERAL: Reasons = Reasons(1 << 2);
    /// Named malware.
    pub const MALWARE: Reasons = Reasons(1 << 3);
    /// Listed by a trail that the operator keeps.
    pub const CUSTOM: Reasons = Reasons(1 << 4);
    /// Found by a rule of thumb, not listed: less sure.
    pub const HEURISTIC: Reasons = Reasons(1 << 5);
    /// Ten events or more.
    pub const REPEATED: Reasons = Reasons(1 << 6);
    /// In four hours or more of the day.
    pub const PERSISTENT: Reasons = Reasons(1 << 7);
    /// In six hours or more, about as often in each: a machine, not a person.
    pub const REGULAR: Reasons = Reasons(1 << 8);
    /// More than one sensor saw it.
    pub const SEVERAL_SENSORS: Reasons = Reasons(1 << 9);
    /// More than one list names it.
    pub const SEVERAL_LISTS: Reasons = Reasons(1 << 10);
    /// A shared or dynamic host: less sure.
    pub const SHARED: Reasons = Reasons(1 << 11);
    /// A sinkhole or parking site: the threat is spent, the infection may not be.
    pub const SINKHOLED: Reasons = Reasons(1 << 12);
    /// Sixteen destinations or ports and more: a sweep.
    pub const WIDE: Reasons = Reasons(1 << 13);
    /// The trail's confidence is below a half: less sure.
    pub const DOUBTFUL: Reasons = Reasons(1 << 14);
    /// Touched before it was listed, and found when it was: the host may be what that made of it.
    pub const RETRO: Reasons = Reasons(1 << 15);

    /// Whether all bits of the other are set.
    #[must_use]
    pub fn contains(self, other: Reasons) -> bool {
        self.0 & other.0 == other.0
    }

    fn set(&mut self, reason: Reasons, when: bool) -> bool {
        if when {
            self.0 |= reason.0;
        }
        when
    }
}

/// Where the class is not told (lines of others), what severity and reference suggest.
fn base(severity: Severity, confidence: u8) -> i32 {
    let assumed = match severity {
        Severity::High => 70,
        Severity::Medium => 50,
        Severity::Low => 30,
    };
    if confidence == 0 { assumed } else { i32::from(confidence) }
}

impl Evidence {
    /// Of a threat: the trail's confidence, halved into 0 to 50, and what speaks for and against.
    #[must_use]
    pub(super) fn of(threat: &Threat<'_>) -> Evidence {
        let label = threat.label();
        let class = Class::ALL.into_iter().find(|class| class.as_str() == label.class);
        let directions = threat.directions();
        let mut reasons = Reasons::default();
        let mut score = base(label.severity, label.confidence) / 2;
        let mut weigh = |reason: Reasons, when: bool, weight: i32| {
            if reasons.set(reason, when) {
                score += weight;
            }
        };
        let outbound = directions.contains(Direction::Outbound);
        let lateral = directions.contains(Direction::Lateral);
        weigh(Reasons::OUTBOUND, outbound, 20);
        weigh(Reasons::LATERAL, lateral, if outbound { 0 } else { 15 });
        weigh(Reasons::INBOUND_ONLY, !outbound && !lateral, -10);
        weigh(Reasons::MALWARE, class == Some(Class::Malware), 10);
        weigh(Reasons::CUSTOM, trails::is_custom(label.reference), 10);
        weigh(Reasons::HEURISTIC, label.reference == "(heuristic)", -10);
        weigh(Reasons::REPEATED, threat.count() >= 10, 5);
        let (active, regular) = rhythm(threat);
        weigh(Reasons::PERSISTENT, active >= 4, 5);
        weigh(Reasons::REGULAR, regular, 5);
        let retro = threat.has_sensor(RETRO_SENSOR);
        weigh(Reasons::SEVERAL_SENSORS, threat.sensor_total() > if retro { 2 } else { 1 }, 5);
        weigh(Reasons::RETRO, retro, 0);
        weigh(Reasons::SEVERAL_LISTS, trails::lists(label.reference).nth(1).is_some(), 5);
        weigh(Reasons::SHARED, matches!(class, Some(Class::DynamicDns | Class::FreeWeb | Class::IpInfo)), -10);
        weigh(Reasons::SINKHOLED, matches!(class, Some(Class::Sinkhole | Class::Parking)), 0);
        let wide = threat.destination_total() >= 16 || threat.port_total() >= 16;
        weigh(Reasons::WIDE, wide, if threat.kind() == Kind::Port { 5 } else { 0 });
        weigh(Reasons::DOUBTFUL, label.confidence > 0 && label.confidence < 50, 0);
        Evidence { score: score.clamp(0, 100) as u8, reasons }
    }
}

/// Slots with events, and whether those between the first and the last are all used about evenly.
fn rhythm(threat: &Threat<'_>) -> (usize, bool) {
    let mut active = 0;
    let (mut low, mut high, mut first, mut last) = (u64::MAX, 0, None, 0);
    threat.fold.each_slot(threat.row, &mut |slot, count| {
        active += 1;
        (low, high, last) = (low.min(count), high.max(count), slot);
        first = first.or(Some(slot));
    });
    let unbroken = first.is_some_and(|first| usize::from(last - first) + 1 == active);
    (active, active >= 6 && unbroken && high <= low.saturating_mul(2))
}
