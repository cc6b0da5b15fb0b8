//! sFlow version 5 (<https://sflow.org/sflow_version_5.txt>): the first bytes of packets that a switch
//! sampled, sent to a collector.

use super::Layer;
use crate::bytes::be32;

/// Samples of a datagram, if it is one.
pub(super) fn samples(bytes: &[u8]) -> Option<Layer<'_>> {
    if be32(bytes, 0)? != 5 {
        return None;
    }
    let agent = match be32(bytes, 4)? {
        1 => 4,
        2 => 16,
        _ => return None,
    };
    // Agent's address, its part, sequence number, uptime, number of samples.
    Some(Layer::Samples(bytes.get(8 + agent + 16..)?))
}

/// The first sample's packet (nothing to look at for counters), and the samples after it.
pub(super) fn sample(bytes: &[u8]) -> Option<(Layer<'_>, &[u8])> {
    const FLOW: u32 = 1;
    const EXPANDED_FLOW: u32 = 3;
    let (body, after) = record(bytes)?;
    let header = match be32(bytes, 0)? {
        FLOW => 32,
        EXPANDED_FLOW => 44,
        _ => return Some((Layer::Ignored, after)),
    };
    let packet = body.get(header..).and_then(sampled).unwrap_or(Layer::Ignored);
    Some((packet, after))
}

/// The packet among a sample's records.
fn sampled(records: &[u8]) -> Option<Layer<'_>> {
    const RAW_HEADER: u32 = 1;
    let mut rest = records;
    loop {
        let (body, after) = record(rest)?;
        if be32(rest, 0)? == RAW_HEADER {
            let length = usize::try_from(be32(body, 12)?).ok()?;
            let packet = body.get(16..)?;
            let packet = packet.get(..length).unwrap_or(packet);
            return Some(match be32(body, 0)? {
                1 => Layer::Ethernet(packet),
                4 => Layer::Ppp(packet),
                11 | 12 => Layer::Ip(packet),
                _ => Layer::Ignored,
            });
        }
        rest = after;
    }
}

/// Type, length, body: the body and what follows it.
fn record(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    bytes.get(8..)?.split_at_checked(usize::try_from(be32(bytes, 4)?).ok()?)
}
