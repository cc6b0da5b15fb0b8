//! The addresses whose events a reader may see. Decided on addresses alone, never on text.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use event::Event;
use ipnet::IpNet;

/// A limit on source and destination addresses; none for those who may see everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Scope {
    /// Ascending, apart, inclusive; IPv4 as its mapped IPv6 address.
    ranges: Option<Arc<[(u128, u128)]>>,
}

/// Why a netfilter is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{part}` is no address, network or range; write 10.0.0.0/8, 192.0.2.7 or 192.0.2.1-192.0.2.9, separated by commas"
)]
pub struct ScopeError {
    /// What could not be read.
    pub part: String,
}

impl Scope {
    /// Without a limit.
    #[must_use]
    pub fn everything() -> Scope {
        Scope { ranges: None }
    }

    /// Reads addresses, networks and ranges separated by commas. Empty, `*`, `0.0.0.0/0` beside `::/0` and `""` are
    /// no limit; `0.0.0.0/0` alone stands for every address too, as files in use mean it.
    ///
    /// # Errors
    /// A part is none of these.
    pub fn parse(text: &str) -> Result<Scope, ScopeError> {
        let parts = text.split([',', ' ']).map(str::trim).filter(|part| !part.is_empty());
        let mut ranges = Vec::new();
        for part in parts {
            if matches!(part, "*" | "0.0.0.0/0" | "::/0") {
                return Ok(Scope::everything());
            }
            ranges.push(range(part).ok_or_else(|| ScopeError { part: part.to_owned() })?);
        }
        if ranges.is_empty() {
            return Ok(Scope::everything());
        }
        ranges.sort_unstable();
        let mut apart: Vec<(u128, u128)> = Vec::new();
        for (start, end) in ranges {
            match apart.last_mut() {
                Some(last) if start <= last.1.saturating_add(1) => last.1 = last.1.max(end),
                _ => apart.push((start, end)),
            }
        }
        Ok(Scope { ranges: Some(apart.into()) })
    }

    /// Whether there is no limit.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        self.ranges.is_none()
    }

    /// Whether an address lies within.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let Some(ranges) = &self.ranges else { return true };
        let number = number(address);
        let after = ranges.partition_point(|(start, _)| *start <= number);
        after.checked_sub(1).and_then(|at| ranges.get(at)).is_some_and(|(_, end)| number <= *end)
    }

    /// The event as this reader may see it: where a source lies within, without the sources that do not; else where
    /// a destination does, without the destinations that do not; else nothing.
    #[must_use]
    pub fn view<'e>(&self, event: &'e Event) -> Option<Cow<'e, Event>> {
        if self.is_everything() {
            return Some(Cow::Borrowed(event));
        }
        let inside = |list: &[IpAddr]| list.iter().filter(|a| self.contains(**a)).count();
        let (sources, destinations) = (inside(&event.src), inside(&event.dst));
        if sources > 0 {
            if sources == event.src.len() {
                return Some(Cow::Borrowed(event));
            }
            let mut view = event.clone();
            view.src.retain(|a| self.contains(*a));
            return Some(Cow::Owned(view));
        }
        if destinations == 0 {
            return None;
        }
        if destinations == event.dst.len() {
            return Some(Cow::Borrowed(event));
        }
        let mut view = event.clone();
        view.dst.retain(|a| self.contains(*a));
        Some(Cow::Owned(view))
    }
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().to_bits(),
        IpAddr::V6(v6) => Ipv6Addr::to_bits(v6),
    }
}

fn range(part: &str) -> Option<(u128, u128)> {
    if let Ok(net) = part.parse::<IpNet>() {
        return Some((number(net.network()), number(net.broadcast())));
    }
    if let Ok(address) = part.parse::<IpAddr>() {
        return Some((number(address), number(address)));
    }
    let (start, end) = part.split_once('-')?;
    let (start, end) = (start.trim().parse::<IpAddr>().ok()?, end.trim().parse::<IpAddr>().ok()?);
    (start.is_ipv4() == end.is_ipv4() && start <= end).then(|| (number(start), number(end)))
}
