//! What the trails in use were made of, and how the feeds are.

use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use feeds::manifest::{Change, Manifest};
use feeds::publish::Place;
use feeds::round::Health;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::app::App;
use crate::http::auth::Known;
use crate::http::problem::Problem;
use crate::http::reply::{self, Keep};
use crate::http::work;

/// The generation of trails that lies beside TRAILS_FILE.
#[derive(Serialize, ToSchema)]
pub(super) struct Feeds {
    /// Its number; none where no update made the trails.
    generation: Option<u64>,
    /// When it was made.
    #[schema(value_type = Option<String>, format = DateTime)]
    built: Option<Timestamp>,
    /// Trails in it.
    trails: u64,
    /// Whether it was put back by hand: updates that come by themselves leave it.
    held: bool,
    change: Option<Changed>,
    feeds: Vec<Feed>,
}

/// What is new and gone since the generation before.
#[derive(Serialize, ToSchema)]
pub(super) struct Changed {
    /// Its number.
    since: u64,
    added: u64,
    removed: u64,
}

/// How a feed is.
#[derive(Serialize, ToSchema)]
pub(super) struct Feed {
    name: String,
    /// What came of asking for it: `fetched`, `unchanged`, `recent`, `failed`, `refused` or `keyless`.
    #[schema(value_type = String)]
    outcome: &'static str,
    /// Why it failed or was refused.
    error: Option<String>,
    /// Rows of the copy that is used.
    rows: u64,
    /// When its makers were last asked with success.
    #[schema(value_type = Option<String>, format = DateTime)]
    asked: Option<Timestamp>,
    /// When it last changed.
    #[schema(value_type = Option<String>, format = DateTime)]
    changed: Option<Timestamp>,
    /// Whether somebody should look at it.
    ill: bool,
}

impl From<Health> for Feed {
    fn from(health: Health) -> Feed {
        let outcome = health.outcome.as_str();
        let ill = health.ill();
        let Health { name, error, rows, asked, changed, .. } = health;
        Feed { name, outcome, error, rows, asked, changed, ill }
    }
}

impl From<Change> for Changed {
    fn from(Change { since, added, removed, .. }: Change) -> Changed {
        Changed { since, added, removed }
    }
}

/// What an update wrote of the trails in use; blocking.
fn manifest(app: &App) -> Option<Manifest> {
    Manifest::read(&Place::of(&app.settings.trails_file).manifest())
}

/// Feeds that somebody should look at, a sentence each; blocking.
pub(super) fn problems(app: &App) -> Vec<String> {
    let ill = manifest(app).into_iter().flat_map(|manifest| manifest.feeds).filter(Health::ill);
    ill.map(|health| {
        let why = health.error.unwrap_or_else(|| "it did not change for long".to_owned());
        format!("feed {}: {why}; see `maltrail feeds {}`", health.name, health.name)
    })
    .collect()
}

/// What the trails in use were made of, and how each feed is.
#[utoipa::path(get, path = "/api/v1/feeds", tag = "reading",
    responses((status = 200, body = Feeds), (status = 401, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn feeds(
    State(app): State<Arc<App>>,
    Known(_): Known,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let manifest = work::run(&app, |app, _| Ok::<_, Problem>(manifest(app))).await?;
    let feeds = match manifest {
        None => Feeds { generation: None, built: None, trails: 0, held: false, change: None, feeds: Vec::new() },
        Some(manifest) => Feeds {
            generation: Some(manifest.generation),
            built: Some(manifest.built),
            trails: manifest.trails,
            held: manifest.held,
            change: manifest.change.map(Changed::from),
            feeds: manifest.feeds.into_iter().map(Feed::from).collect(),
        },
    };
    reply::json(&headers, &feeds, Keep::Nothing)
}
