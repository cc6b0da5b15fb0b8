//! Whether what was fetched is the feed that it was: else its last good copy is used.

use std::io;

use jiff::Timestamp;
use memchr::memmem;
use trails::Indicator;

use crate::copies::{Piece, Shelf};
use crate::spec::Spec;

/// Bytes at the beginning of an answer that are looked at for a page.
const HEAD: usize = 512;

/// What a copy holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Content {
    /// Rows that are what the feed lists.
    pub rows: u64,
    /// Rows that are something else.
    pub other: u64,
}

/// Why a feed is refused.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// A page for people.
    #[error("it is an HTML page")]
    Page,
    /// The text that must be in it is not.
    #[error("{0:?} is not in it")]
    Lacks(String),
    /// Not enough.
    #[error("it has {rows} rows, and had {before}: fewer than {least} are not believed")]
    Few {
        /// Rows.
        rows: u64,
        /// In the last good copy.
        before: u64,
        /// That must be there.
        least: u64,
    },
    /// Too much.
    #[error("it has {rows} rows, more than {most}")]
    Many {
        /// Rows.
        rows: u64,
        /// That may be there.
        most: u64,
    },
    /// Something else.
    #[error("of {all} rows only {rows} are what it lists")]
    Other {
        /// Rows that are.
        rows: u64,
        /// All rows.
        all: u64,
    },
    /// It cannot be read, or is too large.
    #[error("it cannot be read: {0}")]
    Read(#[from] io::Error),
}

/// What a copy is judged by besides itself.
#[derive(Clone, Copy, Debug)]
pub struct Past {
    /// Rows of the last good copy.
    pub rows: u64,
    /// When the copy was fetched.
    pub now: Timestamp,
}

/// Reads all of a copy and decides.
///
/// # Errors
/// It is not to be used.
pub fn judge(spec: &Spec, shelf: &Shelf, pieces: &[Piece], past: Past) -> Result<Content, Refusal> {
    let guard = &spec.guard;
    let mut content = Content::default();
    let mut found = guard.contains.is_none();
    for piece in pieces {
        let (page, has) = look(spec, shelf, piece)?;
        if page && !spec.read.of_pages() {
            return Err(Refusal::Page);
        }
        found |= has;
        let mut scratch = String::new();
        let mut body = shelf.read(piece, guard.max_bytes)?;
        spec.rows(past.now, &mut *body, &mut |row| {
            let taken = Indicator::parse(row.text, &mut scratch).is_ok_and(|indicator| spec.takes(&indicator));
            *(if taken { &mut content.rows } else { &mut content.other }) += 1;
        })?;
    }
    let Content { rows, other } = content;
    let before = past.rows;
    if let (false, Some(text)) = (found, &guard.contains) {
        return Err(Refusal::Lacks(text.clone()));
    }
    let least = guard.min_rows.max(part_of(before, guard.min_ratio));
    if rows < part_of(rows + other, guard.min_valid) {
        return Err(Refusal::Other { rows, all: rows + other });
    }
    if rows < least {
        return Err(Refusal::Few { rows, before, least });
    }
    if rows > guard.max_rows {
        return Err(Refusal::Many { rows, most: guard.max_rows });
    }
    Ok(content)
}

#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)] // Rows, and a part of them.
fn part_of(rows: u64, ratio: f64) -> u64 {
    (rows as f64 * ratio).ceil() as u64
}

/// Whether a file begins as a page does, and whether the text of the guard is in it.
fn look(spec: &Spec, shelf: &Shelf, piece: &Piece) -> io::Result<(bool, bool)> {
    let mut body = shelf.read(piece, spec.guard.max_bytes)?;
    let head = body.fill_buf()?;
    let head = head.get(..HEAD.min(head.len())).unwrap_or_default();
    let head = String::from_utf8_lossy(head).trim_start().to_ascii_lowercase();
    let page = head.starts_with("<!doctype html") || head.starts_with("<html");
    let Some(text) = &spec.guard.contains else { return Ok((page, true)) };
    let finder = memmem::Finder::new(text);
    let mut held: Vec<u8> = Vec::new();
    loop {
        let buffer = body.fill_buf()?;
        if buffer.is_empty() {
            return Ok((page, false));
        }
        held.extend_from_slice(buffer);
        let used = buffer.len();
        if finder.find(&held).is_some() {
            return Ok((page, true));
        }
        body.consume(used);
        // Its beginning may be at the end of what was read.
        let keep = held.len().saturating_sub(text.len());
        held.drain(..keep);
    }
}
