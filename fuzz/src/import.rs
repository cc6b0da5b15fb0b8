//! Text lines of other programs: what is read draws what it says it draws, and nothing of the line is lost.

use event::draw::{LocalClock, draw};
use event::import::{Importer, Label, MAX_LINE, give_back, keep, unmark};
use event::line::{clean, markup};
use event::{Event, Severity};
use jiff::tz::TimeZone;

/// An event line of any bytes.
pub fn import(data: &[u8]) {
    assert_eq!(give_back(&keep(data)).as_ref(), data, "every byte is given back");
    let zone = TimeZone::get("Europe/Vienna").unwrap_or(TimeZone::UTC);
    let label = |_: &str, _: &str| Label { class: "other", severity: Severity::Low, confidence: 0 };
    let mut importer = Importer::new(LocalClock::new(zone.clone()));
    let Ok(imported) = importer.read(data, label) else { return };
    let plain = imported.event.line(&zone);
    let mut drawn = Vec::new();
    draw(&imported.event, &mut LocalClock::new(zone), &mut drawn);
    assert_eq!(drawn, plain.as_bytes(), "drawn quickly is drawn plainly");
    assert_eq!(imported.exact, plain.as_bytes() == data, "a line is kept where the event draws another");
    if drawn.len() > MAX_LINE {
        return;
    }
    let again = importer.read(&drawn, label).expect("what was drawn can be read");
    // What is drawn shows control characters as escapes.
    let shown = |event: &Event| clean(&unmark(&markup(&event.observed)).text);
    assert_eq!(shown(&imported.event), shown(&again.event));
}
