//! Layers to bytes, from the innermost outwards.

use std::net::IpAddr;

use super::{Fragment, Gre, Ip, Layer, Ports, Tcp};

const MAC_SOURCE: [u8; 6] = [2, 0, 0, 0, 0, 1];
const MAC_DESTINATION: [u8; 6] = [2, 0, 0, 0, 0, 2];
const LLC_SNAP: [u8; 6] = [0xaa, 0xaa, 3, 0, 0, 0];

/// The bytes of `layers`, outermost first.
pub(super) fn encode(layers: &[Layer]) -> Vec<u8> {
    encode_inside(layers, None)
}

/// The bytes of what stands inside `ip`.
pub(super) fn encode_within(layers: &[Layer], ip: &Ip) -> Vec<u8> {
    encode_inside(layers, Some(ip))
}

fn encode_inside(layers: &[Layer], around: Option<&Ip>) -> Vec<u8> {
    let Some((layer, rest)) = layers.split_first() else { return Vec::new() };
    let around = if let Layer::Ip(ip) = layer { Some(ip) } else { around };
    let inner = encode_inside(rest, around);
    wrap(layer, rest.first(), around, &inner)
}

fn wrap(layer: &Layer, next: Option<&Layer>, around: Option<&Ip>, inner: &[u8]) -> Vec<u8> {
    match layer {
        Layer::Payload(bytes) => join(&[bytes, inner]),
        Layer::Raw | Layer::Protocol(_) | Layer::EtherType(_) => inner.to_vec(),
        Layer::Ip(ip) => ip_header(ip, next, inner),
        Layer::Tcp(tcp) => tcp_segment(tcp, around, inner),
        Layer::Udp(ports) => udp_datagram(*ports, around, inner),
        Layer::Icmp { kind, code, rest } => icmp_message(*kind, *code, *rest, around, inner),
        Layer::Sctp(ports) => {
            join(&[&ports.src.to_be_bytes(), &ports.dst.to_be_bytes(), &1u32.to_be_bytes(), &[0; 4], inner])
        }
        Layer::HopByHop | Layer::DestinationOptions => {
            join(&[&[next_header(next), 0, 1, 4, 0, 0, 0, 0], inner]) // one PadN of 6 bytes
        }
        Layer::Routing => {
            let segment = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x99];
            join(&[&[next_header(next), 2, 4, 0, 0, 0, 0, 0], &segment, inner])
        }
        Layer::Authentication => {
            join(&[&[next_header(next), 4, 0, 0], &1u32.to_be_bytes(), &1u32.to_be_bytes(), &[0; 12], inner])
        }
        Layer::Fragment(f) => {
            let place = f.offset | u16::from(f.more);
            join(&[&[next_header(next), 0], &place.to_be_bytes(), &f.id.to_be_bytes(), inner])
        }
        Layer::Gre(gre) => gre_header(*gre, next, inner),
        _ => wrap_link_or_tunnel(layer, next, inner),
    }
}

fn wrap_link_or_tunnel(layer: &Layer, next: Option<&Layer>, inner: &[u8]) -> Vec<u8> {
    let kind = ether_type(next).to_be_bytes();
    match layer {
        Layer::Ethernet => join(&[&MAC_DESTINATION, &MAC_SOURCE, &kind, inner]),
        Layer::Snap => {
            let length = (LLC_SNAP.len() + 2 + inner.len()) as u16;
            join(&[&MAC_DESTINATION, &MAC_SOURCE, &length.to_be_bytes(), &LLC_SNAP, &kind, inner])
        }
        Layer::Vlan(id) | Layer::ServiceVlan(id) => join(&[&id.to_be_bytes(), &kind, inner]),
        Layer::Mpls(label) => {
            let bottom = !matches!(next, Some(Layer::Mpls(_)));
            join(&[&((label << 12) | (u32::from(bottom) << 8) | 64).to_be_bytes(), inner])
        }
        Layer::Pppoe(session) => {
            let length = (inner.len() + 2) as u16;
            let ppp = ppp_protocol(next).to_be_bytes();
            join(&[&[0x11, 0], &session.to_be_bytes(), &length.to_be_bytes(), &ppp, inner])
        }
        Layer::Ppp => join(&[&[0xff, 3], &ppp_protocol(next).to_be_bytes(), inner]),
        Layer::Sll => join(&[&[0, 0, 0, 1, 0, 6], &MAC_SOURCE, &[0, 0], &kind, inner]),
        Layer::Sll2 => {
            join(&[&kind, &[0, 0], &2u32.to_be_bytes(), &1u16.to_be_bytes(), &[0, 6], &MAC_SOURCE, &[0, 0], inner])
        }
        Layer::Null => join(&[&family(next).to_le_bytes(), inner]),
        Layer::NullBigEndian | Layer::Loop => join(&[&family(next).to_be_bytes(), inner]),
        Layer::Wifi => join(&[&wifi(false), &LLC_SNAP, &kind, inner]),
        Layer::Radiotap => join(&[&[0, 0, 8, 0, 0, 0, 0, 0], &wifi(true), &LLC_SNAP, &kind, inner]),
        Layer::ErspanII => join(&[&[0x10, 1, 0, 1, 0, 0, 0, 1], inner]),
        Layer::ErspanIII => join(&[&[0x20, 1, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0], inner]),
        Layer::Vxlan(vni) => join(&[&[8, 0, 0, 0], &(vni << 8).to_be_bytes(), inner]),
        Layer::Geneve(vni) => {
            // one option of 4 bytes, so that readers must look at the option length
            join(&[&[2, 0], &kind, &(vni << 8).to_be_bytes(), &[1, 2, 0x80, 1, 1, 2, 3, 4], inner])
        }
        Layer::Gtp(tunnel) => {
            // the S flag with its four optional bytes
            let length = (inner.len() + 4) as u16;
            join(&[&[0x32, 0xff], &length.to_be_bytes(), &tunnel.to_be_bytes(), &[0, 1, 0, 0], inner])
        }
        Layer::Teredo => {
            let authentication = [0, 1, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 0];
            join(&[&authentication, &[0, 0, 0x12, 0x34, 1, 2, 3, 4], inner])
        }
        Layer::L2tp => {
            // L bit set, PPP with address and control
            let length = (12 + inner.len()) as u16;
            let ppp = ppp_protocol(next).to_be_bytes();
            join(&[&[0x40, 2], &length.to_be_bytes(), &[0, 7, 0, 9, 0xff, 3], &ppp, inner])
        }
        other => unreachable!("{other:?} is encoded above"),
    }
}

