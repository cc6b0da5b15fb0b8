//! How many events a second a server takes: over UDP, in batches over HTTPS, and what is lost.
//!
//! `cargo run --profile quick -p server --example intake_rate -- DIRECTORY [SECONDS] [EVENTS_A_SECOND]`
//!
//! Senders run in the same process, so that their work is part of what is measured.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "a tool for developers")]

use std::net::{SocketAddr, UdpSocket};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use event::Event;
use event::journal;
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use server::Settings;
use server::access::{Access, Policy};
use server::http::{App, Limits, Server, Stores, SystemClock};
use server::intake::{self, Counters, Udp, Way};
use server::observables::{Observables, ObservablesSettings};
use server::settings::Tls;
use server::state::{Purpose, State};
use server::store::{EventStore, LocalSettings, LocalStore};

/// Events of a batch.
const BATCH: usize = 5_000;
/// Connections that send batches.
const SENDERS: usize = 2;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let directory = arguments.next().expect("which directory may be written to?");
    let seconds: u64 = arguments.next().map_or(5, |text| text.parse().expect("seconds"));
    let rate: u64 = arguments.next().map_or(50_000, |text| text.parse().expect("events a second"));
    let directory = Path::new(&directory);
    let settings = settings(directory);
    let store = Arc::new(LocalStore::open(LocalSettings::of(&settings, Arc::new(Timestamp::now))).unwrap());
    over_udp(&settings, &store, (seconds, rate));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(over_https(&settings, &store, seconds));
    drop(runtime);
    let begun = Instant::now();
    let settled = store.record().settled(Duration::from_secs(120));
    println!("all of it readable {:.1} s later: {settled}", begun.elapsed().as_secs_f64());
    store.stop().unwrap();
}

fn settings(directory: &Path) -> Settings {
    Settings {
        log_dir: directory.join("log"),
        state_dir: directory.join("state"),
        zone: TimeZone::UTC,
        http: "127.0.0.1:0".parse().unwrap(),
        tls: Tls::SelfSigned,
        trusted_proxies: Vec::new(),
        users: Vec::new(),
        mask_custom: false,
        udp: Some("127.0.0.1:0".parse().unwrap()),
        udp_allowlist: Vec::new(),
        trails_file: directory.join("trails.bin"),
        cache_dir: directory.join("cache"),
        fail2ban_regex: None,
        fail2ban_allowlist: Vec::new(),
        blacklist_allowlist: Vec::new(),
        blacklists: Vec::new(),
        aliases: Vec::new(),
        geo_files: Vec::new(),
        home_networks: Vec::new(),
        home: None,
        retention_days: None,
        retention_bytes: None,
        window_back_seconds: 7 * 86_400,
        window_ahead_seconds: 3_600,
        retro: None,
        max_requests: 16,
        max_streams: 4,
    }
}

/// The nth event, now.
fn event(n: u64) -> Event {
    let now = Timestamp::now();
    let host = n % 16_000;
    let name = format!("evil-{}.example", n % 100_000);
    let json = serde_json::json!({
        "v": 1, "id": format!("{n:016x}"), "time": now, "last": now, "sensor": "gw",
        "src": [format!("10.0.{}.{}", host / 250, host % 250)], "src_ports": [40_000 + n % 20_000],
        "dst": ["192.0.2.53"], "dst_ports": [53], "protocol": 17, "kind": "DNS",
        "observed": { "text": format!("www.{name}"), "matched": [] }, "indicator": name,
        "info": "asyncrat (malware)", "reference": "(static)", "class": "malware", "severity": "high",
        "confidence": 80, "count": 1,
    });
    journal::parse(&json.to_string()).unwrap()
}

/// Processor time of this process so far, seconds.
fn processor() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let ticks: u64 = stat.split(' ').skip(13).take(2).map(|n| n.parse::<u64>().unwrap()).sum();
    ticks as f64 / 100.0
}

