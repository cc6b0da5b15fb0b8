//! Days with their counts.

use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::app::App;
use crate::http::auth::Known;
use crate::http::problem::Problem;
use crate::http::reply::{self, Keep};
use crate::http::{span, work};
use crate::store::DayCount;

/// Days that have events the reader may see.
#[derive(Serialize, ToSchema)]
pub(super) struct Days {
    /// Today in that zone.
    #[schema(value_type = String, format = Date)]
    today: jiff::civil::Date,
    /// Zone in which the days are days.
    zone: String,
    /// Oldest first.
    days: Vec<DayCount>,
}

/// Days with events, and how many: exact, of what the reader may see.
#[utoipa::path(get, path = "/api/v1/days", tag = "reading", responses(
    (status = 200, body = Days), (status = 304, description = "As it was"),
    (status = 401, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn days(
    State(app): State<Arc<App>>,
    Known(reader): Known,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let scope = reader.view();
    let days = work::run(&app, move |app, _| span::held(app.store.as_ref(), &scope, None)).await?;
    reply::json(&headers, &Days { today: app.today(), zone: zone_name(&app), days }, Keep::Ask)
}

/// Name of the zone that is shown.
pub(super) fn zone_name(app: &App) -> String {
    let zone = &app.settings.zone;
    zone.iana_name().map_or_else(|| zone.to_offset(app.clock.now()).to_string(), str::to_owned)
}
