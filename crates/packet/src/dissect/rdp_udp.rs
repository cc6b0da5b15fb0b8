//! TLS inside RDP over UDP ([MS-RDPEUDP], [MS-RDPEUDP2]): a client's hello behind the transport's own headers.
//!
//! The headers' length depends on what they acknowledge and on a version that was settled before. So they are not taken
//! apart: the hello is looked for behind them, and has to be one record that ends with the datagram. What came in
//! several datagrams is not put together.

use super::context::{Context, Progress};
use super::tls;
use crate::{Flow, Sink};

/// Of both protocols.
const PORT: u16 = 3389;
/// Bytes of headers at most: [MS-RDPEUDP] section 2.2.2 has 8, an acknowledgment vector, and 8 before the data.
const HEADERS: usize = 64;

/// Whether one end of the flow is the server's port.
#[inline]
pub(super) fn on_port(flow: &Flow) -> bool {
    flow.dst_port == PORT || flow.src_port == PORT
}

/// A datagram; whether there was a ClientHello in it.
pub(super) fn datagram<S: Sink>(payload: &[u8], context: &mut Context<'_, S>) -> bool {
    let hello = (0..=HEADERS).filter_map(|headers| payload.get(headers..)).find(|record| is_client_hello(record));
    hello.is_some_and(|hello| tls::stream(hello, context) != Progress::No)
}

/// A record to the last byte, and in it a ClientHello that fills it (RFC 8446 sections 4 and 5.1).
fn is_client_hello(record: &[u8]) -> bool {
    let Some((&[r0, r1, kind, m0, m1, m2, major, _], _)) = record.get(3..).and_then(|rest| rest.split_first_chunk())
    else {
        return false;
    };
    let message = u32::from_be_bytes([0, m0, m1, m2]) as usize;
    tls::may_begin(record)
        && kind == tls::CLIENT_HELLO
        && major == 3
        && usize::from(u16::from_be_bytes([r0, r1])) + 5 == record.len()
        && message + 9 == record.len()
}

#[cfg(test)]
mod tests {
    use super::is_client_hello;

    #[test]
    fn lengths_have_to_agree_with_the_datagram() {
        let record = |record: u8, message: u8, bytes: usize| {
            let mut out = vec![0x16, 3, 1, 0, record, 1, 0, 0, message, 3, 3];
            out.resize(bytes, 0);
            out
        };
        assert!(is_client_hello(&record(95, 91, 100)));
        for (other, why) in [
            (record(95, 91, 99), "cut"),
            (record(95, 91, 101), "longer"),
            (record(95, 90, 100), "a message that does not fill its record"),
            (record(94, 91, 100), "a record that does not fill the datagram"),
        ] {
            assert!(!is_client_hello(&other), "{why}");
        }
        for (place, value) in [(0, 0x17), (1, 4), (5, 2), (9, 2)] {
            let mut other = record(95, 91, 100);
            other[place] = value;
            assert!(!is_client_hello(&other), "byte {place}");
        }
    }
}
