//! One column: numbers as planes of bytes.

use super::ChunkError;

/// Bytes before a column's planes.
const HEAD_BYTES: usize = 8;

/// Appends a column.
pub(super) fn write(to: &mut Vec<u8>, tag: u16, delta: bool, values: &[u64]) {
    let mut before = 0;
    let steps: Vec<u64>;
    let values = if delta {
        steps = values.iter().map(|value| value.wrapping_sub(std::mem::replace(&mut before, *value))).collect();
        &steps
    } else {
        values
    };
    let bits = 64 - values.iter().fold(0, |all, value| all | value).leading_zeros();
    let width = bits.div_ceil(8) as u8;
    head(to, tag, width, delta, values.len());
    for plane in 0..width {
        to.extend(values.iter().map(|value| (value >> (8 * plane)) as u8));
    }
}

/// Appends a column of bytes.
pub(super) fn write_bytes(to: &mut Vec<u8>, tag: u16, bytes: &[u8]) {
    head(to, tag, 1, false, bytes.len());
    to.extend_from_slice(bytes);
}

fn head(to: &mut Vec<u8>, tag: u16, width: u8, delta: bool, items: usize) {
    to.extend_from_slice(&tag.to_le_bytes());
    to.extend_from_slice(&[width, u8::from(delta)]);
    // Fewer than 2^32: rows are at most MAX_THREATS and texts of a fold at most 4 GiB.
    to.extend_from_slice(&(items as u32).to_le_bytes());
}

/// A column that was read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Column<'c> {
    pub(super) tag: u16,
    pub(super) items: usize,
    pub(super) bytes: &'c [u8],
    delta: bool,
}

/// Takes the next column, which must have this tag.
pub(super) fn take<'c>(rest: &mut &'c [u8], tag: u16) -> Result<Column<'c>, ChunkError> {
    let (head, behind) = rest.split_first_chunk::<HEAD_BYTES>().ok_or(ChunkError::Length(tag))?;
    let [t0, t1, width, transform, n0, n1, n2, n3] = *head;
    let items = u32::from_le_bytes([n0, n1, n2, n3]) as usize;
    if u16::from_le_bytes([t0, t1]) != tag || width > 8 || transform > 1 {
        return Err(ChunkError::Column(tag));
    }
    let length = items.checked_mul(usize::from(width)).ok_or(ChunkError::Length(tag))?;
    let (bytes, behind) = behind.split_at_checked(length).ok_or(ChunkError::Length(tag))?;
    *rest = behind;
    Ok(Column { tag, items, bytes, delta: transform == 1 })
}

impl<'c> Column<'c> {
    /// It must have so many items.
    pub(super) fn of(self, items: usize) -> Result<Column<'c>, ChunkError> {
        if self.items == items { Ok(self) } else { Err(ChunkError::Length(self.tag)) }
    }

    /// The item at a place; `before` is the one before it, 0 for the first.
    pub(super) fn item(&self, at: usize, before: u64) -> Option<u64> {
        if at >= self.items {
            return None;
        }
        let planes = self.bytes.iter().skip(at).step_by(self.items);
        let raw = planes.zip(0u32..).fold(0, |value, (byte, plane)| value | u64::from(*byte) << (8 * plane));
        Some(if self.delta { before.wrapping_add(raw) } else { raw })
    }

    /// Its items, in order.
    pub(super) fn values(self) -> impl Iterator<Item = u64> + 'c {
        let mut before = 0u64;
        (0..self.items).filter_map(move |at| {
            before = self.item(at, before)?;
            Some(before)
        })
    }

    /// Its items, each below a limit.
    pub(super) fn below(self, limit: u64) -> impl Iterator<Item = Result<u64, ChunkError>> + 'c {
        self.values().map(move |value| if value < limit { Ok(value) } else { Err(ChunkError::Column(self.tag)) })
    }
}
