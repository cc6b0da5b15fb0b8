//! The page: files that are part of the program, served to anyone. They hold no data; data comes from `/api/v1`.
//!
//! `build.rs` puts in what `web/` was built to, packed ahead. The name of a file under `assets/` changes with what is in
//! it, so browsers keep it for good; `index.html`, which names them, is asked for every time.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;

use super::coding::Coding;
use super::extract::Segment;
use super::problem::Problem;
use super::reply::{self, Keep};
use super::routes::{Route, Who};

/// A file, and its packed forms.
#[derive(Clone, Copy, Debug)]
struct File {
    name: &'static str,
    plain: &'static [u8],
    brotli: Option<&'static [u8]>,
    gzip: Option<&'static [u8]>,
}

static FILES: &[File] = include!(concat!(env!("OUT_DIR"), "/page.rs"));

/// By name, with a validator for each coding.
static PAGE: LazyLock<BTreeMap<&'static str, Served>> =
    LazyLock::new(|| FILES.iter().map(|file| (file.name, Served::new(*file))).collect());

const INDEX: &str = "index.html";

/// The routes of the page.
pub(super) fn routes() -> Vec<Route> {
    vec![Route::get("/", Who::Anyone, index), Route::get("/assets/{name}", Who::Anyone, asset)]
}

async fn index(headers: HeaderMap) -> Result<Response, Problem> {
    served(INDEX)?.answer(&headers, Keep::Public)
}

async fn asset(Segment(name): Segment<String>, headers: HeaderMap) -> Result<Response, Problem> {
    if name == INDEX {
        return Err(missing());
    }
    served(&name)?.answer(&headers, Keep::Forever)
}

fn served(name: &str) -> Result<&'static Served, Problem> {
    PAGE.get(name).ok_or_else(missing)
}

fn missing() -> Problem {
    Problem::missing("the page has no such file; load the page again")
}

/// What Content-Type says of a file.
fn kind(name: &str) -> &'static str {
    match name.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "json" => "application/json",
        "png" => "image/png",
        "woff2" => "font/woff2",
        _ => "application/octet-stream",
    }
}

/// A file as it goes out.
struct Served {
    kind: &'static str,
    /// What there is besides the plain form.
    packed: Vec<Coding>,
    forms: Vec<(Coding, String, Bytes)>,
}

impl Served {
    fn new(file: File) -> Served {
        let forms = [(Coding::Brotli, file.brotli), (Coding::Gzip, file.gzip), (Coding::Identity, Some(file.plain))];
        let forms = forms.into_iter().filter_map(|(coding, bytes)| {
            bytes.map(|bytes| (coding, reply::tag(file.plain, coding), Bytes::from_static(bytes)))
        });
        let forms: Vec<_> = forms.collect();
        let packed = forms.iter().map(|(coding, ..)| *coding).filter(|coding| *coding != Coding::Identity).collect();
        Served { kind: kind(file.name), packed, forms }
    }

    fn answer(&self, asked: &HeaderMap, keep: Keep) -> Result<Response, Problem> {
        let wanted = Coding::best(asked, &self.packed);
        let form = self.forms.iter().find(|(coding, ..)| *coding == wanted);
        let (coding, tag, bytes) = form.ok_or_else(missing)?;
        let mut headers = HeaderMap::new();
        keep.tell(&mut headers);
        if reply::known(asked, tag, &mut headers)? {
            return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
        }
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.kind));
        coding.tell(&mut headers);
        Ok((headers, bytes.clone()).into_response())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: File = File { name: "main-x.js", plain: b"plain", brotli: Some(b"br"), gzip: Some(b"gz") };

    fn asked(fields: &[(header::HeaderName, &str)]) -> HeaderMap {
        fields.iter().map(|(name, value)| (name.clone(), HeaderValue::from_str(value).unwrap())).collect()
    }

    fn text<'r>(response: &'r Response, name: &header::HeaderName) -> &'r str {
        response.headers().get(name).map_or("", |value| value.to_str().unwrap())
    }

    #[test]
    fn files_go_out_as_they_were_packed() {
        let served = Served::new(FILE);
        let mut tags = std::collections::BTreeSet::new();
        for (accepted, coding) in
            [("zstd, br, gzip", "br"), ("gzip", "gzip"), ("zstd", ""), ("br;q=0, gzip;q=0.1", "gzip")]
        {
            let fields = asked(&[(header::ACCEPT_ENCODING, accepted)]);
            let answer = served.answer(&fields, Keep::Forever).unwrap();
            assert_eq!(text(&answer, &header::CONTENT_ENCODING), coding, "{accepted}");
            assert_eq!(text(&answer, &header::CONTENT_TYPE), "text/javascript; charset=utf-8");
            assert_eq!(text(&answer, &header::CACHE_CONTROL), "max-age=31536000, immutable");
            assert_eq!(text(&answer, &header::VARY), "accept-encoding");
            let tag = text(&answer, &header::ETAG).to_owned();
            let again = asked(&[(header::ACCEPT_ENCODING, accepted), (header::IF_NONE_MATCH, &tag)]);
            assert_eq!(served.answer(&again, Keep::Forever).unwrap().status(), StatusCode::NOT_MODIFIED);
            tags.insert(tag);
        }
        assert_eq!(tags.len(), 3, "one for each form");
    }

    #[test]
    fn what_was_not_packed_goes_out_as_it_is() {
        let served = Served::new(File { brotli: None, gzip: None, ..FILE });
        let answer = served.answer(&asked(&[(header::ACCEPT_ENCODING, "br, gzip")]), Keep::Public).unwrap();
        assert_eq!(text(&answer, &header::CONTENT_ENCODING), "");
    }

    #[test]
    fn there_is_a_page_in_any_case() {
        assert!(PAGE.contains_key(INDEX));
    }
}
