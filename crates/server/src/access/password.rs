//! Passwords and tokens: hashing, verifying, making.

use argon2::Argon2;
use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// Longest password that is accepted, in bytes.
pub const LONGEST: usize = 1024;
/// Shortest password that is accepted when one is set, in characters.
pub const SHORTEST: usize = 10;

/// The system gives no random numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the system gives no random numbers")]
pub struct NoRandom;

/// How a password compares with a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is another one.
    Wrong,
    /// It is the one.
    Right,
    /// It is the one, and the hash is of the old kind (SHA-256), to be replaced.
    Outdated,
}

/// Whether a text is a hash that [`verify`] understands: an Argon2id PHC string, or SHA-256 in hexadecimal digits.
#[must_use]
pub(super) fn is_hash(text: &str) -> bool {
    if text.starts_with("$argon2id$") {
        return PasswordHash::new(text).is_ok_and(|hash| hash.hash.is_some());
    }
    text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// Hashes a password with Argon2id (RFC 9106; 19 MiB, two passes: OWASP's least).
///
/// # Errors
/// The system gives no random numbers.
pub(super) fn hash(password: &str) -> Result<String, NoRandom> {
    let mut salt = [0; 16];
    getrandom::fill(&mut salt).map_err(|_| NoRandom)?;
    let salt = SaltString::encode_b64(&salt).map_err(|_| NoRandom)?;
    let hash = Argon2::default().hash_password(password.as_bytes(), &salt).map_err(|_| NoRandom)?;
    Ok(hash.to_string())
}

/// Compares a password with a hash. Takes as long for a wrong one as for the right one.
#[must_use]
pub(super) fn verify(password: &str, hash: &str) -> Verdict {
    if password.len() > LONGEST {
        return Verdict::Wrong;
    }
    if hash.starts_with('$') {
        let Ok(parsed) = PasswordHash::new(hash) else { return Verdict::Wrong };
        return match Argon2::default().verify_password(password.as_bytes(), &parsed) {
            Ok(()) => Verdict::Right,
            Err(_) => Verdict::Wrong,
        };
    }
    let given = hex(&digest(password.as_bytes()));
    let same: bool = given.as_bytes().ct_eq(hash.to_ascii_lowercase().as_bytes()).into();
    if same { Verdict::Outdated } else { Verdict::Wrong }
}

/// SHA-256.
#[must_use]
pub(super) fn digest(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// A new token of 32 random bytes behind a prefix that says what it is, and its hash.
///
/// # Errors
/// The system gives no random numbers.
pub(super) fn token(prefix: &str) -> Result<(String, [u8; 32]), NoRandom> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|_| NoRandom)?;
    let token = format!("{prefix}{}", hex(&bytes));
    let hash = digest(token.as_bytes());
    Ok((token, hash))
}

/// A password that a person can type: 20 letters and digits without those that look alike (about 98 bits).
///
/// # Errors
/// The system gives no random numbers.
pub(super) fn one_time() -> Result<String, NoRandom> {
    const LETTERS: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz23456789x";
    let mut bytes = [0; 20];
    getrandom::fill(&mut bytes).map_err(|_| NoRandom)?;
    let letter = |byte: &u8| char::from(LETTERS.get(usize::from(byte % 32)).copied().unwrap_or(b'x'));
    Ok(bytes.iter().map(letter).collect())
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn old_and_new_hashes() {
        let old = hex(&digest(b"secret of ten"));
        assert!(is_hash(&old));
        assert_eq!(verify("secret of ten", &old), Verdict::Outdated);
        assert_eq!(verify("secret of ten", &old.to_uppercase()), Verdict::Outdated);
        assert_eq!(verify(&old, &old), Verdict::Wrong, "a hash is never a password");
        let new = hash("secret of ten").unwrap();
        assert!(is_hash(&new) && new.starts_with("$argon2id$"));
        assert_eq!(verify("secret of ten", &new), Verdict::Right);
        assert_eq!(verify("secret of tem", &new), Verdict::Wrong);
        assert_ne!(new, hash("secret of ten").unwrap());
    }

    #[test]
    fn what_is_no_hash() {
        for text in ["", "secret", "$argon2id$", "$argon2id$v=19", &"g".repeat(64), &"a".repeat(63)] {
            assert!(!is_hash(text), "{text}");
            assert_eq!(verify("", text), Verdict::Wrong);
        }
        assert_eq!(verify(&"x".repeat(LONGEST + 1), &hex(&digest("x".repeat(LONGEST + 1).as_bytes()))), Verdict::Wrong);
    }

    #[test]
    fn tokens_differ_and_are_recognised_by_their_hash() {
        let (one, hash) = token("mt_").unwrap();
        assert_eq!(digest(one.as_bytes()), hash);
        assert_ne!(one, token("mt_").unwrap().0);
        assert_eq!(one_time().unwrap().len(), 20);
    }
}
