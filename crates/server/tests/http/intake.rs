//! Batches of sensors over HTTPS: who may send, what is taken, what is refused, and what comes again.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::body::Body;
use axum::http::Method;
use event::Event;
use event::journal;
use event::observable::{self, Observable, What};
use serde_json::json;
use server::access::{Access, Policy};
use server::http::{App, Limits, Server, SystemClock};
use server::intake::Way;
use server::settings::Tls;
use server::state::{Purpose, State};

use super::support::client::Answer;
use super::support::store::event;
use super::support::{Client, MemoryStore, settings, stores};

struct Desk {
    server: Server,
    app: Arc<App>,
    access: Arc<Access>,
    store: Arc<MemoryStore>,
    _directory: tempfile::TempDir,
}

impl Desk {
    async fn new() -> Desk {
        let directory = tempfile::tempdir().unwrap();
        let settings = settings(directory.path(), Tls::Off);
        let state = Arc::new(State::open(directory.path()).unwrap());
        let access = Arc::new(Access::new(state, &[], Policy::default()).unwrap());
        access.prepare(jiff::Timestamp::now()).unwrap();
        let store = Arc::new(MemoryStore::new(settings.zone.clone()));
        let stores = stores(store.clone(), directory.path());
        let app = App::new(settings, stores, access.clone(), Arc::new(SystemClock));
        let mut routes = server::http::routes();
        routes.extend(server::intake::routes(access.clone()));
        let router = server::http::router(&app, routes);
        let server = Server::start(app.clone(), router, Limits::default()).await.unwrap();
        Desk { server, app, access, store, _directory: directory }
    }

    /// Someone with a new token.
    fn client(&self, purpose: Purpose, label: &str) -> Client {
        let (_, token) = self.access.make_token("admin", purpose, (label, None), jiff::Timestamp::now()).unwrap();
        Client::new(self.server.address(), &token)
    }
}

async fn send(client: &Client, batch: &str, coding: &str, body: impl Into<Body>) -> Answer {
    let fields = [("maltrail-batch", batch), ("content-encoding", coding)];
    let fields = if coding.is_empty() { &fields[..1] } else { &fields[..] };
    client.bytes((Method::POST, "/api/v1/intake"), fields, body.into()).await
}

fn sensor_event(n: usize, sensor: &str) -> Event {
    let mut event = event("2026-11-20T12:00:00Z", "10.0.0.5", "192.0.2.1", &format!("evil-{n}.example"));
    event.sensor = sensor.to_owned();
    event
}

fn lines(events: &[Event]) -> String {
    events.iter().map(|event| journal::to_line(event).unwrap() + "\n").collect()
}

