//! Every path that reads, as an administrator and as a reader who may see little.

use std::time::{Duration, Instant};

use super::client::{Connection, get};
use super::program::Program;

/// Times each path is asked for; the median counts.
const TURNS: usize = 3;
/// No answer takes longer.
const PATIENCE: Duration = Duration::from_secs(120);

pub async fn compare(program: &Program) {
    let days = program.json("/api/v1/days").await;
    let today = days["days"].as_array().unwrap().last().unwrap()["day"].as_str().unwrap().to_owned();
    for path in targets(program, &today).await {
        let all = asked(program, &path, &program.administrator).await;
        let few = asked(program, &path, &program.scoped).await;
        println!("| `{path}` | {} | {} | {:.1} | {} | {:.1} |", all.0, all.1, all.2, few.1, few.2);
    }
}

/// What the description of the interface lists, and the kept paths. Without streams that have no end.
async fn targets(program: &Program, today: &str) -> Vec<String> {
    let document = program.json("/api/v1/openapi.json").await;
    let described = document["paths"].as_object().unwrap().iter();
    let mut paths: Vec<String> =
        described.filter(|(_, item)| item.get("get").is_some()).map(|(path, _)| path.clone()).collect();
    paths.extend(
        ["/ping", "/whoami", "/check?q=evil-7.example", "/trails", "/counts", "/metrics", "/fail2ban"]
            .map(str::to_owned),
    );
    paths.extend([
        format!("/events?date={today}"),
        format!("/geo?date={today}"),
        "/meta?observable=10.0.1.7".to_owned(),
    ]);
    paths.push("/hunt?q=evil-7.example".to_owned());
    paths.retain(|path| !path.ends_with("/live"));
    let subject = program.json("/api/v1/trails/evil-7.example").await;
    let threat = subject["threats"]["values"][0]["value"].as_str().unwrap_or("0123456789abcdef").to_owned();
    let manifest = program.json(&format!("/api/v1/threats/{today}")).await;
    let chunk = manifest["chunks"][0]["name"].as_str().unwrap().to_owned();
    let filled = |path: String| {
        let path = path.replace("{day}", today).replace("{chunk}", &chunk).replace("{id}", &threat);
        let path = path.replace("{address}", "10.0.1.7").replace("{trail}", "evil-7.example");
        let path = if path.contains("/families/") { path.replace("{name}", "asyncrat") } else { path };
        match path.as_str() {
            "/api/v1/hunt" => "/api/v1/hunt?q=evil-7.example".to_owned(),
            "/api/v1/observables" | "/api/v1/observables/hosts" | "/api/v1/observables/pairs" => {
                format!("{path}?q=*.example")
            }
            "/api/v1/enrich" => "/api/v1/enrich?address=10.0.1.7,9.9.9.9&port=53".to_owned(),
            _ => path,
        }
    };
    paths.into_iter().map(filled).collect()
}

/// Status, bytes, and milliseconds of the median.
async fn asked(program: &Program, target: &str, token: &str) -> (u16, usize, f64) {
    let mut times = Vec::new();
    let mut last = (0, 0);
    for _ in 0..TURNS {
        let connection = Connection::open(&program.way).await;
        let begun = Instant::now();
        let answer = tokio::time::timeout(PATIENCE, connection.whole(&get(target, token))).await;
        let (status, body) = answer.unwrap_or_else(|_| panic!("{target} takes too long"));
        times.push(begun.elapsed());
        last = (status, body.len());
    }
    times.sort_unstable();
    (last.0, last.1, times[TURNS / 2].as_secs_f64() * 1e3)
}
