//! The program from outside: arguments, exit statuses, what is printed where.

#![allow(clippy::unwrap_used)] // helpers of tests may stop the test

use std::path::Path;

use assert_cmd::Command;
use predicates::prelude::*;
use predicates::str::contains;
use tempfile::TempDir;

/// The program in an empty directory and environment.
fn maltrail(directory: &Path) -> Command {
    let mut command = Command::cargo_bin("maltrail").unwrap();
    command.current_dir(directory).env_clear().env("HOME", directory);
    command
}

fn directory() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn write(directory: &TempDir, name: &str, text: &str) {
    std::fs::write(directory.path().join(name), text).unwrap();
}

#[test]
fn version_and_help() {
    let dir = directory();
    maltrail(dir.path()).arg("--version").assert().code(0).stdout(contains("maltrail 0.1.0"));
    maltrail(dir.path()).arg("--help").assert().code(0).stdout(contains("Exit status:"));
    maltrail(dir.path())
        .args(["sensor", "--help"])
        .assert()
        .code(0)
        .stdout(contains("maltrail sensor -T -c maltrail.conf"));
    maltrail(dir.path()).assert().code(2);
}

#[test]
fn wrong_arguments_end_with_2() {
    let dir = directory();
    for line in [
        "sensor --no-such",
        "sensor -r x -i y",
        "sensor -q --console",
        "sensor -q -v",
        "nothing",
        "sensor --color blue",
    ] {
        maltrail(dir.path()).args(line.split(' ')).assert().code(2).stderr(contains("--help"));
    }
}

#[test]
fn wrong_configurations_end_with_2_and_name_the_line() {
    let dir = directory();
    write(&dir, "a.conf", "SITE x\nHTTP_PORT 0\n");
    maltrail(dir.path())
        .args(["sensor", "-c", "a.conf", "-q"])
        .assert()
        .code(2)
        .stderr(contains("a.conf:2: HTTP_PORT: '0' is not a number from 1 to 65535"));
    maltrail(dir.path())
        .args(["sensor", "-c", "none.conf"])
        .assert()
        .code(2)
        .stderr(contains("cannot read configuration file"));
    maltrail(dir.path())
        .args(["sensor", "--workers", "many"])
        .assert()
        .code(2)
        .stderr(contains("--workers: 'many' is not"));
    write(&dir, "b.conf", "USER_WHITELIST none.txt\n");
    maltrail(dir.path()).args(["sensor", "-c", "b.conf"]).assert().code(2).stderr(contains("none.txt: No such file"));
}

#[test]
fn unknown_settings_are_warned_of_with_a_suggestion() {
    let dir = directory();
    write(&dir, "maltrail.conf", "CAPTURE_FILTR udp\nLOG_SERVER a:1\n");
    let warned = contains("maltrail.conf:1: there is no setting CAPTURE_FILTR; did you mean CAPTURE_FILTER?");
    let run = |argument: &str| maltrail(dir.path()).args(["sensor", "--dump-config", argument]).assert().code(0);
    run("--offline").stderr(warned.clone().and(contains("1 settings have no effect")));
    run("-v").stderr(warned.and(contains("LOG_SERVER is accepted, but this version does not use it")));
    run("-q").stderr("");
}

