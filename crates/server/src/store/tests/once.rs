//! One look at a log directory, alone and beside a server.

use super::*;
use crate::store::Once;

#[test]
fn logs_are_found_alone_and_beside_a_server() {
    let (logs, state) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let events: Vec<Stored> = (0..50).map(sample::stored).collect();
    let journal: String = events
        .iter()
        .map(|stored| event::journal::to_line(&stored.event).unwrap().trim_end().to_owned() + "\n")
        .collect();
    let file = logs.path().join("events-2026-11-20.jsonl");
    std::fs::write(&file, &journal).unwrap();
    let look = || {
        let once = Once::open(logs.path(), state.path(), TimeZone::UTC, now()).unwrap();
        assert_eq!(once.unreadable(), [""; 0]);
        all(once.archive())
    };
    assert_eq!(look(), events);
    assert_eq!(look(), events, "from what was kept");
    // Beside a server that owns the state directory.
    let owner = open(state.path()).unwrap();
    assert_eq!(look(), events);
    drop(owner);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), journal, "the logs are as they were");
    assert_eq!(std::fs::read_dir(logs.path()).unwrap().count(), 1);
    assert!(Once::open(&logs.path().join("none"), state.path(), TimeZone::UTC, now()).is_err());
}
