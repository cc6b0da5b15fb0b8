//! The totals at the end of a run, for people: what is zero is left out, what is there adds up.

use std::fmt::Write as _;
use std::time::Duration;

use event::Severity;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use sensor::Summary;
use sensor::summary::{ObservableCounts, OutputCounts, PushCounts};

/// Name of the output that is standard output.
const CONSOLE: &str = "console";

/// Events by severity, counted as they are made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Severities {
    high: u64,
    medium: u64,
    low: u64,
}

impl Severities {
    pub(crate) fn count(&mut self, severity: Severity) {
        match severity {
            Severity::High => self.high += 1,
            Severity::Medium => self.medium += 1,
            Severity::Low => self.low += 1,
        }
    }
}

/// Several lines, with the end of the last. `zone`: of the times.
pub(crate) fn text(summary: &Summary, severities: Severities, zone: &TimeZone) -> String {
    let mut out = String::new();
    captures(&mut out, summary, zone);
    packets(&mut out, summary);
    let a = &summary.accounts;
    let fates = [
        (a.at_once, "reported at once"),
        (a.in_bundles, "in bundles"),
        (a.in_summaries, "in summaries"),
        (a.repeated, "said before in the same second"),
        (a.whitelisted, "on the whitelist"),
        (a.ignored, "ignored by rule"),
        (a.held, "held"),
    ];
    let _ = writeln!(out, "findings  {}{}", number(a.findings), parts(&fates));
    let severities = [(severities.high, "high"), (severities.medium, "medium"), (severities.low, "low")];
    let _ = writeln!(out, "events    {}{}", number(a.events), parts(&severities));
    summary.outputs.iter().filter(|output| &*output.name != CONSOLE).for_each(|output| written(&mut out, output));
    if let Some(observables) = &summary.observables {
        seen(&mut out, observables);
    }
    if let Some(push) = &summary.push {
        sent(&mut out, push);
    }
    let _ = write!(out, "trails    {}", number(summary.trails.count));
    if summary.trails.generation > 1 {
        let _ = write!(out, ", reloaded {} times", summary.trails.generation - 1);
    }
    if summary.trails.refused > 0 {
        let _ = write!(out, ", {} reloads refused", summary.trails.refused);
    }
    out.push('\n');
    if summary.worker_panics > 0 {
        let _ = writeln!(out, "failures  {} of workers, which were started again", summary.worker_panics);
    }
    let seconds = summary.elapsed.as_secs_f64();
    if seconds > 0.0 {
        let rate = summary.packets.received as f64 / seconds;
        let megabits = summary.packets.bytes as f64 * 8.0 / 1e6 / seconds;
        let _ = writeln!(out, "time      {seconds:.3} s, {} packets/s, {megabits:.1} Mbit/s", number(rate as u64));
    }
    out
}

/// What was read or listened to, and the time it spans.
fn captures(out: &mut String, summary: &Summary, zone: &TimeZone) {
    let unusable = summary.problems.iter().filter(|problem| problem.unusable).count();
    let damaged = summary.problems.len() - unusable;
    if summary.files > 1 || !summary.problems.is_empty() {
        let read = summary.files - (summary.files.min(damaged as u64));
        let fates =
            [(read, "read"), (damaged as u64, "read up to their damage"), (unusable as u64, "that could not be used")];
        let _ = writeln!(out, "captures  {}{}", number(read + (damaged + unusable) as u64), parts(&fates));
    }
    for interface in &summary.interfaces {
        let _ = writeln!(
            out,
            "interface {}: {} received, {} dropped by the kernel, {} by the interface",
            interface.name,
            number(interface.received),
            number(interface.dropped_by_kernel),
            number(interface.dropped_by_interface)
        );
    }
    let time = |micros: packet::Micros| {
        let time = Timestamp::from_microsecond(micros.0).ok()?.to_zoned(zone.clone());
        Some(time.strftime("%Y-%m-%d %H:%M:%S").to_string())
    };
    if let (Some(first), Some(last)) = (summary.first, summary.last)
        && let (Some(from), Some(to)) = (time(first), time(last))
    {
        let lasted = Duration::from_micros(u64::try_from(last.0.saturating_sub(first.0)).unwrap_or(0));
        let _ = writeln!(out, "captured  {from} to {to} ({})", span(lasted));
    }
    if summary.clock_steps > 0 {
        let _ = writeln!(out, "clock     stepped back {} times; windows of time did not", summary.clock_steps);
    }
}

