//! A text a line: plain lists, netsets, lists with comments, and lists whose columns are set apart by a text.

use std::io::{self, BufRead};

use serde::Deserialize;

use super::{MAX_VALUE, Passed, Row};

/// Settings of the format.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Lines {
    /// What begins a comment, besides `#`: at the beginning of a line, or after white space.
    pub comments: Vec<String>,
    /// What sets columns apart; white space where it is empty and a column is asked for.
    pub separator: String,
    /// The column of the text, from 0; the whole line where there is none.
    pub column: Option<usize>,
    /// The column of the info.
    pub info: Option<usize>,
    /// The column of the number of lists that name it.
    pub lists: Option<usize>,
}

impl Lines {
    pub(super) fn problem(&self) -> Option<String> {
        let columns = self.info.is_some() || self.lists.is_some();
        (columns && self.column.is_none())
            .then(|| "read: info and lists are columns: name the column of the text too".into())
    }

    pub(super) fn read(&self, body: &mut dyn BufRead, sink: &mut dyn FnMut(Row<'_>)) -> io::Result<Passed> {
        let mut passed = Passed::default();
        each_line(body, &mut passed, &mut |number, line| {
            let line = self.without_comment(line);
            if line.is_empty() {
                return;
            }
            let column = |at: usize| {
                let found = match self.separator.as_str() {
                    "" => line.split_whitespace().nth(at),
                    separator => line.split(separator).nth(at),
                };
                found.map(str::trim).filter(|text| !text.is_empty())
            };
            let Some(text) = self.column.map_or(Some(line), column) else { return };
            let lists = self.lists.and_then(column).and_then(|text| text.parse().ok());
            sink(Row { text, info: self.info.and_then(column), reference: None, lists, line: number });
        })?;
        Ok(passed)
    }

    fn without_comment<'l>(&self, line: &'l str) -> &'l str {
        let mut end = line.len();
        for mark in self.comments.iter().map(String::as_str).chain(["#"]).filter(|mark| !mark.is_empty()) {
            let begins = |&(at, _): &(usize, &str)| at == 0 || line.get(..at).is_some_and(|b| b.ends_with([' ', '\t']));
            if let Some((at, _)) = line.match_indices(mark).find(begins) {
                end = end.min(at);
            }
        }
        line.get(..end).unwrap_or_default().trim()
    }
}

/// Calls `each` with every line, its number from 1, trimmed; within [`MAX_VALUE`].
///
/// # Errors
/// Reading failed.
pub(super) fn each_line(
    body: &mut dyn BufRead,
    passed: &mut Passed,
    each: &mut dyn FnMut(u64, &str),
) -> io::Result<()> {
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        let (taken, whole) = take_line(body, &mut line)?;
        if taken == 0 {
            break;
        }
        if !whole {
            passed.long += 1;
            continue;
        }
        match std::str::from_utf8(&line) {
            Ok(text) => each(number, text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}')),
            Err(_) => passed.encoding += 1,
        }
    }
    Ok(())
}

/// Reads up to and with the next line feed; of a line that is too long nothing is kept. Gives the bytes taken, and
/// whether the line is there.
fn take_line(body: &mut dyn BufRead, line: &mut Vec<u8>) -> io::Result<(usize, bool)> {
    let (mut taken, mut whole) = (0, true);
    loop {
        let buffer = match body.fill_buf() {
            Ok(buffer) => buffer,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let end = memchr::memchr(b'\n', buffer);
        let part = end.and_then(|end| buffer.get(..end)).unwrap_or(buffer);
        whole &= line.len() + part.len() <= MAX_VALUE;
        if whole {
            line.extend_from_slice(part);
        }
        let used = end.map_or(buffer.len(), |end| end + 1);
        body.consume(used);
        taken += used;
        if end.is_some() || used == 0 {
            return Ok((taken, whole));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(lines: &Lines, body: &str) -> Vec<(u64, String, Option<String>, Option<u32>)> {
        let mut rows = Vec::new();
        lines
            .read(&mut body.as_bytes(), &mut |row| {
                rows.push((row.line, row.text.to_owned(), row.info.map(str::to_owned), row.lists));
            })
            .unwrap();
        rows
    }

    #[test]
    fn plain_and_in_columns() {
        let body = "# list\r\n\n192.0.2.1 # bad\r\n; not that\nhttps://evil.example/#part\n";
        let plain = Lines { comments: vec![";".into()], ..Lines::default() };
        let texts: Vec<(u64, String)> = rows(&plain, body).into_iter().map(|row| (row.0, row.1)).collect();
        assert_eq!(texts, [(3, "192.0.2.1".into()), (5, "https://evil.example/#part".into())]);

        let piped = Lines { separator: "|".into(), column: Some(2), info: Some(1), ..Lines::default() };
        assert_eq!(
            rows(&piped, "64500 | Some net | 192.0.2.9 |\n1|2\n"),
            [(1, "192.0.2.9".into(), Some("Some net".into()), None)]
        );
        let counted = Lines { column: Some(0), lists: Some(1), ..Lines::default() };
        assert_eq!(rows(&counted, "192.0.2.7\t9\n"), [(1, "192.0.2.7".into(), None, Some(9))]);
    }

    #[test]
    fn long_lines_are_passed_over() {
        for (length, long) in [(MAX_VALUE - 1, 0), (MAX_VALUE, 0), (MAX_VALUE + 1, 1)] {
            let body = format!("{}\nlast.example\n", "a".repeat(length));
            let mut count = 0;
            let passed = Lines::default().read(&mut body.as_bytes(), &mut |_| count += 1).unwrap();
            assert_eq!((passed.long, count), (long, 2 - long));
        }
    }
}
