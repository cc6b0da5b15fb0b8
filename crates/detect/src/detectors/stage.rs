//! The detectors that count, of which there is one each for all workers.

use event::Kind;
use packet::{Flow, Micros, TableUsage};

use super::about::Detector;
use super::alarm::{Alarm, When};
use super::beaconing::{self, Beaconing};
use super::brute_force::{self, BruteForce};
use super::distinct::Distinct;
use super::dns_exhaustion::DnsExhaustion;
use super::dns_tunnel::{self, DnsTunnel};
use super::evidence::{Batch, Evidence, What};
use super::excessive_nxdomain::ExcessiveNxdomain;
use super::infection::{self, Infection};
use super::long_domain;
use super::names::Parts;
use super::net::Keys;
use super::port_scanning::PortScanning;
use super::settings::Settings;
use super::udp_scanning::UdpScanning;
use super::web_scanning::WebScanning;
use crate::finding::Finding;
use crate::table::Table;

/// Time that stepped back further is another time: what was counted is forgotten.
const STEP_BACK: i64 = 60 * Micros::SECOND;

/// Clients and domains of which long names were told, and how long that is remembered.
const LONG_NAMES: usize = 1 << 15;
const LONG_NAMES_MICROS: i64 = 3600 * Micros::SECOND;

/// Takes what workers told, in order of capture.
pub struct Stage {
    settings: Settings,
    keys: Keys,
    now: Micros,
    port_scanning: PortScanning,
    udp_scanning: UdpScanning,
    infection: Infection,
    web_scanning: WebScanning,
    dns_exhaustion: DnsExhaustion,
    excessive_nxdomain: ExcessiveNxdomain,
    dns_tunnel: DnsTunnel,
    brute_force: BruteForce,
    beaconing: Beaconing,
    long_names: Table<u64, ()>,
}

impl Stage {
    /// `seed` is that of the workers.
    #[must_use]
    pub fn new(settings: &Settings, seed: u64) -> Stage {
        Stage {
            settings: settings.clone(),
            keys: Keys::new(seed),
            now: Micros(i64::MIN),
            port_scanning: PortScanning::new(settings),
            udp_scanning: UdpScanning::new(settings),
            infection: Infection::new(settings),
            web_scanning: WebScanning::new(settings),
            dns_exhaustion: DnsExhaustion::new(settings),
            excessive_nxdomain: ExcessiveNxdomain::new(settings),
            dns_tunnel: DnsTunnel::new(settings),
            brute_force: BruteForce::new(settings),
            beaconing: Beaconing::new(settings, seed),
            long_names: Table::new(LONG_NAMES, LONG_NAMES_MICROS, seed),
        }
    }

    /// Weighs a batch, which is in order; what it finds goes to `found`.
    pub fn weigh(&mut self, batch: &Batch, found: &mut Vec<Finding>) {
        for evidence in batch.records() {
            if self.now.since(evidence.time) > STEP_BACK {
                self.forget();
            }
            self.now = self.now.max(evidence.time);
            self.see(batch, evidence, found);
        }
    }

    fn see(&mut self, batch: &Batch, evidence: &Evidence, found: &mut Vec<Finding>) {
        let Evidence { time, sequence, late, flow, what } = evidence;
        let when = When { time: *time, sequence: *sequence, late: *late };
        let second = time.0.div_euclid(Micros::SECOND);
        let mut raise = |alarm: Option<Alarm>| {
            if let Some(alarm) = alarm {
                push(found, alarm, when, flow);
            }
        };
        let keys = &self.keys;
        match what {
            What::Probe => self.probe(flow, *time, raise),
            What::Answer => self.infection.answer(keys, flow),
            What::Datagram => raise(self.udp_scanning.datagram(keys, flow, second)),
            What::Path(element) => raise(self.web_scanning.path(keys, flow, *element, second)),
            What::Query(name, hash, kind) => {
                let name = Name { text: batch.read(*name), hash: *hash, kind: *kind };
                self.query(flow, &name, second, raise);
            }
            What::LongName(name) => {
                let name = batch.read(*name);
                let Some(parts) = Parts::of(name) else { return };
                let key = keys.with(keys.address(flow.src), keys.text(parts.domain));
                if !self.long_names.has(&key, self.now) {
                    self.long_names.note(key, self.now);
                    raise(Some(long_domain::alarm(name)));
                }
            }
            What::NoSuchName(name) => {
                raise(self.excessive_nxdomain.missing(keys, flow.src, batch.read(*name), second));
            }
        }
    }

