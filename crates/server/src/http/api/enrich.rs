//! What is known of addresses, names and ports without asking anyone outside.

use std::net::IpAddr;
use std::str::FromStr;
use std::sync::{Arc, LazyLock};

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::openapi::{Address, Port};
use crate::enrich::{AddressFacts, resolvers, services};
use crate::http::app::App;
use crate::http::auth::Known;
use crate::http::extract::Ask;
use crate::http::problem::Problem;
use crate::http::reply::{self, Keep};
use crate::http::work;

/// Addresses of one request; as many names, and as many ports.
const MAX_ASKED: usize = 100;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Asked {
    /// IPv4 or IPv6 addresses, separated by commas.
    #[serde(default)]
    #[param(inline, style = Form, explode = false, required = false, value_type = Vec<Address>, max_items = 100)]
    address: String,
    /// Names of hosts, separated by commas.
    #[serde(default)]
    #[param(style = Form, explode = false, required = false, value_type = Vec<String>, max_items = 100)]
    name: String,
    /// Ports, separated by commas.
    #[serde(default)]
    #[param(inline, style = Form, explode = false, required = false, value_type = Vec<Port>, max_items = 100)]
    port: String,
}

/// What is known, in the order in which it was asked for.
#[derive(Serialize, ToSchema)]
pub(super) struct Enriched {
    addresses: Vec<AddressFacts>,
    names: Vec<NameFacts>,
    ports: Vec<PortFacts>,
}

/// What is known of a name.
#[derive(Serialize, ToSchema)]
pub(super) struct NameFacts {
    /// As it was asked for.
    name: String,
    /// Who runs it, where it is a public resolver over HTTPS, TLS or QUIC.
    #[schema(value_type = Option<String>)]
    resolver: Option<&'static str>,
}

/// What is known of a port.
#[derive(Serialize, ToSchema)]
pub(super) struct PortFacts {
    port: u16,
    /// What is commonly found there; at most one for each protocol.
    #[schema(value_type = Vec<services::Service>)]
    services: &'static [services::Service],
}

/// What a comma separates; nothing of a text of nothing.
fn parts(text: &str) -> impl Iterator<Item = &str> {
    let some = !text.trim().is_empty();
    text.split(',').map(str::trim).filter(move |_| some)
}

/// Values of a parameter, as many as may be asked for.
fn list<T: FromStr>(key: &str, text: &str) -> Result<Vec<T>, Problem> {
    if parts(text).count() > MAX_ASKED {
        return Err(Problem::bad(format!("{key}: at most {MAX_ASKED} are told at a time")));
    }
    let wrong = || Problem::bad(format!("{key}: one of these is none; separate them by commas"));
    parts(text).map(|part| part.parse().map_err(|_| wrong())).collect()
}

/// What is known of addresses (country, network, name, public resolvers), names and ports. From files and tables of
/// this server alone; of addresses outside of what the reader may see, the configuration's names are not told.
#[utoipa::path(get, path = "/api/v1/enrich", tag = "reading", params(Asked),
    responses((status = 200, body = Enriched), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 503, body = Problem)))]
pub(super) async fn enrich(
    State(app): State<Arc<App>>,
    Known(reader): Known,
    Ask(asked): Ask<Asked>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let addresses: Vec<IpAddr> = list("address", &asked.address)?;
    let names: Vec<String> = list("name", &asked.name)?;
    let ports: Vec<u16> = list("port", &asked.port)?;
    let scope = reader.view();
    // A file that was replaced is read now.
    let addresses = work::run(&app, move |app, _| -> Result<Vec<AddressFacts>, Problem> {
        let facts = app.enrich.now();
        Ok(addresses.into_iter().map(|address| facts.address(address, &scope)).collect())
    })
    .await?;
    let names = names.into_iter().map(|name| NameFacts { resolver: resolvers::of_name(&name), name });
    let ports = ports.into_iter().map(|port| PortFacts { port, services: services::of_port(port) });
    let enriched = Enriched { addresses, names: names.collect(), ports: ports.collect() };
    reply::json(&headers, &enriched, Keep::Nothing)
}

/// Names of all ports that have one.
#[derive(Serialize, ToSchema)]
pub(super) struct Services {
    /// By port.
    #[schema(value_type = Vec<services::Service>)]
    services: &'static [services::Service],
}

/// The table does not change while the program runs.
static SERVICES: LazyLock<Vec<u8>> =
    LazyLock::new(|| serde_json::to_vec(&Services { services: services::all() }).unwrap_or_default());

/// What well-known ports are for, all of them: to be kept by the page, which names ports by itself.
#[utoipa::path(get, path = "/api/v1/services", tag = "reading",
    responses((status = 200, body = Services), (status = 304, description = "As it was"),
        (status = 401, body = Problem)))]
pub(super) async fn services(headers: HeaderMap) -> Result<Response, Problem> {
    reply::bytes(&headers, "application/json", &SERVICES, Keep::Ask)
}
