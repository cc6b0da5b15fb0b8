//! Names of well-known ports, from the table beside this file.

use std::sync::LazyLock;

use serde::Serialize;
use utoipa::ToSchema;

/// What a port is for, by what is commonly found there: the traffic itself may be something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Service {
    /// Port.
    pub port: u16,
    /// Over which protocol.
    pub protocol: Transport,
    /// Short name: IANA's where `registered`.
    #[schema(value_type = String)]
    pub name: &'static str,
    /// For people.
    #[schema(value_type = String)]
    pub title: &'static str,
    /// Whether IANA has it under this name.
    pub registered: bool,
}

/// Protocols with ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

static TABLE: LazyLock<Vec<Service>> = LazyLock::new(|| {
    let mut services: Vec<Service> = include_str!("services.txt").lines().flat_map(line).collect();
    services.sort_unstable_by_key(|service| (service.port, service.protocol));
    services
});

/// `port protocols name title` of the table; nothing of what is no such line.
fn line(text: &'static str) -> Vec<Service> {
    let fields = || -> Option<(u16, &'static str, &'static str, &'static str)> {
        let text = text.split_once('#').map_or(text, |(text, _)| text);
        let (port, rest) = text.split_once(' ')?;
        let (protocols, rest) = rest.trim_start().split_once(' ')?;
        let (name, title) = rest.trim_start().split_once(' ')?;
        Some((port.parse().ok()?, protocols, name, title.trim()))
    };
    let Some((port, protocols, name, title)) = fields() else { return Vec::new() };
    let (name, registered) = name.strip_suffix('*').map_or((name, true), |name| (name, false));
    let each = protocols.split(',').filter_map(|protocol| match protocol {
        "tcp" => Some(Transport::Tcp),
        "udp" => Some(Transport::Udp),
        _ => None,
    });
    each.map(|protocol| Service { port, protocol, name, title, registered }).collect()
}

/// All services, by port.
#[must_use]
pub fn all() -> &'static [Service] {
    &TABLE
}

/// Those of a port: at most one for each protocol.
#[must_use]
pub fn of_port(port: u16) -> &'static [Service] {
    let start = TABLE.partition_point(|service| service.port < port);
    let end = TABLE.partition_point(|service| service.port <= port);
    TABLE.get(start..end).unwrap_or_default()
}

#[cfg(test)]
#[allow(clippy::panic, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_table_is_read_once() {
        let mut lines = 0;
        for text in include_str!("services.txt").lines().filter(|text| !text.starts_with('#')) {
            let read = line(text);
            lines += read.len();
            let protocols = text.split_whitespace().nth(1).map_or(0, |protocols| protocols.split(',').count());
            assert!(!read.is_empty() && read.len() == protocols, "{text}");
            assert!(read.iter().all(|s| !s.name.is_empty() && !s.title.is_empty() && !s.name.contains('*')), "{text}");
        }
        assert_eq!(all().len(), lines);
        for pair in all().windows(2) {
            let [one, two] = pair else { panic!() };
            assert!((one.port, one.protocol) < (two.port, two.protocol), "{one:?} {two:?}");
        }
    }

    #[test]
    fn ports_have_names() {
        let names = |port| of_port(port).iter().map(|s| (s.protocol, s.name)).collect::<Vec<_>>();
        assert_eq!(names(53), [(Transport::Tcp, "domain"), (Transport::Udp, "domain")]);
        assert_eq!(names(514), [(Transport::Tcp, "shell"), (Transport::Udp, "syslog")]);
        assert_eq!(names(22), [(Transport::Tcp, "ssh")]);
        assert_eq!((names(1), names(0), names(65_535)), (vec![], vec![], vec![]));
        assert!(of_port(6667).iter().all(|service| !service.registered));
    }
}
