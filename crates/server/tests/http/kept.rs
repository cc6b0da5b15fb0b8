//! The kept paths: one test for each answer that other programs expect.

use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::rc::Rc;

use axum::http::{Method, StatusCode};
use serde_json::json;
use server::http::Limits;
use trails::builder::Place;
use trails::{Builder, Stamp, Vetoes};

use crate::support::store::event;
use crate::support::{Client, Running};

/// Lines of two days.
async fn two_days() -> Running {
    let running = Running::plain().await;
    running.store.put([
        event("2026-11-19T23:59:59.5Z", "10.0.0.5", "192.0.2.7", "evil.example"),
        event("2026-11-20T00:00:00Z", "10.1.0.6", "192.0.2.7", "bad.example"),
        event("2026-11-20T11:00:00Z", "10.0.0.5", "192.0.2.8", "evil.example"),
    ]);
    running
}

async fn text(client: &Client, target: &str) -> String {
    let answer = client.get(target).await;
    assert_eq!(answer.status, StatusCode::OK, "{target}: {}", answer.text());
    answer.text()
}

#[tokio::test]
async fn ping_and_whoami() {
    let running = Running::plain().await;
    let ping = running.client("").get("/ping").await;
    assert_eq!((ping.text().as_str(), ping.header("content-type")), ("pong", "text/plain; charset=utf-8"));
    assert_eq!(text(&running.client(""), "/whoami").await, "");
    assert_eq!(text(&running.client("reader"), "/whoami").await, "reader");
    running.stop().await;
}

