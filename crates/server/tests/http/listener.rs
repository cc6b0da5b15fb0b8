//! Connections: HTTP/1.1 and HTTP/2, TLS, redirects, limits, the end.

use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::ServerName;
use server::http::Limits;
use server::settings::Tls;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::Running;
use crate::support::tls::connector;

async fn tls(running: &Running, protocols: &[&str]) -> tokio_rustls::client::TlsStream<TcpStream> {
    let stream = TcpStream::connect(running.address).await.unwrap();
    connector(running, protocols).connect(ServerName::try_from("localhost").unwrap(), stream).await.unwrap()
}

async fn own_tls() -> Running {
    Running::with(|settings| settings.tls = Tls::SelfSigned, Limits::default()).await
}

#[tokio::test]
async fn one_connection_serves_many_requests() {
    let running = Running::plain().await;
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    for _ in 0..3 {
        stream.write_all(b"GET /ping HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        let mut answer = vec![0; 4096];
        let length = stream.read(&mut answer).await.unwrap();
        let text = String::from_utf8_lossy(&answer[..length]).into_owned();
        assert!(text.starts_with("HTTP/1.1 200 OK\r\n") && text.ends_with("\r\n\r\npong"), "{text}");
    }
    assert_eq!(running.app.counters.connections.get(), 1);
    running.stop().await;
}

#[tokio::test]
async fn http_2_over_tls() {
    let running = own_tls().await;
    let stream = tls(&running, &["h2"]).await;
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let handshake = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
    let (mut sender, connection) = handshake.await.unwrap();
    tokio::spawn(connection);
    for _ in 0..3 {
        let request = Request::builder().uri("https://localhost/ping").body(Body::empty()).unwrap();
        let response = sender.send_request(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "pong");
    }
    drop(sender);
    running.stop().await;
}

fn renew(path: &std::path::Path) {
    let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let pem = own.signing_key.serialize_pem() + &own.cert.pem();
    let new = path.with_extension("new");
    std::fs::write(&new, pem).unwrap();
    std::fs::rename(&new, path).unwrap();
}

#[tokio::test]
async fn a_certificate_that_is_renewed_is_used_without_a_restart() {
    let change = |settings: &mut server::Settings| {
        let path = settings.state_dir.join("tls.pem");
        renew(&path);
        settings.tls = Tls::Pem(path);
    };
    let running = Running::with(change, Limits::default()).await;
    let shown = async || {
        let stream = TcpStream::connect(running.address).await.unwrap();
        // Trusts what is in the file now.
        let stream = connector(&running, &[]).connect(ServerName::try_from("localhost").unwrap(), stream).await;
        stream.unwrap().get_ref().1.peer_certificates().unwrap()[0].to_vec()
    };
    let path = running.directory.path().join("tls.pem");
    let first = shown().await;
    assert_eq!(shown().await, first);
    renew(&path);
    let second = shown().await;
    assert_ne!(second, first);
    let good = std::fs::read_to_string(&path).unwrap();
    let before = connector(&running, &[]);
    for broken in ["", "nothing", &good[good.find("-----BEGIN CERT").unwrap()..]] {
        std::fs::write(&path, broken).unwrap();
        let stream = TcpStream::connect(running.address).await.unwrap();
        let stream = before.connect(ServerName::try_from("localhost").unwrap(), stream).await;
        let still = stream.unwrap().get_ref().1.peer_certificates().unwrap()[0].to_vec();
        assert_eq!(still, second, "what is broken leaves what was there");
    }
    renew(&path);
    assert_ne!(shown().await, second);
    running.stop().await;
}

#[tokio::test]
async fn http_1_over_tls_and_without_a_word_of_the_protocol() {
    let running = own_tls().await;
    for protocols in [&["http/1.1"][..], &[]] {
        let mut stream = tls(&running, protocols).await;
        stream.write_all(b"GET /ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        // Our end of TLS does not insist on a close_notify of the other.
        let _ = stream.read_to_string(&mut answer).await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("pong"), "{answer}");
    }
    running.stop().await;
}

#[tokio::test]
async fn plain_http_on_a_tls_port_is_sent_to_https() {
    let running = own_tls().await;
    let client = running.client("");
    let answer = client.get("/events?date=2026-11-20").await;
    assert_eq!(answer.status, StatusCode::PERMANENT_REDIRECT);
    assert_eq!(answer.header("location"), format!("https://{}/events?date=2026-11-20", running.address));
    let posted = client.with(Method::POST, "/api/v1/login", &[]).await;
    assert_eq!((posted.status, posted.header("location")), (StatusCode::FORBIDDEN, ""), "no secret is sent twice");
    for host in ["", "a@b", "a b", "x/../y"] {
        let answer = client.raw(format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n").as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{host:?}: {answer}");
    }
    assert_eq!(running.app.counters.redirected.get(), 6);
    running.stop().await;
}

#[tokio::test]
async fn connections_are_limited_in_all_and_for_each_address() {
    for (connections, per_address) in [(3, 100), (100, 3)] {
        let limits = Limits { connections, per_address, ..Limits::default() };
        let running = Running::with(|_| {}, limits).await;
        let mut held = Vec::new();
        for _ in 0..3 {
            let mut stream = TcpStream::connect(running.address).await.unwrap();
            stream.write_all(b"GET /ping HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
            let mut first = [0; 12];
            stream.read_exact(&mut first).await.unwrap();
            assert_eq!(&first, b"HTTP/1.1 200");
            held.push(stream);
        }
        let mut over = TcpStream::connect(running.address).await.unwrap();
        let mut nothing = Vec::new();
        assert_eq!(over.read_to_end(&mut nothing).await.unwrap_or(0), 0, "closed at once");
        let counters = &running.app.counters;
        let refused = (counters.refused_all.get(), counters.refused_address.get());
        assert_eq!(refused, if connections == 3 { (1, 0) } else { (0, 1) });
        held.pop();
        // The place comes back as soon as the server has seen the end of that connection.
        let again = async {
            loop {
                let mut stream = TcpStream::connect(running.address).await.unwrap();
                let mut first = [0; 12];
                let _ = stream.write_all(b"GET /ping HTTP/1.1\r\nHost: x\r\n\r\n").await;
                if stream.read_exact(&mut first).await.is_ok() {
                    break first;
                }
            }
        };
        assert_eq!(&tokio::time::timeout(Duration::from_secs(20), again).await.unwrap(), b"HTTP/1.1 200");
        running.stop().await;
    }
}

#[tokio::test]
async fn silent_and_slow_clients_are_left() {
    let short = Duration::from_millis(300);
    let limits = Limits { first_request: short, head: short, handshake: short, ..Limits::default() };
    for tls in [Tls::Off, Tls::SelfSigned] {
        let running = Running::with(|settings| settings.tls = tls.clone(), limits.clone()).await;
        let client = running.client("");
        // nothing; the beginning of a head, of HTTP/2, of a handshake
        for begin in [&b""[..], b"GET /ping HTTP/1.1\r\nHost:", b"PRI * HTTP/2.0\r\n", b"\x16\x03\x01\x02\x00\x01"] {
            let answer = client.raw(begin).await;
            assert!(!answer.contains("200 OK"), "{answer}");
        }
        running.stop().await;
    }
}

#[tokio::test]
async fn a_server_that_stops_answers_what_it_has_begun_and_closes_the_rest() {
    let running = Running::plain().await;
    let mut idle = TcpStream::connect(running.address).await.unwrap();
    let mut kept = TcpStream::connect(running.address).await.unwrap();
    kept.write_all(b"GET /ping HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut first = [0; 12];
    kept.read_exact(&mut first).await.unwrap();
    let address = running.address;
    tokio::time::timeout(Duration::from_secs(4), running.stop()).await.expect("idle connections do not hold it");
    let mut rest = Vec::new();
    assert_eq!(idle.read_to_end(&mut rest).await.unwrap(), 0);
    kept.read_to_end(&mut rest).await.unwrap();
    assert!(rest.ends_with(b"pong"));
    assert!(TcpStream::connect(address).await.is_err(), "nobody listens");
}
