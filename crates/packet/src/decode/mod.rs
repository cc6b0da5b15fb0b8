//! Frames to IP packets: link layers, tunnels, extension headers, fragments.

use crate::{Anomalies, Frame, Limits, Micros, Outcome, Packet};

/// Fragments of IPv4 and IPv6 datagrams that wait for the rest.
pub struct Fragments;

impl Fragments {
    pub(crate) fn new(_limits: &Limits, _seed: u64) -> Self {
        Fragments
    }
    pub(crate) fn expire(&mut self, _now: Micros, _anomalies: &mut Anomalies) {}
    /// Bytes and datagrams held.
    pub(crate) fn usage(&self) -> (usize, usize) {
        (0, 0)
    }
}

/// Hands every IP packet of the frame to `visit`, the outermost first.
pub fn decode(
    _frame: &Frame<'_>,
    _fragments: &mut Fragments,
    _anomalies: &mut Anomalies,
    _visit: &mut dyn FnMut(&Packet<'_>, &mut Anomalies),
) -> Outcome {
    Outcome::Ignored
}
