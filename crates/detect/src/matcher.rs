//! Facts against trails.

use std::sync::Arc;

use packet::{Fact, Flow, Micros, Sink};
use trails::store::{Mapped, Store};

use crate::Finding;

/// What the matcher is told once.
#[derive(Clone, Debug)]
pub struct MatchSettings {
    /// CHECK_HOST_DOMAINS: host names of HTTP requests are looked up as names.
    pub host_domains: bool,
    /// CHECK_TLS_CERTIFICATES.
    pub certificates: bool,
}

/// Looks every fact up in the store. One to a capture worker.
pub struct Matcher {
    _settings: Arc<MatchSettings>,
    store: Arc<Store<Mapped>>,
    findings: Vec<Finding>,
}

impl Matcher {
    /// With the trails of one generation.
    #[must_use]
    pub fn new(settings: Arc<MatchSettings>, store: Arc<Store<Mapped>>) -> Self {
        Matcher { _settings: settings, store, findings: Vec::new() }
    }

    /// From the next packet on, another generation of trails.
    pub fn swap(&mut self, store: Arc<Store<Mapped>>) {
        self.store = store;
    }

    /// The packet whose facts come next.
    pub fn begin(&mut self, _time: Micros, _sequence: u64) {}

    /// What was found since the last call, in order.
    pub fn take(&mut self, into: &mut Vec<Finding>) {
        into.append(&mut self.findings);
    }
}

impl Sink for Matcher {
    fn fact(&mut self, _flow: &Flow, _fact: Fact<'_>) {
        let _ = &self.store;
    }
}
