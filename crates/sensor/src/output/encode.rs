//! Events as bytes of the log files.

use event::Event;
use jiff::tz::TimeZone;

/// The text line of the log.
pub(super) fn text(event: &Event, _zone: &TimeZone, into: &mut Vec<u8>) {
    into.extend_from_slice(format!("{event:?}\n").as_bytes());
}

/// The journal's line.
pub(super) fn json(event: &Event, into: &mut Vec<u8>) {
    into.extend_from_slice(format!("{event:?}\n").as_bytes());
}
