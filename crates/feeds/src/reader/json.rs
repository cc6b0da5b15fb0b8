//! Lists in a JSON document, or a document a line (NDJSON).
//!
//! A document is read as a stream: only one element of the list is in memory at a time.

use std::fmt;
use std::io::{self, BufRead};

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::bounded::Parts;
use super::filter::Test;
use super::lines::each_line;
use super::{MAX_VALUE, Passed, Row};

/// Most parts of one element that are read.
pub const MAX_PARTS: usize = 10_000;

/// Settings of the format. Pointers are those of RFC 6901; `*` stands for every element of a list or member of an object.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Json {
    /// Every line is an element, and there is no list.
    #[serde(default)]
    pub lines: bool,
    /// Where the list is; the document itself where it is empty. The members of an object are elements too.
    #[serde(default)]
    pub list: String,
    /// Where in an element the texts are, each a text or a list of texts; the element itself where it is empty.
    pub text: Vec<String>,
    /// Where in an element the info is.
    pub info: Option<String>,
    /// Where in an element the number of lists is.
    pub lists: Option<String>,
    /// What must hold for an element to count.
    #[serde(default)]
    pub filters: Vec<Filter>,
}

/// What a member of an element must say.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Filter {
    /// Where it is.
    pub pointer: String,
    /// What it must be.
    #[serde(flatten)]
    pub test: Test,
}

/// The parts of a pointer (RFC 6901 4).
fn tokens(pointer: &str) -> Vec<String> {
    pointer.split('/').skip(1).map(|token| token.replace("~1", "/").replace("~0", "~")).collect()
}

impl Json {
    pub(super) fn problem(&self) -> Option<String> {
        let filters = self.filters.iter().map(|filter| &filter.pointer);
        let all = self.text.iter().chain(&self.info).chain(&self.lists).chain(filters).chain([&self.list]);
        match () {
            () if self.text.is_empty() => Some("read: text names at least one pointer".into()),
            () if self.lines && !self.list.is_empty() => Some("read: where lines are elements there is no list".into()),
            () => all
                .filter(|pointer| !pointer.is_empty() && !pointer.starts_with('/'))
                .map(|pointer| format!("read: the pointer {pointer} must begin with /"))
                .next()
                .or_else(|| self.filters.iter().find_map(|filter| filter.test.problem())),
        }
    }

    pub(super) fn read(&self, body: &mut dyn BufRead, sink: &mut dyn FnMut(Row<'_>)) -> io::Result<Passed> {
        let mut passed = Passed::default();
        let mut elements = Elements { json: self, sink, count: 0, passed: Passed::default() };
        if self.lines {
            each_line(body, &mut passed, &mut |number, line| {
                if line.is_empty() {
                    return;
                }
                elements.count = number - 1;
                let mut deserializer = serde_json::Deserializer::from_str(line);
                let read = Element(&mut elements).deserialize(&mut deserializer);
                if read.and_then(|()| deserializer.end()).is_err() {
                    elements.passed.malformed += 1;
                }
            })?;
        } else {
            let path = tokens(&self.list);
            let mut deserializer = serde_json::Deserializer::from_reader(body);
            let walk = Walk { path: &path, elements: &mut elements };
            walk.deserialize(&mut deserializer).and_then(|()| deserializer.end()).map_err(io::Error::from)?;
        }
        passed.long += elements.passed.long;
        passed.malformed += elements.passed.malformed;
        Ok(passed)
    }
}

/// What takes the elements of the list.
struct Elements<'e> {
    json: &'e Json,
    sink: &'e mut dyn FnMut(Row<'_>),
    count: u64,
    passed: Passed,
}

impl Elements<'_> {
    fn take(&mut self, element: &Value) {
        self.count += 1;
        let json = self.json;
        let first = |pointer: &str| {
            let mut found = None;
            each(element, pointer, &mut |text| {
                found.get_or_insert_with(|| text.to_owned());
            });
            found
        };
        if !json.filters.iter().all(|filter| filter.test.passes(&first(&filter.pointer).unwrap_or_default())) {
            return;
        }
        let info = json.info.as_deref().and_then(first);
        let lists = json.lists.as_deref().and_then(first).and_then(|text| text.parse().ok());
        for pointer in &json.text {
            each(element, pointer, &mut |text| {
                if text.len() > MAX_VALUE {
                    self.passed.long += 1;
                } else {
                    (self.sink)(Row { text, info: info.as_deref(), reference: None, lists, line: self.count });
                }
            });
        }
    }
}

/// Calls `found` with every text and number at a pointer.
fn each(value: &Value, pointer: &str, found: &mut dyn FnMut(&str)) {
    fn at(value: &Value, path: &[String], found: &mut dyn FnMut(&str)) {
        match (path.split_first(), value) {
            (None, Value::String(text)) => found(text),
            (None, Value::Number(number)) => found(&number.to_string()),
            (None, Value::Bool(truth)) => found(if *truth { "true" } else { "false" }),
            (None, Value::Array(values)) => {
                values.iter().filter(|value| !value.is_array()).for_each(|value| at(value, &[], found));
            }
            (Some((token, rest)), Value::Object(map)) if token == "*" => map.values().for_each(|v| at(v, rest, found)),
            (Some((token, rest)), Value::Array(values)) if token == "*" => {
                values.iter().for_each(|v| at(v, rest, found))
            }
            (Some((token, rest)), Value::Object(map)) => {
                if let Some(value) = map.get(token) {
                    at(value, rest, found);
                }
            }
            (Some((token, rest)), Value::Array(values)) => {
                if let Some(value) = token.parse().ok().and_then(|index: usize| values.get(index)) {
                    at(value, rest, found);
                }
            }
            _ => {}
        }
    }
    at(value, &tokens(pointer), found);
}

