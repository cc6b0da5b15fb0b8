//! The page: files that are part of the program, compressed once, served to anyone. They hold no data; data comes from
//! `/api/v1`. What a browser has needs no second look until the file changes.

use std::sync::{Arc, LazyLock};

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use bytes::Bytes;

use super::app::App;
use super::auth::Maybe;
use super::problem::Problem;
use super::reply::{self, Fixed, Keep};
use super::routes::{Route, Who};
use super::work;

static STYLE: LazyLock<Fixed> =
    LazyLock::new(|| Fixed::new("text/css; charset=utf-8", Bytes::from_static(include_bytes!("style.css"))));

/// The page with `{state}` where it says what there is.
const INDEX: &str = include_str!("index.html");

/// The routes of the page.
pub(super) fn routes() -> Vec<Route> {
    vec![Route::get("/", Who::Anyone, index), Route::get("/style.css", Who::Anyone, style)]
}

async fn style(headers: HeaderMap) -> Result<Response, Problem> {
    STYLE.answer(&headers)
}

/// What the server is, and how many events today has for whoever may know that.
async fn index(State(app): State<Arc<App>>, Maybe(reader): Maybe, headers: HeaderMap) -> Result<Response, Problem> {
    let today = app.today();
    let state = match reader {
        None => "Events are shown to those who are logged in, or bring a token.".to_owned(),
        Some(reader) => {
            let scope = reader.view();
            let days = work::run(&app, move |app, _| app.store.days(&scope)).await?;
            let events = days.iter().find(|count| count.day == today).map_or(0, |count| count.events);
            format!("Events of {today}: {events}. Days with events: {}.", days.len())
        }
    };
    let page = INDEX.replace("{state}", &state).replace("{version}", env!("CARGO_PKG_VERSION"));
    reply::bytes(&headers, "text/html; charset=utf-8", page.as_bytes(), Keep::Ask)
}
