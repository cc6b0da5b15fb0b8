//! What was seen at all: names, addresses, who touched them, passive DNS; and what a reader with a scope may see of it.

use event::observable::{Observable, What};
use jiff::Timestamp;
use serde_json::{Value, json};
use server::http::Limits;
use server::observables::Origin;

use crate::support::Running;
use crate::support::store::event;

const MINE: &str = "10.1.0.7";
const THEIRS: &str = "10.2.0.9";

fn seen(what: What, host: &str, (first, last, count): (&str, &str, u64)) -> Observable {
    let time = |time: &str| format!("2026-11-{time}:00:00Z").parse::<Timestamp>().unwrap();
    let (sensor, site) = ("gw".to_owned(), String::new());
    Observable { what, host: Some(host.parse().unwrap()), sensor, site, first: time(first), last: time(last), count }
}

fn name(name: &str) -> What {
    What::Name(name.to_owned())
}

fn address(address: &str) -> What {
    What::Address(address.parse().unwrap())
}

fn pair(name: &str, address: &str) -> What {
    What::Pair { name: name.to_owned(), address: address.parse().unwrap() }
}

/// `shared.example` was asked for by both, before and after by theirs; `secret.example` by theirs alone.
async fn two_hosts() -> Running {
    let running = Running::with(|_| {}, Limits::default()).await;
    let lines = [
        seen(name("shared.example"), THEIRS, ("16T01", "16T01", 100)),
        seen(name("shared.example"), MINE, ("18T02", "18T04", 3)),
        seen(name("shared.example"), THEIRS, ("20T05", "20T05", 100)),
        seen(name("secret.example"), THEIRS, ("18T02", "18T03", 7)),
        seen(name("a.secret.example"), THEIRS, ("18T02", "18T03", 7)),
        seen(name("z.example"), MINE, ("19T01", "19T01", 1)),
        seen(address("192.0.2.1"), MINE, ("18T02", "18T04", 5)),
        seen(address("192.0.2.1"), THEIRS, ("16T01", "20T05", 50)),
        seen(address("192.0.2.2"), THEIRS, ("16T01", "20T05", 50)),
        seen(pair("shared.example", "192.0.2.1"), MINE, ("18T02", "18T04", 2)),
        seen(pair("shared.example", "192.0.2.2"), THEIRS, ("16T01", "20T05", 9)),
        seen(pair("secret.example", "192.0.2.1"), THEIRS, ("16T01", "20T05", 9)),
    ];
    let now = "2026-11-20T12:00:00Z".parse().unwrap();
    assert_eq!(running.app.observables.take(Origin::Batch("gw/1"), &lines, now).unwrap().taken, 12);
    running
}

async fn get(running: &Running, who: &str, target: &str) -> Value {
    let answer = running.client(who).get(target).await;
    assert_eq!(answer.status, 200, "{target}: {}", answer.text());
    assert_eq!(answer.header("cache-control"), "no-store");
    answer.json()
}

#[tokio::test]
async fn names_addresses_hosts_and_pairs() {
    let running = two_hosts().await;
    assert_eq!(
        get(&running, "reader", "/api/v1/observables?q=Shared.example.").await,
        json!({"values": [{"kind": "name", "value": "shared.example", "first": "2026-11-16T01:00:00Z",
            "last": "2026-11-20T05:00:00Z", "count": 203, "hosts": 2}], "more": null, "partial": false})
    );
    let below = get(&running, "reader", "/api/v1/observables?q=*.example").await;
    let values: Vec<&str> = below["values"].as_array().unwrap().iter().map(|v| v["value"].as_str().unwrap()).collect();
    assert_eq!(values, ["secret.example", "a.secret.example", "shared.example", "z.example"]);
    assert_eq!(
        get(&running, "reader", "/api/v1/observables/hosts?q=192.0.2.1").await,
        json!({"hosts": [
            {"host": MINE, "first": "2026-11-18T02:00:00Z", "last": "2026-11-18T04:00:00Z", "count": 5},
            {"host": THEIRS, "first": "2026-11-16T01:00:00Z", "last": "2026-11-20T05:00:00Z", "count": 50},
        ], "more": null, "partial": false})
    );
    let pairs = get(&running, "reader", "/api/v1/observables/pairs?q=192.0.2.0/24").await;
    let pairs: Vec<String> =
        pairs["pairs"].as_array().unwrap().iter().map(|p| format!("{}{}", p["address"], p["name"])).collect();
    let expected = [("192.0.2.1", "secret"), ("192.0.2.1", "shared"), ("192.0.2.2", "shared")];
    assert_eq!(pairs, expected.map(|(address, name)| format!("\"{address}\"\"{name}.example\"")));
    assert_eq!(
        get(&running, "reader", "/api/v1/observables?q=absent.example").await,
        json!({"values": [], "more": null, "partial": false})
    );
    running.stop().await;
}

