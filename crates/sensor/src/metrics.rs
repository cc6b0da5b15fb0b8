//! Prometheus text over HTTP on STATS_ADDRESS.
//!
//! One connection at a time, one answer each, with limits on time and length: it must never cost what is measured.

use std::fmt::Write as _;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use ::packet::{Anomaly, TableLimit, TableUsage};
use jiff::Timestamp;

use crate::SensorError;
use crate::board::{Board, lock};
use crate::output::QUEUE_EVENTS;

/// Longest request that is read, bytes.
const MAX_REQUEST: usize = 8 << 10;
/// Time a client has for its whole request, and for taking the answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// A running listener.
pub(crate) struct Server {
    address: SocketAddr,
    stopping: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Listens; `trails_file`: beside it lies how the feeds are.
    pub(crate) fn start(address: SocketAddr, trails_file: PathBuf, board: Arc<Board>) -> Result<Self, SensorError> {
        let failed = |source| SensorError::Metrics { address, source };
        let listener = TcpListener::bind(address).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let stopping = Arc::new(AtomicBool::new(false));
        let stop = stopping.clone();
        let work = move || {
            for connection in listener.incoming() {
                if stop.load(Ordering::Acquire) {
                    return;
                }
                // A client that goes away or is too slow only misses its answer.
                let _ = connection.and_then(|connection| answer(connection, &trails_file, &board));
            }
        };
        let thread = Some(std::thread::Builder::new().name("metrics".into()).spawn(work)?);
        Ok(Server { address, stopping, thread })
    }

    /// Where it listens.
    #[cfg(test)]
    fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::Release);
        // A connection ends the waiting for one.
        let woken = TcpStream::connect_timeout(&self.address, PATIENCE).is_ok();
        if let Some(thread) = self.thread.take().filter(|_| woken) {
            let _ = thread.join();
        }
    }
}

fn answer(mut connection: TcpStream, trails_file: &Path, board: &Board) -> io::Result<()> {
    let end = Instant::now() + PATIENCE;
    let mut request = Vec::new();
    let mut chunk = [0; 1024];
    while !request.windows(4).any(|w| w == b"\r\n\r\n") {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() || request.len() > MAX_REQUEST {
            return Ok(());
        }
        connection.set_read_timeout(Some(left))?;
        let n = connection.read(&mut chunk)?;
        if n == 0 {
            return Ok(());
        }
        request.extend_from_slice(chunk.get(..n).unwrap_or_default());
    }
    let path = request.split(|b| *b == b' ').nth(1).unwrap_or_default();
    let is_get = request.starts_with(b"GET ");
    let (status, body) = match path {
        _ if !is_get => ("405 Method Not Allowed", String::new()),
        b"/metrics" | b"/" => ("200 OK", render(board) + &feeds::metrics::text(trails_file, Timestamp::now())),
        _ => ("404 Not Found", "see /metrics\n".to_string()),
    };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    connection.set_write_timeout(Some(PATIENCE))?;
    connection.write_all(head.as_bytes())?;
    connection.write_all(body.as_bytes())
}

/// The text, one family after the other.
struct Page(String);

impl Page {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP maltrail_{name} {help}\n# TYPE maltrail_{name} {kind}");
    }

    fn value(&mut self, name: &str, labels: &[(&str, &str)], value: u64) {
        let escape = |v: &str| v.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        let labels: Vec<String> = labels.iter().map(|(k, v)| format!("{k}=\"{}\"", escape(v))).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        let _ = writeln!(self.0, "maltrail_{name}{labels} {value}");
    }

    fn one(&mut self, name: &str, kind: &str, help: &str, value: u64) {
        self.family(name, kind, help);
        self.value(name, &[], value);
    }

    fn fates(&mut self, name: &str, help: &str, fates: &[(&str, u64)]) {
        self.family(name, "counter", help);
        for (fate, value) in fates {
            self.value(name, &[("fate", fate)], *value);
        }
    }
}

fn render(board: &Board) -> String {
    let mut page = Page(String::new());
    packets(&mut page, board);
    tables(&mut page, board);
    interfaces(&mut page, board);
    events(&mut page, board);
    observables(&mut page, board);
    push(&mut page, board);
    let trails = &board.trails;
    page.one("trails_count", "gauge", "Indicators in use.", trails.store().len() as u64);
    page.one("trails_generation", "gauge", "Number of the set in use, 1 at the start.", trails.generation());
    page.one("trails_age_seconds", "gauge", "Time since the set in use was loaded.", trails.age_seconds());
    let lines = "Lines that were left out when this process last had a set built and took it.";
    page.one("trails_refused_lines", "gauge", lines, trails.refused_lines());
    page.one("trails_reloads_refused_total", "counter", "Reloads that failed or were refused.", trails.refused());
    canary(&mut page, board);
    page.0
}

