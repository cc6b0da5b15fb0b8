//! Instants of days in the zone that is shown, and which days there are. So a request's dates cost what there is to
//! read, whatever they say.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::days::Days;
use super::problem::Problem;
use crate::Scope;
use crate::store::{DayCount, EventStore};

/// First instant of a day.
fn start(day: Date, zone: &TimeZone) -> Timestamp {
    day.to_zoned(zone.clone()).map_or(if day.year() > 0 { Timestamp::MAX } else { Timestamp::MIN }, |z| z.timestamp())
}

/// From the first instant of days to the first after them.
pub(super) fn instants(days: Days, zone: &TimeZone) -> (Timestamp, Timestamp) {
    (start(days.first, zone), days.last.tomorrow().map_or(Timestamp::MAX, |next| start(next, zone)))
}

/// Those of the days that hold events the reader may see; none: no such day.
pub(super) fn held(store: &dyn EventStore, scope: &Scope, days: Option<Days>) -> Result<Vec<DayCount>, Problem> {
    let mut held = store.days(scope)?;
    held.retain(|count| days.is_none_or(|days| days.contains(count.day)));
    Ok(held)
}

/// First and last of days in order.
pub(super) fn around(held: &[DayCount]) -> Option<Days> {
    Some(Days { first: held.first()?.day, last: held.last()?.day })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_date_has_instants() {
        let zone = TimeZone::get("Europe/Zagreb").unwrap_or(TimeZone::UTC);
        for zone in [TimeZone::UTC, zone] {
            for text in ["0001-01-01_9999-12-31", "9999-12-30", "0001-01-01", "2026-03-29", "2026-10-25"] {
                let (from, to) = instants(Days::parse(text).unwrap(), &zone);
                assert!(from < to, "{text}");
            }
            // It begins behind the last instant there is, and so holds none.
            let (from, to) = instants(Days::parse("9999-12-31").unwrap(), &zone);
            assert_eq!((from, to), (Timestamp::MAX, Timestamp::MAX));
        }
    }
}
