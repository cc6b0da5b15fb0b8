#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::Scope;
use crate::condense::ThreatId;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + seconds).unwrap()
}

fn account(name: &str) -> Account {
    Account {
        name: name.to_owned(),
        hash: "x".to_owned(),
        uid: 0,
        netfilter: String::new(),
        must_change: false,
        removed: false,
    }
}

fn session(account: &str, used: i64) -> SessionEntry {
    let (account, address) = (account.to_owned(), "192.0.2.1".to_owned());
    SessionEntry { account, created: at(used), used: at(used), expires: at(1_000_000), address }
}

#[test]
fn the_file_is_private_and_is_opened_again() {
    let directory = tempfile::tempdir().unwrap();
    let state = State::open(directory.path()).unwrap();
    state.put_account(&account("anna"), false, at(0)).unwrap();
    let mode = std::fs::metadata(directory.path().join("state.db")).unwrap().permissions().mode();
    assert_eq!(mode & 0o007, 0, "{mode:o}");
    drop(state);
    let state = State::open(directory.path()).unwrap();
    assert_eq!(state.account("anna").unwrap(), Some(account("anna")));
}

#[test]
fn a_newer_file_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    State::open(directory.path()).unwrap().connection().pragma_update(None, "user_version", 99).unwrap();
    let error = State::open(directory.path()).err().unwrap();
    assert!(matches!(error, StateError::Database(DatabaseError::Newer { found: 99, .. })), "{error}");
}

#[test]
fn no_database_and_no_directory() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("state.db"), b"this is no database, whatever its name says ....").unwrap();
    assert!(matches!(State::open(directory.path()), Err(StateError::Database(DatabaseError::Open { .. }))));
    assert!(matches!(
        State::open(&directory.path().join("missing")),
        Err(StateError::Database(DatabaseError::Open { .. }))
    ));
}

#[test]
fn sessions_end_by_time_by_number_and_with_the_password() {
    let state = State::in_memory().unwrap();
    let hash = |n: usize| password_like(n);
    for n in 0..=SESSIONS {
        state.add_session(&hash(n), &session("anna", n as i64)).unwrap();
        let held = state.sessions("anna", at(100)).unwrap().len();
        assert_eq!(held, (n + 1).min(SESSIONS));
    }
    assert_eq!(state.session(&hash(0), at(100)).unwrap(), None, "the least recently used went");
    assert!(state.session(&hash(1), at(100)).unwrap().is_some());
    assert_eq!(state.session(&hash(1), at(1_000_000)).unwrap(), None, "expired");
    state.add_session(&hash(100), &session("bert", 0)).unwrap();
    state.end_other_sessions("anna", Some(&hash(5))).unwrap();
    assert_eq!(state.sessions("anna", at(100)).unwrap().len(), 1);
    state.put_account(&account("anna"), false, at(0)).unwrap();
    assert!(state.sessions("anna", at(100)).unwrap().is_empty());
    assert_eq!(state.sessions("bert", at(100)).unwrap().len(), 1);
}

fn password_like(n: usize) -> [u8; 32] {
    let mut hash = [7; 32];
    hash[..8].copy_from_slice(&n.to_le_bytes());
    hash
}

#[test]
fn tokens_are_limited_and_go_with_their_account() {
    let state = State::in_memory().unwrap();
    let add = |n: usize, account: &str| {
        let hash = password_like(n);
        let expires = (n == 0).then(|| at(10));
        let new = NewToken { hash: &hash, account, purpose: Purpose::Sensor, label: "gw", expires };
        state.add_token(&new, at(0))
    };
    for n in 0..TOKENS {
        add(n, "anna").unwrap();
    }
    assert!(matches!(add(TOKENS, "anna"), Err(StateError::Limit { limit: TOKENS, .. })));
    add(TOKENS + 1, "bert").unwrap();
    let bearer = state.token(&password_like(0), at(9)).unwrap().unwrap();
    assert_eq!((bearer.account.as_str(), bearer.purpose, bearer.label.as_str()), ("anna", Purpose::Sensor, "gw"));
    assert_eq!(state.token(&password_like(0), at(10)).unwrap(), None, "expired");
    let id = state.tokens(Some("bert")).unwrap()[0].id;
    assert!(!state.remove_token(id, Some("anna")).unwrap(), "of somebody else");
    let removed = Account { removed: true, ..account("anna") };
    state.put_account(&removed, false, at(0)).unwrap();
    assert_eq!(state.tokens(None).unwrap().len(), 1);
    assert_eq!(state.token(&password_like(1), at(0)).unwrap(), None);
}

