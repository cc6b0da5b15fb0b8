//! How looking back goes, for health and metrics.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::store::Figure;

/// What a look came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Look {
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Of which set of trails.
    pub generation: u64,
    /// Nothing was looked up: there was no set before, or this one has nothing of it.
    pub wholly_new: bool,
    /// Names, addresses and networks that came: URLs, paths, patterns and fingerprints cannot be looked up.
    pub came: u64,
    /// Of these, those that were looked up.
    pub looked_up: u64,
    /// Of those, addresses that say nothing of who contacts them (of attackers, parking sites).
    pub unfit: u64,
    /// Of those that came, those that were not looked up because of a limit.
    pub skipped: u64,
    /// Hosts that had touched one of them: so many events.
    pub found: u64,
    /// Touches that are not told because of a limit.
    pub left_out: u64,
    /// Of what was found, what the user does not want to hear of.
    pub unwanted: u64,
}

impl fmt::Display for Look {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.wholly_new {
            return out
                .write_str("a set of trails that has nothing of the one before is not looked up in what was seen");
        }
        let Look { came, looked_up, found, unwanted, .. } = self;
        write!(out, "of {came} new trails {looked_up} were looked up in what was seen before: {found} found")?;
        if *unwanted > 0 {
            write!(out, ", {unwanted} of them not wanted")?;
        }
        if self.skipped > 0 || self.left_out > 0 {
            write!(out, "; limits: {} trails not looked up, {} touches not told", self.skipped, self.left_out)?;
        }
        Ok(())
    }
}

/// What is told to those who ask.
#[derive(Debug, Default)]
pub struct Report {
    last: Mutex<(Option<Look>, Option<String>)>,
    looked_up: AtomicU64,
    skipped: AtomicU64,
    left_out: AtomicU64,
    events: AtomicU64,
    failures: AtomicU64,
}

impl Report {
    /// The last look since the start, and why the one after it failed.
    #[must_use]
    pub fn last(&self) -> (Option<Look>, Option<String>) {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn looked(&self, look: Look) {
        self.looked_up.fetch_add(look.looked_up, Relaxed);
        self.skipped.fetch_add(look.skipped, Relaxed);
        self.left_out.fetch_add(look.left_out, Relaxed);
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = (Some(look), None);
    }

    pub(super) fn failed(&self, why: &str) {
        self.failures.fetch_add(1, Relaxed);
        self.last.lock().unwrap_or_else(PoisonError::into_inner).1 = Some(why.to_owned());
    }

    /// What failed before is done.
    pub(super) fn works(&self) {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).1 = None;
    }

    pub(super) fn written(&self, events: u64) {
        self.events.fetch_add(events, Relaxed);
    }

    /// For metrics.
    #[must_use]
    pub fn figures(&self) -> Vec<Figure> {
        let figure = |name, help, reason, value: &AtomicU64| Figure { name, help, reason, value: value.load(Relaxed) };
        let limits = "What a look back passed over because of a limit";
        vec![
            figure("retro_trails_total", "New trails that were looked up in what was seen before", "", &self.looked_up),
            figure("retro_events_total", "Events of hosts that had touched one", "", &self.events),
            figure("retro_skipped_total", limits, "trails", &self.skipped),
            figure("retro_skipped_total", limits, "hosts", &self.left_out),
            figure("retro_failures_total", "Times that a look back failed", "", &self.failures),
        ]
    }
}
