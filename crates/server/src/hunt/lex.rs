//! Text into words, operators and parentheses.

use super::Wrong;

/// One piece of a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    /// The byte it begins at.
    pub(super) at: usize,
    pub(super) what: What,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum What {
    Open,
    Close,
    And,
    Or,
    Not,
    /// A word with the text before its first colon, where quotes or a known field follow.
    Term(Term),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Term {
    pub(super) field: Option<Field>,
    pub(super) value: String,
    /// In quotes: text, whatever it looks like.
    pub(super) quoted: bool,
}

/// What a prefix says a value is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Source,
    Destination,
    Trail,
    Info,
    Sensor,
    Reason,
    Kind,
    Severity,
    Threat,
}

impl Field {
    const ALL: [(&'static str, Field); 9] = [
        ("src:", Field::Source),
        ("dst:", Field::Destination),
        ("trail:", Field::Trail),
        ("info:", Field::Info),
        ("sensor:", Field::Sensor),
        ("reason:", Field::Reason),
        ("type:", Field::Kind),
        ("sev:", Field::Severity),
        ("threat:", Field::Threat),
    ];

    /// The field a text begins with, and the rest.
    fn before(text: &str) -> Option<(Field, &str)> {
        Field::ALL.into_iter().find_map(|(prefix, field)| {
            let start = text.get(..prefix.len())?;
            start.eq_ignore_ascii_case(prefix).then_some((field, text.get(prefix.len()..)?))
        })
    }
}

/// All tokens of a text.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, Wrong> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let at = text.len() - rest.len();
        let (what, after) = match first {
            '(' => (What::Open, rest.get(1..).unwrap_or_default()),
            ')' => (What::Close, rest.get(1..).unwrap_or_default()),
            _ => word(rest, at)?,
        };
        tokens.push(Token { at, what });
        rest = after.trim_start();
    }
    Ok(tokens)
}

fn word(text: &str, at: usize) -> Result<(What, &str), Wrong> {
    let (field, rest) = Field::before(text).map_or((None, text), |(field, rest)| (Some(field), rest));
    if let Some(inner) = rest.strip_prefix('"') {
        let (value, after) =
            quoted(inner).ok_or_else(|| Wrong { at, what: "the quote is not closed; end it with \"".into() })?;
        return Ok((What::Term(Term { field, value, quoted: true }), after));
    }
    let end = rest.find(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | '"')).unwrap_or(rest.len());
    let (value, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
    let what = match (field, value) {
        (None, "AND") => What::And,
        (None, "OR") => What::Or,
        (None, "NOT") => What::Not,
        _ => What::Term(Term { field, value: value.to_owned(), quoted: false }),
    };
    Ok((what, after))
}

/// The text up to the closing quote, with `\"` and `\\` as what they stand for, and what follows the quote.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((value, text.get(at + 1..)?)),
            '\\' => match characters.next()? {
                (_, escaped @ ('"' | '\\')) => value.push(escaped),
                (_, other) => value.extend(['\\', other]),
            },
            other => value.push(other),
        }
    }
    None
}
