//! Which way an event went, by its addresses.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use event::{Event, Kind};

/// Which way. A local host reaching out matters more than the Internet knocking.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Direction {
    /// A local host asked something outside, or a resolver about it.
    Outbound = 1,
    /// From outside to a local host.
    Inbound = 2,
    /// Between local hosts.
    Lateral = 4,
    /// Neither side is local: servers with public addresses, or traffic of others.
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

/// Whether an address is one of a private or local range: RFC 1918, 6598, 3927, 4193, loopback, link-local, multicast
/// and broadcast.
pub(crate) fn is_local(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            let shared = v4.to_bits() & 0xffc0_0000 == Ipv4Addr::new(100, 64, 0, 0).to_bits();
            let special = v4.is_loopback() || v4.is_link_local() || v4.is_multicast() || v4.is_broadcast();
            v4.is_private() || special || shared || v4.is_unspecified()
        }
        IpAddr::V6(v6) => {
            let special = v6 == Ipv6Addr::LOCALHOST || v6.is_multicast() || v6.is_unspecified();
            v6.is_unique_local() || v6.is_unicast_link_local() || special
        }
    }
}

impl Direction {
    /// Of an event.
    #[must_use]
    pub fn of(event: &Event) -> Direction {
        let from_inside = event.src.first().is_some_and(|source| is_local(*source));
        let to_inside = !event.dst.is_empty() && event.dst.iter().all(|address| is_local(*address));
        match (from_inside, to_inside) {
            // What a resolver is asked for lies outside, wherever the resolver is.
            (true, true) if event.kind == Kind::Dns => Direction::Outbound,
            (true, true) => Direction::Lateral,
            (true, false) => Direction::Outbound,
            (false, true) => Direction::Inbound,
            (false, false) => Direction::Transit,
        }
    }
}
