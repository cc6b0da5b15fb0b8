//! `maltrail run`: sensor and server in one process, on the loopback interface; needs root.

use std::net::UdpSocket;
use std::process::Command;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use testkit::payload::dns::Message;

use crate::serving::{READY, Server, free_port, until};
use crate::{TRAILS, directory, maltrail, write};

fn run(dir: &std::path::Path, port: u16) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_maltrail"));
    command.args(["run", "-i", "lo", "--trails", "t.csv", "--log-dir", "log", "--state-dir", "state", "--port"]);
    command.arg(port.to_string()).current_dir(dir).env_clear().env("HOME", dir).env("TZ", "UTC").env("NO_COLOR", "1");
    command
}

#[test]
fn events_that_could_not_be_kept_are_told_in_the_exit_status() {
    let dir = directory();
    write(&dir, "t.csv", TRAILS);
    let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
    // No journal can be written where a directory has its name.
    for day in [today, today.tomorrow().unwrap()] {
        std::fs::create_dir_all(dir.path().join(format!("log/events-{day}.jsonl"))).unwrap();
    }
    let port = free_port();
    let mut server = Server::run(run(dir.path(), port), port, None, READY);
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let captures = until(|| {
        if let Some(status) = server.child.try_wait().unwrap() {
            assert_eq!(status.code(), Some(4), "{}", server.said());
            return Ok(false);
        }
        let query = Message::query("www.evil.org", 1).encode();
        socket.send_to(&query, ("127.0.0.1", free_port())).map_err(|error| error.to_string())?;
        let logged = std::fs::read_dir(dir.path().join("log")).unwrap().any(|file| {
            std::fs::read_to_string(file.unwrap().path()).is_ok_and(|lines| lines.contains("(www).evil.org"))
        });
        if logged { Ok(true) } else { Err(server.said()) }
    });
    if !captures {
        eprintln!("skipped: nothing can be captured here");
        return;
    }
    let said = server.log();
    assert_eq!(server.end(), 1, "{}", said.lock().unwrap().join("\n"));
    let said = said.lock().unwrap().join("\n");
    assert!(said.contains("events are missing in the journal"), "{said}");
}

#[test]
fn without_trails_no_server_begins() {
    let dir = directory();
    let mut command = maltrail(dir.path());
    let port = free_port().to_string();
    command.args(["run", "--trails", "none.bin", "--log-dir", "log", "--state-dir", "state", "--port", &port]);
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("none.bin") && said.contains("maltrail update") && !said.contains(READY), "{said}");
    assert!(!dir.path().join("state").exists());
}
