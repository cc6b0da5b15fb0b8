//! `/hunt` and `/api/v1/hunt`: every event that a query finds, as it is found. The last object tells whether that was
//! all; an answer without it was cut off.

use std::io::{self, Write};
use std::ops::ControlFlow;
use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use event::journal;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_json::json;
use utoipa::IntoParams;

use super::openapi::Moment;
use crate::http::app::App;
use crate::http::auth::{Client, Known};
use crate::http::coding::Coding;
use crate::http::days::{self, Days};
use crate::http::extract::Ask;
use crate::http::problem::Problem;
use crate::http::reply::Keep;
use crate::http::{span, stream, work};
use crate::hunt;
use crate::store::{Query, Scanned, Seen, StoreError, Stored};

/// What to look for.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::http) struct Asked {
    /// Names, addresses, networks, ranges, text in quotes; `src: dst: trail: info: sensor: reason: type: sev: threat:` before
    /// a value; `AND`, `OR`, `NOT` and parentheses between them.
    #[serde(default)]
    #[param(required = true, min_length = 1, max_length = 4096)]
    q: String,
    /// First day, or first instant (RFC 3339); from the beginning if not told.
    #[param(value_type = Option<Moment>, inline)]
    from: Option<String>,
    /// Last day, or first instant after; up to the end if not told. Both may be the other way round.
    #[param(value_type = Option<Moment>, inline)]
    to: Option<String>,
    /// Most events; all if not told.
    #[param(minimum = 1)]
    limit: Option<u64>,
    /// Newest first, the default, or oldest first.
    newest: Option<bool>,
}

/// Every event that a query finds, with progress between: one JSON object a line.
///
/// `{"event": {..}, "line": ".."}` for each event as the journal and the text log have it; `{"progress": {"done": n,
/// "total": n}}` in lines; at the end `{"done": true, "complete": true, "found": n, "lines": n}`. `complete` is false,
/// and `reason` tells why, where there may be more: `limit`, `failure`, or `reading` where the server has not read all
/// logs yet since its start. Without this object it was cut off.
#[utoipa::path(get, path = "/api/v1/hunt", tag = "reading", params(Asked),
    responses((status = 200, content_type = "application/x-ndjson", body = String), (status = 400, body = Problem),
        (status = 401, body = Problem), (status = 429, body = Problem, description = "Too many at the same time"),
        (status = 503, body = Problem)))]
pub(in crate::http) async fn hunt(
    State(app): State<Arc<App>>,
    Known(reader): Known,
    client: Client,
    Ask(asked): Ask<Asked>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let query = asked.query(reader.view(), &app.settings.zone)?;
    if asked.limit == Some(0) {
        return Err(Problem::bad("limit: at least 1"));
    }
    let limit = asked.limit.unwrap_or(u64::MAX);
    let coding = Coding::accepted(&headers);
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
    Keep::Nothing.tell(&mut headers);
    coding.tell(&mut headers);
    let place = work::body_place(&app, client).await?;
    let body = stream::body(place, app.stall, move |pipe| {
        let mut told = Told { to: coding.encoder(pipe)?, limit, found: 0, percent: 0, failed: None };
        let caught_up = app.store.caught_up();
        let scanned = app.store.scan(&query, &mut |seen| told.tell(&seen, &app.settings.zone));
        if let Some(error) = told.failed {
            return Err(error);
        }
        told.end(scanned, caught_up)?;
        told.to.finish()
    });
    Ok((headers, body).into_response())
}

impl Asked {
    fn query(&self, scope: crate::Scope, zone: &TimeZone) -> Result<Query, Problem> {
        let filter = hunt::parse(&self.q).map_err(|error| Problem::bad(format!("q: {error}")))?;
        let bounds = |name: &str, text: &Option<String>| match text {
            Some(text) if !text.is_empty() => bounds(text, zone).map(Some).ok_or_else(|| {
                Problem::bad(format!("{name}: give a day (2026-11-20) or an instant (2026-11-20T10:00:00Z)"))
            }),
            _ => Ok(None),
        };
        const ALWAYS: (Timestamp, Timestamp) = (Timestamp::MIN, Timestamp::MAX);
        let first = bounds("from", &self.from)?.unwrap_or(ALWAYS);
        let last = bounds("to", &self.to)?.unwrap_or(ALWAYS);
        // Written backwards, as days may be.
        let backwards = first.0 > last.0 && first.1 > last.1;
        let (from, to) = if backwards { (last.0, first.1) } else { (first.0, last.1) };
        Ok(Query { from, to, scope, filter, newest_first: self.newest.unwrap_or(true) })
    }
}

/// First instant of a day and the first after it, or an instant twice.
fn bounds(text: &str, zone: &TimeZone) -> Option<(Timestamp, Timestamp)> {
    match days::day(text) {
        Ok(day) => Some(span::instants(Days { first: day, last: day }, zone)),
        Err(_) => text.parse().ok().map(|instant| (instant, instant)),
    }
}

/// Writes what is seen.
struct Told<W: Write> {
    to: W,
    limit: u64,
    found: u64,
    /// Of progress that was told last.
    percent: u64,
    failed: Option<io::Error>,
}

impl<W: Write> Told<W> {
    fn tell(&mut self, seen: &Seen<'_>, zone: &TimeZone) -> ControlFlow<()> {
        let written = match seen {
            Seen::Event(_) if self.found >= self.limit => return ControlFlow::Break(()),
            Seen::Event(stored) => {
                self.found += 1;
                self.event(stored, zone)
            }
            Seen::Progress { done, total } => self.progress(*done, *total),
        };
        match written {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                self.failed = Some(error);
                ControlFlow::Break(())
            }
        }
    }

    fn event(&mut self, stored: &Stored, zone: &TimeZone) -> io::Result<()> {
        let event = journal::to_line(&stored.event).map_err(io::Error::other)?;
        let line = serde_json::to_string(&stored.text(zone))?;
        writeln!(self.to, "{{\"event\":{},\"line\":{line}}}", event.trim_end())
    }

    /// At most a hundred times, and at once: a client that has gone is noticed so.
    fn progress(&mut self, done: u64, total: u64) -> io::Result<()> {
        let percent = done.saturating_mul(100).checked_div(total).unwrap_or(100);
        if percent == self.percent {
            return Ok(());
        }
        self.percent = percent;
        writeln!(self.to, "{}", json!({ "progress": { "done": done, "total": total } }))?;
        self.to.flush()
    }

    fn end(&mut self, scanned: Result<Scanned, StoreError>, caught_up: bool) -> io::Result<()> {
        let found = self.found;
        let end = match scanned {
            Ok(Scanned { lines, stopped: false }) if !caught_up => {
                json!({ "done": true, "complete": false, "reason": "reading", "found": found, "lines": lines })
            }
            Ok(Scanned { lines, stopped: false }) => {
                json!({ "done": true, "complete": true, "found": found, "lines": lines })
            }
            Ok(Scanned { lines, stopped: true }) => {
                json!({ "done": true, "complete": false, "reason": "limit", "found": found, "lines": lines })
            }
            Err(error) => {
                tracing::error!(%error, "a hunt ended early");
                let detail = "events could not be read; the server's log says why";
                json!({ "done": true, "complete": false, "reason": "failure", "error": detail, "found": found })
            }
        };
        writeln!(self.to, "{end}")
    }
}
