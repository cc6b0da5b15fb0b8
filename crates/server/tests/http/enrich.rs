//! What is known of addresses and ports, and who may know it.

use std::path::Path;

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use server::http::Limits;

use crate::support::Running;
use crate::support::mmdb::{self, Shape, country, map, system};
use crate::support::store::event;

fn files(directory: &Path) -> Vec<std::path::PathBuf> {
    let (places, systems) = (directory.join("places.mmdb"), directory.join("systems.mmdb"));
    let city = map([
        ("country", map([("iso_code", mmdb::Value::Text("US"))])),
        ("location", map([("latitude", mmdb::Value::Double(37.5)), ("longitude", mmdb::Value::Double(-122.25))])),
    ]);
    let file = mmdb::file(&Shape::default(), &[("8.8.0.0/16", city), ("2606:4700::/32", country("CA"))]);
    std::fs::write(&places, file).unwrap();
    std::fs::write(&systems, mmdb::file(&Shape::default(), &[("8.8.8.0/24", system(15_169, "GOOGLE"))])).unwrap();
    vec![places, systems]
}

/// With files, names of three networks, and a network of its own.
async fn known() -> Running {
    let directory = tempfile::tempdir().unwrap().keep();
    let geo_files = files(&directory);
    let change = |settings: &mut server::Settings| {
        settings.geo_files = geo_files;
        settings.aliases = [("10.1.0.5/32", "mail"), ("10.0.0.0/24", "secret lab"), ("8.8.8.8/32", "outside")]
            .map(|(net, name)| (net.parse().unwrap(), name.to_owned()))
            .to_vec();
        settings.home_networks = vec!["8.8.4.0/24".parse().unwrap()];
    };
    Running::with(change, Limits::default()).await
}

async fn get(running: &Running, name: &str, path: &str) -> Value {
    let answer = running.client(name).get(path).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text());
    answer.json()
}

