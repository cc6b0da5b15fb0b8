//! What is asked, how often, and of whom.

use feeds::round::Outcome;
use jiff::SignedDuration;

use testkit::web::{Answer, Web};

use super::{User, body, names, spec};

#[test]
fn what_did_not_change_is_not_sent_again() {
    let web = Web::new();
    let mut user = User::new(vec![names("list", &web)]);
    web.answers("/list", &[Answer::Body(body(10), Some("\"one\""))]);
    assert_eq!(user.health().outcome, Outcome::Fetched);
    let again = user.health();
    assert_eq!((again.outcome, again.rows), (Outcome::Unchanged, 10));
    let asked = web.asked();
    assert_eq!(asked.len(), 2);
    assert_eq!(asked[0].headers.get("if-none-match"), None);
    assert_eq!(asked[1].headers.get("if-none-match").map(String::as_str), Some("\"one\""));
    assert!(asked[0].headers["user-agent"].starts_with("maltrail/"));
}

#[test]
fn the_same_bytes_are_no_change() {
    let web = Web::new();
    let mut user = User::new(vec![names("list", &web)]);
    web.answers("/list", &[Answer::Body(body(10), Some("\"one\"")), Answer::Body(body(10), Some("\"two\""))]);
    let first = user.health();
    let second = user.health();
    assert_eq!((second.outcome, second.changed), (Outcome::Unchanged, first.changed));
    assert!(second.asked > first.asked);
}

#[test]
fn makers_who_want_to_be_left_alone_are() {
    let web = Web::new();
    let mut user = User::new(vec![spec("list", &web.url("/list"), "kinds = [\"name\"]\ninterval = 604800")]);
    web.answers("/list", &[Answer::Body(body(10), None)]);
    let outcomes: Vec<Outcome> = (0..8).map(|_| user.health().outcome).collect();
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == Outcome::Recent).count(), 6, "{outcomes:?}");
    assert_eq!(web.asked().len(), 2);
    user.plan.force = true;
    assert_eq!(user.health().outcome, Outcome::Unchanged);
}

/// How the only feed of a user is so many seconds later, and whether it was asked.
fn later(user: &mut User, web: &Web, seconds: i64) -> (Outcome, u32, bool) {
    user.step = SignedDuration::from_secs(seconds);
    let health = user.health();
    (health.outcome, health.failures, !web.asked().is_empty())
}

#[test]
fn a_feed_that_failed_is_left_alone_for_longer_each_time() {
    let web = Web::new();
    let mut user = User::new(vec![names("list", &web)]);
    user.plan.statics = vec![user.file("malware/known.txt", "known.org\n")];
    assert_eq!(later(&mut user, &web, 1), (Outcome::Failed, 1, true));
    assert_eq!(later(&mut user, &web, 1), (Outcome::Failed, 1, false));
    let health = user.health();
    assert!(
        health.error.unwrap().contains("404; it is left alone until 2026-01-02 03:"),
        "why, and until when, is told"
    );
    assert_eq!(later(&mut user, &web, 220), (Outcome::Failed, 1, false));
    assert_eq!(later(&mut user, &web, 80), (Outcome::Failed, 2, true));
    assert_eq!(later(&mut user, &web, 300), (Outcome::Failed, 2, false));
    user.plan.force = true;
    assert_eq!(later(&mut user, &web, 1), (Outcome::Failed, 3, true));
    web.answers("/list", &[Answer::Body(body(10), None)]);
    assert_eq!(later(&mut user, &web, 1), (Outcome::Fetched, 0, true));
    user.plan.force = false;
    web.answers("/list", &[Answer::Body(body(1), None)]);
    assert_eq!(later(&mut user, &web, 3_600), (Outcome::Refused, 1, true));
    assert_eq!(later(&mut user, &web, 200), (Outcome::Refused, 1, false));
}

#[test]
fn makers_say_how_long_they_want_to_be_left_alone() {
    let dated = "Date: Fri, 02 Jan 2026 03:00:00 GMT\r\nRetry-After: Fri, 02 Jan 2026 05:00:00 GMT\r\n";
    for (status, field) in [(429, "Retry-After: 7200\r\n"), (503, dated)] {
        let web = Web::new();
        let mut user = User::new(vec![names("list", &web)]);
        user.plan.statics = vec![user.file("malware/known.txt", "known.org\n")];
        web.answers("/list", &[Answer::Status(status, field), Answer::Body(body(10), None)]);
        let waits: Vec<_> = [1, 7_199, 1].map(|seconds| later(&mut user, &web, seconds)).to_vec();
        let expected = [(Outcome::Failed, 1, true), (Outcome::Failed, 1, false), (Outcome::Fetched, 0, true)];
        assert_eq!(waits, expected, "{field}");
    }
}

