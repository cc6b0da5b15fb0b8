//! Passwords that are guessed.

use event::Kind;
use packet::Flow;

use super::about::{About, Detector, Threshold};
use super::alarm::Alarm;
use super::distinct::{Distinct, Limits};
use super::net::Keys;
use super::settings::Settings;

pub(super) const ABOUT: About = About {
    detector: Detector::BruteForce,
    name: "brute_force",
    aliases: &["bruteforce"],
    on: true,
    events: "PORT, `potential brute force (suspicious)`; the trail is the port",
    finds: "One host that opens very many connections to one that lets people log in (FTP 21, SSH 22, telnet 23, RDP 3389, VNC \
            5900) within a minute. Told once for a pair of hosts, port and minute.",
    why: "Each connection is a few passwords; sooner or later one is right.",
    example: "`203.0.113.9` opens 31 connections to port 22 of `192.0.2.10` within a minute",
    false_alarms: "Automation that opens a connection for each command (Ansible, backup, monitoring of many things).",
    evaded: "By guessing slower, or from many addresses.",
    threshold: Some(Threshold {
        default: 30,
        least: 3,
        greatest: 60_000,
        of: "connections of a pair of hosts within a minute",
    }),
};

/// Seconds.
const WINDOW: u32 = 60;

/// Whether a connection attempt counts.
#[inline(always)]
pub(super) fn counts(flow: &Flow) -> bool {
    matches!(flow.dst_port, 21..=23 | 3389 | 5900)
}

pub(super) struct BruteForce {
    pub(super) counter: Distinct,
}

impl BruteForce {
    pub(super) fn new(settings: &Settings) -> BruteForce {
        let threshold = settings.threshold(Detector::BruteForce);
        BruteForce { counter: Distinct::new(ABOUT.name, WINDOW, threshold, Limits::USUAL) }
    }

    /// A connection attempt that counts; each has a port of its own.
    pub(super) fn probe(&mut self, keys: &Keys, flow: &Flow, second: i64) -> Option<Alarm> {
        let subject = keys.with(keys.pair(flow.src, flow.dst), flow.dst_port.into());
        let count = self.counter.see(subject, keys.with(0, flow.src_port.into()), second)?;
        let (port, window) = (flow.dst_port, self.counter.window());
        let reason = format!("{count} connections to port {port} of {} within {window} s", flow.dst);
        Some(Alarm::of(Kind::Port, &port.to_string(), "potential brute force (suspicious)").because(50, reason))
    }
}
