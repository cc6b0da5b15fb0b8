//! Every link type, tag and tunnel around the same packet.

use crate::build::*;

/// A frame that carries [`inner`] or [`inner6`] below `depth` outer IP packets.
pub(crate) struct Wrapped {
    pub(crate) name: &'static str,
    pub(crate) link: u16,
    pub(crate) depth: u8,
    pub(crate) bytes: Vec<u8>,
}

fn wrapped(name: &'static str, link: u16, depth: u8, parts: &[&[u8]]) -> Wrapped {
    Wrapped { name, link, depth, bytes: cat(parts) }
}

/// Around `inner` on Ethernet: an EtherType and what stands before the packet.
fn tagged(name: &'static str, kind: u16, parts: &[&[u8]]) -> Wrapped {
    wrapped(name, 1, 0, &[&ethernet(kind, &cat(parts))])
}

fn in_ip(name: &'static str, protocol: u8, parts: &[&[u8]]) -> Wrapped {
    wrapped(name, 1, 1, &[&framed(&ipv4(protocol, &cat(parts)))])
}

fn in_udp(name: &'static str, port: u16, parts: &[&[u8]]) -> Wrapped {
    in_ip(name, 17, &[&udp(40_000, port, &cat(parts))])
}

const SNAP: [u8; 8] = [0xaa, 0xaa, 0x03, 0, 0, 0, 0x08, 0x00];

