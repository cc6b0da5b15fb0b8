//! Frames in code: a [`Stack`] of layers, outermost first, with lengths, next-protocol fields and
//! checksums filled in.
//!
//! ```
//! use testkit::{Stack, packet::LINK_ETHERNET};
//! let frame = Stack::ethernet().vlan(5).ip("10.0.0.5", "192.0.2.1").udp(40000, 53).payload(b"hello").frame();
//! assert_eq!(frame.link, LINK_ETHERNET);
//! ```
//!
//! It builds what senders build; what they must not build comes from [`crate::fault`].

mod encode;

use std::net::IpAddr;

use packet::LinkType;

/// `LINKTYPE_NULL`.
pub const LINK_NULL: LinkType = LinkType(0);
/// `LINKTYPE_ETHERNET`.
pub const LINK_ETHERNET: LinkType = LinkType(1);
/// `LINKTYPE_PPP`.
pub const LINK_PPP: LinkType = LinkType(9);
/// `LINKTYPE_RAW`.
pub const LINK_RAW: LinkType = LinkType(101);
/// `LINKTYPE_IEEE802_11`.
pub const LINK_WIFI: LinkType = LinkType(105);
/// `LINKTYPE_LOOP`.
pub const LINK_LOOP: LinkType = LinkType(108);
/// `LINKTYPE_LINUX_SLL`.
pub const LINK_SLL: LinkType = LinkType(113);
/// `LINKTYPE_IEEE802_11_RADIOTAP`.
pub const LINK_RADIOTAP: LinkType = LinkType(127);
/// `LINKTYPE_LINUX_SLL2`.
pub const LINK_SLL2: LinkType = LinkType(276);

/// One layer of a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are those of the protocols")]
pub enum Layer {
    Ethernet,
    /// IEEE 802.3 with a length, LLC and SNAP.
    Snap,
    Vlan(u16),
    /// 802.1ad, the outer tag of QinQ.
    ServiceVlan(u16),
    Mpls(u32),
    /// PPPoE session and the PPP protocol field.
    Pppoe(u16),
    /// PPP in HDLC-like framing.
    Ppp,
    Sll,
    Sll2,
    /// BSD null in the byte order of a little-endian writer.
    Null,
    /// BSD null in the byte order of a big-endian writer.
    NullBigEndian,
    Loop,
    /// IP without a link layer.
    Raw,
    /// 802.11 data frame with LLC/SNAP.
    Wifi,
    /// 802.11 QoS data frame behind a radiotap header.
    Radiotap,
    Ip(Ip),
    HopByHop,
    DestinationOptions,
    Routing,
    Authentication,
    /// IPv6 fragment header.
    Fragment(Fragment),
    Gre(Gre),
    ErspanII,
    ErspanIII,
    Vxlan(u32),
    Geneve(u32),
    /// GTP-U G-PDU with its tunnel number.
    Gtp(u32),
    /// IPv6 in UDP with a Teredo authentication and origin indication.
    Teredo,
    /// L2TPv2 data message with PPP.
    L2tp,
    Udp(Ports),
    Tcp(Tcp),
    Icmp {
        kind: u8,
        code: u8,
        rest: u32,
    },
    Sctp(Ports),
    /// Any other IP protocol by number, or any EtherType below 256 is never asked for.
    Protocol(u8),
    /// Any other EtherType.
    EtherType(u16),
    Payload(Vec<u8>),
}

/// Addresses and the fields of an IP header that matter here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ip {
    /// Sender.
    pub src: IpAddr,
    /// Receiver, of the same family.
    pub dst: IpAddr,
    /// IPv4 fragment fields.
    pub fragment: Option<Fragment>,
    /// Bytes of IPv4 options (no-operations), a multiple of 4.
    pub options: usize,
}

/// A fragment's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fragment {
    /// Identification.
    pub id: u32,
    /// Offset in bytes, a multiple of 8.
    pub offset: u16,
    /// More fragments follow.
    pub more: bool,
}

/// Optional fields of GRE (RFC 2784, RFC 2890).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gre {
    /// Checksum present.
    pub checksum: bool,
    /// Key.
    pub key: Option<u32>,
    /// Sequence number.
    pub sequence: Option<u32>,
}

/// A pair of ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ports {
    /// Sender's.
    pub src: u16,
    /// Receiver's.
    pub dst: u16,
}

/// A TCP header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tcp {
    /// Ports.
    pub ports: Ports,
    /// Flags, with ECE (0x40) and CWR (0x80).
    pub flags: u8,
    /// Sequence number.
    pub sequence: u32,
    /// Acknowledgement number.
    pub acknowledged: u32,
}

/// A built frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Built {
    /// How its first byte is to be read.
    pub link: LinkType,
    /// All of its bytes.
    pub bytes: Vec<u8>,
}

/// Layers of a frame, outermost first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stack {
    layers: Vec<Layer>,
}

impl Stack {
    /// Starts with any layer.
    #[must_use]
    pub fn new(outermost: Layer) -> Self {
        Stack { layers: vec![outermost] }
    }

