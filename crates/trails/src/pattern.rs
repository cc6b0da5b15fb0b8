//! Patterns of names: regular expressions compiled into one automaton, which the store file holds ready made.

use regex_automata::Input;
use regex_automata::dfa::{Automaton as _, StartKind, dense};
use regex_automata::nfa::thompson;
use regex_automata::util::syntax;

use crate::indicator::Why;

/// Largest automaton of all patterns, bytes. It is copied into memory when a store is opened.
const MAX_AUTOMATON: usize = 4 << 20;
/// Memory for compiling one, bytes.
const MAX_COMPILING: usize = 32 << 20;
/// Largest expression, bytes of its compiled form before it becomes an automaton.
const MAX_EXPRESSION: usize = 1 << 20;

type Dfa = dense::DFA<Vec<u32>>;

/// The automaton of all patterns.
pub(crate) struct Automaton(Dfa);

impl Automaton {
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        // The automaton wants its numbers aligned, which bytes in memory need not be.
        let mut room = vec![0u8; bytes.len() + align_of::<u32>()];
        let pad = room.as_ptr().align_offset(align_of::<u32>());
        let aligned = room.get_mut(pad..pad.checked_add(bytes.len())?)?;
        aligned.copy_from_slice(bytes);
        let (dfa, _) = dense::DFA::from_bytes(aligned).ok()?;
        Some(Self(dfa.to_owned()))
    }

    /// Number of the pattern that matches first.
    #[inline]
    pub(crate) fn find(&self, name: &[u8]) -> Option<usize> {
        let found = self.0.try_search_fwd(&Input::new(name).earliest(true)).ok()??;
        Some(found.pattern().as_usize())
    }
}

/// Checks one pattern by itself.
pub(crate) fn check(source: &str) -> Result<(), Why> {
    let dfa = compile(&[source])?;
    match dfa.try_search_fwd(&Input::new(b"")) {
        Ok(None) => Ok(()),
        _ => Err(Why::PatternMatchesAll),
    }
}

/// The automaton of all of them, as the bytes to store.
pub(crate) fn automaton(sources: &[&str]) -> Result<Vec<u8>, Why> {
    Ok(compile(sources)?.to_bytes_little_endian().0)
}

fn compile(sources: &[&str]) -> Result<Dfa, Why> {
    let built = dense::Builder::new()
        .configure(
            dense::Config::new()
                .start_kind(StartKind::Unanchored)
                .dfa_size_limit(Some(MAX_AUTOMATON))
                .determinize_size_limit(Some(MAX_COMPILING)),
        )
        .syntax(syntax::Config::new().unicode(false).utf8(false).case_insensitive(true))
        .thompson(thompson::Config::new().utf8(false).nfa_size_limit(Some(MAX_EXPRESSION)))
        .build_many(sources);
    built.map_err(|error| if error.is_size_limit_exceeded() { Why::PatternSize } else { Why::PatternSyntax })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_which() {
        let sources = [r"q(l|r)[0-9]{5,6}\.example", r"\b(a|b)[0-9a-z]+\.(world|test)$"];
        let automaton = Automaton::from_bytes(&automaton(&sources).unwrap()).unwrap();
        assert_eq!(automaton.find(b"www.ql12345.example"), Some(0));
        assert_eq!(automaton.find(b"x.A1.World"), Some(1));
        assert_eq!(automaton.find(b"x.c1.world"), None);
    }

    #[test]
    fn refuses() {
        assert_eq!(check("(a"), Err(Why::PatternSyntax));
        assert_eq!(check(".*"), Err(Why::PatternMatchesAll));
        assert_eq!(check("[a-z]{1,1000}.{1000}x"), Err(Why::PatternSize));
    }
}
