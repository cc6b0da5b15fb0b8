//! Triage of threats, of one or many at once.

use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;
use std::ops::ControlFlow;
use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::sent::Sent;
use super::{By, People};
use crate::Scope;
use crate::condense::{ThreatId, ThreatKey};
use crate::http::app::App;
use crate::http::auth::Known;
use crate::http::days::Days;
use crate::http::extract::{Ask, Segment};
use crate::http::problem::Problem;
use crate::http::reply::{self, Keep};
use crate::http::work::Cancelled;
use crate::http::{span, work};
use crate::state::{Change, Dossier, Outcome, Triage, Witness};
use crate::store::{Filter, Query};

/// Rows of one answer.
const PAGE: usize = 10_000;
/// Threats of one change.
const BULK: usize = 1_000;
/// Longest note, tag and assignee, in characters.
const NOTE: usize = 10_000;
const WORD: usize = 64;

/// Since when.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Since {
    /// Only what changed after this time; without it everything.
    #[param(value_type = Option<String>, format = DateTime)]
    since: Option<Timestamp>,
}

/// Triage of what the reader may see, oldest change first; at most 10,000 rows, the next ones since the last one's time.
#[utoipa::path(get, path = "/api/v1/triage", tag = "triage", params(Since), responses(
    (status = 200, body = Vec<Triage>), (status = 400, body = Problem), (status = 401, body = Problem)))]
pub(super) async fn since(
    State(app): State<Arc<App>>,
    Extension(people): Extension<Arc<People>>,
    Known(reader): Known,
    headers: HeaderMap,
    Ask(ask): Ask<Since>,
) -> Result<Response, Problem> {
    let since = ask.since.unwrap_or(Timestamp::MIN);
    let rows = work::run(&app, move |_, _| people.access.state().triage_since(since, &reader.view(), PAGE)).await?;
    reply::json(&headers, &rows, Keep::Nothing)
}

/// Triage, notes and history of one threat.
#[utoipa::path(get, path = "/api/v1/triage/{id}", tag = "triage", params(("id" = String, Path)), responses(
    (status = 200, body = Dossier), (status = 400, body = Problem), (status = 401, body = Problem), (status = 404, body = Problem)))]
pub(super) async fn one(
    State(app): State<Arc<App>>,
    Extension(people): Extension<Arc<People>>,
    Known(reader): Known,
    headers: HeaderMap,
    Segment(id): Segment<String>,
) -> Result<Response, Problem> {
    let threat = threat(&id)?;
    let found = work::run(&app, move |_, _| people.access.state().triage_of(threat, &reader.view())).await?;
    let found = found.ok_or_else(|| Problem::missing("nobody wrote anything about this threat"))?;
    reply::json(&headers, &found, Keep::Nothing)
}

fn threat(id: &str) -> Result<ThreatId, Problem> {
    id.parse::<ThreatId>().map_err(|error| Problem::bad(error.to_string()))
}

/// A change of one threat or of many.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TriageChange {
    /// Ids, at most 1,000.
    threats: Vec<String>,
    /// A day, or days `2026-11-01_2026-11-20`, on which they were seen.
    day: String,
    change: Change,
}

/// What became of a change, each threat in one of the lists.
#[derive(Default, Serialize, ToSchema)]
pub(super) struct TriageAnswer {
    /// As they are now.
    changed: Vec<Triage>,
    /// Somebody else changed them since; as they are.
    conflicts: Vec<Triage>,
    /// Not seen on these days by this reader.
    missing: Vec<String>,
}

/// Changes triage. Only of threats that the reader can see on the days named.
#[utoipa::path(post, path = "/api/v1/triage", tag = "triage", request_body = TriageChange, responses(
    (status = 200, body = TriageAnswer), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem),
    (status = 409, body = Problem), (status = 413, body = Problem), (status = 415, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn change(
    State(app): State<Arc<App>>,
    Extension(people): Extension<Arc<People>>,
    by: By,
    headers: HeaderMap,
    Sent(request): Sent<TriageChange>,
) -> Result<Response, Problem> {
    let days = Days::parse(&request.day)?;
    acceptable(&request)?;
    let ids = request.threats.iter().map(|id| threat(id)).collect::<Result<BTreeSet<_>, _>>()?;
    let answer = work::run(&app, move |app, cancelled| -> Result<_, Problem> {
        // The time of writing: whoever asks for what changed since then must not miss it.
        let by = By { now: app.clock.now(), ..by };
        let seen = witnesses(app, &ids, (days, &by.reader.view()), cancelled)?;
        let mut answer = TriageAnswer::default();
        for id in ids {
            let Some(addresses) = seen.get(&id) else {
                answer.missing.push(id.to_string());
                continue;
            };
            let witness = Witness { author: &by.reader.name, addresses };
            match people.access.state().change_triage(id, &request.change, &witness, by.now)? {
                Outcome::Done(row) => {
                    people.audit(&by, "triage", &row.threat, row.status.name())?;
                    answer.changed.push(row);
                }
                Outcome::Conflict(row) => answer.conflicts.push(row),
                Outcome::Missing => answer.missing.push(id.to_string()),
            }
        }
        Ok(answer)
    })
    .await?;
    reply::json(&headers, &answer, Keep::Nothing)
}

fn acceptable(request: &TriageChange) -> Result<(), Problem> {
    let Change { assignee, tags, add_tags, remove_tags, note, .. } = &request.change;
    if request.threats.is_empty() || request.threats.len() > BULK {
        return Err(Problem::bad(format!("threats: between 1 and {BULK} ids")));
    }
    let mut words = tags.iter().flatten().chain(add_tags).chain(remove_tags).chain(assignee);
    if words.any(|word| word.chars().count() > WORD || word.chars().any(char::is_control)) {
        return Err(Problem::bad(format!(
            "tags and assignees have at most {WORD} characters, none a control character"
        )));
    }
    if note.as_ref().is_some_and(|note| note.trim().is_empty() || note.chars().count() > NOTE) {
        return Err(Problem::bad(format!("a note has between 1 and {NOTE} characters")));
    }
    Ok(())
}

/// Addresses of an event of each threat, of those that the scope may see.
fn witnesses(
    app: &App,
    ids: &BTreeSet<ThreatId>,
    (days, scope): (Days, &Scope),
    cancelled: &Cancelled,
) -> Result<HashMap<ThreatId, Vec<IpAddr>>, Problem> {
    let mut seen = HashMap::new();
    let Some(held) = span::around(&span::held(app.store.as_ref(), scope, Some(days))?) else { return Ok(seen) };
    let (from, to) = span::instants(held, &app.settings.zone);
    let filter = Filter::threats(ids.iter().copied());
    let query = Query { from, to, scope: scope.clone(), filter, newest_first: true };
    work::until(app, &query, cancelled, |stored| {
        let event = &stored.event;
        let addresses = || event.src.iter().chain(&event.dst).copied().collect();
        seen.entry(ThreatKey::of(event).id()).or_insert_with(addresses);
        if seen.len() >= ids.len() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    Ok(seen)
}
