//! The parts of a day add up to what folding all its events gives, for every reader.

use std::collections::BTreeMap;

use super::*;
use crate::addresses::AddressSet;
use crate::condense::{Direction, Fold, ThreatId, Window, chunk};

/// Lines and events of threats.
type Counts = BTreeMap<ThreatId, (u64, u64)>;

fn counts(folds: &[Fold]) -> Counts {
    let mut counts = Counts::new();
    for threat in folds.iter().flat_map(|fold| fold.threats()) {
        let count = counts.entry(threat.id()).or_default();
        *count = (count.0 + u64::from(threat.lines()), count.1 + threat.count());
    }
    counts
}

fn bounds(day: &str) -> (Timestamp, Timestamp) {
    let day: jiff::civil::Date = day.parse().unwrap();
    let at = |day: jiff::civil::Date| day.to_zoned(TimeZone::UTC).unwrap().timestamp();
    (at(day), at(day.tomorrow().unwrap()))
}

fn expected(events: &[Stored], day: &str, scope: &Scope) -> Counts {
    let (start, end) = bounds(day);
    let mut fold = Fold::new(Window::between(start, end));
    events.iter().filter_map(|stored| scope.view(&stored.event)).for_each(|event| {
        fold.add(&event);
    });
    counts(&[fold])
}

/// Rows and sums that a page finds in the chunks of a manifest.
fn served(archive: &Archive, day: &str, scope: &Scope) -> Result<(Manifest, u64), StoreError> {
    let day = day.parse().unwrap();
    let manifest = archive.manifest(day, scope)?;
    let mut rows = 0;
    for entry in &manifest.chunks {
        let bytes = archive.chunk(day, &entry.name, scope)?;
        assert_eq!(bytes.len() as u64, entry.bytes);
        let plain = chunk::decompress(&bytes).unwrap();
        rows += u64::from(u32::from_le_bytes(plain[20..24].try_into().unwrap()));
    }
    assert_eq!(rows, manifest.rows);
    assert_eq!(archive.manifest(day, scope)?, manifest);
    Ok((manifest, rows))
}

fn events() -> Vec<Stored> {
    (0..4_000).map(|n| sample::stored(n * 40)).collect()
}

const DAY: &str = "2026-11-20";

#[test]
fn parts_add_up_at_every_moment_and_for_every_reader() {
    let directory = tempfile::tempdir().unwrap();
    let archive = open(directory.path()).unwrap();
    let source = Source::new("a", events());
    let scopes = ["", "10.0.0.0/24", "10.0.3.0/25,10.0.1.7"].map(|text| Scope::parse(text).unwrap());
    let mut fed = 0;
    let steps: [fn(&Archive); 8] = [
        |_| {},
        |archive| archive.flush().unwrap(),
        |archive| archive.condense().unwrap(),
        |_| {},
        |archive| archive.flush().unwrap(),
        |archive| archive.condense().unwrap(),
        |archive| {
            archive.flush().unwrap();
            archive.seal("2026-12-20T00:00:00Z".parse().unwrap()).unwrap();
        },
        |archive| archive.condense().unwrap(),
    ];
    for step in steps {
        source.feed(&archive, 250).unwrap();
        fed += 250;
        step(&archive);
        let there = &source.events[..fed];
        for scope in &scopes {
            let expected = expected(there, DAY, scope);
            let (manifest, rows) = served(&archive, DAY, scope).unwrap();
            let lines: u64 = expected.values().map(|count| count.0).sum();
            let sum: u64 = expected.values().map(|count| count.1).sum();
            assert_eq!((manifest.lines, manifest.events), (lines, sum), "{scope:?} after {fed}");
            assert!(rows >= expected.len() as u64);
        }
    }
    archive.flush().unwrap();
    archive.condense().unwrap();
    for scope in &scopes {
        let (manifest, rows) = served(&archive, DAY, scope).unwrap();
        assert_eq!(rows, expected(&source.events[..fed], DAY, scope).len() as u64);
        assert!(manifest.generation < 1 << 53 && manifest.cursor < 1 << 53);
    }
    let nobody = Scope::parse("172.16.0.0/12").unwrap();
    assert!(matches!(served(&archive, DAY, &nobody), Err(StoreError::Unknown(_))));
    assert!(matches!(served(&archive, "2026-11-19", &scopes[0]), Err(StoreError::Unknown(_))));
}

#[test]
fn the_fold_on_disk_is_the_fold_of_all_events() {
    let directory = tempfile::tempdir().unwrap();
    let archive = open(directory.path()).unwrap();
    let source = Source::new("a", events());
    while source.feed(&archive, 700).unwrap() {
        archive.flush().unwrap();
        archive.condense().unwrap();
    }
    archive.flush().unwrap();
    archive.condense().unwrap();
    for (day, dir) in [(DAY, "2026-11-20"), ("2026-11-21", "2026-11-21")] {
        let parts = std::fs::read_dir(directory.path().join("chunks").join(dir)).unwrap();
        let mut wholes: Vec<_> = parts.map(|part| part.unwrap().path()).collect();
        assert!(wholes.len() <= 2, "older ones go");
        let made = |path: &std::path::PathBuf| {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            name[1..].split_once('x').unwrap().0.parse::<u64>().unwrap()
        };
        wholes.sort_by_key(made);
        let bytes = std::fs::read(wholes.last().unwrap().join("whole.zst")).unwrap();
        let fold = chunk::decode(&chunk::decompress(&bytes).unwrap()).unwrap();
        assert_eq!(counts(&[fold]), expected(&source.events, day, &Scope::everything()));
    }
}

