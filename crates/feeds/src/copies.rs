//! Last good copies: what each feed was when it last was as it should be.
//!
//! A directory for each feed holds its files, named by the SHA-256 of their bytes, and `copy.json`, which says which of them
//! are the copy, and where the feed failed since `setback.json`. Both are replaced by a rename, so that a copy is the old one or the new one, whatever happens.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::fetch::Validators;
use crate::setback::Setback;

/// Name of the file that says what the copy is.
const INDEX: &str = "copy.json";
/// Name of the file that says how often the feed failed since.
const SETBACK: &str = "setback.json";
/// Largest of either that is read, bytes.
const MAX_INDEX: u64 = 16 << 20;
/// Largest window of a zstd frame, as a power of two: the memory that unpacking may take.
const WINDOW_LOG: u32 = 23;
/// Bytes by which a packed file is told.
const GZIP: [u8; 2] = [0x1f, 0x8b];
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// One file of a copy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Piece {
    /// What it is of the feed: the number of the file, or its name there.
    pub part: String,
    /// Where it came from, without a key.
    pub url: String,
    /// What to ask with the next time.
    pub validators: Validators,
    /// SHA-256 of its bytes, hexadecimal: its name here.
    pub digest: String,
    /// Bytes, as they came.
    pub bytes: u64,
}

/// A copy of a feed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Copy {
    /// When its makers were last asked with success.
    pub asked: Timestamp,
    /// When its content was last another than before, or when its makers say that it was changed.
    pub changed: Timestamp,
    /// Its files, in order.
    pub pieces: Vec<Piece>,
    /// Rows in it that are what the feed lists.
    pub rows: u64,
}

impl Copy {
    /// Bytes of all files, as they came.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.pieces.iter().map(|piece| piece.bytes).sum()
    }

    /// Whether its files are the same as these, byte for byte.
    #[must_use]
    pub fn holds(&self, pieces: &[Piece]) -> bool {
        let same = |(a, b): (&Piece, &Piece)| a.part == b.part && a.digest == b.digest;
        self.pieces.len() == pieces.len() && self.pieces.iter().zip(pieces).all(same)
    }

    /// The file of a part.
    #[must_use]
    pub fn piece(&self, part: &str) -> Option<&Piece> {
        self.pieces.iter().find(|piece| piece.part == part)
    }
}

/// The copies of one feed.
#[derive(Clone, Debug)]
pub struct Shelf {
    directory: PathBuf,
}

impl Shelf {
    /// The copies of a feed under a directory; there may be none.
    #[must_use]
    pub fn of(directory: &Path, feed: &str) -> Shelf {
        Shelf { directory: directory.join(feed) }
    }

    /// Makes room for them.
    ///
    /// # Errors
    /// A directory cannot be made.
    pub fn make(&self) -> io::Result<()> {
        fs::create_dir_all(&self.directory)
    }

    /// The last good copy, if all of it is there.
    #[must_use]
    pub fn copy(&self) -> Option<Copy> {
        let copy: Copy = self.said(INDEX)?;
        let there = |piece: &Piece| {
            let size = self.path(piece).and_then(|path| fs::metadata(path).ok()).map(|metadata| metadata.len());
            size == Some(piece.bytes)
        };
        copy.pieces.iter().all(there).then_some(copy)
    }

    /// That the feed failed since it was well.
    #[must_use]
    pub fn setback(&self) -> Option<Setback> {
        self.said(SETBACK)
    }

    /// Keeps that a feed failed.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn set_back(&self, setback: &Setback) -> io::Result<()> {
        self.say(SETBACK, setback)
    }

    fn said<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        let path = self.directory.join(name);
        if fs::metadata(&path).ok()?.len() > MAX_INDEX {
            return None;
        }
        serde_json::from_slice(&fs::read(path).ok()?).ok()
    }

    /// Whole, or as it was.
    fn say(&self, name: &str, what: &impl Serialize) -> io::Result<()> {
        let text = serde_json::to_vec(what).map_err(io::Error::other)?;
        let temporary = self.directory.join(format!("{name}.{}", std::process::id()));
        let written = File::create(&temporary).and_then(|mut file| {
            file.write_all(&text)?;
            file.sync_all()?;
            fs::rename(&temporary, self.directory.join(name))
        });
        written.inspect_err(|_| drop(fs::remove_file(&temporary)))
    }

    fn path(&self, piece: &Piece) -> Option<PathBuf> {
        let plain = piece.digest.len() == 64 && piece.digest.bytes().all(|byte| byte.is_ascii_hexdigit());
        plain.then(|| self.directory.join(&piece.digest))
    }

    /// A file to fetch into.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn draft(&self) -> io::Result<Draft> {
        let path = self.directory.join(format!("draft.{}", std::process::id()));
        Ok(Draft { file: File::create(&path)?, path, digest: Sha256::new(), bytes: 0, kept: false })
    }

    /// A file of a copy, unpacked, at most so many bytes of it: beyond, reading fails.
    ///
    /// # Errors
    /// It cannot be opened.
    pub fn read(&self, piece: &Piece, most: u64) -> io::Result<Box<dyn BufRead>> {
        let path = self.path(piece).ok_or_else(|| io::Error::other("a copy with a wrong name"))?;
        let mut file = BufReader::with_capacity(64 * 1024, File::open(path)?);
        let begin = file.fill_buf()?;
        let unpacked: Box<dyn Read> = if begin.starts_with(&GZIP) {
            Box::new(MultiGzDecoder::new(file))
        } else if begin.starts_with(&ZSTD) {
            let mut unpacked = zstd::Decoder::with_buffer(file)?;
            unpacked.window_log_max(WINDOW_LOG)?;
            Box::new(unpacked)
        } else {
            Box::new(file)
        };
        Ok(Box::new(BufReader::with_capacity(64 * 1024, Bounded { from: unpacked, left: most })))
    }

    /// Makes a copy the last good one: its feed is well. Files that are of no copy any more are removed.
    ///
    /// # Errors
    /// It cannot be written; the old one stays.
    pub fn keep(&self, copy: &Copy) -> io::Result<()> {
        self.say(INDEX, copy)?;
        match fs::remove_file(self.directory.join(SETBACK)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        self.tidy(Some(copy))
    }

    /// Removes what is neither of the copy nor says that the feed failed.
    ///
    /// # Errors
    /// Something cannot be removed.
    pub fn tidy(&self, copy: Option<&Copy>) -> io::Result<()> {
        let pieces = copy.map(|copy| copy.pieces.as_slice()).unwrap_or_default();
        let used: HashSet<&str> = pieces.iter().map(|piece| piece.digest.as_str()).collect();
        for entry in fs::read_dir(&self.directory)? {
            let path = entry?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if name != INDEX && name != SETBACK && !used.contains(name) {
                fs::remove_file(path)?;
            }
        }
        Ok(())
    }
}

