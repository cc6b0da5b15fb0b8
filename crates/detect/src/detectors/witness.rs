//! The part of detection that is done on a capture worker: what one packet shows is raised at once, what is to be
//! counted goes into a batch for the stage. A packet that shows neither costs no allocation.

use packet::dissect::http::HttpRequest;
use packet::{Flow, Micros, TableUsage, TcpFlags};

use super::about::Detector;
use super::alarm::{Alarm, When};
use super::evidence::{Batch, Evidence, What};
use super::http_request::{self, Search};
use super::net::Keys;
use super::settings::Settings;
use super::{infection, udp_scanning, web_scanning};

/// What was told lately, so that it is not told again in the same second.
const RECENT: usize = 1 << 12;

/// One to a capture worker.
pub(crate) struct Witness {
    settings: Settings,
    keys: Keys,
    recent: Box<[u64; RECENT]>,
    batch: Batch,
    search: Search,
}

impl Witness {
    /// `seed` is the same for all workers and the stage.
    pub(crate) fn new(settings: &Settings, seed: u64) -> Witness {
        let settings = settings.clone();
        Witness {
            settings,
            keys: Keys::new(seed),
            recent: Box::new([0; RECENT]),
            batch: Batch::with_room(),
            search: Search::new(),
        }
    }

    /// Whether the thing of that key was told in this second. A cache: of what it forgot the same is told again, which
    /// counts the same.
    #[inline(always)]
    fn again(&mut self, key: u64, now: Micros) -> bool {
        let second = now.0.div_euclid(Micros::SECOND) as u64;
        let tag = key ^ second.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let Some(slot) = self.recent.get_mut((key % RECENT as u64) as usize) else { return false };
        std::mem::replace(slot, tag) == tag
    }

    #[inline(always)]
    fn tell(&mut self, when: When, flow: &Flow, what: What) {
        let When { time, sequence, late } = when;
        self.batch.push(Evidence { time, sequence, late, flow: *flow, what });
    }

    /// A TCP segment.
    #[inline(always)]
    pub(crate) fn segment(&mut self, when: When, flow: &Flow, flags: TcpFlags) {
        if flags.opens() || flags.answers_nothing() {
            self.probe(when, flow);
        } else if flags.has(TcpFlags::SYN | TcpFlags::ACK) && infection::counts(&flow.reversed()) {
            self.answer(when, flow);
        }
    }

    #[inline(never)]
    fn probe(&mut self, when: When, flow: &Flow) {
        let counts = self.settings.has(Detector::PortScanning)
            || self.settings.has(Detector::Infection) && infection::counts(flow);
        if counts {
            let key = self.keys.with(self.keys.pair(flow.src, flow.dst), flow.dst_port.into());
            if !self.again(key, when.time) {
                self.tell(when, flow, What::Probe);
            }
        }
    }

    #[cold]
    fn answer(&mut self, when: When, flow: &Flow) {
        if self.settings.has(Detector::Infection) {
            self.tell(when, flow, What::Answer);
        }
    }

    /// A UDP datagram.
    #[inline(always)]
    pub(crate) fn datagram(&mut self, when: When, flow: &Flow) {
        if udp_scanning::counts(flow) && self.settings.has(Detector::UdpScanning) {
            let key = self.keys.with(self.keys.pair(flow.src, flow.dst), u64::from(flow.dst_port) | 1 << 16);
            if !self.again(key, when.time) {
                self.tell(when, flow, What::Datagram);
            }
        }
    }

    /// An HTTP request, with the path of its target.
    #[inline]
    pub(crate) fn request<'a>(&mut self, when: When, flow: &Flow, request: &HttpRequest<'a>, path: &'a [u8]) {
        if self.settings.has(Detector::WebScanning)
            && let Some(element) = web_scanning::element(flow, request, path)
        {
            let element = self.keys.text(element);
            let key = self.keys.with(self.keys.pair(flow.src, flow.dst), element);
            if !self.again(key, when.time) {
                self.tell(when, flow, What::Path(element));
            }
        }
    }

    /// The attack that a request for a path of a host holds.
    #[inline]
    pub(crate) fn attack(&mut self, flow: &Flow, request: &HttpRequest<'_>, target: (&[u8], &[u8])) -> Option<Alarm> {
        let (_, path) = target;
        if !self.settings.has(Detector::HttpRequest) {
            return None;
        }
        let attack = http_request::see(&mut self.search, path, request.body)?;
        http_request::alarm(&attack, flow, request, target)
    }

    /// What is to be counted, told since the last call.
    pub(crate) fn take(&mut self, into: &mut Batch) {
        self.batch.give(into);
    }

    /// What waits to be taken.
    pub(crate) fn usage(&self) -> TableUsage {
        self.batch.usage()
    }
}
