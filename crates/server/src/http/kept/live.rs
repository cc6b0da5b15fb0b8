//! `/live`: lines as they arrive, each with an id to go on from. Refused with 204, after which callers poll `/events`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse as _, Response};
use jiff::civil::Date;
use serde::Deserialize;

use super::events::line;
use crate::access::Reader;
use crate::http::app::App;
use crate::http::auth::{Client, Known};
use crate::http::days::Days;
use crate::http::extract::Ask;
use crate::http::follow::{Follower, Portion, Style};
use crate::http::problem::Problem;

/// Lines that are sent at once.
const PORTION: usize = 500;

#[derive(Deserialize)]
pub(super) struct Asked {
    date: Option<String>,
    pos: Option<u64>,
}

pub(super) async fn live(
    State(app): State<Arc<App>>,
    Known(reader): Known,
    client: Client,
    Ask(asked): Ask<Asked>,
    parts: Parts,
) -> Result<Response, Problem> {
    if let Some(date) = &asked.date {
        Days::parse(date)?;
    }
    let cursor = Follower::cursor(&parts, asked.pos)?;
    let follower = Follower { parts, client, reader, cursor };
    Ok(follower.begin(&app, Lines).unwrap_or_else(|| StatusCode::NO_CONTENT.into_response()))
}

struct Lines;

impl Style for Lines {
    fn hello(&self, _: u64) -> String {
        ": connected\n\n".to_owned()
    }

    /// One line at a time, so that each has an id that leads exactly behind it.
    fn portion(&self, app: &App, reader: &Reader, cursor: u64) -> Portion {
        let scope = reader.view();
        let mut portion = Portion { text: String::new(), cursor, empty: true, lost: false };
        for _ in 0..PORTION {
            let followed = app.store.after(portion.cursor, 1);
            portion.lost |= followed.lost;
            portion.cursor = followed.cursor;
            let Some(stored) = followed.events.first() else { break };
            portion.empty = false;
            if let Some(view) = stored.view(&scope) {
                let line = line(&view, &app.settings.zone).replace(['\r', '\n'], " ");
                portion.text.push_str(&format!("id: {}\ndata: {}\n\n", portion.cursor, line.trim_end()));
            }
        }
        portion
    }

    fn day(&self, _: Date) -> String {
        String::new()
    }
}
