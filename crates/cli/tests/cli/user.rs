//! `maltrail user`.

fn user(directory: &std::path::Path, line: &str, input: &str) -> std::process::Output {
    let config = directory.join("m.conf");
    std::fs::write(&config, format!("STATE_DIR {}/state\n", directory.display())).unwrap();
    let mut words = line.split_whitespace();
    let action = words.next().unwrap();
    let mut command = assert_cmd::Command::cargo_bin("maltrail").unwrap();
    command.args(["user", action, "-c"]).arg(&config).args(words).write_stdin(input.to_owned());
    command.output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn accounts_are_made_listed_changed_and_removed() {
    let directory = tempfile::tempdir().unwrap();
    let run = |line: &str, input: &str| user(directory.path(), line, input);
    assert!(text(&run("list", "").stdout).contains("no accounts yet"));
    let made = run("add anna --admin", "");
    assert_eq!(made.status.code(), Some(0), "{}", text(&made.stderr));
    assert!(text(&made.stdout).contains("shown once"));
    let piped = run("add bert --networks 10.0.0.0/8 --password-stdin", "a long password\n");
    assert_eq!((piped.status.code(), text(&piped.stdout)), (Some(0), String::new()), "nothing to show");
    let list = text(&run("list", "").stdout);
    assert!(list.contains("anna") && list.contains("administrator") && list.contains("10.0.0.0/8"), "{list}");
    let json = text(&run("list --json", "").stdout);
    assert!(json.contains(r#""name":"bert""#) && !json.contains("argon2"), "no hashes: {json}");
    assert_eq!(run("set bert --networks 192.0.2.0/24", "").status.code(), Some(0));
    assert!(text(&run("list", "").stdout).contains("192.0.2.0/24"));
    assert_eq!(run("passwd bert", "").status.code(), Some(0));
    assert_eq!(run("remove bert", "").status.code(), Some(0));
    assert!(!text(&run("list", "").stdout).contains("bert"));
}

#[test]
fn only_errors_of_a_configuration_are_errors() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    std::fs::write(path.join("m.conf"), "NO_SUCH_KEY 1\nHTTP_PORT 0\nUDP_PORT 0\n").unwrap();
    for line in ["user list", "hunt x", "check x", "update --offline"] {
        let mut words: Vec<&str> = line.split(' ').collect();
        let place = if words[0] == "user" { 2 } else { 1 };
        words.splice(place..place, ["-c", "m.conf"]);
        let output = crate::maltrail(path).args(&words).output().unwrap();
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{line}: {said}");
        let lines: Vec<&str> = said.lines().collect();
        assert!(lines.len() == 2 && lines.iter().all(|l| l.starts_with("maltrail: error: ")), "{line}: {said}");
    }
}

#[test]
fn what_cannot_be_done_is_said() {
    let directory = tempfile::tempdir().unwrap();
    let run = |line: &str, input: &str| user(directory.path(), line, input);
    run("add anna --admin", "");
    for (line, input, said) in [
        ("add anna", "", "already"),
        ("remove bert", "", "no account `bert`"),
        ("remove anna", "", "last administrator"),
        ("set anna --admin false", "", "last administrator"),
        ("add carl --password-stdin", "short\n", "10 characters"),
        ("add carl --networks here", "", "`here` is no address"),
        ("add c:d", "", "a name has"),
    ] {
        let output = run(line, input);
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{line}: {error}");
        assert!(error.contains(said), "{line}: {error}");
    }
}
