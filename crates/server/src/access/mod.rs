//! Who may see what: accounts, sessions, tokens, roles, and the networks a user is limited to.
//!
//! [`Access`] answers the two questions of every request: who asks ([`Access::reader`]), and may a sensor send
//! ([`Access::sensor`]). Accounts are those of `USERS` in the configuration file, overruled by name by those in the
//! database.

mod accounts;
mod attempts;
mod credentials;
mod login;
mod password;
mod scope;
mod seed;
mod syslog;
#[cfg(test)]
mod tests;

use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use jiff::Timestamp;

pub use accounts::{ACCOUNTS, AccountChange, AccountEntry, AccountError, Notice};
pub(crate) use attempts::network;
pub use credentials::{Credentials, SESSION_COOKIE};
pub use login::{Login, LoginError};
pub use password::{LONGEST as LONGEST_PASSWORD, NoRandom, SHORTEST as SHORTEST_PASSWORD};
pub(crate) use scope::is_custom;
pub use scope::{HIDDEN, Scope, ScopeError};
pub use seed::{SeedError, is_name};
pub use syslog::Syslog;

use crate::state::{Account, Purpose, SessionEntry, State, StateError};
use attempts::Attempts;

/// Accounts with a smaller uid are administrators.
const FIRST_READER: u32 = 1000;
/// A session that is not used for so long ends, in seconds.
const IDLE_SECONDS: i64 = 24 * 3600;

/// What someone may do.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Looks, and does triage (uid of 1000 and above).
    Reader,
    /// Also manages accounts, tokens and rules (uid below 1000).
    Administrator,
}

/// Someone whose request was authenticated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reader {
    /// Name of the account.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// Whose events they may see.
    pub scope: Scope,
    /// Whether trail and info of custom trails are hidden from them.
    pub masked: bool,
}