fn packets(out: &mut String, summary: &Summary) {
    let packets = &summary.packets;
    let fates = [
        (packets.decoded, "decoded"),
        (packets.ignored, "without anything to look at"),
        (packets.malformed, "malformed"),
        (packets.duplicates, "seen twice"),
        (packets.filtered, "left out by the filter"),
        (packets.lost, "lost in failures"),
    ];
    let _ = writeln!(out, "packets   {} ({}){}", number(packets.received), size(packets.bytes), parts(&fates));
    let seen = summary.anomalies.seen().map(|(anomaly, count)| format!("{} {}", anomaly.name(), number(count)));
    let seen: Vec<String> = seen.collect();
    if !seen.is_empty() {
        let _ = writeln!(out, "anomalies {}", seen.join(", "));
    }
    let full = summary.tables.iter().filter(|table| table.refused > 0);
    let full: Vec<String> = full.map(|table| format!("{} {} times", table.name, number(table.refused))).collect();
    if !full.is_empty() {
        let _ = writeln!(out, "full      {}", full.join(", "));
    }
}

fn written(out: &mut String, output: &OutputCounts) {
    let parts = [(output.queued, "waiting"), (output.dropped, "given up"), (output.errors, "failed attempts")];
    let shown: String = parts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!(", {} {what}", number(*count)))
        .collect();
    let _ = writeln!(out, "{:9} {} written{shown}", output.name, number(output.delivered));
}

/// Names and addresses that were seen at all.
fn seen(out: &mut String, counts: &ObservableCounts) {
    let fates = [
        (counts.written, "written"),
        (counts.refused, "refused at the limit"),
        (counts.unfit, "of names that are no text"),
        (counts.dropped, "that could not be written"),
        (counts.held, "held"),
    ];
    let _ = writeln!(out, "sightings {}{} (in {} lines)", number(counts.seen), parts(&fates), number(counts.lines));
}

/// What a server got.
fn sent(out: &mut String, counts: &PushCounts) {
    let fates = [
        (counts.rejected_lines, "left out by the server"),
        (counts.dropped_lines, "dropped at the limit"),
        (counts.refused_batches, "batches refused by the server"),
        (counts.waiting_bytes, "bytes wait for the next start"),
        (counts.retries.values().sum(), "repeated attempts"),
    ];
    let (lines, batches) = (number(counts.acknowledged_lines), number(counts.acknowledged_batches));
    let _ = writeln!(out, "sent      {lines} lines in {batches} batches to {}{}", counts.server, parts(&fates));
}

/// `: 3 high, 1 low`; nothing where all are zero.
fn parts(parts: &[(u64, &str)]) -> String {
    let shown: Vec<String> = parts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{} {what}", number(*count)))
        .collect();
    if shown.is_empty() { String::new() } else { format!(": {}", shown.join(", ")) }
}

/// With thousands set apart.
fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

fn size(bytes: u64) -> String {
    match bytes {
        0..10_000 => format!("{bytes} bytes"),
        10_000..10_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        10_000_000..10_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.1} GB", bytes as f64 / 1e9),
    }
}

