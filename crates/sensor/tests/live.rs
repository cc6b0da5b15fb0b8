//! Live capture between two network namespaces that this test makes and removes.
//!
//! It needs root and iproute2, and says so where it must be skipped. Started again inside the namespaces, the same
//! program is the sensor (`capture`) and the sender (`send`).
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout, reason = "a test")]

mod common;

use std::collections::BTreeSet;
use std::net::UdpSocket;
use std::process::{Child, Command, ExitCode};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use common::settings;
use jiff::tz::TimeZone;
use sensor::{Control, Hooks, SensorError, Settings, Source, Summary};
use testkit::payload::dns::Message;

/// Addresses of the sender.
const SENDERS: u32 = 16;
/// Listed names that each of them asks for.
const NAMES: u32 = 20;
/// Link address of the sensor's end.
const ADDRESS: &str = "02:00:00:00:77:01";
/// Longest wait for anything.
const PATIENCE: Duration = Duration::from_secs(20);
/// A sensor that was told to stop has stopped after this; less on a machine that is not busy with tests.
const STOP: Duration = Duration::from_millis(1500);

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["send"] => send(),
        ["capture", peer] => capture(peer),
        // What test runners ask before they run.
        list if list.contains(&"--list") => println!("live: test"),
        _ => return orchestrate(),
    }
    ExitCode::SUCCESS
}

fn ip(arguments: &str) -> bool {
    Command::new("ip").args(arguments.split(' ')).status().is_ok_and(|s| s.success())
}

