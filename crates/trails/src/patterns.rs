//! Patterns over names: one automaton for all of them.

use regex_automata::dfa::{Automaton, dense};
use regex_automata::util::syntax;
use regex_automata::{Anchored, Input, MatchKind};

/// Bytes that the automaton may take.
const SIZE_LIMIT: usize = 16 << 20;

fn builder() -> dense::Builder {
    let mut builder = dense::Builder::new();
    builder.syntax(syntax::Config::new().unicode(false).utf8(false).case_insensitive(true)).configure(
        dense::Config::new()
            .match_kind(MatchKind::LeftmostFirst)
            .dfa_size_limit(Some(SIZE_LIMIT))
            .determinize_size_limit(Some(4 * SIZE_LIMIT)),
    );
    builder
}

/// Whether it compiles and does not match the empty name.
pub(crate) fn check(pattern: &str) -> bool {
    builder().build(pattern).is_ok_and(|automaton| find(&automaton, b"").is_none())
}

/// The automaton over all patterns, as bytes; empty where there are none or they are too many together.
pub(crate) fn compile(patterns: &[&str]) -> Vec<u8> {
    if patterns.is_empty() {
        return Vec::new();
    }
    builder().build_many(patterns).map(|automaton| automaton.to_bytes_little_endian().0).unwrap_or_default()
}

/// Number of the first pattern found in the name.
pub(crate) fn find<A: Automaton>(automaton: &A, name: &[u8]) -> Option<usize> {
    let found = automaton.try_search_fwd(&Input::new(name).anchored(Anchored::No)).ok()??;
    Some(found.pattern().as_usize())
}
