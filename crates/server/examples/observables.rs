//! How fast observables are taken and found, and what they take on disk.
//!
//! `cargo run --profile quick -p server --example observables -- DIRECTORY [ROWS]`
//!
//! Three of ten are names, three addresses, four pairs; one in five was seen before.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "a tool for developers")]

use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use event::observable::{Observable, What, line};
use jiff::{SignedDuration, Timestamp};
use server::Scope;
use server::intake::batch::{Limits, Packing, unpack};
use server::observables::{Ask, MAX_LOOKED, Observables, ObservablesSettings, Origin, Turn, View};
use server::store::record::Following;

/// Lines of a batch.
const BATCH: u64 = 5_000;
/// Batches that are timed.
const BATCHES: u64 = 40;
/// Times that each question is asked.
const TIMES: u64 = 200;

/// Places of the first name and of the first pair among ten lines.
const NAMES: u64 = 0;
const PAIRS: u64 = 6;

/// The nth question of a sort, about a line of a kind.
type Question = Box<dyn Fn(u64, u64) -> Ask>;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let directory = arguments.next().expect("which directory may be written to?");
    let rows: u64 = arguments.next().map_or(1_000_000, |text| text.parse().expect("rows"));
    let directory = Path::new(&directory);
    std::fs::create_dir_all(directory.join("log")).unwrap();
    let observables = Arc::new(Observables::open(directory, ObservablesSettings::default()).unwrap());
    // New ones are four of five.
    let lines = rows * 5 / 4;
    // A directory that was filled before is only asked.
    if observables.figures().iter().all(|figure| figure.name != "observables_rows" || figure.value == 0) {
        of_a_file(directory, &observables, lines);
        of_batches(&observables, lines);
    }
    let bytes: u64 = observables.figures().iter().filter(|f| f.name == "observables_bytes").map(|f| f.value).sum();
    let held: u64 = observables.figures().iter().filter(|f| f.name == "observables_rows").map(|f| f.value).sum();
    println!("{held} rows take {:.1} MB, {} bytes each", bytes as f64 / 1e6, bytes / held.max(1));
    questions(&observables, lines);
}

