//! Listed addresses: who is the source, who the destination, and which of them a label may name.

use std::net::{IpAddr, Ipv4Addr};

use event::{Context, Kind};
use ipnet::IpNet;
use packet::{Flow, TcpFlags};
use trails::excuse::counts_as_destination;
use trails::{Class, Label, LabelId};

use super::{Found, Match, Matcher};
use crate::finding::{Occasion, endpoint_text, observe};
use crate::flows::Side;
use crate::lookup::Lookup;

/// What a TCP segment says of its connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segment {
    pub(super) flags: TcpFlags,
    pub(super) acknowledgment: u32,
    /// Bytes.
    pub(super) payload: usize,
}

/// What of an address is listed.
#[derive(Clone, Copy, Debug)]
enum Listed {
    Endpoint(u16),
    Address,
    Network(u8),
}

/// The most specific trail of an address that `admit` lets pass: with its port, itself, the longest network.
fn listed<L: Lookup>(
    store: &L,
    address: IpAddr,
    port: u16,
    admit: impl Fn(&Label<'_>) -> bool,
) -> Option<(Listed, Label<'_>)> {
    if !store.may_hold_address(address) {
        return None;
    }
    let admitted = |listed: Listed, id: LabelId| {
        let label = store.label(id);
        admit(&label).then_some((listed, label))
    };
    let endpoint = || {
        let id = if port == 0 { None } else { store.endpoint(address, port) };
        admitted(Listed::Endpoint(port), id?)
    };
    endpoint()
        .or_else(|| admitted(Listed::Address, store.address(address)?))
        .or_else(|| store.network(address).and_then(|(length, id)| admitted(Listed::Network(length), id)))
}

/// Whether a label may name this side of the flow. `spoofable`: nothing shows that the sender stands behind its
/// address.
fn admits(label: &Label<'_>, flow: &Flow, side: Side, spoofable: bool) -> bool {
    if side == Side::Src && flow.dst.is_loopback() {
        return false;
    }
    if label.custom {
        return true;
    }
    match (label.class, side) {
        (_, Side::Dst) if !counts_as_destination(label) => false,
        (Class::Parking, _) => matches!(flow.dst_port, 80 | 443),
        // What comes from there is mostly backscatter: answers to packets that somebody else sent in our name.
        (Class::Malware | Class::Sinkhole, Side::Src) => !spoofable,
        _ => true,
    }
}

fn side_of(flow: &Flow, side: Side) -> (IpAddr, u16) {
    match side {
        Side::Src => (flow.src, flow.src_port),
        Side::Dst => (flow.dst, flow.dst_port),
    }
}

fn push(found: &mut Found, flow: &Flow, address: IpAddr, what: Listed, label: Label<'_>, occasion: Occasion) {
    let (kind, text, indicator) = describe(address, what);
    let observed = observe(&[(text.as_bytes(), true)]);
    let indicator = indicator.unwrap_or(text);
    found.push(*flow, Match { kind, observed, indicator, label, occasion, context: Context::default() });
}

/// Kind and text of a hit; the indicator where it is not the text.
fn describe(address: IpAddr, what: Listed) -> (Kind, String, Option<String>) {
    match what {
        Listed::Endpoint(port) => (Kind::Iport, endpoint_text(address, port), None),
        Listed::Address => (Kind::Ip, address.to_string(), None),
        Listed::Network(length) => {
            let network = IpNet::new(address, length).map(|network| network.trunc().to_string());
            (Kind::Ip, address.to_string(), network.ok())
        }
    }
}

/// The client as the source: a SYN-ACK comes from the server, else the lower port is the server's.
fn from_client(flow: &Flow, flags: TcpFlags) -> Flow {
    let from_server = flags.has(TcpFlags::SYN | TcpFlags::ACK) || flow.src_port < flow.dst_port;
    if from_server { flow.reversed() } else { *flow }
}

impl<L: Lookup> Matcher<L> {
    /// Whether either side of the flow may be listed. Nearly all packets end here.
    #[inline]
    fn may_be_listed(&self, flow: &Flow) -> bool {
        self.store.may_hold_address(flow.src) || self.store.may_hold_address(flow.dst)
    }

    /// Whether neither host can be listed; if so, it is remembered.
    #[inline(never)]
    pub(super) fn are_unlisted(&mut self, hosts: [Ipv4Addr; 2]) -> bool {
        let [src, dst] = hosts;
        let unlisted = !self.store.may_hold_address(src.into()) && !self.store.may_hold_address(dst.into());
        if unlisted {
            self.pairs.note(hosts);
        }
        unlisted
    }

    /// The receiver, else the sender.
    fn either(&mut self, flow: &Flow, occasion: Occasion) -> Option<Side> {
        [Side::Dst, Side::Src].into_iter().find(|side| self.side(flow, *side, occasion))
    }

    /// Adds a finding if that side of a packet is listed, and its sender's address is to be believed only so far.
    fn side(&mut self, flow: &Flow, side: Side, occasion: Occasion) -> bool {
        let (address, port) = side_of(flow, side);
        let hit = listed(&*self.store, address, port, |label| admits(label, flow, side, true));
        if let Some((what, label)) = hit {
            push(&mut self.found, flow, address, what, label, occasion);
        }
        hit.is_some()
    }

    /// A packet without ports.
    #[inline]
    pub(super) fn packet(&mut self, flow: &Flow) {
        if self.may_be_listed(flow) {
            self.portless(flow);
        }
    }

    #[cold]
    fn portless(&mut self, flow: &Flow) {
        self.either(&Flow { src_port: 0, dst_port: 0, ..*flow }, Occasion::Other);
    }

    #[inline]
    pub(super) fn datagram(&mut self, flow: &Flow) {
        if let Some(sightings) = &mut self.sightings {
            sightings.datagram(flow, self.found.time);
        }
        if self.may_be_listed(flow) {
            self.listed_datagram(flow);
        }
    }

    #[cold]
    fn listed_datagram(&mut self, flow: &Flow) {
        let place = self.found.findings.len();
        if self.either(flow, Occasion::Other) == Some(Side::Dst) && self.found.findings.len() > place {
            self.found.resolver = Some(place);
        }
    }

    #[inline]
    pub(super) fn segment(&mut self, flow: &Flow, segment: Segment) {
        if let Some(sightings) = &mut self.sightings
            && segment.flags.opens()
        {
            sightings.contact(flow.dst, flow.src, self.found.time);
        }
        if self.may_be_listed(flow) {
            self.listed_segment(flow, segment);
        }
    }

    /// A packet *to* a listed address counts whatever its flags: somebody here sent it. One *from* it counts where it
    /// opens a connection, belongs to one, or tries a port. It does not where it may be backscatter, the answer to what
    /// somebody else sent in our name: that is a SYN-ACK, a RST, or an ACK of what such a SYN-ACK acknowledged already
    /// (RFC 9293 section 3.10.7). So it counts
    ///
    /// * with SYN alone, and with neither SYN, ACK nor RST (NULL, FIN and Xmas scans), which answers nothing;
    /// * with ACK and payload;
    /// * with ACK alone, if it acknowledges more than an earlier packet of its direction: a client's data or end, in a
    ///   capture that holds the listed side only and none of its payload.
    #[cold]
    fn listed_segment(&mut self, flow: &Flow, segment: Segment) {
        let Segment { flags, acknowledgment, payload } = segment;
        let (src, dst) = (self.store.may_hold_address(flow.src), self.store.may_hold_address(flow.dst));
        if flags.opens() {
            self.either(flow, Occasion::Opening);
            self.flows.open(flow, self.found.time);
            return;
        }
        let acknowledges = flags.has(TcpFlags::ACK) && !flags.has(TcpFlags::RST);
        let data = flags.has(TcpFlags::ACK) && payload > 0;
        if dst {
            self.running(flow, flags, Side::Dst, data);
        }
        if !src {
            return;
        }
        // Most that come here only look like a listed address to the filter: they are not to fill the table.
        let on_record = || listed(&*self.store, flow.src, flow.src_port, |_| true).is_some();
        if data || acknowledges && on_record() && self.flows.advances(flow, flags, acknowledgment, self.found.time) {
            self.running(flow, flags, Side::Src, true);
        } else if flags.answers_nothing() {
            self.side(flow, Side::Src, Occasion::Opening);
        }
    }

    /// One side of a packet of a flow whose SYN may not have been seen. `connected`: the packet shows that its sender
    /// stands behind its address.
    fn running(&mut self, packet: &Flow, flags: TcpFlags, side: Side, connected: bool) {
        let (address, port) = side_of(packet, side);
        let flow = from_client(packet, flags);
        let role = if flow == *packet {
            side
        } else if side == Side::Src {
            Side::Dst
        } else {
            Side::Src
        };
        let Some((what, label)) = listed(&*self.store, address, port, |label| admits(label, &flow, role, !connected))
        else {
            return;
        };
        if self.flows.tell(&flow, role, self.found.time) {
            push(&mut self.found, &flow, address, what, label, Occasion::Running);
        }
    }

    /// A host of a request that is an address and not the one the request was sent to.
    pub(super) fn requested(&mut self, flow: &Flow, address: IpAddr, port: u16) {
        if address == flow.dst {
            return;
        }
        let asked = Flow { dst: address, dst_port: port, ..*flow };
        let hit = listed(&*self.store, address, port, |label| admits(label, &asked, Side::Dst, true));
        if let Some((what, label)) = hit {
            push(&mut self.found, flow, address, what, label, Occasion::Other);
        }
    }
}

/// An address in a DNS answer: its kind, text, indicator where that is another, and label.
pub(super) fn answer<L: Lookup>(store: &L, address: IpAddr) -> Option<(Kind, String, Option<String>, Label<'_>)> {
    let (what, label) = listed(store, address, 0, counts_as_destination)?;
    let (kind, text, indicator) = describe(address, what);
    Some((kind, text, indicator, label))
}
