//! Keeping what there is within its limits: rows that were seen longest ago go, by number and by age.

use std::collections::HashSet;
use std::sync::atomic::AtomicU64;

use jiff::{SignedDuration, Timestamp};
use rusqlite::{TransactionBehavior, params};

use super::counters::add;
use super::key::Table;
use super::take::{Writer, keep_totals};
use super::{Observables, ObservablesError};
use crate::store::SourceId;

/// Part of the limit that goes when it is passed, so that the search for the oldest rows is worth it.
const PART: u64 = 20;
/// Rows that are looked up at a time to be removed.
const AT_ONCE: u64 = 250_000;
/// Rows that are removed in one transaction.
const STEP: usize = 10_000;
/// How long it is remembered how far a file was read that is not there any more: it may come back under its name.
const SOURCE_DAYS: i64 = 30;

/// A row to be removed, if it was not seen since.
struct Old {
    value: Vec<u8>,
    address: Vec<u8>,
    host: Vec<u8>,
    last: i64,
}

impl Observables {
    /// Removes the oldest rows of tables that have more than they may.
    pub(super) fn make_room(&self, writer: &mut Writer) -> Result<(), ObservablesError> {
        let limits = [self.settings.limits.names, self.settings.limits.addresses, self.settings.limits.pairs];
        for ((table, limit), counter) in Table::ALL.into_iter().zip(limits).zip(&self.counters.crowded) {
            let wanted = limit - limit / PART;
            while let Some(rows) = writer.rows.get(table.place()).copied().filter(|rows| *rows > limit) {
                let over = (rows - wanted).min(AT_ONCE);
                if writer.remove_oldest(table, over, i64::MAX, counter)? == 0 {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Removes what was not seen for too long, and forgets files that have been gone for long. `there`: files that
    /// are.
    ///
    /// # Errors
    /// It cannot be written.
    pub(crate) fn keep_up(&self, there: &HashSet<SourceId>, now: Timestamp) -> Result<(), ObservablesError> {
        let days = |days: i64| now.checked_sub(SignedDuration::from_hours(days.saturating_mul(24)));
        if let Some(before) = self.settings.retention_days.and_then(|keep| days(keep.into()).ok()) {
            for (table, counter) in Table::ALL.into_iter().zip(&self.counters.aged) {
                // Released in between, so that what arrives does not wait for all of it.
                while self.writer().remove_oldest(table, AT_ONCE, before.as_microsecond(), counter)? > 0 {}
            }
        }
        // Without any file the directory is not what it was: it may be no longer mounted.
        if there.is_empty() {
            return Ok(());
        }
        let writer = self.writer();
        let Ok(before) = days(SOURCE_DAYS) else { return Ok(()) };
        let mut gone = writer.connection.prepare_cached("SELECT id FROM sources WHERE seen < ?1")?;
        let gone = gone.query_map([before.as_microsecond()], |row| row.get(0))?.collect::<Result<Vec<String>, _>>()?;
        let mut forget = writer.connection.prepare_cached("DELETE FROM sources WHERE id = ?1")?;
        for id in gone.into_iter().map(SourceId).filter(|id| !there.contains(id)) {
            forget.execute([id.0])?;
        }
        Ok(())
    }
}

impl Writer {
    /// Removes up to so many rows that were seen before a time, those seen longest ago first. Says how many there were.
    fn remove_oldest(
        &mut self,
        table: Table,
        most: u64,
        before: i64,
        counter: &AtomicU64,
    ) -> Result<usize, ObservablesError> {
        let address = if table == Table::Pairs { "address" } else { "x''" };
        let sql =
            format!("SELECT value, {address}, host, last FROM {} WHERE last < ?1 ORDER BY last LIMIT ?2", table.name());
        let mut statement = self.connection.prepare_cached(&sql)?;
        let old = |row: &rusqlite::Row<'_>| {
            Ok(Old { value: row.get(0)?, address: row.get(1)?, host: row.get(2)?, last: row.get(3)? })
        };
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let mut found = statement.query_map([before, most], old)?.collect::<Result<Vec<Old>, _>>()?;
        drop(statement);
        // In the order in which they lie in the file.
        found.sort_unstable_by(|a, b| (&a.value, &a.address, &a.host).cmp(&(&b.value, &b.address, &b.host)));
        for step in found.chunks(STEP) {
            self.remove(table, step, counter)?;
        }
        Ok(found.len())
    }

    fn remove(&mut self, table: Table, old: &[Old], counter: &AtomicU64) -> Result<(), ObservablesError> {
        let address = if table == Table::Pairs { "AND address = ?2" } else { "" };
        let sql = format!("DELETE FROM {} WHERE value = ?1 {address} AND host = ?3 AND last <= ?4", table.name());
        let mut rows = self.rows;
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut removed = 0;
        let mut statement = transaction.prepare_cached(&sql)?;
        for Old { value, address, host, last } in old {
            removed += statement.execute(params![value, address, host, last])? as u64;
        }
        drop(statement);
        if let Some(rows) = rows.get_mut(table.place()) {
            *rows = rows.saturating_sub(removed);
        }
        keep_totals(&transaction, rows)?;
        transaction.commit()?;
        self.rows = rows;
        add(counter, removed);
        Ok(())
    }
}
