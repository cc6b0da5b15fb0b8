//! Initials built with another implementation of their protection, and the vectors of the RFCs.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;
use testkit::quic as build;
use testkit::tls as hello;

use super::crypto::Salts;
use super::header::Family;
use super::sha256::Compression;
use super::{CONNECTIONS_PER_FLOW, Connection, Tracker};
use crate::{Anomalies, Anomaly, Fact, Flow, Limits, Micros, Sink};

const DCID: [u8; 8] = [0x83, 0x94, 0xc8, 0xf0, 0x3e, 0x51, 0x57, 0x08];

#[derive(Default)]
struct Names(Vec<String>);

impl Sink for Names {
    fn fact(&mut self, _flow: &Flow, fact: Fact<'_>) {
        self.0.push(match fact {
            Fact::ClientHello(hello) => {
                let whole = if hello.fields().is_some() { "" } else { " (cut)" };
                format!("{}{whole}", hello.sni.unwrap_or_default().escape_ascii())
            }
            Fact::Named { name, .. } => format!("chlo {name:?}"),
            other => panic!("{other:?}"),
        });
    }
}

struct Bench {
    tracker: Tracker,
    anomalies: Anomalies,
    names: Names,
    now: Micros,
}

impl Bench {
    fn new() -> Self {
        Self::with(&Limits::default())
    }

    fn with(limits: &Limits) -> Self {
        Bench {
            tracker: Tracker::new(limits, 3),
            anomalies: Anomalies::default(),
            names: Names::default(),
            now: Micros(0),
        }
    }

    fn on(&mut self, flow: &Flow, payload: &[u8]) -> bool {
        self.tracker.datagram(self.now, flow, payload, &mut self.anomalies, &mut self.names)
    }

    fn expire(&mut self) {
        self.tracker.expire(self.now, &mut self.anomalies, &mut self.names);
    }

    fn send(&mut self, payload: &[u8]) -> bool {
        self.on(&flow(1), payload)
    }

    fn take(&mut self) -> Vec<String> {
        std::mem::take(&mut self.names.0)
    }

    fn clean(&self) {
        assert_eq!(self.anomalies.seen().collect::<Vec<_>>(), []);
    }
}

fn flow(port: u16) -> Flow {
    let address = |last| IpAddr::V4(Ipv4Addr::new(192, 0, 2, last));
    Flow { src: address(1), dst: address(2), src_port: port, dst_port: 443, protocol: 17 }
}

fn message(name: &str, size: usize) -> Vec<u8> {
    let mut words = hello::ClientHello::new(name);
    words.pad_to = size;
    words.message()
}

fn single(name: &str) -> build::Initial {
    let data = message(name, 0);
    build::Initial::new(&DCID, build::crypto(&data, 0, data.len()))
}

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

/// Key, IV and header protection key of RFC 9001 appendix A.1 and RFC 9369 appendix A.1.
#[test]
fn keys_of_the_rfcs() {
    let of = |family| {
        let [keys, same] =
            [true, false].map(|hardware| Salts::with(Compression { hardware }).client_keys(family, &DCID));
        assert_eq!(keys, same);
        format!("{:02x?}", keys.unwrap())
    };
    let expect = |key: &str, iv: &str, hp: &str| {
        format!("Keys {{ key: {:02x?}, iv: {:02x?}, hp: {:02x?} }}", hex(key), hex(iv), hex(hp))
    };
    assert_eq!(
        of(Family::V1),
        expect("1f369613dd76d5467730efcbe3b1a22d", "fa044b2f42a3fd3b46fb255c", "9f50449e04a0e810283a1e9933adedd2")
    );
    assert_eq!(
        of(Family::V2),
        expect("8b1a0bc121284290a29e0971b5cd045d", "91f73e2351d8fa91660e909f", "45b95e15235d6f45a6b19cbcb0294ba9")
    );
}

/// The CRYPTO frame of RFC 9001 appendix A.2 and RFC 9369 appendix A.2.
const RFC_FRAME: &str = "060040f1010000ed0303ebf8fa56f12939b9584a3896472ec40bb863cfd3e86804fe3a47f06a2b69484c
         00000413011302010000c000000010000e00000b6578616d706c652e636f6dff01000100000a00080006001d
         0017001800100007000504616c706e000500050100000000003300260024001d00209370b2c9caa47fbabaf4
         559fedba753de171fa71f50f1ce15d43e994ec74d748002b0003020304000d0010000e0403050306030203080
         408050806002d00020101001c00024001003900320408ffffffffffffffff05048000ffff07048000ffff0801
         1001048000753009011 00f088394c8f03e51570806048000ffff";

