//! What reads under /api/v1.

use std::collections::BTreeSet;
use std::io::Read as _;

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::Running;
use crate::support::store::event;

/// Ten events of one threat, one of another; two of the ten at the same instant as another.
async fn filled() -> Running {
    let running = Running::plain().await;
    let ten = (0..10u32)
        .map(|n| event(&format!("2026-11-{}T10:00:0{}Z", 19 + n / 5, n / 2), "10.1.0.5", "192.0.2.7", "evil.example"));
    running.store.put(ten);
    running.store.put([event("2026-11-20T11:00:00Z", "10.0.0.9", "192.0.2.8", "bad.example")]);
    running
}

async fn get(running: &Running, name: &str, path: &str) -> Value {
    let answer = running.client(name).get(&format!("/api/v1/{path}")).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text());
    answer.json()
}

#[tokio::test]
async fn days_are_counted_for_their_reader() {
    let running = filled().await;
    let days = get(&running, "reader", "days").await;
    assert_eq!((&days["today"], &days["zone"]), (&json!("2026-11-20"), &json!("UTC")));
    assert_eq!(days["days"][1], json!({"day": "2026-11-20", "events": 6, "lines": 6, "sealed": false}));
    assert_eq!(get(&running, "scoped", "days").await["days"][1]["events"], 5);
    let answer = running.client("reader").get("/api/v1/days").await;
    let again =
        running.client("reader").with(Method::GET, "/api/v1/days", &[("if-none-match", answer.header("etag"))]).await;
    assert_eq!((again.status, again.header("cache-control")), (StatusCode::NOT_MODIFIED, "private, no-cache"));
    running.stop().await;
}

#[tokio::test]
async fn a_manifest_leads_to_its_chunks() {
    let running = filled().await;
    let manifest = get(&running, "reader", "threats/2026-11-20").await;
    assert_eq!((&manifest["events"], &manifest["start"]), (&json!(6), &json!("2026-11-20T00:00:00Z")));
    let chunks: Vec<&str> =
        manifest["chunks"].as_array().unwrap().iter().map(|c| c["name"].as_str().unwrap()).collect();
    assert_eq!(chunks.len(), 2);
    let target = format!("/api/v1/threats/2026-11-20/{}", chunks[0]);
    let client = running.client("reader");
    let plain = client.get(&target).await;
    assert_eq!((plain.text().lines().count(), plain.header("content-encoding")), (4, ""));
    assert_eq!(plain.header("cache-control"), "private, max-age=31536000, immutable");
    for part in ["accept-encoding", "authorization", "cookie"] {
        assert!(plain.header("vary").contains(part));
    }
    for accepted in ["zstd", "br", "gzip"] {
        let answer = client.with(Method::GET, &target, &[("accept-encoding", accepted)]).await;
        assert_eq!(answer.header("content-encoding"), accepted);
        let mut read = Vec::new();
        match accepted {
            "zstd" => zstd::Decoder::new(&answer.body[..]).unwrap().read_to_end(&mut read).unwrap(),
            "br" => brotli::Decompressor::new(&answer.body[..], 4096).read_to_end(&mut read).unwrap(),
            _ => flate2::read::GzDecoder::new(&answer.body[..]).read_to_end(&mut read).unwrap(),
        };
        assert_eq!(read, plain.body, "{accepted}");
        let fields = [("accept-encoding", accepted), ("if-none-match", answer.header("etag"))];
        assert_eq!(client.with(Method::GET, &target, &fields).await.status, StatusCode::NOT_MODIFIED);
    }
    running.stop().await;
}

#[tokio::test]
async fn a_chunk_is_its_readers() {
    let running = filled().await;
    let of_all = get(&running, "reader", "threats/2026-11-20").await;
    let of_scoped = get(&running, "scoped", "threats/2026-11-20").await;
    assert_eq!((of_all["events"].clone(), of_scoped["events"].clone()), (json!(6), json!(5)));
    let client = running.client("scoped");
    let own =
        client.get(&format!("/api/v1/threats/2026-11-20/{}", of_scoped["chunks"][0]["name"].as_str().unwrap())).await;
    assert!(own.text().contains("evil.example") && !own.text().contains("bad.example"));
    let other =
        client.get(&format!("/api/v1/threats/2026-11-20/{}", of_all["chunks"][0]["name"].as_str().unwrap())).await;
    assert_eq!(other.status, StatusCode::NOT_FOUND, "of another scope");
    running.stop().await;
}

