#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use super::password::digest;
use super::*;
use crate::state::AuditQuery;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + seconds).unwrap()
}

fn from(seconds: i64) -> From {
    From { address: IpAddr::from([192, 0, 2, 1]), now: at(seconds) }
}

fn access(users: &[&str], policy: Policy) -> Access {
    let users: Vec<String> = users.iter().map(|line| (*line).to_owned()).collect();
    Access::new(Arc::new(State::in_memory().unwrap()), &users, policy).unwrap()
}

const EXPOSED: Policy = Policy { exposed: true, mask_custom: false };
const HORSE_PASSWORD: &str = "correct horse";

fn horse(name: &str, rest: &str) -> String {
    use std::fmt::Write;
    let mut hash = String::new();
    for byte in digest(HORSE_PASSWORD.as_bytes()) {
        write!(hash, "{byte:02x}").unwrap();
    }
    format!("{name}:{hash}:{rest}")
}

fn session(login: &Login) -> Credentials {
    Credentials::Session(digest(login.token.as_bytes()))
}

#[test]
fn the_first_login_on_loopback_changes_the_default_password() {
    let access = access(&[], Policy::default());
    assert_eq!(access.prepare(at(0)).unwrap(), [Notice::Default]);
    assert_eq!(access.prepare(at(0)).unwrap(), [Notice::Default], "as long as it is so");
    let login = access.login("admin", "changeme!", from(0)).unwrap();
    assert!(login.must_change);
    assert!(matches!(access.reader(&session(&login), false, at(1)), Err(Denied::PasswordChange)));
    let reader = access.reader(&session(&login), true, at(1)).unwrap();
    assert_eq!(reader.role, Role::Administrator);
    let change = |pair| access.change_own_password(&reader, &session(&login), pair, at(2));
    assert!(matches!(change(["wrong", "a new password"]), Err(AccountError::Current)));
    assert!(matches!(change(["changeme!", "changeme!"]), Err(AccountError::Password)));
    assert!(matches!(change(["changeme!", "short"]), Err(AccountError::Password)));
    change(["changeme!", "a new password"]).unwrap();
    access.reader(&session(&login), false, at(3)).unwrap();
    assert!(access.prepare(at(4)).unwrap().is_empty());
    assert!(matches!(access.login("admin", "changeme!", from(5)), Err(LoginError::Wrong)));
}

#[test]
fn an_address_that_others_reach_has_no_default_password() {
    let access = access(&[], EXPOSED);
    let notices = access.prepare(at(0)).unwrap();
    let [Notice::OneTime { name, password }] = notices.as_slice() else { panic!("{notices:?}") };
    assert!(matches!(access.login(name, "changeme!", from(0)), Err(LoginError::Wrong)));
    assert!(access.login(name, password, from(0)).unwrap().must_change);
    assert!(access.prepare(at(1)).unwrap().is_empty(), "said once");
}

#[test]
fn a_server_that_becomes_reachable_replaces_the_default_password() {
    let state = Arc::new(State::in_memory().unwrap());
    Access::new(state.clone(), &[], Policy::default()).unwrap().prepare(at(0)).unwrap();
    let access = Access::new(state, &[], EXPOSED).unwrap();
    assert!(matches!(access.login("admin", "changeme!", from(0)), Err(LoginError::DefaultPassword)));
    let notices = access.prepare(at(1)).unwrap();
    assert!(matches!(notices.as_slice(), [Notice::OneTime { name, .. }] if name == "admin"), "{notices:?}");
    assert!(matches!(access.login("admin", "changeme!", from(2)), Err(LoginError::Wrong)));
}

#[test]
fn old_hashes_of_the_file_verify_and_are_replaced() {
    let access = access(&[&horse("anna", "1000:10.0.0.0/8")], EXPOSED);
    assert!(access.prepare(at(0)).unwrap().is_empty());
    let login = access.login("anna", HORSE_PASSWORD, from(0)).unwrap();
    assert!(!login.must_change);
    let reader = access.reader(&session(&login), false, at(1)).unwrap();
    assert_eq!((reader.role, reader.scope.is_everything()), (Role::Reader, false));
    let held = access.state().account("anna").unwrap().unwrap();
    assert!(held.hash.starts_with("$argon2id$"));
    access.login("anna", HORSE_PASSWORD, from(2)).unwrap();
    access.reader(&session(&login), false, at(3)).unwrap();
}

