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
