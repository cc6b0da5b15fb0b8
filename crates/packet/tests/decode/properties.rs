//! What holds for any bytes.

use std::net::IpAddr;

use packet::decode::pair_hash;
use packet::{Anomaly, Frame, LinkType, Micros, Outcome};
use proptest::prelude::*;

use crate::build::*;
use crate::wrappers;

#[test]
fn every_frame_cut_at_every_length_is_accounted_for() {
    for wrapped in wrappers::all() {
        let whole = look(wrapped.link, &wrapped.bytes).1;
        for length in 0..wrapped.bytes.len() {
            let (outcome, seen) = look(wrapped.link, &wrapped.bytes[..length]);
            assert!(seen.len() <= whole.len(), "{} at {length}", wrapped.name);
            for (cut, uncut) in seen.iter().zip(&whole) {
                assert_eq!(
                    (cut.flow.src, cut.flow.dst),
                    (uncut.flow.src, uncut.flow.dst),
                    "{} at {length}",
                    wrapped.name
                );
            }
            if outcome == Outcome::Decoded {
                assert!(!seen.is_empty(), "{} at {length}", wrapped.name);
            }
        }
    }
}

fn with_ip() -> impl Strategy<Value = (bool, Vec<u8>, bool, u16, u16, Vec<u8>, u8)> {
    (
        any::<bool>(),
        prop::collection::vec(any::<u16>(), 0..3),
        any::<bool>(),
        any::<u16>(),
        any::<u16>(),
        prop::collection::vec(any::<u8>(), 0..64),
        any::<u8>(),
    )
        .prop_map(|(v6, tags, tcp, src, dst, payload, flags)| {
            let tags = tags.iter().flat_map(|tag| [0x81, 0, (tag >> 8) as u8, *tag as u8]).collect();
            (v6, tags, tcp, src, dst, payload, flags)
        })
}

