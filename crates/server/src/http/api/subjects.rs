//! Everything that is known about one host, family or trail, over all days.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use event::{Event, Severity};
use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;
use utoipa::ToSchema;

use super::observables::{Observed, observed};
use super::openapi::Address;
use super::tally::{Tally, Top};
use crate::access::Reader;
use crate::condense::ThreatKey;
use crate::enrich::AddressFacts;
use crate::http::app::App;
use crate::http::auth::Known;
use crate::http::extract::Segment;
use crate::http::kept::Listing;
use crate::http::problem::Problem;
use crate::http::reply::{self, Keep};
use crate::http::work::Cancelled;
use crate::http::{span, work};
use crate::observables::Ask;
use crate::store::{Field, Filter, Query};

/// Longest name that is asked for, characters.
const MAX_NAME: usize = 500;

/// What events tell about something.
#[derive(Serialize, ToSchema)]
pub(super) struct Subject {
    /// What was asked for, in its normal form.
    name: String,
    /// Events (sum of their counts).
    events: u64,
    /// Lines they were written in.
    lines: u64,
    /// Time of the first.
    #[schema(value_type = Option<String>, format = DateTime)]
    first: Option<Timestamp>,
    /// Time of the last.
    #[schema(value_type = Option<String>, format = DateTime)]
    last: Option<Timestamp>,
    /// The worst of them.
    #[schema(value_type = Option<String>)]
    severity: Option<Severity>,
    /// Days on which there were any, oldest first.
    days: Vec<Day>,
    sources: Top,
    destinations: Top,
    /// Ports of the destinations.
    ports: Top,
    indicators: Top,
    /// What the trails say.
    infos: Top,
    references: Top,
    /// Types of the lines.
    kinds: Top,
    sensors: Top,
    /// Ids of threats.
    threats: Top,
    /// What is known of an address.
    known: Option<AddressFacts>,
    /// What lists it now, its own trail first; empty also where there are no trails here, and of families.
    listed: Vec<Listing>,
    /// What was seen of a host or trail in all traffic; none where nothing was, and of families.
    observed: Option<Observed>,
}

/// One day of a subject.
#[derive(Serialize, ToSchema)]
pub(super) struct Day {
    #[schema(value_type = String, format = Date)]
    day: Date,
    events: u64,
}

/// What a machine did and what was done to it, day by day: events with its address as source or destination, or
/// about it.
#[utoipa::path(get, path = "/api/v1/hosts/{address}", tag = "reading",
    params(("address" = inline(Address), Path, description = "IPv4 or IPv6 address")),
    responses((status = 200, body = Subject), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 503, body = Problem)))]
pub(super) async fn host(
    State(app): State<Arc<App>>,
    Known(reader): Known,
    Segment(text): Segment<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let address: IpAddr = text.parse().map_err(|_| Problem::bad("a host is asked for by its address"))?;
    let address = address.to_canonical();
    let asked =
        Asked { name: address.to_string(), address: Some(address), filter: Filter::Net(address.into()), family: None };
    answer(&app, reader, asked, headers).await
}

/// Events of one family: those whose info is the name, alone or before what stands in parentheses.
#[utoipa::path(get, path = "/api/v1/families/{name}", tag = "reading",
    params(("name" = String, Path, min_length = 1, max_length = 500, description = "Name of a family, as infos of trails have it: `asyncrat`")),
    responses((status = 200, body = Subject), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 503, body = Problem)))]
pub(super) async fn family(
    State(app): State<Arc<App>>,
    Known(reader): Known,
    Segment(text): Segment<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let name = named(&text)?;
    let filter = Filter::Has(Field::Info, name.clone());
    answer(&app, reader, Asked { name: name.clone(), address: None, filter, family: Some(name) }, headers).await
}

/// Who touched what a trail lists: events with this indicator, or a name below it.
#[utoipa::path(get, path = "/api/v1/trails/{trail}", tag = "reading",
    params(("trail" = String, Path, min_length = 1, max_length = 500, description = "Indicator as the trail has it; `/` as %2F")),
    responses((status = 200, body = Subject), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 503, body = Problem)))]
pub(super) async fn trail(
    State(app): State<Arc<App>>,
    Known(reader): Known,
    Segment(text): Segment<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let name = named(&text)?;
    let address = name.parse().ok();
    let filter = Filter::Indicator(name.clone());
    answer(&app, reader, Asked { name, address, filter, family: None }, headers).await
}

