//! User-Agents of scanners, attack tools and malware: the built-in list, or a file of regular expressions.
//!
//! Plain texts go into one automaton of substrings; only true expressions cost a second search. ASCII case does
//! not matter. Agents of updaters and security products are not reported; with a list of the user's own, all but a
//! few of them are the user's to name.
//!
//! ```
//! let agents = trails::UserAgents::built_in();
//! assert_eq!(agents.find(b"sqlmap/1.8#stable (https://sqlmap.org)"), Some(0..6));
//! assert_eq!(agents.find(b"Mozilla/5.0 (X11; Linux x86_64)"), None);
//! ```

mod list;

use std::ops::Range;

use aho_corasick::{AhoCorasick, MatchKind};
use regex_automata::meta;
use regex_automata::util::syntax;

use crate::indicator::{Line, line};

/// Most bytes of an agent that are searched.
const MAX_AGENT: usize = 1024;
/// Largest compiled form of one expression, and of all together, bytes.
const MAX_EXPRESSION: usize = 1 << 20;
const MAX_EXPRESSIONS: usize = 16 << 20;

/// A line of USER_AGENTS_FILE that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: `{text}` is no regular expression that can be searched for: {why}")]
pub struct AgentError {
    /// The line, from 1.
    pub line: usize,
    /// Its text.
    pub text: String,
    /// What the compiler says.
    pub why: String,
}

/// Searches User-Agents.
#[derive(Debug)]
pub struct UserAgents {
    literals: Option<AhoCorasick>,
    expressions: Option<meta::Regex>,
    updaters: Option<AhoCorasick>,
    count: usize,
}

impl UserAgents {
    /// The built-in list.
    #[must_use]
    pub fn built_in() -> Self {
        Self::new(list::AGENTS, &[], list::UPDATERS)
    }

    /// From the text of USER_AGENTS_FILE: one regular expression a line, `#` for comments. What cannot be used is
    /// returned with its line.
    #[must_use]
    pub fn from_text(text: &str) -> (Self, Vec<AgentError>) {
        let (mut literals, mut expressions, mut errors) = (Vec::new(), Vec::new(), Vec::new());
        for (number, raw) in (1..).zip(text.lines()) {
            let Line::Text(text) = line(raw) else { continue };
            if let Some(literal) = literal(text) {
                literals.push(literal);
                continue;
            }
            let expression = portable(text);
            match compile(&[&expression], MAX_EXPRESSION) {
                Ok(alone) if alone.is_match(b"") => {
                    let why = String::from("it matches everything");
                    errors.push(AgentError { line: number, text: text.into(), why });
                }
                Ok(_) => expressions.push(expression),
                Err(why) => errors.push(AgentError { line: number, text: text.into(), why }),
            }
        }
        let expressions: Vec<&str> = expressions.iter().map(String::as_str).collect();
        (Self::new(&literals, &expressions, list::ALWAYS), errors)
    }

    fn new<T: AsRef<[u8]>>(literals: &[T], expressions: &[&str], updaters: &[&str]) -> Self {
        Self {
            literals: substrings(literals),
            expressions: (!expressions.is_empty()).then(|| compile(expressions, MAX_EXPRESSIONS).ok()).flatten(),
            updaters: substrings(updaters),
            count: literals.len() + expressions.len(),
        }
    }

    /// How many texts and expressions are searched for.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether nothing is searched for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The part of an agent that is listed, unless it is an updater's. Beyond 1,024 bytes nothing is looked at.
    #[must_use]
    pub fn find(&self, agent: &[u8]) -> Option<Range<usize>> {
        let agent = agent.get(..agent.len().min(MAX_AGENT)).unwrap_or_default();
        let literal = self.literals.as_ref().and_then(|literals| literals.find(agent)).map(|found| found.range());
        let found = literal.or_else(|| self.expressions.as_ref()?.find(agent).map(|found| found.range()))?;
        let updater = self.updaters.as_ref().is_some_and(|updaters| updaters.is_match(agent));
        (!updater).then_some(found)
    }
}

fn substrings<T: AsRef<[u8]>>(texts: &[T]) -> Option<AhoCorasick> {
    let builder =
        AhoCorasick::builder().ascii_case_insensitive(true).match_kind(MatchKind::LeftmostLongest).build(texts);
    builder.ok().filter(|automaton| automaton.patterns_len() > 0)
}

fn compile(expressions: &[&str], size: usize) -> Result<meta::Regex, String> {
    let built = meta::Builder::new()
        .configure(meta::Config::new().nfa_size_limit(Some(size)).utf8_empty(false))
        .syntax(syntax::Config::new().unicode(false).utf8(false).case_insensitive(true))
        .build_many(expressions);
    built.map_err(|error| match error.syntax_error() {
        Some(syntax) => syntax.to_string(),
        None => error.to_string(),
    })
}

