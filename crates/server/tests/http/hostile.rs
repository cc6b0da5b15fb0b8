//! Requests that mean harm.

use std::sync::atomic::Ordering;

use axum::http::{Method, StatusCode};
use server::http::Limits;

use crate::support::Running;
use crate::support::store::event;

#[tokio::test]
async fn what_is_no_http_is_refused() {
    let running = Running::plain().await;
    let client = running.client("");
    let long = "a".repeat(100_000);
    let many: String = (0..200).map(|n| format!("X-{n}: y\r\n")).collect();
    let requests = [
        "\0\0\0\0\r\n\r\n".to_owned(),
        "GET\r\n\r\n".to_owned(),
        "GET /ping HTTP/9.9\r\n\r\n".to_owned(),
        format!("GET /{long} HTTP/1.1\r\nHost: x\r\n\r\n"),
        format!("GET /ping HTTP/1.1\r\nHost: x\r\nX: {long}\r\n\r\n"),
        format!("GET /ping HTTP/1.1\r\nHost: x\r\n{many}\r\n"),
        "GET /ping HTTP/1.1\r\nHost : x\r\n\r\n".to_owned(),
        "GET /ping HTTP/1.1\r\nX: a\r\n folded\r\n\r\n".to_owned(),
        "GET /pi\x01ng HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(),
        "\x16\x03\x01\x02\x00\x01\x00\x01\x7c".to_owned() + "\r\n\r\n",
    ];
    for request in requests {
        let answer = client.raw(request.as_bytes()).await;
        let shown: String = request.chars().take(40).collect();
        assert!(!answer.contains("200 OK") && !answer.contains("pong"), "{shown:?}: {answer}");
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{shown:?}: {answer}");
    }
    assert_eq!(client.get("/ping").await.text(), "pong", "nobody else notices");
    running.stop().await;
}

#[tokio::test]
async fn a_request_cannot_hide_in_another() {
    let running = Running::plain().await;
    let client = running.client("");
    let hidden = "GET /whoami HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer admin\r\n\r\n";
    let smuggled = [
        // both ways of telling the end of a body, in either order
        format!(
            "GET /ping HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{hidden}"
        ),
        format!(
            "GET /ping HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n{hidden}"
        ),
        // chunked alone ends the connection too: a field before may have been dropped on the way
        format!("GET /ping HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{hidden}"),
        // what is not chunked, or said twice in two ways
        format!("GET /ping HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n{hidden}"),
        format!("GET /ping HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n{hidden}"),
        format!("GET /ping HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nContent-Length: 5\r\n\r\n{hidden}"),
        format!("GET /ping HTTP/1.1\r\nHost: x\r\nContent-Length: +5\r\n\r\nabcde{hidden}"),
        format!("GET /ping HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{hidden}"),
    ];
    for request in smuggled {
        let answer = client.raw(request.as_bytes()).await;
        assert!(answer.matches("HTTP/1.").count() <= 1 && !answer.contains("admin"), "{request:?}: {answer}");
    }
    running.stop().await;
}

#[tokio::test]
async fn bodies_are_limited() {
    let running = Running::plain().await;
    let client = running.client("admin");
    let answer = client.with(Method::GET, "/ping", &[("content-length", "0")]).await;
    assert_eq!(answer.status, StatusCode::OK);
    let told = client.raw(b"GET /ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 65537\r\n\r\n").await;
    assert!(told.starts_with("HTTP/1.1 413 "), "{told}");
    running.stop().await;
}

#[tokio::test]
async fn targets_are_taken_by_their_letters() {
    let running = Running::plain().await;
    running.store.put([event("2026-11-20T10:00:00Z", "10.0.0.5", "192.0.2.7", "evil.example")]);
    let client = running.client("reader");
    for path in [
        "/../../etc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/assets/../../Cargo.toml",
        "/events/../assets/x.js",
        "/assets/x.js%00.html",
        "/api/v1/threats/2026-11-20/../../../etc/passwd",
        "/%ff%fe",
        "/%",
        "/%zz",
    ] {
        let answer = client.get(path).await;
        assert!(answer.status.is_client_error(), "{path}: {}", answer.status);
    }
    for query in ["date=%ff%fe", "date=2026-11-20%00", "date=2026-11-20&date=x", "%", "=&=", "date[]=x"] {
        let answer = client.get(&format!("/events?{query}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query}");
    }
    let long = format!("/check?q={}", "a".repeat(9000));
    assert_eq!(client.get(&long).await.status, StatusCode::URI_TOO_LONG);
    running.stop().await;
}

#[tokio::test]
async fn the_widest_dates_cost_what_there_is() {
    let running = Running::plain().await;
    running.store.put([event("2026-11-20T10:00:00Z", "10.0.0.5", "192.0.2.7", "evil.example")]);
    let client = running.client("reader");
    for path in ["/events?date=", "/geo?date="] {
        for date in ["0001-01-01_9999-12-31", "9999-12-31_0001-01-01", "9999-12-31", "0001-01-01"] {
            let before = running.store.scanned.load(Ordering::Relaxed);
            assert_eq!(client.get(&format!("{path}{date}")).await.status, StatusCode::OK, "{path}{date}");
            assert!(running.store.scanned.load(Ordering::Relaxed) <= before + 1, "{path}{date}");
        }
    }
    assert_eq!(client.get("/counts?from=0001-01-01&to=9999-12-31").await.json()["2026-11-20"], 1);
    running.stop().await;
}

#[tokio::test]
async fn words_about_the_client_are_believed_from_proxies_only() {
    let running = Running::plain().await;
    let fields = [("x-forwarded-proto", "https"), ("x-forwarded-for", "127.0.0.1"), ("forwarded", "proto=https")];
    let answer = running.client("").with(Method::GET, "/ping", &fields).await;
    assert_eq!(answer.header("strict-transport-security"), "");
    running.stop().await;
}

#[tokio::test]
async fn more_work_than_there_are_places_for_is_refused() {
    let running = Running::with(|settings| settings.max_requests = 1, Limits::default()).await;
    let many = (0..40_000u32).map(|n| {
        event(
            &format!("2026-11-20T10:{:02}:{:02}Z", n / 60 % 60, n % 60),
            "10.0.0.5",
            "192.0.2.7",
            &format!("{n}.example"),
        )
    });
    running.store.put(many);
    let client = running.client("reader");
    // Takes the only place and keeps it: its answer is longer than what waits for a client that does not read.
    let held = client.begin(Method::GET, "/events?date=2026-11-20", &[]).await;
    let waiting: Vec<_> = (0..17)
        .map(|_| {
            tokio::spawn({
                let client = client.clone();
                async move { client.get("/api/v1/days").await.status }
            })
        })
        .collect();
    let counters = &running.app.counters;
    let refused = async {
        while counters.refused_work.get() == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), refused).await.expect("one is refused at once");
    assert_eq!(client.get("/ping").await.text(), "pong", "what needs no place goes on");
    drop(held);
    let mut statuses = Vec::new();
    for task in waiting {
        statuses.push(task.await.unwrap());
    }
    let served = statuses.iter().filter(|status| **status == StatusCode::OK).count();
    assert_eq!((served, statuses.len()), (16, 17), "{statuses:?}");
    running.stop().await;
}