fn output(arguments: &str) -> String {
    let output = Command::new("ip").args(arguments.split(' ')).output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Two namespaces that go when this does.
struct Namespaces {
    sensor: String,
    peer: String,
}

impl Drop for Namespaces {
    fn drop(&mut self) {
        for name in [&self.sensor, &self.peer] {
            ip(&format!("netns del {name}"));
        }
    }
}

fn orchestrate() -> ExitCode {
    let number = std::process::id();
    let names = Namespaces { sensor: format!("mts{number}"), peer: format!("mtp{number}") };
    if !ip(&format!("netns add {}", names.sensor)) || !ip(&format!("netns add {}", names.peer)) {
        println!("live: SKIPPED, network namespaces cannot be made here (it takes root and iproute2)");
        return ExitCode::SUCCESS;
    }
    let program = std::env::current_exe().unwrap();
    let inside = ["netns", "exec", &names.sensor];
    let status = Command::new("ip").args(inside).arg(program).args(["capture", &names.peer]).status().unwrap();
    if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Asks for every listed name from every address, from within the peer's namespace.
fn send() {
    for sender in 1..=SENDERS {
        let socket = UdpSocket::bind(("10.77.0.".to_owned() + &sender.to_string(), 0)).unwrap();
        for name in 0..NAMES {
            let query = Message::query(&format!("s{sender}.bad-{name}.org"), 1).encode();
            socket.send_to(&query, "10.77.0.100:53").unwrap();
        }
    }
}

fn trails() -> String {
    (0..NAMES).map(|n| format!("bad-{n}.org,x (malware),(static)\n")).collect()
}

/// The veth pair; the sensor's end is `v0`, and unless it stands in a bridge it has the address.
fn link(peer: &str, bridge: bool) {
    assert!(ip(&format!("link add v0 type veth peer name v1 netns {peer}")));
    for sender in 1..=SENDERS {
        assert!(ip(&format!("-n {peer} addr add 10.77.0.{sender}/24 dev v1")));
    }
    if bridge {
        assert!(ip("link add b0 type bridge") && ip("link set v0 master b0") && ip("link set b0 up"));
    }
    let holder = if bridge { "b0" } else { "v0" };
    assert!(ip(&format!("addr add 10.77.0.100/24 dev {holder}")));
    assert!(ip(&format!("link set {holder} address {ADDRESS}")));
    assert!(ip("link set v0 up") && ip(&format!("-n {peer} link set v1 up")));
    // Packets that wait for a resolution or for the link would be dropped before they are sent.
    assert!(ip(&format!("-n {peer} neigh add 10.77.0.100 lladdr {ADDRESS} dev v1 nud permanent")));
    let end = Instant::now() + PATIENCE;
    while !output(&format!("-n {peer} -o link show v1")).contains("state UP") {
        assert!(Instant::now() < end, "the link did not come up");
    }
    if bridge {
        // A port begins to forward after this many hundredths of a second.
        assert!(ip("link set b0 type bridge forward_delay 0"));
        while !output("-d -o link show v0").contains("state forwarding") {
            assert!(Instant::now() < end, "the bridge did not forward");
        }
    }
}

fn unlink() {
    assert!(ip("link del v0"));
}

fn unbridge() {
    unlink();
    assert!(ip("link del b0"));
}

/// Same sets, or what one has and the other lacks.
fn compare(got: &BTreeSet<String>, expected: &BTreeSet<String>, what: &str) {
    let missing: Vec<_> = expected.difference(got).take(5).collect();
    let more: Vec<_> = got.difference(expected).take(5).collect();
    let (n, m) = (got.len(), expected.len());
    assert!(got == expected, "{what}: {n} of {m}; missing {missing:?} ..., too many {more:?} ...");
}

/// A sensor in a thread, and what it says.
struct Running {
    control: Control,
    lines: Arc<Mutex<BTreeSet<String>>>,
    messages: Receiver<String>,
    thread: JoinHandle<Result<Summary, SensorError>>,
    _directory: tempfile::TempDir,
}

impl Running {
    fn start(interfaces: &[&str], workers: usize, change: impl FnOnce(&mut Settings)) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let source = Source::Live(interfaces.iter().map(|i| (*i).to_owned()).collect());
        let mut settings = settings(directory.path(), source, &trails());
        settings.workers = workers;
        settings.log_dir = Some(directory.path().join("log"));
        change(&mut settings);
        let control = Control::default();
        let lines = Arc::new(Mutex::new(BTreeSet::new()));
        let (said, messages) = channel();
        let collected = lines.clone();
        let hooks = Hooks {
            event: Some(Box::new(move |event| {
                // Source and trail: times and ports differ between runs.
                let line = event.line(&TimeZone::UTC);
                let fields: Vec<&str> = line.split(' ').collect();
                assert!(collected.lock().unwrap().insert(format!("{} {}", fields[3], fields[9])), "twice: {line}");
            })),
            message: Some(Arc::new(move |_, text| drop(said.send(text.to_owned())))),
            control: control.clone(),
            ..Hooks::default()
        };
        let thread = std::thread::spawn(move || sensor::run(settings, hooks));
        let running = Running { control, lines, messages, thread, _directory: directory };
        running.hears("capturing on");
        running
    }

    /// Waits until it says something with these words.
    fn hears(&self, words: &str) {
        let end = Instant::now() + PATIENCE;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let text = self.messages.recv_timeout(left).unwrap_or_else(|_| panic!("it never said {words:?}"));
            if text.contains(words) {
                return;
            }
        }
    }

    /// Stops it at once: what the rings hold must still come out.
    fn stop(self) -> (BTreeSet<String>, Summary) {
        let asked = Instant::now();
        self.control.stop();
        let summary = self.thread.join().unwrap().unwrap();
        assert!(asked.elapsed() < STOP, "stopped after {:?}", asked.elapsed());
        assert_eq!(summary.violations, Vec::<String>::new());
        for interface in &summary.interfaces {
            assert_eq!(interface.dropped_by_kernel, 0, "{interface:?}");
        }
        let received: u64 = summary.interfaces.iter().map(|i| i.received).sum();
        let (packets, interfaces) = (summary.packets, &summary.interfaces);
        assert_eq!(received, packets.received, "what the kernel handed over was worked through: {interfaces:?}");
        (self.lines.lock().unwrap().clone(), summary)
    }
}

fn sender(peer: &str) -> Child {
    let program = std::env::current_exe().unwrap();
    Command::new("ip").args(["netns", "exec", peer]).arg(program).arg("send").spawn().unwrap()
}

fn sent(peer: &str) {
    assert!(sender(peer).wait().unwrap().success());
}

fn expected() -> BTreeSet<String> {
    let of = |s: u32| (0..NAMES).map(move |n| format!("10.77.0.{s} (s{s}).bad-{n}.org"));
    (1..=SENDERS).flat_map(of).collect()
}

/// All scenarios, within the sensor's namespace.
fn capture(peer: &str) {
    missing_interface();
    loopback();
    for workers in [1, 2, 4, 8] {
        link(peer, false);
        let running = Running::start(&["v0"], workers, |_| {});
        sent(peer);
        let (lines, summary) = running.stop();
        compare(&lines, &expected(), &format!("{workers} workers"));
        assert_eq!(summary.accounts.findings, u64::from(SENDERS * NAMES), "{workers} workers");
        unlink();
        println!("live: {workers} workers ok");
    }
    bridge(peer);
    away_and_back(peer);
    filtered(peer);
    without_privileges(peer);
}

