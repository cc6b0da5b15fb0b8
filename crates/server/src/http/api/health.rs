//! Whether the server does what it is there for.

use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::days::zone_name;
use super::feeds;
use crate::http::app::App;
use crate::http::auth::Known;
use crate::http::problem::Problem;
use crate::http::reply::{self, Keep};
use crate::http::work;
use crate::retro::Look;

/// State of the server.
#[derive(Serialize, ToSchema)]
pub(super) struct Health {
    /// `ok`, or `limited` where something is missing that `problems` tells.
    #[schema(value_type = String)]
    status: &'static str,
    /// What is wrong and what to do.
    problems: Vec<String>,
    /// Of this program.
    #[schema(value_type = String)]
    version: &'static str,
    #[schema(value_type = String, format = DateTime)]
    now: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    started: Timestamp,
    /// Zone of the days that are shown.
    zone: String,
    /// Days with events the reader may see.
    days: usize,
    trails: Option<TrailsHealth>,
    /// The last time that new trails were looked up in what was seen before, for those who may see all of it.
    retro: Option<Look>,
    /// Live streams that are open.
    streams: usize,
    /// Requests that are being worked on.
    working: usize,
}

/// The trails that `/check` looks at.
#[derive(Serialize, ToSchema)]
pub(super) struct TrailsHealth {
    /// Grows with every set.
    generation: u64,
    /// Seconds since 1970.
    built_at: u64,
    indicators: usize,
}

/// Whether the server works, and with what.
#[utoipa::path(get, path = "/api/v1/health", tag = "reading",
    responses((status = 200, body = Health), (status = 401, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn health(
    State(app): State<Arc<App>>,
    Known(reader): Known,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let scope = reader.view();
    let all = !scope.limits_addresses();
    let (days, mut problems) = work::run(&app, move |app, _| {
        let problems = app.enrich.problems().into_iter().chain(feeds::problems(app)).collect::<Vec<_>>();
        Ok::<_, Problem>((app.store.days(&scope), problems))
    })
    .await?;
    let days = days.map_or_else(
        |_| {
            problems.push("events cannot be read; the server's log says why".to_owned());
            0
        },
        |days| days.len(),
    );
    let trails = app.trails.get().await.map(|store| {
        let info = store.generation_info();
        TrailsHealth { generation: info.generation, built_at: info.built_at, indicators: store.len() }
    });
    if trails.as_ref().is_none_or(|trails| trails.indicators == 0) {
        problems.push("there are no trails here; set TRAILS_FILE, or run `maltrail update`".to_owned());
    }
    let retro = if all {
        let (last, failure) = app.retro.last();
        problems.extend(failure.map(|why| format!("new trails are not looked up in what was seen before: {why}")));
        last
    } else {
        None
    };
    let health = Health {
        status: if problems.is_empty() { "ok" } else { "limited" },
        problems,
        version: env!("CARGO_PKG_VERSION"),
        now: app.clock.now(),
        started: app.started,
        zone: zone_name(&app),
        days,
        trails,
        retro,
        streams: app.streams.taken(),
        working: app.work.running(),
    };
    reply::json(&headers, &health, Keep::Nothing)
}
