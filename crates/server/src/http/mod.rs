//! The HTTP interface: HTTP/1.1 and HTTP/2, plain or over TLS.
//!
//! ```text
//! listener: connections within limits, TLS, time-outs         (knows no paths)
//!   v  request with its peer
//! router: who asks, headers of every answer, where it came from
//!   v  routes: one table of method, path, who may call it     (nothing is reachable that is not in it)
//! kept: paths that other programs call | api: /api/v1 | page  (each asks the store with the reader's scope)
//! ```
//!
//! Handlers never wait for the store themselves: [`work`] does, on threads of its own, and ends when the client goes.

mod api;
mod app;
mod auth;
mod coding;
pub mod days;
mod exports;
mod extract;
mod follow;
mod followed;
mod kept;
mod limits;
mod listener;
mod lists;
mod metrics;
mod page;
mod people;
mod problem;
pub mod range;
mod recent;
pub mod reply;
mod router;
mod routes;
mod secure;
mod slots;
mod span;
mod stream;
mod tls;
mod trails;
mod watched;
pub mod work;

pub use api::document;
pub use app::{App, Clock, Stores, SystemClock};
pub use auth::{Authenticate, Client, Denied, Known, Maybe};
pub use coding::Coding;
pub use extract::{Ask, Segment};
pub use limits::Limits;
pub use listener::{ListenError, Server};
pub use people::routes as people_routes;
pub use problem::Problem;
pub use router::{body, router};
pub use routes::{Route, Who, routes};
pub use slots::{Full, Slot, Slots};
pub use tls::TlsError;
pub use trails::Trails;
