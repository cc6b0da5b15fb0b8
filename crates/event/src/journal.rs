//! The journal's line: one JSON object, nothing lost.
//!
//! `parse(&to_line(&event)) == event` for every event. Fields stand in the order of [`Event`]'s declaration behind
//! `v`, the version of the schema; absent ones are left out. Readers pass over fields they do not know, so that a
//! field may be added without a new version; a version stands for a change of meaning.

use serde::Deserialize;

use crate::Event;

/// Version of the schema that [`to_line`] writes.
pub const VERSION: u16 = 1;

/// Why a line is no event.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// No JSON, or not with the fields of an event.
    #[error("not an event of the journal: {0}")]
    Malformed(#[from] serde_json::Error),
    /// Written by a newer program.
    #[error("written with version {found} of the journal; this program reads up to {VERSION}")]
    Version {
        /// Its version.
        found: u16,
    },
}

/// How [`to_line`] begins a line: such a one need not be read twice.
const THIS_VERSION: &str = "{\"v\":1,";

#[derive(Deserialize)]
struct Versioned {
    v: u16,
}

/// The event as one line of JSON, without a line end.
///
/// # Errors
/// None in practice: an event has no part that JSON cannot hold.
pub fn to_line(event: &Event) -> Result<String, JournalError> {
    let json = serde_json::to_string(event)?;
    let fields = json.strip_prefix('{').unwrap_or(&json);
    Ok(format!("{{\"v\":{VERSION},{fields}"))
}

/// Reads a line back.
///
/// # Errors
/// It is no event, or one of a newer version.
pub fn parse(line: &str) -> Result<Event, JournalError> {
    let v = match line.strip_prefix(THIS_VERSION) {
        Some(_) => VERSION,
        None => serde_json::from_str::<Versioned>(line)?.v,
    };
    if v > VERSION {
        return Err(JournalError::Version { found: v });
    }
    Ok(serde_json::from_str(line)?)
}