#[tokio::test]
async fn addresses_names_and_ports() {
    let running = known().await;
    let path = "/api/v1/enrich?address=8.8.8.8,10.1.0.5,%20::ffff:8.8.4.4&name=dns.google,evil.example&port=53,1";
    let told = get(&running, "reader", path).await;
    assert_eq!(
        told["addresses"],
        json!([
            {"address": "8.8.8.8", "range": "internet", "own": false, "alias": "outside", "country": "US", "city": null,
                "asn": 15_169, "organization": "GOOGLE", "resolver": "Google"},
            {"address": "10.1.0.5", "range": "private", "own": false, "alias": "mail", "country": null, "city": null,
                "asn": null, "organization": null, "resolver": null},
            {"address": "8.8.4.4", "range": "internet", "own": true, "alias": null, "country": "US", "city": null,
                "asn": null, "organization": null, "resolver": "Google"},
        ])
    );
    assert_eq!(
        told["names"],
        json!([{"name": "dns.google", "resolver": "Google"}, {"name": "evil.example", "resolver": null}])
    );
    let domain = |protocol: &str| json!({"port": 53, "protocol": protocol, "name": "domain", "title": "DNS", "registered": true});
    assert_eq!(
        told["ports"],
        json!([{"port": 53, "services": [domain("tcp"), domain("udp")]}, {"port": 1, "services": []}])
    );
    assert_eq!(get(&running, "reader", "/api/v1/enrich").await, json!({"addresses": [], "names": [], "ports": []}));
    for wrong in
        ["address=x", "address=10.0.0.0/8", "port=65536", "port=-1", "port=http", "address=8.8.8.8;1.1.1.1", "port=53,"]
    {
        let answer = running.client("reader").get(&format!("/api/v1/enrich?{wrong}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{wrong}");
    }
    running.stop().await;
}

#[tokio::test]
async fn so_many_are_told_at_a_time() {
    let running = known().await;
    for (count, status) in [(99, StatusCode::OK), (100, StatusCode::OK), (101, StatusCode::BAD_REQUEST)] {
        for (key, value) in [("address", "10.0.0.1"), ("port", "7"), ("name", "a.b")] {
            let values = vec![value; count].join(",");
            let answer = running.client("reader").get(&format!("/api/v1/enrich?{key}={values}")).await;
            assert_eq!(answer.status, status, "{count} {key}");
        }
    }
    running.stop().await;
}

#[tokio::test]
async fn what_the_configuration_says_of_others_is_not_told() {
    let running = known().await;
    running.store.put([
        event("2026-11-20T10:00:00Z", "10.1.0.5", "8.8.8.8", "evil.example"),
        event("2026-11-20T10:00:01Z", "10.0.0.9", "10.1.0.5", "evil.example"),
    ]);
    let addresses = "10.1.0.5,10.0.0.9,8.8.8.8,8.8.4.4";
    let told = get(&running, "scoped", &format!("/api/v1/enrich?address={addresses}")).await;
    let of =
        |key: &str| told["addresses"].as_array().unwrap().iter().map(|facts| facts[key].clone()).collect::<Vec<_>>();
    assert_eq!(of("alias"), [json!("mail"), Value::Null, Value::Null, Value::Null]);
    assert_eq!(of("own"), [false, false, false, false]);
    assert_eq!(of("country"), [Value::Null, Value::Null, json!("US"), json!("US")], "what anyone can know is told");
    for path in [
        format!("/api/v1/enrich?address={addresses}"),
        "/api/v1/hosts/10.1.0.5".to_owned(),
        "/api/v1/hosts/10.0.0.9".to_owned(),
        "/api/v1/hosts/8.8.8.8".to_owned(),
        "/api/v1/trails/evil.example".to_owned(),
        "/meta?observable=10.0.0.9".to_owned(),
        "/meta?observable=8.8.8.8".to_owned(),
    ] {
        let scoped = running.client("scoped").get(&path).await.text();
        assert!(!scoped.contains("secret") && !scoped.contains("outside"), "{path}: {scoped}");
        let all = running.client("reader").get(&path).await.text();
        assert!(["secret", "outside", "mail"].iter().any(|alias| all.contains(alias)), "{path}: {all}");
    }
    running.stop().await;
}

#[tokio::test]
async fn hosts_are_told_with_what_is_known_of_them() {
    let running = known().await;
    running.store.put([
        event("2026-11-20T10:00:00Z", "10.1.0.5", "8.8.8.8", "evil.example"),
        event("2026-11-20T10:00:00Z", "10.1.0.5", "2606:4700::7", "evil.example"),
    ]);
    let host = get(&running, "reader", "/api/v1/hosts/8.8.8.8").await;
    assert_eq!((&host["known"]["asn"], &host["known"]["alias"]), (&json!(15_169), &json!("outside")));
    assert_eq!(host["sources"]["values"][0]["known"]["alias"], "mail");
    let trail = get(&running, "reader", "/api/v1/trails/evil.example").await;
    let countries: Vec<&str> = trail["destinations"]["values"]
        .as_array()
        .unwrap()
        .iter()
        .map(|v| v["known"]["country"].as_str().unwrap())
        .collect();
    assert_eq!(countries, ["CA", "US"]);
    assert_eq!((&trail["known"], trail["indicators"]["values"][0].get("known")), (&Value::Null, None));
    let meta = get(&running, "reader", "/meta?observable=8.8.8.8").await;
    assert_eq!(
        (&meta["country"], &meta["asn"], &meta["organization"], &meta["alias"]),
        (&json!("US"), &json!(15_169), &json!("GOOGLE"), &json!("outside"))
    );
    running.stop().await;
}

#[tokio::test]
async fn countries_and_the_place_of_the_own_network() {
    let running = known().await;
    let mut scan = event("2026-11-20T10:00:00Z", "8.8.8.8", "10.1.0.5", "8.8.8.8");
    scan.kind = event::Kind::Ip;
    running.store.put([scan.clone()]);
    let geo = get(&running, "reader", "/geo?date=2026-11-20").await;
    let home = json!({"lat": 37.5, "lon": -122.25});
    assert_eq!(geo, json!({"counts": {"US": 1}, "mapped": 1, "unmapped": 0, "home": home}));
    // Another file: what is remembered is not used.
    let places = running.app.settings.geo_files[0].clone();
    std::fs::write(places.with_extension("new"), mmdb::file(&Shape::default(), &[("8.0.0.0/8", country("DE"))]))
        .unwrap();
    std::fs::rename(places.with_extension("new"), &places).unwrap();
    let geo = get(&running, "reader", "/geo?date=2026-11-20").await;
    assert_eq!(geo, json!({"counts": {"DE": 1}, "mapped": 1, "unmapped": 0, "home": null}));
    running.stop().await;
    let told = Running::with(|settings| settings.home = Some((45.75, 16.0)), Limits::default()).await;
    assert_eq!(get(&told, "scoped", "/geo?date=2026-11-20").await["home"], json!({"lat": 45.75, "lon": 16.0}));
    told.stop().await;
}

#[tokio::test]
async fn files_that_are_broken_or_missing_are_told_and_stop_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let paths = ["broken.mmdb", "missing.mmdb"].map(|name| directory.path().join(name));
    std::fs::write(&paths[0], "<html>").unwrap();
    let running = Running::with(|settings| settings.geo_files = paths.to_vec(), Limits::default()).await;
    let health = get(&running, "reader", "/api/v1/health").await;
    for name in ["broken.mmdb", "missing.mmdb"] {
        let problems = health["problems"].as_array().unwrap();
        let told = problems.iter().filter(|problem| problem.as_str().unwrap().contains(name)).count();
        assert_eq!((told, &health["status"]), (1, &json!("limited")), "{name} in {problems:?}");
    }
    assert!(!health.to_string().contains(directory.path().to_str().unwrap()), "no paths of this machine");
    let metrics = running.client("reader").get("/metrics").await.text();
    assert!(metrics.contains("\nmaltrail_enrich_problems 2\n"), "{metrics}");
    assert_eq!(get(&running, "reader", "/api/v1/enrich?address=8.8.8.8").await["addresses"][0]["country"], Value::Null);
    std::fs::rename(&files(directory.path())[0], &paths[0]).unwrap();
    assert_eq!(get(&running, "reader", "/api/v1/enrich?address=8.8.8.8").await["addresses"][0]["country"], "US");
    running.stop().await;
}

