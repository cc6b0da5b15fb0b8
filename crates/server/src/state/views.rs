//! Saved views: a query string of the page under a name, for oneself or for all.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Row, params};
use serde::Serialize;

use super::{Outcome, State, StateError, micros, time};

/// Views of one account at most.
pub const VIEWS: usize = 500;

/// One view.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct View {
    /// Number to name it by; 0 for a new one.
    pub id: i64,
    /// Who made it.
    pub owner: String,
    /// What it is called.
    pub name: String,
    /// The page's address behind `?`.
    pub query: String,
    /// Whether others see it.
    pub shared: bool,
    /// Rises with each change.
    pub version: i64,
    /// When it was changed.
    #[schema(value_type = String, format = DateTime)]
    pub changed: Timestamp,
}

const COLUMNS: &str = "id, owner, name, query, shared, version, changed";

fn view(row: &Row<'_>) -> rusqlite::Result<View> {
    Ok(View {
        id: row.get(0)?,
        owner: row.get(1)?,
        name: row.get(2)?,
        query: row.get(3)?,
        shared: row.get(4)?,
        version: row.get(5)?,
        changed: time(row.get(6)?),
    })
}

impl State {
    /// Views that someone may see: their own and the shared ones.
    ///
    /// # Errors
    /// The database fails.
    pub fn views(&self, account: &str) -> Result<Vec<View>, StateError> {
        let connection = self.connection();
        let sql = format!("SELECT {COLUMNS} FROM views WHERE owner = ?1 OR shared = 1 ORDER BY name, id");
        let mut statement = connection.prepare_cached(&sql)?;
        Ok(statement.query_map([account], view)?.collect::<Result<_, _>>()?)
    }

    /// Writes a view: a new one (`id` 0), or a change of its owner's to the version they saw.
    ///
    /// # Errors
    /// The owner has [`VIEWS`] already, or the database fails (also where the name is taken).
    pub fn put_view(&self, new: &View, now: Timestamp) -> Result<Outcome<View>, StateError> {
        let mut connection = self.connection();
        let transaction = connection.transaction()?;
        let View { id, owner, name, query, shared, version, .. } = new;
        let id = if *id == 0 {
            let sql = "SELECT count(*) FROM views WHERE owner = ?1";
            if transaction.query_row(sql, [owner], |r| r.get::<_, usize>(0))? >= VIEWS {
                return Err(StateError::Limit { what: "views of one account", limit: VIEWS });
            }
            let sql = "INSERT INTO views (owner, name, query, shared, version, changed) VALUES (?1, ?2, ?3, ?4, 1, ?5)";
            transaction.execute(sql, params![owner, name, query, shared, micros(now)])?;
            transaction.last_insert_rowid()
        } else {
            let sql = "UPDATE views SET name = ?3, query = ?4, shared = ?5, version = version + 1, changed = ?6 \
                       WHERE id = ?1 AND owner = ?2 AND version = ?7";
            let changed = transaction.execute(sql, params![id, owner, name, query, shared, micros(now), version])?;
            if changed == 0 {
                let sql = format!("SELECT {COLUMNS} FROM views WHERE id = ?1 AND owner = ?2");
                let current = transaction.query_row(&sql, params![id, owner], view).optional()?;
                return Ok(current.map_or(Outcome::Missing, Outcome::Conflict));
            }
            *id
        };
        let sql = format!("SELECT {COLUMNS} FROM views WHERE id = ?1");
        let written = transaction.query_row(&sql, [id], view)?;
        transaction.commit()?;
        Ok(Outcome::Done(written))
    }

    /// Removes a view of its owner; says whether there was one.
    ///
    /// # Errors
    /// The database fails.
    pub fn remove_view(&self, id: i64, owner: &str) -> Result<bool, StateError> {
        Ok(self.connection().execute("DELETE FROM views WHERE id = ?1 AND owner = ?2", params![id, owner])? > 0)
    }
}
