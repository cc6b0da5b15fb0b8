//! What a filter comes to for one event. Indexes only spare work; this decides.

use std::borrow::Cow;
use std::net::{IpAddr, SocketAddr};

use event::{Context, Event};
use jiff::tz::TimeZone;

use super::{Field, Filter, Stored};
use crate::condense::{ThreatId, ThreatKey};

impl Filter {
    /// Events of one of these threats.
    #[must_use]
    pub fn threats(ids: impl IntoIterator<Item = ThreatId>) -> Filter {
        let mut ids: Vec<ThreatId> = ids.into_iter().collect();
        ids.sort_unstable();
        ids.dedup();
        Filter::Threats(ids)
    }

    /// Whether an event is meant. `zone` is the one its line is drawn in.
    #[must_use]
    pub fn matches(&self, stored: &Stored, zone: &TimeZone) -> bool {
        let event = &stored.event;
        match self {
            Filter::All => true,
            Filter::Threat(id) => ThreatKey::of(event).id() == *id,
            Filter::Threats(ids) => ids.binary_search(&ThreatKey::of(event).id()).is_ok(),
            Filter::Net(net) => addresses(event).any(|address| net.contains(&address.to_canonical())),
            Filter::Indicator(name) => is_at_or_below(&fold(ThreatKey::of(event).indicator), &fold(name)),
            Filter::Text(text) => fold(&stored.text(zone)).contains(fold(text).as_ref()),
            Filter::Has(field, text) => {
                let text = fold(text);
                values(event, *field).iter().any(|value| fold(value).contains(text.as_ref()))
            }
            Filter::Source(net) => event.src.iter().any(|address| net.contains(&address.to_canonical())),
            Filter::Destination(net) => event.dst.iter().any(|address| net.contains(&address.to_canonical())),
            Filter::Kind(kind) => event.kind == *kind,
            Filter::Severity(severity) => event.severity == *severity,
            Filter::And(all) => all.iter().all(|filter| filter.matches(stored, zone)),
            Filter::Or(any) => any.iter().any(|filter| filter.matches(stored, zone)),
            Filter::Not(filter) => !filter.matches(stored, zone),
        }
    }
}

/// The texts that a field stands for.
fn values(event: &Event, field: Field) -> Vec<&str> {
    match field {
        Field::Indicator => vec![ThreatKey::of(event).indicator],
        Field::Info => vec![event.info.as_str()],
        Field::Sensor => vec![event.sensor.as_str()],
        Field::Reason => event.reasons.iter().map(String::as_str).collect(),
        Field::Seen => {
            let Context { host, sni, user_agent, ja3, ja4, community_id, query, .. } = &event.context;
            [&event.observed.text, host, sni, user_agent, ja3, ja4, community_id, query].map(String::as_str).to_vec()
        }
    }
}

/// Every address an event is found by.
fn addresses(event: &Event) -> impl Iterator<Item = IpAddr> {
    let texts = [event.indicator.as_str(), event.observed.text.as_str()];
    event.src.iter().chain(&event.dst).copied().chain(texts.into_iter().filter_map(address_in))
}

/// The address a text is or begins with: `192.0.2.7`, `192.0.2.7:443`, `[2001:db8::7]:443`, `192.0.2.7/x`,
/// `192.0.2.7 (host.example)`.
pub(crate) fn address_in(text: &str) -> Option<IpAddr> {
    if !text.starts_with(|first: char| first.is_ascii_hexdigit() || matches!(first, ':' | '[')) {
        return None;
    }
    let first = text.split([' ', '/', '(']).next()?;
    // Most texts are names, which are told apart without an attempt.
    if !first.contains(':') && !first.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return None;
    }
    let address = first.parse::<IpAddr>().or_else(|_| first.parse::<SocketAddr>().map(|socket| socket.ip()));
    address.ok().map(|address| address.to_canonical())
}

/// Whether a name is another or lies below it. Both folded.
pub(super) fn is_at_or_below(name: &str, other: &str) -> bool {
    name.strip_suffix(other).is_some_and(|below| below.is_empty() || (below.ends_with('.') && !other.is_empty()))
}

/// The names a folded name lies below: of `a.b.example` `b.example` and `example`.
pub(super) fn above(name: &str) -> impl Iterator<Item = &str> {
    name.match_indices('.').filter_map(|(dot, _)| name.get(dot + 1..)).filter(|rest| !rest.is_empty())
}

