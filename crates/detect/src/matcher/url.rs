//! The forms in which a URL trail may list a request, the most specific first.
//!
//! Of `drop.example/a/gate.php?id=7&k=x`: as it is; without the parameters' values (`/a/gate.php?id=&k=`); up to
//! the first `=`; without its query; without a slash at its end; of these also the last path element alone
//! (`drop.example/gate.php`); the directory (`drop.example/a`); the host with a slash. Each with the host, then
//! without.

use trails::LabelId;

/// Parts of a form at most: parameters beyond are left with their values.
const PARTS: usize = 34;

/// Parts of a path in order, each with whether the form consists of it.
#[derive(Clone, Copy)]
pub(super) struct Form<'a> {
    parts: [(&'a [u8], bool); PARTS],
    length: usize,
}

impl<'a> Form<'a> {
    fn new() -> Form<'a> {
        Form { parts: [(&[], false); PARTS], length: 0 }
    }

    fn of(parts: &[(&'a [u8], bool)]) -> Form<'a> {
        let mut form = Form::new();
        for (part, matched) in parts {
            form.push(part, *matched);
        }
        form
    }

    fn push(&mut self, part: &'a [u8], matched: bool) {
        if let Some(place) = self.parts.get_mut(self.length) {
            *place = (part, matched);
            self.length += 1;
        }
    }

    pub(super) fn parts(&self) -> &[(&'a [u8], bool)] {
        self.parts.get(..self.length).unwrap_or_default()
    }

    /// Asks for the form behind `host`.
    fn find(&self, host: &[u8], url: &impl Fn(&[&[u8]]) -> Option<LabelId>) -> Option<LabelId> {
        let mut text: [&[u8]; PARTS + 1] = [&[]; PARTS + 1];
        let mut length = 1;
        if let Some(first) = text.first_mut() {
            *first = host;
        }
        for (part, _) in self.parts().iter().filter(|(_, matched)| *matched) {
            if let Some(place) = text.get_mut(length) {
                *place = part;
                length += 1;
            }
        }
        url(text.get(..length).unwrap_or_default())
    }
}

/// The first form of `path` (lower case, with its query) that is listed behind `host`, and its label. `url` asks
/// the store for a concatenation.
pub(super) fn first<'a>(
    host: &[u8],
    path: &'a [u8],
    url: &impl Fn(&[&[u8]]) -> Option<LabelId>,
) -> Option<(Form<'a>, LabelId)> {
    let (plain, query) = at_query(path);
    let found = forms(&[], path, query, host, url);
    if found.is_some() {
        return found;
    }
    let slash = plain.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
    if slash > 0 {
        let (directory, last) = path.split_at_checked(slash).unwrap_or((path, &[]));
        if last != b"/" {
            let found = forms(directory, last, query, host, url);
            if found.is_some() {
                return found;
            }
        }
        if let Some(label) = url(&[host, directory]) {
            return Some((Form::of(&[(directory, true), (last, false)]), label));
        }
    }
    if host.is_empty() {
        return None;
    }
    if let Some(rest) = path.strip_prefix(b"/")
        && let Some(label) = url(&[host, b"/"])
    {
        return Some((Form::of(&[(b"/", true), (rest, false)]), label));
    }
    url(&[host]).map(|label| (Form::of(&[(path, false)]), label))
}

/// The path without its query, and whether it has one.
fn at_query(path: &[u8]) -> (&[u8], bool) {
    match path.iter().position(|byte| *byte == b'?') {
        Some(at) => (path.get(..at).unwrap_or(path), true),
        None => (path, false),
    }
}

/// The forms of `text`, before which `before` was left out.
fn forms<'a>(
    before: &'a [u8],
    text: &'a [u8],
    query: bool,
    host: &[u8],
    url: &impl Fn(&[&[u8]]) -> Option<LabelId>,
) -> Option<(Form<'a>, LabelId)> {
    // A form is only put together where it is listed.
    let cut = |at: usize| {
        let (head, tail) = text.split_at_checked(at).unwrap_or((text, &[]));
        url(&[host, head]).map(|label| (Form::of(&[(before, false), (head, true), (tail, false)]), label))
    };
    if let Some(found) = cut(text.len()) {
        return Some(found);
    }
    if let Some(equals) = text.iter().position(|byte| *byte == b'=') {
        let form = without_values(before, text);
        if let Some(label) = form.find(host, url) {
            return Some((form, label));
        }
        if let Some(found) = cut(equals + 1) {
            return Some(found);
        }
    }
    let plain = if query { at_query(text).0 } else { text };
    if query && let Some(found) = cut(plain.len()) {
        return Some(found);
    }
    let bare = plain.len() - plain.iter().rev().take_while(|byte| **byte == b'/').count();
    if bare > 0 && bare < plain.len() { cut(bare) } else { None }
}

/// The values of parameters left out: what stands between `=` and `&`.
fn without_values<'a>(before: &'a [u8], text: &'a [u8]) -> Form<'a> {
    let mut form = Form::of(&[(before, false)]);
    let mut rest = text;
    while let Some(equals) = rest.iter().position(|byte| *byte == b'=') {
        let (name, value) = rest.split_at_checked(equals + 1).unwrap_or((rest, &[]));
        // Two parts for this one, one for what follows.
        if form.length + 3 > PARTS {
            break;
        }
        let end = value.iter().position(|byte| *byte == b'&').unwrap_or(value.len());
        let (value, after) = value.split_at_checked(end).unwrap_or((value, &[]));
        form.push(name, true);
        form.push(value, false);
        rest = after;
    }
    form.push(rest, true);
    form
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    fn asked(host: &str, path: &str) -> Vec<String> {
        let seen = RefCell::new(Vec::new());
        let url = |parts: &[&[u8]]| {
            seen.borrow_mut().push(String::from_utf8(parts.concat()).unwrap());
            None
        };
        assert!(first(host.as_bytes(), path.as_bytes(), &url).is_none());
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
                "/1/1407888/?var=",
                "/1/1407888/",
                "/1/1407888",
                "/?var=4",
                "/?var=",
                "/?var=",
                "/",
                "/1/1407888",
            ]
        );
    }

    #[test]
    fn the_parts_of_a_form_are_the_path() {
        for path in ["/a/b?x=1&y=2", "/", "/a/", "/a", "/x=1&&=&", ""] {
            let seen = RefCell::new(0);
            let wanted = asked("h", path).len();
            for nth in 0..wanted {
                *seen.borrow_mut() = 0;
                let url = |_: &[&[u8]]| {
                    let mut seen = seen.borrow_mut();
                    *seen += 1;
                    (*seen == nth + 1).then_some(LabelId(0))
                };
                let (form, _) = first(b"h", path.as_bytes(), &url).unwrap();
                let whole: Vec<u8> = form.parts().iter().flat_map(|(part, _)| part.iter().copied()).collect();
                assert_eq!(whole, path.as_bytes(), "form {nth} of {path}");
            }
        }
    }

    #[test]
    fn many_parameters_stay_within_the_parts() {
        for count in [15usize, 16, 17, 100] {
            let path: String = (0..count).map(|n| format!("&p{n}={n}")).collect();
            let form = without_values(b"", path.as_bytes());
            let whole: Vec<u8> = form.parts().iter().flat_map(|(part, _)| part.iter().copied()).collect();
            assert_eq!(whole, path.as_bytes());
            let values = form.parts().iter().filter(|(part, matched)| !matched && !part.is_empty()).count();
            assert_eq!(values, count.min(16), "{count}");
        }
    }
}
