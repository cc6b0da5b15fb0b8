//! Replays: events, logs, totals, workers, filters, pipes, reloads.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::process::Stdio;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::time::Duration;

use predicates::prelude::*;
use predicates::str::contains;
use testkit::capture::{self, Recorded};
use testkit::traffic::day::{self, Plan};

use crate::{MIDNIGHT, TRAILS, connection, directory, maltrail, query, three, write};

const LINES: &str = "\
2023-11-15 00:00:01.000 HIGH   DNS    10.0.0.5:40000 -> 9.9.9.9:53                    www.evil.org  testbot (malware)  (static)
2023-11-15 00:00:03.000 HIGH   IPORT  10.0.0.6:50000 -> 192.0.2.66:4444               192.0.2.66:4444  testbot (malware)  (static)
";

#[test]
fn events_and_totals_are_printed_and_nothing_is_written() {
    let dir = directory();
    write(&dir, "t.csv", TRAILS);
    write(&dir, "x.pcap", three());
    let asserted = maltrail(dir.path()).args(["sensor", "-r", "x.pcap", "--trails", "t.csv"]).assert().code(0);
    let out = String::from_utf8(asserted.get_output().stdout.clone()).unwrap();
    let (totals, time) = out.strip_prefix(LINES).unwrap().split_once("time ").unwrap();
    assert_eq!(
        totals,
        "captured  2023-11-15 00:00:01 to 2023-11-15 00:00:03 (2.000 s)\n\
         packets   3 (202 bytes): 3 decoded\n\
         findings  2: 2 reported at once\n\
         events    2: 2 high\n\
         trails    2\n"
    );
    assert!(time.contains(" packets/s, "), "{time}");
    let quiet = maltrail(dir.path()).args(["sensor", "-q", "-r", "x.pcap", "--trails", "t.csv"]).assert().code(0);
    quiet.stdout("").stderr("");
    let mut names: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["t.bin", "t.csv", "x.pcap"]);
}

#[test]
fn the_console_is_coloured_where_that_is_wanted() {
    let dir = directory();
    write(&dir, "t.csv", TRAILS);
    write(&dir, "x.pcap", three());
    let run = |argument: &str, no_color: &str| {
        let mut command = maltrail(dir.path());
        command.env("NO_COLOR", no_color).args(["sensor", "-r", "x.pcap", "--trails", "t.csv", argument]);
        String::from_utf8(command.assert().code(0).get_output().stdout.clone()).unwrap()
    };
    assert!(run("--console", "").contains("\x1b[31mHIGH  \x1b[0m"));
    assert!(run("--color=always", "1").contains("\x1b[31mHIGH  \x1b[0m"));
    assert!(!run("--console", "1").contains('\x1b'));
    assert!(!run("--color=never", "").contains('\x1b'));
}

#[test]
fn logs_are_written_where_somebody_names_a_directory() {
    let dir = directory();
    write(&dir, "t.csv", TRAILS);
    write(&dir, "x.pcap", three());
    write(&dir, "a.conf", "LOG_DIR of-file\nTRAILS_FILE t.csv\nSENSOR_NAME gw\nSITE hq\n");
    for (directory, arguments) in
        [("of-file", ["-c", "a.conf", "-q"].as_slice()), ("given", &["-c", "a.conf", "--log-dir", "given", "-q"])]
    {
        maltrail(dir.path()).args(["sensor", "-r", "x.pcap"]).args(arguments).assert().code(0).stdout("");
        let log = fs::read_to_string(dir.path().join(directory).join("2023-11-15.log")).unwrap();
        assert_eq!(
            log,
            "\"2023-11-15 00:00:01.000000\" gw 10.0.0.5 40000 9.9.9.9 53 UDP DNS (www).evil.org \"testbot (malware)\" (static)\n\
             \"2023-11-15 00:00:03.000000\" gw 10.0.0.6 50000 192.0.2.66 4444 TCP IPORT 192.0.2.66:4444 \"testbot (malware)\" (static)\n"
        );
        let journal = fs::read_to_string(dir.path().join(directory).join("events-2023-11-15.jsonl")).unwrap();
        let events: Vec<serde_json::Value> = journal.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(events.len(), 2, "{journal}");
        assert_eq!(events[0]["observed"], serde_json::json!({ "text": "www.evil.org", "matched": [[4, 12]] }));
        assert_eq!(
            [&events[0]["time"], &events[0]["sensor"], &events[0]["site"], &events[0]["indicator"]],
            ["2023-11-15T00:00:01Z", "gw", "hq", "evil.org"]
        );
        assert_eq!(events[1]["dst_ports"], serde_json::json!([4444]));
    }
    let names = || fs::read_dir(dir.path()).unwrap().count();
    let before = names();
    fs::copy(dir.path().join("a.conf"), dir.path().join("maltrail.conf")).unwrap();
    fs::remove_dir_all(dir.path().join("of-file")).unwrap();
    maltrail(dir.path()).args(["sensor", "-r", "x.pcap", "-q"]).assert().code(0);
    assert_eq!(names(), before, "a maltrail.conf that happens to lie there brings no logs");
}

