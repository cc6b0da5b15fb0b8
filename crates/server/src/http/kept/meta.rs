//! `/meta?observable=`: when an address or name was first and last seen, and how often: in all traffic where sensors
//! tell of it, in events otherwise.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use ipnet::IpNet;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Scope;
use crate::http::app::App;
use crate::http::auth::Known;
use crate::http::extract::Ask;
use crate::http::problem::Problem;
use crate::http::reply::{self, Keep};
use crate::http::work::Cancelled;
use crate::http::{span, work};
use crate::observables::{self, MAX_LOOKED, Seen, Sighting, View};
use crate::store::{Filter, Query};

/// Longest question, bytes.
const MAX_QUERY: usize = 256;

#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    observable: String,
}

#[derive(Serialize)]
struct Answer {
    observable: String,
    kind: &'static str,
    first_seen: Timestamp,
    last_seen: Timestamp,
    count: u64,
    country: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    asn: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    organization: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    alias: Option<String>,
    /// There was more of it in all traffic than is looked at: it was seen at least so often.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    partial: bool,
}

pub(super) async fn meta(
    State(app): State<Arc<App>>,
    Known(reader): Known,
    Ask(asked): Ask<Asked>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let observable = asked.observable.trim().to_lowercase();
    if observable.is_empty() || observable.len() > MAX_QUERY {
        return Err(Problem::bad(format!("ask with observable= for up to {MAX_QUERY} bytes")));
    }
    let scope = reader.view();
    let answer = work::run(&app, move |app, cancelled| -> Result<Option<Answer>, Problem> {
        let address = observable.parse::<IpAddr>().ok();
        let sighting = observed(app, &observable, &scope, cancelled)?;
        let partial = sighting.as_ref().is_some_and(|sighting| sighting.partial);
        let all = sighting.map(|sighting| sighting.seen);
        let seen = match (all, in_events(app, &observable, scope.clone(), cancelled)?) {
            // An event is traffic too: what is in both is counted once.
            (Some(all), Some(events)) => Some(Seen { count: all.count.max(events.count), ..all.with(events) }),
            (all, events) => all.or(events),
        };
        let facts = address.map(|address| app.enrich.now().address(address, &scope));
        Ok(seen.map(|Seen { first, last, count }| Answer {
            observable,
            kind: if address.is_some() { "ip" } else { "domain" },
            first_seen: first,
            last_seen: last,
            count,
            country: facts.as_ref().and_then(|facts| facts.country.clone()).unwrap_or_default(),
            asn: facts.as_ref().and_then(|facts| facts.asn),
            organization: facts.as_ref().and_then(|facts| facts.organization.clone()),
            alias: facts.and_then(|facts| facts.alias),
            partial,
        }))
    })
    .await?;
    match answer {
        Some(answer) => reply::json(&headers, &answer, Keep::Nothing),
        None => reply::json(&headers, &serde_json::json!({}), Keep::Nothing),
    }
}

/// In all traffic, with what is below a name.
fn observed(app: &App, observable: &str, scope: &Scope, cancelled: &Cancelled) -> Result<Option<Sighting>, Problem> {
    // What is no name was never observed.
    let Ok(ask) = observables::Ask::indicator(observable) else { return Ok(None) };
    let view = View { scope, rows: MAX_LOOKED, cancelled: &|| cancelled.is() };
    Ok(app.observables.reading().sighting(&ask, view)?)
}

/// As part of events, with what is below a name.
fn in_events(app: &App, observable: &str, scope: Scope, cancelled: &Cancelled) -> Result<Option<Seen>, Problem> {
    let address = observable.parse::<IpAddr>().ok();
    let filter =
        address.map_or_else(|| Filter::Indicator(observable.to_owned()), |address| Filter::Net(IpNet::from(address)));
    let Some(days) = span::around(&span::held(app.store.as_ref(), &scope, None)?) else { return Ok(None) };
    let (from, to) = span::instants(days, &app.settings.zone);
    let mut all: Option<Seen> = None;
    let query = Query { from, to, scope, filter, newest_first: false };
    work::each(app, &query, cancelled, |stored| {
        let event = &stored.event;
        let seen = Seen { first: event.time, last: event.last, count: event.count };
        all = Some(all.map_or(seen, |all| all.with(seen)));
    })?;
    Ok(all)
}
