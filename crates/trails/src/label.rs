//! Labels while a store is built: interned, merged where several sources list one indicator.

use std::collections::HashMap;

use crate::class::{Class, Meaning, WHOLE_TLD_CONFIDENCE, meaning};
use crate::format;

/// Most sources a label names; more are left out of the list, not out of the merging.
const MAX_SOURCES: usize = 16;

/// A source's statement about its indicators; comes from [`crate::Builder::source`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Source(pub(crate) u32);

#[derive(Clone, PartialEq, Eq, Hash)]
struct Spec {
    info: String,
    reference: String,
    meaning: Meaning,
    custom: bool,
    /// (reference, info), sorted.
    sources: Vec<(String, String)>,
}

#[derive(Default)]
pub(crate) struct Labels {
    specs: Vec<Spec>,
    by_spec: HashMap<Spec, u32>,
    merged: HashMap<(u32, u32), u32>,
    whole_tld: HashMap<u32, u32>,
}

impl Labels {
    pub(crate) fn source(&mut self, info: &str, reference: &str, custom: bool) -> Source {
        let sources = vec![(reference.to_owned(), info.to_owned())];
        let meaning = meaning(info, custom);
        Source(self.intern(Spec { info: info.into(), reference: reference.into(), meaning, custom, sources }))
    }

    fn intern(&mut self, spec: Spec) -> u32 {
        if let Some(&id) = self.by_spec.get(&spec) {
            return id;
        }
        let id = u32::try_from(self.specs.len()).unwrap_or(format::NO_LABEL);
        self.specs.push(spec.clone());
        self.by_spec.insert(spec, id);
        id
    }

    pub(crate) fn is_custom(&self, id: u32) -> bool {
        self.specs.get(id as usize).is_some_and(|spec| spec.custom)
    }

    pub(crate) fn class(&self, id: u32) -> Class {
        self.specs.get(id as usize).map_or(Class::Other, |spec| spec.meaning.class)
    }

    /// The label for a whole top-level domain: the same, but hardly a sign of anything.
    pub(crate) fn of_whole_tld(&mut self, id: u32) -> u32 {
        if let Some(&known) = self.whole_tld.get(&id) {
            return known;
        }
        let Some(mut spec) = self.specs.get(id as usize).cloned() else { return id };
        if spec.custom {
            return id;
        }
        spec.meaning.confidence = WHOLE_TLD_CONFIDENCE;
        let known = self.intern(spec);
        self.whole_tld.insert(id, known);
        known
    }

    /// The label of what both list: the info of the higher rank (of the later where equal), all sources.
    pub(crate) fn merge(&mut self, old: u32, new: u32) -> u32 {
        if old == new {
            return old;
        }
        if let Some(&known) = self.merged.get(&(old, new)) {
            return known;
        }
        let (Some(a), Some(b)) = (self.specs.get(old as usize), self.specs.get(new as usize)) else { return old };
        let (winner, other) = if b.meaning.rank >= a.meaning.rank { (b, a) } else { (a, b) };
        let mut spec = winner.clone();
        spec.custom |= other.custom;
        if other.custom && !winner.custom {
            spec.meaning = meaning(&spec.info, true);
        }
        spec.sources.extend(other.sources.iter().cloned());
        spec.sources.sort();
        spec.sources.dedup();
        spec.sources.truncate(MAX_SOURCES);
        spec.reference = reference(&winner.reference, &spec.sources);
        let id = self.intern(spec);
        self.merged.insert((old, new), id);
        id
    }

    /// Sections of rows and strings.
    pub(crate) fn sections(&self) -> (Vec<u8>, Strings) {
        let mut strings = Strings::default();
        let mut rows = Vec::with_capacity(self.specs.len() * format::LABEL_ROW);
        for spec in &self.specs {
            let sources: Vec<String> = spec.sources.iter().map(|(from, info)| format!("{from} {info}")).collect();
            for text in [spec.info.as_str(), spec.reference.as_str(), sources.join("\n").as_str()] {
                rows.extend_from_slice(&strings.put(text));
            }
            let Meaning { class, severity, confidence, .. } = spec.meaning;
            rows.extend_from_slice(&[class as u8, severity as u8, confidence, u8::from(spec.custom)]);
        }
        (rows, strings)
    }
}

/// References of the user's own lists.
pub const CUSTOM: [&str; 2] = ["(custom)", "(remote custom)"];

/// The lists that a reference names, without parentheses: of `(static) (+feed,other)` `static`, `feed` and `other`.
pub fn lists(reference: &str) -> impl Iterator<Item = &str> {
    let (main, others) = reference.split_once(" (+").unwrap_or((reference, ""));
    std::iter::once(main).chain(others.split(',')).map(plain).filter(|list| !list.is_empty())
}

/// The list and the info of one line of [`crate::store::Store::sources`]. A list in parentheses may have a blank in its
/// name; others that a reference names behind `(+` are left out.
#[must_use]
pub fn source(line: &str) -> (&str, &str) {
    let end = if line.starts_with('(') { line.find(')').map(|end| end + 1) } else { line.find(' ') };
    let (list, rest) = line.split_at_checked(end.unwrap_or(line.len())).unwrap_or((line, ""));
    let rest = rest.trim_start();
    let others = rest.strip_prefix("(+").and_then(|others| others.split_once(')'));
    (list, others.map_or(rest, |(_, info)| info.trim_start()))
}

