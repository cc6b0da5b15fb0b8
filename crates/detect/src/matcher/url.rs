//! The forms in which a URL trail may list a request, the most specific first.
//!
//! Of `drop.example/a/gate.php?id=7&k=x`: as it is; without the parameters' values (`/a/gate.php?id=&k=`); up to
//! the first `=`; without its query; without a slash at its end; of these also the last path element alone
//! (`drop.example/gate.php`); the directory (`drop.example/a`); the host with a slash. Each with the host, then
//! without.

use std::ops::Range;

use memchr::{memchr, memrchr};
use trails::{Hashed, LabelId};

use crate::survey::survey;

/// Parameters whose values are left out; those beyond keep them.
const PARAMETERS: usize = 16;

/// Parts of a path in order, each with whether the listed form consists of it.
pub(super) type Form<'a> = Vec<(&'a [u8], bool)>;

/// How far from the path a form may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// The path or its last element, with more or less of its query.
    Itself,
    /// What the path lies in: a directory, the host. Only where no spelling of the path is listed itself.
    Around,
}

/// A path with its query, and where forms of it are cut; read once for all forms behind all spellings of a host.
#[derive(Clone, Copy)]
pub(super) struct Path<'a> {
    text: &'a [u8],
    /// Whether letters may be in upper case.
    upper: bool,
    /// Whether it may have a second spelling.
    odd: bool,
    /// The first question mark.
    query: Option<usize>,
    /// The first equals sign.
    equals: Option<usize>,
    /// The last slash before the query; 0 where there is none.
    slash: usize,
}

impl<'a> Path<'a> {
    pub(super) fn read(text: &'a [u8]) -> Path<'a> {
        let [upper, odd, asks] = survey(text, |lanes, behind| {
            let escaped = lanes.equal(b' ') | lanes.equal(b'%');
            [lanes.within(b'A', b'Z'), escaped | lanes.pair(behind, b'/'), lanes.equal(b'?') | lanes.equal(b'=')]
        });
        let first = |byte| if asks { memchr(byte, text) } else { None };
        let query = first(b'?');
        let plain = query.and_then(|query| text.get(..query)).unwrap_or(text);
        Path { text, upper, odd, query, equals: first(b'='), slash: memrchr(b'/', plain).unwrap_or(0) }
    }

    /// The same in lower case, which forms are listed in.
    #[inline]
    pub(super) fn in_lower_case(self, room: &'a mut Vec<u8>) -> Path<'a> {
        if !self.upper {
            return self;
        }
        room.clear();
        room.extend_from_slice(self.text);
        room.make_ascii_lowercase();
        Path { text: room, upper: false, ..self }
    }

    pub(super) fn text(&self) -> &'a [u8] {
        self.text
    }

    pub(super) fn has_query(&self) -> bool {
        self.query.is_some()
    }

    /// Whether it may have a second spelling: it holds a space, an escape, or repeated slashes.
    pub(super) fn is_odd(&self) -> bool {
        self.odd
    }

    /// Whether a parameter follows the one whose equals sign this is.
    fn goes_on_behind(&self, equals: usize) -> bool {
        self.text.get(equals..).is_some_and(|rest| memchr(b'&', rest).is_some())
    }
}

/// What of a path a form consists of.
enum Cut {
    /// These bytes.
    Bytes(Range<usize>),
    /// What begins here, without its parameters' values.
    Names(usize),
}

impl Cut {
    #[cold]
    fn form<'a>(&self, path: &'a [u8]) -> Form<'a> {
        let start = match self {
            Cut::Bytes(range) => range.start,
            Cut::Names(start) => *start,
        };
        let (before, rest) = path.split_at_checked(start).unwrap_or((path, &[]));
        let mut form = vec![(before, false)];
        match self {
            Cut::Bytes(range) => {
                let (head, tail) = rest.split_at_checked(range.len()).unwrap_or((rest, &[]));
                form.extend([(head, true), (tail, false)]);
            }
            Cut::Names(_) => form.extend(parameters(rest)),
        }
        form
    }
}

/// Asks for the forms of a path behind one host.
pub(super) struct Search<'s, U> {
    /// The host, or nothing for trails that are a path.
    pub(super) host: Hashed<'s>,
    /// Room for a form that has to be put together.
    pub(super) room: &'s mut Vec<u8>,
    /// Asks for a host and a form.
    pub(super) url: U,
}

