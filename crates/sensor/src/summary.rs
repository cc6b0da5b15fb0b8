//! What a sensor did, in numbers that must add up.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use detect::Accounts;
use packet::{Anomalies, Micros, TableUsage};

/// What became of the packets: `received = decoded + ignored + malformed + duplicates + filtered + lost`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Packets {
    /// Handed over by the kernel or read from files.
    pub received: u64,
    /// Their captured bytes.
    pub bytes: u64,
    /// Read to the last layer.
    pub decoded: u64,
    /// Hold nothing to look at (ARP, spanning tree ...).
    pub ignored: u64,
    /// Malformed; by name in [`Summary::anomalies`].
    pub malformed: u64,
    /// Seen before on another interface (bridge, veth pair).
    pub duplicates: u64,
    /// Left out by the filter of a replay (a live filter is the kernel's).
    pub filtered: u64,
    /// In the hands of a worker that panicked.
    pub lost: u64,
}

impl Packets {
    /// Adds another's counts to these.
    pub fn add(&mut self, other: &Packets) {
        self.received += other.received;
        self.bytes += other.bytes;
        self.decoded += other.decoded;
        self.ignored += other.ignored;
        self.malformed += other.malformed;
        self.duplicates += other.duplicates;
        self.filtered += other.filtered;
        self.lost += other.lost;
    }

    /// Packets whose fate is known.
    #[must_use]
    pub fn accounted(&self) -> u64 {
        self.decoded + self.ignored + self.malformed + self.duplicates + self.filtered + self.lost
    }
}

/// What the kernel says of one interface, all its handles together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InterfaceCounts {
    /// Its name.
    pub name: String,
    /// Whether it is up and captured from.
    pub up: bool,
    /// Packets that passed the filter, those dropped included.
    pub received: u64,
    /// Dropped by the kernel because a ring was full.
    pub dropped_by_kernel: u64,
    /// Dropped by the interface or its driver.
    pub dropped_by_interface: u64,
    /// How often it went away and came back.
    pub reopened: u64,
}

/// What became of the events one output was offered: `offered = delivered + queued + dropped`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OutputCounts {
    /// Its name: `log`, `journal`, `console`, `log_server 192.0.2.1:8337`.
    pub name: Arc<str>,
    /// Events it was handed.
    pub offered: u64,
    /// Events written.
    pub delivered: u64,
    /// Events waiting.
    pub queued: u64,
    /// Events given up on.
    pub dropped: u64,
    /// Attempts that failed (and were repeated).
    pub errors: u64,
}

/// What became of sightings of names and addresses: `seen = refused + held + written + unfit + dropped`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ObservableCounts {
    /// Names asked for, addresses contacted, names that led to addresses: each time counts.
    pub seen: u64,
    /// Of something new, for which a worker's table had no room.
    pub refused: u64,
    /// In tables, not written yet.
    pub held: u64,
    /// Told by lines that are written.
    pub written: u64,
    /// Of names that are no text.
    pub unfit: u64,
    /// Of lines that could not be written.
    pub dropped: u64,
    /// Lines written.
    pub lines: u64,
    /// Attempts to write that failed.
    pub errors: u64,
}

/// What became of events and observables for a server:
/// `found_bytes + spooled_bytes = acknowledged_bytes + dropped_bytes + kept_bytes + waiting_bytes`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PushCounts {
    /// The server, as LOG_SERVER has it.
    pub server: String,
    /// Bytes that an earlier process left.
    pub found_bytes: u64,
    /// Lines (events and observables) that were put into the spool.
    pub spooled_lines: u64,
    /// Their bytes.
    pub spooled_bytes: u64,
    /// Batches that the server has.
    pub acknowledged_batches: u64,
    /// Their lines.
    pub acknowledged_lines: u64,
    /// Their bytes.
    pub acknowledged_bytes: u64,
    /// Batches that the server had from an earlier attempt.
    pub repeated_batches: u64,
    /// Lines of acknowledged batches that the server left out (too old, malformed ...).
    pub rejected_lines: u64,
    /// Batches that the server refused as a whole and for good.
    pub refused_batches: u64,
    /// Bytes of such batches that are kept.
    pub kept_bytes: u64,
    /// Batches that went because of the limit, or whose file somebody removed.
    pub dropped_batches: u64,
    /// Lines that went because of the limit.
    pub dropped_lines: u64,
    /// Bytes of dropped batches.
    pub dropped_bytes: u64,
    /// Batches that wait.
    pub waiting_batches: u64,
    /// Their bytes.
    pub waiting_bytes: u64,
    /// Bytes of files that may wait or be kept.
    pub limit_bytes: u64,
    /// Age of the oldest batch that waits.
    pub oldest: Option<Duration>,
    /// Attempts that are repeated, by reason.
    pub retries: BTreeMap<&'static str, u64>,
}

