//! Nothing is lost or doubled, whatever happens to the process or to its files.

use super::*;
use crate::store::files::fault;

/// Two sources with events of three days, one a line every 40 minutes, the other every 70.
fn sources() -> [Source; 2] {
    let events = |first: u64, every: u64| (0..60).map(move |n| sample::stored(first + n * every));
    [Source::new("a", events(7, 2_400)), Source::new("b", events(500_000, 4_200))]
}

/// Feeds everything in portions, with flushes and compaction between, until all is in and sealed.
fn run(directory: &Path, sources: &[Source]) -> Result<Archive, StoreError> {
    let archive = open(directory)?;
    for source in sources {
        source.refill(&archive)?;
        while source.feed(&archive, 30)? {
            archive.flush()?;
        }
    }
    archive.seal("2026-11-23T00:00:00Z".parse().unwrap())?;
    archive.flush()?;
    archive.seal("2026-12-23T00:00:00Z".parse().unwrap())?;
    Ok(archive)
}

#[test]
fn a_crash_at_any_step_loses_and_doubles_nothing() {
    let sources = sources();
    let expected = sorted(sources.iter().flat_map(|source| source.events.clone()).collect());
    let mut crashes = 0;
    for steps in 1.. {
        let directory = tempfile::tempdir().unwrap();
        fault::crash_after(Some(steps));
        let ended = run(directory.path(), &sources);
        let crashed = fault::crashed();
        fault::crash_after(None);
        assert_eq!(ended.is_err(), crashed);
        drop(ended);
        let archive = run(directory.path(), &sources).unwrap();
        assert!(sorted(all(&archive)) == expected, "after {steps} steps");
        assert!(archive.gaps().is_empty() && archive.lost().is_empty());
        if !crashed {
            break;
        }
        crashes += 1;
    }
    assert!(crashes > 40, "{crashes}");
}

#[test]
fn a_crash_is_survived_without_a_restart() {
    let sources = sources();
    let expected = sorted(sources.iter().flat_map(|source| source.events.clone()).collect());
    for steps in (1..50).step_by(4) {
        let directory = tempfile::tempdir().unwrap();
        let archive = open(directory.path()).unwrap();
        for source in &sources {
            loop {
                let more = source.feed(&archive, 30).unwrap();
                fault::crash_after(Some(steps));
                let failed = archive.flush().is_err() || archive.seal("2026-12-23T00:00:00Z".parse().unwrap()).is_err();
                assert_eq!(failed, fault::crashed());
                fault::crash_after(None);
                if !more {
                    break;
                }
            }
        }
        assert_eq!(sorted(all(&archive)), expected, "{steps}");
        archive.flush().unwrap();
        assert_eq!(sorted(all(&archive)), expected, "{steps}");
        drop(archive);
        assert_eq!(sorted(all(&open(directory.path()).unwrap())), expected, "{steps}");
    }
}

#[test]
fn two_servers_do_not_share_a_directory() {
    let directory = tempfile::tempdir().unwrap();
    let first = open(directory.path()).unwrap();
    let refused = open(directory.path()).unwrap_err();
    assert!(matches!(refused, StoreError::InUse(_)));
    assert!(refused.to_string().contains("in use by another server"), "{refused}");
    drop(first);
    open(directory.path()).unwrap();
}

#[test]
fn a_directory_that_cannot_be_made_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    std::fs::write(&file, b"").unwrap();
    let error = open(&file.join("state")).unwrap_err().to_string();
    assert!(error.contains("state cannot be made"), "{error}");
}

#[test]
fn a_full_disk_is_told_and_nothing_is_lost() {
    let directory = tempfile::tempdir().unwrap();
    let [source, _] = sources();
    let archive = open(directory.path()).unwrap();
    source.feed(&archive, 1_000).unwrap();
    fault::crash_after(Some(1));
    let error = archive.flush().unwrap_err().to_string();
    fault::crash_after(None);
    assert!(error.contains("cannot be written (the disk is full: make room, or keep fewer days)"), "{error}");
    assert_eq!(all(&archive), source.events);
    archive.flush().unwrap();
    assert_eq!(all(&archive), source.events);
}