impl<U: Fn(Hashed<'_>, Hashed<'_>) -> Option<LabelId>> Search<'_, U> {
    /// The first form within `reach` of a path in lower case that is listed, and its label.
    #[inline]
    pub(super) fn first<'a>(&mut self, path: &Path<'a>, reach: Reach) -> Option<(Form<'a>, LabelId)> {
        let (cut, label) = match reach {
            Reach::Itself => self.itself(path),
            Reach::Around => self.around(path),
        }?;
        // A form is only put together where it is listed.
        Some((cut.form(path.text), label))
    }

    /// The path as a whole, then its last element alone.
    #[inline]
    fn itself(&mut self, path: &Path<'_>) -> Option<(Cut, LabelId)> {
        let mut equals = path.equals;
        let found = self.forms(path, 0, equals);
        if found.is_some() || path.slash == 0 || path.text.len() == path.slash + 1 {
            return found;
        }
        if let Some(first) = equals
            && first < path.slash
        {
            // It stands in the directory.
            let last = path.text.get(path.slash..).unwrap_or_default();
            equals = memchr(b'=', last).map(|equals| path.slash + equals);
        }
        self.forms(path, path.slash, equals)
    }

    /// The directory, then the host with a slash, then the host.
    #[inline]
    fn around(&mut self, path: &Path<'_>) -> Option<(Cut, LabelId)> {
        if path.slash > 0 {
            let found = self.ask(path, 0..path.slash);
            if found.is_some() {
                return found;
            }
        }
        if self.host.text().is_empty() {
            return None;
        }
        let slash = if path.text.first() == Some(&b'/') { self.ask(path, 0..1) } else { None };
        slash.or_else(|| self.ask(path, 0..0))
    }

    /// The forms of what begins at `start`, whose first equals sign stands at `equals`.
    #[inline]
    fn forms(&mut self, path: &Path<'_>, start: usize, equals: Option<usize>) -> Option<(Cut, LabelId)> {
        let end = path.text.len();
        let found = self.ask(path, start..end);
        if found.is_some() {
            return found;
        }
        if let Some(equals) = equals {
            let found = self.names(path, start, equals).or_else(|| self.ask(path, start..equals + 1));
            if found.is_some() {
                return found;
            }
        }
        let query = path.query.unwrap_or(end);
        if query < end {
            let found = self.ask(path, start..query);
            if found.is_some() {
                return found;
            }
        }
        let plain = path.text.get(start..query).unwrap_or_default();
        let slashes = plain.iter().rev().take_while(|byte| **byte == b'/').count();
        if slashes > 0 && slashes < plain.len() { self.ask(path, start..query - slashes) } else { None }
    }

    /// The form without values, where it is more than the text up to its first `=`.
    #[inline]
    fn names(&mut self, path: &Path<'_>, start: usize, equals: usize) -> Option<(Cut, LabelId)> {
        if !path.goes_on_behind(equals) {
            return None;
        }
        self.room.clear();
        let matched = parameters(path.text.get(start..)?).filter(|(_, matched)| *matched);
        matched.for_each(|(part, _)| self.room.extend_from_slice(part));
        let label = (self.url)(self.host, Hashed::new(self.room))?;
        Some((Cut::Names(start), label))
    }

    #[inline]
    fn ask(&self, path: &Path<'_>, range: Range<usize>) -> Option<(Cut, LabelId)> {
        let label = (self.url)(self.host, Hashed::new(path.text.get(range.clone())?))?;
        Some((Cut::Bytes(range), label))
    }
}

