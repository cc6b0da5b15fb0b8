use etherparse::{NetSlice, SlicedPacket, TransportSlice};

use super::encode::checksum;
use super::*;

#[test]
fn the_checksum_is_that_of_rfc_1071() {
    assert_eq!(checksum(&[&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]]), !0xddf2);
}

#[test]
fn etherparse_reads_what_is_built_and_finds_its_checksums_right() {
    for (src, dst) in [("10.0.0.5", "192.0.2.1"), ("2001:db8::5", "2001:db8::1")] {
        let frame = Stack::ethernet().vlan(7).ip(src, dst).udp(40000, 53).payload(b"odd length!").frame();
        let parsed = SlicedPacket::from_ethernet(&frame.bytes).unwrap();
        let Some(TransportSlice::Udp(udp)) = parsed.transport else { panic!("no UDP: {parsed:?}") };
        assert_eq!((udp.source_port(), udp.destination_port(), udp.payload()), (40000, 53, &b"odd length!"[..]));
        let header = udp.to_header();
        let expected = match parsed.net.unwrap() {
            NetSlice::Ipv4(ip) => {
                assert_eq!(ip.header().header_checksum(), ip.header().to_header().calc_header_checksum());
                header.calc_checksum_ipv4(&ip.header().to_header(), udp.payload()).unwrap()
            }
            NetSlice::Ipv6(ip) => header.calc_checksum_ipv6(&ip.header().to_header(), udp.payload()).unwrap(),
            NetSlice::Arp(_) => panic!("no ARP was built"),
        };
        assert_eq!(udp.checksum(), expected);
    }
}

#[test]
fn tcp_and_icmp_checksums_sum_to_zero() {
    for (src, dst) in [("10.0.0.5", "192.0.2.1"), ("2001:db8::5", "2001:db8::1")] {
        let frame = Stack::ethernet().ip(src, dst).tcp(1, 2, 0x18).payload(b"abc").frame();
        let parsed = SlicedPacket::from_ethernet(&frame.bytes).unwrap();
        let Some(TransportSlice::Tcp(tcp)) = parsed.transport else { panic!("no TCP: {parsed:?}") };
        let expected = match parsed.net.unwrap() {
            NetSlice::Ipv4(ip) => tcp.calc_checksum_ipv4(ip.header().source(), ip.header().destination()).unwrap(),
            NetSlice::Ipv6(ip) => tcp.calc_checksum_ipv6(ip.header().source(), ip.header().destination()).unwrap(),
            NetSlice::Arp(_) => panic!("no ARP was built"),
        };
        assert_eq!(tcp.checksum(), expected);
        let frame = Stack::raw().ip(src, dst).echo_request().payload(b"ping").frame();
        assert_eq!(frame.bytes[if src.contains(':') { 6 } else { 9 }], if src.contains(':') { 58 } else { 1 });
    }
}

#[test]
fn fragments_hold_the_datagram_in_order() {
    for (src, dst) in [("10.0.0.5", "192.0.2.1"), ("2001:db8::5", "2001:db8::1")] {
        let stack = Stack::raw().ip(src, dst).udp(1, 2).payload([7; 100]);
        let parts = stack.fragments(9, 40);
        assert_eq!(parts.len(), 3);
        let header = if src.contains(':') { 48 } else { 20 };
        let joined: Vec<u8> = parts.iter().flat_map(|p| p.bytes[header..].to_vec()).collect();
        let whole = stack.frame();
        assert_eq!(joined, whole.bytes[if src.contains(':') { 40 } else { 20 }..]);
    }
}

#[test]
fn link_layers_name_what_is_inside() {
    let inside = |outer: Vec<Layer>| {
        let mut layers = outer.into_iter();
        Stack::new(layers.next().unwrap()).with_all(layers).ip("10.0.0.5", "192.0.2.1").udp(1, 2).frame()
    };
    let q = inside(vec![Layer::Ethernet, Layer::ServiceVlan(3), Layer::Vlan(4), Layer::Mpls(5)]);
    assert_eq!(q.bytes[12..26], [0x88, 0xa8, 0, 3, 0x81, 0, 0, 4, 0x88, 0x47, 0, 0, 0x51, 64]);
    assert_eq!(inside(vec![Layer::Null]).bytes[..5], [2, 0, 0, 0, 0x45]);
    assert_eq!(inside(vec![Layer::Loop]).bytes[..5], [0, 0, 0, 2, 0x45]);
    assert_eq!(inside(vec![Layer::Sll2]).bytes[..2], [8, 0]);
    assert_eq!(inside(vec![Layer::Ppp]).bytes[..4], [0xff, 3, 0, 0x21]);
}
