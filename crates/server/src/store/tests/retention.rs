//! Files of the log directory that are older than what is kept.

use std::sync::Arc;

use jiff::SignedDuration;

use super::*;
use crate::addresses::Local;
use crate::store::record::Window;

#[test]
fn files_of_observables_go_with_their_days() {
    let directory = tempfile::tempdir().unwrap();
    let (log_dir, state_dir) = (directory.path().join("log"), directory.path().join("state"));
    std::fs::create_dir(&log_dir).unwrap();
    let file = |day: u32| log_dir.join(format!("observables-2026-11-{day}.jsonl"));
    for day in 17..=21 {
        std::fs::write(file(day), "{}\n").unwrap();
    }
    std::fs::write(log_dir.join("observables-2026-11-17.jsonl.1.gz"), "").unwrap();
    let hour = SignedDuration::from_hours(1);
    let store = LocalStore::open(LocalSettings {
        log_dir: log_dir.clone(),
        state_dir,
        zone: TimeZone::UTC,
        local: Local::default(),
        window: Window { back: hour, ahead: hour },
        retention_days: Some(2),
        retention_bytes: None,
        clock: Arc::new(now),
    });
    let removed = store.unwrap().keep_up().unwrap();
    assert_eq!(removed.files, 3);
    assert_eq!([17, 18, 19, 20, 21].map(|day| file(day).exists()), [false, false, true, true, true]);
    assert_eq!(std::fs::read_dir(log_dir).unwrap().count(), 3);
}
