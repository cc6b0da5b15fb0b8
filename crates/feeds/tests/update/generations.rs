//! What is merged, and what is published.

use feeds::manifest::Manifest;
use feeds::publish::{Place, PublishError, go_back};
use feeds::round::Outcome;
use feeds::update::UpdateError;
use regex_automata::meta::Regex;
use trails::Whitelist;

use testkit::web::{Answer, Web};

use super::{User, body, names, spec};

fn addresses(name: &str, web: &Web, list: &str) -> feeds::Spec {
    web.answers(&format!("/{name}"), &[Answer::Body(list.as_bytes().to_vec(), None)]);
    let spec = spec(name, &web.url(&format!("/{name}")), "kinds = [\"address\"]\nattackers = true");
    feeds::Spec { info: "known attacker".into(), ..spec }
}

#[test]
fn attackers_count_where_enough_lists_agree() {
    let web = Web::new();
    let lists = ["8.8.4.1\n8.8.4.2\n8.8.4.3\n", "8.8.4.1\n8.8.4.2\n8.8.4.2\n8.8.4.2\n", "8.8.4.1\n10.0.0.1\n"];
    let mut feeds: Vec<_> =
        ["a", "b", "c"].into_iter().zip(lists).map(|(name, list)| addresses(name, &web, list)).collect();
    web.answers("/specific", &[Answer::Body(b"8.8.4.3\n".to_vec(), None)]);
    feeds.push(spec("specific", &web.url("/specific"), "kinds = [\"address\"]"));
    let mut user = User::new(feeds);
    let manifest = user.update().unwrap().manifest;
    assert_eq!(user.label("8.8.4.1").unwrap().1, "c.example (+a.example,b.example)");
    assert_eq!(user.label("8.8.4.2"), None, "two lists, one of them three times");
    let (info, reference) = user.label("8.8.4.3").unwrap();
    assert_eq!((info.as_str(), reference.contains("specific.example")), ("specific (malware)", true));
    assert_eq!(user.label("10.0.0.1"), None);
    assert_eq!(manifest.left_out["addresses that too few lists of attackers name"], 5);
    user.plan.rules.minimum = 2;
    user.update().unwrap();
    assert!(user.label("8.8.4.2").is_some());
}

#[test]
fn own_lists_win_and_all_sources_are_told() {
    let web = Web::new();
    web.answers("/list", &[Answer::Body(b"evil.org\nonly.org\n".to_vec(), None)]);
    let mut user = User::new(vec![names("list", &web)]);
    user.plan.statics = vec![user.file("static/malware/somebot.txt", "evil.org\nbot.org\n")];
    user.plan.custom = vec![user.file("own/mine.txt", "evil.org\nbot.org\n")];
    user.update().unwrap();
    assert_eq!(user.label("evil.org").unwrap(), ("mine".into(), "(custom) (+static,list.example)".into()));
    assert_eq!(user.label("only.org").unwrap(), ("list (malware)".into(), "list.example".into()));
}

#[test]
fn the_static_tree_says_more_than_a_feed() {
    let web = Web::new();
    web.answers("/list", &[Answer::Body(b"evil.org\n".to_vec(), None)]);
    let mut user = User::new(vec![names("list", &web)]);
    user.plan.statics = vec![user.file("static/malware/somebot.txt", "evil.org\n")];
    user.update().unwrap();
    assert_eq!(user.label("evil.org").unwrap(), ("somebot (malware)".into(), "(static) (+list.example)".into()));
}

#[test]
fn vetoes_and_unwanted_infos() {
    let web = Web::new();
    web.answers("/list", &[Answer::Body(b"good.org\nbig.org\nbad.big.org\nevil.org\n".to_vec(), None)]);
    web.answers("/other", &[Answer::Body(b"other.org\n".to_vec(), None)]);
    web.answers("/top", &[Answer::Body(b"big.org\nlast.org\nevil.org\n".to_vec(), None)]);
    let top = spec("top", &web.url("/top"), "kinds = [\"name\"]\nveto = true\nfirst = 2");
    let mut user = User::new(vec![names("list", &web), names("other", &web), top]);
    user.plan.vetoes.builtin = Whitelist::from_lines("good.org").0;
    user.plan.rules.unwanted = Some(Regex::new("other").unwrap());
    let manifest = user.update().unwrap().manifest;
    let kept: Vec<bool> =
        ["good.org", "big.org", "bad.big.org", "evil.org", "other.org"].map(|name| user.label(name).is_some()).to_vec();
    assert_eq!(kept, [false, false, true, true, false]);
    assert_eq!(manifest.left_out.values().sum::<u64>(), 3);
}

