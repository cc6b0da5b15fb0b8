//! Which rows of a row group may match: a look at single columns, by dictionary where there is one.
//!
//! May say yes to a row that does not match, never no to one that does: [`Filter::matches`] decides after it, on what
//! the reader may see. What a reader may see has fewer addresses than the row and, for custom trails, other texts.

use std::net::IpAddr;

use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_array::types::{Int32Type, TimestampNanosecondType, UInt8Type, UInt16Type, UInt64Type};
use event::draw::LocalClock;
use event::line::{clean, protocol_name};
use ipnet::IpNet;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use memchr::memmem::Finder;
use parquet::errors::ParquetError;

use super::columns::Column;
use super::group::Group;
use crate::Scope;
use crate::access::is_custom;
use crate::condense::ThreatId;
use crate::store::filter::{address_in, fold, is_at_or_below};
use crate::store::{Field, Filter};

/// A filter, and for whom.
#[derive(Clone, Debug)]
pub(in crate::store) struct Test {
    pub(super) filter: Filter,
    /// The reader sees fewer addresses than there are.
    pub(super) limited: bool,
    /// The reader sees other texts in place of custom trails.
    pub(super) masked: bool,
    zone: TimeZone,
}

/// Rows that may match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Mask {
    None,
    All,
    Rows(Vec<bool>),
}

impl Mask {
    /// These rows; `None` where there is none.
    fn rows(rows: Vec<bool>) -> Mask {
        if rows.contains(&true) { Mask::Rows(rows) } else { Mask::None }
    }

    fn and(self, other: Mask) -> Mask {
        match (self, other) {
            (Mask::None, _) | (_, Mask::None) => Mask::None,
            (Mask::All, mask) | (mask, Mask::All) => mask,
            (Mask::Rows(mut mine), Mask::Rows(others)) => {
                mine.iter_mut().zip(others).for_each(|(mine, other)| *mine &= other);
                Mask::rows(mine)
            }
        }
    }

    fn or(self, other: Mask) -> Mask {
        match (self, other) {
            (Mask::All, _) | (_, Mask::All) => Mask::All,
            (Mask::None, mask) | (mask, Mask::None) => mask,
            (Mask::Rows(mut mine), Mask::Rows(others)) => {
                mine.iter_mut().zip(others).for_each(|(mine, other)| *mine |= other);
                Mask::Rows(mine)
            }
        }
    }

    /// All of these hold. What comes after the first that no row fulfils is not looked at.
    fn all<T>(
        of: impl IntoIterator<Item = T>,
        mut look: impl FnMut(T) -> Result<Mask, ParquetError>,
    ) -> Result<Mask, ParquetError> {
        let mut mask = Mask::All;
        for each in of {
            mask = mask.and(look(each)?);
            if mask == Mask::None {
                break;
            }
        }
        Ok(mask)
    }

    /// One of these holds. What comes after the first that every row fulfils is not looked at.
    fn any<T>(
        of: impl IntoIterator<Item = T>,
        mut look: impl FnMut(T) -> Result<Mask, ParquetError>,
    ) -> Result<Mask, ParquetError> {
        let mut mask = Mask::None;
        for each in of {
            mask = mask.or(look(each)?);
            if mask == Mask::All {
                break;
            }
        }
        Ok(mask)
    }
}

/// Folded text that is looked for.
struct Needle<'t> {
    finder: Finder<'t>,
    scratch: Vec<u8>,
}

impl<'t> Needle<'t> {
    fn new(folded: &'t str) -> Needle<'t> {
        Needle { finder: Finder::new(folded.as_bytes()), scratch: Vec::new() }
    }

    /// Whether a text has it, whatever the case.
    fn is_in(&mut self, text: &str) -> bool {
        if !text.is_ascii() {
            return self.finder.find(fold(text).as_bytes()).is_some();
        }
        self.scratch.clear();
        self.scratch.extend_from_slice(text.as_bytes());
        self.scratch.make_ascii_lowercase();
        self.finder.find(&self.scratch).is_some()
    }

    /// Whether a text has it as it stands, or as a line draws it.
    fn is_drawn(&mut self, text: &str) -> bool {
        let plain = text.bytes().all(|byte| (b' '..0x7f).contains(&byte));
        (text.is_ascii() && self.is_in(text)) || (!plain && self.is_in(&clean(text)))
    }
}

impl Test {
    pub(in crate::store) fn new(filter: &Filter, scope: &Scope, zone: &TimeZone) -> Test {
        let masked = scope.hides_custom();
        let limited = scope.limits_addresses();
        Test { filter: filter.clone(), limited, masked, zone: zone.clone() }
    }

