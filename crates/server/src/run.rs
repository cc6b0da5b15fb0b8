//! A server from start to end: its parts put together, and taken apart in order.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use tokio::runtime::Runtime;

use crate::access::{Access, AccountError, Notice, Policy, Syslog};
use crate::http::{self, App, Limits, ListenError, Stores, SystemClock};
use crate::intake::{self, Udp, UdpError};
use crate::observables::{Observables, ObservablesError, ObservablesSettings};
use crate::retro::{self, Parts, Report, Retro};
use crate::state::{State, StateError};
use crate::store::record::Following;
use crate::store::{LocalSettings, LocalStore, StoreError};
use crate::{Settings, make_directory};

/// Why a server does not run.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// A directory cannot be made.
    #[error("cannot make {path}: {source}; give this user the right to, or set STATE_DIR to another directory")]
    Directory {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Accounts and triage.
    #[error(transparent)]
    State(#[from] StateError),
    /// `USERS`.
    #[error(transparent)]
    Accounts(#[from] AccountError),
    /// Events.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Observables.
    #[error(transparent)]
    Observables(#[from] ObservablesError),
    /// The address.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// UDP.
    #[error(transparent)]
    Udp(#[from] UdpError),
    /// No threads.
    #[error("cannot start threads: {0}")]
    Threads(std::io::Error),
}

/// A running server.
pub struct Server {
    runtime: Runtime,
    listening: http::Server,
    udp: Option<Udp>,
    store: Arc<LocalStore>,
    following: Arc<Following>,
    retro: Option<Retro>,
    notices: Vec<Notice>,
}

impl Server {
    /// Opens everything and listens.
    ///
    /// # Errors
    /// Nothing runs then; the error says what to do.
    pub fn start(settings: Settings) -> Result<Server, ServerError> {
        make_directory(&settings.state_dir)
            .map_err(|source| ServerError::Directory { path: settings.state_dir.clone(), source })?;
        let state = Arc::new(State::open(&settings.state_dir)?);
        let policy =
            Policy { exposed: !settings.http.ip().to_canonical().is_loopback(), mask_custom: settings.mask_custom };
        let access = Arc::new(Access::new(state, &settings.users, policy)?.telling(Syslog::default()));
        let notices = access.prepare(Timestamp::now())?;
        let store = Arc::new(LocalStore::open(LocalSettings::of(&settings, Arc::new(Timestamp::now)))?);
        // Behind the store, which owns the state directory.
        let observables = Arc::new(Observables::open(&settings.state_dir, ObservablesSettings::of(&settings))?);
        let following = Following::start(&settings.log_dir, Arc::clone(&observables), Arc::new(Timestamp::now))?;
        let following = Arc::new(following);
        let report = Arc::new(Report::default());
        let parts = Parts {
            events: store.clone(),
            observables: Arc::clone(&observables),
            following: Some(Arc::clone(&following)),
            report: Arc::clone(&report),
            clock: Arc::new(Timestamp::now),
            limits: retro::Limits::default(),
        };
        let mut threads = tokio::runtime::Builder::new_multi_thread();
        let runtime = threads.enable_all().thread_name("http").build().map_err(ServerError::Threads)?;
        let stores = Stores { events: store.clone(), observables, retro: report };
        let app = App::new(settings, stores, access.clone(), Arc::new(SystemClock));
        let udp = Udp::start(&app.settings, store.clone(), app.intake.clone(), Arc::new(Timestamp::now))?;
        let retro = Retro::start(&app.settings, parts)?;
        let listening = runtime.block_on(async {
            let mut routes = http::routes();
            routes.extend(http::people_routes(access.clone()));
            routes.extend(intake::routes(access));
            let router = http::router(&app, routes);
            http::Server::start(app, router, Limits::default()).await
        })?;
        Ok(Server { runtime, listening, udp, store, following, retro, notices })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.listening.address()
    }

    /// What the operator must be told of accounts.
    #[must_use]
    pub fn notices(&self) -> &[Notice] {
        &self.notices
    }

    /// Lets requests that run come to an end, and writes what is in memory.
    ///
    /// # Errors
    /// It cannot be written: it is read again from the record at the next start.
    pub fn stop(self) -> Result<(), StoreError> {
        let Server { runtime, listening, udp, store, following, retro, .. } = self;
        runtime.block_on(listening.stop());
        if let Some(udp) = udp {
            udp.stop();
        }
        drop(runtime);
        drop(retro);
        following.stop();
        store.stop()
    }
}
