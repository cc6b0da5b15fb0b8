//! The description of the interface, made of the code.

use std::sync::LazyLock;

use axum::http::HeaderMap;
use axum::response::Response;
use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder, SchemaFormat, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Content, Ref, RefOr, ResponseBuilder, Schema};
use utoipa::{Modify, OpenApi};

use super::{days, enrich, events, feeds, health, hunt, live, observables, sensors, subjects, threats};
use crate::http::problem::Problem;
use crate::http::reply::Fixed;

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
        observables::values,
        observables::hosts,
        observables::pairs,
        health::health,
        feeds::feeds,
        sensors::sensors,
        enrich::enrich,
        enrich::services,
        hunt::hunt,
        crate::http::lists::blocklist,
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

/// An address of a host.
pub(super) struct Address;

impl utoipa::PartialSchema for Address {
    fn schema() -> RefOr<Schema> {
        OneOfBuilder::new().item(text("ipv4")).item(text("ipv6")).into()
    }
}

/// Text of a format.
fn text(format: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).format(Some(SchemaFormat::Custom(format.into())))
}

/// A day or an instant, or nothing.
pub(super) struct Moment;

impl utoipa::PartialSchema for Moment {
    fn schema() -> RefOr<Schema> {
        let nothing = ObjectBuilder::new().schema_type(Type::String).max_length(Some(0));
        OneOfBuilder::new().item(text("date")).item(text("date-time")).item(nothing).into()
    }
}

impl utoipa::ToSchema for Moment {}

impl utoipa::ToSchema for Address {}

/// A TCP or UDP port.
pub(super) struct Port;

impl utoipa::PartialSchema for Port {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0)).maximum(Some(u16::MAX)).into()
    }
}

impl utoipa::ToSchema for Port {}

/// What holds for every call: a target that is too long, and the media type of problem documents, which stands behind
/// every status that is an error.
fn problems(document: &mut utoipa::openapi::OpenApi) {
    let items = document.paths.paths.values_mut();
    let operations =
        items.flat_map(|item| [&mut item.get, &mut item.put, &mut item.post, &mut item.delete, &mut item.patch]);
    for operation in operations.flatten() {
        let json = Content::new(Some(Ref::from_schema_name("Problem")));
        let long = ResponseBuilder::new().description("Path and query are too long").content("application/json", json);
        operation.responses.responses.insert("414".to_owned(), long.build().into());
        let errors = operation.responses.responses.iter_mut().filter(|(status, _)| status.starts_with(['4', '5']));
        for (_, response) in errors {
            let RefOr::T(response) = response else { continue };
            if let Some(body) = response.content.shift_remove("application/json") {
                response.content.insert("application/problem+json".to_owned(), body);
            }
        }
    }
}

/// The OpenAPI document.
#[must_use]
pub fn document() -> utoipa::openapi::OpenApi {
    let mut document = Document::openapi();
    document.merge(crate::http::people::document());
    document.merge(crate::intake::document());
    problems(&mut document);
    document
}

/// This document.
#[utoipa::path(get, path = "/api/v1/openapi.json", tag = "reading", security(()),
    responses((status = 200, content_type = "application/json", body = Object), (status = 304, description = "As it was")))]
pub(super) async fn openapi(headers: HeaderMap) -> Result<Response, Problem> {
    static WRITTEN: LazyLock<Result<Fixed, String>> = LazyLock::new(|| {
        let written = serde_json::to_vec(&document()).map_err(|error| error.to_string())?;
        Ok(Fixed::new("application/json", written.into()))
    });
    match &*WRITTEN {
        Ok(written) => written.answer(&headers),
        Err(error) => Err(Problem::broken("the description cannot be written", error)),
    }
}
