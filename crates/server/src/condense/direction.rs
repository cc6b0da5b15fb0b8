//! Which way an event went, by its addresses.

use event::{Event, Kind};

use crate::addresses::Local;

/// Which way, where it is known what is local. A local host reaching out matters more than the Internet knocking.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Direction {
    /// A local host asked something outside, or a resolver about it.
    Outbound = 1,
    /// From outside to a local host.
    Inbound = 2,
    /// Between local hosts.
    Lateral = 4,
    /// Neither side is local: traffic of others, or networks of one's own that the settings do not name.
    Transit = 8,
}

/// The directions of a threat's events: values of [`Direction`] added.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Directions(pub u8);

impl Directions {
    /// Whether some went this way.
    #[must_use]
    pub fn contains(self, direction: Direction) -> bool {
        self.0 & direction as u8 != 0
    }
}

impl Direction {
    /// Of an event.
    #[must_use]
    pub fn of(event: &Event, local: &Local) -> Direction {
        let from_inside = event.src.first().is_some_and(|source| local.contains(*source));
        let to_inside = !event.dst.is_empty() && event.dst.iter().all(|address| local.contains(*address));
        Direction::between(from_inside, to_inside, event.kind)
    }

    /// From a side that is local or not to another.
    pub(super) fn between(from_inside: bool, to_inside: bool, kind: Kind) -> Direction {
        match (from_inside, to_inside) {
            // What a resolver is asked for lies outside, wherever the resolver is.
            (true, true) if kind == Kind::Dns => Direction::Outbound,
            (true, true) => Direction::Lateral,
            (true, false) => Direction::Outbound,
            (false, true) => Direction::Inbound,
            (false, false) => Direction::Transit,
        }
    }
}
