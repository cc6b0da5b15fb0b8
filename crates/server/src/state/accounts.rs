//! Accounts as they were changed since the configuration file was written; they win over it by name.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Row, params};

use super::{State, StateError, micros};

/// One account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its name.
    pub name: String,
    /// Hash of its password: Argon2id (PHC string), or SHA-256 (hex).
    pub hash: String,
    /// Below 1000: administrator.
    pub uid: u32,
    /// Addresses whose events it may see; empty: all.
    pub netfilter: String,
    /// The password was given by somebody else, and is to be changed before anything else.
    pub must_change: bool,
    /// It was removed: nobody may log in by that name, whatever the configuration file says.
    pub removed: bool,
}

const COLUMNS: &str = "name, hash, uid, netfilter, must_change, removed";

fn account(row: &Row<'_>) -> rusqlite::Result<Account> {
    Ok(Account {
        name: row.get(0)?,
        hash: row.get(1)?,
        uid: row.get(2)?,
        netfilter: row.get(3)?,
        must_change: row.get(4)?,
        removed: row.get(5)?,
    })
}

impl State {
    /// The account of that name, also a removed one.
    ///
    /// # Errors
    /// The database fails.
    pub fn account(&self, name: &str) -> Result<Option<Account>, StateError> {
        let sql = format!("SELECT {COLUMNS} FROM accounts WHERE name = ?1");
        Ok(self.connection().prepare_cached(&sql)?.query_row([name], account).optional()?)
    }

    /// All of them, also removed ones, by name.
    ///
    /// # Errors
    /// The database fails.
    pub fn accounts(&self) -> Result<Vec<Account>, StateError> {
        let connection = self.connection();
        let mut statement = connection.prepare_cached(&format!("SELECT {COLUMNS} FROM accounts ORDER BY name"))?;
        Ok(statement.query_map([], account)?.collect::<Result<_, _>>()?)
    }

    /// Writes an account. Unless `keep_sessions`, everything that was opened with it ends: its sessions, and when it
    /// was removed its tokens too.
    ///
    /// # Errors
    /// The database fails.
    pub fn put_account(&self, account: &Account, keep_sessions: bool, now: Timestamp) -> Result<(), StateError> {
        let mut connection = self.connection();
        let transaction = connection.transaction()?;
        transaction.execute(
            "INSERT INTO accounts (name, hash, uid, netfilter, must_change, removed, changed) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (name) DO UPDATE SET hash = excluded.hash, \
             uid = excluded.uid, netfilter = excluded.netfilter, must_change = excluded.must_change, \
             removed = excluded.removed, changed = excluded.changed",
            params![
                account.name,
                account.hash,
                account.uid,
                account.netfilter,
                account.must_change,
                account.removed,
                micros(now)
            ],
        )?;
        if !keep_sessions {
            transaction.execute("DELETE FROM sessions WHERE account = ?1", [&account.name])?;
        }
        if account.removed {
            transaction.execute("DELETE FROM tokens WHERE account = ?1", [&account.name])?;
        }
        Ok(transaction.commit()?)
    }
}
