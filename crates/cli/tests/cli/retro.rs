//! What a host touched before it was listed, from outside: told once, whatever happens to the server.

use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::serving::{FIRST, READY, Server, until};

/// Names that hosts ask for, each host its own.
const HOSTS: usize = 1200;

/// What a sensor here saw an hour ago.
fn observe(directory: &Path) {
    let time = Timestamp::now() - SignedDuration::from_hours(1);
    let mut lines = String::new();
    for host in 0..HOSTS {
        let (name, address) = (format!("h{host}.evil.com"), format!("10.0.{}.{}", host / 200, host % 200));
        let line = json!({"observable": "name", "name": name, "host": address, "sensor": "gw", "site": "",
            "first": time, "last": time, "count": 2});
        lines.push_str(&format!("{line}\n"));
    }
    std::fs::create_dir_all(directory.join("log")).unwrap();
    let day = time.strftime("%Y-%m-%d");
    std::fs::write(directory.join(format!("log/observables-{day}.jsonl")), lines).unwrap();
}

/// A new generation with these names.
fn publish(directory: &Path, names: &[String]) {
    std::fs::create_dir_all(directory.join("static/malware")).unwrap();
    std::fs::write(directory.join("static/malware/asyncrat.txt"), names.join("\n")).unwrap();
    let arguments = ["--offline", "--static-dir", "static", "-o", "trails.bin", "-q"];
    crate::update(directory, &arguments).code(0);
}

/// Lines of events that the text logs hold.
fn lines(directory: &Path) -> Vec<String> {
    let files = std::fs::read_dir(directory.join("log")).unwrap().map(|entry| entry.unwrap().path());
    let logs = files.filter(|path| path.extension().is_some_and(|ending| ending == "log"));
    logs.flat_map(|path| std::fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect::<Vec<_>>())
        .collect()
}

/// The health of a server when it has looked at a set of another number than this.
fn looked(server: &Server, cookie: &str, before: u64) -> serde_json::Value {
    until(|| {
        let health = server.ask("GET", "/api/v1/health", cookie, "").text();
        let health: serde_json::Value = serde_json::from_str(&health).map_err(|error| error.to_string())?;
        let retro = health["retro"].clone();
        if retro["generation"].as_u64().is_some_and(|now| now > before) { Ok(retro) } else { Err(health.to_string()) }
    })
}

#[test]
fn what_was_touched_before_it_was_listed_is_told_once_also_after_kill_9() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    observe(path);
    publish(path, &["old.com".to_owned()]);
    let settings = "TRAILS_FILE trails.bin";
    let server = Server::start(path, settings, FIRST);
    let cookie = server.log_in();
    let first = looked(&server, &cookie, 0);
    assert_eq!((&first["wholly_new"], &first["found"]), (&json!(true), &json!(0)));
    let names: Vec<String> = (0..HOSTS).map(|host| format!("h{host}.evil.com")).collect();
    publish(path, &[names.as_slice(), &["old.com".to_owned()]].concat());
    // Killed as soon as the first of them are written; begun again until all are there.
    until(|| if lines(path).is_empty() { Err("nothing yet".to_owned()) } else { Ok(()) });
    drop(server);
    let server = Server::start(path, settings, READY);
    until(|| {
        let written = lines(path).len();
        if written >= HOSTS { Ok(()) } else { Err(format!("{written} lines")) }
    });
    let line = lines(path).into_iter().find(|line| line.contains(" 10.0.1.0 ")).unwrap();
    assert!(
        line.contains("(retro) 10.0.1.0 - - - - DNS h200.evil.com \"asyncrat, seen before it was listed: "),
        "{line}"
    );
    assert!(line.ends_with(" UTC, 2 times (malware)\" (static)"), "{line}");
    // Nothing comes twice, also with the next set.
    let cookie = server.log_in();
    publish(path, &[names.as_slice(), &["old.com".to_owned(), "more.com".to_owned()]].concat());
    let next = looked(&server, &cookie, 0);
    assert_eq!((&next["came"], &next["found"]), (&json!(1), &json!(0)));
    assert_eq!(lines(path).len(), HOSTS);
    assert_eq!(server.end(), 0);
    assert_eq!(lines(path).len(), HOSTS);
}
