//! Taking observables: sums, and where they came from, in one transaction, so that a crash neither loses nor doubles.

use std::collections::BTreeMap;

use event::observable::Observable;
use jiff::Timestamp;
use rusqlite::{CachedStatement, Connection, Transaction, TransactionBehavior, params};

use super::counters::add;
use super::key::{Key, Table};
use super::reading::Seen;
use super::{Observables, ObservablesError};
use crate::store::SourceId;

/// Batches that are remembered; then the oldest are forgotten.
pub(super) const MAX_BATCHES: i64 = 1 << 20;

/// The connection that writes, and the rows of each table.
pub(super) struct Writer {
    pub(super) connection: Connection,
    pub(super) rows: [u64; Table::ALL.len()],
}

/// Where observables came from, so that they are taken once.
#[derive(Clone, Copy, Debug)]
pub enum Origin<'o> {
    /// Of a file, up to a byte.
    File {
        /// Which.
        source: &'o SourceId,
        /// Where the next line begins.
        upto: u64,
    },
    /// A batch, by its sender and name.
    Batch(&'o str),
}

/// What became of them. It is on disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// Lines that were added to what there is.
    pub taken: u64,
    /// Lines that were not: they began too long ago.
    pub early: u64,
    /// Lines that were not: they end in the future.
    pub late: u64,
    /// Whether the batch was known from before, and nothing was added.
    pub repeated: bool,
}

impl Observables {
    /// Adds observables. When this returns it is on disk, with where they came from.
    ///
    /// # Errors
    /// It cannot be written; nothing of them was taken.
    pub fn take(
        &self,
        origin: Origin<'_>,
        observables: &[Observable],
        now: Timestamp,
    ) -> Result<Taken, ObservablesError> {
        let (sums, taken) = self.sums(origin, observables, now);
        let mut writer = self.writer();
        let done = writer.put(origin, &sums, now).inspect_err(|_| add(&self.counters.failures, 1))?;
        if !done {
            add(&self.counters.repeated, observables.len() as u64);
            return Ok(Taken { repeated: true, ..Taken::default() });
        }
        match origin {
            Origin::File { .. } => add(&self.counters.from_files, taken.taken),
            Origin::Batch(_) => add(&self.counters.from_batches, taken.taken),
        }
        add(&self.counters.early, taken.early);
        add(&self.counters.late, taken.late);
        // What was taken is; that there is too much of it now is told, and tried again with what comes next.
        if let Err(error) = self.make_room(&mut writer) {
            add(&self.counters.failures, 1);
            tracing::error!("old observables cannot be removed: {error}");
        }
        Ok(taken)
    }

    /// What they come to for each row.
    fn sums(&self, origin: Origin<'_>, observables: &[Observable], now: Timestamp) -> (BTreeMap<Key, Seen>, Taken) {
        let (mut sums, mut taken) = (BTreeMap::<Key, Seen>::new(), Taken::default());
        for Observable { what, host, first, last, count, .. } in observables {
            if last.duration_since(now) > self.settings.ahead {
                taken.late += 1;
                continue;
            }
            if matches!(origin, Origin::Batch(_)) && now.duration_since(*first) > self.settings.back {
                taken.early += 1;
                continue;
            }
            taken.taken += 1;
            let seen = Seen { first: *first, last: *last, count: *count };
            sums.entry(Key::of(what, *host)).and_modify(|sum| sum.add(seen)).or_insert(seen);
        }
        (sums, taken)
    }

    /// Begins a file anew at a byte: it became shorter than what was read of it.
    ///
    /// # Errors
    /// It cannot be written.
    pub(crate) fn set_position(&self, source: &SourceId, upto: u64, now: Timestamp) -> Result<(), ObservablesError> {
        let mut writer = self.writer();
        let transaction = writer.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        keep_position(&transaction, source, upto, now)?;
        Ok(transaction.commit()?)
    }
}