#[tokio::test]
async fn answers_come_in_parts() {
    let running = two_hosts().await;
    for (path, rows, question, expected) in [
        ("", "values", "*.example", 4),
        ("/hosts", "hosts", "*.example", 2),
        ("/pairs", "pairs", "shared.example", 2),
        ("/pairs", "pairs", "192.0.2.1", 2),
    ] {
        let mut after = String::new();
        for left in (0..expected).rev() {
            let page = get(&running, "reader", &format!("/api/v1/observables{path}?q={question}&limit=1{after}")).await;
            assert_eq!(page[rows].as_array().unwrap().len(), 1, "{path} {question}");
            assert_eq!(page["more"].is_null(), left == 0, "{path} {question} {page}");
            after = format!("&after={}", page["more"].as_str().unwrap_or_default().replace(' ', "+"));
        }
    }
    running.stop().await;
}

#[tokio::test]
async fn a_scope_sees_nothing_of_other_hosts() {
    let running = two_hosts().await;
    // Values, counts and times are those of its own hosts.
    assert_eq!(
        get(&running, "scoped", "/api/v1/observables?q=*.example").await,
        json!({"values": [
            {"kind": "name", "value": "shared.example", "first": "2026-11-18T02:00:00Z",
                "last": "2026-11-18T04:00:00Z", "count": 3, "hosts": 1},
            {"kind": "name", "value": "z.example", "first": "2026-11-19T01:00:00Z",
                "last": "2026-11-19T01:00:00Z", "count": 1, "hosts": 1},
        ], "more": null, "partial": false})
    );
    // A cursor is a value that was shown, and one of theirs shows no more.
    let page = get(&running, "scoped", "/api/v1/observables?q=*.example&limit=1").await;
    assert_eq!(page["more"], "shared.example");
    let page = get(&running, "scoped", "/api/v1/observables?q=*.example&after=secret.example").await;
    assert_eq!(page["values"].as_array().unwrap().len(), 2);
    for hidden in ["q=secret.example", "q=*.secret.example", "q=192.0.2.2"] {
        for (path, rows) in [("", "values"), ("/hosts", "hosts"), ("/pairs", "pairs")] {
            let answer = get(&running, "scoped", &format!("/api/v1/observables{path}?{hidden}")).await;
            assert_eq!(answer, json!({rows: [], "more": null, "partial": false}), "{path} {hidden}");
        }
    }
    let mine = json!([{"name": "shared.example", "address": "192.0.2.1", "first": "2026-11-18T02:00:00Z",
        "last": "2026-11-18T04:00:00Z", "count": 2, "hosts": 1}]);
    for question in ["192.0.2.0/24", "192.0.2.1", "shared.example", "*.example"] {
        let pairs = get(&running, "scoped", &format!("/api/v1/observables/pairs?q={question}")).await;
        assert_eq!(pairs, json!({"pairs": mine, "more": null, "partial": false}), "{question}");
        let hosts = get(&running, "scoped", &format!("/api/v1/observables/hosts?q={question}")).await;
        assert!(!hosts.to_string().contains(THEIRS) && hosts["hosts"][0]["host"] == MINE, "{question}: {hosts}");
    }
    // Nor elsewhere, whoever asked before.
    for path in [
        "/meta?observable=secret.example",
        "/meta?observable=192.0.2.2",
        "/api/v1/trails/secret.example",
        "/api/v1/hosts/192.0.2.2",
    ] {
        assert_ne!(get(&running, "reader", path).await, json!({}));
        let answer = get(&running, "scoped", path).await;
        assert!(answer == json!({}) || answer["observed"].is_null(), "{path}: {answer}");
    }
    let metrics = |who: &'static str| {
        let client = running.client(who);
        async move { client.get("/metrics").await.text() }
    };
    assert!(metrics("reader").await.contains("maltrail_observables_rows{reason=\"names\"} 5"));
    assert!(!metrics("scoped").await.contains("maltrail_observables"));
    running.stop().await;
}