/// Text whose case does not matter any more, each character by itself.
pub(super) fn fold(text: &str) -> Cow<'_, str> {
    if !text.is_ascii() {
        return text.chars().flat_map(char::to_lowercase).collect();
    }
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Cow::Owned(text.to_ascii_lowercase());
    }
    Cow::Borrowed(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sample;

    fn matches(filter: &Filter, stored: &Stored) -> bool {
        filter.matches(stored, &TimeZone::UTC)
    }

    #[test]
    fn indicators_and_names_below_them() {
        let stored = sample::stored(1);
        for (name, expected) in [
            ("host1.evil1.example", true),
            ("EVIL1.example", true),
            ("example", true),
            ("vil1.example", false),
            ("www.host1.evil1.example", false),
            ("", false),
        ] {
            assert_eq!(matches(&Filter::Indicator(name.to_owned()), &stored), expected, "{name}");
        }
    }

    #[test]
    fn networks_by_address_and_by_text() {
        let mut stored = sample::stored(1);
        stored.event.observed.text = "198.51.100.7/x.exe".into();
        stored.event.indicator = "[2001:db8::7]:443".into();
        stored.event.dst.push("::ffff:203.0.113.9".parse().unwrap());
        for (net, expected) in [
            ("10.0.0.1/32", true),
            ("8.8.8.0/24", true),
            ("198.51.100.0/24", true),
            ("2001:db8::/32", true),
            ("203.0.113.9/32", true),
            ("10.0.0.2/32", false),
            ("0.0.0.0/0", true),
        ] {
            assert_eq!(matches(&Filter::Net(net.parse().unwrap()), &stored), expected, "{net}");
        }
    }

    #[test]
    fn text_of_the_line_whatever_the_case() {
        let mut stored = sample::stored(1);
        for (text, expected) in
            [("ASYNCRAT (mal", true), ("-DC 10.0", true), ("2026-11-20 00:00:01", true), ("nix", false)]
        {
            assert_eq!(matches(&Filter::Text(text.to_owned()), &stored), expected, "{text}");
        }
        stored.line = Some("another \u{212a}elvin".into());
        assert!(matches(&Filter::Text("r kelv".into()), &stored));
        assert!(!matches(&Filter::Text("asyncrat".into()), &stored));
    }

    #[test]
    fn values_by_their_field() {
        let mut stored = sample::stored(1);
        stored.event.context.ja3 = "51C64C77E60F3980EEA90869B68C58A8".into();
        let has = |field, text: &str| Filter::Has(field, text.into());
        for (filter, expected) in [
            (has(Field::Indicator, "EVIL1"), true),
            (has(Field::Indicator, "asyncrat"), false),
            (has(Field::Info, "AsyncRAT ("), true),
            (has(Field::Info, "evil1"), false),
            (has(Field::Sensor, "gw-"), true),
            (has(Field::Sensor, "10.0"), false),
            (has(Field::Seen, "51c64c77e60f3980eea90869b68c58a8"), true),
            (has(Field::Seen, "host1.evil1"), true),
            (has(Field::Seen, "asyncrat"), false),
            (Filter::Source("10.0.0.0/24".parse().unwrap()), true),
            (Filter::Source("8.8.8.8/32".parse().unwrap()), false),
            (Filter::Destination("8.8.8.8/32".parse().unwrap()), true),
            (Filter::Destination("10.0.0.0/24".parse().unwrap()), false),
            (Filter::Kind(event::Kind::Dns), true),
            (Filter::Kind(event::Kind::Url), false),
            (Filter::Severity(event::Severity::High), true),
            (Filter::Severity(event::Severity::Low), false),
        ] {
            assert_eq!(matches(&filter, &stored), expected, "{filter:?}");
        }
        // Where no indicator is told, what was seen stands for it.
        stored.event.indicator.clear();
        assert!(matches(&has(Field::Indicator, "host1.evil1"), &stored));
    }

    #[test]
    fn combined() {
        let stored = sample::stored(1);
        let id = ThreatKey::of(&stored.event).id();
        let (yes, no) = (Filter::Threat(id), Filter::Threat(ThreatId(id.0 ^ 1)));
        assert!(matches(&Filter::And(vec![yes.clone(), Filter::All]), &stored));
        assert!(!matches(&Filter::And(vec![yes.clone(), no.clone()]), &stored));
        assert!(matches(&Filter::Or(vec![no.clone(), yes.clone()]), &stored));
        let many = Filter::threats([ThreatId(9), id, ThreatId(7), id]);
        assert!(matches!(&many, Filter::Threats(ids) if ids.len() == 3 && ids.is_sorted()));
        assert!(matches(&many, &stored));
        assert!(!matches(&Filter::threats([ThreatId(9), ThreatId(7)]), &stored));
        assert!(!matches(&Filter::threats([]), &stored));
        assert!(matches(&Filter::Not(Box::new(no)), &stored));
        assert!(!matches(&Filter::Not(Box::new(yes)), &stored));
    }
}
