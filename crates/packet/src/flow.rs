//! Who talks to whom, and one decoded IP packet.

use std::net::IpAddr;

/// IP protocol numbers that the code names (IANA "Assigned Internet Protocol Numbers").
pub mod protocol {
    #![allow(missing_docs)]
    pub const ICMP: u8 = 1;
    pub const IPIP: u8 = 4;
    pub const TCP: u8 = 6;
    pub const UDP: u8 = 17;
    pub const IPV6: u8 = 41;
    pub const GRE: u8 = 47;
    pub const ESP: u8 = 50;
    pub const AH: u8 = 51;
    pub const ICMPV6: u8 = 58;
    pub const SCTP: u8 = 132;
    pub const UDPLITE: u8 = 136;
}

/// One direction of a conversation. Ports are 0 where the protocol has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Flow {
    /// Sender.
    pub src: IpAddr,
    /// Receiver.
    pub dst: IpAddr,
    /// Sender's port, 0 for protocols without ports.
    pub src_port: u16,
    /// Receiver's port, 0 for protocols without ports.
    pub dst_port: u16,
    /// IP protocol number; for IPv6 that of the last header.
    pub protocol: u8,
}

impl Flow {
    /// The other direction.
    #[must_use]
    pub fn reversed(self) -> Flow {
        Flow { src: self.dst, dst: self.src, src_port: self.dst_port, dst_port: self.src_port, protocol: self.protocol }
    }
}

/// TCP flags (RFC 9293 section 3.1, with ECE and CWR of RFC 3168).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TcpFlags(pub u8);

#[allow(missing_docs)]
impl TcpFlags {
    pub const FIN: u8 = 0x01;
    pub const SYN: u8 = 0x02;
    pub const RST: u8 = 0x04;
    pub const PSH: u8 = 0x08;
    pub const ACK: u8 = 0x10;

    /// Whether all of `bits` are set.
    #[must_use]
    pub fn has(self, bits: u8) -> bool {
        self.0 & bits == bits
    }

    /// Neither SYN, ACK nor RST: no stack answers so (RFC 9293 section 3.10.7), scanners send it.
    #[must_use]
    pub fn answers_nothing(self) -> bool {
        self.0 & (Self::SYN | Self::ACK | Self::RST) == 0
    }

    /// A connection attempt: SYN without ACK, whatever ECN or other flags say.
    #[must_use]
    pub fn opens(self) -> bool {
        self.0 & (Self::SYN | Self::ACK) == Self::SYN
    }
}

/// What an IP packet carries.
#[derive(Clone, Copy, Debug)]
pub enum Transport<'a> {
    /// A TCP segment; one whose header was cut after the flags has no payload (and was counted as an anomaly).
    Tcp {
        /// Flags.
        flags: TcpFlags,
        /// Sequence number of the first payload byte (SYN takes one more).
        sequence: u32,
        /// Acknowledgment number: the next byte that the sender expects, where ACK is set.
        acknowledgment: u32,
        /// Payload as captured.
        payload: &'a [u8],
    },
    /// A UDP or UDP-Lite datagram.
    Udp {
        /// Payload as captured.
        payload: &'a [u8],
    },
    /// ICMP or ICMPv6.
    Icmp {
        /// Message type.
        kind: u8,
        /// Message code.
        code: u8,
        /// What follows the first four bytes.
        payload: &'a [u8],
    },
    /// Any other protocol; also a transport header that was cut off, and a fragment that is not the first.
    Other {
        /// Bytes after the IP headers.
        payload: &'a [u8],
    },
}

/// One IP packet, outer or inner, reassembled where it came in fragments.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a> {
    /// Addresses, ports and protocol.
    pub flow: Flow,
    /// What it carries.
    pub transport: Transport<'a>,
    /// How many tunnels it is wrapped in: 0 for the outermost.
    pub depth: u8,
    /// A fragment whose datagram is not (yet) whole: addresses are known, of a first fragment also ports and
    /// transport header, but content is not to be dissected: if the rest comes, the whole datagram follows.
    pub fragment: bool,
    /// The rest of a datagram whose first fragment was handed over when it came: only the content is news.
    pub known: bool,
    /// Bytes of the transport's payload that were sent but are not here because the frame was captured
    /// short (snap length); 0 for most. A segment that lacks bytes is the end of what its flow head can learn.
    pub missing: usize,
}
