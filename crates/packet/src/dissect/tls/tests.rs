//! TLS handshakes out of record bytes: whole, split in every way, cut and mutated.

use proptest::prelude::*;
use testkit::tls as build;

use super::super::context::{Context, Progress};
use super::{Carrier, Certificate, ClientHello, FINGERPRINT_VALUES, may_begin};
use crate::{Anomalies, Anomaly, Fact, Flow, Sink};

/// What a stream shows, owned.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Seen {
    Hello(Option<Vec<u8>>, bool),
    Leaf(usize, Vec<u8>),
}

#[derive(Default)]
struct Collect(Vec<Seen>);

impl Sink for Collect {
    fn fact(&mut self, _flow: &Flow, fact: Fact<'_>) {
        self.0.push(match fact {
            Fact::ClientHello(hello) => Seen::Hello(hello.sni.map(<[u8]>::to_vec), hello.fields().is_some()),
            Fact::Certificate(certificate) => {
                certificate.names(&mut |_| {});
                Seen::Leaf(certificate.index, certificate.der.to_vec())
            }
            other => panic!("{other:?}"),
        });
    }
}

fn flow() -> Flow {
    let ip = std::net::IpAddr::from([192, 0, 2, 1]);
    Flow { src: ip, dst: ip, src_port: 1, dst_port: 443, protocol: 6 }
}

fn stream(bytes: &[u8], seen: usize, last: bool, anomalies: &mut Anomalies, sink: &mut Collect) -> Progress {
    super::stream(bytes, &mut Context { flow: &flow(), last, seen, anomalies, sink })
}

/// Feeds `bytes` the way a growing head does, ends of its parts at `cuts`; then the last word of the stream.
fn feed(bytes: &[u8], cuts: &[usize]) -> (Vec<Seen>, Progress, Anomalies) {
    let (mut sink, mut anomalies) = (Collect::default(), Anomalies::default());
    let mut seen = 0;
    for end in cuts.iter().copied().chain([bytes.len()]) {
        let progress = stream(&bytes[..end], seen, false, &mut anomalies, &mut sink);
        seen = end;
        if progress != Progress::More {
            return (sink.0, progress, anomalies);
        }
    }
    (sink.0, Progress::More, anomalies)
}

fn hello(name: &str) -> Seen {
    Seen::Hello(Some(name.as_bytes().to_vec()), true)
}

fn flight() -> (Vec<u8>, Vec<Seen>) {
    let leaf = build::certificate("shop.example", &["shop.example", "*.shop.example"], 256);
    let issuer = build::certificate("Some Authority", &[], 300);
    let mut data = build::server_hello();
    data.extend(build::certificate_message(&[leaf.clone(), issuer.clone()]));
    data.extend(build::message(14, &[]));
    (data, vec![Seen::Leaf(0, leaf), Seen::Leaf(1, issuer)])
}

#[test]
fn client_hello_in_one_record() {
    let message = build::ClientHello::new("Evil.Example").message();
    let bytes = build::records(22, &message, 16384);
    assert!(may_begin(&bytes));
    let (seen, progress, _) = feed(&bytes, &[]);
    assert_eq!((seen, progress), (vec![hello("Evil.Example")], Progress::Done));
}

#[test]
fn client_hello_without_server_name() {
    let mut words = build::ClientHello::new("");
    words.sni = None;
    let (seen, ..) = feed(&build::records(22, &words.message(), 16384), &[]);
    assert_eq!(seen, [Seen::Hello(None, true)]);
}

#[test]
fn first_host_name_of_several_is_taken() {
    let mut words = build::ClientHello::new("");
    words.sni = None;
    let list = b"\x07\x00\x01x\x00\x00\x05a.exa\x00\x00\x05b.exa";
    words.extra = vec![(0, [&(list.len() as u16).to_be_bytes()[..], list].concat())];
    let (seen, ..) = feed(&build::records(22, &words.message(), 16384), &[]);
    assert_eq!(seen, [hello("a.exa")]);
}

#[test]
fn hello_of_a_post_quantum_client_split_at_every_byte() {
    let mut words = build::ClientHello::new("pq.example");
    words.extra = vec![(51, vec![7; 1300])];
    for size in [16384, 900, 97] {
        let bytes = build::records(22, &words.message(), size);
        for cut in 1..bytes.len() {
            let (seen, progress, anomalies) = feed(&bytes, &[cut]);
            assert_eq!((seen, progress), (vec![hello("pq.example")], Progress::Done), "cut at {cut}");
            assert_eq!(anomalies.seen().count(), 0);
        }
    }
}

#[test]
fn prefixes_of_a_hello_may_begin_one() {
    let bytes = build::records(22, &build::ClientHello::new("a.example").message(), 16384);
    assert!((1..bytes.len()).all(|end| may_begin(&bytes[..end])));
    for other in
        [&b""[..], b"GET / HTTP/1.1", b"\x16\x03\x09", b"\x17\x03\x03\x00\x20\x01", b"\x16\x03\x01\xff\xff\x01"]
    {
        assert!(!may_begin(other), "{other:?}");
    }
}

