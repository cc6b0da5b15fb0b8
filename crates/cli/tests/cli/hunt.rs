//! `maltrail hunt` and `maltrail events` on logs, without a server and beside one.

use std::io::Write as _;

use predicates::str::contains;

use crate::serving::{FIRST, Server, until};

const LINES: &str = concat!(
    "\"2026-11-20 10:00:00.000000\" gw 10.0.0.5 40000 8.8.8.8 53 UDP DNS (www).evil.example \"asyncrat (malware)\" (static)\n",
    "\"2026-11-20 11:00:00.000000\" gw 10.0.0.6 40001 8.8.8.8 53 UDP DNS bad.example \"known attacker\" (static)\n",
);

fn run(directory: &std::path::Path, arguments: &[&str]) -> assert_cmd::assert::Assert {
    super::maltrail(directory).args(arguments).args(["--log-dir", "logs", "--state-dir", "state"]).assert()
}

#[test]
fn events_of_logs_are_found() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    std::fs::create_dir(path.join("logs")).unwrap();
    std::fs::write(path.join("logs/2026-11-20.log"), LINES).unwrap();
    let lines: Vec<&str> = LINES.split_inclusive('\n').collect();
    run(path, &["hunt", "www.evil.example"]).code(0).stdout(lines[0].to_owned());
    run(path, &["hunt", "src:10.0.0.0/24", "info:attacker"]).code(0).stdout(lines[1].to_owned());
    run(path, &["events", "--day", "2026-11-20"]).code(0).stdout(LINES);
    run(path, &["events", "--from", "2026-11-20T10:30:00Z"]).code(0).stdout(lines[1].to_owned());
    run(path, &["events", "--limit", "1"]).code(0).stdout(lines[0].to_owned()).stderr(contains("more than 1"));
    run(path, &["hunt", "--json", "bad.example"]).code(0).stdout(contains("\"info\":\"known attacker\""));
    run(path, &["hunt", "nowhere"]).code(6).stdout("");
    run(path, &["events", "--day", "2026-11-19"]).code(6);
    run(path, &["hunt", "a", "("]).code(2).stderr(contains("query: at character 4"));
    run(path, &["events", "--from", "yesterday"]).code(2).stderr(contains("--from"));
    std::fs::remove_dir_all(path.join("logs")).unwrap();
    run(path, &["events"]).code(1).stderr(contains("logs"));
}

#[test]
fn a_running_server_is_asked_for_nothing_and_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let log = path.join("log/2026-11-20.log");
    std::fs::create_dir(path.join("log")).unwrap();
    std::fs::write(&log, LINES).unwrap();
    let server = Server::start(path, "", FIRST);
    let cookie = server.log_in();
    until(|| {
        let events = server.ask("GET", "/events?date=2026-11-20", &cookie, "").text();
        if events == LINES { Ok(()) } else { Err(events) }
    });
    // Nothing is copied: there is no place for it.
    let look = |arguments: &[&str]| {
        let mut command = super::maltrail(path);
        command.env("TMPDIR", path.join("none")).args(arguments).args(["-c", "server.conf"]).assert()
    };
    let lines: Vec<&str> = LINES.split_inclusive('\n').collect();
    look(&["events"]).code(0).stdout(LINES).stderr("");
    look(&["hunt", "bad.example", "--from", "2026-11-20"]).code(0).stdout(lines[1].to_owned());
    // What the server may not have seen yet.
    let late = lines[1].replace("bad.example", "late.example");
    std::fs::OpenOptions::new().append(true).open(&log).unwrap().write_all(late.as_bytes()).unwrap();
    look(&["hunt", "late.example"]).code(0).stdout(late.clone());
    assert_eq!(server.end(), 0);
    look(&["events"]).code(0).stdout(format!("{LINES}{late}"));
}

#[test]
fn logs_that_are_named_alone_are_not_mixed_with_others() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let lines: Vec<&str> = LINES.split_inclusive('\n').collect();
    for (name, line) in ["one", "two"].into_iter().zip(&lines) {
        std::fs::create_dir(path.join(name)).unwrap();
        std::fs::write(path.join(name).join("2026-11-20.log"), line).unwrap();
    }
    for (name, line) in ["one", "two"].into_iter().zip(&lines) {
        let mut command = super::maltrail(path);
        command.env("MALTRAIL_STATE_DIR", path.join("state")).args(["events", "--log-dir", name]);
        command.assert().code(0).stdout((*line).to_owned());
    }
    assert!(!path.join("state").exists(), "nothing is kept of them");
}
