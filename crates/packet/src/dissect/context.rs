//! What parsers of one direction's bytes have in common.

use crate::{Anomalies, Fact, Flow, Sink};

/// What a stream parser made of the bytes from a message's beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// So many bytes are done with; another message may begin right there.
    Used(usize),
    /// It is this protocol, but not whole: ask again with the same bytes and more.
    More,
    /// Nothing further of this direction is of interest.
    Done,
    /// Not this protocol.
    No,
}

/// What a parser is called with besides the bytes.
pub(crate) struct Context<'c, S> {
    /// Direction in which the bytes went.
    pub(crate) flow: &'c Flow,
    /// No more bytes will come: use what there is instead of asking for more.
    pub(crate) last: bool,
    /// So many of the bytes were read before and what was whole in them was handed over.
    pub(crate) seen: usize,
    pub(crate) anomalies: &'c mut Anomalies,
    pub(crate) sink: &'c mut S,
}

impl<S: Sink> Context<'_, S> {
    pub(crate) fn emit(&mut self, fact: Fact<'_>) {
        self.sink.fact(self.flow, fact);
    }
}

/// How bytes compare with a fixed beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Beginning {
    /// They start with all of it.
    Whole,
    /// They end within it.
    Part,
    /// They differ.
    No,
}

/// Compares with `pattern`, without regard to case.
#[inline]
pub(crate) fn begins(bytes: &[u8], pattern: &[u8]) -> Beginning {
    if let (Some(mine), Some(theirs)) = (bytes.first(), pattern.first())
        && !mine.eq_ignore_ascii_case(theirs)
    {
        return Beginning::No;
    }
    let length = bytes.len().min(pattern.len());
    match (bytes.get(..length), pattern.get(..length)) {
        (Some(mine), Some(theirs)) if mine.eq_ignore_ascii_case(theirs) => {
            if length == pattern.len() {
                Beginning::Whole
            } else {
                Beginning::Part
            }
        }
        _ => Beginning::No,
    }
}
