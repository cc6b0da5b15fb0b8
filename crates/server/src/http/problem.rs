//! Errors as problem documents (RFC 9457): what failed, and what the caller can do.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::days::NoDays;
use crate::observables::ObservablesError;
use crate::store::StoreError;

/// An answer that says why there is none.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Problem {
    /// The status again.
    #[serde(serialize_with = "number")]
    #[schema(value_type = u16, example = 404)]
    status: StatusCode,
    /// The same for the same kind of problem.
    #[schema(example = "Not Found")]
    title: &'static str,
    /// What failed here and what can be done.
    detail: String,
    /// Seconds after which it may be asked again.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<u32>,
}

fn number<S: serde::Serializer>(status: &StatusCode, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_u16(status.as_u16())
}

impl Problem {
    /// With a status and words.
    #[must_use]
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Problem {
        let title = status.canonical_reason().unwrap_or("Problem");
        Problem { status, title, detail: detail.into(), retry_after: None }
    }

    /// The caller asked for something that makes no sense.
    #[must_use]
    pub fn bad(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::BAD_REQUEST, detail)
    }

    /// There is no such thing.
    #[must_use]
    pub fn missing(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::NOT_FOUND, detail)
    }

    /// Nobody is logged in.
    #[must_use]
    pub fn stranger() -> Problem {
        Problem::new(StatusCode::UNAUTHORIZED, "log in, or send an API token as `Authorization: Bearer TOKEN`")
    }

    /// They may not do this.
    #[must_use]
    pub fn forbidden(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::FORBIDDEN, detail)
    }

    /// Not now.
    #[must_use]
    pub fn busy(detail: impl Into<String>) -> Problem {
        Problem { retry_after: Some(2), ..Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail) }
    }

    /// Not so many at the same time, or not so often.
    #[must_use]
    pub fn too_many(detail: impl Into<String>) -> Problem {
        Problem { retry_after: Some(5), ..Problem::new(StatusCode::TOO_MANY_REQUESTS, detail) }
    }

    /// Something is wrong here; the log says what. The caller learns no path and no message of the system.
    #[must_use]
    pub fn broken(what: &str, error: &dyn std::fmt::Display) -> Problem {
        tracing::error!(%error, "{what}");
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, format!("{what}; the server's log says why"))
    }
}

impl From<NoDays> for Problem {
    fn from(error: NoDays) -> Problem {
        Problem::bad(error.to_string())
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Problem {
        match error {
            StoreError::Unknown(what) => Problem::missing(format!("there is no {what}")),
            error => Problem::broken("events could not be read", &error),
        }
    }
}

impl From<ObservablesError> for Problem {
    fn from(error: ObservablesError) -> Problem {
        match error {
            ObservablesError::Cancelled => Problem::busy("the client went away"),
            error => Problem::broken("observables could not be read", &error),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, retry_after) = (self.status, self.retry_after);
        let mut response = (status, Json(self)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"maltrail\""));
        }
        if let Some(seconds) = retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
