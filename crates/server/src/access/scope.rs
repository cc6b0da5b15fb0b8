//! What a reader may see of events: those of some addresses, and custom trails or not. Decided on addresses and on
//! the reference alone, never on other text.

use std::borrow::Cow;
use std::net::IpAddr;

use event::{Context, Event, Observed};
use ipnet::IpNet;

use trails::CUSTOM;

use crate::addresses::AddressSet;

/// What stands for what a reader may not see.
pub const HIDDEN: &str = "-";

/// A limit on source and destination addresses, and on custom trails; none for those who may see everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Scope {
    addresses: Option<AddressSet>,
    /// Whether trail and info of custom trails are hidden.
    masked: bool,
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
    pub const ALL: &'static Scope = &Scope { addresses: None, masked: false };

    /// Without a limit.
    #[must_use]
    pub fn everything() -> Scope {
        Scope::default()
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
        Ok(Scope { addresses: Some(AddressSet::of_ranges(ranges)), masked: false })
    }

    /// The same, with trail and info of custom trails hidden or not.
    #[must_use]
    pub fn masking(self, masked: bool) -> Scope {
        Scope { masked, ..self }
    }

    /// Whether there is no limit and nothing is hidden.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        self.addresses.is_none() && !self.masked
    }

    /// Whether events of some addresses only are seen.
    #[must_use]
    pub fn limits_addresses(&self) -> bool {
        self.addresses.is_some()
    }

    /// Whether trail and info of custom trails are hidden.
    #[must_use]
    pub fn hides_custom(&self) -> bool {
        self.masked
    }

    /// Whether an address lies within.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        self.addresses.as_ref().is_none_or(|addresses| addresses.contains(address))
    }

    /// The event as this reader may see it: where a source lies within, without the sources that do not; else where
    /// a destination does, without the destinations that do not; else nothing. What a custom trail says is hidden
    /// from those who may not know it, with everything of the traffic that would tell it.
    #[must_use]
    pub fn view<'e>(&self, event: &'e Event) -> Option<Cow<'e, Event>> {
        let mut view = self.limited(event)?;
        if self.masked && is_custom(&view.reference) {
            hide(view.to_mut());
        }
        Some(view)
    }

    fn limited<'e>(&self, event: &'e Event) -> Option<Cow<'e, Event>> {
        if self.addresses.is_none() {
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

/// Whether one of the user's own lists is the first that names what was matched.
pub(crate) fn is_custom(reference: &str) -> bool {
    CUSTOM.iter().any(|own| reference.starts_with(own))
}

fn hide(event: &mut Event) {
    event.observed = Observed { text: HIDDEN.to_owned(), matched: Vec::new() };
    HIDDEN.clone_into(&mut event.indicator);
    HIDDEN.clone_into(&mut event.info);
    // Which of them is not told either.
    let [own, ..] = CUSTOM;
    own.clone_into(&mut event.reference);
    event.reasons.clear();
    event.context = Context::default();
}

fn range(part: &str) -> Option<(IpAddr, IpAddr)> {
    if let Ok(net) = part.parse::<IpNet>() {
        return Some((net.network(), net.broadcast()));
    }
    if let Ok(address) = part.parse::<IpAddr>() {
        return Some((address, address));
    }
    let (start, end) = part.split_once('-')?;
    let (start, end) = (start.trim().parse::<IpAddr>().ok()?, end.trim().parse::<IpAddr>().ok()?);
    (start.is_ipv4() == end.is_ipv4() && start <= end).then_some((start, end))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn event(src: &[&str], dst: &[&str]) -> Event {
        let list = |list: &[&str]| list.iter().map(|a| format!("\"{a}\"")).collect::<Vec<_>>().join(",");
        let (src, dst) = (list(src), list(dst));
        let time = "2026-01-02T03:04:05Z";
        event::journal::parse(&format!(
            r#"{{"v":1,"id":"x","time":"{time}","last":"{time}","src":[{src}],"dst":[{dst}],"protocol":6,"kind":"IP","observed":{{"text":"x"}},"severity":"low"}}"#
        ))
        .unwrap()
    }

    #[test]
    fn netfilters() {
        let scope = Scope::parse("10.1.0.0/16, 192.0.2.7,192.0.2.20-192.0.2.30,2001:db8::/32").unwrap();
        for (address, inside) in [
            ("10.1.255.255", true),
            ("10.2.0.0", false),
            ("192.0.2.7", true),
            ("192.0.2.8", false),
            ("192.0.2.20", true),
            ("192.0.2.30", true),
            ("192.0.2.31", false),
            ("2001:db8:ffff::1", true),
            ("2001:db9::", false),
            ("::ffff:10.1.0.1", true),
        ] {
            assert_eq!(scope.contains(address.parse().unwrap()), inside, "{address}");
        }
        for all in ["", "*", " , ", "0.0.0.0/0", "10.0.0.0/8,*"] {
            assert!(Scope::parse(all).unwrap().is_everything(), "{all}");
        }
        for wrong in ["10.0.0.0/33", "10.0.0.9-10.0.0.1", "10.0.0.1-::1", "host", "10.0.0.1-"] {
            assert!(Scope::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_event_is_shown_without_the_addresses_of_others() {
        let scope = Scope::parse("10.1.0.0/16").unwrap();
        let both = event(&["10.1.0.1", "10.2.0.1"], &["192.0.2.1"]);
        assert_eq!(scope.view(&both).unwrap().src, ["10.1.0.1".parse::<IpAddr>().unwrap()]);
        let towards = event(&["192.0.2.1"], &["10.1.0.1", "10.2.0.1"]);
        assert_eq!(scope.view(&towards).unwrap().dst, ["10.1.0.1".parse::<IpAddr>().unwrap()]);
        assert!(scope.view(&event(&["10.2.0.1"], &["192.0.2.1"])).is_none());
        assert!(matches!(Scope::everything().view(&both), Some(Cow::Borrowed(_))));
    }

    fn listed(reference: &str) -> Event {
        let text = format!(
            r#"{{"v":1,"id":"1","time":"2026-11-20T10:00:00Z","last":"2026-11-20T10:00:00Z","src":["10.0.0.5"],"dst":["192.0.2.7"],
            "protocol":6,"kind":"DNS","observed":{{"text":"a.own.example","matched":[[2,13]]}},"indicator":"own.example",
            "info":"secret","reference":"{reference}","severity":"high","reasons":["own.example"],
            "context":{{"host":"a.own.example"}}}}"#
        );
        event::journal::parse(&text.replace('\n', " ")).unwrap()
    }

    #[test]
    fn custom_trails_are_hidden_with_everything_that_tells_them() {
        let masked = Scope::everything().masking(true);
        assert!(!masked.is_everything());
        for reference in ["(custom)", "(custom) (+static)", "(remote custom)", "(remote custom) (+static)"] {
            let own = listed(reference);
            assert!(matches!(Scope::everything().view(&own), Some(Cow::Borrowed(_))));
            let view = masked.view(&own).unwrap();
            let written = event::journal::to_line(&view).unwrap();
            assert!(!written.contains("own.example") && !written.contains("secret"), "{written}");
            assert_eq!((view.src.len(), view.reference.as_str()), (1, "(custom)"));
        }
        for reference in ["(static)", "(static) (+custom)", "not (custom)"] {
            assert!(matches!(masked.view(&listed(reference)), Some(Cow::Borrowed(_))), "{reference}");
        }
        let elsewhere = Scope::parse("172.16.0.0/12").unwrap().masking(true);
        assert_eq!(elsewhere.view(&listed("(custom)")), None);
    }

    proptest! {
        #[test]
        fn contains_is_that_of_the_networks(nets in prop::collection::vec((any::<u32>(), 0u8..=32), 1..8), address: u32) {
            let nets: Vec<ipnet::Ipv4Net> =
                nets.into_iter().map(|(a, l)| ipnet::Ipv4Net::new(a.into(), l.max(1)).unwrap()).collect();
            let text: Vec<String> = nets.iter().map(ToString::to_string).collect();
            let scope = Scope::parse(&text.join(",")).unwrap();
            let candidates = nets.iter().flat_map(|n| [n.network(), n.broadcast()]).chain([address.into()]);
            for address in candidates {
                let inside = nets.iter().any(|n| n.contains(&address));
                prop_assert_eq!(scope.contains(address.into()), inside);
            }
        }

        #[test]
        fn any_text_is_a_scope_or_an_error(text: String) {
            let _ = Scope::parse(&text);
        }
    }
}
