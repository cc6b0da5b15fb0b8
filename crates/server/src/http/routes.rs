//! Every path, with its method and who may call it. Nothing is reachable that is not in this table.

use std::sync::Arc;

use axum::handler::Handler;
use axum::http::Method;
use axum::routing::{MethodFilter, MethodRouter, on};

use super::app::App;
use super::{api, kept, metrics, page};

/// Bytes of a body where a route says nothing.
pub(super) const MAX_BODY: usize = 64 * 1024;

/// Who may call a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// Strangers too. A reader is told where there is one.
    Anyone,
    /// Whoever is logged in or brings a token; sees what their scope lets them.
    Reader,
    /// Administrators.
    Administrator,
}

/// One way in.
pub struct Route {
    /// `GET` answers `HEAD` too.
    pub method: Method,
    /// With `{names}` for what differs.
    pub path: &'static str,
    /// Who may.
    pub who: Who,
    /// Most bytes of a body.
    pub body: usize,
    pub(super) handler: MethodRouter<Arc<App>>,
}

impl Route {
    /// Reads.
    pub fn get<H, T>(path: &'static str, who: Who, handler: H) -> Route
    where
        H: Handler<T, Arc<App>>,
        T: 'static,
    {
        Route::of(Method::GET, MethodFilter::GET, (path, who), handler)
    }

    /// Makes or does.
    pub fn post<H, T>(path: &'static str, who: Who, handler: H) -> Route
    where
        H: Handler<T, Arc<App>>,
        T: 'static,
    {
        Route::of(Method::POST, MethodFilter::POST, (path, who), handler)
    }

    /// Sets.
    pub fn put<H, T>(path: &'static str, who: Who, handler: H) -> Route
    where
        H: Handler<T, Arc<App>>,
        T: 'static,
    {
        Route::of(Method::PUT, MethodFilter::PUT, (path, who), handler)
    }

    /// Removes.
    pub fn delete<H, T>(path: &'static str, who: Who, handler: H) -> Route
    where
        H: Handler<T, Arc<App>>,
        T: 'static,
    {
        Route::of(Method::DELETE, MethodFilter::DELETE, (path, who), handler)
    }

    fn of<H, T>(method: Method, filter: MethodFilter, (path, who): (&'static str, Who), handler: H) -> Route
    where
        H: Handler<T, Arc<App>>,
        T: 'static,
    {
        Route { method, path, who, body: MAX_BODY, handler: on(filter, handler) }
    }

    /// Takes bodies of up to so many bytes.
    #[must_use]
    pub fn body(self, bytes: usize) -> Route {
        Route { body: bytes, ..self }
    }
}

/// All routes.
#[must_use]
pub fn routes() -> Vec<Route> {
    let mut routes = Vec::new();
    routes.extend(kept::routes());
    routes.extend(api::routes());
    routes.extend(metrics::routes());
    routes.extend(page::routes());
    routes
}
