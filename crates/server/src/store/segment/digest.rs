//! One number for the rows of a segment, whatever their order: to compare what was compacted with what it was
//! compacted from.

use arrow_array::cast::AsArray;
use arrow_array::types::{Int32Type, TimestampNanosecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type};
use arrow_array::{Array, RecordBatch};
use rapidhash::v3::{RapidSecrets, rapidhash_v3_seeded};

use super::columns::Column;

/// Part of the format.
static SECRETS: RapidSecrets = RapidSecrets::seed(0x0064_6967_6573_7431);

/// What an absent value counts as.
const ABSENT: u64 = 0x9e37_79b9_7f4a_7c15;

/// Sum of the rows' hashes over [`Column::digested`] columns.
pub(super) fn digest(batch: &RecordBatch) -> u64 {
    let mut rows = vec![0u64; batch.num_rows()];
    for column in Column::ALL.into_iter().filter(|column| column.digested()) {
        if let Some(array) = batch.column_by_name(column.name()) {
            add_column(&mut rows, array.as_ref());
        }
    }
    rows.iter().fold(0, |sum, row| sum.wrapping_add(rapidhash_v3_seeded(&row.to_le_bytes(), &SECRETS)))
}

fn add(row: &mut u64, value: u64) {
    *row = (row.rotate_left(23) ^ value).wrapping_mul(0xbf58_476d_1ce4_e5b9);
}

fn add_column(rows: &mut [u64], array: &dyn Array) {
    let hash = |text: Option<&str>| text.map_or(ABSENT, |text| rapidhash_v3_seeded(text.as_bytes(), &SECRETS));
    if let Some(texts) = array.as_string_opt::<i32>() {
        rows.iter_mut().zip(texts).for_each(|(row, text)| add(row, hash(text)));
    } else if let Some(dictionary) = array.as_dictionary_opt::<Int32Type>() {
        let Some(values) = dictionary.values().as_string_opt::<i32>() else { return };
        let hashes: Vec<u64> = values.iter().map(hash).collect();
        for (row, key) in rows.iter_mut().zip(dictionary.keys()) {
            let known = key.and_then(|key| hashes.get(usize::try_from(key).ok()?));
            add(row, known.copied().unwrap_or(ABSENT));
        }
    } else {
        numbers(rows, array);
    }
}

fn numbers(rows: &mut [u64], array: &dyn Array) {
    macro_rules! each {
        ($($kind:ty),*) => {
            $(if let Some(numbers) = array.as_primitive_opt::<$kind>() {
                for (row, number) in rows.iter_mut().zip(numbers) {
                    add(row, number.map_or(ABSENT, |n| (n as u64).wrapping_add(1)));
                }
            })*
        };
    }
    each!(TimestampNanosecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type);
}
