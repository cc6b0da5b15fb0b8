//! Sessions of browsers, and tokens of scripts and sensors. Kept as hashes: who reads the file can open none.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Row, params};
use serde::Serialize;

use super::{State, StateError, micros, time};

/// Tokens of one account at most.
pub const TOKENS: usize = 100;
/// Sessions of one account at most; with one more the least recently used ends.
pub const SESSIONS: usize = 50;

/// What a token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Purpose {
    /// Reading, with the rights of its account.
    Api,
    /// Sending events in, and nothing else.
    Sensor,
}

impl Purpose {
    fn name(self) -> &'static str {
        match self {
            Purpose::Api => "api",
            Purpose::Sensor => "sensor",
        }
    }

    fn of(name: &str) -> Purpose {
        if name == "sensor" { Purpose::Sensor } else { Purpose::Api }
    }
}

/// Who a session or token stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bearer {
    /// The account.
    pub account: String,
    /// What it is for; sessions are for reading.
    pub purpose: Purpose,
    /// A token's label.
    pub label: String,
}

/// A session as its owner may see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct SessionEntry {
    /// Of whom.
    pub account: String,
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    pub created: Timestamp,
    /// Last used.
    #[schema(value_type = String, format = DateTime)]
    pub used: Timestamp,
    /// Until when at most.
    #[schema(value_type = String, format = DateTime)]
    pub expires: Timestamp,
    /// From where it was opened.
    pub address: String,
}

/// A token as its owner may see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct TokenEntry {
    /// Number to name it by.
    pub id: i64,
    /// Whose rights it has.
    pub account: String,
    /// What it is for.
    pub purpose: Purpose,
    /// What its owner calls it; a sensor's name.
    pub label: String,
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    pub created: Timestamp,
    /// Last used.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub used: Option<Timestamp>,
    /// Until when.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires: Option<Timestamp>,
}

/// A token to be made.
#[derive(Clone, Debug)]
pub struct NewToken<'a> {
    /// SHA-256 of it.
    pub hash: &'a [u8; 32],
    /// Whose rights it has.
    pub account: &'a str,
    /// What it is for.
    pub purpose: Purpose,
    /// What its owner calls it.
    pub label: &'a str,
    /// Until when.
    pub expires: Option<Timestamp>,
}

fn token_entry(row: &Row<'_>) -> rusqlite::Result<TokenEntry> {
    let purpose: String = row.get(2)?;
    Ok(TokenEntry {
        id: row.get(0)?,
        account: row.get(1)?,
        purpose: Purpose::of(&purpose),
        label: row.get(3)?,
        created: time(row.get(4)?),
        used: row.get::<_, Option<i64>>(5)?.map(time),
        expires: row.get::<_, Option<i64>>(6)?.map(time),
    })
}

impl State {
    /// Keeps a new session.
    ///
    /// # Errors
    /// The database fails.
    pub fn add_session(&self, hash: &[u8; 32], session: &SessionEntry) -> Result<(), StateError> {
        let mut connection = self.connection();
        let transaction = connection.transaction()?;
        let SessionEntry { account, created, used, expires, address } = session;
        transaction.execute("DELETE FROM sessions WHERE expires <= ?1", [micros(*created)])?;
        transaction.execute(
            "DELETE FROM sessions WHERE token IN \
             (SELECT token FROM sessions WHERE account = ?1 ORDER BY used DESC LIMIT -1 OFFSET ?2)",
            params![account, SESSIONS - 1],
        )?;
        transaction.execute(
            "INSERT INTO sessions (token, account, created, used, expires, address) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![hash, account, micros(*created), micros(*used), micros(*expires), address],
        )?;
        Ok(transaction.commit()?)
    }

    /// The session with that hash, if it has not ended.
    ///
    /// # Errors
    /// The database fails.
    pub fn session(&self, hash: &[u8; 32], now: Timestamp) -> Result<Option<SessionEntry>, StateError> {
        let connection = self.connection();
        let mut statement = connection.prepare_cached(
            "SELECT account, created, used, expires, address FROM sessions WHERE token = ?1 AND expires > ?2",
        )?;
        Ok(statement.query_row(params![hash, micros(now)], session_entry).optional()?)
    }

    /// Says that a session was used.
    ///
    /// # Errors
    /// The database fails.
    pub fn touch_session(&self, hash: &[u8; 32], now: Timestamp) -> Result<(), StateError> {
        self.connection().execute("UPDATE sessions SET used = ?2 WHERE token = ?1", params![hash, micros(now)])?;
        Ok(())
    }

