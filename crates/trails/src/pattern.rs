//! Patterns of names: regular expressions, which the store file holds as ready automata.
//!
//! Each pattern has its own automaton: one of all would multiply their states. A text that every match of a
//! pattern holds (its *clue*) decides which automata are run at all, so that an ordinary name costs one pass.

use std::cmp::Reverse;
use std::ops::Range;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use regex_automata::Input;
use regex_automata::dfa::{Automaton as _, StartKind, dense};
use regex_automata::nfa::thompson;
use regex_automata::util::syntax;
use regex_syntax::hir::literal::{ExtractKind, Extractor};
use regex_syntax::hir::{Hir, HirKind};

use crate::automaton;
use crate::indicator::Why;
use crate::table::{put_varint, varint};

/// Largest automaton of one pattern, bytes.
const MAX_AUTOMATON: usize = 256 << 10;
/// Memory for compiling one, bytes.
const MAX_COMPILING: usize = 8 << 20;
/// Largest expression, bytes of its compiled form before it becomes an automaton.
const MAX_EXPRESSION: usize = 1 << 20;
/// Largest size of all automata together, bytes.
pub(crate) const MAX_ALL: usize = 8 << 20;
/// Most clues of one pattern; with more it is always run.
const MAX_CLUES: usize = 256;
/// Shortest clue worth looking for, bytes.
const MIN_CLUE: usize = 3;

/// Words of the filter of triples: 65,536 bits.
const TRIPLE_WORDS: usize = 1024;

/// A pattern as the file holds it.
pub(crate) struct Compiled {
    pub(crate) bytes: Vec<u8>,
}

/// All patterns of a store.
///
/// Their automata stay where they are: [`Patterns::find`] is given the bytes again.
pub(crate) struct Patterns {
    /// Where each automaton lies.
    automata: Vec<Range<usize>>,
    /// One bit for some three bytes of every clue.
    triples: Box<[u64; TRIPLE_WORDS]>,
    clues: Option<AhoCorasick>,
    /// The pattern of each clue.
    of_clue: Vec<usize>,
    /// Patterns without a clue.
    always: Vec<usize>,
}

/// The pattern as it is stored: count of clues, each with its length, length of the automaton, automaton.
///
/// # Errors
/// It does not compile, is too large, or matches everything.
pub(crate) fn compile(source: &str) -> Result<Compiled, Why> {
    let config = syntax::Config::new().unicode(false).utf8(false);
    // Names come in lower case, so the clues need one case only.
    let hir = syntax::parse_with(source, &config).map_err(|_| Why::PatternSyntax)?;
    let config = config.case_insensitive(true);
    let built = dense::Builder::new()
        .configure(
            dense::Config::new()
                .start_kind(StartKind::Unanchored)
                .dfa_size_limit(Some(MAX_AUTOMATON))
                .determinize_size_limit(Some(MAX_COMPILING)),
        )
        .syntax(config)
        .thompson(thompson::Config::new().utf8(false).nfa_size_limit(Some(MAX_EXPRESSION)))
        .build(source);
    let dfa =
        built.map_err(|error| if error.is_size_limit_exceeded() { Why::PatternSize } else { Why::PatternSyntax })?;
    if !matches!(dfa.try_search_fwd(&Input::new(b"")), Ok(None)) {
        return Err(Why::PatternMatchesAll);
    }
    let clues = clues(&hir);
    let mut bytes = Vec::new();
    let number = |length: usize| u32::try_from(length).map_err(|_| Why::PatternSize);
    put_varint(&mut bytes, number(clues.len())?);
    for clue in &clues {
        put_varint(&mut bytes, number(clue.len())?);
        bytes.extend_from_slice(clue);
    }
    let automaton = automaton::bytes_of(&dfa).ok_or(Why::PatternSize)?;
    put_varint(&mut bytes, number(automaton.len())?);
    bytes.extend_from_slice(&automaton);
    Ok(Compiled { bytes })
}

