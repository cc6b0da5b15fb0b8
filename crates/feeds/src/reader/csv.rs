//! Records of columns, a record a line; columns may stand in quotes (RFC 4180), also after a space.
//!
//! Line ends within quotes are not known: no feed has them, and an open quote must not swallow the rest of a file.

use std::borrow::Cow;
use std::io::{self, BufRead};

use serde::Deserialize;

use super::filter::Test;
use super::lines::each_line;
use super::{Passed, Row};

/// Settings of the format. Columns count from 0.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Csv {
    /// What sets columns apart: one ASCII character.
    #[serde(default = "comma")]
    pub delimiter: char,
    /// What a comment begins with; there is none where it is empty.
    #[serde(default = "hash")]
    pub comment: String,
    /// The first record names the columns.
    #[serde(default)]
    pub header: bool,
    /// The columns of texts; each gives a row.
    pub text: Vec<usize>,
    /// A column that belongs to the text.
    pub then: Option<Then>,
    /// The column of the info.
    pub info: Option<usize>,
    /// The column of the number of lists that name it.
    pub lists: Option<usize>,
    /// What must hold for a record to count.
    #[serde(default)]
    pub filters: Vec<Filter>,
}

/// A second column, set behind the text.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Then {
    /// Which.
    pub column: usize,
    /// What comes between: `:` before a port, `/` before the length of a prefix.
    pub with: String,
}

/// What a column must say.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Filter {
    /// Which.
    pub column: usize,
    /// What it must be.
    #[serde(flatten)]
    pub test: Test,
}

fn comma() -> char {
    ','
}

fn hash() -> String {
    "#".into()
}

impl Csv {
    pub(super) fn problem(&self) -> Option<String> {
        match () {
            () if self.text.is_empty() => Some("read: text names at least one column".into()),
            () if !self.delimiter.is_ascii() || self.delimiter == '"' => {
                Some("read: delimiter is one ASCII character, and no quote".into())
            }
            () => self.filters.iter().find_map(|filter| filter.test.problem()),
        }
    }

    pub(super) fn read(&self, body: &mut dyn BufRead, sink: &mut dyn FnMut(Row<'_>)) -> io::Result<Passed> {
        let mut passed = Passed::default();
        let mut malformed = 0;
        let mut header = self.header;
        each_line(body, &mut passed, &mut |number, line| {
            let comment = !self.comment.is_empty() && line.starts_with(&self.comment);
            if line.is_empty() || comment {
                return;
            }
            if std::mem::take(&mut header) {
                return;
            }
            match split(line, self.delimiter) {
                Some(record) => self.record(&record, number, sink),
                None => malformed += 1,
            }
        })?;
        passed.malformed = malformed;
        Ok(passed)
    }

    fn record(&self, record: &[Cow<'_, str>], line: u64, sink: &mut dyn FnMut(Row<'_>)) {
        let column = |at: usize| record.get(at).map(|text| text.trim()).filter(|text| !text.is_empty());
        if !self.filters.iter().all(|filter| filter.test.passes(column(filter.column).unwrap_or_default())) {
            return;
        }
        let info = self.info.and_then(column);
        let lists = self.lists.and_then(column).and_then(|text| text.parse().ok());
        for text in self.text.iter().filter_map(|&at| column(at)) {
            match &self.then {
                None => sink(Row { text, info, reference: None, lists, line }),
                Some(then) => {
                    let Some(second) = column(then.column) else { continue };
                    let brackets = then.with == ":" && text.contains(':');
                    let (open, close) = if brackets { ("[", "]") } else { ("", "") };
                    let text = format!("{open}{text}{close}{}{second}", then.with);
                    sink(Row { text: &text, info, reference: None, lists, line });
                }
            }
        }
    }
}

/// The columns of a record; none where a quote is left open, or something follows one that is closed.
fn split(line: &str, delimiter: char) -> Option<Vec<Cow<'_, str>>> {
    let mut columns = Vec::new();
    let mut rest = line;
    loop {
        let (column, after) = match rest.trim_start_matches(' ').strip_prefix('"') {
            Some(quoted) => {
                let (text, after) = unquote(quoted)?;
                (text, after.trim_start_matches(' '))
            }
            None => {
                let end = rest.find(delimiter).unwrap_or(rest.len());
                let (text, after) = rest.split_at_checked(end)?;
                (Cow::Borrowed(text), after)
            }
        };
        columns.push(column);
        match after.strip_prefix(delimiter) {
            Some(next) => rest = next,
            None if after.is_empty() => return Some(columns),
            None => return None,
        }
    }
}