    /// A connection attempt, or what tries a port in another way.
    #[inline]
    fn probe(&mut self, flow: &Flow, time: Micros, mut raise: impl FnMut(Option<Alarm>)) {
        let (keys, settings, second) = (&self.keys, &self.settings, time.0.div_euclid(Micros::SECOND));
        if settings.has(Detector::PortScanning) {
            raise(self.port_scanning.probe(keys, flow, second));
        }
        if infection::counts(flow) && settings.has(Detector::Infection) {
            raise(self.infection.probe(keys, flow, second));
        }
        if brute_force::counts(flow) && settings.has(Detector::BruteForce) {
            raise(self.brute_force.probe(keys, flow, second));
        }
        if beaconing::counts(flow) && settings.has(Detector::Beaconing) {
            raise(self.beaconing.probe(keys, flow, time));
        }
    }

    /// A DNS query.
    #[inline]
    fn query(&mut self, flow: &Flow, name: &Name<'_>, second: i64, mut raise: impl FnMut(Option<Alarm>)) {
        let (keys, settings) = (&self.keys, &self.settings);
        let Some(parts) = Parts::of(name.text) else { return };
        if settings.has(Detector::DnsExhaustion) {
            raise(self.dns_exhaustion.query(keys, name, &parts, second));
        }
        if dns_tunnel::counts(&parts, name.kind) && settings.has(Detector::DnsTunnel) {
            raise(self.dns_tunnel.query(keys, flow.src, (&parts, name), second));
        }
    }

    fn counters_mut(&mut self) -> [&mut Distinct; 8] {
        [
            &mut self.port_scanning.counter,
            &mut self.udp_scanning.counter,
            &mut self.infection.counter,
            &mut self.web_scanning.counter,
            &mut self.dns_exhaustion.counter,
            &mut self.excessive_nxdomain.counter,
            &mut self.dns_tunnel.counter,
            &mut self.brute_force.counter,
        ]
    }

    fn counters(&self) -> [&Distinct; 8] {
        [
            &self.port_scanning.counter,
            &self.udp_scanning.counter,
            &self.infection.counter,
            &self.web_scanning.counter,
            &self.dns_exhaustion.counter,
            &self.excessive_nxdomain.counter,
            &self.dns_tunnel.counter,
            &self.brute_force.counter,
        ]
    }

    fn forget(&mut self) {
        self.now = Micros(i64::MIN);
        self.counters_mut().into_iter().for_each(Distinct::clear);
        self.beaconing.clear();
        self.long_names.clear();
    }

    /// What the tables of detectors hold and refused, by the name of each.
    pub fn tables(&self) -> impl Iterator<Item = TableUsage> {
        let others = [self.beaconing.usage(), self.long_names.usage("long_domain")];
        self.counters().into_iter().map(Distinct::usage).chain(others)
    }
}

#[cold]
#[inline(never)]
fn push(found: &mut Vec<Finding>, alarm: Alarm, when: When, flow: &Flow) {
    // Of a scan of many ports no one is to be named.
    let scan = alarm.kind == Kind::Ip;
    let flow = if scan { Flow { src_port: 0, dst_port: 0, ..*flow } } else { *flow };
    found.push(alarm.finding(when, flow));
}

/// A name that is asked for.
pub(super) struct Name<'a> {
    pub(super) text: &'a [u8],
    /// Its hash, of a secret seed.
    pub(super) hash: u64,
    /// QTYPE.
    pub(super) kind: u16,
}