/// Lower-case texts of which every match holds one: how some part of the expression begins or ends, whichever
/// says most. Empty where nothing says enough.
fn clues(hir: &Hir) -> Vec<Vec<u8>> {
    let whole = std::slice::from_ref(hir);
    let parts = match hir.kind() {
        HirKind::Concat(parts) => parts.as_slice(),
        _ => whole,
    };
    let splits = (0..=parts.len()).filter_map(|at| parts.split_at_checked(at));
    let ends = splits.flat_map(|(before, after)| [texts(before, true), texts(after, false)]);
    let best = ends.flatten().max_by_key(|texts| (texts.iter().map(|text| weight(text)).min(), Reverse(texts.len())));
    best.unwrap_or_default()
}

/// How much a clue says: its length; but a top-level domain and `www.` are common.
fn weight(clue: &[u8]) -> usize {
    match clue.strip_prefix(b".") {
        Some(rest) if !rest.contains(&b'.') => 1,
        _ if clue == b"www." => 0,
        _ => clue.len(),
    }
}

/// The texts with which the parts end or begin, if there are not too many and none is too short.
fn texts(parts: &[Hir], suffix: bool) -> Option<Vec<Vec<u8>>> {
    let kind = if suffix { ExtractKind::Suffix } else { ExtractKind::Prefix };
    let joined = Hir::concat(parts.to_vec());
    let sequence = Extractor::new().kind(kind).limit_total(MAX_CLUES).limit_repeat(2).extract(&joined);
    let literals = sequence.literals()?;
    let mut texts: Vec<Vec<u8>> = literals.iter().map(|literal| literal.as_bytes().to_ascii_lowercase()).collect();
    texts.sort();
    texts.dedup();
    let enough = !texts.is_empty() && texts.iter().all(|text| text.len() >= MIN_CLUE);
    enough.then_some(texts)
}

impl Patterns {
    /// From the bytes of [`compile`], one after the other; `None` if they are damaged.
    pub(crate) fn from_bytes(all: &[u8]) -> Option<Self> {
        let mut bytes = all;
        let mut patterns = Self {
            automata: Vec::new(),
            triples: Box::new([0; TRIPLE_WORDS]),
            clues: None,
            of_clue: Vec::new(),
            always: Vec::new(),
        };
        let mut clues = Vec::new();
        while !bytes.is_empty() {
            let number = patterns.automata.len();
            let (count, rest) = varint(bytes)?;
            bytes = rest;
            let first = clues.len();
            for _ in 0..count {
                clues.push(part(&mut bytes).filter(|clue| clue.len() >= MIN_CLUE)?);
                patterns.of_clue.push(number);
            }
            patterns.note_triples(clues.get(first..)?);
            if count == 0 {
                patterns.always.push(number);
            }
            let automaton = part(&mut bytes)?;
            let end = all.len() - bytes.len();
            patterns.automata.push(end - automaton.len()..end);
        }
        if !clues.is_empty() {
            let mut builder = AhoCorasick::builder();
            builder.kind(Some(AhoCorasickKind::ContiguousNFA)).match_kind(MatchKind::Standard);
            patterns.clues = Some(builder.build(clues).ok()?);
        }
        Some(patterns)
    }

    /// Marks three bytes of each clue of a pattern, all at the same distance from the beginning or the end: where
    /// they are fewest, and rather not in a top-level domain, which many names have.
    fn note_triples(&mut self, clues: &[&[u8]]) {
        const COMMON: usize = 64;
        let shortest = clues.iter().map(|clue| clue.len()).min().unwrap_or(0);
        let distances = 0..=shortest.saturating_sub(MIN_CLUE);
        let places = distances.flat_map(|distance| [(distance, false), (distance, true)]);
        let choices = places.map(|(distance, from_end)| {
            let mut triples: Vec<(usize, &[u8])> = Vec::new();
            for clue in clues {
                let start = if from_end { clue.len() - MIN_CLUE - distance } else { distance };
                let domain = clue.iter().rposition(|&byte| byte == b'.');
                let cost = if domain.is_some_and(|dot| start + MIN_CLUE > dot) { COMMON } else { 1 };
                triples.push((cost, clue.get(start..start + MIN_CLUE).unwrap_or_default()));
            }
            triples.sort_unstable();
            triples.dedup();
            triples
        });
        let best = choices.min_by_key(|triples| triples.iter().map(|(cost, _)| cost).sum::<usize>());
        for (_, triple) in best.unwrap_or_default() {
            let bit = bit_of(triple.iter().fold(0, triple_of));
            if let Some(word) = self.triples.get_mut(bit / 64) {
                *word |= 1 << (bit % 64);
            }
        }
    }

