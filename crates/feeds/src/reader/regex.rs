//! What a regular expression finds: for pages and for lines of a form of their own.
//!
//! The group `text` is what may be an indicator, the group `info` what is said of it. The expressions are the
//! description's, the text is a stranger's: matching takes time in proportion to the text, whatever it is.

use std::io::{self, BufRead, Read};

use regex_automata::meta;
use regex_automata::util::captures::Captures;
use regex_automata::{Input, PatternID};
use serde::Deserialize;

use super::lines::each_line;
use super::{MAX_VALUE, Passed, Row};

/// Largest body that is searched as a whole, bytes.
pub const MAX_WHOLE: usize = 32 << 20;
/// Largest automaton of an expression, bytes.
const MAX_AUTOMATON: usize = 1 << 20;

/// Settings of the format.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Regex {
    /// The expression, with a group `text` and perhaps one `info`.
    pub pattern: String,
    /// Search the body as a whole, not line by line.
    #[serde(default)]
    pub whole: bool,
}

/// An expression within limits.
pub(super) fn compile(pattern: &str) -> Result<meta::Regex, String> {
    let limits = meta::Config::new().nfa_size_limit(Some(MAX_AUTOMATON)).onepass_size_limit(Some(MAX_AUTOMATON));
    let built = meta::Builder::new().configure(limits).build(pattern);
    built.map_err(|error| match error.size_limit() {
        Some(_) => format!("read: the expression needs more than {MAX_AUTOMATON} bytes"),
        None => {
            format!("read: no regular expression: {}", error.syntax_error().map_or(String::new(), ToString::to_string))
        }
    })
}

/// The text of a group of a name.
pub(super) fn group<'t>(captures: &Captures, name: &str, text: &'t str) -> Option<&'t str> {
    let index = captures.group_info().to_index(PatternID::ZERO, name)?;
    text.get(captures.get_group(index)?.range()).map(str::trim).filter(|found| !found.is_empty())
}

impl Regex {
    pub(super) fn problem(&self) -> Option<String> {
        match compile(&self.pattern) {
            Err(problem) => Some(problem),
            Ok(regex) if regex.group_info().to_index(PatternID::ZERO, "text").is_none() => {
                Some("read: the expression has no group (?<text>...)".into())
            }
            Ok(_) => None,
        }
    }

    pub(super) fn read(&self, body: &mut dyn BufRead, sink: &mut dyn FnMut(Row<'_>)) -> io::Result<Passed> {
        let regex = compile(&self.pattern).map_err(io::Error::other)?;
        let mut captures = regex.create_captures();
        let mut passed = Passed::default();
        let mut long = 0;
        let mut search = |first: u64, text: &str, record: u64| {
            let mut input = Input::new(text);
            let mut found = record;
            loop {
                regex.search_captures(&input, &mut captures);
                let Some(whole) = captures.get_match() else { break };
                match group(&captures, "text", text) {
                    Some(value) if value.len() > MAX_VALUE => long += 1,
                    Some(value) => {
                        found += 1;
                        let line = if self.whole { found } else { first };
                        sink(Row {
                            text: value,
                            info: group(&captures, "info", text),
                            reference: None,
                            lists: None,
                            line,
                        });
                    }
                    None => {}
                }
                // An empty match must not be found again.
                let next = whole.end().max(whole.start() + usize::from(whole.is_empty()));
                if next > text.len() {
                    break;
                }
                input.set_start(next);
            }
        };
        if self.whole {
            match whole_text(body)? {
                Some(text) => search(1, &text, 0),
                None => passed.encoding += 1,
            }
        } else {
            each_line(body, &mut passed, &mut |number, line| search(number, line, 0))?;
        }
        passed.long += long;
        Ok(passed)
    }
}

/// All of a body as text; none where it is no UTF-8.
fn whole_text(body: &mut dyn BufRead) -> io::Result<Option<String>> {
    let mut bytes = Vec::new();
    body.take(MAX_WHOLE as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > MAX_WHOLE {
        return Err(io::Error::other(format!("more than {MAX_WHOLE} bytes to search as a whole")));
    }
    Ok(String::from_utf8(bytes).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(regex: &Regex, body: &str) -> Vec<(u64, String, Option<String>)> {
        let mut rows = Vec::new();
        let sink = &mut |row: Row<'_>| rows.push((row.line, row.text.to_owned(), row.info.map(str::to_owned)));
        regex.read(&mut body.as_bytes(), sink).unwrap();
        rows
    }

    #[test]
    fn over_lines_and_as_a_whole() {
        let deny = Regex { pattern: r"^deny from (?<text>\S+)( # (?<info>.+))?".into(), whole: false };
        let body = "order allow,deny\ndeny from 192.0.2.1 # bot\ndeny from 192.0.2.2\n";
        let expected = [(2, "192.0.2.1".into(), Some("bot".into())), (3, "192.0.2.2".into(), None)];
        assert_eq!(rows(&deny, body), expected);
        let cells = Regex { pattern: r"(?s)<td>\s*(?<text>[^<]*?)\s*</td>".into(), whole: true };
        let found = rows(&cells, "<td>\nevil.example\n</td><td></td>\n<td>b.example</td>");
        assert_eq!(found, [(1, "evil.example".into(), None), (2, "b.example".into(), None)]);
    }

    #[test]
    fn empty_matches_end() {
        let any = Regex { pattern: "(?<text>x*)".into(), whole: false };
        assert_eq!(rows(&any, "äxx\u{fe0f}xy").len(), 2);
    }

    #[test]
    fn settings_that_cannot_be() {
        let problem = |pattern: &str| Regex { pattern: pattern.into(), whole: false }.problem().unwrap_or_default();
        assert!(problem("(").contains("no regular expression"));
        assert!(problem("x").contains("text"));
        assert!(problem(r"(?<text>\w{500}{500})").contains("needs more than"), "{}", problem(r"(?<text>\w{500}{500})"));
        assert_eq!(problem("(?<text>x)"), "");
    }

    #[test]
    fn a_body_as_a_whole_has_a_limit() {
        let cells = Regex { pattern: "(?<text>needle)".into(), whole: true };
        for (length, fails) in [(MAX_WHOLE - 1, false), (MAX_WHOLE, false), (MAX_WHOLE + 1, true)] {
            let body = vec![b' '; length];
            assert_eq!(cells.read(&mut body.as_slice(), &mut |_| {}).is_err(), fails, "{length}");
        }
        let long = Regex { pattern: "(?<text>a+)".into(), whole: true };
        for (length, count) in [(MAX_VALUE - 1, 0), (MAX_VALUE, 0), (MAX_VALUE + 1, 1)] {
            let passed = long.read(&mut "a".repeat(length).as_bytes(), &mut |_| {}).unwrap();
            assert_eq!(passed.long, count);
        }
    }
}
