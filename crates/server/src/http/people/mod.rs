//! What people do here: log in, change passwords, manage accounts and tokens, triage, views, rules; and the audit of it.
//!
//! Each handler reads its request, does one thing with [`Access`] or the state, and writes what was done into the audit.
//! None of them sees events but triage, which asks the store whether its author may see the threat.

mod accounts;
mod audit;
mod document;
mod login;
mod rules;
mod sent;
mod tokens;
mod triage;
mod views;

use std::net::IpAddr;
use std::sync::Arc;

use axum::Extension;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use jiff::Timestamp;
use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

pub(super) use document::document;

use super::app::App;
use super::auth::{Authenticate, Client, Denied, Known};
use super::problem::Problem;
use super::reply::{self, Keep};
use super::routes::{Route, Who};
use crate::access::{self, Access, AccountError, Credentials, LoginError, Reader};
use crate::state::{AuditEntry, Outcome, StateError};

/// Passwords that are hashed at the same time: each takes a core and 19 MiB.
const HASHING: usize = 2;
/// Bytes of a body that changes the triage of many threats.
const MAX_BULK: usize = 1 << 20;

/// What the handlers share.
pub(super) struct People {
    access: Arc<Access>,
    hashing: Arc<Semaphore>,
}

/// Routes of accounts and of what they write.
#[must_use]
pub fn routes(access: Arc<Access>) -> Vec<Route> {
    let people = Arc::new(People { access, hashing: Arc::new(Semaphore::new(HASHING)) });
    let routes = vec![
        Route::post("/login", Who::Anyone, login::login),
        Route::post("/logout", Who::Anyone, login::logout),
        Route::get("/api/v1/account", Who::Anyone, login::account),
        // Also for those who must change it before anything else, whom the gate does not know yet.
        Route::post("/api/v1/account/password", Who::Anyone, login::change_password),
        Route::get("/api/v1/account/sessions", Who::Reader, login::sessions),
        Route::delete("/api/v1/account/sessions", Who::Reader, login::end_sessions),
        Route::get("/api/v1/accounts", Who::Administrator, accounts::list),
        Route::post("/api/v1/accounts", Who::Administrator, accounts::add),
        Route::put("/api/v1/accounts/{name}", Who::Administrator, accounts::change),
        Route::delete("/api/v1/accounts/{name}", Who::Administrator, accounts::remove),
        Route::get("/api/v1/tokens", Who::Reader, tokens::list),
        Route::post("/api/v1/tokens", Who::Reader, tokens::add),
        Route::delete("/api/v1/tokens/{id}", Who::Reader, tokens::remove),
        Route::get("/api/v1/triage", Who::Reader, triage::since),
        Route::post("/api/v1/triage", Who::Reader, triage::change).body(MAX_BULK),
        Route::get("/api/v1/triage/{id}", Who::Reader, triage::one),
        Route::get("/api/v1/views", Who::Reader, views::list),
        Route::post("/api/v1/views", Who::Reader, views::add),
        Route::put("/api/v1/views/{id}", Who::Reader, views::change),
        Route::delete("/api/v1/views/{id}", Who::Reader, views::remove),
        Route::get("/api/v1/rules", Who::Reader, rules::list),
        Route::post("/api/v1/rules", Who::Administrator, rules::add),
        Route::put("/api/v1/rules/{id}", Who::Administrator, rules::change),
        Route::delete("/api/v1/rules/{id}", Who::Administrator, rules::remove),
        Route::get("/api/v1/audit", Who::Administrator, audit::list),
    ];
    routes.into_iter().map(|route| Route { handler: route.handler.layer(Extension(people.clone())), ..route }).collect()
}

/// Who asks, from where, when: what the audit tells of a change.
struct By {
    reader: Arc<Reader>,
    address: IpAddr,
    now: Timestamp,
}

impl FromRequestParts<Arc<App>> for By {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let Known(reader) = Known::from_request_parts(parts, app).await?;
        let client = Client::from_request_parts(parts, app).await?;
        Ok(By { reader, address: client.address, now: app.clock.now() })
    }
}

impl People {
    /// A place for hashing a password. Goes with the work, which ends even when its client has gone.
    async fn hashing(&self) -> Result<OwnedSemaphorePermit, Problem> {
        self.hashing.clone().acquire_owned().await.map_err(|_| Problem::busy("the server is about to end"))
    }

    /// Writes into the audit.
    fn audit(&self, by: &By, action: &str, subject: &str, detail: &str) -> Result<(), StateError> {
        self.access.state().audit(&AuditEntry {
            id: 0,
            time: by.now,
            who: by.reader.name.clone(),
            address: by.address.to_string(),
            action: action.to_owned(),
            subject: subject.to_owned(),
            detail: detail.to_owned(),
        })
    }
}

/// What became of a change of something that others change too; `missing` is said where there is no such thing.
fn answer<T: Serialize>(headers: &HeaderMap, outcome: Outcome<T>, missing: &str) -> Result<Response, Problem> {
    match outcome {
        Outcome::Done(now) => reply::json(headers, &now, Keep::Nothing),
        Outcome::Conflict(now) => {
            Ok((StatusCode::CONFLICT, reply::json(headers, &now, Keep::Nothing)?).into_response())
        }
        Outcome::Missing => Err(Problem::missing(missing)),
    }
}

impl Authenticate for Access {
    fn reader(&self, parts: &Parts, _client: IpAddr, now: Timestamp) -> Result<Reader, Denied> {
        let credentials = Credentials::of(&parts.headers);
        Access::reader(self, &credentials, false, now).map_err(|denied| match denied {
            access::Denied::Unknown if credentials == Credentials::None => Denied::Stranger,
            access::Denied::Unknown => Denied::Refused,
            access::Denied::State(error) => Denied::Unavailable(error.to_string()),
            denied => Denied::Until(denied.to_string()),
        })
    }
}

impl From<access::Denied> for Problem {
    fn from(denied: access::Denied) -> Problem {
        match denied {
            access::Denied::Unknown => Problem::stranger(),
            access::Denied::State(error) => error.into(),
            denied => Problem::forbidden(denied.to_string()),
        }
    }
}

impl From<StateError> for Problem {
    fn from(error: StateError) -> Problem {
        match error {
            limit @ StateError::Limit { .. } => Problem::new(StatusCode::CONFLICT, limit.to_string()),
            error => Problem::broken("accounts and triage could not be read or written", &error),
        }
    }
}

impl From<AccountError> for Problem {
    fn from(error: AccountError) -> Problem {
        match error {
            AccountError::State(error) => error.into(),
            AccountError::Denied(denied) => denied.into(),
            AccountError::Random(error) => Problem::broken("no account could be changed", &error),
            AccountError::Missing(_) => Problem::missing(error.to_string()),
            AccountError::Exists(_) | AccountError::LastAdministrator(_) => {
                Problem::new(StatusCode::CONFLICT, error.to_string())
            }
            error => Problem::bad(error.to_string()),
        }
    }
}

impl From<LoginError> for Problem {
    fn from(error: LoginError) -> Problem {
        match error {
            LoginError::Wrong => Problem::new(StatusCode::UNAUTHORIZED, error.to_string()),
            LoginError::Wait(_) => Problem::too_many(error.to_string()),
            LoginError::DefaultPassword => Problem::forbidden(error.to_string()),
            LoginError::Denied(denied) => denied.into(),
            LoginError::State(error) => error.into(),
            LoginError::Random(error) => Problem::broken("no session could be opened", &error),
        }
    }
}
