//! Text lines drawn quickly: the bytes of [`Event::line`], for millions of events in a row.
//!
//! [`LocalClock`] remembers the zone's offset between two of its changes, so that neighbouring times cost no look-up.

use std::fmt::Write as _;
use std::net::IpAddr;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::line::{self, markup, protocol_name};
use crate::{Event, Observed};

/// Seconds of a day.
pub(crate) const DAY: i64 = 86_400;
/// No zone moves its clocks by more, seconds: next to a change a local time is looked up.
const LARGEST_CHANGE: i64 = 25 * 3600;

/// Local times of a zone.
#[derive(Clone, Debug)]
pub struct LocalClock {
    zone: TimeZone,
    /// Seconds since the epoch between which `offset` holds.
    from: i64,
    to: i64,
    offset: i64,
}

impl LocalClock {
    /// Of a zone.
    #[must_use]
    pub fn new(zone: TimeZone) -> LocalClock {
        LocalClock { zone, from: 0, to: 0, offset: 0 }
    }

    /// The zone.
    #[must_use]
    pub fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// Seconds since the epoch as a local clock shows them.
    #[must_use]
    pub fn local_seconds(&mut self, time: Timestamp) -> i64 {
        let seconds = time.as_second();
        if seconds < self.from || seconds >= self.to {
            self.look_up(time);
        }
        seconds + self.offset
    }

    fn look_up(&mut self, time: Timestamp) {
        let seconds = time.as_second();
        // A change at this very second is the beginning of the period.
        let next = Timestamp::from_second(seconds.saturating_add(1)).unwrap_or(time);
        self.offset = i64::from(self.zone.to_offset(time).seconds());
        self.from = self.zone.preceding(next).next().map_or(i64::MIN, |change| change.timestamp().as_second());
        self.to = self.zone.following(time).next().map_or(i64::MAX, |change| change.timestamp().as_second());
    }

    /// The instant of a local time: the first of two, and behind the gap for one that no clock shows.
    ///
    /// `seconds`: as in [`LocalClock::local_seconds`]; `nanoseconds` below a second.
    #[must_use]
    pub(crate) fn instant(&mut self, local: DateTime, seconds: i64, nanoseconds: i32) -> Option<Timestamp> {
        let guess = seconds - self.offset;
        let inside =
            guess >= self.from.saturating_add(LARGEST_CHANGE) && guess < self.to.saturating_sub(LARGEST_CHANGE);
        if inside {
            return Timestamp::new(guess, nanoseconds).ok();
        }
        let time = self.zone.to_ambiguous_timestamp(local).compatible().ok()?;
        self.look_up(time);
        Some(time)
    }
}