#[tokio::test]
async fn services_are_kept_by_the_page() {
    let running = Running::plain().await;
    let client = running.client("reader");
    let answer = client.with(Method::GET, "/api/v1/services", &[("accept-encoding", "br")]).await;
    assert_eq!((answer.status, answer.header("content-encoding")), (StatusCode::OK, "br"));
    assert!(answer.body.len() < 8_000, "compact: {}", answer.body.len());
    let fields = [("accept-encoding", "br"), ("if-none-match", answer.header("etag"))];
    assert_eq!(client.with(Method::GET, "/api/v1/services", &fields).await.status, StatusCode::NOT_MODIFIED);
    let services = client.get("/api/v1/services").await.json()["services"].clone();
    let ssh = json!({"port": 22, "protocol": "tcp", "name": "ssh", "title": "Secure Shell", "registered": true});
    assert!(services.as_array().unwrap().contains(&ssh));
    running.stop().await;
}

#[tokio::test]
async fn networks_of_ones_own_are_never_listed_for_blocking() {
    let sources = ["8.8.4.4", "1.1.1.1", "10.1.0.5"];
    let running = known().await;
    running.store.put(sources.map(|source| {
        let mut event = event("2026-11-20T10:00:00Z", source, "10.1.0.9", "known attacker");
        event.info = "known attacker".to_owned();
        event
    }));
    assert_eq!(running.client("reader").get("/api/v1/blocklist").await.text(), "1.1.1.1\n");
    assert_eq!(running.client("").get("/fail2ban").await.text(), "1.1.1.1\n");
    running.stop().await;
}