#[tokio::test]
async fn what_there_is_not() {
    let running = filled().await;
    let client = running.client("reader");
    let long = format!("families/{}", "a".repeat(501));
    for (path, status) in [
        ("threats/2026-11-18", 404),
        ("threats/9999-12-31", 404),
        ("threats/x", 400),
        ("threats/2026-11-31", 400),
        ("threats/2026-11-20/g6-9", 404),
        ("threats/2026-11-20/..%2f..%2fetc", 400),
        ("threats/2026-11-20/a.b", 400),
        ("threats/2026-11-20/%00", 400),
        ("threats/xyz/events", 400),
        ("threats/0123456789ABCDEF/events", 400),
        ("threats/0123456789abcdef/events?limit=0", 400),
        ("threats/0123456789abcdef/events?limit=1001", 400),
        ("threats/0123456789abcdef/events?limit=-1", 400),
        ("threats/0123456789abcdef/events?after=x", 400),
        ("threats/0123456789abcdef/events?from=x", 400),
        ("hosts/x", 400),
        ("hosts/10.0.0.0%2F8", 400),
        (long.as_str(), 400),
        ("hosts/%ff", 400),
    ] {
        let answer = client.get(&format!("/api/v1/{path}")).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.text());
        let problem = answer.json();
        assert_eq!(
            (&problem["status"], answer.header("content-type")),
            (&json!(status), "application/problem+json"),
            "{path}"
        );
        assert!(problem["detail"].as_str().unwrap().len() > 10, "{path}: {problem}");
    }
    running.stop().await;
}

#[tokio::test]
async fn pages_hold_every_event_once() {
    let running = filled().await;
    let threats = get(&running, "reader", "trails/evil.example").await["threats"]["values"].clone();
    assert_eq!(threats.as_array().unwrap().len(), 1);
    let id = threats[0]["value"].as_str().unwrap();
    for newest in [true, false] {
        for limit in [1, 2, 3, 9, 10, 11] {
            let (mut times, mut ids, mut after) = (Vec::new(), BTreeSet::new(), String::new());
            loop {
                let page =
                    get(&running, "reader", &format!("threats/{id}/events?limit={limit}&newest={newest}{after}")).await;
                let events = page["events"].as_array().unwrap();
                assert!(events.len() <= limit && !events.is_empty());
                for event in events {
                    times.push(event["event"]["time"].as_str().unwrap().to_owned());
                    assert!(event["line"].as_str().unwrap().contains("(www).evil.example"));
                }
                ids.insert(after.clone());
                let Some(next) = page["next"].as_str() else { break };
                after = format!("&after={next}");
                assert!(!ids.contains(&after), "pages go on");
            }
            let mut sorted = times.clone();
            sorted.sort();
            if newest {
                sorted.reverse();
            }
            assert_eq!((times.len(), &times), (10, &sorted), "{limit} {newest}");
        }
    }
    let one_day = get(&running, "reader", &format!("threats/{id}/events?from=2026-11-20&to=2026-11-20")).await;
    assert_eq!(one_day["events"].as_array().unwrap().len(), 5);
    let nobody = get(&running, "scoped", "threats/0123456789abcdef/events").await;
    assert_eq!(nobody, json!({"events": [], "next": null}));
    running.stop().await;
}

#[tokio::test]
async fn hosts_families_and_trails_over_days() {
    let running = filled().await;
    let host = get(&running, "reader", "hosts/10.1.0.5").await;
    assert_eq!(
        (&host["events"], &host["days"]),
        (&json!(10), &json!([{"day": "2026-11-19", "events": 5}, {"day": "2026-11-20", "events": 5}]))
    );
    assert_eq!((&host["destinations"]["distinct"], &host["destinations"]["capped"]), (&json!(1), &json!(false)));
    let destination = &host["destinations"]["values"][0];
    assert_eq!((&destination["value"], &destination["events"]), (&json!("192.0.2.7"), &json!(10)));
    assert_eq!((&destination["known"]["range"], &host["known"]["range"]), (&json!("documentation"), &json!("private")));
    assert_eq!(host["listed"], json!([]));
    assert_eq!((&host["first"], &host["severity"]), (&json!("2026-11-19T10:00:00Z"), &json!("high")));
    assert_eq!(get(&running, "reader", "hosts/::ffff:10.1.0.5").await["events"], 10, "one host however it is written");
    let family = get(&running, "reader", "families/AsyncRAT").await;
    assert_eq!((&family["events"], &family["sources"]["distinct"]), (&json!(11), &json!(2)));
    assert_eq!(get(&running, "reader", "families/async").await["events"], 0, "a whole name");
    let mut quoted = event("2026-11-20T11:10:00Z", "10.0.0.9", "192.0.2.8", "worse.example");
    quoted.info = "Say \"hi\" (malware)".to_owned();
    running.store.put([quoted]);
    assert_eq!(get(&running, "reader", "families/say%20%22hi%22").await["events"], 1, "as the trail has it");
    assert_eq!(get(&running, "scoped", "families/asyncrat").await["events"], 10);
    assert_eq!(get(&running, "reader", "trails/bad.example").await["sensors"]["values"][0]["value"], "edge");
    assert_eq!(get(&running, "scoped", "trails/bad.example").await["events"], 0);
    assert_eq!(get(&running, "reader", "trails/a%2Fb%3Fc").await["name"], "a/b?c");
    running.stop().await;
}

