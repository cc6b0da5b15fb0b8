//! Who asks: peer, client behind a proxy, reader.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use ipnet::IpNet;
use jiff::Timestamp;

use super::problem::Problem;
use crate::access::Reader;

/// Tells who sends a request. Must not take long: it is asked for every request.
pub trait Authenticate: Send + Sync + 'static {
    /// The reader behind the credentials of a request from `client`.
    ///
    /// # Errors
    /// There are no credentials, or they are worth nothing.
    fn reader(&self, parts: &Parts, client: IpAddr, now: Timestamp) -> Result<Reader, Denied>;
}

/// Why nobody is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Denied {
    /// No credentials came.
    Stranger,
    /// What came is not known, or not any more.
    Refused,
    /// They are known and may do nothing until they did what it says.
    Until(String),
    /// It cannot be told now.
    Unavailable(String),
}

impl From<Denied> for Problem {
    fn from(denied: Denied) -> Problem {
        match denied {
            Denied::Stranger | Denied::Refused => Problem::stranger(),
            Denied::Until(what) => Problem::forbidden(what),
            Denied::Unavailable(why) => Problem::broken("accounts could not be read", &why),
        }
    }
}

/// The other end of the connection. Put into requests by the listener.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer {
    pub(super) address: SocketAddr,
    pub(super) tls: bool,
}

/// Who is taken to be asking: the peer, or the one a trusted proxy names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Client {
    /// Their address.
    pub address: IpAddr,
    /// Whether what they send is encrypted on its whole way.
    pub secure: bool,
}

impl Client {
    /// Of a request: from the right, the first address of X-Forwarded-For that is no trusted proxy.
    pub(super) fn of(peer: Peer, headers: &HeaderMap, proxies: &[IpNet]) -> Client {
        let trusted = |address: IpAddr| proxies.iter().any(|proxy| proxy.contains(&address));
        let mut client = Client { address: peer.address.ip().to_canonical(), secure: peer.tls };
        if !trusted(client.address) {
            return client;
        }
        let last_protocol = headers.get_all("x-forwarded-proto").iter().next_back().and_then(|v| v.to_str().ok());
        client.secure |= last_protocol.is_some_and(|protocol| protocol.trim().eq_ignore_ascii_case("https"));
        let fields = headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
        let hops: Vec<&str> = fields.flat_map(|field| field.split(',')).collect();
        for hop in hops.into_iter().rev() {
            let Some(address) = hop_address(hop.trim()) else { break };
            client.address = address;
            if !trusted(address) {
                break;
            }
        }
        client
    }
}

fn hop_address(hop: &str) -> Option<IpAddr> {
    let bare = hop.parse::<IpAddr>().ok();
    let with_port = || hop.parse::<SocketAddr>().ok().map(|socket| socket.ip());
    let bracketed = || hop.strip_prefix('[')?.strip_suffix(']')?.parse::<IpAddr>().ok();
    bare.or_else(with_port).or_else(bracketed).map(|address| address.to_canonical())
}

impl<S: Sync> FromRequestParts<S> for Client {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let client = parts.extensions.get::<Client>().copied();
        client.ok_or_else(|| Problem::broken("the request has no client", &"no listener in front"))
    }
}

/// The reader whom the router let through. Refuses where the route is open to anyone and nobody is logged in.
#[derive(Clone, Debug)]
pub struct Known(pub Arc<Reader>);

impl<S: Sync> FromRequestParts<S> for Known {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get::<Known>().cloned().ok_or_else(Problem::stranger)
    }
}

/// The reader, if there is one.
#[derive(Clone, Debug)]
pub struct Maybe(pub Option<Arc<Reader>>);

impl<S: Sync> FromRequestParts<S> for Maybe {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Maybe(parts.extensions.get::<Known>().map(|known| known.0.clone())))
    }
}

/// Whether the request's credentials are such as a browser sends by itself.
pub(super) fn by_cookie(headers: &HeaderMap) -> bool {
    headers.contains_key(header::COOKIE) && !headers.contains_key(header::AUTHORIZATION)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(peer: &str, proxies: &[&str], fields: &[(&'static str, &str)]) -> String {
        let peer = Peer { address: SocketAddr::new(peer.parse().unwrap(), 1), tls: false };
        let proxies: Vec<IpNet> = proxies.iter().map(|p| p.parse().unwrap()).collect();
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, value.parse().unwrap());
        }
        let client = Client::of(peer, &headers, &proxies);
        format!("{}{}", client.address, if client.secure { " secure" } else { "" })
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        let forged = [("x-forwarded-for", "203.0.113.9"), ("x-forwarded-proto", "https")];
        assert_eq!(client("198.51.100.1", &["10.0.0.0/8"], &forged), "198.51.100.1");
        assert_eq!(client("10.0.0.1", &["10.0.0.0/8"], &forged), "203.0.113.9 secure");
        assert_eq!(client("::ffff:10.0.0.1", &["10.0.0.0/8"], &forged), "203.0.113.9 secure");
        assert_eq!(client("10.0.0.1", &[], &forged), "10.0.0.1");
    }

    #[test]
    fn what_a_client_puts_before_the_proxys_word_counts_for_nothing() {
        let proxies = &["10.0.0.0/8"][..];
        let of = |value: &str| client("10.0.0.1", proxies, &[("x-forwarded-for", value)]);
        assert_eq!(of("127.0.0.1, 203.0.113.9"), "203.0.113.9");
        assert_eq!(of("127.0.0.1, 203.0.113.9, 10.1.1.1"), "203.0.113.9");
        assert_eq!(of("[2001:db8::1]:443"), "2001:db8::1");
        assert_eq!(of("192.0.2.4:5"), "192.0.2.4");
        assert_eq!(of("<script>, 10.2.2.2"), "10.2.2.2", "up to what is no address");
        assert_eq!(of(""), "10.0.0.1");
        let two = [("x-forwarded-for", "127.0.0.1"), ("x-forwarded-for", "203.0.113.9")];
        assert_eq!(client("10.0.0.1", proxies, &two), "203.0.113.9");
    }
}