const ANNA: Witness<'static> =
    Witness { author: "anna", addresses: &[std::net::IpAddr::V4(std::net::Ipv4Addr::new(10, 1, 0, 5))] };

#[test]
fn a_change_needs_the_version_its_author_saw() {
    let state = State::in_memory().unwrap();
    let threat = ThreatId(7);
    let change = |version, status| Change { version, status: Some(status), ..Change::default() };
    let done = state.change_triage(threat, &change(Some(0), Status::Resolved), &ANNA, at(1)).unwrap();
    let Outcome::Done(row) = done else { panic!("{done:?}") };
    assert_eq!((row.version, row.status), (1, Status::Resolved));
    let again = state.change_triage(threat, &change(Some(0), Status::Open), &ANNA, at(2)).unwrap();
    let Outcome::Conflict(row) = again else { panic!("{again:?}") };
    assert_eq!((row.version, row.status), (1, Status::Resolved));
    let bulk = state.change_triage(threat, &change(None, Status::Ignored), &ANNA, at(3)).unwrap();
    assert!(matches!(bulk, Outcome::Done(row) if row.version == 2));
    let Dossier { triage: row, notes, steps } = state.triage_of(threat, &Scope::everything()).unwrap().unwrap();
    assert_eq!((row.status, notes.len()), (Status::Ignored, 0));
    let steps: Vec<_> = steps.iter().map(|s| (s.before.as_str(), s.after.as_str())).collect();
    assert_eq!(steps, [("resolved", "ignored"), ("open", "resolved")]);
}

#[test]
fn tags_and_notes() {
    let state = State::in_memory().unwrap();
    let threat = ThreatId(7);
    let tags = |n: usize| (0..n).map(|n| format!("t{n:02}")).collect::<Vec<_>>();
    let change = Change { tags: Some(tags(TAGS)), note: Some("<b>seen</b>".to_owned()), ..Change::default() };
    state.change_triage(threat, &change, &ANNA, at(1)).unwrap();
    let more = Change { add_tags: vec!["new".to_owned()], ..Change::default() };
    assert!(matches!(state.change_triage(threat, &more, &ANNA, at(2)), Err(StateError::Limit { .. })));
    let other = Change { add_tags: vec!["new".to_owned()], remove_tags: vec!["t00".to_owned()], ..Change::default() };
    state.change_triage(threat, &other, &ANNA, at(3)).unwrap();
    let Dossier { triage: row, notes, .. } = state.triage_of(threat, &Scope::everything()).unwrap().unwrap();
    assert_eq!((row.tags.len(), row.tags[0].as_str(), row.version), (TAGS, "new", 2), "what was refused left nothing");
    assert_eq!(notes[0].text, "<b>seen</b>", "as it was written: it is text");
}

