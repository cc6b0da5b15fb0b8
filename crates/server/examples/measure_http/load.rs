//! Many requests, many events.

use std::net::UdpSocket;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::client::{Connection, get};
use super::program::Program;

/// Clients that ask again and again.
const CLIENTS: usize = 50;
/// Sockets that say nothing.
const IDLE: usize = 1000;
/// Requests among them.
const AMONG_IDLE: usize = 2000;
/// Events of a batch.
const BATCH: u64 = 5_000;
/// Batches that differ.
const BATCHES: u64 = 20;
/// Connections that send batches.
const SENDERS: usize = 3;
/// Datagrams a second.
const DATAGRAMS: u64 = 50_000;
/// Longest wait until what was sent is counted.
const PATIENCE: Duration = Duration::from_secs(120);

/// Times in microseconds, and what they say.
fn percentiles(mut times: Vec<u32>) -> (f64, f64) {
    times.sort_unstable();
    let at = |percent: usize| f64::from(times[(times.len() * percent / 100).min(times.len() - 1)]) / 1e3;
    (at(50), at(99))
}

pub async fn keep_alive(program: &Program, (what, target): (&str, &str), time: Duration) {
    asked(program, what, get(target, ""), time).await;
}

pub async fn keep_alive_as_reader(program: &Program, target: &str, time: Duration) {
    asked(program, "/api/v1/enrich", get(target, &program.administrator), time).await;
}

async fn asked(program: &Program, what: &str, request: Vec<u8>, time: Duration) {
    let request = Arc::new(request);
    let mut connections = Vec::new();
    for _ in 0..CLIENTS {
        connections.push(Connection::open(&program.way).await);
    }
    let (begun, before) = (Instant::now(), program.processor());
    let clients: Vec<_> = connections
        .into_iter()
        .map(|connection| {
            let request = request.clone();
            tokio::spawn(async move { client(connection, &request, begun + time).await })
        })
        .collect();
    let mut times = Vec::new();
    for client in clients {
        times.extend(client.await.unwrap());
    }
    let (seconds, used) = (begun.elapsed().as_secs_f64(), program.processor() - before);
    let count = times.len() as f64;
    let (p50, p99) = percentiles(times);
    println!(
        "| {what}, {CLIENTS} clients | {} | {:.0} requests | {p50:.2} | {p99:.2} | {:.1} µs a request |",
        program.over(),
        count / seconds,
        used * 1e6 / count
    );
}

async fn client(mut connection: Connection, request: &[u8], until: Instant) -> Vec<u32> {
    let mut times = Vec::new();
    let mut begun = Instant::now();
    while begun < until {
        let (status, _) = connection.ask(request).await;
        assert_eq!(status, 200);
        let now = Instant::now();
        times.push(u32::try_from((now - begun).as_micros()).unwrap());
        begun = now;
    }
    times
}

/// Half of the sockets never said anything, half have asked once.
pub async fn among_idle(program: &Program) {
    let (mut silent, mut kept) = (Vec::new(), Vec::new());
    let request = get("/ping", "");
    for _ in 0..IDLE / 2 {
        let mut connection = Connection::open(&program.way).await;
        connection.ask(&request).await;
        kept.push(connection);
        silent.push(tokio::net::TcpStream::connect(program.way.address).await.unwrap());
    }
    let before = program.processor();
    let mut connection = Connection::open(&program.way).await;
    let mut times = Vec::with_capacity(AMONG_IDLE);
    for _ in 0..AMONG_IDLE {
        let begun = Instant::now();
        connection.ask(&request).await;
        times.push(u32::try_from(begun.elapsed().as_micros()).unwrap());
    }
    let used = (program.processor() - before) * 1e6 / AMONG_IDLE as f64;
    let (p50, p99) = percentiles(times);
    println!(
        "| /ping among {IDLE} idle sockets | {} | | {p50:.2} | {p99:.2} | {used:.0} µs a request |",
        program.over()
    );
}

/// The nth event, now, as the journal has it.
fn event(n: u64) -> String {
    let now = jiff::Timestamp::now();
    let host = n % 16_000;
    let name = format!("evil-{}.example", n % 100_000);
    format!(
        "{{\"v\":1,\"id\":\"{n:016x}\",\"time\":\"{now}\",\"last\":\"{now}\",\"sensor\":\"gw\",\"src\":[\"10.0.{}.{}\"],\
         \"src_ports\":[{}],\"dst\":[\"192.0.2.53\"],\"dst_ports\":[53],\"protocol\":17,\"kind\":\"DNS\",\
         \"observed\":{{\"text\":\"www.{name}\",\"matched\":[[4,{}]]}},\"indicator\":\"{name}\",\
         \"info\":\"asyncrat (malware)\",\"reference\":\"(static)\",\"class\":\"malware\",\"severity\":\"high\",\
         \"confidence\":80,\"count\":1}}\n",
        host / 250,
        host % 250,
        40_000 + n % 20_000,
        4 + name.len()
    )
}

