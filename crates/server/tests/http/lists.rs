//! Lists for those who block.

use axum::http::{Method, StatusCode};
use event::{Event, Kind};
use server::Scope;
use server::blocklist::{Collected, Of, Selection, Span};
use server::http::Limits;

use crate::support::store::event;
use crate::support::{MemoryStore, Running};

/// Somebody from outside.
fn attack(time: &str, src: &str, info: &str) -> Event {
    let mut event = event(time, src, "10.1.0.1", "evil.example");
    event.kind = Kind::Ip;
    event.indicator = src.into();
    event.info = info.into();
    event
}

const NOON: &str = "2026-11-20T12:00:00Z";

async fn attacked() -> Running {
    let running = Running::with(
        |settings| {
            settings.blacklists = vec![
                (String::new(), vec!["info ~ attacker".into(), "info ~ scan and src_ip !~ ^45\\.".into()]),
                ("web".into(), vec!["type ~ URL".into()]),
                ("wrong".into(), vec!["info ~ (".into()]),
            ];
            settings.blacklist_allowlist = vec!["203.0.113.0/24".parse().unwrap()];
            settings.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
        },
        Limits::default(),
    )
    .await;
    running.store.put([
        attack("2026-11-19T23:59:59Z", "185.220.101.1", "known attacker"),
        attack(NOON, "185.220.101.2", "known attacker"),
        attack(NOON, "45.33.32.156", "mass scanner"),
        attack(NOON, "185.220.101.3", "asyncrat (malware)"),
        attack(NOON, "10.0.0.9", "known attacker"),
        attack("2026-11-21T00:00:00Z", "185.220.101.4", "known attacker"),
    ]);
    running
}

#[tokio::test]
async fn sources_of_today() {
    let running = attacked().await;
    let stranger = running.client("");
    for (path, expected) in
        [("/fail2ban", "45.33.32.156\n185.220.101.2\n"), ("/blacklist", "185.220.101.2\n"), ("/blacklist/WEB", "")]
    {
        let answer = stranger.get(path).await;
        assert_eq!((answer.status, answer.text().as_str()), (StatusCode::OK, expected), "{path}");
        assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8");
        let tag = answer.header("etag").to_owned();
        let again = stranger.with(Method::GET, path, &[("if-none-match", &tag)]).await;
        assert_eq!(again.status, StatusCode::NOT_MODIFIED, "{path}");
    }
    assert_eq!(stranger.get("/blacklist/none").await.status, StatusCode::NOT_FOUND);
    assert_eq!(stranger.get("/blacklist/wrong").await.status, StatusCode::INTERNAL_SERVER_ERROR);
    running.stop().await;
}

#[tokio::test]
async fn what_comes_is_listed_without_reading_all_again() {
    let running = attacked().await;
    let client = running.client("");
    client.get("/fail2ban").await;
    let scanned = || running.store.scanned.load(std::sync::atomic::Ordering::Relaxed);
    let before = scanned();
    assert!(before > 0);
    running.store.put([attack(NOON, "185.220.101.9", "bad reputation")]);
    assert_eq!(client.get("/fail2ban").await.text(), "45.33.32.156\n185.220.101.2\n185.220.101.9\n");
    assert_eq!(scanned(), before);
    // Another day is another list.
    running.clock.set("2026-11-21T00:00:00Z");
    assert_eq!(client.get("/fail2ban").await.text(), "185.220.101.4\n");
    running.stop().await;
}

#[tokio::test]
async fn what_is_cleared_is_not_listed_from_then_on() {
    let running = attacked().await;
    let client = running.client("");
    let file = running.directory.path().join("cleared.txt");
    assert!(client.get("/fail2ban").await.text().contains("185.220.101.2"));
    std::fs::write(&file, "185.220.101.0/24\n").unwrap();
    assert_eq!(client.get("/fail2ban").await.text(), "45.33.32.156\n");
    // Where it cannot be told what is cleared, nothing is listed.
    std::fs::remove_file(&file).unwrap();
    std::fs::create_dir(&file).unwrap();
    assert_eq!(client.get("/fail2ban").await.status, StatusCode::INTERNAL_SERVER_ERROR);
    running.stop().await;
}

#[tokio::test]
async fn only_for_whom_the_configuration_names() {
    let running = attacked().await;
    let client = running.client("reader");
    for (path, address, expected) in [
        ("/blacklist", "203.0.113.7", StatusCode::OK),
        ("/blacklist", "198.51.100.7", StatusCode::FORBIDDEN),
        ("/fail2ban", "203.0.113.7", StatusCode::FORBIDDEN),
        // A proxy that claims to hand on what this machine asks.
        ("/fail2ban", "127.0.0.1", StatusCode::FORBIDDEN),
    ] {
        let answer = client.with(Method::GET, path, &[("x-forwarded-for", address)]).await;
        assert_eq!(answer.status, expected, "{path} for {address}");
    }
    running.stop().await;
}

#[tokio::test]
async fn formats() {
    let running = attacked().await;
    running.store.put([event(NOON, "10.1.0.6", "8.8.8.8", "bad.example")]);
    let client = running.client("reader");
    let get = async |query: &str| client.get(&format!("/api/v1/blocklist{query}")).await.text();
    assert_eq!(get("").await, "45.33.32.156\n185.220.101.2\n185.220.101.3\n");
    assert_eq!(get("?days=2&format=pf").await.lines().count(), 4);
    assert_eq!(get("?of=destinations").await, "");
    assert_eq!(get("?of=names").await, "bad.example\n");
    let rpz = get("?format=rpz&ttl=60").await;
    assert!(
        rpz.starts_with("$TTL 60\n@ SOA ") && rpz.ends_with("\nbad.example CNAME .\n*.bad.example CNAME .\n"),
        "{rpz}"
    );
    let nft = get("?format=nftables").await;
    assert!(nft.contains("add element inet maltrail blocked4 { 45.33.32.156 timeout 3600s, "), "{nft}");
    for none in ["?format=rpz&of=sources", "?format=pf&of=names"] {
        let answer = client.get(&format!("/api/v1/blocklist{none}")).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{none}");
    }
    for wrong in ["?days=0", "?days=31", "?ttl=59", "?severity=worst"] {
        let answer = client.get(&format!("/api/v1/blocklist{wrong}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{wrong}");
    }
    // A reader of some networks: what others saw is not theirs, and their own hosts are not blocked.
    assert_eq!(running.client("scoped").get("/api/v1/blocklist").await.text().lines().count(), 3);
    assert_eq!(running.client("").get("/api/v1/blocklist").await.status, StatusCode::UNAUTHORIZED);
    running.stop().await;
}

#[test]
fn a_full_list_refuses_and_counts() {
    let store = MemoryStore::new(jiff::tz::TimeZone::UTC);
    store.put((1..=5).map(|n| attack(NOON, &format!("185.220.101.{n}"), "known attacker")));
    for (limit, listed, refused) in [(4, 4, 1), (5, 5, 0), (6, 5, 0)] {
        let selection = Selection::AtLeast(event::Severity::High, Of::Sources);
        let span = Span { days: 1, zone: jiff::tz::TimeZone::UTC, scope: Scope::everything() };
        let mut list = Collected::new(selection, span, limit);
        list.follow(&store, NOON.parse().unwrap(), &|| false).unwrap();
        assert_eq!((list.entries().count(), list.refused()), (listed, refused));
    }
}
