//! What packets carry, built in code: DNS, HTTP/1, HTTP/2 without TLS, SOCKS, SMTP, the PROXY protocol.

pub mod dns;
pub mod h2;
pub mod http;
pub mod names;