    /// The rows of a group that may match.
    pub(super) fn mask(&self, group: &mut Group<'_>) -> Result<Mask, ParquetError> {
        let mask = self.of(&self.filter, group)?;
        if self.masked && mask != Mask::All {
            return Ok(mask.or(texts(group, Column::Reference, is_custom)?));
        }
        Ok(mask)
    }

    fn of(&self, filter: &Filter, group: &mut Group<'_>) -> Result<Mask, ParquetError> {
        match filter {
            // A reader who sees less may find that a row lacks what it has.
            Filter::All | Filter::Not(_) => Ok(Mask::All),
            Filter::Threat(id) => self.threats(group, |threat| threat == *id),
            Filter::Threats(ids) => self.threats(group, |threat| ids.binary_search(&threat).is_ok()),
            Filter::Net(net) => {
                let mut within = |text: &str| address_in(text).is_some_and(|address| net.contains(&address));
                let columns = [Column::Src, Column::Dst, Column::Indicator];
                Ok(Mask::any(columns, |column| texts(group, column, &mut within))?.or(keys(group, net)?))
            }
            Filter::Indicator(name) => {
                let name = fold(name);
                indicators(group, |text| is_at_or_below(&fold(text), &name))
            }
            Filter::Text(text) => Mask::all(pieces(text), |piece| self.piece(group, &piece)),
            Filter::Has(field, text) => has(group, *field, &fold(text)),
            Filter::Source(net) => side(group, Column::Src, net),
            Filter::Destination(net) => side(group, Column::Dst, net),
            Filter::Kind(kind) => texts(group, Column::Kind, |name| name == kind.name()),
            Filter::Severity(severity) => texts(group, Column::Severity, |name| name == severity.name()),
            Filter::And(all) => Mask::all(all, |filter| self.of(filter, group)),
            Filter::Or(any) => Mask::any(any, |filter| self.of(filter, group)),
        }
    }

    /// Rows of threats. With fewer sources an event may be another threat's.
    fn threats(&self, group: &mut Group<'_>, wanted: impl Fn(ThreatId) -> bool) -> Result<Mask, ParquetError> {
        let mask = numbers::<UInt64Type>(group, Column::Threat, |threat| wanted(ThreatId(threat)))?;
        if self.limited { Ok(mask.or(rest_has(group, SOURCES)?)) } else { Ok(mask) }
    }

    /// Rows one of whose columns, as it is drawn, has a piece of text.
    fn piece(&self, group: &mut Group<'_>, piece: &str) -> Result<Mask, ParquetError> {
        let mut needle = Needle::new(piece);
        let mut mask = Mask::any(TEXTS, |column| match column {
            Column::Line => texts(group, column, |text| needle.is_in(text)),
            _ => texts(group, column, |text| needle.is_drawn(text)),
        })?;
        // Further addresses and ports are drawn as JSON has them; a time and what JSON escapes are not.
        let rest = texts(group, Column::Rest, |rest| {
            let other = rest.contains(TIME) || rest.bytes().any(|byte| byte == b'\\' || byte >= 0x7f);
            other || needle.is_in(rest)
        })?;
        mask = mask.or(rest);
        let protocols: Vec<bool> = (0..=u8::MAX).map(|number| needle.is_in(&protocol_name(number))).collect();
        if protocols.contains(&true) {
            let with = |number: u8| protocols.get(usize::from(number)).copied().unwrap_or(false);
            mask = mask.or(numbers::<UInt8Type>(group, Column::Protocol, with)?);
        }
        if piece.len() <= 5 && piece.bytes().all(|byte| byte.is_ascii_digit()) {
            let ports: Vec<bool> = (0..=u16::MAX).map(|port| needle.is_in(&port.to_string())).collect();
            for column in [Column::SrcPort, Column::DstPort] {
                let with = |port: u16| ports.get(usize::from(port)).copied().unwrap_or(false);
                mask = mask.or(numbers::<UInt16Type>(group, column, with)?);
            }
        }
        if fits_time(piece) { Ok(mask.or(self.times(group, piece)?)) } else { Ok(mask) }
    }

