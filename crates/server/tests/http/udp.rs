//! The intake over UDP, on loopback.

use std::net::UdpSocket;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use server::intake::{Counters, Udp, UdpError, Way};
use server::settings::{Settings, Tls};

use super::support::client::PATIENCE;
use super::support::{MemoryStore, Running, settings};

struct Desk {
    udp: Udp,
    store: Arc<MemoryStore>,
    counters: Arc<Counters>,
}

fn start(settings: &Settings, store: &Arc<MemoryStore>, counters: &Arc<Counters>) -> Result<Option<Udp>, UdpError> {
    Udp::start(settings, store.clone(), counters.clone(), Arc::new(Timestamp::now))
}

impl Desk {
    fn new(allowlist: &[&str]) -> Desk {
        let mut settings = settings(std::path::Path::new("unused"), Tls::Off);
        settings.udp = Some("127.0.0.1:0".parse().unwrap());
        settings.udp_allowlist = allowlist.iter().map(|net| net.parse().unwrap()).collect();
        let (store, counters) = (Arc::new(MemoryStore::new(TimeZone::UTC)), Arc::default());
        let udp = start(&settings, &store, &counters).unwrap().unwrap();
        Desk { udp, store, counters }
    }

    fn send(&self, from: &str, datagrams: &[&[u8]]) {
        let socket = UdpSocket::bind((from, 0)).unwrap();
        for datagram in datagrams {
            socket.send_to(datagram, self.udp.address()).unwrap();
        }
    }

    /// Stops, and gives the names and times of what was written.
    fn written(&self) -> Vec<(String, Timestamp)> {
        self.udp.stop();
        self.store.all().into_iter().map(|event| (event.indicator, event.time)).collect()
    }

    fn refused(&self) -> Vec<(&'static str, u64)> {
        let refused = self.counters.refused(Way::Udp);
        refused.filter(|(_, count)| *count > 0).map(|(reason, count)| (reason.name(), count)).collect()
    }
}

fn line(name: &str) -> String {
    format!(
        "\"2026-01-02 03:04:05.600000\" gw 10.0.0.5 40000 8.8.8.8 53 UDP DNS (www).{name} \"asyncrat (malware)\" (static)"
    )
}

fn second(n: i64) -> Timestamp {
    Timestamp::from_second(n).unwrap()
}

#[test]
fn datagrams_become_events_in_order() {
    let desk = Desk::new(&[]);
    let names: Vec<String> = (0..5000).map(|n| format!("evil-{n}.example")).collect();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    for (n, name) in (0..).zip(&names) {
        let datagram = format!("{} {}\n", 1_000_000 + n, line(name));
        socket.send_to(datagram.as_bytes(), desk.udp.address()).unwrap();
        // No faster than they are taken: the receive buffer of a test machine may be small.
        while n % 100 == 99 && desk.counters.datagrams.load(Ordering::Relaxed) < n as u64 {
            std::thread::yield_now();
        }
    }
    let expected: Vec<_> = names.into_iter().zip((0..).map(|n| second(1_000_000 + n))).collect();
    assert_eq!(desk.written(), expected);
    assert_eq!((desk.counters.received(Way::Udp), desk.counters.written(Way::Udp)), (5000, 5000));
    assert_eq!(desk.counters.queued_bytes.load(Ordering::Relaxed), 0);
}

#[test]
fn several_lines_bare_lines_and_garbage() {
    let desk = Desk::new(&[]);
    let several = format!("7 {}\r\n\n{}\n8 {}", line("a.example"), line("b.example"), line("c.example"));
    let longest = vec![b'x'; 65_507];
    let garbage: Vec<u8> = (0..=255).collect();
    let empty: &[u8] = b"";
    let broken = line("d.example").replace("DNS", "ZNS");
    let last = line("e.example");
    desk.send("127.0.0.1", &[several.as_bytes(), &longest, &garbage, empty, broken.as_bytes(), last.as_bytes()]);
    let text = "2026-01-02T03:04:05.6Z".parse().unwrap();
    let expected = [("a", second(7)), ("b", text), ("c", second(8)), ("e", text)];
    assert_eq!(desk.written(), expected.map(|(name, time)| (format!("{name}.example"), time)));
    // The garbage has a line end in it.
    let refused = desk.refused();
    assert_eq!(refused.iter().map(|(_, count)| count).sum::<u64>(), 4, "{refused:?}");
    assert!(refused.contains(&("kind", 1)), "{refused:?}");
    assert_eq!(desk.counters.received(Way::Udp), 8);
    assert_eq!(desk.counters.datagrams.load(Ordering::Relaxed), 6);
}