fn links() -> Vec<Wrapped> {
    let (ip, ip6) = (&inner()[..], &inner6()[..]);
    let eth = &framed(ip)[..];
    let radiotap: &[u8] = &[0, 0, 9, 0, 2, 0, 0, 0, 0];
    let wifi = cat(&[&[0x08, 0x01, 0, 0], &[2; 18], &[0x10, 0], &SNAP]);
    let mut all = vec![
        wrapped("null, little endian", 0, 0, &[&[2, 0, 0, 0], ip]),
        wrapped("null, big endian", 0, 0, &[&[0, 0, 0, 2], ip]),
        wrapped("null, EtherType", 0, 0, &[&[0, 0, 0x86, 0xdd], ip6]),
        wrapped("loop, IPv6", 108, 0, &[&[0, 0, 0, 30], ip6]),
        wrapped("token ring", 6, 0, &[&[0x10, 0x40], &[2; 12], &SNAP, ip]),
        wrapped("token ring, routed", 6, 0, &[&[0x10, 0x40], &[2; 6], &[0x82; 6], &[4, 0, 1, 2], &SNAP, ip]),
        wrapped("arcnet, BSD", 7, 0, &[&[1, 2, 212, 0, 0, 1], ip]),
        wrapped("arcnet, RFC 1051", 129, 0, &[&[1, 2, 0, 0, 240], ip]),
        wrapped("arcnet, exception", 129, 0, &[&[1, 2, 0, 0, 212, 0xff, 0xff, 0xff, 212, 0, 0, 1], ip]),
        wrapped("slip", 8, 0, &[&[0; 16], ip]),
        wrapped("ppp", 9, 0, &[&[0x00, 0x21], ip]),
        wrapped("ppp, framed", 9, 0, &[&[0xff, 0x03, 0x00, 0x57], ip6]),
        wrapped("ppp, compressed protocol", 50, 0, &[&[0xff, 0x03, 0x21], ip]),
        wrapped("ppp, bridged Ethernet", 9, 0, &[&[0x00, 0x31, 0, 1], eth]),
        wrapped("ppp, multilink", 9, 0, &[&[0x00, 0x3d, 0xc0, 0, 0, 1, 0x00, 0x21], ip]),
        wrapped("ppp, multilink, short", 9, 0, &[&[0x00, 0x3d, 0xc0 | 0x01, 7, 0x21], ip]),
        wrapped("ppp, MPLS", 9, 0, &[&[0x02, 0x81, 0, 1, 1, 64], ip]),
        wrapped("serial that is Cisco HDLC", 50, 0, &[&[0x0f, 0, 0x08, 0x00], ip]),
        wrapped("pppoe without Ethernet", 51, 0, &[&[0x11, 0, 0, 1], &be16(2 + ip.len()), &[0x00, 0x21], ip]),
        wrapped("ppp of pppd", 166, 0, &[&[1, 0x03, 0x00, 0x21], ip]),
        wrapped("ppp with direction", 204, 0, &[&[1, 0xff, 0x03, 0x00, 0x21], ip]),
        wrapped("fddi", 10, 0, &[&[0x50], &[2; 12], &SNAP, ip]),
        wrapped("atm, LLC", 100, 0, &[&SNAP, ip]),
        wrapped("atm, bridged", 100, 0, &[&[0xaa, 0xaa, 0x03, 0x00, 0x80, 0xc2, 0, 7, 0, 0], eth]),
        wrapped("atm, IP at once", 11, 0, &[ip]),
        wrapped("atm of Sun, LLC", 123, 0, &[&[2, 0, 0, 1], &SNAP, ip]),
        wrapped("atm of Sun, LANE", 123, 0, &[&[1, 0, 0, 1, 0, 0], eth]),
        wrapped("IP over fibre channel", 122, 0, &[&[0; 16], &SNAP, ip]),
        wrapped("cisco HDLC", 104, 0, &[&[0x0f, 0, 0x08, 0x00], ip]),
        wrapped("cisco HDLC with direction", 205, 0, &[&[0, 0x0f, 0, 0x86, 0xdd], ip6]),
        wrapped("frame relay", 107, 0, &[&[0x18, 0x41, 0x03, 0xcc], ip]),
        wrapped("frame relay, padded SNAP", 107, 0, &[&[0x18, 0x41, 0x03, 0, 0x80, 0, 0, 0, 0x08, 0x00], ip]),
        wrapped("frame relay, four bytes", 107, 0, &[&[0x18, 0x40, 0x40, 0x41, 0x03, 0x8e], ip6]),
        wrapped("frame relay, Cisco", 206, 0, &[&[1, 0x18, 0x41, 0x08, 0x00], ip]),
        wrapped("multilink frame relay", 182, 0, &[&[0xc0, 1, 0x18, 0x41, 0x03, 0xcc], ip]),
        wrapped("802.11", 105, 0, &[&wifi, ip]),
        wrapped("802.11, QoS and four addresses", 105, 0, &[&[0x88, 0x03, 0, 0], &[2; 26], &[0, 0], &SNAP, ip]),
        wrapped(
            "802.11, A-MSDU",
            105,
            0,
            &[&[0x88, 0x01, 0, 0], &[2; 20], &[0x80, 0], &[2; 12], &be16(8 + ip.len()), &SNAP, ip],
        ),
        wrapped("radiotap", 127, 0, &[radiotap, &wifi, ip]),
        wrapped(
            "radiotap with padding after the header",
            127,
            0,
            &[
                &[0, 0, 25, 0, 3, 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 0x20],
                &[0x88, 0x01, 0, 0],
                &[2; 18],
                &[0x10, 0, 0, 0],
                &[9, 9],
                &SNAP,
                ip,
            ],
        ),
        wrapped("prism", 119, 0, &[&[0x44, 0, 0, 0, 144, 0, 0, 0], &[0; 136], &wifi, ip]),
        wrapped("avs", 163, 0, &[&[0x80, 0x21, 0x10, 0x01, 0, 0, 0, 64], &[0; 56], &wifi, ip]),
        wrapped("ppi", 192, 0, &[&[0, 0, 8, 0, 105, 0, 0, 0], &wifi, ip]),
        wrapped("enc", 109, 0, &[&[2, 0, 0, 0], &[0; 8], ip]),
        wrapped("cooked", 113, 0, &[&[0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, 0x08, 0x00], ip]),
        wrapped("cooked, VLAN", 113, 0, &[&[0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, 0x81, 0, 0, 5, 0x08, 0x00], ip]),
        wrapped("cooked, LLC", 113, 0, &[&[0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, 0, 4], &SNAP, ip]),
        wrapped("cooked, radiotap", 113, 0, &[&[0, 0, 3, 35, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, 0, 4], radiotap, &wifi, ip]),
        wrapped("cooked 2", 276, 0, &[&[0x86, 0xdd, 0, 0, 0, 0, 0, 1, 0, 1, 0, 6], &[0; 8], ip6]),
        wrapped("pflog", 117, 0, &[&[61, 2], &[0; 62], ip]),
        wrapped(
            "nflog",
            239,
            0,
            &[&[2, 0, 0, 1, 6, 0, 10, 0, 1, 2, 0, 0], &(4 + ip.len() as u16).to_le_bytes(), &[9, 0], ip],
        ),
        wrapped(
            "nflog, big endian",
            239,
            0,
            &[&[10, 0, 0, 1, 0, 5, 0, 10, 1, 0, 0, 0], &be16(4 + ip6.len()), &[0, 9], ip6],
        ),
        wrapped("docsis", 143, 0, &[&[1, 2, 0, 0, 7, 7, 0, 0], eth]),
        wrapped("endace, Ethernet", 197, 0, &[&[0; 8], &[0x82], &[0; 7], &[0; 8], &[0, 0], eth]),
        wrapped("endace, IP", 197, 0, &[&[0; 8], &[22], &[0; 7], ip]),
        wrapped("MPLS", 219, 0, &[&[0, 1, 1, 64], ip]),
        wrapped("ipnet", 226, 0, &[&[0; 24], ip]),
        wrapped("netANALYZER", 240, 0, &[&[0; 4], eth]),
        wrapped("netANALYZER with preamble", 241, 0, &[&[0; 12], eth]),
        wrapped("IP over InfiniBand", 242, 0, &[&[0; 40], &[0x08, 0x00, 0, 0], ip]),
        wrapped("IP over FireWire", 138, 0, &[&[0; 16], &[0x08, 0x00], ip]),
        wrapped("pktap", 258, 0, &[&[12, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0], eth]),
        wrapped("mPacket", 274, 0, &[&[0x55; 7], &[0xd5], eth]),
        wrapped("Broadcom tag", 282, 0, &[&[2; 12], &[0; 4], &[0x08, 0x00], ip]),
        wrapped("Broadcom tag before", 283, 0, &[&[0; 4], eth]),
        wrapped("DSA tag", 284, 0, &[&[2; 12], &[0; 4], &[0x08, 0x00], ip]),
        wrapped("EDSA tag", 285, 0, &[&[2; 12], &[0xda, 0xda, 0, 0, 0, 0, 0, 0], &[0x08, 0x00], ip]),
        wrapped("Juniper Ethernet", 178, 0, &[b"MGC", &[0x81, 0, 3, 1, 1, 0], eth]),
        wrapped("Juniper without link header", 135, 0, &[b"MGC", &[0x02, 0, 0, 0, 0], ip]),
        wrapped("Juniper ATM1", 137, 0, &[b"MGC", &[0x01, 0, 0, 0, 0], &SNAP, ip]),
        wrapped("Juniper services", 136, 0, &[b"MGC", &[0, 0x47, 0, 0, 0, 0, 0, 0, 0], ip]),
        wrapped("Juniper PPP", 179, 0, &[b"MGC", &[0, 0xff, 0x03, 0x00, 0x21], ip]),
        wrapped("Juniper frame relay", 180, 0, &[b"MGC", &[0, 0x18, 0x41, 0x03, 0xcc], ip]),
        wrapped("Juniper Cisco HDLC", 181, 0, &[b"MGC", &[0, 0x0f, 0, 0x08, 0x00], ip]),
        wrapped("Juniper PPPoE over ATM", 168, 0, &[b"MGC", &[0, 0x08, 0x00], ip]),
    ];
    for raw in [12, 14, 101, 228] {
        all.push(wrapped("raw IP", raw, 0, &[ip]));
    }
    all.push(wrapped("raw IPv6", 229, 0, &[ip6]));
    all
}