fn canary(page: &mut Page, board: &Board) {
    let proofs = lock(&board.proofs).clone();
    page.family(
        "canary_found",
        "gauge",
        "1 where a packet made of a trail of the kind was last found, 0 where it was not.",
    );
    let kinds = proofs.last.found.iter().map(|kind| (kind, 1)).chain(proofs.last.missed.iter().map(|kind| (kind, 0)));
    for (kind, found) in kinds {
        page.value("canary_found", &[("kind", kind)], found);
    }
    page.family("canary_proven_seconds", "gauge", "Time since all kinds were last found; absent before.");
    if let Some(proven) = proofs.proven {
        page.value("canary_proven_seconds", &[], proven.elapsed().as_secs());
    }
    page.one("canary_failures_total", "counter", "Times that a kind was not found.", proofs.failed);
}

fn packets(page: &mut Page, board: &Board) {
    let report = board.report();
    let p = report.packets;
    page.one("packets_received_total", "counter", "Packets handed over by the kernel or read.", p.received);
    page.one("packets_received_bytes_total", "counter", "Their captured bytes.", p.bytes);
    let fates = [
        ("decoded", p.decoded),
        ("ignored", p.ignored),
        ("malformed", p.malformed),
        ("duplicate", p.duplicates),
        ("filtered", p.filtered),
        ("lost", p.lost),
    ];
    page.fates("packets_total", "What became of packets.", &fates);
    page.family("anomalies_total", "counter", "Malformed input by name.");
    for anomaly in Anomaly::ALL {
        page.value("anomalies_total", &[("name", anomaly.name())], report.anomalies.get(*anomaly));
    }
    page.one("worker_panics_total", "counter", "Workers that panicked and were rebuilt.", report.panics);
    page.one("clock_steps_total", "counter", "Steps back of the packets' clock.", board.clock_steps());
}

fn tables(page: &mut Page, board: &Board) {
    let tables = board.tables();
    let mut family = |name: &str, kind: &str, help: &str, value: &dyn Fn(&TableUsage) -> Option<u64>| {
        page.family(name, kind, help);
        for table in &tables {
            if let Some(value) = value(table) {
                page.value(name, &[("table", table.name)], value);
            }
        }
    };
    family("table_entries", "gauge", "Entries of the bounded tables.", &|t| Some(t.entries));
    family("table_bytes", "gauge", "Memory of the bounded tables.", &|t| Some(t.bytes));
    family("table_limit_entries", "gauge", "Most entries, where the limit is one of entries.", &|t| match t.limit {
        TableLimit::Entries(entries) => Some(entries),
        TableLimit::Bytes(_) => None,
    });
    family("table_limit_bytes", "gauge", "Most memory, where the limit is one of memory.", &|t| match t.limit {
        TableLimit::Entries(_) => None,
        TableLimit::Bytes(bytes) => Some(bytes),
    });
    family("table_refused_total", "counter", "What found no room.", &|t| Some(t.refused));
}

fn interfaces(page: &mut Page, board: &Board) {
    let interfaces = board.interface_counts();
    let mut family = |name: &str, kind: &str, help: &str, value: &dyn Fn(&crate::summary::InterfaceCounts) -> u64| {
        page.family(name, kind, help);
        for interface in &interfaces {
            page.value(name, &[("interface", &interface.name)], value(interface));
        }
    };
    family("interface_up", "gauge", "1 while packets can come from it.", &|i| u64::from(i.up));
    family("interface_packets_total", "counter", "Packets past the filter, dropped ones too.", &|i| i.received);
    family("interface_dropped_by_kernel_total", "counter", "Dropped: a ring was full.", &|i| i.dropped_by_kernel);
    family("interface_dropped_by_interface_total", "counter", "Dropped by the card.", &|i| i.dropped_by_interface);
    family("interface_returns_total", "counter", "Times it went away and came back.", &|i| i.reopened);
}

