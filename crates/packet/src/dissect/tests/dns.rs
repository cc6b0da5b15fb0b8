//! DNS messages: by hand, and against simple-dns in both directions.

use proptest::prelude::*;
use simple_dns::rdata::{A, AAAA, CNAME, RData};
use simple_dns::{CLASS, Packet, QCLASS, QTYPE, Question, ResourceRecord, TYPE};

use super::{Bench, datagram, flow, pieces, whole};
use crate::flow::protocol;
use crate::{Anomaly, Transport};

const HEADER: [u8; 12] = [0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];

fn labels(name: &str) -> Vec<u8> {
    let mut wire = Vec::new();
    for label in name.split('.').filter(|label| !label.is_empty()) {
        wire.push(label.len() as u8);
        wire.extend_from_slice(label.as_bytes());
    }
    wire.push(0);
    wire
}

/// A query for `name`, type A.
pub(super) fn query(name: &str) -> Vec<u8> {
    [&HEADER[..], &labels(name), &[0, 1, 0, 1]].concat()
}

pub(super) fn over_tcp(message: &[u8]) -> Vec<u8> {
    let mut stream = (message.len() as u16).to_be_bytes().to_vec();
    stream.extend_from_slice(message);
    stream
}

/// A response to `query` with so many answers, made of `records`.
fn response(query: &[u8], answers: u8, records: &[u8]) -> Vec<u8> {
    let mut message = [query, records].concat();
    message[2] = 0x81;
    message[7] = answers;
    message
}

/// Facts and anomalies of a datagram.
fn judged(port: u16, payload: &[u8]) -> (Vec<String>, u64, u64) {
    let mut bench = Bench::new();
    bench.packet(flow(protocol::UDP, port), Transport::Udp { payload }, 0);
    (bench.take(), bench.anomalies.get(Anomaly::DnsMalformed), bench.anomalies.get(Anomaly::DnsName))
}

#[test]
fn a_query_on_any_port() {
    for port in [53, 5353, 5355, 9953, 40_001] {
        assert_eq!(datagram(port, &query("Www.Evil_1.example")), ["dns query www.evil_1.example/1"]);
        assert_eq!(whole(port, &over_tcp(&query("www.evil.example"))), ["dns query www.evil.example/1"]);
    }
    assert_eq!(datagram(137, &query("FHFAEBEECACACACACACACACACACACAAA")), [""; 0]);
}

#[test]
fn answers_of_every_kind() {
    let records = [
        &b"\xc0\x0c\0\x05\0\x01\0\0\0\x3c\0\x09\x06target\xc0\x10"[..],
        b"\xc0\x2e\0\x01\0\x01\0\0\0\x3c\0\x04\xc0\x00\x02\x07",
        b"\0\0\x1c\0\x01\0\0\0\x3c\0\x10\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x09",
        b"\xc0\x10\0\x27\0\x01\0\0\0\x3c\0\x03\x01x\0",
        b"\xc0\x0c\0\x10\0\x01\0\0\0\x3c\0\x03\x02hi",
    ]
    .concat();
    let message = response(&query("www.evil.example"), 5, &records);
    let expected = "dns response www.evil.example/1 www.evil.example=Alias(target.evil.example) \
                    target.evil.example=Address(192.0.2.7) =Address(2001:db8::9) evil.example=Alias(x) \
                    www.evil.example=Other([2, 104, 105])";
    for port in [53, 9953] {
        assert_eq!(datagram(port, &message), [expected]);
        assert_eq!(whole(port, &over_tcp(&message)), [expected]);
    }
}

#[test]
fn updates_notifies_transfers_and_odd_classes() {
    for opcode in [4_u8, 5] {
        let mut message = query("evil.example");
        message[2] = opcode << 3;
        assert_eq!(datagram(9953, &message), ["dns query evil.example/1"]);
    }
    // IXFR carries the zone's SOA in its authority section (RFC 1995 section 3).
    let mut transfer = [&query("evil.example")[..], b"\xc0\x0c\0\x06\0\x01\0\0\0\0\0\x02\0\0"].concat();
    transfer[9] = 1;
    let at = transfer.len() - 14 - 3;
    transfer[at] = 251;
    assert_eq!(datagram(9953, &transfer), ["dns query evil.example/251 evil.example=Other([0, 0])"]);
    let mut odd = query("evil.example");
    let end = odd.len();
    odd[end - 2..].copy_from_slice(&[0x12, 0x34]);
    assert_eq!(datagram(53, &odd), ["dns query evil.example/1"]);
    assert_eq!(datagram(9953, &odd), [""; 0]);
}

