//! What a look back ([`crate::retro`]) has to remember: changed with what it found in one transaction, so that a crash
//! neither loses nor doubles.

use std::collections::HashMap;

use jiff::Timestamp;
use rusqlite::{OptionalExtension as _, TransactionBehavior, params};

use super::{Observables, ObservablesError};

/// Indicators whose going is remembered; then those that went first are forgotten, and what was touched before could be
/// told again should they come back.
pub(crate) const MAX_GONE: u64 = 100_000;

/// What a look back came to.
#[derive(Debug, Default)]
pub(crate) struct LookedBack {
    /// The set of trails that was looked up.
    pub(crate) trails: String,
    /// Events, as JSON, by the name of their batch.
    pub(crate) found: Vec<(String, Vec<String>)>,
    /// Indicators that went.
    pub(crate) gone: Vec<String>,
    /// Indicators that came.
    pub(crate) came: Vec<String>,
}

impl Observables {
    /// The set of trails that was looked up last.
    ///
    /// # Errors
    /// The database fails.
    pub(crate) fn looked_up(&self) -> Result<Option<String>, ObservablesError> {
        let writer = self.writer();
        Ok(writer.connection.query_row("SELECT trails FROM looked_up", [], |row| row.get(0)).optional()?)
    }

    /// When indicators went that were trails.
    ///
    /// # Errors
    /// The database fails.
    pub(crate) fn gone(&self) -> Result<HashMap<String, Timestamp>, ObservablesError> {
        let writer = self.writer();
        let mut statement = writer.connection.prepare_cached("SELECT indicator, at FROM gone")?;
        let time = |micros: i64| Timestamp::from_microsecond(micros).unwrap_or(Timestamp::UNIX_EPOCH);
        let rows = statement.query_map([], |row| Ok((row.get(0)?, time(row.get(1)?))))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Keeps what a look back came to, and that its set was looked up. When this returns it is on disk.
    ///
    /// # Errors
    /// Nothing of it was kept.
    pub(crate) fn keep_looked_back(&self, looked: &LookedBack, now: Timestamp) -> Result<(), ObservablesError> {
        let mut writer = self.writer();
        let transaction = writer.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let at = now.as_microsecond();
        transaction
            .execute("REPLACE INTO looked_up (one, trails, at) VALUES (1, ?1, ?2)", params![looked.trails, at])?;
        let mut found = transaction.prepare_cached("INSERT INTO found (batch, number, event) VALUES (?1, ?2, ?3)")?;
        for (batch, events) in &looked.found {
            for (number, event) in (0i64..).zip(events) {
                found.execute(params![batch, number, event])?;
            }
        }
        let mut came = transaction.prepare_cached("DELETE FROM gone WHERE indicator = ?1")?;
        for indicator in &looked.came {
            came.execute([indicator])?;
        }
        let mut gone = transaction.prepare_cached("REPLACE INTO gone (indicator, at) VALUES (?1, ?2)")?;
        for indicator in &looked.gone {
            gone.execute(params![indicator, at])?;
        }
        let forget = "DELETE FROM gone WHERE indicator IN \
            (SELECT indicator FROM gone ORDER BY at DESC, indicator LIMIT -1 OFFSET ?1)";
        transaction.execute(forget, [i64::try_from(MAX_GONE).unwrap_or(i64::MAX)])?;
        drop((found, came, gone));
        Ok(transaction.commit()?)
    }

    /// A batch of events that is not written yet: its name and the events in their order.
    ///
    /// # Errors
    /// The database fails.
    pub(crate) fn next_found(&self) -> Result<Option<(String, Vec<String>)>, ObservablesError> {
        let writer = self.writer();
        let first = "SELECT batch FROM found ORDER BY batch LIMIT 1";
        let Some(batch) = writer.connection.query_row(first, [], |row| row.get::<_, String>(0)).optional()? else {
            return Ok(None);
        };
        let mut events =
            writer.connection.prepare_cached("SELECT event FROM found WHERE batch = ?1 ORDER BY number")?;
        let events = events.query_map([&batch], |row| row.get(0))?.collect::<Result<_, _>>()?;
        Ok(Some((batch, events)))
    }

    /// A batch is in the record.
    ///
    /// # Errors
    /// The database fails; it is written again, and recognised there.
    pub(crate) fn found_written(&self, batch: &str) -> Result<(), ObservablesError> {
        self.writer().connection.execute("DELETE FROM found WHERE batch = ?1", [batch])?;
        Ok(())
    }
}
