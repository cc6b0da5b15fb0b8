//! Every rule of matching, from facts built by hand.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::single_range_in_vec_init)] // Helpers of tests.

mod common;

use std::io::Cursor;
use std::sync::Arc;

use common::{Table, flow, matcher, said, see};
use detect::{Agents, MatchSettings, Matcher};
use event::Severity;
use packet::dissect::dns::DnsMessage;
use packet::dissect::http::HttpRequest;
use packet::dissect::tls::{Carrier, Certificate, ClientHello};
use packet::fact::NameSource;
use packet::{Fact, Flow, Name, TcpFlags};
use proptest::prelude::*;
use trails::builder::Place;
use trails::{Builder, Class, Stamp, Store, Vetoes};

const SYN: u8 = TcpFlags::SYN;
const ACK: u8 = TcpFlags::ACK;

fn tcp(flags: u8, payload: usize) -> Fact<'static> {
    Fact::TcpSegment { flags: TcpFlags(flags), acknowledgment: 1, payload }
}

/// What one packet says against these trails.
fn says(table: Table, flow: Flow, facts: &[Fact<'_>]) -> Vec<String> {
    see(&mut matcher(table), flow, facts).iter().map(said).collect()
}

type Row<'a> = (&'a str, &'a str, Class);
const RAT: Row<'_> = ("192.0.2.66", "rat (malware)", Class::Malware);
const ATTACKER: Row<'_> = ("203.0.113.9", "known attacker", Class::Attacker);
const PARKING: Row<'_> = ("192.0.2.201", "parking site (suspicious)", Class::Parking);
const SINKHOLE: Row<'_> = ("192.0.2.200", "sinkhole agency (malware)", Class::Sinkhole);
const EVIL: Row<'_> = ("evil.com", "fox (malware)", Class::Malware);

#[test]
fn connection_attempts() {
    let rows = [
        RAT,
        ATTACKER,
        PARKING,
        ("192.0.2.66:4444", "controller (malware)", Class::Malware),
        ("203.0.113.77", "mass scanner", Class::Scanner),
        ("198.51.100.0/24", "hosting (suspicious)", Class::Suspicious),
        ("198.51.100.128/25", "worse (malware)", Class::Malware),
        ("2001:db8:bad::18:4444", "no endpoint", Class::Other),
        ("[2001:db8:bad::18]:4444", "controller (malware)", Class::Malware),
    ];
    let cases: [(&str, u16, &str, u16, u8, &str); 15] = [
        ("10.0.0.5", 4000, "192.0.2.66", 443, SYN, "IP 10.0.0.5:4000 > 192.0.2.66:443 192.0.2.66 | rat (malware)"),
        (
            "10.0.0.5",
            4000,
            "192.0.2.66",
            443,
            SYN | 0xc0 | 0x28,
            "IP 10.0.0.5:4000 > 192.0.2.66:443 192.0.2.66 | rat (malware)",
        ),
        (
            "10.0.0.5",
            4000,
            "192.0.2.66",
            4444,
            SYN,
            "IPORT 10.0.0.5:4000 > 192.0.2.66:4444 192.0.2.66:4444 | controller (malware)",
        ),
        ("192.0.2.66", 4000, "10.0.0.5", 443, SYN, ""),
        ("10.0.0.5", 4000, "203.0.113.9", 443, SYN, ""),
        ("203.0.113.9", 4000, "10.0.0.5", 22, SYN, "IP 203.0.113.9:4000 > 10.0.0.5:22 203.0.113.9 | known attacker"),
        ("203.0.113.9", 4000, "127.0.0.1", 22, SYN, ""),
        ("203.0.113.77", 4000, "10.0.0.5", 22, SYN, "IP 203.0.113.77:4000 > 10.0.0.5:22 203.0.113.77 | mass scanner"),
        ("10.0.0.5", 4000, "192.0.2.201", 25, SYN, ""),
        (
            "10.0.0.5",
            4000,
            "192.0.2.201",
            443,
            SYN,
            "IP 10.0.0.5:4000 > 192.0.2.201:443 192.0.2.201 | parking site (suspicious)",
        ),
        (
            "10.0.0.5",
            4000,
            "198.51.100.7",
            1,
            SYN,
            "IP 10.0.0.5:4000 > 198.51.100.7:1 198.51.100.7 | hosting (suspicious)",
        ),
        (
            "10.0.0.5",
            4000,
            "198.51.100.200",
            1,
            SYN,
            "IP 10.0.0.5:4000 > 198.51.100.200:1 198.51.100.200 | worse (malware)",
        ),
        (
            "2001:db8::5",
            4000,
            "2001:db8:bad::18",
            4444,
            SYN,
            "IPORT 2001:db8::5:4000 > 2001:db8:bad::18:4444 [2001:db8:bad::18]:4444 | controller (malware)",
        ),
        (
            "203.0.113.9",
            4000,
            "192.0.2.66",
            443,
            SYN,
            "IP 203.0.113.9:4000 > 192.0.2.66:443 192.0.2.66 | rat (malware)",
        ),
        ("10.0.0.5", 4000, "8.8.8.8", 443, SYN, ""),
    ];
    for (src, src_port, dst, dst_port, flags, expected) in cases {
        let found = says(Table::new(&rows), flow(src, src_port, dst, dst_port, 6), &[tcp(flags, 0)]);
        assert_eq!(found.join("; "), expected, "{src}:{src_port} > {dst}:{dst_port}");
    }
}

#[test]
fn what_the_user_lists_is_excused_by_no_rule() {
    let rows = [("203.0.113.9", "mine", Class::Attacker), ("192.0.2.66", "mine too", Class::Malware)];
    let to = says(Table::custom(&rows), flow("10.0.0.5", 4000, "203.0.113.9", 443, 6), &[tcp(SYN, 0)]);
    assert_eq!(to, ["IP 10.0.0.5:4000 > 203.0.113.9:443 203.0.113.9 | mine"]);
    let from = says(Table::custom(&rows), flow("192.0.2.66", 4000, "10.0.0.5", 443, 6), &[tcp(SYN, 0)]);
    assert_eq!(from, ["IP 192.0.2.66:4000 > 10.0.0.5:443 192.0.2.66 | mine too"]);
}

#[test]
fn the_network_is_the_indicator_and_the_address_is_seen() {
    let table = Table::new(&[("198.51.100.0/24", "hosting (suspicious)", Class::Suspicious)]);
    let found = see(&mut matcher(table), flow("10.0.0.5", 4000, "198.51.100.7", 443, 6), &[tcp(SYN, 0)]);
    assert_eq!(found[0].indicator, "198.51.100.0/24");
    assert_eq!(found[0].observed.text, "198.51.100.7");
}

#[test]
fn running_flows_are_told_once() {
    let mut matcher = matcher(Table::new(&[RAT]));
    let out = flow("10.0.0.5", 40_000, "192.0.2.66", 443, 6);
    let line = "IP 10.0.0.5:40000 > 192.0.2.66:443 192.0.2.66 | rat (malware)";
    let mut say = |flow: Flow, fact| see(&mut matcher, flow, &[fact]).iter().map(said).collect::<Vec<_>>();
    for backscatter in [tcp(SYN | ACK, 0), tcp(TcpFlags::RST, 0), tcp(TcpFlags::RST | ACK, 0), tcp(ACK, 0), tcp(0, 9)] {
        assert_eq!(say(out.reversed(), backscatter), Vec::<String>::new());
    }
    assert_eq!(say(out.reversed(), tcp(ACK, 5)), [line], "from it, with data; the client is the source");
    assert_eq!(say(out, tcp(ACK, 0)), Vec::<String>::new());
    let other = Flow { src_port: 40_001, ..out };
    assert_eq!(say(other, tcp(ACK, 0)).len(), 1, "to it");
    assert_eq!(say(other.reversed(), tcp(ACK, 5)).len(), 0);
}

#[test]
fn a_flow_whose_syn_was_seen_is_told_by_its_syn() {
    let mut matcher = matcher(Table::new(&[RAT]));
    let out = flow("10.0.0.5", 40_000, "192.0.2.66", 443, 6);
    assert_eq!(see(&mut matcher, out, &[tcp(SYN, 0)]).len(), 1);
    assert_eq!(see(&mut matcher, out, &[tcp(SYN, 0)]).len(), 1, "the pipeline says once a second");
    for (flow, fact) in [(out.reversed(), tcp(SYN | ACK, 0)), (out, tcp(ACK, 3)), (out.reversed(), tcp(ACK, 3))] {
        assert_eq!(see(&mut matcher, flow, &[fact]).len(), 0);
    }
}

#[test]
fn both_ends_of_a_running_flow_may_be_listed() {
    let table = Table::new(&[RAT, ("192.0.2.67", "two (malware)", Class::Malware)]);
    let found = says(table, flow("192.0.2.66", 40_000, "192.0.2.67", 443, 6), &[tcp(ACK, 5)]);
    assert_eq!(found.len(), 2, "{found:?}");
}

#[test]
fn datagrams_echoes_and_other_protocols() {
    let rows = [RAT, ATTACKER, ("192.0.2.67:6881", "controller (malware)", Class::Malware)];
    let udp = Fact::Datagram { payload: 9 };
    let echo = Fact::Icmp { echo_request: true };
    let cases: [(Flow, Fact<'_>, &str); 9] = [
        (
            flow("10.0.0.5", 4000, "192.0.2.66", 9999, 17),
            udp,
            "IP 10.0.0.5:4000 > 192.0.2.66:9999 192.0.2.66 | rat (malware)",
        ),
        (flow("192.0.2.66", 9999, "10.0.0.5", 4000, 17), udp, ""),
        (
            flow("203.0.113.9", 5060, "10.0.0.5", 5060, 17),
            udp,
            "IP 203.0.113.9:5060 > 10.0.0.5:5060 203.0.113.9 | known attacker",
        ),
        (
            flow("10.0.0.5", 4000, "192.0.2.67", 6881, 17),
            udp,
            "IPORT 10.0.0.5:4000 > 192.0.2.67:6881 192.0.2.67:6881 | controller (malware)",
        ),
        (flow("10.0.0.5", 4000, "192.0.2.67", 6882, 17), udp, ""),
        (flow("10.0.0.5", 0, "192.0.2.66", 0, 1), echo, "IP 10.0.0.5:0 > 192.0.2.66:0 192.0.2.66 | rat (malware)"),
        (flow("10.0.0.5", 0, "192.0.2.66", 0, 1), Fact::Icmp { echo_request: false }, ""),
        (flow("203.0.113.9", 0, "10.0.0.5", 0, 1), echo, "IP 203.0.113.9:0 > 10.0.0.5:0 203.0.113.9 | known attacker"),
        (
            flow("10.0.0.5", 7, "192.0.2.66", 7, 132),
            Fact::OtherProtocol,
            "IP 10.0.0.5:0 > 192.0.2.66:0 192.0.2.66 | rat (malware)",
        ),
    ];
    for (flow, fact, expected) in cases {
        assert_eq!(says(Table::new(&rows), flow, &[fact]).join("; "), expected);
    }
}

/// A DNS message with one question and records of its name: type and data.
fn message(flags: u16, name: &str, records: &[(u16, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = vec![0, 1];
    bytes.extend(flags.to_be_bytes());
    bytes.extend([0, 1, 0, records.len() as u8, 0, 0, 0, 0]);
    bytes.extend(labels(name));
    bytes.extend([0, 1, 0, 1]);
    for (kind, data) in records {
        bytes.extend([0xc0, 12]);
        bytes.extend(kind.to_be_bytes());
        bytes.extend([0, 1, 0, 0, 0, 9]);
        bytes.extend((data.len() as u16).to_be_bytes());
        bytes.extend(data);
    }
    bytes
}

fn labels(name: &str) -> Vec<u8> {
    let mut bytes: Vec<u8> =
        name.split('.').flat_map(|label| std::iter::once(label.len() as u8).chain(label.bytes())).collect();
    bytes.push(0);
    bytes
}

fn dns(bytes: &[u8]) -> DnsMessage<'_> {
    DnsMessage { bytes, id: 1, flags: u16::from_be_bytes([bytes[2], bytes[3]]) }
}

fn query(name: &str, table: Table) -> Vec<String> {
    let bytes = message(0x0100, name, &[]);
    let facts = [Fact::Datagram { payload: bytes.len() }, Fact::DnsQuery(dns(&bytes))];
    let found = says(table, flow("10.0.0.5", 4000, "8.8.8.8", 53, 17), &facts);
    found.iter().map(|line| line.replace("DNS 10.0.0.5:4000 > 8.8.8.8:53 ", "")).collect()
}

#[test]
fn names_asked_for() {
    let rows = [
        EVIL,
        ("c2.evil.com", "rat (malware)", Class::Malware),
        ("shady.com", "shady (suspicious)", Class::Suspicious),
        ("dyn.net", "dynamic domain (suspicious)", Class::DynamicDns),
        ("abc.onion", "ransom (malware)", Class::Malware),
        ("printer.lan", "fox (malware)", Class::Malware),
        ("*numbered.org", "pattern (malware)", Class::Malware),
        ("_x.net", "underscore (malware)", Class::Malware),
    ];
    let cases = [
        ("evil.com", "evil.com | fox (malware)"),
        ("WWW.eViL.com", "(www).evil.com | fox (malware)"),
        ("a.b.evil.com", "(a.b).evil.com | fox (malware)"),
        ("a.c2.evil.com", "(a).c2.evil.com | rat (malware)"),
        ("notevil.com", ""),
        ("evil.com.net", ""),
        ("ns1.shady.com", ""),
        ("ns1.evil.com", "(ns1).evil.com | fox (malware)"),
        ("www.shady.com", "(www).shady.com | shady (suspicious)"),
        ("dyn.net", ""),
        ("www.dyn.net", ""),
        ("home.dyn.net", "(home).dyn.net | dynamic domain (suspicious)"),
        ("abc.onion", "abc.onion | ransom (malware)"),
        ("abc.onion.ws", "abc.onion(.ws) | ransom (malware)"),
        ("www.abc.onion.ws", "(www).abc.onion(.ws) | ransom (malware)"),
        ("printer.lan", ""),
        ("a1.numbered.org", "a1.numbered.org | pattern (malware)"),
        ("q._x.net", "(q)._x.net | underscore (malware)"),
    ];
    for (name, expected) in cases {
        assert_eq!(query(name, Table::new(&rows)).join("; "), expected, "{name}");
    }
    let custom = [("printer.lan", "mine", Class::Malware), ("dyn.net", "mine", Class::DynamicDns)];
    assert_eq!(query("printer.lan", Table::custom(&custom)), ["printer.lan | mine"]);
    assert_eq!(query("dyn.net", Table::custom(&custom)), ["dyn.net | mine"]);
}

#[test]
fn a_suppressed_hit_does_not_hide_a_parent() {
    let rows = [("dyn.evil.com", "dynamic domain (suspicious)", Class::DynamicDns), EVIL];
    assert_eq!(query("dyn.evil.com", Table::new(&rows)), ["(dyn).evil.com | fox (malware)"]);
}

#[test]
fn a_listed_resolver_and_a_listed_name_are_two_findings() {
    let rows = [("8.8.8.8:53", "rogue (malware)", Class::Malware), EVIL];
    let found = query("evil.com", Table::new(&rows));
    assert_eq!(
        found,
        ["IPORT 10.0.0.5:4000 > 8.8.8.8:53 8.8.8.8:53 (evil.com) | rogue (malware)", "evil.com | fox (malware)"]
    );
}

#[test]
fn answers() {
    let rows = [EVIL, ("d.evil.com", "two (malware)", Class::Malware), RAT, ATTACKER, PARKING, SINKHOLE];
    let answer = |name: &str, records: &[(u16, Vec<u8>)]| {
        let bytes = message(0x8180, name, records);
        let facts = [Fact::Datagram { payload: bytes.len() }, Fact::DnsResponse(dns(&bytes))];
        let found = says(Table::new(&rows), flow("8.8.8.8", 53, "10.0.0.5", 4000, 17), &facts);
        found.join("; ").replace("10.0.0.5:4000 > 8.8.8.8:53 ", "")
    };
    let a = |last: u8| (1u16, vec![192, 0, 2, last]);
    let cname = |name: &str| (5u16, labels(name));
    assert_eq!(answer("ok.org", &[a(1)]), "");
    assert_eq!(answer("www.evil.com", &[]), "DNS (www).evil.com | fox (malware)");
    assert_eq!(answer("ok.org", &[a(1), a(66)]), "IP 192.0.2.66 (ok.org) | rat (malware)");
    assert_eq!(answer("ok.org", &[a(200)]), "DNS ok.org | sinkholed by agency (malware)");
    assert_eq!(answer("ok.org", &[a(201)]), "DNS ok.org | parked site (suspicious)");
    assert_eq!(answer("ok.org", &[(1, vec![203, 0, 113, 9])]), "");
    assert_eq!(answer("ok.org", &[a(66), a(66)]), "IP 192.0.2.66 (ok.org) | rat (malware)");
    assert_eq!(
        answer("evil.com", &[cname("x.org"), cname("a.d.evil.com"), a(66), a(200)]),
        "DNS evil.com | fox (malware); DNS (a).d.evil.com | two (malware); \
         IP 192.0.2.66 (evil.com) | rat (malware); DNS evil.com | sinkholed by agency (malware)"
    );
}

fn request<'a>(method: &'a str, target: &'a str, host: &'a str) -> HttpRequest<'a> {
    HttpRequest {
        method: method.as_bytes(),
        target: target.as_bytes(),
        host: host.as_bytes(),
        user_agent: b"",
        forwarded_for: [b"", b"", b""],
        referer: b"",
        content_type: b"",
        head: b"",
        body: b"",
    }
}

fn asks(rows: &[Row<'_>], request: HttpRequest<'_>) -> String {
    let flow = flow("10.0.0.5", 4000, "192.0.2.80", 80, 6);
    let found = says(Table::new(rows), flow, &[tcp(ACK, 99), Fact::HttpRequest(request)]);
    found.join("; ").replace("10.0.0.5:4000 > 192.0.2.80:80 ", "").replace(" | x", "")
}

#[test]
fn another_spelling_of_the_path_comes_before_what_it_lies_in() {
    let rows = [("drop.net/", "x", Class::Malware), ("drop.net/bin/load.exe", "x", Class::Malware)];
    assert_eq!(asks(&rows, request("GET", "/bin//load.exe", "drop.net")), "URL drop.net/bin/load.exe");
    assert_eq!(asks(&rows, request("GET", "/bin//other.exe", "drop.net")), "URL drop.net/(bin//other.exe)");
}

#[test]
fn requests() {
    let cases: [(&str, &str, &str, &str, &str); 34] = [
        ("evil.com", "GET", "/", "evil.com", "DNS evil.com"),
        ("evil.com", "GET", "/", "WWW.Evil.com.:8080", "DNS (www).evil.com"),
        ("evil.com", "GET", "http://a.evil.com/x", "proxy.org", "DNS (a).evil.com"),
        ("evil.com", "GET", "http://ok.org/x", "evil.com", "DNS evil.com"),
        ("evil.com", "CONNECT", "evil.com:443", "ok.org", "DNS evil.com"),
        ("evil.com", "CONNECT", "evil.com:443", "evil.com:443", "DNS evil.com"),
        ("drop.net/bin/load.exe", "GET", "/bin/load.exe", "drop.net", "URL drop.net/bin/load.exe"),
        ("drop.net/bin/load.exe", "GET", "/BIN/load.EXE", "DROP.net", "URL drop.net/bin/load.exe"),
        ("drop.net/bin/load.exe", "GET", "/bin/load.exes", "drop.net", ""),
        ("drop.net/bin/load.exe", "GET", "/", "drop.net", ""),
        ("drop.net/bin/load.exe", "GET", "http://drop.net/bin/load.exe", "drop.net", "URL drop.net/bin/load.exe"),
        ("drop.net/bin/load.exe", "GET", "/bin/load.exe?id=7", "drop.net", "URL drop.net/bin/load.exe(?id=7)"),
        ("drop.net/bin/load.exe", "GET", "/bin/load.exe", "www.drop.net", "URL (www).drop.net/bin/load.exe"),
        ("drop.net/bin/load.exe", "GET", "//bin///load.exe", "drop.net", "URL drop.net/bin/load.exe"),
        ("drop.net/bin/load.exe", "GET", "/bin/%6Coad.exe", "drop.net", "URL drop.net/bin/load.exe"),
        ("drop.net/bin/load.exe", "GET", "/bin/load.exe", "drop.net:8080", "URL drop.net(:8080)/bin/load.exe"),
        ("drop.net:8080/bin/load.exe", "GET", "/bin/load.exe", "drop.net:8080", "URL drop.net:8080/bin/load.exe"),
        ("drop.net:8080/bin/load.exe", "GET", "/bin/load.exe", "drop.net", ""),
        ("drop.net:8080", "GET", "/any", "drop.net:8080", "URL drop.net:8080(/any)"),
        ("drop.net/panel", "GET", "/panel/", "drop.net", "URL drop.net/panel(/)"),
        ("drop.net/panel", "GET", "/panel/x.php", "drop.net", "URL drop.net/panel(/x.php)"),
        ("drop.net/load.exe", "GET", "/x/load.exe", "drop.net", "URL drop.net(/x)/load.exe"),
        ("drop.net/gate.php?id=", "GET", "/gate.php?id=47", "drop.net", "URL drop.net/gate.php?id=(47)"),
        ("drop.net/g?id=&k=", "GET", "/g?id=4&k=7", "drop.net", "URL drop.net/g?id=(4)&k=(7)"),
        ("drop.net/", "GET", "/", "drop.net", "URL drop.net/"),
        ("drop.net/", "GET", "/any?x=1", "drop.net", "URL drop.net/(any?x=1)"),
        ("/gate.php?id=", "GET", "/gate.php?id=47", "any.org", "PATH (any.org)/gate.php?id=(47)"),
        ("/gate.php?id=", "GET", "/gate.php?id=1", "", "PATH (192.0.2.80)/gate.php?id=(1)"),
        ("/1/1407888/?var=", "GET", "/1/1407888/?var=9", "any.org", "PATH (any.org)/1/1407888/?var=(9)"),
        ("/wp-shell.php", "GET", "/a/b/wp-shell.php", "any.org", "PATH (any.org/a/b)/wp-shell.php"),
        ("192.0.2.80/load.exe", "GET", "/load.exe", "192.0.2.80", "URL 192.0.2.80/load.exe"),
        ("192.0.2.80/load.exe", "GET", "/load.exe", "", "URL 192.0.2.80/load.exe"),
        ("198.51.100.4", "GET", "http://198.51.100.4/x", "ok.org", "IP 198.51.100.4"),
        ("evil.com", "OPTIONS", "*", "evil.com", "DNS evil.com"),
    ];
    for (trail, method, target, host, expected) in cases {
        let rows = [(trail, "x", Class::Malware)];
        assert_eq!(asks(&rows, request(method, target, host)), expected, "{trail}: {method} {target} {host}");
    }
}

#[test]
fn a_url_comes_before_its_host_and_the_body_counts_as_a_query() {
    let rows = [("drop.net", "x", Class::Malware), ("drop.net/a", "x", Class::Malware)];
    assert_eq!(asks(&rows, request("GET", "/a", "drop.net")), "URL drop.net/a");
    assert_eq!(asks(&rows, request("GET", "/b", "drop.net")), "DNS drop.net");
    let post = HttpRequest { body: b"token=abc", ..request("POST", "/gate.php", "any.org") };
    let rows = [("/gate.php?token=", "x", Class::Malware)];
    assert_eq!(asks(&rows, post), "PATH (any.org)/gate.php?token=(abc)");
    let found = see(
        &mut Matcher::new(MatchSettings::default().into(), store("/?token=", "x").into()),
        flow("10.0.0.5", 4000, "192.0.2.80", 80, 6),
        &[Fact::HttpRequest(HttpRequest { target: b"/a/", ..post })],
    );
    assert_eq!(
        found.iter().map(said).collect::<Vec<_>>(),
        ["PATH 10.0.0.5:4000 > 192.0.2.80:80 (any.org/a)/?token=(abc) | x"],
        "of a directory"
    );
}

/// The text without what stands between `=` and `&`.
fn without_values(text: &str) -> String {
    let values = |part: &str| part.split_once('=').map(|(name, _)| format!("{name}="));
    text.split('&').map(|part| values(part).unwrap_or(part.to_owned())).collect::<Vec<_>>().join("&")
}

/// A store with one trail.
fn store(trail: &str, info: &str) -> Store<Vec<u8>> {
    let mut builder = Builder::new(Vetoes::default());
    let source = builder.source(info, "(static)", false);
    builder.add(trail, source, Place { file: &"test".into(), line: 1 });
    Store::from_bytes(builder.finish(Cursor::new(Vec::new()), Stamp::default()).unwrap().0.into_inner()).unwrap()
}

proptest! {
    /// Whatever form of a request's path is listed: the filters of a store hide nothing that a plain list finds.
    #[test]
    fn filters_hide_no_path(
        target in "/[ab%6/]{0,9}(/[abc]{0,9}){0,2}(\\?[ab=&/]{0,9})?",
        body in "([ab]=[ab]{0,2}&?){0,3}",
        part in any::<(prop::sample::Index, prop::sample::Index)>(),
        named in any::<bool>(),
    ) {
        let sent = if body.is_empty() { target.clone() } else { format!("{target}?{body}") };
        let sent = if named { without_values(&sent) } else { sent };
        let slashes: Vec<usize> = sent.match_indices('/').map(|(at, _)| at).collect();
        let rest = &sent[*part.0.get(&slashes)..];
        let trail = rest[..=part.1.index(rest.len())].trim_end_matches('/');
        if trail.is_empty() {
            return Ok(());
        }
        let fact = Fact::HttpRequest(HttpRequest { body: body.as_bytes(), ..request("POST", &target, "any.org") });
        let flow = flow("10.0.0.5", 4000, "192.0.2.80", 80, 6);
        let listed = says(Table::new(&[(trail, "x", Class::Malware)]), flow, &[fact]);
        let mut stored = Matcher::new(MatchSettings::default().into(), store(trail, "x").into());
        let stored: Vec<String> = see(&mut stored, flow, &[fact]).iter().map(said).collect();
        prop_assert_eq!(stored, listed, "{} of {}", trail, target);
    }
}

#[test]
fn what_headers_say_of_the_client_is_context() {
    let forwarded_for = [&b"203.0.113.7, unknown, 198.51.100.1:5000"[..], b"203.0.113.7", b"[2001:db8::1]"];
    let request = HttpRequest { forwarded_for, user_agent: b"agent", ..request("GET", "/", "a.evil.com") };
    let found = see(
        &mut matcher(Table::new(&[EVIL])),
        flow("10.0.0.5", 4000, "192.0.2.80", 80, 6),
        &[Fact::HttpRequest(request)],
    );
    assert_eq!(found[0].context.forwarded_for, ["203.0.113.7", "198.51.100.1", "2001:db8::1"]);
    assert_eq!((found[0].context.host.as_str(), found[0].context.user_agent.as_str()), ("a.evil.com", "agent"));
}

#[test]
fn host_names_of_requests_can_be_left_out() {
    let settings = MatchSettings { host_domains: false, ..MatchSettings::default() };
    let table = Table::new(&[EVIL, ("evil.com/a", "url (malware)", Class::Malware)]);
    let mut matcher = Matcher::new(settings.into(), table.into());
    let flow = flow("10.0.0.5", 4000, "192.0.2.80", 80, 6);
    assert!(see(&mut matcher, flow, &[Fact::HttpRequest(request("GET", "/", "evil.com"))]).is_empty());
    assert_eq!(see(&mut matcher, flow, &[Fact::HttpRequest(request("GET", "/a", "evil.com"))]).len(), 1);
}

/// legacy_version, random, no session, one cipher, no compression, no extensions.
fn hello_body() -> Vec<u8> {
    let mut body = vec![3, 3];
    body.extend([7; 32]);
    body.extend([0, 0, 2, 0x13, 0x01, 1, 0, 0, 0]);
    body
}

#[test]
fn client_hellos_by_name_and_fingerprint() {
    let body = hello_body();
    let hello = ClientHello { carrier: Carrier::Tcp, body: &body, sni: Some(b"WWW.Evil.com") };
    let ja3: String = hello.ja3().unwrap().iter().map(|b| format!("{b:02x}")).collect();
    let ja4 = String::from_utf8(hello.ja4().unwrap().to_vec()).unwrap();
    let (three, four) = (format!("ja3:{ja3}"), format!("ja4:{ja4}"));
    let rows = [EVIL, (three.as_str(), "kit", Class::Malware), (four.as_str(), "kit 4", Class::Malware)];
    let found = see(
        &mut matcher(Table::new(&rows)),
        flow("10.0.0.5", 4000, "192.0.2.80", 443, 6),
        &[tcp(ACK, 99), Fact::ClientHello(hello)],
    );
    let lines: Vec<_> = found.iter().map(|f| said(f).replace("10.0.0.5:4000 > 192.0.2.80:443 ", "")).collect();
    assert_eq!(
        lines,
        ["DNS (www).evil.com | fox (malware)".to_owned(), format!("JA3 {ja3} | kit"), format!("JA4 {ja4} | kit 4")]
    );
    assert!(found.iter().all(|f| f.context.sni == "WWW.Evil.com" && f.context.ja4 == ja4));
}

fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![tag];
    if content.len() < 128 {
        bytes.push(content.len() as u8);
    } else {
        bytes.extend([0x82, (content.len() >> 8) as u8, content.len() as u8]);
    }
    bytes.extend(content);
    bytes
}

/// A certificate with a common name and nothing else of interest.
fn certificate(name: &str) -> Vec<u8> {
    let attribute = der(0x30, &[der(6, &[0x55, 4, 3]), der(0x0c, name.as_bytes())].concat());
    let subject = der(0x30, &der(0x31, &attribute));
    let empty = der(0x30, &[]);
    let tbs = [der(2, &[1]), empty.clone(), empty.clone(), empty.clone(), subject, empty.clone()].concat();
    der(0x30, &[der(0x30, &tbs), empty, der(3, &[0])].concat())
}

#[test]
fn certificates_by_hash_and_by_name() {
    let bytes = certificate("mail.evil.com");
    let shown = Certificate { der: &bytes, index: 0 };
    let sha1: String = shown.sha1().iter().map(|b| format!("{b:02x}")).collect();
    let listed = format!("sha1:{sha1}");
    let rows = [EVIL, (listed.as_str(), "c2 (malware)", Class::Malware)];
    let server = flow("192.0.2.80", 443, "10.0.0.5", 4000, 6);
    let found = see(&mut matcher(Table::new(&rows)), server, &[tcp(ACK, 99), Fact::Certificate(shown)]);
    let lines: Vec<_> = found.iter().map(|f| said(f).replace("10.0.0.5:4000 > 192.0.2.80:443 ", "")).collect();
    assert_eq!(lines, [format!("CERT {sha1} | c2 (malware)"), "DNS (mail).evil.com | fox (malware)".to_owned()]);
    assert_eq!((found[0].severity, found[1].severity), (Severity::High, Severity::Medium));
    let settings = MatchSettings { certificates: false, ..MatchSettings::default() };
    let mut off = Matcher::new(settings.into(), Table::new(&rows).into());
    assert!(see(&mut off, server, &[Fact::Certificate(shown)]).is_empty());
}

#[test]
fn names_of_other_protocols() {
    let name = Name::from_text(b"a.evil.com").unwrap();
    for source in [NameSource::Socks, NameSource::SmtpHelo, NameSource::Http2, NameSource::Gquic] {
        let fact = Fact::Named { source, name: &name };
        let found = says(Table::new(&[EVIL]), flow("10.0.0.5", 4000, "192.0.2.25", 25, 6), &[tcp(ACK, 9), fact]);
        assert_eq!(found, ["DNS 10.0.0.5:4000 > 192.0.2.25:25 (a).evil.com | fox (malware)"]);
    }
}

#[test]
fn agents_are_told_beside_the_host() {
    let find = |agent: &[u8]| {
        let start = agent.windows(6).position(|window| window.eq_ignore_ascii_case(b"sqlmap"))?;
        Some(start..start + 6)
    };
    let settings = MatchSettings { agents: Some(Agents(Arc::new(find))), ..MatchSettings::default() };
    let mut matcher = Matcher::new(settings.into(), Table::new(&[EVIL]).into());
    let flow = flow("10.0.0.5", 4000, "192.0.2.80", 80, 6);
    let mut says = |user_agent: &[u8], host| {
        let request = HttpRequest { user_agent, ..request("GET", "/", host) };
        let found = see(&mut matcher, flow, &[Fact::HttpRequest(request)]);
        assert!(found.iter().all(|finding| finding.context.host == host));
        found.iter().map(|f| said(f).replace("10.0.0.5:4000 > 192.0.2.80:80 ", "")).collect::<Vec<_>>().join("; ")
    };
    assert_eq!(says(b"sqlmap/1.8 (x)", "ok.org"), "UA sqlmap(/1.8 \\(x\\)) | user agent (suspicious)");
    assert_eq!(says(b" a%20SQLm%61p ", "ok.org"), "UA (a) SQLmap | user agent (suspicious)");
    assert_eq!(says(b"sqlmap", "evil.com"), "DNS evil.com | fox (malware); UA sqlmap | user agent (suspicious)");
    assert_eq!(says(b"Mozilla/5.0", "ok.org"), "");
    assert_eq!(says(b"", "ok.org"), "");
}
