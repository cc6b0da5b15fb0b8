//! Frames to IP packets: link layers, tunnels, extension headers, fragments.
//!
//! A frame is a chain of [`Layer`]s. Each layer is read by a pure function that answers with the next
//! one; the loop in `Decoder::layers` follows the chain, hands every IP packet on the way to `visit`
//! (the outermost first), and stops at a transport that carries no further packet. Nothing is copied,
//! except fragments. Nothing here looks into what TCP or UDP carry, except for tunnel headers; what an
//! ICMP error quotes is no traffic of its own and is not visited.

mod ethernet;
mod fragments;
mod ip;
mod link;
mod pair_hash;
pub(crate) mod plain;
mod ppp;
mod sflow;
mod transport;
mod tunnel;
mod wireless;

pub use fragments::Fragments;
pub use pair_hash::pair_hash;

use crate::{Anomalies, Anomaly, Flow, Frame, LinkType, Micros, Outcome, Packet, Transport};
use fragments::Added;
use ip::{Datagram, Piece};
use transport::Segment;

/// IP packets in one another that are looked at: 8 covers stacked mobile and overlay networks.
const MAX_DEPTH: u8 = 8;

/// Headers of one frame that are followed, tags, labels and IP packets together.
const MAX_LAYERS: u32 = 48;

