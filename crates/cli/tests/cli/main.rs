//! The program from outside: arguments, exit statuses, what is printed and written where.

#![allow(clippy::unwrap_used)] // helpers of tests may stop the test
#![allow(clippy::indexing_slicing, clippy::panic)] // as may a wrong index, or what they ask for
#![allow(clippy::print_stderr)] // a test that is skipped says so

mod arguments;
mod bad_input;
mod front;
mod hunt;
mod intake;
mod lint;
mod observables;
mod replay;
mod retro;
mod run;
mod sending;
mod server;
mod serving;
mod update;
mod updating;
mod user;

use std::path::Path;

use assert_cmd::Command;
use packet::Micros;
use tempfile::TempDir;
use testkit::Stack;
use testkit::capture::{self, Recorded};
use testkit::payload::dns::Message;

/// Midnight, 15 November 2023, UTC.
const MIDNIGHT: i64 = 1_700_006_400_000_000;
const TRAILS: &str = "evil.org,testbot (malware),(static)\n192.0.2.66:4444,testbot (malware),(static)\n";

/// The program in an empty directory and environment.
fn maltrail(directory: &Path) -> Command {
    let mut command = Command::cargo_bin("maltrail").unwrap();
    command.current_dir(directory).env_clear().env("HOME", directory).env("TZ", "UTC");
    command
}

/// `maltrail update` without feeds.
fn update(directory: &Path, arguments: &[&str]) -> assert_cmd::assert::Assert {
    maltrail(directory).env("MALTRAIL_USE_FEED_UPDATES", "false").arg("update").args(arguments).assert()
}

fn directory() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn write(directory: &TempDir, name: &str, bytes: impl AsRef<[u8]>) {
    std::fs::write(directory.path().join(name), bytes).unwrap();
}

/// A DNS query for `name`, so many seconds after midnight.
fn query(seconds: i64, name: &str) -> Recorded {
    let payload = Message::query(name, 1).encode();
    let built = Stack::ethernet().ip("10.0.0.5", "9.9.9.9").udp(40_000, 53).payload(payload).frame();
    Recorded::new(Micros(MIDNIGHT + seconds * Micros::SECOND), built)
}

/// A connection request to a listed port of a listed address.
fn connection(seconds: i64) -> Recorded {
    let built = Stack::ethernet().ip("10.0.0.6", "192.0.2.66").tcp(50_000, 4444, 2).frame();
    Recorded::new(Micros(MIDNIGHT + seconds * Micros::SECOND), built)
}

/// Two that raise events, one that does not.
fn three() -> Vec<u8> {
    capture::file(&[query(1, "www.evil.org"), query(2, "www.fine.org"), connection(3)])
}
