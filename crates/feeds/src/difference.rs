//! What is new and what is gone between two generations.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::io::{self, Write};
use std::path::Path;

use trails::{Indicator, Store};

use crate::manifest::Change;

/// References that a manifest names.
const NAMED: usize = 100;
/// Under which the others are counted.
const OTHERS: &str = "(others)";

/// Compares; every trail that is new or gone is a row of sign, trail, info, reference in `out`. Trails are known by a
/// hash of 64 bits: of two sets of two million it confuses two once in four million comparisons.
///
/// # Errors
/// One of them is no store, or writing failed.
pub fn compare(before: &Path, after: &Path, out: &mut dyn Write) -> io::Result<Change> {
    // Only one of them is in memory at a time.
    let open = |path: &Path| Store::open(path).map_err(io::Error::other);
    let (since, old) = open(before).map(|store| (store.generation_info().generation, keys(&store)))?;
    let new = open(after).map(|store| keys(&store))?;
    let (gone, come) = (without(&old, &new), without(&new, &old));
    drop((old, new));
    let mut rows = csv::Writer::from_writer(out);
    let mut change = Change { since, ..Change::default() };
    (change.removed, change.removed_by) = told(&open(before)?, &gone, "-", &mut rows)?;
    (change.added, change.added_by) = told(&open(after)?, &come, "+", &mut rows)?;
    rows.flush()?;
    Ok(change)
}

/// The same in every process: no key is chosen to collide, for a difference is only told.
fn key(indicator: &Indicator<'_>) -> u64 {
    BuildHasherDefault::<DefaultHasher>::default().hash_one(indicator)
}

/// The keys of all trails, in order.
fn keys<D: AsRef<[u8]>>(store: &Store<D>) -> Vec<u64> {
    let mut keys: Vec<u64> = store.trails().map(|(indicator, _)| key(&indicator)).collect();
    keys.sort_unstable();
    keys
}

/// Those that are not among others; both are in order.
fn without(keys: &[u64], others: &[u64]) -> Vec<u64> {
    let mut others = others.iter().peekable();
    let lacks = |key: &&u64| {
        while others.next_if(|other| other < key).is_some() {}
        others.peek() != Some(key)
    };
    keys.iter().filter(lacks).copied().collect()
}

/// Writes the trails of a store that have one of the keys: how many, and by reference.
fn told<D: AsRef<[u8]>>(
    store: &Store<D>,
    keys: &[u64],
    sign: &str,
    rows: &mut csv::Writer<&mut dyn Write>,
) -> io::Result<(u64, BTreeMap<String, u64>)> {
    let mut count = 0;
    let mut by: BTreeMap<&str, u64> = BTreeMap::new();
    // Most updates change little, some nothing.
    let trails = store.trails().take(if keys.is_empty() { 0 } else { usize::MAX });
    for (indicator, label) in trails {
        if keys.binary_search(&key(&indicator)).is_err() {
            continue;
        }
        let label = store.label(label);
        rows.write_record([sign, &indicator.to_string(), label.info, label.reference])?;
        count += 1;
        *by.entry(label.reference).or_default() += 1;
    }
    let mut by: Vec<(&str, u64)> = by.into_iter().collect();
    by.sort_by_key(|&(reference, count)| (std::cmp::Reverse(count), reference));
    let mut named = BTreeMap::new();
    for (place, (reference, count)) in by.into_iter().enumerate() {
        let name = if place < NAMED { reference } else { OTHERS };
        *named.entry(name.to_owned()).or_default() += count;
    }
    Ok((count, named))
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use trails::builder::Place;
    use trails::{Builder, Stamp, Vetoes};

    use super::*;

    fn store(path: &Path, generation: u64, rows: &[(&str, &str)]) {
        let mut builder = Builder::new(Vetoes::default());
        let file: Rc<str> = "test".into();
        for (line, (trail, reference)) in (1..).zip(rows) {
            let source = builder.source("x (malware)", reference, false);
            builder.add(trail, source, Place { file: &file, line });
        }
        let stamp = Stamp { generation, ..Stamp::default() };
        trails::load::write(builder, path, stamp).unwrap();
    }

    #[test]
    fn new_and_gone() {
        let directory = tempfile::tempdir().unwrap();
        let (before, after) = (directory.path().join("before.bin"), directory.path().join("after.bin"));
        store(&before, 7, &[("a.example", "one"), ("192.0.2.1", "one"), ("192.0.2.1:80", "two")]);
        store(&after, 8, &[("a.example", "other"), ("192.0.2.1:80", "two"), ("192.0.2.0/24", "two")]);
        let mut rows = Vec::new();
        let change = compare(&before, &after, &mut rows).unwrap();
        assert_eq!((change.since, change.added, change.removed), (7, 1, 1));
        assert_eq!(change.added_by, BTreeMap::from([("two".to_owned(), 1)]));
        assert_eq!(change.removed_by, BTreeMap::from([("one".to_owned(), 1)]));
        let rows = String::from_utf8(rows).unwrap();
        assert_eq!(rows, "-,192.0.2.1,x (malware),one\n+,192.0.2.0/24,x (malware),two\n");
        assert_eq!(compare(&after, &after, &mut Vec::new()).unwrap().added, 0);
    }
}
