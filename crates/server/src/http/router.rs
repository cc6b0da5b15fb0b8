//! From the table of routes to what answers requests: who asks, whether they may, what every answer carries.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, StatusCode, Version, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use http_body_util::Limited;

use super::app::App;
use super::auth::{Client, Denied, Known, Peer};
use super::problem::Problem;
use super::routes::{Route, Who};
use super::secure;
use crate::access::Role;
use crate::settings::Tls;

/// Longest path with its query, bytes.
const MAX_TARGET: usize = 8 * 1024;

/// A gate before one route.
#[derive(Clone)]
struct Gate {
    app: Arc<App>,
    who: Who,
    body: usize,
}

/// What answers the routes; everything else is refused.
pub fn router(app: &Arc<App>, routes: Vec<Route>) -> Router {
    let mut router = Router::new();
    for route in routes {
        let gate = Gate { app: app.clone(), who: route.who, body: route.body };
        router = router.route(route.path, route.handler.layer(middleware::from_fn_with_state(gate, pass)));
    }
    router
        .fallback(async || {
            Problem::missing("there is nothing under this path; /api/v1/openapi.json lists what there is")
        })
        .method_not_allowed_fallback(async || {
            Problem::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "this path does not take this method; Allow says which it takes",
            )
        })
        .layer(middleware::from_fn_with_state(app.clone(), around))
        .with_state(app.clone())
}

/// Around every request, also those that reach no route.
async fn around(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<Peer>().copied();
    let Some(peer) = peer else { return Problem::broken("the request has no peer", &"no listener").into_response() };
    let client = Client::of(peer, request.headers(), &app.settings.trusted_proxies);
    request.extensions_mut().insert(client);
    // A body of which two programs may see two ends is the last thing on its connection (RFC 9112, 6.1).
    let ambiguous = request.version() <= Version::HTTP_11 && request.headers().contains_key(header::TRANSFER_ENCODING);
    let long = request.uri().path_and_query().is_some_and(|target| target.as_str().len() > MAX_TARGET);
    let mut response = if long {
        Problem::new(StatusCode::URI_TOO_LONG, "the path is too long").into_response()
    } else if request.method() == Method::TRACE || request.method() == Method::CONNECT {
        Problem::new(StatusCode::METHOD_NOT_ALLOWED, "neither TRACE nor CONNECT is served").into_response()
    } else {
        next.run(request).await
    };
    let strict = client.secure && !matches!(app.settings.tls, Tls::SelfSigned);
    secure::headers(response.headers_mut(), strict);
    if ambiguous {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    app.counters.answered(response.status().as_u16());
    response
}

/// Before one route.
async fn pass(State(gate): State<Gate>, request: Request, next: Next) -> Response {
    match gate.open(request) {
        Ok(request) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

impl Gate {
    fn open(&self, request: Request) -> Result<Request, Problem> {
        let (mut parts, body) = request.into_parts();
        let counters = &self.app.counters;
        let client = parts.extensions.get::<Client>().copied();
        let client = client.ok_or_else(|| Problem::broken("the request has no client", &"no listener"))?;
        if secure::cross_site(&parts, client) {
            counters.cross_site.add();
            return Err(Problem::forbidden("this was sent by a page of another site; use this server's own page"));
        }
        match self.app.access.reader(&parts, client.address, self.app.clock.now()) {
            Ok(reader) if self.who == Who::Administrator && reader.role < Role::Administrator => {
                counters.denied.add();
                return Err(Problem::forbidden("only administrators may do this"));
            }
            Ok(reader) => {
                parts.extensions.insert(Known(Arc::new(reader)));
            }
            Err(Denied::Unavailable(why)) => return Err(Denied::Unavailable(why).into()),
            Err(_) if self.who == Who::Anyone => {}
            Err(denied) => {
                counters.denied.add();
                return Err(denied.into());
            }
        }
        let told = parts.headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
        if told.is_some_and(|length: u64| length > u64::try_from(self.body).unwrap_or(u64::MAX)) {
            let detail = format!("the body is too large; at most {} bytes are taken here", self.body);
            return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail));
        }
        Ok(Request::from_parts(parts, Body::new(Limited::new(body, self.body))))
    }
}

/// The whole body of a request, within the route's limit and a time.
///
/// # Errors
/// It is too large, does not come in time, or its connection broke.
pub async fn body(body: Body, within: Duration) -> Result<bytes::Bytes, Problem> {
    use http_body_util::BodyExt as _;
    match tokio::time::timeout(within, body.collect()).await {
        Ok(Ok(whole)) => Ok(whole.to_bytes()),
        Ok(Err(error)) => {
            let too_large = std::iter::successors(Some(&error as &dyn std::error::Error), |e| e.source())
                .any(|error| error.is::<http_body_util::LengthLimitError>());
            let status = if too_large { StatusCode::PAYLOAD_TOO_LARGE } else { StatusCode::BAD_REQUEST };
            Err(Problem::new(status, format!("the body could not be read: {error}")))
        }
        Err(_) => Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "the body did not come in time")),
    }
}