/// Why a request is not answered.
#[derive(Debug, thiserror::Error)]
pub enum Denied {
    /// It came without a session or token, or with one that has ended.
    #[error("log in first, or send an API token (Authorization: Bearer ...)")]
    Unknown,
    /// The password is to be changed first.
    #[error("change the password first: it was given by somebody else")]
    PasswordChange,
    /// What was sent is for something else: a sensor's token reads nothing, others send nothing.
    #[error("this token is for {0}")]
    Purpose(&'static str),
    /// It needs an administrator.
    #[error("only administrators may do that")]
    Role,
    /// The state cannot be read.
    #[error(transparent)]
    State(#[from] StateError),
}

/// What was decided when the server was set up.
#[derive(Clone, Copy, Debug, Default)]
pub struct Policy {
    /// Reachable from other machines: the default password is refused.
    pub exposed: bool,
    /// `ENABLE_MASK_CUSTOM`.
    pub mask_custom: bool,
}

/// Accounts and what was opened with them.
pub struct Access {
    state: Arc<State>,
    seeds: Vec<Account>,
    policy: Policy,
    attempts: Mutex<Attempts>,
    syslog: Option<Syslog>,
    /// A hash that no password has: unknown names take as long as known ones.
    decoy: String,
}

impl Access {
    /// With the lines of `USERS`.
    ///
    /// # Errors
    /// A line is no account, or the system gives no random numbers.
    pub fn new(state: Arc<State>, users: &[String], policy: Policy) -> Result<Access, AccountError> {
        let seeds = users.iter().map(|line| seed::parse(line)).collect::<Result<Vec<_>, _>>()?;
        let decoy = password::hash(&password::one_time()?)?;
        Ok(Access { state, seeds, policy, attempts: Mutex::default(), syslog: None, decoy })
    }

    /// The same, which tells the syslog of logins.
    #[must_use]
    pub fn telling(self, syslog: Syslog) -> Access {
        Access { syslog: Some(syslog), ..self }
    }

    /// Who asks. With `must_change` an account whose password is to be changed is let in too: for the paths that
    /// change it.
    ///
    /// # Errors
    /// Nobody known, somebody who must do something else first, or the state cannot be read.
    pub fn reader(&self, credentials: &Credentials, must_change: bool, now: Timestamp) -> Result<Reader, Denied> {
        let name = match credentials {
            Credentials::None => return Err(Denied::Unknown),
            Credentials::Session(hash) => self.session(hash, now)?.account,
            Credentials::Token(hash) => {
                let bearer = self.state.token(hash, now)?.ok_or(Denied::Unknown)?;
                if bearer.purpose != Purpose::Api {
                    return Err(Denied::Purpose("sensors that send events"));
                }
                noted(self.state.touch_token(hash, now));
                bearer.account
            }
        };
        let account = self.find(&name)?.ok_or(Denied::Unknown)?;
        if account.must_change && !must_change {
            return Err(Denied::PasswordChange);
        }
        self.reader_of(&account)
    }

    /// Name of the sensor that sends.
    ///
    /// # Errors
    /// No token, one that has ended or is for something else, or the state cannot be read.
    pub fn sensor(&self, credentials: &Credentials, now: Timestamp) -> Result<String, Denied> {
        let Credentials::Token(hash) = credentials else { return Err(Denied::Unknown) };
        let bearer = self.state.token(hash, now)?.ok_or(Denied::Unknown)?;
        if bearer.purpose != Purpose::Sensor {
            return Err(Denied::Purpose("reading"));
        }
        noted(self.state.touch_token(hash, now));
        Ok(bearer.label)
    }

    fn session(&self, hash: &[u8; 32], now: Timestamp) -> Result<SessionEntry, Denied> {
        const MINUTE: i64 = 60;
        let session = self.state.session(hash, now)?.ok_or(Denied::Unknown)?;
        let idle = now.as_second() - session.used.as_second();
        if idle > IDLE_SECONDS {
            self.state.end_session(hash)?;
            return Err(Denied::Unknown);
        }
        if idle >= MINUTE {
            noted(self.state.touch_session(hash, now));
        }
        Ok(session)
    }

    fn reader_of(&self, account: &Account) -> Result<Reader, Denied> {
        let role = if account.uid < FIRST_READER { Role::Administrator } else { Role::Reader };
        // Netfilters were checked when they were written; one that cannot be read shows nothing at all.
        let scope = Scope::parse(&account.netfilter).map_err(|_| Denied::Role)?;
        let masked = self.policy.mask_custom && role == Role::Reader;
        Ok(Reader { name: account.name.clone(), role, scope, masked })
    }

    /// The account of that name, of the database before that of the configuration file.
    fn find(&self, name: &str) -> Result<Option<Account>, StateError> {
        let held = self.state.account(name)?;
        let account = held.or_else(|| self.seeds.iter().find(|seed| seed.name == name).cloned());
        Ok(account.filter(|account| !account.removed))
    }

    /// Where the state is.
    #[must_use]
    pub fn state(&self) -> &Arc<State> {
        &self.state
    }
}

impl Reader {
    /// That they are an administrator.
    ///
    /// # Errors
    /// They are none.
    pub fn must_be(&self, role: Role) -> Result<(), Denied> {
        if self.role >= role { Ok(()) } else { Err(Denied::Role) }
    }

    /// What they may see of events: their networks, without custom trails where these are hidden from them. This, not
    /// `scope` alone, is what a store is asked with.
    #[must_use]
    pub fn view(&self) -> Scope {
        self.scope.clone().masking(self.masked)
    }
}

/// Address and time of a request.
#[derive(Clone, Copy, Debug)]
pub struct From {
    /// Who sent it, as far as it can be told.
    pub address: IpAddr,
    /// When.
    pub now: Timestamp,
}

/// When something was used last is good to know. Where it cannot be written (a full disk) nobody is shut out for that.
fn noted(written: Result<(), StateError>) {
    if let Err(error) = written {
        tracing::warn!("the time of the last use cannot be kept: {error}");
    }
}
