//! The state machine that turns frames into facts: fragments, decoding, heads, dissection.

use crate::anomaly::{Anomalies, Anomaly};
use crate::decode::{self, Fragments, plain};
use crate::dissect::Dissection;
use crate::{Frame, Micros, Packet, Sink, TableUsage};

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
    #[inline(always)]
    pub fn frame<S: Sink>(&mut self, frame: &Frame<'_>, sink: &mut S) -> Outcome {
        let Some(segment) = plain::tcp(frame) else { return self.other(frame, sink) };
        let concern = self.dissection.concern(&segment);
        if !concern && sink.passes_over(segment.hosts()) {
            return Outcome::Decoded;
        }
        self.segment(frame.time, segment, concern, sink)
    }

    #[inline(never)]
    fn segment<S: Sink>(&mut self, time: Micros, segment: plain::Segment<'_>, concern: bool, sink: &mut S) -> Outcome {
        self.anomalies.begin_frame();
        self.dissection.tcp(time, &segment.packet(), concern, &mut self.anomalies, sink);
        decode::outcome(&self.anomalies, true)
    }

    #[inline(always)]
    fn plain<S: Sink>(&mut self, time: Micros, packet: &Packet<'_>, sink: &mut S) -> Outcome {
        self.anomalies.begin_frame();
        self.dissection.packet(time, packet, &mut self.anomalies, sink);
        decode::outcome(&self.anomalies, true)
    }

    #[inline(never)]
    fn other<S: Sink>(&mut self, frame: &Frame<'_>, sink: &mut S) -> Outcome {
        if let Some(packet) = plain::udp(frame) {
            return self.datagram(frame, &packet, sink);
        }
        if let Some(packet) = plain::icmp(frame) {
            return self.plain(frame.time, &packet, sink);
        }
        self.layers(frame, sink)
    }

    #[inline(always)]
    fn datagram<S: Sink>(&mut self, frame: &Frame<'_>, packet: &Packet<'_>, sink: &mut S) -> Outcome {
        let dissection = &mut self.dissection;
        self.anomalies.begin_frame();
        dissection.packet(frame.time, packet, &mut self.anomalies, sink);
        match decode::inside_datagram(packet) {
            None => decode::outcome(&self.anomalies, true),
            Some(inner) => {
                decode::follow(inner, 1, frame, &mut self.fragments, &mut self.anomalies, &mut |packet, anomalies| {
                    dissection.packet(frame.time, packet, anomalies, sink);
                })
            }
        }
    }

    #[inline(never)]
    fn layers<S: Sink>(&mut self, frame: &Frame<'_>, sink: &mut S) -> Outcome {
        let dissection = &mut self.dissection;
        decode::decode(frame, &mut self.fragments, &mut self.anomalies, &mut |packet, anomalies| {
            dissection.packet(frame.time, packet, anomalies, sink);
        })
    }

    /// Lets what waited too long go, and hands over what there is of it: of datagrams, heads and QUIC connections, each
    /// in the order of their flows, so that it does not depend on what else waits. Call about once a second of packet
    /// time.
    pub fn advance<S: Sink>(&mut self, now: Micros, sink: &mut S) {
        let dissection = &mut self.dissection;
        decode::expire(now, &mut self.fragments, &mut self.anomalies, &mut |time, packet, anomalies| {
            dissection.packet(time, packet, anomalies, sink);
        });
        self.dissection.expire(now, &mut self.anomalies, sink);
    }

    /// The end of all frames: as [`advance`](Self::advance), for everything that waits.
    pub fn finish<S: Sink>(&mut self, sink: &mut S) {
        self.advance(Micros(i64::MAX), sink);
    }

    /// What was malformed so far.
    #[must_use]
    pub fn anomalies(&self) -> &Anomalies {
        &self.anomalies
    }

    /// What the bounded tables hold: `fragments` (datagrams that wait for the rest), `heads` (flow heads) and `quic`
    /// (connections).
    #[must_use]
    pub fn tables(&self) -> [TableUsage; 3] {
        let [heads, quic] = self.dissection.tables();
        [self.fragments.table(), heads, quic]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Fact, Flow, LinkType};

    #[derive(Default)]
    struct Seen(Vec<String>);

    impl Sink for Seen {
        fn fact(&mut self, flow: &Flow, fact: Fact<'_>) {
            self.0.push(match fact {
                Fact::TcpSegment { .. } | Fact::Datagram { .. } => format!("packet to {}", flow.dst_port),
                Fact::HttpRequest(request) => format!("host {}", request.host.escape_ascii()),
                other => panic!("{other:?}"),
            });
        }
    }

    /// The first of two fragments, with the beginning of a request.
    fn first_fragment() -> Vec<u8> {
        let mut tcp = vec![0, 9, 0, 80, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, 0x10, 0, 0, 0, 0, 0, 0];
        tcp.extend(b"GET / HTTP/1.1\r\nHost: a.example\r\nAccept: xxx");
        assert_eq!(tcp.len() % 8, 0);
        let length = 20 + tcp.len() as u8;
        [&[0x45, 0, 0, length, 0, 1, 0x20, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2], tcp.as_slice()].concat()
    }

    #[test]
    fn a_datagram_that_is_never_whole_is_looked_into_once_its_wait_is_over() {
        let bytes = first_fragment();
        for (second, late) in [(30, 0), (31, 1)] {
            let (mut dissector, mut seen) = (Dissector::new(&Limits::default(), 1), Seen::default());
            dissector.frame(&Frame { time: Micros(0), link: LinkType(101), bytes: &bytes }, &mut seen);
            dissector.advance(Micros(second * Micros::SECOND), &mut seen);
            assert_eq!(seen.0, &["packet to 80", "host a.example"][..=late]);
            assert_eq!(dissector.tables()[0].entries, 1 - late as u64);
            dissector.finish(&mut seen);
            assert_eq!(seen.0, ["packet to 80", "host a.example"], "the packet itself was told of when it came");
            assert_eq!(dissector.tables()[0].entries, 0);
            assert_eq!(dissector.anomalies().seen().collect::<Vec<_>>(), [(Anomaly::FragmentExpired, 1)]);
        }
    }

    #[test]
    fn the_end_leaves_nothing() {
        let bytes = first_fragment();
        let (mut dissector, mut seen) = (Dissector::new(&Limits::default(), 1), Seen::default());
        let mut whole = bytes;
        whole[6] = 0;
        dissector.frame(&Frame { time: Micros(5), link: LinkType(101), bytes: &whole }, &mut seen);
        assert_eq!((dissector.tables()[1].name, dissector.tables()[1].entries), ("heads", 1));
        dissector.finish(&mut seen);
        assert_eq!(seen.0, ["packet to 80", "host a.example"]);
        assert_eq!((dissector.tables()[1].entries, dissector.tables()[1].bytes), (0, 0));
    }
}
