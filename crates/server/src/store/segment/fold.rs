//! Folds a segment's rows into threats, by columns: what a dictionary tells once is looked up once.

use std::net::IpAddr;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Int32Type, TimestampNanosecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, PrimitiveArray, RecordBatch, StringArray};
use event::{Kind, Severity};
use hashbrown::HashMap;
use jiff::Timestamp;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::errors::ParquetError;

use super::ROW_GROUP;
use super::columns::{Column, READ_SCHEMA};
use super::decode::Decoder;
use super::encode::nanoseconds;
use super::prune::{Overlap, overlap};
use super::read::Segment;
use crate::condense::{Address, Fold, Row, Text, ThreatId, shown};

/// Rows after which a fold is held within its limits.
const PORTION: usize = 4_096;
/// Rows that are looked up together.
const TOGETHER: usize = 64;

const SECOND: i64 = 1_000_000_000;

impl Segment {
    /// Adds the events between two times to a fold, for readers who see everything.
    pub(in crate::store) fn fold(
        &self,
        (from, to): (Timestamp, Timestamp),
        fold: &mut Fold,
    ) -> Result<(), ParquetError> {
        let (checked, footer) = self.open(&READ_SCHEMA)?;
        let groups = footer.metadata().row_groups().iter().enumerate();
        let groups =
            groups.filter(|(_, group)| overlap(group, from, to) != Overlap::None).map(|(place, _)| place).collect();
        let leaves = Column::ALL.into_iter().filter(|column| column.folds()).chain([Column::Threat]);
        let mask = ProjectionMask::leaves(footer.parquet_schema(), leaves.map(Column::place));
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(checked, footer);
        for batch in builder.with_row_groups(groups).with_projection(mask).with_batch_size(ROW_GROUP).build()? {
            let batch = batch?;
            Columns::of(&batch)?.fold(&batch, (from, to), fold)?;
        }
        Ok(())
    }
}

fn lacks(column: Column) -> ParquetError {
    ParquetError::General(format!("column `{}` is missing or holds what it cannot", column.name()))
}

/// Values of a column that has some numbers.
struct Numbers<'b, T: ArrowPrimitiveType>(&'b PrimitiveArray<T>, Column);

impl<'b, T: ArrowPrimitiveType> Numbers<'b, T> {
    fn of(batch: &'b RecordBatch, column: Column) -> Result<Numbers<'b, T>, ParquetError> {
        let array = batch.column_by_name(column.name()).and_then(|array| array.as_primitive_opt::<T>());
        Ok(Numbers(array.ok_or_else(|| lacks(column))?, column))
    }

    fn get(&self, row: usize) -> Option<T::Native> {
        (row < self.0.len() && self.0.is_valid(row)).then(|| self.0.value(row))
    }

    fn required(&self, row: usize) -> Result<T::Native, ParquetError> {
        self.get(row).ok_or_else(|| lacks(self.1))
    }
}

/// Texts of a column by dictionary, with what was made of each that a row had.
struct Coded<'b, V> {
    column: Column,
    keys: &'b PrimitiveArray<Int32Type>,
    texts: &'b StringArray,
    made: Vec<Option<V>>,
}