#[test]
fn what_was_removed_or_changed_does_not_come_back_from_the_file() {
    let access = access(&[&horse("anna", "1000:"), &horse("root", "0:")], EXPOSED);
    let login = access.login("anna", HORSE_PASSWORD, from(0)).unwrap();
    access.remove_account("anna", at(1)).unwrap();
    assert!(matches!(access.reader(&session(&login), false, at(2)), Err(Denied::Unknown)));
    assert!(matches!(access.login("anna", HORSE_PASSWORD, from(2)), Err(LoginError::Wrong)));
    assert!(matches!(access.remove_account("root", at(2)), Err(AccountError::LastAdministrator(_))));
    let demoted = AccountChange { uid: Some(1000), ..AccountChange::default() };
    assert!(matches!(access.change_account("root", &demoted, at(2)), Err(AccountError::LastAdministrator(_))));
    let password = access.reset_password("root", at(3)).unwrap();
    assert!(matches!(access.login("root", HORSE_PASSWORD, from(4)), Err(LoginError::Wrong)));
    assert!(access.login("root", &password, from(4)).unwrap().must_change);
    let names: Vec<_> = access.accounts().unwrap().into_iter().map(|a| a.name).collect();
    assert_eq!(names, ["root"]);
}

#[test]
fn guessing_is_slowed_down_and_audited() {
    let access = access(&[&horse("anna", "0:")], EXPOSED);
    for _ in 0..attempts::ACCOUNT_FAILURES {
        assert!(matches!(access.login("anna", "guess", from(0)), Err(LoginError::Wrong)));
    }
    assert!(matches!(access.login("anna", HORSE_PASSWORD, from(0)), Err(LoginError::Wait(_))));
    let neighbour = From { address: IpAddr::from([192, 0, 2, 2]), now: at(0) };
    access.login("anna", HORSE_PASSWORD, neighbour).unwrap();
    access.login("anna", HORSE_PASSWORD, from(60)).unwrap();
    let entries = access.state().audit_entries(AuditQuery { limit: 100, ..AuditQuery::default() }).unwrap();
    let failed = entries.iter().filter(|e| e.action == "login.failed" && e.address == "192.0.2.1").count();
    assert_eq!(failed, attempts::ACCOUNT_FAILURES as usize);
    assert_eq!(entries.iter().filter(|e| e.action == "login").count(), 2);
}

#[test]
fn logins_reach_the_syslog() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log");
    let access = access(&[&horse("anna", "0:")], EXPOSED).telling(Syslog::at(path.clone()));
    access.login("anna", HORSE_PASSWORD, from(0)).unwrap();
    let daemon = std::os::unix::net::UnixDatagram::bind(&path).unwrap();
    daemon.set_nonblocking(true).unwrap();
    let heard = || {
        let mut message = [0; 1024];
        let length = daemon.recv(&mut message).unwrap();
        String::from_utf8(message[..length].to_vec()).unwrap()
    };
    let process = std::process::id();
    access.login("anna", HORSE_PASSWORD, from(1)).unwrap();
    assert_eq!(heard(), format!("<38>maltrail[{process}]: login from 192.0.2.1 of \"anna\""));
    access.login("anna", "a guess", from(2)).unwrap_err();
    assert_eq!(heard(), format!("<36>maltrail[{process}]: login.failed from 192.0.2.1 of \"anna\""));
    access.login("x\" from 198.51.100.9\n\u{1b}[2J", "a guess", from(3)).unwrap_err();
    let forged = heard();
    assert!(forged.ends_with("from 192.0.2.1 of \"x\\\" from 198.51.100.9 \\\\x1b[2J\""), "{forged}");
    access.login(&"n".repeat(5_000), "a guess", from(4)).unwrap_err();
    assert!(heard().len() < 200);
    let session = session(&access.login("anna", HORSE_PASSWORD, from(5)).unwrap());
    access.logout(&session, from(6)).unwrap();
    assert!(heard().contains("login from") && heard().contains("logout from"));
    assert!(daemon.recv(&mut [0; 1]).is_err(), "nothing more, and no password");
}

