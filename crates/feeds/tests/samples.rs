//! Every description of `feeds/` reads the sample beside it as expected. `UPDATE_EXPECT=1` writes what is expected.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // helpers of tests may stop the test

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use feeds::spec::Taken;
use feeds::{Catalogue, Spec};
use jiff::Timestamp;
use trails::{Indicator, Kind};

fn home() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// Names of the files of a directory, in order.
fn names(directory: &str) -> Vec<String> {
    let entries = fs::read_dir(home().join(directory)).unwrap();
    let mut names: Vec<String> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// The sample of a feed; a directory becomes an archive.
fn sample(name: &str) -> Vec<u8> {
    let of = |file: &&String| file.split('.').next() == Some(name) && !file.ends_with(".expected");
    let names = names("samples");
    let found: Vec<&String> = names.iter().filter(of).collect();
    assert_eq!(found.len(), 1, "samples of {name}: {found:?}");
    let path = home().join("samples").join(found[0]);
    if !path.is_dir() {
        return fs::read(path).unwrap();
    }
    let mut archive = tar::Builder::new(Vec::new());
    archive.append_dir_all("", path).unwrap();
    archive.into_inner().unwrap()
}

/// Kind, indicator and info of what is taken of the sample.
fn taken(spec: &Spec, body: &[u8]) -> String {
    let mut lines = Vec::new();
    let now = Timestamp::UNIX_EPOCH;
    let sink = &mut |row: feeds::Row<'_>| {
        let mut scratch = String::new();
        if let Ok(indicator) = Indicator::parse(row.text, &mut scratch)
            && spec.takes(&indicator)
        {
            let lists = row.lists.map_or(String::new(), |count| format!(" ({count} lists)"));
            lines.push(format!("{} {indicator} {}{lists}", indicator.kind().as_str(), row.info.unwrap()));
        }
    };
    spec.rows(now, &mut &*body, sink).unwrap();
    if spec.name == "static" {
        lines.sort(); // Directories are read in any order.
    }
    lines.iter().fold(String::new(), |mut text, line| {
        writeln!(text, "{line}").unwrap();
        text
    })
}

#[test]
fn samples_read_as_expected() {
    let catalogue = Catalogue::load(None).unwrap();
    for spec in catalogue.specs() {
        let body = sample(&spec.name);
        let found = taken(spec, &body);
        let expected = home().join(format!("samples/{}.expected", spec.name));
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            fs::write(&expected, &found).unwrap();
        }
        let expected = fs::read_to_string(expected).unwrap_or_default();
        assert_eq!(found, expected, "{}", spec.name);
        assert!(!found.is_empty(), "the sample of {} lists nothing", spec.name);
        if let Some(text) = &spec.guard.contains {
            assert!(
                String::from_utf8_lossy(&body).contains(text),
                "the sample of {} lacks its guard's text",
                spec.name
            );
        }
    }
    for file in names("samples") {
        let name = file.split('.').next().unwrap();
        assert!(catalogue.get(name).is_some(), "{file} is a sample of no feed");
    }
}

#[test]
fn all_files_are_part_of_the_program() {
    let catalogue = Catalogue::load(None).unwrap();
    let known: Vec<String> = catalogue.specs().iter().map(|spec| format!("{}.toml", spec.name)).collect();
    assert_eq!(known, names("feeds"));
}

#[test]
fn descriptions_keep_to_what_is_usual() {
    for spec in Catalogue::load(None).unwrap().specs() {
        let name = &spec.name;
        assert!(!spec.about.ends_with('.') && spec.about.len() <= 140, "{name}: about is one short line");
        assert!(!spec.about.contains('|') && !spec.terms.contains('|'), "{name}: a table holds this");
        assert!((300..=7 * 86_400).contains(&spec.interval), "{name}: interval");
        assert!(spec.info.len() <= 64 && !spec.info.contains(','), "{name}: info");
        let http = spec.urls.iter().filter(|url| !url.starts_with("https://")).count();
        assert!(http == 0 || spec.terms.contains("no HTTPS"), "{name}: say that it has no HTTPS");
        let of_hosts = |taken: &Taken| matches!(taken, Taken::Kind(Kind::Address | Kind::Endpoint | Kind::Network));
        assert!(!spec.attackers || spec.kinds.iter().all(of_hosts), "{name}: attackers are addresses");
    }
}

#[test]
fn the_page_is_current() {
    let page = feeds::page::page(&Catalogue::load(None).unwrap()).unwrap();
    let file = home().ancestors().nth(2).unwrap().join("docs/feeds.md");
    let current = fs::read_to_string(file).unwrap_or_default();
    assert!(page == current, "docs/feeds.md: cargo run -p feeds --example page > docs/feeds.md");
}
