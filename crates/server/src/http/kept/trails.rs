//! `/trails`: the trails as CSV, for sensors that take theirs from here. The user's own are for those who may know
//! them. Written and compressed as it is sent: a sensor that has the set already is told so by its validator.

use std::io::Write as _;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use trails::store::{LabelId, Mapped, Store};
use trails::{CUSTOM, Indicator};

use crate::http::app::App;
use crate::http::auth::Maybe;
use crate::http::coding::Coding;
use crate::http::problem::Problem;
use crate::http::reply::{self, Keep};
use crate::http::{stream, work};

pub(super) async fn trails(
    State(app): State<Arc<App>>,
    Maybe(reader): Maybe,
    asked: HeaderMap,
) -> Result<Response, Problem> {
    let own = reader.is_some_and(|reader| !reader.masked);
    let coding = Coding::accepted(&asked);
    let mut headers = HeaderMap::new();
    Keep::Public.tell(&mut headers);
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding, authorization, cookie"));
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    // Without trails a sensor keeps those that it has.
    let Some(store) = app.trails.get() else { return Ok((headers, Body::empty()).into_response()) };
    let info = store.generation_info();
    let tag = reply::tag(format!("{info:?}{own}").as_bytes(), coding);
    headers.insert(header::ETAG, HeaderValue::try_from(&tag).map_err(|error| Problem::broken("no validator", &error))?);
    if reply::has(&asked, &tag) {
        return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
    }
    coding.tell(&mut headers);
    let place = work::place(&app).await?;
    let body = stream::body(place, move |pipe| {
        let mut encoder = coding.encoder(pipe)?;
        for (indicator, label) in store.trails() {
            if let Some(row) = row(&store, &indicator, label, own) {
                encoder.write_all(row.as_bytes())?;
            }
        }
        encoder.finish()
    });
    Ok((headers, body).into_response())
}

/// `trail,info,reference`; none for what is only on the user's own lists and not to be told.
fn row(store: &Store<Mapped>, indicator: &Indicator<'_>, label: LabelId, own: bool) -> Option<String> {
    let id = label;
    let label = store.label(id);
    let (mut info, mut reference) = (label.info, label.reference);
    if label.custom && !own {
        (info, reference) = public(store.sources(id))?;
    }
    Some(format!("{},{},{}\n", field(&indicator.to_string()), field(info), field(reference)))
}

/// Info and reference of the first source that is public.
pub(super) fn public(sources: &str) -> Option<(&str, &str)> {
    let source = sources.lines().find(|source| !CUSTOM.iter().any(|own| source.starts_with(own)))?;
    let (reference, info) = source.split_once(' ').unwrap_or((source, ""));
    Some((info, reference))
}

/// A field of a CSV (RFC 4180).
fn field(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_of_the_users_own_are_passed_over() {
        for own in CUSTOM {
            assert_eq!(public(&format!("{own} our case 7")), None);
            let both = format!("{own} our case 7\n(static) worm (malware)");
            assert_eq!(public(&both), Some(("worm (malware)", "(static)")));
        }
    }
}