#[tokio::test]
async fn events_are_lines_of_days() {
    let running = two_days().await;
    let client = running.client("reader");
    let one = text(&client, "/events?date=2026-11-20").await;
    let lines: Vec<&str> = one.lines().collect();
    assert_eq!(lines.len(), 2);
    assert_eq!(
        lines[0],
        "\"2026-11-20 00:00:00.000000\" edge 10.1.0.6 50000 192.0.2.7 53 UDP DNS (www).bad.example \"asyncrat (malware)\" (static)"
    );
    assert!(one.ends_with('\n'));
    let both = text(&client, "/events?date=2026-11-19_2026-11-20").await;
    assert!(both.lines().count() == 3 && both.ends_with(&one));
    assert_eq!(text(&client, "/events?date=0001-01-01_9999-12-31").await, both);
    assert_eq!(text(&client, "/events?date=2026-11-18").await, "", "a day without events");
    for wrong in ["", "2026-13-01", "..", "2026-11-20_", "x", "2026-11-20_2026-11-21_2026-11-22"] {
        let answer = client.get(&format!("/events?date={wrong}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{wrong}");
    }
    running.stop().await;
}

#[tokio::test]
async fn events_are_held_to_the_readers_scope() {
    let running = two_days().await;
    let mut own = event("2026-11-20T11:30:00Z", "10.1.0.7", "192.0.2.9", "secret.example");
    own.reference = "(custom)".to_owned();
    running.store.put([own]);
    let all = "/events?date=2026-11-19_2026-11-20";
    let scoped = text(&running.client("scoped"), all).await;
    assert!(scoped.lines().count() == 2 && scoped.lines().all(|line| line.contains(" 10.1.0.")), "{scoped}");
    assert!(scoped.contains("secret.example"));
    let masked = text(&running.client("masked"), all).await;
    assert!(masked.lines().count() == 4 && !masked.contains("secret"), "{masked}");
    assert!(masked.lines().last().unwrap().ends_with("UDP DNS - - (custom)"), "{masked}");
    running.stop().await;
}

#[tokio::test]
async fn events_come_compressed_as_the_client_accepts() {
    let running = two_days().await;
    let client = running.client("reader");
    let plain = text(&client, "/events?date=2026-11-20").await;
    for accepted in ["zstd", "br", "gzip"] {
        let answer = client.with(Method::GET, "/events?date=2026-11-20", &[("accept-encoding", accepted)]).await;
        assert_eq!(
            (answer.header("content-encoding"), answer.header("vary").contains("accept-encoding")),
            (accepted, true)
        );
        let mut read = String::new();
        match accepted {
            "zstd" => zstd::Decoder::new(&answer.body[..]).unwrap().read_to_string(&mut read).unwrap(),
            "br" => brotli::Decompressor::new(&answer.body[..], 4096).read_to_string(&mut read).unwrap(),
            _ => flate2::read::GzDecoder::new(&answer.body[..]).read_to_string(&mut read).unwrap(),
        };
        assert_eq!(read, plain, "{accepted}");
        let tag = answer.header("etag").to_owned();
        let fields = [("accept-encoding", accepted), ("if-none-match", tag.as_str())];
        let again = client.with(Method::GET, "/events?date=2026-11-20", &fields).await;
        assert_eq!((again.status, again.body.len()), (StatusCode::NOT_MODIFIED, 0));
        let other = client.with(Method::GET, "/events?date=2026-11-20", &[("if-none-match", tag.as_str())]).await;
        assert_eq!(other.status, StatusCode::OK, "a validator is of one coding");
        let masked = running.client("masked").with(Method::GET, "/events?date=2026-11-20", &fields).await;
        assert_eq!(masked.status, StatusCode::OK, "and of one scope");
    }
    running.store.put([event("2026-11-20T11:01:00Z", "10.0.0.5", "192.0.2.8", "evil.example")]);
    let tag = client.get("/events?date=2026-11-19").await.header("etag").to_owned();
    assert!(!tag.is_empty());
    running.stop().await;
}

#[tokio::test]
async fn ranges_of_events_are_ranges_of_the_text() {
    let running = Running::plain().await;
    // Several MiB, several lines to an instant: reading begins in the middle.
    let many = (0..30_000u32).map(|n| {
        let time = format!("2026-11-20T{:02}:{:02}:{:02}Z", n / 6000, n / 100 % 60, n / 7 % 3);
        event(&time, "10.0.0.5", "192.0.2.7", &format!("{n}.evil.example"))
    });
    running.store.put(many);
    let client = running.client("reader");
    let whole = text(&client, "/events?date=2026-11-20").await;
    let length = whole.len();
    assert!(length > 3 << 20, "{length}");
    let ranged = async |range: &str| {
        client.with(Method::GET, "/events?date=2026-11-20", &[("range", range), ("accept-encoding", "zstd")]).await
    };
    let last = length - 1;
    for (range, from, to) in [
        ("bytes=0-99".to_owned(), 0, 99),
        (format!("bytes=2500000-{}", 2_600_000), 2_500_000, 2_600_000),
        (format!("bytes={}-", length - 10), length - 10, last),
        ("bytes=-5".to_owned(), length - 5, last),
        (format!("bytes=1048570-{}", length * 2), 1_048_570, last),
    ] {
        let answer = ranged(&range).await;
        assert_eq!(answer.status, StatusCode::PARTIAL_CONTENT, "{range}");
        assert_eq!(answer.header("content-range"), format!("bytes {from}-{to}/{length}"));
        assert_eq!((answer.header("content-encoding"), answer.header("accept-ranges")), ("", "bytes"));
        assert_eq!(answer.text(), whole[from..=to], "{range}");
    }
    let nothing_new = ranged(&format!("bytes={length}-")).await;
    assert_eq!(nothing_new.status, StatusCode::RANGE_NOT_SATISFIABLE);
    assert_eq!(nothing_new.header("content-range"), format!("bytes */{length}"));
    assert_eq!(ranged("bytes=9-3").await.status, StatusCode::OK, "no range: the whole");
    let tag = ranged("bytes=0-9").await.header("etag").to_owned();
    let parts = async |tag: &str| {
        client.with(Method::GET, "/events?date=2026-11-20", &[("range", "bytes=0-9"), ("if-range", tag)]).await
    };
    assert_eq!(parts(&tag).await.status, StatusCode::PARTIAL_CONTENT);
    running.store.put([event("2026-11-20T23:00:00Z", "10.0.0.5", "192.0.2.7", "more.example")]);
    assert_eq!(parts(&tag).await.status, StatusCode::OK, "it has changed: the whole");
    let more = ranged(&format!("bytes={length}-")).await.text();
    assert!(more.contains("more.example") && more.lines().count() == 1, "what is new: {more}");
    let absent = client.with(Method::GET, "/events?date=2026-11-18", &[("range", "bytes=0-9")]).await;
    assert_eq!((absent.status, absent.header("content-range")), (StatusCode::OK, "bytes 0-0/0"));
    running.stop().await;
}

#[tokio::test]
async fn counts_of_days() {
    let running = two_days().await;
    let client = running.client("reader");
    let counts = async |query: &str| client.get(&format!("/counts{query}")).await.json();
    assert_eq!(counts("").await, json!({"2026-11-19": 1, "2026-11-20": 2}));
    assert_eq!(counts("?from=2026-11-20").await, json!({"2026-11-20": 2}));
    assert_eq!(counts("?from=2026-11-01&to=2026-11-19").await, json!({"2026-11-19": 1}));
    assert_eq!(running.client("scoped").get("/counts").await.json(), json!({"2026-11-20": 1}));
    assert_eq!(client.get("/counts?from=x").await.status, StatusCode::BAD_REQUEST);
    running.stop().await;
}

fn build_trails(path: &Path) {
    let mut builder = Builder::new(Vetoes::default());
    let malware = builder.source("asyncrat (malware)", "(static)", false);
    let attacker = builder.source("known attacker", "feed.example", false);
    let own = builder.source("our case 7", "(custom)", true);
    let file = Rc::from("test");
    let rows = [
        ("evil.example", malware),
        ("a.evil.example", own),
        ("own.example", own),
        ("192.0.2.0/24", attacker),
        ("198.51.100.7", malware),
        ("both.example", malware),
        ("both.example", own),
        ("bad.example/x.php", malware),
        ("198.51.100.8:8080", attacker),
        ("2001:db8::7", attacker),
        ("2001:db8:1::/48", attacker),
        (r"^gate[0-9]+\.bad\.example$", malware),
        ("0123456789abcdef0123456789abcdef01234567", malware),
    ];
    for (line, (trail, source)) in (1..).zip(rows) {
        builder.add(trail, source, Place { file: &file, line });
    }
    trails::load::publish(builder, path, Stamp { generation: 7, built_at: 7, ..Stamp::default() }).unwrap();
}

async fn with_trails() -> Running {
    let directory = tempfile::tempdir().unwrap().keep();
    build_trails(&directory.join("trails.bin"));
    Running::with(|settings| settings.trails_file = directory.join("trails.bin"), Limits::default()).await
}

#[tokio::test]
async fn check_tells_what_lists_something() {
    let running = with_trails().await;
    let check = async |name: &str, q: &str| running.client(name).get(&format!("/check?q={q}")).await.json();
    let found = check("", "www.Evil.example").await;
    assert_eq!(found["found"], true);
    assert_eq!((&found["query"], &found["trail"]), (&json!("www.Evil.example"), &json!("evil.example")));
    assert_eq!((&found["info"], &found["reference"]), (&json!("asyncrat (malware)"), &json!("(static)")));
    assert!(found["confidence"].as_u64().unwrap() > 0);
    assert_eq!(check("", "good.example").await, json!({"query": "good.example", "found": false}));
    assert_eq!(check("", "192.0.2.9").await["trail"], "192.0.2.0/24");
    assert_eq!(check("", "http://evil.example/path?x=1").await["trail"], "evil.example");
    assert_eq!(running.client("").get("/check?query=evil.example").await.json()["found"], true);
    for wrong in ["", "%20", "%00%ff", &"a".repeat(3000), "^[a-z]+$"] {
        let answer = running.client("").get(&format!("/check?q={wrong}")).await;
        assert_eq!((answer.status, &answer.json()["found"]), (StatusCode::OK, &json!(false)), "{wrong}");
    }
    let source = json!({"reference": "(static)", "info": "asyncrat (malware)", "link": null});
    assert_eq!(found["sources"], json!([source]));
    let network = check("", "192.0.2.9").await;
    assert_eq!(network["sources"][0]["link"], "https://feed.example");
    let listed = running.client("reader").get("/api/v1/trails/evil.example").await.json()["listed"][0].clone();
    assert_eq!((&listed["trail"], &listed["sources"]), (&json!("evil.example"), &json!([source])));
    running.stop().await;
}

#[tokio::test]
async fn the_users_own_trails_are_told_to_those_who_may_know_them() {
    let running = with_trails().await;
    let check = async |name: &str, q: &str| running.client(name).get(&format!("/check?q={q}")).await.json();
    for stranger in ["", "nobody", "masked"] {
        assert_eq!(check(stranger, "own.example").await, json!({"query": "own.example", "found": false}), "{stranger}");
        let below = check(stranger, "a.evil.example").await;
        assert_eq!((&below["trail"], below.get("also")), (&json!("evil.example"), None), "{stranger}: {below}");
        let both = check(stranger, "both.example").await;
        assert_eq!(
            (&both["info"], &both["reference"]),
            (&json!("asyncrat (malware)"), &json!("(static)")),
            "{stranger}"
        );
    }
    for (name, sources, listed) in [("masked", 1, 0), ("reader", 2, 1)] {
        assert_eq!(check(name, "both.example").await["sources"].as_array().unwrap().len(), sources, "{name}");
        let subject = running.client(name).get("/api/v1/trails/own.example").await.json();
        assert_eq!(subject["listed"].as_array().unwrap().len(), listed, "{name}");
        assert_eq!(subject.to_string().contains("our case 7"), listed > 0, "{name}");
    }
    for reader in ["reader", "admin"] {
        assert_eq!(check(reader, "own.example").await["info"], "our case 7", "{reader}");
        assert_eq!(check(reader, "a.evil.example").await["also"][0]["trail"], "evil.example", "{reader}");
    }
    running.stop().await;
}

#[tokio::test]
async fn trails_that_are_replaced_are_seen() {
    let running = with_trails().await;
    let path = running.app.settings.trails_file.clone();
    let client = running.client("");
    assert_eq!(client.get("/check?q=new.example").await.json()["found"], false);
    let mut builder = Builder::new(Vetoes::default());
    let source = builder.source("asyncrat (malware)", "(static)", false);
    builder.add("new.example", source, Place { file: &Rc::from("test"), line: 1 });
    trails::load::publish(builder, &path, Stamp::default()).unwrap();
    assert_eq!(client.get("/check?q=new.example").await.json()["found"], true);
    let damaged = path.with_extension("tmp");
    std::fs::write(&damaged, "damaged").unwrap();
    std::fs::rename(&damaged, &path).unwrap();
    assert_eq!(client.get("/check?q=new.example").await.json()["found"], true, "those from before stay");
    running.stop().await;
}

#[tokio::test]
async fn trails_of_a_csv_are_those_that_a_sensor_built_wherever_it_could() {
    let directory = tempfile::tempdir().unwrap();
    let (csv, cache) = (directory.path().join("trails.csv"), directory.path().join("cache"));
    std::fs::write(&csv, "evil.example,asyncrat (malware),(static)\n").unwrap();
    // Nothing can be written beside it.
    std::fs::create_dir(directory.path().join("trails.bin")).unwrap();
    let tell =
        |settings: &mut server::Settings| (settings.trails_file, settings.cache_dir) = (csv.clone(), cache.clone());
    let running = Running::with(tell, Limits::default()).await;
    let client = running.client("");
    assert_eq!(client.get("/check?q=evil.example").await.json()["found"], false);
    trails::load::load(&csv, &cache).unwrap();
    assert_eq!(client.get("/check?q=evil.example").await.json()["found"], true);
    running.stop().await;
}

#[tokio::test]
async fn geo_and_meta() {
    let running = two_days().await;
    let client = running.client("reader");
    assert_eq!(
        client.get("/geo?date=2026-11-19_2026-11-20").await.json(),
        json!({"counts": {}, "mapped": 0, "unmapped": 3, "home": null})
    );
    assert_eq!(running.client("scoped").get("/geo?date=0001-01-01_9999-12-31").await.json()["unmapped"], 1);
    assert_eq!(client.get("/geo?date=x").await.status, StatusCode::BAD_REQUEST);
    assert_eq!(
        client.get("/meta?observable=10.0.0.5").await.json(),
        json!({"observable": "10.0.0.5", "kind": "ip", "first_seen": "2026-11-19T23:59:59.5Z",
            "last_seen": "2026-11-20T11:00:00Z", "count": 2, "country": ""})
    );
    assert_eq!(client.get("/meta?observable=Evil.example").await.json()["kind"], "domain");
    assert_eq!(running.client("scoped").get("/meta?observable=evil.example").await.json(), json!({}));
    assert_eq!(client.get("/meta?observable=").await.status, StatusCode::BAD_REQUEST);
    running.stop().await;
}

#[tokio::test]
async fn trails_are_csv_for_other_sensors() {
    let running = with_trails().await;
    let stranger = text(&running.client(""), "/trails").await;
    let rows: Vec<&str> = stranger.lines().collect();
    assert_eq!(rows.len(), 10, "{stranger}");
    for row in [
        "evil.example,asyncrat (malware),(static)",
        "both.example,asyncrat (malware),(static)",
        "bad.example/x.php,asyncrat (malware),(static)",
        "192.0.2.0/24,known attacker,feed.example",
        "198.51.100.8:8080,known attacker,feed.example",
        "2001:db8:1::/48,known attacker,feed.example",
        "^gate[0-9]+\\.bad\\.example$,asyncrat (malware),(static)",
    ] {
        assert!(rows.contains(&row), "{row} in {stranger}");
    }
    assert_eq!(text(&running.client("masked"), "/trails").await, stranger);
    let own = text(&running.client("reader"), "/trails").await;
    assert!(own.lines().count() == 12 && own.contains("own.example,our case 7,(custom)"), "{own}");
    let again = tempfile::tempdir().unwrap();
    let csv = again.path().join("trails.csv");
    std::fs::write(&csv, &stranger).unwrap();
    let (path, report) = trails::load::build(&csv, again.path(), &mut |_| {}).unwrap();
    assert_eq!(report.refusals.len(), 0);
    assert_eq!(trails::Store::open(&path).unwrap().len(), 10, "a sensor can take it");
    for accepted in ["identity", "zstd", "br", "gzip"] {
        let client = running.client("");
        let answer = client.with(Method::GET, "/trails", &[("accept-encoding", accepted)]).await;
        let tag = answer.header("etag");
        let fields = [("accept-encoding", accepted), ("if-none-match", tag)];
        assert_eq!(client.with(Method::GET, "/trails", &fields).await.status, StatusCode::NOT_MODIFIED, "{accepted}");
        assert_eq!(running.client("reader").with(Method::GET, "/trails", &fields).await.status, StatusCode::OK);
    }
    let prepared = || {
        let files = std::fs::read_dir(running.directory.path().join("trails")).unwrap();
        let stamp = |file: std::fs::DirEntry| (file.file_name().into_string().unwrap(), file.metadata().unwrap());
        let mut files: Vec<_> = files.map(|file| stamp(file.unwrap())).map(|(n, m)| (n, m.ino(), m.mode())).collect();
        files.sort();
        files
    };
    let before = prepared();
    assert_eq!(before.len(), 8, "four codings for all, four for those who may know the user's own: {before:?}");
    assert!(before.iter().all(|(.., mode)| mode & 0o077 == 0));
    assert_eq!(text(&running.client(""), "/trails").await, stranger);
    assert_eq!(prepared(), before, "written once");
    let path = running.app.settings.trails_file.clone();
    let mut builder = Builder::new(Vetoes::default());
    let source = builder.source("a, \"b\"", "(static)", false);
    builder.add("new.example", source, Place { file: &Rc::from("test"), line: 1 });
    trails::load::publish(builder, &path, Stamp { generation: 8, ..Stamp::default() }).unwrap();
    assert_eq!(text(&running.client(""), "/trails").await, "new.example,\"a, \"\"b\"\"\",(static)\n");
    assert_eq!(prepared().len(), 1, "those of another set go");
    running.stop().await;
    let without = Running::plain().await;
    assert_eq!(text(&without.client(""), "/trails").await, "");
    without.stop().await;
}
