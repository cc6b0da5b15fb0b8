//! What every handler shares.

use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::watch;

use super::auth::Authenticate;
use super::metrics::Counters;
use super::slots::Slots;
use super::work::Work;
use crate::Settings;
use crate::store::EventStore;

/// Streams of one account at the same time, live or of event lines.
const STREAMS_EACH: usize = 8;

/// Tells the time. Tests bring their own.
pub trait Clock: Send + Sync + 'static {
    /// Now.
    fn now(&self) -> Timestamp;
}

/// The clock of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// Shared state of the HTTP interface.
pub struct App {
    /// What the server was told.
    pub settings: Settings,
    /// Where events are.
    pub store: Arc<dyn EventStore>,
    /// Who asks.
    pub access: Arc<dyn Authenticate>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// What happened, for `/metrics`.
    pub counters: Counters,
    /// When it was started.
    pub started: Timestamp,
    pub(super) work: Work,
    /// Live streams.
    pub(super) streams: Arc<Slots<String>>,
    stopping: watch::Sender<bool>,
}

impl App {
    /// Puts it together.
    #[must_use]
    pub fn new(
        settings: Settings,
        store: Arc<dyn EventStore>,
        access: Arc<dyn Authenticate>,
        clock: Arc<dyn Clock>,
    ) -> Arc<App> {
        let started = clock.now();
        Arc::new(App {
            work: Work::new(settings.max_requests),
            streams: Slots::new(settings.max_streams, STREAMS_EACH),
            settings,
            store,
            access,
            clock,
            counters: Counters::default(),
            started,
            stopping: watch::Sender::new(false),
        })
    }

    /// Tells streams and the listener to end.
    pub fn stop(&self) {
        self.stopping.send_replace(true);
    }

    /// Turns true when the server is about to end.
    #[must_use]
    pub fn stopping(&self) -> watch::Receiver<bool> {
        self.stopping.subscribe()
    }
}
