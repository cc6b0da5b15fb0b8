//! Headers: what is read of them, what is malformed, what is ignored.

use packet::{Anomaly, Outcome, TcpFlags};

use crate::build::*;
use crate::wrappers;

#[test]
fn every_wrapper_shows_the_packet_in_it() {
    for wrapped in wrappers::all() {
        let (outcome, seen) = look(wrapped.link, &wrapped.bytes);
        let Some(last) = seen.last() else { panic!("{}: nothing seen, {outcome:?}", wrapped.name) };
        assert_eq!(outcome, Outcome::Decoded, "{}", wrapped.name);
        assert_eq!(seen.len(), usize::from(wrapped.depth) + 1, "{}: {seen:?}", wrapped.name);
        assert_eq!((last.ports(), last.kind), ((1111, 2222), Kind::Udp), "{}", wrapped.name);
        assert_eq!(last.payload, b"hello", "{}", wrapped.name);
        assert_eq!((last.depth, last.missing, last.fragment), (wrapped.depth, 0, false), "{}", wrapped.name);
    }
}

#[test]
fn all_subframes_of_an_a_msdu_are_read() {
    let llc = [0xaa, 0xaa, 0x03, 0, 0, 0, 0x08, 0x00];
    let ip = inner();
    let subframe = |padding: &[u8]| cat(&[&[2; 12], &be16(8 + ip.len()), &llc, &ip, padding]);
    let padding = (4 - (14 + 8 + ip.len()) % 4) % 4;
    let frame = cat(&[&[0x88, 0x01, 0, 0], &[2; 20], &[0x80, 0], &subframe(&vec![0; padding]), &subframe(&[])]);
    let (outcome, seen) = look(105, &frame);
    assert_eq!((outcome, seen.len()), (Outcome::Decoded, 2));
    assert_eq!(seen[0], seen[1]);
}

#[test]
fn a_tcp_segment_shows_flags_sequence_and_payload() {
    let segment = cat(&[&[0, 80, 0, 81, 1, 2, 3, 4, 0, 0, 0, 0, 0x60, 0x12, 0, 0, 0, 0, 0, 0], &[1; 4], b"data"]);
    let (outcome, seen) = look(1, &framed(&ipv4(6, &segment)));
    assert_eq!(outcome, Outcome::Decoded);
    assert_eq!(seen[0].kind, Kind::Tcp(TcpFlags(0x12), 0x0102_0304));
    assert_eq!((seen[0].ports(), &seen[0].payload[..]), ((80, 81), &b"data"[..]));
}

#[test]
fn ipv6_extension_headers_are_stepped_over() {
    let segment = udp(1111, 2222, b"hello");
    let eight = |next: u8| vec![next, 0, 1, 4, 0, 0, 0, 0];
    let chains: [&[(u8, Vec<u8>)]; 4] = [
        &[(0, eight(43)), (43, eight(60)), (60, eight(17))],
        &[(44, vec![17, 0, 0, 0, 0, 0, 0, 1])], // atomic fragment
        &[(51, vec![17, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1])],
        &[(135, eight(139)), (139, eight(140)), (140, eight(17))],
    ];
    for chain in chains {
        let headers: Vec<u8> = chain.iter().flat_map(|(_, bytes)| bytes.clone()).collect();
        let (outcome, seen) = look(1, &framed(&ipv6(chain[0].0, &cat(&[&headers, &segment]))));
        assert_eq!((outcome, seen.len()), (Outcome::Decoded, 1), "{chain:?}");
        assert_eq!((seen[0].ports(), seen[0].flow.protocol), ((1111, 2222), 17), "{chain:?}");
    }
    // A mobility message is the end of its chain.
    let (outcome, seen) = look(1, &framed(&ipv6(135, &[59, 0, 0, 0, 0, 0, 0, 0])));
    assert_eq!((outcome, seen[0].flow.protocol), (Outcome::Decoded, 135));
}

#[test]
fn a_chain_of_extension_headers_has_a_limit() {
    let chain = |length: usize| {
        let mut headers = [60, 0, 1, 4, 0, 0, 0, 0].repeat(length);
        headers[(length - 1) * 8] = 17;
        framed(&ipv6(60, &cat(&[&headers, &udp(1, 2, b"")])))
    };
    assert_eq!(look(1, &chain(14)).0, Outcome::Decoded);
    assert_eq!(look(1, &chain(15)).0, Outcome::Decoded);
    let (outcome, seen) = look(1, &chain(16));
    assert_eq!(outcome, Outcome::Anomaly(Anomaly::IpExtension));
    assert_eq!((seen.len(), seen[0].kind), (1, Kind::Other), "addresses are known all the same");
}

