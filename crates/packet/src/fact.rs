//! What packets say: the vocabulary between this crate and whoever decides on it.

use std::net::Ipv4Addr;

use crate::dissect::{
    dns::DnsMessage,
    http::{HttpRequest, HttpResponse},
    tls::{Certificate, ClientHello},
};
use crate::{Flow, Name, TcpFlags};

/// Where a name that stands for itself (not in a DNS message, HTTP head or ClientHello) was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NameSource {
    /// SOCKS4a or SOCKS5 request.
    Socks,
    /// SMTP HELO or EHLO.
    SmtpHelo,
    /// `:authority` of HTTP/2 without TLS.
    Http2,
    /// SNI tag of a Google QUIC CHLO.
    Gquic,
    /// Name in a PROXY protocol v2 authority field.
    ProxyProtocol,
}

/// One thing seen in one packet (or in a head that the packet completed), borrowed from it.
///
/// For every IP packet exactly one of the first four comes first, unless the sink passes it over; the others follow
/// where its payload shows them. The flow handed over with it is the direction the packet went.
#[derive(Clone, Copy, Debug)]
pub enum Fact<'a> {
    /// A TCP segment.
    TcpSegment {
        /// Flags.
        flags: TcpFlags,
        /// Acknowledgment number: the next byte that the sender expects, where ACK is set.
        acknowledgment: u32,
        /// Captured payload bytes.
        payload: usize,
    },
    /// A UDP datagram.
    Datagram {
        /// Captured payload bytes.
        payload: usize,
    },
    /// An ICMP or ICMPv6 message; `echo_request` is what matching looks at.
    Icmp {
        /// Type 8 (ICMP) or 128 (ICMPv6).
        echo_request: bool,
    },
    /// Any other IP protocol, and fragments that could not be put together.
    OtherProtocol,
    /// A DNS query.
    DnsQuery(DnsMessage<'a>),
    /// A DNS response.
    DnsResponse(DnsMessage<'a>),
    /// An HTTP/1 request head.
    HttpRequest(HttpRequest<'a>),
    /// An HTTP/1 response head.
    HttpResponse(HttpResponse<'a>),
    /// A ClientHello of TLS, DTLS or QUIC.
    ClientHello(ClientHello<'a>),
    /// One certificate of a server's flight.
    Certificate(Certificate<'a>),
    /// A name said by another protocol.
    Named {
        /// Which.
        source: NameSource,
        /// The name.
        name: &'a Name,
    },
}

/// Who takes facts. Called on the capture worker, in packet order.
pub trait Sink {
    /// `flow` is the direction in which the packet that showed (or completed) the fact went.
    fn fact(&mut self, flow: &Flow, fact: Fact<'_>);

    /// Whether a TCP segment between these two hosts says nothing to the sink, so that its [`Fact::TcpSegment`] can be
    /// left out where its payload shows nothing either. Bulk traffic costs this question and no fact.
    #[inline(always)]
    fn passes_over(&mut self, hosts: [Ipv4Addr; 2]) -> bool {
        let _ = hosts;
        false
    }
}
