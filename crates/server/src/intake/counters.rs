//! What became of what was received, for `/metrics`.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::tally::{REASONS, Reason, Tally};

/// How events came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Datagrams.
    Udp,
    /// Batches.
    Https,
}

impl Way {
    /// Both.
    pub const ALL: [Way; 2] = [Way::Udp, Way::Https];

    /// A word for metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Way::Udp => "udp",
            Way::Https => "https",
        }
    }
}

/// Events of one way. Received ones are written, refused, repeated or dropped in the end.
#[derive(Debug, Default)]
struct Flow {
    received: AtomicU64,
    written: AtomicU64,
    refused: [AtomicU64; REASONS],
}

/// All but `queued_bytes` only go up.
#[derive(Debug, Default)]
pub struct Counters {
    flows: [Flow; 2],
    /// Datagrams that were taken from the socket, of peers that may send.
    pub datagrams: AtomicU64,
    /// Datagrams of peers that may not.
    pub peers_refused: AtomicU64,
    /// Datagrams that the kernel dropped because the receive buffer was full.
    pub dropped_kernel: AtomicU64,
    /// Events of datagrams that were dropped because the queue was full.
    pub dropped_queue: AtomicU64,
    /// Events of datagrams that were dropped because the record could not be written until the server stopped.
    pub dropped_record: AtomicU64,
    /// Failures of the record while events of datagrams waited for it.
    pub retries: AtomicU64,
    /// Bytes of datagrams that wait now.
    pub queued_bytes: AtomicU64,
    /// Batches that were taken.
    pub batches: AtomicU64,
    /// Batches that came again.
    pub repeated_batches: AtomicU64,
    /// Events in them.
    pub repeated: AtomicU64,
    /// Batches that were refused as a whole: too large or damaged.
    pub refused_batches: AtomicU64,
    /// Batches that were not acknowledged because the record could not be written.
    pub failed_batches: AtomicU64,
    /// Batches that were sent away because too many came at the same time.
    pub busy_batches: AtomicU64,
    /// Events whose sensor was named otherwise than its token.
    pub renamed: AtomicU64,
}

pub(super) fn add(counter: &AtomicU64, more: u64) {
    counter.fetch_add(more, Relaxed);
}

impl Counters {
    fn flow(&self, way: Way) -> &Flow {
        let [udp, https] = &self.flows;
        match way {
            Way::Udp => udp,
            Way::Https => https,
        }
    }

    pub(super) fn receive(&self, way: Way, more: u64) {
        add(&self.flow(way).received, more);
    }

    pub(super) fn write(&self, way: Way, more: u64) {
        add(&self.flow(way).written, more);
    }

    pub(super) fn refuse(&self, way: Way, tally: &Tally) {
        for ((_, more), counter) in tally.iter().zip(&self.flow(way).refused) {
            if more > 0 {
                add(counter, more);
            }
        }
    }

    /// Events that came, lines that are none included.
    #[must_use]
    pub fn received(&self, way: Way) -> u64 {
        self.flow(way).received.load(Relaxed)
    }

    /// Events that are on disk.
    #[must_use]
    pub fn written(&self, way: Way) -> u64 {
        self.flow(way).written.load(Relaxed)
    }

    /// Events that were refused, by reason.
    pub fn refused(&self, way: Way) -> impl Iterator<Item = (Reason, u64)> + '_ {
        Reason::ALL.into_iter().zip(self.flow(way).refused.iter().map(|counter| counter.load(Relaxed)))
    }
}