/// The packets of those appendices begin and end as printed there.
#[test]
fn packets_of_the_rfcs() {
    let printed = [
        (
            build::V1,
            "c000000001088394c8f03e5157080000449e7b9aec34d1b1c98dd7689fb8ec11",
            "e221af44860018ab0856972e194cd934",
        ),
        (
            build::V2,
            "d76b3343cf088394c8f03e5157080000449ea0c95e82ffe67b6abcdb4298b485",
            "a18b2faa745b6fe189cf772a9f84cbfc",
        ),
    ];
    for (version, start, end) in printed {
        let packet = build::Initial { version, number: 2, ..build::Initial::new(&DCID, hex(RFC_FRAME)) }.seal();
        assert_eq!(packet.len(), 1200);
        assert_eq!((&packet[..32], &packet[1184..]), (&hex(start)[..], &hex(end)[..]));
        let mut bench = Bench::new();
        assert!(bench.send(&packet));
        assert_eq!(bench.take(), ["example.com"]);
        bench.clean();
    }
}

#[test]
fn versions_and_address_families() {
    let v6 = |last| IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, last));
    let flow = Flow { src: v6(1), dst: v6(2), src_port: 7, dst_port: 5353, protocol: 17 };
    for version in [build::V1, build::V2, build::DRAFT_27, build::DRAFT_29] {
        let mut bench = Bench::new();
        assert!(bench.on(&flow, &build::Initial { version, ..single("evil.example") }.seal()));
        assert_eq!(bench.take(), ["evil.example"]);
        bench.clean();
    }
    let mut bench = Bench::new();
    let mut unknown = single("evil.example").seal();
    unknown[4] = 0x77;
    assert!(!bench.send(&unknown));
    assert!(!bench.send(b"\x16\xfe\xfd"));
    assert!(!bench.send(b""));
}

#[test]
fn hello_over_two_datagrams_in_either_order() {
    let data = message("pq.example", 1800);
    let parts = [(0, 1000), (1000, 804)];
    let packets: Vec<Vec<u8>> = parts
        .iter()
        .enumerate()
        .map(|(i, (at, length))| {
            let frames = build::crypto(&data, *at, *length);
            build::Initial { number: i as u32, ..build::Initial::new(&DCID, frames) }.seal()
        })
        .collect();
    for order in [[0, 1], [1, 0]] {
        let mut bench = Bench::new();
        bench.send(&packets[order[0]]);
        assert_eq!(bench.take(), [""; 0]);
        bench.send(&packets[order[0]]);
        bench.send(&packets[order[1]]);
        assert_eq!(bench.take(), ["pq.example"]);
        // Repeats of what is done with say nothing.
        bench.send(&packets[0]);
        bench.send(&packets[1]);
        assert_eq!(bench.take(), [""; 0]);
        bench.clean();
    }
}

#[test]
fn packets_of_one_datagram() {
    let data = message("coalesced.example", 300);
    let half = data.len() / 2;
    let part = |at, length, number| {
        let frames = build::crypto(&data, at, length);
        build::Initial { number, pad_to: 0, ..build::Initial::new(&DCID, frames) }.seal()
    };
    // A 0-RTT packet between the two.
    let early = hex("d00000000108 8394c8f03e515708 00 05 0102030405");
    let datagram = [part(half, data.len() - half, 0), early, part(0, half, 1)].concat();
    let mut bench = Bench::new();
    bench.send(&datagram);
    assert_eq!(bench.take(), ["coalesced.example"]);
    bench.clean();
}

#[test]
fn servers_connection_id_keeps_the_keys() {
    let data = message("later.example", 1800);
    let first = build::Initial::new(&DCID, build::crypto(&data, 0, 1000));
    let second = build::Initial {
        dcid: vec![9; 12],
        number: 1,
        ..build::Initial::new(&DCID, build::crypto(&data, 1000, data.len() - 1000))
    };
    let acknowledgement =
        build::Initial { dcid: vec![9; 12], number: 2, ..build::Initial::new(&DCID, hex("02 00 00 00 00")) };
    let mut bench = Bench::new();
    bench.send(&first.seal());
    bench.send(&second.seal());
    assert_eq!(bench.take(), ["later.example"]);
    bench.send(&acknowledgement.seal());
    bench.clean();
}