#[test]
fn a_filter_touches_a_replay_only_with_the_argument() {
    let dir = directory();
    write(&dir, "t.csv", TRAILS);
    write(&dir, "x.pcap", three());
    write(&dir, "a.conf", "CAPTURE_FILTER tcp\nTRAILS_FILE t.csv\nDISABLE_LOCAL_LOG_STORAGE true\n");
    let run = |arguments: &[&str]| {
        let mut command = maltrail(dir.path());
        let asserted = command.args(["sensor", "-r", "x.pcap", "-c", "a.conf"]).args(arguments).assert().code(0);
        String::from_utf8(asserted.get_output().stdout.clone()).unwrap()
    };
    assert!(run(&[]).contains("packets   3 (202 bytes): 3 decoded\n"));
    assert!(run(&["--filter"]).contains("1 decoded, 2 left out by the filter\nfindings  1: "));
    assert!(run(&["--filter", "udp"]).contains("2 decoded, 1 left out by the filter\nfindings  1: "));
    let wrong = maltrail(dir.path()).args(["sensor", "-r", "x.pcap", "-c", "a.conf", "--filter", "udpp"]).assert();
    wrong.code(2).stderr(contains("CAPTURE_FILTER `udpp` is not a valid filter").and(contains("pcap-filter(7)")));
}

#[test]
fn any_number_of_workers_prints_the_same() {
    let dir = directory();
    write(&dir, "t.csv", day::TRAILS);
    let frames = day::frames(Plan { seed: 3, midnight: packet::Micros(MIDNIGHT), visits: 200 });
    write(&dir, "day.pcap", capture::file(&frames));
    let run = |workers: &str| {
        let mut command = maltrail(dir.path());
        command.args(["sensor", "-r", "day.pcap", "--trails", "t.csv", "--workers", workers]);
        let out = String::from_utf8(command.assert().code(0).get_output().stdout.clone()).unwrap();
        out.split_once("\ntime ").unwrap().0.to_string()
    };
    let one = run("1");
    assert!(one.lines().count() > 20, "{one}");
    for workers in ["2", "4", "8"] {
        assert_eq!(run(workers), one, "{workers} workers");
    }
}

#[test]
fn files_directories_and_standard_input_in_every_form() {
    let dir = directory();
    write(&dir, "t.csv", TRAILS);
    fs::create_dir(dir.path().join("d")).unwrap();
    let frames: [Recorded; 3] = [query(1, "www.evil.org"), query(2, "www.fine.org"), connection(3)];
    write(&dir, "d/a.pcap", capture::file(&frames[..1]));
    write(&dir, "d/b.pcapng", capture::pcapng(&frames[1..2]));
    write(&dir, "c.pcap", capture::file(&frames[2..]));
    let run = |arguments: &[&str], input: Vec<u8>| {
        let mut command = maltrail(dir.path());
        let asserted = command.args(["sensor", "--trails", "t.csv"]).args(arguments).write_stdin(input).assert();
        String::from_utf8(asserted.code(0).get_output().stdout.clone()).unwrap()
    };
    let several = run(&["-r", "d", "-r", "c.pcap"], Vec::new());
    assert!(several.starts_with(LINES) && several.contains("\ncaptures  3: 3 read\n"), "{several}");
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(&capture::pcapng(&frames)).unwrap();
    for input in [capture::file(&frames), capture::pcapng(&frames), packed.finish().unwrap()] {
        assert!(run(&["-r", "-"], input).starts_with(LINES));
    }
}

