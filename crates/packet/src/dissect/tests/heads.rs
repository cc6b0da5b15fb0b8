//! What spans segments: order, overlaps, gaps, limits.

use proptest::prelude::*;

use super::{Bench, dns, flow, http2, names, pieces, whole};
use crate::dissect::context::Context;
use crate::dissect::stream;
use crate::flow::protocol;
use crate::{Anomaly, Limits, TableLimit, TcpFlags};

const REQUEST: &[u8] = b"GET /x HTTP/1.1\r\nHost: www.evil.example\r\nUser-Agent: tool\r\n\r\n";
const SEEN: &str = "request GET /x host=www.evil.example agent=tool";
const ACK: u8 = TcpFlags::ACK;

fn tcp() -> crate::Flow {
    flow(protocol::TCP, 8080)
}

#[test]
fn sequence_numbers_wrap() {
    let mut bench = Bench::new();
    let start = u32::MAX - 5;
    bench.segment(tcp(), start, ACK, &REQUEST[..20]);
    bench.segment(tcp(), start.wrapping_add(20), ACK, &REQUEST[20..]);
    assert_eq!(bench.take(), [SEEN]);
    assert_eq!(bench.dissection.usage(), (0, 0));
}

#[test]
fn retransmissions_and_overlaps_add_nothing() {
    let mut bench = Bench::new();
    bench.segment(tcp(), 100, ACK, &REQUEST[..20]);
    bench.segment(tcp(), 100, ACK, &REQUEST[..20]);
    bench.segment(tcp(), 105, ACK, &REQUEST[5..10]);
    bench.segment(tcp(), 110, ACK, &REQUEST[10..30]);
    bench.segment(tcp(), 99, ACK, &[0]);
    bench.segment(tcp(), 125, ACK, &REQUEST[25..]);
    assert_eq!(bench.take(), [SEEN]);
}

#[test]
fn a_first_segment_that_was_overtaken() {
    let mut bench = Bench::new();
    bench.segment(tcp(), 99, TcpFlags::SYN, &[]);
    bench.segment(tcp(), 130, ACK, &REQUEST[30..]);
    bench.segment(tcp(), 115, ACK, &REQUEST[15..30]);
    assert_eq!(bench.take(), [""; 0]);
    bench.segment(tcp(), 100, ACK, &REQUEST[..15]);
    assert_eq!(bench.take(), [SEEN]);
    assert_eq!(bench.dissection.usage(), (0, 0));
}

#[test]
fn a_dialogue_before_an_overtaken_segment() {
    for (lines, seen) in [(5, 1), (6, 1), (7, 0)] {
        let mut bench = Bench::new();
        bench.segment(tcp(), 99, TcpFlags::SYN, &[]);
        for line in 0..lines {
            bench.segment(tcp(), 100 + line * 4, ACK, b"220\n");
        }
        let start = 100 + lines * 4;
        bench.segment(tcp(), start + 30, ACK, &REQUEST[30..]);
        bench.segment(tcp(), start, ACK, &REQUEST[..30]);
        assert_eq!(bench.take().len(), seen, "{lines}");
    }
}

#[test]
fn a_whole_message_behind_a_gap_does_not_wait() {
    let mut bench = Bench::new();
    bench.segment(tcp(), 99, TcpFlags::SYN, &[]);
    bench.segment(tcp(), 130, ACK, REQUEST);
    assert_eq!(bench.take(), [SEEN]);
    // The gap closes: the message behind it is not handed over twice.
    bench.segment(tcp(), 100, ACK, &[0xff; 30]);
    assert_eq!(bench.take(), [""; 0]);
    assert_eq!(bench.dissection.usage(), (0, 0));
}

#[test]
fn a_gap_that_is_never_closed_is_skipped() {
    let mut bench = Bench::new();
    bench.segment(tcp(), 99, TcpFlags::SYN, &[]);
    bench.segment(tcp(), 130, ACK, &REQUEST[..10]);
    for (place, byte) in REQUEST.iter().enumerate().skip(10).take(15) {
        bench.segment(tcp(), 130 + place as u32, ACK, &[*byte]);
    }
    assert_eq!(bench.anomalies.get(Anomaly::HeadExpired), 0, "sixteen segments may wait");
    for (place, byte) in REQUEST.iter().enumerate().skip(25) {
        bench.segment(tcp(), 130 + place as u32, ACK, &[*byte]);
    }
    assert_eq!(bench.anomalies.get(Anomaly::HeadExpired), 1);
    assert_eq!(bench.take(), [SEEN]);
}

