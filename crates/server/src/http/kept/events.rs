//! `/events?date=`: the lines of days, as they are. Ranges are of the bytes before compression; what a reader may not
//! see has no bytes.

use std::io::{self, Write as _};
use std::ops::{ControlFlow, Range};
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use event::draw::LocalClock;
use event::import::give_back;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Deserialize;

use crate::Scope;
use crate::http::app::App;
use crate::http::auth::{Client, Known};
use crate::http::coding::Coding;
use crate::http::days::Days;
use crate::http::extract::Ask;
use crate::http::problem::Problem;
use crate::http::range::{self, Wanted};
use crate::http::reply::{self, Keep};
use crate::http::work::{BodyPlace, Cancelled};
use crate::http::{span, stream, work};
use crate::store::{DayCount, Filter, Query, Seen, Stored};

/// Bytes between two places where reading can begin.
const STEP: u64 = 1 << 20;

/// Most of such places; behind the last one is read from there.
const MARKS: usize = 8192;

#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    date: String,
}

/// What is known of the text of days for a reader: its length, and places where reading can begin.
pub(in crate::http) struct Lines {
    length: u64,
    /// (bytes before it, first instant from there on), ascending.
    marks: Vec<(u64, Timestamp)>,
}

/// What an answer of these days depends on.
type Key = (Scope, Vec<DayCount>);

/// Texts whose length is remembered.
pub(in crate::http) type KnownLines = crate::http::recent::Recent<Key, Arc<Lines>>;

pub(super) async fn events(
    State(app): State<Arc<App>>,
    Known(reader): Known,
    client: Client,
    Ask(asked): Ask<Asked>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let days = Days::parse(&asked.date)?;
    let scope = reader.view();
    let held = {
        let scope = scope.clone();
        work::run(&app, move |app, _| span::held(app.store.as_ref(), &scope, Some(days))).await?
    };
    let wanted = headers.get(header::RANGE).and_then(|value| range::parse(value.to_str().ok()?));
    let Some(around) = span::around(&held) else { return Ok(nothing(wanted)) };
    let (from, to) = span::instants(around, &app.settings.zone);
    let identity = reply::tag(&validator(&scope, &held), Coding::Identity);
    // A range of what has changed since is the range of something else (RFC 9110, 13.1.5).
    let same = headers.get(header::IF_RANGE).is_none_or(|tag| tag.as_bytes() == identity.as_bytes());
    match wanted.filter(|_| same) {
        Some(wanted) => part(&app, client, Text { scope, held, from, to }, (wanted, &identity)).await,
        None => whole(&app, client, Text { scope, held, from, to }, &headers).await,
    }
}

/// Which text.
struct Text {
    scope: Scope,
    held: Vec<DayCount>,
    from: Timestamp,
    to: Timestamp,
}

impl Text {
    fn query(&self, from: Timestamp) -> Query {
        Query { from, to: self.to, scope: self.scope.clone(), filter: Filter::All, newest_first: false }
    }
}

/// Changes with every line of the days, and is another for every scope.
fn validator(scope: &Scope, held: &[DayCount]) -> Vec<u8> {
    format!("{scope:?}{held:?}").into_bytes()
}

/// No event on these days: nothing, as ever.
fn nothing(wanted: Option<Wanted>) -> Response {
    let mut headers = text_headers();
    if wanted.is_some() {
        headers.insert(header::CONTENT_RANGE, HeaderValue::from_static("bytes 0-0/0"));
    }
    (headers, "").into_response()
}

fn text_headers() -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    Keep::Ask.tell(&mut headers);
    headers
}

fn value(text: String) -> Result<HeaderValue, Problem> {
    HeaderValue::try_from(text).map_err(|error| Problem::broken("no header", &error))
}

async fn whole(app: &Arc<App>, client: Client, text: Text, asked: &HeaderMap) -> Result<Response, Problem> {
    let coding = Coding::accepted(asked);
    let tag = reply::tag(&validator(&text.scope, &text.held), coding);
    let mut headers = text_headers();
    if reply::known(asked, &tag, &mut headers)? {
        return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
    }
    coding.tell(&mut headers);
    let place = work::body_place(app, client).await?;
    let body = body(app, place, text.query(text.from), (coding, 0..u64::MAX));
    Ok((headers, body).into_response())
}

