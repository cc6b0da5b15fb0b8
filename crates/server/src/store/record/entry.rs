//! A line of the server's own journal: an event's line, and behind its fields what came with it.
//!
//! ```text
//! {"v":1,"id":...,"batch":"gw-hq/17","part":[3,1000],"line":"\"2026-01-02 ..."}
//! ```
//!
//! `part` is the place of the event in its batch and the number of events that were taken of it: a batch is whole when
//! as many of its places stand in the files. `line` is what a foreign program wrote. Readers of events pass over both.

use event::journal::{self, JournalError};
use memchr::memmem;
use serde::Deserialize;

use crate::store::Stored;

/// Where an event stood in its batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Part {
    /// Its place, from 0.
    pub(super) place: u32,
    /// Events of the batch that were taken.
    pub(super) of: u32,
}

#[derive(Default, Deserialize)]
struct More {
    part: Option<(u32, u32)>,
    line: Option<Box<str>>,
}

/// Fields that [`write()`] adds. A quote in a value is escaped, so that these bytes stand nowhere else.
const PART: &str = ",\"part\":[";
const LINE: &str = ",\"line\":\"";
const BATCH: &str = ",\"batch\":\"";

/// Appends the line, with its end.
pub(super) fn write(stored: &Stored, part: Option<Part>, out: &mut Vec<u8>) -> Result<(), JournalError> {
    let event = journal::to_line(&stored.event)?;
    out.extend_from_slice(event.strip_suffix('}').unwrap_or(&event).as_bytes());
    if let Some(Part { place, of }) = part {
        out.extend_from_slice(format!("{PART}{place},{of}]").as_bytes());
    }
    if let Some(line) = &stored.line {
        out.extend_from_slice(b",\"line\":");
        out.extend_from_slice(serde_json::to_string(line)?.as_bytes());
    }
    out.extend_from_slice(b"}\n");
    Ok(())
}

/// Reads a line of any journal.
pub(super) fn read(line: &str) -> Result<Stored, JournalError> {
    let event = journal::parse(line)?;
    Ok(Stored { event, line: more(line).line })
}

/// What stands behind the event's fields.
fn more(line: &str) -> More {
    let start =
        memmem::find(line.as_bytes(), PART.as_bytes()).or_else(|| memmem::find(line.as_bytes(), LINE.as_bytes()));
    let fields = start.and_then(|start| line.get(start + 1..));
    fields.and_then(|fields| serde_json::from_str(&format!("{{{fields}")).ok()).unwrap_or_default()
}

/// The batch of a line and the place in it; none for events that came without one.
pub(super) fn batch(line: &str) -> Option<(String, Part)> {
    let (place, of) = more(line).part?;
    let at = memmem::rfind(line.as_bytes(), BATCH.as_bytes())?;
    let text = line.get(at + BATCH.len() - 1..)?;
    let id = serde_json::Deserializer::from_str(text).into_iter::<String>().next()?.ok()?;
    Some((id, Part { place, of }))
}

#[cfg(test)]
mod tests {
    use super::super::sample::stored;
    use super::*;

    #[test]
    fn nothing_is_lost() {
        for line in [None, Some("x \"y\"\\ ,\"part\":[1,2],\"batch\":\"z\" \u{10ffff}")] {
            for part in [None, Some(Part { place: 3, of: 1000 })] {
                let mut stored = stored(1);
                stored.line = line.map(Into::into);
                stored.event.info = ",\"line\":\"x\",\"part\":[7,8]".into();
                stored.event.batch = if part.is_some() { "gw \"1\"/\u{1}".into() } else { String::new() };
                let mut bytes = Vec::new();
                write(&stored, part, &mut bytes).unwrap();
                let text = String::from_utf8(bytes).unwrap();
                let text = text.strip_suffix('\n').unwrap();
                assert!(!text.contains('\n'));
                assert_eq!(read(text).unwrap(), stored);
                assert_eq!(journal::parse(text).unwrap(), stored.event);
                assert_eq!(batch(text), part.map(|part| (stored.event.batch.clone(), part)));
            }
        }
        let plain = journal::to_line(&stored(2).event).unwrap();
        assert_eq!(read(&plain).unwrap(), stored(2));
        assert_eq!(batch(&plain), None);
    }
}
