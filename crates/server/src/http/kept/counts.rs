//! `/counts`: lines of each day.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use jiff::civil::Date;
use serde::Deserialize;

use crate::http::app::App;
use crate::http::auth::Known;
use crate::http::days::{self, Days};
use crate::http::extract::Ask;
use crate::http::problem::Problem;
use crate::http::reply::{self, Keep};
use crate::http::{span, work};

#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    from: String,
    #[serde(default)]
    to: String,
}

pub(super) async fn counts(
    State(app): State<Arc<App>>,
    Known(reader): Known,
    Ask(asked): Ask<Asked>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let bound = |text: &str, open: Date| if text.is_empty() { Ok(open) } else { days::day(text) };
    let (first, last) = (bound(&asked.from, Date::MIN)?, bound(&asked.to, Date::MAX)?);
    let scope = reader.view();
    let held =
        work::run(&app, move |app, _| span::held(app.store.as_ref(), &scope, Some(Days { first, last }))).await?;
    let counts: BTreeMap<String, u64> = held.iter().map(|count| (count.day.to_string(), count.lines)).collect();
    reply::json(&headers, &counts, Keep::Ask)
}
