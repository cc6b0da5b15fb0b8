//! What analysts decided about threats: status, assignee, tags, notes, with their history.
//!
//! A change names the version its author saw; where another was faster the change is refused and shown what is there.
//! Every row carries the addresses of the threat, so that readers with a scope are shown only what they may see.

use std::net::IpAddr;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};

use super::{State, StateError, micros, time};
use crate::Scope;
use crate::condense::ThreatId;

/// Threats with triage at most.
pub const THREATS: usize = 1_000_000;
/// Tags of one threat at most.
pub const TAGS: usize = 32;
/// Notes of one threat at most.
pub const NOTES: usize = 1_000;
/// Entries of one threat's history that are kept.
const HISTORY: i64 = 1_000;

/// Where a threat stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Nobody looked at it yet.
    #[default]
    Open,
    /// Somebody does.
    Investigating,
    /// It was one, and is dealt with.
    Resolved,
    /// It is known and of no concern.
    Ignored,
    /// It never was one.
    False,
}

impl Status {
    const ALL: [Status; 5] = [Status::Open, Status::Investigating, Status::Resolved, Status::Ignored, Status::False];

    /// As it stands in the database and in the interface.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Status::Open => "open",
            Status::Investigating => "investigating",
            Status::Resolved => "resolved",
            Status::Ignored => "ignored",
            Status::False => "false",
        }
    }

    fn of(name: &str) -> Status {
        Status::ALL.into_iter().find(|status| status.name() == name).unwrap_or_default()
    }
}

/// What is decided about one threat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Triage {
    /// Id of the threat.
    pub threat: String,
    /// Where it stands.
    pub status: Status,
    /// Who looks at it; empty: nobody.
    pub assignee: String,
    /// Sorted, each once.
    pub tags: Vec<String>,
    /// Notes there are.
    pub notes: u32,
    /// Rises with each change; 0 where there was none yet.
    pub version: i64,
    /// When it was changed.
    #[schema(value_type = String, format = DateTime)]
    pub changed: Timestamp,
    /// Who changed it.
    pub author: String,
    #[serde(skip)]
    seen_by: Vec<IpAddr>,
}

/// A change. What is none stays.
#[derive(Clone, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// The version its author saw; none: whatever there is (bulk changes).
    pub version: Option<i64>,
    /// The new status.
    pub status: Option<Status>,
    /// The new assignee; empty: nobody.
    pub assignee: Option<String>,
    /// All tags it is to have.
    pub tags: Option<Vec<String>>,
    /// Tags to add.
    #[serde(default)]
    pub add_tags: Vec<String>,
    /// Tags to take away.
    #[serde(default)]
    pub remove_tags: Vec<String>,
    /// A note to add.
    pub note: Option<String>,
}

/// Who changes, and the addresses of the threat as they were seen.
#[derive(Clone, Debug)]
pub struct Witness<'a> {
    /// Name of the account.
    pub author: &'a str,
    /// Source and destinations of the threat.
    pub addresses: &'a [IpAddr],
}

/// A note.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Note {
    /// Ascending number.
    pub id: i64,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub time: Timestamp,
    /// Who.
    pub author: String,
    /// What.
    pub text: String,
}

/// One step of a history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Step {
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub time: Timestamp,
    /// Who.
    pub author: String,
    /// `status`, `assignee`, `tags`.
    pub field: String,
    /// What it was.
    pub before: String,
    /// What it became.
    pub after: String,
}

/// All there is about one threat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Dossier {
    /// What is decided.
    pub triage: Triage,
    /// Notes, oldest first.
    pub notes: Vec<Note>,
    /// What changed, latest first.
    pub steps: Vec<Step>,
}

/// What became of a change of something that others change too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome<T> {
    /// Done; as it is now.
    Done(T),
    /// Another was faster; as it is.
    Conflict(T),
    /// There is no such thing, or it is not the author's.
    Missing,
}

const COLUMNS: &str = "threat, status, assignee, tags, version, changed, author, seen_by, \
                       (SELECT count(*) FROM notes WHERE notes.threat = triage.threat)";

