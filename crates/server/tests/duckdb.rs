//! Other programs read segments. Needs Python with the duckdb module (`make test` brings it); says so where it is not.
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test")]

use std::path::Path;
use std::process::Command;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use server::addresses::Local;
use server::store::{Archive, ArchiveSettings, SourceId, Stored};

const EVENTS: u64 = 3_000;
/// Exit status of the script without its module.
const NO_MODULE: i32 = 77;

fn event(n: u64) -> Stored {
    let time: Timestamp = "2026-11-18T00:00:00.000001Z".parse().unwrap();
    let time = time + SignedDuration::from_secs(i64::try_from(n * 40).unwrap());
    let line = format!(
        r#"{{"v":1,"id":"{n:08}","time":"{time}","last":"{time}","sensor":"s{}","src":["10.0.0.{}"],"dst":["192.0.2.7"],
        "protocol":17,"kind":"DNS","observed":{{"text":"a{}.evil.example"}},"indicator":"a{}.evil.example","count":{},
        "severity":"high"}}"#,
        n % 3,
        n % 200,
        n % 500,
        n % 500,
        1 + n % 4
    );
    Stored { event: event::journal::parse(&line.replace('\n', " ")).unwrap(), line: None }
}

#[test]
fn duckdb_reads_segments() {
    let directory = tempfile::tempdir().unwrap();
    let settings =
        ArchiveSettings { state_dir: directory.path().to_owned(), zone: TimeZone::UTC, local: Local::default() };
    let archive = Archive::open(settings, Timestamp::UNIX_EPOCH).unwrap();
    archive.absorb(&SourceId("a".into()), EVENTS, (0..EVENTS).map(event).collect()).unwrap();
    archive.flush().unwrap();
    archive.seal("2026-11-20T12:00:00Z".parse().unwrap()).unwrap();
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let own = here.join("../../target/python/bin/python3");
    let python = if own.exists() { own } else { "python3".into() };
    let files = directory.path().join("segments/*.parquet");
    let run = Command::new(python)
        .arg(here.join("tests/duckdb.py"))
        .arg(files)
        .args(["a7.evil.example", "10.0.0.7"])
        .env("PYTHONSAFEPATH", "1")
        .output();
    let output = match run {
        Ok(output) if output.status.code() == Some(NO_MODULE) => {
            eprintln!("not tested: Python has no module duckdb; `make test` brings it");
            return;
        }
        Err(error) => {
            eprintln!("not tested: there is no Python ({error}); `make test` brings what it needs");
            return;
        }
        Ok(output) => output,
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let number = |key: &str| told.get(key).and_then(serde_json::Value::as_u64);
    let first = event(0).event.time.as_microsecond();
    let last = event(EVENTS - 1).event.time.as_microsecond();
    assert_eq!(number("lines"), Some(EVENTS));
    assert_eq!(number("events"), Some((0..EVENTS).map(|n| 1 + n % 4).sum()));
    assert_eq!((number("first"), number("last")), (u64::try_from(first).ok(), u64::try_from(last).ok()));
    assert_eq!((number("sensors"), number("indicator"), number("source")), (Some(3), Some(6), Some(15)));
    assert_eq!((number("below"), number("threats")), (Some(EVENTS), Some(1_000)));
    let columns = told.get("columns").unwrap().as_array().unwrap();
    for name in ["id", "time", "src", "dst", "indicator", "severity", "threat"] {
        assert!(columns.iter().any(|column| column == name), "{name}");
    }
}
