//! `maltrail server`: a day of another program's log, served; and ended by a signal.

use std::process::Command;

use crate::serving::{FIRST, Server, command, free_port, until};

const LINES: &str = "\"2026-11-20 10:00:00.000001\" gw 10.1.0.5 40000 9.9.9.9 53 UDP DNS (www).evil.example \"quietfox (malware)\" (static)\n\
    \"2026-11-20 10:00:01.000001\" gw 10.1.0.6 40001 9.9.9.9 53 UDP DNS evil.example \"quietfox (malware)\" (static)\n";

#[test]
fn a_log_of_another_program_is_served_and_kept() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir(directory.path().join("log")).unwrap();
    std::fs::write(directory.path().join("log/2026-11-20.log"), LINES).unwrap();
    let server = Server::start(directory.path(), "", FIRST);
    assert!(server.said().contains("changeme!"), "{}", server.said());
    assert_eq!(server.ask("GET", "/events?date=2026-11-20", "", "").status, 401);
    let cookie = server.log_in();
    let events = until(|| {
        let events = server.ask("GET", "/events?date=2026-11-20", &cookie, "").text();
        if events.contains("10.1.0.6") { Ok(events) } else { Err(events) }
    });
    assert_eq!(events, LINES);
    // A second one on the same directories is refused.
    let second = command(directory.path(), "", free_port()).output().unwrap();
    assert_eq!(second.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&second.stderr).contains("in use by another server"));
    assert_eq!(server.end(), 0);
    assert!(std::fs::read_dir(directory.path().join("state/segments")).unwrap().count() > 2, "written at the end");
}

#[test]
fn what_is_wrong_is_said_and_nothing_runs() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("m.conf");
    for (text, said) in [
        ("UDP_ADDRESS 0.0.0.0\n", "UDP_ALLOWLIST"),
        ("HTTP_ADDRESS no.such.host.invalid\n", "HTTP_ADDRESS"),
        ("USERS\n    anna:nohash:0:\n", "no hash of a password"),
    ] {
        std::fs::write(&file, format!("{text}STATE_DIR state\nLOG_DIR log\n")).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_maltrail"));
        let output = command.args(["server", "-c"]).arg(&file).current_dir(directory.path()).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(matches!(output.status.code(), Some(1 | 2)), "{error}");
        assert!(error.contains(said), "{error}");
    }
}
