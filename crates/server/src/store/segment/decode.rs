//! Columns back to events.

use std::net::IpAddr;
use std::str::FromStr;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Int32Type, TimestampNanosecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, PrimitiveArray, RecordBatch, StringArray};
use event::{Context, Event, Kind, Observed, Severity};
use jiff::Timestamp;

use super::columns::Column;
use super::encode::Rest;
use crate::store::Stored;

/// A row that is none: the file was not written by this program, or was changed.
#[derive(Debug, thiserror::Error)]
#[error("row {row}: column `{column}` is missing or holds what it cannot")]
pub(super) struct NoRow {
    row: usize,
    column: &'static str,
}

/// A column of texts, plain or by dictionary.
pub(super) enum Texts<'b> {
    Plain(&'b StringArray),
    Dictionary(&'b arrow_array::Int32Array, &'b StringArray),
}

impl<'b> Texts<'b> {
    pub(super) fn of(array: &'b dyn Array) -> Option<Texts<'b>> {
        if let Some(plain) = array.as_string_opt::<i32>() {
            return Some(Texts::Plain(plain));
        }
        let dictionary = array.as_dictionary_opt::<Int32Type>()?;
        Some(Texts::Dictionary(dictionary.keys(), dictionary.values().as_string_opt::<i32>()?))
    }

    pub(super) fn get(&self, row: usize) -> Option<&'b str> {
        match self {
            Texts::Plain(texts) => value(texts, row),
            Texts::Dictionary(keys, texts) => {
                let key = (row < keys.len() && keys.is_valid(row)).then(|| keys.value(row))?;
                value(texts, usize::try_from(key).ok()?)
            }
        }
    }
}

fn value(texts: &StringArray, row: usize) -> Option<&str> {
    (row < texts.len() && texts.is_valid(row)).then(|| texts.value(row))
}

/// Reads all columns of a batch.
pub(super) struct Decoder<'b> {
    arrays: Vec<Option<&'b dyn Array>>,
    texts: Vec<Option<Texts<'b>>>,
}

impl<'b> Decoder<'b> {
    pub(super) fn new(batch: &'b RecordBatch) -> Decoder<'b> {
        let arrays = Column::ALL.map(|column| batch.column_by_name(column.name()).map(AsRef::as_ref));
        let texts = arrays.map(|array| array.and_then(Texts::of));
        Decoder { arrays: arrays.into(), texts: texts.into() }
    }

    fn text(&self, column: Column, row: usize) -> Option<&'b str> {
        self.texts.get(column.place())?.as_ref()?.get(row)
    }

    fn number<T: ArrowPrimitiveType>(&self, column: Column, row: usize) -> Option<T::Native> {
        let array = self.arrays.get(column.place()).copied().flatten()?;
        number(array.as_primitive_opt::<T>()?, row)
    }

    /// A text that has to be there, where its column was read.
    fn required(&self, column: Column, row: usize) -> Result<String, NoRow> {
        if self.arrays.get(column.place()).is_none_or(Option::is_none) && !column.folds() {
            return Ok(String::new());
        }
        self.text(column, row).map(str::to_owned).ok_or(NoRow { row, column: column.name() })
    }

    fn json<T: Default + serde::de::DeserializeOwned>(&self, column: Column, row: usize) -> Result<T, NoRow> {
        let Some(text) = self.text(column, row) else { return Ok(T::default()) };
        serde_json::from_str(text).map_err(|_| NoRow { row, column: column.name() })
    }

    fn time(&self, column: Column, row: usize, exact: Option<Timestamp>) -> Result<Timestamp, NoRow> {
        let time = exact.or_else(|| {
            let nanoseconds = self.number::<TimestampNanosecondType>(column, row)?;
            Timestamp::from_nanosecond(i128::from(nanoseconds)).ok()
        });
        time.ok_or(NoRow { row, column: column.name() })
    }

    fn address(&self, column: Column, row: usize) -> Result<Option<IpAddr>, NoRow> {
        let Some(text) = self.text(column, row) else { return Ok(None) };
        IpAddr::from_str(text).map(Some).map_err(|_| NoRow { row, column: column.name() })
    }

    /// One event.
    pub(super) fn row(&self, row: usize) -> Result<Stored, NoRow> {
        let none = |column: Column| NoRow { row, column: column.name() };
        let rest: Rest = self.json(Column::Rest, row)?;
        let mut context: Context = self.json(Column::Context, row)?;
        context.forwarded_for = rest.forwarded_for;
        let one =
            self.number::<UInt32Type>(Column::MatchStart, row).zip(self.number::<UInt32Type>(Column::MatchEnd, row));
        let matched = one.into_iter().chain(rest.matched).map(|(start, end)| start..end).collect();
        let kind = self.text(Column::Kind, row).and_then(|name| Kind::ALL.into_iter().find(|k| k.name() == name));
        let severity = self.text(Column::Severity, row).and_then(|n| Severity::ALL.into_iter().find(|s| s.name() == n));
        let event = Event {
            id: self.required(Column::Id, row)?,
            time: self.time(Column::Time, row, rest.time)?,
            last: self.time(Column::Last, row, rest.last)?,
            site: self.required(Column::Site, row)?,
            sensor: self.required(Column::Sensor, row)?,
            src: self.address(Column::Src, row)?.into_iter().chain(rest.src).collect(),
            src_ports: self.number::<UInt16Type>(Column::SrcPort, row).into_iter().chain(rest.src_ports).collect(),
            dst: self.address(Column::Dst, row)?.into_iter().chain(rest.dst).collect(),
            dst_ports: self.number::<UInt16Type>(Column::DstPort, row).into_iter().chain(rest.dst_ports).collect(),
            protocol: self.number::<UInt8Type>(Column::Protocol, row).ok_or_else(|| none(Column::Protocol))?,
            kind: kind.ok_or_else(|| none(Column::Kind))?,
            observed: Observed { text: self.required(Column::Observed, row)?, matched },
            indicator: self.required(Column::Indicator, row)?,
            info: self.required(Column::Info, row)?,
            reference: self.required(Column::Reference, row)?,
            class: self.required(Column::Class, row)?,
            severity: severity.ok_or_else(|| none(Column::Severity))?,
            confidence: self.number::<UInt8Type>(Column::Confidence, row).ok_or_else(|| none(Column::Confidence))?,
            reasons: self.json(Column::Reasons, row)?,
            count: self.number::<UInt64Type>(Column::Count, row).ok_or_else(|| none(Column::Count))?,
            context,
            batch: self.required(Column::Batch, row)?,
        };
        Ok(Stored { event, line: self.text(Column::Line, row).map(Box::from) })
    }
}

fn number<T: ArrowPrimitiveType>(array: &PrimitiveArray<T>, row: usize) -> Option<T::Native> {
    (row < array.len() && array.is_valid(row)).then(|| array.value(row))
}