fn triage(row: &Row<'_>) -> rusqlite::Result<Triage> {
    let list = |text: String| serde_json::from_str(&text).unwrap_or_default();
    let addresses = |text: String| serde_json::from_str(&text).unwrap_or_default();
    Ok(Triage {
        threat: row.get(0)?,
        status: Status::of(&row.get::<_, String>(1)?),
        assignee: row.get(2)?,
        tags: list(row.get(3)?),
        version: row.get(4)?,
        changed: time(row.get(5)?),
        author: row.get(6)?,
        seen_by: addresses(row.get(7)?),
        notes: row.get(8)?,
    })
}

impl Triage {
    fn untouched(threat: ThreatId) -> Triage {
        Triage {
            threat: threat.to_string(),
            status: Status::Open,
            assignee: String::new(),
            tags: Vec::new(),
            notes: 0,
            version: 0,
            changed: Timestamp::UNIX_EPOCH,
            author: String::new(),
            seen_by: Vec::new(),
        }
    }

    fn visible(&self, scope: &Scope) -> bool {
        scope.is_everything() || self.seen_by.iter().any(|address| scope.contains(*address))
    }
}

impl State {
    /// Triage that changed since a time, oldest change first, at most `limit`, of what the scope may see.
    ///
    /// # Errors
    /// The database fails.
    pub fn triage_since(&self, since: Timestamp, scope: &Scope, limit: usize) -> Result<Vec<Triage>, StateError> {
        let connection = self.connection();
        let sql = format!("SELECT {COLUMNS} FROM triage WHERE changed > ?1 ORDER BY changed, threat");
        let mut statement = connection.prepare_cached(&sql)?;
        let mut found = Vec::new();
        for row in statement.query_map([micros(since)], triage)? {
            let row = row?;
            if row.visible(scope) {
                found.push(row);
                if found.len() == limit {
                    break;
                }
            }
        }
        Ok(found)
    }

    /// Triage, notes and history of one threat, if the scope may see them.
    ///
    /// # Errors
    /// The database fails.
    pub fn triage_of(&self, threat: ThreatId, scope: &Scope) -> Result<Option<Dossier>, StateError> {
        let connection = self.connection();
        let Some(row) = load(&connection, threat)?.filter(|row| row.visible(scope)) else { return Ok(None) };
        let name = &row.threat;
        let mut notes =
            connection.prepare_cached("SELECT id, time, author, text FROM notes WHERE threat = ?1 ORDER BY id")?;
        let notes = notes
            .query_map([name], |r| {
                Ok(Note { id: r.get(0)?, time: time(r.get(1)?), author: r.get(2)?, text: r.get(3)? })
            })?
            .collect::<Result<_, _>>()?;
        let mut steps = connection.prepare_cached(
            "SELECT time, author, field, before, after FROM triage_history WHERE threat = ?1 ORDER BY id DESC",
        )?;
        let steps = steps
            .query_map([name], |r| {
                let (author, field, before, after) = (r.get(1)?, r.get(2)?, r.get(3)?, r.get(4)?);
                Ok(Step { time: time(r.get(0)?), author, field, before, after })
            })?
            .collect::<Result<_, _>>()?;
        Ok(Some(Dossier { triage: row, notes, steps }))
    }

    /// Applies a change.
    ///
    /// # Errors
    /// A limit is reached, or the database fails.
    pub fn change_triage(
        &self,
        threat: ThreatId,
        change: &Change,
        witness: &Witness<'_>,
        now: Timestamp,
    ) -> Result<Outcome<Triage>, StateError> {
        let mut connection = self.connection();
        let transaction = connection.transaction()?;
        let held = load(&transaction, threat)?;
        let known = held.is_some();
        let before = held.unwrap_or_else(|| Triage::untouched(threat));
        if change.version.is_some_and(|version| version != before.version) {
            return Ok(Outcome::Conflict(before));
        }
        if !known {
            room(&transaction, "SELECT count(*) FROM triage", "threats with triage", THREATS)?;
        }
        let after = changed(&before, change, witness, now)?;
        write(&transaction, &after)?;
        let step = |field: &str, before: String, after: String| {
            if before == after {
                Ok(())
            } else {
                record(&transaction, threat, witness.author, now, [field, &before, &after])
            }
        };
        step("status", before.status.name().to_owned(), after.status.name().to_owned())?;
        step("assignee", before.assignee, after.assignee)?;
        step("tags", before.tags.join(" "), after.tags.join(" "))?;
        if let Some(text) = &change.note {
            add_note(&transaction, &after.threat, witness.author, text, now)?;
        }
        let written = load(&transaction, threat)?;
        transaction.commit()?;
        Ok(written.map_or(Outcome::Missing, Outcome::Done))
    }
}