fn span(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..60 => format!("{:.3} s", time.as_secs_f64()),
        60..3_600 => format!("{} min {} s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds % 86_400 / 3_600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happened_is_named_and_adds_up() {
        let mut summary = Summary { elapsed: Duration::from_secs(2), ..Summary::default() };
        summary.packets.received = 1234;
        summary.packets.bytes = 1_000_000;
        summary.packets.decoded = 1230;
        summary.packets.malformed = 4;
        summary.accounts.findings = 5;
        summary.accounts.at_once = 3;
        summary.accounts.repeated = 2;
        summary.accounts.events = 3;
        summary.trails.count = 1_630_771;
        summary.trails.generation = 1;
        summary.first = Some(packet::Micros(1_767_225_600_000_000));
        summary.last = Some(packet::Micros(1_767_225_661_000_000));
        summary.clock_steps = 1;
        let limit = packet::TableLimit::Bytes(16 << 20);
        let heads = packet::TableUsage { name: "heads", entries: 3, bytes: 99, limit, refused: 1200 };
        summary.observables = Some(ObservableCounts {
            seen: 5210,
            refused: 7,
            written: 5200,
            unfit: 3,
            lines: 1200,
            ..ObservableCounts::default()
        });
        summary.tables = vec![heads, packet::TableUsage { name: "quic", refused: 0, ..heads }];
        let severities = Severities { high: 2, medium: 0, low: 1 };
        assert_eq!(
            text(&summary, severities, &TimeZone::UTC),
            "captured  2026-01-01 00:00:00 to 2026-01-01 00:01:01 (1 min 1 s)\n\
             clock     stepped back 1 times; windows of time did not\n\
             packets   1,234 (1000.0 kB): 1,230 decoded, 4 malformed\n\
             full      heads 1,200 times\n\
             findings  5: 3 reported at once, 2 said before in the same second\n\
             events    3: 2 high, 1 low\n\
             sightings 5,210: 5,200 written, 7 refused at the limit, 3 of names that are no text (in 1,200 lines)\n\
             trails    1,630,771\n\
             time      2.000 s, 617 packets/s, 4.0 Mbit/s\n"
        );
    }

    #[test]
    fn nothing_is_said_of_what_did_not_happen() {
        let text = text(&Summary::default(), Severities::default(), &TimeZone::UTC);
        assert_eq!(text, "packets   0 (0 bytes)\nfindings  0\nevents    0\ntrails    0\n");
    }

    #[test]
    fn outputs_that_could_not_write_say_so() {
        let outputs =
            vec![OutputCounts { name: "journal".into(), offered: 9, delivered: 4, queued: 0, dropped: 5, errors: 2 }];
        let text = text(&Summary { outputs, ..Summary::default() }, Severities::default(), &TimeZone::UTC);
        assert!(text.contains("\njournal   4 written, 5 given up, 2 failed attempts\n"), "{text}");
    }

    #[test]
    fn what_was_sent_and_what_was_not() {
        let retries = [("busy", 2), ("unreachable", 1)].into();
        let counts = PushCounts { server: "https://logs.example:8338".into(), retries, ..PushCounts::default() };
        let counts = PushCounts { acknowledged_lines: 1_200, acknowledged_batches: 3, waiting_bytes: 70, ..counts };
        let text = text(&Summary { push: Some(counts), ..Summary::default() }, Severities::default(), &TimeZone::UTC);
        let line = "\nsent      1,200 lines in 3 batches to https://logs.example:8338: 70 bytes wait for the next start, \
                    3 repeated attempts\n";
        assert!(text.contains(line), "{text}");
    }

    #[test]
    fn numbers_sizes_and_spans() {
        let numbers: Vec<String> = [0, 999, 1000, 1_234_567].into_iter().map(number).collect();
        assert_eq!(numbers, ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([size(9_999), size(10_000), size(10_000_000)], ["9999 bytes", "10.0 kB", "10.0 MB"]);
        let spans = [59, 60, 3_600, 86_400].map(|seconds| span(Duration::from_secs(seconds)));
        assert_eq!(spans, ["59.000 s", "1 min 0 s", "1 h 0 min", "1 d 0 h"]);
    }
}