#[test]
fn retry_changes_the_keys() {
    let mut bench = Bench::new();
    bench.send(&single("before.example").seal());
    let data = message("after.example", 0);
    let mut again = build::Initial::new(&[7; 16], build::crypto(&data, 0, data.len()));
    again.token = vec![1; 70];
    bench.send(&again.seal());
    assert_eq!(bench.take(), ["before.example", "after.example"]);
    bench.clean();
}

#[test]
fn answers_of_a_server_are_passed_over() {
    let mut bench = Bench::new();
    bench.send(&build::Initial { scid: vec![2; 16], ..single("a.example") }.seal());
    let answer = build::Initial { key_dcid: vec![1; 9], dcid: vec![2; 16], ..single("x.example") };
    assert!(bench.on(&flow(1).reversed(), &answer.seal()));
    let short = build::Initial { dcid: vec![2; 4], ..answer.clone() };
    assert!(bench.on(&flow(2), &short.seal()));
    assert_eq!(bench.take(), ["a.example"]);
    bench.clean();
    assert!(bench.on(&flow(3), &answer.seal()));
    assert_eq!(bench.anomalies.get(Anomaly::QuicUndecryptable), 1);
    assert_eq!(bench.take(), [""; 0]);
}

/// A server that speaks first does not hide what its client says, nor does a connection ID that is too short.
#[test]
fn clients_are_told_by_their_keys() {
    let mut bench = Bench::new();
    bench.on(&flow(1).reversed(), &single("decoy.example").seal());
    bench.send(&single("real.example").seal());
    let short = build::Initial { dcid: vec![5; 3], key_dcid: vec![5; 3], ..single("short.example") };
    bench.on(&flow(2), &short.seal());
    assert_eq!(bench.take(), ["decoy.example", "real.example", "short.example"]);
    bench.clean();
}

#[test]
fn cut_packet_gives_its_name() {
    let data = message("cut.example", 900);
    let packet = build::Initial::new(&DCID, build::crypto(&data, 0, data.len())).seal();
    let mut bench = Bench::new();
    bench.send(&packet[..400]);
    assert_eq!(bench.take(), ["cut.example (cut)"]);
    bench.clean();
}

#[test]
fn google_versions() {
    for version in [b"Q024", b"Q035", b"Q039", b"Q043", b"Q046"] {
        let mut bench = Bench::new();
        assert!(bench.send(&build::gquic(version, "Old.Example")));
        assert_eq!(bench.take(), ["chlo old.example"]);
        bench.clean();
    }
    assert!(!Bench::new().send(&build::gquic(b"X024", "old.example")));
}

#[test]
fn google_versions_with_ietf_packets() {
    let chlo = build::chlo("q050.example");
    let hello = message("t051.example", 0);
    for (version, data, seen) in [(build::Q050, chlo, "chlo q050.example"), (build::T051, hello, "t051.example")] {
        let frames = build::google_crypto(&data, 0, data.len());
        let mut bench = Bench::new();
        assert!(bench.send(&build::Initial { version, ..build::Initial::new(&DCID, frames) }.seal()));
        assert_eq!(bench.take(), [seen]);
        bench.clean();
    }
}

#[test]
fn flow_remembers_so_many_connections() {
    let data = message("pq.example", 1800);
    let (limit, mut bench) = (CONNECTIONS_PER_FLOW as u8, Bench::new());
    for i in 0..=limit {
        bench.send(&build::Initial::new(&[i; 8], build::crypto(&data, 0, 1000)).seal());
        let refused = u64::from(i == limit);
        assert_eq!(bench.anomalies.get(Anomaly::HeadLimit), refused, "{i}");
    }
    assert_eq!(bench.tracker.usage().1, CONNECTIONS_PER_FLOW);
}

#[test]
fn budget_refuses_what_waits_and_forgets_what_is_old() {
    let data = message("pq.example", 1800);
    let start = build::Initial::new(&DCID, build::crypto(&data, 0, 1000)).seal();
    let mut bench = Bench::new();
    bench.send(&start);
    let (one, _) = bench.tracker.usage();
    for (budget, kept) in [(3 * one - 1, 2), (3 * one, 3), (3 * one + 1, 3)] {
        let mut bench = Bench::with(&Limits { quic_bytes: budget, ..Limits::default() });
        for port in 1..=3 {
            bench.on(&flow(port), &start);
        }
        assert_eq!(bench.tracker.usage(), (kept * one, kept));
        assert_eq!(bench.anomalies.get(Anomaly::HeadLimit), 3 - kept as u64);
        assert_eq!(bench.tracker.table().refused, 3 - kept as u64);
        bench.now = Micros(30 * Micros::SECOND);
        bench.expire();
        assert_eq!(bench.tracker.usage().1, kept);
        bench.now = bench.now.plus(1);
        bench.expire();
        assert_eq!(bench.tracker.usage(), (0, 0));
        assert_eq!(bench.anomalies.get(Anomaly::HeadExpired), kept as u64);
        assert_eq!(bench.take(), vec!["pq.example (cut)"; kept], "what there is of it is used");
    }
}

