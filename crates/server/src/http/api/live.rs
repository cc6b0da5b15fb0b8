//! The live stream: what changes the threats of today, as it arrives.
//!
//! `hello {cursor}`, then `delta {cursor, events: [{threat, direction, shown, event}]}`; `reset {cursor}` where the client was away for
//! too long or the server was started anew (fetch the manifest again), `day {day}` at midnight of the zone shown. The
//! id of each is the cursor behind it; EventSource sends it back by itself.

use std::borrow::Cow;
use std::sync::Arc;

use axum::extract::State;
use axum::http::request::Parts;
use axum::response::Response;
use event::Event;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

use crate::access::Reader;
use crate::addresses::Local;
use crate::condense::{self, Direction, ThreatKey};
use crate::http::app::App;
use crate::http::auth::{Client, Known};
use crate::http::extract::Ask;
use crate::http::follow::{Follower, Portion, Style};
use crate::http::problem::Problem;

/// Lines of one delta.
const PORTION: usize = 2000;

/// From where on.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Asked {
    /// `cursor` of a manifest; from now on if not told. Last-Event-ID wins.
    cursor: Option<u64>,
}

/// Events as they arrive (server-sent events).
#[utoipa::path(get, path = "/api/v1/live", tag = "reading", params(Asked,
        ("last-event-id" = Option<u64>, Header, description = "Where the stream broke off")),
    responses((status = 200, content_type = "text/event-stream", body = String),
        (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 503, body = Problem, description = "Too many streams are open")))]
pub(super) async fn live(
    State(app): State<Arc<App>>,
    Known(reader): Known,
    client: Client,
    Ask(asked): Ask<Asked>,
    parts: Parts,
) -> Result<Response, Problem> {
    let cursor = Follower::cursor(&parts, asked.cursor)?;
    let follower = Follower { parts, client, reader, cursor };
    follower
        .begin(&app, Deltas)
        .ok_or_else(|| Problem::busy("too many live streams are open; close one, or raise MAX_LIVE_STREAMS"))
}

struct Deltas;

#[derive(Serialize)]
struct Delta<'e> {
    cursor: u64,
    events: Vec<Change<'e>>,
}

#[derive(Serialize)]
struct Change<'e> {
    threat: String,
    /// A value of [`Direction`]: what is local is known here alone.
    direction: u8,
    /// What was seen with its markup, as chunks have it.
    shown: Cow<'e, str>,
    event: &'e Event,
}

impl<'e> Change<'e> {
    fn of(event: &'e Event, local: &Local) -> Change<'e> {
        Change {
            threat: ThreatKey::of(event).id().to_string(),
            direction: Direction::of(event, local) as u8,
            shown: condense::seen(event),
            event,
        }
    }
}

fn message(kind: &str, cursor: u64, data: &impl Serialize) -> String {
    // What cannot be written is an empty message: events have no part that JSON cannot hold.
    let data = serde_json::to_string(data).unwrap_or_default();
    format!("event: {kind}\nid: {cursor}\ndata: {data}\n\n")
}

impl Style for Deltas {
    fn hello(&self, cursor: u64) -> String {
        message("hello", cursor, &serde_json::json!({ "cursor": cursor }))
    }

    fn portion(&self, app: &App, reader: &Reader, cursor: u64) -> Portion {
        let followed = app.store.after(cursor, PORTION);
        let scope = reader.view();
        let views: Vec<_> = followed.events.iter().filter_map(|stored| stored.view(&scope)).collect();
        let mut text = String::new();
        if followed.lost {
            text = message("reset", followed.cursor, &serde_json::json!({ "cursor": followed.cursor }));
        }
        if !views.is_empty() {
            let events = views.iter().map(|view| Change::of(&view.event, app.enrich.local())).collect();
            text.push_str(&message("delta", followed.cursor, &Delta { cursor: followed.cursor, events }));
        }
        Portion::of(&followed, text)
    }

    fn day(&self, day: Date) -> String {
        // Without an id: the cursor has not moved.
        format!("event: day\ndata: {{\"day\":\"{day}\"}}\n\n")
    }
}