#[test]
fn authentication_headers_stand_in_ipv4_too() {
    let header = [17, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1];
    let (outcome, seen) = look(1, &framed(&ipv4(51, &cat(&[&header, &udp(1111, 2222, b"hello")]))));
    assert_eq!((outcome, seen[0].ports(), seen[0].flow.protocol), (Outcome::Decoded, (1111, 2222), 17));
}

#[test]
fn offloaded_and_jumbo_lengths_take_what_was_captured() {
    let mut offloaded = framed(&ipv4(6, &tcp(1, 2, 0x10, &[7; 100])));
    offloaded[16..18].copy_from_slice(&[0, 0]);
    assert_eq!(look(1, &offloaded).1[0].payload.len(), 100);
    let jumbo = cat(&[&[17, 0, 0xc2, 4, 0, 1, 0, 0], &udp(1, 2, &[7; 100])]);
    let mut jumbo = framed(&ipv6(0, &jumbo));
    jumbo[18..20].copy_from_slice(&[0, 0]);
    let (outcome, seen) = look(1, &jumbo);
    assert_eq!((outcome, seen[0].payload.len()), (Outcome::Decoded, 100));
}

#[test]
fn a_packet_captured_short_is_used_as_far_as_it_goes() {
    let frame = framed(&ipv4(17, &udp(1111, 2222, &[7; 100])));
    let (outcome, seen) = look(1, &frame[..14 + 20 + 8 + 30]);
    assert_eq!(outcome, Outcome::Decoded);
    assert_eq!((seen[0].payload.len(), seen[0].missing), (30, 70));
    let frame = framed(&ipv4(6, &tcp(1111, 2222, 0x18, &[7; 100])));
    let (outcome, seen) = look(1, &frame[..14 + 20 + 20 + 30]);
    assert_eq!(outcome, Outcome::Decoded);
    assert_eq!((seen[0].payload.len(), seen[0].missing), (30, 70));
}

#[test]
fn a_cut_tcp_header_shows_ports_and_flags_as_far_as_they_are_there() {
    let frame = framed(&ipv4(6, &tcp(1111, 2222, 0x02, b"")));
    let anomaly = Outcome::Anomaly(Anomaly::TcpHeader);
    for (captured, ports, kind) in [
        (3, (0, 0), Kind::Other),
        (4, (1111, 2222), Kind::Other),
        (13, (1111, 2222), Kind::Other),
        (14, (1111, 2222), Kind::Tcp(TcpFlags(2), 9)),
        (19, (1111, 2222), Kind::Tcp(TcpFlags(2), 9)),
    ] {
        let (outcome, seen) = look(1, &frame[..34 + captured]);
        assert_eq!((outcome, seen[0].ports(), seen[0].kind), (anomaly, ports, kind), "{captured}");
    }
}

#[test]
fn a_source_route_names_the_destination() {
    let route = |pointer: u8| [0x83, 11, pointer, 5, 6, 7, 8, 9, 9, 9, 9, 0];
    let seen = look(101, &ipv4_with(17, 0, &route(4), &udp(1, 2, b""))).1;
    assert_eq!(seen[0].flow.dst.to_string(), "9.9.9.9");
    let seen = look(101, &ipv4_with(17, 0, &route(12), &udp(1, 2, b""))).1;
    assert_eq!(seen[0].flow.dst.to_string(), "10.2.2.2", "the route is used up");
    let seen = look(101, &ipv4_with(17, 0, &[1, 1, 7, 200], &udp(1, 2, b""))).1;
    assert_eq!(seen[0].flow.dst.to_string(), "10.2.2.2");
}

