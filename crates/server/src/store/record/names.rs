//! Which files of the log directory are records, by their names.

use event::import::MAX_LINE;
use event::observable;
use jiff::civil::Date;

use crate::store::SourceId;

/// Bytes of a journal's line at most: an event's memory limit, every byte escaped.
const MAX_JOURNAL_LINE: usize = 8 * 1024 * 1024;

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Form {
    /// Text lines of a local day.
    Text,
    /// Journal of a sensor on this machine, of a UTC day.
    Events,
    /// The server's own journal, of a UTC day.
    Received,
    /// Observables of a sensor on this machine, of a UTC day. No record of events.
    Observables,
}

impl Form {
    /// A word for reports and ids.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Form::Text => "text",
            Form::Events => "events",
            Form::Received => "received",
            Form::Observables => "observables",
        }
    }

    /// Bytes of its longest line.
    pub(super) fn max_line(self) -> usize {
        match self {
            Form::Text => MAX_LINE,
            Form::Events | Form::Received => MAX_JOURNAL_LINE,
            Form::Observables => observable::MAX_LINE,
        }
    }
}

/// How a file is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packing {
    Plain,
    Gzip,
    Zstd,
}

/// What a name says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FileName {
    pub(super) form: Form,
    pub(super) day: Date,
    pub(super) packing: Packing,
    /// `.1`, `.2` ...: the higher, the older; 0 for the file that is written.
    pub(super) rotation: u64,
}

/// Reads `events-YYYY-MM-DD.jsonl`, `received-YYYY-MM-DD.jsonl`, `observables-YYYY-MM-DD.jsonl` and `YYYY-MM-DD.log`,
/// rotated (`.1`, `-20261121`) and packed (`.gz`, `.zst`).
pub(super) fn parse(name: &str) -> Option<FileName> {
    let (plain, packing) = match name.rsplit_once('.') {
        Some((plain, "gz")) => (plain, Packing::Gzip),
        Some((plain, "zst")) => (plain, Packing::Zstd),
        _ => (name, Packing::Plain),
    };
    let (form, rest) = match plain.split_once('-') {
        Some(("events", rest)) => (Form::Events, rest),
        Some(("received", rest)) => (Form::Received, rest),
        Some(("observables", rest)) => (Form::Observables, rest),
        _ => (Form::Text, plain),
    };
    let (day, rest) = rest.split_at_checked(10)?;
    let suffix = rest.strip_prefix(if form == Form::Text { ".log" } else { ".jsonl" })?;
    let rotation = match suffix.strip_prefix(['.', '-']) {
        Some(digits) if digits.len() <= 16 && digits.bytes().all(|b| b.is_ascii_digit()) => digits.parse().ok()?,
        None if suffix.is_empty() => 0,
        _ => return None,
    };
    Some(FileName { form, day: day.parse().ok()?, packing, rotation })
}

/// Form and day of the file that a source is of.
pub(super) fn of_source(id: &SourceId) -> Option<(Form, Date)> {
    let (form, rest) = id.0.split_once('-')?;
    let forms = [Form::Text, Form::Events, Form::Received, Form::Observables];
    Some((forms.into_iter().find(|known| known.name() == form)?, rest.get(..10)?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for (name, form, packing, rotation) in [
            ("2026-11-20.log", Form::Text, Packing::Plain, 0),
            ("2026-11-20.log.gz", Form::Text, Packing::Gzip, 0),
            ("2026-11-20.log.2.gz", Form::Text, Packing::Gzip, 2),
            ("2026-11-20.log-20261121", Form::Text, Packing::Plain, 20_261_121),
            ("2026-11-20.log.1.zst", Form::Text, Packing::Zstd, 1),
            ("events-2026-11-20.jsonl", Form::Events, Packing::Plain, 0),
            ("received-2026-11-20.jsonl.zst", Form::Received, Packing::Zstd, 0),
            ("observables-2026-11-20.jsonl.1", Form::Observables, Packing::Plain, 1),
        ] {
            let day = "2026-11-20".parse().unwrap();
            assert_eq!(parse(name), Some(FileName { form, day, packing, rotation }), "{name}");
        }
        for name in [
            "",
            "x",
            "error.log",
            "2026-11-20",
            "2026-11-20.log.old",
            "2026-13-20.log",
            "2026-11-20.jsonl",
            "events-2026-11-20.log",
            "2026-11-20.log.",
            "20261120xx.log",
            "\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}.log",
            "2026-11-20.log.gz.gz",
            ".2026-11-20.log.swp",
        ] {
            assert_eq!(parse(name), None, "{name}");
        }
    }

    #[test]
    fn files_of_sources() {
        let day = "2026-11-20".parse().unwrap();
        for (id, form) in [("events-2026-11-20-0011", Form::Events), ("text-2026-11-20-ff~7", Form::Text)] {
            assert_eq!(of_source(&SourceId(id.into())), Some((form, day)), "{id}");
        }
        for id in ["", "x", "events-", "other-2026-11-20-00", "text-2026-13-20-00"] {
            assert_eq!(of_source(&SourceId(id.into())), None, "{id}");
        }
    }
}
