//! One term into a filter.

use std::net::IpAddr;

use event::{Kind, Severity};
use ipnet::{IpNet, Ipv4Subnets, Ipv6Subnets};

use super::lex::{Field as Prefix, Term};
use super::parse::joined;
use crate::store::{Field, Filter};

/// The filter of a term, or what is wrong with it.
pub(super) fn filter(term: &Term) -> Result<Filter, String> {
    let value = term.value.as_str();
    if value.is_empty() {
        return Err("the value is empty".into());
    }
    let addresses = |of: fn(IpNet) -> Filter| {
        let nets = nets(&refanged(value)).ok_or_else(|| {
            format!("`{value}` is no address, network or range; write 10.0.0.5, 10.0.0.0/8 or 10.0.0.5-10.0.0.9")
        })?;
        Ok(one_of(nets.into_iter().map(of)))
    };
    match term.field {
        Some(Prefix::Source) => addresses(Filter::Source),
        Some(Prefix::Destination) => addresses(Filter::Destination),
        Some(Prefix::Trail) if term.quoted => Ok(Filter::Has(Field::Indicator, value.to_owned())),
        Some(Prefix::Trail) => Ok(Filter::Indicator(indicator(value))),
        Some(Prefix::Info) => Ok(Filter::Has(Field::Info, value.to_owned())),
        Some(Prefix::Sensor) => Ok(Filter::Has(Field::Sensor, value.to_owned())),
        Some(Prefix::Reason) => Ok(Filter::Has(Field::Reason, value.to_owned())),
        Some(Prefix::Kind) => kind(value),
        Some(Prefix::Severity) => severity(value),
        Some(Prefix::Threat) => value.parse().map(Filter::Threat).map_err(|error| format!("{error}")),
        None if term.quoted => Ok(text(value.to_owned())),
        None => {
            let value = refanged(value);
            Ok(match nets(&value) {
                Some(nets) => one_of(nets.into_iter().map(Filter::Net)),
                None => text(without_scheme(&value).to_owned()),
            })
        }
    }
}

/// Text wherever it may stand. What was seen is looked at by itself, as the line puts marks into it.
fn text(text: String) -> Filter {
    Filter::Or(vec![
        Filter::Has(Field::Indicator, text.clone()),
        Filter::Has(Field::Seen, text.clone()),
        Filter::Has(Field::Reason, text.clone()),
        Filter::Text(text),
    ])
}

fn one_of(filters: impl Iterator<Item = Filter>) -> Filter {
    joined(filters.collect(), Filter::Or)
}

/// What was made unusable for sending it around, as it was.
fn refanged(value: &str) -> String {
    let mut value = value.replace("[.]", ".").replace("[:]", ":");
    if value.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("hxxp")) {
        value.replace_range(..4, "http");
    }
    value
}

fn without_scheme(value: &str) -> &str {
    let after = value.split_once("://").filter(|(scheme, rest)| {
        !rest.is_empty() && ["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known))
    });
    after.map_or(value, |(_, rest)| rest)
}

/// An indicator as trails have it.
fn indicator(value: &str) -> String {
    let value = refanged(value);
    let name = without_scheme(&value);
    let name = name.strip_suffix('.').filter(|name| !name.is_empty()).unwrap_or(name);
    name.to_lowercase()
}

/// Networks of an address, a network or a range; a range is several networks.
fn nets(text: &str) -> Option<Vec<IpNet>> {
    let address = |text: &str| {
        let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
        bare.parse::<IpAddr>().ok().map(|address| address.to_canonical())
    };
    if let Some(address) = address(text) {
        return Some(vec![address.into()]);
    }
    if let Ok(net) = text.parse::<IpNet>() {
        return Some(vec![canonical(net)]);
    }
    let (first, last) = text.split_once('-')?;
    match (address(first)?, address(last)?) {
        (IpAddr::V4(first), IpAddr::V4(last)) if first <= last => {
            Some(Ipv4Subnets::new(first, last, 0).map(IpNet::V4).collect())
        }
        (IpAddr::V6(first), IpAddr::V6(last)) if first <= last => {
            Some(Ipv6Subnets::new(first, last, 0).map(IpNet::V6).collect())
        }
        _ => None,
    }
}

/// A network of IPv4-mapped addresses is one of IPv4.
fn canonical(net: IpNet) -> IpNet {
    let mapped = match net {
        IpNet::V6(v6) => v6.addr().to_ipv4_mapped().zip(v6.prefix_len().checked_sub(96)),
        IpNet::V4(_) => None,
    };
    let v4 = mapped.and_then(|(address, length)| IpNet::new(address.into(), length).ok());
    v4.unwrap_or(net).trunc()
}

fn kind(value: &str) -> Result<Filter, String> {
    let found = Kind::ALL.into_iter().find(|kind| kind.name().eq_ignore_ascii_case(value));
    found.map(Filter::Kind).ok_or_else(|| {
        let known: Vec<&str> = Kind::ALL.into_iter().map(Kind::name).collect();
        format!("`{value}` is no type; there are {}", known.join(", "))
    })
}

fn severity(value: &str) -> Result<Filter, String> {
    let (name, and_worse) = value.strip_suffix('+').map_or((value, false), |name| (name, true));
    let at = Severity::ALL.iter().position(|severity| severity.name().eq_ignore_ascii_case(name));
    let at = at.ok_or_else(|| format!("`{value}` is no severity; write low, medium, high, or medium+ for both"))?;
    let most = if and_worse { Severity::ALL.len() } else { 1 };
    Ok(one_of(Severity::ALL.into_iter().skip(at).take(most).map(Filter::Severity)))
}
