//! What a request brings along to be known by.

use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, COOKIE};

use super::password;

/// Name of the cookie of a session.
pub const SESSION_COOKIE: &str = "maltrail_session";

/// The hash of what was brought; the secret itself goes no further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credentials {
    /// Nothing.
    None,
    /// A session's cookie.
    Session([u8; 32]),
    /// A token (`Authorization: Bearer`, RFC 6750).
    Token([u8; 32]),
}

impl Credentials {
    /// Of the headers of a request. A token goes before a cookie.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Credentials {
        if let Some(value) = headers.get(AUTHORIZATION) {
            let token = value.to_str().ok().and_then(|text| text.split_once(' '));
            return match token {
                Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => {
                    Credentials::Token(password::digest(token.trim().as_bytes()))
                }
                _ => Credentials::None,
            };
        }
        let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
        let pairs = cookies.flat_map(|text| text.split(';')).filter_map(|pair| pair.trim().split_once('='));
        let mut sessions = pairs.filter(|(name, _)| *name == SESSION_COOKIE).map(|(_, value)| value);
        sessions.next().map_or(Credentials::None, |token| Credentials::Session(password::digest(token.as_bytes())))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn of(pairs: &[(&'static str, &str)]) -> Credentials {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        Credentials::of(&headers)
    }

    #[test]
    fn where_credentials_stand() {
        let secret = password::digest(b"abc");
        assert_eq!(of(&[]), Credentials::None);
        assert_eq!(of(&[("authorization", "Bearer abc")]), Credentials::Token(secret));
        assert_eq!(of(&[("authorization", "bearer  abc ")]), Credentials::Token(secret));
        assert_eq!(of(&[("authorization", "Basic abc")]), Credentials::None);
        assert_eq!(of(&[("authorization", "Basic abc"), ("cookie", "maltrail_session=abc")]), Credentials::None);
        assert_eq!(of(&[("cookie", "a=b; maltrail_session=abc; c=d")]), Credentials::Session(secret));
        assert_eq!(of(&[("cookie", "a=b"), ("cookie", "maltrail_session=abc")]), Credentials::Session(secret));
        assert_eq!(of(&[("cookie", "not_maltrail_session=abc")]), Credentials::None);
    }
}
