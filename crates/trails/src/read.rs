//! Reads trail files into a [`Builder`]: trees of text files, single files, `trails.csv`.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use crate::builder::{Builder, Place};
use crate::indicator::{Indicator, Line, Why, line};
use crate::label::is_custom;

/// Deepest tree that is followed, directories.
const MAX_DEPTH: usize = 16;
/// Largest file of a tree, bytes.
const MAX_FILE: u64 = 1 << 30;

/// A file or directory that could not be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read trails from {path}: {source}")]
pub struct ReadError {
    /// Which.
    pub path: PathBuf,
    /// Why.
    pub source: io::Error,
}

/// How far reading is.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// Bytes read.
    pub done: u64,
    /// Bytes in all.
    pub total: u64,
}

/// What applies to every file of a tree.
#[derive(Clone, Copy, Debug)]
pub struct Origin<'a> {
    /// `(static)`, `(custom)`, ...
    pub reference: &'a str,
    /// From the user's own lists.
    pub custom: bool,
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> ReadError + '_ {
    move |source| ReadError { path: path.to_owned(), source }
}

/// Adds a file (text, or CSV by its name) or all `.txt` and `.csv` files of a directory. A directory that holds
/// `trails/static` or `static` is entered there.
///
/// # Errors
/// Something could not be read; what was read before stays in the builder.
pub fn add(
    builder: &mut Builder,
    path: &Path,
    origin: Origin<'_>,
    progress: &mut dyn FnMut(Progress),
) -> Result<(), ReadError> {
    let files = files(path)?;
    let total = files.iter().map(|(_, size)| size).sum();
    let mut done = 0;
    for (file, size) in files {
        if is_csv(&file) {
            add_csv(builder, &file, &mut |within| progress(Progress { done: done + within.done, total }))?;
        } else {
            add_text(builder, &file, origin)?;
        }
        done += size;
        progress(Progress { done, total });
    }
    Ok(())
}

/// Whether a trails file is a CSV, of which a store is built.
#[must_use]
pub fn is_csv(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv"))
}

/// The files that [`add`] reads, and their sizes in bytes.
///
/// # Errors
/// A directory cannot be read.
pub fn files(path: &Path) -> Result<Vec<(PathBuf, u64)>, ReadError> {
    let mut files = Vec::new();
    let root = [path.join("trails/static"), path.join("static")].into_iter().find(|dir| dir.is_dir());
    collect(root.as_deref().unwrap_or(path), 0, &mut files)?;
    Ok(files)
}

/// The files of a tree in the order of their paths, so that every build merges alike.
fn collect(path: &Path, depth: usize, files: &mut Vec<(PathBuf, u64)>) -> Result<(), ReadError> {
    let metadata = fs::metadata(path).map_err(at(path))?;
    if metadata.is_file() {
        files.push((path.to_owned(), metadata.len()));
        return Ok(());
    }
    if depth >= MAX_DEPTH {
        return Err(ReadError { path: path.to_owned(), source: io::Error::other("directories nested too deep") });
    }
    let mut paths = Vec::new();
    for entry in fs::read_dir(path).map_err(at(path))? {
        paths.push(entry.map_err(at(path))?.path());
    }
    paths.sort();
    for path in paths {
        let trails = is_csv(&path) || path.extension().is_some_and(|extension| extension == "txt");
        if trails || path.is_dir() {
            collect(&path, depth + 1, files)?;
        }
    }
    Ok(())
}

/// A line that was looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The file.
    pub file: PathBuf,
    /// Its line, from 1.
    pub line: u64,
    /// What it says of it.
    pub info: String,
    /// And where that is from.
    pub reference: String,
}

/// Looks for an indicator in what [`add`] would add.
///
/// # Errors
/// Something could not be read.
pub fn find(
    path: &Path,
    origin: Origin<'_>,
    wanted: &Indicator<'_>,
    found: &mut dyn FnMut(Found),
) -> Result<(), ReadError> {
    let mut scratch = String::new();
    for (file, _) in files(path)? {
        rows(&file, origin.reference, &mut |line, row| {
            if let Ok(Row { text, info, reference }) = row
                && Indicator::parse(text, &mut scratch).as_ref() == Ok(wanted)
            {
                found(Found { file: file.clone(), line, info: info.to_owned(), reference: reference.to_owned() });
            }
        })?;
    }
    Ok(())
}

/// What a line says that is neither blank nor a comment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row<'r> {
    /// What stands for an indicator, without a comment.
    pub text: &'r str,
    /// What is said of it.
    pub info: &'r str,
    /// And where that is from.
    pub reference: &'r str,
}

