//! Clients that ask for much and read nothing: they hold a part of the places, the others are answered.

use std::rc::Rc;

use axum::http::Method;
use serde_json::json;
use server::http::Limits;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;
use trails::builder::Place;
use trails::{Builder, Stamp, Vetoes};

use crate::support::Running;
use crate::support::client::PATIENCE;
use crate::support::store::event;

/// Asks for something as `address` (which a proxy tells), reads the head of the answer, and nothing more.
async fn begin(running: &Running, target: &str, address: &str) -> (String, TcpStream) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut stream = socket.connect(running.address).await.unwrap();
    let request = format!(
        "GET {target} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer reader\r\nX-Forwarded-For: {address}\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        head.push(timeout(PATIENCE, stream.read_u8()).await.expect("an answer in time").unwrap());
    }
    (String::from_utf8(head).unwrap(), stream)
}

/// With requests that bring along 16 MiB, more than the sockets of both ends hold.
async fn large() -> Running {
    let proxy = |settings: &mut server::Settings| {
        settings.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
        let path = settings.state_dir.join("trails.bin");
        let mut builder = Builder::new(Vetoes::default());
        let source = builder.source(&"i".repeat(8_192), "(static)", false);
        let file = Rc::from("test");
        for line in 1..=2_048 {
            builder.add(&format!("n{line}.evil.example"), source, Place { file: &file, line });
        }
        trails::load::publish(builder, &path, Stamp::default()).unwrap();
        settings.trails_file = path;
    };
    let running = Running::with(proxy, Limits::default()).await;
    running.store.put((0..2_048).map(|number| {
        let time = format!("2026-11-20T10:{:02}:{:02}Z", number / 60, number % 60);
        let mut event = event(&time, "10.0.0.5", "192.0.2.7", "evil.example");
        event.info = "i".repeat(8_192);
        event
    }));
    running
}

/// That requests which end by themselves are answered.
async fn others_are_answered(running: &Running) {
    let login = json!({"name": "nobody", "password": "a guess"});
    assert_eq!(running.client("").send(Method::POST, "/login", &[], &login).await.status, 401);
    assert_eq!(running.client("").get("/ping").await.text(), "pong");
    assert_eq!(running.client("").get("/check?q=n7.evil.example").await.json()["found"], true);
    assert_eq!(running.client("reader").get("/counts").await.json()["2026-11-20"], 2_048);
}

#[tokio::test]
async fn readers_of_lines_and_hunts_hold_half_of_the_places() {
    let running = large().await;
    let targets = ["/events?date=2026-11-20", "/hunt?q=evil.example", "/api/v1/hunt?q=evil.example"];
    let mut held = Vec::new();
    for client in 1..=4 {
        let address = format!("198.51.100.{client}");
        for target in &targets[..2] {
            let (head, stream) = begin(&running, target, &address).await;
            assert!(head.starts_with("HTTP/1.1 200 OK"), "{head}");
            held.push(stream);
        }
        for target in targets {
            let (head, _) = begin(&running, target, &address).await;
            assert!(head.starts_with("HTTP/1.1 429 ") == (client < 4) && head.contains("retry-after: "), "{head}");
        }
        others_are_answered(&running).await;
    }
    let (head, _) = begin(&running, targets[0], "198.51.100.9").await;
    assert!(head.starts_with("HTTP/1.1 503 ") && head.contains("retry-after: "), "{head}");
    assert_eq!(running.app.counters.refused_bodies.get(), 4 * 3 + 1);
    others_are_answered(&running).await;
    held.clear();
    let again = async { while !begin(&running, targets[0], "198.51.100.9").await.0.starts_with("HTTP/1.1 200") {} };
    timeout(PATIENCE, again).await.expect("places come back");
    running.stop().await;
}

#[tokio::test]
async fn readers_of_trails_hold_no_place() {
    let running = large().await;
    let mut held = Vec::new();
    // More than there are places for work.
    for number in 0..24 {
        let (head, stream) = begin(&running, "/trails", &format!("198.51.100.{}", number / 8)).await;
        assert!(head.starts_with("HTTP/1.1 200 OK") && head.contains("content-length: 16"), "{head}");
        held.push(stream);
    }
    let (head, _) = begin(&running, "/trails", "198.51.100.0").await;
    assert!(head.starts_with("HTTP/1.1 429 ") && head.contains("retry-after: "), "{head}");
    assert_eq!(running.client("reader").get("/api/v1/health").await.json()["working"], 0);
    others_are_answered(&running).await;
    assert_eq!(running.client("").get("/trails").await.text().lines().count(), 2_048);
    running.stop().await;
}
