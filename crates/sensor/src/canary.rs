//! Proof that detection works: now and then a packet is made of a trail in use, one of each kind of which one can be made,
//! and goes through the same decoding, matching and drawing as those of the network. What is found is no event: it is
//! counted, and not finding it is an alarm.
//!
//! It works on a worker, pipeline and sequence of its own, so that no flow, table or account of the network's traffic
//! knows of it. It does not prove that packets arrive: the counters of interfaces tell that.

use std::net::{IpAddr, Ipv6Addr};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use detect::detectors::Batch;
use detect::{Finding, Pipeline, PipelineSettings};
use event::{Event, TextLine, journal};
use jiff::tz::TimeZone;
use packet::{Frame, LinkType, Micros};
use trails::store::{Mapped, Store};
use trails::{Indicator, Kind};

use crate::worker::{Parts, Worker, attempt};

/// Kinds of which a packet can be made: of a fingerprint nobody can make what it is of.
const KINDS: [Kind; 7] =
    [Kind::Name, Kind::Url, Kind::Path, Kind::Address, Kind::Endpoint, Kind::Network, Kind::Pattern];
/// Trails of a kind that are tried before it counts as not found: some match nothing by rule, as names of one's own
/// network do.
const TRIED: usize = 16;
/// From whom the packets are, and to whom those that need no other: addresses that no network routes (RFC 5737 and 3849
/// are for documentation, and listed nowhere).
const SOURCE: [u8; 4] = [192, 0, 2, 1];
const TARGET: [u8; 4] = [192, 0, 2, 2];
const SOURCE_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
/// The port below those that they come from.
const FIRST_PORT: u16 = 40_000;
/// The port of addresses that are listed without one.
const ANY_PORT: u16 = 8_443;
/// LINKTYPE_ETHERNET.
const ETHERNET: LinkType = LinkType(1);
const TCP: u8 = 6;
const UDP: u8 = 17;
const SYN: u8 = 0x02;
const PUSH_ACK: u8 = 0x18;

/// How the last proof went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Proof {
    /// Kinds that were found, in words.
    pub(crate) found: Vec<&'static str>,
    /// Kinds that are listed and were not found.
    pub(crate) missed: Vec<&'static str>,
}

/// The proofs of a process.
#[derive(Clone, Debug, Default)]
pub(crate) struct Proofs {
    /// The last one.
    pub(crate) last: Proof,
    /// When all that is listed was last found.
    pub(crate) proven: Option<Instant>,
    /// Proofs that failed.
    pub(crate) failed: u64,
}

impl Proofs {
    /// Takes note of one; whether it failed.
    pub(crate) fn note(&mut self, proof: Proof, now: Instant) -> bool {
        let failed = !proof.missed.is_empty();
        if failed {
            self.failed += 1;
        } else if !proof.found.is_empty() {
            self.proven = Some(now);
        }
        self.last = proof;
        failed
    }
}

/// When the next proof is due.
pub(crate) struct Canary {
    period: Option<Duration>,
    last: Option<Instant>,
    generation: u64,
}

impl Canary {
    /// `period`: CANARY_PERIOD; none: never.
    pub(crate) fn new(period: Option<Duration>) -> Self {
        Canary { period, last: None, generation: 0 }
    }

    /// Whether one is due: after each period, and for each generation of trails.
    pub(crate) fn due(&mut self, generation: u64, now: Instant) -> bool {
        let Some(period) = self.period else { return false };
        let due = generation != self.generation || self.last.is_none_or(|last| now.duration_since(last) >= period);
        if due {
            (self.generation, self.last) = (generation, Some(now));
        }
        due
    }
}

/// Looks for one trail of each kind that a set has. Of `parts` the settings are used, and nothing that workers share.
pub(crate) fn prove(parts: &Parts, store: Arc<Store<Mapped>>) -> Proof {
    let parts = Parts { store: store.clone(), exchanges: Arc::default(), ..parts.clone() };
    let mut prover = Prover { worker: Worker::new(parts), packets: 0 };
    let mut proof = Proof::default();
    for kind in KINDS.into_iter().filter(|kind| store.count(*kind) > 0) {
        let found = store.of_kind(kind).take(TRIED).any(|(indicator, _)| {
            let one = || prover.finds(&indicator);
            catch_unwind(AssertUnwindSafe(one)).unwrap_or(false)
        });
        (if found { &mut proof.found } else { &mut proof.missed }).push(kind.as_str());
    }
    proof
}

