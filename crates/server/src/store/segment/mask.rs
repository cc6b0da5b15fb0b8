//! Which rows of a row group may match: a look at single columns, by dictionary where there is one.
//!
//! May say yes to a row that does not match, never no to one that does: [`Filter::matches`] decides after it, on what
//! the reader may see. What a reader may see has fewer addresses than the row and, for custom trails, other texts.

use std::net::IpAddr;

use arrow_array::cast::AsArray;
use arrow_array::types::{Int32Type, TimestampNanosecondType, UInt8Type, UInt16Type, UInt64Type};
use arrow_array::{Array, RecordBatch};
use event::line::{clean, protocol_name};
use ipnet::IpNet;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use memchr::memmem::Finder;

use super::columns::Column;
use super::decode::Texts;
use crate::Scope;
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
    All,
    Rows(Vec<bool>),
}

impl Mask {
    fn and(self, other: Mask) -> Mask {
        match (self, other) {
            (Mask::All, mask) | (mask, Mask::All) => mask,
            (Mask::Rows(mut mine), Mask::Rows(others)) => {
                mine.iter_mut().zip(others).for_each(|(mine, other)| *mine &= other);
                Mask::Rows(mine)
            }
        }
    }

    fn or(self, other: Mask) -> Mask {
        match (self, other) {
            (Mask::All, _) | (_, Mask::All) => Mask::All,
            (Mask::Rows(mut mine), Mask::Rows(others)) => {
                mine.iter_mut().zip(others).for_each(|(mine, other)| *mine |= other);
                Mask::Rows(mine)
            }
        }
    }
}

impl Test {
    pub(in crate::store) fn new(filter: &Filter, scope: &Scope, zone: &TimeZone) -> Test {
        let masked = scope.hides_custom();
        let limited = scope.limits_addresses();
        Test { filter: filter.clone(), limited, masked, zone: zone.clone() }
    }

    /// Columns that [`Test::mask`] looks at; none where it would say yes to everything.
    pub(super) fn columns(&self) -> Vec<Column> {
        let mut columns = Vec::new();
        self.add_columns(&self.filter, &mut columns);
        if !columns.is_empty() && self.masked {
            columns.push(Column::Reference);
        }
        columns.sort_by_key(|column| column.place());
        columns.dedup();
        columns
    }

    fn add_columns(&self, filter: &Filter, columns: &mut Vec<Column>) {
        match filter {
            Filter::All | Filter::Not(_) => {}
            Filter::Threat(_) => {
                columns.push(Column::Threat);
                if self.limited {
                    columns.push(Column::Rest);
                }
            }
            Filter::Net(_) => columns.extend([Column::Src, Column::Dst, Column::Indicator, Column::Keys]),
            Filter::Indicator(_) => columns.extend([Column::Indicator, Column::Observed]),
            Filter::Has(Field::Indicator, _) => columns.push(Column::Indicator),
            Filter::Has(Field::Info, _) => columns.push(Column::Info),
            Filter::Has(Field::Sensor, _) => columns.push(Column::Sensor),
            Filter::Has(Field::Seen, _) => columns.extend([Column::Observed, Column::Context]),
            Filter::Source(_) => columns.extend([Column::Src, Column::Rest]),
            Filter::Destination(_) => columns.extend([Column::Dst, Column::Rest]),
            Filter::Kind(_) => columns.push(Column::Kind),
            Filter::Severity(_) => columns.push(Column::Severity),
            Filter::Text(text) if pieces(text).is_empty() => {}
            Filter::Text(_) => {
                columns.extend(TEXTS);
                columns.extend([Column::SrcPort, Column::DstPort, Column::Protocol, Column::Time, Column::Rest]);
            }
            Filter::And(filters) | Filter::Or(filters) => {
                filters.iter().for_each(|filter| self.add_columns(filter, columns));
            }
        }
    }

    /// The rows of a batch with (at least) these columns that may match.
    pub(super) fn mask(&self, batch: &RecordBatch) -> Mask {
        let mask = self.of(&self.filter, batch);
        if self.masked && mask != Mask::All {
            return mask.or(texts(batch, Column::Reference, |reference| reference.starts_with("(custom)")));
        }
        mask
    }