#[test]
fn the_next_place_is_tried() {
    let web = Web::new();
    let mut list = names("list", &web);
    list.urls.push(web.url("/mirror"));
    let mut user = User::new(vec![list]);
    web.answers("/mirror", &[Answer::Body(body(10), Some("\"m\""))]);
    assert_eq!(user.health().outcome, Outcome::Fetched);
    assert_eq!(user.health().outcome, Outcome::Unchanged);
    let paths: Vec<String> = web.asked().into_iter().map(|asked| asked.path).collect();
    assert_eq!(paths, ["/list", "/mirror", "/list", "/mirror"], "what is not found is not asked for twice");
}

#[test]
fn what_passes_is_tried_again() {
    let web = Web::new();
    let mut user = User::new(vec![names("list", &web)]);
    for failure in [Answer::Status(503, "Retry-After: 0\r\n"), Answer::Nothing, Answer::Cut(body(2), 1_000)] {
        web.answers("/list", &[failure.clone(), Answer::Body(body(10), None)]);
        assert_eq!(user.health().outcome, Outcome::Fetched, "{failure:?}");
        std::fs::remove_dir_all(&user.plan.copies).unwrap();
    }
}

#[test]
fn a_feed_of_several_files_is_whole_or_refused() {
    let web = Web::new();
    let more = "kinds = [\"name\"]\nparts = [\"a\", \"b\"]";
    let mut user = User::new(vec![spec("list", &web.url("/{part}.txt"), more)]);
    web.answers("/a.txt", &[Answer::Body(b"a.evil.org\n".to_vec(), None)]);
    web.answers("/b.txt", &[Answer::Body(b"b.evil.org\n".to_vec(), None)]);
    assert_eq!(user.health().rows, 2);
    web.answers("/a.txt", &[Answer::Body(b"c.evil.org\n".to_vec(), None)]);
    web.answers("/b.txt", &[Answer::Status(500, "")]);
    let health = user.health();
    assert_eq!((health.outcome, health.rows), (Outcome::Failed, 2));
    assert!(user.label("a.evil.org").is_some() && user.label("c.evil.org").is_none());
}

#[test]
fn keys_are_sent_and_told_to_nobody() {
    let web = Web::new();
    let by_header = "kinds = [\"name\"]\nauth = { key = \"LIST_KEY\", header = \"Auth-Key\" }";
    let by_url = "kinds = [\"name\"]\nauth = { key = \"OTHER_KEY\" }";
    let feeds = vec![spec("list", &web.url("/list"), by_header), spec("other", &web.url("/{key}/other"), by_url)];
    let mut user = User::new(feeds);
    user.plan.statics = vec![user.file("malware/known.txt", "known.org\n")];
    let keyless = user.update().unwrap().manifest.feeds;
    assert!(keyless.iter().all(|health| health.outcome == Outcome::Keyless && !health.ill()), "{keyless:?}");
    assert!(keyless[0].error.as_ref().unwrap().contains("LIST_KEY"));
    assert!(web.asked().is_empty());
    user.keys = vec![("LIST_KEY".into(), "hush1".into()), ("OTHER_KEY".into(), "hush2".into())];
    web.answers("/list", &[Answer::Body(body(3), None)]);
    web.answers("/hush2/other", &[Answer::Status(403, "")]);
    let manifest = user.update().unwrap().manifest;
    assert_eq!(web.asked()[..].iter().find(|asked| asked.path == "/list").unwrap().headers["auth-key"], "hush1");
    assert_eq!(manifest.feeds[1].outcome, Outcome::Failed);
    let elsewhere: &'static str = format!("Location: {}\r\n", web.url("/elsewhere")).leak();
    web.answers("/list", &[Answer::Status(302, elsewhere)]);
    assert_eq!(user.update().unwrap().manifest.feeds[0].outcome, Outcome::Failed);
    assert!(web.asked().iter().all(|asked| asked.path != "/elsewhere"));
    let kept = std::fs::read_to_string(user.plan.copies.join("list/copy.json")).unwrap();
    assert!(!kept.contains("hush") && !format!("{manifest:?}").contains("hush"));
}

