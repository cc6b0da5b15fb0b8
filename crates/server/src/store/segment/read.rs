//! Reads segments: what a file is, and its rows in order of time.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use jiff::Timestamp;
use jiff::civil::Date;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder, RowSelection,
};
use parquet::errors::ParquetError;
use parquet::file::metadata::PageIndexPolicy;
use serde::{Deserialize, Serialize};

use super::blocks::{Checked, from_bytes, of_file, total};
use super::columns::{Column, READ_SCHEMA};
use super::counts::Counts;
use super::decode::Decoder;
use super::group::Group;
use super::mask::{Mask, Test};
use super::prune::{Overlap, may_match, overlap};
use super::write::write_sums;
use crate::store::{Range as SourceRange, Stored};

/// Where a file tells what it is.
pub(super) const META_KEY: &str = "maltrail.segment";

/// Rows that are in memory at a time.
const BATCH: usize = 1_024;
/// Rows of a portion that is read backwards.
const PORTION: usize = 4_096;

/// What a segment is. Stands in the catalog, and (but for size and checksum) in the file itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::store) struct Meta {
    pub(in crate::store) format: u32,
    /// Never used again; the order of segments.
    pub(in crate::store) id: u64,
    /// UTC day of all events.
    pub(in crate::store) day: Date,
    /// Whether it is the whole of a day that has ended.
    pub(in crate::store) sealed: bool,
    pub(in crate::store) counts: Counts,
    /// Bytes of sources whose events of the day it holds.
    pub(in crate::store) ranges: Vec<SourceRange>,
    /// Segments it was compacted from.
    pub(in crate::store) replaces: Vec<u64>,
    /// Segments that were written together, this one among them: first id and number.
    pub(in crate::store) together: (u64, u64),
    pub(in crate::store) digest: u64,
    pub(in crate::store) bytes: u64,
    pub(in crate::store) checksum: u64,
}

impl Meta {
    /// Name of its file.
    pub(in crate::store) fn file(&self) -> String {
        format!("{}-{:08}.parquet", self.day, self.id)
    }
}

/// A segment on disk. Its files go when it was dismissed and nobody reads it any more.
#[derive(Debug)]
pub(in crate::store) struct Segment {
    pub(in crate::store) meta: Meta,
    path: PathBuf,
    /// Its file, where it is another's, who may remove it at any time.
    held: Option<Arc<File>>,
    sums: OnceLock<Arc<[u64]>>,
    dismissed: AtomicBool,
}

impl Drop for Segment {
    fn drop(&mut self) {
        if self.dismissed.load(Ordering::Acquire) {
            // What stays because of an error is an orphan, removed at the next start.
            let _ = std::fs::remove_file(&self.path);
            let _ = std::fs::remove_file(self.path.with_extension("sums"));
        }
    }
}

impl Segment {
    pub(in crate::store) fn new(directory: &Path, meta: Meta) -> Segment {
        let path = directory.join(meta.file());
        Segment { meta, path, held: None, sums: OnceLock::new(), dismissed: AtomicBool::new(false) }
    }

    /// One of another's directory: it stays readable, and is not changed.
    pub(in crate::store) fn hold(directory: &Path, meta: Meta) -> io::Result<Segment> {
        let mut segment = Segment::new(directory, meta);
        let file = File::open(&segment.path)?;
        if file.metadata()?.len() != segment.meta.bytes {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "it is of another size than it was written"));
        }
        segment.held = Some(Arc::new(file));
        segment.sums()?;
        Ok(segment)
    }

    /// Whether it is another's.
    pub(in crate::store) fn is_held(&self) -> bool {
        self.held.is_some()
    }

    pub(in crate::store) fn path(&self) -> &Path {
        &self.path
    }

    /// Its files are removed when the last reader is done.
    pub(in crate::store) fn dismiss(&self) {
        self.dismissed.store(true, Ordering::Release);
    }

    /// Whether it is not what the catalog says: missing, or of another size.
    pub(in crate::store) fn looks_damaged(&self) -> bool {
        match std::fs::metadata(&self.path) {
            Ok(file) => file.len() != self.meta.bytes,
            Err(error) => error.kind() == io::ErrorKind::NotFound,
        }
    }

    fn sums(&self) -> io::Result<Arc<[u64]>> {
        if let Some(sums) = self.sums.get() {
            return Ok(Arc::clone(sums));
        }
        let kept = std::fs::read(self.path.with_extension("sums")).map(|bytes| from_bytes(&bytes)).unwrap_or_default();
        let sums = if total(&kept) == self.meta.checksum {
            kept
        } else {
            let sums = of_file(&self.path)?;
            if total(&sums) != self.meta.checksum {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "the file is not what was written"));
            }
            if self.held.is_none() {
                // Only spares the next start the reading.
                let _ = write_sums(&self.path, &sums);
            }
            sums
        };
        Ok(Arc::clone(self.sums.get_or_init(|| sums.into())))
    }

    pub(super) fn open(&self, schema: &SchemaRef) -> Result<(Checked, ArrowReaderMetadata), ParquetError> {
        let file = match &self.held {
            Some(file) => Arc::clone(file),
            None => Arc::new(File::open(&self.path)?),
        };
        let checked = Checked::new(file, self.sums()?)?;
        let options = ArrowReaderOptions::new()
            .with_schema(Arc::clone(schema))
            .with_offset_index_policy(PageIndexPolicy::Required);
        let footer = ArrowReaderMetadata::load(&checked, options)?;
        Ok((checked, footer))
    }

    /// Some columns of all rows, in batches of `rows`.
    pub(super) fn batches(
        &self,
        schema: &SchemaRef,
        rows: usize,
        wanted: impl Fn(Column) -> bool,
    ) -> Result<ParquetRecordBatchReader, ParquetError> {
        let (checked, footer) = self.open(schema)?;
        let leaves = Column::ALL.into_iter().filter(|column| wanted(*column)).map(Column::place);
        let mask = ProjectionMask::leaves(footer.parquet_schema(), leaves);
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(checked, footer);
        builder.with_projection(mask).with_batch_size(rows).build()
    }

    /// Visits every event, in order of time.
    pub(in crate::store) fn each(&self, mut visit: impl FnMut(Stored)) -> Result<(), ParquetError> {
        for batch in self.batches(&READ_SCHEMA, BATCH, |_| true)? {
            let batch = batch?;
            let decoder = Decoder::new(&batch);
            for row in 0..batch.num_rows() {
                visit(decoder.row(row).map_err(|error| ParquetError::External(Box::new(error)))?);
            }
        }
        Ok(())
    }
}