    /// Sessions of an account that have not ended, latest first.
    ///
    /// # Errors
    /// The database fails.
    pub fn sessions(&self, account: &str, now: Timestamp) -> Result<Vec<SessionEntry>, StateError> {
        let connection = self.connection();
        let mut statement = connection.prepare_cached(
            "SELECT account, created, used, expires, address FROM sessions WHERE account = ?1 AND expires > ?2 \
             ORDER BY used DESC",
        )?;
        Ok(statement.query_map(params![account, micros(now)], session_entry)?.collect::<Result<_, _>>()?)
    }

    /// Ends a session.
    ///
    /// # Errors
    /// The database fails.
    pub fn end_session(&self, hash: &[u8; 32]) -> Result<(), StateError> {
        self.connection().execute("DELETE FROM sessions WHERE token = ?1", params![hash])?;
        Ok(())
    }

    /// Ends all sessions of an account but one; says how many.
    ///
    /// # Errors
    /// The database fails.
    pub fn end_other_sessions(&self, account: &str, keep: Option<&[u8; 32]>) -> Result<usize, StateError> {
        let keep: &[u8] = keep.map_or(&[], |hash| hash.as_slice());
        let sql = "DELETE FROM sessions WHERE account = ?1 AND token <> ?2";
        Ok(self.connection().execute(sql, params![account, keep])?)
    }

    /// Keeps a new token; gives its number.
    ///
    /// # Errors
    /// The account has [`TOKENS`] already, or the database fails.
    pub fn add_token(&self, token: &NewToken<'_>, now: Timestamp) -> Result<i64, StateError> {
        let mut connection = self.connection();
        let transaction = connection.transaction()?;
        let held: usize =
            transaction.query_row("SELECT count(*) FROM tokens WHERE account = ?1", [token.account], |r| r.get(0))?;
        if held >= TOKENS {
            return Err(StateError::Limit { what: "tokens of one account", limit: TOKENS });
        }
        transaction.execute(
            "INSERT INTO tokens (token, account, purpose, label, created, expires) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![
                token.hash,
                token.account,
                token.purpose.name(),
                token.label,
                micros(now),
                token.expires.map(micros)
            ],
        )?;
        let id = transaction.last_insert_rowid();
        transaction.commit()?;
        Ok(id)
    }

    /// Who a token stands for, if it has not ended.
    ///
    /// # Errors
    /// The database fails.
    pub fn token(&self, hash: &[u8; 32], now: Timestamp) -> Result<Option<Bearer>, StateError> {
        let connection = self.connection();
        let mut statement = connection.prepare_cached(
            "SELECT account, purpose, label FROM tokens WHERE token = ?1 AND (expires IS NULL OR expires > ?2)",
        )?;
        let bearer = |row: &Row<'_>| {
            let purpose: String = row.get(1)?;
            Ok(Bearer { account: row.get(0)?, purpose: Purpose::of(&purpose), label: row.get(2)? })
        };
        Ok(statement.query_row(params![hash, micros(now)], bearer).optional()?)
    }

    /// Says that a token was used; written at most once a minute for each.
    ///
    /// # Errors
    /// The database fails.
    pub fn touch_token(&self, hash: &[u8; 32], now: Timestamp) -> Result<(), StateError> {
        const MINUTE: i64 = 60_000_000;
        let sql = "UPDATE tokens SET used = ?2 WHERE token = ?1 AND coalesce(used, 0) < ?2 - ?3";
        self.connection().prepare_cached(sql)?.execute(params![hash, micros(now), MINUTE])?;
        Ok(())
    }

    /// Tokens of an account, or of all, oldest first.
    ///
    /// # Errors
    /// The database fails.
    pub fn tokens(&self, account: Option<&str>) -> Result<Vec<TokenEntry>, StateError> {
        let connection = self.connection();
        let mut statement = connection.prepare_cached(
            "SELECT id, account, purpose, label, created, used, expires FROM tokens \
             WHERE ?1 IS NULL OR account = ?1 ORDER BY id",
        )?;
        Ok(statement.query_map([account], token_entry)?.collect::<Result<_, _>>()?)
    }

    /// Removes a token, of any account or only of that; says whether there was one.
    ///
    /// # Errors
    /// The database fails.
    pub fn remove_token(&self, id: i64, account: Option<&str>) -> Result<bool, StateError> {
        let sql = "DELETE FROM tokens WHERE id = ?1 AND (?2 IS NULL OR account = ?2)";
        Ok(self.connection().execute(sql, params![id, account])? > 0)
    }
}

fn session_entry(row: &Row<'_>) -> rusqlite::Result<SessionEntry> {
    Ok(SessionEntry {
        account: row.get(0)?,
        created: time(row.get(1)?),
        used: time(row.get(2)?),
        expires: time(row.get(3)?),
        address: row.get(4)?,
    })
}