#[tokio::test]
async fn meta_tells_of_traffic_and_of_events() {
    let running = two_hosts().await;
    let meta = async |who: &str, observable: &str| get(&running, who, &format!("/meta?observable={observable}")).await;
    let told = |first: &str, last: &str, count: u64| {
        let (first, last) = (format!("2026-11-{first}:00:00Z"), format!("2026-11-{last}:00:00Z"));
        json!({"observable": "shared.example", "kind": "domain", "first_seen": first, "last_seen": last,
            "count": count, "country": ""})
    };
    assert_eq!(meta("reader", "shared.example").await, told("16T01", "20T05", 203));
    assert_eq!(meta("scoped", "shared.example").await, told("18T02", "18T04", 3));
    // An event of it before that, and after: its time counts, and it is traffic that was counted.
    running.store.put([
        event("2026-11-15T03:00:00Z", MINE, "192.0.2.1", "shared.example"),
        event("2026-11-20T11:00:00Z", THEIRS, "192.0.2.1", "shared.example"),
    ]);
    assert_eq!(meta("reader", "shared.example").await, told("15T03", "20T11", 203));
    assert_eq!(meta("scoped", "shared.example").await, told("15T03", "18T04", 3));
    assert_eq!(meta("reader", "192.0.2.2").await["count"], 50);
    assert_eq!(meta("reader", "10.1.0.7").await["count"], 1, "an event's source that nobody contacted");
    assert_eq!(meta("reader", "http://x/").await, json!({}));
    running.stop().await;
}

#[tokio::test]
async fn hosts_and_trails_tell_what_was_seen_of_them() {
    let running = two_hosts().await;
    let host = get(&running, "reader", "/api/v1/hosts/192.0.2.1").await;
    assert_eq!((&host["events"], &host["observed"]["seen"]["count"]), (&json!(0), &json!(55)));
    assert_eq!(host["observed"]["hosts"], json!([MINE, THEIRS]));
    assert_eq!(host["observed"]["pairs"].as_array().unwrap().len(), 2);
    let trail = get(&running, "reader", "/api/v1/trails/secret.example").await;
    assert_eq!((&trail["observed"]["seen"]["count"], &trail["observed"]["more_pairs"]), (&json!(14), &json!(false)));
    for path in ["trails/absent.example", "trails/a.example%2Fx.php", "families/shared.example", "hosts/192.0.2.3"] {
        assert_eq!(get(&running, "reader", &format!("/api/v1/{path}")).await["observed"], Value::Null, "{path}");
    }
    running.stop().await;
}

#[tokio::test]
async fn what_asks_for_nothing_is_refused() {
    let running = two_hosts().await;
    let client = running.client("reader");
    for question in [
        "",
        "?q=",
        "?q=*.",
        "?q=a..b",
        "?q=192.0.2.0/33",
        "?q=a%00b",
        "?q=a&limit=0",
        "?q=a&limit=1001",
        "?q=a&limit=x",
    ] {
        for path in ["", "/hosts", "/pairs"] {
            let answer = client.get(&format!("/api/v1/observables{path}{question}")).await;
            assert_eq!(answer.status, 400, "{path}{question} {}", answer.text());
        }
    }
    for after in ["%00", "x", "-", "192.0.2.1", "192.0.2.1+shared.example", "..", "*"] {
        for path in ["", "/hosts", "/pairs"] {
            let answer = client.get(&format!("/api/v1/observables{path}?q=*.example&after={after}")).await;
            assert_eq!(answer.status, 200, "{path} {after}");
        }
    }
    running.stop().await;
}
