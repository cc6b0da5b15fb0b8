//! Port scans: many TCP ports of one host tried by another.

use event::Kind;
use packet::Flow;

use super::about::{About, Detector, Threshold};
use super::alarm::Alarm;
use super::distinct::{Distinct, Limits};
use super::net::Keys;
use super::settings::Settings;

pub(super) const ABOUT: About = About {
    detector: Detector::PortScanning,
    name: "port_scanning",
    aliases: &["port_scan", "portscan"],
    on: true,
    events: "IP, `potential port scanning`; the trail is the scanner's address",
    finds: "One host that tries many TCP ports of another within SCAN_WINDOW, by SYN or by segments that no stack sends \
            first (NULL, FIN, Xmas). Told once for a pair of hosts and window.",
    why: "Looking for open ports is the first step of most attacks, from outside as well as from a host that was taken \
          over.",
    example: "`10.0.0.5` sends a SYN to ports 21, 22, 23, 25, 80, 110, 135, 139, 143, 443 and 445 of `10.0.0.9` within a \
              second.",
    false_alarms: "Vulnerability scanners and inventories of your own: list them in USER_WHITELIST. Passive FTP, RPC and \
                   other connections to ports that a server makes up (from 32768 on) count as one port together. Answers \
                   (SYN-ACK, RST) never count, also where only one direction is captured.",
    evaded: "By scanning slower than the threshold in a window, from many addresses, or ports from 32768 on only.",
    threshold: Some(Threshold {
        default: 10,
        least: 1,
        greatest: 60_000,
        of: "ports of a pair of hosts within SCAN_WINDOW",
    }),
};

/// Ports from here on are those that systems make up (RFC 6335 says 49152, Linux takes 32768).
pub(super) const MADE_UP: u16 = 32_768;

pub(super) struct PortScanning {
    pub(super) counter: Distinct,
}

impl PortScanning {
    pub(super) fn new(settings: &Settings) -> PortScanning {
        let threshold = settings.threshold(Detector::PortScanning);
        PortScanning { counter: Distinct::new(ABOUT.name, settings.scan_window, threshold, Limits::USUAL) }
    }

    /// A segment that tries a port. `flow` is made one without ports where it is told.
    pub(super) fn probe(&mut self, keys: &Keys, flow: &Flow, second: i64) -> Option<Alarm> {
        let port = flow.dst_port.min(MADE_UP);
        let count = self.counter.see(keys.pair(flow.src, flow.dst), keys.with(0, port.into()), second)?;
        Some(alarm("potential port scanning", flow, count, self.counter.window()))
    }
}

/// Of a scan of ports.
pub(super) fn alarm(info: &str, flow: &Flow, count: u32, window: u32) -> Alarm {
    let reason = format!("{count} ports of {} within {window} s", flow.dst);
    Alarm::of(Kind::Ip, &flow.src.to_string(), info).of_scanner().because(70, reason)
}
