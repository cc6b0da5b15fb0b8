//! From files to an open store.

#![allow(clippy::unwrap_used)] // Helpers of tests are tests.

use std::fs;
use std::path::Path;

use trails::load::{self, LoadError};
use trails::read::{self, Origin};
use trails::{Builder, Hit, LabelId, Stamp, Store, Vetoes, Why};

fn info(store: &Store<trails::Mapped>, name: &str) -> Option<(String, String)> {
    let mut hits = [Hit { start: 0, label: LabelId(0) }; 8];
    (store.name(name.as_bytes(), &mut hits) > 0).then(|| {
        let label = store.label(hits.first().unwrap().label);
        (label.info.to_owned(), label.reference.to_owned())
    })
}

fn pair(info: &str, reference: &str) -> Option<(String, String)> {
    Some((info.to_owned(), reference.to_owned()))
}

#[test]
fn tree_and_custom_lists() {
    let dir = tempfile::tempdir().unwrap();
    for layout in ["trails/static", "static", "."] {
        let root = dir.path().join(layout.replace('/', "_"));
        let folder = root.join(layout).join("malware");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("some_rat-2.txt"), b"# Reference: x\nevil.example # why\n\n192.0.2.1:1:1\n\xff\n")
            .unwrap();
        fs::write(root.join(layout).join("mass_scanner.txt"), "scanner.example\nevil2.example\n").unwrap();
        fs::write(folder.join("notes.md"), "notes.example\n").unwrap();
        let own = dir.path().join("own.txt");
        fs::write(&own, "evil.example\nown.example\n").unwrap();
        let mut builder = Builder::new(Vetoes::default());
        read::add(&mut builder, &root, Origin { reference: "(static)", custom: false }, &mut |_| {}).unwrap();
        read::add(&mut builder, &own, Origin { reference: "(custom)", custom: true }, &mut |_| {}).unwrap();
        let target = dir.path().join("t.bin");
        let report = load::publish(builder, &target, Stamp { generation: 7, ..Stamp::default() }).unwrap();
        assert_eq!(report.refused.get(&Why::TwoPorts), Some(&1), "{layout}");
        let store = Store::open(&target).unwrap();
        assert_eq!(store.generation_info().generation, 7);
        assert_eq!(info(&store, "www.evil.example"), pair("own", "(custom) (+static)"));
        assert_eq!(info(&store, "scanner.example"), pair("mass scanner", "(static)"));
        assert_eq!(info(&store, "own.example"), pair("own", "(custom)"));
        assert_eq!(info(&store, "notes.example"), None);
    }
}

fn write_csv(path: &Path, name: &str) {
    let rows =
        format!("{name},some rat (malware),(static)\n\"v[i,y]x[0-9]\\.example\",x (malware),(static)\nbroken row\n");
    fs::write(path, rows).unwrap();
}

#[test]
fn csv_is_built_once_and_again_when_it_changes() {
    let dir = tempfile::tempdir().unwrap();
    let (csv, cache) = (dir.path().join("trails.csv"), dir.path().join("cache"));
    write_csv(&csv, "one.example");
    let store = load::load(&csv, &cache).unwrap();
    assert_eq!(info(&store, "one.example"), pair("some rat (malware)", "(static)"));
    assert!(store.pattern(b"vyx1.example").is_some());
    let built = dir.path().join("trails.bin");
    let first = fs::metadata(&built).unwrap().modified().unwrap();
    load::load(&csv, &cache).unwrap();
    assert_eq!(fs::metadata(&built).unwrap().modified().unwrap(), first, "not built again");
    write_csv(&csv, "another.example");
    let store = load::load(&csv, &cache).unwrap();
    assert_eq!(info(&store, "one.example"), None);
    assert!(info(&store, "another.example").is_some());
    let (_, report) = load::build(&csv, &cache, &mut |_| {}).unwrap();
    assert_eq!(report.refused.get(&Why::Row), Some(&1));
    assert!(!cache.exists() && fs::read_dir(dir.path()).unwrap().count() == 2, "nothing is left behind");
}

