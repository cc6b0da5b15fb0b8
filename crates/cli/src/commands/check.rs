//! `maltrail check`: what lists an indicator, and whether traffic with it would be reported.
//!
//! The answer comes from the matcher and the pipeline that a sensor has: the indicator is put into what a packet
//! with it would say, and what becomes of that is told.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use detect::{Finding, MatchSettings, Matcher, Pipeline, PipelineSettings};
use event::Event;
use packet::dissect::http::HttpRequest;
use packet::fact::NameSource;
use packet::{Fact, Flow, Micros, Name, Sink, TcpFlags};
use serde_json::{Value, json};
use trails::check::{Listed, listings};
use trails::excuse::excuse;
use trails::load;
use trails::store::{Mapped, Store};
use trails::{Indicator, Kind};

use super::{build, complain, print, sensor, usable};
use crate::arguments::CheckArguments;
use crate::config::{Config, Environment};
use crate::console::safe;
use crate::exit::Exit;
use crate::lists::Lists;

/// A host of the own network, for what a packet with an indicator would be.
const INSIDE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 168, 77, 77));
/// A server that an indicator without address would be seen on the way to.
const OUTSIDE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 168, 78, 78));
/// Port where an indicator names none.
const PORT: u16 = 443;

pub(crate) fn run(arguments: &CheckArguments) -> Exit {
    let environment = Environment::of_process();
    let mut config = Config::load(arguments.config.as_deref(), &environment);
    if let Some(trails) = &arguments.trails {
        config.take_argument("TRAILS_FILE", &trails.to_string_lossy(), "--trails", &environment);
    }
    let (lists, problems) = Lists::read(&config);
    config.problems.extend(problems);
    if let Err(exit) = usable(&config) {
        return exit;
    }
    let cache = environment.cache_dir();
    if let Err(exit) = build::ahead(&config.values.trails_file, &cache, true) {
        sensor::advise(exit, &environment);
        return exit;
    }
    let store = match load::load(&config.values.trails_file, &cache) {
        Ok(store) => Arc::new(store),
        Err(error) => {
            complain(&format!("error: {error}"));
            sensor::advise(Exit::NoTrails, &environment);
            return Exit::NoTrails;
        }
    };
    let asked = Asked { store, config: &config, lists: &lists };
    for text in &arguments.indicators {
        let answer = asked.answer(text);
        print(&if arguments.json { format!("{}\n", asked.json(&answer)) } else { asked.text(&answer) });
    }
    Exit::Success
}

/// What is asked.
struct Asked<'a> {
    store: Arc<Store<Mapped>>,
    config: &'a Config,
    lists: &'a Lists,
}

/// Everything that is to be said about one text.
struct Answer {
    asked: String,
    kind: Option<Kind>,
    /// Why it is no indicator, or cannot be asked for.
    problem: Option<String>,
    listings: Vec<Listed>,
    tried: Vec<Tried>,
    /// Why trails that list it do not count.
    excuses: Vec<(String, String)>,
}

/// What would become of one packet.
struct Tried {
    packet: &'static str,
    fate: Fate,
}

enum Fate {
    Reported(Box<Event>),
    NotReported,
    Whitelisted,
    Ignored,
}

impl Fate {
    fn as_str(&self) -> &'static str {
        match self {
            Fate::Reported(_) => "reported",
            Fate::NotReported => "not reported",
            Fate::Whitelisted => "not reported: USER_WHITELIST",
            Fate::Ignored => "not reported: USER_IGNORELIST or IGNORE_EVENTS_REGEX",
        }
    }
}

