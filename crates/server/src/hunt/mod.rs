//! What people type to find events, as a [`Filter`]. Pure: it reads text and makes a filter; the store does the rest.
//!
//! ```text
//! evil.example 10.0.0.0/8                  both (as with AND)
//! "known attacker" OR info:scan            one of them
//! NOT (sensor:gw-dc OR type:DNS)           without those
//! src:10.0.0.5-10.0.0.9 sev:high           by field
//! ```
//!
//! | term | finds events |
//! |---|---|
//! | address, network, range of addresses | with one of its addresses as source, destination, indicator or observed |
//! | any other word, or words in quotes | with it in the line, in what was seen, in the context (names, fingerprints) or in a reason |
//! | `src:` `dst:` | with an address, network or range as source, as destination |
//! | `trail:` | with this indicator or a name below it; fast, as there is an index |
//! | `info:` `sensor:` `reason:` | with the text in it; reasons are those of detectors |
//! | `type:` | of a kind: `DNS`, `IP`, `URL` ... |
//! | `sev:` | `low`, `medium`, `high`; `medium+` for medium and worse |
//! | `threat:` | of a threat, by its id |
//!
//! Case does not matter, except in `AND`, `OR`, `NOT`. `evil[.]example` and `hxxp://` are read as what they stand for;
//! the scheme of a URL is left out, because it is not recorded.

mod lex;
mod parse;
mod term;

use crate::store::Filter;

/// Longest query, bytes.
pub const MAX_BYTES: usize = 4096;

/// Most terms of a query.
pub const MAX_TERMS: usize = 64;

/// How deep parentheses and `NOT` may be nested.
pub const MAX_DEPTH: usize = 16;

/// Why a text is no query, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at character {position}: {what}")]
pub struct QueryError {
    /// The character it is about, counted from 1.
    pub position: usize,
    /// What is wrong and what is right.
    pub what: String,
}

/// Reads a query.
///
/// # Errors
/// It is none; the error says where and why.
pub fn parse(text: &str) -> Result<Filter, QueryError> {
    if text.len() > MAX_BYTES {
        return Err(QueryError { position: 1, what: format!("the query is longer than {MAX_BYTES} bytes") });
    }
    let parsed = lex::tokens(text).and_then(|tokens| parse::query(&tokens, text.len()));
    parsed.map_err(|Wrong { at, what }| {
        let before = text.char_indices().take_while(|(byte, _)| *byte < at).count();
        QueryError { position: before + 1, what }
    })
}

/// Something wrong at a byte.
#[derive(Debug)]
struct Wrong {
    at: usize,
    what: String,
}

#[cfg(test)]
mod tests;