fn tags() -> Vec<Wrapped> {
    let (ip, ip6) = (&inner()[..], &inner6()[..]);
    let eth = &framed(ip)[..];
    let type4: &[u8] = &[0x08, 0x00];
    vec![
        tagged("Ethernet", 0x0800, &[ip]),
        tagged("Ethernet with padding", 0x0800, &[ip, &[0; 12]]),
        tagged("Ethernet, IPv6", 0x86dd, &[ip6, &[0; 4]]),
        tagged("802.3, SNAP", 60, &[&SNAP, ip]),
        tagged("802.3, IP service access point", 60, &[&[0x06, 0x06, 0x03], ip]),
        tagged("802.3, network layer identifier", 60, &[&[0xfe, 0xfe, 0x03, 0xcc], ip]),
        tagged("jumbo LLC", 0x8870, &[&SNAP, ip]),
        wrapped("ISL", 1, 0, &[&[1, 0, 0x0c, 0, 0, 2], &[2; 6], &[0, 90], &[0xaa, 0xaa, 0x03], &[0; 9], eth]),
        tagged("802.1Q", 0x8100, &[&[0, 5], type4, ip]),
        tagged("802.1ad", 0x88a8, &[&[0, 5, 0x81, 0, 0, 6], type4, ip]),
        tagged("QinQ before the standard", 0x9100, &[&[0, 5, 0x92, 0, 0, 5, 0x93, 0, 0, 6], type4, ip]),
        tagged("802.1Q around SNAP", 0x8100, &[&[0, 5, 0, 60], &SNAP, ip]),
        tagged("802.1ah", 0x88e7, &[&[0, 0, 0, 1], eth]),
        tagged("VN-Tag", 0x8926, &[&[0; 4], type4, ip]),
        tagged("E-Tag", 0x893f, &[&[0; 6], type4, ip]),
        tagged("HSR", 0x892f, &[&[0; 4], type4, ip]),
        tagged("Cisco metadata", 0x8909, &[&[1, 1, 0, 1, 0, 9], type4, ip]),
        tagged("Arista time stamp", 0xd28b, &[&[0, 1, 0, 0x10], &[7; 8], type4, ip]),
        tagged("Arista short time stamp", 0xd28b, &[&[0, 1, 0, 0x20], &[7; 6], type4, ip]),
        tagged("FabricPath", 0x8903, &[&[0, 1], eth]),
        tagged("TRILL", 0x22f3, &[&[0x00, 0x40, 0, 1, 0, 2], &[0; 4], eth]),
        tagged("MACsec without encryption", 0x88e5, &[&[0x20, 0, 0, 0, 0, 1], &[0; 8], type4, ip]),
        tagged("batman-adv unicast", 0x4305, &[&[0x40, 15, 50, 0], &[2; 6], eth]),
        tagged("batman-adv broadcast", 0x4305, &[&[0x01, 15, 50, 0], &[2; 10], eth]),
        tagged("MPLS", 0x8847, &[&[0, 1, 0, 64, 0, 2, 1, 64], ip]),
        tagged("MPLS, pseudowire", 0x8847, &[&[0, 1, 1, 64], eth]),
        tagged("MPLS, pseudowire with control word", 0x8848, &[&[0, 1, 1, 64, 0, 0, 0, 1], eth]),
        tagged("PPPoE", 0x8864, &[&[0x11, 0, 0, 1], &be16(2 + ip.len()), &[0x00, 0x21], ip, &[0; 6]]),
        tagged("NSH, IPv4", 0x894f, &[&[0, 2, 1, 1, 0, 0, 1, 1], ip]),
        tagged("NSH, Ethernet", 0x894f, &[&[0, 6, 1, 3, 0, 0, 1, 1], &[0; 16], eth]),
        tagged("NSH in NSH", 0x894f, &[&[0, 2, 1, 4, 0, 0, 1, 1, 0, 2, 1, 2, 0, 0, 1, 1], ip6]),
    ]
}

