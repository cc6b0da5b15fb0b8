//! Limits of connections. What a client may cost before it is known who it is.

use std::time::Duration;

/// What connections may take.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Connections at the same time. More are closed at once and counted.
    pub connections: usize,
    /// Of these, from one address (IPv6: one /64); proxies that are trusted are free of it.
    pub per_address: usize,
    /// For a TLS handshake.
    pub handshake: Duration,
    /// From the connection to the end of its first request's head.
    pub first_request: Duration,
    /// For the head of a later request, from the answer before it.
    pub head: Duration,
    /// Without a request and without a byte.
    pub idle: Duration,
    /// For the peer to take what it is sent, while it takes nothing.
    pub stall: Duration,
    /// Bytes of a request's head.
    pub head_bytes: usize,
    /// Header fields of a request.
    pub fields: usize,
    /// Requests at the same time on one HTTP/2 connection.
    pub streams: u32,
    /// For running requests to end when the server stops.
    pub grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            connections: 8192,
            per_address: 4096,
            handshake: Duration::from_secs(10),
            first_request: Duration::from_secs(20),
            head: Duration::from_secs(60),
            idle: Duration::from_secs(75),
            stall: Duration::from_secs(30),
            head_bytes: 32 * 1024,
            fields: 96,
            streams: 64,
            grace: Duration::from_secs(5),
        }
    }
}