#[test]
fn names_of_one_reader_lead_another_nowhere() {
    let directory = tempfile::tempdir().unwrap();
    let archive = open(directory.path()).unwrap();
    let source = Source::new("a", events());
    source.feed(&archive, 1_000).unwrap();
    archive.flush().unwrap();
    archive.condense().unwrap();
    source.feed(&archive, 200).unwrap();
    let day = DAY.parse().unwrap();
    let scopes = ["", "10.0.0.0/24", "10.0.3.0/24"].map(|text| Scope::parse(text).unwrap());
    for owner in &scopes {
        let chunks = archive.manifest(day, owner).unwrap().chunks;
        for other in scopes.iter().filter(|other| *other != owner) {
            for chunk in &chunks {
                let mine = archive.chunk(day, &chunk.name, owner).unwrap();
                if let Ok(others) = archive.chunk(day, &chunk.name, other) {
                    assert_ne!(mine, others, "{} of {owner:?} for {other:?}", chunk.name);
                }
            }
        }
    }
    for name in ["", "-", "s1x0-0", "../catalog-0", "s..-0", "r0-99999999999999999999", "m0-0"] {
        assert!(matches!(archive.chunk(day, name, &scopes[0]), Err(StoreError::Unknown(_))), "{name}");
    }
}

#[test]
fn damaged_chunks_are_made_anew() {
    let directory = tempfile::tempdir().unwrap();
    let archive = open(directory.path()).unwrap();
    Source::new("a", events()).feed(&archive, 2_000).unwrap();
    archive.flush().unwrap();
    archive.condense().unwrap();
    let everything = Scope::everything();
    let (good, _) = served(&archive, DAY, &everything).unwrap();
    let parts = directory.path().join("chunks").join(DAY);
    for file in ["0.zst", "entry.json", "whole.zst"] {
        let part = std::fs::read_dir(&parts).unwrap().next().unwrap().unwrap().path();
        let path = part.join(file);
        let mut bytes = std::fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 4;
        std::fs::write(&path, bytes).unwrap();
        if file == "0.zst" {
            let day = DAY.parse().unwrap();
            let refused = archive.chunk(day, &good.chunks[0].name, &everything);
            assert!(matches!(refused, Err(StoreError::Damaged(_))));
        }
        let (again, _) = served(&archive, DAY, &everything).unwrap();
        assert_eq!((again.lines, again.events, again.rows), (good.lines, good.events, good.rows), "{file}");
        archive.condense().unwrap();
        let (again, _) = served(&archive, DAY, &everything).unwrap();
        assert_eq!((again.lines, again.events, again.rows), (good.lines, good.events, good.rows), "{file}");
    }
}

#[test]
fn directions_follow_the_networks_that_are_ones_own() {
    let directory = tempfile::tempdir().unwrap();
    let mut events = events();
    events.truncate(1_000);
    events.iter_mut().for_each(|stored| stored.event.kind = event::Kind::Ip);
    let source = Source::new("a", events);
    let day = DAY.parse().unwrap();
    let own = Local::new(AddressSet::of(&["8.8.8.0/24".parse().unwrap()]));
    let mut names = std::collections::BTreeSet::new();
    for (local, direction) in [
        (Local::default(), Direction::Outbound),
        (own.clone(), Direction::Lateral),
        (own, Direction::Lateral),
        (Local::default(), Direction::Outbound),
    ] {
        let state_dir = directory.path().to_owned();
        let archive = Archive::open(ArchiveSettings { state_dir, zone: TimeZone::UTC, local }, now()).unwrap();
        source.feed(&archive, 1_000).unwrap();
        archive.flush().unwrap();
        // Once of recent segments, once of those that are settled.
        for settled in [false, true] {
            if settled {
                archive.condense().unwrap();
            }
            let manifest = archive.manifest(day, &Scope::everything()).unwrap();
            let name = &manifest.chunks[0].name;
            let bytes = archive.chunk(day, name, &Scope::everything()).unwrap();
            assert_eq!(directions(&chunk::decompress(&bytes).unwrap()), [direction as u8; 1], "{name}");
            names.insert((name.clone(), direction as u8));
        }
    }
    let distinct: std::collections::BTreeSet<&String> = names.iter().map(|(name, _)| name).collect();
    assert_eq!(distinct.len(), names.len(), "a name always leads to the same: {names:?}");
}

/// The different values of the column of directions.
fn directions(chunk: &[u8]) -> Vec<u8> {
    let mut at = 40;
    loop {
        let tag = u16::from_le_bytes(chunk[at..at + 2].try_into().unwrap());
        let width = usize::from(chunk[at + 2]);
        let items = u32::from_le_bytes(chunk[at + 4..at + 8].try_into().unwrap()) as usize;
        let column = &chunk[at + 8..at + 8 + width * items];
        if tag == 28 {
            let mut values = column[..items].to_vec();
            values.sort_unstable();
            values.dedup();
            return values;
        }
        at += 8 + width * items;
    }
}
