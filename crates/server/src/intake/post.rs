//! Batches over HTTPS: `POST /api/v1/intake`.
//!
//! The token names the sensor. Events bear that name in the end, whatever they said: who sent them is known, what they
//! call themselves is not; how many were named anew is answered and counted. A batch is acknowledged when it is on disk,
//! and recognised by its name (sensor and id) when it comes again: its events and its observables each for themselves,
//! so that neither is lost nor counted twice whatever ends in between.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use event::observable::Observable;
use serde::Serialize;
use tokio::sync::Semaphore;
use utoipa::{OpenApi, ToSchema};

use super::batch::{BatchError, Limits, Packing, unpack};
use super::counters::{Counters, Way, add};
use super::tally::{Reason, Tally};
use crate::access::{Access, Credentials};
use crate::http::reply::{self, Keep};
use crate::http::{App, Problem, Route, Slots, Who, body, work};
use crate::observables::{Origin, Taken as Observed};
use crate::store::record::{Unfit, Window};
use crate::store::{Appended, Batch, Stored};

/// Name of the header that names a batch.
const BATCH: &str = "maltrail-batch";
/// Longest name of a batch, characters.
const MAX_LABEL: usize = 128;
/// Bytes of a body as it is sent.
const MAX_PACKED: usize = 4 << 20;
/// Batches whose bodies are held at the same time.
const AT_ONCE: usize = 4;
/// Longest wait for one of these places.
const PATIENCE: Duration = Duration::from_secs(10);
/// A body must come within this time.
const BODY_PATIENCE: Duration = Duration::from_secs(30);
/// Batches that are taken or wait, of all sensors and of one.
const WAITING: (usize, usize) = (256, 4);

/// What the handler shares.
struct Desk {
    access: Arc<Access>,
    waiting: Arc<Slots<String>>,
    places: Arc<Semaphore>,
}

/// The route of the intake.
#[must_use]
pub fn routes(access: Arc<Access>) -> Vec<Route> {
    let (all, each) = WAITING;
    let desk = Arc::new(Desk { access, waiting: Slots::new(all, each), places: Arc::new(Semaphore::new(AT_ONCE)) });
    let handler = move |State(app): State<Arc<App>>, request: Request| intake(app, desk.clone(), request);
    vec![Route::post("/api/v1/intake", Who::Anyone, handler).body(MAX_PACKED)]
}

#[derive(OpenApi)]
#[openapi(paths(intake))]
struct Document;

/// What this module answers.
pub(crate) fn document() -> utoipa::openapi::OpenApi {
    Document::openapi()
}

/// What became of a batch. What was written is on disk.
#[derive(Debug, Serialize, ToSchema)]
struct Taken {
    /// Events that were written now.
    written: u64,
    /// Observables that were added now.
    observables: u64,
    /// Lines and events that were not taken, by reason. Sending them again changes nothing.
    #[schema(value_type = BTreeMap<String, u64>, example = json!({"malformed": 1, "too-old": 2}))]
    refused: BTreeMap<&'static str, u64>,
    /// Whether the batch was known from before, and nothing was written.
    repeated: bool,
    /// Events whose sensor was named otherwise than the token.
    renamed: u64,
}

/// A batch as it came.
struct Sent {
    sensor: String,
    id: String,
    packing: Packing,
    body: bytes::Bytes,
}

/// Takes events and observables of a sensor: lines of its journal, and of what it saw at all.
///
/// The answer comes when they are on disk. Without an answer, or with 408, 429 or 5xx, the same batch is sent again
/// under the same name: it is recognised. Other answers are final.
#[utoipa::path(post, path = "/api/v1/intake", tag = "intake",
    params(
        ("maltrail-batch" = String, Header, description = "Unique for each batch of a sensor", max_length = 128, pattern = "^[A-Za-z0-9._-]{1,128}$"),
        ("content-encoding" = Option<String>, Header, description = "zstd or gzip"),
    ),
    request_body(content = String, content_type = "application/x-ndjson", description = "One event of the journal, or one observable, on each line"),
    responses(
        (status = 200, body = Taken),
        (status = 400, body = Problem, description = "No name of a batch, or a body that cannot be unpacked"),
        (status = 401, body = Problem), (status = 403, body = Problem, description = "The token is not a sensor's"),
        (status = 408, body = Problem, description = "The body did not come in time"),
        (status = 413, body = Problem, description = "Too large, packed or unpacked; smaller batches are taken"),
        (status = 415, body = Problem, description = "A content coding that is not known"),
        (status = 429, body = Problem, description = "Too many batches of this sensor at the same time"),
        (status = 503, body = Problem, description = "The record cannot be written, or too much is going on; nothing was taken"),
    ))]
async fn intake(app: Arc<App>, desk: Arc<Desk>, request: Request) -> Result<Response, Problem> {
    let (parts, content) = request.into_parts();
    let sensor = sensor(&app, &desk, &parts.headers).await?;
    let (id, packing) = (label(&parts.headers)?, packing(&parts.headers)?);
    let waiting = desk.waiting.take(Some(sensor.clone())).map_err(|full| busy(&app, full))?;
    let place = tokio::time::timeout(PATIENCE, desk.places.clone().acquire_owned()).await;
    let Ok(Ok(place)) = place else { return Err(busy(&app, crate::http::Full::All)) };
    let body = body(content, BODY_PATIENCE).await.inspect_err(|_| add(&app.intake.refused_batches, 1))?;
    let sent = Sent { sensor, id, packing, body };
    let taken = work::run(&app, move |app, _| {
        // They go with the body, which is held even when its client has gone.
        let _held = (waiting, place);
        take(app, sent)
    })
    .await?;
    reply::json(&parts.headers, &taken, Keep::Nothing)
}