fn join(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

/// 802.11 data frame header from the station to the access point, with or without QoS.
fn wifi(qos: bool) -> Vec<u8> {
    let control = [if qos { 0x88 } else { 0x08 }, 0x01];
    let mut out = join(&[&control, &[0, 0], &MAC_DESTINATION, &MAC_SOURCE, &MAC_DESTINATION, &[0x10, 0]]);
    if qos {
        out.extend([0, 0]);
    }
    out
}

fn family(next: Option<&Layer>) -> u32 {
    match next {
        Some(Layer::Ip(ip)) if ip.src.is_ipv6() => 30, // AF_INET6 of macOS
        _ => 2,
    }
}

fn ether_type(next: Option<&Layer>) -> u16 {
    match next {
        Some(Layer::Ip(ip)) if ip.src.is_ipv6() => 0x86dd,
        Some(Layer::Vlan(_)) => 0x8100,
        Some(Layer::ServiceVlan(_)) => 0x88a8,
        Some(Layer::Mpls(_)) => 0x8847,
        Some(Layer::Pppoe(_)) => 0x8864,
        Some(Layer::Ethernet) => 0x6558,
        Some(Layer::ErspanII) => 0x88be,
        Some(Layer::ErspanIII) => 0x22eb,
        Some(Layer::EtherType(kind)) => *kind,
        _ => 0x0800,
    }
}

fn ppp_protocol(next: Option<&Layer>) -> u16 {
    match next {
        Some(Layer::Ip(ip)) if ip.src.is_ipv6() => 0x57,
        Some(Layer::Mpls(_)) => 0x281,
        _ => 0x21,
    }
}

fn next_header(next: Option<&Layer>) -> u8 {
    protocol_of(next, true)
}

/// The protocol number that `ip` gives for the layer inside it.
pub(super) fn ip_protocol(next: Option<&Layer>, ip: &Ip) -> u8 {
    protocol_of(next, ip.src.is_ipv6())
}

fn protocol_of(next: Option<&Layer>, six: bool) -> u8 {
    match next {
        Some(Layer::Ip(ip)) if ip.src.is_ipv6() => 41,
        Some(Layer::Ip(_)) => 4,
        Some(Layer::Tcp(_)) => 6,
        Some(Layer::Udp(_)) => 17,
        Some(Layer::Icmp { .. }) => [1, 58][usize::from(six)],
        Some(Layer::Sctp(_)) => 132,
        Some(Layer::Gre(_)) => 47,
        Some(Layer::HopByHop) => 0,
        Some(Layer::DestinationOptions) => 60,
        Some(Layer::Routing) => 43,
        Some(Layer::Authentication) => 51,
        Some(Layer::Fragment(_)) => 44,
        Some(Layer::Mpls(_)) => 137,
        Some(Layer::Protocol(number)) => *number,
        _ => 59,
    }
}

fn ip_header(ip: &Ip, next: Option<&Layer>, inner: &[u8]) -> Vec<u8> {
    let protocol = ip_protocol(next, ip);
    match (ip.src, ip.dst) {
        (IpAddr::V4(src), IpAddr::V4(dst)) => {
            let fragment = ip.fragment.unwrap_or(Fragment { id: 0x1234, offset: 0, more: false });
            let place = (fragment.offset / 8) | (u16::from(fragment.more) << 13);
            let length = (20 + ip.options + inner.len()) as u16;
            let mut header = join(&[
                &[0x45 + (ip.options / 4) as u8, 0],
                &length.to_be_bytes(),
                &(fragment.id as u16).to_be_bytes(),
                &place.to_be_bytes(),
                &[64, protocol, 0, 0],
                &src.octets(),
                &dst.octets(),
                &vec![1; ip.options],
            ]);
            let sum = checksum(&[&header]).to_be_bytes();
            header[10..12].copy_from_slice(&sum);
            join(&[&header, inner])
        }
        (IpAddr::V6(src), IpAddr::V6(dst)) => {
            let length = (inner.len() as u16).to_be_bytes();
            join(&[&[0x60, 0, 0, 0], &length, &[protocol, 64], &src.octets(), &dst.octets(), inner])
        }
        _ => unreachable!("checked when the layer was added"),
    }
}

/// The pseudo header that transport checksums cover (RFC 768, RFC 9293, RFC 8200 section 8.1).
fn pseudo_header(around: Option<&Ip>, protocol: u8, length: usize) -> Vec<u8> {
    match around.map(|ip| (ip.src, ip.dst)) {
        Some((IpAddr::V4(src), IpAddr::V4(dst))) => {
            join(&[&src.octets(), &dst.octets(), &[0, protocol], &(length as u16).to_be_bytes()])
        }
        Some((IpAddr::V6(src), IpAddr::V6(dst))) => {
            join(&[&src.octets(), &dst.octets(), &(length as u32).to_be_bytes(), &[0, 0, 0, protocol]])
        }
        _ => Vec::new(),
    }
}

fn tcp_segment(tcp: &Tcp, around: Option<&Ip>, inner: &[u8]) -> Vec<u8> {
    // SYNs carry a maximum segment size, as those of hosts do
    let options: &[u8] = if tcp.flags & 2 != 0 { &[2, 4, 5, 0xb4] } else { &[] };
    let mut out = join(&[
        &tcp.ports.src.to_be_bytes(),
        &tcp.ports.dst.to_be_bytes(),
        &tcp.sequence.to_be_bytes(),
        &tcp.acknowledged.to_be_bytes(),
        &[((20 + options.len()) as u8 / 4) << 4, tcp.flags, 0xfa, 0xf0, 0, 0, 0, 0],
        options,
        inner,
    ]);
    let sum = checksum(&[&pseudo_header(around, 6, out.len()), &out]).to_be_bytes();
    out[16..18].copy_from_slice(&sum);
    out
}

fn udp_datagram(ports: Ports, around: Option<&Ip>, inner: &[u8]) -> Vec<u8> {
    let length = (8 + inner.len()) as u16;
    let mut out = join(&[&ports.src.to_be_bytes(), &ports.dst.to_be_bytes(), &length.to_be_bytes(), &[0, 0], inner]);
    let sum = match checksum(&[&pseudo_header(around, 17, out.len()), &out]) {
        0 => 0xffff,
        sum => sum,
    };
    out[6..8].copy_from_slice(&sum.to_be_bytes());
    out
}

fn icmp_message(kind: u8, code: u8, rest: u32, around: Option<&Ip>, inner: &[u8]) -> Vec<u8> {
    let mut out = join(&[&[kind, code, 0, 0], &rest.to_be_bytes(), inner]);
    let six = around.is_some_and(|ip| ip.src.is_ipv6());
    let pseudo = if six { pseudo_header(around, 58, out.len()) } else { Vec::new() };
    let sum = checksum(&[&pseudo, &out]).to_be_bytes();
    out[2..4].copy_from_slice(&sum);
    out
}

fn gre_header(gre: Gre, next: Option<&Layer>, inner: &[u8]) -> Vec<u8> {
    let sequence = gre.sequence.or(matches!(next, Some(Layer::ErspanII | Layer::ErspanIII)).then_some(1));
    let flags =
        (u16::from(gre.checksum) << 15) | (u16::from(gre.key.is_some()) << 13) | (u16::from(sequence.is_some()) << 12);
    let mut out = join(&[&flags.to_be_bytes(), &ether_type(next).to_be_bytes()]);
    if gre.checksum {
        out.extend([0; 4]);
    }
    for field in [gre.key, sequence].into_iter().flatten() {
        out.extend(field.to_be_bytes());
    }
    out.extend(inner);
    if gre.checksum {
        let sum = checksum(&[&out]).to_be_bytes();
        out[4..6].copy_from_slice(&sum);
    }
    out
}

/// The Internet checksum (RFC 1071) of the parts, each but the last of even length.
pub(super) fn checksum(parts: &[&[u8]]) -> u16 {
    let mut sum: u32 = 0;
    for part in parts {
        for pair in part.chunks(2) {
            sum += u32::from(u16::from_be_bytes([pair[0], pair.get(1).copied().unwrap_or(0)]));
        }
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}
