//! Fragments and their limits.

use packet::{Anomaly, Limits, Outcome};
use proptest::prelude::*;

use crate::build::*;

const MORE: u16 = 0x2000;

/// IPv4 fragments of `payload`, `size` bytes each.
fn cut4(protocol: u8, payload: &[u8], size: usize) -> Vec<Vec<u8>> {
    let pieces = payload.len().div_ceil(size);
    (0..pieces)
        .map(|n| {
            let part = &payload[n * size..payload.len().min((n + 1) * size)];
            let more = if n + 1 < pieces { MORE } else { 0 };
            framed(&ipv4_with(protocol, more | u16::try_from(n * size / 8).unwrap(), &[], part))
        })
        .collect()
}

/// IPv6 fragments of `payload`.
fn cut6(next: u8, payload: &[u8], size: usize) -> Vec<Vec<u8>> {
    let pieces = payload.len().div_ceil(size);
    (0..pieces)
        .map(|n| {
            let part = &payload[n * size..payload.len().min((n + 1) * size)];
            let word = u16::try_from(n * size).unwrap() | u16::from(n + 1 < pieces);
            framed(&ipv6(44, &cat(&[&[next, 0], &word.to_be_bytes(), &[0, 0, 0, 9], part])))
        })
        .collect()
}

fn text(length: usize) -> Vec<u8> {
    (0..length).map(|n| (n % 251) as u8).collect()
}

#[test]
fn the_last_fragment_brings_the_whole_datagram() {
    for frames in [cut4(17, &udp(1111, 2222, &text(100)), 48), cut6(17, &udp(1111, 2222, &text(100)), 48)] {
        let mut bench = Bench::new();
        let (outcome, first) = bench.look(0, 1, &frames[0]);
        assert_eq!((outcome, first.len(), first[0].fragment), (Outcome::Decoded, 1, true));
        assert_eq!((first[0].ports(), first[0].kind, first[0].missing), ((1111, 2222), Kind::Udp, 60));
        let (_, second) = bench.look(0, 1, &frames[1]);
        assert_eq!((second[0].ports(), second[0].kind, second[0].fragment), ((0, 0), Kind::Other, true));
        let (outcome, whole) = bench.look(0, 1, &frames[2]);
        assert_eq!((outcome, whole.len(), whole[0].fragment), (Outcome::Decoded, 1, false));
        assert_eq!((whole[0].ports(), whole[0].missing), ((1111, 2222), 0));
        assert_eq!(whole[0].payload, text(100));
        assert_eq!(bench.fragments.usage(), (0, 0));
    }
}

#[test]
fn extension_headers_and_tunnels_in_pieces_are_read() {
    let options = cat(&[&[17, 0, 1, 4, 0, 0, 0, 0], &udp(1111, 2222, &text(50))]);
    let tunnel = cat(&[&[0, 0, 0x08, 0x00], &inner()]);
    for (frames, packets) in [(cut6(60, &options, 24), 1), (cut4(47, &tunnel, 24), 2)] {
        let mut bench = Bench::new();
        let last = frames.iter().map(|frame| bench.look(0, 1, frame)).last().unwrap();
        assert_eq!((last.0, last.1.len()), (Outcome::Decoded, packets));
        assert_eq!(last.1.last().unwrap().ports(), (1111, 2222));
    }
}

#[test]
fn a_repeated_fragment_is_no_anomaly_and_an_overlap_keeps_what_came_first() {
    let frames = cut4(17, &udp(1111, 2222, &[1; 40]), 24);
    let mut bench = Bench::new();
    bench.look(0, 1, &frames[0]);
    assert_eq!(bench.look(0, 1, &frames[0]).0, Outcome::Decoded);
    let over = framed(&ipv4_with(17, 2, &[], &[9; 32]));
    let (outcome, whole) = bench.look(0, 1, &over);
    assert_eq!(outcome, Outcome::Anomaly(Anomaly::FragmentOverlap));
    assert_eq!(whole[0].payload, [[1; 16].as_slice(), &[9; 24]].concat());
}

#[test]
fn a_second_end_is_refused() {
    let mut bench = Bench::new();
    bench.look(0, 1, &framed(&ipv4_with(17, 4, &[], &[0; 8])));
    let (outcome, _) = bench.look(0, 1, &framed(&ipv4_with(17, 6, &[], &[0; 8])));
    assert_eq!(outcome, Outcome::Anomaly(Anomaly::FragmentOverlap));
}

#[test]
fn a_fragment_captured_short_is_looked_into_at_once() {
    let frames = cut4(17, &udp(1111, 2222, &text(100)), 48);
    let mut bench = Bench::new();
    let (outcome, seen) = bench.look(0, 1, &frames[0][..14 + 20 + 8 + 20]);
    assert_eq!((outcome, seen[0].fragment, seen[0].missing), (Outcome::Decoded, false, 80));
    assert_eq!(seen[0].payload, text(20));
    assert_eq!(bench.fragments.usage(), (0, 0), "it cannot be completed");
}