#[test]
fn kept_bytes_that_were_no_beginning() {
    let mut bench = Bench::new();
    bench.segment(tcp(), 100, ACK, b"G");
    bench.segment(tcp(), 101, ACK, REQUEST);
    assert_eq!(bench.take(), ["request GGET /x host=www.evil.example agent=tool"]);
    bench.segment(tcp(), 5000, ACK, b"GET");
    bench.segment(tcp(), 5003, ACK, &dns::over_tcp(&dns::query("a.evil.example")));
    assert_eq!(bench.take(), ["dns query a.evil.example/1"]);
}

#[test]
fn the_end_of_a_connection_uses_what_is_there() {
    for ending in [TcpFlags::FIN, TcpFlags::RST] {
        let mut bench = Bench::new();
        let cut = REQUEST.len() - 2;
        bench.segment(tcp(), 100, ACK, &REQUEST[..cut]);
        assert_eq!(bench.take(), [""; 0]);
        bench.segment(tcp(), 100 + cut as u32, ACK | ending, &[]);
        assert_eq!(bench.take(), [SEEN]);
        assert_eq!(bench.dissection.usage(), (0, 0));
    }
}

#[test]
fn a_segment_captured_short_is_used_at_once() {
    let mut bench = Bench::new();
    let transport =
        crate::Transport::Tcp { flags: TcpFlags(ACK), sequence: 1, acknowledgment: 1, payload: &REQUEST[..45] };
    bench.packet(tcp(), transport, 500);
    assert_eq!(bench.take(), ["request GET /x host=www.evil.example agent="]);
}

/// A request whose head is `length` bytes long and lacks its end.
fn endless(length: usize) -> Vec<u8> {
    let mut head = b"GET /x HTTP/1.1\r\nHost: www.evil.example\r\nX: ".to_vec();
    head.resize(length, b'x');
    head
}

#[test]
fn length_of_a_head() {
    let limits = Limits { head_length: 2000, ..Limits::default() };
    for (length, kept, overflows) in [(1999, 1, 0), (2000, 1, 0), (2001, 0, 1)] {
        let mut bench = Bench::with(&limits);
        let stream = endless(length);
        bench.segment(tcp(), 0, ACK, &stream[..1000]);
        bench.segment(tcp(), 1000, ACK, &stream[1000..]);
        assert_eq!(bench.dissection.usage().1, kept, "{length}");
        assert_eq!(bench.anomalies.get(Anomaly::HeadOverflow), overflows, "{length}");
        assert_eq!(bench.take().len() as u64, overflows, "what was there is used");
    }
}

#[test]
fn length_of_a_head_of_tls() {
    let limits = Limits { head_length: 500, ..Limits::default() };
    for (length, kept, overflows) in [(1999, 1, 0), (2000, 1, 0), (2001, 0, 1)] {
        let mut bench = Bench::with(&limits);
        let mut stream = vec![0x16, 3, 1, 0x20, 0, 11, 0, 0x1f, 0xf0, 0, 0x1f, 0xed, 0, 0x1f, 0xea];
        stream.resize(length, 0);
        bench.segment(tcp(), 0, ACK, &stream[..1000]);
        bench.segment(tcp(), 1000, ACK, &stream[1000..]);
        assert_eq!(bench.dissection.usage().1, kept, "{length}");
        assert_eq!(bench.anomalies.get(Anomaly::HeadOverflow), overflows, "{length}");
    }
}

#[test]
fn bytes_of_early_segments() {
    let limits = Limits { head_length: 500, ..Limits::default() };
    for (length, skipped) in [(999, 0), (1000, 0), (1001, 1)] {
        let mut bench = Bench::with(&limits);
        bench.segment(tcp(), 99, TcpFlags::SYN, &[]);
        bench.segment(tcp(), 200, ACK, &[0xff; 1000]);
        bench.segment(tcp(), 2200, ACK, &vec![0xff; length]);
        assert_eq!(bench.anomalies.get(Anomaly::HeadExpired), skipped, "{length}");
    }
}

#[test]
fn a_long_head_in_small_segments_is_read_as_it_grows() {
    for (length, at_once) in [(2000, true), (4000, false)] {
        let mut bench = Bench::new();
        let mut stream = endless(length);
        stream.extend_from_slice(b"\r\n\r\n");
        for (place, byte) in stream.iter().enumerate() {
            bench.segment(tcp(), place as u32, ACK, &[*byte]);
        }
        assert_eq!(bench.take().len(), usize::from(at_once), "{length}");
        if !at_once {
            bench.segment(tcp(), stream.len() as u32, ACK | TcpFlags::FIN, &[]);
            assert_eq!(bench.take(), ["request GET /x host=www.evil.example agent="]);
        }
    }
}

