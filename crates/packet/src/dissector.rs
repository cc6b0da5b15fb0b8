//! The state machine that turns frames into facts: fragments, decoding, heads, dissection.

use crate::anomaly::{Anomalies, Anomaly};
use crate::decode::{self, Fragments, plain};
use crate::dissect::Dissection;
use crate::{Frame, Micros, Packet, Sink};

/// Limits of everything that traffic can grow. Sizes in bytes, times in seconds of packet time.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of fragments kept.
    pub fragment_bytes: usize,
    /// Seconds a datagram waits for its fragments.
    pub fragment_seconds: i64,
    /// Bytes of flow heads kept, all flows together.
    pub head_bytes: usize,
    /// Bytes of one flow head.
    pub head_length: usize,
    /// Seconds a head waits for its rest.
    pub head_seconds: i64,
    /// Bytes kept of QUIC connections, all together.
    pub quic_bytes: usize,
    /// Seconds a QUIC connection is remembered.
    pub quic_seconds: i64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            fragment_bytes: 4 << 20,
            fragment_seconds: 30,
            head_bytes: 16 << 20,
            head_length: 16 << 10,
            head_seconds: 30,
            quic_bytes: 4 << 20,
            quic_seconds: 30,
        }
    }
}

/// What became of a frame: each is exactly one of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It held an IP packet, and every layer of it was read.
    Decoded,
    /// It holds nothing to look at (ARP, LLDP, spanning tree ...).
    Ignored,
    /// It is malformed, in a header or in what it carries; the name of the first thing wrong (later ones
    /// are counted only). Facts seen before that point were handed over.
    Anomaly(Anomaly),
}

/// Memory of the bounded tables.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    /// Bytes of fragments held.
    pub fragment_bytes: usize,
    /// Datagrams waiting for fragments.
    pub fragment_entries: usize,
    /// Bytes of flow heads held.
    pub head_bytes: usize,
    /// Flow heads held.
    pub head_entries: usize,
}

/// Turns frames into facts. One to a capture worker; all frames between two hosts must go to the same one.
pub struct Dissector {
    fragments: Fragments,
    dissection: Dissection,
    anomalies: Anomalies,
}

impl Dissector {
    /// `seed` seeds the hashes of attacker-chosen keys.
    #[must_use]
    pub fn new(limits: &Limits, seed: u64) -> Self {
        Dissector {
            fragments: Fragments::new(limits, seed),
            dissection: Dissection::new(limits, seed),
            anomalies: Anomalies::default(),
        }
    }

    /// Reads one frame and hands over what it shows.
    #[inline]
    pub fn frame<S: Sink>(&mut self, frame: &Frame<'_>, sink: &mut S) -> Outcome {
        let Some(packet) = plain::tcp(frame) else { return self.other(frame, sink) };
        self.plain(frame.time, &packet, sink)
    }

    #[inline(always)]
    fn plain<S: Sink>(&mut self, time: Micros, packet: &Packet<'_>, sink: &mut S) -> Outcome {
        self.anomalies.begin_frame();
        self.dissection.packet(time, packet, &mut self.anomalies, sink);
        decode::outcome(&self.anomalies, true)
    }

    #[inline(never)]
    fn other<S: Sink>(&mut self, frame: &Frame<'_>, sink: &mut S) -> Outcome {
        if let Some(packet) = plain::icmp(frame) {
            return self.plain(frame.time, &packet, sink);
        }
        self.layers(frame, sink)
    }

    #[inline(never)]
    fn layers<S: Sink>(&mut self, frame: &Frame<'_>, sink: &mut S) -> Outcome {
        let dissection = &mut self.dissection;
        decode::decode(frame, &mut self.fragments, &mut self.anomalies, &mut |packet, anomalies| {
            dissection.packet(frame.time, packet, anomalies, sink);
        })
    }

    /// Lets what waited too long go. Call about once a second of packet time.
    pub fn advance(&mut self, now: Micros) {
        self.fragments.expire(now, &mut self.anomalies);
        self.dissection.expire(now, &mut self.anomalies);
    }

    /// What was malformed so far.
    #[must_use]
    pub fn anomalies(&self) -> &Anomalies {
        &self.anomalies
    }

    /// What the tables hold.
    #[must_use]
    pub fn usage(&self) -> Usage {
        let (fragment_bytes, fragment_entries) = self.fragments.usage();
        let (head_bytes, head_entries) = self.dissection.usage();
        Usage { fragment_bytes, fragment_entries, head_bytes, head_entries }
    }
}
