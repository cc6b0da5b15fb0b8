//! The part of detection that is done on a capture worker: what one packet shows is raised at once, what is to be
//! counted goes into a batch for the stage. A packet that shows neither costs no allocation.

use packet::dissect::http::HttpResponse;
use packet::{Flow, Micros, TableUsage, TcpFlags};

use super::about::Detector;
use super::alarm::{Alarm, When};
use super::evidence::{Batch, Evidence, What};
use super::heads::{
    self, Asked, direct_download, iot_download, missing_host, proxy_probe, seized_domain, sinkhole_response,
    suspicious_content_type,
};
use super::http_request::{self, Search};
use super::net::Keys;
use super::settings::Settings;
use super::{beaconing, brute_force, dga, infection, long_domain, udp_scanning, web_scanning};

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
        let Witness { settings, .. } = self;
        let counts = settings.has(Detector::PortScanning)
            || settings.has(Detector::Infection) && infection::counts(flow)
            || settings.has(Detector::BruteForce) && brute_force::counts(flow)
            || settings.has(Detector::Beaconing) && beaconing::counts(flow);
        if counts {
            // Where passwords are guessed, each connection counts.
            let port = if brute_force::counts(flow) { flow.src_port } else { 0 };
            let ports = u64::from(port) << 17 | u64::from(flow.dst_port);
            let key = self.keys.with(self.keys.pair(flow.src, flow.dst), ports);
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

    /// An HTTP request: what it shows by itself goes to `raise`.
    #[inline]
    pub(crate) fn request(&mut self, when: When, asked: &Asked<'_>, mut raise: impl FnMut(Alarm)) {
        if self.settings.has(Detector::WebScanning)
            && let Some(element) = web_scanning::element(asked.flow, asked.request, asked.path)
        {
            let element = self.keys.text(element);
            let key = self.keys.with(self.keys.pair(asked.flow.src, asked.flow.dst), element);
            if !self.again(key, when.time) {
                self.tell(when, asked.flow, What::Path(element));
            }
        }
        let Witness { settings, search, .. } = self;
        let mut raise = |alarm: Alarm| raise(Alarm { context: heads::context(asked), ..alarm });
        if settings.has(Detector::HttpRequest)
            && let Some(attack) = http_request::see(search, asked.path, asked.request.body)
            && let Some(alarm) = http_request::alarm(&attack, asked)
        {
            raise(alarm);
        }
        // What a trail names needs no guess at what it may be.
        if asked.listed {
            return;
        }
        if settings.has(Detector::DirectDownload)
            && let Some(alarm) = direct_download::see(asked)
        {
            raise(alarm);
        }
        if settings.has(Detector::IotDownload)
            && let Some(alarm) = iot_download::see(asked)
        {
            raise(alarm);
        }
        if settings.has(Detector::ProxyProbe)
            && let Some(alarm) = proxy_probe::see(asked)
        {
            raise(alarm);
        }
        if settings.has(Detector::MissingHost)
            && asked.host.is_empty()
            && let Some(alarm) = missing_host::see(asked)
        {
            raise(alarm);
        }
    }

    /// An HTTP response on its way from the server.
    #[inline]
    pub(crate) fn response(&mut self, flow: &Flow, response: &HttpResponse<'_>, mut raise: impl FnMut(Alarm)) {
        let settings = &self.settings;
        if settings.has(Detector::SuspiciousContentType)
            && let Some(alarm) = suspicious_content_type::see(flow, response)
        {
            raise(alarm);
        }
        if settings.has(Detector::SeizedDomain)
            && let Some(alarm) = seized_domain::see(response)
        {
            raise(alarm);
        }
        if settings.has(Detector::SinkholeResponse)
            && let Some(alarm) = sinkhole_response::see(response)
        {
            raise(alarm);
        }
    }

    /// A client asks for a name, whose hash is `hash`; QTYPE is `kind`.
    #[inline]
    pub(crate) fn query(&mut self, when: When, flow: &Flow, name: &[u8], kind: u16, hash: u64) {
        // What a resolver asks further on comes from another client.
        if !self.again(hash ^ self.keys.address(flow.src), when.time) && self.settings.counts_queries() {
            let text = self.batch.text(name);
            self.tell(when, flow, What::Query(text, hash, kind));
            if self.settings.has(Detector::LongDomain)
                && long_domain::counts(name, self.settings.threshold(Detector::LongDomain))
            {
                self.tell(when, flow, What::LongName(text));
            }
        }
    }

    /// A client is told that a name does not exist. `flow` is that of its question.
    #[cold]
    pub(crate) fn no_such_name(&mut self, when: When, flow: &Flow, name: &[u8]) -> Option<Alarm> {
        if self.settings.has(Detector::ExcessiveNxdomain) {
            let text = self.batch.text(name);
            self.tell(when, flow, What::NoSuchName(text));
        }
        if !self.settings.has(Detector::Dga) {
            return None;
        }
        dga::see(name, self.settings.threshold(Detector::Dga))
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