fn over_udp(settings: &Settings, store: &Arc<LocalStore>, (seconds, rate): (u64, u64)) {
    let counters = Arc::new(Counters::default());
    let kept: Arc<dyn EventStore> = store.clone();
    let udp = Udp::start(settings, kept, counters.clone(), Arc::new(Timestamp::now)).unwrap().unwrap();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.connect(udp.address()).unwrap();
    let lines: Vec<String> = (0..10_000).map(|n| event(n).line(&TimeZone::UTC)).collect();
    let (begun, before) = (Instant::now(), processor());
    let mut sent = 0;
    for line in lines.iter().cycle() {
        let time = begun.elapsed();
        if time >= Duration::from_secs(seconds) {
            break;
        }
        // In bursts of a hundredth of a second.
        if sent >= rate * (time.as_millis() as u64 / 10 + 1) / 100 {
            std::thread::sleep(Duration::from_millis(1));
            continue;
        }
        let datagram = format!("{} {line}", Timestamp::now().as_second());
        socket.send(datagram.as_bytes()).unwrap();
        sent += 1;
    }
    let sending = begun.elapsed().as_secs_f64();
    udp.stop();
    let time = begun.elapsed().as_secs_f64();
    let lost = [&counters.dropped_kernel, &counters.dropped_queue, &counters.dropped_record].map(|c| c.load(Relaxed));
    println!(
        "UDP: {sent} sent in {sending:.1} s ({:.0}/s), {} on disk after {time:.1} s; lost: kernel {}, queue {}, \
         record {}; {:.1} s of processor time",
        sent as f64 / sending,
        counters.written(Way::Udp),
        lost[0],
        lost[1],
        lost[2],
        processor() - before,
    );
}

async fn over_https(settings: &Settings, store: &Arc<LocalStore>, seconds: u64) {
    let state = Arc::new(State::open(&settings.state_dir).unwrap());
    let access = Arc::new(Access::new(state, &[], Policy::default()).unwrap());
    access.prepare(Timestamp::now()).unwrap();
    let made = access.make_token("admin", Purpose::Sensor, ("gw", None), Timestamp::now());
    let (_, token) = made.unwrap();
    // TLS costs little beside the events: measured without it, as behind a proxy.
    let observables = Observables::open(&settings.state_dir, ObservablesSettings::default()).unwrap();
    let stores = Stores { events: store.clone(), observables: Arc::new(observables), retro: Arc::default() };
    let settings = Settings { tls: Tls::Off, ..settings.clone() };
    let app = App::new(settings, stores, access.clone(), Arc::new(SystemClock));
    let router = server::http::router(&app, intake::routes(access));
    let server = Server::start(app.clone(), router, Limits::default()).await.unwrap();
    let plain: String = (0..BATCH as u64).map(|n| journal::to_line(&event(n)).unwrap() + "\n").collect();
    let packed = bytes::Bytes::from(zstd::encode_all(plain.as_bytes(), 3).unwrap());
    println!("a batch: {BATCH} events, {} bytes, {} bytes packed", plain.len(), packed.len());
    let (begun, before) = (Instant::now(), processor());
    let until = begun + Duration::from_secs(seconds);
    let senders =
        (0..SENDERS).map(|n| tokio::spawn(sender(server.address(), token.clone(), (n, packed.clone()), until)));
    let mut batches = 0;
    for sender in senders.collect::<Vec<_>>() {
        batches += sender.await.unwrap();
    }
    let time = begun.elapsed().as_secs_f64();
    let written = app.intake.written(Way::Https);
    println!(
        "HTTPS: {batches} batches answered in {time:.1} s, {written} events on disk ({:.0}/s); {:.1} s of processor time",
        written as f64 / time,
        processor() - before,
    );
    assert_eq!(written, batches * BATCH as u64, "what was answered is written");
    server.stop().await;
}

async fn sender(address: SocketAddr, token: String, (number, body): (usize, bytes::Bytes), until: Instant) -> u64 {
    let stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let (mut client, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let mut batches = 0;
    while Instant::now() < until {
        let request = hyper::Request::post("/api/v1/intake")
            .header("host", address.to_string())
            .header("authorization", format!("Bearer {token}"))
            .header("content-encoding", "zstd")
            .header("maltrail-batch", format!("{}-{number}-{batches}", std::process::id()));
        let answer = client.send_request(request.body(Full::new(body.clone())).unwrap()).await.unwrap();
        assert_eq!(answer.status(), 200);
        answer.into_body().collect().await.unwrap();
        batches += 1;
    }
    batches
}
