//! Packets to facts: which protocol the payload speaks, and what it says.
//!
//! Protocols are told by their bytes, not by ports. A stream parser looks at the bytes of one
//! direction from where a message can begin and answers with [`Progress`]; what is incomplete waits
//! in the bounded table of heads and is tried again, longer, when the next segment comes.

pub mod dns;
pub mod http;
pub mod tls;

use crate::{Anomalies, Limits, Micros, Packet, Sink};

/// What a stream parser made of the bytes from a message's beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// So many bytes are done with; another message may begin right there.
    Used(usize),
    /// It is this protocol, but not whole: ask again with the same bytes and more.
    More,
    /// Nothing further of this direction is of interest.
    Done,
    /// Not this protocol.
    No,
}

/// Everything that spans packets above IP.
pub struct Dissection;

impl Dissection {
    pub(crate) fn new(_limits: &Limits, _seed: u64) -> Self {
        Dissection
    }
    pub(crate) fn packet<S: Sink>(
        &mut self,
        _time: Micros,
        _packet: &Packet<'_>,
        _anomalies: &mut Anomalies,
        _sink: &mut S,
    ) {
    }
    pub(crate) fn expire(&mut self, _now: Micros, _anomalies: &mut Anomalies) {}
    /// Bytes and heads held.
    pub(crate) fn usage(&self) -> (usize, usize) {
        (0, 0)
    }
}