    /// Starts with Ethernet II.
    #[must_use]
    pub fn ethernet() -> Self {
        Stack::new(Layer::Ethernet)
    }

    /// Starts with IP (`LINKTYPE_RAW`).
    #[must_use]
    pub fn raw() -> Self {
        Stack::new(Layer::Raw)
    }

    /// Adds any layer inside those so far.
    #[must_use]
    pub fn with(mut self, layer: Layer) -> Self {
        self.layers.push(layer);
        self
    }

    /// Adds several layers.
    #[must_use]
    pub fn with_all(mut self, layers: impl IntoIterator<Item = Layer>) -> Self {
        self.layers.extend(layers);
        self
    }

    /// Adds an 802.1Q tag.
    #[must_use]
    pub fn vlan(self, id: u16) -> Self {
        self.with(Layer::Vlan(id))
    }

    /// Adds IPv4 or IPv6, as the addresses are.
    ///
    /// # Panics
    /// The texts are no addresses of one family.
    #[must_use]
    pub fn ip(self, src: &str, dst: &str) -> Self {
        self.ip_between(src.parse().expect("an address"), dst.parse().expect("an address"))
    }

    /// Adds IPv4 or IPv6, as the addresses are.
    ///
    /// # Panics
    /// The addresses are of two families.
    #[must_use]
    pub fn ip_between(self, src: IpAddr, dst: IpAddr) -> Self {
        assert_eq!(src.is_ipv4(), dst.is_ipv4(), "both addresses of one family");
        self.with(Layer::Ip(Ip { src, dst, fragment: None, options: 0 }))
    }

    /// Adds UDP.
    #[must_use]
    pub fn udp(self, src: u16, dst: u16) -> Self {
        self.with(Layer::Udp(Ports { src, dst }))
    }

    /// Adds TCP with these flags, sequence number 1.
    #[must_use]
    pub fn tcp(self, src: u16, dst: u16, flags: u8) -> Self {
        self.with(Layer::Tcp(Tcp { ports: Ports { src, dst }, flags, sequence: 1, acknowledged: 1 }))
    }

    /// Adds an ICMP or ICMPv6 echo request, as the IP layer around it is.
    #[must_use]
    pub fn echo_request(self) -> Self {
        let six = self.layers.iter().rev().any(|l| matches!(l, Layer::Ip(ip) if ip.src.is_ipv6()));
        self.with(Layer::Icmp { kind: if six { 128 } else { 8 }, code: 0, rest: 0x0001_0001 })
    }

    /// Adds the innermost bytes.
    #[must_use]
    pub fn payload(self, bytes: impl AsRef<[u8]>) -> Self {
        self.with(Layer::Payload(bytes.as_ref().to_vec()))
    }

    /// The layers.
    #[must_use]
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// The link type of the outermost layer.
    #[must_use]
    pub fn link(&self) -> LinkType {
        match self.layers.first() {
            Some(Layer::Null | Layer::NullBigEndian) => LINK_NULL,
            Some(Layer::Ppp) => LINK_PPP,
            Some(Layer::Raw | Layer::Ip(_)) => LINK_RAW,
            Some(Layer::Wifi) => LINK_WIFI,
            Some(Layer::Radiotap) => LINK_RADIOTAP,
            Some(Layer::Loop) => LINK_LOOP,
            Some(Layer::Sll) => LINK_SLL,
            Some(Layer::Sll2) => LINK_SLL2,
            _ => LINK_ETHERNET,
        }
    }

    /// The frame.
    #[must_use]
    pub fn frame(&self) -> Built {
        Built { link: self.link(), bytes: encode::encode(&self.layers) }
    }

    /// The same datagram in fragments of at most `size` bytes of IP payload (rounded down to a multiple of 8),
    /// in order. The innermost IP layer is the one that is fragmented.
    ///
    /// # Panics
    /// There is no IP layer, or `size` is below 8.
    #[must_use]
    pub fn fragments(&self, id: u32, size: usize) -> Vec<Built> {
        let at = self.layers.iter().rposition(|l| matches!(l, Layer::Ip(_))).expect("an IP layer");
        let (outer, inner) = self.layers.split_at(at + 1);
        let Layer::Ip(ip) = &outer[at] else { unreachable!("found above") };
        let whole = encode::encode_within(inner, ip);
        let protocol = encode::ip_protocol(inner.first(), ip);
        let step = size / 8 * 8;
        assert!(step > 0, "a fragment holds at least 8 bytes");
        let mut out = Vec::new();
        for (i, chunk) in whole.chunks(step).enumerate() {
            let fragment = Fragment { id, offset: (i * step) as u16, more: (i + 1) * step < whole.len() };
            let mut layers = outer.to_vec();
            if ip.src.is_ipv4() {
                layers[at] = Layer::Ip(Ip { fragment: Some(fragment), ..ip.clone() });
            } else {
                layers.push(Layer::Fragment(fragment));
            }
            layers.extend([Layer::Protocol(protocol), Layer::Payload(chunk.to_vec())]);
            out.push(Built { link: self.link(), bytes: encode::encode(&layers) });
        }
        out
    }
}

#[cfg(test)]
mod tests;
