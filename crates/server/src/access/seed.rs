//! Accounts of the configuration file: lines `name:hash:uid:netfilter`. Read only; what the database holds wins.

use crate::access::{Scope, password};
use crate::state::Account;

/// Why a line is no account.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("USERS: {what} in the line of `{name}`; write name:hash:uid:networks")]
pub struct SeedError {
    /// Whose line.
    pub name: String,
    /// What is wrong.
    pub what: &'static str,
}

/// Reads one line. The netfilter may hold colons (IPv6).
///
/// # Errors
/// It is no account.
pub(super) fn parse(line: &str) -> Result<Account, SeedError> {
    let mut parts = line.splitn(4, ':').map(str::trim);
    let name = parts.next().unwrap_or_default().to_owned();
    let fail = |what| SeedError { name: name.clone(), what };
    if !is_name(&name) {
        return Err(fail("no usable name"));
    }
    let hash = parts.next().unwrap_or_default();
    if !password::is_hash(hash) {
        return Err(fail("no hash of a password"));
    }
    let uid = parts.next().unwrap_or_default().parse().map_err(|_| fail("no number of the user"))?;
    let netfilter = parts.next().unwrap_or_default().to_owned();
    Scope::parse(&netfilter).map_err(|_| fail("no list of networks"))?;
    Ok(Account { name, hash: hash.to_owned(), uid, netfilter, must_change: false, removed: false })
}

/// Whether a text can name an account: 1 to 64 characters, none of them a control character, a space or a colon.
#[must_use]
pub fn is_name(text: &str) -> bool {
    (1..=64).contains(&text.chars().count())
        && !text.chars().any(|c| c.is_control() || c.is_whitespace() || matches!(c, ':' | '"' | '\\' | '<' | '>' | '&'))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn lines() {
        let hash = "a".repeat(64);
        let account = parse(&format!("anna:{hash}:1000:10.0.0.0/8,fd00::/8")).unwrap();
        assert_eq!((account.name.as_str(), account.uid), ("anna", 1000));
        assert_eq!(account.netfilter, "10.0.0.0/8,fd00::/8");
        assert!(parse(&format!("anna:{hash}:0:")).unwrap().netfilter.is_empty());
        for (line, what) in [
            (format!(":{hash}:0:"), "no usable name"),
            ("anna:secret:0:".to_owned(), "no hash of a password"),
            (format!("anna:{hash}:x:"), "no number of the user"),
            (format!("anna:{hash}:0:10.0.0.0/99"), "no list of networks"),
        ] {
            assert_eq!(parse(&line).unwrap_err().what, what, "{line}");
        }
    }
}
