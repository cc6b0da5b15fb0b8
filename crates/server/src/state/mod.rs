//! What people make: accounts, sessions, tokens, triage, notes, views, rules, audit. SQLite, one file.
//!
//! Nothing here decides who may do what ([`crate::access`] does); nothing here is derived from events. Times are
//! arguments, stored as microseconds since 1970 (UTC).

mod accounts;
mod audit;
mod rules;
mod sessions;
#[cfg(test)]
mod tests;
mod triage;
mod views;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

pub use accounts::Account;
pub use audit::{AuditEntry, AuditQuery, ENTRIES as AUDIT_ENTRIES};
pub use rules::{RULES, Rule, RuleChange};
pub use sessions::{Bearer, NewToken, Purpose, SESSIONS, SessionEntry, TOKENS, TokenEntry};
pub use triage::{Change, Dossier, NOTES, Note, Outcome, Status, Step, TAGS, THREATS, Triage, Witness};
pub use views::{VIEWS, View};

/// How long a statement waits for another process (`maltrail user ...` beside a running server).
const BUSY: Duration = Duration::from_secs(5);

/// Steps of the schema, each run once, in order. A step is never changed once it was released.
const MIGRATIONS: &[&str] = &[include_str!("schema/1.sql")];

/// Why the state could not be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The file cannot be opened.
    #[error("cannot open {path}: {source}; see to the space and the permissions of that directory")]
    Open {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: rusqlite::Error,
    },
    /// Written by a newer program.
    #[error("{path} was written by a newer version of maltrail (schema {found}, this one knows {known})")]
    Newer {
        /// Which file.
        path: PathBuf,
        /// Its schema.
        found: usize,
        /// The last one this program knows.
        known: usize,
    },
    /// A statement failed.
    #[error("the database of accounts and triage: {0}")]
    Sql(#[from] rusqlite::Error),
    /// A limit was reached.
    #[error("no more than {limit} {what}; remove some first")]
    Limit {
        /// Of what.
        what: &'static str,
        /// How many.
        limit: usize,
    },
}

/// The open database. One connection: statements are short, and writers would wait for each other anyway.
pub struct State {
    connection: Mutex<Connection>,
}

impl State {
    /// Opens or makes `state.db` in a directory, readable by its owner and group only.
    ///
    /// # Errors
    /// It cannot be opened, or was written by a newer program.
    pub fn open(directory: &Path) -> Result<State, StateError> {
        let path = directory.join("state.db");
        let fail = |source| StateError::Open { path: path.clone(), source };
        make_private(&path).map_err(|e| fail(cannot_open(&e)))?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&path, flags).map_err(fail)?;
        Self::prepare(connection, &path)
    }

    /// A database that is forgotten with the value.
    ///
    /// # Errors
    /// None in practice.
    pub fn in_memory() -> Result<State, StateError> {
        Self::prepare(Connection::open_in_memory()?, Path::new("(memory)"))
    }

    fn prepare(mut connection: Connection, path: &Path) -> Result<State, StateError> {
        let fail = |source| StateError::Open { path: path.to_path_buf(), source };
        connection.busy_timeout(BUSY).map_err(fail)?;
        connection.pragma_update(None, "journal_mode", "WAL").map_err(fail)?;
        connection.pragma_update(None, "synchronous", "FULL").map_err(fail)?;
        connection.pragma_update(None, "foreign_keys", true).map_err(fail)?;
        connection.pragma_update(None, "trusted_schema", false).map_err(fail)?;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(fail)?;
        let version: usize = transaction.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(fail)?;
        if version > MIGRATIONS.len() {
            let (path, known) = (path.to_path_buf(), MIGRATIONS.len());
            return Err(StateError::Newer { path, found: version, known });
        }
        for step in MIGRATIONS.iter().skip(version) {
            transaction.execute_batch(step).map_err(fail)?;
        }
        transaction.pragma_update(None, "user_version", MIGRATIONS.len()).map_err(fail)?;
        transaction.commit().map_err(fail)?;
        Ok(State { connection: Mutex::new(connection) })
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        // A panic between statements leaves no half-made change: transactions roll back when dropped.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Makes the file with mode 0640 before SQLite would with that of the umask; its companions take the same mode.
fn make_private(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    std::fs::OpenOptions::new().create(true).append(true).mode(0o640).open(path).map(drop)
}

fn cannot_open(error: &std::io::Error) -> rusqlite::Error {
    let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CANTOPEN);
    rusqlite::Error::SqliteFailure(code, Some(error.to_string()))
}

fn micros(time: Timestamp) -> i64 {
    time.as_microsecond()
}

fn time(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).unwrap_or(Timestamp::UNIX_EPOCH)
}
