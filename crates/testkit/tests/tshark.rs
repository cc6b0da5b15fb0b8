//! The packet path against tshark, where it is installed: names, hosts and addresses of generated traffic.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "helpers of tests"
)]

use std::collections::BTreeMap;
use std::io::Write;
use std::process::{Command, Stdio};

use testkit::facts::{self, Text};
use testkit::traffic::classes::{Class, Generator, Listed};
use testkit::traffic::day;
use testkit::{Recorded, capture};

/// How often each thing was seen.
type Counts = BTreeMap<String, usize>;

fn installed() -> bool {
    Command::new("tshark").arg("-v").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|s| s.success())
}

/// All values of each field, over all frames.
fn tshark(frames: &[Recorded], fields: &[&str]) -> Vec<Counts> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(&capture::file(frames)).unwrap();
    let mut command = Command::new("tshark");
    command.arg("-r").arg(file.path()).args(["-n", "-T", "fields", "-E", "separator=/t", "-E", "aggregator=\u{1f}"]);
    for field in fields {
        command.args(["-e", field]);
    }
    let output = command.stderr(Stdio::null()).output().unwrap();
    let mut out = vec![Counts::new(); fields.len()];
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        for (counts, values) in out.iter_mut().zip(line.split('\t')) {
            for value in values.split('\u{1f}').filter(|v| !v.is_empty()) {
                *counts.entry(value.to_ascii_lowercase()).or_default() += 1;
            }
        }
    }
    out
}

fn count<'a>(values: impl Iterator<Item = &'a String>) -> Counts {
    let mut out = Counts::new();
    for value in values {
        *out.entry(value.to_ascii_lowercase()).or_default() += 1;
    }
    out
}

fn compare(what: &str, frames: &[Recorded]) {
    const FIELDS: &[&str] =
        &["dns.qry.name", "http.host", "http.request.uri", "tls.handshake.extensions_server_name", "ip.src", "ip.dst"];
    let said = facts::of(frames);
    let of = |pick: fn(&Text) -> Option<&String>| count(said.facts.iter().filter_map(|(_, text)| pick(text)));
    let sources: Vec<String> = said.flows.iter().filter(|f| f.src.is_ipv4()).map(|f| f.src.to_string()).collect();
    let targets: Vec<String> = said.flows.iter().filter(|f| f.dst.is_ipv4()).map(|f| f.dst.to_string()).collect();
    let ours = [
        of(|t| if let Text::Query(n) | Text::Response(n) = t { Some(n) } else { None }),
        of(|t| if let Text::Host(n) = t { Some(n) } else { None }),
        of(|t| if let Text::Target(n) = t { Some(n) } else { None }),
        of(|t| if let Text::Sni(n) = t { Some(n).filter(|n| !n.is_empty()) } else { None }),
        count(sources.iter()),
        count(targets.iter()),
    ];
    for ((field, theirs), ours) in FIELDS.iter().zip(tshark(frames, FIELDS)).zip(ours) {
        let missed: Vec<_> = theirs.iter().filter(|(k, n)| ours.get(*k).unwrap_or(&0) < *n).take(5).collect();
        let added: Vec<_> = ours.iter().filter(|(k, n)| theirs.get(*k).unwrap_or(&0) < *n).take(5).collect();
        assert!(missed.is_empty() && added.is_empty(), "{what}, {field}: tshark sees {missed:?}, we see {added:?}");
    }
    assert!(!said.flows.is_empty(), "{what}: nothing was decoded");
}

#[test]
fn a_day_reads_like_in_tshark() {
    if !installed() {
        eprintln!("tshark is not installed: nothing compared");
        return;
    }
    compare("day", &day::frames(day::Plan { visits: 300, ..day::Plan::default() }));
}

#[test]
fn every_class_reads_like_in_tshark() {
    if !installed() {
        eprintln!("tshark is not installed: nothing compared");
        return;
    }
    for class in Class::ALL {
        let frames: Vec<Recorded> = Generator::new(class, 3, Listed::invented(3, 100)).take(200).collect();
        compare(&format!("{class:?}"), &frames);
    }
}