#[test]
fn several_questions_and_several_messages() {
    let mut two = [&query("one.example")[..], &labels("two.example"), &[0, 28, 0, 1]].concat();
    two[5] = 2;
    assert_eq!(datagram(9953, &two), ["dns query one.example/1 two.example/28"]);
    let stream = [over_tcp(&query("one.example")), over_tcp(&query("two.example"))].concat();
    assert_eq!(whole(9953, &stream), ["dns query one.example/1", "dns query two.example/1"]);
    let (length, rest) = stream.split_at(2);
    assert_eq!(pieces(9953, &[length, rest]), ["dns query one.example/1", "dns query two.example/1"]);
}

#[test]
fn number_of_questions_on_a_foreign_port() {
    for (count, seen) in [(7, 1), (8, 1), (9, 0)] {
        let mut message = HEADER.to_vec();
        message[5] = count;
        for _ in 0..count {
            message.extend_from_slice(&[1, b'a', 0, 0, 1, 0, 1]);
        }
        assert_eq!(datagram(9953, &message).len(), seen, "{count}");
        assert_eq!(datagram(53, &message).len(), 1);
    }
}

#[test]
fn a_message_captured_short_shows_what_is_whole() {
    let message = response(&query("www.evil.example"), 1, b"\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04\xc0\0");
    assert_eq!(judged(53, &message), (vec!["dns response www.evil.example/1".to_owned()], 1, 0));
    assert_eq!(judged(9953, &message), (vec![], 0, 0));
    assert_eq!(judged(53, &query("www.evil.example")[..20]), (vec![], 1, 0));
    assert_eq!(judged(53, &HEADER[..11]), (vec![], 1, 0));
}

#[test]
fn lengths_that_begin_like_other_protocols() {
    for length in [0x0401_usize, 0x0402, 0x0501, 0x0502, 0x0a00, 0x0d0a, 0x1201, 0x1503, 0x1603, 0x4745] {
        let room = length - query("evil.example").len() - 11;
        let padding = [&b"\0\0\x10\0\x01\0\0\0\0"[..], &(room as u16).to_be_bytes(), &vec![b'x'; room]].concat();
        let message = response(&query("evil.example"), 1, &padding);
        assert_eq!(message.len(), length);
        let stream = over_tcp(&message);
        for cut in [1, 2, 7, 30, 1000, stream.len()] {
            let (first, second) = stream.split_at(cut);
            let facts = pieces(53, &[first, second]);
            assert!(facts.len() == 1 && facts[0].starts_with("dns response evil.example/1"), "{length:x} {cut}");
        }
    }
}

#[test]
fn a_long_transfer_shows_its_question() {
    let query = [&query("evil.example")[..], &vec![0; 20_000]].concat();
    let mut message = response(&query, 9, &[]);
    message.truncate(30_000);
    let mut stream = 40_000_u16.to_be_bytes().to_vec();
    stream.extend_from_slice(&message);
    let parts: Vec<&[u8]> = stream.chunks(1460).collect();
    assert_eq!(pieces(53, &parts)[0].split(' ').nth(2), Some("evil.example/1"));
}

#[test]
fn a_dot_in_a_label_separates_nothing() {
    let message = [&HEADER[..], b"\x09evil.site\x07example\0\0\x01\0\x01"].concat();
    assert_eq!(judged(53, &message), (vec!["dns query evil?site.example/1".to_owned()], 0, 1));
}

#[test]
fn pointers_in_circles() {
    for name in [&b"\xc0\x0c"[..], b"\x01a\xc0\x0c", b"\xc0\x0e\xc0\x0c", b"\x01a\xc0\xff", b"\x01a\x40"] {
        let message = [&HEADER[..], name, &[0, 1, 0, 1, 0, 0]].concat();
        let (facts, malformed, names) = judged(53, &message);
        assert_eq!((facts.len(), malformed + names), (0, 1), "{name:?}");
    }
}

#[test]
fn a_pointer_forward_is_read_and_counted() {
    let message = [&HEADER[..], b"\x03www\xc0\x16\0\x01\0\x01", b"\x04evil\x07example\0"].concat();
    assert_eq!(judged(53, &message), (vec!["dns query www.evil.example/1".to_owned()], 0, 1));
}

