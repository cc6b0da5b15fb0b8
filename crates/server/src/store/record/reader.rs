//! Whole lines of a file, plain or packed, from any byte of its content on.

use std::fs::File;
use std::io::{self, BufRead, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::path::Path;

use flate2::read::MultiGzDecoder;
use rapidhash::v3::{RapidSecrets, rapidhash_v3_seeded};

use super::names::{FileName, Packing};
use crate::store::SourceId;

/// Bytes that are read at a time.
const CHUNK: usize = 1 << 20;
/// Bytes of a file's head that say which it is: its first line, if it is not longer.
const HEAD: usize = 4096;

static SECRETS: RapidSecrets = RapidSecrets::seed(0x736f_7572_6365_6864);

fn content(path: &Path, packing: Packing) -> io::Result<(Box<dyn Read + Send>, Option<File>)> {
    let file = File::open(path)?;
    Ok(match packing {
        Packing::Plain => (Box::new(file.try_clone()?), Some(file)),
        Packing::Gzip => (Box::new(MultiGzDecoder::new(io::BufReader::with_capacity(1 << 16, file))), None),
        Packing::Zstd => (Box::new(zstd::Decoder::new(file)?), None),
    })
}

/// Which source a file is: by its first line, so that it is the same when it was renamed, copied or packed. None as
/// long as its first line is not whole.
pub(super) fn identify(path: &Path, name: FileName) -> io::Result<Option<SourceId>> {
    let (reader, _) = content(path, name.packing)?;
    let mut head = Vec::with_capacity(HEAD);
    reader.take(HEAD as u64).read_to_end(&mut head)?;
    let line = match memchr::memchr(b'\n', &head) {
        Some(end) => head.get(..end).unwrap_or_default(),
        None if head.len() < HEAD => return Ok(None),
        None => &head,
    };
    let hash = rapidhash_v3_seeded(line, &SECRETS);
    Ok(Some(SourceId(format!("{}-{}-{hash:016x}", name.form.name(), name.day))))
}

/// Whether a line begins at a byte of a plain file.
pub(super) fn begins_line(path: &Path, offset: u64) -> io::Result<bool> {
    let Some(before) = offset.checked_sub(1) else { return Ok(true) };
    let mut byte = [0];
    let read = File::open(path)?.read_at(&mut byte, before)?;
    Ok(read == 0 || byte == *b"\n")
}

/// Where the next line begins after a byte within one; the end of the file where there is none.
pub(super) fn next_line(path: &Path, offset: u64) -> io::Result<u64> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(offset))?;
    let mut passed = Vec::new();
    io::BufReader::new(file).read_until(b'\n', &mut passed)?;
    Ok(offset + passed.len() as u64)
}

/// Reads on from a byte.
pub(super) struct Reader {
    input: Box<dyn Read + Send>,
    /// The same file, where it is not packed.
    plain: Option<File>,
    /// Place of the first byte of `buffer` in the content.
    offset: u64,
    buffer: Vec<u8>,
    /// Bytes of `buffer` that are done.
    done: usize,
    /// Bytes of `buffer` up to the end of its last whole line.
    whole: usize,
    max_line: usize,
    /// The line that is being read is too long: its bytes are passed over.
    skipping: bool,
    /// Lines that were too long, since they were asked for.
    long: usize,
}

impl Reader {
    /// At a byte of the content, which is the beginning of a line.
    pub(super) fn open(path: &Path, name: FileName, offset: u64) -> io::Result<Reader> {
        let (mut input, plain) = content(path, name.packing)?;
        match plain.as_ref() {
            Some(mut file) => {
                file.seek(SeekFrom::Start(offset))?;
            }
            None => {
                io::copy(&mut input.by_ref().take(offset), &mut io::sink())?;
            }
        }
        let max_line = name.form.max_line();
        let (buffer, done, whole) = (Vec::new(), 0, 0);
        Ok(Reader { input, plain, offset, buffer, done, whole, max_line, skipping: false, long: 0 })
    }

    /// Place of the first byte that is not done.
    pub(super) fn offset(&self) -> u64 {
        self.offset + self.done as u64
    }

    /// Place of the first byte that was not read yet.
    pub(super) fn read_upto(&self) -> u64 {
        self.offset + self.buffer.len() as u64
    }

    /// Lines that were read and are not done, each with its end.
    pub(super) fn lines(&self) -> &[u8] {
        self.buffer.get(self.done..self.whole).unwrap_or_default()
    }

    /// Bytes of these lines are done.
    pub(super) fn consume(&mut self, bytes: usize) {
        self.done = (self.done + bytes).min(self.whole);
    }

