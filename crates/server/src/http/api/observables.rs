//! What was seen at all: names and addresses, who touched them, and which name led to which address.

use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::Scope;
use crate::http::app::App;
use crate::http::auth::Known;
use crate::http::extract::Ask;
use crate::http::problem::Problem;
use crate::http::reply::{self, Keep};
use crate::http::work::{self, Cancelled};
use crate::observables::{self, Host, MAX_LOOKED, ObservablesError, Page, Pair, Reading, Seen, Turn, Value, View};

/// Rows of an answer where nothing is said.
const PAGE: usize = 100;

/// Most rows of an answer.
const MAX_PAGE: usize = 1000;

/// Pairs that are told of a subject.
const SHOWN: usize = 100;

/// What to look for, and which part of the answer.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Asked {
    /// A name (at most 253 bytes), `*.name` for what is below one, an address, or a network.
    #[serde(default)]
    #[param(required = true, max_length = 253, example = "*.example.org")]
    q: String,
    /// Most rows, 1 to 1000; 100 if not told.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
    /// `more` of the answer before.
    after: Option<String>,
}

/// Names or addresses that were seen.
#[derive(Serialize, ToSchema)]
pub(super) struct Values {
    /// In the order of their labels from right to left, or of their numbers.
    values: Vec<Value>,
    /// `after` of the next part; none at the end.
    more: Option<String>,
    /// Whether there was more than is looked at for one answer (200,000 rows): go on behind `more`, or ask for less.
    partial: bool,
}

/// Who touched what was asked for.
#[derive(Serialize, ToSchema)]
pub(super) struct Hosts {
    /// In the order of their numbers.
    hosts: Vec<Host>,
    /// `after` of the next part; none at the end.
    more: Option<String>,
    /// Whether there was more than is looked at (200,000 rows): others may have touched it too, and these more often.
    partial: bool,
}

/// Names and the addresses they led to.
#[derive(Serialize, ToSchema)]
pub(super) struct Pairs {
    /// In the order of what was asked for.
    pairs: Vec<Pair>,
    /// `after` of the next part; none at the end.
    more: Option<String>,
    /// Whether there was more than is looked at for one answer (200,000 rows): go on behind `more`, or ask for less.
    partial: bool,
}

/// When names or addresses were first and last seen, how often, and by how many hosts: in all traffic that sensors saw,
/// listed or not.
#[utoipa::path(get, path = "/api/v1/observables", tag = "reading", params(Asked),
    responses((status = 200, body = Values), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 503, body = Problem)))]
pub(super) async fn values(
    State(app): State<Arc<App>>,
    Known(reader): Known,
    Ask(asked): Ask<Asked>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let Page { rows: values, more, partial } = asked.answer(&app, reader.view(), Reading::values).await?;
    reply::json(&headers, &Values { values, more, partial }, Keep::Nothing)
}

/// Hosts that asked for a name, or contacted an address: each with its first and last time.
#[utoipa::path(get, path = "/api/v1/observables/hosts", tag = "reading", params(Asked),
    responses((status = 200, body = Hosts), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 503, body = Problem)))]
pub(super) async fn hosts(
    State(app): State<Arc<App>>,
    Known(reader): Known,
    Ask(asked): Ask<Asked>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let Page { rows: hosts, more, partial } = asked.answer(&app, reader.view(), Reading::hosts).await?;
    reply::json(&headers, &Hosts { hosts, more, partial }, Keep::Nothing)
}

/// Passive DNS: addresses that a name led to, or names that led to an address, as answers said that sensors saw.
#[utoipa::path(get, path = "/api/v1/observables/pairs", tag = "reading", params(Asked),
    responses((status = 200, body = Pairs), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 503, body = Problem)))]
pub(super) async fn pairs(
    State(app): State<Arc<App>>,
    Known(reader): Known,
    Ask(asked): Ask<Asked>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let Page { rows: pairs, more, partial } = asked.answer(&app, reader.view(), Reading::pairs).await?;
    reply::json(&headers, &Pairs { pairs, more, partial }, Keep::Nothing)
}

/// One way to look.
type Question<T> = fn(&Reading, &observables::Ask, Turn<'_>, View<'_>) -> Result<Page<T>, ObservablesError>;

impl Asked {
    async fn answer<T: Send + 'static>(
        self,
        app: &Arc<App>,
        scope: Scope,
        question: Question<T>,
    ) -> Result<Page<T>, Problem> {
        let ask = observables::Ask::parse(&self.q).map_err(|error| Problem::bad(format!("q: {error}")))?;
        let limit = self.limit.unwrap_or(PAGE);
        if !(1..=MAX_PAGE).contains(&limit) {
            return Err(Problem::bad(format!("limit: 1 to {MAX_PAGE}")));
        }
        work::run(app, move |app, cancelled| {
            let turn = Turn { after: self.after.as_deref(), limit };
            let view = View { scope: &scope, rows: MAX_LOOKED, cancelled: &|| cancelled.is() };
            question(app.observables.reading(), &ask, turn, view)
        })
        .await
    }
}

/// What was seen at all of a subject: in all traffic, not in events alone.
#[derive(Serialize, ToSchema)]
pub(super) struct Observed {
    /// When and how often, with what is below a name.
    seen: Option<Seen>,
    /// Hosts that touched it, by their numbers, at most 100.
    #[schema(value_type = Vec<String>)]
    hosts: Vec<std::net::IpAddr>,
    /// Whether there are more; `/api/v1/observables/hosts` tells all.
    more_hosts: bool,
    /// Which names led to which addresses, at most 100.
    pairs: Vec<Pair>,
    /// Whether there are more; `/api/v1/observables/pairs` tells all.
    more_pairs: bool,
    /// Whether there was more than is looked at (200,000 rows): `seen` and `hosts` are at least what they say.
    partial: bool,
}

/// What is told of a subject; none where nothing was seen.
pub(super) fn observed(
    app: &App,
    ask: &observables::Ask,
    scope: &Scope,
    cancelled: &Cancelled,
) -> Result<Option<Observed>, Problem> {
    let view = View { scope, rows: MAX_LOOKED, cancelled: &|| cancelled.is() };
    let reading = app.observables.reading();
    let sighting = reading.sighting(ask, view)?;
    let pairs = reading.pairs(ask, Turn { after: None, limit: SHOWN }, view)?;
    if sighting.is_none() && pairs.rows.is_empty() {
        return Ok(None);
    }
    let partial = pairs.partial || sighting.as_ref().is_some_and(|sighting| sighting.partial);
    let (seen, hosts, more_hosts) = sighting
        .map_or((None, Vec::new(), false), |sighting| (Some(sighting.seen), sighting.hosts, sighting.more_hosts));
    let more_pairs = pairs.more.is_some() || pairs.partial;
    Ok(Some(Observed { seen, hosts, more_hosts, more_pairs, pairs: pairs.rows, partial }))
}