/// Something wrong with a capture file. What was before it has been used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaptureProblem {
    /// The file; `-` is standard input.
    pub path: PathBuf,
    /// Packets of it that were used.
    pub packets: u64,
    /// What is wrong, where, and what to do.
    pub text: String,
    /// Whether nothing of the file could be used (unreadable, not a capture); else only its rest is missing.
    pub unusable: bool,
}

/// The set of trails in use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TrailCounts {
    /// Indicators.
    pub count: u64,
    /// 1 for the set of the start, one more for each reload.
    pub generation: u64,
    /// Reloads that failed or were refused.
    pub refused: u64,
}

/// Everything at the end of a run.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// Fates of packets.
    pub packets: Packets,
    /// Malformed input by name.
    pub anomalies: Anomalies,
    /// Fates of findings.
    pub accounts: Accounts,
    /// One for each output.
    pub outputs: Vec<OutputCounts>,
    /// Fates of sightings; `None` where none are collected.
    pub observables: Option<ObservableCounts>,
    /// Fates of what is for a server; `None` where there is none.
    pub push: Option<PushCounts>,
    /// One for each interface; empty on replays.
    pub interfaces: Vec<InterfaceCounts>,
    /// Files that were damaged or no captures.
    pub problems: Vec<CaptureProblem>,
    /// Capture files read.
    pub files: u64,
    /// Trails.
    pub trails: TrailCounts,
    /// What the bounded tables held at the end, those of all workers together.
    pub tables: Vec<TableUsage>,
    /// Times a worker panicked and was rebuilt.
    pub worker_panics: u64,
    /// Times the packets' clock stepped back by more than a second.
    pub clock_steps: u64,
    /// Time of the first packet.
    pub first: Option<Micros>,
    /// Greatest packet time.
    pub last: Option<Micros>,
    /// How long the run took.
    pub elapsed: Duration,
    /// Identities that do not hold; empty unless there is an error in this program.
    pub violations: Vec<String>,
}

impl Summary {
    /// Checks that nothing went missing and notes what does not add up in [`Summary::violations`].
    pub fn check(&mut self) {
        let packets = self.packets;
        self.demand("packets received", packets.received, "their fates together", packets.accounted());
        let a = self.accounts;
        let fates = a.repeated + a.whitelisted + a.ignored + a.at_once + a.in_bundles + a.in_summaries + a.held;
        self.demand("findings", a.findings, "their fates together", fates);
        self.demand("findings held at the end", a.held, "none", 0);
        if let Some(o) = self.observables {
            let fates = o.refused + o.written + o.unfit + o.dropped;
            self.demand("sightings", o.seen, "their fates together", fates);
        }
        if let Some(p) = self.push.clone() {
            let fates = p.acknowledged_bytes + p.dropped_bytes + p.kept_bytes + p.waiting_bytes;
            self.demand("bytes in the spool", p.found_bytes + p.spooled_bytes, "their fates together", fates);
        }
        for output in self.outputs.clone() {
            let fates = output.delivered + output.queued + output.dropped;
            self.demand(&format!("events offered to {}", output.name), output.offered, "their fates together", fates);
            self.demand("events made", a.events, &format!("events offered to {}", output.name), output.offered);
        }
    }

    fn demand(&mut self, what: &str, left: u64, whom: &str, right: u64) {
        if left != right {
            self.violations.push(format!("{what} ({left}) differ from {whom} ({right})"));
        }
    }
}
