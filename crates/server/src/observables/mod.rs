//! What was seen at all, listed or not: first seen, last seen and count of every name and address, and of which name
//! led to which address (passive DNS), each by the host that touched it. SQLite, a file of its own, so that nobody who
//! changes what people made ([`crate::state`]) waits for it.
//!
//! ```text
//! observables-YYYY-MM-DD.jsonl of sensors here (followed) | batches of sensors elsewhere
//!   v  Observables::take: sums, and how far the file was read or the name of the batch, in one transaction
//! names, addresses, pairs: bounded in rows and in age, what was seen longest ago goes first
//!   v  Reading: by name, names below one, address, network; held to the reader's scope by the host of each row
//! ```
//!
//! After a crash at any moment each line that was acknowledged, or stands in a file, is counted once.

mod counters;
mod key;
mod query;
mod reading;
mod retro;
mod take;
#[cfg(test)]
mod tests;
mod trim;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::SignedDuration;
use rusqlite::{Connection, OptionalExtension as _};

use crate::database::{self, DatabaseError};
use crate::store::record::Window;
use crate::store::{Figure, SourceId};

pub use counters::Counters;
pub(crate) use counters::add;
pub use query::{Ask, NoQuestion};
pub use reading::{HOSTS, Host, Kind, MAX_LOOKED, Page, Pair, Reading, Seen, Sighting, Touch, Turn, Value, View};
pub(crate) use retro::LookedBack;
#[cfg(test)]
pub(crate) use retro::MAX_GONE;
pub use take::{Origin, Taken};

use key::Table;
use take::Writer;

/// Name of the file in the state directory.
const FILE: &str = "observables.sqlite";

/// Steps of the schema, each run once, in order. A step is never changed once it was released.
const MIGRATIONS: &[&str] = &[include_str!("schema/1.sql"), include_str!("schema/2.sql")];

/// Bytes of the file that the writer keeps in memory.
const CACHE_BYTES: i64 = 32 << 20;

/// Bytes of SQLite's log at which it is written into the file, so that a page that many batches change is written once;
/// and to which it is cut back then.
const LOG_BYTES: i64 = 64 << 20;
/// Bytes of a page, as SQLite makes them.
const PAGE_BYTES: i64 = 4096;

/// Rows that are kept. When there are more, those that were seen longest ago go, a twentieth at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// A name and a host that asked for it.
    pub names: u64,
    /// An address and a host that contacted it.
    pub addresses: u64,
    /// A name, an address it led to, and a host that was told so.
    pub pairs: u64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { names: 5_000_000, addresses: 5_000_000, pairs: 5_000_000 }
    }
}

/// What it is told.
#[derive(Clone, Copy, Debug)]
pub struct ObservablesSettings {
    /// Rows that are kept.
    pub limits: Limits,
    /// Days after which what was not seen again is forgotten; none: never.
    pub retention_days: Option<u32>,
    /// How long before now what a batch tells may have begun. Files of this machine may tell of any time before.
    pub back: SignedDuration,
    /// How long after now the end of what is told may be.
    pub ahead: SignedDuration,
}

impl ObservablesSettings {
    /// Of a server's.
    #[must_use]
    pub fn of(settings: &crate::Settings) -> ObservablesSettings {
        let Window { back, ahead } = Window::of(settings);
        ObservablesSettings { limits: Limits::default(), retention_days: settings.retention_days, back, ahead }
    }
}

impl Default for ObservablesSettings {
    fn default() -> ObservablesSettings {
        let (back, ahead) = (SignedDuration::from_hours(7 * 24), SignedDuration::from_hours(1));
        ObservablesSettings { limits: Limits::default(), retention_days: None, back, ahead }
    }
}

