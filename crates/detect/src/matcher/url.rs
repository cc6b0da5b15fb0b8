//! The forms in which a URL trail may list a request, the most specific first.
//!
//! Of `drop.example/a/gate.php?id=7&k=x`: as it is; without the parameters' values (`/a/gate.php?id=&k=`); up to
//! the first `=`; without its query; without a slash at its end; of these also the last path element alone
//! (`drop.example/gate.php`); the directory (`drop.example/a`); the host with a slash. Each with the host, then
//! without.

use trails::{Hashed, LabelId};

use crate::survey::{find, find_last, survey};

/// Parameters whose values are left out; those beyond keep them.
const PARAMETERS: usize = 16;
/// Forms of a path or of its last element alone.
const CUTS: usize = 5;

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

/// A path with its query, and the forms of it, read once for all spellings of a host.
#[derive(Clone, Copy)]
pub(super) struct Path<'a> {
    text: &'a [u8],
    /// Whether letters may be in upper case.
    upper: bool,
    /// Whether it may have a second spelling.
    odd: bool,
    /// The first question mark.
    query: Option<usize>,
    /// Whether it may hold an equals sign.
    assigns: bool,
    /// The last slash before the query; 0 where there is none.
    slash: usize,
}

/// What of a path a form consists of.
#[derive(Clone, Copy, Default)]
struct Cut {
    start: u32,
    /// [`Cut::NAMES`] where it is all that follows, without the parameters' values.
    end: u32,
}

impl Cut {
    const NAMES: u32 = u32::MAX;
}

/// Forms in the order in which they are asked for.
#[derive(Clone, Copy, Default)]
struct Cuts {
    list: [Cut; 2 * CUTS],
    count: usize,
}

impl Cuts {
    fn push(&mut self, start: usize, end: u32) {
        if let Some(place) = self.list.get_mut(self.count) {
            *place = Cut { start: start as u32, end };
            self.count += 1;
        }
    }
}