impl<'b, V: Copy> Coded<'b, V> {
    fn of(batch: &'b RecordBatch, column: Column) -> Result<Coded<'b, V>, ParquetError> {
        let array = batch.column_by_name(column.name()).and_then(|array| array.as_dictionary_opt::<Int32Type>());
        let dictionary = array.ok_or_else(|| lacks(column))?;
        let texts = dictionary.values().as_string_opt::<i32>().ok_or_else(|| lacks(column))?;
        Ok(Coded { column, keys: dictionary.keys(), texts, made: vec![None; texts.len()] })
    }

    /// The place of a row's text.
    fn key(&self, row: usize) -> Option<usize> {
        let key = (row < self.keys.len() && self.keys.is_valid(row)).then(|| self.keys.value(row))?;
        usize::try_from(key).ok().filter(|key| *key < self.texts.len())
    }

    /// A row's text and its place.
    fn at(&self, row: usize) -> Result<(usize, &'b str), ParquetError> {
        let key = self.key(row).ok_or_else(|| lacks(self.column))?;
        Ok((key, self.texts.value(key)))
    }

    /// What is made of a row's text; none where it has none.
    fn get(&mut self, row: usize, make: impl FnOnce(&'b str) -> Option<V>) -> Result<Option<V>, ParquetError> {
        let Some(key) = self.key(row) else { return Ok(None) };
        let Some(made) = self.made.get_mut(key) else { return Ok(None) };
        if made.is_none() {
            *made = make(self.texts.value(key));
        }
        made.map(Some).ok_or_else(|| lacks(self.column))
    }

    fn required(&mut self, row: usize, make: impl FnOnce(&'b str) -> Option<V>) -> Result<V, ParquetError> {
        self.get(row, make)?.ok_or_else(|| lacks(self.column))
    }

    fn forget(&mut self) {
        self.made.fill(None);
    }
}

impl<'b> Coded<'b, u32> {
    /// A row's text with its number in a fold.
    fn text(&mut self, row: usize, fold: &mut Fold) -> Result<Text<'b>, ParquetError> {
        let (key, text) = self.at(row)?;
        let made = self.made.get_mut(key).ok_or_else(|| lacks(self.column))?;
        Ok(Text { text, number: *made.get_or_insert_with(|| fold.text(text)) })
    }
}

/// The columns that folding looks at.
struct Columns<'b> {
    time: Numbers<'b, TimestampNanosecondType>,
    last: Numbers<'b, TimestampNanosecondType>,
    threat: Numbers<'b, UInt64Type>,
    port: Numbers<'b, UInt16Type>,
    protocol: Numbers<'b, UInt8Type>,
    match_start: Numbers<'b, UInt32Type>,
    match_end: Numbers<'b, UInt32Type>,
    confidence: Numbers<'b, UInt8Type>,
    count: Numbers<'b, UInt64Type>,
    src: Coded<'b, Address>,
    dst: Coded<'b, Address>,
    kind: Coded<'b, Kind>,
    severity: Coded<'b, Severity>,
    site: Coded<'b, u32>,
    sensor: Coded<'b, u32>,
    observed: Coded<'b, u32>,
    indicator: Coded<'b, u32>,
    info: Coded<'b, u32>,
    reference: Coded<'b, u32>,
    class: Coded<'b, u32>,
    rest: &'b StringArray,
    marked: Marked,
}

impl<'b> Columns<'b> {
    fn of(batch: &'b RecordBatch) -> Result<Columns<'b>, ParquetError> {
        let rest = batch.column_by_name(Column::Rest.name()).and_then(|array| array.as_string_opt::<i32>());
        Ok(Columns {
            time: Numbers::of(batch, Column::Time)?,
            last: Numbers::of(batch, Column::Last)?,
            threat: Numbers::of(batch, Column::Threat)?,
            port: Numbers::of(batch, Column::DstPort)?,
            protocol: Numbers::of(batch, Column::Protocol)?,
            match_start: Numbers::of(batch, Column::MatchStart)?,
            match_end: Numbers::of(batch, Column::MatchEnd)?,
            confidence: Numbers::of(batch, Column::Confidence)?,
            count: Numbers::of(batch, Column::Count)?,
            src: Coded::of(batch, Column::Src)?,
            dst: Coded::of(batch, Column::Dst)?,
            kind: Coded::of(batch, Column::Kind)?,
            severity: Coded::of(batch, Column::Severity)?,
            site: Coded::of(batch, Column::Site)?,
            sensor: Coded::of(batch, Column::Sensor)?,
            observed: Coded::of(batch, Column::Observed)?,
            indicator: Coded::of(batch, Column::Indicator)?,
            info: Coded::of(batch, Column::Info)?,
            reference: Coded::of(batch, Column::Reference)?,
            class: Coded::of(batch, Column::Class)?,
            rest: rest.ok_or_else(|| lacks(Column::Rest))?,
            marked: HashMap::default(),
        })
    }

    fn fold(
        mut self,
        batch: &'b RecordBatch,
        (from, to): (Timestamp, Timestamp),
        fold: &mut Fold,
    ) -> Result<(), ParquetError> {
        let decoder = Decoder::new(batch);
        let (first, end) = (nanoseconds(from), nanoseconds(to));
        let mut places = Vec::with_capacity(TOGETHER);
        for row in 0..batch.num_rows() {
            if row.is_multiple_of(TOGETHER) {
                if row.is_multiple_of(PORTION) && fold.settle() {
                    self.forget();
                }
                let ids = self.threat.0.values().get(row..).unwrap_or_default().iter().take(TOGETHER);
                fold.places(ids.map(|id| ThreatId(*id)), &mut places);
            }
            let time = self.time.required(row)?;
            // Rows with lists, and of before 1970, are events like any other.
            if self.rest.is_valid(row) || time < 0 {
                let stored = decoder.row(row).map_err(|error| ParquetError::External(Box::new(error)))?;
                if (from..to).contains(&stored.event.time) {
                    fold.add_unsettled(&stored.event);
                }
            } else if (first..end).contains(&time) {
                let place = places.get(row % TOGETHER).copied().flatten();
                self.add(row, time, place, fold)?;
            }
        }
        fold.settle();
        Ok(())
    }

    fn add(&mut self, row: usize, time: i64, place: Option<u32>, fold: &mut Fold) -> Result<(), ParquetError> {
        let severities = [Severity::Low, Severity::Medium, Severity::High];
        let kind = |name: &str| Kind::ALL.into_iter().find(|kind| kind.name() == name);
        let severity = |name: &str| severities.into_iter().find(|severity| severity.name() == name);
        let told = self.indicator.text(row, fold)?;
        let indicator = if told.text.is_empty() { self.observed.text(row, fold)? } else { told };
        let matched = self.match_start.get(row).zip(self.match_end.get(row));
        let (key, seen) = self.observed.at(row)?;
        let whole = matched.is_none_or(|(start, end)| start == 0 && end as usize == seen.len());
        let shown = if whole && memchr::memchr2(b'(', b')', seen.as_bytes()).is_none() {
            self.observed.text(row, fold)?
        } else {
            marked(&mut self.marked, (key, seen), matched, fold)
        };
        let added = Row {
            id: ThreatId(self.threat.required(row)?),
            time: time / SECOND,
            last: self.last.required(row)?.div_euclid(SECOND),
            site: self.site.text(row, fold)?,
            sensor: self.sensor.text(row, fold)?,
            source: self.src.get(row, |text| address(text, fold))?.unwrap_or(Address::UNSPECIFIED),
            destination: self.dst.get(row, |text| address(text, fold))?,
            port: self.port.get(row).unwrap_or(0),
            protocol: self.protocol.required(row)?,
            kind: self.kind.required(row, kind)?,
            indicator,
            shown,
            info: self.info.text(row, fold)?,
            reference: self.reference.text(row, fold)?,
            class: self.class.text(row, fold)?,
            severity: self.severity.required(row, severity)?,
            confidence: self.confidence.required(row)?,
            count: self.count.required(row)?,
        };
        fold.add_row(&added, place);
        Ok(())
    }

    /// The fold has numbered its texts anew.
    fn forget(&mut self) {
        let Columns { site, sensor, observed, indicator, info, reference, class, marked, .. } = self;
        [site, sensor, observed, indicator, info, reference, class].into_iter().for_each(Coded::forget);
        marked.clear();
    }
}

fn address(text: &str, fold: &Fold) -> Option<Address> {
    text.parse::<IpAddr>().ok().map(|address| fold.address(address))
}

/// Texts with their markup and number, by text and range.
type Marked = HashMap<(usize, u32, u32), (Box<str>, u32), foldhash::fast::RandomState>;

/// A text with its markup, made once for each range.
fn marked<'m>(
    known: &'m mut Marked,
    (key, text): (usize, &str),
    matched: Option<(u32, u32)>,
    fold: &mut Fold,
) -> Text<'m> {
    // No range ends there.
    let (start, end) = matched.unwrap_or((u32::MAX, u32::MAX));
    let (text, number) = known.entry((key, start, end)).or_insert_with(|| {
        let text = shown(text, matched);
        let number = fold.text(&text);
        (text.into(), number)
    });
    Text { text, number: *number }
}
