//! A server with a few events in memory, for tools that try the interface from outside (`make test-api`). Says where
//! it listens and ends when its standard input does. Tokens: admin, reader, masked, scoped.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::indexing_slicing, reason = "an example for tests")]

#[allow(dead_code, unreachable_pub, clippy::expect_used, clippy::panic, reason = "used by tests")]
#[path = "../tests/http/support/mod.rs"]
mod support;

use support::Running;
use support::store::event;

#[tokio::main]
async fn main() {
    let running = Running::plain().await;
    let names = ["evil.example", "a.evil.example", "bad.example", "constructor"];
    let events = (0..200usize).map(|number| {
        let time = format!("2026-11-{}T10:{:02}:00Z", 18 + number % 3, number % 60);
        event(&time, &format!("10.{}.0.{}", number % 4, number % 50), "192.0.2.7", names[number % names.len()])
    });
    running.store.put(events);
    println!("http://{}", running.address);
    tokio::task::spawn_blocking(|| std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink()))
        .await
        .unwrap()
        .unwrap();
    running.stop().await;
}
