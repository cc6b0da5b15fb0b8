//! What a store takes for the files of a log directory: `measure_store LOG_DIR STATE_DIR DAY INDICATOR`.
//!
//! Prints times, and resident memory now and at its peak.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a tool for developers")]

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use server::Scope;
use server::addresses::Local;
use server::condense::ThreatKey;
use server::store::record::Window;
use server::store::{EventStore, Filter, LocalSettings, LocalStore, Query, Seen};

fn memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let of = |key: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(key)).unwrap_or_default();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap_or(0) / 1024
    };
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let ticks: u64 = stat.split(' ').skip(13).take(2).map(|n| n.parse::<u64>().unwrap()).sum();
    format!("{} MB now, {} MB peak, {:.1} s CPU in all", of("VmRSS:"), of("VmHWM:"), ticks as f64 / 100.0)
}

fn timed<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = work();
    println!("{what:44} {:9.1} ms   {}", start.elapsed().as_secs_f64() * 1e3, memory());
    result
}

fn settings(log_dir: &str, state_dir: &str) -> LocalSettings {
    LocalSettings {
        log_dir: log_dir.into(),
        state_dir: state_dir.into(),
        zone: TimeZone::UTC,
        local: Local::default(),
        window: Window { back: SignedDuration::from_hours(24 * 7), ahead: SignedDuration::from_hours(1) },
        retention_days: None,
        retention_bytes: None,
        clock: Arc::new(Timestamp::now),
    }
}

fn count(store: &LocalStore, filter: Filter, most: usize) -> (usize, u64) {
    let (from, to) = (Timestamp::MIN, Timestamp::MAX);
    let query = Query { from, to, scope: Scope::everything(), filter, newest_first: false };
    let mut found = 0;
    let visit = &mut |seen: Seen<'_>| {
        found += usize::from(matches!(seen, Seen::Event(_)));
        if found < most { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    };
    let lines = store.scan(&query, visit).unwrap().lines;
    (found, lines)
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [log_dir, state_dir, day, indicator] = arguments.as_slice() else {
        println!("measure_store LOG_DIR STATE_DIR DAY INDICATOR");
        return;
    };
    let day: Date = day.parse().unwrap();
    let everything = Scope::everything();
    let open = || LocalStore::open(settings(log_dir, state_dir)).unwrap();
    let store = timed("open", open);
    timed("import", || assert!(store.record().settled(Duration::from_secs(3_600))));
    timed("flush", || store.archive().flush().unwrap());
    timed("seal", || store.archive().seal(Timestamp::now()).unwrap());
    timed("condense", || store.archive().condense().unwrap());
    timed("stop", || store.stop().unwrap());
    drop(store);
    let store = timed("open again", open);
    timed("settled again", || assert!(store.record().settled(Duration::from_secs(3_600))));
    for turn in ["first", "second"] {
        let manifest = timed(&format!("manifest, {turn}"), || store.manifest(day, &everything).unwrap());
        let bytes = timed(&format!("its chunks, {turn}"), || {
            let chunks = manifest.chunks.iter().map(|chunk| store.chunk(day, &chunk.name, &everything).unwrap().len());
            chunks.sum::<usize>()
        });
        println!(
            "    {} lines, {} rows, {} chunks, {bytes} bytes",
            manifest.lines,
            manifest.rows,
            manifest.chunks.len()
        );
    }
    println!("    days: {}", timed("days", || store.days(&everything).unwrap()).len());
    let mut first = None;
    for (what, filter) in [
        ("hunt, present indicator", Filter::Indicator(indicator.clone())),
        ("hunt, absent indicator", Filter::Indicator("absent.indicator.example".to_owned())),
        ("hunt, absent address", Filter::Net("203.0.113.77/32".parse().unwrap())),
        ("hunt, network", Filter::Net("10.1.2.0/24".parse().unwrap())),
        ("hunt, text", Filter::Text("jndi:LDAP".to_owned())),
        ("hunt, absent text", Filter::Text("no such text anywhere".to_owned())),
    ] {
        println!("    {:?}", timed(what, || count(&store, filter, usize::MAX)));
    }
    let query = Query {
        from: Timestamp::MIN,
        to: Timestamp::MAX,
        scope: everything.clone(),
        filter: Filter::Indicator(indicator.clone()),
        newest_first: true,
    };
    let _ = store.scan(&query, &mut |seen| match seen {
        Seen::Event(stored) => {
            first = Some(ThreatKey::of(&stored.event).id());
            ControlFlow::Break(())
        }
        Seen::Progress { .. } => ControlFlow::Continue(()),
    });
    if let Some(id) = first {
        println!("    {:?}", timed("events of a threat, first 100", || count(&store, Filter::Threat(id), 100)));
        println!("    {:?}", timed("events of a threat, all", || count(&store, Filter::Threat(id), usize::MAX)));
    }
    let scope = Scope::parse("10.1.0.0/16").unwrap();
    for turn in ["first", "second"] {
        timed(&format!("manifest of a scoped reader, {turn}"), || store.manifest(day, &scope).unwrap());
    }
    timed("days of a scoped reader", || store.days(&scope).unwrap());
}