#[test]
fn number_of_pointers() {
    // The pointer of the owner that leads into the chain counts as well.
    for (pointers, seen) in [(30, true), (31, true), (32, false)] {
        // An answer whose data is a chain of pointers, each to the one before, down to the question's name.
        let mut chain = Vec::new();
        let start = query("a.example").len() + 12;
        let mut target = 12;
        for place in 0..pointers {
            chain.extend_from_slice(&(0xc000_u16 | target).to_be_bytes());
            target = (start + 2 * place) as u16;
        }
        let fixed = [&[0xc0, 12, 0, 16, 0, 1, 0, 0, 0, 0][..], &(chain.len() as u16).to_be_bytes()].concat();
        let last = (start + chain.len() - 2) as u16;
        let owner = [&(0xc000_u16 | last).to_be_bytes()[..], &[0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 192, 0, 2, 1]].concat();
        let message = response(&query("a.example"), 2, &[fixed, chain, owner].concat());
        assert_eq!(datagram(9953, &message).len() == 1, seen, "{pointers}");
    }
}

#[test]
fn length_of_a_name() {
    // 4 x 62 octets and a last label: 254, 255 and 256 on the wire.
    for (last, seen) in [(5, 1), (6, 1), (7, 0)] {
        let name = [vec!["x".repeat(61); 4], vec!["y".repeat(last - 1)]].concat().join(".");
        assert_eq!(labels(&name).len(), 249 + last);
        assert_eq!(datagram(9953, &query(&name)).len(), seen);
        assert_eq!(judged(53, &query(&name)).2, 1 - seen as u64);
    }
}

fn name() -> impl Strategy<Value = String> {
    prop::collection::vec("[a-zA-Z0-9_-]{1,12}", 1..6).prop_map(|labels| labels.join("."))
}

proptest! {
    /// What simple-dns writes, compressed or not, reads as it was meant.
    #[test]
    fn as_written_by_another(asked in name(), targets in prop::collection::vec((name(), any::<u32>()), 0..5), compressed: bool) {
        let mut packet = Packet::new_reply(7);
        let class = QCLASS::CLASS(CLASS::IN);
        let owner = simple_dns::Name::new_unchecked(&asked);
        packet.questions.push(Question::new(owner.clone(), QTYPE::TYPE(TYPE::A), class, false));
        let mut expected = format!("dns response {0}/1", asked.to_lowercase());
        for (target, address) in &targets {
            let alias = RData::CNAME(CNAME(simple_dns::Name::new_unchecked(target)));
            packet.answers.push(ResourceRecord::new(owner.clone(), CLASS::IN, 60, alias));
            packet.additional_records.push(ResourceRecord::new(owner.clone(), CLASS::IN, 60, RData::A(A { address: *address })));
            let address = u128::from(*address);
            packet.name_servers.push(ResourceRecord::new(owner.clone(), CLASS::IN, 60, RData::AAAA(AAAA { address })));
            expected += &format!(" {}=Alias({})", asked.to_lowercase(), target.to_lowercase());
        }
        for (_, address) in &targets {
            expected += &format!(" {}=Address({})", asked.to_lowercase(), std::net::Ipv6Addr::from(u128::from(*address)));
        }
        for (_, address) in &targets {
            expected += &format!(" {}=Address({})", asked.to_lowercase(), std::net::Ipv4Addr::from(*address));
        }
        let message = if compressed { packet.build_bytes_vec_compressed() } else { packet.build_bytes_vec() };
        let message = message.expect("a message that simple-dns can write");
        prop_assert_eq!(datagram(9953, &message), [expected.as_str()]);
        prop_assert_eq!(whole(53, &over_tcp(&message)), [expected.as_str()]);
    }

    /// What reads here reads there, with the same names.
    #[test]
    fn as_read_by_another(asked in name(), damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3)) {
        let mut message = query(&asked);
        for (place, byte) in damage {
            let place = place.index(message.len());
            message[place] = byte;
        }
        let facts = datagram(9953, &message);
        if let (Some(fact), Ok(theirs)) = (facts.first(), Packet::parse(&message)) {
            for question in &theirs.questions {
                let name = question.qname.get_labels().iter().map(|label| {
                    label.as_ref().iter().map(|byte| if *byte == b'.' { b'?' } else { byte.to_ascii_lowercase() }).collect::<Vec<u8>>()
                }).collect::<Vec<_>>().join(&b'.');
                prop_assert!(fact.contains(&format!("{}/", name.escape_ascii())), "{} in {}", name.escape_ascii(), fact);
            }
        }
    }
}
