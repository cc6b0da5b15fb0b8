//! Every way in which a feed is not what it was: it is refused, told, and its last good copy used.

use std::io::Write;
use std::time::Duration;

use feeds::round::Outcome;

use testkit::web::{Answer, Web};

use super::{User, body, names, spec};

/// A feed of 100 names that was good once, then answers otherwise.
fn after_a_good_one(more: &str, then: Answer) -> (User, feeds::round::Health) {
    let web = Web::new();
    let mut user = User::new(vec![spec("list", &web.url("/list"), more)]);
    web.answers("/list", &[Answer::Body(body(100), None)]);
    user.plan.min_ratio = None;
    assert_eq!(user.health().outcome, Outcome::Fetched);
    web.answers("/list", &[then]);
    let health = user.health();
    (user, health)
}

fn refused(then: Answer, outcome: Outcome, why: &str) {
    let more = "kinds = [\"name\"]\nguard = { max_rows = 1000, max_bytes = 100000 }";
    let (user, health) = after_a_good_one(more, then.clone());
    assert_eq!(health.outcome, outcome, "{then:?}: {health:?}");
    let error = health.error.unwrap_or_default();
    assert!(error.contains(why), "{error}");
    assert_eq!(health.rows, 100, "the last good copy is used");
    assert!(user.label("n99.evil.org").is_some());
    let kept = std::fs::read_dir(user.plan.copies.join("list")).unwrap().count();
    assert_eq!(kept, 3, "the copy, what is said of it, that it failed; nothing is left of what was refused");
    assert_eq!((health.failures, health.next > health.asked), (1, true));
}

#[test]
fn not_there() {
    refused(Answer::Status(404, ""), Outcome::Failed, "404");
    refused(Answer::Status(500, ""), Outcome::Failed, "500");
    refused(Answer::Nothing, Outcome::Failed, "");
}

#[test]
fn silent() {
    refused(Answer::Silent, Outcome::Failed, "timeout");
}

#[test]
fn slow() {
    refused(Answer::Slow(body(1_000), Duration::from_millis(300)), Outcome::Failed, "timeout");
}

#[test]
fn cut_short() {
    refused(Answer::Cut(body(90), 5_000), Outcome::Failed, "");
}

#[test]
fn without_an_end() {
    refused(Answer::Endless, Outcome::Failed, "more than 100000 bytes");
}

#[test]
fn a_page() {
    let page = b"\n<!DOCTYPE html><html><body>Down for maintenance</body></html>\n".to_vec();
    refused(Answer::Body(page, None), Outcome::Refused, "HTML");
}

#[test]
fn of_another_kind() {
    let addresses: String = (0..200).map(|number| format!("192.0.2.{number}\n")).collect();
    refused(Answer::Body(addresses.into_bytes(), None), Outcome::Refused, "of 200 rows only 0");
}

#[test]
fn too_few_rows() {
    refused(Answer::Body(body(29), None), Outcome::Refused, "fewer than 30");
    refused(Answer::Body(Vec::new(), None), Outcome::Refused, "it has 0 rows");
    let (_, health) = after_a_good_one("kinds = [\"name\"]", Answer::Body(body(30), None));
    assert_eq!((health.outcome, health.rows), (Outcome::Fetched, 30));
}

#[test]
fn too_many_rows() {
    refused(Answer::Body(body(1_001), None), Outcome::Refused, "more than 1000");
}

#[test]
fn packed_far_too_well() {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(&vec![b'a'; 50_000_000]).unwrap();
    refused(Answer::Body(gzip.finish().unwrap(), None), Outcome::Refused, "too large unpacked");
}

#[test]
fn without_what_must_be_in_it() {
    let more = "kinds = [\"name\"]\nguard = { contains = \"n3.evil\" }";
    let (_, health) = after_a_good_one(more, Answer::Body(b"a.evil.org\n".repeat(100), None));
    assert_eq!(health.outcome, Outcome::Refused);
    assert!(health.error.unwrap().contains("n3.evil"));
}

#[test]
fn what_does_not_change_for_long_is_stale() {
    let web = Web::new();
    let mut user = User::new(vec![spec("list", &web.url("/list"), "kinds = [\"name\"]\nguard = { max_age_days = 3 }")]);
    web.answers("/list", &[Answer::Body(body(10), Some("\"x\""))]);
    let stale: Vec<bool> = (0..6).map(|_| user.health().stale).collect();
    assert_eq!(stale, [false, false, false, false, true, true]);
    web.answers("/list", &[Answer::Body(body(11), Some("\"y\""))]);
    assert!(!user.health().stale);
}

#[test]
fn a_feed_that_never_was_good_is_told() {
    let web = Web::new();
    let mut user = User::new(vec![names("list", &web)]);
    user.plan.statics = vec![user.file("malware/known.txt", "known.org\n")];
    let health = user.health();
    assert!(health.ill() && health.rows == 0 && health.asked.is_none());
    assert!(user.label("known.org").is_some());
}