#[test]
fn number_of_heads() {
    let limits = Limits { head_bytes: 3 * 1024, ..Limits::default() };
    for (flows, refused) in [(2, 0), (3, 0), (4, 1)] {
        let mut bench = Bench::with(&limits);
        for port in 0..flows {
            bench.segment(flow(protocol::TCP, 8000 + port), 0, ACK, &REQUEST[..45]);
        }
        assert_eq!(bench.anomalies.get(Anomaly::HeadLimit), refused);
        let [table, _] = bench.dissection.tables();
        assert_eq!((table.limit, table.refused), (TableLimit::Bytes(3 * 1024), refused));
        assert_eq!(bench.dissection.usage(), (usize::from(flows.min(3)) * 1024, usize::from(flows.min(3))));
        let seen = bench.take();
        assert_eq!(seen.len() as u64, refused, "a refused head is used as it is");
        // A place becomes free when a head is whole.
        bench.segment(flow(protocol::TCP, 8000), 45, ACK, &REQUEST[45..]);
        assert_eq!(bench.take(), [SEEN]);
    }
}

#[test]
fn patience() {
    for (seconds, expired) in [(29, 0), (30, 0), (31, 1)] {
        let mut bench = Bench::new();
        bench.segment(tcp(), 0, ACK, &REQUEST[..45]);
        bench.expire(seconds);
        assert_eq!(bench.anomalies.get(Anomaly::HeadExpired), expired);
        assert_eq!(bench.dissection.usage().1 as u64, 1 - expired);
        let seen = ["request GET /x host=www.evil.example agent="];
        assert_eq!(bench.take(), &seen[..expired as usize], "what there is of it is used");
    }
}

#[test]
fn heads_expire_in_the_order_of_their_flows() {
    let mut bench = Bench::new();
    for port in [3, 1, 4, 2] {
        let start = format!("GET /{port} HTTP/1.1\r\nHost: a\r\nX");
        bench.segment(flow(protocol::TCP, port), 0, ACK, start.as_bytes());
    }
    bench.segment(flow(protocol::TCP, 5), 0, TcpFlags::SYN, &[]);
    bench.segment(flow(protocol::TCP, 5), 1 + 10, ACK, REQUEST);
    bench.expire(31);
    let seen: Vec<_> = bench.take().iter().map(|text| text.split(' ').nth(2).unwrap().to_owned()).collect();
    assert_eq!(seen, ["/x", "/1", "/2", "/3", "/4"], "the early segment was whole when it came");
    assert_eq!(bench.dissection.usage(), (0, 0));
}

#[test]
fn another_connection_between_the_same_ports() {
    let mut bench = Bench::new();
    bench.segment(tcp(), 100, ACK, &REQUEST[..20]);
    bench.segment(tcp(), 0x8000_0000, ACK, REQUEST);
    assert_eq!(bench.take(), ["request GET /x host= agent=", SEEN]);
    bench.segment(tcp(), 0x8000_1000, ACK, &REQUEST[..20]);
    bench.segment(tcp(), 0x8000_0fff, TcpFlags::SYN, &[]);
    bench.segment(tcp(), 0x8000_1000, ACK, REQUEST);
    assert_eq!(bench.take(), ["request GET /x host= agent=", SEEN]);
}

/// One stream of each protocol.
fn samples() -> Vec<Vec<u8>> {
    let pipelined =
        [REQUEST, b"PROPFIND /y HTTP/1.1\nHost: b.c\n\n", REQUEST, b"POST /z HTTP/1.0\nContent-Length: 4\n\n\x01234"]
            .concat();
    let tunnel = [b"CONNECT d.e:443 HTTP/1.1\r\n\r\n", REQUEST].concat();
    let message = dns::over_tcp(&dns::query("one.evil.example"));
    let messages = [message, dns::over_tcp(&dns::query("two.evil.example"))].concat();
    let socks = [&[5, 2, 0, 2, 1, 1, b'u', 1, b'p'], &names::socks5("www.evil.example")[..], REQUEST].concat();
    let proxy = [b"PROXY TCP4 192.0.2.1 192.0.2.2 4000 80\r\n", REQUEST].concat();
    let mail = b"EHLO mail.evil.example\r\n".to_vec();
    let response = b"HTTP/1.1 302 Found\r\nContent-Type: text/html\r\nLocation: http://a.b/\r\n\r\n".to_vec();
    let warning = [b"\x15\x03\x03\0\x02\x01\x70".as_slice(), REQUEST].concat();
    vec![warning, pipelined, tunnel, messages, socks, proxy, mail, response, http2::connection()]
}

