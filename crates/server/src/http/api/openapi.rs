//! The description of the interface, made of the code.

use axum::http::HeaderMap;
use axum::response::Response;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};

use super::{days, events, health, live, sensors, subjects, threats};
use crate::http::problem::Problem;
use crate::http::reply::{self, Keep};

#[derive(OpenApi)]
#[openapi(
    info(title = "maltrail", description = "Events, threats and what is known about them."),
    paths(
        days::days,
        threats::day_manifest,
        threats::chunk,
        events::of_threat,
        live::live,
        subjects::host,
        subjects::family,
        subjects::trail,
        health::health,
        sensors::sensors,
        openapi,
    ),
    security(("token" = [])),
    modifiers(&Tokens),
)]
struct Document;

struct Tokens;

impl Modify for Tokens {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let token = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some("An API token")).build();
        document.components.get_or_insert_default().add_security_scheme("token", SecurityScheme::Http(token));
    }
}

/// The OpenAPI document.
#[must_use]
pub fn document() -> utoipa::openapi::OpenApi {
    let mut document = Document::openapi();
    document.merge(crate::http::people::document());
    document
}

/// This document.
#[utoipa::path(get, path = "/api/v1/openapi.json", tag = "reading", security(()),
    responses((status = 200, content_type = "application/json", body = Object), (status = 304, description = "As it was")))]
pub(super) async fn openapi(headers: HeaderMap) -> Result<Response, Problem> {
    reply::json(&headers, &document(), Keep::Public)
}