/// What comes next in a frame.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Layer<'a> {
    /// A frame of a link type of capture files.
    Link(LinkType, &'a [u8]),
    /// An Ethernet frame, from the destination address on.
    Ethernet(&'a [u8]),
    /// What follows an EtherType.
    EtherType(u16, &'a [u8]),
    /// An IEEE 802.2 header.
    Llc(&'a [u8]),
    /// A PPP frame, with or without HDLC address and control.
    Ppp(&'a [u8]),
    /// An MPLS label stack.
    Mpls(&'a [u8]),
    /// An IPv4 or IPv6 header, as its first four bits say.
    Ip(&'a [u8]),
    /// The subframes of an IEEE 802.11 A-MSDU.
    Amsdu(&'a [u8]),
    /// Samples of an sFlow datagram.
    Samples(&'a [u8]),
    /// Nothing to look at.
    Ignored,
    /// Malformed.
    Malformed(Anomaly),
}

/// Hands every IP packet of the frame to `visit`, the outermost first.
///
/// A fragment that does not complete its datagram is visited with [`Packet::fragment`] set; the one that
/// does is visited as the whole datagram instead. A first fragment that certainly never can be completed
/// (captured short, or refused by a limit) is visited like a packet captured short, so that its content
/// is looked at. Of one whose rest just does not come, [`expire`] does so later.
pub fn decode<V: FnMut(&Packet<'_>, &mut Anomalies)>(
    frame: &Frame<'_>,
    fragments: &mut Fragments,
    anomalies: &mut Anomalies,
    visit: &mut V,
) -> Outcome {
    anomalies.begin_frame();
    let Some(bytes) = link::network(frame) else {
        return follow(Layer::Link(frame.link, frame.bytes), 0, frame, fragments, anomalies, visit);
    };
    // What most packets are is read on paths of their own, which keep everything in registers.
    let Some(datagram) = ip::plain_v4(bytes) else {
        return decode_v6(bytes, frame, fragments, anomalies, visit);
    };
    match hand_over(&datagram, 0, false, anomalies, visit) {
        Some(inner) => follow(inner, 1, frame, fragments, anomalies, visit),
        None => outcome(anomalies, true),
    }
}

/// IPv6, and what is not plain.
#[inline(never)]
fn decode_v6<V: FnMut(&Packet<'_>, &mut Anomalies)>(
    bytes: &[u8],
    frame: &Frame<'_>,
    fragments: &mut Fragments,
    anomalies: &mut Anomalies,
    visit: &mut V,
) -> Outcome {
    let Some(datagram) = ip::plain_v6(bytes) else {
        return follow(Layer::Ip(bytes), 0, frame, fragments, anomalies, visit);
    };
    match hand_over(&datagram, 0, false, anomalies, visit) {
        Some(inner) => follow(inner, 1, frame, fragments, anomalies, visit),
        None => outcome(anomalies, true),
    }
}

/// Follows the chain from `layer`, inside `depth` packets that were visited already.
#[inline(never)]
pub(crate) fn follow<V: FnMut(&Packet<'_>, &mut Anomalies)>(
    layer: Layer<'_>,
    depth: u8,
    frame: &Frame<'_>,
    fragments: &mut Fragments,
    anomalies: &mut Anomalies,
    visit: &mut V,
) -> Outcome {
    let mut decoder =
        Decoder { time: frame.time, fragments, anomalies, visit, layers_left: MAX_LAYERS, visited: depth > 0 };
    decoder.layers(layer, depth);
    let visited = decoder.visited;
    outcome(anomalies, visited)
}

#[inline(always)]
pub(crate) fn outcome(anomalies: &Anomalies, visited: bool) -> Outcome {
    match anomalies.first_of_frame() {
        Some(anomaly) => Outcome::Anomaly(anomaly),
        None if visited => Outcome::Decoded,
        None => Outcome::Ignored,
    }
}

/// Visits the packet; what it carries if it is a tunnel. `fragment` says that it is a fragment whose
/// datagram is not whole.
#[inline(always)]
fn hand_over<'a, V: FnMut(&Packet<'_>, &mut Anomalies)>(
    datagram: &Datagram<'a>,
    depth: u8,
    fragment: bool,
    anomalies: &mut Anomalies,
    visit: &mut V,
) -> Option<Layer<'a>> {
    let segment = transport::read(datagram);
    deliver(datagram, &segment, depth, fragment, anomalies, visit);
    if fragment { None } else { inside(datagram, &segment) }
}

/// What a datagram carries if it is a tunnel's.
#[inline(always)]
pub(crate) fn inside_datagram<'a>(packet: &Packet<'a>) -> Option<Layer<'a>> {
    match packet.transport {
        Transport::Udp { payload } => tunnel::in_udp(packet.flow.src_port, packet.flow.dst_port, payload),
        _ => None,
    }
}

/// What a tunnel carries.
#[inline(always)]
fn inside<'a>(datagram: &Datagram<'a>, segment: &Segment<'a>) -> Option<Layer<'a>> {
    match segment.transport {
        Transport::Udp { payload } => tunnel::in_udp(segment.src_port, segment.dst_port, payload),
        Transport::Other { payload } => tunnel::in_ip(datagram.protocol, payload),
        _ => None,
    }
}

#[inline(always)]
fn deliver<V: FnMut(&Packet<'_>, &mut Anomalies)>(
    datagram: &Datagram<'_>,
    segment: &Segment<'_>,
    depth: u8,
    fragment: bool,
    anomalies: &mut Anomalies,
    visit: &mut V,
) {
    // The rest of a fragment is elsewhere: a header that is cut or a length that is too long is no anomaly.
    if let Some(anomaly) = segment.anomaly
        && datagram.piece.is_none()
    {
        anomalies.count(anomaly);
    }
    visit(&packet(datagram, segment, depth, fragment), anomalies);
}

#[inline(always)]
fn packet<'a>(datagram: &Datagram<'a>, segment: &Segment<'a>, depth: u8, fragment: bool) -> Packet<'a> {
    Packet {
        flow: Flow {
            src: datagram.src,
            dst: datagram.dst,
            src_port: segment.src_port,
            dst_port: segment.dst_port,
            protocol: datagram.protocol,
        },
        transport: segment.transport,
        depth,
        fragment,
        known: false,
        missing: segment.missing,
    }
}

/// Lets datagrams go that waited too long for their fragments. What there is from the beginning of each is visited
/// like a packet captured short, with the time of its first fragment and [`Packet::known`] set; in the order of their
/// addresses.
pub fn expire<V: FnMut(Micros, &Packet<'_>, &mut Anomalies)>(
    now: Micros,
    fragments: &mut Fragments,
    anomalies: &mut Anomalies,
    visit: &mut V,
) {
    for late in fragments.expire(now, anomalies) {
        let datagram =
            Datagram { missing: late.missing, ..ip::reassembled(late.src, late.dst, late.protocol, &late.payload) };
        let segment = transport::read(&datagram);
        visit(late.since, &Packet { known: true, ..packet(&datagram, &segment, 0, false) }, anomalies);
        if let Some(inner) = inside(&datagram, &segment) {
            let visit = &mut |packet: &Packet<'_>, anomalies: &mut Anomalies| visit(late.since, packet, anomalies);
            let (time, layers_left) = (late.since, MAX_LAYERS);
            Decoder { time, fragments, anomalies, visit, layers_left, visited: true }.layers(inner, 1);
        }
    }
}

/// Decoding of one frame.
struct Decoder<'d, V> {
    time: Micros,
    fragments: &'d mut Fragments,
    anomalies: &'d mut Anomalies,
    visit: &'d mut V,
    layers_left: u32,
    visited: bool,
}

impl<V: FnMut(&Packet<'_>, &mut Anomalies)> Decoder<'_, V> {
    /// Follows the chain from `layer`, which is inside `depth` IP packets, to its end.
    #[inline(never)]
    fn layers(&mut self, mut layer: Layer<'_>, mut depth: u8) {
        loop {
            if self.layers_left == 0 || depth > MAX_DEPTH {
                return self.anomalies.count(Anomaly::TunnelDepth);
            }
            self.layers_left -= 1;
            layer = match layer {
                Layer::Ip(bytes) => {
                    let Some(inner) = self.ip(bytes, depth) else { return };
                    depth += 1;
                    inner
                }
                Layer::Ignored => return,
                Layer::Malformed(anomaly) => return self.anomalies.count(anomaly),
                Layer::Amsdu(bytes) => return self.subframes(bytes, depth),
                Layer::Samples(bytes) => return self.samples(bytes, depth),
                other => link::next(other),
            };
        }
    }

    /// Each subframe may have as many layers as the frame has left: they share no bytes, so a frame's
    /// length bounds the work.
    #[cold]
    fn subframes(&mut self, bytes: &[u8], depth: u8) {
        let mut rest = bytes;
        while let Some((subframe, after)) = wireless::subframe(rest) {
            self.branch(Layer::Llc(subframe), depth);
            rest = after;
        }
    }

    #[cold]
    fn samples(&mut self, bytes: &[u8], depth: u8) {
        let mut rest = bytes;
        while let Some((packet, after)) = sflow::sample(rest) {
            self.branch(packet, depth);
            rest = after;
        }
    }

    fn branch(&mut self, layer: Layer<'_>, depth: u8) {
        let layers_left = self.layers_left;
        self.layers(layer, depth);
        self.layers_left = layers_left;
    }

    /// Visits one IP packet; what it carries if it is a tunnel.
    fn ip<'a>(&mut self, bytes: &'a [u8], depth: u8) -> Option<Layer<'a>> {
        let datagram = match ip::read(bytes) {
            Ok(datagram) => datagram,
            Err(anomaly) => {
                self.anomalies.count(anomaly);
                return None;
            }
        };
        if let Some(anomaly) = datagram.anomaly {
            self.anomalies.count(anomaly);
        }
        match datagram.piece {
            None => self.transport(&datagram, depth, false),
            Some(piece) => {
                self.fragment(&datagram, piece, depth);
                None
            }
        }
    }

    #[inline(never)]
    fn transport<'a>(&mut self, datagram: &Datagram<'a>, depth: u8, fragment: bool) -> Option<Layer<'a>> {
        self.visited = true;
        hand_over(datagram, depth, fragment, self.anomalies, self.visit)
    }

    #[cold]
    #[inline(never)]
    fn fragment(&mut self, datagram: &Datagram<'_>, piece: Piece, depth: u8) {
        let added = if datagram.missing > 0 {
            Added::Refused
        } else {
            self.fragments.add(self.time, datagram, piece, self.anomalies)
        };
        match added {
            Added::Whole { protocol, payload } => {
                let whole = ip::reassembled(datagram.src, datagram.dst, protocol, &payload);
                if let Some(anomaly) = whole.anomaly {
                    self.anomalies.count(anomaly);
                }
                if let Some(inner) = self.transport(&whole, depth, whole.piece.is_some()) {
                    self.layers(inner, depth + 1);
                }
            }
            Added::Refused if piece.offset == 0 => {
                if let Some(inner) = self.transport(datagram, depth, false) {
                    self.layers(inner, depth + 1);
                }
            }
            Added::Waiting | Added::Refused if piece.offset == 0 => {
                self.transport(datagram, depth, true);
            }
            Added::Waiting | Added::Refused => {
                // A later fragment begins in the middle of the transport's payload: it has no ports.
                self.transport(&Datagram { opaque: true, ..*datagram }, depth, true);
            }
        }
    }
}