/// Days since the epoch of a date of the Gregorian calendar.
pub(crate) fn days_of(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Year, month and day of days since the epoch.
pub(crate) fn date_of(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// Appends the text line of eleven columns, without a line end.
pub fn draw(event: &Event, clock: &mut LocalClock, out: &mut Vec<u8>) {
    time(event.time, clock, out);
    out.push(b' ');
    value(&event.sensor, out);
    out.push(b' ');
    sources(event, out);
    out.push(b' ');
    ports(&event.src_ports, out);
    out.push(b' ');
    match event.dst.as_slice() {
        [] => out.push(b'-'),
        [one] => address(*one, out),
        several => value(&line::addresses(several), out),
    }
    out.push(b' ');
    ports(&event.dst_ports, out);
    out.push(b' ');
    match event.protocol {
        6 => out.extend_from_slice(b"TCP"),
        17 => out.extend_from_slice(b"UDP"),
        other => value(&protocol_name(other), out),
    }
    out.push(b' ');
    out.extend_from_slice(event.kind.name().as_bytes());
    out.push(b' ');
    observed(&event.observed, out);
    out.push(b' ');
    value(&event.info, out);
    out.push(b' ');
    value(&event.reference, out);
}

fn time(time: Timestamp, clock: &mut LocalClock, out: &mut Vec<u8>) {
    let local = clock.local_seconds(time);
    let (year, month, day) = date_of(local.div_euclid(DAY));
    if time < Timestamp::UNIX_EPOCH || !(1970..=9999).contains(&year) {
        let text = time.to_zoned(clock.zone.clone()).strftime("%Y-%m-%d %H:%M:%S.%6f").to_string();
        value(&text, out);
        return;
    }
    let second = local.rem_euclid(DAY);
    out.push(b'"');
    digits::<4>(year, out);
    out.push(b'-');
    digits::<2>(month, out);
    out.push(b'-');
    digits::<2>(day, out);
    out.push(b' ');
    digits::<2>(second / 3600, out);
    out.push(b':');
    digits::<2>(second / 60 % 60, out);
    out.push(b':');
    digits::<2>(second % 60, out);
    out.push(b'.');
    digits::<6>(i64::from(time.subsec_nanosecond()) / 1000, out);
    out.push(b'"');
}

/// A number with leading zeros.
fn digits<const N: usize>(mut number: i64, out: &mut Vec<u8>) {
    let mut text = [b'0'; N];
    for place in text.iter_mut().rev() {
        *place = b'0' + (number % 10) as u8;
        number /= 10;
    }
    out.extend_from_slice(&text);
}

/// A number as it is.
pub(crate) fn number(mut number: u32, out: &mut Vec<u8>) {
    let mut text = [b'0'; 10];
    let mut used = 0;
    for place in text.iter_mut().rev() {
        *place = b'0' + (number % 10) as u8;
        number /= 10;
        used += 1;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(text.get(text.len() - used..).unwrap_or_default());
}

/// Appends an address as its `Display` has it.
pub fn address(address: IpAddr, out: &mut Vec<u8>) {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, c, d] = v4.octets();
            number(a.into(), out);
            for octet in [b, c, d] {
                out.push(b'.');
                number(octet.into(), out);
            }
        }
        IpAddr::V6(v6) => out.extend_from_slice(v6.to_string().as_bytes()),
    }
}

fn sources(event: &Event, out: &mut Vec<u8>) {
    match (event.src.as_slice(), event.context.forwarded_for.as_slice()) {
        ([], []) => out.push(b'-'),
        ([one], []) => address(*one, out),
        (several, forwarded) => {
            let mut text = line::addresses(several);
            for forwarded in forwarded {
                let _ = write!(text, ",{forwarded}");
            }
            value(&text, out);
        }
    }
}

fn ports(ports: &[u16], out: &mut Vec<u8>) {
    match ports {
        [] | [0] => out.push(b'-'),
        [one] => number((*one).into(), out),
        several => value(&line::ports(several), out),
    }
}

fn observed(seen: &Observed, out: &mut Vec<u8>) {
    let plain = match seen.matched.as_slice() {
        [] => true,
        [one] => one.start == 0 && one.end as usize == seen.text.len(),
        _ => false,
    };
    if plain && !seen.text.bytes().any(|byte| matches!(byte, b'(' | b')')) {
        value(&seen.text, out);
    } else {
        value(&markup(seen), out);
    }
}

fn value(text: &str, out: &mut Vec<u8>) {
    if text.is_empty() {
        out.push(b'-');
        return;
    }
    if !text.bytes().any(line::needs_care) {
        out.extend_from_slice(text.as_bytes());
        return;
    }
    let clean = if text.bytes().all(|byte| (b' '..0x7f).contains(&byte)) {
        std::borrow::Cow::Borrowed(text)
    } else {
        line::clean(text).into()
    };
    if !clean.contains([' ', '"']) {
        out.extend_from_slice(clean.as_bytes());
        return;
    }
    out.push(b'"');
    for (place, part) in clean.split('"').enumerate() {
        if place > 0 {
            out.extend_from_slice(b"\"\"");
        }
        out.extend_from_slice(part.as_bytes());
    }
    out.push(b'"');
}
