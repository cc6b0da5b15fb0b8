//! A sensor that sends its events and observables to a server over HTTPS: each is there once, whatever happens on the way.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use packet::Micros;
use serde_json::Value;
use tempfile::TempDir;
use testkit::Stack;
use testkit::capture::{self, Recorded};
use testkit::payload::dns::Message;

use crate::front::{Act, Front, Seen};
use crate::serving::{FIRST, READY, Server, command, free_port, until};
use crate::{TRAILS, write};

const TLS: &str = "USE_SSL true";

/// Queries for listed names, one a millisecond, each with an event of its own; an hour ago, as a server takes no older
/// ones.
fn queries(numbers: std::ops::Range<usize>) -> Vec<Recorded> {
    let start = Timestamp::now().as_microsecond() - 3_600 * Micros::SECOND;
    let frame = |n: usize| {
        let payload = Message::query(&format!("n{n}.evil.org"), 1).encode();
        let port = u16::try_from(n % 60_000).unwrap() + 1_024;
        let built = Stack::ethernet().ip("10.0.0.5", "9.9.9.9").udp(port, 53).payload(payload).frame();
        Recorded::new(Micros(start + 1_000 * n as i64), built)
    };
    numbers.map(frame).collect()
}

/// A machine with a sensor, and one with a server.
struct Site {
    directory: TempDir,
}

impl Site {
    /// The server's certificate, which the sensor is given.
    fn certificate(&self) -> PathBuf {
        self.directory.path().join("state/tls.pem")
    }

    /// With a token of the server, for a server on a port.
    fn configure(&self, token: &str, port: u16) {
        write(&self.directory, "t.csv", TRAILS);
        write(&self.directory, "token", format!("{token}\n"));
        self.settings(port, "");
    }