proptest! {
    #[test]
    fn any_bytes_of_any_link_type_are_survived(link in 0_u16..310, bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        look(link, &bytes);
        let _ = pair_hash(&Frame { time: Micros(0), link: LinkType(link), bytes: &bytes });
    }

    #[test]
    fn any_change_of_a_frame_is_survived(
        choice in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let all = wrappers::all();
        let wrapped = &all[choice.index(all.len())];
        let mut bytes = wrapped.bytes.clone();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let (outcome, seen) = look(wrapped.link, &bytes);
        prop_assert!(outcome != Outcome::Decoded || !seen.is_empty());
    }

    /// The same as etherparse reads.
    #[test]
    fn headers_agree_with_etherparse((v6, tags, tcp_segment, src, dst, payload, flags) in with_ip()) {
        let segment = if tcp_segment { tcp(src, dst, flags, &payload) } else { udp(src, dst, &payload) };
        let protocol = if tcp_segment { 6 } else { 17 };
        let ip = if v6 { ipv6(protocol, &segment) } else { ipv4(protocol, &segment) };
        let kind: [u8; 2] = if v6 { [0x86, 0xdd] } else { [0x08, 0x00] };
        let frame = cat(&[&[2; 12], &tags, &kind, &ip]);
        let theirs = etherparse::SlicedPacket::from_ethernet(&frame).unwrap();
        let (outcome, seen) = look(1, &frame);
        // A UDP payload can happen to be a tunnel; the outermost packet is what is compared.
        prop_assert!(outcome == Outcome::Decoded || seen.len() > 1 || outcome == Outcome::Anomaly(Anomaly::LinkTruncated));
        let (their_src, their_dst): (IpAddr, IpAddr) = match theirs.net.unwrap() {
            etherparse::NetSlice::Ipv4(ip) => (ip.header().source_addr().into(), ip.header().destination_addr().into()),
            etherparse::NetSlice::Ipv6(ip) => (ip.header().source_addr().into(), ip.header().destination_addr().into()),
            etherparse::NetSlice::Arp(_) => panic!("no ARP was built"),
        };
        prop_assert_eq!((seen[0].flow.src, seen[0].flow.dst), (their_src, their_dst));
        match theirs.transport.unwrap() {
            etherparse::TransportSlice::Tcp(tcp) => {
                prop_assert_eq!(seen[0].ports(), (tcp.source_port(), tcp.destination_port()));
                let Kind::Tcp(ours, sequence) = seen[0].kind else { panic!("no TCP: {:?}", seen[0]) };
                prop_assert_eq!(sequence, tcp.sequence_number());
                prop_assert_eq!((ours.has(2), ours.has(16), ours.has(1), ours.has(4)), (tcp.syn(), tcp.ack(), tcp.fin(), tcp.rst()));
                prop_assert_eq!(&seen[0].payload[..], tcp.payload());
            }
            etherparse::TransportSlice::Udp(udp) => {
                prop_assert_eq!(seen[0].ports(), (udp.source_port(), udp.destination_port()));
                prop_assert_eq!(seen[0].kind, Kind::Udp);
                prop_assert_eq!(&seen[0].payload[..], udp.payload());
            }
            other => panic!("neither TCP nor UDP: {other:?}"),
        }
    }

    #[test]
    fn both_directions_and_all_fragments_have_one_hash(src in any::<[u8; 4]>(), dst in any::<[u8; 4]>(), offset in 0_u16..100) {
        let hash = |link: u16, bytes: &[u8]| pair_hash(&Frame { time: Micros(0), link: LinkType(link), bytes });
        let packet = |src: [u8; 4], dst: [u8; 4], fragmentation: u16| {
            let mut ip = ipv4_with(17, fragmentation, &[], &udp(1, 2, b""));
            ip[12..16].copy_from_slice(&src);
            ip[16..20].copy_from_slice(&dst);
            ip
        };
        let one = hash(101, &packet(src, dst, 0));
        prop_assert_eq!(one, hash(1, &framed(&packet(dst, src, offset))));
        prop_assert_eq!(one, hash(1, &ethernet(0x88a8, &cat(&[&[0, 1, 0x81, 0, 0, 2, 8, 0], &packet(src, dst, 0x2000)]))));
        prop_assert_eq!(one, hash(113, &cat(&[&[0; 14], &[8, 0], &packet(dst, src, 0)])));
    }
}

#[test]
fn pair_hash_is_what_the_kernel_computes() {
    let hash = |bytes: &[u8]| pair_hash(&Frame { time: Micros(0), link: LinkType(1), bytes });
    // 10.1.1.1 xor 10.2.2.2 = 0x00030303, mixed with MurmurHash3's fmix32.
    assert_eq!(hash(&framed(&inner())), fmix32(0x0003_0303));
    // 2001:db8::1 xor 2001:db8::2: all words but the last pair cancel out.
    assert_eq!(hash(&framed(&inner6())), fmix32(3));
    assert_eq!(fmix32(1), 0x514e_28b7, "a known value of the finaliser");
    assert_eq!(hash(&ethernet(0x0806, &[0; 28])), 0);
    assert_eq!(hash(&[]), 0);
    let tagged = |count: usize| ethernet(0x8100, &cat(&[&[0, 5, 0x81, 0].repeat(count - 1), &[0, 5, 8, 0], &inner()]));
    assert_eq!(hash(&tagged(6)), fmix32(0x0003_0303));
    assert_eq!(hash(&tagged(7)), fmix32(0x0003_0303));
    assert_eq!(hash(&tagged(8)), 0, "eight EtherTypes are looked at");
}

fn fmix32(mut h: u32) -> u32 {
    for (shift, factor) in [(16, 0x85eb_ca6b_u32), (13, 0xc2b2_ae35)] {
        h = (h ^ (h >> shift)).wrapping_mul(factor);
    }
    h ^ (h >> 16)
}
