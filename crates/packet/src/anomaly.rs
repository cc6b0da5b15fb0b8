//! Malformed input by name, counted.

macro_rules! anomalies {
    ($($name:ident $text:literal $help:literal,)*) => {
        /// What was wrong with some bytes. Each has a name for metrics and one line of explanation.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum Anomaly { $(#[doc = $help] $name,)* }

        impl Anomaly {
            /// All of them, in the order of their counters.
            pub const ALL: &'static [Anomaly] = &[$(Anomaly::$name,)*];

            /// The name in metrics and summaries.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Anomaly::$name => $text,)* }
            }

            /// One line for people.
            #[must_use]
            pub fn help(self) -> &'static str {
                match self { $(Anomaly::$name => $help,)* }
            }
        }
    };
}

anomalies! {
    LinkUnknown "link_unknown" "a link type that is not read",
    LinkTruncated "link_truncated" "a frame that ends inside its link header",
    TunnelDepth "tunnel_depth" "more tunnels or tags in one another than the limit",
    IpTruncated "ip_truncated" "a packet that ends inside its IP header",
    IpHeader "ip_header" "an IP header whose version or lengths contradict themselves",
    IpExtension "ip_extension" "an IPv6 extension header chain that is cut or too long",
    FragmentOverlap "fragment_overlap" "fragments of one datagram that overlap",
    FragmentLimit "fragment_limit" "a fragment refused because the table or the datagram is at its limit",
    FragmentExpired "fragment_expired" "a datagram whose missing fragments never came",
    TcpHeader "tcp_header" "a TCP header that is cut or whose lengths contradict themselves",
    UdpHeader "udp_header" "a UDP header that is cut or whose length contradicts itself",
    HeadLimit "head_limit" "a flow head refused because the table is at its limit",
    HeadOverflow "head_overflow" "a flow head that grew past its limit without being whole",
    HeadExpired "head_expired" "a flow head whose rest never came",
    DnsMalformed "dns_malformed" "bytes on a DNS port or after a DNS header that are no DNS message",
    DnsName "dns_name" "a DNS name that is too long or whose compression points forward or in a circle",
    HttpMalformed "http_malformed" "an HTTP head that cannot be taken apart",
    TlsMalformed "tls_malformed" "a TLS record or handshake whose lengths contradict themselves",
    CertificateMalformed "certificate_malformed" "a certificate that is no DER",
    QuicMalformed "quic_malformed" "a QUIC long header whose lengths contradict themselves",
    QuicUndecryptable "quic_undecryptable" "a QUIC Initial that its own keys do not open",
}

/// How often each [`Anomaly`] was seen, and which came first in the frame at hand.
#[derive(Clone, Debug)]
pub struct Anomalies {
    counts: [u64; Anomaly::ALL.len()],
    first_of_frame: Option<Anomaly>,
}

impl Default for Anomalies {
    fn default() -> Self {
        Anomalies { counts: [0; Anomaly::ALL.len()], first_of_frame: None }
    }
}

impl Anomalies {
    /// Counts one.
    pub fn count(&mut self, anomaly: Anomaly) {
        if let Some(counter) = self.counts.get_mut(anomaly as usize) {
            *counter += 1;
        }
        // What waited too long belongs to frames of the past.
        if !matches!(anomaly, Anomaly::FragmentExpired | Anomaly::HeadExpired) {
            self.first_of_frame.get_or_insert(anomaly);
        }
    }

    /// A new frame: nothing is wrong with it yet.
    pub(crate) fn begin_frame(&mut self) {
        self.first_of_frame = None;
    }

    /// What was counted first since [`Anomalies::begin_frame`].
    pub(crate) fn first_of_frame(&self) -> Option<Anomaly> {
        self.first_of_frame
    }

    /// How often it was seen.
    #[must_use]
    pub fn get(&self, anomaly: Anomaly) -> u64 {
        self.counts.get(anomaly as usize).copied().unwrap_or(0)
    }

    /// Adds another's counts to these.
    pub fn add(&mut self, other: &Anomalies) {
        for (mine, theirs) in self.counts.iter_mut().zip(&other.counts) {
            *mine += theirs;
        }
    }

    /// Name and count of each that was seen.
    pub fn seen(&self) -> impl Iterator<Item = (Anomaly, u64)> + '_ {
        Anomaly::ALL.iter().copied().zip(self.counts).filter(|(_, n)| *n > 0)
    }
}