/// The text cut at its parameters' values, which stand between `=` and `&`: each part with whether it is none.
fn parameters(text: &[u8]) -> impl Iterator<Item = (&[u8], bool)> {
    let (mut rest, mut values, mut in_value) = (text, 0, false);
    std::iter::from_fn(move || {
        let matched = !in_value;
        let end = if in_value {
            memchr(b'&', rest)
        } else if values < PARAMETERS {
            memchr(b'=', rest).map(|equals| equals + 1)
        } else {
            None
        };
        in_value = matched && end.is_some();
        values += usize::from(in_value);
        let (part, after) = rest.split_at_checked(end.unwrap_or(rest.len()))?;
        rest = after;
        (!part.is_empty() || !after.is_empty()).then_some((part, matched))
    })
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    fn search<'s, U>(host: &'s str, room: &'s mut Vec<u8>, url: U) -> Search<'s, U> {
        Search { host: Hashed::new(host.as_bytes()), room, url }
    }

    fn asked(host: &str, path: &str) -> Vec<String> {
        let seen = RefCell::new(Vec::new());
        let url = |host: Hashed<'_>, path: Hashed<'_>| {
            seen.borrow_mut().push(String::from_utf8([host.text(), path.text()].concat()).unwrap());
            None
        };
        let mut room = Vec::new();
        let mut search = search(host, &mut room, url);
        assert!(search.first(&Path::read(path.as_bytes()), Reach::Itself).is_none());
        assert!(search.first(&Path::read(path.as_bytes()), Reach::Around).is_none());
        seen.into_inner()
    }

    #[test]
    fn forms_from_the_most_specific_on() {
        assert_eq!(
            asked("h", "/a/gate.php?id=7&k=x"),
            [
                "h/a/gate.php?id=7&k=x",
                "h/a/gate.php?id=&k=",
                "h/a/gate.php?id=",
                "h/a/gate.php",
                "h/gate.php?id=7&k=x",
                "h/gate.php?id=&k=",
                "h/gate.php?id=",
                "h/gate.php",
                "h/a",
                "h/",
                "h",
            ]
        );
        assert_eq!(asked("", "/panel/"), ["/panel/", "/panel", "/panel"]);
        assert_eq!(asked("h", "/"), ["h/", "h/", "h"]);
        assert_eq!(
            asked("", "/1/1407888/?var=4"),
            [
                "/1/1407888/?var=4",
                "/1/1407888/?var=",
                "/1/1407888/",
                "/1/1407888",
                "/?var=4",
                "/?var=",
                "/",
                "/1/1407888",
            ]
        );
    }

    #[test]
    fn equals_signs_in_a_directory() {
        assert_eq!(asked("", "/a=1/b"), ["/a=1/b", "/a=", "/b", "/a=1"]);
        assert_eq!(asked("", "/a=1/b=2"), ["/a=1/b=2", "/a=", "/b=2", "/b=", "/a=1"]);
    }

    #[test]
    fn the_parts_of_a_form_are_the_path() {
        for path in ["/a/b?x=1&y=2", "/", "/a/", "/a", "/x=1&&=&", ""] {
            let seen = RefCell::new(0);
            let wanted = asked("h", path).len();
            for nth in 0..wanted {
                *seen.borrow_mut() = 0;
                let url = |_: Hashed<'_>, _: Hashed<'_>| {
                    let mut seen = seen.borrow_mut();
                    *seen += 1;
                    (*seen == nth + 1).then_some(LabelId(0))
                };
                let mut room = Vec::new();
                let mut search = search("h", &mut room, url);
                let itself = search.first(&Path::read(path.as_bytes()), Reach::Itself);
                let (form, _) = itself.or_else(|| search.first(&Path::read(path.as_bytes()), Reach::Around)).unwrap();
                let whole: Vec<u8> = form.iter().flat_map(|(part, _)| part.iter().copied()).collect();
                assert_eq!(whole, path.as_bytes(), "form {nth} of {path}");
            }
        }
    }

    #[test]
    fn values_are_what_stands_between() {
        let form = |text: &str| -> String {
            let names = parameters(text.as_bytes()).filter(|(_, matched)| *matched);
            String::from_utf8(names.flat_map(|(part, _)| part.to_vec()).collect()).unwrap()
        };
        for (text, expected) in [
            ("/a?id=7&k=x", "/a?id=&k="),
            ("/a?id=&k=", "/a?id=&k="),
            ("/a?id==7&&k&l=x=y&m", "/a?id=&&k&l=&m"),
            ("/a", "/a"),
            ("=", "="),
            ("", ""),
        ] {
            assert_eq!(form(text), expected, "{text}");
        }
    }

    #[test]
    fn many_parameters_keep_their_values() {
        for count in [1usize, 15, 16, 17, 100] {
            let path: String = (0..count).map(|n| format!("&p{n}={n}")).collect();
            let whole: Vec<u8> = parameters(path.as_bytes()).flat_map(|(part, _)| part.iter().copied()).collect();
            assert_eq!(whole, path.as_bytes());
            let values = parameters(path.as_bytes()).filter(|(_, matched)| !matched).count();
            assert_eq!(values, count.min(PARAMETERS), "{count}");
        }
    }
}
