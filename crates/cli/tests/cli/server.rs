//! `maltrail server`: a day of another program's log, served; and ended by a signal.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Nothing here takes longer.
const PATIENCE: Duration = Duration::from_secs(60);

const LINES: &str = "\"2026-11-20 10:00:00.000001\" gw 10.1.0.5 40000 9.9.9.9 53 UDP DNS (www).evil.example \"quietfox (malware)\" (static)\n\
    \"2026-11-20 10:00:01.000001\" gw 10.1.0.6 40001 9.9.9.9 53 UDP DNS evil.example \"quietfox (malware)\" (static)\n";

struct Server {
    child: Child,
    port: u16,
    said: Vec<String>,
}

/// A port that nobody listens on now.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl Server {
    fn start(directory: &Path) -> Server {
        let port = free_port();
        let mut child = Command::new(env!("CARGO_BIN_EXE_maltrail"))
            .args(["server", "--port", &port.to_string(), "--log-dir"])
            .arg(directory.join("log"))
            .arg("--state-dir")
            .arg(directory.join("state"))
            .current_dir(directory)
            .env_clear()
            .env("HOME", directory)
            .env("TZ", "UTC")
            .env("NO_COLOR", "1")
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = Vec::new();
        // Until it says how to log in, which is the last it says at its start.
        for line in BufReader::new(child.stderr.take().unwrap()).lines() {
            said.push(line.unwrap());
            if said.last().is_some_and(|line| line.contains("log in as")) {
                break;
            }
        }
        Server { child, port, said }
    }

    fn ask(&self, method: &str, target: &str, fields: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let length = body.len();
        write!(
            stream,
            "{method} {target} HTTP/1.1\r\nhost: 127.0.0.1:{}\r\nconnection: close\r\ncontent-type: application/json\r\n\
             sec-fetch-site: same-origin\r\ncontent-length: {length}\r\n{fields}\r\n{body}",
            self.port
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    fn end(mut self) -> i32 {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        self.child.wait().unwrap().code().unwrap()
    }
}

#[test]
fn a_log_of_another_program_is_served_and_kept() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir(directory.path().join("log")).unwrap();
    std::fs::write(directory.path().join("log/2026-11-20.log"), LINES).unwrap();
    let server = Server::start(directory.path());
    assert!(server.said.iter().any(|line| line.contains("changeme!")), "{:?}", server.said);
    assert!(server.ask("GET", "/events?date=2026-11-20", "", "").starts_with("HTTP/1.1 401"));
    let login = server.ask("POST", "/login", "", r#"{"name":"admin","password":"changeme!"}"#);
    let cookie = login.lines().find_map(|line| line.strip_prefix("set-cookie: ")).unwrap();
    let cookie = format!("cookie: {}\r\n", cookie.split(';').next().unwrap());
    let change = r#"{"current":"changeme!","new":"a better one"}"#;
    assert!(server.ask("POST", "/api/v1/account/password", &cookie, change).starts_with("HTTP/1.1 204"));
    let start = Instant::now();
    let events = loop {
        let events = server.ask("GET", "/events?date=2026-11-20", &cookie, "");
        if events.contains("10.1.0.6") {
            break events;
        }
        assert!(start.elapsed() < PATIENCE, "{events}");
    };
    for line in LINES.lines() {
        assert!(events.contains(line), "{events}");
    }
    // A second one on the same directories is refused.
    let second = Command::new(env!("CARGO_BIN_EXE_maltrail"))
        .args(["server", "--port", &free_port().to_string(), "--log-dir"])
        .arg(directory.path().join("log"))
        .arg("--state-dir")
        .arg(directory.path().join("state"))
        .output()
        .unwrap();
    assert_eq!(second.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&second.stderr).contains("in use by another server"));
    assert_eq!(server.end(), 0);
    assert!(std::fs::read_dir(directory.path().join("state/segments")).unwrap().count() > 2, "written at the end");
}

#[test]
fn what_is_wrong_is_said_and_nothing_runs() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("m.conf");
    for (text, said) in [
        ("UDP_ADDRESS 0.0.0.0\n", "UDP_ALLOWLIST"),
        ("HTTP_ADDRESS no.such.host.invalid\n", "HTTP_ADDRESS"),
        ("USERS\n    anna:nohash:0:\n", "no hash of a password"),
    ] {
        std::fs::write(&file, format!("{text}STATE_DIR state\nLOG_DIR log\n")).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_maltrail"));
        let output = command.args(["server", "-c"]).arg(&file).current_dir(directory.path()).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(matches!(output.status.code(), Some(1 | 2)), "{error}");
        assert!(error.contains(said), "{error}");
    }
}
