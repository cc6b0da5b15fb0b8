//! Answers of known bytes: compressed as the client accepts, with a validator.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use rapidhash::v3::rapidhash_v3;
use serde::Serialize;

use super::coding::Coding;
use super::problem::Problem;

/// Shorter bodies are not worth compressing.
const WORTH: usize = 600;

/// How long an answer may be kept, and by whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// By nobody: data of a reader.
    Nothing,
    /// By the reader's own browser for good: it never changes under its name.
    Own,
    /// By the reader's own browser, which asks every time whether it changed.
    Ask,
    /// By anyone, asking every time whether it changed.
    Public,
}

impl Keep {
    pub(super) fn tell(self, headers: &mut HeaderMap) {
        let (cache, vary) = match self {
            Keep::Nothing => ("no-store", "accept-encoding"),
            Keep::Own => ("private, max-age=31536000, immutable", "accept-encoding, authorization, cookie"),
            Keep::Ask => ("private, no-cache", "accept-encoding, authorization, cookie"),
            Keep::Public => ("no-cache", "accept-encoding"),
        };
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
        headers.insert(header::VARY, HeaderValue::from_static(vary));
    }
}

/// A validator of what `of` stands for, in a coding.
pub(super) fn tag(of: &[u8], coding: Coding) -> String {
    format!("\"{:016x}-{}\"", rapidhash_v3(of), coding.name())
}

/// Whether the client has this already (If-None-Match).
pub(super) fn has(headers: &HeaderMap, tag: &str) -> bool {
    let fields = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let known = |known: &str| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag;
    fields.flat_map(|field| field.split(',')).any(|each| known(each.trim()))
}

/// Bytes as an answer.
///
/// # Errors
/// They could not be compressed.
pub fn bytes(asked: &HeaderMap, kind: &'static str, body: &[u8], keep: Keep) -> Result<Response, Problem> {
    let coding = if body.len() < WORTH { Coding::Identity } else { Coding::accepted(asked) };
    let tag = tag(body, coding);
    let mut headers = HeaderMap::new();
    keep.tell(&mut headers);
    if keep != Keep::Nothing {
        let value = HeaderValue::try_from(&tag).map_err(|error| Problem::broken("no validator", &error))?;
        headers.insert(header::ETAG, value);
        if has(asked, &tag) {
            return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
        }
    }
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    coding.tell(&mut headers);
    let body = match coding {
        Coding::Identity => Bytes::copy_from_slice(body),
        coding => coding.encode(body).map_err(|error| Problem::broken("compression failed", &error))?.into(),
    };
    Ok((headers, body).into_response())
}

/// A value as JSON.
///
/// # Errors
/// It could not be written or compressed.
pub fn json(asked: &HeaderMap, value: &impl Serialize, keep: Keep) -> Result<Response, Problem> {
    let body = serde_json::to_vec(value).map_err(|error| Problem::broken("the answer cannot be written", &error))?;
    bytes(asked, "application/json", &body, keep)
}