    /// Passes over bytes that are known, if none is read beyond what is done. Says whether it did.
    pub(super) fn skip_to(&mut self, offset: u64) -> io::Result<bool> {
        let Some(mut file) = self.plain.as_ref() else { return Ok(false) };
        if self.done < self.buffer.len() || self.skipping {
            return Ok(false);
        }
        file.seek(SeekFrom::Start(offset))?;
        self.buffer.clear();
        (self.done, self.whole, self.offset) = (0, 0, offset);
        Ok(true)
    }

    /// Lines that were too long since the last call.
    pub(super) fn take_long(&mut self) -> usize {
        std::mem::take(&mut self.long)
    }

    /// Reads more if no whole line is left, not beyond `limit`. Afterwards [`Reader::lines`] is empty only where
    /// there is no more whole line.
    pub(super) fn fill(&mut self, limit: Option<u64>) -> io::Result<()> {
        while self.done >= self.whole {
            self.buffer.drain(..self.done);
            self.offset += self.done as u64;
            (self.done, self.whole) = (0, 0);
            let room = limit.map_or(u64::MAX, |limit| limit.saturating_sub(self.read_upto()));
            let start = self.buffer.len();
            let wanted = room.min(CHUNK as u64);
            let read = Read::by_ref(&mut self.input).take(wanted).read_to_end(&mut self.buffer)?;
            if read == 0 {
                return Ok(());
            }
            let fresh = self.buffer.get(start..).unwrap_or_default();
            if self.skipping {
                let end = memchr::memchr(b'\n', fresh);
                let passed = start + end.map_or(fresh.len(), |end| end + 1);
                self.skipping = end.is_none();
                self.buffer.drain(..passed);
                self.offset += passed as u64;
            }
            self.whole = memchr::memrchr(b'\n', &self.buffer).map_or(0, |end| end + 1);
            if self.whole == 0 && self.buffer.len() > self.max_line {
                self.skipping = true;
                self.long += 1;
                self.offset += self.buffer.len() as u64;
                self.buffer.clear();
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::super::names;
    use super::*;

    fn all(reader: &mut Reader, limit: Option<u64>) -> Vec<u8> {
        let mut all = Vec::new();
        loop {
            reader.fill(limit).unwrap();
            if reader.lines().is_empty() {
                return all;
            }
            all.extend_from_slice(reader.lines());
            reader.consume(reader.lines().len());
        }
    }

    #[test]
    fn the_same_lines_from_every_packing_and_place() {
        let directory = tempfile::tempdir().unwrap();
        let lines: Vec<u8> = (0..200_000).flat_map(|n| format!("line {n}\n").into_bytes()).collect();
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(&lines).unwrap();
        let packed = [
            ("2026-11-20.log", lines.clone()),
            ("2026-11-20.log.gz", gzip.finish().unwrap()),
            ("2026-11-20.log.zst", zstd::encode_all(lines.as_slice(), 1).unwrap()),
        ];
        let mut ids = Vec::new();
        for (name, bytes) in packed {
            let path = directory.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            let name = names::parse(name).unwrap();
            ids.push(identify(&path, name).unwrap().unwrap());
            for offset in [0, 7, lines.len() - 12] {
                let mut reader = Reader::open(&path, name, offset as u64).unwrap();
                assert_eq!(all(&mut reader, None), lines[offset..]);
                assert_eq!(reader.offset(), lines.len() as u64);
            }
        }
        assert!(ids.windows(2).all(|pair| pair[0] == pair[1]), "{ids:?}");
    }

    #[test]
    fn a_torn_line_waits_for_its_end() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("2026-11-20.log");
        let name = names::parse("2026-11-20.log").unwrap();
        let mut file = File::create(&path).unwrap();
        file.write_all(b"to").unwrap();
        assert_eq!(identify(&path, name).unwrap(), None);
        let mut reader = Reader::open(&path, name, 0).unwrap();
        assert_eq!(all(&mut reader, None), b"");
        file.write_all(b"rn\nand mo").unwrap();
        assert!(identify(&path, name).unwrap().is_some());
        assert_eq!(all(&mut reader, None), b"torn\n");
        assert_eq!(reader.offset(), 5);
        file.write_all(b"re\nbeyond\n").unwrap();
        assert_eq!(all(&mut reader, Some(14)), b"and more\n");
        assert_eq!(all(&mut reader, None), b"beyond\n");
    }

    #[test]
    fn a_line_that_is_too_long_is_passed_over() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("2026-11-20.log");
        let name = names::parse("2026-11-20.log").unwrap();
        let long = vec![b'x'; 3 * CHUNK];
        std::fs::write(&path, [b"a\n", &long[..], b"\nb\n", &long[..], b"\n"].concat()).unwrap();
        let mut reader = Reader::open(&path, name, 0).unwrap();
        assert_eq!(all(&mut reader, None), b"a\nb\n");
        assert_eq!((reader.take_long(), reader.take_long()), (2, 0));
        assert_eq!(reader.offset(), std::fs::metadata(&path).unwrap().len());
    }
}
