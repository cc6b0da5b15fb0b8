//! What every answer says to browsers, and which requests of other sites are refused.

use axum::http::header::{self, HeaderName};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, Uri};

use super::auth::{Client, by_cookie};

/// Nothing inline, nothing from elsewhere, in nobody's frame.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    font-src 'self'; connect-src 'self'; worker-src 'self'; manifest-src 'self'; base-uri 'none'; \
    form-action 'self'; frame-ancestors 'none'";

const FIXED: [(HeaderName, &str); 7] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
];

/// A year. Only with a certificate of the operator's: browsers refuse a host for good otherwise.
const STRICT: &str = "max-age=31536000";

/// Adds them. What a handler said of caching stays; otherwise nothing is kept.
pub(super) fn headers(headers: &mut HeaderMap, strict_transport: bool) {
    for (name, value) in FIXED {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if strict_transport {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static(STRICT));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}

/// Whether a request may have been sent by a page of another site: it would change something, and neither Origin nor
/// Sec-Fetch-Site says that a page of ours sent it. Without either, credentials a browser sends by itself do not
/// count; a token does.
pub(super) fn cross_site(parts: &Parts, client: Client) -> bool {
    if matches!(parts.method, Method::GET | Method::HEAD | Method::OPTIONS) {
        return false;
    }
    let text = |name: &str| parts.headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    if text("sec-fetch-site").is_some_and(|site| !matches!(site, "same-origin" | "none")) {
        return true;
    }
    let Some(origin) = text("origin") else {
        return text("sec-fetch-site").is_none() && by_cookie(&parts.headers);
    };
    let Some(host) = host(&parts.uri, &parts.headers) else { return true };
    let scheme = if client.secure { "https" } else { "http" };
    !origin.eq_ignore_ascii_case(&format!("{scheme}://{host}"))
}

/// The host that was asked, with its port if that is told.
pub(super) fn host<'r>(uri: &'r Uri, headers: &'r HeaderMap) -> Option<&'r str> {
    let authority = uri.authority().map(axum::http::uri::Authority::as_str);
    authority.or_else(|| headers.get(header::HOST)?.to_str().ok())
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use axum::http::Request;

    use super::*;

    fn refused(method: &str, fields: &[(&str, &str)]) -> bool {
        let mut request = Request::builder().method(method).uri("/x").header("host", "m.example:8338");
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let client = Client { address: IpAddr::V4(Ipv4Addr::LOCALHOST), secure: true };
        cross_site(&request.body(()).unwrap().into_parts().0, client)
    }

    #[test]
    fn other_sites_change_nothing() {
        let cookie = ("cookie", "session=x");
        assert!(!refused("GET", &[cookie, ("origin", "https://evil.example")]));
        for method in ["POST", "PUT", "PATCH", "DELETE"] {
            assert!(!refused(method, &[cookie, ("origin", "https://m.example:8338")]), "{method}");
            assert!(!refused(method, &[cookie, ("sec-fetch-site", "same-origin")]), "{method}");
            assert!(!refused(method, &[("authorization", "Bearer x")]), "{method}: a script");
            assert!(!refused(method, &[]), "{method}: a script that logs in");
            for origin in [
                "https://evil.example",
                "null",
                "http://m.example:8338",
                "https://m.example",
                "https://m.example:83380",
            ] {
                assert!(refused(method, &[cookie, ("origin", origin)]), "{method} {origin}");
                assert!(refused(method, &[("origin", origin)]), "{method} {origin}");
            }
            assert!(refused(method, &[cookie]), "{method} without a word of its origin");
            assert!(refused(method, &[cookie, ("sec-fetch-site", "same-site")]), "{method}");
            let both = [cookie, ("sec-fetch-site", "cross-site"), ("origin", "https://m.example:8338")];
            assert!(refused(method, &both), "{method}");
        }
    }
}
