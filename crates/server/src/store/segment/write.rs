//! Writes segments.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;

use arrow_array::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::{KeyValue, SortingColumn};
use parquet::file::properties::{BloomFilterPosition, EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

use super::ROW_GROUP;
use super::blocks::{Summing, to_bytes, total};
use super::columns::{Column, SCHEMA};
use super::counts::Counts;
use super::digest::digest;
use super::encode::Encoder;
use super::read::{META_KEY, Meta};
use crate::store::Stored;

/// Rows that are encoded at a time.
const ENCODED: usize = 8_192;
/// Rows of a page: what is read at least where one row is wanted.
const PAGE_ROWS: usize = 8_192;
/// Share of bloom filter look-ups that say yes wrongly.
const FALSE_POSITIVES: f64 = 0.01;
/// Of segments that soon become part of another: what counts is the time.
const PASSING_LEVEL: i32 = 1;
/// Of segments that are kept.
pub(super) const KEPT_LEVEL: i32 = 3;
/// Bytes of a column's dictionary in a row group, above which its further values stand in the rows: hunts look at
/// dictionaries before rows. Held in memory while a row group is written.
const DICTIONARY: usize = 8 << 20;

/// What is looked for by single values.
const BLOOMS: [Column; 5] = [Column::Src, Column::Dst, Column::Indicator, Column::Threat, Column::Keys];

/// Columns with statistics: the range of times, and whether no row has a value. Others would cost comparisons of every
/// row for what nobody asks.
const TOLD: [Column; 7] =
    [Column::Time, Column::MatchStart, Column::MatchEnd, Column::Line, Column::Context, Column::Reasons, Column::Rest];

/// A segment that is being written.
pub(super) struct Writer {
    arrow: ArrowWriter<Summing<File>>,
    digest: u64,
    rows: u64,
}

impl Writer {
    /// For about so many rows, compressed by a level of zstd.
    pub(super) fn create(path: &Path, rows: u64, level: i32) -> Result<Writer, ParquetError> {
        let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o640).open(path)?;
        let arrow = ArrowWriter::try_new(Summing::new(file), Arc::clone(&SCHEMA), Some(properties(rows, level)?))?;
        Ok(Writer { arrow, digest: 0, rows: 0 })
    }

    pub(super) fn push(&mut self, batch: &RecordBatch) -> Result<(), ParquetError> {
        self.digest = self.digest.wrapping_add(digest(batch));
        self.rows += batch.num_rows() as u64;
        self.arrow.write(batch)
    }

    /// Rows and digest so far.
    pub(super) fn so_far(&self) -> (u64, u64) {
        (self.rows, self.digest)
    }

    /// Completes the file and its sums, on disk. `meta` goes in the file as it is given, and comes back complete.
    pub(super) fn finish(mut self, path: &Path, mut meta: Meta) -> Result<Meta, ParquetError> {
        meta.digest = self.digest;
        let json = serde_json::to_string(&meta).map_err(|error| ParquetError::External(Box::new(error)))?;
        self.arrow.append_key_value_metadata(KeyValue::new(META_KEY.to_owned(), json));
        let through = self.arrow.into_inner()?;
        let bytes = through.written();
        let (file, sums) = through.finish();
        file.sync_all()?;
        write_sums(path, &sums)?;
        meta.bytes = bytes;
        meta.checksum = total(&sums);
        Ok(meta)
    }
}

/// Writes the sums that belong to a file.
pub(super) fn write_sums(path: &Path, sums: &[u64]) -> io::Result<()> {
    let path = path.with_extension("sums");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o640).open(path)?;
    file.write_all(&to_bytes(sums))?;
    file.sync_all()
}

fn properties(rows: u64, level: i32) -> Result<WriterProperties, ParquetError> {
    let path = |column: Column| ColumnPath::new(column.path());
    // Keys are a few for each row.
    let values = (rows * 2).clamp(64, 2 * ROW_GROUP as u64);
    let mut properties = WriterProperties::builder()
        .set_created_by(concat!("maltrail ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(level)?))
        .set_max_row_group_row_count(Some(ROW_GROUP))
        .set_data_page_row_count_limit(PAGE_ROWS)
        .set_dictionary_page_size_limit(DICTIONARY)
        .set_write_batch_size(PAGE_ROWS)
        .set_statistics_enabled(EnabledStatistics::None)
        .set_bloom_filter_position(BloomFilterPosition::End)
        .set_sorting_columns(Some(vec![SortingColumn {
            column_idx: i32::try_from(Column::Time.place()).unwrap_or(0),
            descending: false,
            nulls_first: false,
        }]));
    for column in [Column::Time, Column::Last] {
        properties = properties
            .set_column_dictionary_enabled(path(column), false)
            .set_column_encoding(path(column), Encoding::DELTA_BINARY_PACKED);
    }
    for column in TOLD {
        properties = properties.set_column_statistics_enabled(path(column), EnabledStatistics::Chunk);
    }
    for column in [Column::Id, Column::Threat, Column::Line, Column::Context, Column::Rest] {
        properties = properties.set_column_dictionary_enabled(path(column), false);
    }
    for column in BLOOMS {
        properties = properties
            .set_column_bloom_filter_enabled(path(column), true)
            .set_column_bloom_filter_fpp(path(column), FALSE_POSITIVES)
            .set_column_bloom_filter_ndv(path(column), values);
    }
    Ok(properties.build())
}

/// Writes events that are sorted by time as a segment. `meta` says what it is; its counts are filled in.
pub(in crate::store) fn write(path: &Path, events: &[Arc<Stored>], mut meta: Meta) -> Result<Meta, ParquetError> {
    let mut writer = Writer::create(path, events.len() as u64, PASSING_LEVEL)?;
    let mut counts = Counts::new();
    let mut encoder = Encoder::new();
    for part in events.chunks(ENCODED) {
        for stored in part {
            counts.push(stored);
            encoder.push(stored);
        }
        writer.push(&encoder.finish()?)?;
    }
    meta.counts = counts;
    writer.finish(path, meta)
}
