//! What is missing, damaged or forbidden: each has its message, its exit status, and costs nothing already seen.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use predicates::prelude::*;
use predicates::str::contains;
use tempfile::TempDir;
use testkit::capture;

use crate::{TRAILS, connection, directory, maltrail, query, three, write};

/// A directory with trails and a good capture.
fn prepared() -> TempDir {
    let dir = directory();
    write(&dir, "t.csv", TRAILS);
    write(&dir, "x.pcap", three());
    dir
}

fn sensor(dir: &TempDir, line: &str) -> assert_cmd::assert::Assert {
    maltrail(dir.path()).arg("sensor").args(line.split(' ')).assert()
}

#[test]
fn captures_that_cannot_be_used_cost_nothing_of_the_others() {
    let dir = prepared();
    write(&dir, "text", "this is a text");
    write(&dir, "empty", "");
    write(&dir, "packed.zst", [0x28, 0xb5, 0x2f, 0xfd, 0, 0]);
    for (file, what) in [
        ("none.pcap", "none.pcap: at byte 0: cannot be read: No such file or directory"),
        ("text", "text: at byte 0: is no capture file (it begins with 74 68 69 73"),
        ("empty", "empty: at byte 0: is empty; was the capture stopped before it was written?"),
        ("packed.zst", "packed.zst: at byte 0: is compressed by zstd, which is not read; unpack it first"),
    ] {
        let asserted = sensor(&dir, &format!("-r {file} -r x.pcap --trails t.csv")).code(1);
        let asserted = asserted
            .stdout(contains("events    2: 2 high").and(contains("captures  2: 1 read, 1 that could not be used\n")));
        asserted.stderr(contains(format!("warning: {what}")));
        sensor(&dir, &format!("-q -r {file} -r x.pcap --trails t.csv"))
            .code(1)
            .stderr(contains(format!("error: {what}")));
    }
}

#[test]
fn damaged_captures_are_used_up_to_their_damage() {
    let dir = prepared();
    let whole = three();
    let absurd = [0u32, 0, 0xffff_ff00, 0xffff_ff00].map(u32::to_le_bytes).concat();
    write(&dir, "absurd.pcap", [whole.clone(), absurd, vec![0; 64]].concat());
    write(&dir, "cut.pcap", [whole.as_slice(), &whole[24..50]].concat());
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(&whole).unwrap();
    let mut packed = packed.finish().unwrap();
    packed.truncate(packed.len() - 6);
    write(&dir, "cut.pcap.gz", packed);
    for (file, what) in [
        ("absurd.pcap", "says that a record is 4294967040 bytes long, which cannot be; try to repair it"),
        ("cut.pcap", "ends inside a record: it was cut, or is still being written; copy it again"),
        ("cut.pcap.gz", "the gzip data is broken"),
    ] {
        let asserted = sensor(&dir, &format!("-r {file} --trails t.csv")).code(0);
        let asserted =
            asserted.stdout(contains("events    2: 2 high").and(contains("captures  1: 1 read up to their damage\n")));
        asserted.stderr(contains(what).and(contains("(3 packets before it were used)")));
    }
}

#[test]
fn unknown_link_types_are_counted() {
    let dir = prepared();
    let mut bytes = three();
    // LINKTYPE_USER0, in the file's header.
    bytes[20..24].copy_from_slice(&147u32.to_le_bytes());
    write(&dir, "user.pcap", bytes);
    let asserted = sensor(&dir, "-r user.pcap --trails t.csv").code(0);
    asserted.stdout(contains("packets   3 (202 bytes): 3 malformed\nanomalies link_unknown 3\n"));
}

#[test]
fn a_clock_that_steps_back_costs_nothing() {
    let dir = prepared();
    write(&dir, "steps.pcap", capture::file(&[query(100, "evil.org"), connection(10), query(11, "a.evil.org")]));
    let asserted = sensor(&dir, "-r steps.pcap --trails t.csv").code(0);
    asserted.stdout(contains("events    3: 3 high").and(contains("clock     stepped back 1 times")));
}