    fn times(&self, group: &mut Group<'_>, piece: &str) -> Result<Mask, ParquetError> {
        let mut clock = LocalClock::new(self.zone.clone());
        let finder = Finder::new(piece.as_bytes());
        // Rows are sorted by time: a date is looked at once for all that follow.
        let mut date = None;
        let mut text = Vec::new();
        numbers::<TimestampNanosecondType>(group, Column::Time, |nanoseconds| {
            let time = Timestamp::from_nanosecond(i128::from(nanoseconds));
            let Some(time) = time.ok().filter(|time| *time >= Timestamp::UNIX_EPOCH) else { return true };
            let local = clock.local_seconds(time);
            let (day, second) = (local.div_euclid(86_400), local.rem_euclid(86_400));
            let has = match date {
                Some((known, has)) if known == day => has,
                _ => finder.find(self.zone.to_datetime(time).date().to_string().as_bytes()).is_some(),
            };
            date = Some((day, has));
            if has {
                return true;
            }
            draw_time(second, time.subsec_nanosecond() / 1_000, &mut text);
            finder.find(&text).is_some()
        })
    }
}

/// `HH:MM:SS.uuuuuu`, for a look at very many.
fn draw_time(second: i64, micros: i32, text: &mut Vec<u8>) {
    let digit = |number: i64, unit: i64| b'0' + (number / unit % 10) as u8;
    let (hour, minute, second, micros) = (second / 3600, second / 60 % 60, second % 60, i64::from(micros));
    let two = |number: i64| [digit(number, 10), digit(number, 1)];
    let ([h, hh], [m, mm], [s, ss]) = (two(hour), two(minute), two(second));
    text.clear();
    text.extend_from_slice(&[h, hh, b':', m, mm, b':', s, ss, b'.']);
    text.extend([100_000, 10_000, 1_000, 100, 10, 1].map(|unit| digit(micros, unit)));
}

/// Texts of a line.
const TEXTS: [Column; 8] = [
    Column::Sensor,
    Column::Src,
    Column::Dst,
    Column::Kind,
    Column::Observed,
    Column::Info,
    Column::Reference,
    Column::Line,
];

// How the JSON of `rest` names what it holds; no text can contain it, as quotes are escaped there.
const SOURCES: &str = "\"src\":";
const DESTINATIONS: &str = "\"dst\":";
const TIME: &str = "\"time\":";

/// Parts of a folded text that stand in one value of a line, whatever is drawn between and around values.
fn pieces(text: &str) -> Vec<String> {
    let between = |c: char| c.is_whitespace() || matches!(c, '"' | ',' | '(' | ')' | '\\');
    fold(text).split(between).filter(|piece| !piece.is_empty() && *piece != "-").map(str::to_owned).collect()
}

/// Whether a piece may stand in `YYYY-MM-DD` or `HH:MM:SS.uuuuuu`.
fn fits_time(piece: &str) -> bool {
    let shape: String = piece.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    "0000-00-00".contains(&shape) || "00:00:00.000000".contains(&shape)
}

/// Rows with an address of a network on one side. Addresses after the first stand elsewhere.
fn side(group: &mut Group<'_>, column: Column, net: &IpNet) -> Result<Mask, ParquetError> {
    let within = |text: &str| text.parse::<IpAddr>().is_ok_and(|address| net.contains(&address.to_canonical()));
    let further = if column == Column::Src { SOURCES } else { DESTINATIONS };
    Ok(texts(group, column, within)?.or(rest_has(group, further)?))
}

/// Rows with further values of a kind.
fn rest_has(group: &mut Group<'_>, key: &str) -> Result<Mask, ParquetError> {
    texts(group, Column::Rest, |rest| rest.contains(key))
}

/// Rows with a folded text in a field.
fn has(group: &mut Group<'_>, field: Field, text: &str) -> Result<Mask, ParquetError> {
    let mut needle = Needle::new(text);
    match field {
        Field::Indicator => indicators(group, |value| needle.is_in(value)),
        Field::Info => texts(group, Column::Info, |value| needle.is_in(value)),
        Field::Sensor => texts(group, Column::Sensor, |value| needle.is_in(value)),
        Field::Reason => in_json(group, Column::Reasons, text),
        Field::Seen => {
            let observed = texts(group, Column::Observed, |value| needle.is_in(value))?;
            Ok(observed.or(in_json(group, Column::Context, text)?))
        }
    }
}

/// Rows whose JSON may have a folded text in a value.
fn in_json(group: &mut Group<'_>, column: Column, text: &str) -> Result<Mask, ParquetError> {
    // What JSON writes in another way cannot be looked for in it.
    let escaped = text.chars().any(|c| c.is_control() || matches!(c, '"' | '\\'));
    let mut needle = Needle::new(text);
    texts(group, column, |value| escaped || needle.is_in(value))
}

/// Rows whose indicator is wanted. Where none is told, what was seen stands for it.
fn indicators(group: &mut Group<'_>, mut wanted: impl FnMut(&str) -> bool) -> Result<Mask, ParquetError> {
    let told = texts(group, Column::Indicator, |text| !text.is_empty() && wanted(text))?;
    let untold = texts(group, Column::Indicator, str::is_empty)?;
    if untold == Mask::None {
        return Ok(told);
    }
    Ok(told.or(untold.and(texts(group, Column::Observed, wanted)?)))
}

/// Rows whose text is wanted; absent ones are not.
fn texts(group: &mut Group<'_>, column: Column, mut wanted: impl FnMut(&str) -> bool) -> Result<Mask, ParquetError> {
    if group.is_absent(column)? || group.dictionary(column)?.is_some_and(|texts| !texts.any(&mut wanted)) {
        return Ok(Mask::None);
    }
    let array = group.array(column)?;
    if let Some(dictionary) = array.as_dictionary_opt::<Int32Type>() {
        let Some(values) = dictionary.values().as_string_opt::<i32>() else { return Ok(Mask::All) };
        let known: Vec<bool> = values.iter().map(|value| value.is_some_and(&mut wanted)).collect();
        let of = |key: Option<i32>| key.and_then(|key| known.get(usize::try_from(key).ok()?)).copied().unwrap_or(false);
        return Ok(Mask::rows(dictionary.keys().iter().map(of).collect()));
    }
    let Some(values) = array.as_string_opt::<i32>() else { return Ok(Mask::All) };
    Ok(Mask::rows(values.iter().map(|value| value.is_some_and(&mut wanted)).collect()))
}

fn numbers<T: arrow_array::ArrowPrimitiveType>(
    group: &mut Group<'_>,
    column: Column,
    mut wanted: impl FnMut(T::Native) -> bool,
) -> Result<Mask, ParquetError> {
    if group.is_absent(column)? {
        return Ok(Mask::None);
    }
    let array = group.array(column)?;
    let Some(values) = array.as_primitive_opt::<T>() else { return Ok(Mask::All) };
    Ok(Mask::rows(values.iter().map(|value| value.is_some_and(&mut wanted)).collect()))
}

/// Rows with an address of a network among their keys.
fn keys(group: &mut Group<'_>, net: &IpNet) -> Result<Mask, ParquetError> {
    let within = |text: &str| address_in(text).is_some_and(|address| net.contains(&address));
    if group.dictionary(Column::Keys)?.is_some_and(|keys| !keys.any(within)) {
        return Ok(Mask::None);
    }
    let array = group.array(Column::Keys)?;
    let Some(lists) = array.as_list_opt::<i32>() else { return Ok(Mask::All) };
    let Some(values) = lists.values().as_string_opt::<i32>() else { return Ok(Mask::All) };
    let mut rows = vec![false; group.rows()];
    for (row, ends) in rows.iter_mut().zip(lists.value_offsets().windows(2)) {
        let [start, end] = ends else { continue };
        let range = usize::try_from(*start).unwrap_or(0)..usize::try_from(*end).unwrap_or(0).min(values.len());
        *row = range.into_iter().any(|place| within(values.value(place)));
    }
    Ok(Mask::rows(rows))
}
