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

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use rusqlite::Connection;

use crate::database::{self, DatabaseError};

pub use accounts::Account;
pub use audit::{AuditEntry, AuditQuery, ENTRIES as AUDIT_ENTRIES};
pub use rules::{RULES, Rule, RuleChange};
pub use sessions::{Bearer, NewToken, Purpose, SESSIONS, SessionEntry, TOKENS, TokenEntry};
pub use triage::{Change, Dossier, NOTES, Note, Outcome, Status, Step, TAGS, THREATS, Triage, Witness};
pub use views::{VIEWS, View};

/// Steps of the schema, each run once, in order. A step is never changed once it was released.
const MIGRATIONS: &[&str] = &[include_str!("schema/1.sql")];

/// Why the state could not be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The file cannot be used.
    #[error(transparent)]
    Database(#[from] DatabaseError),
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
        let connection = database::open(&directory.join("state.db"), MIGRATIONS)?;
        Ok(State { connection: Mutex::new(connection) })
    }

    /// A database that is forgotten with the value.
    ///
    /// # Errors
    /// None in practice.
    pub fn in_memory() -> Result<State, StateError> {
        let connection = database::prepare(Connection::open_in_memory()?, Path::new("(memory)"), MIGRATIONS)?;
        Ok(State { connection: Mutex::new(connection) })
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        // A panic between statements leaves no half-made change: transactions roll back when dropped.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn micros(time: Timestamp) -> i64 {
    time.as_microsecond()
}

fn time(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).unwrap_or(Timestamp::UNIX_EPOCH)
}