/// Who sends.
async fn sensor(app: &Arc<App>, desk: &Arc<Desk>, headers: &HeaderMap) -> Result<String, Problem> {
    let (access, credentials, now) = (desk.access.clone(), Credentials::of(headers), app.clock.now());
    let sensor = work::run(app, move |_, _| access.sensor(&credentials, now)).await;
    sensor.inspect_err(|_| app.counters.denied.add())
}

fn busy(app: &App, full: crate::http::Full) -> Problem {
    add(&app.intake.busy_batches, 1);
    match full {
        crate::http::Full::All => Problem::busy("too many batches are being taken; send it again in a moment"),
        crate::http::Full::Key => {
            let what = "too many batches of this sensor at the same time; wait for their answers";
            Problem::new(StatusCode::TOO_MANY_REQUESTS, what)
        }
    }
}

/// The name of the batch.
fn label(headers: &HeaderMap) -> Result<String, Problem> {
    let mut values = headers.get_all(BATCH).iter();
    let (Some(value), None) = (values.next().and_then(|value| value.to_str().ok()), values.next()) else {
        return Err(Problem::bad(format!("name the batch in the header {BATCH}, once")));
    };
    let known = |character: char| character.is_ascii_alphanumeric() || matches!(character, '.' | '_' | '-');
    if value.is_empty() || value.len() > MAX_LABEL || !value.chars().all(known) {
        let what = format!("{BATCH} has 1 to {MAX_LABEL} characters: letters, digits, dots, hyphens and underscores");
        return Err(Problem::bad(what));
    }
    Ok(value.to_owned())
}

fn packing(headers: &HeaderMap) -> Result<Packing, Problem> {
    let mut values = headers.get_all(header::CONTENT_ENCODING).iter();
    let packing = match (values.next(), values.next()) {
        (None, _) => Some(Packing::Plain),
        (Some(value), None) => value.to_str().ok().and_then(Packing::of),
        (Some(_), Some(_)) => None,
    };
    let what = "send the body as it is, or with one content coding: zstd or gzip";
    packing.ok_or_else(|| Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, what))
}

/// Reads a batch and writes it.
fn take(app: &App, sent: Sent) -> Result<Taken, Problem> {
    let counters: &Counters = &app.intake;
    let Sent { sensor, id, packing, body } = sent;
    let unpacked = unpack(&body, packing, &Limits::default()).map_err(|error| {
        add(&counters.refused_batches, 1);
        let status = match error {
            BatchError::Bytes(_) | BatchError::Lines(_) => StatusCode::PAYLOAD_TOO_LARGE,
            BatchError::Damaged(_) => StatusCode::BAD_REQUEST,
        };
        Problem::new(status, error.to_string())
    })?;
    drop(body);
    let mut refused = Tally::of(&unpacked);
    let mut renamed = 0;
    let events = unpacked.events.into_iter().map(|mut event| {
        if event.sensor != sensor {
            renamed += u64::from(!event.sensor.is_empty());
            event.sensor.clone_from(&sensor);
        }
        Stored { event, line: None }
    });
    let batch = Batch { events: events.collect(), id: format!("{sensor}/{id}") };
    let sent = batch.events.len() as u64;
    let now = app.clock.now();
    let appended = append(app, &batch, &sensor)?;
    let observed = observe(app, &batch.id, &unpacked.observables, &sensor)?;
    add(&counters.batches, 1);
    counters.receive(Way::Https, sent + refused.total());
    if appended.repeated {
        add(&counters.repeated, sent);
    }
    // What a crash left of a batch is one part of it: the other is taken now.
    let known = |none: bool, repeated: bool| none || repeated;
    let whole = known(sent == 0, appended.repeated) && known(unpacked.observables.is_empty(), observed.repeated);
    if whole && (appended.repeated || observed.repeated) {
        add(&counters.repeated_batches, 1);
        // What was refused of it was answered, and counted, when it came first.
        add(&counters.repeated, refused.total());
        return Ok(Taken { written: 0, observables: 0, refused: BTreeMap::new(), repeated: true, renamed: 0 });
    }
    refused.unfit(&batch, &appended, (Window::of(&app.settings), now));
    counters.write(Way::Https, appended.written);
    counters.refuse(Way::Https, &refused);
    add(&counters.renamed, renamed);
    refused.add(Reason::Unfit(Unfit::Early), observed.early);
    refused.add(Reason::Unfit(Unfit::Late), observed.late);
    let (written, observables) = (appended.written, observed.taken);
    Ok(Taken { written, observables, refused: refused.named(), repeated: false, renamed })
}

/// Writes the events of a batch.
fn append(app: &App, batch: &Batch, sensor: &str) -> Result<Appended, Problem> {
    if batch.events.is_empty() {
        return Ok(Appended { written: 0, refused: 0, repeated: false });
    }
    app.store.append(batch).map_err(|error| {
        add(&app.intake.failed_batches, 1);
        tracing::error!("a batch of {sensor} is not acknowledged: {error}");
        Problem::busy("the events cannot be written, none was taken; the server's log says why. Send the batch again")
    })
}

/// Adds the observables of a batch.
fn observe(app: &App, batch: &str, observables: &[Observable], sensor: &str) -> Result<Observed, Problem> {
    if observables.is_empty() {
        return Ok(Observed::default());
    }
    app.observables.take(Origin::Batch(batch), observables, app.clock.now()).map_err(|error| {
        add(&app.intake.failed_batches, 1);
        tracing::error!("a batch of {sensor} is not acknowledged: {error}");
        Problem::busy("the observables cannot be written; the server's log says why. Send the batch again")
    })
}