/// What a pipe brings is told at once, and a changed CSV is built by another process while the old trails serve.
#[test]
fn a_pipe_is_followed_and_trails_are_reloaded_by_a_child() {
    let dir = directory();
    write(&dir, "t.csv", TRAILS);
    let mut sensor = std::process::Command::new(env!("CARGO_BIN_EXE_maltrail"))
        .args(["sensor", "-r", "-", "--trails", "t.csv", "-v"])
        .current_dir(dir.path())
        .env_clear()
        .env("TZ", "UTC")
        .env("HOME", dir.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let _watched = watched(&sensor);
    let mut input = sensor.stdin.take().unwrap();
    let mut events = BufReader::new(sensor.stdout.take().unwrap()).lines().map(Result::unwrap);
    let errors = BufReader::new(sensor.stderr.take().unwrap());
    let (say, messages) = mpsc::channel();
    let reader = std::thread::spawn(move || errors.lines().map_while(Result::ok).try_for_each(|line| say.send(line)));
    input.write_all(&capture::file(&[query(1, "www.evil.org")])).unwrap();
    assert!(events.next().unwrap().contains("www.evil.org"), "told while the pipe is open");
    let store = || fs::metadata(dir.path().join("t.bin")).unwrap().ino();
    let first = store();
    write(&dir, "t.new", format!("{TRAILS}late.org,testbot (malware),(static)\n192.0.2.1:99999,x,y\nonly one\n"));
    fs::rename(dir.path().join("t.new"), dir.path().join("t.csv")).unwrap();
    signal(&sensor, "-HUP");
    // A request is seen to after the packet that comes next, and so is the end of the process that builds.
    let header = capture::file(&[]).len();
    let mut seconds = 2;
    let mut said: Vec<String> = Vec::new();
    while !said.iter().any(|line| line.contains("3 trails in use now, 2 before")) {
        let packet = &capture::file(&[query(seconds, "www.fine.org")])[header..];
        assert!(input.write_all(packet).is_ok(), "ended, or not reloaded in time: {said:?}");
        seconds += 1;
        std::thread::yield_now();
        said.extend(messages.try_iter());
    }
    assert_ne!(store(), first, "built anew");
    let refused = "t.csv are no trails and were left out: 1 ";
    assert!(said.iter().any(|line| line.contains(refused)), "{said:?}");
    input.write_all(&capture::file(&[query(seconds, "late.org")])[header..]).unwrap();
    assert!(events.any(|line| line.contains("late.org")));
    drop(input);
    let rest: Vec<String> = events.collect();
    assert!(rest.iter().any(|line| line == "trails    3, reloaded 1 times"), "{rest:?}");
    assert!(sensor.wait().unwrap().success());
    drop(messages);
    assert!(reader.join().is_ok());
}

/// A sensor whose standard input, output and error are pipes.
fn piped(dir: &tempfile::TempDir, arguments: &[&str]) -> std::process::Child {
    std::process::Command::new(env!("CARGO_BIN_EXE_maltrail"))
        .arg("sensor")
        .args(arguments)
        .current_dir(dir.path())
        .env_clear()
        .env("TZ", "UTC")
        .env("HOME", dir.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// What a test waits for at most.
const PATIENCE: Duration = Duration::from_secs(60);

/// Kills `sensor` if this is still held after [`PATIENCE`]: whoever reads from it then sees its end and fails, instead of
/// waiting for ever.
fn watched(sensor: &std::process::Child) -> Sender<()> {
    let (held, released) = mpsc::channel::<()>();
    let id = sensor.id().to_string();
    std::thread::spawn(move || {
        if released.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
            let _ = std::process::Command::new("kill").args(["-KILL", &id]).status();
        }
    });
    held
}

fn signal(sensor: &std::process::Child, name: &str) {
    let sent = std::process::Command::new("kill").args([name, &sensor.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

#[test]
fn a_silent_pipe_is_left_at_a_signal() {
    for name in ["-INT", "-TERM"] {
        let dir = directory();
        write(&dir, "t.csv", TRAILS);
        let mut sensor = piped(&dir, &["-r", "-", "--trails", "t.csv", "--log-dir", "logs"]);
        let _watched = watched(&sensor);
        let mut input = sensor.stdin.take().unwrap();
        let mut out = BufReader::new(sensor.stdout.take().unwrap()).lines().map(Result::unwrap);
        input.write_all(&three()).unwrap();
        assert!(out.next().unwrap().contains("www.evil.org") && out.next().unwrap().contains("192.0.2.66:4444"));
        signal(&sensor, name);
        let rest: Vec<String> = out.collect();
        assert!(rest.iter().any(|line| line == "events    2: 2 high"), "{rest:?}");
        assert_eq!(sensor.wait().unwrap().code(), Some(0), "{name}");
        let log = fs::read_to_string(dir.path().join("logs/2023-11-15.log")).unwrap();
        assert_eq!(log.lines().count(), 2, "{name}");
        drop(input);
    }
}

/// Its standard output is full, so that it is stuck there until it is forced to end.
#[test]
fn a_second_interrupt_forces_an_end_and_says_what_is_lost() {
    let dir = directory();
    write(&dir, "t.csv", TRAILS);
    let many: Vec<_> = (0..5000).map(|n| query(n, &format!("n{n}.evil.org"))).collect();
    write(&dir, "many.pcap", capture::file(&many));
    let (out, full) = std::io::pipe().unwrap();
    let end = format!("/proc/self/fd/{}", full.as_raw_fd());
    let mut more = fs::OpenOptions::new().write(true).custom_flags(libc::O_NONBLOCK).open(end).unwrap();
    let mut sensor = std::process::Command::new(env!("CARGO_BIN_EXE_maltrail"))
        .args(["sensor", "-r", "many.pcap", "--trails", "t.csv", "--log-dir", "logs"])
        .current_dir(dir.path())
        .env_clear()
        .env("HOME", dir.path())
        .stdout(full)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let _watched = watched(&sensor);
    let mut out = BufReader::new(out);
    out.read_line(&mut String::new()).unwrap();
    while more.write(b"x").is_ok() {}
    let mut messages = BufReader::new(sensor.stderr.take().unwrap()).lines().map(Result::unwrap);
    signal(&sensor, "-INT");
    assert!(messages.any(|line| line.contains("SIGINT (Ctrl-C) again ends at once")));
    signal(&sensor, "-TERM");
    signal(&sensor, "-INT");
    let said = messages.find(|line| line.contains("error: ended by force; not written: ")).unwrap();
    assert!(said.contains("whatever was not looked at yet"), "{said}");
    assert_eq!(sensor.wait().unwrap().code(), Some(5));
}