impl Asked<'_> {
    fn answer(&self, asked: &str) -> Answer {
        let mut answer = Answer {
            asked: asked.to_string(),
            kind: None,
            problem: None,
            listings: Vec::new(),
            tried: Vec::new(),
            excuses: Vec::new(),
        };
        let mut scratch = String::new();
        let indicator = match Indicator::parse(asked, &mut scratch) {
            Ok(indicator) => indicator,
            Err(why) => {
                answer.problem = Some(format!("no indicator: {why}"));
                return answer;
            }
        };
        answer.kind = Some(indicator.kind());
        answer.listings = listings(&self.store, &indicator);
        match &indicator {
            Indicator::Name(name) => {
                // A trail has no `www.` in front; traffic does, and rules look at it.
                let lower = asked.trim().trim_end_matches('.').to_ascii_lowercase();
                let name = if lower.strip_prefix("www.") == Some(name) { lower.as_str() } else { name };
                answer.tried.push(self.name(name));
                answer.excuses = self.excuses(name, &answer.listings);
            }
            Indicator::Url(url) | Indicator::Path(url) => answer.tried.push(self.url(url)),
            Indicator::Address(address) => answer.tried.extend(self.address(*address, PORT)),
            Indicator::Endpoint(address, port) => answer.tried.extend(self.address(*address, *port)),
            Indicator::Pattern(_) => {
                answer.problem = Some("a pattern: ask for a name that it should match".to_string());
            }
            Indicator::Network(_) | Indicator::CertificateSha1(_) | Indicator::Ja3(_) | Indicator::Ja4(_) => {}
        }
        answer
    }

    fn excuses(&self, name: &str, listings: &[Listed]) -> Vec<(String, String)> {
        let excused = |listed: &Listed| {
            let start = if listed.kind == Kind::Name { name.len().checked_sub(listed.trail.len())? } else { 0 };
            let why = excuse(&self.store.label(listed.label), name.as_bytes(), start)?;
            Some((listed.trail.clone(), why.to_string()))
        };
        listings.iter().filter_map(excused).collect()
    }

    fn name(&self, name: &str) -> Tried {
        let flow = Flow { src: INSIDE, dst: OUTSIDE, src_port: 50_000, dst_port: PORT, protocol: 6 };
        let name = Name::from_text(name.as_bytes()).unwrap_or(Name::EMPTY);
        Tried {
            packet: "a packet with this name",
            fate: self.fate(&flow, Fact::Named { source: NameSource::Socks, name: &name }),
        }
    }

    fn url(&self, url: &str) -> Tried {
        let slash = url.find('/').unwrap_or(url.len());
        let (host, path) = url.split_at_checked(slash).unwrap_or((url, ""));
        let address = host.parse().ok();
        let dst = address.unwrap_or(OUTSIDE);
        let flow = Flow { src: INSIDE, dst, src_port: 50_000, dst_port: 80, protocol: 6 };
        let request = HttpRequest {
            method: b"GET",
            target: if path.is_empty() { b"/" } else { path.as_bytes() },
            host: if host.is_empty() { b"host.invalid" } else { host.as_bytes() },
            user_agent: b"",
            forwarded_for: [b""; 3],
            referer: b"",
            content_type: b"",
            head: b"",
            body: b"",
        };
        Tried { packet: "an HTTP request for it", fate: self.fate(&flow, Fact::HttpRequest(request)) }
    }

    /// A listed address counts differently as the one that asks and the one that is asked.
    fn address(&self, address: IpAddr, port: u16) -> [Tried; 2] {
        let to = Flow { src: INSIDE, dst: address, src_port: 50_000, dst_port: port, protocol: 6 };
        let syn = |flow: &Flow| {
            self.fate(flow, Fact::TcpSegment { flags: TcpFlags(TcpFlags::SYN), acknowledgment: 0, payload: 0 })
        };
        let from = Flow { src: address, dst: INSIDE, src_port: 50_000, dst_port: PORT, protocol: 6 };
        [
            Tried { packet: "a connection to it", fate: syn(&to) },
            Tried { packet: "a connection from it", fate: syn(&from) },
        ]
    }

    fn fate(&self, flow: &Flow, fact: Fact<'_>) -> Fate {
        let values = &self.config.values;
        let settings = MatchSettings { host_domains: values.check_host_domains, ..MatchSettings::default() };
        let mut matcher = Matcher::new(Arc::new(settings), self.store.clone());
        matcher.begin(Micros(0), 0);
        matcher.fact(flow, fact);
        let mut findings: Vec<Finding> = Vec::new();
        matcher.take(&mut findings);
        let mut pipeline = Pipeline::new(PipelineSettings {
            whitelist: self.lists.whitelist.clone(),
            ignore: self.lists.ignore.clone(),
            ..PipelineSettings::default()
        });
        let mut events = Vec::new();
        findings.into_iter().for_each(|finding| pipeline.take(finding, &mut events));
        pipeline.finish(&mut events);
        let accounts = pipeline.accounts();
        match events.into_iter().next() {
            Some(event) => Fate::Reported(Box::new(event)),
            None if accounts.whitelisted > 0 => Fate::Whitelisted,
            None if accounts.ignored > 0 => Fate::Ignored,
            None => Fate::NotReported,
        }
    }

    fn text(&self, answer: &Answer) -> String {
        let mut out = format!("{}\n", safe(&answer.asked));
        if let Some(problem) = &answer.problem {
            let _ = writeln!(out, "  {problem}");
            return out;
        }
        for listed in &answer.listings {
            let label = self.store.label(listed.label);
            let own = if label.custom { ", your own" } else { "" };
            let _ = writeln!(
                out,
                "  listed: {} {}: {} {} ({}, severity {}{own})",
                listed.kind.as_str(),
                safe(&listed.trail),
                safe(label.info),
                safe(label.reference),
                label.class.as_str(),
                label.severity.as_str(),
            );
            let sources: Vec<&str> = self.store.sources(listed.label).lines().collect();
            if sources.len() > 1 {
                sources.iter().for_each(|source| {
                    let _ = writeln!(out, "    by {}", safe(source));
                });
            }
        }
        if answer.listings.is_empty() {
            out.push_str("  not listed\n");
        }
        for (trail, why) in &answer.excuses {
            let _ = writeln!(out, "  {} does not count here: {why}", safe(trail));
        }
        let told =
            !answer.listings.is_empty() || answer.tried.iter().any(|tried| matches!(tried.fate, Fate::Reported(_)));
        for tried in answer.tried.iter().filter(|_| told) {
            let _ = write!(out, "  {}: {}", tried.packet, tried.fate.as_str());
            if let Fate::Reported(event) = &tried.fate {
                let _ = write!(out, " as {} {}, {}", event.kind.name(), safe(&event.observed.text), safe(&event.info));
            }
            out.push('\n');
        }
        out
    }

    fn json(&self, answer: &Answer) -> Value {
        let listed = |listed: &Listed| {
            let label = self.store.label(listed.label);
            json!({
                "trail": listed.trail,
                "kind": listed.kind.as_str(),
                "info": label.info,
                "reference": label.reference,
                "class": label.class.as_str(),
                "severity": label.severity.as_str(),
                "confidence": label.confidence,
                "custom": label.custom,
                "sources": self.store.sources(listed.label).lines().collect::<Vec<_>>(),
            })
        };
        let tried = |tried: &Tried| {
            let event = if let Fate::Reported(event) = &tried.fate {
                json!({ "observed": event.observed.text, "indicator": event.indicator, "info": event.info })
            } else {
                Value::Null
            };
            json!({ "packet": tried.packet, "fate": tried.fate.as_str(), "event": event })
        };
        let excuse = |(trail, why): &(String, String)| json!({ "trail": trail, "why": why });
        json!({
            "asked": answer.asked,
            "kind": answer.kind.map(Kind::as_str),
            "problem": answer.problem,
            "listed": answer.listings.iter().map(listed).collect::<Vec<_>>(),
            "excused": answer.excuses.iter().map(excuse).collect::<Vec<_>>(),
            "tried": answer.tried.iter().map(tried).collect::<Vec<_>>(),
        })
    }
}
