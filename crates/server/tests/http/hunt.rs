//! Hunts: complete, or said not to be.

use axum::http::StatusCode;
use http_body_util::BodyExt as _;
use serde_json::Value;

use crate::support::store::event;
use crate::support::{Client, Running};

async fn three() -> Running {
    let running = Running::plain().await;
    running.store.put([
        event("2026-11-18T23:59:59.5Z", "10.0.0.5", "192.0.2.7", "evil.example"),
        event("2026-11-19T00:00:00Z", "10.1.0.6", "192.0.2.7", "bad.example"),
        event("2026-11-20T11:00:00Z", "10.0.0.5", "192.0.2.8", "evil.example"),
    ]);
    running
}

/// Times of what is found, and the last object.
async fn hunt(client: &Client, target: &str) -> (Vec<String>, Value) {
    let answer = client.get(target).await;
    assert_eq!(answer.status, StatusCode::OK, "{target}: {}", answer.text());
    assert_eq!(answer.header("content-type"), "application/x-ndjson");
    assert_eq!(answer.header("cache-control"), "no-store");
    let objects: Vec<Value> = answer.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (last, others) = objects.split_last().unwrap();
    assert_eq!(last["done"], true);
    let events = others.iter().filter(|object| object.get("event").is_some());
    let times = events.map(|object| {
        let journal = event::journal::parse(&object["event"].to_string()).unwrap();
        assert_eq!(object["line"], journal.line(&jiff::tz::TimeZone::UTC));
        journal.time.to_string()
    });
    (times.collect(), last.clone())
}

const FIRST: &str = "2026-11-18T23:59:59.5Z";
const SECOND: &str = "2026-11-19T00:00:00Z";
const THIRD: &str = "2026-11-20T11:00:00Z";

#[tokio::test]
async fn everything_that_is_found() {
    let running = three().await;
    let client = running.client("reader");
    for path in ["/hunt", "/api/v1/hunt"] {
        for (query, expected) in [
            ("q=evil.example", &[THIRD, FIRST][..]),
            ("q=evil.example&newest=false", &[FIRST, THIRD]),
            ("q=www.evil.example", &[THIRD, FIRST]),
            ("q=10.1.0.0/16+OR+dst:192.0.2.8", &[THIRD, SECOND]),
            ("q=NOT+evil.example", &[SECOND]),
            ("q=example&from=2026-11-19", &[THIRD, SECOND]),
            ("q=example&to=2026-11-19", &[SECOND, FIRST]),
            ("q=example&from=2026-11-19&to=2026-11-19", &[SECOND]),
            // Either way round, as days may be.
            ("q=example&from=2026-11-19&to=2026-11-18", &[SECOND, FIRST]),
            ("q=example&from=2026-11-20T11:00:00Z&to=2026-11-19T00:00:00Z", &[SECOND]),
            ("q=example&from=2026-11-19T00:00:00Z&to=2026-11-20T11:00:00Z", &[SECOND]),
            ("q=nowhere", &[]),
        ] {
            let (found, last) = hunt(&client, &format!("{path}?{query}")).await;
            assert_eq!(found, expected, "{query}");
            assert_eq!(last["complete"], true, "{last}");
            assert_eq!(last["found"], expected.len(), "{last}");
        }
    }
    running.stop().await;
}

#[tokio::test]
async fn a_limit_is_told() {
    let running = three().await;
    let client = running.client("reader");
    for (limit, found, complete) in [(1, 1, false), (2, 2, false), (3, 3, true), (4, 3, true)] {
        let (events, last) = hunt(&client, &format!("/api/v1/hunt?q=example&limit={limit}")).await;
        assert_eq!((events.len(), &last["complete"]), (found, &Value::Bool(complete)), "{last}");
        assert_eq!(last.get("reason").is_some(), !complete);
    }
    running.stop().await;
}

#[tokio::test]
async fn a_failure_is_told() {
    let running = three().await;
    running.store.fail_after(2);
    let (found, last) = hunt(&running.client("reader"), "/hunt?q=example").await;
    assert_eq!(found.len(), 2);
    assert_eq!((&last["complete"], &last["reason"]), (&Value::Bool(false), &Value::from("failure")));
    assert!(last["error"].as_str().unwrap().contains("log"));
    running.stop().await;
}

#[tokio::test]
async fn a_server_that_still_reads_its_logs_says_so() {
    let running = three().await;
    for (reading, complete) in [(true, false), (false, true)] {
        running.store.reading.store(reading, std::sync::atomic::Ordering::SeqCst);
        let (found, last) = hunt(&running.client("reader"), "/hunt?q=example").await;
        assert_eq!((found.len(), &last["complete"]), (3, &Value::Bool(complete)));
        assert_eq!(last.get("reason").and_then(Value::as_str), reading.then_some("reading"));
    }
    running.stop().await;
}

#[tokio::test]
async fn each_sees_their_own() {
    let running = three().await;
    assert_eq!(hunt(&running.client("scoped"), "/hunt?q=example").await.0, [SECOND]);
    assert_eq!(hunt(&running.client("scoped"), "/hunt?q=10.0.0.5").await.0, [""; 0]);
    running.stop().await;
}

#[tokio::test]
async fn what_is_no_query_is_refused() {
    let running = three().await;
    let client = running.client("reader");
    for (query, words) in [
        ("", "q: at character 1"),
        ("q=a+)", "q: at character 3"),
        ("q=a&from=yesterday", "from: give a day"),
        ("q=a&limit=0", "limit"),
    ] {
        let answer = client.get(&format!("/api/v1/hunt?{query}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query}");
        assert!(answer.json()["detail"].as_str().unwrap().contains(words), "{query}: {}", answer.text());
    }
    running.stop().await;
}

#[tokio::test]
async fn a_client_that_goes_ends_its_hunt() {
    const MANY: u32 = 30_000;
    let running = Running::plain().await;
    let many = (0..MANY).map(|n| {
        let time = format!("2026-11-20T{:02}:{:02}:{:02}Z", n / 3600 % 24, n / 60 % 60, n % 60);
        event(&time, "10.0.0.5", "192.0.2.7", "evil.example")
    });
    running.store.put(many);
    let mut answer = running.client("reader").begin(axum::http::Method::GET, "/hunt?q=example", &[]).await;
    answer.body_mut().frame().await.unwrap().unwrap();
    drop(answer);
    let (found, _) = hunt(&running.client("reader"), "/hunt?q=example&limit=1").await;
    assert_eq!(found.len(), 1);
    let scanned = running.store.scanned.load(std::sync::atomic::Ordering::Relaxed);
    assert!(scanned < u64::from(MANY), "{scanned}");
    running.stop().await;
}