#[test]
fn a_generation_says_what_changed_and_can_be_put_back() {
    let web = Web::new();
    let mut user = User::new(vec![names("list", &web)]);
    user.plan.place = Place::of(&user.directory.path().join("trails.csv"));
    web.answers("/list", &[Answer::Body(body(10), None)]);
    let first = user.update().unwrap().manifest;
    assert_eq!((first.trails, first.change.is_none()), (10, true));
    web.answers("/list", &[Answer::Body(body(8).into_iter().chain(*b"new.org\n").collect(), None)]);
    let second = user.update().unwrap().manifest;
    let change = second.change.clone().unwrap();
    assert_eq!((change.since, change.added, change.removed), (first.generation, 1, 2));
    assert!(second.generation > first.generation);
    let difference = std::fs::read_to_string(user.plan.place.difference()).unwrap();
    assert_eq!(difference.lines().filter(|line| line.starts_with('-')).count(), 2);
    assert!(difference.contains("+,new.org,list (malware),list.example"));
    let csv = user.plan.place.csv.clone().unwrap();
    let current = |csv: &std::path::Path| trails::load::current(csv, csv.parent().unwrap()).unwrap().is_some();
    assert!(current(&csv), "the store is that of the CSV beside it");
    assert_eq!(std::fs::read_to_string(&csv).unwrap().lines().count(), 9);

    let back = go_back(&user.plan.place).unwrap().unwrap();
    assert!(back.held && back.generation == first.generation);
    assert!(user.label("n9.evil.org").is_some() && user.label("new.org").is_none() && current(&csv));
    let again = go_back(&user.plan.place).unwrap().unwrap();
    assert_eq!(again.generation, second.generation);
    assert!(user.label("new.org").is_some() && current(&csv));
    assert!(!user.update().unwrap().manifest.held);
}

#[test]
fn there_is_nothing_before_the_first() {
    let user = User::new(Vec::new());
    assert!(matches!(go_back(&user.plan.place), Err(PublishError::NoneBefore)));
}

