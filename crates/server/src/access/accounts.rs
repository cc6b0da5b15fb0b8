//! Managing accounts and tokens: by their owners, by administrators, and by `maltrail user`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::password::{self, LONGEST, NoRandom, SHORTEST, Verdict};
use super::{Access, Credentials, Denied, FIRST_READER, Reader, Role, Scope, ScopeError, SeedError, is_name};
use crate::state::{Account, NewToken, Purpose, StateError};

/// Name and password of the account that is there before anyone made one.
pub(super) const DEFAULT_ACCOUNT: &str = "admin";
pub(super) const DEFAULT_PASSWORD: &str = "changeme!";
/// Accounts at most.
pub const ACCOUNTS: usize = 10_000;

/// Why an account could not be changed.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// A line of the configuration file is none.
    #[error(transparent)]
    Seed(#[from] SeedError),
    /// The name cannot be used.
    #[error("a name has 1 to 64 characters, without spaces, colons, quotes, backslashes, <, > and &")]
    Name,
    /// The password cannot be used.
    #[error("a password has {SHORTEST} characters or more (at most {LONGEST} bytes), and is not the default one")]
    Password,
    /// The password that was given for a check is wrong.
    #[error("the current password is wrong")]
    Current,
    /// Networks that are none.
    #[error(transparent)]
    Scope(#[from] ScopeError),
    /// There is no such account.
    #[error("there is no account `{0}`")]
    Missing(String),
    /// There is one already.
    #[error("there is an account `{0}` already")]
    Exists(String),
    /// Nobody could manage accounts any more.
    #[error("`{0}` is the last administrator; make another one first")]
    LastAdministrator(String),
    /// The time for which a token is to be valid.
    #[error("the time until which it is valid has passed")]
    Expired,
    /// Not allowed.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The state fails.
    #[error(transparent)]
    State(#[from] StateError),
    /// No random numbers.
    #[error(transparent)]
    Random(#[from] NoRandom),
}

/// An account as administrators see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct AccountEntry {
    /// Its name.
    pub name: String,
    /// Below 1000: administrator.
    pub uid: u32,
    /// What it may do.
    pub role: Role,
    /// Addresses whose events it may see; empty: all.
    pub netfilter: String,
    /// Its password is to be changed at the next login.
    pub must_change: bool,
    /// It stands in the configuration file and was never changed here.
    pub from_file: bool,
}

/// A new account, or a change of one. What is none stays as it is (or at its default).
#[derive(Clone, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountChange {
    /// Password, to be changed by its owner at the first login.
    pub password: Option<String>,
    /// Below 1000: administrator. Default 1000.
    pub uid: Option<u32>,
    /// Addresses whose events it may see; empty: all.
    pub netfilter: Option<String>,
}

/// Something the operator must be told at the start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// There is only the default account with its default password.
    Default,
    /// A password that was made now and is shown once.
    OneTime {
        /// Of which account.
        name: String,
        /// The password.
        password: String,
    },
}

impl Access {
    /// Sees that somebody can log in and nobody with the default password from afar. Called once at the start.
    ///
    /// # Errors
    /// The state fails.
    pub fn prepare(&self, now: Timestamp) -> Result<Vec<Notice>, AccountError> {
        let mut notices = Vec::new();
        let accounts = self.all()?;
        if accounts.is_empty() && self.state.accounts()?.is_empty() {
            let name = DEFAULT_ACCOUNT.to_owned();
            let (netfilter, uid) = (String::new(), 0);
            let password = if self.policy.exposed { password::one_time()? } else { DEFAULT_PASSWORD.to_owned() };
            let hash = password::hash(&password)?;
            let account = Account { name, hash, uid, netfilter, must_change: true, removed: false };
            self.state.put_account(&account, false, now)?;
            notices.push(match self.policy.exposed {
                true => Notice::OneTime { name: account.name, password },
                false => Notice::Default,
            });
            return Ok(notices);
        }
        for (mut account, _) in accounts {
            // Only old hashes and passwords that are to be changed can be the default: others are checked when set.
            let old = !account.hash.starts_with('$');
            if !(old || account.must_change) || password::verify(DEFAULT_PASSWORD, &account.hash) == Verdict::Wrong {
                continue;
            }
            if !self.policy.exposed {
                notices.push(Notice::Default);
                continue;
            }
            let password = password::one_time()?;
            account.hash = password::hash(&password)?;
            account.must_change = true;
            self.state.put_account(&account, false, now)?;
            notices.push(Notice::OneTime { name: account.name, password });
        }
        Ok(notices)
    }

    /// Accounts that can log in, with whether each stands in the configuration file only.
    fn all(&self) -> Result<Vec<(Account, bool)>, StateError> {
        let held = self.state.accounts()?;
        let seeds = self.seeds.iter().filter(|seed| !held.iter().any(|account| account.name == seed.name));
        let mut all: Vec<_> = seeds.map(|seed| (seed.clone(), true)).collect();
        all.extend(held.into_iter().filter(|account| !account.removed).map(|account| (account, false)));
        all.sort_by(|a, b| a.0.name.cmp(&b.0.name));
        Ok(all)
    }

    /// All accounts that can log in, by name.
    ///
    /// # Errors
    /// The state fails.
    pub fn accounts(&self) -> Result<Vec<AccountEntry>, StateError> {
        Ok(self.all()?.into_iter().map(|(account, from_file)| entry(account, from_file)).collect())
    }

