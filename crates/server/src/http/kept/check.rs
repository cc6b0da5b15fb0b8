//! `/check?q=`: whether something is listed, and by what. Anyone may ask for what is public; that something is on the
//! user's own lists is told to those who may know it, to all others it is not listed.

use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use trails::check::{Listed, listings};
use trails::store::{Mapped, Store};
use trails::{CUSTOM, Indicator, Kind};
use utoipa::ToSchema;

use crate::http::app::App;
use crate::http::auth::Maybe;
use crate::http::exports::told;
use crate::http::extract::Ask;
use crate::http::problem::Problem;
use crate::http::reply::{self, Keep};

/// Longest question, bytes.
const MAX_QUERY: usize = 2048;

#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    q: String,
    /// Another name of the same.
    #[serde(default)]
    query: String,
}

/// What is known of something.
#[derive(Debug, Serialize)]
struct Checked {
    /// What was asked.
    query: String,
    /// Whether it is listed.
    found: bool,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    first: Option<Listing>,
    /// What else lists it: parents of a name, the host of a URL, networks.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    also: Vec<Listing>,
    /// Why it could not be looked up.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// One trail.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct Listing {
    trail: String,
    info: String,
    reference: String,
    /// 0 to 100.
    confidence: u8,
    #[schema(value_type = String)]
    kind: &'static str,
    #[schema(value_type = String)]
    class: &'static str,
    #[schema(value_type = String)]
    severity: &'static str,
    /// Every list that has it.
    sources: Vec<Source>,
}

/// A list that has a trail.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct Source {
    /// What it is known as: the name of a feed, or `(static)`.
    reference: String,
    /// What it says.
    info: String,
    /// Where it is found, for those that are named after their site.
    link: Option<String>,
}

/// Sources that one trail tells.
const MAX_SOURCES: usize = 50;

impl Source {
    /// Of lines `reference info`. Without the user's own where these are not to be told.
    fn all(sources: &str, own: bool) -> Vec<Source> {
        let told = sources.lines().map(trails::source).filter(|(list, _)| own || !CUSTOM.contains(list));
        let read =
            told.map(|(list, info)| Source { link: link(list), reference: list.to_owned(), info: info.to_owned() });
        read.take(MAX_SOURCES).collect()
    }
}

/// The page of a source: its reference itself, or the site that it is named after.
fn link(reference: &str) -> Option<String> {
    if reference.starts_with("https://") || reference.starts_with("http://") {
        return Some(reference.to_owned());
    }
    let (site, _) = reference.split_once('/').unwrap_or((reference, ""));
    let named = matches!(Indicator::parse(site, &mut String::new()), Ok(Indicator::Name(name)) if name.contains('.'));
    named.then(|| format!("https://{reference}"))
}

impl Checked {
    fn unknown(query: &str, error: Option<String>) -> Checked {
        Checked { query: query.to_owned(), found: false, first: None, also: Vec::new(), error }
    }

    fn of(store: Option<&Store<Mapped>>, query: &str, own: bool) -> Checked {
        match Listing::all(store, query, own) {
            Ok(found) => {
                let mut found = found.into_iter();
                let first = found.next();
                Checked { query: query.to_owned(), found: first.is_some(), also: found.collect(), first, error: None }
            }
            Err(error) => Checked::unknown(if query.len() > MAX_QUERY { "" } else { query }, Some(error)),
        }
    }
}

impl Listing {
    /// Everything that lists something, its own trail first; the error says why it could not be looked up.
    pub(in crate::http) fn all(store: Option<&Store<Mapped>>, query: &str, own: bool) -> Result<Vec<Listing>, String> {
        if query.is_empty() || query.len() > MAX_QUERY {
            return Err(format!("ask with q= for up to {MAX_QUERY} bytes"));
        }
        let store = store.ok_or("there are no trails here")?;
        let mut scratch = String::new();
        let indicator = match Indicator::parse(query, &mut scratch) {
            Ok(Indicator::Pattern(_)) => return Err("ask for a name, not a pattern".to_owned()),
            Ok(indicator) => indicator,
            Err(why) => return Err(format!("no indicator: {why}")),
        };
        Ok(listings(store, &indicator).into_iter().filter_map(|listed| Listing::of(store, listed, own)).collect())
    }

    /// None where only the user's own lists have it and that is not to be told.
    fn of(store: &Store<Mapped>, listed: Listed, own: bool) -> Option<Listing> {
        let (info, reference) = told(store, listed.label, own)?;
        let label = store.label(listed.label);
        Some(Listing {
            trail: listed.trail,
            info: info.to_owned(),
            reference: reference.to_owned(),
            confidence: label.confidence,
            kind: Kind::as_str(listed.kind),
            class: label.class.as_str(),
            severity: label.severity.as_str(),
            sources: Source::all(store.sources(listed.label), own),
        })
    }
}

pub(super) async fn check(
    State(app): State<Arc<App>>,
    Maybe(reader): Maybe,
    Ask(asked): Ask<Asked>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let query = if asked.q.is_empty() { asked.query.trim() } else { asked.q.trim() };
    let own = reader.is_some_and(|reader| !reader.masked);
    let store = app.trails.get().await;
    reply::json(&headers, &Checked::of(store.as_deref(), query, own), Keep::Nothing)
}