/// One worker for all packets of a proof.
struct Prover {
    worker: Worker,
    packets: u16,
}

impl Prover {
    /// Whether a packet of an indicator becomes an event that names it, in the form of the log and of the journal.
    fn finds(&mut self, indicator: &Indicator<'_>) -> bool {
        self.packets += 1;
        // Each packet is a flow of its own.
        let Some(bytes) = frame_of(indicator, FIRST_PORT + self.packets) else { return false };
        let (time, sequence) = (Micros(0), 2 * u64::from(self.packets));
        let frame = Frame { time, link: ETHERNET, bytes: &bytes };
        attempt(&mut self.worker, |worker| worker, |worker| worker.frame(&frame, sequence));
        self.worker.finish(time, sequence + 1);
        let mut findings: Vec<Finding> = Vec::new();
        self.worker.take(&mut findings, &mut Batch::default());
        let mut pipeline = Pipeline::new(PipelineSettings::default());
        let mut events: Vec<Event> = Vec::new();
        for finding in findings {
            pipeline.take(finding, &mut events);
        }
        pipeline.finish(&mut events);
        // A pattern is told by the name that it matched.
        let listed = match indicator {
            Indicator::Pattern(source) => trails::probe::sample(source).unwrap_or_default(),
            other => other.to_string(),
        };
        events.iter().any(|event| event.indicator == listed && drawn(event))
    }
}

/// Whether both forms of an event read back.
fn drawn(event: &Event) -> bool {
    let line = TextLine::of(event, &TimeZone::UTC).to_string();
    let journal = journal::to_line(event).ok().and_then(|line| journal::parse(&line).ok());
    TextLine::parse(&line).is_ok() && journal.as_ref() == Some(event)
}

/// A packet that shows an indicator.
fn frame_of(indicator: &Indicator<'_>, source: u16) -> Option<Vec<u8>> {
    let target = IpAddr::from(TARGET);
    let between = |target, port| Between { source, target, port };
    match *indicator {
        Indicator::Name(name) => Some(udp(between(target, 53), &query(name)?)),
        Indicator::Pattern(pattern) => Some(udp(between(target, 53), &query(&trails::probe::sample(pattern)?)?)),
        Indicator::Address(address) => Some(tcp(between(address, ANY_PORT), SYN, &[])),
        Indicator::Endpoint(address, port) => Some(tcp(between(address, port), SYN, &[])),
        Indicator::Network(network) => Some(tcp(between(network.address, ANY_PORT), SYN, &[])),
        Indicator::Path(path) => Some(tcp(between(target, 80), PUSH_ACK, &request("canary.invalid", path))),
        Indicator::Url(url) => {
            let (host, path) = url.split_at(url.find('/').unwrap_or(url.len()));
            let port = host.rsplit_once(':').and_then(|(_, port)| port.parse().ok()).unwrap_or(80);
            let path = if path.is_empty() { "/" } else { path };
            Some(tcp(between(target, port), PUSH_ACK, &request(host, path)))
        }
        Indicator::CertificateSha1(_) | Indicator::Ja3(_) | Indicator::Ja4(_) => None,
    }
}

