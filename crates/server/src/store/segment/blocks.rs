//! Checksums of a file's blocks: made while it is written, held against whatever is read.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use bytes::{Buf, Bytes};
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, Length};
use rapidhash::v3::{RapidSecrets, rapidhash_v3_seeded};

/// Bytes of a block; the last is shorter.
const BLOCK: usize = 32 << 10;

/// Part of the format.
static SECRETS: RapidSecrets = RapidSecrets::seed(0x0073_6567_6d65_6e74);

fn sum(bytes: &[u8]) -> u64 {
    rapidhash_v3_seeded(bytes, &SECRETS)
}

/// One number for all sums.
pub(super) fn total(sums: &[u64]) -> u64 {
    sum(&to_bytes(sums))
}

/// As they stand in a file.
pub(super) fn to_bytes(sums: &[u64]) -> Vec<u8> {
    sums.iter().flat_map(|sum| sum.to_le_bytes()).collect()
}

/// Back from it.
pub(super) fn from_bytes(bytes: &[u8]) -> Vec<u64> {
    bytes.as_chunks::<8>().0.iter().map(|chunk| u64::from_le_bytes(*chunk)).collect()
}

/// The sums of a file.
pub(super) fn of_file(path: &Path) -> io::Result<Vec<u64>> {
    let mut writer = Summing::new(io::sink());
    io::copy(&mut File::open(path)?, &mut writer)?;
    Ok(writer.finish().1)
}

/// A writer that sums what goes through it.
#[derive(Debug)]
pub(super) struct Summing<W> {
    to: W,
    block: Vec<u8>,
    sums: Vec<u64>,
    written: u64,
}

impl<W: Write> Summing<W> {
    pub(super) fn new(to: W) -> Summing<W> {
        Summing { to, block: Vec::with_capacity(BLOCK), sums: Vec::new(), written: 0 }
    }

    /// Bytes that went through.
    pub(super) fn written(&self) -> u64 {
        self.written
    }

    /// What was written to, and the sums.
    pub(super) fn finish(mut self) -> (W, Vec<u64>) {
        if !self.block.is_empty() {
            self.sums.push(sum(&self.block));
        }
        (self.to, self.sums)
    }
}

impl<W: Write> Write for Summing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.to.write(bytes)?;
        self.written += written as u64;
        let mut rest = bytes.get(..written).unwrap_or_default();
        while !rest.is_empty() {
            let (now, later) = rest.split_at(rest.len().min(BLOCK - self.block.len()));
            self.block.extend_from_slice(now);
            if self.block.len() == BLOCK {
                self.sums.push(sum(&self.block));
                self.block.clear();
            }
            rest = later;
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// A file whose blocks are checked when they are read.
#[derive(Clone, Debug)]
pub(super) struct Checked {
    file: Arc<File>,
    length: u64,
    sums: Arc<[u64]>,
}

fn damaged() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "a block is not what was written")
}

impl Checked {
    pub(super) fn new(file: Arc<File>, sums: Arc<[u64]>) -> io::Result<Checked> {
        let length = file.metadata()?.len();
        if length.div_ceil(BLOCK as u64) != sums.len() as u64 {
            return Err(damaged());
        }
        Ok(Checked { file, length, sums })
    }

    fn bytes(&self, start: u64, length: usize) -> io::Result<Bytes> {
        let end = start.checked_add(length as u64).filter(|end| *end <= self.length);
        let end = end.ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof))?;
        let first = start / BLOCK as u64;
        let aligned = first * BLOCK as u64;
        let until = end.next_multiple_of(BLOCK as u64).min(self.length);
        let mut buffer = vec![0; usize::try_from(until - aligned).map_err(|_| damaged())?];
        self.file.read_exact_at(&mut buffer, aligned)?;
        let sums = self.sums.get(usize::try_from(first).map_err(|_| damaged())?..).unwrap_or_default();
        if buffer.chunks(BLOCK).zip(sums).any(|(block, known)| sum(block) != *known) {
            return Err(damaged());
        }
        let mut bytes = Bytes::from(buffer);
        bytes.advance(usize::try_from(start - aligned).map_err(|_| damaged())?);
        bytes.truncate(length);
        Ok(bytes)
    }
}

impl Length for Checked {
    fn len(&self) -> u64 {
        self.length
    }
}

impl ChunkReader for Checked {
    type T = Sequential;

    fn get_read(&self, start: u64) -> Result<Sequential, ParquetError> {
        Ok(Sequential { checked: self.clone(), at: start, buffer: Bytes::new() })
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        self.bytes(start, length).map_err(|error| ParquetError::External(Box::new(error)))
    }
}

/// Reads on from a place.
#[derive(Debug)]
pub(super) struct Sequential {
    checked: Checked,
    at: u64,
    buffer: Bytes,
}

impl Read for Sequential {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        if self.buffer.is_empty() {
            let left = usize::try_from(self.checked.length.saturating_sub(self.at)).unwrap_or(usize::MAX);
            let until_next = BLOCK - usize::try_from(self.at % BLOCK as u64).unwrap_or(0);
            self.buffer = self.checked.bytes(self.at, left.min(until_next))?;
            self.at += self.buffer.len() as u64;
        }
        let read = to.len().min(self.buffer.len());
        let (now, _) = to.split_at_mut(read);
        self.buffer.copy_to_slice(now);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_changed_byte_is_seen_and_nothing_else() {
        for length in [1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 17] {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("x");
            let content: Vec<u8> = (0..length).map(|n| (n % 251) as u8).collect();
            let mut writer = Summing::new(File::create(&path).unwrap());
            for part in content.chunks(777) {
                writer.write_all(part).unwrap();
            }
            let (_, sums) = writer.finish();
            assert_eq!(of_file(&path).unwrap(), sums);
            assert_eq!(from_bytes(&to_bytes(&sums)), sums);
            let checked = Checked::new(Arc::new(File::open(&path).unwrap()), sums.clone().into()).unwrap();
            let mut all = Vec::new();
            checked.get_read(0).unwrap().read_to_end(&mut all).unwrap();
            assert_eq!(all, content);
            let some = checked.get_bytes(length as u64 / 3, length / 2).unwrap();
            assert_eq!(some, content[length / 3..length / 3 + length / 2]);
            assert!(checked.get_bytes(1, length).is_err());
            for place in [0, length / 2, length - 1] {
                let mut changed = content.clone();
                changed[place] ^= 1;
                std::fs::write(&path, &changed).unwrap();
                let checked = Checked::new(Arc::new(File::open(&path).unwrap()), sums.clone().into()).unwrap();
                assert!(checked.get_bytes(0, length).is_err(), "{length} {place}");
            }
        }
    }
}
