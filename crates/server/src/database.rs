//! SQLite files of the server: opened or made, brought to the newest schema. Knows nothing of what is in them.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};

/// How long a statement waits for another process (`maltrail user ...` beside a running server).
const BUSY: Duration = Duration::from_secs(5);

/// Why a database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
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
}

impl DatabaseError {
    /// Whether the file is no database, or damaged.
    pub(crate) fn is_damage(&self) -> bool {
        let DatabaseError::Open { source, .. } = self else { return false };
        matches!(source.sqlite_error_code(), Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt))
    }
}

/// Opens or makes a file, readable by its owner and group only, and runs the steps of its schema that it has not seen
/// yet. What is committed is on disk.
///
/// # Errors
/// It cannot be opened, or was written by a newer program.
pub(crate) fn open(path: &Path, migrations: &[&str]) -> Result<Connection, DatabaseError> {
    let fail = |source| DatabaseError::Open { path: path.to_path_buf(), source };
    make_private(path).map_err(|e| fail(cannot_open(&e)))?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(fail)?;
    prepare(connection, path, migrations)
}

/// Opens a file that is there for reading, also beside the process that writes it.
///
/// # Errors
/// It cannot be opened, or was written by a newer program.
pub(crate) fn open_to_read(path: &Path, migrations: &[&str]) -> Result<Connection, DatabaseError> {
    let fail = |source| DatabaseError::Open { path: path.to_path_buf(), source };
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(fail)?;
    connection.busy_timeout(BUSY).map_err(fail)?;
    connection.pragma_update(None, "trusted_schema", false).map_err(fail)?;
    let found = version(&connection).map_err(fail)?;
    if found > migrations.len() {
        return Err(DatabaseError::Newer { path: path.to_path_buf(), found, known: migrations.len() });
    }
    Ok(connection)
}

/// A connection as all are, with the newest schema.
pub(crate) fn prepare(
    mut connection: Connection,
    path: &Path,
    migrations: &[&str],
) -> Result<Connection, DatabaseError> {
    let fail = |source| DatabaseError::Open { path: path.to_path_buf(), source };
    connection.busy_timeout(BUSY).map_err(fail)?;
    connection.pragma_update(None, "journal_mode", "WAL").map_err(fail)?;
    connection.pragma_update(None, "synchronous", "FULL").map_err(fail)?;
    connection.pragma_update(None, "foreign_keys", true).map_err(fail)?;
    connection.pragma_update(None, "trusted_schema", false).map_err(fail)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(fail)?;
    let found = version(&transaction).map_err(fail)?;
    if found > migrations.len() {
        return Err(DatabaseError::Newer { path: path.to_path_buf(), found, known: migrations.len() });
    }
    for step in migrations.iter().skip(found) {
        transaction.execute_batch(step).map_err(fail)?;
    }
    transaction.pragma_update(None, "user_version", migrations.len()).map_err(fail)?;
    transaction.commit().map_err(fail)?;
    Ok(connection)
}

fn version(connection: &Connection) -> rusqlite::Result<usize> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
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
