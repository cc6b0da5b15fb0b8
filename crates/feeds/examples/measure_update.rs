//! An update from a tree of trail files, as `maltrail update --offline` makes it, and tells its time and memory.
//!
//! `cargo run --profile quick -p feeds --example measure_update -- TREE TRAILS.bin`; once more: with a generation to compare with.
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::indexing_slicing)] // A tool for people.

use std::path::PathBuf;
use std::time::Instant;

use feeds::fetch::{Patience, Stop};
use feeds::gather::Rules;
use feeds::publish::Place;
use feeds::update::{Plan, Step, update};
use jiff::Timestamp;
use trails::Vetoes;

fn main() {
    let paths: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let place = Place::of(&paths[1]);
    let plan = Plan {
        feeds: Vec::new(),
        statics: vec![paths[0].clone()],
        custom: Vec::new(),
        copies: place.copies(),
        place,
        rules: Rules::default(),
        vetoes: Vetoes { bogons: true, ..Vetoes::default() },
        min_ratio: None,
        client: None,
        patience: Patience::default(),
        force: false,
        only_news: false,
        seed: 0,
    };
    let start = Instant::now();
    let mut written = None;
    let done = update(&plan, &|_| None, &Stop::default(), Timestamp::now(), &mut |step| {
        if matches!(step, Step::Writing) {
            written = Some(start.elapsed());
        }
    });
    println!("{} trails in {:?}, {:?} of it reading", done.unwrap().manifest.trails, start.elapsed(), written.unwrap());
    for file in ["/proc/self/status", "/proc/self/stat"] {
        let text = std::fs::read_to_string(file).unwrap();
        match text.lines().find(|line| line.starts_with("VmHWM")) {
            Some(line) => println!("{line}"),
            // User and system time, in ticks.
            None => println!("ticks {:?}", text.split(' ').skip(13).take(2).collect::<Vec<_>>()),
        }
    }
}
