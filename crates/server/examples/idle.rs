//! How long `/ping` takes while a thousand clients hold a connection and say nothing, over HTTP and HTTPS:
//! `cargo run --profile quick -p server --example idle`.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::indexing_slicing, reason = "an example that measures")]

#[allow(dead_code, unreachable_pub, clippy::expect_used, clippy::panic, reason = "used by tests")]
#[path = "../tests/http/support/mod.rs"]
mod support;

use std::time::Instant;

use server::http::Limits;
use server::settings::Tls;
use support::Running;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Clients that do nothing.
const IDLE: usize = 1000;

/// Requests that are timed, each on a connection of its own.
const REQUESTS: usize = 1000;

#[tokio::main]
async fn main() {
    for tls in [Tls::Off, Tls::SelfSigned] {
        for idle in [0, IDLE] {
            let running = Running::with(|settings| settings.tls = tls.clone(), Limits::default()).await;
            let mut held = Vec::new();
            for _ in 0..idle {
                held.push(TcpStream::connect(running.address).await.unwrap());
            }
            let mut times = Vec::with_capacity(REQUESTS);
            for _ in 0..REQUESTS {
                let begin = Instant::now();
                ping(&running, tls != Tls::Off).await;
                times.push(begin.elapsed());
            }
            times.sort();
            let at = |percent: usize| times[(REQUESTS * percent / 100).min(REQUESTS - 1)].as_secs_f64() * 1e3;
            println!("{tls:?}, {idle} idle: p50 {:.2} ms, p99 {:.2} ms, most {:.2} ms", at(50), at(99), at(100));
            drop(held);
            running.stop().await;
        }
    }
}

async fn ping(running: &Running, tls: bool) {
    let request = b"GET /ping HTTP/1.1\r\nHost: x\r\n\r\n";
    let mut answer = vec![0; 4096];
    let stream = TcpStream::connect(running.address).await.unwrap();
    let length = if tls {
        let name = rustls::pki_types::ServerName::try_from("localhost").unwrap();
        let mut stream = support::tls::connector(running, &["http/1.1"]).connect(name, stream).await.unwrap();
        stream.write_all(request).await.unwrap();
        stream.read(&mut answer).await.unwrap()
    } else {
        let mut stream = stream;
        stream.write_all(request).await.unwrap();
        stream.read(&mut answer).await.unwrap()
    };
    assert!(answer[..length].ends_with(b"pong"));
}