/// A text line, as datagrams carry it.
fn line(n: u64) -> String {
    let now = jiff::Timestamp::now();
    let host = n % 16_000;
    let time = now.to_zoned(jiff::tz::TimeZone::UTC).strftime("%Y-%m-%d %H:%M:%S.%6f").to_string();
    format!(
        "{} \"{time}\" gw 10.0.{}.{} {} 192.0.2.53 53 UDP DNS (www).evil-{}.example \"asyncrat (malware)\" (static)",
        now.as_second(),
        host / 250,
        host % 250,
        40_000 + n % 20_000,
        n % 100_000
    )
}

/// Waits until the server counts so many events more.
async fn counted(program: &Program, before: u64, sent: u64) -> String {
    let begun = Instant::now();
    loop {
        let events = program.events().await - before;
        if events >= sent || begun.elapsed() > PATIENCE {
            let verdict = if events == sent { "all counted" } else { "NOT ALL COUNTED" };
            return format!("{verdict}: {events} of {sent}, {:.1} s later", begun.elapsed().as_secs_f64());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

pub async fn batches(program: &Program, time: Duration) {
    let mut bodies = Vec::new();
    for batch in 0..BATCHES {
        let plain: String = (0..BATCH).map(|n| event(batch * BATCH + n)).collect();
        bodies.push(zstd::encode_all(plain.as_bytes(), 3).unwrap());
    }
    let bodies = Arc::new(bodies);
    let counted_before = program.events().await;
    let (begun, before) = (Instant::now(), program.processor());
    let senders: Vec<_> = (0..SENDERS)
        .map(|number| {
            let (way, token, bodies) = (program.way.clone(), program.sensor.clone(), bodies.clone());
            tokio::spawn(async move {
                let mut connection = Connection::open(&way).await;
                let mut times = Vec::new();
                for (batch, body) in bodies.iter().cycle().enumerate() {
                    let asked = Instant::now();
                    if asked >= begun + time {
                        break;
                    }
                    let head = format!(
                        "POST /api/v1/intake HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\
                     content-encoding: zstd\r\nmaltrail-batch: {}-{number}-{batch}\r\ncontent-length: {}\r\n\r\n",
                        std::process::id(),
                        body.len()
                    );
                    let (status, answer) = connection.ask(&[head.as_bytes(), body].concat()).await;
                    assert_eq!(status, 200, "{}", String::from_utf8_lossy(answer));
                    times.push(u32::try_from(asked.elapsed().as_micros()).unwrap());
                }
                times
            })
        })
        .collect();
    let mut times = Vec::new();
    for sender in senders {
        times.extend(sender.await.unwrap());
    }
    let (seconds, used) = (begun.elapsed().as_secs_f64(), program.processor() - before);
    let events = times.len() as u64 * BATCH;
    let (p50, p99) = percentiles(times);
    let end = counted(program, counted_before, events).await;
    let all = program.processor() - before;
    println!(
        "| batches of {BATCH} events, {SENDERS} senders | {} | {:.0} events | {p50:.0} | {p99:.0} | {:.1} µs an event, {:.1} with all that follows; {end} |",
        program.over(),
        events as f64 / seconds,
        used * 1e6 / events as f64,
        all * 1e6 / events as f64
    );
}

pub async fn datagrams(program: &Program, time: Duration) {
    let lines: Vec<String> = (0..20_000).map(line).collect();
    let counted_before = program.events().await;
    let udp = program.udp;
    let (begun, before) = (Instant::now(), program.processor());
    let sent = tokio::task::spawn_blocking(move || {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.connect(udp).unwrap();
        let mut sent = 0;
        for line in lines.iter().cycle() {
            let passed = begun.elapsed();
            if passed >= time {
                break;
            }
            // In bursts of a hundredth of a second.
            if sent >= DATAGRAMS * (passed.as_millis() as u64 / 10 + 1) / 100 {
                std::thread::sleep(Duration::from_millis(1));
                continue;
            }
            socket.send(line.as_bytes()).unwrap();
            sent += 1;
        }
        sent
    });
    let sent = sent.await.unwrap();
    let seconds = begun.elapsed().as_secs_f64();
    let end = counted(program, counted_before, sent).await;
    let used = program.processor() - before;
    let mut lost = 0;
    for place in ["kernel", "queue", "record"] {
        lost += program.metric(&format!("intake_dropped_total{{place=\"{place}\"}}")).await;
    }
    println!(
        "| datagrams | UDP | {:.0} events | | | {:.1} µs an event with all that follows; {lost} lost; {end} |",
        sent as f64 / seconds,
        used * 1e6 / sent as f64
    );
}
