//! Days as they stand in a query: `2026-11-20`, or `2026-11-01_2026-11-20` for all from one to another. Pure.

use std::fmt;

use jiff::civil::Date;

/// Days, first and last included; first is never behind last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Days {
    /// The first.
    pub first: Date,
    /// The last.
    pub last: Date,
}

/// A text that names no days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoDays;

impl fmt::Display for NoDays {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a day is written 2026-11-20, a range of days 2026-11-01_2026-11-20")
    }
}

impl std::error::Error for NoDays {}

impl Days {
    /// Reads a day or a range; a range may be written backwards.
    ///
    /// # Errors
    /// It is neither.
    pub fn parse(text: &str) -> Result<Days, NoDays> {
        let (first, last) = text.split_once('_').unwrap_or((text, text));
        let (first, last) = (day(first)?, day(last)?);
        Ok(if first <= last { Days { first, last } } else { Days { first: last, last: first } })
    }

    /// Whether a day is one of them.
    #[must_use]
    pub fn contains(&self, day: Date) -> bool {
        self.first <= day && day <= self.last
    }
}

/// Reads one day: four, two and two digits.
///
/// # Errors
/// It is no day of the calendar, or written in another way.
pub fn day(text: &str) -> Result<Date, NoDays> {
    let parts: Vec<&str> = text.split('-').collect();
    let [year, month, day] = parts.as_slice() else { return Err(NoDays) };
    let number = |part: &str, digits: usize| -> Result<i16, NoDays> {
        let plain = part.len() == digits && part.bytes().all(|byte| byte.is_ascii_digit());
        if plain { part.parse().map_err(|_| NoDays) } else { Err(NoDays) }
    };
    let (year, month, day) = (number(year, 4)?, number(month, 2)?, number(day, 2)?);
    let (month, day) = (i8::try_from(month).map_err(|_| NoDays)?, i8::try_from(day).map_err(|_| NoDays)?);
    Date::new(year, month, day).map_err(|_| NoDays)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn days_and_ranges() {
        let one = Days::parse("2026-11-20").unwrap();
        assert_eq!((one.first, one.last), (date(2026, 11, 20), date(2026, 11, 20)));
        let range = Days { first: date(2026, 11, 1), last: date(2026, 11, 20) };
        assert_eq!(Days::parse("2026-11-01_2026-11-20"), Ok(range));
        assert_eq!(Days::parse("2026-11-20_2026-11-01"), Ok(range));
        assert!(range.contains(date(2026, 11, 1)) && range.contains(date(2026, 11, 20)));
        assert!(!range.contains(date(2026, 10, 31)) && !range.contains(date(2026, 11, 21)));
        assert!(Days::parse("0001-01-01_9999-12-31").is_ok());
    }

    #[test]
    fn what_is_no_day() {
        for text in [
            "",
            "_",
            "2026",
            "2026-11",
            "2026-11-",
            "2026-11-31",
            "2026-02-29",
            "2026-13-01",
            "2026-00-10",
            "2026-11-2",
            "+026-11-20",
            "2026-11-20 ",
            "20261120",
            "2026/11/20",
            "2026-11-20_",
            "_2026-11-20",
            "../2026-11-20",
            "2026-11-20_2026-11-21_2026-11-22",
            "２０２６-11-20",
            "2026-11-20T00",
            "-2026-11-20",
            "99999-11-20",
        ] {
            assert_eq!(Days::parse(text), Err(NoDays), "{text}");
        }
        assert!(Days::parse("2024-02-29").is_ok());
    }

    proptest! {
        #[test]
        fn any_text_is_days_or_not(text in "\\PC{0,24}|[0-9_-]{0,22}") {
            if let Ok(days) = Days::parse(&text) {
                prop_assert!(days.first <= days.last);
                let written = format!("{}_{}", days.first, days.last);
                prop_assert_eq!(Days::parse(&written), Ok(days));
            }
        }

        #[test]
        fn every_day_is_read_back(year in 1i16..=9999, month in 1i8..=12, number in 1i8..=28) {
            let wanted = date(year, month, number);
            prop_assert_eq!(day(&format!("{year:04}-{month:02}-{number:02}")), Ok(wanted));
        }
    }
}