#[test]
fn garbage_in_a_csv_is_refused_by_kind_with_examples() {
    let dir = prepared();
    let garbage = b"\xff\xfe\x00\x01,x,y\n192.0.2.1:99999,x,y\n300.1.2.3,x,y\nonly one\n";
    write(&dir, "g.csv", [TRAILS.as_bytes(), garbage].concat());
    let asserted = sensor(&dir, "-r x.pcap --trails g.csv").code(0).stdout(contains("events    2: 2 high"));
    asserted.stderr(
        contains("2 of them")
            .not()
            .and(contains("refused   1: not a port\n"))
            .and(contains("g.csv:4: 192.0.2.1:99999"))
            .and(contains("g.csv:6: only one")),
    );
}

#[test]
fn stores_that_are_damaged_foreign_or_missing_end_with_3() {
    let dir = prepared();
    sensor(&dir, "-q -r x.pcap --trails t.csv").code(0);
    let store = fs::read(dir.path().join("t.bin")).unwrap();
    write(&dir, "cut.bin", &store[..store.len() - 1]);
    write(&dir, "head.bin", &store[..100]);
    write(&dir, "foreign.bin", three());
    write(&dir, "empty.bin", "");
    for file in ["cut.bin", "head.bin", "foreign.bin", "empty.bin"] {
        let asserted = sensor(&dir, &format!("--offline -r x.pcap --trails {file}")).code(3).stdout("");
        asserted.stderr(
            contains(format!("{file} is damaged or of another kind"))
                .and(contains("build it again with `maltrail update --offline`")),
        );
        maltrail(dir.path()).args(["trails", "verify", file]).assert().code(3);
    }
    let mut damaged = store.clone();
    if let Some(last) = damaged.iter_mut().rfind(|byte| **byte != 0) {
        *last ^= 1;
    }
    write(&dir, "damaged.bin", &damaged);
    for command in ["verify", "export"] {
        let asserted = maltrail(dir.path()).args(["trails", command, "damaged.bin"]).assert().code(3).stdout("");
        asserted.stderr(contains("damaged.bin is damaged").and(contains("wrong checksum of a section")));
    }
    sensor(&dir, "-T -r x.pcap --trails damaged.bin")
        .code(3)
        .stdout(contains("FAIL trails: trails file").and(contains("damaged.bin is damaged")));
    sensor(&dir, "-T -r x.pcap --trails t.csv").code(0).stdout(contains("ok   trails: 2 rows"));
    write(&dir, "t.bin", &damaged);
    sensor(&dir, "-T -r x.pcap --trails t.csv").code(3).stdout(contains("t.bin is damaged"));
    let advice = contains(
        "build trails with `maltrail update` (of lists on disk: --offline --static-dir DIR), or name a .bin or .csv",
    );
    sensor(&dir, "--offline -r x.pcap --trails none.bin").code(3).stderr(contains("none.bin").and(advice.clone()));
    sensor(&dir, "--offline -r x.pcap --trails none.csv").code(3).stderr(contains("none.csv").and(advice));
}

#[test]
fn a_damaged_store_beside_a_csv_is_built_again() {
    let dir = prepared();
    write(&dir, "t.bin", "garbage");
    sensor(&dir, "-r x.pcap --trails t.csv").code(0).stdout(contains("events    2: 2 high"));
}

#[test]
fn an_empty_set_is_refused_unless_it_is_allowed() {
    let dir = prepared();
    write(&dir, "e.csv", "\n");
    let asserted = sensor(&dir, "-r x.pcap --trails e.csv").code(3).stdout("");
    asserted.stderr(contains("holds no trails: nothing would be found").and(contains("ALLOW_EMPTY_TRAILS")));
    let mut command = maltrail(dir.path());
    command.env("MALTRAIL_ALLOW_EMPTY_TRAILS", "true").args(["sensor", "-r", "x.pcap", "--trails", "e.csv"]);
    command.assert().code(0).stdout(contains("findings  0\nevents    0\ntrails    0\n"));
}

#[test]
fn log_directories_that_cannot_be_written_are_said_at_the_start() {
    let dir = prepared();
    for place in ["x.pcap/logs", "/proc/logs"] {
        let asserted = sensor(&dir, &format!("-r x.pcap --trails t.csv --log-dir {place}")).code(1).stdout("");
        asserted.stderr(contains("cannot write to log directory").and(contains("set LOG_DIR to a directory")));
    }
    sensor(&dir, "-q -r x.pcap --trails t.csv --log-dir not/yet/there").code(0);
    assert!(dir.path().join("not/yet/there/2023-11-15.log").is_file());
}