/// The bytes an expression stands for, where it stands for one text only: `\` before punctuation is dropped, as
/// lists that were escaped by program have it.
fn literal(expression: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut characters = expression.chars();
    while let Some(character) = characters.next() {
        let character = match character {
            '\\' => characters.next().filter(|next| !next.is_ascii_alphanumeric())?,
            '.' | '*' | '+' | '?' | '(' | ')' | '[' | ']' | '{' | '}' | '|' | '^' | '$' => return None,
            plain => plain,
        };
        bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
    }
    (!bytes.is_empty()).then_some(bytes)
}

/// Python's spelling in that of Rust: `\Z` is the end, `\` may stand before any punctuation, and a brace that
/// begins no repetition is itself.
fn portable(expression: &str) -> String {
    let mut out = String::with_capacity(expression.len());
    let mut rest = expression;
    while let Some(character) = rest.chars().next() {
        let mut length = character.len_utf8();
        match character {
            '\\' => {
                let next = rest.chars().nth(1);
                length += next.map_or(0, char::len_utf8);
                match next {
                    Some('Z') => out.push_str(r"\z"),
                    Some(next) if next.is_ascii_alphanumeric() => out.extend(['\\', next]),
                    Some(next) if next.is_ascii() => out.push_str(&format!("\\x{:02x}", u32::from(next))),
                    Some(next) => out.push(next),
                    None => out.push('\\'),
                }
            }
            '{' if !repeats(rest) => out.push_str(r"\{"),
            other => out.push(other),
        }
        rest = rest.get(length..).unwrap_or_default();
    }
    out
}

/// Whether the text begins with `{2}`, `{2,}` or `{2,3}`.
fn repeats(text: &str) -> bool {
    let inside = text.strip_prefix('{').and_then(|rest| rest.split_once('}')).map_or("", |(inside, _)| inside);
    inside.starts_with(|c: char| c.is_ascii_digit()) && inside.bytes().all(|byte| byte.is_ascii_digit() || byte == b',')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn built_in() {
        let agents = UserAgents::built_in();
        assert!(agents.len() > 200);
        for bad in [
            "sqlmap/1.7.2#stable (https://sqlmap.org)",
            "Mozilla/5.0 (compatible; Nmap Scripting Engine; https://nmap.org/book/nse.html)",
            "Mozilla/5.00 (Nikto/2.5.0) (Evasions:None) (Test:000001)",
            "gobuster/3.6",
            "Mozilla/5.0 zgrab/0.x",
            "masscan/1.3",
        ] {
            assert!(agents.find(bad.as_bytes()).is_some(), "{bad}");
        }
        for good in [
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/128.0.0.0 Safari/537.36",
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15",
            "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
            "Debian APT-HTTP/1.3 (2.6.1)",
            "Microsoft-Delivery-Optimization/10.0",
            "curl/8.5.0",
            "Go-http-client/1.1",
            "Dalvik/2.1.0 (Linux; U; Android 13; SM-A536B)",
            "",
        ] {
            assert_eq!(agents.find(good.as_bytes()), None, "{good}");
        }
    }

    #[test]
    fn updaters_are_let_through() {
        let built_in = UserAgents::built_in();
        assert_eq!(built_in.find(b"Windows-Update-Agent/10.0 sqlmap"), None);
        let (agents, _) = UserAgents::from_text("update");
        assert_eq!(agents.find(b"Symantec update"), None);
        assert_eq!(agents.find(b"Windows-Update-Agent/10.0"), Some(8..14), "what the user names is the user's will");
        assert_eq!(agents.find(b"evil update"), Some(5..11));
    }

    #[test]
    fn file() {
        let text = "# comment\n\\(\\) { :;\n\\Aaccess\\b\n\\A\\w{1,2}\\Z\nbad\\ agent\\/1\\.0 # a remark\n(open\n.*\nEvil.Tool\n";
        let (agents, errors) = UserAgents::from_text(text);
        assert_eq!(agents.len(), 5);
        let lines: Vec<usize> = errors.iter().map(|error| error.line).collect();
        assert_eq!(lines, [6, 7]);
        for (agent, range) in [
            ("() { :;}; echo", Some(0..7)),
            ("Access denied", Some(0..6)),
            ("accessible", None),
            ("ab", Some(0..2)),
            ("abc", None),
            ("a Bad Agent/1.0", Some(2..15)),
            ("bad agent/1x0", None),
            ("my evil-tool", Some(3..12)),
        ] {
            assert_eq!(agents.find(agent.as_bytes()), range, "{agent}");
        }
    }

    #[test]
    fn long_agents_are_cut() {
        let (agents, _) = UserAgents::from_text("evil");
        for (before, found) in [(MAX_AGENT - 5, true), (MAX_AGENT - 4, true), (MAX_AGENT - 3, false)] {
            let agent = [vec![b'x'; before], b"evil".to_vec()].concat();
            assert_eq!(agents.find(&agent).is_some(), found, "{before}");
        }
    }

    proptest! {
        #[test]
        fn any_file_and_agent(text in "\\PC{0,60}", agent in prop::collection::vec(any::<u8>(), 0..60)) {
            let (agents, _) = UserAgents::from_text(&text);
            if let Some(found) = agents.find(&agent) {
                prop_assert!(found.end <= agent.len());
            }
        }
    }
}
