//! Who did what. Appended to, never changed; the oldest go past a limit.

use jiff::Timestamp;
use rusqlite::params;
use serde::Serialize;

use super::{State, StateError, micros, time};

/// Entries that are kept.
pub const ENTRIES: i64 = 1_000_000;

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct AuditEntry {
    /// Ascending number; 0 for one that is to be written.
    pub id: i64,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub time: Timestamp,
    /// Name of the account that did it.
    pub who: String,
    /// From where.
    pub address: String,
    /// What was done: `login`, `account.password`, `triage.status` ...
    pub action: String,
    /// To what.
    pub subject: String,
    /// Values that tell more; never a secret.
    pub detail: String,
}

/// Which entries.
#[derive(Clone, Copy, Debug, Default)]
pub struct AuditQuery<'a> {
    /// Only with smaller numbers: the next page.
    pub before: Option<i64>,
    /// Only of this account.
    pub who: Option<&'a str>,
    /// At most so many.
    pub limit: u32,
}

impl State {
    /// Writes an entry.
    ///
    /// # Errors
    /// The database fails.
    pub fn audit(&self, entry: &AuditEntry) -> Result<(), StateError> {
        let connection = self.connection();
        let AuditEntry { time, who, address, action, subject, detail, .. } = entry;
        connection
            .prepare_cached(
                "INSERT INTO audit (time, who, address, action, subject, detail) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute(params![micros(*time), who, address, action, subject, detail])?;
        let last = connection.last_insert_rowid();
        connection.prepare_cached("DELETE FROM audit WHERE id <= ?1")?.execute([last - ENTRIES])?;
        Ok(())
    }

    /// Entries, latest first.
    ///
    /// # Errors
    /// The database fails.
    pub fn audit_entries(&self, query: AuditQuery<'_>) -> Result<Vec<AuditEntry>, StateError> {
        let connection = self.connection();
        let mut statement = connection.prepare_cached(
            "SELECT id, time, who, address, action, subject, detail FROM audit \
             WHERE (?1 IS NULL OR id < ?1) AND (?2 IS NULL OR who = ?2) ORDER BY id DESC LIMIT ?3",
        )?;
        let entries = statement.query_map(params![query.before, query.who, query.limit], |row| {
            Ok(AuditEntry {
                id: row.get(0)?,
                time: time(row.get(1)?),
                who: row.get(2)?,
                address: row.get(3)?,
                action: row.get(4)?,
                subject: row.get(5)?,
                detail: row.get(6)?,
            })
        })?;
        Ok(entries.collect::<Result<_, _>>()?)
    }
}