#[test]
fn a_set_that_shrank_or_is_empty_is_not_published() {
    let mut user = User::new(Vec::new());
    assert!(matches!(user.update(), Err(UpdateError::Publish(PublishError::Empty(_)))));
    let names = |count: usize| (0..count).map(|number| format!("n{number}.org\n")).collect::<String>();
    user.plan.statics = vec![user.file("malware/some.txt", &names(100))];
    let first = user.update().unwrap().manifest;
    user.file("malware/some.txt", &names(49));
    let error = user.update().err().unwrap();
    assert!(matches!(error, UpdateError::Publish(PublishError::Shrunk { now: 49, before: 100, least: 50 })), "{error}");
    assert_eq!(Manifest::read(&user.plan.place.manifest()), Some(first));
    assert!(user.label("n99.org").is_some());
    let left: Vec<_> = std::fs::read_dir(user.directory.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(!left.iter().any(|path| path.extension().is_some_and(|ending| ending == "tmp")), "{left:?}");
    user.plan.min_ratio = None;
    assert_eq!(user.update().unwrap().manifest.trails, 49);
}

#[test]
fn what_can_never_be_found_is_told_beside_the_set() {
    let mut user = User::new(Vec::new());
    user.plan.statics = vec![user.file("malware/some.txt", "a.org\n192.0.2.0/30\n192.0.2.0/31\n192.0.2.2/31\n")];
    let manifest = user.update().unwrap().manifest;
    assert_eq!((manifest.inert.count(), manifest.inert.examples.clone()), (1, vec!["192.0.2.0/30".to_owned()]));
    assert_eq!(Manifest::read(&user.plan.place.manifest()).unwrap().inert, manifest.inert);
    let listed = std::fs::read_to_string(user.plan.place.inert()).unwrap();
    assert_eq!(listed, "192.0.2.0/30,covered,192.0.2.0/31 192.0.2.2/31,some (malware),(static)\n");
    user.file("malware/some.txt", "a.org\n192.0.2.0/31\n192.0.2.2/31\n");
    assert_eq!(user.update().unwrap().manifest.inert.count(), 0);
    assert_eq!(std::fs::read_to_string(user.plan.place.inert()).unwrap(), "");
}

#[test]
fn without_a_client_copies_are_used() {
    let web = Web::new();
    web.answers("/list", &[Answer::Body(body(10), None)]);
    let mut user = User::new(vec![names("list", &web)]);
    user.update().unwrap();
    user.plan.client = None;
    let health = user.health();
    assert_eq!((health.outcome, health.rows), (Outcome::Recent, 10));
    assert_eq!(web.asked().len(), 1);
    assert!(user.label("n9.evil.org").is_some());
}

#[test]
fn one_update_at_a_time() {
    let mut user = User::new(Vec::new());
    user.plan.statics = vec![user.file("malware/some.txt", "evil.org\n")];
    user.update().unwrap();
    let held = std::fs::File::open(user.plan.copies.join("lock")).unwrap();
    held.lock().unwrap();
    assert!(matches!(user.update(), Err(UpdateError::Busy(_))));
    drop(held);
    user.update().unwrap();
}

#[test]
fn another_server_gives_its_labels_and_own_lists_theirs() {
    let web = Web::new();
    let rows =
        b"evil.org,\"some, bot (malware)\",(static) (+a.example)\nmine.org,mine,(custom)\nzip,tld (suspicious),x\n";
    web.answers("/trails", &[Answer::Body(rows.to_vec(), None)]);
    web.answers("/own.txt", &[Answer::Body(b"own.org\n# comment\n/path.php\nevil.org\n".to_vec(), None)]);
    let server = feeds::Spec::of_server(&web.url("/trails")).unwrap();
    let own = feeds::Spec::of_custom(&web.url("/own.txt")).unwrap();
    let mut user = User::new(vec![own, server]);
    user.update().unwrap();
    assert_eq!(user.label("mine.org").unwrap(), ("mine".into(), "(custom)".into()));
    assert_eq!(user.label("zip").unwrap().1, "x");
    assert_eq!(user.label("/path.php").unwrap(), ("blacklisted".into(), "(remote custom)".into()));
    let (info, reference) = user.label("evil.org").unwrap();
    assert_eq!((info.as_str(), reference.contains("static")), ("blacklisted", true), "{reference}");
}

#[test]
fn every_source_of_an_indicator_is_told() {
    let web = Web::new();
    let lists = ["8.8.4.1\n8.8.4.2\n", "8.8.4.1\n", "8.8.4.1\n"];
    let mut feeds: Vec<_> =
        ["a", "b", "c"].into_iter().zip(lists).map(|(name, list)| addresses(name, &web, list)).collect();
    web.answers("/list", &[Answer::Body(b"# names\nevil.org\nworse.org\n8.8.4.1\n".to_vec(), None)]);
    feeds.push(names("list", &web));
    let mut user = User::new(feeds);
    user.plan.custom = vec![user.file("own/mine.txt", "\nWWW.Evil.org\n")];
    user.update().unwrap();
    let said = |text: &str| -> Vec<String> {
        let sayings = feeds::explain::explain(&user.plan, text).unwrap();
        let line = |saying: &feeds::explain::Saying| {
            let source = saying.source.rsplit('/').next().unwrap();
            let veto = saying.veto.map_or(String::new(), |veto| format!(" {veto:?}"));
            format!("{source}:{} {} {}{veto}", saying.line, saying.info, saying.reference)
        };
        sayings.iter().map(line).collect()
    };
    assert_eq!(said("evil.org"), ["mine.txt:2 mine (custom)", "list:2 list (malware) list.example"]);
    assert_eq!(said("8.8.4.2"), ["a:2 known attacker a.example FewFeeds"]);
    let three = said("8.8.4.1");
    assert_eq!(three.iter().filter(|line| line.ends_with("Kind")).count(), 1);
    assert_eq!(three.len(), 4);
    assert!(said("none.org").is_empty());
    assert!(feeds::explain::explain(&user.plan, "...").is_err());
}

#[test]
fn what_is_told_of_an_indicator_is_what_became_of_it() {
    let web = Web::new();
    web.answers("/nets", &[Answer::Body(b"8.8.4.0/24\n8.8.8.8\n9.9.9.9\n".to_vec(), None)]);
    web.answers("/list", &[Answer::Body(b"big.org\nown.org\nevil.org\n9.9.9.9\n".to_vec(), None)]);
    web.answers("/top", &[Answer::Body(b"big.org\n".to_vec(), None)]);
    let nets = spec("nets", &web.url("/nets"), "kinds = [\"address\", \"network\"]\nattackers = true");
    let list = spec("list", &web.url("/list"), "kinds = [\"name\", \"address\"]");
    let top = spec("top", &web.url("/top"), "kinds = [\"name\"]\nveto = true");
    let mut user = User::new(vec![nets, list, top]);
    user.plan.statics = vec![user.file("malware/some.txt", "8.8.8.8\nown.org\n")];
    user.plan.vetoes.user = Whitelist::from_lines("own.org\n8.8.8.8").0;
    user.update().unwrap();
    for (text, fates) in [
        ("8.8.4.0/24", "None"),
        ("8.8.8.8", "Some(UserWhitelist) Some(FewFeeds)"),
        ("9.9.9.9", "None None"),
        ("big.org", "Some(Popular) Some(Popular)"),
        ("own.org", "Some(UserWhitelist) Some(UserWhitelist)"),
        ("evil.org", "None"),
    ] {
        let sayings = feeds::explain::explain(&user.plan, text).unwrap();
        let told: Vec<String> = sayings.iter().map(|saying| format!("{:?}", saying.veto)).collect();
        assert_eq!(told.join(" "), fates, "{text}");
        let taken = sayings.iter().any(|saying| saying.veto.is_none());
        assert_eq!(user.label(text).is_some(), taken, "{text}");
    }
}

#[test]
fn where_only_news_are_published_the_rest_stays() {
    let web = Web::new();
    web.answers("/list", &[Answer::Body(body(10), Some("\"one\""))]);
    let mut user = User::new(vec![names("list", &web)]);
    user.plan.only_news = true;
    let first = user.update().unwrap();
    assert!(first.report.is_some(), "there was none");
    let written = || std::fs::metadata(&user.plan.place.store).unwrap().modified().unwrap();
    let before = written();
    user.plan.statics = vec![user.file("malware/known.txt", "known.org\n")];
    let second = user.update().unwrap();
    assert!(second.report.is_none());
    assert_eq!((second.manifest.generation, second.manifest.built), (first.manifest.generation, first.manifest.built));
    assert!(second.manifest.feeds[0].asked > first.manifest.feeds[0].asked);
    let written = || std::fs::metadata(&user.plan.place.store).unwrap().modified().unwrap();
    assert_eq!(Manifest::read(&user.plan.place.manifest()), Some(second.manifest));
    assert_eq!(written(), before);
    user.plan.statics.clear();
    web.answers("/list", &[Answer::Body(body(4), Some("\"two\""))]);
    assert!(matches!(user.update(), Err(UpdateError::Publish(PublishError::Shrunk { .. }))));
    assert!(
        matches!(user.update(), Err(UpdateError::Publish(PublishError::Shrunk { .. }))),
        "what was not published yet"
    );
    web.answers("/list", &[Answer::Body(body(11), Some("\"three\""))]);
    let third = user.update().unwrap();
    assert_eq!((third.report.is_some(), third.manifest.trails), (true, 11));
    user.plan.feeds.push(names("gone", &web));
    assert!(user.update().unwrap().report.is_some(), "another feed");
}
