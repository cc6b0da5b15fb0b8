//! Chunks: threats as columns, small and quick to read in a browser. Compressed with zstd.
//!
//! # Format
//!
//! All numbers are little endian. A chunk (after decompression) is a header and then columns, in the order below,
//! each there once, nothing behind them.
//!
//! Header, 40 bytes:
//!
//! | at | type | value |
//! |---|---|---|
//! | 0 | u32 | magic, the bytes `mtc1` |
//! | 4 | u16 | version, 1 |
//! | 6 | u16 | flags: 1 = whole (sets as far as a fold keeps them), 2 = threats are missing for want of room |
//! | 8 | i64 | first second of the day, Unix time |
//! | 16 | u32 | hour slots of the day, 1 to 31; slot n begins at first second + 3600 n |
//! | 20 | u32 | rows in this chunk |
//! | 24 | u32 | rank of its first row: rows in the chunks before it |
//! | 28 | u32 | rows in all chunks of the day |
//! | 32 | u64 | 0, or what a whole chunk of a cut fold needs to be merged |
//!
//! A column begins with u16 tag, u8 width, u8 transform, u32 items; then width × items bytes: the lowest byte of every
//! item, then the next byte of every item, and so on. Width is 0 to 8; with width 0 every item is 0. Item `i` is
//! `b[i] + 256 b[n + i] + 65536 b[2n + i] + ...`. Transform 0: as it is. Transform 1: difference to the item before
//! (0 before the first), modulo 2^64; items of such a column never fall.
//!
//! | tag | column | items |
//! |---|---|---|
//! | 1 | totals | of the whole day: for every slot events of low, medium, high severity; then events of every kind; lines; events outside of the day |
//! | 2 | string lengths | bytes of every string, in order of bytes; string 0 is empty |
//! | 3 | string bytes | UTF-8, one behind the other |
//! | 4 | IPv4 | addresses as numbers (first octet highest), ascending, transform 1; address numbers begin with these |
//! | 5, 6 | IPv6 | upper and lower 64 bits, ascending; address numbers go on with these |
//! | 7, 8 | hosts | address number; string of the site. Most frequent first |
//! | 9 to 13 | labels | severity (0 low, 1 medium, 2 high); confidence; strings of class, info, reference |
//! | 14, 15, 16 | trails | string of the indicator (transform 1); kind; label |
//! | 17 | sensors | strings |
//!
//! Kinds: 0 DNS, 1 IP, 2 IPORT, 3 URL, 4 PATH, 5 HTTP, 6 UA, 7 PORT, 8 CERT, 9 JA3, 10 JA4, 11 TUNNEL, 12 BEACON.
//! Rows of a chunk stand by trail, then host; a reader sorts them. Columns with an item for each row:
//!
//! | tag | column |
//! |---|---|
//! | 20 | trail (transform 1) |
//! | 21 | host |
//! | 22 | text as seen, with markup: 0 = the same as the indicator, else string + 1 |
//! | 23 | lines − 1 |
//! | 24 | events − lines |
//! | 25 | first second, from the day's first |
//! | 26 | last second − first second |
//! | 27 | IP protocol number |
//! | 28 | directions: 1 outbound, 2 inbound, 4 lateral, 8 transit, added |
//! | 29 | evidence, 0 to 100 |
//! | 30 | reasons, bits of `Reasons` |
//! | 31 | further hour slots with events, beside that of the first second |
//! | 34 | destination addresses that are told |
//! | 36 | further ones that are not (exact, or about where a fold had more than 31) |
//! | 37, 39 | the same for destination ports |
//! | 40, 42 | the same for sensors |
//!
//! Columns with as many items as those tell, row after row (they stand between the former, in order of tags):
//!
//! | tag | column |
//! |---|---|
//! | 32 | slot − slot before − 1, where the slot before the first further one is that of the first second |
//! | 33 | events in the slot − 1; what is left of a row's events was in the slot of the first second |
//! | 35 | destination: address number |
//! | 38 | destination port |
//! | 41 | sensor number |
//!
//! | tag | column |
//! |---|---|
//! | 50, 51 | rows, ascending (transform 1), whose id cannot be worked out, and their ids |
//!
//! The id of every other row is the rapidhash v3 (seed 0x6d616c747261696c) of the site, 0, the source's 4 or 16 bytes,
//! 0, the kind's name, 0, the indicator: see [`super::ThreatKey`].

mod column;
mod read;
mod tables;
mod write;

pub use read::decode;
pub use write::{encode_slice, encode_whole};

use std::ops::Range;

/// Rows of the first slice: enough for the first screens.
pub const FIRST_SLICE_ROWS: usize = 2_000;
/// Rows of the others.
pub const SLICE_ROWS: usize = 128 << 10;
/// zstd level of chunks: planes of bytes leave little for higher ones (6 gives 4 % less in four times the time).
const LEVEL: i32 = 1;
/// Greatest size of a chunk before compression.
pub const MAX_CHUNK_BYTES: usize = 1 << 30;

const MAGIC: u32 = u32::from_le_bytes(*b"mtc1");
const VERSION: u16 = 1;
const HEADER_BYTES: usize = 40;
const WHOLE: u16 = 1;
const CUT: u16 = 2;
/// Values of a set that a slice tells.
const TOLD: usize = 4;

/// Why bytes are no chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChunkError {
    /// It does not begin as one.
    #[error("not a chunk of threats")]
    Magic,
    /// Of another program.
    #[error("chunk of version {0}, this program reads {VERSION}")]
    Version(u16),
    /// A slice for the page: it does not hold all that a fold does.
    #[error("a slice of a day, not a whole chunk")]
    Slice,
    /// It ends too early, or goes on behind its end.
    #[error("wrong length at column {0}")]
    Length(u16),
    /// A column is not what it must be.
    #[error("column {0} is damaged")]
    Column(u16),
    /// Not zstd, or of more than the limit.
    #[error("not compressed as a chunk is, or larger than {MAX_CHUNK_BYTES} bytes")]
    Compression,
}

/// Ranges of ranks for the slices of a day.
#[must_use]
pub fn slices(rows: usize) -> Vec<Range<usize>> {
    let mut slices = Vec::new();
    let mut at = 0;
    while at < rows {
        let end = rows.min(if at == 0 { FIRST_SLICE_ROWS } else { at + SLICE_ROWS });
        slices.push(at..end);
        at = end;
    }
    slices
}

/// Compresses a chunk.
///
/// # Errors
/// None in practice: there is no size that zstd cannot write.
pub fn compress(chunk: &[u8]) -> Result<Vec<u8>, ChunkError> {
    zstd::bulk::compress(chunk, LEVEL).map_err(|_| ChunkError::Compression)
}

/// Gives back what [`compress`] took.
///
/// # Errors
/// It is not zstd, or of more than [`MAX_CHUNK_BYTES`].
pub fn decompress(bytes: &[u8]) -> Result<Vec<u8>, ChunkError> {
    let told = zstd::zstd_safe::get_frame_content_size(bytes).ok().flatten().ok_or(ChunkError::Compression)?;
    let size = usize::try_from(told).ok().filter(|size| *size <= MAX_CHUNK_BYTES).ok_or(ChunkError::Compression)?;
    zstd::bulk::decompress(bytes, size).map_err(|_| ChunkError::Compression)
}