#[test]
fn leaf_is_seen_before_its_flight_is_whole() {
    let (data, expected) = flight();
    let bytes = build::records(22, &data, 16384);
    let end_of_leaf = 5 + build::server_hello().len() + 4 + 3 + 3 + 256;
    let cut = bytes.len() - 290;
    assert!(cut > end_of_leaf);
    let (seen, progress, _) = feed(&bytes[..cut], &[]);
    assert_eq!((seen, progress), (expected[..1].to_vec(), Progress::More));
}

#[test]
fn server_of_tls13_is_done_with_at_once() {
    let mut body = vec![3, 3];
    body.extend_from_slice(&[0; 32]);
    body.extend_from_slice(&[0, 0x13, 1, 0, 0, 6, 0, 43, 0, 2, 3, 4]);
    let bytes = build::records(22, &build::message(2, &body), 16384);
    assert_eq!(feed(&bytes, &[]).1, Progress::Done);
}

#[test]
fn cut_hello_gives_its_name_and_no_fingerprint() {
    let mut words = build::ClientHello::new("cut.example");
    words.pad_to = 900;
    let bytes = build::records(22, &words.message(), 16384);
    let cut = &bytes[..400];
    let (seen, progress, _) = feed(cut, &[]);
    assert_eq!((seen, progress), (vec![], Progress::More));
    let mut sink = Collect::default();
    stream(cut, cut.len(), true, &mut Anomalies::default(), &mut sink);
    assert_eq!(sink.0, [Seen::Hello(Some(b"cut.example".to_vec()), false)]);
}

#[test]
fn cut_flight_hands_nothing_over_twice() {
    let (data, _) = flight();
    let bytes = build::records(22, &data, 16384);
    let cut = &bytes[..bytes.len() - 290];
    let mut sink = Collect::default();
    stream(cut, cut.len(), true, &mut Anomalies::default(), &mut sink);
    assert_eq!(sink.0, []);
}

#[test]
fn contradicting_lengths_are_counted() {
    let mut message = build::ClientHello::new("a.example").message();
    let at = message.len() - 1;
    message[at - 6] = 0xff; // the length of supported_versions
    let (seen, progress, anomalies) = feed(&build::records(22, &message, 16384), &[]);
    assert_eq!((seen, progress), (vec![], Progress::Done));
    assert_eq!(anomalies.get(Anomaly::TlsMalformed), 1);
    assert_eq!(feed(b"\x16\x03\x01\x00\x10", &[]).1, Progress::More);
    assert_eq!(feed(b"POST / HTTP/1.1\r\n", &[]).1, Progress::No);
}

#[test]
fn certificate_names_and_digest() {
    let der = build::certificate("www.shop.example", &["Shop.Example", "*.cdn.example", "10.0.0.1"], 200);
    let certificate = Certificate { der: &der, index: 0 };
    let mut names = Vec::new();
    assert!(certificate.names(&mut |name| names.push(format!("{name:?}"))));
    assert_eq!(names, ["www.shop.example", "shop.example", "cdn.example", "10.0.0.1"]);
    // SHA-1 of "abc", FIPS 180-4.
    let abc = Certificate { der: b"abc", index: 0 };
    assert_eq!(abc.sha1()[..4], [0xa9, 0x99, 0x3e, 0x36]);
    let authority = build::certificate("Some Authority", &[], 10);
    let mut count = 0;
    assert!(Certificate { der: &authority, index: 1 }.names(&mut |_| count += 1));
    assert_eq!(count, 0);
    assert!(!Certificate { der: &der[..der.len() / 2], index: 0 }.names(&mut |_| {}));
}

#[test]
fn certificate_that_is_no_der_is_counted_and_handed_over() {
    let data = build::certificate_message(&[b"no DER".to_vec()]);
    let (seen, _, anomalies) = feed(&build::records(22, &data, 16384), &[]);
    assert_eq!(seen, [Seen::Leaf(0, b"no DER".to_vec())]);
    assert_eq!(anomalies.get(Anomaly::CertificateMalformed), 1);
}

fn fingerprints(words: &build::ClientHello) -> (String, String) {
    let body = words.body();
    let hello = ClientHello::read(Carrier::Tcp, &body).unwrap();
    let md5 = hello.ja3().unwrap().iter().map(|byte| format!("{byte:02x}")).collect();
    (md5, String::from_utf8(hello.ja4().unwrap().to_vec()).unwrap())
}