#[test]
fn a_scope_hides_the_triage_of_others() {
    let state = State::in_memory().unwrap();
    let note = Change { note: Some("mine".to_owned()), ..Change::default() };
    state.change_triage(ThreatId(1), &note, &ANNA, at(1)).unwrap();
    let inside = Scope::parse("10.1.0.0/16").unwrap();
    let outside = Scope::parse("10.2.0.0/16,2001:db8::/32").unwrap();
    assert!(state.triage_of(ThreatId(1), &inside).unwrap().is_some());
    assert!(state.triage_of(ThreatId(1), &outside).unwrap().is_none());
    assert_eq!(state.triage_since(at(0), &inside, 10).unwrap().len(), 1);
    assert_eq!(state.triage_since(at(0), &outside, 10).unwrap().len(), 0);
    assert_eq!(state.triage_since(at(1), &inside, 10).unwrap().len(), 0, "not changed since");
}

#[test]
fn views_are_ones_own_or_shared() {
    let state = State::in_memory().unwrap();
    let view = |owner: &str, name: &str, shared| View {
        id: 0,
        owner: owner.to_owned(),
        name: name.to_owned(),
        query: "q=sev:high".to_owned(),
        shared,
        version: 0,
        changed: at(0),
    };
    let Outcome::Done(mine) = state.put_view(&view("anna", "mine", false), at(1)).unwrap() else { panic!() };
    state.put_view(&view("anna", "ours", true), at(1)).unwrap();
    let names = |who| state.views(who).unwrap().into_iter().map(|v| v.name).collect::<Vec<_>>();
    assert_eq!(names("anna"), ["mine", "ours"]);
    assert_eq!(names("bert"), ["ours"]);
    let stolen = View { owner: "bert".to_owned(), name: "his".to_owned(), ..mine.clone() };
    assert_eq!(state.put_view(&stolen, at(2)).unwrap(), Outcome::Missing);
    assert!(!state.remove_view(mine.id, "bert").unwrap());
    let renamed = View { name: "renamed".to_owned(), ..mine.clone() };
    assert!(matches!(state.put_view(&renamed, at(2)).unwrap(), Outcome::Done(v) if v.version == 2));
    assert!(matches!(state.put_view(&renamed, at(2)).unwrap(), Outcome::Conflict(v) if v.version == 2));
    assert!(state.remove_view(mine.id, "anna").unwrap());
}

#[test]
fn rules_change_by_version() {
    let state = State::in_memory().unwrap();
    let new = RuleChange { id: 0, version: 0, rule: "a", comment: "why", author: "anna", enabled: true, expires: None };
    let Outcome::Done(rule) = state.put_rule(&new, at(0)).unwrap() else { panic!() };
    let change = RuleChange { id: rule.id, version: 1, rule: "b", expires: Some(at(9)), ..new.clone() };
    assert!(matches!(state.put_rule(&change, at(1)).unwrap(), Outcome::Done(r) if r.rule == "b" && r.version == 2));
    assert!(matches!(state.put_rule(&change, at(1)).unwrap(), Outcome::Conflict(_)));
    let missing = RuleChange { id: 99, ..new };
    assert_eq!(state.put_rule(&missing, at(1)).unwrap(), Outcome::Missing);
    assert!(state.remove_rule(rule.id).unwrap());
    assert!(state.rules().unwrap().is_empty());
}

#[test]
fn audit_pages_backwards() {
    let state = State::in_memory().unwrap();
    for n in 0..10 {
        let entry = |text: &str| text.to_owned();
        let who = entry(if n % 2 == 0 { "anna" } else { "bert" });
        let subject = format!("{n}");
        let (address, action, detail) = (entry("::1"), entry("login"), entry(""));
        state.audit(&AuditEntry { id: 0, time: at(n), who, address, action, subject, detail }).unwrap();
    }
    let page = state.audit_entries(AuditQuery { limit: 3, ..AuditQuery::default() }).unwrap();
    assert_eq!(page.iter().map(|e| e.subject.as_str()).collect::<Vec<_>>(), ["9", "8", "7"]);
    let next = AuditQuery { before: Some(page[2].id), who: Some("anna"), limit: 2 };
    let next = state.audit_entries(next).unwrap();
    assert_eq!(next.iter().map(|e| e.subject.as_str()).collect::<Vec<_>>(), ["6", "4"]);
}