/// A row, or the text that is none, and why.
pub type Told<'r> = Result<Row<'r>, (&'r str, Why)>;

/// Shows a file's lines (by number, from 1) as [`add`] would take them, or why it would not, with their text.
/// `reference` is that of text files.
///
/// # Errors
/// The file cannot be read.
pub fn rows(file: &Path, reference: &str, visit: &mut dyn FnMut(u64, Told<'_>)) -> Result<(), ReadError> {
    if is_csv(file) {
        let opened = File::open(file).map_err(at(file))?;
        let mut rows = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(opened);
        let mut row = csv::ByteRecord::new();
        while rows.read_byte_record(&mut row).map_err(io::Error::from).map_err(at(file))? {
            let line = row.position().map_or(0, csv::Position::line);
            match columns(&row) {
                Some([text, info, reference]) => visit(line, Ok(Row { text, info, reference })),
                None => visit(line, Err((&String::from_utf8_lossy(row.as_slice()), Why::Row))),
            }
        }
        return Ok(());
    }
    let (bytes, info) = (text_of(file)?, info_of(file));
    for (number, raw) in (1..).zip(bytes.split(|&byte| byte == b'\n')) {
        match std::str::from_utf8(raw).map(line) {
            Ok(Line::Text(text)) => visit(number, Ok(Row { text, info: &info, reference })),
            Ok(_) => {}
            Err(_) => visit(number, Err((&String::from_utf8_lossy(raw), Why::Encoding))),
        }
    }
    Ok(())
}

/// `malware/some_rat-2.txt` -> `some rat (malware)`.
#[must_use]
pub fn info_of(path: &Path) -> String {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let stem = match stem.rsplit_once('-') {
        Some((name, part)) if !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => &stem,
    };
    let info = stem.replace('_', " ");
    let folder = path.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy();
    match &*folder {
        "malware" | "malicious" | "suspicious" => format!("{info} ({folder})"),
        _ => info,
    }
}

/// Adds a text file: one indicator a line, its info from its path.
///
/// # Errors
/// The file cannot be read or is larger than 1 GiB.
pub fn add_text(builder: &mut Builder, path: &Path, origin: Origin<'_>) -> Result<(), ReadError> {
    add_lines(builder, path, origin, &text_of(path)?);
    Ok(())
}

/// A text file.
fn text_of(path: &Path) -> Result<Vec<u8>, ReadError> {
    if fs::metadata(path).map_err(at(path))?.len() > MAX_FILE {
        return Err(ReadError { path: path.to_owned(), source: io::Error::other("larger than 1 GiB") });
    }
    fs::read(path).map_err(at(path))
}

/// Trail, info and reference of a row that has these and nothing else.
fn columns(row: &csv::ByteRecord) -> Option<[&str; 3]> {
    let column = |index: usize| std::str::from_utf8(row.get(index)?).ok();
    if row.len() == 3 { Some([column(0)?, column(1)?, column(2)?]) } else { None }
}

/// Adds the lines of a text file that was read; its path gives the info.
pub fn add_lines(builder: &mut Builder, path: &Path, origin: Origin<'_>, bytes: &[u8]) {
    let source = builder.source(&info_of(path), origin.reference, origin.custom);
    let file: Rc<str> = path.display().to_string().into();
    for (number, raw) in (1..).zip(bytes.split(|&byte| byte == b'\n')) {
        let place = Place { file: &file, line: number };
        match std::str::from_utf8(raw).map(line) {
            Ok(Line::Text(text)) => builder.add(text, source, place),
            Ok(_) => {}
            Err(_) => builder.refuse(&String::from_utf8_lossy(raw), Why::Encoding, place),
        }
    }
}

/// Adds the rows of a CSV: trail, info, reference. Rows whose reference names
/// `(custom)` or `(remote custom)` are the user's own.
///
/// # Errors
/// The file cannot be read.
pub fn add_csv(builder: &mut Builder, path: &Path, progress: &mut dyn FnMut(Progress)) -> Result<(), ReadError> {
    let total = fs::metadata(path).map_err(at(path))?.len();
    let rows = File::open(path).map_err(at(path))?;
    add_rows(builder, path, rows, &mut |done| progress(Progress { done, total })).map_err(at(path))
}

/// Adds the rows of an open CSV; `progress` takes the bytes read.
///
/// # Errors
/// Reading failed.
pub fn add_rows(builder: &mut Builder, path: &Path, rows: impl Read, progress: &mut dyn FnMut(u64)) -> io::Result<()> {
    const ROWS_A_REPORT: u64 = 65_536;
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).flexible(true).buffer_capacity(1 << 20).from_reader(rows);
    let file: Rc<str> = path.display().to_string().into();
    let mut row = csv::ByteRecord::new();
    let mut last = None;
    let mut last_text = (String::new(), String::new());
    while reader.read_byte_record(&mut row)? {
        let line = row.position().map_or(0, csv::Position::line);
        let place = Place { file: &file, line };
        let Some([trail, info, reference]) = columns(&row) else {
            builder.refuse(&String::from_utf8_lossy(row.as_slice()), Why::Row, place);
            continue;
        };
        let source = match last {
            Some(source) if last_text.0 == info && last_text.1 == reference => source,
            _ => {
                last_text = (info.to_owned(), reference.to_owned());
                *last.insert(builder.source(info, reference, is_custom(reference)))
            }
        };
        builder.add(trail, source, place);
        if line.is_multiple_of(ROWS_A_REPORT) {
            progress(reader.position().byte());
        }
    }
    Ok(())
}