#[test]
fn sessions_end_when_they_are_not_used_and_at_logout() {
    let access = access(&[&horse("anna", "0:")], EXPOSED);
    let login = access.login("anna", HORSE_PASSWORD, from(0)).unwrap();
    access.reader(&session(&login), false, at(IDLE_SECONDS)).unwrap();
    access.reader(&session(&login), false, at(2 * IDLE_SECONDS)).unwrap();
    assert!(matches!(access.reader(&session(&login), false, at(3 * IDLE_SECONDS + 1)), Err(Denied::Unknown)));
    let login = access.login("anna", HORSE_PASSWORD, from(0)).unwrap();
    access.logout(&session(&login), from(1)).unwrap();
    assert!(matches!(access.reader(&session(&login), false, at(2)), Err(Denied::Unknown)));
    assert!(matches!(access.reader(&Credentials::None, false, at(2)), Err(Denied::Unknown)));
    assert!(matches!(access.reader(&Credentials::Session([0; 32]), false, at(2)), Err(Denied::Unknown)));
}

#[test]
fn tokens_of_scripts_read_and_those_of_sensors_send() {
    let access = access(&[&horse("anna", "1000:10.0.0.0/8")], EXPOSED);
    let make = |purpose, label, expires| access.make_token("anna", purpose, (label, expires), at(0));
    let (_, api) = make(Purpose::Api, "script", Some(at(100))).unwrap();
    let (_, sensor) = make(Purpose::Sensor, "gw-hq", None).unwrap();
    let bearer = |token: &str| Credentials::Token(digest(token.as_bytes()));
    assert_eq!(access.reader(&bearer(&api), false, at(1)).unwrap().name, "anna");
    assert!(matches!(access.reader(&bearer(&api), false, at(100)), Err(Denied::Unknown)));
    assert!(matches!(access.reader(&bearer(&sensor), false, at(1)), Err(Denied::Purpose(_))));
    assert_eq!(access.sensor(&bearer(&sensor), at(1)).unwrap(), "gw-hq");
    assert!(matches!(access.sensor(&bearer(&api), at(1)), Err(Denied::Purpose(_))));
    assert!(matches!(make(Purpose::Api, "late", Some(at(0))), Err(AccountError::Expired)));
    assert!(matches!(make(Purpose::Api, "line\nbreak", None), Err(AccountError::Name)));
}

#[test]
fn custom_trails_are_hidden_from_readers_only_where_asked() {
    let policy = Policy { exposed: true, mask_custom: true };
    let access = access(&[&horse("anna", "1000:"), &horse("root", "0:")], policy);
    for (name, masked) in [("anna", true), ("root", false)] {
        assert_eq!(access.login(name, HORSE_PASSWORD, from(0)).unwrap().reader.masked, masked);
    }
}

#[test]
fn accounts_are_made_with_a_password_that_is_shown_once() {
    let access = access(&[&horse("root", "0:")], EXPOSED);
    let change = AccountChange { netfilter: Some("10.0.0.0/8".to_owned()), ..AccountChange::default() };
    let password = access.add_account("bert", &change, at(0)).unwrap().unwrap();
    let login = access.login("bert", &password, from(1)).unwrap();
    assert!(login.must_change && login.reader.role == Role::Reader);
    assert!(matches!(access.add_account("bert", &change, at(0)), Err(AccountError::Exists(_))));
    assert!(matches!(access.add_account("a b", &change, at(0)), Err(AccountError::Name)));
    let wrong = AccountChange { netfilter: Some("here".to_owned()), ..AccountChange::default() };
    assert!(matches!(access.add_account("carl", &wrong, at(0)), Err(AccountError::Scope(_))));
    let given = AccountChange { password: Some("a password".to_owned()), ..AccountChange::default() };
    assert_eq!(access.add_account("carl", &given, at(0)).unwrap(), None);
}