/// A number that looks like chance, the same every time.
fn mixed(n: u64) -> u64 {
    let n = (n ^ (n >> 31)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (n ^ (n >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) ^ (n >> 32)
}

fn name(n: u64) -> String {
    format!("h{:x}.site{}.example{}.com", mixed(n) >> 40, mixed(n) % 90_000, n % 7)
}

fn address(n: u64) -> std::net::IpAddr {
    std::net::Ipv4Addr::from(u32::try_from(mixed(n) >> 32).unwrap()).into()
}

fn observable(line: u64) -> Observable {
    // Every fifth is one of before.
    let n = if line % 5 == 4 { mixed(line) % line } else { line };
    let what = match n % 10 {
        0..=2 => What::Name(name(n)),
        3..=5 => What::Address(address(n)),
        _ => What::Pair { name: name(n), address: address(n) },
    };
    let first = Timestamp::now() - SignedDuration::from_secs(300);
    let host = std::net::Ipv4Addr::from(0x0a00_0000 | u32::try_from(mixed(n) % 2_000).unwrap());
    let (sensor, site) = ("gw".to_owned(), String::new());
    Observable { what, host: Some(host.into()), sensor, site, first, last: first, count: 1 }
}

fn of_a_file(directory: &Path, observables: &Arc<Observables>, lines: u64) {
    let path = directory.join("log").join(format!("observables-{}.jsonl", Timestamp::now().strftime("%Y-%m-%d")));
    let mut file = BufWriter::new(std::fs::File::create(&path).unwrap());
    for n in 0..lines {
        writeln!(file, "{}", line(&observable(n)).unwrap()).unwrap();
    }
    drop(file);
    let length = std::fs::metadata(&path).unwrap().len();
    let begun = Instant::now();
    let clock = Arc::new(Timestamp::now);
    let following = Following::start(&directory.join("log"), Arc::clone(observables), clock).unwrap();
    assert!(following.settled(Duration::from_secs(3600)));
    let seconds = begun.elapsed().as_secs_f64();
    println!("of a file of {:.0} MB: {:.0} lines a second", length as f64 / 1e6, lines as f64 / seconds);
    std::fs::remove_file(path).unwrap();
}

fn of_batches(observables: &Observables, after: u64) {
    let batch = |number: u64| {
        let numbers = after + number * BATCH..after + (number + 1) * BATCH;
        let plain: String = numbers.map(|n| line(&observable(n)).unwrap() + "\n").collect();
        zstd::encode_all(plain.as_bytes(), 3).unwrap()
    };
    let batches: Vec<Vec<u8>> = (0..BATCHES).map(batch).collect();
    let begun = Instant::now();
    for (number, packed) in batches.iter().enumerate() {
        let unpacked = unpack(packed, Packing::Zstd, &Limits::default()).unwrap();
        let id = format!("gw/{after}-{number}");
        let taken = observables.take(Origin::Batch(&id), &unpacked.observables, Timestamp::now()).unwrap();
        assert!(taken.taken == BATCH && !taken.repeated);
    }
    let (lines, seconds) = (BATCHES * BATCH, begun.elapsed().as_secs_f64());
    println!("of batches of {BATCH}, each on disk before the next: {:.0} lines a second", lines as f64 / seconds);
}

fn questions(observables: &Observables, lines: u64) {
    let reading = observables.reading();
    let scope = Scope::parse("10.0.0.0/26").unwrap();
    let turn = Turn { after: None, limit: 100 };
    // A line that is the first of its kind; `kind` says of which.
    let known = move |n: u64, kind: u64| (mixed(n) % lines) / 10 * 10 + kind;
    let asks: [(&str, Question); 6] = [
        ("a name", Box::new(move |n, kind| Ask::Name(name(known(n, kind))))),
        ("an absent name", Box::new(|n, _| Ask::Name(format!("absent{n}.example.com")))),
        (
            "below a name",
            Box::new(move |n, kind| {
                let name = name(known(n, kind));
                Ask::Below(name.split_once('.').unwrap().1.to_owned())
            }),
        ),
        ("below a seventh of all names", Box::new(|n, _| Ask::Below(format!("example{}.com", n % 7)))),
        ("a /24", Box::new(move |n, kind| Ask::parse(&format!("{}/24", address(known(n, kind.max(3))))).unwrap())),
        ("a /8", Box::new(|n, _| Ask::parse(&format!("{}.0.0.0/8", n % 200)).unwrap())),
    ];
    for (what, ask) in &asks {
        let timed = |how: &str, kind: u64, work: &dyn Fn(&Ask) -> usize| {
            let (begun, mut found) = (Instant::now(), 0);
            for n in 0..TIMES {
                found += work(&ask(n, kind));
            }
            let micros = begun.elapsed().as_micros() / u128::from(TIMES);
            println!("{what}, {how}: {micros} µs, {:.1} rows", found as f64 / TIMES as f64);
        };
        timed("first page", NAMES, &|ask| reading.values(ask, turn, View::ALL).unwrap().rows.len());
        timed("first page of pairs", PAIRS, &|ask| reading.pairs(ask, turn, View::ALL).unwrap().rows.len());
        let view = View { scope: &scope, rows: MAX_LOOKED, ..View::ALL };
        timed("first page within a scope", NAMES, &|ask| reading.values(ask, turn, view).unwrap().rows.len());
    }
    let who = Instant::now();
    for n in 0..TIMES {
        reading.hosts(&Ask::Name(name(known(n, NAMES))), turn, View::ALL).unwrap();
    }
    println!("who asked for a name: {} µs", who.elapsed().as_micros() / u128::from(TIMES));
    let com = Ask::Below("com".into());
    for (what, view) in [("all", View::ALL), ("of a scope", View { scope: &scope, ..View::ALL })] {
        let (begun, part) = (Instant::now(), View { rows: MAX_LOOKED, ..view });
        let answers = (
            reading.values(&com, turn, part).unwrap().rows.len(),
            reading.hosts(&com, turn, part).unwrap().rows.len(),
            reading.sighting(&com, part).unwrap().is_some_and(|sighting| sighting.partial),
        );
        println!(
            "values, hosts and sum of *.com, {what}, as far as is looked: {} ms, {answers:?}",
            begun.elapsed().as_millis()
        );
    }
    let all = Instant::now();
    let seen = reading.sighting(&com, View::ALL).unwrap().map_or(0, |all| all.seen.count);
    println!("all names together: {} ms, {seen} times seen", all.elapsed().as_millis());
    let names: Vec<String> =
        (0..10_000).map(|n| if n % 2 == 0 { name(known(n, NAMES)) } else { format!("x{n}.com") }).collect();
    let (list, found) = (Instant::now(), reading.look_up(&names, &[], View::ALL).unwrap().len());
    println!("a list of {} names: {} ms, {found} seen", names.len(), list.elapsed().as_millis());
}
