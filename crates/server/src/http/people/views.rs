//! Saved views.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use jiff::Timestamp;
use serde::Deserialize;
use utoipa::ToSchema;

use super::sent::Sent;
use super::{People, answer};
use crate::access::Reader;
use crate::http::app::App;
use crate::http::auth::Known;
use crate::http::extract::Segment;
use crate::http::problem::Problem;
use crate::http::reply::{self, Keep};
use crate::http::work;
use crate::state::View;

/// Longest name, in characters, and query, in bytes.
const NAME: usize = 100;
const QUERY: usize = 8_000;
/// Said where there is none of that number, or it is another's.
const MISSING: &str = "there is no such view of yours";

/// Views that the reader may see: their own and the shared ones.
#[utoipa::path(get, path = "/api/v1/views", tag = "views",
    responses((status = 200, body = Vec<View>), (status = 401, body = Problem)))]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    Extension(people): Extension<Arc<People>>,
    Known(reader): Known,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let views = work::run(&app, move |_, _| people.access.state().views(&reader.name)).await?;
    reply::json(&headers, &views, Keep::Nothing)
}

/// A view to be written.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ViewChange {
    name: String,
    /// The page's address behind `?`.
    query: String,
    #[serde(default)]
    shared: bool,
    /// The version that was seen, for a change.
    #[serde(default)]
    version: i64,
}

impl ViewChange {
    fn view(self, id: i64, reader: &Reader) -> Result<View, Problem> {
        let ViewChange { name, query, shared, version } = self;
        let long = name.chars().count() > NAME || query.len() > QUERY;
        if long || name.trim().is_empty() || name.chars().any(char::is_control) {
            return Err(Problem::bad(format!(
                "a view has a name of 1 to {NAME} characters and a query of {QUERY} bytes at most"
            )));
        }
        Ok(View { id, owner: reader.name.clone(), name, query, shared, version, changed: Timestamp::UNIX_EPOCH })
    }
}

/// Saves a new view.
#[utoipa::path(post, path = "/api/v1/views", tag = "views", request_body = ViewChange, responses((status = 200, body = View),
    (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 409, body = Problem),
    (status = 413, body = Problem), (status = 415, body = Problem)))]
pub(super) async fn add(
    State(app): State<Arc<App>>,
    Extension(people): Extension<Arc<People>>,
    Known(reader): Known,
    headers: HeaderMap,
    Sent(new): Sent<ViewChange>,
) -> Result<Response, Problem> {
    let view = new.view(0, &reader)?;
    let now = app.clock.now();
    let name = view.name.clone();
    let outcome = work::run(&app, move |_, _| -> Result<_, Problem> {
        let taken = people.access.state().views(&reader.name)?;
        if taken.iter().any(|held| held.owner == reader.name && held.name == name) {
            return Err(Problem::new(StatusCode::CONFLICT, "you have a view of that name already"));
        }
        Ok(people.access.state().put_view(&view, now)?)
    })
    .await?;
    answer(&headers, outcome, MISSING)
}

/// Changes one's own view.
#[utoipa::path(put, path = "/api/v1/views/{id}", tag = "views", params(("id" = i64, Path)), request_body = ViewChange,
    responses((status = 200, body = View), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem),
    (status = 404, body = Problem), (status = 409, body = View, description = "Changed since; as it is"), (status = 413, body = Problem),
    (status = 415, body = Problem)))]
pub(super) async fn change(
    State(app): State<Arc<App>>,
    Extension(people): Extension<Arc<People>>,
    Known(reader): Known,
    headers: HeaderMap,
    Segment(id): Segment<i64>,
    Sent(change): Sent<ViewChange>,
) -> Result<Response, Problem> {
    if id < 1 {
        return Err(Problem::missing(MISSING));
    }
    let view = change.view(id, &reader)?;
    let now = app.clock.now();
    let outcome = work::run(&app, move |_, _| people.access.state().put_view(&view, now)).await?;
    answer(&headers, outcome, MISSING)
}

/// Removes one's own view.
#[utoipa::path(delete, path = "/api/v1/views/{id}", tag = "views", params(("id" = i64, Path)), responses(
    (status = 204, description = "Removed"), (status = 400, body = Problem), (status = 401, body = Problem),
    (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(super) async fn remove(
    State(app): State<Arc<App>>,
    Extension(people): Extension<Arc<People>>,
    Known(reader): Known,
    Segment(id): Segment<i64>,
) -> Result<StatusCode, Problem> {
    let removed = work::run(&app, move |_, _| people.access.state().remove_view(id, &reader.name)).await?;
    if removed { Ok(StatusCode::NO_CONTENT) } else { Err(Problem::missing(MISSING)) }
}
