//! Bodies of requests: JSON, of a known form, whole and in time.

use std::time::Duration;

use axum::extract::{FromRequest, Request};
use axum::http::{StatusCode, header};
use serde::de::DeserializeOwned;

use crate::http::problem::Problem;
use crate::http::router;

/// A body must come within this time.
const PATIENCE: Duration = Duration::from_secs(15);

/// What was sent.
pub(super) struct Sent<T>(pub(super) T);

impl<T: DeserializeOwned, S: Sync> FromRequest<S> for Sent<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let essence = kind.and_then(|kind| kind.split(';').next()).map(str::trim);
        if !essence.is_some_and(|kind| kind.eq_ignore_ascii_case("application/json")) {
            let what = "send the body as application/json";
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, what));
        }
        let body = router::body(request.into_body(), PATIENCE).await?;
        serde_json::from_slice(&body).map(Sent).map_err(|error| Problem::bad(format!("the body: {error}")))
    }
}
