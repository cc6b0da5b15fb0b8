//! Several segments of one day become one: rows of all, in order of time, compared with what they came from.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::path::Path;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use arrow_array::types::TimestampNanosecondType;
use arrow_select::interleave::interleave_record_batch;
use parquet::arrow::arrow_reader::ParquetRecordBatchReader;
use parquet::errors::ParquetError;

use super::ROW_GROUP;
use super::columns::{Column, READ_SCHEMA, SCHEMA};
use super::counts::Counts;
use super::digest::digest;
use super::encode::nanoseconds;
use super::read::{Meta, Segment};
use super::write::{KEPT_LEVEL, Writer};

/// Rows of all parts that are in memory, about.
const HELD: usize = 65_536;
/// Least rows of a part that are read at a time.
const LEAST: usize = 256;
/// Rows that are written at a time.
const WRITTEN: usize = 8_192;

/// Writes one segment of the rows of others, which lie in one day and stand in the order of their ids. `meta` says
/// what it is; its counts are filled in. What was written is read again and compared: by dictionaries, a row group at a
/// time, so that each value is looked at once.
pub(in crate::store) fn merge(path: &Path, parts: &[Arc<Segment>], mut meta: Meta) -> Result<Meta, ParquetError> {
    let mut counts = Counts::new();
    parts.iter().for_each(|part| counts.merge(&part.meta.counts));
    let expected = parts.iter().fold(0u64, |sum, part| sum.wrapping_add(part.meta.digest));
    meta.counts = counts;
    let mut writer = Writer::create(path, meta.counts.all.lines, KEPT_LEVEL)?;
    Merging::new(parts).run(&mut writer)?;
    same(&meta, expected, writer.so_far())?;
    let meta = writer.finish(path, meta)?;
    let directory = path.parent().unwrap_or(Path::new("."));
    let written = Segment::new(directory, meta.clone());
    let mut found = (0u64, 0u64);
    for batch in written.batches(&READ_SCHEMA, ROW_GROUP, Column::digested)? {
        let batch = batch?;
        found = (found.0 + batch.num_rows() as u64, found.1.wrapping_add(digest(&batch)));
    }
    same(&meta, expected, found)?;
    Ok(meta)
}

fn same(meta: &Meta, expected: u64, (rows, digest): (u64, u64)) -> Result<(), ParquetError> {
    if rows == meta.counts.all.lines && digest == expected {
        return Ok(());
    }
    Err(ParquetError::General(format!("{rows} rows of {} came out, or other ones", meta.counts.all.lines)))
}

/// A part whose first row is not told yet, or the place of its next row.
struct Part<'p> {
    segment: &'p Segment,
    reader: Option<ParquetRecordBatchReader>,
    /// Slot of its batch, and row.
    at: (usize, usize),
}

struct Merging<'p> {
    parts: Vec<Part<'p>>,
    /// Time of the next row of each part; its own order decides between equal ones.
    heap: BinaryHeap<Reverse<(i64, usize)>>,
    slots: Vec<RecordBatch>,
    chosen: Vec<(usize, usize)>,
    rows: usize,
}

