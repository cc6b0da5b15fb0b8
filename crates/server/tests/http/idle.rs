//! A thousand clients that hold a connection and do nothing cost the others nothing.
//! `cargo run --profile quick -p server --example idle` measures how long `/ping` takes meanwhile.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustls::pki_types::ServerName;
use server::http::Limits;
use server::settings::Tls;
use tokio::net::TcpStream;

use crate::support::Running;
use crate::support::tls::connector;

const IDLE: usize = 1000;

/// Both ends of every connection are in this process.
fn raise_the_limit_of_open_files() {
    let limit = getrlimit(Resource::Nofile);
    let wanted = limit.maximum.map_or(16_384, |maximum| maximum.min(16_384));
    if limit.current.is_some_and(|current| current < wanted) {
        setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum: limit.maximum }).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_http() {
    raise_the_limit_of_open_files();
    let running = Running::with(|_| {}, Limits::default()).await;
    let mut held = Vec::new();
    for _ in 0..IDLE {
        held.push(TcpStream::connect(running.address).await.unwrap());
    }
    for _ in 0..20 {
        assert_eq!(running.client("").get("/ping").await.text(), "pong");
    }
    assert_eq!(running.app.counters.connections.get(), (IDLE + 20) as u64);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_https() {
    raise_the_limit_of_open_files();
    let running = Running::with(|settings| settings.tls = Tls::SelfSigned, Limits::default()).await;
    let mut silent = Vec::new();
    let mut idle = Vec::new();
    let connector = connector(&running, &["http/1.1"]);
    for number in 0..IDLE {
        let stream = TcpStream::connect(running.address).await.unwrap();
        // Most say nothing at all; some finish the handshake and then say nothing.
        if number % 10 == 0 {
            idle.push(connector.connect(ServerName::try_from("localhost").unwrap(), stream).await.unwrap());
        } else {
            silent.push(stream);
        }
    }
    for _ in 0..20 {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let stream = TcpStream::connect(running.address).await.unwrap();
        let mut stream = connector.connect(ServerName::try_from("localhost").unwrap(), stream).await.unwrap();
        stream.write_all(b"GET /ping HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        let mut answer = vec![0; 4096];
        let length = stream.read(&mut answer).await.unwrap();
        assert!(answer[..length].ends_with(b"pong"));
    }
    assert_eq!(running.app.counters.handshakes_failed.get(), 0);
    running.stop().await;
}
