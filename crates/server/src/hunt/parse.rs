//! Tokens into a filter: `NOT` binds most, then `AND` (also unwritten), then `OR`.

use super::lex::{Token, What};
use super::{MAX_DEPTH, MAX_TERMS, Wrong, term};
use crate::store::Filter;

/// Reads all tokens of a text of so many bytes.
pub(super) fn query(tokens: &[Token], length: usize) -> Result<Filter, Wrong> {
    if tokens.is_empty() {
        return Err(Wrong { at: 0, what: "nothing to look for; give a name, an address, a network or text".into() });
    }
    let mut parser = Parser { tokens, next: 0, length, terms: 0 };
    let filter = parser.any(0)?;
    match parser.peek() {
        None => Ok(filter),
        Some(token) => Err(Wrong { at: token.at, what: "there is no `(` for this `)`".into() }),
    }
}

struct Parser<'t> {
    tokens: &'t [Token],
    next: usize,
    length: usize,
    terms: usize,
}

impl<'t> Parser<'t> {
    fn peek(&self) -> Option<&'t Token> {
        self.tokens.get(self.next)
    }

    fn take(&mut self, what: &What) -> bool {
        let there = self.peek().is_some_and(|token| token.what == *what);
        self.next += usize::from(there);
        there
    }

    fn any(&mut self, depth: usize) -> Result<Filter, Wrong> {
        let mut filters = vec![self.all(depth)?];
        while self.take(&What::Or) {
            filters.push(self.all(depth)?);
        }
        Ok(joined(filters, Filter::Or))
    }

    fn all(&mut self, depth: usize) -> Result<Filter, Wrong> {
        let mut filters = vec![self.one(depth)?];
        loop {
            let written = self.take(&What::And);
            let ended = matches!(self.peek().map(|token| &token.what), None | Some(What::Or | What::Close));
            if ended && !written {
                return Ok(joined(filters, Filter::And));
            }
            filters.push(self.one(depth)?);
        }
    }

    fn one(&mut self, depth: usize) -> Result<Filter, Wrong> {
        let Some(token) = self.peek() else {
            return Err(Wrong { at: self.length, what: "something to look for is missing at the end".into() });
        };
        if depth > MAX_DEPTH {
            let what = format!("parentheses and NOT are nested deeper than {MAX_DEPTH}");
            return Err(Wrong { at: token.at, what });
        }
        self.next += 1;
        match &token.what {
            What::Not => Ok(Filter::Not(Box::new(self.one(depth + 1)?))),
            What::Open => {
                let filter = self.any(depth + 1)?;
                if self.take(&What::Close) {
                    return Ok(filter);
                }
                Err(Wrong { at: token.at, what: "there is no `)` for this `(`".into() })
            }
            What::Term(found) => {
                self.terms += 1;
                if self.terms > MAX_TERMS {
                    return Err(Wrong { at: token.at, what: format!("more than {MAX_TERMS} terms") });
                }
                term::filter(found).map_err(|what| Wrong { at: token.at, what })
            }
            What::And | What::Or | What::Close => {
                let what = "something to look for is missing before this; to look for the word, put it in quotes";
                Err(Wrong { at: token.at, what: what.into() })
            }
        }
    }
}

/// One filter as it is, several joined.
pub(super) fn joined(mut filters: Vec<Filter>, join: impl FnOnce(Vec<Filter>) -> Filter) -> Filter {
    match filters.pop() {
        Some(only) if filters.is_empty() => only,
        last => {
            filters.extend(last);
            join(filters)
        }
    }
}