#[test]
fn certificates_are_verified() {
    let web = Web::with_tls();
    web.answers("/list", &[Answer::Body(body(10), None)]);
    let mut trusting = User::trusting(vec![names("list", &web)], web.certificate.clone());
    assert_eq!(trusting.health().outcome, Outcome::Fetched);
    let mut other = User::trusting(vec![names("list", &web)], Web::with_tls().certificate);
    other.plan.statics = vec![other.file("malware/known.txt", "known.org\n")];
    let health = other.health();
    assert_eq!(health.outcome, Outcome::Failed);
    assert!(health.error.unwrap().contains("certificate"));
}

#[test]
fn no_redirect_leads_from_https_to_http() {
    let (plain, secure) = (Web::new(), Web::with_tls());
    plain.answers("/list", &[Answer::Body(body(10), None)]);
    let location: &'static str = format!("Location: {}\r\n", plain.url("/list")).leak();
    secure.answers("/list", &[Answer::Status(302, location)]);
    let mut user = User::trusting(vec![names("list", &secure)], secure.certificate.clone());
    user.plan.statics = vec![user.file("malware/known.txt", "known.org\n")];
    assert_eq!(user.health().outcome, Outcome::Failed);
    assert!(plain.asked().is_empty());
    let back: &'static str = format!("Location: {}\r\n", secure.url("/good")).leak();
    secure.answers("/good", &[Answer::Body(body(10), None)]);
    plain.answers("/list", &[Answer::Status(301, back)]);
    user.plan.feeds = vec![names("list", &plain)];
    assert_eq!(user.health().outcome, Outcome::Fetched);
}

#[test]
fn events_of_a_manifest_are_fetched_when_they_change() {
    let web = Web::new();
    let event = |n: u8| format!("01234567-89ab-cdef-0123-4567890000{n:02}");
    let document = |name: &str| {
        let attribute = format!("{{\"type\": \"domain\", \"value\": \"{name}\", \"to_ids\": true}}");
        Answer::Body(format!("{{\"Event\": {{\"Attribute\": [{attribute}]}}}}").into_bytes(), None)
    };
    let manifest = |times: [u32; 2]| {
        let entry = |n: u8, time: u32| format!("\"{}\": {{\"timestamp\": \"{time}\"}}", event(n));
        let entries = [entry(1, times[0]), entry(2, times[1]), "\"../up\": {\"timestamp\": \"9\"}".into()];
        Answer::Body(format!("{{{}}}", entries.join(", ")).into_bytes(), None)
    };
    let text = format!(
        "about = 'x'\nurls = ['{}']\ninfo = 'x (malware)'\nreference = 'x'\nkinds = ['name']\nlicence = 'x'\n\
         [read]\nformat = 'misp'",
        web.url("/misp/manifest.json")
    );
    let mut user = User::new(vec![feeds::Spec::parse("list", &text).unwrap()]);
    web.answers("/misp/manifest.json", &[manifest([1, 2])]);
    web.answers(&format!("/misp/{}.json", event(1)), &[document("a.evil.org")]);
    web.answers(&format!("/misp/{}.json", event(2)), &[document("b.evil.org")]);
    assert_eq!((user.health().outcome, user.label("b.evil.org").is_some()), (Outcome::Fetched, true));
    assert_eq!(user.health().outcome, Outcome::Unchanged);
    web.answers("/misp/manifest.json", &[manifest([3, 2])]);
    web.answers(&format!("/misp/{}.json", event(1)), &[document("c.evil.org")]);
    assert_eq!(user.health().rows, 2);
    assert!(user.label("c.evil.org").is_some() && user.label("a.evil.org").is_none());
    let asked: Vec<String> = web.asked().into_iter().map(|asked| asked.path).collect();
    let (one, two) = (format!("/misp/{}.json", event(1)), format!("/misp/{}.json", event(2)));
    let manifest = "/misp/manifest.json".to_owned();
    assert_eq!(asked, [&manifest, &two, &one, &manifest, &manifest, &one].map(Clone::clone));
    web.answers("/misp/manifest.json", &[manifest_of_nothing()]);
    assert_eq!(user.health().outcome, Outcome::Refused);
}

fn manifest_of_nothing() -> Answer {
    Answer::Body(b"[]".to_vec(), None)
}