fn tunnels() -> Vec<Wrapped> {
    let (ip, ip6) = (&inner()[..], &inner6()[..]);
    let eth = &framed(ip)[..];
    let wifi = cat(&[&[0x08, 0x01, 0, 0], &[2; 18], &[0x10, 0], &SNAP]);
    let swapped = cat(&[&[0x01, 0x08, 0, 0], &[2; 18], &[0x16, 0x30], &SNAP]);
    let sample = cat(&[
        &[0; 28],
        &[0, 0, 0, 1],
        &[0, 0, 0, 1],
        &be32(16 + eth.len()),
        &[0, 0, 0, 1],
        &[0; 8],
        &be32(eth.len()),
        eth,
    ]);
    vec![
        in_ip("IP in IP", 4, &[ip]),
        in_ip("6in4", 41, &[ip6]),
        wrapped("4in6", 1, 1, &[&framed(&ipv6(4, ip))]),
        wrapped("6in6", 1, 1, &[&framed(&ipv6(41, ip6))]),
        in_ip("GRE", 47, &[&[0, 0, 0x08, 0x00], ip]),
        in_ip("GRE, checksum, key, sequence", 47, &[&[0xb0, 0, 0x86, 0xdd], &[0; 12], ip6]),
        in_ip(
            "GRE, source routes",
            47,
            &[&[0x40, 0, 0x08, 0x00, 0, 0, 0, 0], &[0, 1, 0, 4, 9, 9, 9, 9, 0, 0, 0, 0], ip],
        ),
        in_ip("GRE, Ethernet", 47, &[&[0x20, 0, 0x65, 0x58, 0, 0, 1, 0], eth]),
        in_ip("GRE, Cisco metadata", 47, &[&[0, 0, 0x89, 0x09, 0x08, 0x00, 1, 1, 0, 1, 0, 0], ip]),
        in_ip("ERSPAN I", 47, &[&[0, 0, 0x88, 0xbe], eth]),
        in_ip("ERSPAN II", 47, &[&[0x10, 0, 0x88, 0xbe, 0, 0, 0, 1], &[0x10, 0, 0, 0, 0, 0, 0, 0], eth]),
        in_ip("ERSPAN III", 47, &[&[0x10, 0, 0x22, 0xeb, 0, 0, 0, 1], &[0x20; 11], &[0], eth]),
        in_ip("ERSPAN III with subheader", 47, &[&[0x10, 0, 0x22, 0xeb, 0, 0, 0, 1], &[0x20; 11], &[1], &[0; 8], eth]),
        in_ip("WCCP", 47, &[&[0, 0, 0x88, 0x3e], ip]),
        in_ip("WCCP 2", 47, &[&[0, 0, 0x88, 0x3e, 0, 0, 0, 0], ip]),
        in_ip("Aruba, 802.11", 47, &[&[0, 0, 0x82, 0x11], &wifi, ip]),
        in_ip(
            "PPTP",
            47,
            &[&[0x30, 0x81, 0x88, 0x0b], &be16(4 + ip.len()), &[0, 1], &[0; 8], &[0xff, 0x03, 0x00, 0x21], ip],
        ),
        in_ip("EtherIP", 97, &[&[0x30, 0], eth]),
        in_ip("Ethernet in IP", 143, &[eth]),
        in_ip("MPLS in IP", 137, &[&[0, 1, 1, 64], ip]),
        in_ip("PIM Register", 103, &[&[0x21, 0, 0, 0, 0, 0, 0, 0], ip]),
        in_ip("L2TPv3", 115, &[&[0, 0, 0, 9], &[7; 8], &[0; 4], eth]),
        in_udp("GRE in UDP", 4754, &[&[0, 0, 0x08, 0x00], ip]),
        in_udp("VXLAN", 4789, &[&[8, 0, 0, 0, 0, 0, 1, 0], eth]),
        in_udp("VXLAN, group policy", 8472, &[&[0x88, 0, 0, 5, 0, 0, 1, 0], eth]),
        in_udp("VXLAN on any port", 5555, &[&[8, 0, 0, 0, 0, 0, 1, 0], eth]),
        in_udp("VXLAN-GPE", 4790, &[&[0x0c, 0, 0, 1, 0, 0, 1, 0], ip]),
        in_udp("VXLAN-GPE, NSH", 4790, &[&[0x0c, 0, 0, 4, 0, 0, 1, 0], &[0, 2, 1, 3, 0, 0, 1, 1], eth]),
        in_udp("GENEVE", 6081, &[&[0x01, 0, 0x65, 0x58, 0, 0, 1, 0], &[0; 4], eth]),
        in_udp("GENEVE, IP", 6081, &[&[0, 0, 0x86, 0xdd, 0, 0, 1, 0], ip6]),
        in_udp("GTP-U", 2152, &[&[0x30, 0xff], &be16(ip.len()), &[0, 0, 0, 1], ip]),
        in_udp(
            "GTP-U, extension headers",
            2152,
            &[&[0x34, 0xff], &be16(12 + ip.len()), &[0, 0, 0, 1, 0, 0, 0, 0x85], &[1, 0, 0, 0x40, 1, 0, 0, 0], ip],
        ),
        in_udp("GTP-U on any port", 9999, &[&[0x30, 0xff], &be16(ip6.len()), &[0, 0, 0, 1], ip6]),
        in_udp("GTP, version 0", 3386, &[&[0x1e, 0xff], &[0; 18], ip]),
        in_udp("Teredo", 3544, &[ip6]),
        in_udp(
            "Teredo, authentication and origin",
            3544,
            &[&[0, 1, 1, 2, 9, 9, 9], &[0; 8], &[0], &[0, 0, 1, 1, 1, 1, 1, 1], ip6],
        ),
        in_udp("LISP", 4341, &[&[0; 8], ip]),
        in_udp("AYIYA", 5072, &[&[0x44, 0x52, 0x01, 41, 0, 0, 0, 0], &[0; 16], &[0; 20], ip6]),
        in_udp("CAPWAP, 802.3", 5247, &[&[0, 0x10, 0, 0, 0, 0, 0, 0], eth]),
        in_udp("CAPWAP, 802.11 swapped", 5247, &[&[0, 0x20, 3, 0x20], &[0; 12], &swapped, ip]),
        in_udp("LWAPP", 12222, &[&[0; 6], &wifi, ip]),
        in_udp("GUE, IP at once", 6080, &[ip]),
        in_udp("GUE", 6080, &[&[0, 41, 0, 0], ip6]),
        in_udp("MPLS in UDP", 6635, &[&[0, 1, 1, 64], ip]),
        in_udp("TZSP", 37008, &[&[1, 0, 0, 1, 0, 10, 1, 9, 1], eth]),
        in_udp("TZSP, 802.11", 37008, &[&[1, 0, 0, 18, 1], &wifi, ip]),
        in_udp("L2TPv2", 1701, &[&[0x00, 0x02, 0, 1, 0, 2, 0xff, 0x03, 0x00, 0x21], ip]),
        in_udp(
            "L2TPv2, all fields",
            1701,
            &[&[0x4a, 0x02], &be16(18 + ip.len()), &[0, 1, 0, 2, 0, 0, 0, 0, 0, 2, 9, 9, 0x00, 0x21], ip],
        ),
        in_udp("L2TPv3 in UDP", 1701, &[&[0x00, 0x03, 0, 0, 0, 0, 0, 1], &[7; 4], eth]),
        in_udp("sFlow", 6343, &[&[0, 0, 0, 5, 0, 0, 0, 1], &[0; 20], &[0, 0, 0, 1], &be32(sample.len()), &sample]),
    ]
}

fn be32(number: usize) -> [u8; 4] {
    u32::try_from(number).unwrap().to_be_bytes()
}

pub(crate) fn all() -> Vec<Wrapped> {
    let mut all = links();
    all.extend(tags());
    all.extend(tunnels());
    all
}
