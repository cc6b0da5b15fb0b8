//! Live streams (server-sent events): what arrives, as it arrives, for one reader. Bounded for each client, ended
//! when the reader may no longer read, when the client stalls and when the server stops.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use futures_util::stream;
use jiff::civil::Date;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until, timeout};

use super::app::{App, stopped};
use super::auth::Client;
use super::problem::Problem;
use super::slots::Slot;
use crate::access::Reader;
use crate::store::Followed;

/// Between two portions of events. Together with what a portion holds it bounds what a flood costs a client.
const PAUSE: Duration = Duration::from_millis(200);

/// Portions that wait for the client.
const WAITING: usize = 4;

/// How long a portion waits for the client.
const STALL: Duration = Duration::from_secs(30);

/// How a stream looks.
pub(super) trait Style: Send + Sync + 'static {
    /// What comes first.
    fn hello(&self, cursor: u64) -> String;
    /// What came after `cursor`, from the store, as text for this reader; and the cursor behind it.
    fn portion(&self, app: &App, reader: &Reader, cursor: u64) -> Portion;
    /// Another day has begun.
    fn day(&self, day: Date) -> String;
}

/// Text of what came after a cursor.
pub(super) struct Portion {
    pub(super) text: String,
    pub(super) cursor: u64,
    /// Whether nothing was there.
    pub(super) empty: bool,
    /// Whether the cursor was not known any more.
    pub(super) lost: bool,
}

impl Portion {
    /// With what the store said of it.
    pub(super) fn of(followed: &Followed, text: String) -> Portion {
        Portion { text, cursor: followed.cursor, empty: followed.events.is_empty(), lost: followed.lost }
    }
}

/// Who follows, and from where.
pub(super) struct Follower {
    pub(super) parts: Parts,
    pub(super) client: Client,
    pub(super) reader: Arc<Reader>,
    /// None: from now on.
    pub(super) cursor: Option<u64>,
}

impl Follower {
    /// Where the client left off: Last-Event-ID, else what the query says.
    pub(super) fn cursor(parts: &Parts, asked: Option<u64>) -> Result<Option<u64>, Problem> {
        let Some(last) = parts.headers.get("last-event-id") else { return Ok(asked) };
        let last = last.to_str().ok().map(str::trim).unwrap_or_default();
        if last.is_empty() {
            return Ok(asked);
        }
        let cursor = last.parse().map_err(|_| Problem::bad("Last-Event-ID is a number that this stream has sent"))?;
        Ok(Some(cursor))
    }

    /// Begins the stream; none where there is no place for it.
    pub(super) fn begin(self, app: &Arc<App>, style: impl Style) -> Option<Response> {
        let Ok(slot) = app.streams.take(Some(self.reader.name.clone())) else {
            app.counters.refused_streams.add();
            return None;
        };
        app.counters.streams.add();
        let (to, from) = mpsc::channel(WAITING);
        let streaming = Streaming {
            app: app.clone(),
            follower: self,
            style: Arc::new(style),
            to,
            moved: app.store.watch(),
            _slot: slot,
        };
        tokio::spawn(streaming.run());
        let body = Body::from_stream(stream::unfold(from, |mut from: mpsc::Receiver<Bytes>| async {
            let part = from.recv().await?;
            Some((Ok::<_, std::convert::Infallible>(part), from))
        }));
        let headers = [
            (header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
            (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
            (header::HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
        ];
        Some((headers, body).into_response())
    }
}

struct Streaming<S> {
    app: Arc<App>,
    follower: Follower,
    style: Arc<S>,
    to: mpsc::Sender<Bytes>,
    moved: watch::Receiver<u64>,
    _slot: Slot<String>,
}

impl<S: Style> Streaming<S> {
    async fn run(mut self) {
        let mut stopping = self.app.stopping();
        let mut cursor = self.follower.cursor.unwrap_or_else(|| *self.moved.borrow());
        let mut day = self.app.today();
        if self.send(self.style.hello(cursor)).await.is_none() {
            return;
        }
        let mut beat = Instant::now() + self.app.heartbeat;
        loop {
            self.moved.mark_unchanged();
            let Some(portion) = self.next(cursor).await else { return };
            if portion.lost {
                self.app.counters.lost_streams.add();
            }
            cursor = portion.cursor;
            let mut text = portion.text;
            let today = self.app.today();
            if today != day {
                day = today;
                text.push_str(&self.style.day(day));
            }
            if !text.is_empty() && self.send(text).await.is_none() {
                return;
            }
            let more = !portion.empty || portion.lost;
            let pause = Instant::now() + PAUSE;
            tokio::select! {
                () = stopped(&mut stopping) => return,
                () = self.to.closed() => return,
                () = sleep_until(pause), if more => {}
                moved = self.moved.changed(), if !more => if moved.is_err() { return },
                () = sleep_until(beat) => {
                    beat = Instant::now() + self.app.heartbeat;
                    if !self.still_known() || self.send(": ping\n\n".to_owned()).await.is_none() {
                        return;
                    }
                }
            }
        }
    }

    async fn next(&self, cursor: u64) -> Option<Portion> {
        let (app, style, reader) = (self.app.clone(), self.style.clone(), self.follower.reader.clone());
        tokio::task::spawn_blocking(move || style.portion(&app, &reader, cursor)).await.ok()
    }

    /// Whether the credentials still stand for the same reader with the same view.
    fn still_known(&self) -> bool {
        let now = self.app.clock.now();
        let reader = self.app.access.reader(&self.follower.parts, self.follower.client.address, now);
        reader.is_ok_and(|reader| reader == *self.follower.reader)
    }

    async fn send(&self, text: String) -> Option<()> {
        timeout(STALL, self.to.send(Bytes::from(text))).await.ok()?.ok()
    }
}