    /// Whether the name may hold a clue.
    #[inline]
    fn may_hold_clue(&self, name: &[u8]) -> bool {
        let mut triple = 0;
        name.iter().any(|byte| {
            triple = triple_of(triple, byte);
            let bit = bit_of(triple);
            self.triples.get(bit / 64).is_some_and(|word| word >> (bit % 64) & 1 == 1)
        })
    }

    /// Number of a pattern that matches the name (lower case). `bytes` are those the patterns came from.
    pub(crate) fn find(&self, bytes: &[u8], name: &[u8]) -> Option<usize> {
        let matches = |number: usize| {
            let automaton = bytes.get(self.automata.get(number)?.clone())?;
            automaton::matches(automaton, name).then_some(number)
        };
        if let Some(clues) = self.clues.as_ref().filter(|_| self.may_hold_clue(name)) {
            let candidates = clues.find_overlapping_iter(name);
            let found = candidates.filter_map(|clue| matches(*self.of_clue.get(clue.pattern().as_usize())?)).next();
            if found.is_some() {
                return found;
            }
        }
        self.always.iter().copied().find_map(matches)
    }
}

/// The last three bytes of a text that goes on with `byte`.
#[inline]
fn triple_of(triple: u32, byte: &u8) -> u32 {
    (triple << 8 | u32::from(*byte)) & 0x00ff_ffff
}

/// Place of a triple among the 65,536 bits.
#[inline]
fn bit_of(triple: u32) -> usize {
    (triple.wrapping_mul(0x9e37_79b1) >> 16) as usize
}

/// A length and as many bytes.
fn part<'b>(bytes: &mut &'b [u8]) -> Option<&'b [u8]> {
    let (length, rest) = varint(bytes)?;
    let (part, rest) = rest.split_at_checked(length as usize)?;
    *bytes = rest;
    Some(part)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bytes(sources: &[&str]) -> Vec<u8> {
        sources.iter().flat_map(|source| compile(source).unwrap().bytes).collect()
    }

    #[test]
    fn finds_which() {
        let bytes = bytes(&[
            r"q(l|r)[0-9]{5,6}\.example",
            r"\b(a|b)[0-9a-z]+\.(world|test)$",
            "[0-9]{3}[a-z]$",
            r"^leboncoin\-[a-z]{1,3}\.(com|info)$",
        ]);
        let patterns = Patterns::from_bytes(&bytes).unwrap();
        assert_eq!(patterns.find(&bytes, b"www.ql12345.example"), Some(0));
        assert_eq!(patterns.find(&bytes, b"x.a1.world"), Some(1));
        assert_eq!(patterns.find(&bytes, b"x.c1.world"), None);
        assert_eq!(patterns.find(&bytes, b"x.123e"), Some(2), "without a clue");
        assert_eq!(patterns.find(&bytes, b"leboncoin-ab.com"), Some(3));
        assert_eq!(patterns.find(&bytes, b"x.leboncoin-ab.com"), None);
        assert_eq!(patterns.always, [2]);
    }

    #[test]
    fn refuses() {
        let why = |source| compile(source).err();
        assert_eq!(why("(a"), Some(Why::PatternSyntax));
        assert_eq!(why(".*"), Some(Why::PatternMatchesAll));
        assert_eq!(why("[a-z]{1,1000}.{1000}x"), Some(Why::PatternSize));
    }

    proptest! {
        #[test]
        fn clues_hide_no_match(source in "[ab]{1,3}(\\[ab\\])?(c\\|d)?[ab]{0,2}(\\{1,2\\})?", name in "[a-d]{1,10}") {
            let alone = regex_automata::meta::Builder::new()
                .syntax(syntax::Config::new().unicode(false).utf8(false).case_insensitive(true))
                .build(&source);
            if let (Ok(alone), Ok(compiled)) = (alone, compile(&source)) {
                let patterns = Patterns::from_bytes(&compiled.bytes).unwrap();
                prop_assert_eq!(patterns.find(&compiled.bytes, name.as_bytes()).is_some(), alone.is_match(name.as_bytes()));
            }
        }
    }
}
