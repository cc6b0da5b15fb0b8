//! Opening and ending sessions.

use std::sync::PoisonError;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::accounts::DEFAULT_PASSWORD;
use super::password::{self, NoRandom, Verdict};
use super::syslog::Said;
use super::{Access, Credentials, Denied, From, Reader};
use crate::state::{Account, AuditEntry, SessionEntry, StateError};

/// A session ends after so long, used or not.
const LIFETIME: SignedDuration = SignedDuration::from_hours(14 * 24);

/// An opened session.
#[derive(Clone, Debug)]
pub struct Login {
    /// For the cookie; known to nobody else.
    pub token: String,
    /// Who it is.
    pub reader: Reader,
    /// The password is to be changed before anything else.
    pub must_change: bool,
    /// When it ends.
    pub expires: Timestamp,
}

/// Why no session was opened.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// Name or password are wrong; which of them is not said.
    #[error("wrong name or password")]
    Wrong,
    /// Too many failures.
    #[error("too many failures; wait {} seconds", .0.as_secs().max(1))]
    Wait(Duration),
    /// The default password on an address that others reach.
    #[error(
        "the default password works on loopback only; use the one-time password in the server's log, or `maltrail user passwd`"
    )]
    DefaultPassword,
    /// The account cannot be used.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The state cannot be read or written.
    #[error(transparent)]
    State(#[from] StateError),
    /// No random numbers.
    #[error(transparent)]
    Random(#[from] NoRandom),
}

impl Access {
    /// Opens a session. Takes about 20 ms of a core and 19 MiB: callers limit how many run at a time.
    ///
    /// # Errors
    /// Wrong name or password, too many failures, or the state fails.
    pub fn login(&self, name: &str, password: &str, from: From) -> Result<Login, LoginError> {
        let attempts = || self.attempts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(wait) = attempts().wait(name, from.address, from.now) {
            return Err(LoginError::Wait(wait));
        }
        let account = self.find(name)?;
        let hash = account.as_ref().map_or(self.decoy.as_str(), |account| &account.hash);
        let verdict = password::verify(password, hash);
        let Some(mut account) = account.filter(|_| verdict != Verdict::Wrong) else {
            attempts().failed(name, from.address, from.now);
            self.note(name, from, "login.failed")?;
            return Err(LoginError::Wrong);
        };
        let default = password == DEFAULT_PASSWORD;
        if default && self.policy.exposed {
            self.note(name, from, "login.refused")?;
            return Err(LoginError::DefaultPassword);
        }
        attempts().succeeded(name, from.address);
        if verdict == Verdict::Outdated || (default && !account.must_change) {
            account.hash = password::hash(password)?;
            account.must_change |= default;
            self.state.put_account(&account, true, from.now)?;
        }
        self.open(&account, from)
    }

    fn open(&self, account: &Account, from: From) -> Result<Login, LoginError> {
        let reader = self.reader_of(account)?;
        let (token, hash) = password::token("")?;
        let expires = from.now.saturating_add(LIFETIME).map_err(|_| NoRandom)?;
        let session = SessionEntry {
            account: account.name.clone(),
            created: from.now,
            used: from.now,
            expires,
            address: from.address.to_string(),
        };
        self.state.add_session(&hash, &session)?;
        self.note(&account.name, from, "login")?;
        Ok(Login { token, reader, must_change: account.must_change, expires })
    }

    /// Ends the session of a request; without one does nothing.
    ///
    /// # Errors
    /// The state cannot be written.
    pub fn logout(&self, credentials: &Credentials, from: From) -> Result<(), StateError> {
        let Credentials::Session(hash) = credentials else { return Ok(()) };
        if let Some(session) = self.state.session(hash, from.now)? {
            self.state.end_session(hash)?;
            self.note(&session.account, from, "logout")?;
        }
        Ok(())
    }

    /// To the log and to syslog.
    fn say(&self, said: Said<'_>) {
        let text = said.text();
        if said.failed {
            tracing::warn!(target: "auth", "{text}");
        } else {
            tracing::info!(target: "auth", "{text}");
        }
        if let Some(syslog) = &self.syslog {
            syslog.say(said);
        }
    }

    fn note(&self, who: &str, from: From, action: &'static str) -> Result<(), StateError> {
        let who: String = who.chars().take(64).collect();
        let failed = action != "login" && action != "logout";
        self.say(Said { action, failed, from: from.address, name: &who });
        let address = from.address.to_string();
        self.state.audit(&AuditEntry {
            id: 0,
            time: from.now,
            who,
            address,
            action: action.to_owned(),
            subject: String::new(),
            detail: String::new(),
        })
    }
}
