//! Facts against trails.
//!
//! Every fact is looked up as soon as it is handed over; what is listed, and not excused by a rule of its label's
//! class, becomes a [`Finding`]. A packet that raises nothing allocates nothing. The only state is which running
//! flows were told, and it serves to say a thing once: nothing here keeps a listed indicator from being found.

mod address;
mod agents;
mod dns;
mod http;
mod name;
mod names;
mod pairs;
mod tls;
mod url;

use std::net::Ipv4Addr;
use std::ops::Range;
use std::sync::Arc;

use event::{Context, Kind, Observed, Severity};
use packet::fact::NameSource;
use packet::{Fact, Flow, Micros, Name, Sink, TableUsage};
use trails::Label;
use trails::store::{Mapped, Store};

use crate::detectors::{self, Alarm, Batch, When, Witness};
use crate::finding::{Finding, Occasion, severity};
use crate::flows::{FLOWS, Flows};
use crate::lookup::Lookup;
use crate::sightings::Collector;

/// What the matcher is told once.
#[derive(Clone, Debug)]
pub struct MatchSettings {
    /// CHECK_HOST_DOMAINS: host names of HTTP requests are looked up as names.
    pub host_domains: bool,
    /// CHECK_TLS_CERTIFICATES.
    pub certificates: bool,
    /// Which detectors are on, and what they compare with.
    pub detectors: detectors::Settings,
    /// Agents that no ordinary client sends.
    pub agents: Option<Agents>,
    /// Seeds the hashes of the tables of flows and of agents.
    pub seed: u64,
}

/// Finds what is suspicious in a User-Agent: the bytes that are listed, or nothing. The agent comes with its
/// escapes resolved and without surrounding white space.
#[derive(Clone)]
pub struct Agents(pub Arc<FindAgent>);

/// What [`Agents`] asks.
pub type FindAgent = dyn Fn(&[u8]) -> Option<Range<usize>> + Send + Sync;

impl std::fmt::Debug for Agents {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Agents")
    }
}

impl Default for MatchSettings {
    fn default() -> Self {
        MatchSettings {
            host_domains: true,
            certificates: true,
            detectors: detectors::Settings::default(),
            agents: None,
            seed: 0,
        }
    }
}

/// Looks every fact up in the store. One to a capture worker.
pub struct Matcher<L: Lookup = Store<Mapped>> {
    settings: Arc<MatchSettings>,
    store: Arc<L>,
    found: Found,
    flows: Flows,
    request: http::Buffers,
    unlisted: agents::Unlisted,
    pairs: pairs::Pairs,
    names: names::Names,
    witness: Witness,
    sightings: Option<Collector>,
    /// Room for a name that is asked for.
    question: Option<Box<Name>>,
}

/// What was found since the last [`Matcher::take`].
struct Found {
    findings: Vec<Finding>,
    time: Micros,
    sequence: u64,
    late: bool,
    /// Where the findings of this packet begin.
    start: usize,
    /// The finding that says that the receiver of this datagram is listed.
    resolver: Option<usize>,
}

/// A finding without what the packet says: kind, text and label.
struct Match<'s> {
    kind: Kind,
    observed: Observed,
    indicator: String,
    label: Label<'s>,
    occasion: Occasion,
    context: Context,
}

impl Found {
    /// The packet that is looked at.
    #[inline(always)]
    fn when(&self) -> When {
        When { time: self.time, sequence: self.sequence, late: self.late }
    }

    /// Adds a finding, unless this packet has shown the same already.
    fn push(&mut self, flow: Flow, found: Match<'_>) {
        let same = |other: &Finding| {
            other.kind == found.kind
                && other.flow == flow
                && other.observed == found.observed
                && other.indicator == found.indicator
        };
        if self.findings.get(self.start..).unwrap_or_default().iter().any(same) {
            return;
        }
        self.findings.push(Finding {
            time: self.time,
            sequence: self.sequence,
            late: self.late,
            flow,
            kind: found.kind,
            observed: found.observed,
            indicator: found.indicator,
            info: found.label.info.to_owned(),
            reference: found.label.reference.to_owned(),
            class: found.label.class,
            severity: severity(found.label.severity),
            confidence: found.label.confidence,
            reasons: Vec::new(),
            custom: found.label.custom,
            occasion: found.occasion,
            context: found.context,
        });
    }

    /// Adds what a detector raised.
    fn raise(&mut self, flow: Flow, alarm: Alarm) {
        self.findings.push(alarm.finding(self.when(), flow));
    }

    /// Makes the findings from `start` on at most medium.
    fn at_most_medium(&mut self, start: usize) {
        for finding in self.findings.get_mut(start..).unwrap_or_default() {
            finding.severity = finding.severity.min(Severity::Medium);
        }
    }
}

