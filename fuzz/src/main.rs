//! Every parser of foreign bytes as a fuzz target, in one binary: FUZZ_TARGET names which one runs.
//!
//! A target must not panic, must not take long, and where it says so, must keep what it promises.
#![no_main]

mod condense;
// The binary crate has no library: its reader of maltrail.conf is compiled in from where it is.
#[allow(dead_code, unused_imports)]
#[path = "../../crates/cli/src/config/mod.rs"]
mod config;
mod files;
// The server's language of queries is pure, and compiled in from where it is, with the little that it needs.
#[path = "../../crates/server/src/hunt/mod.rs"]
mod hunt;
mod import;
mod intake;
mod lists;
mod mmdb;
mod packets;
mod requests;
mod store;
mod texts;

use std::sync::OnceLock;

type Target = fn(&[u8]);

const TARGETS: &[(&str, Target)] = &[
    ("frame", packets::frame),
    ("stream", packets::stream),
    ("datagram", packets::datagram),
    ("certificate", packets::certificate),
    ("dns", packets::dns),
    ("http", packets::http),
    ("tls", packets::tls),
    ("quic", packets::quic),
    ("capture", files::capture),
    ("store", files::store),
    ("foreign-store", files::foreign_store),
    ("line", texts::line),
    ("csv", texts::csv),
    ("list", texts::list),
    ("event", texts::event),
    ("feed", lists::feed),
    ("import", import::import),
    ("journal", texts::journal),
    ("observable", texts::observable),
    ("datagram_line", intake::datagram_line),
    ("batch", intake::batch),
    ("mmdb", mmdb::mmdb),
    ("whitelist", texts::whitelist),
    ("ignore", texts::ignore),
    ("config", texts::config),
    ("request", requests::request),
    ("query", requests::query),
];

static CHOSEN: OnceLock<Target> = OnceLock::new();

fn choose() -> Target {
    let name = std::env::var("FUZZ_TARGET").unwrap_or_default();
    let found = TARGETS.iter().find(|(known, _)| *known == name);
    let names: Vec<&str> = TARGETS.iter().map(|(name, _)| *name).collect();
    found.unwrap_or_else(|| panic!("FUZZ_TARGET={name}: there are {}", names.join(", "))).1
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    CHOSEN.get_or_init(choose)(data);
});
