//! Automata of patterns as the store file holds them, searched where they lie.
//!
//! Every step is bounds-checked, so that damaged bytes give a wrong answer at worst. An automaton answers whether
//! its pattern matches anywhere in a whole text, not where.
//!
//! ```text
//! classes      256 bytes: which column of the table a byte means
//! columns      u16; the last one is the end of the text
//! transitions  u16 each: a row of columns for each state
//! ```

use std::collections::HashMap;

use regex_automata::Input;
use regex_automata::dfa::{Automaton, dense};
use regex_automata::util::primitives::StateID;

use crate::format;

/// From here nothing can match; it has no row.
const DEAD: u16 = 0;
/// It has matched; it has no row.
const MATCH: u16 = 1;
/// The first that has a row, and the state at the beginning of a text.
const START: u16 = 2;

/// Where the columns are counted, and where the transitions begin.
const COLUMNS: usize = 256;
const TRANSITIONS: usize = COLUMNS + 2;

/// Whether the automaton matches the text.
pub(crate) fn matches(automaton: &[u8], text: &[u8]) -> bool {
    search(automaton, text).unwrap_or(false)
}

#[inline]
fn search(automaton: &[u8], text: &[u8]) -> Option<bool> {
    let (classes, rest) = automaton.split_first_chunk::<COLUMNS>()?;
    let columns = usize::from(u16::from_le_bytes(format::bytes(rest, 0)?));
    let (transitions, _) = automaton.get(TRANSITIONS..)?.as_chunks::<2>();
    let next = |state: u16, column: usize| {
        let row = usize::from(state.checked_sub(START)?) * columns;
        transitions.get(row + column).copied().map(u16::from_le_bytes)
    };
    let mut state = START;
    for &byte in text {
        state = next(state, usize::from(*classes.get(usize::from(byte))?))?;
        if state < START {
            return Some(state == MATCH);
        }
    }
    Some(next(state, columns.checked_sub(1)?)? == MATCH)
}

/// The bytes of an automaton; `None` if it has more states than numbers, or gives up on some texts.
pub(crate) fn bytes_of(dfa: &dense::DFA<Vec<u32>>) -> Option<Vec<u8>> {
    let mut states = States { dfa, numbers: HashMap::new(), found: Vec::new() };
    states.number(dfa.start_state_forward(&Input::new(b"")).ok()?)?;
    // A column for each byte, then the end of the text; each as long as there are states.
    let mut table: Vec<Vec<u16>> = vec![Vec::new(); 257];
    let mut done = 0;
    while let Some(&state) = states.found.get(done) {
        for (byte, column) in (0..=u8::MAX).zip(&mut table) {
            column.push(states.number(dfa.next_state(state, byte))?);
        }
        table.last_mut()?.push(states.number(dfa.next_eoi_state(state))?);
        done += 1;
    }
    let mut different: Vec<&[u16]> = Vec::new();
    let (end, of_bytes) = table.split_last()?;
    let mut out = Vec::new();
    for column in of_bytes {
        let known = different.iter().position(|known| known == column).unwrap_or(different.len());
        if known == different.len() {
            different.push(column);
        }
        out.push(u8::try_from(known).ok()?);
    }
    different.push(end);
    out.extend_from_slice(&u16::try_from(different.len()).ok()?.to_le_bytes());
    for state in 0..done {
        out.extend(different.iter().flat_map(|column| column.get(state).copied().unwrap_or(DEAD).to_le_bytes()));
    }
    Some(out)
}

/// Numbers for the states that can be reached.
struct States<'d> {
    dfa: &'d dense::DFA<Vec<u32>>,
    numbers: HashMap<StateID, u16>,
    /// Those with a row, by their number less [`START`].
    found: Vec<StateID>,
}

impl States<'_> {
    fn number(&mut self, state: StateID) -> Option<u16> {
        match state {
            _ if self.dfa.is_quit_state(state) => return None,
            _ if self.dfa.is_dead_state(state) => return Some(DEAD),
            _ if self.dfa.is_match_state(state) => return Some(MATCH),
            _ => {}
        }
        if let Some(&known) = self.numbers.get(&state) {
            return Some(known);
        }
        let number = u16::try_from(self.found.len()).ok()?.checked_add(START)?;
        self.numbers.insert(state, number);
        self.found.push(state);
        Some(number)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use regex_automata::meta;
    use regex_automata::util::syntax;

    use super::*;

    fn automaton(source: &str) -> Vec<u8> {
        let syntax = syntax::Config::new().unicode(false).utf8(false);
        bytes_of(&dense::Builder::new().syntax(syntax).build(source).unwrap()).unwrap()
    }

    #[test]
    fn beginnings_and_ends() {
        for (source, yes, no) in [
            ("^ab", "abc", "cab"),
            ("ab$", "cab", "abc"),
            (r"\bab\b", "c.ab.c", "cab"),
            (r"a\b", "ca", "ab"),
            ("a[^b]+c", "abbaxc", "abc"),
        ] {
            let automaton = automaton(source);
            assert!(matches(&automaton, yes.as_bytes()), "{source} {yes}");
            assert!(!matches(&automaton, no.as_bytes()), "{source} {no}");
        }
        assert!(!matches(&[], b"a"));
    }

    proptest! {
        #[test]
        fn finds_what_the_engine_finds(
            source in "[\\^]?([ab]{1,2}|[ab]+|(a|bc|[^a])|\\\\b|[ab]\\{1,3\\}|\\.\\*){1,5}\\$?",
            text in prop::collection::vec(prop_oneof![Just(b'a'), Just(b'b'), Just(b'.'), any::<u8>()], 0..12),
        ) {
            let syntax = syntax::Config::new().unicode(false).utf8(false);
            let built = meta::Builder::new()
                .syntax(syntax)
                .configure(meta::Config::new().utf8_empty(false))
                .build(&source);
            if let Ok(engine) = built
                && !engine.is_match(b"")
            {
                prop_assert_eq!(matches(&automaton(&source), &text), engine.is_match(&text), "{}", source);
            }
        }

        #[test]
        fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..600), text in prop::collection::vec(any::<u8>(), 0..40)) {
            matches(&bytes, &text);
            let mut damaged = automaton("a[^b]+c|b{3,9}");
            let room = damaged.len();
            for (at, byte) in bytes.iter().enumerate() {
                damaged[at * 7 % room] = *byte;
            }
            matches(&damaged, &text);
        }
    }
}