/// On a disk of its own that is too small; needs root.
#[test]
fn a_full_disk_costs_the_lines_that_do_not_fit_and_says_so() {
    let dir = prepared();
    let many: Vec<_> = (0..400).map(|n| query(n, &format!("n{n}.evil.org"))).collect();
    write(&dir, "many.pcap", capture::file(&many));
    fs::create_dir(dir.path().join("small")).unwrap();
    let script = "mount -t tmpfs -o size=16k tmpfs small || exit 99; \
                  \"$0\" sensor -r many.pcap --trails t.csv --log-dir small; code=$?; \
                  echo lines $(cat small/*.log | wc -l); exit $code";
    let output = Command::new("unshare")
        .args(["-m", "sh", "-c", script, env!("CARGO_BIN_EXE_maltrail")])
        .current_dir(dir.path())
        .env("TZ", "UTC")
        .env("HOME", dir.path())
        .output();
    let Ok(output) = output.map_err(|error| eprintln!("skipped: {error}")) else { return };
    let (out, said) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if !matches!(output.status.code(), Some(0 | 1)) {
        eprintln!("skipped, no disk can be made here: {said}");
        return;
    }
    assert_eq!(output.status.code(), Some(1), "{out}{said}");
    assert!(said.contains("No space left on device") && said.contains("make room on that disk"), "{said}");
    assert!(said.contains(" of 400 events are missing in the log"), "{said}");
    assert!(out.contains("events    400: 400 high"), "the console has them all: {out}");
    let written: usize = out.rsplit_once("lines ").unwrap().1.trim().parse().unwrap();
    let counted = out.lines().find_map(|line| line.strip_prefix("log ")?.trim().split_once(" written"));
    assert!(written < 400, "{written}");
    assert_eq!(counted.unwrap().0, written.to_string(), "what is counted as written is there");
}

#[test]
fn interfaces_that_are_missing_are_named_with_those_there_are() {
    let dir = prepared();
    let asserted = sensor(&dir, "-i no-such-if --trails t.csv --log-dir logs").code(4).stdout("");
    asserted
        .stderr(contains("cannot capture on no-such-if: there is no such interface; there are ").and(contains("lo")));
}

/// As a user without privileges; needs root to become one.
#[test]
fn capturing_without_privilege_ends_with_4_and_says_what_is_needed() {
    let dir = prepared();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let program = dir.path().join("maltrail");
    fs::copy(env!("CARGO_BIN_EXE_maltrail"), &program).unwrap();
    let unprivileged = |line: &str| {
        let mut command = Command::new("setpriv");
        command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups", "--"]).arg(&program).arg("sensor");
        command.args(line.split(' ')).current_dir(dir.path()).env_clear().env("HOME", dir.path());
        let output = command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").output().ok()?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        (!said.contains("setpriv:")).then(|| (output.status.code(), said))
    };
    let Some((code, said)) = unprivileged("-i lo --trails t.csv --log-dir logs") else {
        eprintln!("skipped: no other user can be become here");
        return;
    };
    assert_eq!(code, Some(4), "{said}");
    assert!(said.contains("CAP_NET_RAW"), "{said}");
    fs::create_dir(dir.path().join("theirs")).unwrap();
    let (code, said) = unprivileged("-r x.pcap --trails t.csv --log-dir theirs").unwrap();
    assert_eq!(code, Some(1), "a directory that this user may only read: {said}");
    assert!(said.contains("Permission denied") && said.contains("set LOG_DIR"), "{said}");
    // A store that cannot be written beside its CSV goes into the cache.
    fs::remove_dir_all(dir.path().join("theirs")).unwrap();
    for name in ["t.bin", "logs"] {
        let _ = fs::remove_file(dir.path().join(name));
    }
    let locked = dir.path().join("locked");
    fs::create_dir(&locked).unwrap();
    fs::write(locked.join("t.csv"), TRAILS).unwrap();
    let (code, said) = unprivileged("-q -r x.pcap --trails locked/t.csv").unwrap();
    assert_eq!(code, Some(0), "{said}");
    assert!(!locked.join("t.bin").exists() && Path::new(&dir.path().join(".cache")).is_dir());
}
