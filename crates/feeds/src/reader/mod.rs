//! From the bytes of a feed to rows: one file for each format.
//!
//! A reader knows no feed and no indicator: it finds the texts that may be indicators, and what the feed says of each.
//! It reads within limits, and never fails on the content of a record: what is not as it should be gives no row and is
//! counted, or gives a row that is refused later. A document (JSON) that is none is an error, because what it was to
//! hold is not there.

use std::io::{self, BufRead};

use jiff::Timestamp;
use serde::Deserialize;

mod bounded;
pub mod csv;
pub mod filter;
pub mod hosts;
pub mod json;
pub mod lines;
pub mod misp;
pub mod regex;
pub mod rpz;
pub mod stix;
mod stix_pattern;
pub mod suricata;
mod trails;
pub mod tree;
mod unpack;
pub mod zeek;

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
    /// Records of columns.
    Csv(csv::Csv),
    /// What an expression finds.
    Regex(regex::Regex),
    /// A JSON document, or one a line.
    Json(json::Json),
    /// Events of MISP, listed in a manifest.
    Misp(misp::Misp),
    /// A STIX bundle.
    Stix(stix::Stix),
    /// A hosts file.
    Hosts(hosts::Hosts),
    /// A response policy zone.
    Rpz(rpz::Rpz),
    /// Rules of Suricata.
    Suricata(suricata::Suricata),
    /// Zeek intelligence.
    Zeek(zeek::Zeek),
    /// A tar archive of a tree of trail files.
    Tree(tree::Tree),
}

impl Format {
    /// Whether what it reads may be a page for people.
    #[must_use]
    pub fn of_pages(&self) -> bool {
        matches!(self, Format::Regex(_))
    }

    /// What is wrong with the settings of a format.
    pub(crate) fn problem(&self) -> Option<String> {
        match self {
            Format::Csv(csv) => csv.problem(),
            Format::Json(json) => json.problem(),
            Format::Regex(regex) => regex.problem(),
            Format::Suricata(rules) => rules.problem(),
            Format::Misp(misp) => misp.problem(),
            Format::Lines(lines) => lines.problem(),
            Format::Trails
            | Format::Stix(_)
            | Format::Hosts(_)
            | Format::Rpz(_)
            | Format::Zeek(_)
            | Format::Tree(_) => None,
        }
    }
}

/// What was passed over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Passed {
    /// Lines or values that are too long, and what is more than a list may hold.
    pub long: u64,
    /// Lines or values that are no UTF-8.
    pub encoding: u64,
    /// Records that are not of the format.
    pub malformed: u64,
}

/// Reads a feed, also one that is in a zip archive; `sink` takes its rows in order. What its feed says is over at `now` gives none.
///
/// # Errors
/// Reading failed, or a format that is one document (JSON) is none.
pub fn read(
    format: &Format,
    now: Timestamp,
    body: &mut dyn BufRead,
    sink: &mut dyn FnMut(Row<'_>),
) -> io::Result<Passed> {
    let mut body = unpack::unpacked(body)?;
    let body = &mut *body;
    match format {
        Format::Lines(lines) => lines.read(body, sink),
        Format::Trails => trails::read(body, sink),
        Format::Csv(csv) => csv.read(body, sink),
        Format::Regex(regex) => regex.read(body, sink),
        Format::Json(json) => json.read(body, sink),
        Format::Misp(misp) => misp.read(body, sink),
        Format::Stix(stix) => stix.read(now, body, sink),
        Format::Hosts(hosts) => hosts.read(body, sink),
        Format::Rpz(rpz) => rpz.read(body, sink),
        Format::Suricata(rules) => rules.read(body, sink),
        Format::Zeek(zeek) => zeek.read(body, sink),
        Format::Tree(tree) => tree.read(body, sink),
    }
}

#[cfg(test)]
mod tests;
