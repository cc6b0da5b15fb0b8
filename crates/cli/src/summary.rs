//! The totals at the end of a run, for people.

use std::fmt::Write as _;

use sensor::Summary;

/// Several lines, with the end of the last.
pub(crate) fn text(summary: &Summary) -> String {
    let mut out = String::new();
    let packets = &summary.packets;
    let seconds = summary.elapsed.as_secs_f64();
    let _ = writeln!(
        out,
        "packets   {} received ({} bytes) = {} decoded + {} ignored + {} malformed + {} duplicates + {} filtered + {} lost",
        packets.received,
        packets.bytes,
        packets.decoded,
        packets.ignored,
        packets.malformed,
        packets.duplicates,
        packets.filtered,
        packets.lost
    );
    for interface in &summary.interfaces {
        let _ = writeln!(
            out,
            "interface {}: {} received, {} dropped by the kernel, {} by the interface",
            interface.name, interface.received, interface.dropped_by_kernel, interface.dropped_by_interface
        );
    }
    let anomalies: Vec<_> =
        summary.anomalies.seen().map(|(anomaly, count)| format!("{} {count}", anomaly.name())).collect();
    if !anomalies.is_empty() {
        let _ = writeln!(out, "anomalies {}", anomalies.join(", "));
    }
    let a = &summary.accounts;
    let _ = writeln!(
        out,
        "findings  {} = {} repeated + {} whitelisted + {} ignored + {} at once + {} in bundles + {} in summaries + {} held",
        a.findings, a.repeated, a.whitelisted, a.ignored, a.at_once, a.in_bundles, a.in_summaries, a.held
    );
    let _ = write!(out, "events    {}", a.events);
    for output in &summary.outputs {
        let _ = write!(out, "; {}: {} written", output.name, output.delivered);
        if output.queued + output.dropped > 0 {
            let _ = write!(out, ", {} waiting, {} given up", output.queued, output.dropped);
        }
    }
    let _ = writeln!(out, "\ntrails    {}", summary.trails.count);
    if seconds > 0.0 {
        let rate = packets.received as f64 / seconds;
        let megabits = packets.bytes as f64 * 8.0 / 1e6 / seconds;
        let _ = writeln!(out, "time      {seconds:.3} s, {rate:.0} packets/s, {megabits:.1} Mbit/s");
    }
    out
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn everything_that_happened_is_named() {
        let mut summary = Summary { elapsed: Duration::from_secs(2), ..Summary::default() };
        summary.packets.received = 10;
        summary.packets.bytes = 1_000_000;
        summary.packets.decoded = 10;
        summary.accounts.events = 3;
        summary.trails.count = 7;
        let text = text(&summary);
        assert!(text.starts_with("packets   10 received (1000000 bytes) = 10 decoded + 0 ignored"), "{text}");
        assert!(text.contains("\nevents    3\ntrails    7\n"), "{text}");
        assert!(text.ends_with("time      2.000 s, 5 packets/s, 4.0 Mbit/s\n"), "{text}");
    }
}
