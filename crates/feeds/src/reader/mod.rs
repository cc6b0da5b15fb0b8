//! From the bytes of a feed to rows: one file for each format.
//!
//! A reader knows no feed and no indicator: it finds the texts that may be indicators, and what the feed says of each.
//! It reads a stream, within limits, and never fails on content: what is not as it should be gives no row, or a row
//! that is refused later and counted.

use std::io::{self, BufRead};

use serde::Deserialize;

pub mod lines;
mod trails;

/// Longest line or value that is read, bytes; what is longer is passed over and counted.
pub const MAX_VALUE: usize = 64 * 1024;

/// What a feed says of one thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row<'a> {
    /// What may be an indicator, as it stands there.
    pub text: &'a str,
    /// What it says of it: a malware family, a tag.
    pub info: Option<&'a str>,
    /// Whose list names it, where that is not the feed itself.
    pub reference: Option<&'a str>,
    /// By how many lists it is named, where a feed joins several.
    pub lists: Option<u32>,
    /// Where it stands: line or record, from 1.
    pub line: u64,
}

/// How a feed is read.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(tag = "format", rename_all = "lowercase")]
pub enum Format {
    /// A text a line.
    Lines(lines::Lines),
    /// Rows of trail, info, reference.
    Trails,
}

impl Format {
    /// Whether what it reads may be a page for people.
    pub(crate) fn of_pages(&self) -> bool {
        match self {
            Format::Lines(_) | Format::Trails => false,
        }
    }

    /// What is wrong with the settings of a format.
    pub(crate) fn problem(&self) -> Option<String> {
        match self {
            Format::Lines(_) | Format::Trails => None,
        }
    }
}

/// What was passed over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Passed {
    /// Lines or values that are too long.
    pub long: u64,
    /// Lines or values that are no UTF-8.
    pub encoding: u64,
    /// Records that are not of the format.
    pub malformed: u64,
}

/// Reads a feed; `sink` takes its rows in order.
///
/// # Errors
/// Reading failed, or a format that is one document (JSON) is none.
pub fn read(format: &Format, body: &mut dyn BufRead, sink: &mut dyn FnMut(Row<'_>)) -> io::Result<Passed> {
    match format {
        Format::Lines(lines) => lines.read(body, sink),
        Format::Trails => trails::read(body, sink),
    }
}
