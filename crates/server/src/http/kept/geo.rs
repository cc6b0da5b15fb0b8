//! `/geo?date=`: countries of days and how many lines each.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde::{Deserialize, Serialize};

use crate::Scope;
use crate::enrich::{Country, Facts, Home, code};
use crate::http::app::App;
use crate::http::auth::Known;
use crate::http::days::Days;
use crate::http::extract::Ask;
use crate::http::problem::Problem;
use crate::http::reply::{self, Keep};
use crate::http::work::Cancelled;
use crate::http::{span, work};
use crate::store::{DayCount, Filter, Query};

/// Most days of one answer; of more, the last ones.
const MAX_DAYS: usize = 92;

#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    date: String,
}

/// Countries of one day. Small: there are fewer than 700 codes of two letters.
#[derive(Clone, Default)]
pub(in crate::http) struct Countries {
    counts: BTreeMap<Country, u64>,
    unmapped: u64,
}

/// Days whose countries are remembered, for a scope and the files that told them.
pub(in crate::http) type KnownCountries = crate::http::recent::Recent<(Scope, DayCount, u64), Arc<Countries>>;

#[derive(Serialize)]
struct Answer {
    counts: BTreeMap<String, u64>,
    mapped: u64,
    unmapped: u64,
    /// Where the own network is.
    home: Option<Home>,
}

pub(super) async fn geo(
    State(app): State<Arc<App>>,
    Known(reader): Known,
    Ask(asked): Ask<Asked>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let days = Days::parse(&asked.date)?;
    let scope = reader.view();
    let answer = work::run(&app, move |app, cancelled| -> Result<Answer, Problem> {
        let held = span::held(app.store.as_ref(), &scope, Some(days))?;
        let facts = app.enrich.now();
        let mut answer = Answer { counts: BTreeMap::new(), mapped: 0, unmapped: 0, home: facts.home() };
        for day in held.iter().rev().take(MAX_DAYS) {
            let countries = of_day(app, &facts, (&scope, day), cancelled)?;
            for (country, lines) in &countries.counts {
                *answer.counts.entry(code(*country)).or_default() += lines;
                answer.mapped += lines;
            }
            answer.unmapped += countries.unmapped;
        }
        Ok(answer)
    })
    .await?;
    reply::json(&headers, &answer, Keep::Ask)
}

fn of_day(
    app: &App,
    facts: &Facts<'_>,
    (scope, day): (&Scope, &DayCount),
    cancelled: &Cancelled,
) -> Result<Arc<Countries>, Problem> {
    let key = (scope.clone(), day.clone(), facts.number());
    if let Some(known) = app.countries.get(&key) {
        return Ok(known);
    }
    let (from, to) = span::instants(Days { first: day.day, last: day.day }, &app.settings.zone);
    let query = Query { from, to, scope: scope.clone(), filter: Filter::All, newest_first: false };
    let mut countries = Countries::default();
    work::each(app, &query, cancelled, |stored| match facts.country_of(&stored.event) {
        Some(country) => *countries.counts.entry(country).or_default() += 1,
        None => countries.unmapped += 1,
    })?;
    let countries = Arc::new(countries);
    app.countries.put(key, countries.clone());
    Ok(countries)
}
