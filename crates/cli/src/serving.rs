//! Settings as they are configured into settings as the server takes them.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs};
use std::sync::Arc;

use event::{Event, Kind};
use ipnet::IpNet;
use jiff::tz::TimeZone;
use packet::Flow;
use server::retro::RetroSettings;
use server::settings::{Settings, Tls};

use crate::config::{BLACKLIST, Config, Environment, Values, Weight};
use crate::lists::Lists;

/// Requests that work at the same time, if nothing is said.
const REQUESTS: usize = 64;
/// Live streams at the same time, if nothing is said.
const STREAMS: usize = 256;

/// What the server is told, or what is wrong with it and what to do.
pub(crate) fn settings(config: &Config, environment: &Environment) -> Result<Settings, String> {
    let values = &config.values;
    let http = address("HTTP_ADDRESS", &values.http_address, values.http_port.0)?;
    let udp = values.udp_address.as_deref().map(|text| address("UDP_ADDRESS", text, values.udp_port.0)).transpose()?;
    if let Some(udp) = udp.filter(|udp| !is_local(udp.ip()) && values.udp_allowlist.is_empty()) {
        return Err(format!(
            "UDP_ADDRESS {} can be reached by others: name in UDP_ALLOWLIST who may send events to it",
            udp.ip()
        ));
    }
    let limit = |value: Option<u64>, default| value.map_or(default, |value| usize::try_from(value).unwrap_or(default));
    Ok(Settings {
        log_dir: values.log_dir.clone(),
        state_dir: values.state_dir.clone(),
        zone: values.time_zone.as_ref().map_or_else(TimeZone::system, |zone| zone.0.clone()),
        http,
        tls: tls(values, http.ip()),
        trusted_proxies: values.trusted_proxies.clone(),
        users: values.users.0.clone(),
        mask_custom: values.enable_mask_custom,
        udp,
        udp_allowlist: values.udp_allowlist.clone(),
        trails_file: values.trails_file.clone(),
        cache_dir: environment.cache_dir(),
        fail2ban_regex: values.fail2ban_regex.as_ref().map(|pattern| pattern.0.clone()),
        fail2ban_allowlist: values.fail2ban_allowlist.clone(),
        blacklist_allowlist: values.blacklist_allowlist.clone(),
        blacklists: values.blacklists.0.iter().map(|(key, rules)| (list_name(key), rules.0.clone())).collect(),
        aliases: values.ip_aliases.0.iter().flat_map(|line| alias(line)).collect(),
        geo_files: values.geo_files.clone(),
        home_networks: values.home_networks.clone(),
        home: values.home_lat.zip(values.home_lon).map(|(latitude, longitude)| (latitude.0, longitude.0)),
        retention_days: values.retention_days.map(|days| u32::try_from(days.0).unwrap_or(u32::MAX)),
        retention_bytes: values.retention_size.map(|size| size.0),
        window_back_seconds: values.event_window_back.0,
        window_ahead_seconds: values.event_window_ahead.0,
        retro: values.retro_match.then(|| retro(config.clone())),
        max_requests: limit(values.max_request_threads.map(|n| n.0), REQUESTS),
        max_streams: limit(values.max_live_streams.map(|n| n.0), STREAMS),
    })
}

/// The user's lists hold for what was seen before too. They are read anew for each look.
fn retro(config: Config) -> RetroSettings {
    RetroSettings(Arc::new(move || {
        let (lists, problems) = Lists::read(&config);
        match problems.into_iter().find(|problem| problem.weight == Weight::Error) {
            Some(problem) => Err(problem.to_string()),
            None => Ok(Box::new(move |event: &Event| unwanted(&lists, event))),
        }
    }))
}

/// Whether USER_WHITELIST, USER_IGNORELIST or IGNORE_EVENTS_REGEX have an event.
fn unwanted(lists: &Lists, event: &Event) -> bool {
    let Lists { whitelist, ignore, .. } = lists;
    let first = |addresses: &[IpAddr]| addresses.first().copied().unwrap_or(Ipv4Addr::UNSPECIFIED.into());
    let flow =
        Flow { src: first(&event.src), dst: first(&event.dst), src_port: 0, dst_port: 0, protocol: event.protocol };
    let fine = match event.kind {
        Kind::Dns => whitelist.has_name(event.observed.text.as_bytes()),
        _ => {
            let mut addresses = event.src.iter().chain(&event.dst);
            addresses.any(|address| whitelist.has_address(*address)) || whitelist.has_host(&event.context.query)
        }
    };
    fine || ignore.covers(&flow) || (ignore.reads_lines() && ignore.matches(&event.line(&TimeZone::UTC)))
}

fn is_local(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

/// An address to listen on: itself, or what a name stands for here.
fn address(key: &str, text: &str, port: u64) -> Result<SocketAddr, String> {
    let port = u16::try_from(port).unwrap_or_default();
    let text = text.trim().trim_matches(['[', ']']);
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok(SocketAddr::new(address, port));
    }
    let found = (text, port).to_socket_addrs().ok().and_then(|mut found| found.next());
    found.ok_or_else(|| {
        format!(
            "{key} '{text}' is no address of this machine; 127.0.0.1 is for this machine alone, 0.0.0.0 or :: for all"
        )
    })
}

