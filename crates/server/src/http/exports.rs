//! `/trails` as files in the state directory: written and compressed once for each set of trails and coding, by whoever
//! asks first, and kept until there is another set. Rows of the user's own lists are in files of their own.

use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rapidhash::v3::rapidhash_v3;
use tokio::sync::Mutex;
use tokio::task::spawn_blocking;
use trails::store::{LabelId, Mapped, Store};
use trails::{CUSTOM, Indicator};

use super::coding::Coding;
use crate::make_directory;

/// Directory of the files in the state directory.
const DIRECTORY: &str = "trails";

/// Bytes that are compressed at once.
const BUFFER: usize = 256 * 1024;

/// Which rows, and how they are compressed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Form {
    /// With rows of the user's own lists.
    pub(super) own: bool,
    pub(super) coding: Coding,
}

/// The files.
pub(super) struct Exports {
    directory: PathBuf,
    /// Held by the one who writes.
    writing: Arc<Mutex<()>>,
}

impl Exports {
    pub(super) fn new(state_dir: &Path) -> Exports {
        Exports { directory: state_dir.join(DIRECTORY), writing: Arc::default() }
    }

    /// The file of a set, written now if nobody did. Who comes meanwhile waits for it.
    ///
    /// # Errors
    /// It cannot be written or read.
    pub(super) async fn get(&self, store: Arc<Store<Mapped>>, form: Form) -> io::Result<File> {
        let set = set(&store);
        let rows = if form.own { "own" } else { "public" };
        let path = self.directory.join(format!("{set}-{rows}.{}", form.coding.name()));
        let there = path.clone();
        match spawn_blocking(move || File::open(there)).await? {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            opened => return opened,
        }
        let writing = self.writing.clone().lock_owned().await;
        let directory = self.directory.clone();
        // Goes on when its client goes: others wait for it.
        let written = spawn_blocking(move || {
            let _writing = writing;
            if !path.exists() {
                make_directory(&directory)?;
                others(&directory, &set)?;
                write(&store, form, &path)?;
            }
            File::open(path)
        });
        written.await?
    }
}

/// Names a set, and the program that wrote it.
fn set(store: &Store<Mapped>) -> String {
    let info = store.generation_info();
    format!("{:016x}", rapidhash_v3(format!("{info:?}{}", env!("CARGO_PKG_VERSION")).as_bytes()))
}

/// Removes files of other sets, and what was not finished.
fn others(directory: &Path, set: &str) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if !name.starts_with(set) || name.ends_with(".tmp") {
            fs::remove_file(&path)?;
        }
    }
    Ok(())
}

fn write(store: &Store<Mapped>, form: Form, path: &Path) -> io::Result<()> {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".tmp");
    let temporary = PathBuf::from(temporary);
    let file = File::options().write(true).create_new(true).mode(0o600).open(&temporary)?;
    let rows = form.coding.encoder(file).and_then(|encoder| {
        let mut out = BufWriter::with_capacity(BUFFER, encoder);
        for (indicator, label) in store.trails() {
            row(store, &indicator, label, form.own, &mut out)?;
        }
        out.into_inner().map_err(io::IntoInnerError::into_error)?.finish()
    });
    let done = rows.and_then(|file| file.sync_all()).and_then(|()| fs::rename(&temporary, path));
    done.inspect_err(|_| drop(fs::remove_file(&temporary)))
}

/// `trail,info,reference`; nothing for what is only on the user's own lists and not to be told.
fn row(
    store: &Store<Mapped>,
    indicator: &Indicator<'_>,
    label: LabelId,
    own: bool,
    to: &mut impl io::Write,
) -> io::Result<()> {
    let Some((info, reference)) = told(store, label, own) else { return Ok(()) };
    writeln!(to, "{},{},{}", field(&indicator.to_string()), field(info), field(reference))
}

/// Info and reference as they are told; none for what is only on the user's own lists and not to be told.
pub(super) fn told(store: &Store<Mapped>, id: LabelId, own: bool) -> Option<(&str, &str)> {
    let label = store.label(id);
    if label.custom && !own { public(store.sources(id)) } else { Some((label.info, label.reference)) }
}

/// Info and reference of the first source that is public.
fn public(sources: &str) -> Option<(&str, &str)> {
    let (list, info) = sources.lines().map(trails::source).find(|(list, _)| !CUSTOM.contains(list))?;
    Some((info, list))
}

/// A field of a CSV (RFC 4180).
fn field(text: &str) -> std::borrow::Cow<'_, str> {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\"")).into()
    } else {
        text.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_of_the_users_own_are_passed_over() {
        for own in CUSTOM {
            assert_eq!(public(&format!("{own} our case 7")), None);
            let both = format!("{own} our case 7\n(static) worm (malware)");
            assert_eq!(public(&both), Some(("worm (malware)", "(static)")));
        }
    }
}
