//! DNS messages.

use super::{datagram, whole};

/// A query for `name`, type A.
pub(super) fn query(name: &str) -> Vec<u8> {
    let mut message = vec![0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in name.split('.') {
        message.push(label.len() as u8);
        message.extend_from_slice(label.as_bytes());
    }
    message.extend_from_slice(&[0, 0, 1, 0, 1]);
    message
}

pub(super) fn over_tcp(message: &[u8]) -> Vec<u8> {
    let mut stream = (message.len() as u16).to_be_bytes().to_vec();
    stream.extend_from_slice(message);
    stream
}

#[test]
fn a_query_on_any_port() {
    for port in [53, 5353, 5355, 9953, 40_001] {
        assert_eq!(datagram(port, &query("Www.Evil_1.example")), ["dns query www.evil_1.example/1"]);
        assert_eq!(whole(port, &over_tcp(&query("www.evil.example"))), ["dns query www.evil.example/1"]);
    }
}
