//! What every handler shares.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use tokio::sync::watch;

use super::api::KnownSensors;
use super::auth::Authenticate;
use super::exports::Exports;
use super::kept::{KnownCountries, KnownLines};
use super::lists::Lists;
use super::metrics::Counters;
use super::recent::Recent;
use super::slots::Slots;
use super::trails::Trails;
use super::work::Work;
use crate::Settings;
use crate::enrich::Enrich;
use crate::intake;
use crate::observables::Observables;
use crate::retro::Report;
use crate::store::EventStore;

/// Streams of one account at the same time, live or of event lines.
const STREAMS_EACH: usize = 8;

/// One place for work of so many may be held by a body that is written as its client reads it: the others are for
/// requests that end by themselves.
const BODIES_OF: usize = 2;

/// One of so many of these may be held by one client.
const BODIES_EACH_OF: usize = 4;

/// Clients that read a set of trails at the same time. They hold no place for work.
const DOWNLOADS: usize = 128;

/// Of these, from one address: sensors of one network.
const DOWNLOADS_EACH: usize = 8;

/// See [`App::stall`].
const STALL: Duration = Duration::from_secs(30);

/// See [`App::heartbeat`].
const HEARTBEAT: Duration = Duration::from_secs(15);

/// Texts of days whose length is remembered for ranges.
const KNOWN_LINES: usize = 32;

/// Days, for a scope, whose countries are remembered.
const KNOWN_COUNTRIES: usize = 512;

/// Scopes whose sensors are remembered.
const KNOWN_SENSORS: usize = 16;

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

/// What is kept.
#[derive(Clone)]
pub struct Stores {
    /// Events.
    pub events: Arc<dyn EventStore>,
    /// What was seen at all.
    pub observables: Arc<Observables>,
    /// How looking back at it goes.
    pub retro: Arc<Report>,
}

/// Shared state of the HTTP interface.
pub struct App {
    /// What the server was told.
    pub settings: Settings,
    /// Where events are.
    pub store: Arc<dyn EventStore>,
    /// What was seen at all.
    pub observables: Arc<Observables>,
    /// How looking back at it goes.
    pub retro: Arc<Report>,
    /// Who asks.
    pub access: Arc<dyn Authenticate>,
    /// What is listed.
    pub trails: Trails,
    /// What is known of addresses.
    pub enrich: Enrich,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// What happened, for `/metrics`.
    pub counters: Counters,
    /// What became of events that were received; the intake over UDP counts here too.
    pub intake: Arc<intake::Counters>,
    /// When it was started.
    pub started: Timestamp,
    /// How often a live stream sends a sign of life and looks at its reader's credentials again.
    pub heartbeat: Duration,
    /// How long a part of a long body waits for its client before the body is given up.
    pub stall: Duration,
    pub(super) work: Work,
    pub(super) lines: KnownLines,
    pub(super) countries: KnownCountries,
    pub(super) sensors: KnownSensors,
    pub(super) lists: Lists,
    pub(super) exports: Exports,
    /// Bodies that are written as their client reads them, by client.
    pub(super) bodies: Arc<Slots<IpAddr>>,
    /// Sets of trails that are read, by client.
    pub(super) downloads: Arc<Slots<IpAddr>>,
    /// Live streams.
    pub(super) streams: Arc<Slots<String>>,
    stopping: watch::Sender<bool>,
}

impl App {
    /// Puts it together.
    #[must_use]
    pub fn new(settings: Settings, stores: Stores, access: Arc<dyn Authenticate>, clock: Arc<dyn Clock>) -> Arc<App> {
        let started = clock.now();
        let bodies = (settings.max_requests / BODIES_OF).max(1);
        Arc::new(App {
            work: Work::new(settings.max_requests),
            lines: Recent::new(KNOWN_LINES),
            countries: Recent::new(KNOWN_COUNTRIES),
            sensors: Recent::new(KNOWN_SENSORS),
            lists: Lists::new(&settings),
            trails: Trails::new(&settings.trails_file, &settings.cache_dir),
            enrich: Enrich::new(&settings),
            exports: Exports::new(&settings.state_dir),
            bodies: Slots::new(bodies, (bodies / BODIES_EACH_OF).max(1)),
            downloads: Slots::new(DOWNLOADS, DOWNLOADS_EACH),
            streams: Slots::new(settings.max_streams, STREAMS_EACH),
            settings,
            store: stores.events,
            observables: stores.observables,
            retro: stores.retro,
            access,
            clock,
            counters: Counters::default(),
            intake: Arc::default(),
            started,
            heartbeat: HEARTBEAT,
            stall: STALL,
            stopping: watch::Sender::new(false),
        })
    }

    /// The day it is, in the zone that is shown.
    pub(super) fn today(&self) -> Date {
        self.clock.now().to_zoned(self.settings.zone.clone()).date()
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

/// Returns when the server is to stop.
pub(super) async fn stopped(stopping: &mut watch::Receiver<bool>) {
    drop(stopping.wait_for(|stop| *stop).await);
}