impl<L: Lookup> Matcher<L> {
    /// With the trails of one generation.
    #[must_use]
    pub fn new(settings: Arc<MatchSettings>, store: Arc<L>) -> Self {
        let flows = Flows::new(FLOWS, settings.seed);
        let found =
            Found { findings: Vec::new(), time: Micros::default(), sequence: 0, late: false, start: 0, resolver: None };
        let unlisted = agents::Unlisted::new(settings.seed);
        let (pairs, names) = (pairs::Pairs::new(settings.seed), names::Names::new(settings.seed));
        let witness = Witness::new(&settings.detectors, settings.seed);
        Matcher {
            settings,
            store,
            found,
            flows,
            request: http::Buffers::default(),
            unlisted,
            pairs,
            names,
            witness,
            sightings: None,
            question: Some(Box::new(Name::EMPTY)),
        }
    }

    /// Takes note of what is seen, listed or not, in this collector from now on.
    pub fn collect(&mut self, collector: Option<Collector>) {
        self.sightings = collector;
    }

    /// The collector, if there is one.
    #[must_use]
    pub fn collector(&self) -> Option<&Collector> {
        self.sightings.as_ref()
    }

    /// The collector, if there is one.
    pub fn collector_mut(&mut self) -> Option<&mut Collector> {
        self.sightings.as_mut()
    }

    /// The collector, which goes.
    pub fn take_collector(&mut self) -> Option<Collector> {
        self.sightings.take()
    }

    /// From the next packet on, another generation of trails.
    pub fn swap(&mut self, store: Arc<L>) {
        self.store = store;
        self.pairs = pairs::Pairs::new(self.settings.seed);
        self.names = names::Names::new(self.settings.seed);
    }

    /// The packet whose facts come next.
    pub fn begin(&mut self, time: Micros, sequence: u64) {
        self.found.time = time;
        self.found.sequence = sequence;
        self.found.late = false;
        self.found.start = self.found.findings.len();
        self.found.resolver = None;
    }

    /// Just before that packet, what waited in vain goes: its facts come next.
    pub fn begin_late(&mut self, time: Micros, sequence: u64) {
        self.begin(time, sequence);
        self.found.late = true;
    }

    /// What was found since the last call, in order.
    pub fn take(&mut self, into: &mut Vec<Finding>) {
        into.append(&mut self.found.findings);
        self.found.start = 0;
        self.found.resolver = None;
    }

    /// What detectors are to count, seen since the last call.
    pub fn take_evidence(&mut self, into: &mut Batch) {
        self.witness.take(into);
    }

    /// What its bounded tables hold: `running_flows`, told because of a listed address, `acknowledged`, by such, and
    /// `evidence`, which waits to be taken.
    #[must_use]
    pub fn tables(&self) -> [TableUsage; 3] {
        let [running, acknowledged] = self.flows.tables();
        [running, acknowledged, self.witness.usage()]
    }

    /// Takes note of a name that the sender of the packet asked for.
    #[inline]
    fn sight_name(&mut self, flow: &Flow, name: &[u8], place: names::Place) {
        if let Some(sightings) = &mut self.sightings {
            sightings.name(name, place.hash(), flow.src, self.found.time);
        }
    }

    /// A name said by the sender of the packet, where nothing more is to be told with it.
    fn named(&mut self, flow: &Flow, source: NameSource, name: &Name) {
        // With HELO a client tells its own name.
        if source != NameSource::SmtpHelo {
            let place = self.names.place(name.as_bytes());
            self.sight_name(flow, name.as_bytes(), place);
        }
        let context = Context::default;
        name::look_up(&*self.store, &mut self.found, flow, name.as_bytes(), Occasion::Other, context);
    }
}

impl<L: Lookup> Sink for Matcher<L> {
    #[inline(always)]
    fn passes_over(&mut self, hosts: [Ipv4Addr; 2]) -> bool {
        self.pairs.has(hosts) || self.are_unlisted(hosts)
    }

    fn fact(&mut self, flow: &Flow, fact: Fact<'_>) {
        match fact {
            Fact::TcpSegment { flags, acknowledgment, payload } => {
                self.witness.segment(self.found.when(), flow, flags);
                self.segment(flow, address::Segment { flags, acknowledgment, payload });
            }
            Fact::Datagram { .. } => {
                self.witness.datagram(self.found.when(), flow);
                self.datagram(flow);
            }
            Fact::Icmp { echo_request } => {
                if echo_request {
                    self.packet(flow);
                    if let Some(sightings) = &mut self.sightings {
                        sightings.contact_again(flow, self.found.time);
                    }
                }
            }
            Fact::OtherProtocol => self.packet(flow),
            Fact::DnsQuery(message) => self.query(flow, &message),
            Fact::DnsResponse(message) => self.response(flow, &message),
            // By reference: it is large.
            Fact::HttpRequest(ref request) => self.request(flow, request),
            Fact::HttpResponse(ref response) => self.http_response(flow, response),
            Fact::ClientHello(hello) => self.client_hello(flow, &hello),
            Fact::Certificate(certificate) => self.certificate(flow, &certificate),
            Fact::Named { source, name } => self.named(flow, source, name),
        }
    }
}
