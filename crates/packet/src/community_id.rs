//! Community ID, version 1: one identifier for a flow in the tools of all makers
//! (<https://github.com/corelight/community-id-spec>).

use std::net::IpAddr;

use sha1::{Digest, Sha1};

use crate::Flow;
use crate::flow::protocol;

impl Flow {
    /// The flow's Community ID, the same for both directions.
    ///
    /// A flow of ICMP or ICMPv6 has no ports; it is taken for an echo conversation.
    #[must_use]
    pub fn community_id(&self, seed: u16) -> String {
        match self.protocol {
            protocol::ICMP => self.community_id_of_icmp(8, 0, seed),
            protocol::ICMPV6 => self.community_id_of_icmp(128, 0, seed),
            protocol::TCP | protocol::UDP | protocol::SCTP => {
                self.identified(Some((self.src_port, self.dst_port)), false, seed)
            }
            _ => self.identified(None, false, seed),
        }
    }

    /// The Community ID of an ICMP or ICMPv6 message of this flow.
    #[must_use]
    pub fn community_id_of_icmp(&self, kind: u8, code: u8, seed: u16) -> String {
        let answer = if self.src.is_ipv4() { icmp_answer(kind) } else { icmpv6_answer(kind) };
        let ports = (u16::from(kind), u16::from(answer.unwrap_or(code)));
        self.identified(Some(ports), answer.is_none(), seed)
    }

    fn identified(&self, ports: Option<(u16, u16)>, one_way: bool, seed: u16) -> String {
        let (source, destination) = ports.unwrap_or_default();
        let in_order = one_way || (octets(self.src), source) <= (octets(self.dst), destination);
        let (low, high, ports) = if in_order {
            (self.src, self.dst, ports)
        } else {
            (self.dst, self.src, ports.map(|(source, destination)| (destination, source)))
        };
        let mut hash = Sha1::new();
        hash.update(seed.to_be_bytes());
        hash.update(octets(low));
        hash.update(octets(high));
        hash.update([self.protocol, 0]);
        if let Some((source, destination)) = ports {
            hash.update(source.to_be_bytes());
            hash.update(destination.to_be_bytes());
        }
        format!("1:{}", base64(&hash.finalize()))
    }
}

fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    }
}

/// The type of the message that answers this one.
fn icmp_answer(kind: u8) -> Option<u8> {
    Some(match kind {
        0 => 8,
        8 => 0,
        9 => 10,
        10 => 9,
        13 => 14,
        14 => 13,
        15 => 16,
        16 => 15,
        17 => 18,
        18 => 17,
        _ => return None,
    })
}

fn icmpv6_answer(kind: u8) -> Option<u8> {
    Some(match kind {
        128 => 129,
        129 => 128,
        130 => 131,
        131 => 130,
        133 => 134,
        134 => 133,
        135 => 136,
        136 => 135,
        139 => 140,
        140 => 139,
        144 => 145,
        145 => 144,
        _ => return None,
    })
}

/// RFC 4648 section 4, with padding.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let word = group.iter().fold(0_u32, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
        for place in 0..4 {
            let digit = (word >> (18 - 6 * place)) & 0x3f;
            let letter = ALPHABET.get(digit as usize).copied().unwrap_or(b'=');
            text.push(if place <= group.len() { char::from(letter) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flow(protocol: u8, src: &str, dst: &str, src_port: u16, dst_port: u16) -> Flow {
        Flow { src: src.parse().unwrap(), dst: dst.parse().unwrap(), src_port, dst_port, protocol }
    }

    /// Vectors of the specification's baseline data.
    #[test]
    fn known_flows_have_their_known_identifiers() {
        let tcp = flow(6, "128.232.110.120", "66.35.250.204", 34855, 80);
        assert_eq!(tcp.community_id(0), "1:LQU9qZlK+B5F3KDmev6m5PMibrg=");
        assert_eq!(tcp.reversed().community_id(0), "1:LQU9qZlK+B5F3KDmev6m5PMibrg=");
        assert_eq!(tcp.community_id(1), "1:3V71V58M3Ksw/yuFALMcW0LAHvc=");
        let udp = flow(17, "192.168.1.52", "8.8.8.8", 54585, 53);
        assert_eq!(udp.community_id(0), "1:d/FP5EW3wiY1vCndhwleRRKHowQ=");
        let sctp = flow(132, "192.168.170.8", "192.168.170.56", 7, 7);
        assert_eq!(sctp.community_id(0), "1:MP2EtRCAUIZvTw6MxJHLV7N7JDs=");
        let echo = flow(1, "192.168.0.89", "192.168.0.1", 0, 0);
        assert_eq!(echo.community_id(0), "1:X0snYXpgwiv9TZtqg64sgzUn6Dk=");
        assert_eq!(
            echo.reversed().community_id_of_icmp(0, 0, 0),
            echo.community_id(0),
            "the answer is of the same flow"
        );
    }

    #[test]
    fn icmp_types_stand_for_ports() {
        let unreachable = flow(1, "10.0.0.1", "10.0.0.2", 0, 0);
        assert_eq!(unreachable.community_id_of_icmp(3, 1, 0), "1:gkoOC4ouXvyYq0Ek/WqwbLoqcxM=");
        let solicitation = flow(58, "fe80::1", "fe80::2", 0, 0);
        assert_eq!(solicitation.community_id_of_icmp(135, 0, 0), "1:7IIPGNVAHI2udmsuJVpA3RMOAqc=");
        assert_eq!(solicitation.reversed().community_id_of_icmp(136, 0, 0), "1:7IIPGNVAHI2udmsuJVpA3RMOAqc=");
    }

    #[test]
    fn flows_without_ports_have_none_in_their_identifier() {
        let esp = flow(50, "10.0.0.1", "10.0.0.2", 0, 0);
        assert_eq!(esp.community_id(0), "1:dX+1pd7Z9Y9hJE/IuQlfvK7bxuA=");
        assert_eq!(esp.reversed().community_id(0), "1:dX+1pd7Z9Y9hJE/IuQlfvK7bxuA=");
    }

    #[test]
    fn base64_pads() {
        for (bytes, text) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")] {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
    }
}
