//! `/meta?observable=`: when an address or name was first and last part of an event, and how often.

use std::net::IpAddr;
use std::ops::ControlFlow;
use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use ipnet::IpNet;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::http::app::App;
use crate::http::auth::Known;
use crate::http::extract::Ask;
use crate::http::problem::Problem;
use crate::http::reply::{self, Keep};
use crate::http::{span, work};
use crate::store::{Filter, Query, Seen};

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
        let filter =
            address.map_or_else(|| Filter::Indicator(observable.clone()), |address| Filter::Net(IpNet::from(address)));
        let Some(days) = span::around(&span::held(app.store.as_ref(), &scope, None)?) else { return Ok(None) };
        let (from, to) = span::instants(days, &app.settings.zone);
        let mut seen_at: Option<(Timestamp, Timestamp, u64)> = None;
        let query = Query { from, to, scope, filter, newest_first: false };
        let scanned = app.store.scan(&query, &mut |seen| {
            if let Seen::Event(stored) = seen {
                let event = &stored.event;
                let (first, last, count) = seen_at.unwrap_or((event.time, event.last, 0));
                seen_at = Some((first.min(event.time), last.max(event.last), count.saturating_add(event.count)));
            }
            if cancelled.is() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        if scanned.stopped {
            return Err(Problem::busy("the client went away"));
        }
        let country = address.and_then(|address| app.geo.country(address));
        Ok(seen_at.map(|(first_seen, last_seen, count)| Answer {
            observable,
            kind: if address.is_some() { "ip" } else { "domain" },
            first_seen,
            last_seen,
            count,
            country: country.map(|code| String::from_utf8_lossy(&code).into_owned()).unwrap_or_default(),
        }))
    })
    .await?;
    match answer {
        Some(answer) => reply::json(&headers, &answer, Keep::Nothing),
        None => reply::json(&headers, &serde_json::json!({}), Keep::Nothing),
    }
}
