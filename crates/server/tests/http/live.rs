//! Live streams: what arrives comes at once, to those who may see it, from where they left off.

use axum::http::{Method, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use server::http::Limits;

use crate::support::client::PATIENCE;
use crate::support::store::event;
use crate::support::{Client, Running};

/// A stream that is read message by message.
struct Stream {
    body: Incoming,
    text: String,
    pings: usize,
}

const PING: &str = ": ping\n\n";

impl Stream {
    async fn open(client: &Client, target: &str, fields: &[(&str, &str)]) -> Stream {
        let response = client.begin(Method::GET, target, fields).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Stream { body: response.into_body(), text: String::new(), pings: 0 }
    }

    /// The next message that is no sign of life; none at the end.
    async fn next(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.text.find("\n\n") {
                let rest = self.text.split_off(end + 2);
                let message = std::mem::replace(&mut self.text, rest);
                if message == PING {
                    self.pings += 1;
                    continue;
                }
                return Some(message);
            }
            let frame = tokio::time::timeout(PATIENCE, self.body.frame()).await.expect("a message in time")?;
            self.text.push_str(std::str::from_utf8(&frame.ok()?.into_data().unwrap()).unwrap());
        }
    }

    async fn data(&mut self, kind: &str) -> (String, serde_json::Value) {
        let message = self.next().await.expect("a message");
        let field = |name: &str| {
            message.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).unwrap_or_default().to_owned()
        };
        assert_eq!(field("event"), kind, "{message}");
        (field("id"), serde_json::from_str(&field("data")).unwrap())
    }
}

fn at(second: u32, src: &str, name: &str) -> event::Event {
    event(&format!("2026-11-20T11:00:{second:02}Z"), src, "192.0.2.7", name)
}

#[tokio::test]
async fn deltas_arrive_and_go_on_where_they_broke_off() {
    let running = Running::plain().await;
    let client = running.client("reader");
    running.store.put([at(0, "10.0.0.5", "before.example")]);
    let mut stream = Stream::open(&client, "/api/v1/live", &[]).await;
    assert_eq!(stream.data("hello").await.1["cursor"], 1);
    running.store.put([at(1, "10.0.0.5", "one.example")]);
    let (id, delta) = stream.data("delta").await;
    assert_eq!(delta["events"][0]["event"]["indicator"], "one.example");
    assert_eq!(delta["events"][0]["direction"], 1);
    assert_eq!(delta["events"][0]["shown"], "(www).one.example");
    let threat = delta["events"][0]["threat"].as_str().unwrap().to_owned();
    assert_eq!(threat.len(), 16);
    assert_eq!(
        client.get(&format!("/api/v1/threats/{threat}/events")).await.json()["events"].as_array().unwrap().len(),
        1
    );
    drop(stream);
    running.store.put([at(2, "10.0.0.5", "two.example"), at(3, "10.0.0.5", "three.example")]);
    let mut stream = Stream::open(&client, "/api/v1/live?cursor=0", &[("last-event-id", &id)]).await;
    stream.data("hello").await;
    let missed = stream.data("delta").await.1;
    let names: Vec<&str> =
        missed["events"].as_array().unwrap().iter().map(|e| e["event"]["indicator"].as_str().unwrap()).collect();
    assert_eq!(names, ["two.example", "three.example"], "nothing twice, nothing left out");
    let manifest = client.get("/api/v1/threats/2026-11-20").await.json();
    assert_eq!(manifest["cursor"], missed["cursor"], "a manifest leads on");
    running.stop().await;
}

#[tokio::test]
async fn who_was_away_for_too_long_begins_anew() {
    let running = Running::plain().await;
    let client = running.client("reader");
    let mut stream = Stream::open(&client, "/api/v1/live?cursor=999", &[]).await;
    stream.data("hello").await;
    assert_eq!(stream.data("reset").await.1["cursor"], 0);
    running.store.put([at(1, "10.0.0.5", "one.example")]);
    assert_eq!(stream.data("delta").await.1["events"][0]["event"]["indicator"], "one.example");
    assert_eq!(running.app.counters.lost_streams.get(), 1);
    for wrong in ["x", "-1", "99999999999999999999999"] {
        let answer = client.with(Method::GET, "/api/v1/live", &[("last-event-id", wrong)]).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{wrong}");
    }
    running.stop().await;
}