/// Files of segments, oldest first.
fn files(directory: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(directory.join("segments")).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries.filter(|path| path.extension().is_some_and(|e| e == "parquet")).collect();
    files.sort();
    files
}

fn damage(path: &Path) {
    let mut bytes = std::fs::read(path).unwrap();
    let middle = bytes.len() / 3;
    bytes[middle] ^= 0x55;
    std::fs::write(path, bytes).unwrap();
}

/// What may happen to a file, and how.
type Damage = (&'static str, fn(&Path));

#[test]
fn a_damaged_segment_is_read_again_from_its_sources() {
    let sources = sources();
    let expected = sorted(sources.iter().flat_map(|source| source.events.clone()).collect());
    let damages: [Damage; 4] = [
        ("changed", damage),
        ("shortened", |path| std::fs::File::options().write(true).open(path).unwrap().set_len(100).unwrap()),
        ("missing", |path| std::fs::remove_file(path).unwrap()),
        ("emptied", |path| std::fs::write(path, b"").unwrap()),
    ];
    for (name, damage) in damages {
        for restart in [false, true] {
            for victim in 0..3 {
                let directory = tempfile::tempdir().unwrap();
                let mut archive = run(directory.path(), &sources).unwrap();
                damage(&files(directory.path())[victim]);
                if restart {
                    drop(archive);
                    archive = open(directory.path()).unwrap();
                }
                let first = scan(&archive, &query(Filter::All));
                let told = matches!(first, Err(StoreError::Damaged(_)));
                assert!(told || !archive.gaps().is_empty(), "{name}: neither told nor known");
                let without = all(&archive);
                assert!(without.len() < expected.len() && without.iter().all(|stored| expected.contains(stored)));
                sources.iter().for_each(|source| source.refill(&archive).unwrap());
                assert_eq!(sorted(all(&archive)), expected, "{name}");
                archive.flush().unwrap();
                assert!(archive.gaps().is_empty());
                drop(archive);
                let archive = open(directory.path()).unwrap();
                assert!(archive.gaps().is_empty());
                assert_eq!(sorted(all(&archive)), expected, "{name}");
            }
        }
    }
}

#[test]
fn a_gap_whose_source_is_gone_is_told_as_lost() {
    let sources = sources();
    let directory = tempfile::tempdir().unwrap();
    drop(run(directory.path(), &sources).unwrap());
    std::fs::remove_file(&files(directory.path())[0]).unwrap();
    let archive = open(directory.path()).unwrap();
    let gaps = archive.gaps();
    assert!(!gaps.is_empty());
    gaps.iter().for_each(|gap| archive.abandon(gap).unwrap());
    drop(archive);
    let archive = open(directory.path()).unwrap();
    assert_eq!((archive.gaps(), archive.lost()), (Vec::new(), gaps));
}

#[test]
fn a_lost_catalog_is_made_anew_from_the_segments() {
    let sources = sources();
    let expected = sorted(sources.iter().flat_map(|source| source.events.clone()).collect());
    for damaged in [false, true] {
        for missing in [None, Some(0), Some(1), Some(2)] {
            let directory = tempfile::tempdir().unwrap();
            let archive = open(directory.path()).unwrap();
            for source in &sources {
                while source.feed(&archive, 30).unwrap() {
                    archive.flush().unwrap();
                }
            }
            archive.flush().unwrap();
            archive.seal("2026-11-22T00:00:00Z".parse().unwrap()).unwrap();
            drop(archive);
            let catalog = directory.path().join("segments").join("catalog.json");
            if damaged {
                damage(&catalog)
            } else {
                std::fs::remove_file(&catalog).unwrap()
            }
            if let Some(missing) = missing {
                std::fs::remove_file(&files(directory.path())[missing]).unwrap();
            }
            let archive = open(directory.path()).unwrap();
            for source in &sources {
                while source.feed(&archive, 30).unwrap() {}
                source.refill(&archive).unwrap();
            }
            assert_eq!(sorted(all(&archive)).len(), expected.len(), "{damaged} {missing:?}");
            assert_eq!(sorted(all(&archive)), expected, "{damaged} {missing:?}");
        }
    }
}
