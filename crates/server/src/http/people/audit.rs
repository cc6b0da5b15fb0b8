//! The audit, for administrators.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Deserialize;
use utoipa::IntoParams;

use super::People;
use crate::http::app::App;
use crate::http::extract::Ask;
use crate::http::problem::Problem;
use crate::http::reply::{self, Keep};
use crate::http::work;
use crate::state::{AuditEntry, AuditQuery};

/// Entries of one answer.
const PAGE: u32 = 1_000;

/// Which entries.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Which {
    /// Only entries with smaller numbers: the page behind.
    before: Option<i64>,
    /// Only of this account.
    who: Option<String>,
    /// At most so many, and 1,000.
    limit: Option<u32>,
}

/// Who did what, latest first.
#[utoipa::path(get, path = "/api/v1/audit", tag = "accounts", params(Which), responses((status = 200, body = Vec<AuditEntry>),
    (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem)))]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    Extension(people): Extension<Arc<People>>,
    headers: HeaderMap,
    Ask(which): Ask<Which>,
) -> Result<Response, Problem> {
    let entries = work::run(&app, move |_, _| {
        let limit = which.limit.unwrap_or(PAGE).min(PAGE);
        people.access.state().audit_entries(AuditQuery { before: which.before, who: which.who.as_deref(), limit })
    })
    .await?;
    reply::json(&headers, &entries, Keep::Nothing)
}