#[test]
fn malformed_frames_are_named() {
    let mut short_total = ipv4(17, &udp(1, 2, b""));
    short_total[2..4].copy_from_slice(&[0, 19]);
    let mut long_udp = ipv4(17, &udp(1, 2, b"abc"));
    long_udp[20 + 4..20 + 6].copy_from_slice(&[0, 50]);
    let mut bad_offset = ipv4(6, &tcp(1, 2, 2, b""));
    bad_offset[20 + 12] = 0x40;
    let cases: &[(&str, u16, Vec<u8>, Anomaly, usize)] = &[
        ("unknown link type", 147, vec![0; 60], Anomaly::LinkUnknown, 0),
        ("empty frame", 1, vec![], Anomaly::LinkTruncated, 0),
        ("cut Ethernet header", 1, vec![0; 13], Anomaly::LinkTruncated, 0),
        ("cut tag", 1, ethernet(0x8100, &[0, 5, 8]), Anomaly::LinkTruncated, 0),
        ("no IP after its EtherType", 1, ethernet(0x0800, &[]), Anomaly::IpTruncated, 0),
        ("another version", 101, vec![0x50; 40], Anomaly::IpHeader, 0),
        ("cut IPv4 header", 101, inner()[..19].to_vec(), Anomaly::IpTruncated, 0),
        ("cut IPv4 options", 101, ipv4_with(17, 0, &[1; 8], &[])[..24].to_vec(), Anomaly::IpTruncated, 1),
        ("cut IPv6 header", 101, inner6()[..39].to_vec(), Anomaly::IpTruncated, 0),
        ("total length within the header", 101, short_total, Anomaly::IpHeader, 0),
        ("UDP longer than its packet", 101, long_udp, Anomaly::UdpHeader, 1),
        ("cut UDP header", 101, ipv4(17, &[0, 1, 0, 2, 0]), Anomaly::UdpHeader, 1),
        ("TCP header shorter than itself", 101, bad_offset, Anomaly::TcpHeader, 1),
        ("cut extension header", 101, ipv6(60, &[17, 3, 0, 0, 0, 0, 0, 0]), Anomaly::IpExtension, 1),
        ("IPv4 announced, IPv6 inside", 101, ipv4(4, &inner6()), Anomaly::IpHeader, 1),
        ("MPLS without bottom", 219, [0, 1, 0, 64].repeat(17), Anomaly::TunnelDepth, 0),
    ];
    for (name, link, bytes, anomaly, packets) in cases {
        let (outcome, seen) = look(*link, bytes);
        assert_eq!((outcome, seen.len()), (Outcome::Anomaly(*anomaly), *packets), "{name}");
    }
}

#[test]
fn what_carries_no_ip_is_ignored() {
    let arp = ethernet(0x0806, &[0; 28]);
    let spanning_tree = ethernet(38, &[0x42, 0x42, 0x03, 0, 0, 0]);
    let lldp = ethernet(0x88cc, &[0; 20]);
    let encrypted = ethernet(0x88e5, &[0x2c; 40]);
    for frame in [arp, spanning_tree, lldp, encrypted] {
        assert_eq!(look(1, &frame), (Outcome::Ignored, vec![]));
    }
    let beacon = cat(&[&[0x80, 0, 0, 0], &[0; 40]]);
    let protected = cat(&[&[0x08, 0x41, 0, 0], &[0; 40]]);
    for frame in [beacon, protected] {
        assert_eq!(look(105, &frame), (Outcome::Ignored, vec![]));
    }
    for link in [189, 201, 227, 271] {
        assert_eq!(look(link, &[0; 60]), (Outcome::Ignored, vec![]));
    }
}

#[test]
fn what_an_icmp_error_quotes_is_not_visited() {
    let (outcome, seen) = look(1, &framed(&ipv4(1, &cat(&[&[3, 1, 0, 0, 0, 0, 0, 0], &inner()]))));
    assert_eq!((outcome, seen.len(), seen[0].kind), (Outcome::Decoded, 1, Kind::Icmp(3, 1)));
}

const TUNNEL_PORTS: [u16; 17] =
    [1701, 2152, 3386, 3544, 4341, 4754, 4789, 4790, 5072, 5247, 6080, 6081, 6343, 6635, 8472, 12222, 37008];

#[test]
fn a_port_of_a_tunnel_does_not_make_one() {
    let dns = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x03www\x07example\x03com\x00\x00\x01\x00\x01";
    for port in TUNNEL_PORTS {
        for payload in [&dns[..], b"", b"x", &[0xff; 64], &[0x16, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 60, 1, 0, 0]] {
            let (outcome, seen) = look(1, &framed(&ipv4(17, &udp(33_333, port, payload))));
            assert_eq!((outcome, seen.len()), (Outcome::Decoded, 1), "{port} {payload:?}");
            assert_eq!(seen[0].payload, payload);
        }
    }
}

#[test]
fn label_stacks_have_a_limit() {
    let stack = |labels: usize| cat(&[&[0, 1, 0, 64].repeat(labels - 1), &[0, 1, 1, 64], &inner()]);
    assert_eq!(look(219, &stack(15)).0, Outcome::Decoded);
    assert_eq!(look(219, &stack(16)).0, Outcome::Decoded);
    assert_eq!(look(219, &stack(17)).0, Outcome::Anomaly(Anomaly::TunnelDepth));
}