/// A DNS query for an address (RFC 1035 4.1).
fn query(name: &str) -> Option<Vec<u8>> {
    let mut message = vec![0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in name.split('.') {
        message.push(u8::try_from(label.len()).ok().filter(|length| (1..64).contains(length))?);
        message.extend_from_slice(label.as_bytes());
    }
    message.extend_from_slice(&[0, 0, 1, 0, 1]);
    Some(message)
}

/// An HTTP request (RFC 9112).
fn request(host: &str, path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: Mozilla/5.0\r\nAccept: */*\r\n\r\n").into_bytes()
}

/// From which port, and to where.
#[derive(Clone, Copy)]
struct Between {
    source: u16,
    target: IpAddr,
    port: u16,
}

fn udp(between: Between, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(8 + payload.len()).unwrap_or(u16::MAX);
    let mut datagram = Vec::with_capacity(8 + payload.len());
    for word in [between.source, between.port, length, 0] {
        datagram.extend_from_slice(&word.to_be_bytes());
    }
    datagram.extend_from_slice(payload);
    ethernet(between.target, UDP, &datagram)
}

fn tcp(between: Between, flags: u8, payload: &[u8]) -> Vec<u8> {
    let mut segment = Vec::with_capacity(20 + payload.len());
    segment.extend_from_slice(&between.source.to_be_bytes());
    segment.extend_from_slice(&between.port.to_be_bytes());
    segment.extend_from_slice(&[0, 0, 0, 1, 0, 0, 0, 0, 0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
    segment.extend_from_slice(payload);
    ethernet(between.target, TCP, &segment)
}

/// A frame of Ethernet II with IPv4 (RFC 791) or IPv6 (RFC 8200). Checksums are left out: nothing here reads them.
fn ethernet(target: IpAddr, protocol: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1];
    match target {
        IpAddr::V4(target) => {
            let length = u16::try_from(20 + payload.len()).unwrap_or(u16::MAX);
            frame.extend_from_slice(&[0x08, 0x00, 0x45, 0]);
            frame.extend_from_slice(&length.to_be_bytes());
            frame.extend_from_slice(&[0, 0, 0, 0, 64, protocol, 0, 0]);
            frame.extend_from_slice(&SOURCE);
            frame.extend_from_slice(&target.octets());
        }
        IpAddr::V6(target) => {
            let length = u16::try_from(payload.len()).unwrap_or(u16::MAX);
            frame.extend_from_slice(&[0x86, 0xdd, 0x60, 0, 0, 0]);
            frame.extend_from_slice(&length.to_be_bytes());
            frame.extend_from_slice(&[protocol, 64]);
            frame.extend_from_slice(&SOURCE_V6.octets());
            frame.extend_from_slice(&target.octets());
        }
    }
    frame.extend_from_slice(payload);
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(trails: &[&str]) -> Parts {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("trails.csv");
        let rows: String = trails.iter().map(|trail| format!("{trail},test (malware),(static)\n")).collect();
        std::fs::write(&path, rows).unwrap();
        let store: Arc<Store<Mapped>> = Arc::new(trails::load::load(&path, directory.path()).unwrap());
        Parts {
            limits: packet::Limits::default(),
            matching: Arc::default(),
            store,
            exchanges: Arc::default(),
            panic_at: Vec::new(),
        }
    }

    #[test]
    fn every_kind_is_found() {
        let trails = [
            "evil.org",
            "evil.org/gate.php",
            "evil.org:8080/x?id=",
            "/wp-evil.php",
            "8.9.10.11",
            "8.9.10.12:4444",
            "[2a01:7e01::1]:443",
            "8.9.11.0/24",
            r"^evil[0-9]{2}\.(com|net)$",
            "0123456789abcdef0123456789abcdef01234567",
        ];
        let parts = parts(&trails);
        let proof = prove(&parts, parts.store.clone());
        assert_eq!((proof.found.len(), proof.missed.len()), (KINDS.len(), 0), "{proof:?}");
    }

    #[test]
    fn what_cannot_match_is_missed() {
        let mut parts = parts(&["evil.org", "8.9.10.11"]);
        assert!(prove(&parts, parts.store.clone()).missed.is_empty());
        // A worker that fails on every packet.
        parts.panic_at = (0..100).collect();
        let proof = prove(&parts, parts.store.clone());
        assert_eq!((proof.found.len(), proof.missed.len()), (0, 2), "{proof:?}");
        let mut proofs = Proofs::default();
        assert!(proofs.note(proof, Instant::now()));
        assert_eq!((proofs.failed, proofs.proven), (1, None));
    }

    #[test]
    fn one_for_each_period_and_generation() {
        let start = Instant::now();
        let mut canary = Canary::new(Some(Duration::from_secs(300)));
        let at = |seconds| start + Duration::from_secs(seconds);
        let due: Vec<bool> =
            [(1, 0), (1, 1), (2, 2), (2, 300), (2, 302)].map(|(generation, s)| canary.due(generation, at(s))).to_vec();
        assert_eq!(due, [true, false, true, false, true]);
        assert!(!Canary::new(None).due(1, start));
    }
}