/// TLS wherever others can listen, unless a proxy in front does it.
fn tls(values: &Values, http: IpAddr) -> Tls {
    let wanted = values.use_ssl || (!is_local(http) && values.trusted_proxies.is_empty());
    match &values.ssl_pem {
        Some(file) if wanted => Tls::Pem(file.clone()),
        None if wanted => Tls::SelfSigned,
        _ => Tls::Off,
    }
}

/// The name of the list of a key: `dns` of BLACKLIST_DNS, nothing of BLACKLIST.
fn list_name(key: &str) -> String {
    key.strip_prefix(BLACKLIST).unwrap_or(key).trim_start_matches('_').to_lowercase()
}

/// `address:name`, the address also a network, or a range of addresses (which are several networks).
fn alias(line: &str) -> Vec<(IpNet, String)> {
    let Some((place, name)) = line.rsplit_once(':') else { return Vec::new() };
    let end = |text: &str| text.trim().trim_matches(['[', ']']).parse::<IpAddr>().ok();
    let nets: Vec<IpNet> = match place.split_once('-') {
        Some((first, last)) => match (end(first), end(last)) {
            (Some(IpAddr::V4(first)), Some(IpAddr::V4(last))) => {
                ipnet::Ipv4Subnets::new(first, last, 0).map(IpNet::V4).collect()
            }
            (Some(IpAddr::V6(first)), Some(IpAddr::V6(last))) => {
                ipnet::Ipv6Subnets::new(first, last, 0).map(IpNet::V6).collect()
            }
            _ => Vec::new(),
        },
        None => {
            let net = place.trim().trim_matches(['[', ']']).parse::<IpNet>().ok();
            net.or_else(|| end(place).map(IpNet::from)).into_iter().collect()
        }
    };
    nets.into_iter().map(|net| (net, name.trim().to_string())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Result<Settings, String> {
        let environment = Environment { current_dir: "/srv".into(), ..Environment::default() };
        settings(&Config::from_text(text, Some("/etc/maltrail.conf".into()), &environment), &environment)
    }

    #[test]
    fn tls_wherever_others_can_listen() {
        let pem = || Tls::Pem("/etc/s.pem".into());
        for (text, want) in [
            ("", Tls::Off),
            ("USE_SSL true", Tls::SelfSigned),
            ("USE_SSL true\nSSL_PEM s.pem", pem()),
            ("SSL_PEM s.pem", Tls::Off),
            ("HTTP_ADDRESS 0.0.0.0", Tls::SelfSigned),
            ("HTTP_ADDRESS ::\nSSL_PEM s.pem", pem()),
            ("HTTP_ADDRESS 192.0.2.1\nTRUSTED_PROXIES 192.0.2.9", Tls::Off),
            ("HTTP_ADDRESS ::1", Tls::Off),
        ] {
            assert_eq!(told(text).unwrap().tls, want, "{text}");
        }
    }

    #[test]
    fn udp_needs_to_be_told_who_may_send() {
        assert_eq!(told("").unwrap().udp, None);
        assert_eq!(told("UDP_ADDRESS 127.0.0.1").unwrap().udp, Some("127.0.0.1:8337".parse().unwrap()));
        assert!(told("UDP_ADDRESS 0.0.0.0").unwrap_err().contains("UDP_ALLOWLIST"));
        assert!(told("UDP_ADDRESS 0.0.0.0\nUDP_ALLOWLIST 10.0.0.0/8").unwrap().udp.is_some());
    }

    #[test]
    fn aliases_of_addresses_networks_and_ranges() {
        let aliases = |line: &str| {
            alias(line).into_iter().map(|(net, name)| format!("{net}={name}")).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(aliases("8.8.8.8:google"), "8.8.8.8/32=google");
        assert_eq!(aliases("10.0.0.0/8: home"), "10.0.0.0/8=home");
        assert_eq!(aliases("10.0.0.0-10.0.0.2:few"), "10.0.0.0/31=few 10.0.0.2/32=few");
        assert_eq!(aliases("[fd00::1]:six"), "fd00::1/128=six");
    }

    #[test]
    fn the_own_network_and_its_place() {
        let settings = told("HOME_NETWORKS 203.0.113.0/24, 2001:db8::/32\nHOME_LAT 45.8\nHOME_LON 15.97").unwrap();
        let networks: Vec<String> = settings.home_networks.iter().map(ToString::to_string).collect();
        assert_eq!(
            (networks.join(" "), settings.home),
            ("203.0.113.0/24 2001:db8::/32".to_owned(), Some((45.8, 15.97)))
        );
        assert_eq!(told("HOME_LAT 45.8").unwrap().home, None, "half of a place");
    }

    #[test]
    fn lists_have_the_names_they_are_asked_for_by() {
        let settings = told("BLACKLIST\n  type ~ DNS\nBLACKLIST_Web\n  type ~ URL").unwrap();
        let names: Vec<&str> = settings.blacklists.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["", "web"]);
    }

    #[test]
    fn an_address_must_be_one() {
        assert!(told("HTTP_ADDRESS no.such.host.invalid").unwrap_err().contains("HTTP_ADDRESS"));
    }
}