    fn settings(&self, port: u16, more: &str) {
        let text = format!(
            "TRAILS_FILE t.csv\nSENSOR_NAME gw\nLOG_DIR own\nEVENT_THROTTLE_MODE off\nUSE_HEURISTICS false\nSPOOL_DIR spool\n\
             LOG_SERVER https://127.0.0.1:{port}\nSENSOR_TOKEN_FILE token\nLOG_SERVER_CA state/tls.pem\n{more}\n"
        );
        write(&self.directory, "sensor.conf", text);
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    /// A server that was there before, or a new one, and a sensor that sends to the server itself.
    fn start() -> (Site, Server) {
        let site = Site { directory: tempfile::tempdir().unwrap() };
        let server = Server::start(site.path(), TLS, FIRST);
        let token = token(&server.sensor("gw"));
        site.configure(&token, server.port);
        (site, server)
    }

    fn sensor(&self, file: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_maltrail"));
        command.args(["sensor", "-c", "sensor.conf", "--send", "-r", file]);
        command.current_dir(self.path()).env_clear().env("HOME", self.path()).env("TZ", "UTC");
        command
    }

    /// Replays a capture to its end; what it said.
    fn replay(&self, frames: &[Recorded], code: i32) -> String {
        write(&self.directory, "x.pcap", capture::file(frames));
        let output = self.sensor("x.pcap").output().unwrap();
        let said = [&output.stdout[..], &output.stderr].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        assert_eq!(output.status.code(), Some(code), "{said}");
        said
    }

    /// Files in the spool, without the lock.
    fn spooled(&self) -> Vec<PathBuf> {
        let Ok(entries) = fs::read_dir(self.path().join("spool")) else { return Vec::new() };
        entries.map(|entry| entry.unwrap().path()).filter(|path| path.file_name().unwrap() != "lock").collect()
    }

    /// Lines that the sensor wrote for itself, of the files that begin so.
    fn own(&self, prefix: &str) -> Vec<Value> {
        let Ok(entries) = fs::read_dir(self.path().join("own")) else { return Vec::new() };
        let files = entries.map(|entry| entry.unwrap().path());
        let files = files.filter(|path| path.file_name().unwrap().to_string_lossy().starts_with(prefix));
        let lines = files.flat_map(|path| {
            let text = fs::read_to_string(path).unwrap();
            text.split_inclusive('\n').filter(|line| line.ends_with('\n')).map(str::to_owned).collect::<Vec<_>>()
        });
        lines.map(|line| serde_json::from_str(&line).unwrap()).collect()
    }

    /// That the server has what the sensor wrote for itself, each once, and nothing else. Ends the server.
    fn same(&self, server: Server) {
        assert_eq!(self.spooled(), Vec::<PathBuf>::new());
        assert_eq!(server.end(), 0);
        let mut own = BTreeMap::new();
        for event in self.own("events-") {
            *own.entry(event["observed"]["text"].as_str().unwrap().to_owned()).or_insert(0) += 1;
        }
        assert!(!own.is_empty());
        let mut there = BTreeMap::new();
        for event in self.look(&["events", "--json"]) {
            assert_eq!(event["sensor"], "gw");
            *there.entry(event["observed"]["text"].as_str().unwrap().to_owned()).or_insert(0) += 1;
        }
        assert!(own == there, "{} events of {}", there.len(), own.len());
        let mut own: BTreeMap<String, u64> = BTreeMap::new();
        for seen in self.own("observables-").iter().filter(|seen| seen["observable"] == "name") {
            *own.entry(seen["name"].as_str().unwrap().to_owned()).or_default() += seen["count"].as_u64().unwrap();
        }
        let names = self.look(&["observables", "--json", "--limit", "1000000", "*.evil.org"]);
        let names = names.iter().filter_map(|line| line.get("value"));
        let there: BTreeMap<String, u64> =
            names.map(|name| (name["value"].as_str().unwrap().to_owned(), name["count"].as_u64().unwrap())).collect();
        assert!(!own.is_empty() && own == there, "{} names of {}", there.len(), own.len());
    }

    /// What the server's files hold.
    fn look(&self, arguments: &[&str]) -> Vec<Value> {
        let output = crate::maltrail(self.path()).args(arguments).args(["-c", "server.conf"]).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(matches!(output.status.code(), Some(0 | 6)), "{said}");
        let lines = output.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        lines.map(|line| serde_json::from_slice(line).unwrap()).collect()
    }
}

fn token(field: &str) -> String {
    field.trim().strip_prefix("authorization: Bearer ").unwrap().to_owned()
}

/// A sensor that reads a capture as it comes.
struct Feed {
    child: Child,
    pipe: Option<ChildStdin>,
    said: Arc<Mutex<String>>,
}

impl Feed {
    fn start(site: &Site) -> Feed {
        let mut command = site.sensor("-");
        let command = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut pipe = child.stdin.take().unwrap();
        pipe.write_all(&capture::file(&[])).unwrap();
        let said = Arc::new(Mutex::new(String::new()));
        let (more, lines) = (said.clone(), BufReader::new(child.stderr.take().unwrap()).lines());
        std::thread::spawn(move || {
            lines.map_while(Result::ok).for_each(|line| more.lock().unwrap().push_str(&(line + "\n")));
        });
        Feed { child, pipe: Some(pipe), said }
    }

    fn feed(&mut self, frames: &[Recorded]) {
        let empty = capture::file(&[]).len();
        let file = capture::file(frames);
        let pipe = self.pipe.as_mut().unwrap();
        pipe.write_all(&file[empty..]).unwrap();
        pipe.flush().unwrap();
    }

