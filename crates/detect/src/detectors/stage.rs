//! The detectors that count, of which there is one each for all workers.

use packet::{Flow, Micros, TableUsage};

use super::about::Detector;
use super::alarm::{Alarm, When};
use super::distinct::Distinct;
use super::evidence::{Batch, Evidence, What};
use super::infection::{self, Infection};
use super::net::Keys;
use super::port_scanning::PortScanning;
use super::settings::Settings;
use super::udp_scanning::UdpScanning;
use super::web_scanning::WebScanning;
use crate::finding::Finding;

/// Time that stepped back further is another time: what was counted is forgotten.
const STEP_BACK: i64 = 60 * Micros::SECOND;

/// Takes what workers told, in order of capture.
pub struct Stage {
    settings: Settings,
    keys: Keys,
    now: Micros,
    port_scanning: PortScanning,
    udp_scanning: UdpScanning,
    infection: Infection,
    web_scanning: WebScanning,
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
        }
    }

    /// Weighs a batch, which is in order; what it finds goes to `found`.
    pub fn weigh(&mut self, batch: &Batch, found: &mut Vec<Finding>) {
        for evidence in batch.records() {
            if self.now.since(evidence.time) > STEP_BACK {
                self.forget();
            }
            self.now = self.now.max(evidence.time);
            self.see(evidence, found);
        }
    }

    fn see(&mut self, evidence: &Evidence, found: &mut Vec<Finding>) {
        let Evidence { time, sequence, late, flow, what } = evidence;
        let second = time.0.div_euclid(Micros::SECOND);
        let (when, keys) = (When { time: *time, sequence: *sequence, late: *late }, &self.keys);
        let mut raise = |alarm: Option<Alarm>, flow: Flow| found.extend(alarm.map(|alarm| alarm.finding(when, flow)));
        match what {
            What::Probe => {
                if self.settings.has(Detector::PortScanning) {
                    let scanner = Flow { src_port: 0, dst_port: 0, ..*flow };
                    raise(self.port_scanning.probe(keys, flow, second), scanner);
                }
                if infection::counts(flow) && self.settings.has(Detector::Infection) {
                    raise(self.infection.probe(keys, flow, second), *flow);
                }
            }
            What::Answer => self.infection.answer(keys, flow),
            What::Datagram => {
                let scanner = Flow { src_port: 0, dst_port: 0, ..*flow };
                raise(self.udp_scanning.datagram(keys, flow, second), scanner);
            }
            What::Path(element) => raise(self.web_scanning.path(keys, flow, *element, second), *flow),
        }
    }

    fn counters_mut(&mut self) -> [&mut Distinct; 4] {
        [
            &mut self.port_scanning.counter,
            &mut self.udp_scanning.counter,
            &mut self.infection.counter,
            &mut self.web_scanning.counter,
        ]
    }

    fn counters(&self) -> [&Distinct; 4] {
        [&self.port_scanning.counter, &self.udp_scanning.counter, &self.infection.counter, &self.web_scanning.counter]
    }

    fn forget(&mut self) {
        self.now = Micros(i64::MIN);
        self.counters_mut().into_iter().for_each(Distinct::clear);
    }

    /// What the tables of detectors hold and refused, by the name of each.
    pub fn tables(&self) -> impl Iterator<Item = TableUsage> {
        self.counters().into_iter().map(Distinct::usage)
    }
}
