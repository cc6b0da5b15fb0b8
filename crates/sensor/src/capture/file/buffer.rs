//! One reused buffer between a source of bytes and the formats.

use std::io::{self, Read};

use super::{Damage, DamageKind, MAX_RECORD};

/// Bytes asked for at once.
const CHUNK: usize = 1 << 20;

/// A window of the source's bytes that slides forward.
pub(super) struct Buffer {
    source: Box<dyn Read + Send>,
    data: Vec<u8>,
    start: usize,
    end: usize,
    /// Offset of `data[0]` in the source.
    base: u64,
    ended: bool,
    failure: Option<io::Error>,
}

impl Buffer {
    pub(super) fn new(source: Box<dyn Read + Send>) -> Self {
        Buffer { source, data: vec![0; CHUNK], start: 0, end: 0, base: 0, ended: false, failure: None }
    }

    /// Whether `length` bytes are there, reading more where they are not.
    #[inline]
    pub(super) fn have(&mut self, length: usize) -> bool {
        self.end - self.start >= length || self.fill(length)
    }

    #[cold]
    fn fill(&mut self, length: usize) -> bool {
        if length > MAX_RECORD {
            return false;
        }
        self.data.copy_within(self.start..self.end, 0);
        self.base += self.start as u64;
        self.end -= self.start;
        self.start = 0;
        if self.data.len() < length {
            self.data.resize(length, 0);
        }
        while self.end < length && !self.ended {
            let free = self.data.get_mut(self.end..).unwrap_or_default();
            match self.source.read(free) {
                Ok(0) => self.ended = true,
                Ok(n) => self.end += n.min(free.len()),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => {
                    self.failure = Some(e);
                    self.ended = true;
                }
            }
        }
        self.end >= length
    }

    /// What is there.
    #[inline]
    pub(super) fn peek(&self) -> &[u8] {
        self.data.get(self.start..self.end).unwrap_or_default()
    }

    /// Takes records from the beginning of what is there, as long as `record` finds one: its length, and what it is.
    /// Before `take` has it, it is done with.
    #[inline(always)]
    pub(super) fn consume_while<'b, T>(
        &'b mut self,
        record: impl Fn(&'b [u8]) -> Option<(usize, T)>,
        mut take: impl FnMut(T) -> bool,
    ) {
        let Buffer { data, start, end, .. } = self;
        let mut rest = data.get(*start..*end).unwrap_or_default();
        while let Some((length, found)) = record(rest)
            && let Some(after) = rest.get(length..)
        {
            rest = after;
            *start = *end - rest.len();
            if !take(found) {
                break;
            }
        }
    }

    /// Is done with `total` bytes and gives those of them from `start` on.
    #[inline]
    pub(super) fn consume(&mut self, start: usize, length: usize, total: usize) -> &[u8] {
        let from = self.start + start;
        self.skip(total);
        self.data.get(from..from + length).unwrap_or_default()
    }

    /// Is done with bytes.
    #[inline]
    pub(super) fn skip(&mut self, length: usize) {
        self.start = (self.start + length).min(self.end);
    }

    /// Damage here: the source's own failure if it had one.
    #[cold]
    pub(super) fn damage(&mut self, kind: DamageKind) -> Damage {
        match (&kind, self.failed()) {
            (DamageKind::Cut, Some(failure)) => failure,
            _ => Damage { offset: self.base + self.start as u64, kind },
        }
    }

    /// Why the source stopped giving bytes, if it was not its end.
    pub(super) fn failed(&mut self) -> Option<Damage> {
        let error = self.failure.take()?;
        Some(Damage { offset: self.base + self.end as u64, kind: error.into() })
    }

    /// The same as the source said it.
    pub(super) fn failure(&mut self) -> Option<io::Error> {
        self.failure.take()
    }

    /// Whether the end is a clean one.
    pub(super) fn finished(&mut self) -> Result<(), Damage> {
        self.failed().map_or(Ok(()), Err)
    }
}

impl Read for Buffer {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.peek().is_empty() && !self.have(1) {
            return self.failure.take().map_or(Ok(0), Err);
        }
        let n = self.peek().read(into)?;
        self.skip(n);
        Ok(n)
    }
}

/// A 32-bit word in the byte order of the file; 0 past the end, which callers rule out by `have`.
#[inline]
pub(super) fn word(bytes: &[u8], at: usize, big: bool) -> u32 {
    let word = bytes.get(at..at + 4).and_then(|b| b.try_into().ok()).map_or(0, u32::from_le_bytes);
    if big { word.swap_bytes() } else { word }
}

/// A 16-bit word likewise.
#[inline]
pub(super) fn half(bytes: &[u8], at: usize, big: bool) -> u16 {
    let half = bytes.get(at..at + 2).and_then(|b| b.try_into().ok()).map_or(0, u16::from_le_bytes);
    if big { half.swap_bytes() } else { half }
}