/// Why observables could not be taken or read.
#[derive(Debug, thiserror::Error)]
pub enum ObservablesError {
    /// The file cannot be used.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// A statement failed.
    #[error("the database of observables: {0}; see to the space and the permissions of the state directory")]
    Sql(#[from] rusqlite::Error),
    /// A damaged file could not be set aside.
    #[error("cannot set {path} aside, which is damaged: {source}")]
    Aside {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Whoever asked has gone.
    #[error("nobody waits for it any more")]
    Cancelled,
}

/// The open file: one writer, any number of readers beside it.
pub struct Observables {
    settings: ObservablesSettings,
    writer: Mutex<Writer>,
    reading: Reading,
    counters: Counters,
}

impl Observables {
    /// Opens or makes the file in a directory. One that is damaged is set aside and begun anew: what files of sensors
    /// still hold is read again, what came in batches is lost, and the log says so.
    ///
    /// # Errors
    /// It cannot be opened, or was written by a newer program.
    pub fn open(directory: &Path, settings: ObservablesSettings) -> Result<Observables, ObservablesError> {
        let path = directory.join(FILE);
        let connection = match database::open(&path, MIGRATIONS) {
            Err(error) if error.is_damage() => {
                set_aside(&path, &error)?;
                database::open(&path, MIGRATIONS)?
            }
            opened => opened?,
        };
        connection.pragma_update(None, "cache_size", -CACHE_BYTES / 1024)?;
        connection.pragma_update(None, "wal_autocheckpoint", LOG_BYTES / PAGE_BYTES)?;
        connection.pragma_update(None, "journal_size_limit", LOG_BYTES)?;
        let rows = totals(&connection)?;
        let writer = Mutex::new(Writer { connection, rows });
        Ok(Observables { settings, writer, reading: Reading::of(path), counters: Counters::default() })
    }

    /// For questions.
    #[must_use]
    pub fn reading(&self) -> &Reading {
        &self.reading
    }

    /// What was counted.
    #[must_use]
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Up to which byte a file was taken; none where it is new.
    ///
    /// # Errors
    /// The database fails.
    pub fn position(&self, source: &SourceId) -> Result<Option<u64>, ObservablesError> {
        let writer = self.writer();
        let mut statement = writer.connection.prepare_cached("SELECT upto FROM sources WHERE id = ?1")?;
        Ok(statement.query_row([&source.0], |row| row.get(0)).optional()?)
    }

    /// For metrics.
    #[must_use]
    pub fn figures(&self) -> Vec<Figure> {
        let rows = self.writer().rows;
        let bytes =
            |suffix| std::fs::metadata(beside(self.reading.path(), suffix)).map_or(0, |metadata| metadata.len());
        self.counters.figures(rows, bytes("") + bytes("-wal"))
    }

    fn writer(&self) -> MutexGuard<'_, Writer> {
        // A panic between statements leaves no half-made change: transactions roll back when dropped.
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Rows of the tables, in their order.
fn totals(connection: &Connection) -> Result<[u64; Table::ALL.len()], ObservablesError> {
    let mut rows = [0; Table::ALL.len()];
    let mut statement = connection.prepare("SELECT rows FROM totals WHERE name = ?1")?;
    for (table, rows) in Table::ALL.into_iter().zip(&mut rows) {
        *rows = statement.query_row([table.name()], |row| row.get(0)).optional()?.unwrap_or_default();
    }
    Ok(rows)
}

/// A file that SQLite keeps, or that is kept, beside another.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Renames a damaged file, so that another can be begun.
fn set_aside(path: &Path, error: &DatabaseError) -> Result<(), ObservablesError> {
    let damaged = beside(path, ".damaged");
    tracing::error!(
        "{error}; it is kept as {} and begun anew: what is still in the log directory is read again, \
         what sensors sent over the network is lost",
        damaged.display()
    );
    std::fs::rename(path, damaged).map_err(|source| ObservablesError::Aside { path: path.to_owned(), source })?;
    for companion in [beside(path, "-wal"), beside(path, "-shm")] {
        // They are of the damaged file, and may not be there.
        let _ = std::fs::remove_file(companion);
    }
    Ok(())
}