#[test]
fn all_samples_of_an_sflow_datagram_are_read() {
    let be32 = |number: usize| u32::try_from(number).unwrap().to_be_bytes();
    let packet = framed(&ipv4(6, &tcp(1, 2, 0x10, &[7; 200])));
    let packet = &packet[..100];
    let record = cat(&[&[0, 0, 0, 1], &be32(16 + packet.len()), &[0, 0, 0, 1], &[0; 8], &be32(packet.len()), packet]);
    let other = cat(&[&[0, 0, 3, 233], &be32(4), &[0; 4]]);
    let flow = cat(&[&[0, 0, 0, 1], &be32(32 + other.len() + record.len()), &[0; 32], &other, &record]);
    let expanded = cat(&[&[0, 0, 0, 3], &be32(44 + record.len()), &[0; 44], &record]);
    let counters = cat(&[&[0, 0, 0, 2], &be32(4), &[0; 4]]);
    let datagram = cat(&[&[0, 0, 0, 5, 0, 0, 0, 1], &[0; 20], &flow, &counters, &expanded]);
    let (outcome, seen) = look(1, &framed(&ipv4(17, &udp(40_000, 6343, &datagram))));
    assert_eq!((outcome, seen.len()), (Outcome::Decoded, 3));
    for sampled in &seen[1..] {
        assert_eq!((sampled.ports(), sampled.payload.len(), sampled.missing, sampled.depth), ((1, 2), 46, 154, 1));
    }
}

/// Encrypted traffic of a client whose port happens to be a tunnel's must not show packets of random addresses.
#[test]
fn random_payloads_on_ports_of_tunnels_are_no_tunnels() {
    let mut state = 1_u64;
    let mut random = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    for port in TUNNEL_PORTS {
        let mut phantoms = 0;
        for _ in 0..4000 {
            let payload: Vec<u8> = (0..100).map(|_| random()).collect();
            let (outcome, seen) = look(1, &framed(&ipv4(17, &udp(port, 443, &payload))));
            assert_eq!(outcome, Outcome::Decoded, "{port}");
            phantoms += seen.len() - 1;
        }
        assert!(phantoms <= 1, "{phantoms} on port {port}");
    }
}

#[test]
fn a_tunnelled_packet_captured_short_is_told_by_its_checksum() {
    let mut inner = ipv4(17, &udp(1111, 2222, &[7; 100]));
    let sum: u32 = inner[..20].chunks(2).map(|word| u32::from(word[0]) << 8 | u32::from(word[1])).sum();
    let checksum = !((sum & 0xffff) + (sum >> 16)) as u16;
    inner[10..12].copy_from_slice(&checksum.to_be_bytes());
    let frame = framed(&ipv4(17, &udp(40_000, 4341, &cat(&[&[0; 8], &inner]))));
    let (outcome, seen) = look(1, &frame[..frame.len() - 50]);
    assert_eq!((outcome, seen.len(), seen[1].missing), (Outcome::Decoded, 2, 50));
}

#[test]
fn packets_in_packets_have_a_limit() {
    let nested = |depth: usize| framed(&(0..depth).fold(inner(), |ip, _| ipv4(4, &ip)));
    let (outcome, seen) = look(1, &nested(7));
    assert_eq!((outcome, seen.len()), (Outcome::Decoded, 8));
    let (outcome, seen) = look(1, &nested(8));
    assert_eq!((outcome, seen.len()), (Outcome::Decoded, 9));
    let (outcome, seen) = look(1, &nested(9));
    assert_eq!((outcome, seen.len()), (Outcome::Anomaly(Anomaly::TunnelDepth), 9));
}

#[test]
fn tags_in_tags_have_a_limit() {
    // The frame, 46 EtherTypes (one a tag, and the packet's) and the packet are the 48 layers of a frame.
    let tags = |count: usize| ethernet(0x8100, &cat(&[&[0, 5, 0x81, 0].repeat(count), &[0, 5, 8, 0], &inner()]));
    assert_eq!(look(1, &tags(43)).0, Outcome::Decoded);
    assert_eq!(look(1, &tags(44)).0, Outcome::Decoded);
    assert_eq!(look(1, &tags(45)), (Outcome::Anomaly(Anomaly::TunnelDepth), vec![]));
}