/// Reads one element.
struct Element<'a, 'e>(&'a mut Elements<'e>);

impl<'de> DeserializeSeed<'de> for Element<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        let mut left = MAX_PARTS;
        let value = Parts { left: &mut left, over: &mut self.0.passed.long }.deserialize(deserializer)?;
        self.0.take(&value);
        Ok(())
    }
}

/// Goes to the list, and through it.
struct Walk<'a, 'e> {
    path: &'a [String],
    elements: &'a mut Elements<'e>,
}

impl<'de> DeserializeSeed<'de> for Walk<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a document")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let Some((token, rest)) = self.path.split_first() else {
            while list.next_element_seed(Element(self.elements))?.is_some() {}
            return Ok(());
        };
        for index in 0_usize.. {
            let here = token == "*" || token.parse() == Ok(index);
            let more = match here {
                true => list.next_element_seed(Walk { path: rest, elements: self.elements })?.is_some(),
                false => list.next_element::<IgnoredAny>()?.is_some(),
            };
            if !more {
                break;
            }
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            match self.path.split_first() {
                None => map.next_value_seed(Element(self.elements))?,
                Some((token, rest)) if token == "*" || *token == key => {
                    map.next_value_seed(Walk { path: rest, elements: self.elements })?;
                }
                Some(_) => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(settings: &str) -> Json {
        toml::from_str(settings).unwrap()
    }

    fn rows(json: &Json, body: &str) -> io::Result<Vec<String>> {
        let mut rows = Vec::new();
        json.read(&mut body.as_bytes(), &mut |row| {
            rows.push(format!("{} {} {} {:?}", row.line, row.text, row.info.unwrap_or("-"), row.lists));
        })?;
        Ok(rows)
    }

    #[test]
    fn a_list_within_a_document() {
        let body = r#"{"count": 2, "data": [{"ip": "192.0.2.1", "tags": ["fox", "owl"], "n": 3},
            {"ip": ["192.0.2.2", "192.0.2.3"], "state": "offline"}, 7, null], "more": {"ip": "x"}}"#;
        let list = json("list = '/data'\ntext = ['/ip']\ninfo = '/tags'\nlists = '/n'");
        let expected = ["1 192.0.2.1 fox Some(3)", "2 192.0.2.2 - None", "2 192.0.2.3 - None"];
        assert_eq!(rows(&list, body).unwrap(), expected);
        let online = json("list = '/data'\ntext = ['/ip']\nfilters = [{ pointer = '/state', none_of = ['offline'] }]");
        assert_eq!(rows(&online, body).unwrap(), ["1 192.0.2.1 - None"]);
    }

    #[test]
    fn texts_members_and_every_element() {
        let plain = json("text = ['']");
        assert_eq!(rows(&plain, r#"["a.example", 7, "b.example"]"#).unwrap().len(), 3);
        let members = json("list = '/*'\ntext = ['/ioc', '/x~1y']");
        let body = r#"{"1": [{"ioc": "a.example"}], "2": [{"ioc": "b.example", "x/y": "c.example"}], "3": 4}"#;
        let expected = ["1 a.example - None", "2 b.example - None", "2 c.example - None"];
        assert_eq!(rows(&members, body).unwrap(), expected);
        let second = json("list = '/1/names'\ntext = ['/*/n']");
        assert_eq!(rows(&second, r#"[{}, {"names": [[{"n": "a"}, {"n": "b"}]]}]"#).unwrap().len(), 2);
    }

    #[test]
    fn a_document_a_line() {
        let lines = json("lines = true\ntext = ['/cidr']");
        let body = "{\"cidr\":\"192.0.2.0/24\"}\n\n{\"type\":\"metadata\"}\nno\n{\"cidr\":\"198.51.100.0/24\"} x\n";
        let mut texts = Vec::new();
        let passed = lines.read(&mut body.as_bytes(), &mut |row| texts.push((row.line, row.text.to_owned()))).unwrap();
        assert_eq!(texts.first(), Some(&(1, "192.0.2.0/24".into())));
        assert_eq!(passed.malformed, 2);
    }

    #[test]
    fn no_document() {
        let plain = json("text = ['']");
        assert!(rows(&plain, "[\"a.example\",").is_err(), "cut off");
        assert!(rows(&plain, "<html>").is_err());
        assert!(rows(&plain, "[] []").is_err());
        assert!(rows(&plain, &"[".repeat(100_000)).is_err(), "depth");
        assert_eq!(rows(&plain, "7").unwrap().len(), 0);
    }

    #[test]
    fn limits() {
        let plain = json("text = ['', '/a']");
        for (length, long) in [(MAX_VALUE - 1, 0), (MAX_VALUE, 0), (MAX_VALUE + 1, 1)] {
            let body = format!("[\"{}\"]", "a".repeat(length));
            assert_eq!(plain.read(&mut body.as_bytes(), &mut |_| {}).unwrap().long, long);
        }
        for (parts, long) in [(MAX_PARTS - 1, 0), (MAX_PARTS, 0), (MAX_PARTS + 1, 1)] {
            let body = format!("[[{}0]]", "0,".repeat(parts - 2));
            assert_eq!(plain.read(&mut body.as_bytes(), &mut |_| {}).unwrap().long, long);
        }
    }

    #[test]
    fn settings_that_cannot_be() {
        assert!(json("text = []").problem().is_some());
        assert!(json("text = ['ip']").problem().unwrap().contains("must begin with /"));
        assert!(json("text = ['']\nlines = true\nlist = '/a'").problem().is_some());
        assert!(json("text = ['']").problem().is_none());
    }
}