#[test]
fn dumps_read_back() {
    let dir = directory();
    write(&dir, "a.conf", "SITE hq\nMONITOR_INTERFACE eth7\nUSERS\n  a:b:0:\n");
    let dump = |file: &str| {
        let mut command = maltrail(dir.path());
        command.args([
            "sensor",
            "--dump-config",
            "--log-dir",
            "logs",
            "--trails",
            "t.csv",
            "--workers",
            "3",
            "-c",
            file,
        ]);
        String::from_utf8(command.assert().code(0).get_output().stdout.clone()).unwrap()
    };
    let first = dump("a.conf");
    assert!(
        first.contains("\nSITE hq    # line 1\n") && first.contains("\nCAPTURE_WORKERS 3    # argument\n"),
        "{first}"
    );
    write(&dir, "b.conf", &first);
    let plain = |text: &str| {
        text.lines()
            .filter(|line| !line.starts_with("# "))
            .map(|line| line.split("    #").next().unwrap().to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(plain(&dump("b.conf")), plain(&first));
}

#[test]
fn the_environment_wins_over_the_file() {
    let dir = directory();
    write(&dir, "a.conf", "SITE hq\n");
    maltrail(dir.path())
        .env("MALTRAIL_SITE", "lab")
        .env("MALTRAIL_ROOT", "/somewhere")
        .args(["sensor", "--dump-config", "-c", "a.conf"])
        .assert()
        .code(0)
        .stdout(contains("SITE lab    # MALTRAIL_SITE"))
        .stderr("");
}

#[test]
fn a_test_of_a_replay_passes() {
    let dir = directory();
    write(&dir, "t.csv", "evil.example,test (malware),(static)\n");
    write(&dir, "x.pcap", "");
    write(&dir, "a.conf", "TRAILS_FILE t.csv\nLOG_DIR logs\n");
    maltrail(dir.path()).args(["sensor", "-T", "-c", "a.conf", "-r", "x.pcap"]).assert().code(0).stdout(
        contains("\nSENSOR_NAME ")
            .and(contains("ok   trails: 1 rows in "))
            .and(contains("ok   filter: none, everything is seen"))
            .and(contains("ok   capture file: x.pcap"))
            .and(contains("logs will be made")),
    );
    assert!(!dir.path().join("logs").exists(), "a test leaves nothing behind");
}

#[test]
fn a_test_says_what_fails_and_ends_as_the_sensor_would() {
    let dir = directory();
    write(&dir, "t.csv", "evil.example,test (malware),(static)\n");
    write(&dir, "empty.csv", "\n");
    write(&dir, "file", "");
    write(&dir, "x.pcap", "");
    for (line, code, want) in [
        ("--trails none.csv -r x.pcap", 3, "FAIL trails: cannot read"),
        ("--trails none.bin -r x.pcap", 3, "FAIL trails: cannot read trails file"),
        ("--trails empty.csv -r x.pcap", 3, "FAIL trails: "),
        (
            "--trails t.csv -r x.pcap --filter udp",
            0,
            "warn filter: CAPTURE_FILTER `udp` hides TCP connection requests (SYN), HTTP, TLS",
        ),
        ("--trails t.csv -r x.pcap --filter udpp", 2, "FAIL filter: `udpp`"),
        ("--trails t.csv -r none.pcap", 1, "FAIL capture file: cannot read none.pcap"),
        // A file stands where the directory should be made.
        ("--trails t.csv -r x.pcap --log-dir file/logs", 1, "FAIL log directory: cannot write to "),
        ("--trails t.csv -i no-such-if", 4, "FAIL interface: there is no no-such-if; there are: "),
        ("--trails t.csv -r x.pcap --workers x", 2, "FAIL configuration: --workers: 'x' is not"),
    ] {
        let asserted = maltrail(dir.path()).args(["sensor", "-T"]).args(line.split(' ')).assert();
        asserted.code(code).stdout(contains(want));
    }
}

#[test]
fn stores_that_are_none_end_with_3() {
    let dir = directory();
    for command in ["verify", "info"] {
        let missing = maltrail(dir.path()).args(["trails", command, "none.bin"]).assert();
        missing.code(3).stderr(contains("cannot read trails file none.bin"));
    }
}

#[test]
fn documents() {
    let dir = directory();
    maltrail(dir.path()).args(["generate", "config-reference"]).assert().code(0).stdout(contains("### CAPTURE_FILTER"));
    maltrail(dir.path()).args(["generate", "config-example"]).assert().code(0).stdout(contains("#CAPTURE_FILTER\n"));
}

#[test]
fn a_store_is_built_and_asked() {
    let dir = directory();
    std::fs::create_dir_all(dir.path().join("static/malware")).unwrap();
    std::fs::create_dir_all(dir.path().join("mine")).unwrap();
    write(&dir, "static/malware/testbot.txt", "evil.example\n192.0.2.1:443\n192.0.2.1:99999\n");
    write(&dir, "mine/own.txt", "bad.example\n203.0.113.0/24\n");
    write(&dir, "fine.txt", "good.evil.example\n");
    write(&dir, "a.conf", "USER_WHITELIST fine.txt\nTRAILS_FILE t.bin\n");
    maltrail(dir.path())
        .args(["update", "--offline", "--static-dir", "static", "--custom", "mine", "-o", "t.bin"])
        .assert()
        .code(0)
        .stdout(
            contains("1 refused: ")
                .and(contains("testbot.txt:3: 192.0.2.1:99999"))
                .and(contains("t.bin: 4 trails, whole")),
        );
    maltrail(dir.path()).args(["trails", "verify", "t.bin"]).assert().code(0).stdout(contains("whole, 4 trails"));
    maltrail(dir.path())
        .args([
            "check",
            "-c",
            "a.conf",
            "www.evil.example",
            "good.evil.example",
            "fine.example",
            "192.0.2.1:443",
            "203.0.113.9",
        ])
        .assert()
        .code(0)
        .stdout(
            contains("www.evil.example\n  listed: evil.example: testbot (malware) (static)")
                .and(contains("good.evil.example\n  on the USER_WHITELIST"))
                .and(contains("fine.example\n  not listed"))
                .and(contains("192.0.2.1 port 443: testbot (malware)"))
                .and(contains("a network /24 around 203.0.113.9: own (custom)")),
        );
}

#[test]
fn updates_that_cannot_be_made() {
    let dir = directory();
    std::fs::create_dir(dir.path().join("empty")).unwrap();
    for (line, code, want) in [
        ("update", 2, "--offline"),
        ("update --offline", 3, "nothing to build from"),
        ("update --offline --static-dir none", 1, "none"),
        ("update --offline --static-dir empty", 3, "not one indicator"),
        ("check x.example --trails none.bin", 3, "none.bin"),
    ] {
        maltrail(dir.path()).args(line.split(' ')).assert().code(code).stderr(contains(want));
    }
    assert!(!dir.path().join(".local").exists(), "nothing was written");
}