    fn of(&self, filter: &Filter, batch: &RecordBatch) -> Mask {
        match filter {
            // A reader who sees less may find that a row lacks what it has.
            Filter::All | Filter::Not(_) => Mask::All,
            Filter::Threat(id) => {
                let mask = numbers::<UInt64Type>(batch, Column::Threat, |threat| threat == id.0);
                if self.limited { mask.or(present(batch, Column::Rest)) } else { mask }
            }
            Filter::Net(net) => {
                let within = |text: &str| address_in(text).is_some_and(|address| net.contains(&address));
                let columns = [Column::Src, Column::Dst, Column::Indicator].map(|column| texts(batch, column, within));
                columns.into_iter().fold(keys(batch, net), Mask::or)
            }
            Filter::Indicator(name) => indicator(batch, &fold(name)),
            Filter::Text(text) => self.text(batch, text),
            Filter::Has(field, text) => has(batch, *field, &fold(text)),
            Filter::Source(net) => side(batch, Column::Src, net),
            Filter::Destination(net) => side(batch, Column::Dst, net),
            Filter::Kind(kind) => texts(batch, Column::Kind, |name| name == kind.name()),
            Filter::Severity(severity) => texts(batch, Column::Severity, |name| name == severity.name()),
            Filter::And(all) => all.iter().fold(Mask::All, |mask, filter| mask.and(self.of(filter, batch))),
            Filter::Or(any) => {
                let none = Mask::Rows(vec![false; batch.num_rows()]);
                any.iter().fold(none, |mask, filter| mask.or(self.of(filter, batch)))
            }
        }
    }

    fn text(&self, batch: &RecordBatch, text: &str) -> Mask {
        let rest = present(batch, Column::Rest);
        pieces(text).iter().fold(Mask::All, |mask, piece| mask.and(self.piece(batch, piece).or(rest.clone())))
    }

    /// Rows one of whose columns, as it is drawn, has a piece of text.
    fn piece(&self, batch: &RecordBatch, piece: &str) -> Mask {
        let finder = Finder::new(piece.as_bytes());
        let has = |text: &str| finder.find(fold(text).as_bytes()).is_some();
        let drawn = |text: &str| if text.is_ascii() { has(text) || has(&clean(text)) } else { has(&clean(text)) };
        let mut mask = TEXTS.into_iter().fold(Mask::Rows(vec![false; batch.num_rows()]), |mask, column| match column {
            Column::Line => mask.or(texts(batch, column, has)),
            _ => mask.or(texts(batch, column, drawn)),
        });
        let protocols: Vec<bool> = (0..=u8::MAX).map(|number| has(&protocol_name(number))).collect();
        if protocols.contains(&true) {
            let with = |number: u8| protocols.get(usize::from(number)).copied().unwrap_or(false);
            mask = mask.or(numbers::<UInt8Type>(batch, Column::Protocol, with));
        }
        if piece.len() <= 5 && piece.bytes().all(|byte| byte.is_ascii_digit()) {
            for column in [Column::SrcPort, Column::DstPort] {
                mask = mask.or(numbers::<UInt16Type>(batch, column, |port| port.to_string().contains(piece)));
            }
        }
        if fits_time(piece) { mask.or(self.times(batch, piece)) } else { mask }
    }

