//! Folds a text log, hour by hour and into a day, writes its chunks, and tells what that costs.
//!
//! `cargo run --profile quick -p server --example condense -- 2026-11-20.log`

#![allow(clippy::print_stdout)] // Its purpose.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::IpAddr;
use std::time::Duration;

use event::{Context, Event, Kind, Observed, Severity, TextLine};
use jiff::tz::TimeZone;
use jiff::{Timestamp, civil};
use server::condense::{Fold, Ranked, Window, chunk};
use trails::Class;

/// Lines that are read before they are folded, so that folding is measured alone.
const PORTION: usize = 500;

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let path = std::env::args().nth(1).ok_or("which log?")?;
    let mut lines = BufReader::with_capacity(1 << 20, File::open(&path)?).lines();
    let mut day: Option<(Window, Fold, Vec<Option<Fold>>)> = None;
    let (mut fold_time, mut hour_time) = (Duration::ZERO, Duration::ZERO);
    let mut events = Vec::with_capacity(PORTION);
    loop {
        events.clear();
        for line in lines.by_ref().take(PORTION) {
            events.extend(read(&line?));
        }
        let Some(first) = events.first() else { break };
        let (window, whole, hours) = day.get_or_insert_with(|| {
            let start = first.time.to_zoned(TimeZone::UTC).date().to_zoned(TimeZone::UTC);
            let window = Window::new(start.map_or(first.time, |start| start.timestamp()), 24);
            (window, Fold::new(window), (0..24).map(|_| None).collect())
        });
        let begun = Timer::new();
        for event in &events {
            whole.add(event);
        }
        fold_time += begun.elapsed();
        if std::env::args().any(|argument| argument == "--hours") {
            let begun = Timer::new();
            for event in &events {
                let hour = (event.time.as_second() - window.start_seconds()).div_euclid(3600) as usize;
                if let Some(fold) = hours.get_mut(hour) {
                    fold.get_or_insert_with(|| Fold::new(*window)).add(event);
                }
            }
            hour_time += begun.elapsed();
        }
    }
    let (_, whole, hours) = day.ok_or("no event in it")?;
    println!("{} lines, {} threats: folded in {fold_time:.2?}", whole.totals().lines, whole.len());
    println!("resident {} MB", resident_megabytes());
    encode(&whole)?;
    let hours: Vec<Fold> = hours.into_iter().flatten().collect();
    if !hours.is_empty() {
        merge(&hours, &whole, hour_time)?;
    }
    Ok(())
}

fn encode(fold: &Fold) -> Result<(), Failure> {
    let begun = Timer::new();
    let ranked = Ranked::new(fold);
    let rank_time = begun.elapsed();
    let (mut write_time, mut pack_time, mut plain, mut packed) = (Duration::ZERO, Duration::ZERO, 0, 0);
    for (at, ranks) in (0..).zip(chunk::slices(ranked.len())) {
        let begun = Timer::new();
        let slice = chunk::encode_slice(&ranked, ranks);
        write_time += begun.elapsed();
        let begun = Timer::new();
        let small = chunk::compress(&slice)?;
        pack_time += begun.elapsed();
        if at == 0 {
            println!("first slice {} bytes, {} compressed", slice.len(), small.len());
        }
        if std::env::args().any(|argument| argument == "--columns") && at < 2 {
            columns(&slice)?;
        }
        plain += slice.len();
        packed += small.len();
    }
    println!("ranked in {rank_time:.2?}, slices written in {write_time:.2?}, compressed in {pack_time:.2?}");
    println!("slices {plain} bytes, {packed} compressed; resident {} MB", resident_megabytes());
    Ok(())
}

/// What each column comes to alone.
fn columns(slice: &[u8]) -> Result<(), Failure> {
    let mut rest = slice.get(40..).unwrap_or_default();
    while let Some(([t0, t1, width, _, n @ ..], behind)) = rest.split_first_chunk::<8>() {
        let length = u32::from_le_bytes(*n) as usize * usize::from(*width);
        let (column, behind) = behind.split_at_checked(length).ok_or("cut short")?;
        let packed = chunk::compress(column)?.len();
        println!("column {:2} {:8} items of {width}: {packed}", u16::from_le_bytes([*t0, *t1]), u32::from_le_bytes(*n));
        rest = behind;
    }
    Ok(())
}