fn load(connection: &Connection, threat: ThreatId) -> rusqlite::Result<Option<Triage>> {
    let sql = format!("SELECT {COLUMNS} FROM triage WHERE threat = ?1");
    connection.prepare_cached(&sql)?.query_row([threat.to_string()], triage).optional()
}

fn room(connection: &Connection, sql: &str, what: &'static str, limit: usize) -> Result<(), StateError> {
    let held: usize = connection.query_row(sql, [], |row| row.get(0))?;
    if held >= limit { Err(StateError::Limit { what, limit }) } else { Ok(()) }
}

fn changed(before: &Triage, change: &Change, witness: &Witness<'_>, now: Timestamp) -> Result<Triage, StateError> {
    let mut after = before.clone();
    after.status = change.status.unwrap_or(before.status);
    after.assignee = change.assignee.clone().unwrap_or_else(|| before.assignee.clone());
    if let Some(tags) = &change.tags {
        after.tags.clone_from(tags);
    }
    after.tags.extend(change.add_tags.iter().cloned());
    after.tags.retain(|tag| !change.remove_tags.contains(tag));
    after.tags.sort();
    after.tags.dedup();
    if after.tags.len() > TAGS {
        return Err(StateError::Limit { what: "tags of one threat", limit: TAGS });
    }
    after.version += 1;
    after.changed = now;
    after.author = witness.author.to_owned();
    after.seen_by.extend_from_slice(witness.addresses);
    after.seen_by.sort();
    after.seen_by.dedup();
    Ok(after)
}

fn write(connection: &Connection, row: &Triage) -> rusqlite::Result<()> {
    let json = |value: serde_json::Result<String>| value.unwrap_or_else(|_| "[]".to_owned());
    connection
        .prepare_cached(
            "INSERT INTO triage (threat, status, assignee, tags, version, changed, author, seen_by) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (threat) DO UPDATE SET status = excluded.status, \
             assignee = excluded.assignee, tags = excluded.tags, version = excluded.version, \
             changed = excluded.changed, author = excluded.author, seen_by = excluded.seen_by",
        )?
        .execute(params![
            row.threat,
            row.status.name(),
            row.assignee,
            json(serde_json::to_string(&row.tags)),
            row.version,
            micros(row.changed),
            row.author,
            json(serde_json::to_string(&row.seen_by)),
        ])
        .map(drop)
}

fn record(
    connection: &Connection,
    threat: ThreatId,
    author: &str,
    now: Timestamp,
    [field, before, after]: [&str; 3],
) -> rusqlite::Result<()> {
    let threat = threat.to_string();
    connection
        .prepare_cached(
            "INSERT INTO triage_history (threat, time, author, field, before, after) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![threat, micros(now), author, field, before, after])?;
    connection
        .prepare_cached(
            "DELETE FROM triage_history WHERE threat = ?1 AND id NOT IN \
             (SELECT id FROM triage_history WHERE threat = ?1 ORDER BY id DESC LIMIT ?2)",
        )?
        .execute(params![threat, HISTORY])
        .map(drop)
}

fn add_note(connection: &Connection, threat: &str, author: &str, text: &str, now: Timestamp) -> Result<(), StateError> {
    let held: usize =
        connection.query_row("SELECT count(*) FROM notes WHERE threat = ?1", [threat], |row| row.get(0))?;
    if held >= NOTES {
        return Err(StateError::Limit { what: "notes of one threat", limit: NOTES });
    }
    let sql = "INSERT INTO notes (threat, time, author, text) VALUES (?1, ?2, ?3, ?4)";
    connection.execute(sql, params![threat, micros(now), author, text])?;
    Ok(())
}