fn plain(list: &str) -> &str {
    list.trim_matches(['(', ')'])
}

/// Whether a reference names a list of the user's own, first or among the others.
#[must_use]
pub fn is_custom(reference: &str) -> bool {
    let main = reference.split_once(" (+").map_or(reference, |(main, _)| main);
    CUSTOM.contains(&main) || lists(reference).skip(1).any(|list| CUSTOM.iter().any(|custom| plain(custom) == list))
}

/// `(static) (+feed,other)`.
fn reference(winner: &str, sources: &[(String, String)]) -> String {
    let main = winner.split_once(" (+").map_or(winner, |(main, _)| main);
    let mut others: Vec<&str> = sources.iter().map(|(from, _)| from.as_str()).filter(|from| *from != main).collect();
    others.dedup();
    if others.is_empty() {
        return main.to_owned();
    }
    let others: Vec<&str> = others.into_iter().map(plain).collect();
    format!("{main} (+{})", others.join(","))
}

/// The section of strings, each once.
#[derive(Default)]
pub(crate) struct Strings {
    pub(crate) bytes: Vec<u8>,
    known: HashMap<String, [u8; 8]>,
}

impl Strings {
    /// Offset and length as the file holds them.
    pub(crate) fn put(&mut self, text: &str) -> [u8; 8] {
        if let Some(&known) = self.known.get(text) {
            return known;
        }
        let offset = u32::try_from(self.bytes.len()).unwrap_or_default();
        let length = u32::try_from(text.len()).unwrap_or_default();
        self.bytes.extend_from_slice(text.as_bytes());
        let place = (u64::from(offset) | u64::from(length) << 32).to_le_bytes();
        self.known.insert(text.to_owned(), place);
        place
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Severity;

    fn shown(labels: &Labels, id: u32) -> (&str, &str) {
        let spec = &labels.specs[id as usize];
        (&spec.info, &spec.reference)
    }

    #[test]
    fn lists_of_source_lines() {
        for (line, expected) in [
            ("(static) worm (malware)", ("(static)", "worm (malware)")),
            ("(remote custom) our case 7", ("(remote custom)", "our case 7")),
            ("(static) (+feed.example,remote custom) worm", ("(static)", "worm")),
            ("feed.example (x) y", ("feed.example", "(x) y")),
            ("feed.example ", ("feed.example", "")),
            (" info", ("", "info")),
            ("", ("", "")),
        ] {
            assert_eq!(source(line), expected, "{line}");
        }
    }

    #[test]
    fn references_of_the_user() {
        for yes in
            ["(custom)", "(remote custom)", "(custom) (+static)", "(static) (+custom)", "(static) (+a,remote custom)"]
        {
            assert!(is_custom(yes), "{yes}");
        }
        for no in ["(static)", "custom", "customs.example", "(static) (+customs.example,a)", ""] {
            assert!(!is_custom(no), "{no}");
        }
    }

    #[test]
    fn lists_of_references() {
        let of = |reference| lists(reference).collect::<Vec<_>>();
        assert_eq!(of("(static)"), ["static"]);
        assert_eq!(of("(static) (+feed.example,remote custom)"), ["static", "feed.example", "remote custom"]);
        assert_eq!(of("a, b"), ["a, b"]);
        assert_eq!(of(""), [""; 0]);
        let mut labels = Labels::default();
        let (one, two) = (labels.source("x", "(static)", false).0, labels.source("x", "feed.example", false).0);
        let both = labels.merge(one, two);
        assert_eq!(of(shown(&labels, both).1).len(), 2, "what is written is read");
    }

    #[test]
    fn merging() {
        let mut labels = Labels::default();
        let specific = labels.source("asyncrat (malware)", "(static)", false).0;
        let low = labels.source("known attacker", "feed.example", false).0;
        let scanner = labels.source("mass scanner", "(static)", false).0;
        let custom = labels.source("ours", "(custom)", true).0;
        let both = labels.merge(specific, low);
        assert_eq!(shown(&labels, both), ("asyncrat (malware)", "(static) (+feed.example)"));
        let both = labels.merge(low, specific);
        assert_eq!(shown(&labels, both).0, "asyncrat (malware)", "in any order");
        let three = labels.merge(both, custom);
        assert_eq!(shown(&labels, three), ("ours", "(custom) (+static,feed.example)"));
        let four = labels.merge(three, scanner);
        assert_eq!(shown(&labels, four).0, "mass scanner");
        assert!(labels.is_custom(four), "what the user lists stays the user's");
        let meaning_of_four = labels.specs[four as usize].meaning;
        assert_eq!((meaning_of_four.severity, meaning_of_four.class), (Severity::High, Class::Scanner));
        assert!(is_custom(shown(&labels, four).1), "also in what is shown");
        assert_eq!(labels.merge(four, four), four);
    }
}
