//! `maltrail check`: what lists an indicator, and why traffic with it would be reported or not.

use std::fmt::Write as _;
use std::net::IpAddr;

use trails::Indicator;
use trails::load;
use trails::store::{Hit, LabelId, Mapped, Store};

use super::{complain, print};
use crate::arguments::CheckArguments;
use crate::config::{Config, Environment, Weight};
use crate::console::safe;
use crate::exit::Exit;
use crate::lists::Lists;

pub(crate) fn run(arguments: &CheckArguments) -> Exit {
    let environment = Environment::of_process();
    let mut config = Config::load(arguments.config.as_deref(), &environment);
    if let Some(trails) = &arguments.trails {
        config.take_argument("TRAILS_FILE", &trails.to_string_lossy(), "--trails", &environment);
    }
    let (lists, problems) = Lists::read(&config);
    config.problems.extend(problems);
    if config.has_errors() {
        let errors = config.problems.iter().filter(|problem| problem.weight == Weight::Error);
        errors.for_each(|problem| complain(&format!("error: {problem}")));
        return Exit::Usage;
    }
    let cache = environment.expand("CACHE_HOME", &environment.current_dir).unwrap_or_default();
    let store = match load::load(&config.values.trails_file, cache.as_ref()) {
        Ok(store) => store,
        Err(error) => {
            complain(&format!("error: {error}; name a .csv or .bin with --trails"));
            return Exit::NoTrails;
        }
    };
    arguments.indicators.iter().for_each(|text| print(&answer(text, &store, &lists)));
    Exit::Success
}

/// Everything that is to be said about one indicator, in lines.
fn answer(text: &str, store: &Store<Mapped>, lists: &Lists) -> String {
    let mut out = format!("{}\n", safe(text));
    let mut scratch = String::new();
    let hits = match Indicator::parse(text, &mut scratch) {
        Err(why) => {
            let _ = writeln!(out, "  no indicator: {why}");
            return out;
        }
        Ok(indicator) => found(&indicator, store, lists, &mut out),
    };
    for (listed, label) in &hits {
        let label = store.label(*label);
        let _ = writeln!(
            out,
            "  listed: {}: {} {} ({:?}, severity {:?})",
            safe(listed),
            safe(label.info),
            safe(label.reference),
            label.class,
            label.severity
        );
    }
    if hits.is_empty() {
        out.push_str("  not listed\n");
    }
    out
}

fn found(indicator: &Indicator<'_>, store: &Store<Mapped>, lists: &Lists, out: &mut String) -> Vec<(String, LabelId)> {
    let one = |text: &str, label: Option<LabelId>| label.map(|label| (text.to_string(), label)).into_iter().collect();
    match indicator {
        Indicator::Name(name) => names(name, store, lists, out),
        Indicator::Address(address) => addresses(*address, None, store, lists, out),
        Indicator::Endpoint(address, port) => addresses(*address, Some(*port), store, lists, out),
        Indicator::Url(url) | Indicator::Path(url) => {
            let mut hits: Vec<_> = one(url, store.url(&[url.as_bytes()]));
            let host = url.split('/').next().unwrap_or_default();
            if !host.is_empty() {
                hits.extend(names(host, store, lists, out));
            }
            hits
        }
        Indicator::Network(network) => {
            let around = store.network(network.address).filter(|(length, _)| *length <= network.length);
            one(&network.to_string(), around.map(|(_, label)| label))
        }
        Indicator::CertificateSha1(sha1) => one("certificate", store.certificate(sha1)),
        Indicator::Ja3(md5) => one("JA3", store.ja3(md5)),
        Indicator::Ja4(text) => one("JA4", store.ja4(text)),
        Indicator::Pattern(_) => {
            out.push_str("  a pattern: ask for a name that it should match\n");
            Vec::new()
        }
    }
}

fn names(name: &str, store: &Store<Mapped>, lists: &Lists, out: &mut String) -> Vec<(String, LabelId)> {
    if lists.whitelist.has_name(name.as_bytes()) {
        out.push_str("  on the USER_WHITELIST: nothing about it is reported\n");
    }
    let mut hits = [Hit { start: 0, label: LabelId(0) }; 8];
    let count = store.name(name.as_bytes(), &mut hits);
    let listed = |hit: &Hit| (name.get(hit.start..).unwrap_or(name).to_string(), hit.label);
    let mut found: Vec<_> = hits.iter().take(count).map(listed).collect();
    found.extend(store.pattern(name.as_bytes()).map(|label| (format!("a pattern that matches {name}"), label)));
    found
}

fn addresses(
    address: IpAddr,
    port: Option<u16>,
    store: &Store<Mapped>,
    lists: &Lists,
    out: &mut String,
) -> Vec<(String, LabelId)> {
    if lists.whitelist.has_address(address) {
        out.push_str("  on the USER_WHITELIST: nothing about it is reported\n");
    }
    let endpoint = port.and_then(|port| Some((format!("{address} port {port}"), store.endpoint(address, port)?)));
    let itself = store.address(address).map(|label| (address.to_string(), label));
    let around = store.network(address).map(|(length, label)| (format!("a network /{length} around {address}"), label));
    endpoint.into_iter().chain(itself).chain(around).collect()
}