/// The two examples of JA3's description, `769,47-53-...` and `769,4-5-10-9-100-98-3-6-19-18-99,,,`.
#[test]
fn ja3_as_published() {
    let mut words = build::ClientHello::new("a.example");
    words.version = 0x0301;
    words.ciphers = vec![47, 53, 5, 10, 49161, 49162, 49171, 49172, 50, 56, 19, 4];
    words.groups = vec![23, 24, 25];
    (words.alpn, words.signatures, words.versions) = (vec![], vec![], vec![]);
    assert_eq!(fingerprints(&words).0, "ada70206e40642a3e4461f35503241d5");
    words.grease = true;
    assert_eq!(fingerprints(&words).0, "ada70206e40642a3e4461f35503241d5");
    words.grease = false;
    words.ciphers = vec![4, 5, 10, 9, 100, 98, 3, 6, 19, 18, 99];
    (words.sni, words.groups, words.point_formats) = (None, vec![], vec![]);
    assert_eq!(fingerprints(&words).0, "de350869b8c85de67a350c8d186f11e6");
}

/// The example of JA4's technical details, its extensions in another order.
#[test]
fn ja4_as_published() {
    let mut words = build::ClientHello::new("a.example");
    words.grease = true;
    words.ciphers = vec![
        0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013, 0xc014, 0x009c, 0x009d, 0x002f,
        0x0035,
    ];
    words.signatures = vec![0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601];
    let others = [0x001b, 0x0033, 0x4469, 0x0017, 0x002d, 0x0005, 0x0023, 0x0012, 0xff01, 0x0015];
    words.extra = others.map(|kind| (kind, vec![])).to_vec();
    assert_eq!(fingerprints(&words).1, "t13d1516h2_8daaf6152771_e5627efa2ab1");
}

#[test]
fn ja4_of_odd_clients() {
    let mut words = build::ClientHello::new("a.example");
    let head = |words: &build::ClientHello| fingerprints(words).1[..10].to_owned();
    words.alpn = vec![b"\xab0".to_vec()];
    assert_eq!(head(&words), "t13d0506a0");
    words.alpn = vec![b"x".to_vec()];
    assert_eq!(head(&words), "t13d0506xx");
    (words.alpn, words.sni, words.versions) = (vec![], None, vec![]);
    assert_eq!(head(&words), "t12i050300");
    words.ciphers = (1..=100).collect();
    assert_eq!(head(&words), "t12i990300");
    words.ciphers = vec![];
    assert_eq!(fingerprints(&words).1[11..23], *"000000000000");
}

#[test]
fn fingerprint_has_a_limit_of_values() {
    for (count, has) in [(FINGERPRINT_VALUES - 1, true), (FINGERPRINT_VALUES, true), (FINGERPRINT_VALUES + 1, false)] {
        let mut words = build::ClientHello::new("a.example");
        words.ciphers = (0..count as u16).collect();
        let body = words.body();
        let hello = ClientHello::read(Carrier::Tcp, &body).unwrap();
        assert_eq!(hello.ja4().is_some(), has);
        assert!(hello.ja3().is_some());
    }
}

proptest! {
    #[test]
    fn split_of_a_flight_changes_nothing(size in 1usize..700, mut cuts in prop::collection::vec(1usize..1200, 0..6)) {
        let (data, expected) = flight();
        let bytes = build::records(22, &data, size);
        cuts.retain(|cut| *cut < bytes.len());
        cuts.sort_unstable();
        let (seen, progress, anomalies) = feed(&bytes, &cuts);
        prop_assert!(seen == expected, "{} facts", seen.len());
        prop_assert_eq!(progress, Progress::Done);
        prop_assert_eq!(anomalies.seen().count(), 0);
    }

    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..400), start in any::<bool>()) {
        let mut bytes = bytes;
        if start {
            bytes.splice(..0, *b"\x16\x03\x01\x01\x00\x01\x00\x00\xfc");
        }
        let (mut sink, mut anomalies) = (Collect::default(), Anomalies::default());
        stream(&bytes, 0, false, &mut anomalies, &mut sink);
        stream(&bytes, bytes.len() / 2, true, &mut anomalies, &mut sink);
        let _ = may_begin(&bytes);
        Certificate { der: &bytes, index: 0 }.names(&mut |_| {});
    }

    #[test]
    fn mutations_are_survived(at in 0usize..900, value in any::<u8>(), end in 0usize..900, client in any::<bool>()) {
        let mut words = build::ClientHello::new("victim.example");
        words.grease = true;
        let data = if client { words.message() } else { flight().0 };
        let mut bytes = build::records(22, &data, 300);
        let length = bytes.len();
        bytes[at % length] = value;
        bytes.truncate(end.max(1));
        let (mut sink, mut anomalies) = (Collect::default(), Anomalies::default());
        stream(&bytes, 0, false, &mut anomalies, &mut sink);
        stream(&bytes, 0, true, &mut anomalies, &mut sink);
        if let Some(hello) = ClientHello::read(Carrier::Tcp, bytes.get(9..).unwrap_or_default()) {
            let _ = hello.ja3();
            let _ = hello.ja4();
        }
    }
}
