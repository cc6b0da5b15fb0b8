//! This part of the description of the interface.

use utoipa::OpenApi;

use super::{accounts, audit, login, rules, tokens, triage, views};

#[derive(OpenApi)]
#[openapi(paths(
    login::login,
    login::logout,
    login::change_password,
    login::account,
    login::sessions,
    login::end_sessions,
    accounts::list,
    accounts::add,
    accounts::change,
    accounts::remove,
    tokens::list,
    tokens::add,
    tokens::remove,
    triage::since,
    triage::change,
    triage::one,
    views::list,
    views::add,
    views::change,
    views::remove,
    rules::list,
    rules::add,
    rules::change,
    rules::remove,
    audit::list,
))]
struct Document;

/// What this module answers.
pub(in crate::http) fn document() -> utoipa::openapi::OpenApi {
    Document::openapi()
}
