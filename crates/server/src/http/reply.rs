//! Answers of known bytes: compressed as the client accepts, with a validator.

use std::collections::HashMap;

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
    /// By anyone for good: it never changes under its name.
    Forever,
}

impl Keep {
    pub(super) fn tell(self, headers: &mut HeaderMap) {
        let (cache, vary) = match self {
            Keep::Nothing => ("no-store", "accept-encoding"),
            Keep::Own => ("private, max-age=31536000, immutable", "accept-encoding, authorization, cookie"),
            Keep::Ask => ("private, no-cache", "accept-encoding, authorization, cookie"),
            Keep::Public => ("no-cache", "accept-encoding"),
            Keep::Forever => ("max-age=31536000, immutable", "accept-encoding"),
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
fn has(headers: &HeaderMap, tag: &str) -> bool {
    let fields = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let known = |known: &str| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag;
    fields.flat_map(|field| field.split(',')).any(|each| known(each.trim()))
}

/// Tells the validator of an answer. Whether the client has it already: the answer is 304 with these headers then.
///
/// # Errors
/// None in practice: a validator is a header's value.
pub(super) fn known(asked: &HeaderMap, tag: &str, headers: &mut HeaderMap) -> Result<bool, Problem> {
    let value = HeaderValue::try_from(tag).map_err(|error| Problem::broken("no validator", &error))?;
    headers.insert(header::ETAG, value);
    Ok(has(asked, tag))
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
    if keep != Keep::Nothing && known(asked, &tag, &mut headers)? {
        return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
    }
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    coding.tell(&mut headers);
    let body = match coding {
        Coding::Identity => Bytes::copy_from_slice(body),
        coding => coding.encode(body).map_err(|error| Problem::broken("compression failed", &error))?.into(),
    };
    Ok((headers, body).into_response())
}

/// Public bytes that are the same as long as the program runs, compressed once.
pub(super) struct Fixed {
    kind: &'static str,
    codings: HashMap<Coding, (String, Bytes)>,
}

impl Fixed {
    pub(super) fn new(kind: &'static str, plain: Bytes) -> Fixed {
        let mut codings = HashMap::new();
        for coding in [Coding::Zstd, Coding::Brotli, Coding::Gzip, Coding::Identity] {
            // What cannot be compressed (no memory) is served as it is.
            let Ok(bytes) = coding.encode(&plain) else { continue };
            codings.insert(coding, (tag(&plain, coding), Bytes::from(bytes)));
        }
        Fixed { kind, codings }
    }

    pub(super) fn answer(&self, asked: &HeaderMap) -> Result<Response, Problem> {
        let wanted = Coding::accepted(asked);
        let found = [wanted, Coding::Identity].into_iter().find_map(|c| Some((c, self.codings.get(&c)?)));
        let (coding, (tag, bytes)) = found.ok_or_else(|| Problem::broken("a file is missing", &self.kind))?;
        let mut headers = HeaderMap::new();
        Keep::Public.tell(&mut headers);
        if known(asked, tag, &mut headers)? {
            return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
        }
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.kind));
        coding.tell(&mut headers);
        Ok((headers, bytes.clone()).into_response())
    }
}

/// A value as JSON.
///
/// # Errors
/// It could not be written or compressed.
pub fn json(asked: &HeaderMap, value: &impl Serialize, keep: Keep) -> Result<Response, Problem> {
    let body = serde_json::to_vec(value).map_err(|error| Problem::broken("the answer cannot be written", &error))?;
    bytes(asked, "application/json", &body, keep)
}