#[test]
fn only_listed_peers_may_send() {
    let desk = Desk::new(&["192.0.2.0/24", "127.0.0.2/32"]);
    desk.send("127.0.0.1", &[line("a.example").as_bytes(), line("b.example").as_bytes()]);
    desk.send("127.0.0.2", &[line("c.example").as_bytes()]);
    let names: Vec<String> = desk.written().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["c.example"]);
    assert_eq!(desk.counters.peers_refused.load(Ordering::Relaxed), 2);
    assert_eq!(desk.counters.received(Way::Udp), 1);
}

#[test]
fn off_loopback_somebody_must_be_listed() {
    let (store, counters) = (Arc::new(MemoryStore::new(TimeZone::UTC)), Arc::default());
    let mut settings = settings(std::path::Path::new("unused"), Tls::Off);
    assert!(start(&settings, &store, &counters).unwrap().is_none(), "off unless it is asked for");
    settings.udp = Some("0.0.0.0:0".parse().unwrap());
    let error = start(&settings, &store, &counters).err().unwrap();
    assert!(matches!(error, UdpError::Open(_)) && error.to_string().contains("UDP_ALLOWLIST"), "{error}");
    settings.udp_allowlist = vec!["127.0.0.0/8".parse().unwrap()];
    let udp = start(&settings, &store, &counters).unwrap().unwrap();
    let mut taken = settings.clone();
    taken.udp = Some(udp.address());
    let error = start(&taken, &store, &counters).err().unwrap();
    assert!(matches!(error, UdpError::Bind { .. }) && error.to_string().contains("UDP_PORT"), "{error}");
}

#[test]
fn events_wait_while_the_disk_is_full() {
    for recovers in [true, false] {
        let desk = Desk::new(&[]);
        desk.store.full.store(true, Ordering::SeqCst);
        desk.send("127.0.0.1", &[line("a.example").as_bytes()]);
        let begun = Instant::now();
        while desk.counters.retries.load(Ordering::Relaxed) == 0 {
            assert!(begun.elapsed() < PATIENCE);
            std::thread::yield_now();
        }
        desk.send("127.0.0.1", &[line("b.example").as_bytes()]);
        desk.store.full.store(!recovers, Ordering::SeqCst);
        assert_eq!(desk.written().len(), if recovers { 2 } else { 0 });
        assert_eq!(desk.counters.dropped_record.load(Ordering::Relaxed), if recovers { 0 } else { 2 });
    }
}

#[tokio::test]
async fn metrics_tell_what_was_received() {
    let running = Running::plain().await;
    let mut settings = running.app.settings.clone();
    settings.udp = Some("127.0.0.1:0".parse().unwrap());
    let udp = start(&settings, &running.store, &running.app.intake).unwrap().unwrap();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    for datagram in [&line("a.example"), "hello"] {
        socket.send_to(datagram.as_bytes(), udp.address()).unwrap();
    }
    udp.stop();
    let metrics = running.client("reader").get("/metrics").await.text();
    for row in [
        "maltrail_intake_received_total{way=\"udp\"} 2",
        "maltrail_intake_written_total{way=\"udp\"} 1",
        "maltrail_intake_written_total{way=\"https\"} 0",
        "maltrail_intake_refused_total{way=\"udp\",reason=\"columns\"} 1",
        "maltrail_intake_dropped_total{place=\"kernel\"} 0",
        "maltrail_intake_datagrams_total 2",
        "maltrail_intake_peers_refused_total 0",
    ] {
        assert!(metrics.lines().any(|line| line == row), "{row} is not in\n{metrics}");
    }
    let rows: Vec<&str> = metrics
        .lines()
        .filter(|l| !l.starts_with('#'))
        .filter_map(|l| l.rsplit_once(' '))
        .map(|(name, _)| name)
        .collect();
    let distinct: std::collections::BTreeSet<&&str> = rows.iter().collect();
    assert_eq!(distinct.len(), rows.len(), "no row twice");
    running.stop().await;
}