    /// Makes an account. Without a password one is made and given back, once.
    ///
    /// # Errors
    /// Name, password or networks cannot be used, the name is taken, or the state fails.
    pub fn add_account(
        &self,
        name: &str,
        change: &AccountChange,
        now: Timestamp,
    ) -> Result<Option<String>, AccountError> {
        if !is_name(name) {
            return Err(AccountError::Name);
        }
        if self.find(name)?.is_some() {
            return Err(AccountError::Exists(name.to_owned()));
        }
        if self.state.accounts()?.len() >= ACCOUNTS {
            return Err(StateError::Limit { what: "accounts", limit: ACCOUNTS }.into());
        }
        let (password, made) = match &change.password {
            Some(password) => (acceptable(password)?.to_owned(), None),
            None => password::one_time().map(|password| (password.clone(), Some(password)))?,
        };
        let netfilter = change.netfilter.clone().unwrap_or_default();
        Scope::parse(&netfilter)?;
        let hash = password::hash(&password)?;
        let uid = change.uid.unwrap_or(FIRST_READER);
        let account = Account { name: name.to_owned(), hash, uid, netfilter, must_change: true, removed: false };
        self.state.put_account(&account, false, now)?;
        Ok(made)
    }

    /// Changes an account for its owner. A new password is to be changed at the next login, and ends its sessions.
    ///
    /// # Errors
    /// There is none, a value cannot be used, nobody could manage accounts any more, or the state fails.
    pub fn change_account(&self, name: &str, change: &AccountChange, now: Timestamp) -> Result<(), AccountError> {
        let mut account = self.find(name)?.ok_or_else(|| AccountError::Missing(name.to_owned()))?;
        if let Some(netfilter) = &change.netfilter {
            Scope::parse(netfilter)?;
            account.netfilter.clone_from(netfilter);
        }
        if let Some(uid) = change.uid {
            if uid >= FIRST_READER {
                self.another_administrator(name)?;
            }
            account.uid = uid;
        }
        if let Some(password) = &change.password {
            account.hash = password::hash(acceptable(password)?)?;
            account.must_change = true;
        }
        Ok(self.state.put_account(&account, change.password.is_none(), now)?)
    }

    /// Gives an account a new password that is shown once and is to be changed at the next login.
    ///
    /// # Errors
    /// There is none, or the state fails.
    pub fn reset_password(&self, name: &str, now: Timestamp) -> Result<String, AccountError> {
        let password = password::one_time()?;
        let change = AccountChange { password: Some(password.clone()), ..AccountChange::default() };
        self.change_account(name, &change, now)?;
        Ok(password)
    }

    /// Removes an account with its sessions and tokens. One of the configuration file stays removed.
    ///
    /// # Errors
    /// There is none, it is the last administrator, or the state fails.
    pub fn remove_account(&self, name: &str, now: Timestamp) -> Result<(), AccountError> {
        let mut account = self.find(name)?.ok_or_else(|| AccountError::Missing(name.to_owned()))?;
        self.another_administrator(name)?;
        account.removed = true;
        account.hash = String::new();
        Ok(self.state.put_account(&account, false, now)?)
    }

    fn another_administrator(&self, name: &str) -> Result<(), AccountError> {
        let all = self.all()?;
        let mut others = all.iter().filter(|(account, _)| account.name != name && account.uid < FIRST_READER);
        let is_one = all.iter().any(|(account, _)| account.name == name && account.uid < FIRST_READER);
        if is_one && others.next().is_none() {
            return Err(AccountError::LastAdministrator(name.to_owned()));
        }
        Ok(())
    }

    /// Changes one's own password; other sessions of the account end.
    ///
    /// # Errors
    /// The current one is wrong, the new one cannot be used, or the state fails.
    pub fn change_own_password(
        &self,
        reader: &Reader,
        session: &Credentials,
        [current, new]: [&str; 2],
        now: Timestamp,
    ) -> Result<(), AccountError> {
        let mut account = self.find(&reader.name)?.ok_or_else(|| AccountError::Missing(reader.name.clone()))?;
        if password::verify(current, &account.hash) == Verdict::Wrong {
            return Err(AccountError::Current);
        }
        if new == current {
            return Err(AccountError::Password);
        }
        account.hash = password::hash(acceptable(new)?)?;
        account.must_change = false;
        self.state.put_account(&account, true, now)?;
        let keep = if let Credentials::Session(hash) = session { Some(hash) } else { None };
        self.state.end_other_sessions(&reader.name, keep)?;
        Ok(())
    }

    /// Makes a token with the rights of an account, or for a sensor. Given back once.
    ///
    /// # Errors
    /// Too many, a time that has passed, or the state fails.
    pub fn make_token(
        &self,
        account: &str,
        purpose: Purpose,
        (label, expires): (&str, Option<Timestamp>),
        now: Timestamp,
    ) -> Result<(i64, String), AccountError> {
        if expires.is_some_and(|expires| expires <= now) {
            return Err(AccountError::Expired);
        }
        if label.is_empty() || label.chars().count() > 64 || label.chars().any(char::is_control) {
            return Err(AccountError::Name);
        }
        let prefix = if purpose == Purpose::Sensor { "mts_" } else { "mta_" };
        let (token, hash) = password::token(prefix)?;
        let id = self.state.add_token(&NewToken { hash: &hash, account, purpose, label, expires }, now)?;
        Ok((id, token))
    }
}

fn entry(account: Account, from_file: bool) -> AccountEntry {
    let role = if account.uid < FIRST_READER { Role::Administrator } else { Role::Reader };
    let Account { name, uid, netfilter, must_change, .. } = account;
    AccountEntry { name, uid, role, netfilter, must_change, from_file }
}

fn acceptable(password: &str) -> Result<&str, AccountError> {
    let long = password.chars().count() >= SHORTEST && password.len() <= LONGEST;
    if long && password != DEFAULT_PASSWORD { Ok(password) } else { Err(AccountError::Password) }
}
