//! Events as bytes of the log files.

use event::Event;
use jiff::tz::TimeZone;

/// The text line of the log.
pub(super) fn text(event: &Event, zone: &TimeZone, into: &mut Vec<u8>) {
    into.extend_from_slice(event.line(zone).as_bytes());
    into.push(b'\n');
}

/// The journal's line.
pub(crate) fn json(event: &Event, into: &mut Vec<u8>) {
    // An event has no part that JSON cannot hold; were there one, the line would be missing and not torn.
    if let Ok(line) = event::journal::to_line(event) {
        into.extend_from_slice(line.as_bytes());
        into.push(b'\n');
    }
}