fn missing_interface() {
    let directory = tempfile::tempdir().unwrap();
    let settings = settings(directory.path(), Source::Live(vec!["nosuch0".to_owned()]), &trails());
    let error = sensor::run(settings, Hooks::default()).err().unwrap().to_string();
    assert!(error.contains("no such interface") && error.contains("lo"), "{error}");
}

/// What a host sends to itself leaves and arrives on one interface; it is shown and counted once.
fn loopback() {
    assert!(ip("link set lo up"));
    for workers in [1, 2] {
        let running = Running::start(&["lo"], workers, |_| {});
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        for name in 0..NAMES {
            let query = Message::query(&format!("s1.bad-{name}.org"), 1).encode();
            socket.send_to(&query, "127.0.0.1:53").unwrap();
        }
        let (lines, summary) = running.stop();
        let expected: BTreeSet<String> = (0..NAMES).map(|n| format!("127.0.0.1 (s1).bad-{n}.org")).collect();
        compare(&lines, &expected, "loopback");
        assert_eq!(summary.packets.duplicates, 0);
    }
    println!("live: loopback ok");
}

/// A bridge and its port show every packet; it counts once.
fn bridge(peer: &str) {
    for (interfaces, workers) in [(&["v0", "b0"][..], 2), (&["any"], 1)] {
        link(peer, true);
        let running = Running::start(interfaces, workers, |_| {});
        sent(peer);
        let (lines, summary) = running.stop();
        compare(&lines, &expected(), &format!("{interfaces:?}"));
        assert_eq!(summary.accounts.findings, u64::from(SENDERS * NAMES), "{:?}", summary.packets);
        assert!(summary.packets.duplicates >= u64::from(SENDERS * NAMES), "{:?}", summary.packets);
        unbridge();
        println!("live: bridge, {interfaces:?} ok");
    }
}

fn away_and_back(peer: &str) {
    link(peer, false);
    let running = Running::start(&["v0"], 2, |_| {});
    assert!(ip("link set v0 down"));
    running.hears("went down");
    assert!(ip("link set v0 up"));
    running.hears("is up again");
    unlink();
    running.hears("is gone");
    link(peer, false);
    running.hears("is up again");
    sent(peer);
    let (lines, summary) = running.stop();
    compare(&lines, &expected(), "all");
    assert_eq!(summary.interfaces.first().map(|i| (i.reopened, i.up)), Some((2, true)));
    unlink();
    println!("live: away and back ok");
}

fn filtered(peer: &str) {
    link(peer, false);
    let running = Running::start(&["v0"], 2, |s| s.filter = Some("udp and src host 10.77.0.3".to_owned()));
    sent(peer);
    let (lines, _) = running.stop();
    let only: BTreeSet<String> = expected().into_iter().filter(|l| l.starts_with("10.77.0.3 ")).collect();
    compare(&lines, &only, "filtered");
    let directory = tempfile::tempdir().unwrap();
    let mut settings = settings(directory.path(), Source::Live(vec!["v0".to_owned()]), &trails());
    settings.filter = Some("udp and and".to_owned());
    assert!(matches!(sensor::run(settings, Hooks::default()), Err(SensorError::Filter { .. })));
    unlink();
    println!("live: filter ok");
}

/// Capabilities belong to a thread, so those of this one stay.
fn without_privileges(peer: &str) {
    link(peer, false);
    let running = Running::start(&["v0"], 2, |s| s.drop_privileges = true);
    sent(peer);
    let tasks: Vec<String> = std::fs::read_dir("/proc/self/task")
        .unwrap()
        .flatten()
        .filter_map(|t| std::fs::read_to_string(t.path().join("status")).ok())
        .filter(|status| status.contains("Name:\tworker-"))
        .collect();
    assert_eq!(tasks.len(), 2);
    for status in tasks {
        let effective = status.lines().find_map(|l| l.strip_prefix("CapEff:\t")).unwrap();
        let bits = u64::from_str_radix(effective, 16).unwrap();
        assert_eq!(bits & !(1 << 13 | 1 << 1), 0, "CAP_NET_RAW and at most CAP_DAC_OVERRIDE: {effective}");
    }
    let (lines, _) = running.stop();
    compare(&lines, &expected(), "all");
    unlink();
    println!("live: without privileges ok");
}
