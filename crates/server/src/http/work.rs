//! Blocking work for requests: on threads of its own, so many at a time, ended when the client goes.

use std::net::IpAddr;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::app::App;
use super::auth::Client;
use super::problem::Problem;
use super::slots::{Full, Slot, Slots};
use crate::access::network;
use crate::store::{Query, Seen, Stored};

/// Requests that may wait for a place, for each place.
const WAITING_EACH: usize = 16;

/// Longest wait for a place.
const PATIENCE: Duration = Duration::from_secs(10);

/// Places for blocking work.
pub(super) struct Work {
    places: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    limit: usize,
}

/// Tells work that nobody waits for it any more.
#[derive(Clone, Debug, Default)]
pub struct Cancelled(Arc<AtomicBool>);

impl Cancelled {
    /// Whether to stop.
    #[must_use]
    pub fn is(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Cancels when it is dropped.
struct Guard(Cancelled);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.0.store(true, Ordering::Relaxed);
    }
}

impl Work {
    pub(super) fn new(limit: usize) -> Work {
        let limit = limit.clamp(1, Semaphore::MAX_PERMITS / WAITING_EACH);
        Work { places: Arc::new(Semaphore::new(limit)), waiting: Arc::new(Semaphore::new(limit * WAITING_EACH)), limit }
    }

    /// Places that are taken now.
    pub(super) fn running(&self) -> usize {
        self.limit.saturating_sub(self.places.available_permits())
    }

    async fn place(&self) -> Option<OwnedSemaphorePermit> {
        if let Ok(place) = self.places.clone().try_acquire_owned() {
            return Some(place);
        }
        let _waiting = self.waiting.try_acquire().ok()?;
        tokio::time::timeout(PATIENCE, self.places.clone().acquire_owned()).await.ok()?.ok()
    }
}

/// Does blocking work and waits for it. When the caller is dropped (its client has gone), `Cancelled` says so.
///
/// # Errors
/// All places are taken, or the work failed.
pub async fn run<T, E, F>(app: &Arc<App>, work: F) -> Result<T, Problem>
where
    F: FnOnce(&App, &Cancelled) -> Result<T, E> + Send + 'static,
    T: Send + 'static,
    E: Into<Problem> + Send + 'static,
{
    let place = place(app).await?;
    let guard = Guard(Cancelled::default());
    let (app, cancelled) = (app.clone(), guard.0.clone());
    let done = tokio::task::spawn_blocking(move || {
        let _place = place;
        work(&app, &cancelled)
    });
    match done.await {
        Ok(result) => result.map_err(Into::into),
        Err(error) => Err(Problem::broken("the request failed", &error)),
    }
}

/// Shows the events of a query to a visitor that may have enough of them.
///
/// # Errors
/// Reading failed, or nobody waits any more.
pub(super) fn until(
    app: &App,
    query: &Query,
    cancelled: &Cancelled,
    mut visit: impl FnMut(&Stored) -> ControlFlow<()>,
) -> Result<(), Problem> {
    let mut enough = false;
    let scanned = app.store.scan(query, &mut |seen| {
        if cancelled.is() {
            return ControlFlow::Break(());
        }
        let Seen::Event(stored) = seen else { return ControlFlow::Continue(()) };
        let flow = visit(stored);
        enough = flow.is_break();
        flow
    })?;
    if scanned.stopped && !enough { Err(Problem::busy("the client went away")) } else { Ok(()) }
}

/// Shows all events of a query.
///
/// # Errors
/// Reading failed, or nobody waits any more.
pub(super) fn each(
    app: &App,
    query: &Query,
    cancelled: &Cancelled,
    mut visit: impl FnMut(&Stored),
) -> Result<(), Problem> {
    until(app, query, cancelled, |stored| {
        visit(stored);
        ControlFlow::Continue(())
    })
}

/// What a body holds that is written while its client reads it.
pub(super) struct BodyPlace {
    _slot: Slot<IpAddr>,
    _place: OwnedSemaphorePermit,
}

/// A place for work that goes on behind the answer, as fast as its client reads: held as long as it is not dropped.
///
/// # Errors
/// All are taken, or the client has as many as it may.
pub(super) async fn body_place(app: &Arc<App>, client: Client) -> Result<BodyPlace, Problem> {
    let slot = slot(app, &app.bodies, client)?;
    Ok(BodyPlace { _slot: slot, _place: place(app).await? })
}

/// One of the client's bodies.
///
/// # Errors
/// It has as many as it may, or all are taken.
pub(super) fn slot(app: &App, slots: &Arc<Slots<IpAddr>>, client: Client) -> Result<Slot<IpAddr>, Problem> {
    slots.take(Some(network(client.address))).map_err(|full| {
        app.counters.refused_bodies.add();
        match full {
            Full::Key => Problem::too_many("too many long answers are being read from this address; read them first"),
            Full::All => Problem::busy("too many long answers are being read; try again in a moment"),
        }
    })
}

/// A place for work.
///
/// # Errors
/// All are taken.
async fn place(app: &Arc<App>) -> Result<OwnedSemaphorePermit, Problem> {
    let place = app.work.place().await;
    place.ok_or_else(|| {
        app.counters.refused_work.add();
        Problem::busy("too many requests are being worked on; try again in a moment")
    })
}