impl<'a> Path<'a> {
    /// Of a text far shorter than 4 GiB.
    #[inline(always)]
    pub(super) fn read(text: &'a [u8]) -> Path<'a> {
        let [upper, odd, asks] = survey(text, |lanes, behind| {
            // Ranges cost least; what else lies between a space and a percent sign is rare in paths.
            let odd = lanes.within(b' ', b'%') | lanes.pair(behind, b'/');
            [lanes.within(b'A', b'Z'), odd, lanes.within(b'=', b'?')]
        });
        let query = if asks { find(text, b'?') } else { None };
        let plain = query.and_then(|query| text.get(..query)).unwrap_or(text);
        let slash = find_last(plain, b'/').unwrap_or(0);
        Path { text, upper, odd, query, assigns: asks, slash }
    }

    /// The forms that are the path itself or its last element, with more or less of its query.
    fn cuts(&self) -> Cuts {
        let mut cuts = Cuts::default();
        self.cut(0, &mut cuts);
        if self.slash > 0 && self.slash + 1 < self.text.len() {
            self.cut(self.slash, &mut cuts);
        }
        cuts
    }

    /// The last slash before the query; 0 where there is none.
    #[inline]
    pub(super) fn slash(&self) -> usize {
        self.slash
    }

    /// The first equals sign at or behind `start`.
    fn equals_behind(&self, start: usize) -> Option<usize> {
        if !self.assigns {
            return None;
        }
        find(self.text.get(start..)?, b'=').map(|equals| start + equals)
    }

    /// Adds the forms of what begins at `start`.
    fn cut(&self, start: usize, cuts: &mut Cuts) {
        let end = self.text.len();
        cuts.push(start, end as u32);
        if let Some(equals) = self.equals_behind(start) {
            // Without another parameter this is the text up to the first `=`.
            if self.text.get(equals..).is_some_and(|rest| find(rest, b'&').is_some()) {
                cuts.push(start, Cut::NAMES);
            }
            cuts.push(start, equals as u32 + 1);
        }
        let query = self.query.unwrap_or(end);
        if query < end {
            cuts.push(start, query as u32);
        }
        let plain = self.text.get(start..query).unwrap_or_default();
        if let [.., b'/'] = plain {
            let slashes = plain.iter().rev().take_while(|byte| **byte == b'/').count();
            if slashes < plain.len() {
                cuts.push(start, (query - slashes) as u32);
            }
        }
    }

    /// Makes its letters small, as those of trails are.
    #[inline]
    pub(super) fn lower(&mut self, room: &'a mut Vec<u8>) {
        if self.upper {
            room.clear();
            room.extend_from_slice(self.text);
            room.make_ascii_lowercase();
            self.text = room;
        }
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

    #[cold]
    fn form(&self, cut: &Cut) -> Form<'a> {
        let (before, rest) = self.text.split_at_checked(cut.start as usize).unwrap_or((self.text, &[]));
        let mut form = vec![(before, false)];
        if cut.end == Cut::NAMES {
            form.extend(parameters(rest));
        } else {
            let length = (cut.end - cut.start) as usize;
            let (head, tail) = rest.split_at_checked(length).unwrap_or((rest, &[]));
            form.extend([(head, true), (tail, false)]);
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
        Some((path.form(&cut), label))
    }

    /// The path as a whole, then its last element alone.
    #[inline]
    fn itself(&mut self, path: &Path<'_>) -> Option<(Cut, LabelId)> {
        let mut written = None;
        let cuts = path.cuts();
        for cut in cuts.list.iter().take(cuts.count) {
            let start = cut.start as usize;
            let form = if cut.end == Cut::NAMES {
                let from = *written.insert(self.write_names(path, start, written));
                self.room.get(start - from..)
            } else {
                path.text.get(start..cut.end as usize)
            };
            if let Some(label) = (self.url)(self.host, Hashed::new(form?)) {
                return Some((*cut, label));
            }
        }
        None
    }

    /// Writes what begins at `start` without its parameters' values, unless `written`, the beginning of what is in the
    /// room, says that it is the end of that. Returns where what is in the room begins.
    fn write_names(&mut self, path: &Path<'_>, start: usize, written: Option<usize>) -> usize {
        if let Some(written) = written
            && path.equals_behind(0).is_some_and(|equals| equals >= start)
        {
            return written;
        }
        self.room.clear();
        let text = path.text.get(start..).unwrap_or_default();
        let matched = parameters(text).filter(|(_, matched)| *matched);
        matched.for_each(|(part, _)| self.room.extend_from_slice(part));
        start
    }

    /// The directory, then the host with a slash, then the host.
    #[inline]
    fn around(&mut self, path: &Path<'_>) -> Option<(Cut, LabelId)> {
        let directory = if path.slash > 0 { self.beginning(path, path.slash) } else { None };
        if directory.is_some() || self.host.text().is_empty() {
            return directory;
        }
        let slash = if path.text.first() == Some(&b'/') { self.beginning(path, 1) } else { None };
        slash.or_else(|| self.beginning(path, 0))
    }

    #[inline]
    fn beginning(&self, path: &Path<'_>, end: usize) -> Option<(Cut, LabelId)> {
        let label = (self.url)(self.host, Hashed::new(path.text.get(..end)?))?;
        Some((Cut { start: 0, end: end as u32 }, label))
    }
}

/// The text cut at its parameters' values, which stand between `=` and `&`: each part with whether it is none.
fn parameters(text: &[u8]) -> impl Iterator<Item = (&[u8], bool)> {
    let (mut rest, mut values, mut in_value) = (text, 0, false);
    std::iter::from_fn(move || {
        let matched = !in_value;
        let end = if in_value {
            find(rest, b'&')
        } else if values < PARAMETERS {
            find(rest, b'=').map(|equals| equals + 1)
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

    /// The forms as they are described, one after the other.
    fn described(host: &str, path: &str) -> Vec<String> {
        let plain = path.split('?').next().unwrap();
        let slash = plain.rfind('/').unwrap_or(0);
        let (directory, last) = path.split_at(slash);
        let mut forms = forms_of(path);
        if !directory.is_empty() && last != "/" {
            forms.extend(forms_of(last));
        }
        if !directory.is_empty() {
            forms.push(directory.to_string());
        }
        if !host.is_empty() {
            if path.starts_with('/') {
                forms.push("/".to_string());
            }
            forms.push(String::new());
        }
        forms.into_iter().map(|form| format!("{host}{form}")).collect()
    }

    fn forms_of(text: &str) -> Vec<String> {
        let mut forms = vec![text.to_string()];
        if let Some((before, after)) = text.split_once('=') {
            if after.contains('&') {
                forms.push(without_values(text));
            }
            forms.push(format!("{before}="));
        }
        let plain = text.split('?').next().unwrap();
        if plain != text {
            forms.push(plain.to_string());
        }
        let bare = plain.trim_end_matches('/');
        if bare != plain && !bare.is_empty() {
            forms.push(bare.to_string());
        }
        forms
    }

    fn without_values(text: &str) -> String {
        let (mut names, mut values, mut in_value) = (String::new(), 0, false);
        for letter in text.chars() {
            in_value = in_value && letter != '&';
            if !in_value {
                names.push(letter);
            }
            if letter == '=' && !in_value && values < PARAMETERS {
                (in_value, values) = (true, values + 1);
            }
        }
        names
    }

    proptest::proptest! {
        #[test]
        fn the_forms_asked_for_are_those_described(path in "[/?=&ab.%]{0,40}|(/[a-z]{0,12}){0,4}(\\?[a-z]{1,9}=[a-z0-9]{0,12}(&[a-z]{1,9}=[a-z0-9]{0,12}){0,20})?") {
            for host in ["", "h"] {
                proptest::prop_assert_eq!(asked(host, &path), described(host, &path));
            }
        }
    }

    #[test]
    fn odd_paths_are_told() {
        for odd in ["/a b", "/%41", "//", "/a//b", "/a?x=//", "/aaaaaaa/bbbbbbbb//", "/aaaaaaaaa%"] {
            assert!(Path::read(odd.as_bytes()).is_odd(), "{odd}");
        }
        for plain in ["", "/", "/a/b", "/a/?b=/c", "/aaaaaa/aaaaaaa/a/aaaaaa/"] {
            assert!(!Path::read(plain.as_bytes()).is_odd(), "{plain}");
        }
    }

    #[test]
    fn letters_are_made_small() {
        for (sent, lower) in
            [("/a/Bc?D=e&F=g", "/a/bc?d=e&f=g"), ("/aaaaaaaaaaaaaaaaaZ", "/aaaaaaaaaaaaaaaaaz"), ("/\u{c4}", "/\u{c4}")]
        {
            let mut room = Vec::new();
            let mut path = Path::read(sent.as_bytes());
            path.lower(&mut room);
            assert_eq!(path.text(), lower.as_bytes());
        }
    }
}
