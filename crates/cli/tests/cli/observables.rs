//! `maltrail observables` on what a sensor wrote, without a server.
use predicates::str::contains;

const LINES: &str = concat!(
    r#"{"observable":"name","name":"www.evil.example","host":"10.0.0.7","sensor":"s","site":"","first":"2026-11-20T10:00:00Z","last":"2026-11-20T10:05:00Z","count":3}"#,
    "\n",
    r#"{"observable":"pair","name":"www.evil.example","address":"192.0.2.1","host":"10.0.0.7","sensor":"s","site":"","first":"2026-11-20T10:00:00Z","last":"2026-11-20T10:05:00Z","count":2}"#,
    "\n",
    r#"{"observable":"address","address":"192.0.2.1","host":"10.0.0.8","sensor":"s","site":"","first":"2026-11-20T11:00:00Z","last":"2026-11-20T11:00:00Z","count":1}"#,
    "\n",
);

fn run(directory: &std::path::Path, arguments: &[&str]) -> assert_cmd::assert::Assert {
    let state = ["--log-dir", "logs", "--state-dir", "state"];
    super::maltrail(directory).arg("observables").args(arguments).args(state).assert()
}

#[test]
fn what_was_seen_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    std::fs::create_dir(path.join("logs")).unwrap();
    std::fs::write(path.join("logs/observables-2026-11-20.jsonl"), LINES).unwrap();
    let times = "2026-11-20T10:00:00Z\t2026-11-20T10:05:00Z";
    let pair = format!("pair\twww.evil.example\t192.0.2.1\t{times}\t2\t1\n");
    let name = format!("name\twww.evil.example\t{times}\t3\t1\nhost\t10.0.0.7\t{times}\t3\n{pair}");
    // Twice: what was read stays read.
    for question in ["www.evil.example", "*.Evil.example", "www.evil.example."] {
        run(path, &[question]).code(0).stdout(name.clone());
    }
    let (time, host) = ("2026-11-20T11:00:00Z", "10.0.0.8");
    let address = format!("address\t192.0.2.1\t{time}\t{time}\t1\t1\nhost\t{host}\t{time}\t{time}\t1\n{pair}");
    run(path, &["192.0.2.0/24"]).code(0).stdout(address);
    run(path, &["--json", "192.0.2.1"]).code(0).stdout(contains(
        r#"{"pair":{"address":"192.0.2.1","count":2,"first":"2026-11-20T10:00:00Z","hosts":1,"last":"2026-11-20T10:05:00Z","name":"www.evil.example"}}"#,
    ));
    std::fs::write(path.join("logs/observables-2026-11-21.jsonl"), LINES.replace("www.", "ftp.")).unwrap();
    run(path, &["--limit", "1", "*.evil.example"]).code(0).stderr(contains("more than 1 values: --limit"));
    let lock = std::fs::File::options().write(true).open(path.join("state/lock")).unwrap();
    lock.lock().unwrap();
    std::fs::write(path.join("logs/observables-2026-11-22.jsonl"), LINES.replace("www.", "new.")).unwrap();
    run(path, &["new.evil.example"]).code(6).stdout("");
    run(path, &["www.evil.example"]).code(0).stdout(name.clone());
    drop(lock);
    run(path, &["new.evil.example"]).code(0);
    run(path, &["absent.example"]).code(6).stdout("");
    run(path, &["192.0.2.0/33"]).code(2).stderr(contains("query: behind the slash"));
    run(path, &["a..b"]).code(2).stderr(contains("query: the name has an empty label"));
    let alone = super::maltrail(path).args(["observables", "--log-dir", "logs", "absent.example"]).assert();
    alone.code(2).stderr(contains("--log-dir needs a --state-dir"));
    std::fs::remove_dir_all(path.join("logs")).unwrap();
    run(path, &["ftp.evil.example"]).code(1).stdout(contains("ftp.evil.example")).stderr(contains("logs"));
}
