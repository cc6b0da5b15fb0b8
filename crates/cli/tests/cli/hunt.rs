//! `maltrail hunt` and `maltrail events` on logs, without a server.
use predicates::str::contains;

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