fn streams() -> impl Strategy<Value = Vec<u8>> {
    prop::sample::select(samples())
}

#[test]
fn every_cut_in_two_shows_the_same() {
    for stream in samples() {
        let expected = whole(8080, &stream);
        assert!(!expected.is_empty());
        for at in 1..stream.len() {
            let (first, second) = stream.split_at(at);
            assert_eq!(pieces(8080, &[first, second]), expected, "cut at {at} of {}", stream.escape_ascii());
        }
    }
}

/// `stream` cut at `cuts`, with the offset of each part.
fn cut(stream: &[u8], cuts: &[prop::sample::Index]) -> Vec<(usize, Vec<u8>)> {
    let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len())).collect();
    places.extend([0, stream.len()]);
    places.sort_unstable();
    places.dedup();
    places.windows(2).map(|pair| (pair[0], stream[pair[0]..pair[1]].to_vec())).collect()
}

proptest! {
    #[test]
    fn any_bytes_at_all(segments in prop::collection::vec((any::<u8>(), prop::collection::vec(any::<u8>(), 0..200)), 0..8)) {
        let mut bench = Bench::new();
        for (place, payload) in segments {
            bench.segment(tcp(), u32::from(place) * 20, ACK, &payload);
            bench.packet(flow(protocol::UDP, 53), crate::Transport::Udp { payload: &payload }, 0);
            bench.packet(flow(protocol::UDP, 9), crate::Transport::Udp { payload: &payload }, 0);
        }
    }

    /// The quick test of a segment never says no where something would have been read.
    #[test]
    fn nothing_is_passed_over(stream in streams(), damage in prop::collection::vec((0usize..12, any::<u8>()), 0..4), noise in prop::collection::vec(any::<u8>(), 0..40)) {
        let mut stream = stream;
        for (place, byte) in damage {
            stream[place] = byte;
        }
        for bytes in [&stream, &noise] {
            let (mut anomalies, mut recorder) = (crate::Anomalies::default(), super::Recorder::default());
            let flow = tcp();
            let mut context = Context { flow: &flow, last: false, seen: 0, anomalies: &mut anomalies, sink: &mut recorder };
            let read = stream::read(bytes, &mut None, &mut context);
            prop_assert!(stream::may_begin(bytes) || !read.recognised, "{}", bytes.escape_ascii());
        }
    }

    /// Real messages with bytes changed: deeper into the parsers than noise comes.
    #[test]
    fn any_damage(stream in streams(), damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..4)) {
        let mut stream = stream;
        for (place, byte) in damage {
            let place = place.index(stream.len());
            stream[place] = byte;
        }
        let mut bench = Bench::new();
        for (at, part) in cut(&stream, &cuts) {
            bench.segment(tcp(), at as u32, ACK, &part);
        }
    }

    #[test]
    fn any_split_shows_the_same(stream in streams(), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12), start in any::<u32>()) {
        let mut bench = Bench::new();
        for (at, part) in cut(&stream, &cuts) {
            bench.segment(tcp(), start.wrapping_add(at as u32), ACK, &part);
        }
        prop_assert_eq!(bench.take(), whole(8080, &stream));
    }

    /// Out of order, every fact is there (a part of a method may look like one of its own besides).
    #[test]
    fn any_order_shows_it_all(
        (stream, cuts) in (streams(), prop::collection::vec(any::<prop::sample::Index>(), 0..12)),
        start in any::<u32>(),
        order in any::<u64>(),
    ) {
        let mut parts = cut(&stream, &cuts);
        let mut state = order | 1;
        for place in (1..parts.len()).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            parts.swap(place, (state >> 33) as usize % (place + 1));
        }
        let mut bench = Bench::new();
        bench.segment(tcp(), start.wrapping_sub(1), TcpFlags::SYN, &[]);
        let order: Vec<(usize, usize)> = parts.iter().map(|(at, part)| (*at, part.len())).collect();
        for (at, part) in parts {
            bench.segment(tcp(), start.wrapping_add(at as u32), ACK, &part);
        }
        let facts = bench.take();
        for expected in whole(8080, &stream) {
            prop_assert!(facts.contains(&expected), "{} is not in {:?}: {:?}", expected, facts, order);
        }
        prop_assert_eq!(bench.anomalies.get(Anomaly::HeadExpired), 0);
    }
}
