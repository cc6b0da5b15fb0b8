//! The forms in which a URL trail may list a request, the most specific first.
//!
//! Of `drop.example/a/gate.php?id=7&k=x`: as it is; without the parameters' values (`/a/gate.php?id=&k=`); up to
//! the first `=`; without its query; without a slash at its end; of these also the last path element alone
//! (`drop.example/gate.php`); the directory (`drop.example/a`); the host with a slash. Each with the host, then
//! without.

use memchr::{memchr, memrchr};
use trails::{Hashed, LabelId};

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
    /// The first form within `reach` of `path` (lower case, with its query) that is listed, and its label.
    pub(super) fn first<'a>(&mut self, path: &'a [u8], reach: Reach) -> Option<(Form<'a>, LabelId)> {
        let query = memchr(b'?', path);
        let plain = query.and_then(|query| path.get(..query)).unwrap_or(path);
        let slash = memrchr(b'/', plain).unwrap_or(0);
        let (directory, last) = path.split_at_checked(slash).unwrap_or((path, &[]));
        match reach {
            Reach::Itself => self.itself(path, query, directory, last),
            Reach::Around => self.around(path, directory, last),
        }
    }

    /// The path as a whole, then its last element alone.
    fn itself<'a>(
        &mut self,
        path: &'a [u8],
        query: Option<usize>,
        directory: &'a [u8],
        last: &'a [u8],
    ) -> Option<(Form<'a>, LabelId)> {
        let equals = memchr(b'=', path);
        let found = self.forms(&[], path, query, equals);
        if found.is_some() || directory.is_empty() || last == b"/" {
            return found;
        }
        let slash = directory.len();
        let equals = equals.and_then(|equals| equals.checked_sub(slash).or_else(|| memchr(b'=', last)));
        self.forms(directory, last, query.map(|query| query - slash), equals)
    }

    /// The directory, then the host with a slash, then the host.
    fn around<'a>(&mut self, path: &'a [u8], directory: &'a [u8], last: &'a [u8]) -> Option<(Form<'a>, LabelId)> {
        if !directory.is_empty()
            && let Some(label) = self.ask(directory)
        {
            return Some((vec![(directory, true), (last, false)], label));
        }
        if self.host.text().is_empty() {
            return None;
        }
        if let Some(rest) = path.strip_prefix(b"/")
            && let Some(label) = self.ask(b"/")
        {
            return Some((vec![(b"/", true), (rest, false)], label));
        }
        self.ask(b"").map(|label| (vec![(path, false)], label))
    }

    #[inline]
    fn ask(&self, form: &[u8]) -> Option<LabelId> {
        (self.url)(self.host, Hashed::new(form))
    }

    /// The beginning of `text`, before which `before` was left out.
    fn cut<'a>(&self, before: &'a [u8], text: &'a [u8], at: usize) -> Option<(Form<'a>, LabelId)> {
        let (head, tail) = text.split_at_checked(at).unwrap_or((text, &[]));
        // A form is only put together where it is listed.
        self.ask(head).map(|label| (vec![(before, false), (head, true), (tail, false)], label))
    }

    /// The forms of `text`, whose query begins at `query` and whose first `=` stands at `equals`.
    fn forms<'a>(
        &mut self,
        before: &'a [u8],
        text: &'a [u8],
        query: Option<usize>,
        equals: Option<usize>,
    ) -> Option<(Form<'a>, LabelId)> {
        let found = self.cut(before, text, text.len());
        if found.is_some() {
            return found;
        }
        if let Some(equals) = equals {
            let found = self.without_values(before, text, equals).or_else(|| self.cut(before, text, equals + 1));
            if found.is_some() {
                return found;
            }
        }
        let plain = query.and_then(|query| text.get(..query)).unwrap_or(text);
        if plain.len() < text.len() {
            let found = self.cut(before, text, plain.len());
            if found.is_some() {
                return found;
            }
        }
        let bare = plain.len() - plain.iter().rev().take_while(|byte| **byte == b'/').count();
        if bare > 0 && bare < plain.len() { self.cut(before, text, bare) } else { None }
    }

    /// The form without values, where it is more than the text up to its first `=`.
    fn without_values<'a>(&mut self, before: &'a [u8], text: &'a [u8], equals: usize) -> Option<(Form<'a>, LabelId)> {
        memchr(b'&', text.get(equals..)?)?;
        self.room.clear();
        let matched = parameters(text).filter(|(_, matched)| *matched);
        matched.for_each(|(part, _)| self.room.extend_from_slice(part));
        let label = self.ask(self.room)?;
        Some((std::iter::once((before, false)).chain(parameters(text)).collect(), label))
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
        assert!(search.first(path.as_bytes(), Reach::Itself).is_none());
        assert!(search.first(path.as_bytes(), Reach::Around).is_none());
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
                let itself = search.first(path.as_bytes(), Reach::Itself);
                let (form, _) = itself.or_else(|| search.first(path.as_bytes(), Reach::Around)).unwrap();
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
