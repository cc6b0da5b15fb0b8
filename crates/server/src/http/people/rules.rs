//! Rules that keep events from being shown as threats.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use jiff::Timestamp;
use serde::Deserialize;
use utoipa::ToSchema;

use super::sent::Sent;
use super::{By, People, answer};
use crate::http::app::App;
use crate::http::extract::Segment;
use crate::http::problem::Problem;
use crate::http::reply::{self, Keep};
use crate::http::work;
use crate::state::{Outcome, Rule, RuleChange};

/// Longest rule and comment, in characters.
const LONGEST: usize = 4_000;
/// Said where there is none of that number.
const MISSING: &str = "there is no such rule";

/// All rules.
#[utoipa::path(get, path = "/api/v1/rules", tag = "rules",
    responses((status = 200, body = Vec<Rule>), (status = 401, body = Problem)))]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    Extension(people): Extension<Arc<People>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let rules = work::run(&app, move |_, _| people.access.state().rules()).await?;
    reply::json(&headers, &rules, Keep::Nothing)
}

/// A rule to be written.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RuleRequest {
    rule: String,
    #[serde(default)]
    comment: String,
    #[serde(default = "enabled")]
    enabled: bool,
    /// Until when it is applied.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires: Option<Timestamp>,
    /// The version that was seen, for a change.
    #[serde(default)]
    version: i64,
}

fn enabled() -> bool {
    true
}

/// Makes a rule.
#[utoipa::path(post, path = "/api/v1/rules", tag = "rules", request_body = RuleRequest, responses((status = 200, body = Rule),
    (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 409, body = Problem),
    (status = 413, body = Problem), (status = 415, body = Problem)))]
pub(super) async fn add(
    state: State<Arc<App>>,
    people: Extension<Arc<People>>,
    by: By,
    headers: HeaderMap,
    request: Sent<RuleRequest>,
) -> Result<Response, Problem> {
    write(state.0, people.0, by, (0, request.0), &headers).await
}

/// Changes a rule.
#[utoipa::path(put, path = "/api/v1/rules/{id}", tag = "rules", params(("id" = i64, Path)), request_body = RuleRequest,
    responses((status = 200, body = Rule), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem),
    (status = 404, body = Problem), (status = 409, body = Rule, description = "Changed since; as it is"), (status = 413, body = Problem),
    (status = 415, body = Problem)))]
pub(super) async fn change(
    state: State<Arc<App>>,
    people: Extension<Arc<People>>,
    by: By,
    headers: HeaderMap,
    Segment(id): Segment<i64>,
    request: Sent<RuleRequest>,
) -> Result<Response, Problem> {
    if id < 1 {
        return Err(Problem::missing(MISSING));
    }
    write(state.0, people.0, by, (id, request.0), &headers).await
}

async fn write(
    app: Arc<App>,
    people: Arc<People>,
    by: By,
    (id, request): (i64, RuleRequest),
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let long = request.rule.chars().count().max(request.comment.chars().count()) > LONGEST;
    if long || request.rule.trim().is_empty() {
        return Err(Problem::bad(format!(
            "a rule has between 1 and {LONGEST} characters, its comment as many at most"
        )));
    }
    let outcome = work::run(&app, move |_, _| -> Result<_, Problem> {
        let RuleRequest { rule, comment, enabled, expires, version } = &request;
        let (enabled, expires, version, author) = (*enabled, *expires, *version, by.reader.name.as_str());
        let change = RuleChange { id, version, rule, comment, author, enabled, expires };
        let outcome = people.access.state().put_rule(&change, by.now)?;
        if let Outcome::Done(rule) = &outcome {
            people.audit(&by, "rule", &rule.id.to_string(), &rule.rule)?;
        }
        Ok(outcome)
    })
    .await?;
    answer(headers, outcome, MISSING)
}

/// Removes a rule.
#[utoipa::path(delete, path = "/api/v1/rules/{id}", tag = "rules", params(("id" = i64, Path)), responses(
    (status = 204, description = "Removed"), (status = 400, body = Problem), (status = 401, body = Problem),
    (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(super) async fn remove(
    State(app): State<Arc<App>>,
    Extension(people): Extension<Arc<People>>,
    by: By,
    Segment(id): Segment<i64>,
) -> Result<StatusCode, Problem> {
    work::run(&app, move |_, _| -> Result<_, Problem> {
        if !people.access.state().remove_rule(id)? {
            return Err(Problem::missing(MISSING));
        }
        Ok(people.audit(&by, "rule.remove", &id.to_string(), "")?)
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}
