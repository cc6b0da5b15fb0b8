//! UDP scans: many UDP ports of one host tried by another.

use packet::Flow;

use super::about::{About, Detector, Threshold};
use super::alarm::Alarm;
use super::distinct::{Distinct, Limits};
use super::net::{Keys, is_group};
use super::port_scanning::{self, MADE_UP};
use super::settings::Settings;

pub(super) const ABOUT: About = About {
    detector: Detector::UdpScanning,
    name: "udp_scanning",
    aliases: &["udp_scan"],
    on: true,
    events: "IP, `potential udp scanning`; the trail is the scanner's address",
    finds: "One host that sends datagrams to many UDP ports of another within SCAN_WINDOW. Told once for a pair of hosts \
            and window.",
    why: "SNMP, TFTP, NTP, memcached and others are looked for to be abused or to reflect floods.",
    example: "`10.0.0.5` sends datagrams from port 51234 to ports 69, 111, 123, 137, 161, 389, 500, 514, 520, 1900 and \
              5060 of `10.0.0.9`.",
    false_alarms: "Answers of servers are sent to ports that clients made up: the side with the lower port counts as the \
                   server, DNS ports and what is sent to groups count not at all, ports from 32768 on neither (calls, \
                   games and traceroute use very many of them).",
    evaded: "By scanning slower, from many addresses, or from a low source port.",
    threshold: Some(Threshold {
        default: 10,
        least: 1,
        greatest: 60_000,
        of: "ports of a pair of hosts within SCAN_WINDOW",
    }),
};

pub(super) struct UdpScanning {
    pub(super) counter: Distinct,
}

/// Whether a datagram may be a probe: not an answer, not DNS, not to a group.
#[inline(always)]
pub(super) fn counts(flow: &Flow) -> bool {
    flow.dst_port < MADE_UP
        && flow.src_port > flow.dst_port
        && !matches!(flow.dst_port, 53 | 5353 | 5355)
        && !matches!(flow.src_port, 53 | 5353 | 5355)
        && !is_group(flow.dst)
}

impl UdpScanning {
    pub(super) fn new(settings: &Settings) -> UdpScanning {
        let threshold = settings.threshold(Detector::UdpScanning);
        UdpScanning { counter: Distinct::new(ABOUT.name, settings.scan_window, threshold, Limits::USUAL) }
    }

    /// A datagram that may be a probe.
    pub(super) fn datagram(&mut self, keys: &Keys, flow: &Flow, second: i64) -> Option<Alarm> {
        let count = self.counter.see(keys.pair(flow.src, flow.dst), keys.with(0, flow.dst_port.into()), second)?;
        Some(port_scanning::alarm("potential udp scanning", flow, count, self.counter.window()))
    }
}
