//! Logging in, accounts, tokens, triage, views, rules and the audit, as a browser and scripts use them.

use std::sync::Arc;

use axum::http::Method;
use serde_json::{Value, json};
use server::access::{Access, Policy};
use server::condense::ThreatKey;
use server::http::{App, Limits, Server, SystemClock};
use server::settings::Tls;
use server::state::State;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use super::support::client::Answer;
use super::support::{Client, MemoryStore, settings, stores};

/// A server with real accounts: `admin` with the default password, as after the first start.
struct Desk {
    server: Server,
    store: Arc<MemoryStore>,
    _directory: tempfile::TempDir,
}

impl Desk {
    async fn new() -> Desk {
        let directory = tempfile::tempdir().unwrap();
        let settings = settings(directory.path(), Tls::Off);
        let state = Arc::new(State::open(directory.path()).unwrap());
        let access = Arc::new(Access::new(state, &[], Policy { exposed: false, mask_custom: false }).unwrap());
        access.prepare(jiff::Timestamp::now()).unwrap();
        let store = Arc::new(MemoryStore::new(settings.zone.clone()));
        let stores = stores(store.clone(), directory.path());
        let app = App::new(settings, stores, access.clone(), Arc::new(SystemClock));
        let mut routes = server::http::routes();
        routes.extend(server::http::people_routes(access));
        let router = server::http::router(&app, routes);
        let server = Server::start(app, router, Limits::default()).await.unwrap();
        Desk { server, store, _directory: directory }
    }

    /// Someone with a session, or a stranger.
    fn client(&self, cookie: &str) -> Person {
        Person { client: Client::new(self.server.address(), ""), cookie: cookie.to_owned() }
    }

    async fn log_in(&self, name: &str, password: &str) -> Person {
        let answer = self.client("").send(Method::POST, "/login", json!({"name": name, "password": password})).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        self.client(answer.header("set-cookie").split(';').next().unwrap())
    }

    /// An event comes in; gives the id of its threat.
    fn sees(&self, source: &str, indicator: &str) -> String {
        let time = "2026-11-20T10:00:00Z";
        let event = event::journal::parse(&format!(
            r#"{{"v":1,"id":"e","time":"{time}","last":"{time}","sensor":"gw","src":["{source}"],"dst":["192.0.2.1"],"protocol":17,"kind":"DNS","observed":{{"text":"{indicator}","matched":[]}},"indicator":"{indicator}","severity":"high"}}"#
        ))
        .unwrap();
        let id = ThreatKey::of(&event).id().to_string();
        self.store.put([event]);
        id
    }

    /// An administrator past the change of the default password.
    async fn admin(&self) -> Person {
        let admin = self.log_in("admin", "changeme!").await;
        let change = json!({"current": "changeme!", "new": "a better one"});
        assert_eq!(admin.send(Method::POST, "/api/v1/account/password", change).await.status, 204);
        admin
    }

    /// A reader of these networks.
    async fn reader(&self, admin: &Person, name: &str, networks: &str) -> Person {
        let account = json!({"name": name, "netfilter": networks});
        let made = admin.send(Method::POST, "/api/v1/accounts", account).await;
        assert_eq!(made.status, 200, "{}", made.text());
        let first = made.json()["password"].as_str().unwrap().to_owned();
        let reader = self.log_in(name, &first).await;
        let change = json!({"current": first, "new": "my own choice"});
        assert_eq!(reader.send(Method::POST, "/api/v1/account/password", change).await.status, 204);
        reader
    }
}

struct Person {
    client: Client,
    cookie: String,
}

impl Person {
    async fn get(&self, target: &str) -> Answer {
        self.client.with(Method::GET, target, &[("cookie", &self.cookie)]).await
    }

    async fn send(&self, method: Method, target: &str, body: Value) -> Answer {
        let fields = [("cookie", self.cookie.as_str()), ("sec-fetch-site", "same-origin")];
        self.client.send(method, target, &fields, &body).await
    }

    async fn delete(&self, target: &str) -> u16 {
        let fields = [("cookie", self.cookie.as_str()), ("sec-fetch-site", "same-origin")];
        self.client.with(Method::DELETE, target, &fields).await.status.as_u16()
    }
}