    fn times(&self, batch: &RecordBatch, piece: &str) -> Mask {
        numbers::<TimestampNanosecondType>(batch, Column::Time, |nanoseconds| {
            let Ok(time) = Timestamp::from_nanosecond(i128::from(nanoseconds)) else { return true };
            let local = self.zone.to_datetime(time);
            let date = format!("{:04}-{:02}-{:02}", local.year(), local.month(), local.day());
            let micros = local.subsec_nanosecond() / 1_000;
            let time = format!("{:02}:{:02}:{:02}.{micros:06}", local.hour(), local.minute(), local.second());
            date.contains(piece) || time.contains(piece)
        })
    }
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
fn side(batch: &RecordBatch, column: Column, net: &IpNet) -> Mask {
    let within = |text: &str| text.parse::<IpAddr>().is_ok_and(|address| net.contains(&address.to_canonical()));
    texts(batch, column, within).or(present(batch, Column::Rest))
}

/// Rows with a folded text in a field.
fn has(batch: &RecordBatch, field: Field, text: &str) -> Mask {
    let finder = Finder::new(text.as_bytes());
    let found = |value: &str| finder.find(fold(value).as_bytes()).is_some();
    match field {
        Field::Indicator => texts(batch, Column::Indicator, |value| value.is_empty() || found(value)),
        Field::Info => texts(batch, Column::Info, found),
        Field::Sensor => texts(batch, Column::Sensor, found),
        Field::Seen => {
            // What JSON writes in another way cannot be looked for in it.
            let plain = !text.chars().any(|c| c.is_control() || matches!(c, '"' | '\\'));
            let context = if plain { texts(batch, Column::Context, found) } else { present(batch, Column::Context) };
            texts(batch, Column::Observed, found).or(context)
        }
    }
}

fn indicator(batch: &RecordBatch, name: &str) -> Mask {
    let mask = texts(batch, Column::Indicator, |text| text.is_empty() || is_at_or_below(&fold(text), name));
    let Some(column) = batch.column_by_name(Column::Indicator.name()).and_then(|array| Texts::of(array.as_ref()))
    else {
        return mask;
    };
    let Mask::Rows(rows) = mask else { return mask };
    if !rows.contains(&true) {
        return Mask::Rows(rows);
    }
    // Where no indicator is told, what was seen stands for it.
    let Mask::Rows(seen) = texts(batch, Column::Observed, |text| is_at_or_below(&fold(text), name)) else {
        return Mask::Rows(rows);
    };
    let both = rows.iter().zip(seen).enumerate();
    Mask::Rows(both.map(|(row, (mine, seen))| *mine && (seen || column.get(row) != Some(""))).collect())
}

/// Rows whose text is so; absent ones are not.
fn texts(batch: &RecordBatch, column: Column, mut wanted: impl FnMut(&str) -> bool) -> Mask {
    let Some(array) = batch.column_by_name(column.name()) else { return Mask::All };
    if let Some(dictionary) = array.as_dictionary_opt::<Int32Type>() {
        let Some(values) = dictionary.values().as_string_opt::<i32>() else { return Mask::All };
        let known: Vec<bool> = values.iter().map(|value| value.is_some_and(&mut wanted)).collect();
        if !known.contains(&true) {
            return Mask::Rows(vec![false; batch.num_rows()]);
        }
        let of = |key: Option<i32>| key.and_then(|key| known.get(usize::try_from(key).ok()?)).copied().unwrap_or(false);
        return Mask::Rows(dictionary.keys().iter().map(of).collect());
    }
    let Some(values) = array.as_string_opt::<i32>() else { return Mask::All };
    Mask::Rows(values.iter().map(|value| value.is_some_and(&mut wanted)).collect())
}

fn numbers<T: arrow_array::ArrowPrimitiveType>(
    batch: &RecordBatch,
    column: Column,
    wanted: impl Fn(T::Native) -> bool,
) -> Mask {
    let array = batch.column_by_name(column.name()).and_then(|array| array.as_primitive_opt::<T>());
    let Some(values) = array else { return Mask::All };
    Mask::Rows(values.iter().map(|value| value.is_some_and(&wanted)).collect())
}

fn present(batch: &RecordBatch, column: Column) -> Mask {
    let Some(array) = batch.column_by_name(column.name()) else { return Mask::All };
    Mask::Rows((0..array.len()).map(|row| array.is_valid(row)).collect())
}

/// Rows with an address of a network among their keys.
fn keys(batch: &RecordBatch, net: &IpNet) -> Mask {
    let lists = batch.column_by_name(Column::Keys.name()).and_then(|array| array.as_list_opt::<i32>());
    let Some(lists) = lists else { return Mask::All };
    let Some(values) = lists.values().as_string_opt::<i32>() else { return Mask::All };
    let mut rows = vec![false; batch.num_rows()];
    for (row, ends) in rows.iter_mut().zip(lists.value_offsets().windows(2)) {
        let [start, end] = ends else { continue };
        let range = usize::try_from(*start).unwrap_or(0)..usize::try_from(*end).unwrap_or(0).min(values.len());
        let mut texts = range.map(|place| values.value(place));
        *row = texts.any(|text| address_in(text).is_some_and(|address| net.contains(&address)));
    }
    Mask::Rows(rows)
}
