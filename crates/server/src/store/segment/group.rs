//! One row group, whose columns are read when a look at them is needed, each at most once.
//!
//! Most columns hold few values many times, and tell them once, in a dictionary before the rows. A look at the
//! dictionary is enough to say that no row is wanted.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::ArrayRef;
use bytes::{Buf, Bytes};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ParquetRecordBatchReaderBuilder};
use parquet::basic::Encoding;
use parquet::column::page::{Page, PageReader};
use parquet::errors::ParquetError;
use parquet::file::metadata::{ColumnChunkMetaData, RowGroupMetaData};
use parquet::file::serialized_reader::SerializedPageReader;

use super::blocks::Checked;
use super::columns::Column;

/// See the module.
pub(super) struct Group<'s> {
    checked: &'s Checked,
    footer: &'s ArrowReaderMetadata,
    place: usize,
    rows: usize,
    dictionaries: HashMap<usize, Option<Dictionary>>,
    arrays: HashMap<usize, ArrayRef>,
}

/// The different texts of a column, as a page holds them: each behind its length.
#[derive(Clone)]
pub(super) struct Dictionary(Bytes);

impl Dictionary {
    /// Whether one of the texts is wanted. One that is no text counts as wanted: reading its row tells.
    pub(super) fn any(&self, mut wanted: impl FnMut(&str) -> bool) -> bool {
        let mut rest = self.0.as_ref();
        while !rest.is_empty() {
            let length = rest.try_get_u32_le().ok().and_then(|length| usize::try_from(length).ok());
            let Some((text, after)) = length.and_then(|length| rest.split_at_checked(length)) else { return true };
            if std::str::from_utf8(text).map_or(true, &mut wanted) {
                return true;
            }
            rest = after;
        }
        false
    }
}

impl<'s> Group<'s> {
    pub(super) fn new(checked: &'s Checked, footer: &'s ArrowReaderMetadata, place: usize) -> Group<'s> {
        let rows = usize::try_from(footer.metadata().row_group(place).num_rows()).unwrap_or(0);
        Group { checked, footer, place, rows, dictionaries: HashMap::new(), arrays: HashMap::new() }
    }

    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    fn meta(&self) -> &'s RowGroupMetaData {
        self.footer.metadata().row_group(self.place)
    }

    fn chunk(&self, column: Column) -> Result<&'s ColumnChunkMetaData, ParquetError> {
        let chunk = self.meta().columns().get(column.place());
        chunk.ok_or_else(|| ParquetError::General(format!("column `{}` is missing", column.name())))
    }

    /// Whether no row has a value.
    pub(super) fn is_absent(&self, column: Column) -> Result<bool, ParquetError> {
        let absent = self.chunk(column)?.statistics().and_then(|statistics| statistics.null_count_opt());
        // Of a list the values are counted, not the rows.
        Ok(column != Column::Keys && absent == Some(self.rows as u64))
    }

    /// The texts of a column; none where they are not all in a dictionary.
    pub(super) fn dictionary(&mut self, column: Column) -> Result<Option<Dictionary>, ParquetError> {
        if let Some(known) = self.dictionaries.get(&column.place()) {
            return Ok(known.clone());
        }
        let dictionary = self.read_dictionary(self.chunk(column)?)?;
        self.dictionaries.insert(column.place(), dictionary.clone());
        Ok(dictionary)
    }

    fn read_dictionary(&self, chunk: &ColumnChunkMetaData) -> Result<Option<Dictionary>, ParquetError> {
        let whole = chunk
            .page_encoding_stats_mask()
            .is_some_and(|pages| pages.is_only(Encoding::RLE_DICTIONARY) || pages.is_only(Encoding::PLAIN_DICTIONARY));
        if !whole || chunk.dictionary_page_offset().is_none() {
            return Ok(None);
        }
        let mut pages = SerializedPageReader::new(Arc::new(self.checked.clone()), chunk, self.rows, None)?;
        Ok(match pages.get_next_page()? {
            Some(Page::DictionaryPage { buf, encoding: Encoding::PLAIN | Encoding::PLAIN_DICTIONARY, .. }) => {
                Some(Dictionary(buf))
            }
            _ => None,
        })
    }

    /// A column of all rows.
    pub(super) fn array(&mut self, column: Column) -> Result<ArrayRef, ParquetError> {
        if let Some(known) = self.arrays.get(&column.place()) {
            return Ok(Arc::clone(known));
        }
        let mask = ProjectionMask::leaves(self.footer.parquet_schema(), [column.place()]);
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(self.checked.clone(), self.footer.clone());
        let builder = builder.with_row_groups(vec![self.place]).with_projection(mask);
        let batch = builder.with_batch_size(self.rows.max(1)).build()?.next().transpose()?;
        let array = batch.and_then(|batch| batch.columns().first().filter(|array| array.len() == self.rows).cloned());
        let array = array.ok_or_else(|| ParquetError::General(format!("column `{}` is short", column.name())))?;
        self.arrays.insert(column.place(), Arc::clone(&array));
        Ok(array)
    }

    /// Columns whose rows were read.
    #[cfg(test)]
    pub(super) fn read(&self) -> Vec<usize> {
        self.arrays.keys().copied().collect()
    }
}
