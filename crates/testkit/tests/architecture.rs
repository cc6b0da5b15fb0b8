//! House rules that a compiler does not know, as tests.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "helpers of tests")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Which crate may depend on which of ours (without dev-dependencies).
const EDGES: &[(&str, &[&str])] = &[
    ("packet", &[]),
    ("trails", &[]),
    ("event", &[]),
    ("feeds", &["trails"]),
    ("detect", &["packet", "trails", "event"]),
    ("sensor", &["packet", "trails", "event", "detect", "feeds"]),
    ("server", &["event", "trails", "feeds"]),
    ("testkit", &["packet", "trails", "event", "detect", "sensor"]),
    ("maltrail", &["packet", "trails", "event", "detect", "feeds", "sensor", "server"]),
];

/// Crates that do no I/O and read no clock.
const PURE: &[&str] = &["packet", "event", "detect"];

/// Where unsafe code may stand: the map of a store file, and the capture of packets.
const UNSAFE: &[&str] = &["crates/trails/src/map", "crates/sensor/src/capture"];

/// Lines of a source file. Longer ones hold more than one subject.
const LONGEST_FILE: usize = 800;

/// Files that are one long table.
const TABLES: &[&str] = &[];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_owned()
}

/// Files below `directory` that belong to the project, with their path from the root.
fn files(directory: &str) -> Vec<(String, PathBuf)> {
    const SKIPPED: &[&str] = &["target", ".git", "corpus", "artifacts", "node_modules", "dist"];
    let root = root();
    let (mut out, mut directories) = (Vec::new(), vec![root.join(directory)]);
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(&directory).unwrap_or_else(|e| panic!("{}: {e}", directory.display())) {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if SKIPPED.contains(&name.as_str()) {
                continue;
            }
            if path.is_dir() {
                directories.push(path);
            } else {
                out.push((path.strip_prefix(&root).unwrap().display().to_string(), path));
            }
        }
    }
    out.sort();
    assert!(!out.is_empty(), "no files in {directory}");
    out
}

fn sources(directory: &str) -> Vec<(String, String)> {
    let rust = files(directory).into_iter().filter(|(name, _)| name.ends_with(".rs"));
    rust.map(|(name, path)| (name, fs::read_to_string(path).unwrap())).collect()
}

/// Code lines (with their numbers) of a source, without comments and without its tests at the end.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.lines().enumerate().take_while(|(_, line)| !line.starts_with("#[cfg(test)]"));
    lines.map(|(i, line)| (i + 1, line.split("//").next().unwrap_or_default()))
}

#[test]
fn crates_depend_on_each_other_in_one_direction_only() {
    let ours: Vec<&str> = EDGES.iter().map(|(name, _)| *name).collect();
    let mut seen = BTreeSet::new();
    for entry in fs::read_dir(root().join("crates")).unwrap() {
        let manifest = fs::read_to_string(entry.unwrap().path().join("Cargo.toml")).unwrap();
        let name = manifest.lines().find_map(|l| l.strip_prefix("name = ")).unwrap().trim_matches('"').to_owned();
        let section = manifest.split("\n[").find_map(|s| s.strip_prefix("dependencies]\n")).unwrap_or_default();
        let found: Vec<&str> =
            section.lines().filter_map(|l| l.split(['.', ' ', '=']).next()).filter(|d| ours.contains(d)).collect();
        let allowed = EDGES.iter().find(|(known, _)| *known == name);
        let allowed = allowed.unwrap_or_else(|| panic!("the crate {name} has no place in EDGES")).1;
        for dependency in found {
            assert!(allowed.contains(&dependency), "{name} must not depend on {dependency}");
        }
        seen.insert(name);
    }
    assert_eq!(seen.len(), EDGES.len(), "EDGES names crates that are gone: {seen:?}");
}

