//! QUIC Initials.

use crate::{Anomalies, Flow, Limits, Micros, Sink};

/// CRYPTO frames spread over datagrams.
pub struct Tracker;

impl Tracker {
    pub(crate) fn new(_limits: &Limits, _seed: u64) -> Self {
        Tracker
    }
    pub(crate) fn datagram(
        &mut self,
        _now: Micros,
        _flow: &Flow,
        _payload: &[u8],
        _anomalies: &mut Anomalies,
        _sink: &mut impl Sink,
    ) -> bool {
        false
    }
    pub(crate) fn expire(&mut self, _now: Micros, _anomalies: &mut Anomalies) {}
    pub(crate) fn usage(&self) -> (usize, usize) {
        (0, 0)
    }
}
