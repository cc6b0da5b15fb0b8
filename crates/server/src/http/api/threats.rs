//! Threats of a day: what there is to fetch, and the chunks, which are passed on as they are stored.

use std::io;
use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;

use crate::http::app::App;
use crate::http::auth::Known;
use crate::http::coding::Coding;
use crate::http::days;
use crate::http::extract::Segment;
use crate::http::problem::Problem;
use crate::http::reply::{self, Keep};
use crate::http::work;
use crate::store::Manifest;

/// Most bytes of a chunk, unpacked.
const MAX_CHUNK: u64 = 512 << 20;

/// Longest name of a chunk.
const MAX_NAME: usize = 100;

/// What there is to fetch of a day: its chunks, most severe and best evidenced threats first, and where the live
/// stream goes on.
#[utoipa::path(get, path = "/api/v1/threats/{day}", tag = "reading",
    params(("day" = String, Path, format = Date, example = "2026-11-20", description = "Day of the zone that is shown")),
    responses((status = 200, body = Manifest), (status = 304, description = "As it was"),
        (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 404, body = Problem, description = "No event on that day"), (status = 503, body = Problem)))]
pub(super) async fn day_manifest(
    State(app): State<Arc<App>>,
    Known(reader): Known,
    Segment(text): Segment<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (day, scope) = (days::day(&text)?, reader.view());
    let manifest = work::run(&app, move |app, _| app.store.manifest(day, &scope)).await?;
    reply::json(&headers, &manifest, Keep::Ask)
}

/// One chunk of a day's threats. Immutable under its name; compressed as the client accepts, best as zstd, which is
/// how it is stored.
#[utoipa::path(get, path = "/api/v1/threats/{day}/{chunk}", tag = "reading",
    params(("day" = String, Path, format = Date, example = "2026-11-20", description = "Day of the zone that is shown"),
        ("chunk" = String, Path, pattern = "^[0-9A-Za-z-]{1,100}$", description = "Name as the manifest has it")),
    responses((status = 200, content_type = "application/octet-stream", body = [u8]),
        (status = 304, description = "As it was"), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 404, body = Problem, description = "No such chunk any more: fetch the manifest again"),
        (status = 503, body = Problem)))]
pub(super) async fn chunk(
    State(app): State<Arc<App>>,
    Known(reader): Known,
    Segment((text, name)): Segment<(String, String)>,
    asked: HeaderMap,
) -> Result<Response, Problem> {
    let (day, scope) = (days::day(&text)?, reader.view());
    if name.len() > MAX_NAME || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
        return Err(Problem::bad("a chunk's name has letters, digits and `-`"));
    }
    let coding = Coding::accepted(&asked);
    let fetched = work::run(&app, move |app, _| -> Result<(HeaderMap, Option<Bytes>), Problem> {
        let stored = app.store.chunk(day, &name, &scope)?;
        let mut headers = HeaderMap::new();
        Keep::Own.tell(&mut headers);
        if reply::known(&asked, &reply::tag(&stored, coding), &mut headers)? {
            return Ok((headers, None));
        }
        let body = recode(stored, coding).map_err(|error| Problem::broken("a chunk cannot be unpacked", &error))?;
        Ok((headers, Some(body)))
    });
    let (mut headers, body) = fetched.await?;
    let Some(body) = body else { return Ok((StatusCode::NOT_MODIFIED, headers).into_response()) };
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    coding.tell(&mut headers);
    Ok((headers, body).into_response())
}

/// From zstd to what the client takes.
fn recode(stored: Bytes, coding: Coding) -> io::Result<Bytes> {
    if coding == Coding::Zstd {
        return Ok(stored);
    }
    let plain = zstd::stream::read::Decoder::new(&stored[..])?;
    let mut plain = io::Read::take(plain, MAX_CHUNK + 1);
    let mut encoder = coding.encoder(Vec::with_capacity(stored.len()))?;
    if io::copy(&mut plain, &mut encoder)? > MAX_CHUNK {
        return Err(io::Error::other("larger than a chunk can be"));
    }
    Ok(encoder.finish()?.into())
}