#[tokio::test]
async fn sensors_and_health() {
    let running = filled().await;
    let sensors = get(&running, "reader", "sensors").await;
    assert_eq!(
        sensors["sensors"],
        json!([{"site": "", "sensor": "edge", "last": "2026-11-20T11:00:00Z", "events": 6}])
    );
    assert_eq!(get(&running, "scoped", "sensors").await["sensors"][0]["events"], 5);
    running.store.put([event("2026-11-20T11:30:00Z", "10.0.0.9", "192.0.2.8", "bad.example")]);
    running.clock.set("2026-11-20T12:00:29Z");
    assert_eq!(get(&running, "reader", "sensors").await["sensors"][0]["events"], 6, "for half a minute");
    running.clock.set("2026-11-20T12:00:30Z");
    assert_eq!(get(&running, "reader", "sensors").await["sensors"][0]["events"], 7);
    let health = get(&running, "reader", "health").await;
    assert_eq!((&health["status"], &health["days"]), (&json!("limited"), &json!(2)));
    assert!(health["problems"][0].as_str().unwrap().contains("trails"));
    running.stop().await;
}

#[tokio::test]
async fn the_document_is_served() {
    let running = Running::plain().await;
    let answer = running.client("").with(Method::GET, "/api/v1/openapi.json", &[("accept-encoding", "br")]).await;
    assert_eq!((answer.status, answer.header("content-encoding")), (StatusCode::OK, "br"));
    let document = running.client("").get("/api/v1/openapi.json").await.json();
    assert!(document["openapi"].as_str().unwrap().starts_with("3."));
    assert_eq!(document["components"]["securitySchemes"]["token"]["scheme"], "bearer");
    running.stop().await;
}

#[tokio::test]
async fn feeds_are_told_as_the_last_update_left_them() {
    let running = Running::plain().await;
    let none = get(&running, "reader", "feeds").await;
    assert_eq!((&none["generation"], &none["feeds"]), (&Value::Null, &json!([])));
    let feed = |name: &str, outcome: &str, error: Option<&str>| {
        json!({
            "name": name, "outcome": outcome, "error": error, "rows": 5, "bytes": 90, "asked": "2026-11-19T10:00:00Z",
            "changed": "2026-11-18T10:00:00Z", "stale": false,
        })
    };
    let manifest = json!({
        "generation": 7, "built": "2026-11-20T10:00:00Z", "trails": 12, "kinds": {"name": 12},
        "feeds": [feed("good", "fetched", None), feed("gone", "failed", Some("the server answered 404"))],
        "sources": ["/home/ada/trails"], "refused": {}, "left_out": {},
        "change": {"since": 6, "added": 2, "removed": 1, "added_by": {}, "removed_by": {}}, "held": false,
    });
    std::fs::write(running.app.settings.trails_file.with_extension("manifest.json"), manifest.to_string()).unwrap();
    let told = get(&running, "scoped", "feeds").await;
    assert_eq!((&told["generation"], &told["trails"]), (&json!(7), &json!(12)));
    assert_eq!(told["change"], json!({"since": 6, "added": 2, "removed": 1}));
    let feeds: Vec<_> = told["feeds"].as_array().unwrap().iter().map(|feed| (&feed["name"], &feed["ill"])).collect();
    assert_eq!(feeds, [(&json!("good"), &json!(false)), (&json!("gone"), &json!(true))]);
    assert!(!told.to_string().contains("/home/ada"), "no paths of this machine");
    let health = get(&running, "reader", "health").await["problems"].to_string();
    assert!(health.contains("feed gone: the server answered 404") && !health.contains("feed good"), "{health}");
    std::fs::write(running.app.settings.trails_file.with_extension("manifest.json"), "{broken").unwrap();
    assert_eq!(get(&running, "reader", "feeds").await["generation"], Value::Null);
    running.stop().await;
}
