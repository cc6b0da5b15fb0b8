//! `/trails`: the trails as CSV, for sensors that take theirs from here. The user's own are for those who may know
//! them. A sensor that has the set already is told so by its validator.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};

use crate::http::app::App;
use crate::http::auth::{Client, Maybe};
use crate::http::coding::Coding;
use crate::http::exports::Form;
use crate::http::problem::Problem;
use crate::http::reply::{self, Keep};
use crate::http::{stream, work};

pub(super) async fn trails(
    State(app): State<Arc<App>>,
    Maybe(reader): Maybe,
    client: Client,
    asked: HeaderMap,
) -> Result<Response, Problem> {
    let form = Form { own: reader.is_some_and(|reader| !reader.masked), coding: Coding::accepted(&asked) };
    let mut headers = HeaderMap::new();
    Keep::Public.tell(&mut headers);
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding, authorization, cookie"));
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    // Without trails a sensor keeps those that it has.
    let Some(store) = app.trails.get().await else { return Ok((headers, Body::empty()).into_response()) };
    let tag = reply::tag(format!("{:?}{}", store.generation_info(), form.own).as_bytes(), form.coding);
    if reply::known(&asked, &tag, &mut headers)? {
        return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
    }
    let place = work::slot(&app, &app.downloads, client)?;
    let failed = |error| Problem::broken("the trails cannot be prepared; make room in STATE_DIR", &error);
    let file = app.exports.get(store, form).await.map_err(failed)?;
    let length = file.metadata().map_err(failed)?.len();
    form.coding.tell(&mut headers);
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    Ok((headers, stream::file(place, app.stall, file)).into_response())
}
