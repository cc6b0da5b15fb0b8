//! Which trails of a generation can never be found, and why: each is looked up as traffic would be, by its own kind.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::{Deserialize, Serialize};
use trails::Store;
use trails::probe::{instead, probe};

/// Trails that are listed one by one; all are counted.
pub const MAX_LISTED: u64 = 100_000;
/// Trails that a manifest names as examples.
const EXAMPLES: usize = 10;

/// Trails that can never be found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inert {
    /// How many, by cause.
    pub causes: BTreeMap<String, u64>,
    /// The first of them.
    pub examples: Vec<String>,
}

impl Inert {
    /// How many.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.causes.values().sum()
    }
}

/// Looks up every trail of a store. Those that are not found are rows of trail, cause, what is found in its place,
/// info, reference in `out`, [`MAX_LISTED`] at most.
///
/// # Errors
/// Writing failed.
pub fn list<D: AsRef<[u8]>>(store: &Store<D>, out: &mut dyn Write) -> io::Result<Inert> {
    let mut rows = csv::Writer::from_writer(out);
    let (mut inert, mut listed) = (Inert::default(), 0);
    for (indicator, id) in store.trails() {
        let Some(cause) = probe(store, &indicator, id) else { continue };
        *inert.causes.entry(cause.to_string()).or_default() += 1;
        let trail = indicator.to_string();
        if listed < MAX_LISTED {
            listed += 1;
            let label = store.label(id);
            let found = instead(store, &indicator).join(" ");
            rows.write_record([trail.as_str(), cause.name(), &found, label.info, label.reference])?;
        }
        if inert.examples.len() < EXAMPLES {
            inert.examples.push(trail);
        }
    }
    rows.flush()?;
    Ok(inert)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;
    use std::rc::Rc;

    use trails::builder::Place;
    use trails::{Builder, Stamp, Vetoes};

    use super::*;

    fn store(trails: impl Iterator<Item = String>) -> Store<Vec<u8>> {
        let mut builder = Builder::new(Vetoes::default());
        let file: Rc<str> = "test".into();
        let source = builder.source("x (malware)", "(static)", false);
        trails.zip(1..).for_each(|(trail, line)| builder.add(&trail, source, Place { file: &file, line }));
        Store::from_bytes(builder.finish(Cursor::new(Vec::new()), Stamp::default()).unwrap().0.into_inner()).unwrap()
    }

    #[test]
    fn what_can_never_be_found_is_listed_with_its_cause() {
        let trails = ["a.com", "printer.lan", "192.0.2.0/30", "192.0.2.0/31", "192.0.2.2/31", r"x[0-9]\.a\.com"];
        let mut rows = Vec::new();
        let inert = list(&store(trails.into_iter().map(str::to_owned)), &mut rows).unwrap();
        assert_eq!(inert.count(), 3);
        assert_eq!(inert.examples, ["printer.lan", "192.0.2.0/30", r"x[0-9]\.a\.com"]);
        assert_eq!(
            String::from_utf8(rows).unwrap(),
            "printer.lan,local,,x (malware),(static)\n\
             192.0.2.0/30,covered,192.0.2.0/31 192.0.2.2/31,x (malware),(static)\n\
             x[0-9]\\.a\\.com,parent,a.com,x (malware),(static)\n"
        );
        let none = list(&store(std::iter::once("a.com".to_owned())), &mut Vec::new()).unwrap();
        assert_eq!(none, Inert::default());
    }

    #[test]
    fn all_are_counted_and_so_many_listed() {
        for count in [MAX_LISTED - 1, MAX_LISTED, MAX_LISTED + 1] {
            let mut rows = Vec::new();
            let inert = list(&store((0..count).map(|n| format!("x{n}.lan"))), &mut rows).unwrap();
            let lines = rows.split(|byte| *byte == b'\n').count() as u64 - 1;
            assert_eq!((inert.count(), lines), (count, count.min(MAX_LISTED)));
            assert_eq!(inert.examples.len(), EXAMPLES);
        }
    }
}
