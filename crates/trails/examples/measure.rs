//! Builds a store from a CSV or a tree, looks every row of the CSV up again, and tells times and sizes.
//!
//! `cargo run --profile quick -p trails --example measure -- SOURCE STORE.bin [ROWS.csv]`
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)] // A tool for people.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

use trails::read::{self, Origin};
use trails::{Builder, Hit, Indicator, LabelId, Stamp, Store, Vetoes};

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let (source, target) = (Path::new(&arguments[1]), Path::new(&arguments[2]));
    if arguments.get(3).is_none_or(|rows| rows != "-") {
        let start = Instant::now();
        let mut builder = Builder::new(Vetoes::default());
        read::add(&mut builder, source, Origin { reference: "(static)", custom: false }, &mut |_| {}).unwrap();
        let collected = start.elapsed();
        let report = trails::load::publish(builder, target, Stamp::default()).unwrap();
        println!("build {:?} (collecting {collected:?})", start.elapsed());
        println!("{:?} repeated {} refused {:?}", report.counts, report.repeated, report.refused);
        for refusal in report.refusals.iter().take(40) {
            println!("  {}:{}: {}: {}", refusal.file, refusal.line, refusal.why, refusal.text);
        }
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        println!("{}", status.lines().find(|line| line.starts_with("VmHWM")).unwrap());
    }
    let start = Instant::now();
    let store = Store::open(target).unwrap();
    println!("open {:?}, {} bytes", start.elapsed(), std::fs::metadata(target).unwrap().len());
    let start = Instant::now();
    let inert = store.trails().filter(|(one, label)| trails::probe::probe(&store, one, *label).is_some()).count();
    println!("{} trails probed in {:?}, {inert} can never be found", store.len(), start.elapsed());
    if let Some(rows) = arguments.get(3).filter(|rows| *rows != "-") {
        compare(&store, Path::new(rows));
    }
    speed(&store);
}

fn find<D: AsRef<[u8]>>(store: &Store<D>, indicator: &Indicator<'_>) -> Option<LabelId> {
    let mut hits = [Hit { start: 0, label: LabelId(0) }; 8];
    match indicator {
        Indicator::Name(name) => {
            let count = store.name(name.as_bytes(), &mut hits);
            hits[..count].iter().find(|hit| hit.start == 0).map(|hit| hit.label)
        }
        Indicator::Url(text) | Indicator::Path(text) => store.url(&[text.as_bytes()]),
        Indicator::Address(address) => store.address(*address).filter(|_| store.may_hold_address(*address)),
        Indicator::Endpoint(address, port) => {
            store.endpoint(*address, *port).filter(|_| store.may_hold_address(*address))
        }
        // Of its first and last address: a longer network may cover one of them.
        Indicator::Network(n) => {
            let last = ipnet::IpNet::new(n.address, n.length).unwrap().broadcast();
            let found = [n.address, last].into_iter().filter_map(|address| store.network(address));
            found.filter(|(length, _)| *length == n.length).map(|(_, label)| label).next()
        }
        Indicator::CertificateSha1(sha1) => store.certificate(sha1),
        Indicator::Ja3(md5) => store.ja3(md5),
        Indicator::Ja4(text) => store.ja4(text),
        Indicator::Pattern(pattern) => store.pattern(trails::probe::sample(pattern)?.as_bytes()),
    }
}

/// The info without the number of a part: files are told apart by it, labels are not.
fn whole(info: &str) -> String {
    let (name, class) = info.split_once(" (").unwrap_or((info, ""));
    let name = match name.rsplit_once('-') {
        Some((name, part)) if part.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => name,
    };
    if class.is_empty() { name.into() } else { format!("{name} ({class}") }
}

fn compare<D: AsRef<[u8]>>(store: &Store<D>, rows: &Path) {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_path(rows).unwrap();
    let (mut total, mut found, mut scratch) = (0, 0, String::new());
    let mut odd: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in reader.records() {
        let row = row.unwrap();
        total += 1;
        let cause = match Indicator::parse(&row[0], &mut scratch) {
            Err(why) => format!("refused: {why}"),
            Ok(indicator) => match find(store, &indicator) {
                None => format!("missing {}", indicator.kind().as_str()),
                Some(label) if store.label(label).info == &row[1] || store.label(label).info == whole(&row[1]) => {
                    found += 1;
                    continue;
                }
                Some(label) => {
                    odd.entry("other info".into()).or_default().push(format!("{row:?} {}", store.label(label).info));
                    continue;
                }
            },
        };
        odd.entry(cause).or_default().push(format!("{row:?}"));
    }
    println!("{total} rows, {found} found with their own label");
    for (cause, rows) in odd {
        println!("  {cause}: {}", rows.len());
        rows.iter().step_by((rows.len() / 6).max(1)).take(8).for_each(|row| println!("    {row}"));
    }
}

fn speed<D: AsRef<[u8]>>(store: &Store<D>) {
    const ROUNDS: u32 = 1_000_000;
    let names: Vec<String> = (0..4096u32).map(|n| format!("www.site{}.com", n.wrapping_mul(2_654_435_761))).collect();
    let mut hits = [Hit { start: 0, label: LabelId(0) }; 8];
    let time = |what: &str, run: &mut dyn FnMut(usize) -> usize| {
        let start = Instant::now();
        let sum: usize = (0..ROUNDS as usize).map(|n| black_box(run(n))).sum();
        println!("{what}: {:.1} ns ({sum} hits)", start.elapsed().as_nanos() as f64 / f64::from(ROUNDS));
    };
    time("name miss", &mut |n| store.name(names[n % 4096].as_bytes(), &mut hits));
    time("pattern miss", &mut |n| usize::from(store.pattern(names[n % 4096].as_bytes()).is_some()));
    time("address filter", &mut |n| {
        let bits = (n as u32).wrapping_mul(2_654_435_761);
        usize::from(store.may_hold_address(std::net::Ipv4Addr::from_bits(bits).into()))
    });
    time("url miss", &mut |n| usize::from(store.url(&[names[n % 4096].as_bytes(), b"/index.html"]).is_some()));
}
