//! Tokens: of scripts, with the rights of who made them; of sensors, made by administrators.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::sent::Sent;
use super::{By, People};
use crate::access::Role;
use crate::http::app::App;
use crate::http::auth::Known;
use crate::http::extract::Segment;
use crate::http::problem::Problem;
use crate::http::reply::{self, Keep};
use crate::http::work;
use crate::state::{Purpose, TokenEntry};

/// One's own tokens; for administrators all.
#[utoipa::path(get, path = "/api/v1/tokens", tag = "tokens",
    responses((status = 200, body = Vec<TokenEntry>), (status = 401, body = Problem)))]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    Extension(people): Extension<Arc<People>>,
    Known(reader): Known,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let tokens = work::run(&app, move |_, _| {
        let of = (reader.role < Role::Administrator).then_some(reader.name.as_str());
        people.access.state().tokens(of)
    })
    .await?;
    reply::json(&headers, &tokens, Keep::Nothing)
}

/// A token to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewToken {
    /// What it is called; of a sensor its name.
    label: String,
    purpose: Purpose,
    /// Until when it is valid; without, until it is removed.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires: Option<jiff::Timestamp>,
}

/// A token that was made.
#[derive(Serialize, ToSchema)]
pub(super) struct MadeToken {
    id: i64,
    /// Shown this once.
    token: String,
}

/// Makes a token.
#[utoipa::path(post, path = "/api/v1/tokens", tag = "tokens", request_body = NewToken, responses(
    (status = 200, body = MadeToken), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem),
    (status = 409, body = Problem), (status = 413, body = Problem), (status = 415, body = Problem)))]
pub(super) async fn add(
    State(app): State<Arc<App>>,
    Extension(people): Extension<Arc<People>>,
    by: By,
    headers: HeaderMap,
    Sent(new): Sent<NewToken>,
) -> Result<Response, Problem> {
    if new.purpose == Purpose::Sensor {
        by.reader.must_be(Role::Administrator)?;
    }
    let made = work::run(&app, move |_, _| -> Result<_, Problem> {
        let (id, token) = people.access.make_token(&by.reader.name, new.purpose, (&new.label, new.expires), by.now)?;
        people.audit(&by, "token.add", &id.to_string(), &new.label)?;
        Ok(MadeToken { id, token })
    })
    .await?;
    reply::json(&headers, &made, Keep::Nothing)
}

/// Removes a token: one's own, for administrators any.
#[utoipa::path(delete, path = "/api/v1/tokens/{id}", tag = "tokens", params(("id" = i64, Path)), responses(
    (status = 204, description = "Removed"), (status = 400, body = Problem), (status = 401, body = Problem),
    (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(super) async fn remove(
    State(app): State<Arc<App>>,
    Extension(people): Extension<Arc<People>>,
    by: By,
    Segment(id): Segment<i64>,
) -> Result<StatusCode, Problem> {
    work::run(&app, move |_, _| -> Result<_, Problem> {
        let of = (by.reader.role < Role::Administrator).then_some(by.reader.name.as_str());
        if !people.access.state().remove_token(id, of)? {
            return Err(Problem::missing("there is no such token of yours"));
        }
        Ok(people.audit(&by, "token.remove", &id.to_string(), "")?)
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}