#[tokio::test]
async fn the_default_password_is_changed_before_anything_else() {
    let desk = Desk::new().await;
    let answer = desk.client("").send(Method::POST, "/login", json!({"name": "admin", "password": "changeme!"})).await;
    assert_eq!(answer.json()["must_change"], true);
    let cookie = answer.header("set-cookie");
    for part in ["HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    let admin = desk.client(cookie.split(';').next().unwrap());
    let refused = admin.get("/api/v1/days").await;
    assert_eq!(refused.status, 403);
    assert!(refused.json()["detail"].as_str().unwrap().contains("change the password"));
    let who = admin.get("/api/v1/account").await.json();
    assert_eq!(who, json!({"name": "admin", "role": "administrator", "must_change": true}));
    let wrong = json!({"current": "guess", "new": "a better one"});
    assert_eq!(admin.send(Method::POST, "/api/v1/account/password", wrong).await.status, 400);
    let change = json!({"current": "changeme!", "new": "a better one"});
    assert_eq!(admin.send(Method::POST, "/api/v1/account/password", change).await.status, 204);
    assert_eq!(admin.get("/api/v1/days").await.status, 200);
    assert_eq!(admin.get("/api/v1/account").await.json()["must_change"], false);
    assert_eq!(admin.send(Method::POST, "/logout", json!({})).await.status, 204);
    assert_eq!(admin.get("/api/v1/days").await.status, 401);
    assert_eq!(admin.get("/api/v1/account").await.status, 401);
    desk.server.stop().await;
}

#[tokio::test]
async fn wrong_logins_are_refused_and_slowed_down() {
    let desk = Desk::new().await;
    let stranger = desk.client("");
    let attempt = |name: &'static str| stranger.send(Method::POST, "/login", json!({"name": name, "password": "x"}));
    let (known, unknown) = (attempt("admin").await, attempt("nobody").await);
    assert_eq!((known.status.as_u16(), unknown.status.as_u16()), (401, 401));
    assert_eq!(known.text(), unknown.text(), "which names there are is not told");
    for _ in 0..4 {
        attempt("admin").await;
    }
    assert_eq!(attempt("admin").await.status, 429);
    for (body, status) in [(json!({"name": "admin"}), 400), (json!([]), 400), (json!({"name": 1, "password": 2}), 400)]
    {
        assert_eq!(stranger.send(Method::POST, "/login", body).await.status, status);
    }
    let plain = stranger.client.with(Method::POST, "/login", &[("content-type", "text/plain")]).await;
    assert_eq!(plain.status, 415);
    desk.server.stop().await;
}

#[tokio::test]
async fn readers_manage_nothing_but_their_own() {
    let desk = Desk::new().await;
    let admin = desk.admin().await;
    let reader = desk.reader(&admin, "rita", "").await;
    for target in ["/api/v1/accounts", "/api/v1/audit"] {
        assert_eq!(reader.get(target).await.status, 403, "{target}");
        assert_eq!(admin.get(target).await.status, 200, "{target}");
    }
    let sensor = json!({"label": "gw", "purpose": "sensor"});
    assert_eq!(reader.send(Method::POST, "/api/v1/tokens", sensor.clone()).await.status, 403);
    assert_eq!(admin.send(Method::POST, "/api/v1/tokens", sensor).await.status, 200);
    let made = reader.send(Method::POST, "/api/v1/tokens", json!({"label": "script", "purpose": "api"})).await.json();
    assert_eq!(reader.get("/api/v1/tokens").await.json().as_array().unwrap().len(), 1);
    assert_eq!(admin.get("/api/v1/tokens").await.json().as_array().unwrap().len(), 2);
    let script = Client::new(desk.server.address(), made["token"].as_str().unwrap());
    assert_eq!(script.get("/api/v1/days").await.status, 200);
    assert_eq!(script.get("/api/v1/accounts").await.status, 403);
    assert_eq!(reader.send(Method::POST, "/api/v1/rules", json!({"rule": "x"})).await.status, 403);
    assert_eq!(admin.delete("/api/v1/accounts/rita").await, 204);
    assert_eq!(reader.get("/api/v1/days").await.status, 401, "sessions go with the account");
    assert_eq!(script.get("/api/v1/days").await.status, 401, "tokens too");
    assert_eq!(admin.delete("/api/v1/accounts/admin").await, 409, "the last administrator");
    let entries = admin.get("/api/v1/audit").await.json();
    let actions: Vec<&str> = entries.as_array().unwrap().iter().map(|e| e["action"].as_str().unwrap()).collect();
    for action in ["account.remove", "token.add", "account.add", "account.password", "login"] {
        assert!(actions.contains(&action), "{action} in {actions:?}");
    }
    assert!(!entries.to_string().contains("a better one"), "no secrets");
    desk.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn passwords_are_hashed_two_at_a_time_whoever_waits_for_it() {
    let desk = Desk::new().await;
    let admin = desk.admin().await;
    let body = r#"{"name": "admin", "password": "a guess"}"#;
    let request = format!(
        "POST /login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut guessing = Vec::new();
    for _ in 0..16 {
        let mut stream = TcpStream::connect(desk.server.address()).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        guessing.push(stream);
    }
    let mut most = 0;
    for stream in guessing {
        drop(stream);
        most = most.max(admin.get("/api/v1/health").await.json()["working"].as_u64().unwrap());
    }
    assert!(most <= 2, "{most}");
    desk.server.stop().await;
}

#[tokio::test]
async fn triage_is_shared_by_those_who_see_the_threat() {
    let desk = Desk::new().await;
    let admin = desk.admin().await;
    let (inside, outside) =
        (desk.reader(&admin, "ines", "10.1.0.0/16").await, desk.reader(&admin, "otto", "172.16.0.0/12").await);
    let id = desk.sees("10.1.0.5", "evil.example");
    let change = |version: i64| {
        json!({"threats": [id.clone(), "00000000000000ff"], "day": "2026-11-20",
            "change": {"version": version, "status": "investigating", "add_tags": ["vip"], "note": "<b>look</b>"}})
    };
    let done = inside.send(Method::POST, "/api/v1/triage", change(0)).await.json();
    assert_eq!(done["changed"][0]["status"], "investigating");
    assert_eq!(done["missing"], json!(["00000000000000ff"]));
    let late = admin.send(Method::POST, "/api/v1/triage", change(0)).await.json();
    assert_eq!(late["conflicts"][0]["author"], "ines");
    let dossier = admin.get(&format!("/api/v1/triage/{id}")).await.json();
    assert_eq!((&dossier["notes"][0]["text"], &dossier["triage"]["tags"]), (&json!("<b>look</b>"), &json!(["vip"])));
    assert_eq!(outside.get(&format!("/api/v1/triage/{id}")).await.status, 404);
    assert_eq!(outside.get("/api/v1/triage").await.json(), json!([]));
    let tried = outside.send(Method::POST, "/api/v1/triage", change(1)).await.json();
    assert_eq!(tried["changed"], json!([]), "what one cannot see one cannot change");
    let since = admin.get("/api/v1/triage").await.json();
    assert_eq!(since.as_array().unwrap().len(), 1);
    for wrong in [
        json!({"threats": [], "day": "2026-11-20", "change": {}}),
        json!({"threats": ["x"], "day": "2026-11-20", "change": {}}),
        json!({"threats": [id.clone()], "day": "yesterday", "change": {}}),
        json!({"threats": [id.clone()], "day": "2026-11-20", "change": {"note": ""}}),
        json!({"threats": [id.clone()], "day": "2026-11-20", "change": {"status": "gone"}}),
        json!({"threats": [id.clone()], "day": "2026-11-20", "change": {"constructor": 1}}),
    ] {
        assert_eq!(admin.send(Method::POST, "/api/v1/triage", wrong.clone()).await.status, 400, "{wrong}");
    }
    desk.server.stop().await;
}

#[tokio::test]
async fn views_and_rules_change_by_version() {
    let desk = Desk::new().await;
    let admin = desk.admin().await;
    let reader = desk.reader(&admin, "rita", "").await;
    let view = json!({"name": "mine", "query": "q=sev:high"});
    let made = reader.send(Method::POST, "/api/v1/views", view.clone()).await.json();
    assert_eq!(reader.send(Method::POST, "/api/v1/views", view).await.status, 409, "the name is taken");
    assert_eq!(admin.get("/api/v1/views").await.json(), json!([]), "not shared");
    let target = format!("/api/v1/views/{}", made["id"]);
    let shared = json!({"name": "ours", "query": "q=sev:high", "shared": true, "version": 1});
    assert_eq!(admin.send(Method::PUT, &target, shared.clone()).await.status, 404, "another's");
    assert_eq!(reader.send(Method::PUT, &target, shared.clone()).await.json()["version"], 2);
    let conflict = reader.send(Method::PUT, &target, shared).await;
    assert_eq!((conflict.status.as_u16(), &conflict.json()["version"]), (409, &json!(2)));
    assert_eq!(admin.get("/api/v1/views").await.json()[0]["name"], "ours");
    assert_eq!(admin.delete(&target).await, 404);
    assert_eq!(reader.delete(&target).await, 204);
    let rule = admin.send(Method::POST, "/api/v1/rules", json!({"rule": "src:10.0.0.9", "comment": "scanner"})).await;
    let target = format!("/api/v1/rules/{}", rule.json()["id"]);
    let change = json!({"rule": "src:10.0.0.8", "enabled": false, "version": 1});
    assert_eq!(admin.send(Method::PUT, &target, change.clone()).await.json()["enabled"], false);
    assert_eq!(admin.send(Method::PUT, &target, change).await.status, 409);
    assert_eq!(reader.get("/api/v1/rules").await.json()[0]["rule"], "src:10.0.0.8");
    assert_eq!(admin.delete(&target).await, 204);
    desk.server.stop().await;
}

#[tokio::test]
async fn pages_of_other_sites_change_nothing() {
    let desk = Desk::new().await;
    let admin = desk.admin().await;
    let body = json!({"rule": "src:10.0.0.9"});
    let fields = [("cookie", admin.cookie.as_str()), ("origin", "https://evil.example")];
    assert_eq!(admin.client.send(Method::POST, "/api/v1/rules", &fields, &body).await.status, 403);
    assert_eq!(admin.get("/api/v1/rules").await.json(), json!([]));
    desk.server.stop().await;
}