/// The text up to the closing quote, and what follows it; two quotes are one of the text.
fn unquote(text: &str) -> Option<(Cow<'_, str>, &str)> {
    let mut parts = String::new();
    let mut rest = text;
    loop {
        let (part, after) = rest.split_once('"')?;
        match after.strip_prefix('"') {
            Some(next) => {
                parts.push_str(part);
                parts.push('"');
                rest = next;
            }
            None if parts.is_empty() => return Some((Cow::Borrowed(part), after)),
            None => return Some((Cow::Owned(parts + part), after)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn csv(settings: &str) -> Csv {
        toml::from_str(settings).unwrap()
    }

    fn rows(csv: &Csv, body: &str) -> (Vec<String>, Passed) {
        let mut rows = Vec::new();
        let passed = csv.read(&mut body.as_bytes(), &mut |row| {
            rows.push(format!("{} {} {:?} {:?}", row.line, row.text, row.info, row.lists));
        });
        (rows, passed.unwrap())
    }

    #[test]
    fn columns_in_quotes_and_bare() {
        assert_eq!(split(r#""a, b", "c ""d""" ,e,"#, ',').unwrap(), ["a, b", "c \"d\"", "e", ""]);
        assert_eq!(split("a\t\tc", '\t').unwrap(), ["a", "", "c"]);
        assert_eq!(split(r#"a,"b"#, ','), None, "left open");
        assert_eq!(split(r#""a"b,c"#, ','), None);
    }

    #[test]
    fn filters_and_joined_columns() {
        let sure = csv(r#"
            text = [1]
            info = 2
            filters = [{ column = 3, at_least = 75 }, { column = 0, one_of = ["ip:port", "domain"] }]
        "#);
        let body = "# type,value\n\"domain\", \"evil.example\", \"Fox\", \"75\"\ndomain,b.example,,74\nurl,c.example,,99\nshort\n";
        assert_eq!(rows(&sure, body).0, ["2 evil.example Some(\"Fox\") None"]);
        let ports = csv("text = [0]\nthen = { column = 1, with = ':' }\nheader = true\nlists = 2");
        let body = "ip,port\n192.0.2.1,443,3\n2001:db8::1,80,x\n192.0.2.2\n";
        assert_eq!(rows(&ports, body).0, ["2 192.0.2.1:443 None Some(3)", "3 [2001:db8::1]:80 None None"]);
        let (none, passed) = rows(&ports, "h\n\"open,1\n");
        assert_eq!((none.len(), passed.malformed), (0, 1));
    }

    #[test]
    fn settings_that_cannot_be() {
        assert!(csv("text = []").problem().is_some());
        assert!(csv("text = [0]\ndelimiter = '\"'").problem().is_some());
        assert!(csv("text = [0]\nfilters = [{ column = 0 }]").problem().is_some());
        assert!(csv("text = [0]").problem().is_none());
    }

    proptest! {
        #[test]
        fn what_was_quoted_reads_as_it_was(columns in proptest::collection::vec("[a-z\", ]{0,6}", 1..5)) {
            let line: Vec<String> = columns.iter().map(|c| format!("\"{}\"", c.replace('"', "\"\""))).collect();
            let line = line.join(",");
            prop_assert_eq!(split(&line, ',').unwrap(), columns);
        }
    }
}