async fn part(app: &Arc<App>, client: Client, text: Text, (wanted, tag): (Wanted, &str)) -> Result<Response, Problem> {
    let key = (text.scope.clone(), text.held.clone());
    let lines = match app.lines.get(&key) {
        Some(lines) => lines,
        None => {
            let query = text.query(text.from);
            let lines = work::run(app, move |app, cancelled| measure(app, &query, cancelled)).await?;
            app.lines.put(key, lines.clone());
            lines
        }
    };
    let mut headers = text_headers();
    headers.insert(header::ETAG, value(tag.to_owned())?);
    let Some(range) = wanted.of(lines.length) else {
        headers.insert(header::CONTENT_RANGE, value(format!("bytes */{}", lines.length))?);
        return Ok((StatusCode::RANGE_NOT_SATISFIABLE, headers).into_response());
    };
    let (first, last) = (range.start, range.end.saturating_sub(1));
    headers.insert(header::CONTENT_RANGE, value(format!("bytes {first}-{last}/{}", lines.length))?);
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(range.end - range.start));
    let before = lines.marks.partition_point(|(bytes, _)| *bytes <= first);
    let (passed, from) = before.checked_sub(1).and_then(|at| lines.marks.get(at)).copied().unwrap_or((0, text.from));
    let place = work::body_place(app, client).await?;
    let range = first - passed..range.end - passed;
    let body = body(app, place, text.query(from), (Coding::Identity, range));
    Ok((StatusCode::PARTIAL_CONTENT, headers, body).into_response())
}

/// A line with its end, as its origin wrote it.
fn draw(stored: &Stored, clock: &mut LocalClock, into: &mut Vec<u8>) {
    into.clear();
    match &stored.line {
        Some(line) => into.extend_from_slice(&give_back(line)),
        None => event::draw::draw(&stored.event, clock, into),
    }
    into.push(b'\n');
}

/// A line with its end, as text: bytes that are none are told as they are kept.
pub(super) fn line(stored: &Stored, zone: &TimeZone) -> String {
    let mut line = stored.text(zone).into_owned();
    line.push('\n');
    line
}

fn measure(app: &App, query: &Query, cancelled: &Cancelled) -> Result<Arc<Lines>, Problem> {
    let mut lines = Lines { length: 0, marks: Vec::new() };
    let (mut next, mut last) = (STEP, query.from);
    let (mut clock, mut drawn) = (LocalClock::new(app.settings.zone.clone()), Vec::new());
    work::each(app, query, cancelled, |stored| {
        let time = stored.event.time;
        // Reading from an instant shows everything of that instant, so a place is where an instant begins.
        if lines.length >= next && time > last && lines.marks.len() < MARKS {
            lines.marks.push((lines.length, time));
            next = lines.length + STEP;
        }
        last = time;
        draw(stored, &mut clock, &mut drawn);
        lines.length += drawn.len() as u64;
    })?;
    Ok(Arc::new(lines))
}

/// The lines of a query as a body: the bytes of `range`.
fn body(app: &Arc<App>, place: BodyPlace, query: Query, (coding, range): (Coding, Range<u64>)) -> Body {
    let app = app.clone();
    stream::body(place, app.stall, move |pipe| {
        let mut encoder = coding.encoder(pipe)?;
        let mut at = 0;
        let mut failed = None;
        let (mut clock, mut line) = (LocalClock::new(app.settings.zone.clone()), Vec::new());
        let scanned = app.store.scan(&query, &mut |seen| {
            let Seen::Event(stored) = seen else { return ControlFlow::Continue(()) };
            draw(stored, &mut clock, &mut line);
            let end = at + line.len() as u64;
            let part = within(&line, at, &range);
            at = end;
            match encoder.write_all(part) {
                Ok(()) if end >= range.end => ControlFlow::Break(()),
                Ok(()) => ControlFlow::Continue(()),
                Err(error) => {
                    failed = Some(error);
                    ControlFlow::Break(())
                }
            }
        });
        if let Some(error) = failed {
            return Err(error);
        }
        scanned.map_err(io::Error::other)?;
        encoder.finish()
    })
}

/// What of a line that begins at `at` lies in the range.
fn within<'l>(line: &'l [u8], at: u64, range: &Range<u64>) -> &'l [u8] {
    let place = |byte: u64| usize::try_from(byte.saturating_sub(at)).unwrap_or(usize::MAX).min(line.len());
    line.get(place(range.start)..place(range.end)).unwrap_or_default()
}
