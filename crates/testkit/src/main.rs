//! The `testkit` tool: writes generated traffic and measures. Not shipped.
#![allow(clippy::print_stdout, reason = "it is a command")]

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use packet::Micros;
use testkit::case::{self, Case};
use testkit::traffic::classes::{Class, Generator, Listed};
use testkit::traffic::day;
use testkit::{capture, measure, seeds};

#[derive(Parser)]
#[command(about = "Generated traffic and measurements for maltrail's developers")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// A day of mixed traffic with hostile parts: day.pcap, trails.csv and maltrail.conf
    GenerateDay {
        /// Directory to write into
        #[arg(long)]
        out: PathBuf,
        /// The same seed gives the same day
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Visits of ordinary people, about 14 packets each
        #[arg(long, default_value_t = 6_000)]
        visits: usize,
        /// Which day, UTC
        #[arg(long, default_value = "2026-01-02")]
        date: Date,
    },
    /// Packets of one kind, and beside them the trails that the class `hits` uses
    GenerateClass {
        /// The kind
        #[arg(long)]
        class: Class,
        /// How many
        #[arg(long, default_value_t = 100_000)]
        packets: usize,
        /// Capture file to write; the trails go to the same name with .trails.csv
        #[arg(long)]
        out: PathBuf,
        /// The same seed gives the same packets
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// Instructions for each packet by class of traffic, under valgrind
    Measure {
        /// The program
        #[arg(long, default_value = "target/release/maltrail")]
        binary: PathBuf,
        /// Packets of each class
        #[arg(long, default_value_t = 20_000)]
        packets: usize,
        /// Document whose table is replaced
        #[arg(long)]
        write: Option<PathBuf>,
    },
    /// Seeds for the fuzz targets, made of the cases
    Seeds {
        /// Directory of the cases
        #[arg(long, default_value = "cases")]
        cases: PathBuf,
        /// Directory of the corpora
        #[arg(long)]
        out: PathBuf,
    },
}

fn main() -> Result<()> {
    match Arguments::parse().command {
        Command::GenerateDay { out, seed, visits, date } => {
            generate_day(&out, day::Plan { seed, midnight: midnight(date)?, visits })
        }
        Command::GenerateClass { class, packets, out, seed } => generate_class(class, packets, &out, seed),
        Command::Measure { binary, packets, write } => measure_classes(&binary, packets, write.as_deref()),
        Command::Seeds { cases, out } => write_seeds(&cases, &out),
    }
}

fn midnight(date: Date) -> Result<Micros> {
    Ok(Micros(date.to_zoned(TimeZone::UTC)?.timestamp().as_microsecond()))
}

fn generate_day(out: &Path, plan: day::Plan) -> Result<()> {
    fs::create_dir_all(out).with_context(|| format!("cannot create {}", out.display()))?;
    let frames = day::frames(plan);
    write(&out.join("day.pcap"), &capture::file(&frames))?;
    write(&out.join("trails.csv"), day::TRAILS.as_bytes())?;
    write(&out.join("maltrail.conf"), day::CONFIGURATION.as_bytes())?;
    println!(
        "{}: {} packets of a day, {} trails",
        out.join("day.pcap").display(),
        frames.len(),
        day::TRAILS.lines().count()
    );
    for (hour, what) in day::INCIDENTS {
        println!("  {:02}:{:02}  {what}", hour.floor(), (hour.fract() * 60.0).round());
    }
    Ok(())
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))
}

fn generate_class(class: Class, packets: usize, out: &Path, seed: u64) -> Result<()> {
    let listed = Listed::invented(seed, 2_000);
    write(&out.with_extension("trails.csv"), listed.csv().as_bytes())?;
    let mut file = BufWriter::new(File::create(out).with_context(|| format!("cannot create {}", out.display()))?);
    let mut end = Micros::default();
    let header = capture::PcapForm::default();
    for (i, frame) in Generator::new(class, seed, listed).take(packets).enumerate() {
        end = frame.time;
        let bytes = capture::pcap(&[frame], header);
        file.write_all(if i == 0 { &bytes } else { bytes.get(24..).unwrap_or_default() })?;
    }
    file.flush()?;
    println!("{}: {packets} packets, the last at {} s", out.display(), end.0 / Micros::SECOND);
    Ok(())
}

fn write_seeds(cases: &Path, out: &Path) -> Result<()> {
    let files = case::list(cases).with_context(|| format!("cannot list {}", cases.display()))?;
    let cases: Vec<Case> = files
        .iter()
        .map(|path| Case::read(cases, path).with_context(|| path.display().to_string()))
        .collect::<Result<_>>()?;
    let written = seeds::write(&cases, out).with_context(|| format!("cannot write below {}", out.display()))?;
    println!("{}: {written} seeds of {} cases", out.display(), cases.len());
    Ok(())
}

fn measure_classes(binary: &Path, packets: usize, document: Option<&Path>) -> Result<()> {
    let directory = tempfile::tempdir()?;
    let measured = measure::measure(binary, packets, directory.path())?;
    let Some(document) = document else {
        print!("{}", measured.table());
        return Ok(());
    };
    let text = fs::read_to_string(document).with_context(|| format!("cannot read {}", document.display()))?;
    write(document, measured.written_into(&text)?.as_bytes())
}
