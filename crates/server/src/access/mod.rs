//! Who may see what: accounts, sessions, tokens, roles, and the networks a user is limited to.

mod scope;

pub use scope::{HIDDEN, Scope, ScopeError};

/// What someone may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Looks only (uid of 1000 and above).
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

impl Reader {
    /// What they may see of events: their networks, without custom trails where these are hidden from them. This, not
    /// `scope` alone, is what a store is asked with.
    #[must_use]
    pub fn view(&self) -> Scope {
        self.scope.clone().masking(self.masked)
    }
}