#[tokio::test]
async fn a_reader_follows_what_they_may_see() {
    let running = Running::plain().await;
    let mut scoped = Stream::open(&running.client("scoped"), "/api/v1/live", &[]).await;
    let mut masked = Stream::open(&running.client("masked"), "/live", &[]).await;
    scoped.data("hello").await;
    assert_eq!(masked.next().await.unwrap(), ": connected\n\n");
    let mut own = at(2, "10.1.0.5", "secret.example");
    own.reference = "(custom)".to_owned();
    running.store.put([at(1, "10.0.0.5", "elsewhere.example"), own]);
    let seen = scoped.data("delta").await.1.to_string();
    assert!(!seen.contains("elsewhere.example") && seen.contains("secret.example"), "{seen}");
    let lines = [masked.next().await.unwrap(), masked.next().await.unwrap()].concat();
    assert!(lines.contains("elsewhere.example") && !lines.contains("secret"), "{lines}");
    running.stop().await;
}

#[tokio::test]
async fn kept_live_sends_lines_with_an_id_each() {
    let running = Running::plain().await;
    let client = running.client("reader");
    let mut stream = Stream::open(&client, "/live?date=2026-11-20", &[]).await;
    stream.next().await;
    running.store.put([at(1, "10.0.0.5", "one.example"), at(2, "10.0.0.5", "two.example")]);
    let first = stream.next().await.unwrap();
    assert!(first.starts_with("id: 1\ndata: \"2026-11-20 11:00:01.000000\" edge 10.0.0.5 "), "{first}");
    drop(stream);
    for fields in [&[("last-event-id", "1")][..], &[]] {
        let mut stream = Stream::open(&client, "/live?pos=1", fields).await;
        stream.next().await;
        let second = stream.next().await.unwrap();
        assert!(second.starts_with("id: 2\n") && second.contains("two.example"), "{second}");
    }
    assert_eq!(client.get("/live?date=x").await.status, StatusCode::BAD_REQUEST);
    running.stop().await;
}

#[tokio::test]
async fn midnight_is_told_and_events_go_on() {
    let running = Running::with(|s| s.zone = jiff::tz::TimeZone::fixed(jiff::tz::offset(2)), Limits::default()).await;
    running.clock.set("2026-11-20T21:59:59Z");
    let mut stream = Stream::open(&running.client("reader"), "/api/v1/live", &[]).await;
    stream.data("hello").await;
    running.store.put([event("2026-11-20T21:59:59Z", "10.0.0.5", "192.0.2.7", "before.example")]);
    stream.data("delta").await;
    running.clock.set("2026-11-20T22:00:00Z");
    running.store.put([event("2026-11-20T22:00:00Z", "10.0.0.5", "192.0.2.7", "after.example")]);
    assert_eq!(stream.data("delta").await.1["events"][0]["event"]["indicator"], "after.example");
    assert_eq!(stream.data("day").await.1["day"], "2026-11-21");
    running.stop().await;
}

#[tokio::test]
async fn streams_are_limited_and_come_back() {
    let running = Running::with(|settings| settings.max_streams = 2, Limits::default()).await;
    let client = running.client("reader");
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut stream = Stream::open(&client, "/api/v1/live", &[]).await;
        stream.next().await;
        held.push(stream);
    }
    let refused = client.get("/api/v1/live").await;
    assert_eq!((refused.status, refused.header("retry-after")), (StatusCode::SERVICE_UNAVAILABLE, "2"));
    assert_eq!(client.get("/live").await.status, StatusCode::NO_CONTENT, "as callers of this path expect");
    assert_eq!(running.app.counters.refused_streams.get(), 2);
    held.pop();
    let again = async { while client.begin(Method::GET, "/api/v1/live", &[]).await.status() != StatusCode::OK {} };
    tokio::time::timeout(PATIENCE, again).await.expect("the place comes back when the client goes");
    running.stop().await;
}

#[tokio::test]
async fn streams_end_when_the_server_stops() {
    let running = Running::plain().await;
    let mut stream = Stream::open(&running.client("reader"), "/api/v1/live", &[]).await;
    stream.data("hello").await;
    running.stop().await;
    assert_eq!(stream.next().await, None);
}

#[tokio::test]
async fn a_stream_ends_with_the_right_to_read() {
    let running = Running::plain().await;
    let mut stream = Stream::open(&running.client("reader"), "/api/v1/live", &[]).await;
    let mut other = Stream::open(&running.client("admin"), "/api/v1/live", &[]).await;
    stream.data("hello").await;
    other.data("hello").await;
    running.names.ban("reader");
    assert_eq!(stream.next().await, None);
    // Others go on, with signs of life between what arrives.
    while other.pings == 0 {
        running.store.put([at(1, "10.0.0.5", "one.example")]);
        other.data("delta").await;
    }
    running.stop().await;
}
