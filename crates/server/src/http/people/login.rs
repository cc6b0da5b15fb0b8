//! Sessions: log in, log out, change one's password, see and end one's sessions.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::sent::Sent;
use super::{By, People};
use crate::access::{Credentials, Denied, From, Role, SESSION_COOKIE};
use crate::http::app::App;
use crate::http::auth::{Client, Known};
use crate::http::problem::Problem;
use crate::http::reply::{self, Keep};
use crate::http::work;
use crate::settings::Tls;
use crate::state::SessionEntry;

/// Name and password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LoginRequest {
    /// Name of the account.
    name: String,
    /// As it is typed.
    password: String,
}

/// Who is logged in now. The session is in the cookie.
#[derive(Serialize, ToSchema)]
pub(super) struct LoginAnswer {
    name: String,
    role: Role,
    /// The password must be changed before anything else (`/api/v1/account/password`).
    must_change: bool,
    /// When the session ends at the latest.
    #[schema(value_type = String, format = DateTime)]
    expires: jiff::Timestamp,
}

/// Opens a session.
#[utoipa::path(post, path = "/login", tag = "account", security(()), request_body = LoginRequest, responses(
    (status = 200, body = LoginAnswer), (status = 400, body = Problem), (status = 401, body = Problem),
    (status = 403, body = Problem), (status = 413, body = Problem), (status = 415, body = Problem),
    (status = 429, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn login(
    State(app): State<Arc<App>>,
    Extension(people): Extension<Arc<People>>,
    client: Client,
    headers: HeaderMap,
    Sent(request): Sent<LoginRequest>,
) -> Result<Response, Problem> {
    let from = From { address: client.address, now: app.clock.now() };
    let hashing = people.hashing().await?;
    let login = work::run(&app, move |_, _| {
        let _hashing = hashing;
        people.access.login(&request.name, &request.password, from)
    })
    .await?;
    let answer = LoginAnswer {
        name: login.reader.name,
        role: login.reader.role,
        must_change: login.must_change,
        expires: login.expires,
    };
    let mut response = reply::json(&headers, &answer, Keep::Nothing)?;
    let seconds = login.expires.as_second().saturating_sub(from.now.as_second());
    set_cookie(&app, client, &login.token, seconds, response.headers_mut())?;
    Ok(response)
}

fn set_cookie(app: &App, client: Client, value: &str, seconds: i64, to: &mut HeaderMap) -> Result<(), Problem> {
    let secure = if client.secure || app.settings.tls != Tls::Off { "; Secure" } else { "" };
    let cookie = format!("{SESSION_COOKIE}={value}; Path=/; HttpOnly; SameSite=Strict; Max-Age={seconds}{secure}");
    let cookie =
        HeaderValue::try_from(cookie).map_err(|error| Problem::broken("no session could be opened", &error))?;
    to.insert(header::SET_COOKIE, cookie);
    Ok(())
}

/// Ends the session.
#[utoipa::path(post, path = "/logout", tag = "account", security(()),
    responses((status = 204, description = "Ended, if there was one"), (status = 403, body = Problem)))]
pub(super) async fn logout(
    State(app): State<Arc<App>>,
    Extension(people): Extension<Arc<People>>,
    client: Client,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let from = From { address: client.address, now: app.clock.now() };
    let credentials = Credentials::of(&headers);
    let access = people.access.clone();
    work::run(&app, move |_, _| access.logout(&credentials, from)).await?;
    let mut response = StatusCode::NO_CONTENT.into_response();
    set_cookie(&app, client, "", 0, response.headers_mut())?;
    Ok(response)
}

/// The password that is and the one that is to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PasswordRequest {
    current: String,
    /// At least 10 characters.
    new: String,
}

/// Changes one's own password. Other sessions of the account end.
#[utoipa::path(post, path = "/api/v1/account/password", tag = "account", request_body = PasswordRequest, responses(
    (status = 204, description = "Changed"), (status = 400, body = Problem), (status = 401, body = Problem),
    (status = 403, body = Problem), (status = 413, body = Problem), (status = 415, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn change_password(
    State(app): State<Arc<App>>,
    Extension(people): Extension<Arc<People>>,
    client: Client,
    headers: HeaderMap,
    Sent(request): Sent<PasswordRequest>,
) -> Result<StatusCode, Problem> {
    let credentials = Credentials::of(&headers);
    let now = app.clock.now();
    let hashing = people.hashing().await?;
    work::run(&app, move |_, _| -> Result<_, Problem> {
        let _hashing = hashing;
        let reader = people.access.reader(&credentials, true, now)?;
        people.access.change_own_password(&reader, &credentials, [&request.current, &request.new], now)?;
        let by = By { reader: Arc::new(reader), address: client.address, now };
        Ok(people.audit(&by, "account.password", &by.reader.name, "own")?)
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Who asks.
#[derive(Serialize, ToSchema)]
pub(super) struct AccountAnswer {
    name: String,
    role: Role,
    /// The password must be changed before anything else (`/api/v1/account/password`).
    must_change: bool,
}

/// Who is logged in, also where the password is to be changed first.
#[utoipa::path(get, path = "/api/v1/account", tag = "account", responses(
    (status = 200, body = AccountAnswer), (status = 401, body = Problem), (status = 403, body = Problem),
    (status = 503, body = Problem)))]
pub(super) async fn account(
    State(app): State<Arc<App>>,
    Extension(people): Extension<Arc<People>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let credentials = Credentials::of(&headers);
    let now = app.clock.now();
    let answer = work::run(&app, move |_, _| -> Result<_, Denied> {
        let must_change = match people.access.reader(&credentials, false, now) {
            Ok(_) => false,
            Err(Denied::PasswordChange) => true,
            Err(denied) => return Err(denied),
        };
        let reader = people.access.reader(&credentials, true, now)?;
        Ok(AccountAnswer { name: reader.name, role: reader.role, must_change })
    })
    .await?;
    reply::json(&headers, &answer, Keep::Nothing)
}

/// Sessions of one's own account.
#[utoipa::path(get, path = "/api/v1/account/sessions", tag = "account",
    responses((status = 200, body = Vec<SessionEntry>), (status = 401, body = Problem)))]
pub(super) async fn sessions(
    State(app): State<Arc<App>>,
    Extension(people): Extension<Arc<People>>,
    Known(reader): Known,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let now = app.clock.now();
    let sessions = work::run(&app, move |_, _| people.access.state().sessions(&reader.name, now)).await?;
    reply::json(&headers, &sessions, Keep::Nothing)
}

/// Ends all other sessions of one's own account.
#[utoipa::path(delete, path = "/api/v1/account/sessions", tag = "account",
    responses((status = 204, description = "Ended"), (status = 401, body = Problem), (status = 403, body = Problem)))]
pub(super) async fn end_sessions(
    State(app): State<Arc<App>>,
    Extension(people): Extension<Arc<People>>,
    by: By,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let credentials = Credentials::of(&headers);
    work::run(&app, move |_, _| {
        let keep = if let Credentials::Session(hash) = &credentials { Some(hash) } else { None };
        people.access.state().end_other_sessions(&by.reader.name, keep)?;
        people.audit(&by, "account.sessions", &by.reader.name, "ended")
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}
