//! The page: files that are part of the program, compressed once, served to anyone. They hold no data; data comes from
//! `/api/v1`. What a browser has needs no second look until the file changes.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;

use super::app::App;
use super::auth::Maybe;
use super::coding::Coding;
use super::problem::Problem;
use super::reply::{self, Keep};
use super::routes::{Route, Who};
use super::work;

/// One file: its bytes in every coding.
struct File {
    kind: &'static str,
    codings: HashMap<Coding, (String, Bytes)>,
}

impl File {
    fn new(kind: &'static str, text: &'static str) -> File {
        let plain = Bytes::from_static(text.as_bytes());
        let mut codings = HashMap::new();
        for coding in [Coding::Zstd, Coding::Brotli, Coding::Gzip, Coding::Identity] {
            // What cannot be compressed (no memory) is served as it is.
            let Ok(bytes) = coding.encode(&plain) else { continue };
            codings.insert(coding, (reply::tag(&plain, coding), Bytes::from(bytes)));
        }
        File { kind, codings }
    }

    fn answer(&self, asked: &HeaderMap) -> Result<Response, Problem> {
        let wanted = Coding::accepted(asked);
        let found = [wanted, Coding::Identity].into_iter().find_map(|c| Some((c, self.codings.get(&c)?)));
        let (coding, (tag, bytes)) = found.ok_or_else(|| Problem::broken("a file is missing", &self.kind))?;
        let mut headers = HeaderMap::new();
        Keep::Public.tell(&mut headers);
        let value = HeaderValue::try_from(tag).map_err(|error| Problem::broken("no validator", &error))?;
        headers.insert(header::ETAG, value);
        if reply::has(asked, tag) {
            return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
        }
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.kind));
        coding.tell(&mut headers);
        Ok((headers, bytes.clone()).into_response())
    }
}

static STYLE: LazyLock<File> = LazyLock::new(|| File::new("text/css; charset=utf-8", include_str!("style.css")));

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
    let today = app.clock.now().to_zoned(app.settings.zone.clone()).date();
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