fn gzip(plain: &str) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(plain.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn events_are_written_in_order_under_the_name_of_the_token() {
    let desk = Desk::new().await;
    let sensor = desk.client(Purpose::Sensor, "gw-hq");
    let events: Vec<Event> = (0..3).map(|n| sensor_event(n, ["gw-hq", "", "other"][n])).collect();
    let text = lines(&events);
    for (batch, coding, body) in [
        ("1", "", text.clone().into_bytes()),
        ("2", "zstd", zstd::encode_all(text.as_bytes(), 3).unwrap()),
        ("3", "gzip", gzip(&text)),
    ] {
        let answer = send(&sensor, batch, coding, body).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(
            answer.json(),
            json!({"written": 3, "observables": 0, "refused": {}, "repeated": false, "renamed": 1})
        );
    }
    let written = desk.store.all();
    assert_eq!(written.len(), 9);
    for (n, event) in written.iter().enumerate() {
        assert_eq!(*event, sensor_event(n % 3, "gw-hq"));
    }
    let counters = &desk.app.intake;
    assert_eq!((counters.received(Way::Https), counters.written(Way::Https)), (9, 9));
    assert_eq!(counters.renamed.load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn a_batch_that_comes_again_is_recognised() {
    let desk = Desk::new().await;
    let (one, other) = (desk.client(Purpose::Sensor, "one"), desk.client(Purpose::Sensor, "other"));
    let text = lines(&[sensor_event(1, "one")]);
    assert_eq!(send(&one, "a.b_c-1", "", text.clone()).await.json()["written"], 1);
    let again = send(&one, "a.b_c-1", "", text.clone()).await;
    assert_eq!(again.json(), json!({"written": 0, "observables": 0, "refused": {}, "repeated": true, "renamed": 0}));
    assert_eq!(send(&other, "a.b_c-1", "", text.clone()).await.json()["written"], 1, "of another sensor");
    assert_eq!(send(&one, "a.b_c-2", "", text).await.json()["written"], 1);
    assert_eq!(desk.store.all().len(), 3);
    assert_eq!(desk.app.intake.repeated_batches.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn broken_lines_are_refused_one_by_one() {
    let desk = Desk::new().await;
    let sensor = desk.client(Purpose::Sensor, "gw");
    let good = lines(&[sensor_event(1, "gw")]);
    let newer = good.replace("\"v\":1", "\"v\":9");
    let body = [good.as_bytes(), b"{\n\xff\n[]\n\n", newer.as_bytes(), good.as_bytes()].concat();
    let answer = send(&sensor, "1", "", body).await;
    let refused = json!({"malformed": 3, "newer-version": 1});
    assert_eq!(
        answer.json(),
        json!({"written": 2, "observables": 0, "refused": refused, "repeated": false, "renamed": 0})
    );
    assert_eq!(desk.app.intake.received(Way::Https), 6);
    let counted: u64 = desk.app.intake.refused(Way::Https).map(|(_, count)| count).sum();
    assert_eq!(counted, 4);
    let empty = send(&sensor, "2", "", "").await;
    assert_eq!(empty.json(), json!({"written": 0, "observables": 0, "refused": {}, "repeated": false, "renamed": 0}));
}

#[tokio::test]
async fn only_sensors_send() {
    let desk = Desk::new().await;
    let text = lines(&[sensor_event(1, "gw")]);
    let address = desk.server.address();
    for (client, status) in [
        (Client::new(address, ""), 401),
        (Client::new(address, "mts_wrong"), 401),
        (desk.client(Purpose::Api, "script"), 403),
    ] {
        assert_eq!(send(&client, "1", "", text.clone()).await.status, status);
    }
    let sensor = desk.client(Purpose::Sensor, "gw");
    assert_eq!(sensor.get("/api/v1/days").await.status, 403, "a sensor's token reads nothing");
    let get = sensor.with(Method::GET, "/api/v1/intake", &[]).await;
    assert_eq!(get.status, 405);
    assert!(desk.store.all().is_empty());
}

#[tokio::test]
async fn a_batch_has_one_name() {
    let desk = Desk::new().await;
    let sensor = desk.client(Purpose::Sensor, "gw");
    let target = (Method::POST, "/api/v1/intake");
    let (longest, longer) = ("x".repeat(128), "x".repeat(129));
    for (names, status) in [
        (&[][..], 400),
        (&["a", "b"], 400),
        (&[""], 400),
        (&["a/b"], 400),
        (&["a b"], 400),
        (&[longest.as_str()], 200),
        (&[longer.as_str()], 400),
    ] {
        let fields: Vec<(&str, &str)> = names.iter().map(|name| ("maltrail-batch", *name)).collect();
        let answer = sensor.bytes(target.clone(), &fields, Body::empty()).await;
        assert_eq!(answer.status, status, "{names:?} {}", answer.text());
    }
}

#[tokio::test]
async fn bombs_and_damaged_bodies_are_refused_as_a_whole() {
    let desk = Desk::new().await;
    let sensor = desk.client(Purpose::Sensor, "gw");
    let good = lines(&[sensor_event(1, "gw")]);
    let packed = zstd::encode_all(good.as_bytes(), 3).unwrap();
    let bomb = good.clone() + &"x".repeat(32 << 20);
    let many = good.repeat(20_001);
    let chunked = futures_util::stream::repeat_with(|| Ok::<_, std::io::Error>(vec![b'\n'; 1 << 16]));
    for (coding, body, status) in [
        ("zstd", Body::from(zstd::encode_all(bomb.as_bytes(), 3).unwrap()), 413),
        ("gzip", Body::from(gzip(&bomb)), 413),
        ("zstd", Body::from(zstd::encode_all(many.as_bytes(), 3).unwrap()), 413),
        ("", Body::from(vec![b'\n'; (4 << 20) + 1]), 413),
        ("", Body::from_stream(futures_util::StreamExt::take(chunked, 100)), 413),
        ("zstd", Body::from(good.clone()), 400),
        ("zstd", Body::from(packed[..packed.len() - 3].to_vec()), 400),
        ("gzip", Body::from(packed.clone()), 400),
        ("br", Body::from(good.clone()), 415),
        ("zstd, gzip", Body::from(packed), 415),
    ] {
        let answer = send(&sensor, "1", coding, body).await;
        assert_eq!(answer.status, status, "{coding} {}", answer.text());
        assert_eq!(answer.header("content-type"), "application/problem+json");
    }
    assert!(desk.store.all().is_empty(), "nothing of a refused batch is taken");
    assert_eq!(send(&sensor, "1", "", good).await.json()["written"], 1, "nor is its name");
}

#[tokio::test]
async fn nothing_is_acknowledged_while_the_disk_is_full() {
    let desk = Desk::new().await;
    let sensor = desk.client(Purpose::Sensor, "gw");
    let text = lines(&[sensor_event(1, "gw")]);
    desk.store.full.store(true, Ordering::SeqCst);
    let answer = send(&sensor, "1", "", text.clone()).await;
    assert_eq!(answer.status, 503);
    assert!(answer.header("retry-after").parse::<u32>().is_ok());
    desk.store.full.store(false, Ordering::SeqCst);
    assert_eq!(send(&sensor, "1", "", text).await.json()["written"], 1);
    let counters = &desk.app.intake;
    assert_eq!((counters.received(Way::Https), counters.failed_batches.load(Ordering::Relaxed)), (1, 1));
}

fn observable(name: &str, time: jiff::Timestamp) -> String {
    let host = "10.1.0.7".parse().ok();
    let what = What::Name(name.to_owned());
    let (sensor, site) = ("gw".to_owned(), String::new());
    observable::line(&Observable { what, host, sensor, site, first: time, last: time, count: 2 }).unwrap() + "\n"
}

#[tokio::test]
async fn events_and_observables_of_a_batch_are_taken_once_each() {
    let desk = Desk::new().await;
    let sensor = desk.client(Purpose::Sensor, "gw");
    let now = jiff::Timestamp::now();
    let count = |name: &str| {
        let ask = server::observables::Ask::parse(name).unwrap();
        let sighting = desk.app.observables.reading().sighting(&ask, server::observables::View::ALL).unwrap();
        sighting.map_or(0, |sighting| sighting.seen.count)
    };
    let old = observable("old.example", now - jiff::SignedDuration::from_hours(8 * 24));
    let new = observable("new.example", now + jiff::SignedDuration::from_hours(2));
    let good = observable("a.example", now);
    let event = lines(&[sensor_event(1, "gw")]);
    let body = [&event, &good, &old, &new, "{\"observable\":\"name\"}\n", &good].concat();
    let answer = send(&sensor, "1", "zstd", zstd::encode_all(body.as_bytes(), 3).unwrap()).await;
    let refused = json!({"malformed": 1, "too-old": 1, "in-the-future": 1});
    assert_eq!(
        answer.json(),
        json!({"written": 1, "observables": 2, "refused": refused, "repeated": false, "renamed": 0})
    );
    assert_eq!((count("a.example"), desk.store.all().len()), (4, 1));
    let again = send(&sensor, "1", "", body).await.json();
    assert_eq!(again, json!({"written": 0, "observables": 0, "refused": {}, "repeated": true, "renamed": 0}));
    assert_eq!((count("a.example"), count("old.example"), desk.store.all().len()), (4, 0, 1));
    // Of observables alone, and one of which a crash left the events, or the observables.
    assert_eq!(send(&sensor, "2", "", good.clone()).await.json()["observables"], 1);
    assert_eq!(send(&sensor, "2", "", good.clone()).await.json()["repeated"], true);
    assert_eq!(send(&sensor, "3", "", event.clone()).await.json()["written"], 1);
    let rest = send(&sensor, "3", "", [event.as_str(), &good].concat()).await.json();
    assert_eq!(
        (&rest["written"], &rest["observables"], &rest["repeated"]),
        (&json!(0), &json!(1), &json!(false)),
        "{rest}"
    );
    let rest = send(&sensor, "2", "", [event.as_str(), &good].concat()).await.json();
    assert_eq!((&rest["written"], &rest["observables"]), (&json!(1), &json!(0)), "{rest}");
    assert_eq!((count("a.example"), desk.store.all().len()), (8, 3));
    assert_eq!(desk.app.intake.repeated_batches.load(Ordering::Relaxed), 2);
}

#[test]
fn the_interface_is_described() {
    let document = serde_json::to_value(server::http::document()).unwrap();
    let post = &document["paths"]["/api/v1/intake"]["post"];
    assert!(post["responses"]["200"]["content"]["application/json"].is_object(), "{post}");
    assert!(document["components"]["schemas"]["Taken"]["properties"]["repeated"].is_object());
}
