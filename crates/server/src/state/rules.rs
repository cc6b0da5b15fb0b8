//! Rules that keep events from being shown as threats. Kept here as text; what they mean is decided where they are
//! applied.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Row, params};
use serde::Serialize;

use super::{Outcome, State, StateError, micros, time};

/// Rules at most.
pub const RULES: usize = 10_000;

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Rule {
    /// Number to name it by.
    pub id: i64,
    /// The rule.
    pub rule: String,
    /// Why there is one.
    pub comment: String,
    /// Who changed it last.
    pub author: String,
    /// Whether it is applied.
    pub enabled: bool,
    /// Until when.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires: Option<Timestamp>,
    /// Rises with each change.
    pub version: i64,
    /// When it was changed.
    #[schema(value_type = String, format = DateTime)]
    pub changed: Timestamp,
}

/// A rule to be written: a new one (`id` 0), or a change to the version its author saw.
#[derive(Clone, Debug)]
pub struct RuleChange<'a> {
    /// Number; 0 for a new one.
    pub id: i64,
    /// The version that was seen.
    pub version: i64,
    /// The rule.
    pub rule: &'a str,
    /// Why there is one.
    pub comment: &'a str,
    /// Who writes it.
    pub author: &'a str,
    /// Whether it is applied.
    pub enabled: bool,
    /// Until when.
    pub expires: Option<Timestamp>,
}

const COLUMNS: &str = "id, rule, comment, author, enabled, expires, version, changed";

fn rule(row: &Row<'_>) -> rusqlite::Result<Rule> {
    Ok(Rule {
        id: row.get(0)?,
        rule: row.get(1)?,
        comment: row.get(2)?,
        author: row.get(3)?,
        enabled: row.get(4)?,
        expires: row.get::<_, Option<i64>>(5)?.map(time),
        version: row.get(6)?,
        changed: time(row.get(7)?),
    })
}

impl State {
    /// All rules, oldest first.
    ///
    /// # Errors
    /// The database fails.
    pub fn rules(&self) -> Result<Vec<Rule>, StateError> {
        let connection = self.connection();
        let mut statement = connection.prepare_cached(&format!("SELECT {COLUMNS} FROM rules ORDER BY id"))?;
        Ok(statement.query_map([], rule)?.collect::<Result<_, _>>()?)
    }

    /// Writes a rule.
    ///
    /// # Errors
    /// There are [`RULES`] already, or the database fails.
    pub fn put_rule(&self, new: &RuleChange<'_>, now: Timestamp) -> Result<Outcome<Rule>, StateError> {
        let mut connection = self.connection();
        let transaction = connection.transaction()?;
        let expires = new.expires.map(micros);
        let id = if new.id == 0 {
            if transaction.query_row("SELECT count(*) FROM rules", [], |r| r.get::<_, usize>(0))? >= RULES {
                return Err(StateError::Limit { what: "rules", limit: RULES });
            }
            transaction.execute(
                "INSERT INTO rules (rule, comment, author, enabled, expires, version, changed) \
                 VALUES (?1, ?2, ?3, ?4, ?5, 1, ?6)",
                params![new.rule, new.comment, new.author, new.enabled, expires, micros(now)],
            )?;
            transaction.last_insert_rowid()
        } else {
            let changed = transaction.execute(
                "UPDATE rules SET rule = ?2, comment = ?3, author = ?4, enabled = ?5, expires = ?6, \
                 version = version + 1, changed = ?7 WHERE id = ?1 AND version = ?8",
                params![new.id, new.rule, new.comment, new.author, new.enabled, expires, micros(now), new.version],
            )?;
            if changed == 0 {
                let sql = format!("SELECT {COLUMNS} FROM rules WHERE id = ?1");
                let current = transaction.query_row(&sql, [new.id], rule).optional()?;
                return Ok(current.map_or(Outcome::Missing, Outcome::Conflict));
            }
            new.id
        };
        let written = transaction.query_row(&format!("SELECT {COLUMNS} FROM rules WHERE id = ?1"), [id], rule)?;
        transaction.commit()?;
        Ok(Outcome::Done(written))
    }

    /// Removes a rule; says whether there was one.
    ///
    /// # Errors
    /// The database fails.
    pub fn remove_rule(&self, id: i64) -> Result<bool, StateError> {
        Ok(self.connection().execute("DELETE FROM rules WHERE id = ?1", [id])? > 0)
    }
}