impl Segment {
    /// Visits the events between two times, with what folding into threats looks at; id, line, context, reasons and
    /// batch are left out.
    pub(in crate::store) fn each_to_fold(
        &self,
        (from, to): (Timestamp, Timestamp),
        mut visit: impl FnMut(&Stored),
    ) -> Result<(), ParquetError> {
        let (checked, footer) = self.open(&READ_SCHEMA)?;
        let groups = footer.metadata().row_groups().iter().enumerate();
        let groups =
            groups.filter(|(_, group)| overlap(group, from, to) != Overlap::None).map(|(place, _)| place).collect();
        let leaves = Column::ALL.into_iter().filter(|column| column.folds()).map(Column::place);
        let mask = ProjectionMask::leaves(footer.parquet_schema(), leaves);
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(checked, footer);
        for batch in builder.with_row_groups(groups).with_projection(mask).with_batch_size(BATCH).build()? {
            let batch = batch?;
            let decoder = Decoder::new(&batch);
            for row in 0..batch.num_rows() {
                let stored = decoder.row(row).map_err(|error| ParquetError::External(Box::new(error)))?;
                if (from..to).contains(&stored.event.time) {
                    visit(&stored);
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
impl Segment {
    /// Columns whose rows a look at the first row group reads.
    pub(super) fn columns_read(&self, test: &Test) -> Result<Vec<usize>, ParquetError> {
        let (checked, footer) = self.open(&READ_SCHEMA)?;
        let mut group = Group::new(&checked, &footer, 0);
        test.mask(&mut group)?;
        Ok(group.read())
    }
}

/// What a file that is in no catalog says of itself.
pub(in crate::store) fn meta_of(path: &Path) -> Result<Meta, ParquetError> {
    let file = File::open(path)?;
    let bytes = file.metadata()?.len();
    let footer = ArrowReaderMetadata::load(&file, ArrowReaderOptions::new())?;
    let values = footer.metadata().file_metadata().key_value_metadata();
    let value =
        values.and_then(|all| all.iter().find(|pair| pair.key == META_KEY)).and_then(|pair| pair.value.as_ref());
    let value = value.ok_or_else(|| ParquetError::General("it is no segment".to_owned()))?;
    let meta: Meta = serde_json::from_str(value).map_err(|error| ParquetError::External(Box::new(error)))?;
    Ok(Meta { bytes, checksum: total(&of_file(path)?), ..meta })
}

/// Which rows are wanted, and in which order.
#[derive(Clone, Debug)]
pub(in crate::store) struct Wanted<'q> {
    pub(in crate::store) test: &'q Test,
    pub(in crate::store) from: Timestamp,
    pub(in crate::store) to: Timestamp,
    pub(in crate::store) newest_first: bool,
}

/// Rows of a segment that may be wanted, one after another.
pub(in crate::store) struct Rows<'q> {
    wanted: Wanted<'q>,
    checked: Checked,
    footer: ArrowReaderMetadata,
    /// Row groups that are to come.
    groups: VecDeque<usize>,
    reading: Option<Reading>,
    ready: VecDeque<Stored>,
    passed: u64,
}

/// The row group that is being read.
enum Reading {
    Forward(ParquetRecordBatchReader),
    /// Row group, and rows of it that are still to come.
    Backward(usize, Vec<Range<usize>>),
}

impl<'q> Rows<'q> {
    pub(in crate::store) fn open(segment: &Segment, wanted: Wanted<'q>) -> Result<Rows<'q>, ParquetError> {
        let (checked, footer) = segment.open(&READ_SCHEMA)?;
        let mut groups: VecDeque<usize> = (0..footer.metadata().num_row_groups()).collect();
        if wanted.newest_first {
            groups.make_contiguous().reverse();
        }
        Ok(Rows { wanted, checked, footer, groups, reading: None, ready: VecDeque::new(), passed: 0 })
    }

    /// Rows that were looked at or passed over since the last call.
    pub(in crate::store) fn take_passed(&mut self) -> u64 {
        std::mem::take(&mut self.passed)
    }

    /// Goes on a step: returns whether there may be more. A step is a row group that is passed over or looked at, or
    /// some rows.
    pub(in crate::store) fn step(&mut self) -> Result<bool, ParquetError> {
        match self.reading.take() {
            Some(Reading::Forward(mut reader)) => {
                if let Some(batch) = reader.next() {
                    self.decode(&batch?)?;
                    self.reading = Some(Reading::Forward(reader));
                }
                Ok(true)
            }
            Some(Reading::Backward(group, mut ranges)) => {
                let portion = split_end(&mut ranges, PORTION);
                if !portion.is_empty() {
                    for batch in self.reader(group, Some(&portion), PORTION)? {
                        self.decode(&batch?)?;
                    }
                    self.ready.make_contiguous().reverse();
                    self.reading = Some(Reading::Backward(group, ranges));
                }
                Ok(true)
            }
            None => {
                let Some(group) = self.groups.pop_front() else { return Ok(false) };
                self.begin(group)?;
                Ok(true)
            }
        }
    }

    /// The next row that is at hand. None: [`Rows::step`].
    pub(in crate::store) fn ready(&mut self) -> Option<Stored> {
        self.ready.pop_front()
    }

    fn begin(&mut self, group: usize) -> Result<(), ParquetError> {
        let meta = self.footer.metadata().row_group(group);
        let rows = usize::try_from(meta.num_rows()).unwrap_or(0);
        self.passed += rows as u64;
        let times = overlap(meta, self.wanted.from, self.wanted.to);
        if times == Overlap::None || !may_match(&self.checked, &self.footer, group, self.wanted.test)? {
            return Ok(());
        }
        let ranges = self.ranges(group)?;
        if ranges.is_empty() {
            return Ok(());
        }
        self.reading = Some(if self.wanted.newest_first {
            Reading::Backward(group, ranges)
        } else {
            let all = matches!(ranges.as_slice(), [one] if one.len() == rows);
            Reading::Forward(self.reader(group, (!all).then_some(&ranges), BATCH)?)
        });
        Ok(())
    }

    /// Rows of a group that may match.
    fn ranges(&self, place: usize) -> Result<Vec<Range<usize>>, ParquetError> {
        let mut group = Group::new(&self.checked, &self.footer, place);
        let mask = self.wanted.test.mask(&mut group)?;
        let mut ranges = Vec::new();
        match mask {
            Mask::None => {}
            Mask::All => add(&mut ranges, 0..group.rows()),
            Mask::Rows(rows) => {
                let wanted = rows.iter().enumerate().filter(|(_, wanted)| **wanted);
                wanted.for_each(|(row, _)| add(&mut ranges, row..row + 1));
            }
        }
        Ok(ranges)
    }

    fn reader(
        &self,
        group: usize,
        ranges: Option<&Vec<Range<usize>>>,
        batch: usize,
    ) -> Result<ParquetRecordBatchReader, ParquetError> {
        let rows = usize::try_from(self.footer.metadata().row_group(group).num_rows()).unwrap_or(0);
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(self.checked.clone(), self.footer.clone())
            .with_row_groups(vec![group])
            .with_batch_size(batch);
        match ranges {
            Some(ranges) => {
                let selection = RowSelection::from_consecutive_ranges(ranges.iter().cloned(), rows);
                builder.with_row_selection(selection).build()
            }
            None => builder.build(),
        }
    }

    fn decode(&mut self, batch: &RecordBatch) -> Result<(), ParquetError> {
        let decoder = Decoder::new(batch);
        for row in 0..batch.num_rows() {
            let stored = decoder.row(row).map_err(|error| ParquetError::External(Box::new(error)))?;
            if (self.wanted.from..self.wanted.to).contains(&stored.event.time) {
                self.ready.push_back(stored);
            }
        }
        Ok(())
    }
}

/// Adds rows behind others.
fn add(ranges: &mut Vec<Range<usize>>, rows: Range<usize>) {
    match ranges.last_mut() {
        Some(last) if last.end == rows.start => last.end = rows.end,
        _ => ranges.push(rows),
    }
}

/// Takes at most so many rows from the end.
fn split_end(ranges: &mut Vec<Range<usize>>, rows: usize) -> Vec<Range<usize>> {
    let (mut portion, mut left) = (Vec::new(), rows);
    while left > 0 {
        let Some(last) = ranges.pop() else { break };
        let start = last.start.max(last.end.saturating_sub(left));
        left -= last.end - start;
        if start > last.start {
            ranges.push(last.start..start);
        }
        portion.push(start..last.end);
    }
    portion.reverse();
    portion
}
