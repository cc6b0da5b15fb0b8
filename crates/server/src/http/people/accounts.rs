//! Accounts, for administrators.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::sent::Sent;
use super::{By, People};
use crate::access::{AccountChange, AccountEntry};
use crate::http::app::App;
use crate::http::extract::Segment;
use crate::http::problem::Problem;
use crate::http::reply::{self, Keep};
use crate::http::work;

/// Accounts that can log in.
#[utoipa::path(get, path = "/api/v1/accounts", tag = "accounts", responses(
    (status = 200, body = Vec<AccountEntry>), (status = 401, body = Problem), (status = 403, body = Problem)))]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    Extension(people): Extension<Arc<People>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let accounts = work::run(&app, move |_, _| people.access.accounts()).await?;
    reply::json(&headers, &accounts, Keep::Nothing)
}

/// An account to be made.
#[derive(Deserialize, ToSchema)]
pub(super) struct NewAccount {
    name: String,
    #[serde(flatten)]
    account: AccountChange,
}

/// What was made.
#[derive(Serialize, ToSchema)]
pub(super) struct MadeAccount {
    name: String,
    /// Where none was given: shown this once, and to be changed at the first login.
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<String>,
}

/// Makes an account.
#[utoipa::path(post, path = "/api/v1/accounts", tag = "accounts", request_body = NewAccount, responses(
    (status = 200, body = MadeAccount), (status = 400, body = Problem), (status = 401, body = Problem),
    (status = 403, body = Problem), (status = 409, body = Problem), (status = 413, body = Problem), (status = 415, body = Problem)))]
pub(super) async fn add(
    State(app): State<Arc<App>>,
    Extension(people): Extension<Arc<People>>,
    by: By,
    headers: HeaderMap,
    Sent(new): Sent<NewAccount>,
) -> Result<Response, Problem> {
    let hashing = people.hashing().await?;
    let made = work::run(&app, move |_, _| -> Result<_, Problem> {
        let _hashing = hashing;
        let password = people.access.add_account(&new.name, &new.account, by.now)?;
        people.audit(&by, "account.add", &new.name, "")?;
        Ok(MadeAccount { name: new.name, password })
    })
    .await?;
    reply::json(&headers, &made, Keep::Nothing)
}

/// Changes an account. A new password ends its sessions.
#[utoipa::path(put, path = "/api/v1/accounts/{name}", tag = "accounts", params(("name" = String, Path)),
    request_body = AccountChange, responses((status = 204, description = "Changed"), (status = 400, body = Problem),
    (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem),
    (status = 413, body = Problem), (status = 415, body = Problem)))]
pub(super) async fn change(
    State(app): State<Arc<App>>,
    Extension(people): Extension<Arc<People>>,
    by: By,
    Segment(name): Segment<String>,
    Sent(change): Sent<AccountChange>,
) -> Result<StatusCode, Problem> {
    let hashing = people.hashing().await?;
    work::run(&app, move |_, _| -> Result<_, Problem> {
        let _hashing = hashing;
        people.access.change_account(&name, &change, by.now)?;
        Ok(people.audit(&by, "account.change", &name, "")?)
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Removes an account with its sessions and tokens.
#[utoipa::path(delete, path = "/api/v1/accounts/{name}", tag = "accounts", params(("name" = String, Path)), responses(
    (status = 204, description = "Removed"), (status = 401, body = Problem), (status = 403, body = Problem),
    (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(super) async fn remove(
    State(app): State<Arc<App>>,
    Extension(people): Extension<Arc<People>>,
    by: By,
    Segment(name): Segment<String>,
) -> Result<StatusCode, Problem> {
    work::run(&app, move |_, _| -> Result<_, Problem> {
        people.access.remove_account(&name, by.now)?;
        Ok(people.audit(&by, "account.remove", &name, "")?)
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}