#[test]
fn datagrams_expire() {
    let frames = cut4(17, &udp(1111, 2222, &text(40)), 24);
    let mut bench = Bench::new();
    bench.look(100, 1, &frames[0]);
    assert!(bench.expire(130).is_empty());
    assert_eq!(bench.fragments.usage().1, 1, "30 s are not over");
    let late = bench.expire(131);
    assert_eq!((late.len(), late[0].ports(), late[0].missing), (1, (1111, 2222), 24));
    assert_eq!(late[0].payload, text(16), "what there is of it is looked at");
    assert_eq!(bench.fragments.usage(), (0, 0));
    assert_eq!(bench.anomalies.get(Anomaly::FragmentExpired), 1);
    bench.look(200, 1, &frames[0]);
    let (outcome, seen) = bench.look(231, 1, &frames[1]);
    assert_eq!(outcome, Outcome::Decoded, "what waited too long is no fault of this frame");
    assert!(seen[0].fragment, "an identification that comes back later is another datagram");
    assert_eq!(bench.anomalies.get(Anomaly::FragmentExpired), 2);
    assert_eq!(bench.fragments.usage().1, 1);
}

#[test]
fn memory_has_a_limit_and_what_waits_stays() {
    let first = |id: u8| {
        let mut frame = framed(&ipv4_with(17, MORE, &[], &udp(1111, 2222, &text(24))));
        frame[19] = id;
        frame
    };
    let mut one = Bench::new();
    one.look(0, 1, &first(7));
    let cost = one.fragments.usage().0;
    assert!(cost > 32);
    for (room, kept) in [(2 * cost - 1, 1), (2 * cost, 2), (2 * cost + 1, 2)] {
        let mut bench = Bench::with(&Limits { fragment_bytes: room, ..Limits::default() });
        assert_eq!(bench.look(0, 1, &first(7)).0, Outcome::Decoded);
        let (outcome, seen) = bench.look(0, 1, &first(8));
        assert_eq!(bench.fragments.usage(), (kept * cost, kept));
        assert_eq!(bench.fragments.table().refused, 2 - kept as u64);
        if kept == 1 {
            assert_eq!(outcome, Outcome::Anomaly(Anomaly::FragmentLimit));
            assert!(!seen[0].fragment, "what is not kept is looked into at once");
        } else {
            assert_eq!(outcome, Outcome::Decoded);
        }
        let last = framed(&ipv4_with(17, 4, &[], b""));
        assert!(!bench.look(0, 1, &last).1[0].fragment, "the datagram that waited is completed");
    }
}

#[test]
fn a_datagram_has_a_limit() {
    let at = |offset: usize, length: usize| {
        framed(&ipv4_with(17, u16::try_from(offset / 8).unwrap(), &[], &vec![0; length]))
    };
    for (length, outcome) in [(6, Outcome::Decoded), (7, Outcome::Decoded), (8, Outcome::Anomaly(Anomaly::IpHeader))] {
        assert_eq!(look(1, &at(65_528, length)).0, outcome, "{length}");
    }
    let mut bench = Bench::new();
    for n in 0..2048_u16 {
        assert_eq!(bench.look(0, 1, &framed(&ipv4_with(17, MORE | (2 * n), &[], &[0; 8]))).0, Outcome::Decoded, "{n}");
    }
    let outcome = bench.look(0, 1, &framed(&ipv4_with(17, MORE | 4096, &[], &[0; 8]))).0;
    assert_eq!(outcome, Outcome::Anomaly(Anomaly::FragmentLimit));
}

proptest! {
    #[test]
    fn any_order_gives_the_whole(
        length in 1_usize..400,
        size in 1_usize..8,
        v6 in any::<bool>(),
        order in prop::collection::vec(any::<prop::sample::Index>(), 0..80),
    ) {
        let whole = udp(1111, 2222, &text(length));
        let mut frames = if v6 { cut6(17, &whole, size * 8) } else { cut4(17, &whole, size * 8) };
        prop_assume!(frames.len() > 1);
        for (n, other) in order.iter().enumerate() {
            let n = n % frames.len();
            let other = other.index(frames.len());
            frames.swap(n, other);
        }
        let mut bench = Bench::new();
        let (last, rest) = frames.split_last().unwrap();
        for frame in rest {
            let (outcome, seen) = bench.look(0, 1, frame);
            prop_assert_eq!((outcome, seen.len(), seen[0].fragment), (Outcome::Decoded, 1, true));
        }
        let (outcome, seen) = bench.look(0, 1, last);
        prop_assert_eq!((outcome, seen.len(), seen[0].fragment), (Outcome::Decoded, 1, false));
        prop_assert_eq!(seen[0].ports(), (1111, 2222));
        prop_assert_eq!(&seen[0].payload, &text(length));
        prop_assert_eq!(bench.fragments.usage(), (0, 0));
    }

    #[test]
    fn any_pieces_keep_the_accounts(
        pieces in prop::collection::vec((0_u16..40, 0_usize..64, any::<bool>(), any::<u8>()), 1..40),
    ) {
        let mut bench = Bench::new();
        for (offset, length, more, byte) in pieces {
            let flags = if more { MORE } else { 0 };
            bench.look(0, 101, &ipv4_with(17, flags | offset, &[], &vec![byte; length]));
        }
        bench.expire(1000);
        prop_assert_eq!(bench.fragments.usage(), (0, 0));
    }
}
