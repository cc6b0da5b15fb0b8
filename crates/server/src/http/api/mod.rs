//! `/api/v1`: what the page and scripts read. Described by the document under `/api/v1/openapi.json`, which is made of
//! the code; a test holds it against the table of routes.

mod days;
mod enrich;
mod events;
mod feeds;
mod health;
pub(super) mod hunt;
mod live;
mod observables;
mod openapi;
mod sensors;
mod subjects;
mod tally;
mod threats;

pub use openapi::document;
pub(super) use sensors::KnownSensors;

use super::lists;
use super::routes::{Route, Who};

/// Routes that read.
pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/api/v1/days", Who::Reader, days::days),
        Route::get("/api/v1/threats/{day}", Who::Reader, threats::day_manifest),
        Route::get("/api/v1/threats/{day}/{chunk}", Who::Reader, threats::chunk),
        Route::get("/api/v1/threats/{id}/events", Who::Reader, events::of_threat),
        Route::get("/api/v1/live", Who::Reader, live::live),
        Route::get("/api/v1/hosts/{address}", Who::Reader, subjects::host),
        Route::get("/api/v1/families/{name}", Who::Reader, subjects::family),
        Route::get("/api/v1/trails/{trail}", Who::Reader, subjects::trail),
        Route::get("/api/v1/observables", Who::Reader, observables::values),
        Route::get("/api/v1/observables/hosts", Who::Reader, observables::hosts),
        Route::get("/api/v1/observables/pairs", Who::Reader, observables::pairs),
        Route::get("/api/v1/health", Who::Reader, health::health),
        Route::get("/api/v1/feeds", Who::Reader, feeds::feeds),
        Route::get("/api/v1/sensors", Who::Reader, sensors::sensors),
        Route::get("/api/v1/enrich", Who::Reader, enrich::enrich),
        Route::get("/api/v1/services", Who::Reader, enrich::services),
        Route::get("/api/v1/hunt", Who::Reader, hunt::hunt),
        Route::get("/api/v1/blocklist", Who::Reader, lists::blocklist),
        Route::get("/api/v1/openapi.json", Who::Anyone, openapi::openapi),
    ]
}
