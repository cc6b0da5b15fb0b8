//! The page and the metrics.

use axum::http::{Method, StatusCode};

use crate::support::Running;
use crate::support::store::event;

#[tokio::test]
async fn the_page_says_what_this_is_and_counts_for_readers() {
    let running = Running::plain().await;
    running.store.put([event("2026-11-20T10:00:00Z", "10.0.0.5", "192.0.2.7", "evil.example")]);
    let stranger = running.client("").get("/").await.text();
    assert!(stranger.contains("<h1>maltrail</h1>") && !stranger.contains("2026-11-20"));
    let reader = running.client("reader").get("/").await.text();
    assert!(reader.contains("Events of 2026-11-20: 1."), "{reader}");
    assert!(running.client("scoped").get("/").await.text().contains("Events of 2026-11-20: 0."));
    for inline in ["<script", "<style", "style=", "onload", "onclick", "javascript:"] {
        assert!(!reader.contains(inline), "{inline}");
    }
    running.stop().await;
}

#[tokio::test]
async fn files_are_compressed_and_validated() {
    let running = Running::plain().await;
    let client = running.client("");
    let plain = client.get("/style.css").await;
    assert_eq!((plain.header("content-type"), plain.header("content-encoding")), ("text/css; charset=utf-8", ""));
    for coding in ["zstd", "br", "gzip"] {
        let answer = client.with(Method::GET, "/style.css", &[("accept-encoding", coding)]).await;
        assert_eq!(answer.header("content-encoding"), coding);
        assert_ne!(answer.header("etag"), plain.header("etag"));
        let fields = [("accept-encoding", coding), ("if-none-match", answer.header("etag"))];
        assert_eq!(client.with(Method::GET, "/style.css", &fields).await.status, StatusCode::NOT_MODIFIED);
    }
    let head = client.with(Method::HEAD, "/style.css", &[]).await;
    assert_eq!((head.status, head.body.len(), head.header("etag")), (StatusCode::OK, 0, plain.header("etag")));
    running.stop().await;
}

#[tokio::test]
async fn metrics_count() {
    let running = Running::plain().await;
    running.store.put([event("2026-11-20T10:00:00Z", "10.0.0.5", "192.0.2.7", "evil.example")]);
    running.client("").get("/api/v1/days").await;
    running.client("").get("/nothing").await;
    let metrics = running.client("admin").get("/metrics").await;
    assert_eq!(metrics.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    let text = metrics.text();
    for line in [
        "maltrail_http_requests_total{status=\"4xx\"} 2",
        "maltrail_http_connections_total 3",
        "maltrail_http_denied_total 1",
        "maltrail_store_events_today 1",
        "maltrail_http_streams_open 0",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} in {text}");
    }
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let name = line.split(['{', ' ']).next().unwrap();
        assert!(text.contains(&format!("# TYPE {name} ")) && text.contains(&format!("# HELP {name} ")), "{line}");
    }
    running.stop().await;
}