fn named(text: &str) -> Result<String, Problem> {
    if text.chars().count() > MAX_NAME {
        return Err(Problem::bad(format!("a name has at most {MAX_NAME} characters")));
    }
    Ok(text.trim().to_lowercase())
}

struct Asked {
    name: String,
    address: Option<IpAddr>,
    filter: Filter,
    /// Family that an info must name.
    family: Option<String>,
}

async fn answer(app: &Arc<App>, reader: Arc<Reader>, asked: Asked, headers: HeaderMap) -> Result<Response, Problem> {
    let subject = work::run(app, move |app, cancelled| collect(app, &reader, asked, cancelled)).await?;
    reply::json(&headers, &subject, Keep::Nothing)
}

fn collect(app: &App, reader: &Reader, asked: Asked, cancelled: &Cancelled) -> Result<Subject, Problem> {
    let scope = reader.view();
    let mut sums = Sums::default();
    // What is no name (a URL, a fingerprint) was never observed.
    let ask = Ask::indicator(&asked.name).ok().filter(|_| asked.family.is_none());
    let observed = ask.map(|ask| observed(app, &ask, &scope, cancelled)).transpose()?.flatten();
    if let Some(days) = span::around(&span::held(app.store.as_ref(), &scope, None)?) {
        let (from, to) = span::instants(days, &app.settings.zone);
        let query = Query { from, to, scope: scope.clone(), filter: asked.filter, newest_first: false };
        work::each(app, &query, cancelled, |stored| {
            if asked.family.as_deref().is_none_or(|family| family_of(&stored.event.info) == family) {
                sums.add(&stored.event, stored.event.day(&app.settings.zone));
            }
        })?;
    }
    let facts = app.enrich.now();
    let mut subject = sums.subject(asked.name);
    subject.sources = subject.sources.knowing(&facts, &scope);
    subject.destinations = subject.destinations.knowing(&facts, &scope);
    subject.known = asked.address.map(|address| facts.address(address, &scope));
    if asked.family.is_none() {
        let trails = app.trails.in_work();
        // What is no indicator is not listed.
        subject.listed = Listing::all(trails.as_deref(), &subject.name, !reader.masked).unwrap_or_default();
    }
    Ok(Subject { observed, ..subject })
}

/// `asyncrat` of `AsyncRAT (malware)`.
fn family_of(info: &str) -> String {
    info.split(" (").next().unwrap_or_default().trim().to_lowercase()
}

#[derive(Default)]
struct Sums {
    events: u64,
    lines: u64,
    span: Option<(Timestamp, Timestamp)>,
    severity: Option<Severity>,
    days: BTreeMap<Date, u64>,
    sources: Tally<IpAddr>,
    destinations: Tally<IpAddr>,
    ports: Tally<u16>,
    indicators: Tally<String>,
    infos: Tally<String>,
    references: Tally<String>,
    kinds: Tally<&'static str>,
    sensors: Tally<String>,
    threats: Tally<crate::condense::ThreatId>,
}

impl Sums {
    fn add(&mut self, event: &Event, day: Date) {
        let count = event.count;
        self.events = self.events.saturating_add(count);
        self.lines += 1;
        let (first, last) = self.span.unwrap_or((event.time, event.last));
        self.span = Some((first.min(event.time), last.max(event.last)));
        self.severity = self.severity.max(Some(event.severity));
        *self.days.entry(day).or_default() += count;
        event.src.iter().for_each(|address| self.sources.add(*address, count));
        event.dst.iter().for_each(|address| self.destinations.add(*address, count));
        event.dst_ports.iter().for_each(|port| self.ports.add(*port, count));
        self.indicators.add(event.indicator.clone(), count);
        self.infos.add(event.info.clone(), count);
        self.references.add(event.reference.clone(), count);
        self.kinds.add(event.kind.name(), count);
        self.sensors.add(event.sensor.clone(), count);
        self.threats.add(ThreatKey::of(event).id(), count);
    }

    fn subject(self, name: String) -> Subject {
        Subject {
            name,
            events: self.events,
            lines: self.lines,
            first: self.span.map(|(first, _)| first),
            last: self.span.map(|(_, last)| last),
            severity: self.severity,
            days: self.days.into_iter().map(|(day, events)| Day { day, events }).collect(),
            sources: self.sources.top(),
            destinations: self.destinations.top(),
            ports: self.ports.top(),
            indicators: self.indicators.top(),
            infos: self.infos.top(),
            references: self.references.top(),
            kinds: self.kinds.top(),
            sensors: self.sensors.top(),
            threats: self.threats.top(),
            known: None,
            listed: Vec::new(),
            observed: None,
        }
    }
}
