//! What stands in requests: days, ranges of bytes, queries.

use std::hint::black_box;

use crate::hunt::{self, MAX_DEPTH, MAX_TERMS};
use crate::store::Filter;

// Pure files of a crate that is too large to be built with instrumentation.
#[allow(dead_code)]
#[path = "../../crates/server/src/http/days.rs"]
mod days;
#[allow(dead_code)]
#[path = "../../crates/server/src/http/range.rs"]
mod range;

/// A date parameter, and a Range header for a body whose length is the first bytes.
pub fn request(data: &[u8]) {
    let (length, rest) = data.split_at(data.len().min(8));
    let length = length.iter().fold(0u64, |length, byte| length << 8 | u64::from(*byte));
    let text = String::from_utf8_lossy(rest);
    if let Ok(days) = days::Days::parse(&text) {
        assert!(days.first <= days.last, "days are in order");
        assert_eq!(days::Days::parse(&format!("{}_{}", days.first, days.last)), Ok(days));
    }
    if let Some(range) = range::parse(&text).and_then(|wanted| wanted.of(length)) {
        assert!(range.start < range.end && range.end <= length, "a range lies within");
    }
    black_box(range::parse(&format!("bytes={text}")).and_then(|wanted| wanted.of(length)));
}

/// Networks that one term can be: of a range of IPv6 addresses at most two for each bit.
const TERM_NETS: usize = 256;

/// A query: an error stands within it, a filter is no larger than a query may be, and any text can be looked for.
pub fn query(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    match hunt::parse(&text) {
        Ok(filter) => {
            let (leaves, depth) = size(&filter);
            assert!(leaves <= MAX_TERMS * TERM_NETS, "{leaves} leaves");
            // A pair of parentheses may hold an OR of ANDs, a term an OR of its own.
            assert!(depth <= 3 * MAX_DEPTH + 4, "{depth} deep");
        }
        Err(error) => {
            assert!((1..=text.chars().count() + 1).contains(&error.position), "{error}");
        }
    }
    let quoted = format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
    if text.is_empty() || quoted.len() > hunt::MAX_BYTES {
        return;
    }
    match hunt::parse(&quoted) {
        Ok(Filter::Or(any)) => assert!(any.contains(&Filter::Text(text.into_owned()))),
        other => panic!("{quoted:?}: {other:?}"),
    }
}

/// Terms of a filter, and how deep they stand.
fn size(filter: &Filter) -> (usize, usize) {
    match filter {
        Filter::And(parts) | Filter::Or(parts) => {
            let sizes = parts.iter().map(size);
            let (leaves, depth) =
                sizes.fold((0, 0), |(sum, deepest), (leaves, depth)| (sum + leaves, deepest.max(depth)));
            (leaves, depth + 1)
        }
        Filter::Not(part) => {
            let (leaves, depth) = size(part);
            (leaves, depth + 1)
        }
        _ => (1, 1),
    }
}
