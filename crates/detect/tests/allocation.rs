//! A packet that raises nothing allocates nothing.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::single_range_in_vec_init)] // Helpers of tests.

mod common;

use common::{Table, flow, matcher};
use packet::dissect::dns::DnsMessage;
use packet::dissect::http::HttpRequest;
use packet::dissect::tls::{Carrier, ClientHello};
use packet::fact::NameSource;
use packet::{Fact, Flow, Micros, Name, Sink, TcpFlags};
use trails::Class;

/// A table that answers without allocation, as the store does.
struct Nothing(Table);

impl detect::Lookup for Nothing {
    fn label(&self, id: trails::LabelId) -> trails::Label<'_> {
        self.0.label(id)
    }
    fn may_hold_name(&self, _: &[u8]) -> bool {
        true
    }
    fn name(&self, _: &[u8], _: &mut [trails::Hit; 8]) -> usize {
        0
    }
    fn pattern(&self, _: &[u8]) -> Option<trails::LabelId> {
        None
    }
    fn may_hold_urls_of(&self, _: trails::Hashed<'_>) -> bool {
        true
    }
    fn may_hold_path(&self, _: &[u8], _: usize) -> bool {
        true
    }
    fn url_at(&self, _: trails::Hashed<'_>, _: trails::Hashed<'_>) -> Option<trails::LabelId> {
        None
    }
    fn may_hold_address(&self, _: std::net::IpAddr) -> bool {
        true
    }
    fn address(&self, _: std::net::IpAddr) -> Option<trails::LabelId> {
        None
    }
    fn endpoint(&self, _: std::net::IpAddr, _: u16) -> Option<trails::LabelId> {
        None
    }
    fn network(&self, _: std::net::IpAddr) -> Option<(u8, trails::LabelId)> {
        None
    }
    fn has_certificates(&self) -> bool {
        true
    }
    fn certificate(&self, _: &[u8; 20]) -> Option<trails::LabelId> {
        None
    }
    fn has_ja3(&self) -> bool {
        false
    }
    fn ja3(&self, _: &[u8; 16]) -> Option<trails::LabelId> {
        None
    }
    fn has_ja4(&self) -> bool {
        false
    }
    fn ja4(&self, _: &[u8; 36]) -> Option<trails::LabelId> {
        None
    }
}

#[test]
fn nothing_is_allocated_for_what_is_not_listed() {
    let mut matcher = detect::Matcher::new(Default::default(), Nothing(Table::new(&[])).into());
    matcher.collect(Some(detect::Collector::new(detect::Sightings::default(), 7)));
    let query = b"\0\x01\x01\0\0\x01\0\0\0\0\0\0\x03www\x02ok\x03org\0\0\x01\0\x01";
    let response = b"\0\x01\x81\x80\0\x01\0\x01\0\0\0\0\x03www\x02ok\x03org\0\0\x01\0\x01\
        \xc0\x0c\0\x01\0\x01\0\0\0\x09\0\x04\x0a\0\0\x01";
    let request = HttpRequest {
        method: b"POST",
        target: b"//a/B%2fc/gate.php?id=7&k=x",
        host: b"WWW.ok.org:8080",
        user_agent: b"Mozilla/5.0",
        forwarded_for: [b"10.0.0.1", b"", b""],
        referer: b"",
        content_type: b"",
        head: b"",
        body: b"a=b",
    };
    let post = HttpRequest { target: b"/gate.php", ..request };
    let name = Name::from_text(b"mail.ok.org").unwrap();
    let facts = [
        Fact::TcpSegment { flags: TcpFlags(TcpFlags::ACK), acknowledgment: 1, payload: 1400 },
        Fact::TcpSegment { flags: TcpFlags(TcpFlags::SYN), acknowledgment: 0, payload: 0 },
        Fact::Datagram { payload: 40 },
        Fact::Icmp { echo_request: true },
        Fact::OtherProtocol,
        Fact::DnsQuery(DnsMessage { bytes: query, id: 1, flags: 0x0100 }),
        Fact::DnsResponse(DnsMessage { bytes: response, id: 1, flags: 0x8180 }),
        Fact::HttpRequest(request),
        Fact::HttpRequest(post),
        Fact::ClientHello(ClientHello { carrier: Carrier::Tcp, body: b"", sni: Some(b"WWW.ok.org") }),
        Fact::Named { source: NameSource::Socks, name: &name },
    ];
    let flow = flow("10.0.0.5", 4000, "192.0.2.80", 80, 6);
    let mut see = |flow: Flow, fact: Fact<'_>| {
        matcher.begin(Micros(0), 0);
        matcher.fact(&flow, fact);
    };
    // The first request makes room for texts.
    facts.iter().for_each(|fact| see(flow, *fact));
    for fact in facts {
        let counted = allocation_counter::measure(|| see(flow, fact));
        assert_eq!(counted.count_total, 0, "{fact:?}");
    }
    assert!(matcher.collector().unwrap().collected().seen > 10, "what is seen is collected all the same");
}

/// The counter counts: a finding does allocate.
#[test]
fn a_finding_allocates() {
    let mut matcher = matcher(Table::new(&[("ok.org", "x", Class::Malware)]));
    let name = Name::from_text(b"mail.ok.org").unwrap();
    let fact = Fact::Named { source: NameSource::Socks, name: &name };
    let flow = flow("10.0.0.5", 4000, "192.0.2.80", 80, 6);
    assert!(allocation_counter::measure(|| matcher.fact(&flow, fact)).count_total > 0);
}
