//! Arguments, configurations, checks without traffic, stores.

use crate::{directory, maltrail, update, write};
use predicates::prelude::*;
use predicates::str::contains;

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
    write(&dir, "maltrail.conf", "CAPTURE_FILTR udp\nHEADER_LOGO ours\n");
    let warned = contains("maltrail.conf:1: there is no setting CAPTURE_FILTR; did you mean CAPTURE_FILTER?");
    let run = |argument: &str| maltrail(dir.path()).args(["sensor", "--dump-config", argument]).assert().code(0);
    run("--offline").stderr(warned.clone().and(contains("1 settings have no effect")));
    run("-v").stderr(warned.and(contains("HEADER_LOGO is accepted, but this version does not use it")));
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
    for command in ["verify", "info", "export"] {
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
    update(dir.path(), &["--offline", "--static-dir", "static", "--custom", "mine", "-o", "t.bin"]).code(0).stdout(
        contains("t.bin: 4 trails, whole")
            .and(contains("kinds     name 2, address:port 1, network 1\nclasses   malware 4\n"))
            .and(contains("lines     5 read, 0 of them listed before, 1 refused\nrefused   1: not a port\n"))
            .and(contains("testbot.txt:3: 192.0.2.1:99999")),
    );
    maltrail(dir.path()).args(["trails", "verify", "t.bin"]).assert().code(0).stdout(contains("whole, 4 trails"));
    let exported = maltrail(dir.path()).args(["trails", "export", "t.bin"]).assert().code(0);
    exported.stdout(
        "evil.example,testbot (malware),(static)\nbad.example,own,(custom)\n192.0.2.1:443,testbot (malware),(static)\n\
         203.0.113.0/24,own,(custom)\n",
    );
    update(dir.path(), &["--offline", "--static-dir", "static", "-o", "t.bin"])
        .code(0)
        .stdout(contains("before    4 trails; name -1, network -1\n"));
}

#[test]
fn check_says_what_lists_it_and_what_would_become_of_it() {
    let dir = directory();
    write(
        &dir,
        "t.csv",
        "evil.org,testbot (malware),(static)\ndyn.net,dynamic domain (suspicious),(static)\n\
         shady.com,odd (suspicious),(static)\nevil.org,known attacker,feed\n192.0.2.1:443,testbot (malware),(static)\n\
         /gate.php?id=,testbot (malware),(static)\nmine.lan,own,(custom)\nprinter.lan,testbot (malware),(static)\n\
         192.0.2.7,known attacker,feed\nhushed.org,testbot (malware),(static)\n",
    );
    write(&dir, "fine.txt", "good.evil.org\n");
    write(&dir, "a.conf", "USER_WHITELIST fine.txt\nTRAILS_FILE t.csv\nIGNORE_EVENTS_REGEX hushed\n");
    let asked = |indicator: &str, wanted: &str| {
        let asserted = maltrail(dir.path()).args(["check", "-c", "a.conf", indicator]).assert().code(0);
        asserted.stdout(contains(wanted));
    };
    let listed =
        "listed: name evil.org: testbot (malware) (static) (+feed) (malware, severity high)\n    by (static) testbot";
    asked("www.evil.org", listed);
    asked("www.evil.org", "a packet with this name: reported as DNS www.evil.org, testbot (malware)");
    asked("good.evil.org", "not reported: USER_WHITELIST");
    asked("hushed.org", "not reported: USER_IGNORELIST or IGNORE_EVENTS_REGEX");
    asked("dyn.net", "dyn.net does not count here: it is the provider's own site");
    asked("home.dyn.net", "a packet with this name: reported as DNS home.dyn.net");
    asked("ns1.shady.com", "shady.com does not count here: it is a server that any provider has");
    asked("printer.lan", "printer.lan does not count here: its last label is one of local networks");
    asked("mine.lan", "your own)\n  a packet with this name: reported");
    asked("http://any.net/x/gate.php?id=7", "an HTTP request for it: reported as PATH any.net");
    asked("192.0.2.1:443", "a connection to it: reported as IPORT 192.0.2.1:443, testbot (malware)");
    asked("192.0.2.7", "a connection to it: not reported\n  a connection from it: reported");
    asked("fine.example", "fine.example\n  not listed\n");
    asked("...", "no indicator: ");
    let json = maltrail(dir.path()).args(["check", "--json", "--trails", "t.csv", "dyn.net", "?"]).assert().code(0);
    let text = String::from_utf8(json.get_output().stdout.clone()).unwrap();
    let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[0]["listed"][0]["class"], "dynamic_dns");
    assert_eq!(lines[0]["tried"][0]["fate"], "not reported");
    assert_eq!(lines[0]["excused"][0]["trail"], "dyn.net");
    assert!(lines[1]["problem"].is_string() && lines.len() == 2, "{text}");
}

#[test]
fn updates_that_cannot_be_made() {
    let dir = directory();
    std::fs::create_dir(dir.path().join("empty")).unwrap();
    for (line, code, want) in [
        ("update --offline", 3, "nothing to build from"),
        ("update --offline --static-dir none", 1, "none"),
        ("update --offline --static-dir empty", 3, "not one indicator"),
        ("check x.example --trails none.bin", 3, "none.bin"),
    ] {
        // Last good copies of feeds may lie on this machine.
        let mut command = maltrail(dir.path());
        command.env("MALTRAIL_USE_FEED_UPDATES", "false").args(line.split(' '));
        command.assert().code(code).stderr(contains(want));
    }
    assert!(!dir.path().join(".local").exists(), "nothing was written");
}
