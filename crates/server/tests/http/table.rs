//! The table of routes: everything that is served is in it, and nothing that is a reader's is for strangers.

use std::collections::BTreeSet;

use axum::http::{Method, StatusCode};
use server::http::{Limits, Who, document};

use crate::support::store::event;
use crate::support::{Running, all_routes};

/// What strangers may ask for. Whatever is added to this is public: think twice.
const PUBLIC: [&str; 15] = [
    "/",
    "/assets/{name}",
    "/ping",
    "/whoami",
    "/check",
    "/trails",
    "/api/v1/openapi.json",
    "/login",
    "/logout",
    // Refuses strangers itself.
    "/api/v1/account",
    "/api/v1/account/password",
    // Sensors are no readers: it asks for their tokens itself.
    "/api/v1/intake",
    // Public addresses only, for peers that the configuration names.
    "/fail2ban",
    "/blacklist",
    "/blacklist/{name}",
];

fn filled(path: &str) -> String {
    let parts = [("{day}", "2026-11-20"), ("{chunk}", "g1-0"), ("{id}", "0123456789abcdef"), ("{address}", "10.0.0.5")];
    let path = parts.iter().fold(path.to_owned(), |path, (name, value)| path.replace(name, value));
    path.replace("{name}", "asyncrat").replace("{trail}", "evil.example")
}

#[tokio::test]
async fn data_is_not_for_strangers() {
    let running = Running::plain().await;
    running.store.put([event("2026-11-20T10:00:00Z", "10.0.0.5", "192.0.2.7", "evil.example")]);
    let mut public = BTreeSet::new();
    let directory = tempfile::tempdir().unwrap();
    for route in all_routes(directory.path()) {
        let target = format!("{}?date=2026-11-20&q=x&observable=x", filled(route.path));
        for (name, known) in [("", false), ("nobody", false), ("reader", true)] {
            if known && route.path.ends_with("/live") {
                continue; // has no end
            }
            let answer = running.client(name).with(route.method.clone(), &target, &[]).await;
            let refused = answer.status == StatusCode::UNAUTHORIZED;
            let what = format!("{} {} as {name:?}: {}", route.method, route.path, answer.status);
            if route.who != Who::Anyone {
                assert_eq!(refused, !known, "{what}");
            }
            assert!(!answer.text_lossy().contains("evil.example") || known, "{}", route.path);
            if refused {
                assert_eq!(answer.header("content-type"), "application/problem+json");
                assert_eq!(answer.header("www-authenticate"), "Bearer realm=\"maltrail\"");
            }
            if route.who == Who::Administrator && known {
                assert_eq!(answer.status, StatusCode::FORBIDDEN, "{what}");
            }
        }
        if route.who == Who::Anyone {
            public.insert(route.path);
        }
    }
    assert!(public.is_subset(&BTreeSet::from(PUBLIC)), "{public:?}");
    running.stop().await;
}

#[tokio::test]
async fn what_is_not_in_the_table_is_not_there() {
    let running = Running::plain().await;
    let client = running.client("admin");
    for path in
        ["/x", "/api/v1", "/api/v1/", "/index.html", "/ping/", "//ping", "/login/x", "/..", "/%2e%2e/etc/passwd"]
    {
        let answer = client.get(path).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(answer.json()["status"], 404, "{path}");
    }
    for method in [Method::POST, Method::PUT, Method::DELETE, Method::PATCH] {
        let answer = client.with(method.clone(), "/api/v1/days", &[]).await;
        assert_eq!((answer.status, answer.header("allow")), (StatusCode::METHOD_NOT_ALLOWED, "GET,HEAD"), "{method}");
    }
    for method in [Method::TRACE, Method::CONNECT] {
        assert!(client.with(method, "/api/v1/days", &[]).await.status.is_client_error());
    }
    running.stop().await;
}

#[test]
fn the_document_describes_the_table() {
    let document = document();
    let described: BTreeSet<(String, String)> = document
        .paths
        .paths
        .iter()
        .flat_map(|(path, item)| {
            let operations = [("GET", &item.get), ("POST", &item.post), ("PUT", &item.put), ("DELETE", &item.delete)];
            operations.map(|(method, operation)| operation.as_ref().map(|_| (method.to_owned(), path.clone())))
        })
        .flatten()
        .collect();
    let directory = tempfile::tempdir().unwrap();
    let logging = ["/login", "/logout"];
    let api = |path: &str| path.starts_with("/api/v1/") || logging.contains(&path);
    let served = all_routes(directory.path()).into_iter().filter(|route| api(route.path));
    let served: BTreeSet<(String, String)> = served.map(|r| (r.method.to_string(), r.path.to_owned())).collect();
    assert_eq!(described, served);
}

#[tokio::test]
async fn every_answer_protects_the_browser() {
    let running =
        Running::with(|settings| settings.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()], Limits::default())
            .await;
    let client = running.client("reader");
    let strict = client.with(Method::GET, "/ping", &[("x-forwarded-proto", "https")]).await;
    assert_eq!(strict.header("strict-transport-security"), "max-age=31536000");
    for path in
        ["/", "/assets/x.js", "/ping", "/nothing", "/api/v1/days", "/api/v1/threats/x", "/metrics", "/events?date=x"]
    {
        let answer = client.get(path).await;
        let policy = answer.header("content-security-policy");
        for part in ["default-src 'none'", "frame-ancestors 'none'", "script-src 'self'", "style-src 'self'"] {
            assert!(policy.contains(part), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe"));
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("referrer-policy"), "no-referrer");
        assert_eq!(answer.header("x-frame-options"), "DENY");
        assert_eq!(answer.header("strict-transport-security"), "", "not over plain HTTP");
        assert!(
            !answer.header("cache-control").is_empty() && !answer.header("cache-control").contains("public"),
            "{path}"
        );
        assert_eq!(answer.header("server"), "");
        assert_eq!(answer.header("access-control-allow-origin"), "");
    }
    running.stop().await;
}
