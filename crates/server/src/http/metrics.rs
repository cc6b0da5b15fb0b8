//! What the HTTP interface counts.

use std::sync::atomic::{AtomicU64, Ordering};

/// One number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// One more.
    pub fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// How many.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Counters of the HTTP interface.
#[derive(Debug, Default)]
pub struct Counters {
    /// Connections that were accepted.
    pub connections: Counter,
    /// Connections closed at once: too many in all.
    pub refused_all: Counter,
    /// Connections closed at once: too many from one address.
    pub refused_address: Counter,
    /// Connections that could not be accepted (no descriptors left ...).
    pub accept_errors: Counter,
    /// TLS handshakes that failed or took too long.
    pub handshakes_failed: Counter,
    /// Plain requests on a TLS port that were sent to https.
    pub redirected: Counter,
    /// Requests by the hundreds of their status: 1xx to 5xx.
    pub requests: [Counter; 5],
    /// Requests refused because every place for blocking work was taken.
    pub refused_work: Counter,
    /// Live streams that were begun.
    pub streams: Counter,
    /// Live streams refused.
    pub refused_streams: Counter,
    /// Live streams whose client fell too far behind.
    pub lost_streams: Counter,
    /// Requests of strangers for what is not for them.
    pub denied: Counter,
    /// Requests that change something and came from another site.
    pub cross_site: Counter,
}

impl Counters {
    /// Counts an answer.
    pub(super) fn answered(&self, status: u16) {
        let class = usize::from(status / 100).saturating_sub(1);
        if let Some(counter) = self.requests.get(class) {
            counter.add();
        }
    }
}
