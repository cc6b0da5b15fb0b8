//! What a running server takes over loopback: `measure_http MALTRAIL DIRECTORY [SECONDS]`.
//!
//! MALTRAIL is the program, DIRECTORY an empty one that may be written to. Starts the program as a server (with TLS, then
//! without), sends events in and asks for things, and prints rows of a Markdown table. Clients share the machine with
//! the server; so beside what the clock says stands the processor time of the server alone.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    unreachable_pub,
    reason = "a tool for developers"
)]

mod client;
mod load;
mod paths;
mod program;

use std::path::Path;
use std::time::Duration;

use program::{Program, Setup};

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let (Some(binary), Some(directory)) = (arguments.next(), arguments.next()) else {
        println!("measure_http MALTRAIL DIRECTORY [SECONDS]");
        return;
    };
    let time = Duration::from_secs(arguments.next().map_or(5, |text| text.parse().expect("seconds")));
    let directory = std::path::absolute(Path::new(&directory)).unwrap();
    let setup = Setup::make(&directory);
    println!("| | over | a second | p50 ms | p99 ms | server's processor time |\n|---|---|---:|---:|---:|---:|");
    let program = Program::start(&binary, &setup, true).await;
    load::batches(&program, time).await;
    load::datagrams(&program, time).await;
    both(&program, time).await;
    println!("\n| path | status | bytes | ms | bytes, scoped | ms, scoped |\n|---|---:|---:|---:|---:|---:|");
    paths::compare(&program).await;
    println!("\nmemory of the server: {}", program.memory());
    program.stop().await;
    println!();
    let program = Program::start(&binary, &setup, false).await;
    both(&program, time).await;
    program.stop().await;
}

/// What is measured over TLS and without.
async fn both(program: &Program, time: Duration) {
    for (what, target) in [
        ("/ping", "/ping"),
        ("/check, listed", "/check?q=www.evil-77.example"),
        ("/check, not listed", "/check?q=www.example.org"),
    ] {
        load::keep_alive(program, (what, target), time).await;
    }
    load::keep_alive_as_reader(program, "/api/v1/enrich?address=10.0.0.5,9.9.9.9&port=53,443", time).await;
    load::among_idle(program).await;
}
