//! From the files that users have to a store: `trails.csv`, directories of text files, `.bin`.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use crate::builder::Builder;
use crate::map::Mapped;
use crate::store::{Store, StoreError};

fn io(path: &Path) -> impl FnOnce(std::io::Error) -> StoreError {
    let path = path.display().to_string();
    |source| StoreError::Io { path, source }
}

/// Takes every row `trail,info,reference` of a CSV file.
///
/// # Errors
/// The file cannot be read.
pub fn csv(path: &Path, builder: &mut Builder) -> Result<(), StoreError> {
    let file = File::open(path).map_err(io(path))?;
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(BufReader::with_capacity(1 << 20, file));
    let mut record = csv::ByteRecord::new();
    let source = path.display().to_string();
    let mut known = (String::new(), String::new(), 0);
    loop {
        match reader.read_byte_record(&mut record) {
            Ok(false) => return Ok(()),
            Ok(true) => {}
            Err(error) if error.is_io_error() => return Err(io(path)(std::io::Error::other(error))),
            Err(_) => continue,
        }
        let column = |place: usize| String::from_utf8_lossy(record.get(place).unwrap_or_default());
        let (trail, info, reference) = (column(0), column(1), column(2));
        if known.0 != info || known.1 != reference {
            known = (info.to_string(), reference.to_string(), builder.label(&info, &reference));
        }
        let line = record.position().map_or(0, csv::Position::line) as usize;
        builder.text(&trail, known.2, &source, line);
    }
}

/// Takes a file of one indicator a line, or every such file below a directory.
///
/// # Errors
/// A file or directory cannot be read.
pub fn tree(path: &Path, reference: &str, builder: &mut Builder) -> Result<(), StoreError> {
    if path.is_dir() {
        let mut inside: Vec<PathBuf> = std::fs::read_dir(path)
            .map_err(io(path))?
            .collect::<Result<Vec<_>, _>>()
            .map_err(io(path))?
            .into_iter()
            .map(|entry| entry.path())
            .collect();
        inside.sort();
        return inside.iter().try_for_each(|path| tree(path, reference, builder));
    }
    if path.extension().is_none_or(|extension| extension != "txt") {
        return Ok(());
    }
    let info = info_of(path);
    let label = builder.label(&info, reference);
    let source = path.display().to_string();
    let mut reader = BufReader::with_capacity(1 << 18, File::open(path).map_err(io(path))?);
    let (mut bytes, mut line) = (Vec::new(), 0);
    loop {
        bytes.clear();
        if reader.read_until(b'\n', &mut bytes).map_err(io(path))? == 0 {
            return Ok(());
        }
        line += 1;
        let text = String::from_utf8_lossy(&bytes);
        let text = text.split('#').next().unwrap_or("").trim();
        if !text.is_empty() {
            builder.text(text, label, &source, line);
        }
    }
}

/// `malware/agent_tesla-01.txt` says `agent tesla (malware)`.
fn info_of(path: &Path) -> String {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let stem = match stem.rsplit_once('-') {
        Some((head, tail)) if !tail.is_empty() && tail.bytes().all(|byte| byte.is_ascii_digit()) => head,
        _ => &stem,
    };
    let folder = path.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy();
    let name = stem.replace('_', " ");
    match folder.as_ref() {
        "malware" | "malicious" | "suspicious" => format!("{name} ({folder})"),
        _ => name,
    }
}

/// Writes a store: to another name, flushed, read back and checked, renamed into place.
///
/// # Errors
/// It cannot be written, or what was read back is not what was written.
pub fn publish(bytes: &[u8], path: &Path) -> Result<(), StoreError> {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".{}.tmp", std::process::id()));
    let temporary = path.with_file_name(name);
    let written = File::create(&temporary).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    let published = written
        .map_err(io(&temporary))
        .and_then(|()| Store::open(&temporary)?.verify())
        .and_then(|()| std::fs::rename(&temporary, path).map_err(io(path)));
    if published.is_err() {
        let _ = std::fs::remove_file(&temporary);
    }
    published
}

/// Opens the trails of a `.bin`, or of a `.csv` whose `.bin` lies beside it or in `cache_dir` and is built where it
/// is missing or older.
///
/// # Errors
/// Neither can be read, built or written.
pub fn load(trails_file: &Path, cache_dir: &Path) -> Result<Store<Mapped>, StoreError> {
    if trails_file.extension().is_some_and(|extension| extension == "bin") {
        return Store::open(trails_file);
    }
    let beside = trails_file.with_extension("bin");
    let cached = cache_dir.join(trails_file.file_name().unwrap_or_default()).with_extension("bin");
    let changed = std::fs::metadata(trails_file).and_then(|facts| facts.modified()).map_err(io(trails_file))?;
    for path in [&beside, &cached] {
        let newer = std::fs::metadata(path).and_then(|facts| facts.modified()).is_ok_and(|built| built >= changed);
        if newer && let Ok(store) = Store::open(path) {
            return Ok(store);
        }
    }
    let mut builder = Builder::new(changed.duration_since(std::time::UNIX_EPOCH).map_or(0, |age| age.as_secs()));
    csv(trails_file, &mut builder)?;
    let bytes = builder.finish();
    let path = match publish(&bytes, &beside) {
        Ok(()) => beside,
        Err(_) => {
            std::fs::create_dir_all(cache_dir).map_err(io(cache_dir))?;
            publish(&bytes, &cached)?;
            cached
        }
    };
    Store::open(&path)
}