impl<'p> Merging<'p> {
    fn new(parts: &'p [Arc<Segment>]) -> Merging<'p> {
        let first = |(place, part): (usize, &Arc<Segment>)| Reverse((nanoseconds(part.meta.counts.first), place));
        Merging {
            heap: parts.iter().enumerate().map(first).collect(),
            parts: parts.iter().map(|segment| Part { segment, reader: None, at: (0, 0) }).collect(),
            slots: Vec::new(),
            chosen: Vec::with_capacity(WRITTEN),
            rows: (HELD / together(parts).max(1)).clamp(LEAST, WRITTEN),
        }
    }

    fn run(mut self, writer: &mut Writer) -> Result<(), ParquetError> {
        while let Some(Reverse((_, place))) = self.heap.pop() {
            let Some(part) = self.parts.get_mut(place) else { continue };
            if part.reader.is_none() {
                part.reader = Some(part.segment.batches(&SCHEMA, self.rows, |_| true)?);
                if !self.next_batch(place)? {
                    continue;
                }
            }
            self.take(place, writer)?;
        }
        self.flush(writer)
    }

    /// Takes rows of a part until another's come first.
    fn take(&mut self, place: usize, writer: &mut Writer) -> Result<(), ParquetError> {
        loop {
            let Some(part) = self.parts.get_mut(place) else { return Ok(()) };
            let (slot, row) = part.at;
            match self.slots.get(slot).and_then(|batch| time(batch, row)) {
                Some(time) => {
                    if self.heap.peek().is_some_and(|Reverse(other)| *other < (time, place)) {
                        self.heap.push(Reverse((time, place)));
                        return Ok(());
                    }
                    self.chosen.push(part.at);
                    part.at.1 += 1;
                    if self.chosen.len() >= WRITTEN {
                        self.flush(writer)?;
                    }
                }
                None => {
                    // What begins with the next batch can be written without a copy.
                    if self.chosen.len() >= WRITTEN / 2 {
                        self.flush(writer)?;
                    }
                    if !self.next_batch(place)? {
                        return Ok(());
                    }
                }
            }
        }
    }

    fn next_batch(&mut self, place: usize) -> Result<bool, ParquetError> {
        let Some(part) = self.parts.get_mut(place) else { return Ok(false) };
        match part.reader.as_mut().and_then(Iterator::next) {
            Some(batch) => {
                part.at = (self.slots.len(), 0);
                self.slots.push(batch?);
                Ok(true)
            }
            None => {
                // It holds the pages and dictionaries of all columns.
                part.reader = None;
                // Behind every slot there will be.
                part.at = (usize::MAX, 0);
                Ok(false)
            }
        }
    }

    /// What was chosen, without a copy, where it is rows of one batch on end: parts seldom overlap.
    fn run_of_one(&self) -> Option<RecordBatch> {
        let ((slot, start), (last_slot, last)) = (*self.chosen.first()?, *self.chosen.last()?);
        // Rows of a batch are chosen in their order: the ends tell of those between.
        let on_end = slot == last_slot && last.checked_sub(start)? + 1 == self.chosen.len();
        let batch = self.slots.get(slot).filter(|_| on_end)?;
        Some(batch.slice(start, self.chosen.len()))
    }

    /// Writes what was chosen, and keeps only batches that parts are still at.
    fn flush(&mut self, writer: &mut Writer) -> Result<(), ParquetError> {
        if self.chosen.is_empty() {
            return Ok(());
        }
        match self.run_of_one() {
            Some(rows) => writer.push(&rows)?,
            None => {
                let batches: Vec<&RecordBatch> = self.slots.iter().collect();
                writer.push(&interleave_record_batch(&batches, &self.chosen)?)?;
            }
        }
        self.chosen.clear();
        let mut kept = Vec::new();
        for part in self.parts.iter_mut().filter(|part| part.reader.is_some()) {
            if let Some(batch) = self.slots.get(part.at.0) {
                part.at.0 = kept.len();
                kept.push(batch.clone());
            }
        }
        self.slots = kept;
        Ok(())
    }
}

/// Most parts that have rows of one time or another between two of their rows, by first and last times.
fn together(parts: &[Arc<Segment>]) -> usize {
    let counts = parts.iter().map(|part| &part.meta.counts);
    let mut changes: Vec<_> = counts.flat_map(|counts| [(counts.first, 0u8), (counts.last, 1)]).collect();
    changes.sort_unstable();
    let (mut open, mut most) = (0usize, 0);
    for (_, ends) in changes {
        open = if ends == 1 { open.saturating_sub(1) } else { open + 1 };
        most = most.max(open);
    }
    most
}

fn time(batch: &RecordBatch, row: usize) -> Option<i64> {
    let times = batch.column(Column::Time.place()).as_primitive_opt::<TimestampNanosecondType>()?;
    (row < times.len()).then(|| times.value(row))
}