#[test]
fn pure_crates_do_no_io_and_read_no_clock() {
    const FORBIDDEN: &[&str] = &[
        "std::fs",
        "io::stdin",
        "io::stdout",
        "io::stderr",
        "std::process",
        "std::thread",
        "std::env",
        "TcpStream",
        "TcpListener",
        "UdpSocket",
        "Instant::now",
        "SystemTime",
        "Timestamp::now",
        "Zoned::now",
        "println!",
        "eprintln!",
    ];
    for name in PURE {
        for (file, text) in sources(&format!("crates/{name}/src")) {
            if file.ends_with("tests.rs") || file.contains("/tests/") {
                continue;
            }
            for (number, line) in code(&text) {
                for word in FORBIDDEN {
                    assert!(!line.contains(word), "{file}:{number}: {word} in a crate that must be pure");
                }
            }
        }
        let lints = fs::read_to_string(root().join(format!("crates/{name}/clippy.toml"))).unwrap_or_default();
        for method in ["std::time::Instant::now", "std::time::SystemTime::now", "std::fs::File::open"] {
            assert!(lints.contains(method), "crates/{name}/clippy.toml must disallow {method}");
        }
    }
}

#[test]
fn unsafe_stands_in_two_places_and_says_why() {
    for (file, text) in sources("crates") {
        let allowed = UNSAFE.iter().any(|place| file.starts_with(place));
        let lines: Vec<&str> = text.lines().collect();
        for (number, line) in code(&text) {
            let words: Vec<&str> = line.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
            if !words.contains(&"unsafe") || line.contains('"') {
                continue;
            }
            assert!(allowed, "{file}:{number}: unsafe code outside of {UNSAFE:?}");
            let before = &lines[number.saturating_sub(8)..number - 1];
            assert!(before.iter().any(|l| l.contains("SAFETY")), "{file}:{number}: unsafe without a SAFETY reason");
        }
    }
}

#[test]
fn files_have_one_subject() {
    for (file, text) in sources("crates").into_iter().chain(sources("fuzz")) {
        let length = text.lines().count();
        assert!(length <= LONGEST_FILE || TABLES.contains(&file.as_str()), "{file} has {length} lines: split it");
    }
}

#[test]
fn every_module_says_what_it_is_for() {
    for (file, text) in sources("crates").into_iter().chain(sources("fuzz")) {
        let exempt = file.ends_with("tests.rs") || file.contains("/tests/");
        assert!(exempt || text.starts_with("//!") || text.starts_with("#!"), "{file} begins without `//!`");
    }
}

#[test]
fn the_tree_speaks_of_the_project_alone() {
    // written apart, so that this file passes its own test
    let forbidden: Vec<String> = [
        ("/wo", "rk/"),
        ("/tm", "p/"),
        ("../sha", "red"),
        ("TO", "DO"),
        ("FIX", "ME"),
        ("XX", "X:"),
        ("#[ign", "ore"),
        ("index.crat", "es.io"),
        ("Clau", "de"),
        ("GP", "T-"),
    ]
    .iter()
    .map(|(a, b)| format!("{a}{b}"))
    .collect();
    for (file, path) in files(".") {
        let Ok(text) = fs::read_to_string(&path) else { continue };
        if file.ends_with("Cargo.lock") {
            continue;
        }
        for (i, line) in text.lines().enumerate() {
            for word in &forbidden {
                assert!(!line.contains(word.as_str()), "{file}:{}: {word:?} does not belong here", i + 1);
            }
        }
    }
}

#[test]
fn every_fuzz_target_is_in_the_makefile() {
    let makefile = fs::read_to_string(root().join("Makefile")).unwrap();
    let line = makefile.lines().find_map(|l| l.strip_prefix("FUZZ_TARGETS ?= ")).unwrap();
    let listed: BTreeSet<&str> = line.split_whitespace().collect();
    let source = fs::read_to_string(root().join("fuzz/src/main.rs")).unwrap();
    let table = source.split("const TARGETS").nth(1).and_then(|s| s.split("];").next()).unwrap();
    let defined: BTreeSet<&str> = table.split('"').skip(1).step_by(2).collect();
    assert!(defined.len() >= 10, "{defined:?}");
    assert_eq!(listed, defined);
}

#[test]
fn every_case_parses_and_names_itself_once() {
    let cases = root().join("cases");
    let list = testkit::case::list(&cases).unwrap();
    assert!(list.len() > 100, "only {} cases", list.len());
    for path in list {
        let case = testkit::case::Case::read(&cases, &path);
        let case = case.unwrap_or_else(|problem| panic!("{}: {problem}", path.display()));
        assert!(!case.frames.is_empty(), "{} has no packets", path.display());
    }
}
