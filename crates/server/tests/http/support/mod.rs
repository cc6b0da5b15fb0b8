//! A server to test, and what talks to it.

pub mod client;
#[allow(dead_code, reason = "tests of the library write values of every type")]
pub mod mmdb;
pub mod store;
pub mod tls;

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::http::header;
use axum::http::request::Parts;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use server::access::{Access, Policy, Reader, Role, Scope};
use server::http::{App, Authenticate, Clock, Denied, Limits, Route, Server, Stores};
use server::observables::{Observables, ObservablesSettings};
use server::settings::{Settings, Tls};
use server::state::State;

pub use client::Client;
pub use store::MemoryStore;

/// Readers that every test server has, by the token that is their name: what they may do and see.
const READERS: [(&str, Role, &str, bool); 4] = [
    ("admin", Role::Administrator, "", false),
    ("reader", Role::Reader, "", false),
    ("masked", Role::Reader, "", true),
    ("scoped", Role::Reader, "10.1.0.0/16", false),
];

/// Knows [`READERS`] by `Authorization: Bearer NAME` and by `Cookie: session=NAME`, as long as they are not banned.
#[derive(Default)]
pub struct Names {
    banned: Mutex<Vec<String>>,
}

impl Names {
    /// From now on nobody.
    pub fn ban(&self, name: &str) {
        self.banned.lock().unwrap().push(name.to_owned());
    }
}

impl Authenticate for Names {
    fn reader(&self, parts: &Parts, _: IpAddr, _: Timestamp) -> Result<Reader, Denied> {
        let text = |name| parts.headers.get(name).and_then(|value: &axum::http::HeaderValue| value.to_str().ok());
        let token = text(header::AUTHORIZATION).and_then(|value| value.strip_prefix("Bearer "));
        let token = token.or_else(|| text(header::COOKIE)?.strip_prefix("session="));
        let token = token.ok_or(Denied::Stranger)?;
        if self.banned.lock().unwrap().iter().any(|name| name == token) {
            return Err(Denied::Refused);
        }
        let found = READERS.iter().find(|(name, ..)| *name == token).ok_or(Denied::Refused)?;
        let (name, role, networks, masked) = *found;
        Ok(Reader { name: name.to_owned(), role, scope: Scope::parse(networks).unwrap(), masked })
    }
}

/// A clock that stands until it is set.
pub struct Hand(Mutex<Timestamp>);

impl Hand {
    pub fn set(&self, now: &str) {
        *self.0.lock().unwrap() = now.parse().unwrap();
    }
}

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

/// Settings of a server on loopback, on a port that the system chooses.
pub fn settings(directory: &std::path::Path, tls: Tls) -> Settings {
    Settings {
        log_dir: directory.to_owned(),
        state_dir: directory.to_owned(),
        zone: TimeZone::UTC,
        http: "127.0.0.1:0".parse().unwrap(),
        tls,
        trusted_proxies: Vec::new(),
        users: Vec::new(),
        mask_custom: true,
        udp: None,
        udp_allowlist: Vec::new(),
        trails_file: directory.join("trails.bin"),
        cache_dir: directory.join("cache"),
        fail2ban_regex: None,
        fail2ban_allowlist: Vec::new(),
        blacklist_allowlist: Vec::new(),
        blacklists: Vec::new(),
        aliases: Vec::new(),
        geo_files: Vec::new(),
        home_networks: Vec::new(),
        home: None,
        retention_days: None,
        retention_bytes: None,
        window_back_seconds: 7 * 86_400,
        window_ahead_seconds: 3_600,
        retro: None,
        max_requests: 16,
        max_streams: 4,
    }
}

/// Every route there is, with accounts of their own.
pub fn all_routes(directory: &std::path::Path) -> Vec<Route> {
    let state = Arc::new(State::open(directory).unwrap());
    let access = Arc::new(Access::new(state, &[], Policy { exposed: false, mask_custom: true }).unwrap());
    let mut routes = server::http::routes();
    routes.extend(server::http::people_routes(access.clone()));
    routes.extend(server::intake::routes(access));
    routes
}

/// What a server keeps: these events, and observables in a directory.
pub fn stores(events: Arc<MemoryStore>, directory: &std::path::Path) -> Stores {
    let observables = Observables::open(directory, ObservablesSettings::default()).unwrap();
    Stores { events, observables: Arc::new(observables), retro: Arc::default() }
}

/// A running server with what it runs on.
pub struct Running {
    pub app: Arc<App>,
    pub store: Arc<MemoryStore>,
    pub names: Arc<Names>,
    pub clock: Arc<Hand>,
    pub address: SocketAddr,
    pub directory: tempfile::TempDir,
    server: Server,
}

impl Running {
    /// Plain HTTP with an empty store, at noon of 2026-11-20.
    pub async fn plain() -> Running {
        Running::with(|_| {}, Limits::default()).await
    }

    pub async fn with(change: impl FnOnce(&mut Settings), limits: Limits) -> Running {
        let directory = tempfile::tempdir().unwrap();
        let mut settings = settings(directory.path(), Tls::Off);
        change(&mut settings);
        let store = Arc::new(MemoryStore::new(settings.zone.clone()));
        let names = Arc::new(Names::default());
        let clock = Arc::new(Hand(Mutex::new("2026-11-20T12:00:00Z".parse().unwrap())));
        let stores = stores(store.clone(), directory.path());
        let mut app = App::new(settings, stores, names.clone(), clock.clone());
        Arc::get_mut(&mut app).unwrap().heartbeat = Duration::from_millis(200);
        let router = server::http::router(&app, all_routes(directory.path()));
        let server = Server::start(app.clone(), router, limits).await.unwrap();
        Running { address: server.address(), app, store, names, clock, directory, server }
    }

    /// Someone who asks.
    pub fn client(&self, name: &str) -> Client {
        Client::new(self.address, name)
    }

    pub async fn stop(self) {
        self.server.stop().await;
    }
}