    fn end(mut self) -> i32 {
        drop(self.pipe.take());
        self.child.wait().unwrap().code().unwrap()
    }

    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

#[test]
fn events_and_observables_arrive_once() {
    let (site, server) = Site::start();
    let said = site.replay(&queries(0..5_000), 0);
    assert!(said.contains("\nsent      1") && !said.contains("wait"), "{said}");
    assert_eq!(site.own("events-").len(), 5_000);
    site.same(server);
}

#[test]
fn what_fails_on_the_way_is_sent_again() {
    let (site, server) = Site::start();
    let front = Front::start(server.port, &site.certificate(), &[]);
    site.settings(front.port, "");
    let mut feed = Feed::start(&site);
    let (mut fed, mut earlier) = (0, String::new());
    for acts in [[Act::Answer(500), Act::Lose], [Act::Busy(503), Act::Cut], [Act::Lose, Act::Busy(429)]] {
        front.act(&acts);
        feed.feed(&queries(fed..fed + 300));
        fed += 300;
        // The same batch until it is acknowledged; one that was still under way may come before.
        let first = std::iter::repeat_with(|| front.next()).find(|seen| seen.act == acts[0]);
        let seen: Vec<_> = first.into_iter().chain((1..3).map(|_| front.next())).collect();
        assert!(seen.iter().all(|one| one.batch == seen[0].batch && one.batch != earlier), "{seen:?}");
        let answered: Vec<bool> = seen.iter().filter(|one| one.answer.is_some()).map(Seen::repeated).collect();
        assert_eq!(answered, if acts.contains(&Act::Lose) { &[false, true][..] } else { &[false] });
        earlier.clone_from(&seen[0].batch);
        until(|| {
            if site.spooled().is_empty() && site.own("events-").len() == fed { Ok(()) } else { Err("it waits".into()) }
        });
    }
    let said = feed.said.clone();
    assert_eq!(feed.end(), 0, "{}", said.lock().unwrap());
    let said = said.lock().unwrap().clone();
    assert!(said.contains("the server answered 500") && said.contains("wait in"), "{said}");
    site.same(server);
}

#[test]
fn a_server_that_is_away_gets_everything_when_it_is_back() {
    let site = Site { directory: tempfile::tempdir().unwrap() };
    let server = Server::start(site.path(), TLS, FIRST);
    let token = token(&server.sensor("gw"));
    assert_eq!(server.end(), 0);
    let port = free_port();
    site.configure(&token, port);
    for part in 0..3 {
        let said = site.replay(&queries(part * 500..(part + 1) * 500), 0);
        assert!(said.contains("wait in") && said.contains("bytes wait for the next start"), "{said}");
        assert!(!said.contains(&token), "{said}");
    }
    assert!(site.spooled().len() >= 3);
    // And one that comes while the sensor runs.
    let mut feed = Feed::start(&site);
    feed.feed(&queries(1_500..2_000));
    until(|| if feed.said.lock().unwrap().contains("wait in") { Ok(()) } else { Err("nothing said".to_owned()) });
    let server = Server::run(command(site.path(), TLS, port), port, Some(site.certificate()), READY);
    until(|| {
        let waiting = site.spooled().len();
        if waiting == 0 { Ok(()) } else { Err(format!("{waiting} files wait: {}", feed.said.lock().unwrap())) }
    });
    assert_eq!(feed.end(), 0);
    site.same(server);
}

#[test]
fn a_sensor_that_is_killed_loses_and_repeats_nothing() {
    const EACH: usize = 400;
    let (site, server) = Site::start();
    let front = Front::start(server.port, &site.certificate(), &[]);
    site.settings(front.port, "USE_CONDENSED_STORAGE false");
    // Killed while its batch waits on the way, while its answer does, and just when the answer comes.
    let acts = [Act::Hang, Act::Hold, Act::Pass, Act::Hold, Act::Pass, Act::Hang];
    let (mut fed, mut repeated, mut seen) = (0, 0, Vec::new());
    for act in acts {
        let mut feed = Feed::start(&site);
        front.act(&[act]);
        feed.feed(&queries(fed..fed + EACH));
        fed += EACH;
        // What is in its memory only is lost with it: all that it was fed stands in the spool, or is at the server.
        let last = format!("\"n{}.evil.org\"", fed - 1);
        until(|| {
            let files = site.spooled();
            let waits = files.iter().filter_map(|file| fs::read_to_string(file).ok()).any(|text| text.contains(&last));
            let sent = || files.is_empty() && site.look(&["events", "--json"]).len() == fed;
            if site.own("events-").len() == fed && (waits || sent()) { Ok(()) } else { Err("not written".into()) }
        });
        while seen.last().is_none_or(|last: &Seen| last.act != act) {
            seen.push(front.next());
        }
        repeated += seen.drain(..).filter(Seen::repeated).count();
        feed.kill();
    }
    assert!(!site.spooled().is_empty());
    site.replay(&queries(fed..fed + 1), 0);
    repeated += std::iter::from_fn(|| front.seen.try_recv().ok()).filter(Seen::repeated).count();
    assert!(repeated >= 2, "{repeated}");
    site.settings(front.port, "");
    // Names are for the other tests: here is none.
    site.replay(&queries(fed + 1..fed + 2), 0);
    site.same(server);
}

#[test]
fn a_token_that_is_not_taken_costs_nothing() {
    const WRONG: &str = "wrong-token-of-somebody";
    let (site, server) = Site::start();
    site.settings(server.port, "DISABLE_LOCAL_LOG_STORAGE true");
    let file = site.path().join("token");
    let right = fs::read(&file).unwrap();
    fs::write(&file, WRONG).unwrap();
    let said = site.replay(&queries(0..50), 0);
    assert!(said.contains("the server answered 401") && said.contains("SENSOR_TOKEN_FILE"), "{said}");
    assert!(!said.contains(WRONG), "{said}");
    fs::write(&file, right).unwrap();
    site.replay(&queries(50..51), 0);
    assert_eq!(site.spooled(), Vec::<PathBuf>::new());
    assert_eq!(server.end(), 0);
    assert!(!site.path().join("own").exists());
    assert_eq!(site.look(&["events", "--json"]).len(), 51);
    assert!(!site.look(&["observables", "--json", "n50.evil.org"]).is_empty());
}

#[test]
fn a_server_that_is_not_the_one_it_should_be_gets_nothing() {
    let (site, server) = Site::start();
    let other = site.path().join("other");
    fs::create_dir(&other).unwrap();
    assert_eq!(Server::start(&other, TLS, FIRST).end(), 0);
    site.settings(server.port, "LOG_SERVER_CA other/state/tls.pem");
    let said = site.replay(&queries(0..50), 0);
    assert!(said.contains("certificate") && said.contains("wait in"), "{said}");
    site.settings(server.port, "");
    site.replay(&queries(50..51), 0);
    site.same(server);
}

#[test]
fn a_batch_that_is_refused_is_kept_and_those_behind_it_go_on() {
    let (site, server) = Site::start();
    let front = Front::start(server.port, &site.certificate(), &[Act::Answer(413)]);
    site.settings(front.port, "USE_CONDENSED_STORAGE false");
    let said = site.replay(&queries(0..3_000), 1);
    assert!(said.contains("refuses a batch for good (413)") && said.contains("are kept as *.refused"), "{said}");
    let kept = site.spooled();
    let [kept] = &kept[..] else { panic!("{kept:?}") };
    assert_eq!(kept.extension().unwrap(), "refused");
    let refused = fs::read_to_string(kept).unwrap().lines().count();
    assert_eq!(server.end(), 0);
    assert_eq!(site.look(&["events", "--json"]).len(), 3_000 - refused);
}

#[test]
fn what_is_wrong_is_told_before_a_start() {
    let (site, server) = Site::start();
    assert_eq!(server.end(), 0);
    write(&site.directory, "x.pcap", capture::file(&queries(0..1)));
    site.configure("the-token", 9);
    let run = |arguments: &[&str]| {
        let output = site.sensor("x.pcap").args(arguments).output().unwrap();
        let said = String::from_utf8_lossy(&[&output.stdout[..], &output.stderr].concat()).into_owned();
        assert!(!said.contains("the-token"), "{said}");
        (output.status.code().unwrap(), said)
    };
    let says = |arguments: &[&str], code: i32, text: &str| {
        let (status, said) = run(arguments);
        assert!(status == code && said.contains(text), "{status}: {said}");
    };
    for (more, text) in [
        ("SENSOR_TOKEN_FILE none", "SENSOR_TOKEN_FILE"),
        ("SPOOL_SIZE 16777215", "SPOOL_SIZE: 16MB"),
        ("LOG_SERVER https://a:1,https://b:1", "one https:// server"),
        ("LOG_SERVER 127.0.0.1:9", "--send: "),
        ("LOG_SERVER http://127.0.0.1:9", "is not host:port"),
    ] {
        site.settings(9, more);
        for arguments in [&["-T"][..], &[]] {
            says(arguments, 2, text);
        }
    }
    write(&site.directory, "other.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    for file in ["none.pem", "other.pem", "token"] {
        site.settings(9, &format!("LOG_SERVER_CA {file}"));
        for arguments in [&["-T"][..], &[]] {
            says(arguments, 2, "LOG_SERVER_CA");
        }
    }
    site.settings(9, "SPOOL_SIZE 16777216");
    says(&["-T"], 0, "ok   server: https://127.0.0.1:9");
    says(&["-T"], 0, "ok   spool directory: ");
    // The spool has one owner.
    fs::create_dir(site.path().join("spool")).unwrap();
    let lock = fs::File::create(site.path().join("spool/lock")).unwrap();
    lock.lock().unwrap();
    says(&[], 1, "another process uses it");
}
