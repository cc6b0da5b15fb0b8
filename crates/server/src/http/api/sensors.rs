//! Sensors by their events: when each was last heard of.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use event::RETRO_SENSOR;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use crate::Scope;
use crate::http::app::App;
use crate::http::auth::Known;
use crate::http::problem::Problem;
use crate::http::reply::{self, Keep};
use crate::http::work::{self, Cancelled};
use crate::store::{Filter, Query};

/// How far back is looked.
const BACK: SignedDuration = SignedDuration::from_hours(24);

/// How long an answer is given again.
const FRESH: SignedDuration = SignedDuration::from_secs(30);

/// Most sensors. Names come from events: more are refused, and told.
const MAX_SENSORS: usize = 4096;

/// Sensors heard of within a day.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct Sensors {
    /// When this was looked at; up to half a minute ago.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// From when on events were looked at.
    #[schema(value_type = String, format = DateTime)]
    since: Timestamp,
    sensors: Vec<Sensor>,
    /// Whether there are more names than are told.
    capped: bool,
}

/// One of them.
#[derive(Clone, Serialize, ToSchema)]
pub(in crate::http) struct Sensor {
    site: String,
    sensor: String,
    /// Time of its last event.
    #[schema(value_type = String, format = DateTime)]
    last: Timestamp,
    /// Its events in this time (sum of counts).
    events: u64,
}

/// Answers of the last half minute, for each scope.
pub(in crate::http) type KnownSensors = crate::http::recent::Recent<Scope, Arc<Sensors>>;

/// Sensors that sent events within the last 24 hours.
#[utoipa::path(get, path = "/api/v1/sensors", tag = "reading",
    responses((status = 200, body = Sensors), (status = 401, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn sensors(
    State(app): State<Arc<App>>,
    Known(reader): Known,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (scope, now) = (reader.view(), app.clock.now());
    let known = app.sensors.get(&scope).filter(|known| now.duration_since(known.at) < FRESH && now >= known.at);
    let sensors = match known {
        Some(known) => known,
        None => work::run(&app, move |app, cancelled| look(app, scope, now, cancelled)).await?,
    };
    reply::json(&headers, &*sensors, Keep::Nothing)
}

fn look(app: &App, scope: Scope, now: Timestamp, cancelled: &Cancelled) -> Result<Arc<Sensors>, Problem> {
    let since = now.checked_sub(BACK).unwrap_or(Timestamp::MIN);
    // Clocks of sensors may be ahead.
    let to = now.checked_add(BACK).unwrap_or(Timestamp::MAX);
    let query = Query { from: since, to, scope: scope.clone(), filter: Filter::All, newest_first: false };
    let mut found: BTreeMap<(String, String), Sensor> = BTreeMap::new();
    let mut capped = false;
    work::each(app, &query, cancelled, |stored| {
        let event = &stored.event;
        if event.sensor == RETRO_SENSOR {
            return;
        }
        let key = (event.site.clone(), event.sensor.clone());
        if let Some(sensor) = found.get_mut(&key) {
            sensor.last = sensor.last.max(event.last);
            sensor.events = sensor.events.saturating_add(event.count);
        } else if found.len() < MAX_SENSORS {
            let (site, sensor) = key.clone();
            found.insert(key, Sensor { site, sensor, last: event.last, events: event.count });
        } else {
            capped = true;
        }
    })?;
    let sensors = Arc::new(Sensors { at: now, since, sensors: found.into_values().collect(), capped });
    app.sensors.put(scope, sensors.clone());
    Ok(sensors)
}
