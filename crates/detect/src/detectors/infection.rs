//! Worms: one host here that tries one of the ports by which worms spread on very many others.

use event::Kind;
use packet::Flow;

use super::about::{About, Detector, Threshold};
use super::alarm::Alarm;
use super::distinct::{Distinct, Limits};
use super::net::{Keys, is_local};
use super::settings::Settings;

pub(super) const ABOUT: About = About {
    detector: Detector::Infection,
    name: "infection",
    aliases: &["potential_infection"],
    on: true,
    events: "PORT, `potential infection`; the trail is the port",
    finds: "A local host that opens connections to one of the ports by which worms and bots spread (telnet 23, 2323, Android \
            5555, Windows 135, 139, 445, 3389, SQL Server 1433, Redis 6379, and 6892, 6893, 6901 of file sharing) on many \
            hosts within SCAN_WINDOW. Told once for a host, port and window.",
    why: "A host that does this was most likely taken over, and takes over others.",
    example: "`10.0.0.5` sends a SYN to port 445 of 33 hosts within half a minute.",
    false_alarms: "Inventories, monitoring and health checks of your own reach many hosts as well, but these answer: who \
                   answers does not count. Vulnerability scanners stay: list them in USER_WHITELIST.",
    evaded: "By spreading slower, or where nearly everybody answers.",
    threshold: Some(Threshold {
        default: 32,
        least: 1,
        greatest: 60_000,
        of: "hosts on one port that did not answer, within SCAN_WINDOW",
    }),
};

/// Ports by which worms and bots spread.
fn is_of_worms(port: u16) -> bool {
    matches!(port, 23 | 135 | 139 | 445 | 1433 | 2323 | 3389 | 5555 | 6379 | 6892 | 6893 | 6901)
}

/// Whether a connection attempt counts.
#[inline(always)]
pub(super) fn counts(flow: &Flow) -> bool {
    is_of_worms(flow.dst_port) && is_local(flow.src)
}

pub(super) struct Infection {
    pub(super) counter: Distinct,
}

impl Infection {
    pub(super) fn new(settings: &Settings) -> Infection {
        let threshold = settings.threshold(Detector::Infection);
        Infection { counter: Distinct::new(ABOUT.name, settings.scan_window, threshold, Limits::USUAL) }
    }

    /// A connection attempt that counts.
    pub(super) fn probe(&mut self, keys: &Keys, flow: &Flow, second: i64) -> Option<Alarm> {
        let subject = keys.with(keys.address(flow.src), flow.dst_port.into());
        let count = self.counter.see(subject, keys.address(flow.dst), second)?;
        let window = self.counter.window();
        let reason = format!("{count} hosts on port {} within {window} s, none of which answered", flow.dst_port);
        Some(Alarm::of(Kind::Port, &flow.dst_port.to_string(), "potential infection").because(70, reason))
    }

    /// Somebody answered an attempt.
    pub(super) fn answer(&mut self, keys: &Keys, flow: &Flow) {
        let subject = keys.with(keys.address(flow.dst), flow.src_port.into());
        self.counter.forget(subject, keys.address(flow.src));
    }
}