#[test]
fn done_connections_take_half_of_the_budget() {
    let budget = 10 * size_of::<Connection>();
    let mut bench = Bench::with(&Limits { quic_bytes: budget, ..Limits::default() });
    for port in 1..=6 {
        bench.on(&flow(port), &single("a.example").seal());
    }
    assert_eq!(bench.tracker.usage(), (budget / 2, 5));
    assert_eq!(bench.take().len(), 6);
    bench.now = Micros(31 * Micros::SECOND);
    bench.expire();
    assert_eq!(bench.tracker.usage(), (0, 0));
    bench.clean();
}

#[test]
fn hello_longer_than_a_head_is_refused() {
    let data = message("long.example", 2000);
    for (limit, seen) in [(2003, 0), (2004, 1), (2005, 1)] {
        let mut bench = Bench::with(&Limits { head_length: limit, ..Limits::default() });
        bench.send(&build::Initial::new(&DCID, build::crypto(&data, 0, 1000)).seal());
        bench.send(&build::Initial::new(&DCID, build::crypto(&data, 1000, 1004)).seal());
        assert_eq!(bench.take().len(), seen);
        assert_eq!(bench.anomalies.get(Anomaly::HeadOverflow), 1 - seen as u64);
        assert_eq!(bench.tracker.usage().0, size_of::<Connection>());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// However the message is split and its frames ordered and spread, it is seen once.
    #[test]
    fn scrambled_frames(
        mut cuts in prop::collection::vec(1usize..1500, 0..20),
        order in any::<prop::sample::Index>(),
        packets in 1usize..4,
        v2 in any::<bool>(),
    ) {
        let data = message("scrambled.example", 1500);
        cuts.extend([0, data.len()]);
        cuts.sort_unstable();
        cuts.dedup();
        let mut frames: Vec<Vec<u8>> =
            cuts.windows(2).map(|pair| build::crypto(&data, pair[0], pair[1] - pair[0])).collect();
        let turn = order.index(frames.len());
        frames.rotate_left(turn);
        let mut bench = Bench::new();
        for (number, share) in frames.chunks(frames.len().div_ceil(packets)).enumerate() {
            // PADDING and PING between the frames, as browsers do.
            let frames = share.join(&[0, 0, 1, 0][..]);
            let version = if v2 { build::V2 } else { build::V1 };
            let number = number as u32;
            bench.send(&build::Initial { version, number, ..build::Initial::new(&DCID, frames) }.seal());
        }
        prop_assert_eq!(bench.take(), ["scrambled.example"]);
        bench.clean();
    }

    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..200), version in any::<prop::sample::Index>()) {
        let mut bench = Bench::new();
        bench.send(&bytes);
        let versions: [&[u8]; 5] = [&[0, 0, 0, 1], &[0x6b, 0x33, 0x43, 0xcf], b"Q046", b"Q050", b"T051"];
        bench.send(&[&[0xc3][..], versions[version.index(5)], &bytes].concat());
        bench.send(&[&[0x0d, 0, 0, 0, 0, 0, 0, 0, 0][..], b"Q035", &bytes].concat());
        prop_assert_eq!(bench.take(), [""; 0]);
    }

    #[test]
    fn wrong_header_never_gives_another_name(at in 0usize..22, flip in 1u8.., end in 0usize..1200) {
        let mut packet = single("victim.example").seal();
        packet[at] ^= flip;
        packet.truncate(end);
        let mut bench = Bench::new();
        bench.send(&packet);
        for name in bench.take() {
            prop_assert!(name.starts_with("victim.example"), "{}", name);
        }
    }

    #[test]
    fn mutated_chlo_is_survived(at in 0usize..400, value in any::<u8>(), end in 0usize..1350) {
        let mut packet = build::gquic(b"Q035", "old.example");
        packet[at] = value;
        packet.truncate(end);
        Bench::new().send(&packet);
    }
}