impl Writer {
    /// Writes sums; false where their batch is known.
    fn put(
        &mut self,
        origin: Origin<'_>,
        sums: &BTreeMap<Key, Seen>,
        now: Timestamp,
    ) -> Result<bool, ObservablesError> {
        let mut rows = self.rows;
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        match origin {
            Origin::File { source, upto } => keep_position(&transaction, source, upto, now)?,
            Origin::Batch(id) => {
                if !keep_batch(&transaction, id)? {
                    return Ok(false);
                }
            }
        }
        let mut statements: Option<(Table, CachedStatement<'_>, CachedStatement<'_>)> = None;
        for (key, seen) in sums {
            let (update, insert) = match &mut statements {
                Some((table, update, insert)) if *table == key.table => (update, insert),
                statements => {
                    let (_, update, insert) = statements.insert(prepare(&transaction, key.table)?);
                    (update, insert)
                }
            };
            let Key { value, address, host, .. } = key;
            let (first, last) = (seen.first.as_microsecond(), seen.last.as_microsecond());
            let count = i64::try_from(seen.count).unwrap_or(i64::MAX);
            if update.execute(params![value, address, host, first, last, count])? == 0 {
                insert.execute(params![value, address, host, first, last, count])?;
                if let Some(rows) = rows.get_mut(key.table.place()) {
                    *rows += 1;
                }
            }
        }
        drop(statements);
        keep_totals(&transaction, rows)?;
        transaction.commit()?;
        self.rows = rows;
        Ok(true)
    }
}

/// Statements that add to a row, and that make one.
fn prepare<'t>(
    transaction: &'t Transaction<'_>,
    table: Table,
) -> Result<(Table, CachedStatement<'t>, CachedStatement<'t>), ObservablesError> {
    // Counts stay where no more can be added.
    let add = "first = min(first, ?4), last = max(last, ?5), count = min(count, 9223372036854775807 - ?6) + ?6";
    let (update, insert) = match table {
        Table::Names | Table::Addresses => (
            format!("UPDATE {} SET {add} WHERE value = ?1 AND host = ?3", table.name()),
            format!("INSERT INTO {} (value, host, first, last, count) VALUES (?1, ?3, ?4, ?5, ?6)", table.name()),
        ),
        Table::Pairs => (
            format!("UPDATE pairs SET {add} WHERE value = ?1 AND address = ?2 AND host = ?3"),
            "INSERT INTO pairs (value, address, host, first, last, count) VALUES (?1, ?2, ?3, ?4, ?5, ?6)".to_owned(),
        ),
    };
    Ok((table, transaction.prepare_cached(&update)?, transaction.prepare_cached(&insert)?))
}

fn keep_position(
    transaction: &Transaction<'_>,
    source: &SourceId,
    upto: u64,
    now: Timestamp,
) -> Result<(), ObservablesError> {
    let sql = "INSERT INTO sources (id, upto, seen) VALUES (?1, ?2, ?3) \
               ON CONFLICT (id) DO UPDATE SET upto = excluded.upto, seen = excluded.seen";
    transaction.prepare_cached(sql)?.execute(params![source.0, upto, now.as_microsecond()])?;
    Ok(())
}

/// Whether a batch is new; it is known from now on.
fn keep_batch(transaction: &Transaction<'_>, id: &str) -> Result<bool, ObservablesError> {
    if transaction.prepare_cached("INSERT OR IGNORE INTO batches (id) VALUES (?1)")?.execute([id])? == 0 {
        return Ok(false);
    }
    let oldest = transaction.last_insert_rowid() - MAX_BATCHES;
    transaction.prepare_cached("DELETE FROM batches WHERE number <= ?1")?.execute([oldest])?;
    Ok(true)
}

pub(super) fn keep_totals(
    transaction: &Transaction<'_>,
    rows: [u64; Table::ALL.len()],
) -> Result<(), ObservablesError> {
    let sql = "INSERT INTO totals (name, rows) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET rows = excluded.rows";
    let mut statement = transaction.prepare_cached(sql)?;
    for (table, rows) in Table::ALL.into_iter().zip(rows) {
        statement.execute(params![table.name(), rows])?;
    }
    Ok(())
}
