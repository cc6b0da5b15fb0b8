//! The page and the metrics.

use axum::http::{Method, StatusCode};

use crate::support::Running;
use crate::support::store::event;

#[tokio::test]
async fn the_page_is_for_anyone_and_has_nothing_inline() {
    let running = Running::plain().await;
    running.store.put([event("2026-11-20T10:00:00Z", "10.0.0.5", "192.0.2.7", "evil.example")]);
    let client = running.client("");
    let page = client.get("/").await;
    assert_eq!((page.status, page.header("content-type")), (StatusCode::OK, "text/html; charset=utf-8"));
    assert_eq!(page.header("cache-control"), "no-cache");
    let text = page.text();
    assert!(text.contains("<title>maltrail</title>") && !text.contains("2026-11-20"));
    for inline in ["<style", "style=", "onload", "onclick", "javascript:", "//"] {
        assert!(!text.contains(inline), "{inline}");
    }
    let known = [("if-none-match", page.header("etag"))];
    assert_eq!(client.with(Method::GET, "/", &known).await.status, StatusCode::NOT_MODIFIED);
    let head = client.with(Method::HEAD, "/", &[]).await;
    assert_eq!((head.status, head.body.len(), head.header("etag")), (StatusCode::OK, 0, page.header("etag")));
    // Scripts come from files. There are none where the page was not built.
    for script in text.split("<script").skip(1) {
        let name = script.split("src=\"./").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
        let script = client.get(&format!("/{name}")).await;
        assert_eq!((script.status, script.header("content-type")), (StatusCode::OK, "text/javascript; charset=utf-8"));
        assert_eq!(script.header("cache-control"), "max-age=31536000, immutable");
        assert_eq!(
            client
                .with(Method::GET, &format!("/{name}"), &[("accept-encoding", "br")])
                .await
                .header("content-encoding"),
            "br"
        );
    }
    for name in ["nothing.js", "index.html", "..%2findex.html", "main.js.br"] {
        assert_eq!(client.get(&format!("/assets/{name}")).await.status, StatusCode::NOT_FOUND, "{name}");
    }
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
