//! What a packet costs: instructions under valgrind's callgrind, by class of traffic.
//!
//! Counted is the whole program on a capture of N packets less the same program on the first packet of it, divided by
//! N - 1. Instructions are the same on a busy machine and on a quiet one, so two versions of the program can be
//! compared wherever they were measured. A benchmark harness that links the packet path would leave out reading,
//! ordering and outputs, and would need a runner of its own installed; this measures the shipped binary.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::Recorded;
use crate::capture::{self, PcapForm};
use crate::traffic::classes::{Class, Generator, Listed};

const SEED: u64 = 1;
const TRAILS: usize = 2_000;
/// The table stands between these lines.
const BEGIN: &str = "<!-- written by `make bench` -->";
const END: &str = "<!-- end -->";

/// One line of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Kind of traffic.
    pub class: Class,
    /// Mean length of its frames, bytes.
    pub length: usize,
    /// Instructions for each packet.
    pub each: u64,
}

/// Everything that was measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measured {
    /// By class.
    pub rows: Vec<Row>,
    /// Instructions from start to end with one packet.
    pub fixed: u64,
    /// Packets of a class.
    pub packets: usize,
}

/// Measures `binary` with captures of `packets` packets, written below `directory`.
///
/// # Errors
/// valgrind is missing, or the program fails.
pub fn measure(binary: &Path, packets: usize, directory: &Path) -> Result<Measured> {
    if packets < 2 {
        bail!("at least 2 packets are needed to tell their cost from that of starting");
    }
    let listed = Listed::invented(SEED, TRAILS);
    let trails = directory.join("trails.csv");
    fs::write(&trails, listed.csv()).with_context(|| format!("cannot write {}", trails.display()))?;
    let conf = directory.join("maltrail.conf");
    fs::write(&conf, format!("TRAILS_FILE {}\n", trails.display()))?;
    let (mut rows, mut fixed) = (Vec::new(), 0);
    for class in Class::ALL {
        let frames: Vec<Recorded> = Generator::new(class, SEED, listed.clone()).take(packets).collect();
        let (all, one) = (directory.join("all.pcap"), directory.join("one.pcap"));
        fs::write(&all, capture::pcap(&frames, PcapForm::default()))?;
        fs::write(&one, capture::pcap(&frames[..1], PcapForm::default()))?;
        if rows.is_empty() {
            run(Command::new(binary), &conf, &one)?; // builds the store, which is not what is measured
        }
        let (all, one) = (instructions(binary, &conf, &all)?, instructions(binary, &conf, &one)?);
        let length = frames.iter().map(|f| f.bytes.len()).sum::<usize>() / packets;
        let each = all.saturating_sub(one) / (packets as u64 - 1);
        println!("{:40} {length:5} B {each:8} instructions a packet", class.about());
        rows.push(Row { class, length, each });
        fixed = one;
    }
    Ok(Measured { rows, fixed, packets })
}

fn run(mut command: Command, conf: &Path, capture: &Path) -> Result<()> {
    command.args(["sensor", "-q", "--workers", "1", "-c"]).arg(conf).arg("-r").arg(capture);
    let output = command.stdout(Stdio::null()).output().with_context(|| format!("cannot run {command:?}"))?;
    if !output.status.success() {
        bail!("{command:?} ended with {}: {}", output.status, String::from_utf8_lossy(&output.stderr));
    }
    Ok(())
}

fn instructions(binary: &Path, conf: &Path, capture: &Path) -> Result<u64> {
    let out: PathBuf = capture.with_extension("callgrind");
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--quiet"]).arg(format!("--callgrind-out-file={}", out.display())).arg(binary);
    run(command, conf, capture)?;
    let text = fs::read_to_string(&out).with_context(|| format!("no result in {}", out.display()))?;
    summary(&text).with_context(|| format!("no summary in {}", out.display()))
}

/// The number of instructions in a callgrind file.
fn summary(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|l| l.strip_prefix("totals:").or_else(|| l.strip_prefix("summary:")))?;
    line.split_whitespace().next()?.parse().ok()
}

impl Measured {
    /// The table, in Markdown.
    #[must_use]
    pub fn table(&self) -> String {
        let mut out = String::from("| traffic | bytes a packet | instructions a packet |\n|---|---:|---:|\n");
        for row in &self.rows {
            out.push_str(&format!("| {} | {} | {} |\n", row.class.about(), row.length, grouped(row.each)));
        }
        out.push_str(&format!(
            "\n{} packets of each class, {} trails, one worker. Start, one packet and end together: {} instructions.\n",
            grouped(self.packets as u64),
            grouped(TRAILS as u64),
            grouped(self.fixed)
        ));
        out
    }

    /// `document` with this table between its marks.
    ///
    /// # Errors
    /// The marks are missing.
    pub fn written_into(&self, document: &str) -> Result<String> {
        let (before, rest) = document.split_once(BEGIN).with_context(|| format!("no line {BEGIN:?}"))?;
        let (_, after) = rest.split_once(END).with_context(|| format!("no line {END:?}"))?;
        Ok(format!("{before}{BEGIN}\n\n{}\n{END}{after}", self.table()))
    }
}

/// `1234567` as `1,234,567`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(each: u64) -> Measured {
        Measured { rows: vec![Row { class: Class::Syn, length: 58, each }], fixed: 60_000_000, packets: 20_000 }
    }

    #[test]
    fn a_table_replaces_the_one_before() {
        let document = format!("# Performance\n\n{BEGIN}\n{END}\nthe rest\n");
        let first = measured(1234).written_into(&document).unwrap();
        assert!(first.contains("| TCP SYN, 200,000 destinations | 58 | 1,234 |"));
        assert!(first.contains("60,000,000 instructions") && first.ends_with("the rest\n"));
        let second = measured(99).written_into(&first).unwrap();
        assert!(second.contains("| 99 |") && !second.contains("1,234"));
        assert!(measured(1).written_into("no marks").is_err());
    }

    #[test]
    fn totals_are_read_from_callgrind_files() {
        assert_eq!(summary("version: 1\nevents: Ir\nsummary: 4711\n\nfn=(1)\ntotals: 4711\n"), Some(4711));
        assert_eq!(summary("nothing"), None);
    }
}