/// A file that is fetched; removed unless it is kept.
#[derive(Debug)]
pub struct Draft {
    file: File,
    path: PathBuf,
    digest: Sha256,
    bytes: u64,
    kept: bool,
}

impl Draft {
    /// Makes it a file of its feed, that a copy may name.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn keep(mut self, part: String, url: String, validators: Validators) -> io::Result<Piece> {
        self.file.sync_all()?;
        let digest = std::mem::take(&mut self.digest).finalize();
        let digest = digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        fs::rename(&self.path, self.path.with_file_name(&digest))?;
        self.kept = true;
        Ok(Piece { part, url, validators, digest, bytes: self.bytes })
    }
}

impl Write for Draft {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.digest.update(bytes.get(..written).unwrap_or_default());
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.kept {
            drop(fs::remove_file(&self.path));
        }
    }
}

/// Fails where more would be read than may be.
struct Bounded {
    from: Box<dyn Read>,
    left: u64,
}

impl Read for Bounded {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(room)?;
        self.left = self.left.checked_sub(read as u64).ok_or_else(|| io::Error::other("it is too large unpacked"))?;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shelf(directory: &Path) -> Shelf {
        let shelf = Shelf::of(directory, "feed");
        shelf.make().unwrap();
        shelf
    }

    fn put(shelf: &Shelf, part: &str, bytes: &[u8]) -> Piece {
        let mut draft = shelf.draft().unwrap();
        draft.write_all(bytes).unwrap();
        draft.keep(part.into(), "https://feed.example/".into(), Validators::default()).unwrap()
    }

    fn copy(pieces: Vec<Piece>) -> Copy {
        Copy { asked: Timestamp::UNIX_EPOCH, changed: Timestamp::UNIX_EPOCH, pieces, rows: 1 }
    }

    fn text(shelf: &Shelf, piece: &Piece, most: u64) -> io::Result<String> {
        let mut text = String::new();
        shelf.read(piece, most)?.read_to_string(&mut text)?;
        Ok(text)
    }

    #[test]
    fn a_copy_is_whole_or_none() {
        let directory = tempfile::tempdir().unwrap();
        let shelf = shelf(directory.path());
        assert_eq!(shelf.copy(), None);
        let first = copy(vec![put(&shelf, "0", b"evil.example\n")]);
        assert_eq!(shelf.copy(), None, "a file that no copy names is none");
        shelf.keep(&first).unwrap();
        assert_eq!(shelf.copy().as_ref(), Some(&first));
        let second = copy(vec![put(&shelf, "0", b"worse.example\n"), put(&shelf, "1", b"evil.example\n")]);
        shelf.keep(&second).unwrap();
        assert_eq!(shelf.copy().as_ref(), Some(&second));
        assert_eq!(fs::read_dir(directory.path().join("feed")).unwrap().count(), 3);
        fs::remove_file(directory.path().join("feed").join(&second.pieces[1].digest)).unwrap();
        assert_eq!(shelf.copy(), None);
    }

    #[test]
    fn a_draft_that_is_not_kept_goes() {
        let directory = tempfile::tempdir().unwrap();
        let shelf = shelf(directory.path());
        shelf.draft().unwrap().write_all(b"half").unwrap();
        assert_eq!(fs::read_dir(directory.path().join("feed")).unwrap().count(), 0);
    }

    #[test]
    fn packed_files_are_unpacked_within_limits() {
        let directory = tempfile::tempdir().unwrap();
        let shelf = shelf(directory.path());
        let plain = vec![b'a'; 100_000];
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        gzip.write_all(&plain).unwrap();
        let packed = [plain.clone(), gzip.finish().unwrap(), zstd::encode_all(plain.as_slice(), 3).unwrap()];
        for bytes in packed {
            let piece = put(&shelf, "0", &bytes);
            assert_eq!(text(&shelf, &piece, 100_000).unwrap().len(), 100_000);
            assert_eq!(text(&shelf, &piece, 100_001).unwrap().len(), 100_000);
            assert!(text(&shelf, &piece, 99_999).is_err());
        }
    }
}