#[test]
fn a_store_goes_to_the_cache_where_none_fits_beside() {
    let dir = tempfile::tempdir().unwrap();
    let (csv, cache) = (dir.path().join("trails.csv"), dir.path().join("cache"));
    write_csv(&csv, "one.example");
    // A directory of that name cannot be replaced by a file.
    fs::create_dir(dir.path().join("trails.bin")).unwrap();
    let store = load::load(&csv, &cache).unwrap();
    assert!(info(&store, "one.example").is_some());
    assert_eq!(fs::read_dir(&cache).unwrap().count(), 1);
}

#[test]
fn whoever_builds_none_finds_the_store_of_the_file_or_the_last_before_it() {
    let dir = tempfile::tempdir().unwrap();
    let (csv, cache) = (dir.path().join("trails.csv"), dir.path().join("cache"));
    let has = |name: &str| info(&load::latest(&csv, &cache).unwrap(), name).is_some();
    write_csv(&csv, "one.example");
    assert!(load::latest(&csv, &cache).is_err(), "none was built");
    fs::create_dir(dir.path().join("trails.bin")).unwrap();
    load::load(&csv, &cache).unwrap();
    assert!(has("one.example"), "in the cache");
    write_csv(&csv, "two.example");
    assert!(has("one.example"), "none of the new file yet");
    fs::remove_dir(dir.path().join("trails.bin")).unwrap();
    load::load(&csv, &cache).unwrap();
    assert!(has("two.example"), "beside it, the file's own");
    fs::write(dir.path().join("trails.bin"), "damaged").unwrap();
    assert!(has("one.example"));
    let bin = dir.path().join("other.bin");
    assert!(load::latest(&bin, &cache).err().unwrap().to_string().contains("other.bin"));
}

#[test]
fn a_damaged_store_beside_is_built_again() {
    let dir = tempfile::tempdir().unwrap();
    let csv = dir.path().join("trails.csv");
    write_csv(&csv, "one.example");
    load::load(&csv, dir.path()).unwrap();
    let built = dir.path().join("trails.bin");
    let mut bytes = fs::read(&built).unwrap();
    bytes.truncate(bytes.len() / 2);
    fs::write(&built, &bytes).unwrap();
    assert!(Store::open(&built).is_err());
    assert!(info(&load::load(&csv, dir.path()).unwrap(), "one.example").is_some());
}

#[test]
fn errors_say_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let missing = load::load(&dir.path().join("none.csv"), dir.path()).err().unwrap();
    assert!(matches!(missing, LoadError::Read(_)) && missing.to_string().contains("TRAILS_FILE"), "{missing}");
    let foreign = dir.path().join("foreign.bin");
    for content in ["", "PK\x03\x04 something else"] {
        fs::write(&foreign, content).unwrap();
        let error = load::load(&foreign, dir.path()).err().unwrap().to_string();
        assert!(error.contains("foreign.bin") && error.contains("maltrail update --offline"), "{error}");
    }
}

#[test]
fn rows_behind_one_that_is_no_text_are_found() {
    use trails::Indicator;
    use trails::read::{Origin, find};
    let directory = tempfile::tempdir().unwrap();
    let csv = directory.path().join("trails.csv");
    std::fs::write(&csv, b"caf\xe9.example,a,b\nfour.example,a,b,c\nevil.example,worm (malware),(static)\n").unwrap();
    let mut told = Vec::new();
    for name in ["evil.example", "four.example"] {
        let origin = Origin { reference: "(static)", custom: false };
        let wanted = Indicator::Name(name);
        find(&csv, origin, &wanted, &mut |found| told.push((found.line, found.info))).unwrap();
    }
    assert_eq!(told, [(3, "worm (malware)".to_owned())]);
}