fn merge(hours: &[Fold], whole: &Fold, hour_time: Duration) -> Result<(), Failure> {
    let rows: usize = hours.iter().map(Fold::len).sum();
    println!("{} hours, {rows} threats: folded in {hour_time:.2?}", hours.len());
    let begun = Timer::new();
    let mut merged = Fold::new(whole.window());
    for hour in hours {
        merged.merge(hour)?;
    }
    println!("merged in {:.2?}, {} threats", begun.elapsed(), merged.len());
    let begun = Timer::new();
    let mut bytes = 0;
    let mut chunks = Vec::new();
    for hour in hours {
        chunks.push(chunk::compress(&chunk::encode_whole(&Ranked::new(hour)))?);
        bytes += chunks.last().map_or(0, Vec::len);
    }
    println!("hours written whole in {:.2?}, {bytes} bytes", begun.elapsed());
    let begun = Timer::new();
    let mut merged = Fold::new(whole.window());
    for packed in &chunks {
        merged.merge(&chunk::decode(&chunk::decompress(packed)?)?)?;
    }
    println!("read and merged in {:.2?}", begun.elapsed());
    println!("same bytes: {}", chunk::encode_whole(&Ranked::new(&merged)) == chunk::encode_whole(&Ranked::new(whole)));
    Ok(())
}

/// Time this thread was on a processor: what other programs do beside it does not count.
struct Timer {
    begun: Duration,
}

impl Timer {
    fn new() -> Timer {
        Timer { begun: on_processor() }
    }

    fn elapsed(&self) -> Duration {
        on_processor().saturating_sub(self.begun)
    }
}

fn on_processor() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    Duration::from_nanos(text.split(' ').next().and_then(|first| first.parse().ok()).unwrap_or(0))
}

fn resident_megabytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.split_whitespace().next().and_then(|kilobytes| kilobytes.parse().ok()).unwrap_or(0u64) / 1024
}

/// An event of a text line, as far as measuring needs it.
fn read(line: &str) -> Option<Event> {
    let line = TextLine::parse(line).ok()?;
    let time = line.time.parse::<civil::DateTime>().ok()?.to_zoned(TimeZone::UTC).ok()?.timestamp();
    let meaning = trails::class::meaning(&line.info, line.reference == "(custom)");
    let severity = match meaning.severity {
        trails::Severity::Low => Severity::Low,
        trails::Severity::Medium => Severity::Medium,
        trails::Severity::High => Severity::High,
    };
    let observed = observed(&line.trail);
    let indicator = observed.matched.iter().filter_map(|m| observed.text.get(m.start as usize..m.end as usize));
    Some(Event {
        id: String::new(),
        time,
        last: time.max(Timestamp::MIN),
        site: String::new(),
        sensor: line.sensor,
        src: list::<IpAddr>(&line.src_ip),
        src_ports: list(&line.src_port),
        dst: list::<IpAddr>(&line.dst_ip),
        dst_ports: list(&line.dst_port),
        protocol: match line.proto.as_str() {
            "TCP" => 6,
            "UDP" => 17,
            _ => 0,
        },
        kind: Kind::ALL.into_iter().find(|kind| kind.name() == line.kind)?,
        indicator: indicator.collect(),
        observed,
        info: line.info,
        reference: line.reference,
        class: Class::as_str(meaning.class).to_owned(),
        severity,
        confidence: meaning.confidence,
        reasons: Vec::new(),
        count: 1,
        context: Context::default(),
        batch: String::new(),
    })
}

fn list<T: std::str::FromStr>(text: &str) -> Vec<T> {
    text.split(',').filter_map(|part| part.parse().ok()).collect()
}

/// Text and matched ranges of a trail with markup.
fn observed(markup: &str) -> Observed {
    let mut observed = Observed::default();
    let (mut escaped, mut inside, mut start) = (false, false, 0);
    for character in markup.chars() {
        match character {
            '\\' if !escaped => {
                escaped = true;
                continue;
            }
            '(' | ')' if !escaped => {
                if character == '(' && start < observed.text.len() as u32 {
                    observed.matched.push(start..observed.text.len() as u32);
                }
                inside = character == '(';
                start = observed.text.len() as u32;
                continue;
            }
            _ => observed.text.push(character),
        }
        if start + 1 == observed.text.len() as u32 && character == '.' && !inside {
            start += 1;
        }
        escaped = false;
    }
    if !inside && start < observed.text.len() as u32 {
        observed.matched.push(start..observed.text.len() as u32);
    }
    observed
}