fn events(page: &mut Page, board: &Board) {
    let a = lock(&board.pipeline).accounts;
    page.one("findings_total", "counter", "What matched.", a.findings);
    let fates = [
        ("repeated", a.repeated),
        ("whitelisted", a.whitelisted),
        ("ignored", a.ignored),
        ("at_once", a.at_once),
        ("in_bundles", a.in_bundles),
        ("in_summaries", a.in_summaries),
    ];
    page.fates("findings_fates_total", "What became of findings.", &fates);
    page.one("findings_held", "gauge", "Findings that wait for the end of a bundle or window.", a.held);
    page.one("events_total", "counter", "Events made.", a.events);
    let outputs: Vec<_> = lock(&board.outputs).iter().map(|(name, counters)| counters.counts(name.clone())).collect();
    page.family("output_events_total", "counter", "Events by output and fate.");
    for output in &outputs {
        for (fate, value) in [("offered", output.offered), ("delivered", output.delivered), ("dropped", output.dropped)]
        {
            page.value("output_events_total", &[("output", &output.name), ("fate", fate)], value);
        }
    }
    page.family("output_queued_events", "gauge", "Events that wait to be written.");
    for output in &outputs {
        page.value("output_queued_events", &[("output", &output.name)], output.queued);
    }
    page.family("output_queued_bytes", "gauge", "Memory of the events that wait; shared ones count for each output.");
    for (name, counters) in lock(&board.outputs).iter() {
        page.value("output_queued_bytes", &[("output", name)], counters.queued_bytes());
    }
    page.family("output_queue_limit_events", "gauge", "Events that may wait at most.");
    for output in &outputs {
        page.value("output_queue_limit_events", &[("output", &output.name)], QUEUE_EVENTS as u64);
    }
    page.family("output_errors_total", "counter", "Attempts to write that failed.");
    for output in &outputs {
        page.value("output_errors_total", &[("output", &output.name)], output.errors);
    }
}

fn observables(page: &mut Page, board: &Board) {
    let Some(counters) = lock(&board.observables).clone() else { return };
    let o = counters.counts(board.report().sightings);
    page.one("sightings_total", "counter", "Names asked for, addresses contacted, names that led to one.", o.seen);
    let fates = [("refused", o.refused), ("written", o.written), ("unfit", o.unfit), ("dropped", o.dropped)];
    page.fates("sightings_fates_total", "What became of sightings.", &fates);
    page.one("sightings_held", "gauge", "Sightings that are not written yet.", o.held);
    page.one("observables_total", "counter", "Lines of observables written.", o.lines);
    page.one("observables_errors_total", "counter", "Attempts to write observables that failed.", o.errors);
}

fn push(page: &mut Page, board: &Board) {
    let Some(spool) = lock(&board.spool).clone() else { return };
    let p = spool.counts(Timestamp::now());
    page.one("push_spooled_lines_total", "counter", "Events and observables put into the spool.", p.spooled_lines);
    page.one("push_spooled_bytes_total", "counter", "Their bytes.", p.spooled_bytes);
    let batches =
        [("acknowledged", p.acknowledged_batches), ("refused", p.refused_batches), ("dropped", p.dropped_batches)];
    page.fates("push_batches_total", "What became of batches for the server.", &batches);
    let lines = [("acknowledged", p.acknowledged_lines), ("dropped", p.dropped_lines)];
    page.fates("push_lines_total", "What became of lines for the server.", &lines);
    page.one("push_repeated_batches_total", "counter", "Batches that the server had already.", p.repeated_batches);
    page.one("push_rejected_lines_total", "counter", "Lines that the server left out of batches.", p.rejected_lines);
    page.family("push_retries_total", "counter", "Attempts that are repeated, by reason.");
    for (reason, count) in &p.retries {
        page.value("push_retries_total", &[("reason", reason)], *count);
    }
    page.one("push_waiting_batches", "gauge", "Batches that wait in the spool.", p.waiting_batches);
    page.one("push_waiting_bytes", "gauge", "Their bytes.", p.waiting_bytes);
    page.one("push_kept_bytes", "gauge", "Bytes of batches that the server refused.", p.kept_bytes);
    page.one("push_limit_bytes", "gauge", "Bytes of files that the spool may hold.", p.limit_bytes);
    let oldest = p.oldest.map_or(0, |age| age.as_secs());
    page.one("push_oldest_seconds", "gauge", "Age of the oldest batch that waits; 0 where none does.", oldest);
}

#[cfg(test)]
mod tests;
